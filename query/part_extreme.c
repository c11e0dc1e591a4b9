/* min and max. */
#include "query/parts.h"

enum { HAS_F64 = 1, HAS_I64 = 2, HAS_U64 = 4 };

/* In four lanes, as the comparisons of one chain wait for each other. */
#define EXTREME_OF(name, kind, member, better)                                                     \
    static kind name(const union cell *cells, uint32_t count)                                      \
    {                                                                                              \
        kind a = cells[0].member, b = a, c = a, d = a;                                             \
        uint32_t i = 0;                                                                            \
                                                                                                   \
        for (; i + 4 <= count; i += 4) {                                                           \
            a = cells[i].member better a ? cells[i].member : a;                                    \
            b = cells[i + 1].member better b ? cells[i + 1].member : b;                            \
            c = cells[i + 2].member better c ? cells[i + 2].member : c;                            \
            d = cells[i + 3].member better d ? cells[i + 3].member : d;                            \
        }                                                                                          \
        for (; i < count; i++)                                                                     \
            a = cells[i].member better a ? cells[i].member : a;                                    \
        a = b better a ? b : a;                                                                    \
        c = d better c ? d : c;                                                                    \
        return c better a ? c : a;                                                                 \
    }

EXTREME_OF(least_f64, double, f64, <)
EXTREME_OF(least_i64, int64_t, i64, <)
EXTREME_OF(least_u64, uint64_t, u64, <)
EXTREME_OF(greatest_f64, double, f64, >)
EXTREME_OF(greatest_i64, int64_t, i64, >)
EXTREME_OF(greatest_u64, uint64_t, u64, >)

#define EXTREME_PUT(extreme, bit, member, better, value)                                           \
    do {                                                                                           \
        if (!((extreme)->has & (bit)) || (value)better(extreme)->member)                           \
            (extreme)->member = (value);                                                           \
        (extreme)->has |= (bit);                                                                   \
    } while (0)

#define EXTREME_ADD(extreme, bit, member, better, all, input)                                      \
    do {                                                                                           \
        const struct rows_column *column = (input)->column;                                        \
                                                                                                   \
        if (!column->present)                                                                      \
            EXTREME_PUT(extreme, bit, member, better,                                              \
                        all(column->cells + (input)->first, (input)->end - (input)->first));       \
        for (uint32_t i = (input)->first; column->present && i < (input)->end; i++)                \
            if (column->present[i])                                                                \
                EXTREME_PUT(extreme, bit, member, better, column->cells[i].member);                \
    } while (0)

bool min_add(void *state, const struct part_input *input)
{
    struct extreme_state *extreme = state;

    if (input->first == input->end)
        return true;
    if (input->column->type == TYPE_F64)
        EXTREME_ADD(extreme, HAS_F64, f64, <, least_f64, input);
    else if (input->column->type == TYPE_I64)
        EXTREME_ADD(extreme, HAS_I64, i64, <, least_i64, input);
    else
        EXTREME_ADD(extreme, HAS_U64, u64, <, least_u64, input);
    return true;
}

bool max_add(void *state, const struct part_input *input)
{
    struct extreme_state *extreme = state;

    if (input->first == input->end)
        return true;
    if (input->column->type == TYPE_F64)
        EXTREME_ADD(extreme, HAS_F64, f64, >, greatest_f64, input);
    else if (input->column->type == TYPE_I64)
        EXTREME_ADD(extreme, HAS_I64, i64, >, greatest_i64, input);
    else
        EXTREME_ADD(extreme, HAS_U64, u64, >, greatest_u64, input);
    return true;
}

void min_take(void *state, const struct part_summary *input)
{
    struct extreme_state *extreme = state;

    if (input->type == TYPE_F64)
        EXTREME_PUT(extreme, HAS_F64, f64, <, input->summary->min.f64);
    else if (input->type == TYPE_I64)
        EXTREME_PUT(extreme, HAS_I64, i64, <, input->summary->min.i64);
    else
        EXTREME_PUT(extreme, HAS_U64, u64, <, input->summary->min.u64);
}

void max_take(void *state, const struct part_summary *input)
{
    struct extreme_state *extreme = state;

    if (input->type == TYPE_F64)
        EXTREME_PUT(extreme, HAS_F64, f64, >, input->summary->max.f64);
    else if (input->type == TYPE_I64)
        EXTREME_PUT(extreme, HAS_I64, i64, >, input->summary->max.i64);
    else
        EXTREME_PUT(extreme, HAS_U64, u64, >, input->summary->max.u64);
}

bool min_merge(void *state, const void *other, struct pool *pool)
{
    struct extreme_state *extreme = state;
    const struct extreme_state *from = other;

    (void)pool;
    if (from->has & HAS_F64)
        EXTREME_PUT(extreme, HAS_F64, f64, <, from->f64);
    if (from->has & HAS_I64)
        EXTREME_PUT(extreme, HAS_I64, i64, <, from->i64);
    if (from->has & HAS_U64)
        EXTREME_PUT(extreme, HAS_U64, u64, <, from->u64);
    return true;
}

bool max_merge(void *state, const void *other, struct pool *pool)
{
    struct extreme_state *extreme = state;
    const struct extreme_state *from = other;

    (void)pool;
    if (from->has & HAS_F64)
        EXTREME_PUT(extreme, HAS_F64, f64, >, from->f64);
    if (from->has & HAS_I64)
        EXTREME_PUT(extreme, HAS_I64, i64, >, from->i64);
    if (from->has & HAS_U64)
        EXTREME_PUT(extreme, HAS_U64, u64, >, from->u64);
    return true;
}

/* The best of the types' extremes: `sign` times it is the least. */
static void extreme_finish(const struct extreme_state *extreme, int sign, struct datum *datum)
{
    const struct {
        uint64_t bit;
        struct datum datum;
    } each[] = {
  /* + 0.0: of the two zeros always the positive one */
        {HAS_F64, {.type = TYPE_F64, .cell.f64 = extreme->f64 + 0.0}},
        {HAS_I64, {.type = TYPE_I64, .cell.i64 = extreme->i64}      },
        {HAS_U64, {.type = TYPE_U64, .cell.u64 = extreme->u64}      },
    };

    *datum = (struct datum){.type = TYPE_NONE};
    for (size_t i = 0; i < COUNT_OF(each); i++) {
        if (!(extreme->has & each[i].bit))
            continue;
        if (datum->type == TYPE_NONE || sign * datum_compare(datum, &each[i].datum) > 0)
            *datum = each[i].datum;
    }
}

void min_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    extreme_finish(state, 1, datum);
}

void max_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    extreme_finish(state, -1, datum);
}
