/* When a row was: the time that it tells, or base and index, and its label; with what the rows
 * before have shown, where clocks are turned back and texts are told again and again.  One thread.
 */
#ifndef WEIR_INGEST_ROWS_ROW_CLOCK_H
#define WEIR_INGEST_ROWS_ROW_CLOCK_H

#include "base/map.h"
#include "ingest/rows/row_step.h"
#include "ingest/rows/row_time.h"

enum { ROW_MEMO_SIZE = 64 };

/* The last text and what it said: bases, and known_at, are the same for many rows. */
struct row_memo {
    size_t size; /* 0: none */
    char text[ROW_MEMO_SIZE];
    int64_t ns, end_ns; /* as in struct row_base */
    struct span step;
};

/* The last row of each series in the pages before: a page may begin within an hour that is told
 * twice.  Of those alone that are near to one, so mostly nothing.  Zeroed: no pages were before. */
struct row_order {
    struct arena arena;
    struct map before_by_series;
    struct row_time_before alone;
};

void row_order_release(struct row_order *order); /* it is empty then */

struct row_clock {
    const struct source_time *time; /* borrowed */
    struct arena *arena;            /* borrowed */
    bool ordered;                   /* by the row before of the series: it has to be told */
    const struct row_order *order;  /* borrowed; NULL: no pages were before */
    int64_t asked_from_ns;          /* of the window; INT64_MIN: rows may be of any time */
    bool begun;                     /* `alone` is known */
    struct row_time_before alone;   /* of the series without a name */
    struct map before_by_series;    /* to a struct row_time_before */
    struct row_memo base, step, to;
    struct buf text; /* scratch: several texts joined */
};

void row_clock_init(struct row_clock *clock, const struct source_time *time, struct arena *arena);
void row_clock_release(struct row_clock *clock);

/* Whether rows between may be told apart by those of pages before alone. */
bool row_clock_hangs_on_order(const struct source_time *time, int64_t start_ns, int64_t end_ns);
/* What came so far is before what comes in other pages.  Where there is no memory for it, it is
 * not. */
void row_clock_keep(const struct row_clock *clock, struct row_order *order);

/* `series` is looked at where the clock is ordered: any text that stands for it, empty = there is
 * but one.  E_BAD_TIME, E_TIME_RANGE; E_MEMORY. */
MUST_USE enum code row_clock_place(struct row_clock *clock, const struct tree_row *row,
                                   struct bytes series, struct row_place *place, struct error *err);
/* Up to where the row is repeated; *given is false where the document has no `to`. */
MUST_USE enum code row_clock_to(struct row_clock *clock, const struct tree_row *row, int64_t *to_ns,
                                bool *given, struct error *err);
/* A single time that stands for itself, as known_at. */
MUST_USE enum code row_memo_time(struct row_memo *memo, const struct source_time_format *format,
                                 const struct zone *zone, enum source_ambiguous ambiguous,
                                 struct bytes text, int64_t *ns, struct error *err);

#endif
