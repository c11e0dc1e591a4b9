/* The line of one series as a plot of so many pixels needs it: its range is cut into `points`
 * buckets of equal length, and of each bucket and field the values that matter are kept (m4: the
 * first, last, least and greatest; minmax: the two extremes; lttb: the one that makes the largest
 * triangle).  docs/reference/query.md, Plots.
 *
 * Only numbers count; other values are left out and counted.  What stays in memory does not
 * depend on how many rows there are: about 100 bytes a bucket and field, and, until there are more
 * than `points` rows, these. */
#ifndef WEIR_QUERY_PIXELS_H
#define WEIR_QUERY_PIXELS_H

#include "query/question.h"
#include "query/versions.h"

/* A value that was kept. */
struct pixel {
    union cell cell;
    union {
        int64_t time;
        const struct place *place;
    };
    uint32_t row; /* of the place, while */
    bool waits;   /* its time was not looked up yet */
    uint8_t type; /* TYPE_NONE: there is none */
};

enum {
    /* m4 and minmax; minmax has the first two. */
    PIXEL_LEAST = 0,
    PIXEL_GREATEST,
    PIXEL_FIRST,
    PIXEL_LAST,
    /* lttb; first and last are those of the series. */
    PIXEL_CHOSEN = 0,
    PIXEL_SERIES_FIRST,
    PIXEL_SERIES_LAST,
};

/* Of one field in one bucket: what its values come to, less the series' first and last; in a second
 * pass the point behind the bucket that its triangles have a corner in. */
struct triangle {
    uint64_t count;
    double time, value; /* scaled: query/pixel_triangles.c */
};

/* One that has rows. */
struct pixel_bucket {
    struct pixel_bucket *next, *before;
    uint32_t index;
    int64_t time_first, time_last; /* of its rows with a number in some field */
    struct triangle *triangles;    /* by field; lttb */
    struct pixel pixels[];         /* field * slot_count + slot */
};

/* lttb: of one field. */
struct triangle_line {
    uint64_t count;
    int64_t first, last;  /* times */
    struct pixel waiting; /* the last value so far, */
    struct pixel_bucket *waiting_in;
    double time, value; /* chosen last, scaled; */
    double area;        /* and the best so far of */
    const struct pixel_bucket *bucket;
    double best_time, best_value;
};

struct pixel_row {
    struct pixel_row *next;
    int64_t time;
    struct pixel values[]; /* by field; cell and type */
};

/* The time of a row of a place; *known is false when it cannot be read any more. */
typedef enum code (*pixel_time)(void *context, const struct place *place, uint32_t row,
                                int64_t *time, bool *known, struct error *err);

struct pixels {
    struct watch *watch;
    enum downsample method;
    uint32_t points, field_count, slot_count;
    int64_t gap_asked; /* 0 = as it comes out */
    pixel_time time_of;
    void *context;
    /* Of one series: */
    struct arena arena, rows_arena;
    int64_t start;
    uint64_t length;
    uint32_t bucket_count;
    struct pixel_bucket *first, *last;
    struct pixel_bucket *at;        /* second pass */
    int64_t index_start, index_end; /* of the bucket looked at last */
    uint32_t index;
    bool second; /* pass of lttb */
    struct triangle_line *lines;
    uint64_t *value_counts; /* by field */
    uint64_t row_count;     /* exact until it is above `points` */
    struct pixel_row *rows, *rows_last;
    int64_t time_first, time_last; /* of the rows */
    uint64_t skipped;              /* values that were no numbers; of all series */
    /* What is told next: */
    const struct pixel_bucket *told;
    const struct pixel_row *told_row;
    const struct pixel **order; /* of the bucket's values, by time */
    size_t order_at, order_count;
    uint64_t gap;
};

void pixels_init(struct pixels *pixels, struct watch *watch, const struct query *query,
                 uint32_t field_count, pixel_time time_of, void *context);
/* The next series, with [start, end), which is not empty. */
MUST_USE enum code pixels_begin(struct pixels *pixels, int64_t start, int64_t end,
                                struct error *err);
/* Ascending rows of the range, or the summary of such rows of one bucket.  E_QUERY_MEMORY. */
MUST_USE enum code pixels_add(struct pixels *pixels, const struct run *run, struct error *err);
/* Whether a summary would do for rows of these times: they are of one bucket, and there are more
 * rows than points already. */
bool pixels_take_summary(const void *pixels, int64_t time_first, int64_t time_last);
/* Looks up the times that are still missing; `context` is not asked any more. */
MUST_USE enum code pixels_close(struct pixels *pixels, struct error *err);
/* As if all that was added to `later`, which is closed, were added: rows of later buckets of the
 * same series and range.  Keeps pointers into it: `later` lives until rows were told.  Not of lttb.
 */
void pixels_merge(struct pixels *pixels, const struct pixels *later);
/* All rows were added.  True: all have to be added once more. */
bool pixels_again(struct pixels *pixels);
/* Then once, before rows are told. */
MUST_USE enum code pixels_end(struct pixels *pixels, struct error *err);
/* The next row to tell, its values by field; false: that was all.  A row without any value stands
 * where the line has a gap. */
bool pixels_next(struct pixels *pixels, int64_t *time, struct datum *values);
void pixels_release(struct pixels *pixels);

/* --- inside --- */

/* Index of the bucket of a time of the range; also in index_start and index_end, its bounds. */
uint32_t pixels_index(struct pixels *pixels, int64_t time);
/* query/pixel_triangles.c: a value of the field; the bucket is its. */
void triangle_add(struct pixels *pixels, struct pixel_bucket *bucket, uint32_t field,
                  const struct pixel *value);
/* Between the passes. */
void triangles_turn(struct pixels *pixels);

#endif
