/* What the HTTP server counts.  Any thread. */
#ifndef WEIR_HTTP_METER_H
#define WEIR_HTTP_METER_H

#include "base/metric.h"
#include "http/route.h"

struct meter_route;

struct meter {
    struct metrics *metrics; /* borrowed */
    const struct route *routes;
    struct meter_route *by_route; /* one a route, and the last for requests that found none */
    size_t route_count;
    struct metric *bytes_in, *bytes_out, *connections, *parked, *waiting;
    _Atomic(struct metric *) refusals[CODE_COUNT];
};

MUST_USE enum code meter_init(struct meter *meter, struct metrics *metrics,
                              const struct route *routes, size_t count, struct error *err);
void meter_release(struct meter *meter);
/* A request is over; `route` may be NULL; status 0 = the connection was cut without an answer. */
void meter_request(struct meter *meter, const struct route *route, unsigned status,
                   int64_t duration_ns, uint64_t bytes_in, uint64_t bytes_out);
/* A problem was answered. */
void meter_refusal(struct meter *meter, enum code code);

#endif
