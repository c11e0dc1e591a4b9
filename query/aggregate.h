/* What windows make of many values: one table of functions.  Each aggregate reads one part of a
 * window's state, so mean and sum share theirs; a part takes a stretch of one column at a time.
 *
 * Sums are exact for integers and double-double for f64 (design.md section 4), so they do not
 * depend on order or grouping, nor does any other aggregate, but for the last digits of f64.  Where
 * types mix, numbers compare and add as numbers; of equal ones of several types the least type
 * (f64, i64, u64) is given. */
#ifndef WEIR_QUERY_AGGREGATE_H
#define WEIR_QUERY_AGGREGATE_H

#include "model/block.h"
#include "model/rows.h"
#include "query/datum.h"
#include "query/pool.h"

enum part {
    PART_COUNT,
    PART_SUM,
    PART_MIN,
    PART_MAX,
    PART_FIRST,
    PART_LAST,
    PART_MOMENTS,
    PART_QUANTILE,
    PART_DISTINCT,
    PART_MODE,
    PART_INCREASE,
    PART_DELTA,
    PART_AREA,
    PART_KINDS
};

/* The value of a series and field before those at hand, whatever window it was in. */
struct part_carry {
    int64_t time;
    union cell cell;
    uint64_t type; /* TYPE_NONE = these are the first */
    uint64_t unused;
};

/* Rows [first, end) of one column, all of one window. */
struct part_input {
    const struct rows_column *column; /* not TYPE_RETRACTED */
    const int64_t *time;              /* ascending */
    uint32_t first, end;
    struct pool *pool; /* for what states need beside themselves */
    /* Of parts that carry: rows come in order of time, whatever their type. */
    struct part_carry *carry; /* zero when the series begins */
    uint64_t series;          /* another number for each, ascending */
};

/* One column of a block, all of one window, with values: what its header says. */
struct part_summary {
    enum value_type type; /* a number, unless the part takes all */
    const struct column_summary *summary;
    int64_t time_first, time_last; /* of the block's rows */
    uint32_t row_count;
};

typedef bool part_add(void *state, const struct part_input *input);
typedef void part_take(void *state, const struct part_summary *input);
typedef bool part_merge(void *state, const void *other, struct pool *pool);

struct part_row {
    size_t size;   /* of the state, a multiple of 16; all zero = nothing yet */
    bool numbers;  /* leaves texts and bools out */
    part_add *add; /* false: memory ran out */
    /* As if all cells were added; of first and last only a cell in the block's first (last) row
     * counts, which is a number.  NULL: the rows themselves are needed. */
    part_take *take;
    /* As if all that went into `other` were added: rows of later series, or of parts that do not
     * carry of later times.  Keeps nothing of `other`.  False: memory ran out. */
    part_merge *merge;
    bool carries; /* needs the value before, from one window to the next */
};

extern const struct part_row part_rows[PART_KINDS];

struct aggregate_call;

typedef void aggregate_finish(const void *state, const struct aggregate_call *call,
                              struct datum *datum);

/* What stands in brackets behind the name, or in it. */
enum aggregate_argument {
    ARGUMENT_NONE,
    ARGUMENT_UNIT,    /* a duration, in brackets; 1s without them */
    ARGUMENT_PERCENT, /* in the name: p95, p99.9 */
};

struct aggregate {
    const char *name;
    enum part part;
    aggregate_finish *finish;
    enum aggregate_argument argument;
};

extern const struct aggregate aggregate_rows[];
extern const size_t aggregate_row_count;

/* 100 % */
enum { FRACTION_WHOLE = 100000000 };

/* One as a question asks for it. */
struct aggregate_call {
    const struct aggregate *row;
    struct bytes name; /* of columns: "mean" of mean_user, without the unit */
    uint32_t fraction; /* of a quantile: 0 < fraction < FRACTION_WHOLE */
    int64_t unit_ns;   /* of a rate or an area */
};

/* `text` as agg= has it; the call points into it.  False: there is no such aggregate. */
MUST_USE bool aggregate_call_parse(struct bytes text, struct aggregate_call *call);
/* Whether one of them carries: then a page reads its group from the beginning. */
bool aggregates_carry(const struct aggregate_call *calls, size_t count);

#endif
