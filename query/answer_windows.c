/* Windows: what the rows of a group come to. */
#include "query/answer.h"

static void windows_group_begin(struct answer *answer)
{
    windows_begin(&answer->windows);
}

/* Rows come by time: where one series makes the group, no window but the last changes any more.
 * Pages that read a group again have windows in front that were told. */
static bool has_enough(const struct answer *answer, const struct group *group)
{
    const struct query *query = answer->plan.query;

    return query->limit > 0 && !query->descending && !query_rereads(query) &&
           group->series_end - group->series_first == 1 &&
           answer->windows.count > query->limit - answer->result.rows;
}

static enum code windows_series(struct answer *answer, size_t group, struct error *err)
{
    struct run rows;
    enum code code = windows_series_begin(&answer->windows, err);

    while (!code && !has_enough(answer, &answer->plan.groups[group])) {
        code = answer_next(answer, &rows, err);
        if (!code)
            code = windows_add(&answer->windows, &rows, err);
    }
    return code == E_END ? OK : code;
}

static enum code windows_group_end(struct answer *answer, size_t group, struct error *err)
{
    struct plan *plan = &answer->plan;
    const struct query *query = plan->query;
    struct windows *windows = &answer->windows;
    bool again = query_rereads(query) && plan_resumes(plan, group);
    struct result_row out = {.values = answer->values};
    struct filling *filling;
    enum code code;

    windows_sort(windows);
    code = filling_begin(plan, windows, &filling, err);
    while (!code && !answer->more && filling_next(filling, &out.time, answer->values)) {
        if (again &&
            (query->descending ? out.time >= query->cursor.time : out.time <= query->cursor.time))
            continue; /* an earlier page has told it */
        if (grid_is_whole(&query->grid))
            out.time = query->start_given ? plan->start : windows->time_first;
        code = answer_emit(answer, group, &out, err);
    }
    answer->result.skipped = windows->skipped;
    return code;
}

const struct answer_way way_windows = {.pieces = true,
                                       .begin = windows_group_begin,
                                       .series = windows_series,
                                       .end = windows_group_end};
