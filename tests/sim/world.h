/* One simulated machine with one store, and beside it what a careful observer knows: everything
 * that was submitted, what was acknowledged, and what nobody told.
 *
 * An episode begins with an empty disk and plays some thousand steps, all from one seed.  The first
 * thing that is not as promised ends it: world_fail(). */
#ifndef WEIR_TESTS_SIM_WORLD_H
#define WEIR_TESTS_SIM_WORLD_H

#include "catalog/catalog.h"
#include "fake_clock.h"
#include "fake_disk.h"
#include "fake_fs.h"
#include "memory_index.h"
#include "store/delivery/away.h"
#include "store/delivery/delivery.h"
#include "store/store.h"
#include "store/view.h"
#include "tests/fake_archive.h"

enum {
    TENANT_COUNT = 3,
    SERIES_COUNT = 20,     /* over all tenants */
    MEASUREMENT_COUNT = 3, /* the last is what a source has done */
    FIELD_COUNT = 6,
    SHARD_COUNT = 2,
    VIEWS_HELD = 3,
    TRACE_COUNT = 48,
};

/* What the observer knows of a cell, and of a row with all its fields. */
struct known_cell {
    enum value_type type; /* TYPE_NONE: absent */
    uint64_t bits;        /* numbers and bool */
    struct bytes text;    /* strings; in the world's arena */
};

struct known_row {
    int64_t time, ingest, revision;
    int64_t settled; /* deletions up to here are in it; INT64_MIN: as it was written */
    uint32_t series;
    struct known_cell cells[FIELD_COUNT];
};

enum task_state {
    TASK_WAITING, /* the store has it */
    TASK_HELD,    /* acknowledged, or seen after a recovery: there for ever */
    TASK_UNKNOWN, /* refused late, or the store went before it answered: whole or absent */
    TASK_GONE,    /* refused at once, or absent after a recovery: never to be seen */
};

/* One submission. */
struct task {
    struct submission submission; /* first: done() gets a pointer to it */
    struct world *world;
    enum task_state state;
    uint32_t tenant;
    uint64_t number;
    int64_t ingest;         /* HELD */
    int64_t seen_before;    /* the greatest S shown when it was submitted */
    int64_t wall;           /* when it was submitted */
    struct known_row *rows; /* world's arena; sorted by (series, time), unique */
    size_t row_count;
    bool deletes, noted;
    struct tombstone tombstone; /* world's arena */
    struct note note;           /* world's arena */
    /* Lent to the store, released when it is done. */
    bool lent;
    struct arena arena;
    struct batch batch;
    struct buf payload;
};

struct known_series {
    uint32_t tenant, measurement;
    struct bytes key;
    struct series_id id;
    const struct known_row **rows; /* HELD ones, by (time, ingest) */
    size_t row_count, row_capacity;
};

struct seen_note {
    uint32_t tenant;
    struct note note; /* the arena notes_arena */
};

struct held_view {
    struct view *view; /* NULL: a free place */
    uint32_t tenant;
};

enum count {
    COUNT_SUBMITTED,
    COUNT_ACKNOWLEDGED,
    COUNT_REFUSED,
    COUNT_UNKNOWN,
    COUNT_UNKNOWN_KEPT,
    COUNT_ROWS,
    COUNT_COMMITS,
    COUNT_SEALS,
    COUNT_COMPACTIONS,
    COUNT_FLUSHES,
    COUNT_CHECKS,
    COUNT_SWEEPS,
    COUNT_AS_OF,
    COUNT_POWER_CUTS,
    COUNT_TORN_FILES,
    COUNT_KILLS,
    COUNT_CLEAN_STOPS,
    COUNT_FAILED_OPENS,
    COUNT_DISK_FULL,
    COUNT_IO_FAULTS,
    COUNT_CLOCK_STEPS,
    COUNT_DELIVERIES,
    COUNT_ARCHIVE_FAILURES,
    COUNT_AWAY,
    COUNT_WANTED,
    COUNT_READ_AWAY,
    COUNT_NO_ANSWER,
    COUNT_CHAINS,
    COUNT_REBUILT,
    COUNT_FLIPS,
    COUNT_FLIPS_DETECTED,
    COUNT_OF_COUNTS
};
extern const char *const count_names[COUNT_OF_COUNTS];

