/* What this member has of a tenant that no chain of it lists yet: rows of the head, and packs that
 * are to be delivered.  For another member, who reads the chains and asks for the rest
 * (docs/formats/peer.md).
 *
 * Thread: query workers: it waits for commits, no longer than they take, and reads the index. */
#ifndef WEIR_STORE_UNDELIVERED_H
#define WEIR_STORE_UNDELIVERED_H

#include "store/delivery/listed.h"
#include "store/view.h"

struct undelivered {
    /* Of our own rows alone, without those of packs that are listed; its S is the moment. */
    struct view *view;
    struct listed listed;
    /* The newest ingest time that was acknowledged for the tenant before the moment was settled, or
     * later; 0: none. */
    int64_t newest;
    /* Nothing at or below this comes any more, not even after a crash and a clock set back: the
     * moment is kept in memory alone until something is stored above it. */
    int64_t settled;
    int64_t floor; /* versions that had lost by this ingest time may be gone; INT64_MIN: none */
};

/* All that was ever acknowledged of the tenant up to the moment is in the view or in what the
 * chains list with those entries, and nothing will be acknowledged at or below it any more.
 * `as_of` 0: now.  What is there is the caller's to release, also after a failure.
 * E_AS_OF_FUTURE: it is further ahead of the clock than members' clocks may be apart;
 * E_BEFORE_HISTORY: versions that it would show may be gone; E_PARTIAL: stored rows were lost. */
MUST_USE enum code undelivered_take(struct store *store, const struct tenant *tenant, int64_t as_of,
                                    struct undelivered *undelivered, struct error *err);
void undelivered_release(struct undelivered *undelivered); /* one of zeros is fine */

#endif
