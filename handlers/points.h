/* POST /v1/points. */
#ifndef WEIR_HANDLERS_POINTS_H
#define WEIR_HANDLERS_POINTS_H

#include "http/route.h"

extern const struct handler points_handler;
extern const char *const points_parameter_names[];

#endif
