#include "handlers/influx_probe.h"

#include "codec/json_doc.h"
#include "handlers/app.h"
#include "handlers/influx_shape.h"
#include "http/reply.h"
#include "store/store.h"

enum { PROBE_BYTES_MAX = 4096 };

static void ping_finish(struct request *request)
{
    struct bytes verbose;
    bool talks = request_parameter(request, "verbose", &verbose) && verbose.size > 0 &&
                 !bytes_equal(verbose, BYTES("0")) && !bytes_equal(verbose, BYTES("false"));

    influx_headers(request);
    if (talks)
        reply_bytes(request, 200, "application/json",
                    BYTES("{\"version\":\"" INFLUX_VERSION "\"}"));
    else
        reply_empty(request, 204);
}

static enum code judge(struct app *app, struct error *err)
{
    enum code code = store_ready(app->store, err);

    if (code == OK && app->draining)
        code = error_set(err, E_DRAINING, "the server is shutting down");
    return code;
}

static void health_finish(struct request *request)
{
    struct app *app = app_of(request);
    struct error err = {0};
    struct buf out = BUF_INIT(PROBE_BYTES_MAX);
    enum code code = judge(app, &err);

    buf_put_text(&out, "{\"name\":\"weir\",\"message\":");
    json_put_text(&out, code == OK ? BYTES("ready for queries and writes") : bytes_of(err.text));
    buf_printf(&out, ",\"status\":\"%s\",\"checks\":[],\"version\":\"%s\"}",
               code == OK ? "pass" : "fail", app->version);
    influx_headers(request);
    reply_buf_take(request, code == OK ? 200 : 503, "application/json", &out);
}

static void ready_finish(struct request *request)
{
    struct error err = {0};

    if (!reply_unless_ok(request, judge(app_of(request), &err), &err))
        return;
    influx_headers(request);
    reply_bytes(request, 200, "application/json", BYTES("{\"status\":\"ready\"}"));
}

static void none_start(struct request *request)
{
    struct error err = {0};

    error_set(&err, E_NOT_SUPPORTED,
              "Weir has no %s; points are written here as to InfluxDB, read by GET /v1/query, and "
              "deleted by DELETE /v1/points",
              request->route->path);
    reply_problem(request, &err);
}

/* A body is of no interest, but no mistake either. */
static void none_piece(struct request *request, struct bytes piece)
{
    (void)request;
    (void)piece;
}

/* start() has answered. */
static void none_finish(struct request *request)
{
    (void)request;
}

const struct handler influx_ping_handler = {.finish = ping_finish};
const struct handler influx_health_handler = {.finish = health_finish};
const struct handler influx_ready_handler = {.finish = ready_finish};
const struct handler influx_none_handler = {
    .start = none_start, .piece = none_piece, .finish = none_finish};

/* Those of buckets, query and delete together: the answer is the same. */
const char *const influx_none_names[] = {"org",   "orgID",  "bucket", "bucketID", "name",
                                         "limit", "offset", "after",  "id",       NULL};
const char *const influx_ping_names[] = {"verbose", "wait_for_leader", "u", "p", NULL};
