/* The embedded store of a node: wal, head, packs and index as one thing.  What comes in is a
 * submission (an encoded record and its decoded batch); what goes out is a view (store/view.h).
 *
 * Order of a submission: wal written and fdatasync'ed, applied to the head, watermark moved,
 * done() called with OK.  Nothing is acknowledged otherwise.
 *
 * Thread: store_submit(), store_flush() and store_view() from any; done() runs on the store's
 * applier thread and must only publish and wake. */
#ifndef WEIR_STORE_STORE_H
#define WEIR_STORE_STORE_H

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/metric.h"
#include "model/batch.h"
#include "model/limits.h"
#include "model/matcher.h"
#include "model/note.h"
#include "store/compaction_rules.h"

struct index;
struct store;

struct store_options {
    struct fs *fs; /* all borrowed, and outlive the store */
    struct clock *clock;
    struct index *index;
    struct series_registry *registry;
    struct note_sink *notes;              /* NULL: nobody asks */
    const struct compaction_rules *rules; /* NULL: nothing is compacted */
    const struct limits *limits;
    struct metrics *metrics; /* NULL: none */
    bool joins;              /* a registry: nothing is taken in before store_join() */
    bool accept_clock;       /* take a wall clock that jumped as the truth */
    uint64_t ballast_bytes;
};

/* Opens or creates, replays the wal into the head.  *store is NULL on failure. */
MUST_USE enum code store_open(const struct store_options *options, struct store **store,
                              struct error *err);
/* Starts the wal, applier and sealer threads.  Without it, store_step_*() do their work
 * (simulator). */
MUST_USE enum code store_start(struct store *store, struct error *err);
/* Stops the threads after what was submitted is done; seals nothing (the wal has it).  NULL is
 * fine. */
void store_close(struct store *store);

struct submission {
    const struct tenant *tenant;
    struct bytes payload;              /* codec/record.h; borrowed until done() */
    const struct batch *batch;         /* the same rows decoded and resolved; NULL for a deletion */
    const struct tombstone *tombstone; /* NULL for rows; .ingest is set by the store */
    const struct note *note;           /* NULL = none; .ingest is set by the store */
    /* One of very many by somebody whom nothing but the store slows down: what is in memory is
     * sealed when it is a sixteenth of what it may be otherwise. */
    bool bulk;
    /* Once, after store_submit() gave OK. */
    void (*done)(struct submission *submission, enum code code, const struct error *err);
    int64_t ingest; /* set before done() */
    /* The store's. */
    struct submission *next;
    uint64_t lsn, reserved_bytes;
    enum code outcome;
};

/* E_BUSY (head or wal full, queue full), E_DISK_FULL, E_CLOCK_SKEW, E_DRAINING, E_IO (the disk
 * failed: for good), E_RECORD_LARGE, what store_part() said: then done() is not called. */
MUST_USE enum code store_submit(struct store *store, struct submission *submission,
                                struct error *err);

/* Seals everything applied so far; done() from the sealer thread when it is in packs, and the wal
 * and the memory of the head have been given back as far as they go. */
void store_flush(struct store *store,
                 void (*done)(void *context, enum code code, const struct error *err),
                 void *context);

/* Likewise, and gives nothing back: for who does it often. */
void store_seal(struct store *store,
                void (*done)(void *context, enum code code, const struct error *err),
                void *context);
/* Ingest time up to which everything is in packs; 0 = nothing is, or nobody knows yet. */
int64_t store_sealed(struct store *store);

enum compact_extent {
    COMPACT_DUE, /* what there is a reason for: erasing, retention, many packs */
    COMPACT_ALL, /* all that can be merged */
};

/* Seals everything applied so far, then compacts packs of the tenant (NULL: of all tenants) as far
 * as it goes.  done(): nothing that was erased before is in a pack or in the wal any more.  From
 * the compactor's thread. */
void store_compact(struct store *store, const struct tenant *tenant, enum compact_extent extent,
                   void (*done)(void *context, enum code code, const struct error *err),
                   void *context);
/* Compacts no more: who waits for it, now or later, gets E_DRAINING.  So that nobody has to wait
 * for hours of work before the store can be closed.  Any thread; NULL is fine. */
void store_compact_stop(struct store *store);
/* The same, and no thread compacts when it returns: nothing of packs that are away is looked for or
 * let go of.  NULL is fine. */
void store_compact_end(struct store *store);

/* How far commits have come, as seen at one moment. */
struct store_progress {
    int64_t newest;  /* ingest time of the tenant's newest one applied, or later; 0 = none */
    int64_t durable; /* what a reader gets as S: of the newest one applied of all; 0 = none */
    /* None at or below it is still to be applied, as long as the process lives; >= durable. */
    int64_t settled;
};

/* Any thread; a lock for a moment, no waiting. */
struct store_progress store_progress(struct store *store, const struct tenant *tenant);

/* A clock whose wall time is where it would be had it not jumped: what ages of data are counted
 * from. Any thread; lives as long as the store. */
struct clock *store_clock(struct store *store);
/* Which store it is, as it may be shown: identity_mark() of its index. */
void store_mark(const struct store *store, char text[HASH128_TEXT_SIZE]);
/* Readiness: OK, or why not (E_IO after a disk error, E_CLOCK_SKEW, E_DISK_FULL, E_NOT_READY). */
enum code store_ready(struct store *store, struct error *err);
/* Nanoseconds by which ingest times are ahead of the wall clock (stamp_ahead()). */
int64_t store_ahead_ns(struct store *store);
/* The newest ingest time that was given out, or later; 0 = none was. */
int64_t store_stamp_newest(struct store *store);
/* Refreshes the gauges (head, wal, packs, watermark lag) for /metrics. */
void store_measure(struct store *store);

/* One step of each thread's work, for a store that is not started; *did tells whether there was
 * any. */
MUST_USE enum code store_step_commit(struct store *store, bool *did, struct error *err);
MUST_USE enum code store_step_apply(struct store *store, bool *did, struct error *err);
MUST_USE enum code store_step_seal(struct store *store, bool force, bool *did, struct error *err);
/* One compaction of one tenant, if one is due; `force`: if anything can be merged, erased or
 * dropped at all. */
MUST_USE enum code store_step_compact(struct store *store, bool force, bool *did,
                                      struct error *err);

#endif
