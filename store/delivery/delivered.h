/* What shards have of a tenant's packs, as this data directory knows: the table `delivered` of the
 * index, and where the tenant's chains stand (docs/formats/index.md).  It lags behind the shard by
 * at most one chain entry.
 *
 * Thread: any; what writes waits for other writers of the index. */
#ifndef WEIR_STORE_DELIVERY_DELIVERED_H
#define WEIR_STORE_DELIVERY_DELIVERED_H

#include "store/delivery/chain.h"

struct index;
struct index_transaction;

enum delivered_state {
    DELIVERED_LISTED = 1,  /* all of it is there, and the chain names it */
    DELIVERED_REMOVED = 2, /* the chain names it no more, its documents are to be deleted */
    DELIVERED_BEGUN = 3,   /* some of it may be there, and the chain does not name it */
};

struct delivered {
    enum delivered_state state;
    struct bytes shard;
    /* Begun, and listed at this one until `shard` lists it: the last that is known to have all of
     * it, whose blocks may be nowhere else.  Empty: none. */
    struct bytes former;
    struct chain_pack pack;
};

void delivered_encode(const struct delivered *delivered, struct buf *out);
/* The shards point into `bytes`.  E_CORRUPT. */
MUST_USE enum code delivered_decode(struct bytes bytes, struct delivered *delivered,
                                    struct error *err);

/* What the manifest and the shard differ by. */
enum diff_kind {
    DIFF_ADD,       /* live, and not listed there; parts are known when it was begun, else 0 */
    DIFF_KEEP,      /* live and listed */
    DIFF_REMOVE,    /* listed or begun there, and not live any more */
    DIFF_DISCARD,   /* removed */
    DIFF_ELSEWHERE, /* of another shard, and not live any more: nothing but to forget it */
};

struct diff_pack {
    enum diff_kind kind;
    bool listed, begun;
    bool notes; /* pack_is_notes(); a turn sets it, else false */
    struct chain_pack pack;
};

struct diff {
    struct diff_pack *packs; /* owned; ascending by number */
    size_t count, capacity;
    size_t counts[DIFF_ELSEWHERE + 1]; /* by kind */
    uint64_t next;                     /* number of the next entry of the chain */
    int64_t through;                   /* of the entry before; INT64_MIN = none */
    bool moved;                        /* the last entry went to another shard */
    bool returns;        /* ... and this one has a chain from before: a checkpoint is due */
    int64_t ingest_last; /* all rows up to here are in packs */
};

/* As of one moment.  E_CORRUPT: the two tables contradict each other. */
MUST_USE enum code delivered_compare(struct index *index, struct bytes tenant, struct bytes shard,
                                     struct diff *diff, struct error *err);
/* NULL: it has none of the number. */
const struct diff_pack *diff_find(const struct diff *diff, uint64_t number);
/* Whether the tenant's chain entry, of our incarnation, number diff->next and not noted yet, can
 * be ours: one of before a crash names what we have or had, since a pack is noted before the first
 * of its documents is sent, and until its last one is deleted.  And it takes out nothing that
 * lives.  Else somebody else goes on with our chain. */
bool diff_explains(const struct diff *diff, const struct chain_entry *entry);
void diff_release(struct diff *diff);

/* The shard that has all of the pack, as a text with a NUL: whose chain lists it, or did until it
 * was begun at another one; E_NOT_FOUND: none has. */
enum { DELIVERED_SHARD_SIZE = 65 };
MUST_USE enum code delivered_where(struct index *index, struct bytes tenant, uint64_t number,
                                   char shard[DELIVERED_SHARD_SIZE], struct error *err);
/* And the pack as it is known there. */
MUST_USE enum code delivered_whole(struct index *index, struct bytes tenant, uint64_t number,
                                   char shard[DELIVERED_SHARD_SIZE], struct chain_pack *pack,
                                   struct error *err);

/* What the shard has of one live pack, and the number of the next entry of the chain there, as a
 * comparison would tell, for who asks about many.  E_NOT_FOUND: it does not list it, or a
 * checkpoint is due. */
MUST_USE enum code delivered_listed(struct index *index, struct bytes tenant, struct bytes shard,
                                    uint64_t number, struct chain_pack *pack, uint64_t *next,
                                    struct error *err);

/* Each in one transaction.  After E_IO only a restart tells whether it took place. */

/* Before the first of their documents is sent: so that what a crash leaves there is known.  Which
 * shard listed one stays known until this one does. */
MUST_USE enum code delivered_begin(struct index *index, struct bytes tenant, struct bytes shard,
                                   const struct chain_pack *packs, size_t count, struct error *err);
/* The entry is at the shard. */
MUST_USE enum code delivered_apply(struct index *index, struct bytes shard,
                                   const struct chain_entry *entry, struct error *err);
/* The entry is at the shard, and a checkpoint will come behind it: what it lists does not matter.
 * `through` as it was. */
MUST_USE enum code delivered_pass(struct index *index, struct bytes shard,
                                  const struct chain_entry *entry, int64_t through,
                                  struct error *err);
/* It is not to be there after all: what was known of it before it was begun stands again. */
MUST_USE enum code delivered_give_up(struct index *index, struct bytes tenant, uint64_t number,
                                     struct error *err);
/* Nothing of them is there, or nobody looks after it any more. */
MUST_USE enum code delivered_forget(struct index *index, struct bytes tenant,
                                    const uint64_t *numbers, size_t count, struct error *err);

/* Within a transaction: all of all tenants, for a new incarnation has chains of its own. */
MUST_USE enum code delivered_clear(struct index *index, struct index_transaction *transaction,
                                   struct error *err);

#endif
