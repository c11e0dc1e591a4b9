/* What to compact next: which packs of a tenant are merged, and by which spans of time the packs
 * that come out are cut.  No I/O; looks at directories only.
 *
 * Reasons: many plain packs; a deletion that erases; versions that nobody may ask for any more;
 * rows past retention; or somebody asks for all that can be done.  A pair of current and history
 * pack is taken whole or not at all.  Pairs are taken along with plain packs of the same time while
 * they are not much larger than what is being merged anyway: a row is rewritten a few times in its
 * life, not at every merge.
 *
 * What sources have done is merged apart from rows, as it is sealed: such a pack may have to wait
 * where it is delivered, as rows must not.
 *
 * A pack that is away, or whose other half is, is left alone until all of it is past retention;
 * where something of it is to be erased, pack_want() says so. */
#ifndef WEIR_STORE_PACKS_COMPACTION_H
#define WEIR_STORE_PACKS_COMPACTION_H

#include "base/error.h"
#include "model/matcher.h"
#include "store/packs/pack.h"

enum { COMPACTION_PACKS_MAX = 64 }; /* merged at once */

struct compaction_wish {
    struct pack *const *packs; /* of the tenant, ascending by number */
    size_t pack_count;
    const struct tombstone *tombstones;
    size_t tombstone_count;
    /* Of other authors: what `settled` of these packs says is not of them.  Mostly none. */
    const struct tombstone *foreign;
    size_t foreign_count;
    bool brings;         /* who asks has packs that are away brought: they count as here */
    int64_t sealed;      /* only deletions up to this ingest time are looked at */
    int64_t floor;       /* ingest time; INT64_MIN = versions are kept for ever */
    int64_t history_ns;  /* age of the floor */
    int64_t time_floor;  /* rows before it are past retention; INT64_MIN = none are */
    uint64_t plain_max;  /* so many plain packs are merged without being asked */
    bool force;          /* whatever can be merged */
    const uint64_t *bad; /* numbers of packs that cannot be merged */
    size_t bad_count;
};

struct compaction_span {
    int64_t start, end; /* [start, end); end INT64_MAX takes everything */
};

struct compaction {
    struct pack *packs[COMPACTION_PACKS_MAX]; /* borrowed */
    size_t pack_count;
    uint64_t bytes;                /* of all of them */
    struct compaction_span *spans; /* owned; none = nothing of them stays */
    size_t span_count;
};

/* pack_count 0: nothing is to be done.  E_MEMORY. */
MUST_USE enum code compaction_plan(const struct compaction_wish *wish,
                                   struct compaction *compaction, struct error *err);
void compaction_release(struct compaction *compaction);

/* Whether rows that the deletion hides may be in such a pack: it has older ones of these times, and
 * does not stand for deletions up to this one.  Of a pair `about` may be that of both. */
bool compaction_may_hold(const struct pack_about *about, const struct tombstone *tombstone);

/* The moment that is so long ago, INT64_MIN for an age of INT64_MAX.  In steps, so that who asks
 * again at once finds nothing new to do; never later than what may be asked for, before 1970
 * either. */
int64_t compaction_floor(int64_t now_ns, int64_t age_ns);

/* Whether no row of the packs is hidden by the deletion and no question can ask about what it hid:
 * it can be forgotten.  Everything up to `sealed` is in packs. */
bool compaction_outlived(const struct tombstone *tombstone, struct pack *const *packs,
                         size_t pack_count, int64_t sealed, int64_t floor);

#endif
