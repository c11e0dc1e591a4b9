/* What the store holds of one tenant besides the head: its packs and tombstones, as immutable
 * counted lists.  A change makes a new list and publishes it; readers keep the one they took. */
#ifndef WEIR_STORE_HOLDING_H
#define WEIR_STORE_HOLDING_H

#include <stdatomic.h>

#include "base/arena.h"
#include "model/matcher.h"
#include "model/series.h"

struct guest_list;
struct pack;

struct pack_list {
    atomic_uint references;
    size_t count;
    struct pack *packs[]; /* a reference each; in order of number */
};

struct tombstone_list {
    atomic_uint references;
    size_t count;
    struct tombstone tombstones[]; /* ascending by ingest; their texts are in the holding's arena */
};

/* Rows of the tenant since the start, replayed ones included: accepted = stored + queued. */
struct holding_counts {
    uint64_t accepted, stored, queued;
};

struct holding {
    const struct tenant *tenant;
    struct holding_counts rows;
    struct pack_list *packs;           /* NULL = none */
    uint64_t packs_changed;            /* how often; guarded likewise */
    bool compacting;                   /* some of the packs are being merged; guarded likewise */
    struct tombstone_list *tombstones; /* NULL = none */
    /* Ingest time of the newest deletion that is in the packs alone; 0 = none.  Guarded likewise.
     */
    int64_t deleted_last;
    /* Versions that had lost by this ingest time may have been dropped, however long they are to
     * be kept by now; 0 = none was.  Guarded likewise. */
    int64_t history_floor;
    /* Ingest time of the newest commit applied, or later; 0 = none.  Guarded likewise. */
    int64_t newest;
    struct guest_list *guests; /* of other members; NULL = none.  Guarded likewise */
    struct arena arena;        /* texts of tombstones, for as long as the store is open */
    uint64_t *bad_packs;       /* numbers of packs that cannot be merged; the compactor's */
    size_t bad_pack_count;
    uint64_t *unopened; /* numbers of packs that could not be read at the start; since then fixed */
    size_t unopened_count;
};

/* A commit of this ingest time was applied. */
static inline void holding_note_newest(struct holding *holding, int64_t ingest)
{
    if (ingest > holding->newest)
        holding->newest = ingest;
}

/* Everything copied.  The caller publishes under the store's state lock. */
MUST_USE enum code holding_add_tombstone(struct holding *holding, const struct tombstone *tombstone,
                                         struct error *err);
/* Takes over the reference to the pack. */
MUST_USE enum code holding_add_pack(struct holding *holding, struct pack *pack, struct error *err);
/* Those of these ingest times; raises deleted_last.  The caller publishes, likewise. */
MUST_USE enum code holding_drop_tombstones(struct holding *holding, const int64_t *ingest,
                                           size_t count, struct error *err);
/* False: memory. */
MUST_USE bool holding_note_bad_pack(struct holding *holding, uint64_t number);
MUST_USE bool holding_note_unopened(struct holding *holding, uint64_t number); /* likewise */
void holding_release(struct holding *holding);

/* Room for so many, .count is 0; NULL when memory ran out. */
struct pack_list *pack_list_new(size_t capacity);
struct pack_list *pack_list_ref(struct pack_list *list); /* NULL gives NULL, likewise below */
void pack_list_unref(struct pack_list *list);
struct tombstone_list *tombstone_list_ref(struct tombstone_list *list);
void tombstone_list_unref(struct tombstone_list *list);

#endif
