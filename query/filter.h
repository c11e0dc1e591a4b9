/* Conditions on the values of a row: where=user>90.  A row passes in which the field has a value
 * that fulfils it; one without a value, or with a value of another kind than the condition's,
 * passes none, not even a !=.
 *
 * Numbers compare exactly, whatever their types: a condition is a range of each type. */
#ifndef WEIR_QUERY_FILTER_H
#define WEIR_QUERY_FILTER_H

#include "base/arena.h"
#include "base/error.h"
#include "model/rows.h"
#include "query/datum.h"
#include "store/view.h"

/* Values in [low, high], both in it. */
struct filter_range {
    union cell low, high;
    bool empty;
};

struct filter {
    struct bytes name; /* of a field or computed column, */
    uint32_t field;    /* and once bound, what columns of rows call it */
    enum value_kind kind;
    bool negated;                /* != : all values but those that are meant */
    struct filter_range real;    /* of f64 */
    struct filter_range integer; /* of i64 */
    struct filter_range natural; /* of u64; of bools, 0 and 1 */
    struct bytes text;           /* the very text */
    bool quoted;                 /* it was */
};

/* Of `text` as where= has it; what the filter points to is in `text` or `arena`. */
MUST_USE enum code filter_parse(struct bytes text, struct arena *arena, struct filter *filter,
                                struct error *err);

/* Clears passes[i] of the rows first + i in [first, end) that do not pass; `scratch` has as much
 * room.  The filter is bound. */
void filter_test(const struct filter *filter, const struct rows_column *columns,
                 uint32_t column_count, uint32_t first, uint32_t end, uint8_t *passes,
                 uint8_t *scratch);
bool filter_passes(const struct filter *filter, const struct datum *value);

/* What block headers say: all rows pass, none does, or they have to be looked at. */
enum verdict { VERDICT_NONE, VERDICT_SOME, VERDICT_ALL };

enum verdict filter_judge(const struct filter *filter, const struct place_summary *columns,
                          size_t column_count, uint32_t row_count);

#endif
