/* What is known of other members from asking them for rows: who does not answer is left in peace
 * until a pulse, which asks every second and costs nobody his patience, finds it answering again.
 *
 * Thread: any. */
#ifndef WEIR_HANDLERS_PEER_MANNERS_H
#define WEIR_HANDLERS_PEER_MANNERS_H

#include "base/clock.h"
#include "base/error.h"

struct peer_manners;
struct roll;

/* Both are borrowed; the roll is of the pulses.  E_MEMORY. */
MUST_USE enum code peer_manners_new(struct roll *roll, struct clock *clock,
                                    struct peer_manners **manners, struct error *err);
void peer_manners_free(struct peer_manners *manners); /* NULL is fine */

/* Now, as CLOCK_BOOTTIME has it: when a question goes out. */
int64_t peer_manners_now(const struct peer_manners *manners);
/* A question of the tenant, by its ordinal, that went out at `asked_ns` ended with this: OK, or
 * what the member is in trouble with; E_TIMEOUT: it did not answer in time. */
void peer_manners_note(struct peer_manners *manners, unsigned member, uint64_t tenant,
                       int64_t asked_ns, enum code code, const struct error *err);
/* Whether a question of the tenant would only wait for the member. */
bool peer_manners_rests(struct peer_manners *manners, unsigned member, uint64_t tenant);

#endif
