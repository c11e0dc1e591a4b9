/* Which member of a registry a store is (docs/formats/registry.md): the number in the low bits of
 * its ingest times.  It is given to the incarnation, once and for good; 0: to none, it serves
 * alone.
 *
 * Thread: any, one at a time; what stores and reads goes on beside them. */
#ifndef WEIR_STORE_MEMBER_H
#define WEIR_STORE_MEMBER_H

#include "store/store.h"

/* Hexadecimal, as the registry has it. */
void store_incarnation(const struct store *store, char text[HASH128_TEXT_SIZE]);
struct hash128 store_incarnation_hash(const struct store *store); /* the same */
/* As the index says it; 0 = none yet. */
unsigned store_member(struct store *store);
/* Durable when this returns: `number`, 1 to 1023, is this store's, and in the ingest times of what
 * comes from now on.  E_DISK_FULL, E_IO. */
MUST_USE enum code store_member_note(struct store *store, unsigned number, struct error *err);
/* Submissions are taken from now on.  The number was noted. */
void store_join(struct store *store);
/* They are refused from now on, with a copy of `why`; those that were taken before are done. */
void store_part(struct store *store, const struct error *why);
/* What other members say of the time. */
struct store_peers {
    bool none;               /* there are no others, be it such that cannot be asked */
    bool answered;           /* any of them did, of late; else what was known is dropped */
    int64_t lead_ns;         /* our wall clock is ahead of theirs by this */
    int64_t behind_ns;       /* the one furthest ahead of ours is ahead of it by this */
    int64_t wall_minus_boot; /* ours as it was then, by CLOCK_BOOTTIME */
    int64_t newest;          /* the newest ingest time that one of them gave; 0 = none */
};

/* Ingest times go on above `newest`, unless it is far ahead of our clock; while our clock is ahead
 * of the others', or far behind, nothing is taken (stamp_check()). */
void store_meet(struct store *store, const struct store_peers *peers);
/* Ingest times go on above the moment, which another member chose; 0: now, which is put there.
 * E_AS_OF_FUTURE: it is further ahead of our clock than members' clocks may be apart. */
MUST_USE enum code store_go_above(struct store *store, int64_t *moment, struct error *err);
/* Whether it was parted from and all that was taken before is done, for good or for bad; *sealed:
 * and of all that was acknowledged nothing is but in packs. */
bool store_rests(struct store *store, bool *sealed);

#endif
