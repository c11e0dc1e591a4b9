#include "handlers/shard_ack.h"

#include <inttypes.h>

#include "handlers/app.h"

/* The gauge is also the limit's count. */
static struct metric *waiting_of(const struct app *app, const struct session *session)
{
    struct buf labels = BUF_INIT(512);
    struct metric *metric = NULL;

    metric_label(&labels, "tenant", session->tenant->name);
    buf_put_char(&labels, 0);
    if (!labels.failed)
        metric = metrics_get(app->metrics, "weir_shard_acks_waiting",
                             "Writes with ack=shard under way.", METRIC_GAUGE, labels.data);
    buf_release(&labels);
    return metric;
}

enum code shard_ack_take(struct shard_ack *ack, struct request *request, struct error *err)
{
    const struct app *app = app_of(request);
    const struct session *session = session_of(request);
    uint64_t acks_max = session->settings->limits.shard_acks_max;

    struct metric *waiting = waiting_of(app, session);

    ack->request = request;
    ack->seconds =
        metrics_get(app->metrics, "weir_shard_ack_seconds",
                    "Time from a write's being durable here to its shard's having it, or "
                    "to the end of patience.",
                    METRIC_HISTOGRAM, "");
    if (session->settings->shard == NULL) {
        error_point(err, BYTES("ack"));
        return error_set(err, E_BAD_PARAMETER,
                         "ack=shard waits for the tenant's shard, and it has none; ack=wal answers "
                         "once points are on disk");
    }
    ack->waiting = waiting;
    metric_move(waiting, 1);
    if (metric_value(waiting) <= acks_max)
        return OK;
    shard_ack_end(ack);
    error_retry(err, 1);
    return error_set(err, E_ACKS_MANY,
                     "%" PRIu64 " writes of this tenant wait for its shard already, which is the "
                     "limit shard_acks_max",
                     acks_max);
}

static void delivered(struct delivery_ack *inner, enum code code, const struct error *err)
{
    struct shard_ack *ack = (struct shard_ack *)inner;

    metric_observe_ns(ack->seconds,
                      clock_monotonic_ns(app_of(ack->request)->clock) - ack->began_ns);
    ack->done(ack->request, code, err);
}

void shard_ack_wait(struct shard_ack *ack, int64_t ingest,
                    void (*done)(struct request *request, enum code code, const struct error *err))
{
    const struct app *app = app_of(ack->request);
    const struct session *session = session_of(ack->request);

    ack->done = done;
    ack->began_ns = clock_monotonic_ns(app->clock);
    ack->ack = (struct delivery_ack){
        .tenant = session->tenant,
        .ingest = ingest,
        .wait_ms = session->settings->limits.shard_ack_ms_max,
        .done = delivered,
    };
    delivery_await(app->delivery, &ack->ack);
}

void shard_ack_end(struct shard_ack *ack)
{
    metric_move(ack->waiting, -1);
    ack->waiting = NULL;
}
