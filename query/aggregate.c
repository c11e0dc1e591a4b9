/* The tables, and calls of aggregates. */
#include "query/aggregate.h"

#include <assert.h>

#include "base/time_text.h"
#include "query/parts.h"

const struct part_row part_rows[PART_KINDS] = {
    [PART_COUNT] = {sizeof(struct count_state),    false, count_add,    count_take,   count_merge,     false},
    [PART_SUM] = {sizeof(struct sum),            true,  sum_add,      sum_take,     sum_state_merge, false},
    [PART_MIN] = {sizeof(struct extreme_state),  true,  min_add,      min_take,     min_merge,       false},
    [PART_MAX] = {sizeof(struct extreme_state),  true,  max_add,      max_take,     max_merge,       false},
    [PART_FIRST] = {sizeof(struct end_state),      false, first_add,    first_take,   first_merge,     false},
    [PART_LAST] = {sizeof(struct end_state),      false, last_add,     last_take,    last_merge,      false},
    [PART_MOMENTS] = {sizeof(struct moments_state),  true,  moments_add,  moments_take, moments_merge,
                    false                                                                                   },
    [PART_QUANTILE] = {sizeof(struct quantile_state), true,  quantile_add, NULL,         quantile_merge,
                    false                                                                                   },
    [PART_DISTINCT] = {sizeof(struct distinct_state), false, distinct_add, NULL,         distinct_merge,
                    false                                                                                   },
    [PART_MODE] = {sizeof(struct tally),          false, mode_add,     NULL,         mode_merge,      false},
    [PART_INCREASE] = {sizeof(struct change_state),   true,  increase_add, NULL,         change_merge,    true },
    [PART_DELTA] = {sizeof(struct change_state),   true,  delta_add,    NULL,         change_merge,    true },
    [PART_AREA] = {sizeof(struct area_state),     true,  area_add,     NULL,         area_merge,      true },
};

#define ALIGNED(state) static_assert(sizeof(state) % 16 == 0, "states stand one behind another")

ALIGNED(struct count_state);
ALIGNED(struct sum);
ALIGNED(struct extreme_state);
ALIGNED(struct end_state);
ALIGNED(struct moments_state);
ALIGNED(struct quantile_state);
ALIGNED(struct distinct_state);
ALIGNED(struct tally);
ALIGNED(struct change_state);
ALIGNED(struct area_state);

const struct aggregate aggregate_rows[] = {
    {"count",              PART_COUNT,    count_finish,              ARGUMENT_NONE   },
    {"sum",                PART_SUM,      sum_finish,                ARGUMENT_NONE   },
    {"min",                PART_MIN,      min_finish,                ARGUMENT_NONE   },
    {"max",                PART_MAX,      max_finish,                ARGUMENT_NONE   },
    {"mean",               PART_SUM,      mean_finish,               ARGUMENT_NONE   },
    {"first",              PART_FIRST,    end_finish,                ARGUMENT_NONE   },
    {"last",               PART_LAST,     end_finish,                ARGUMENT_NONE   },
    {"variance",           PART_MOMENTS,  variance_finish,           ARGUMENT_NONE   },
    {"stddev",             PART_MOMENTS,  stddev_finish,             ARGUMENT_NONE   },
    {"median",             PART_QUANTILE, quantile_finish,           ARGUMENT_NONE   },
    {"p95",                PART_QUANTILE, quantile_finish,           ARGUMENT_PERCENT},
    {"mode",               PART_MODE,     mode_finish,               ARGUMENT_NONE   },
    {"distinct",           PART_DISTINCT, distinct_finish,           ARGUMENT_NONE   },
    {"increase",           PART_INCREASE, change_finish,             ARGUMENT_NONE   },
    {"rate",               PART_INCREASE, change_rate_finish,        ARGUMENT_UNIT   },
    {"delta",              PART_DELTA,    change_finish,             ARGUMENT_NONE   },
    {"derivative",         PART_DELTA,    change_rate_finish,        ARGUMENT_UNIT   },
    {"integral",           PART_AREA,     integral_finish,           ARGUMENT_UNIT   },
    {"time_weighted_mean", PART_AREA,     time_weighted_mean_finish, ARGUMENT_NONE   },
};

const size_t aggregate_row_count = COUNT_OF(aggregate_rows);

/* Digits behind the point of a percentage, and with the two before it. */
enum { PERCENT_PLACES = 6, PERCENT_ONE = FRACTION_WHOLE / 100 };

/* "95", "99.9": above 0, below 100.  In parts of FRACTION_WHOLE. */
static bool parse_percent(struct bytes text, uint32_t *fraction)
{
    uint32_t value = 0, unit = PERCENT_ONE;
    size_t at = 0, places;

    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && at < 2; at++)
        value = value * 10 + (uint32_t)(text.data[at] - '0') * PERCENT_ONE;
    if (at == 0)
        return false;
    if (at < text.size && text.data[at] == '.') {
        places = text.size - ++at;
        if (places == 0 || places > PERCENT_PLACES)
            return false;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++)
            value += (uint32_t)(text.data[at] - '0') * (unit /= 10);
    }
    *fraction = value;
    return at == text.size && value > 0;
}

/* NAME, or NAME(unit) of one that has units. */
static bool parse_row(struct bytes text, const struct aggregate *row, struct aggregate_call *call)
{
    struct bytes name = bytes_of(row->name);
    struct bytes rest;

    *call = (struct aggregate_call){row, text, FRACTION_WHOLE / 2, 1000000000};
    if (row->argument == ARGUMENT_PERCENT)
        return text.size > 1 && text.data[0] == name.data[0] &&
               parse_percent(bytes_slice(text, 1, text.size), &call->fraction);
    if (bytes_equal(text, name))
        return true;
    if (row->argument != ARGUMENT_UNIT || text.size < name.size + 2 ||
        !bytes_equal(bytes_slice(text, 0, name.size), name))
        return false;
    rest = bytes_slice(text, name.size, text.size);
    call->name = bytes_slice(text, 0, name.size);
    return rest.data[0] == '(' && rest.data[rest.size - 1] == ')' &&
           duration_parse(bytes_slice(rest, 1, rest.size - 1), &call->unit_ns, NULL) == OK;
}

bool aggregate_call_parse(struct bytes text, struct aggregate_call *call)
{
    for (size_t i = 0; i < aggregate_row_count; i++)
        if (parse_row(text, &aggregate_rows[i], call))
            return true;
    return false;
}

bool aggregates_carry(const struct aggregate_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (part_rows[calls[i].row->part].carries)
            return true;
    return false;
}
