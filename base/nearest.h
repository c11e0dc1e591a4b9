/* The known name that a misspelt one was probably meant to be, for error texts. */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

#include "base/bytes.h"

/* `names` is NULL-terminated and may be NULL.  NULL when nothing is near: more than a third of the
 * letters would have to change (at least one may).  Names above 64 bytes are near nothing. */
const char *nearest_name(struct bytes name, const char *const *names);
/* Letters to insert, drop, change or swap with their neighbour, case ignored; SIZE_MAX when one of
 * them is above 64 bytes. */
size_t nearest_distance(struct bytes a, struct bytes b);

#endif
