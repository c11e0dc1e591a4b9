/* POST /write, /api/v2/write and /api/v3/write_lp: line protocol as clients of InfluxDB 1, 2 and 3
 * send it.  204 = all of it is on disk and visible.  Bad lines are left out and told by 400, or
 * with accept_partial=false nothing is stored. */
#ifndef WEIR_HANDLERS_INFLUX_WRITE_H
#define WEIR_HANDLERS_INFLUX_WRITE_H

#include "http/route.h"

extern const struct handler influx_1_write_handler, influx_2_write_handler, influx_3_write_handler;
extern const char *const influx_1_write_names[], *const influx_write_names[];

#endif
