/* What the lines so far looked like, because the next one will look like one of them: a series
 * that was seen is found by its text as it stands in the line, and its fields are expected in the
 * order, with the names and of the types of its last line.  A line that is as expected goes
 * into the columns without being taken apart; for any other, line_cache_take() says so and has
 * done nothing.  A series that is new is expected to have the fields of the line before, and only
 * its own text is taken apart.  For the line protocol decoder alone.
 *
 * Everything but the maps is in the batch's arena. */
#ifndef WEIR_CODEC_LINE_CACHE_H
#define WEIR_CODEC_LINE_CACHE_H

#include "codec/decoder.h"
#include "codec/line_point.h"

/* Bytes that may be read behind a line's newline (their content is of no matter). */
enum { LINE_SLACK = 64 };

struct line_expected {
    uint64_t word[2], mask[2]; /* the first 16 bytes of `text` and which of them are there */
    struct bytes text;         /* the name as it stands in the line, with its '=' */
    enum value_type type;
    uint32_t column; /* of the table */
};

/* The fields of a line in its order. */
struct line_layout {
    struct batch_table *table;
    struct line_layout *other; /* what came last when this was expected and did not come */
    uint32_t field_count;
    struct line_expected fields[];
};

struct line_series {
    struct bytes text; /* as it stands in the line */
    uint32_t index;    /* of the batch */
    struct bytes measurement;
    struct line_layout *layout; /* of its last line, or of the series before it */
    struct line_series *next;   /* which came after it the last time */
};

struct line_cache {
    struct batch *batch;      /* borrowed */
    struct line_point *input; /* borrowed: takes the text of a new series apart */
    struct decode_options options;
    int64_t unit_ns; /* 0 = guessed for each time */
    struct map series_by_text, layouts_by_text;
    struct line_series *last; /* of the last line */
    struct buf scratch;
};

void line_cache_init(struct line_cache *cache, struct line_point *input,
                     const struct decode_options *options);
void line_cache_release(struct line_cache *cache);

/* Takes the line at `line` if it is as expected, and returns where the next one begins; NULL
 * otherwise.  At `end` - 1 is a newline, at or behind this line's; LINE_SLACK bytes can be read
 * there.  *newlines grows by those within the line. */
const char *line_cache_take(struct line_cache *cache, const char *line, const char *end,
                            uint32_t number, uint32_t *newlines);

/* The series of this text, or NULL. */
struct line_series *line_cache_find(const struct line_cache *cache, struct bytes text);
/* Adds one; NULL at memory's end. */
struct line_series *line_cache_add(struct line_cache *cache, struct bytes text, uint32_t index);
/* Its line was taken: from now on it is expected after the one before it. */
void line_cache_came(struct line_cache *cache, struct line_series *series);
/* Expects the fields of this point, which was put into its table, of the next line of the series.
 * No failure: without memory nothing is expected. */
void line_cache_expect(struct line_cache *cache, struct line_series *series,
                       const struct point *point);

#endif
