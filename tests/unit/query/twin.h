/* A twin of store/view.h for the tests of query/: rows in memory, put into places as the test
 * likes: overlapping, doubled, shared, corrupt.  Include twin.c in one test file; it stands in for
 * the store's own functions there. */
#ifndef WEIR_TESTS_UNIT_QUERY_TWIN_H
#define WEIR_TESTS_UNIT_QUERY_TWIN_H

#include "catalog/catalog.h"
#include "query/query.h"
#include "query/watch.h"
#include "store/place_reader.h"

enum { TWIN_CELLS_MAX = 8, TWIN_PLACES_MAX = 4096 };

struct twin_cell {
    struct bytes field;
    enum value_type type;
    union cell cell;
};

struct twin_row {
    const struct series *series;
    int64_t time, ingest;
    int64_t revision; /* INT64_MIN = none */
    uint32_t cell_count;
    struct twin_cell cells[TWIN_CELLS_MAX];
};

struct twin_place {
    uint32_t *rows; /* indexes into store.rows */
    uint32_t row_count;
    const struct series *only; /* all its rows are of; NULL: of several */
    bool shared;               /* offered to every series of its range */
    bool corrupt;
    bool block; /* in a pack, with a header unless it is shared */
    bool apart; /* as in struct place, */
    int64_t settled;
};

struct store {
    struct arena arena;
    struct twin_row *rows;
    uint32_t row_count, row_capacity;
    struct twin_place places[TWIN_PLACES_MAX];
    uint32_t place_count;
    struct tombstone *tombstones;
    size_t tombstone_count;
    int64_t deleted_last;  /* as view_deleted_last() tells it */
    int64_t history_floor; /* likewise; 0 = none */
    int64_t newest;        /* as view_newest() tells it */
    int64_t guests;        /* as view_guests() tells it */
    struct bytes missing[2];
    size_t missing_count;
    int64_t watermark;
    bool not_final; /* of all views */
    /* What the test may look at. */
    _Atomic uint32_t views_open, places_read, headers_read, times_read;
    bool at_hand;          /* the last view was told not to wait */
    bool steps_hidden;     /* headers do not tell that times are one step apart */
    uint32_t fail_at_read; /* from that place_reader_read() on: E_IO; 0 = never */
};

void twin_init(struct store *store, int64_t watermark);
void twin_release(struct store *store);
/* The row is copied; texts and series are borrowed.  Its index. */
uint32_t twin_add(struct store *store, const struct twin_row *row);
/* A place of rows [first, end). */
struct twin_place *twin_place(struct store *store, uint32_t first, uint32_t end);
struct twin_place *twin_place_of(struct store *store, const uint32_t *rows, uint32_t count);
const struct text *twin_text(struct store *store, const char *text);

/* What a twin of the HTTP side receives. */
struct twin_sink {
    struct query_sink sink;
    struct buf body;
    struct query_head head;
    char etag[64], cache_control[64], next[4096];
    uint32_t begun, writes;
    uint32_t cancel_at; /* cancelled from that question on; 0 = never */
    _Atomic uint32_t asked;
    uint32_t fail_write_at; /* 0 = never */
};

void twin_sink_init(struct twin_sink *sink);
void twin_sink_release(struct twin_sink *sink);

/* A clock that stands still, or steps. */
struct twin_clock {
    struct clock clock;
    int64_t wall;
    _Atomic int64_t monotonic;
    int64_t monotonic_step;
};

void twin_clock_init(struct twin_clock *clock, int64_t wall);

/* A watch over a clock and a sink that it begins anew: nobody leaves, and time stands still. */
void twin_watch_init(struct watch *watch, const struct limits *limits, struct twin_clock *clock,
                     struct twin_sink *sink);

#endif
