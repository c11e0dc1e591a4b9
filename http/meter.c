/* The handles of (route, status) and of refusals are found once, when they first happen, and kept
 * in arrays: a registry look-up takes a lock. Two threads may both find one; they find the same. */
#include "http/meter.h"

#include <stdlib.h>

enum { STATUS_FIRST = 200, STATUS_END = 600, LABELS_SIZE = 256 };

struct meter_route {
    struct metric *seconds;
    _Atomic(struct metric *) cut;
    _Atomic(struct metric *) by_status[STATUS_END - STATUS_FIRST];
};

/* route="POST /v1/points" */
static void put_route(struct buf *labels, const struct route *route)
{
    static const char *const methods[METHOD_COUNT] = {"GET", "POST", "PUT", "DELETE"};
    char text[LABELS_SIZE];
    struct buf name = BUF_INIT(LABELS_SIZE);

    if (route == NULL) {
        metric_label(labels, "route", BYTES("none"));
        return;
    }
    buf_printf(&name, "%s %s", methods[route->method], route->path);
    if (!name.failed && name.size < sizeof(text))
        metric_label(labels, "route", buf_bytes(&name));
    buf_release(&name);
}

static struct metric *find(struct meter *meter, const char *name, const char *help,
                           enum metric_kind kind, struct buf *labels)
{
    struct metric *metric = NULL;

    buf_put_char(labels, '\0');
    if (!labels->failed)
        metric = metrics_get(meter->metrics, name, help, kind, labels->data);
    buf_release(labels);
    return metric;
}

enum code meter_init(struct meter *meter, struct metrics *metrics, const struct route *routes,
                     size_t count, struct error *err)
{
    struct meter_route *by_route = calloc(count + 1, sizeof(*by_route));

    if (by_route == NULL)
        return error_set(err, E_MEMORY, "no memory for the metrics of %zu routes", count);
    *meter = (struct meter){.metrics = metrics, .routes = routes, .route_count = count};
    meter->by_route = by_route;
    for (size_t i = 0; i <= count; i++) {
        struct buf labels = BUF_INIT(LABELS_SIZE);

        put_route(&labels, i == count ? NULL : &routes[i]);
        meter->by_route[i].seconds =
            find(meter, "weir_http_request_seconds",
                 "Time from a request's first line to the end of its answer.", METRIC_HISTOGRAM,
                 &labels);
    }
    meter->bytes_in =
        metrics_get(metrics, "weir_http_bytes_total", "Body bytes as they were on the wire.",
                    METRIC_COUNTER, "direction=\"in\"");
    meter->bytes_out =
        metrics_get(metrics, "weir_http_bytes_total", "Body bytes as they were on the wire.",
                    METRIC_COUNTER, "direction=\"out\"");
    meter->connections =
        metrics_get(metrics, "weir_http_connections", "Open connections.", METRIC_GAUGE, "");
    meter->parked =
        metrics_get(metrics, "weir_http_parked",
                    "Requests that wait for another thread to answer them.", METRIC_GAUGE, "");
    meter->waiting = metrics_get(metrics, "weir_http_waiting",
                                 "Requests whose body is not read yet, as others hold the memory.",
                                 METRIC_GAUGE, "");
    return OK;
}

void meter_release(struct meter *meter)
{
    free(meter->by_route);
    meter->by_route = NULL;
}

static struct metric *requests(struct meter *meter, const struct route *route, unsigned status)
{
    struct meter_route *row =
        &meter->by_route[route == NULL ? meter->route_count : (size_t)(route - meter->routes)];
    bool answered = status >= STATUS_FIRST && status < STATUS_END;
    _Atomic(struct metric *) *slot = answered ? &row->by_status[status - STATUS_FIRST] : &row->cut;
    struct metric *metric = *slot;

    if (metric == NULL) {
        struct buf labels = BUF_INIT(LABELS_SIZE);

        put_route(&labels, route);
        if (answered)
            buf_printf(&labels, ",status=\"%u\"", status);
        else
            buf_put_text(&labels, ",status=\"cut\"");
        metric = find(meter, "weir_http_requests_total",
                      "Requests by route and status; cut = the connection ended without an answer.",
                      METRIC_COUNTER, &labels);
        *slot = metric;
    }
    return metric;
}

void meter_request(struct meter *meter, const struct route *route, unsigned status,
                   int64_t duration_ns, uint64_t bytes_in, uint64_t bytes_out)
{
    size_t index = route == NULL ? meter->route_count : (size_t)(route - meter->routes);

    metric_add(requests(meter, route, status), 1);
    metric_observe_ns(meter->by_route[index].seconds, duration_ns);
    metric_add(meter->bytes_in, bytes_in);
    metric_add(meter->bytes_out, bytes_out);
}

void meter_refusal(struct meter *meter, enum code code)
{
    struct metric *metric = meter->refusals[code];

    if (metric == NULL) {
        struct buf labels = BUF_INIT(LABELS_SIZE);

        metric_label(&labels, "reason", bytes_of(code_row(code)->slug));
        metric = find(meter, "weir_http_refusals_total", "Problems answered, by their code.",
                      METRIC_COUNTER, &labels);
        meter->refusals[code] = metric;
    }
    metric_add(metric, 1);
}