struct world {
    uint64_t seed, step;
    bool entered; /* the store is a member, whose number it has noted */
    struct random random;
    struct arena arena;
    struct fake_disk disk;
    struct fake_clock clock;
    struct fs *fs;
    struct index *index;
    struct limits limits;
    struct catalog *catalog; /* NULL while the store is closed */
    struct store *store;     /* likewise */
    struct note_sink sink;   /* of the store */
    struct block_decoder *decoder;
    struct fake_archive shards[SHARD_COUNT]; /* what the machine's end does not touch */
    uint32_t homes[TENANT_COUNT];            /* of which each tenant has one */
    struct delivery_rules delivery_rules;
    struct delivery *delivery; /* NULL while the store is closed, as `away` */
    struct away *away;
    uint64_t shards_failed;  /* calls, so far */
    int64_t shard_failed_ns; /* when the last one was seen, by the machine's own clock */

    struct known_series series[SERIES_COUNT];
    struct task **tasks; /* all, in order of submission */
    size_t task_count, task_capacity;
    struct task **held; /* ascending by ingest */
    size_t held_count, held_capacity;
    struct seen_note *notes; /* told since the store was opened */
    size_t note_count, note_capacity;
    struct arena notes_arena;
    struct held_view views[VIEWS_HELD];
    size_t flushes_due; /* asked for, not answered */
    int64_t flushed;    /* up to here a flush says that rows are in packs; INT64_MIN = looked at */

    int64_t seen;  /* the greatest S any view has shown */
    int64_t final; /* the greatest that was said to be final */
    bool trouble;  /* something was injected since the store was opened */
    bool stepped;  /* the wall clock was, since the store was opened */
    bool dead;     /* the store said E_IO: only a restart helps */
    uint64_t counts[COUNT_OF_COUNTS];

    bool failed;
    char failure[1024];
    char trace[TRACE_COUNT][160];
    size_t trace_count;
};

const char *tenant_name(uint32_t tenant);
struct bytes measurement_name(uint32_t measurement);
struct bytes field_name(uint32_t field);

void world_init(struct world *world, uint64_t seed, enum sabotage sabotage);
void world_release(struct world *world);
/* The first failure counts. */
void world_fail(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
/* Notes that this view was shown. */
void world_saw(struct world *world, const struct view *view);
/* The wall clock was stepped, or is behind what it gave out before: the store may refuse. */
bool world_clock_is_odd(const struct world *world);
void world_trace(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* Opens the store with a fresh catalog.  *code is what store_open() said. */
enum code world_open(struct world *world, struct error *err);
/* The store goes; what it did not answer becomes unknown. */
void world_close(struct world *world);

/* task.c: makes a submission from chance and hands it in; the task, or NULL when refused. */
struct task *task_submit(struct world *world, size_t rows_max);
void task_settle(struct task *task, enum task_state state, int64_t ingest);
void task_release(struct task *task);

/* check.c */
/* Every row that the tenant's or series' view shows, against what is known. */
/* The rows in place of their versions come to the same. */
void check_latest(struct world *world, const struct view *view, uint32_t series, int64_t start,
                  int64_t end);
void check_series(struct world *world, const struct view *view, uint32_t series, int64_t start,
                  int64_t end);
void check_tenant(struct world *world, const struct view *view, uint32_t tenant);
/* All tenants at a fresh view. */
void check_all(struct world *world);
/* Just after an opening: the store has told all notes. */
void check_notes(struct world *world);
/* What a flush has promised to be in packs is not in the head. */
void check_flushed(struct world *world);
/* After a recovery: finds out which of the unknown submissions are there. */
void resolve_unknown(struct world *world);
/* May miss rows when it says so, or those of the task `spared`; never shows another value. */
bool check_flipped(struct world *world, const struct task *spared);

/* deliver.c */
void deliver_init(struct world *world);
void deliver_release(struct world *world);
/* What away_new() said. */
enum code deliver_open(struct world *world, struct error *err);
void deliver_close(struct world *world);
/* A turn; true when there was something to do. */
bool deliver_step(struct world *world, struct error *err, enum code *code);
/* Packs go to their shards or come back; whether one did. */
bool away_from_here(struct world *world);
/* A read of what is at a shard alone may fail: it refused a moment ago. */
bool deliver_excuses(struct world *world);
/* No call of a shard fails any more; then as often as it was. */
void deliver_calm(struct world *world, uint32_t fail_one_in[SHARD_COUNT]);
void deliver_uncalm(struct world *world, const uint32_t fail_one_in[SHARD_COUNT]);
/* What shards have is whole, and as far as their chains say that rows are there, they are. */
void check_shards(struct world *world);
/* After that: until nothing is left to do; then each chain is the manifest. */
void check_delivered(struct world *world);

/* step.c */
void world_step(struct world *world);
/* True when something was sealed. */
bool world_seal(struct world *world, bool force);
/* Commits, applies and (`seal`) seals until nothing is left to do. */
void world_drain(struct world *world, bool seal);
/* As often as it takes: power comes back, the store opens, the unknown is resolved. */
void world_recover(struct world *world);

#endif
