/* One line of line protocol, taken apart with care and an exact word for every fault.  Most
 * lines never come here: line_cache.h knows their form already.
 * The dialect: docs/reference/line_protocol.md. For the line protocol decoder alone. */
#ifndef WEIR_CODEC_LINE_POINT_H
#define WEIR_CODEC_LINE_POINT_H

#include "base/time_text.h"
#include "codec/point.h"

struct line_point {
    struct point point;
    enum time_unit precision;
    const char *start; /* columns count from here */
    struct bytes line; /* without spaces before it */
};

/* Where the line that begins at text.data ends (at its '\n'), strings with newlines inside
 * respected. False: the text ends before the line does. */
bool line_find_end(struct bytes text, size_t *size);

/* The first unescaped space, or the line's size: there the series ends. */
size_t line_series_size(struct bytes line);

/* The measurement and tags of `text`, the first part of input->line. */
MUST_USE enum code line_parse_series(struct line_point *input, struct bytes text,
                                     struct error *err);
/* The fields and the time, from that offset of input->line on. */
MUST_USE enum code line_parse_values(struct line_point *input, size_t from, struct error *err);

/* A value that is not a string: a number or a bool.  E_BAD_NUMBER, E_NUMBER_RANGE, E_NOT_FINITE. */
MUST_USE enum code line_parse_scalar(struct bytes token, enum value_type *type, union cell *cell);
/* The least and the greatest time a row can have are INT64_MIN + 2 and INT64_MAX - 1.
 * E_BAD_TIME, E_TIME_RANGE. */
MUST_USE enum code line_parse_time(struct bytes token, enum time_unit precision, int64_t *time);

#endif
