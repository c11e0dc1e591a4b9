/* The inside of the store, shared by its files (store.c, open.c, view.c, engine.c, seal.c) and
 * nobody else.
 *
 * Threads and what they own:
 *   wal thread      takes waiting submissions, stamps them, writes and syncs: `wal` (commit side)
 *   applier thread  applies committed submissions in order, moves the watermark, acknowledges:
 *                   `active`
 *   sealer thread   turns frozen generations into packs, trims the wal
 *   compactor       turns packs into fewer; writes the index, as the sealer does
 * Locks, one at a time, none across I/O: `submit_lock`, `commit_lock`, `state_lock`,
 * `seal_lock`, `compact_lock`; each names its fields. */
#ifndef WEIR_STORE_STATE_H
#define WEIR_STORE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/drain.h"
#include "base/hash_set.h"
#include "base/thread.h"
#include "store/column_cache.h"
#include "store/decoders.h"
#include "store/head/generation.h"
#include "store/holding.h"
#include "store/packs/block_builder.h"
#include "store/stamp.h"
#include "store/store.h"
#include "store/wal/wal.h"

enum {
    GENERATIONS_MAX = 64, /* unsealed at once; the head's byte limit is met long before */
    COMMIT_COUNT_MAX = 4096,
    SUBMISSIONS_MAX = 65536,
};

static const uint64_t commit_bytes_max = 64 * 1024 * 1024;

struct flush {
    struct flush *next;
    void (*done)(void *context, enum code code, const struct error *err);
    void *context;
    uint64_t seal_target; /* generations frozen before this number are sealed when it is done; 0 =
                             not frozen yet */
    bool shrink;          /* then the wal begins anew, and memory goes back */
};

struct submission_list {
    struct submission *first, **end;
    size_t count;
};

/* Who else writes rows of the same tenants.  store/guests/guests.h */
enum store_members {
    MEMBERS_NONE,    /* nobody */
    MEMBERS_UNKNOWN, /* it was not looked yet */
    MEMBERS_SOME,    /* a tenant whose holding has no list of guests was not looked at yet */
};

struct store_metrics {
    struct metric *compactions, *compacted_bytes, *compaction_bytes, *compaction_seconds;
    struct metric *commits, *commit_seconds, *records, *wal_written, *rows, *values, *seals,
        *seal_seconds, *pack_bytes, *pack_rows, *refused_busy, *refused_disk, *refused_clock,
        *apply_seconds, *head_bytes, *head_rows, *generations, *wal_bytes, *wal_segments, *packs,
        *waiting, *watermark_lag, *ingest_ahead, *pinned_bytes, *given_up, *disk_free, *gaps,
        *tombstones, *column_cache_bytes, *column_cache_hits, *column_cache_misses,
        *column_cache_evictions;
};

/* Something that was stored and cannot be read any more. */
struct lack {
    const struct tenant *tenant; /* NULL: it may be anybody's */
    struct bytes text;           /* malloc'ed */
};

struct store {
    struct store_options options;
    struct limits limits;
    struct clock believed; /* see store_clock() */
    struct hash128 incarnation;
    struct wal *wal;
    struct store_metrics metrics;
    struct drain sealing;  /* bytes of the head, as they are sealed */
    struct drain applying; /* submissions, as they are acknowledged */
    struct decoders decoders;
    struct column_cache *columns; /* NULL: none */
    /* Of blocks of packs that are away; NULL: nobody brings them (store/delivery/bring.h). */
    struct pack_bringer *_Atomic bringer;

    pthread_mutex_t submit_lock; /* guards: */
    pthread_cond_t submit_more;
    struct submission_list waiting;
    uint64_t reserved_bytes; /* head memory of submissions not applied yet */
    bool draining;
    bool parted; /* nothing enters any more, whatever `apart` said when it was asked */

    pthread_mutex_t commit_lock; /* guards: */
    pthread_cond_t commit_more;
    struct submission_list committed;
    bool freeze_wanted, applier_stop;

    pthread_mutex_t state_lock; /* guards: */
    pthread_cond_t applied_more;
    struct stamp stamp;
    int64_t assigned; /* newest ingest time given to a submission */
    int64_t applied;  /* up to here every submission is applied, or refused for good */
    int64_t durable;  /* newest ingest time applied: S, and what a restart goes on from */
    struct generation *generations[GENERATIONS_MAX]; /* oldest first; the last one is active */
    size_t generation_count;
    uint64_t frozen_count, sealed_count; /* generations, ever */
    struct holding **holdings;           /* by tenant ordinal; NULL = none yet */
    size_t holding_capacity;
    struct lack *missing;
    size_t missing_count;
    struct flush *flushes;
    struct view *views;                         /* that there are */
    struct generation *pinned[GENERATIONS_MAX]; /* sealed, and still read; oldest first */
    size_t pinned_count;
    int64_t sealed_ingest; /* everything up to here is in packs; a restart goes on above it, too */
    struct error trouble;  /* the last reason not to be ready, .code OK = none */
    enum store_members members;
    struct error apart; /* why nothing is taken in, .code OK = it is; store/member.h */

