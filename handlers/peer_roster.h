/* Which members but this one may have rows of a tenant that are not here, and which of them can be
 * asked for them.
 *
 * Thread: any. */
#ifndef WEIR_HANDLERS_PEER_ROSTER_H
#define WEIR_HANDLERS_PEER_ROSTER_H

#include "base/arena.h"
#include "handlers/peer_reply.h"

struct hash128;
struct peer_call;
struct peer_manners;
struct registry;
struct tenant;

enum { PEERS_MAX = 64 }; /* that a question asks; others are named */

struct peer {
    struct peer_asked asked; /* without the moment */
    const char *address;     /* "host:port" */
    const char *why;         /* it is not asked, or did not say all; NULL: it is, or did */
    bool alive;              /* as the registry says */
    /* Of who asks: */
    struct peer_call *calls;
    const struct peer_call *outcome; /* the one that tells how it went; NULL: it was not asked */
    int64_t outcome_ns;              /* when that was asked, by peer_manners_now() */
    bool owing;                      /* the view needs something of it */
    const char *beyond;              /* why S is not above all that it acknowledged; NULL: it is */
};

struct peer_roster {
    struct peer *list;
    size_t count, asked_count; /* the latter: so many have no `why` */
};

/* By the registry's records; `own` is this data directory's incarnation.  One that several records
 * name, as a registry that was emptied and filled again may have them, is in it once, as who it can
 * be asked.  What it has is in the arena.  `manners` NULL: all that live are asked, how many there
 * are, and none rests.  E_MEMORY. */
MUST_USE enum code peer_roster_read(struct registry *registry, struct peer_manners *manners,
                                    const struct hash128 *own, const struct tenant *tenant,
                                    struct arena *arena, struct peer_roster *roster,
                                    struct error *err);
/* Whether the registry ever had another one than this number. */
bool peer_roster_has_any(struct registry *registry, unsigned own);

#endif
