#include "handlers/slow_query.h"

#include "base/log.h"
#include "handlers/app.h"
#include "query/query.h"

static void put(struct buf *question, struct bytes text)
{
    size_t room = SLOW_QUESTION_BYTES_MAX - question->size;

    buf_put(question, bytes_slice(text, 0, text.size < room ? text.size : room));
}

void slow_query_question(const struct request *request, struct bytes body, struct buf *question)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (i > 0)
            put(question, BYTES("&"));
        put(question, request->parameters[i].name);
        put(question, BYTES("="));
        put(question, request->parameters[i].value);
    }
    put(question, body);
}

void slow_query_note(const struct request *request, struct bytes question,
                     const struct query_outcome *outcome, enum code code, int64_t duration_ns)
{
    const struct app *app = app_of(request);
    struct metric *slow =
        metrics_get(app->metrics, "weir_slow_queries_total",
                    "Questions that took slow_query_ms or longer.", METRIC_COUNTER, "");
    uint64_t ms = (uint64_t)duration_ns / 1000000;

    metric_observe_ns(metrics_get(app->metrics, "weir_query_seconds",
                                  "From a question's coming to the end of its answer.",
                                  METRIC_HISTOGRAM, ""),
                      duration_ns);
    if (app->slow_query_ms == 0 || ms < app->slow_query_ms)
        return;
    metric_add(slow, 1);
    log_event(LOG_WARN, "slow query", LOG_TEXT("tenant", session_of(request)->tenant->name),
              LOG_TEXT("request", request->id), LOG_UINT("ms", ms),
              LOG_UINT("rows", outcome->rows_scanned), LOG_UINT("series", outcome->series),
              LOG_UINT("bytes", outcome->bytes_out),
              LOG_CSTR("code", code ? code_row(code)->slug : "ok"),
              LOG_LONG_TEXT("question", question));
}
