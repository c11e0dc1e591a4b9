/* What a cell of CSV holds.  A cell is typed by its text alone, quotes say nothing: an integer is
 * i64 (above that u64), a number with a point or an exponent f64, true and false are bool,
 * anything else is a string.  A column's declared type decides instead.  Pure, any thread. */
#ifndef WEIR_CODEC_CSV_VALUE_H
#define WEIR_CODEC_CSV_VALUE_H

#include "base/error.h"
#include "model/value.h"

struct csv_value_rules {
    enum value_type type; /* TYPE_NONE: by the text */
    char decimal;         /* '.' or ',' */
};

/* Sets *type, and *cell unless it is TYPE_STRING: then the text is the value.  `readable_end`:
 * bytes can be read up to there (NULL = no further than the text).  E_BAD_NUMBER, E_NUMBER_RANGE,
 * E_NOT_FINITE, E_SYNTAX (of a bool) with what would be right. */
MUST_USE enum code csv_value(const struct csv_value_rules *rules, struct bytes text,
                             const char *readable_end, enum value_type *type, union cell *cell,
                             struct error *why);
/* Makes an i64 the f64 of the same value; false when there is none. */
bool csv_value_widen(union cell *cell);

#endif
