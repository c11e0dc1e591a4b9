/* The names of the machine's tz database, for error texts. */
#ifndef WEIR_BASE_ZONE_NAMES_H
#define WEIR_BASE_ZONE_NAMES_H

#include "base/bytes.h"

enum { ZONE_NAME_SIZE = 65 };

/* The zone that a misspelt one was probably meant to be, NUL-terminated; a city alone will do.
 * False when none is near, or the list cannot be read.  Reads a file of some 20 KiB. */
bool zone_nearest(struct bytes name, char near[ZONE_NAME_SIZE]);

#endif
