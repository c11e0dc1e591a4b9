/* What a place of a row holds, as a value's part of the document says: a number of JSON or a text
 * that is one, with its qualifier, in its unit; a text; true or false; or nothing.  Pure. */
#ifndef WEIR_INGEST_ROWS_ROW_VALUE_H
#define WEIR_INGEST_ROWS_ROW_VALUE_H

#include "ingest/source/source.h"
#include "model/value.h"

struct row_value {
    enum value_type type;   /* TYPE_NONE: nothing, what `coded` has apart */
    union cell cell;        /* unless TYPE_STRING */
    struct bytes text;      /* of TYPE_STRING; borrowed of the row */
    struct bytes qualifier; /* empty = none; borrowed of the document */
    struct bytes coded;     /* what stood for a number; borrowed of the row */
};

/* `found` is what stands at the value's path, `unit` at its unit_path (NULL = it has none).  A
 * number that is 0 is a value, whatever the nulls; NaN and infinities never are: a text that says
 * so is nothing where `nulls` has it, else refused.  E_BAD_NUMBER, E_NUMBER_RANGE, E_NOT_FINITE,
 * E_SYNTAX (of a bool, or what is missing), E_BAD_PARAMETER (of a unit) with what would be right.
 */
MUST_USE enum code row_value_read(const struct source_value *value, const struct tree_value *found,
                                  const struct tree_value *unit, struct row_value *read,
                                  struct error *err);

#endif
