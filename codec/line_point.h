/* One line of line protocol, taken apart with care and an exact word for every fault.  Most
 * lines never come here: line_cache.h knows their form already.
 * The dialect: docs/reference/line_protocol.md. For the line protocol decoder alone. */
#ifndef WEIR_CODEC_LINE_POINT_H
#define WEIR_CODEC_LINE_POINT_H

#include "base/arena.h"
#include "base/time_text.h"
#include "model/limits.h"
#include "model/series.h"

struct line_field {
    struct bytes text; /* the name as it stands in the line, with its '=' */
    struct bytes name;
    enum value_type type;
    union cell cell;
};

/* Its arrays serve one line after the other. */
struct line_point {
    struct arena *arena;         /* borrowed; of texts and of names that had escapes */
    const struct limits *limits; /* borrowed */
    enum time_unit precision;
    const char *start; /* columns count from here */
    struct bytes line; /* without spaces before it */
    struct bytes measurement;
    struct series_tag *tags; /* in order of input */
    uint32_t tag_count, tag_capacity;
    struct line_field *fields; /* in order of input */
    uint32_t field_count, field_capacity;
    bool timed;
    int64_t time; /* when timed */
};

/* Where the line that begins at text.data ends (at its '\n'), strings with newlines inside
 * respected. False: the text ends before the line does. */
bool line_find_end(struct bytes text, size_t *size);

/* The first unescaped space, or the line's size: there the series ends. */
size_t line_series_size(struct bytes line);

/* The measurement and tags of `text`, the first part of point->line. */
MUST_USE enum code line_parse_series(struct line_point *point, struct bytes text,
                                     struct error *err);
/* The fields and the time, from that offset of point->line on. */
MUST_USE enum code line_parse_values(struct line_point *point, size_t from, struct error *err);

/* A value that is not a string: a number or a bool.  E_BAD_NUMBER, E_NUMBER_RANGE, E_NOT_FINITE. */
MUST_USE enum code line_parse_scalar(struct bytes token, enum value_type *type, union cell *cell);
/* The least and the greatest time a row can have are INT64_MIN + 2 and INT64_MAX - 1.
 * E_BAD_TIME, E_TIME_RANGE. */
MUST_USE enum code line_parse_time(struct bytes token, enum time_unit precision, int64_t *time);

#endif
