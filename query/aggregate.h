/* What windows make of many values: one table of functions.  Each aggregate reads one part of a
 * window's state, so mean and sum share theirs; a part takes a stretch of one column at a time.
 *
 * Sums are exact for integers and double-double for f64 (design.md section 4), so they do not
 * depend on order or grouping.  Where types mix, numbers compare and add as numbers; of equal
 * ones of several types the least type (f64, i64, u64) is given. */
#ifndef WEIR_QUERY_AGGREGATE_H
#define WEIR_QUERY_AGGREGATE_H

#include "base/arena.h"
#include "model/block.h"
#include "model/rows.h"
#include "query/datum.h"

enum part { PART_COUNT, PART_SUM, PART_MIN, PART_MAX, PART_FIRST, PART_LAST, PART_KINDS };

/* Rows [first, end) of one column, all of one window. */
struct part_input {
    const struct rows_column *column; /* not TYPE_RETRACTED */
    const int64_t *time;              /* ascending */
    uint32_t first, end;
    struct arena *arena; /* of the states, for texts */
};

/* One column of a block, all of one window, with values: what its header says. */
struct part_summary {
    enum value_type type; /* a number, unless the part takes all */
    const struct column_summary *summary;
    int64_t time_first, time_last; /* of the block's rows */
    uint32_t row_count;
};

struct part_row {
    size_t size;  /* of the state, a multiple of 16; all zero = nothing yet */
    bool numbers; /* leaves texts and bools out */
    bool (*add)(void *state, const struct part_input *input); /* false: memory ran out */
    /* As if all cells were added; of first and last only a cell in the block's first (last) row
     * counts, which is a number. */
    void (*take)(void *state, const struct part_summary *input);
};

extern const struct part_row part_rows[PART_KINDS];

struct aggregate_call;

struct aggregate {
    const char *name;
    enum part part;
    void (*finish)(const void *state, const struct aggregate_call *call, struct datum *datum);
};

extern const struct aggregate aggregate_rows[];
extern const size_t aggregate_row_count;

/* One as a question asks for it. */
struct aggregate_call {
    const struct aggregate *row;
    struct bytes name; /* of columns: "mean" of mean_user */
};

/* `text` as agg= has it; the call points into it.  False: there is no such aggregate. */
MUST_USE bool aggregate_call_parse(struct bytes text, struct aggregate_call *call);

#endif
