/* What operators ask: health, readiness, metrics, the API's description, flush, compact. */
#ifndef WEIR_HANDLERS_OPERATIONS_H
#define WEIR_HANDLERS_OPERATIONS_H

#include "http/route.h"

extern const struct handler healthz_handler, readyz_handler, metrics_handler, openapi_handler,
    errors_handler, flush_handler, compact_handler;

#endif
