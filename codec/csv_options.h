/* What a CSV body's columns mean: parameters of the request, each a row of one table.
 * docs/reference/csv.md tells them to people.
 *
 * Everything is in the arena given; immutable once checked. */
#ifndef WEIR_CODEC_CSV_OPTIONS_H
#define WEIR_CODEC_CSV_OPTIONS_H

#include "base/arena.h"
#include "base/hash.h"
#include "codec/csv_time.h"
#include "model/value.h"

struct zone;

enum { CSV_TIME_COLUMNS_MAX = 2 };

struct csv_names {
    const struct bytes *items;
    size_t count;
};

struct csv_type {
    struct bytes name;
    enum value_type type;
};

struct csv_options {
    struct bytes measurement;        /* empty: `measurement_column` says it of each row */
    struct bytes measurement_column; /* empty: none */
    struct csv_names time;           /* columns joined by a space; none: rows are of now */
    struct csv_time_format time_format;
    struct bytes period; /* a column that counts periods of the day from 1; empty: none */
    int64_t period_ns;
    const struct zone *zone; /* of times without an offset; NULL = UTC */
    struct csv_names tags, fields, ignore;
    bool fields_only; /* `fields` was given: no other column is one */
    const struct csv_type *types;
    size_t type_count;
    struct csv_names nulls;   /* cells that say that there is no value; an empty one always does */
    struct csv_names columns; /* names, when the body has none */
    enum csv_header { CSV_HEADER_YES, CSV_HEADER_NO, CSV_HEADER_SKIP } header;
    char separator, decimal;
    uint32_t given;        /* a bit for each row of the table */
    struct hash128 digest; /* of all that was given, in order */
};

/* The defaults: the column "time" in RFC 3339, UTC, commas, a header. */
void csv_options_init(struct csv_options *options);
/* Whether this is a parameter of CSV. */
bool csv_option_known(struct bytes name);
/* The one that may be given more than once. */
extern const char csv_option_repeatable[];
/* The parameter `name`, which is known.  `value` is borrowed.  E_BAD_PARAMETER with its name as
 * the error's pointer, E_MEMORY. */
MUST_USE enum code csv_option_set(struct csv_options *options, struct bytes name,
                                  struct bytes value, struct arena *arena, struct error *err);
/* When all are set: what is missing or contradicts.  E_MISSING_PARAMETER, E_BAD_PARAMETER. */
MUST_USE enum code csv_options_check(const struct csv_options *options, struct error *err);
bool csv_option_given(const struct csv_options *options, const char *name);

#endif
