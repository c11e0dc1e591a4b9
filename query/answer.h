/* The run of one question, as the ways to answer share it.  query_run() opens the series of each
 * group in turn; what becomes of their rows is a way's: told as they are, with all their states, or
 * gathered into windows. */
#ifndef WEIR_QUERY_ANSWER_H
#define WEIR_QUERY_ANSWER_H

#include "query/history.h"
#include "query/pixels.h"
#include "query/result.h"
#include "query/sieve.h"
#include "query/table.h"
#include "query/top.h"
#include "query/window.h"

struct answer_crew;
struct answer_way;
struct giving;

struct answer {
    struct plan plan;
    struct watch watch;
    struct result result;
    struct table *table; /* where rows go that a join is made of; NULL: they go to the result */
    const struct giving *giving; /* or to somebody within: give.c */
    const struct answer_way *way;
    struct scan_setting setting;
    struct scan scan; /* of the series at hand */
    struct versions versions;
    struct history history;
    struct sifting sifting;
    struct run uncounted; /* the last one, as it was before conditions, where its rows are counted
                             as they are gone through */
    struct windows windows;
    struct pixels pixels;
    struct datum *values; /* of one row, by column */
    /* For changes: the row as it was; with where=, of all that is read; and scratch of
     * versions_resolve(). */
    struct datum *before, *sources;
    uint8_t *decided;
    uint64_t stats_rows; /* of the group, with a value in any field */
    struct top top;      /* while top= ranks, and which of them are next */
    size_t top_at;
    /* The last row told, and whether there is one behind it. */
    size_t last_group;
    int64_t last_time, last_known_from;
    bool more;                /* the page is full: nothing else needs to be read */
    struct answer_crew *crew; /* made when there is enough to do; owned */
    uint64_t helped;          /* pieces that other threads did */
};

struct answer_way {
    /* What series() makes is the answer's windows and stats_rows alone, so that it can be made in
     * pieces. */
    bool pieces;
    /* A group begins; NULL: nothing is to be done. */
    void (*begin)(struct answer *answer);
    /* The rows of one of its series. */
    enum code (*series)(struct answer *answer, size_t group, struct error *err);
    /* All its series were there; NULL: nothing is to be done.  The query's own thread. */
    enum code (*end)(struct answer *answer, size_t group, struct error *err);
    /* In place of series(), of a way that opens scans itself; NULL: series() it is. */
    enum code (*scan)(struct answer *answer, size_t group, size_t series, int64_t start,
                      int64_t end, struct error *err);
};

extern const struct answer_way way_pixels;   /* answer_pixels.c */
extern const struct answer_way way_rows;     /* answer_rows.c */
extern const struct answer_way way_versions; /* answer_versions.c */
extern const struct answer_way way_windows;  /* answer_windows.c */
extern const struct answer_way way_changes;  /* answer_changes.c */
extern const struct answer_way way_stats;    /* answer_stats.c */

/* Behind plan_init(): the way and what it needs, but for the result. */
MUST_USE enum code answer_prepare(struct answer *answer, struct error *err);
/* All groups; what comes behind the last of them is the caller's. */
MUST_USE enum code answer_groups(struct answer *answer, struct error *err);
/* Also after a failure, and of one that is all zero. */
void answer_release(struct answer *answer);
/* What the query's windows are made of, for all groups to come. */
void answer_windows(struct answer *answer, const struct aggregate_call *aggregates, size_t count,
                    const struct grid *grid, uint32_t column_count);
/* Opens the scan of a series and its versions; scan_release() follows, also after a failure. */
MUST_USE enum code answer_scan_begin(struct answer *answer, size_t index, int64_t start,
                                     int64_t end, struct error *err);
/* The rows of a group, or of one series of it, the answer's way. */
MUST_USE enum code answer_group(struct answer *answer, size_t index, struct error *err);
MUST_USE enum code answer_series(struct answer *answer, size_t group, size_t index, int64_t start,
                                 int64_t end, struct error *err);
/* A row that is given to somebody within: give.c. */
MUST_USE enum code answer_give(struct answer *answer, size_t group, const struct result_row *row,
                               struct error *err);
/* All groups, or rows, of top= or bottom=: answer_top.c. */
MUST_USE enum code answer_top(struct answer *answer, struct error *err);

/* For ways: the next rows of the series as they count for the question; they live until the next
 * call.  E_END. */
MUST_USE enum code answer_next(struct answer *answer, struct run *run, struct error *err);
/* For ways whose page is full: the row of that time, of the last run, is the first that it has no
 * room for.  Counts those before it.  E_QUERY_ROWS. */
MUST_USE enum code answer_full(struct answer *answer, int64_t time, struct error *err);
/* Tells a row, unless the page is full: then `more` is set. */
MUST_USE enum code answer_emit(struct answer *answer, size_t group, const struct result_row *row,
                               struct error *err);

#endif
