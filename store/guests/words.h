/* For who asks members how they are: what one says to be listed counts for each of its chains that
 * a look, begun later, found nothing new in.  So it holds of tenants that the member never touched,
 * and goes on to hold when it is dead.  Known until a restart.  docs/decisions/0045-guests.md
 *
 * Thread: any. */
#ifndef WEIR_STORE_GUESTS_WORDS_H
#define WEIR_STORE_GUESTS_WORDS_H

#include <stdint.h>

struct guests;
struct hash128;

/* All that the data directory ever acknowledges up to `closed` is listed, at shards that a registry
 * of this version or a lower one names.  0: it does not say. */
void guests_hear(struct guests *guests, const struct hash128 *incarnation, int64_t closed,
                 uint64_t version);

#endif