    struct generation *active;   /* the applier's; also the last of `generations` */
    _Atomic uint64_t head_bytes; /* of all generations, as of the last apply or seal */
    _Atomic bool failed;         /* the disk failed: no more commits until a restart */
    _Atomic bool disk_full;
    _Atomic bool crowded; /* a request was refused for want of room: what can be sealed shall be */

    _Atomic uint64_t pack_next; /* a number is given once, also to a pack that comes to nothing */

    /* The sealer's. */
    struct block_builder *builder;
    uint64_t sealed_lsn;
    struct hash_set fields_stored; /* of INDEX_FIELD keys known to be there */
    bool ballast;

    /* Threads; NULL without store_start(). */
    struct thread *wal_thread, *applier_thread, *sealer_thread, *compactor_thread;
    pthread_mutex_t seal_lock; /* guards: */
    pthread_cond_t seal_more;
    bool seal_stop, seal_wanted;
    _Atomic bool rotate_wanted;

    pthread_mutex_t compact_lock; /* guards: */
    pthread_cond_t compact_more;
    struct compact_request *compact_requests;
    bool compact_stop;

    /* The compactor's. */
    struct retired_pack *retired;
    uint32_t compact_tenant; /* whose turn it is */
    bool scrub_wanted;       /* erased bytes may be in free pages of the index */
    int64_t compact_rest_ns; /* when it began to work, after its last pause */
};

void store_lists_init(struct store *store);
/* The tenant's holding, made when new; NULL when memory ran out.  Under state_lock. */
struct holding *store_holding(struct store *store, const struct tenant *tenant);
/* The one that there is, else NULL.  Under state_lock. */
struct holding *store_held(const struct store *store, const struct tenant *tenant);
/* Its packs of now, to unref; NULL: none. */
struct pack_list *store_packs(struct store *store, const struct tenant *tenant);
/* Whoever walks over the tenants: ordinals are below this; and who has one, NULL where nobody with
 * a holding does.  A lock for a moment each. */
uint32_t store_tenants_end(struct store *store);
bool store_has_members(struct store *store); /* or may have */
const struct tenant *store_tenant_at(struct store *store, uint32_t ordinal);
/* Freezes the active generation if it has anything, and puts a new one behind it.  Applier, or a
 * store not started.  E_BUSY when too many wait for the sealer. */
MUST_USE enum code store_freeze(struct store *store, struct error *err);
/* Only a restart can put it right: nothing more is taken in or sealed, and waiting readers go. */
void store_fail(struct store *store, const struct error *why);
/* Notes that a generation has been sealed (NULL: looks again), which views may still read. */
void store_pin(struct store *store, struct generation *sealed);
/* Tells the sealer that there may be work. */
void store_wake_sealer(struct store *store);
/* Applies a record's content to the active generation. */
MUST_USE enum code store_apply(struct store *store, const struct tenant *tenant,
                               const struct batch *batch, const struct tombstone *tombstone,
                               const struct note *note, int64_t ingest, uint64_t lsn,
                               struct error *err);
/* Adds a text (copied) to what answers may miss: those to `tenant`, or to all where it is NULL, as
 * nobody knows whose it was.  False: memory. */
bool store_add_missing(struct store *store, const struct tenant *tenant, const char *text);
/* Seals the oldest frozen generation: packs, manifest, sealed position in one transaction; then the
 * wal is trimmed. */
MUST_USE enum code store_seal_oldest(struct store *store, struct error *err);
/* Compacts some packs of the tenant, if there is a reason (`force`: if anything can be done). */
MUST_USE enum code store_compact_tenant(struct store *store, const struct tenant *tenant,
                                        bool force, bool *did, struct error *err);
/* Overwrites what was erased in the index, if anything was since the last time. */
MUST_USE enum code store_scrub(struct store *store, struct error *err);
/* Whether it was not done when the store was last closed. */
bool store_scrub_marked(struct store *store);
/* A pause in proportion to the work since the last one.  E_DRAINING: the store is closing. */
MUST_USE enum code store_compact_pace(void *store, struct error *err);
/* Its file goes when no view has the pack any more. */
MUST_USE enum code store_retire_pack(struct store *store, struct pack *pack, struct error *err);
/* The compactor's thread, until compact_stop; what waits for it is failed then. */
void store_compactor_run(void *store);
void store_compactor_release(struct store *store);
/* Opens the pack of a manifest entry. */
struct manifest_entry;
MUST_USE enum code store_open_pack(struct store *store, struct bytes tenant,
                                   const struct manifest_entry *entry, struct bytes inline_bytes,
                                   struct pack **pack, struct error *err);
/* The same of one whose file went: what stays of it here. */
MUST_USE enum code store_open_stub(struct store *store, struct bytes tenant,
                                   const struct manifest_entry *entry, struct pack **pack,
                                   struct error *err);
/* Keeps the ballast file in place while there is plenty of space. */
void store_ballast(struct store *store);
void store_metrics_init(struct store *store);

#endif
