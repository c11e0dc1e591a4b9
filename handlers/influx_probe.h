/* What Influx clients ask before they write: GET /ping, /health and /ready; and the routes of
 * InfluxDB 2 that there are none of here, which say so. */
#ifndef WEIR_HANDLERS_INFLUX_PROBE_H
#define WEIR_HANDLERS_INFLUX_PROBE_H

#include "http/route.h"

extern const struct handler influx_ping_handler, influx_health_handler, influx_ready_handler,
    influx_none_handler;
extern const char *const influx_ping_names[], *const influx_none_names[];

#endif
