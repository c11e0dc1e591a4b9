/* What every answer to an Influx client has: the headers that name a version, and for refusals the
 * body that the clients of InfluxDB 1, 2 and 3 read, which is not a problem.
 *
 *   1: {"error":"..."}, the same text in X-Influxdb-Error
 *   2: {"code":"invalid","message":"...","line":7}
 *   3: {"error":"..."}
 *
 * These clients give a batch up after any 4xx but 401, 403 and 413: what means "later" is 503. */
#ifndef WEIR_HANDLERS_INFLUX_SHAPE_H
#define WEIR_HANDLERS_INFLUX_SHAPE_H

#include "http/route.h"

/* influxdb-java and others refuse a server that does not say which version it is. */
#define INFLUX_VERSION "1.8.10-weir"

/* Adds X-Influxdb-Version and X-Influxdb-Build; before reply_*(). */
void influx_headers(struct request *request);

unsigned influx_status(enum code code);
void influx_1_print(struct request *request, const struct error *err, struct bytes extra,
                    struct buf *body);
void influx_2_print(struct request *request, const struct error *err, struct bytes extra,
                    struct buf *body);
void influx_3_print(struct request *request, const struct error *err, struct bytes extra,
                    struct buf *body);

#endif
