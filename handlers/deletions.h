/* DELETE /v1/points. */
#ifndef WEIR_HANDLERS_DELETIONS_H
#define WEIR_HANDLERS_DELETIONS_H

#include "http/route.h"

extern const struct handler deletion_handler;
extern const char *const deletion_parameter_names[];

#endif
