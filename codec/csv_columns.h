/* The columns of a CSV body: which is the time, a tag, a field.  Everything is in the arena given.
 */
#ifndef WEIR_CODEC_CSV_COLUMNS_H
#define WEIR_CODEC_CSV_COLUMNS_H

#include "codec/csv_options.h"
#include "codec/csv_value.h"
#include "model/limits.h"

#define CSV_NO_COLUMN UINT32_MAX

struct csv_column {
    struct bytes name;
    const char *named_by;         /* the parameter that named it: "tags", ...; NULL = none */
    struct csv_value_rules rules; /* of a field */
    /* Of a field, from the rows so far. */
    bool real;            /* held a number with a point: integers become f64 too */
    enum value_kind kind; /* KIND_NONE: nothing yet */
    uint32_t kind_line;   /* where that was seen */
};

struct csv_columns {
    struct csv_column *items; /* in order of the body */
    uint32_t count;
    uint32_t *fields, *tags; /* indexes of items */
    uint32_t field_count, tag_count;
    uint32_t time[CSV_TIME_COLUMNS_MAX], time_count;
    uint32_t period, measurement; /* or CSV_NO_COLUMN */
};

/* `names` is borrowed.  E_BAD_PARAMETER (pointing at it) when a parameter names a column that is
 * not there or that another one names too; E_SYNTAX, E_DUPLICATE_FIELD, ... of the names
 * themselves; E_FIELDS_MANY above csv_columns_max; E_MEMORY. */
MUST_USE enum code csv_columns_make(struct csv_columns *columns, const struct csv_options *options,
                                    const struct csv_names *names, const struct limits *limits,
                                    struct arena *arena, struct error *err);

#endif
