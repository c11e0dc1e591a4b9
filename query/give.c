#include "query/give.h"

#include "query/answer.h"

struct giving {
    const struct give_terms *terms;
    const struct bytes *columns;
};

enum code answer_give(struct answer *answer, size_t group, const struct result_row *row,
                      struct error *err)
{
    const struct giving *giving = answer->giving;
    const struct plan *plan = &answer->plan;
    const struct given_row given = {
        .tags = plan->groups[group].tags,
        .tag_count = plan->groups[group].tag_count,
        .time = row->time,
        .columns = giving->columns,
        .values = row->values,
        .count = plan->column_count,
    };

    answer->result.rows++;
    return giving->terms->take(giving->terms->context, &given, err);
}

static bool nobody_cancels(struct query_sink *sink)
{
    (void)sink;
    return false;
}

static enum code give(struct answer *answer, struct giving *giving, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct bytes *columns = ARENA_ARRAY(&plan->arena, struct bytes, plan->column_count);
    enum code code;

    if (!columns)
        return watch_memory(plan->watch, err);
    for (uint32_t i = 0; i < plan->column_count; i++)
        columns[i] = plan->columns[i].name;
    giving->columns = columns;
    answer->giving = giving;
    code = answer_prepare(answer, err);
    return code ? code : answer_groups(answer, err);
}

enum code query_give(const struct give_terms *terms, const struct query_environment *environment,
                     bool *partial, struct error *err)
{
    const struct query_range *range = &terms->range;
    const struct query query = {
        .selector = {range->measurement, range->matchers, range->matcher_count},
        .start = range->start,
        .end = range->end,
        .start_given = true,
        .grouping = GROUP_SERIES,
        .limit = terms->rows_max,
    };
    struct query_sink nobody = {.cancelled = nobody_cancels};
    struct giving giving = {.terms = terms};
    struct answer answer = {0};
    enum code code;

    watch_init(&answer.watch, environment->limits, environment->clock, &nobody);
    answer.watch.memory.parent = environment->memory;
    code = plan_init(&answer.plan, &query, environment, &answer.watch, err);
    if (code == OK)
        code = give(&answer, &giving, err);
    if (partial)
        *partial = answer.plan.missing.count > 0;
    answer_release(&answer);
    return code;
}
