/* What a member answered that was asked for rows that it has not delivered (docs/formats/peer.md),
 * taken apart and checked: it comes over the network, and whoever sent it may be mistaken.
 *
 * Thread: any. */
#ifndef WEIR_HANDLERS_PEER_REPLY_H
#define WEIR_HANDLERS_PEER_REPLY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

struct pack;

enum { PEER_SHARDS_MAX = 64 }; /* that a reply names */

/* Of whom it has to be, and of what. */
struct peer_asked {
    uint32_t member;
    struct hash128 incarnation; /* as the registry has it */
    struct bytes tenant;
    int64_t as_of;
};

/* The parts of its head, each empty where it was not there. */
struct peer_head {
    unsigned status;
    struct bytes member, through, delivered, newest, settled, floor;
};

/* The newest entry of the member's chain at a shard. */
struct peer_listed {
    struct bytes shard;
    uint64_t entry;
};

struct peer_reply {
    int64_t through; /* at least as_of: all up to it is in the pack, or delivered */
    struct peer_listed listed[PEER_SHARDS_MAX]; /* names point into the head */
    size_t listed_count;
    int64_t newest;    /* that it acknowledged for the tenant; 0: nothing */
    int64_t settled;   /* nothing at or below comes any more; INT64_MIN: it does not say */
    int64_t floor;     /* versions that had lost by then may be gone; INT64_MIN: none */
    struct pack *pack; /* NULL: there are no such rows; else the caller's */
};

/* Errors are words of the member's, for people: "it answered 503".  E_CORRUPT: the reply is not
 * what it should be; E_NOT_READY: it refused; E_MEMORY.  Nothing is in *reply then. */
MUST_USE enum code peer_reply_read(const struct peer_asked *asked, const struct peer_head *head,
                                   struct bytes body, struct peer_reply *reply, struct error *err);

/* The same of GET /peer/v1/names: the measurements that it knows of the tenant, in `arena`. */
MUST_USE enum code peer_reply_names(const struct peer_asked *asked, const struct peer_head *head,
                                    struct bytes body, struct arena *arena, struct bytes **names,
                                    size_t *count, struct error *err);

/* Of GET /peer/v1/source: what it says as it stands, in `arena`; JSON. */
MUST_USE enum code peer_reply_told(const struct peer_asked *asked, const struct peer_head *head,
                                   struct bytes body, struct arena *arena, struct bytes *told,
                                   struct error *err);

/* Of POST /peer/v1/erase: OK where it says that it has erased, and at which ingest time. */
MUST_USE enum code peer_reply_erased(const struct peer_asked *asked, const struct peer_head *head,
                                     struct bytes body, int64_t *ingest, struct error *err);

#endif
