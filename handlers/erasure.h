/* A deletion at this node, be it of a client (handlers/deletions.h) or of a member that erases
 * everywhere (handlers/peer_erase.h): it is written, which hides the rows, and one that erases is
 * carried out in packs and wal then.
 *
 * Thread: one at a time; written() and carried_out() come from threads of the store, and only
 * publish and wake. */
#ifndef WEIR_HANDLERS_ERASURE_H
#define WEIR_HANDLERS_ERASURE_H

#include "base/buf.h"
#include "store/store.h"

/* Owned by the request's handler; what it points to lives as long. */
struct erasure {
    struct store *store; /* borrowed, likewise */
    const struct tenant *tenant;
    struct tombstone tombstone; /* .ingest is set before written() */
    /* Once each, where erasure_begin() gave OK; and after erasure_carry_out(). */
    void (*written)(struct erasure *erasure, enum code code, const struct error *err);
    void (*carried_out)(struct erasure *erasure, enum code code, const struct error *err);
    struct buf payload; /* these are its own */
    struct submission submission;
};

/* Who asked, for the log. */
struct erasure_asker {
    const char *kind; /* "token" or "member" */
    struct bytes name, request, question;
};

/* Refused now, not at every read: a pattern that does not compile. */
MUST_USE enum code erasure_check(const struct selector *selector, struct error *err);
/* As store_submit(). */
MUST_USE enum code erasure_begin(struct erasure *erasure, struct error *err);
/* Of one that was written and erases. */
void erasure_carry_out(struct erasure *erasure);
void erasure_release(struct erasure *erasure); /* one of zeros is fine */

/* Who erased what, and when it was gone: in the program's log, since the data itself must not tell.
 */
void erasure_audit(const struct erasure *erasure, const struct erasure_asker *asker,
                   const char *what);

#endif
