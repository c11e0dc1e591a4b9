/* Windows: what the rows of a group come to. */
#include "query/answer.h"

static void windows_group_begin(struct answer *answer)
{
    windows_begin(&answer->windows);
}

/* Rows come by time: where one series makes the group, no window but the last changes any more. */
static bool has_enough(const struct answer *answer, const struct group *group)
{
    const struct query *query = answer->plan.query;

    return query->limit > 0 && !query->descending && group->series_end - group->series_first == 1 &&
           answer->windows.count > query->limit - answer->result.rows;
}

static enum code windows_series(struct answer *answer, size_t group, struct error *err)
{
    struct run rows;
    enum code code = OK;

    while (!code && !has_enough(answer, &answer->plan.groups[group])) {
        code = answer_next(answer, &rows, err);
        if (!code)
            code = windows_add(&answer->windows, &rows, err);
    }
    return code == E_END ? OK : code;
}

static enum code windows_group_end(struct answer *answer, size_t group, struct error *err)
{
    const struct plan *plan = &answer->plan;
    const struct query *query = plan->query;
    struct windows *windows = &answer->windows;
    enum code code = OK;

    windows_sort(windows);
    for (size_t i = 0; i < windows->count && !code && !answer->more; i++) {
        size_t at = query->descending ? windows->count - 1 - i : i;
        const struct window *window = &windows->windows[at];
        struct result_row out = {.time = window->start, .values = answer->values};

        if (query->every == 0)
            out.time = query->start_given ? plan->start : windows->time_first;
        for (uint32_t j = 0; j < plan->column_count; j++)
            window_finish(windows, window, plan->columns[j].field, plan->columns[j].aggregate,
                          &answer->values[j]);
        code = answer_emit(answer, group, &out, err);
    }
    answer->result.skipped = windows->skipped;
    return code;
}

const struct answer_way way_windows = {windows_group_begin, windows_series, windows_group_end};
