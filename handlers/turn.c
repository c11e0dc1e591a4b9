#include "handlers/turn.h"

#include <inttypes.h>

#include "handlers/app.h"

/* The gauge is also the limit's count. */
static struct metric *running_of(const struct app *app, const struct session *session)
{
    struct buf labels = BUF_INIT(512);
    struct metric *metric = NULL;

    metric_label(&labels, "tenant", session->tenant->name);
    buf_put_char(&labels, 0);
    if (!labels.failed)
        metric = metrics_get(app->metrics, "weir_queries_running", "Queries being answered.",
                             METRIC_GAUGE, labels.data);
    buf_release(&labels);
    return metric;
}

enum code turn_take(struct turn *turn, const struct request *request, struct error *err)
{
    const struct app *app = app_of(request);
    const struct session *session = session_of(request);
    uint64_t queries_max = session->settings->limits.queries_max;

    turn->running = running_of(app, session);
    metric_move(turn->running, 1);
    if (metric_value(turn->running) <= queries_max)
        return OK;
    turn_end(turn);
    error_retry(err, workers_seconds(app->workers, queries_max));
    return error_set(err, E_QUERIES_MANY,
                     "%" PRIu64 " queries and lists of this tenant are being answered already, "
                     "which is the limit queries_max",
                     queries_max);
}

bool turn_is_alone(const struct turn *turn)
{
    return metric_value(turn->running) == 1;
}

void turn_end(struct turn *turn)
{
    metric_move(turn->running, -1);
    turn->running = NULL;
}
