#include "handlers/operations.h"

#include <inttypes.h>

#include "codec/json_doc.h"
#include "handlers/app.h"
#include "handlers/errors_text.h"
#include "handlers/member_state.h"
#include "handlers/openapi_text.h"
#include "handlers/registry_state.h"
#include "http/reply.h"
#include "ingest/pull/puller.h"
#include "store/delivery/away.h"
#include "store/store.h"

enum { METRICS_BYTES_MAX = 64 * 1024 * 1024, FLUSH_BYTES_MAX = 128 };

static void healthz_finish(struct request *request)
{
    struct buf out = BUF_INIT(512);

    buf_printf(&out, "{\"status\":\"ok\",\"version\":\"%s\"}\n", app_of(request)->version);
    reply_buf_take(request, 200, "application/json", &out);
}

static void readyz_finish(struct request *request)
{
    struct app *app = app_of(request);
    struct error err = {0};
    struct buf out = BUF_INIT(4096);
    int64_t ahead_ns = store_ahead_ns(app->store);
    bool known = directory_known(app->directory), ready;
    enum code code = store_ready(app->store, &err);

    if (code == OK && app->draining)
        code = error_set(&err, E_DRAINING, "the server is shutting down");
    ready = code == OK && known && member_is_active(app);
    buf_printf(&out, "{\"status\":\"%s\",\"checks\":[{\"name\":\"store\",\"status\":\"%s\"",
               ready ? "ready" : "not_ready", code == OK ? "ok" : "failed");
    if (code) {
        buf_printf(&out, ",\"code\":\"%s\",\"detail\":", code_row(code)->slug);
        json_put_text(&out, bytes_of(err.text));
    }
    buf_put_text(&out, "}");
    if (ahead_ns > 0)
        buf_printf(&out,
                   ",{\"name\":\"clock\",\"status\":\"warn\",\"detail\":\"ingest times are %" PRId64
                   " s ahead of the wall clock\"}",
                   ahead_ns / 1000000000);
    registry_state_print(app, &out);
    member_state_print(app, &out);
    buf_put_text(&out, "]}\n");
    if (!ready)
        reply_header(request, "Retry-After", BYTES("2"));
    reply_buf_take(request, ready ? 200 : 503, "application/json", &out);
}

static void metrics_finish(struct request *request)
{
    struct app *app = app_of(request);
    struct buf out = BUF_INIT(METRICS_BYTES_MAX);

    store_measure(app->store);
    away_measure(app->away);
    metric_set(metrics_get(app->metrics, "weir_ingest_memory_bytes",
                           "Memory reserved by requests being decoded or committed.", METRIC_GAUGE,
                           ""),
               (int64_t)budget_used(app->intake.budget));
    metric_set(metrics_get(app->metrics, "weir_queries_waiting",
                           "Queries and lists that wait for a worker.", METRIC_GAUGE, ""),
               (int64_t)workers_waiting(app->workers));
    metric_set(metrics_get(app->metrics, "weir_queries_memory_bytes",
                           "Memory of the queries under way.", METRIC_GAUGE, ""),
               (int64_t)budget_used(&app->query_memory));
    puller_measure(app->puller, app->metrics);
    registry_state_measure(app);
    member_state_measure(app);
    metrics_print(app->metrics, &out);
    reply_buf_take(request, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

static void openapi_finish(struct request *request)
{
    reply_bytes(request, 200, "application/json", openapi_text());
}

static void errors_finish(struct request *request)
{
    reply_bytes(request, 200, "text/html; charset=utf-8", errors_text());
}

static void flush_done(void *context, enum code code, const struct error *err)
{
    struct request *request = context;
    struct buf body = BUF_INIT(FLUSH_BYTES_MAX);
    char mark[HASH128_TEXT_SIZE];

    if (code) {
        reply_problem(request, err);
    } else {
        store_mark(app_of(request)->store, mark);
        buf_printf(&body, "{\"flushed\":true,\"store\":\"%s\"}\n", mark);
        reply_buf_take(request, 200, "application/json", &body);
    }
    request_resume(request);
}

static void flush_finish(struct request *request)
{
    request_park(request);
    store_flush(app_of(request)->store, flush_done, request);
}

static void compact_done(void *context, enum code code, const struct error *err)
{
    struct request *request = context;

    if (code)
        reply_problem(request, err);
    else
        reply_bytes(request, 200, "application/json", BYTES("{\"compacted\":true}\n"));
    request_resume(request);
}

static void compact_finish(struct request *request)
{
    request_park(request);
    store_compact(app_of(request)->store, session_of(request)->tenant, COMPACT_ALL, compact_done,
                  request);
}

const struct handler healthz_handler = {.finish = healthz_finish};
const struct handler readyz_handler = {.finish = readyz_finish};
const struct handler metrics_handler = {.finish = metrics_finish};
const struct handler openapi_handler = {.finish = openapi_finish};
const struct handler errors_handler = {.finish = errors_finish};
const struct handler flush_handler = {.finish = flush_finish};
const struct handler compact_handler = {.finish = compact_finish};
