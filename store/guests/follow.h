/* Follows the chain of another member and a tenant at a shard: what it lists now is known by one
 * look for the entry behind the newest one.
 *
 * Thread: one, the archive's; waits for the network. */
#ifndef WEIR_STORE_GUESTS_FOLLOW_H
#define WEIR_STORE_GUESTS_FOLLOW_H

#include "store/delivery/chain.h"

struct archive;

struct follow {
    struct bytes tenant; /* borrowed */
    struct hash128 incarnation;
    bool read;              /* it was, and what follows is true; there may be no chain */
    uint64_t next;          /* number of the entry that was not there yet */
    int64_t through;        /* as the newest entry says; INT64_MIN: nothing */
    struct chain_list list; /* what it comes to */
};

void follow_init(struct follow *follow, struct bytes tenant, const struct hash128 *incarnation);
/* Takes in what is new; *changed: something was, or it is the first time.  Not more than some
 * entries at once: it has them all when nothing has changed.  After E_CORRUPT, which names the
 * entry, all is read anew the next time, and what was known stays until then.  Else as the archive.
 */
MUST_USE enum code follow_step(struct follow *follow, struct archive *archive, bool *changed,
                               struct error *err);
void follow_release(struct follow *follow);

#endif
