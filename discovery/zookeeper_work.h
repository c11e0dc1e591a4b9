/* What the registry does in ZooKeeper on behalf of its callers: a record that is put, an ephemeral
 * one that is held.  Each is a few states; the owner of the link steps them and hands them their
 * answers.
 *
 * Thread: the owner of the link, but for what zookeeper_puts.c and zookeeper_holds.c guard by
 * locks. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_WORK_H
#define WEIR_DISCOVERY_ZOOKEEPER_WORK_H

#include "discovery/holds.h"
#include "discovery/zookeeper_address.h"
#include "discovery/zookeeper_link.h"
#include "discovery/zookeeper_nodes.h"

/* What a tag's `what` says. */
enum {
    WORK_LIST,
    WORK_READ,
    WORK_TREE,   /* the directory of a kind was made */
    WORK_PARENT, /* one above it; how that went does not matter */
    WORK_PROOF,  /* the leader was asked */
    WORK_PUT,
    WORK_HOLD,
};

struct zookeeper_put {
    struct zookeeper_put *next;
    uint64_t id;
    enum registry_kind kind;
    struct bytes name, text; /* of the caller, who waits */
    uint64_t expected;
    int64_t deadline_ns; /* monotonic */
    enum put_stage { PUT_WAITS, PUT_READS, PUT_WRITES, PUT_WRITTEN } stage;
    bool look;     /* what is there decides: it is read before anything is written */
    bool tried;    /* a write went out whose answer was lost */
    bool homeless; /* the directory of its kind is missing */
    uint64_t version;
    bool decided; /* these say how: */
    enum code code;
    struct error err;
    bool done; /* of zookeeper_puts.c: it is its caller's again */
};

/* What it waits for goes out.  Connected. */
void zookeeper_put_step(struct zookeeper_put *put, struct zookeeper_link *link,
                        const struct zookeeper_address *address);
void zookeeper_put_answer(struct zookeeper_put *put, const struct link_event *event,
                          struct zookeeper_link *link, const struct zookeeper_address *address);
/* The directory that it waited for is there, or what kept it from being made. */
void zookeeper_put_home(struct zookeeper_put *put, enum link_outcome outcome,
                        const struct zookeeper_address *address);
/* No answer will come any more. */
void zookeeper_put_lost(struct zookeeper_put *put);
/* Its time is over. */
void zookeeper_put_end(struct zookeeper_put *put, const char *state);

struct zookeeper_hold {
    struct hold wanted; /* by a caller */
    enum { HOLD_WANTED, HOLD_MAKES, HOLD_LOOKS, HOLD_HELD, HOLD_REMOVES, HOLD_OVER } stage;
    bool homeless;    /* as of a put */
    bool look;        /* it exists: whose it is, is asked next */
    int64_t again_ns; /* boot clock: not before */
    uint64_t epoch;
};

void zookeeper_hold_step(struct zookeeper_hold *hold, struct zookeeper_link *link,
                         const struct zookeeper_address *address,
                         const struct zookeeper_nodes *nodes, int64_t session, int64_t now_ns);
/* True: it is ours since the question was sent. */
bool zookeeper_hold_answer(struct zookeeper_hold *hold, const struct link_event *event,
                           int64_t session, int64_t now_ns);
void zookeeper_hold_home(struct zookeeper_hold *hold, enum link_outcome outcome, int64_t now_ns);
/* The session is over, and with it what it held. */
void zookeeper_hold_lost(struct zookeeper_hold *hold);
/* `nodes` are what is there at this moment. */
void zookeeper_hold_check(struct zookeeper_hold *hold, const struct zookeeper_nodes *nodes,
                          int64_t session);
/* Whether one of those that were given up is of the same name and not over yet: first it has to go,
 * else the record that it leaves is taken for that of the new one. */
bool zookeeper_hold_awaits(const struct hold *holds, const struct hold *hold);

#endif
