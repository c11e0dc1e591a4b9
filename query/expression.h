/* Arithmetic over the values of a row: let=power=voltage*current.  The text becomes steps in
 * postfix order, which are evaluated column by column over many rows at once.
 *
 * All is f64.  A row in which an operand has no value or no number gets none, and neither does one
 * whose result is not finite. */
#ifndef WEIR_QUERY_EXPRESSION_H
#define WEIR_QUERY_EXPRESSION_H

#include "base/arena.h"
#include "base/error.h"
#include "model/rows.h"
#include "query/datum.h"

enum {
    EXPRESSION_STEPS_MAX = 256, /* operands and operations */
    EXPRESSION_DEPTH_MAX = 32,  /* of parentheses and minus signs within each other */
    EXPRESSION_STACK_MAX = 2 * EXPRESSION_DEPTH_MAX + 3, /* values that wait at one time */
    EXPRESSION_ROWS = 512, /* evaluated at a time: the stack stays in the cache */
};

enum expression_op {
    EXPRESSION_NUMBER,
    EXPRESSION_FIELD,
    EXPRESSION_ADD,
    EXPRESSION_SUBTRACT,
    EXPRESSION_MULTIPLY,
    EXPRESSION_DIVIDE,
    EXPRESSION_NEGATE,
};

struct expression_step {
    enum expression_op op;
    uint32_t field; /* index into `names`; once bound, what columns of rows call the field */
    double number;
};

struct expression {
    struct expression_step *steps;
    uint32_t step_count;
    uint32_t depth;            /* values that wait at one time, at most */
    const struct bytes *names; /* of fields, each once, in order of appearance; at least one */
    uint32_t name_count;
};

/* The memory of an evaluation. */
struct expression_stack {
    double (*values)[EXPRESSION_ROWS];
    uint8_t (*present)[EXPRESSION_ROWS];
    uint32_t depth;
};

/* `text` must live as long as the expression, which is in `arena`.  Errors name the byte. */
MUST_USE enum code expression_parse(struct bytes text, struct arena *arena,
                                    struct expression *expression, struct error *err);

/* For expressions of at most that depth, from `arena`.  False when memory ran out. */
MUST_USE bool expression_stack_init(struct expression_stack *stack, uint32_t depth,
                                    struct arena *arena);
/* Rows [first, end) of the columns into cells[0 .. end - first) and present[]; a field may have
 * several columns.  The expression is bound. */
void expression_evaluate(const struct expression *expression, const struct rows_column *columns,
                         uint32_t column_count, uint32_t first, uint32_t end,
                         struct expression_stack *stack, union cell *cells, uint8_t *present);
/* Of one row, values by field: TYPE_F64, or TYPE_NONE. */
void expression_evaluate_row(const struct expression *expression, const struct datum *values,
                             struct datum *result);

/* A name at the beginning of `text` as expressions write it: letters, digits, '_' and '.', not
 * beginning with a digit or a dot; or anything in double quotes, \" and \\ within.  *size is what
 * it takes of the text, 0 when none stands there.  A quoted one is copied into `arena`. */
MUST_USE enum code name_read(struct bytes text, struct arena *arena, struct bytes *name,
                             size_t *size, struct error *err);

#endif
