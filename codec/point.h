/* One point on its way into a batch, whatever the format it came in: measurement, tags, fields
 * and time, then its series, its table and its row.  The arrays serve one point after the
 * other.  For decoders alone. */
#ifndef WEIR_CODEC_POINT_H
#define WEIR_CODEC_POINT_H

#include "model/batch.h"
#include "model/limits.h"

struct point_field {
    struct bytes text; /* line protocol: the name as it stands in the line, with its '=' */
    struct bytes name;
    enum value_type type;
    union cell cell;
};

struct point {
    struct batch *batch;         /* borrowed */
    const struct limits *limits; /* borrowed */
    struct bytes measurement;
    struct series_tag *tags; /* in order of input, until the key is made */
    uint32_t tag_count, tag_capacity;
    struct point_field *fields; /* in order of input */
    uint32_t field_count, field_capacity;
    bool timed;
    int64_t time; /* when timed */
    /* The table of the last point, and what it was found by: the next mostly is the same. */
    struct batch_table *table;
    uint32_t *columns; /* per field in order of input: its column of the table */
    uint32_t *order;   /* fields by name */
    struct batch_field *sorted;
    uint32_t scratch_capacity;
    struct buf key; /* scratch */
};

void point_init(struct point *point, struct batch *batch, const struct limits *limits);
void point_release(struct point *point);
void point_clear(struct point *point);

/* Room for one more, content undefined; NULL at memory's end.  The caller checked the limit. */
struct series_tag *point_add_tag(struct point *point);
struct point_field *point_add_field(struct point *point);

/* Sets point->table and point->columns.  E_DUPLICATE_FIELD with *duplicate, or E_MEMORY. */
MUST_USE enum code point_find_table(struct point *point, struct bytes *duplicate);
/* The batch's index of the series.  E_DUPLICATE_TAG, E_MEMORY. */
MUST_USE enum code point_find_series(struct point *point, uint32_t *index, struct error *err);
/* Adds the row to the table found; *now_ns is the time of a point that has none.  E_MEMORY. */
MUST_USE enum code point_put_row(struct point *point, uint32_t series, uint32_t line,
                                 int64_t now_ns);

/* Whether a name or tag value is of printable ASCII, as nearly all are.  If not, name_check()
 * tells: OK, or what is wrong at byte *at; `what` is "measurement", "tag key", ... */
bool name_plain(struct bytes name);
MUST_USE enum code name_check(struct bytes name, const char *what, size_t *at, struct error *err);

#endif
