/* What a running query may use: memory, scanned rows, groups, time; and whether its client is
 * still there.  The code that passes a limit asks here, so that each limit has one text. */
#ifndef WEIR_QUERY_WATCH_H
#define WEIR_QUERY_WATCH_H

#include <stdatomic.h>

#include "base/budget.h"
#include "base/clock.h"
#include "model/limits.h"

struct query_sink;

struct watch {
    struct budget memory; /* of all arenas and buffers of the query */
    /* Of a thread that helps: the query's own, which counts for all of them; else NULL. */
    struct watch *whole;
    uint64_t uncounted; /* rows that the whole was not told of yet */
    const struct limits *limits;
    struct clock *clock;
    struct query_sink *sink;
    const _Atomic bool *lost;    /* NULL, or set when the query must end to free what it holds */
    _Atomic int64_t deadline_ns; /* monotonic */
    _Atomic uint64_t rows_scanned;
    _Atomic bool stopped; /* a part of the query failed: the others need not go on */
    const char *pages;    /* how a page would read less, for error texts; NULL: none would */
    uint64_t cells;       /* of windows: windows x columns over all groups */
    uint32_t unlooked;
    bool hurried; /* looks often */
};

void watch_init(struct watch *watch, const struct limits *limits, struct clock *clock,
                struct query_sink *sink);
/* Of a question that is run at once: 1 ms from now on, looked at more often. */
void watch_hurry(struct watch *watch);
/* For a thread that helps: its own memory is the whole's as well, and rows are counted there, some
 * thousand at a time. */
void watch_init_helper(struct watch *watch, struct watch *whole);
/* Counts all rows: a thread's part is done.  E_QUERY_ROWS. */
MUST_USE enum code watch_settle(struct watch *watch, struct error *err);
/* `count` more rows are scanned; looks at clock and client every few thousand.  E_QUERY_ROWS and
 * those of watch_look(). */
MUST_USE enum code watch_rows(struct watch *watch, uint64_t count, struct error *err);
/* So many bytes of blocks were read until now.  E_QUERY_BYTES. */
MUST_USE enum code watch_bytes(const struct watch *watch, uint64_t bytes, struct error *err);
/* Rows at hand are looked at once more: time, but no scan. */
MUST_USE enum code watch_work(struct watch *watch, uint64_t count, struct error *err);
/* What makes a query read less, for error texts. */
const char *watch_ways(const struct watch *watch);
/* A step that is no row: a series, a place. */
MUST_USE enum code watch_step(struct watch *watch, struct error *err);
/* E_CANCELLED (also when `stopped`), E_TIMEOUT, E_BUSY (see `lost`). */
MUST_USE enum code watch_look(struct watch *watch, struct error *err);
/* The same, from any thread of the query, of a struct watch: for who waits. */
MUST_USE enum code watch_bear(void *watch, struct error *err);
/* One more window of `columns` columns.  E_QUERY_GROUPS. */
MUST_USE enum code watch_window(struct watch *watch, uint32_t columns, struct error *err);
/* Whether so many values of windows alone are too many; they are not counted.  E_QUERY_GROUPS. */
MUST_USE enum code watch_cells(const struct watch *watch, uint64_t cells, struct error *err);
/* The answer to an allocation that failed: E_QUERY_MEMORY at the query's own limit, E_BUSY at that
 * of all queries, else E_MEMORY. */
enum code watch_memory(const struct watch *watch, struct error *err);
/* The client's time is not the query's: moves the deadline. */
void watch_waited(struct watch *watch, int64_t ns);

#endif
