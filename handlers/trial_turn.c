#include "handlers/trial_turn.h"

#include <inttypes.h>

#include "handlers/app.h"

enum { RETRY_S = 5 }; /* most pages come sooner; one that does not is waited for a minute */

/* The gauge is also the limit's count. */
static struct metric *running_of(const struct app *app, const struct session *session)
{
    struct buf labels = BUF_INIT(512);
    struct metric *metric = NULL;

    metric_label(&labels, "tenant", session->tenant->name);
    buf_put_char(&labels, 0);
    if (!labels.failed)
        metric = metrics_get(app->metrics, "weir_trials_running",
                             "Pages of sources that are tried now.", METRIC_GAUGE, labels.data);
    buf_release(&labels);
    return metric;
}

enum code trial_turn_take(struct trial_turn *turn, const struct request *request, struct error *err)
{
    struct app *app = app_of(request);
    const struct session *session = session_of(request);
    uint64_t own_max = session->settings->limits.tenant_trials_max;
    uint64_t all_max = app->limits->trials_max;
    enum code code = OK;

    turn->running = running_of(app, session);
    metric_move(turn->running, 1);
    app->trials++;
    if (metric_value(turn->running) > own_max)
        code = error_set(err, E_TRIALS_MANY,
                         "%" PRIu64 " pages of sources of this tenant are tried already, which is "
                         "the limit tenant_trials_max",
                         own_max);
    else if (app->trials > all_max)
        code = error_set(err, E_BUSY,
                         "%" PRIu64 " pages of sources are tried already, which is the limit "
                         "trials_max of this node",
                         all_max);
    if (code) {
        error_retry(err, RETRY_S);
        trial_turn_end(turn, request);
    }
    return code;
}

void trial_turn_end(struct trial_turn *turn, const struct request *request)
{
    app_of(request)->trials--;
    metric_move(turn->running, -1);
    turn->running = NULL;
}
