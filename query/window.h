/* The windows of one group: for each that has rows, the state of every field's aggregates. */
#ifndef WEIR_QUERY_WINDOW_H
#define WEIR_QUERY_WINDOW_H

#include "query/aggregate.h"
#include "query/grid.h"
#include "query/versions.h"

struct window {
    int64_t start; /* INT64_MIN at least: the first one of all time may begin before it */
    char *states;
};

struct windows {
    struct watch *watch;
    struct grid grid;
    uint32_t field_count;
    uint32_t column_count; /* of the answer: what a window counts for query_groups_max */
    /* In the state of a field, by part; SIZE_MAX where no aggregate asks for it. */
    size_t offset[PART_KINDS];
    size_t field_size;
    /* By field: some column of it takes numbers only, and other values are counted as skipped. */
    const uint8_t *numbers; /* borrowed */
    bool apart;             /* windows are counted where they are merged into, not here */
    /* Of one group: */
    struct arena arena;
    struct pool pool; /* in the arena, for what states hold beside themselves */
    struct window *windows;
    size_t count, capacity;
    uint32_t *slots; /* index + 1 by hash of start; 0 = empty */
    size_t slot_count;
    size_t at;          /* the last one found */
    int64_t start, end; /* the last one of the grid that was asked for; nothing when equal */
    int64_t time_first; /* of the rows with a value */
    uint64_t skipped;   /* values that were no numbers; of all groups */
    bool carrying;      /* some part carries: */
    struct part_carry *carries; /* of the series at hand, by field, then part */
    uint64_t series;            /* how many began; of all groups */
};

/* Part of a window's state is what the aggregates need; every field has all of it. */
void windows_init(struct windows *windows, struct watch *watch, const struct grid *grid,
                  uint32_t field_count, uint32_t column_count, const uint8_t *numbers,
                  const struct aggregate_call *aggregates, size_t count);
/* Empties them for the next group. */
void windows_begin(struct windows *windows);
/* A series begins: what is added until the next one does is of it.  E_QUERY_MEMORY. */
MUST_USE enum code windows_series_begin(struct windows *windows, struct error *err);
/* Adds ascending rows, or the summary of such rows of one window.  E_QUERY_GROUPS, E_QUERY_MEMORY.
 */
MUST_USE enum code windows_add(struct windows *windows, const struct run *run, struct error *err);
/* Counts all of them: of windows that were apart.  E_QUERY_GROUPS. */
MUST_USE enum code windows_count(struct windows *windows, struct error *err);
/* As if all that was added to `other` were added: rows of later series, or of the same series at
 * later times where nothing carries.  Both are of one query.  E_QUERY_GROUPS, E_QUERY_MEMORY. */
MUST_USE enum code windows_merge(struct windows *windows, const struct windows *other,
                                 struct error *err);
/* As structs are not copied: states of one keep pointers to its pool. */
void windows_swap(struct windows *a, struct windows *b);
/* Puts them in order of time. */
void windows_sort(struct windows *windows);
/* What the aggregate makes of the field in the window. */
void window_finish(const struct windows *windows, const struct window *window, uint32_t field,
                   const struct aggregate_call *aggregate, struct datum *datum);
void windows_release(struct windows *windows);

#endif
