/* What many nodes agree on: which tenants, shards, members and sources exist, who is alive, who
 * holds a lease.  Records by kind and name, each a text (one JSON document,
 * docs/formats/registry.md) that nothing here looks into.  Two implementations, one behaviour, one
 * suite of tests: files of one machine (discovery/registry_files.h) and ZooKeeper
 * (discovery/zookeeper.h), which make the handle.
 *
 * Reading never waits and never fails: what was last seen stays in force, also over a restart, as
 * it is kept on disk.  Nothing of it is ever taken away: a deletion is a record that says so in its
 * text.  So absence is a fault: a record that was there and is there no more stays in the snapshot,
 * marked `missing`, and the health tells how many.  Putting it again with version 0 heals that.
 *
 * Ephemeral kinds (alive, leases) are of a process: they go with it, or when it was not heard of
 * for the session's time; their absence is none.  They are in no snapshot on disk.
 *
 * Thread:  one of its own keeps the snapshot; every function here may be called by any thread, but
 *          registry_put(), registry_wait() and registry_close() wait: never on an HTTP thread, nor
 *          within `changed`.
 * Failure: of registry_put() E_NOT_READY: no contact, nothing was done.  E_TIMEOUT: sent, no
 * answer: it may have happened, the next snapshots tell.  E_CONFIG: no access. */
#ifndef WEIR_DISCOVERY_REGISTRY_H
#define WEIR_DISCOVERY_REGISTRY_H

#include "base/error.h"

struct fs;
struct registry;

enum registry_kind {
    REGISTRY_TENANTS, /* name: a tenant's */
    REGISTRY_SHARDS,  /* a shard's */
    REGISTRY_MEMBERS, /* a member's number */
    REGISTRY_SOURCES, /* a tenant's, '.', a source's */
    REGISTRY_ALIVE,   /* ephemeral: a member's number */
    REGISTRY_LEASES,  /* ephemeral: what is to be done once */
    REGISTRY_KIND_COUNT
};

enum {
    REGISTRY_NAME_SIZE_MAX = 129,       /* parts of [a-z0-9_-]{1,64}; sources have two */
    REGISTRY_TEXT_SIZE_MAX = 256 << 10, /* ZooKeeper takes a MiB with all that is around it */
    /* Of all kinds, missing ones as well.  A handle that knows so many makes no new record.  Of a
     * registry that has more all the same nothing is taken any more: what was last seen stays, and
     * the health and the log tell. */
    REGISTRY_RECORDS_MAX = 100000,
};

struct registry_record {
    enum registry_kind kind;
    bool missing; /* was there, is gone: a fault, see above */
    struct bytes name, text;
    /* Above 0.  Each change of a record gives it a higher one than any record of the registry had
     * before.  Of a lease this is the epoch: who holds it later has a higher one.  (Both but for
     * a registry that was replaced by an empty one.) */
    uint64_t version;
};

/* All records at one moment: no record is of before and none of after it.  Immutable and counted.
 */
struct registry_snapshot {
    const struct registry_record *records; /* by kind, then name (bytes_compare) */
    size_t count;
    size_t missing_count;
    uint64_t version;  /* the highest of the records that are not ephemeral; 0 = none.  Members may
                        * compare theirs */
    uint64_t sequence; /* of this handle alone: counts the snapshots it published, from 1 */
    _Atomic uint32_t references; /* of registry.c */
};

enum registry_state {
    REGISTRY_NEVER,     /* no contact since it was opened: the snapshot is the disk's */
    REGISTRY_CONNECTED, /* the snapshot is what the registry holds, but for the time of a message */
    REGISTRY_DISCONNECTED, /* no contact; the session may still be alive */
    REGISTRY_EXPIRED,      /* the session is lost for certain, a new one is being made */
    REGISTRY_REFUSED,      /* no access: credentials, or rights on a directory or on all records */
};

struct registry_health {
    enum registry_state state;
    int64_t since_ns;           /* boot clock: when this state began */
    int64_t seen_ns;            /* boot clock: last contact; INT64_MIN = never */
    size_t missing_count;       /* as in the newest snapshot */
    bool from_disk;             /* nothing newer than the snapshot on disk has been seen */
    bool kept;                  /* the newest snapshot is on disk */
    uint64_t sessions;          /* that were made; above 1: so many less one were lost */
    char text[ERROR_TEXT_SIZE]; /* the last failure, for people; "" = none.  No secrets */
};

/* What an implementation is opened with. */
struct registry_rules {
    /* Where the last good snapshot is kept: a file name below `fs`, which is borrowed and outlives
     * the handle.  NULL: nothing is kept (commands that look once). */
    struct fs *fs;
    const char *snapshot_path;
    /* Called after each new snapshot and each change of state, by the registry's thread, and in
     * registry_files_open() by the caller's; the handle's pointer is set by then.  NULL = not.  It
     * may take and parse the snapshot; it waits for nothing, and calls nothing here that waits. */
    void (*changed)(void *context);
    void *context;
    int wait_ms;        /* of registry_put() and registry_files_open(); 0 = 10,000 */
    int look_ms;        /* how often files are looked at for what other processes did; 0 = 50 */
    const char *called; /* in the log; NULL = "registry" */
};

/* NULL is fine.  Gives up what is held, and waits for its thread: at most some seconds where the
 * network does not answer.  Nobody else may be in a call. */
void registry_close(struct registry *registry);

/* A counted reference to the newest; never NULL, empty at worst. */
struct registry_snapshot *registry_get(struct registry *registry);
void registry_snapshot_put(struct registry_snapshot *snapshot); /* NULL is fine */
const struct registry_record *registry_find(const struct registry_snapshot *snapshot,
                                            enum registry_kind kind, struct bytes name);
/* The records of a kind: [*first, *end). */
void registry_range(const struct registry_snapshot *snapshot, enum registry_kind kind,
                    size_t *first, size_t *end);

struct registry_health registry_health(struct registry *registry);
/* Waits until a snapshot with a higher sequence than `sequence` is there; false after `timeout_ms`.
 * registry_wait(registry, 0, ms): until anything has been seen, be it the disk's. */
bool registry_wait(struct registry *registry, uint64_t sequence, int timeout_ms);
/* The same for who may be stopped: it ends as well when *stop is set and registry_wake() is called
 * after that. */
bool registry_wait_or_stop(struct registry *registry, uint64_t sequence, int timeout_ms,
                           const _Atomic bool *stop);
void registry_wake(struct registry *registry);
/* Waits until the state is REGISTRY_CONNECTED.  E_NOT_READY, with the last failure; E_CONFIG where
 * access was refused. */
MUST_USE enum code registry_wait_connected(struct registry *registry, int timeout_ms,
                                           struct error *err);

/* Writes a record of a kind that is not ephemeral, if it is at `expected`: 0 = not there yet.
 * *version is its new one; it is durable, and this handle's snapshot has it when this returns, but
 * where the contact was lost in between.
 * E_EXISTS: it is there, and expected was 0.  E_NOT_FOUND: it is not, and expected was above 0.
 * E_CONFLICT: it is at another version, which the text tells.  E_BAD_PARAMETER: a name, a size, or
 * one record too many.
 * After an interruption a record of the same text that came after `expected` counts as this one. */
MUST_USE enum code registry_put(struct registry *registry, enum registry_kind kind,
                                struct bytes name, uint64_t expected, struct bytes text,
                                uint64_t *version, struct error *err);

/* For a stop: in ZooKeeper nobody waits for longer than a second from now on in registry_put(), be
 * it that the question is out, and later ones fail at once.  In files it is the disk that is waited
 * for. */
void registry_hurry(struct registry *registry);

/* From now on, until released, this process wants the ephemeral record: it is made as soon as
 * nobody else has it, and again after a lost session.  Both are copied.  Held already: takes the
 * new text with the next time it is made.  Returns at once.  E_BAD_PARAMETER, E_MEMORY. */
MUST_USE enum code registry_hold(struct registry *registry, enum registry_kind kind,
                                 struct bytes name, struct bytes text, struct error *err);
/* Gives it up, if it can be told in time; else the session's end does. */
void registry_release(struct registry *registry, enum registry_kind kind, struct bytes name);
/* Whether it is this process's at this moment, as far as can be told here.  `epoch` may be NULL.
 *
 * In ZooKeeper: false from two thirds of the session's time on after the last question was sent
 * that was answered.  ZooKeeper gives the session up when its leader heard nothing of it for the
 * whole of that time.  What the leader knows may be older than its answer: by one question, a sixth
 * of the time, or by half a tick of the server's, at most a quarter.  So a twelfth at least lies
 * between, in which nobody holds it.  This is by clocks (here CLOCK_BOOTTIME, which goes on in a
 * machine that sleeps): two processes hold the same where theirs go that differently, or one stands
 * still, as in a virtual machine that is stopped from outside.
 *
 * In files: true as long as the kernel's lock is ours, also in a process that is paused; nobody
 * else has it then, but for somebody who removes the directory's files: what is made anew can be
 * held by another before this process looks again, 50 ms later or when the disk answers.
 *
 * In both what is given up counts no more from registry_release() on, which is before anybody else
 * can have it.  Ask before each piece of work; between the asking and the work a process may be
 * paused for any time, so what must not happen twice carries the epoch along. */
bool registry_held(struct registry *registry, enum registry_kind kind, struct bytes name,
                   uint64_t *epoch);

/* E_CONFIG while connected to a registry that has a record that cannot be read, for a damaged disk
 * or for want of rights: the snapshot lacks it, or has what it said before, as missing. */
MUST_USE enum code registry_whole(struct registry *registry, struct error *err);

const char *registry_kind_name(enum registry_kind kind); /* "tenants", "leases", ... */
bool registry_kind_ephemeral(enum registry_kind kind);
bool registry_name_valid(enum registry_kind kind, struct bytes name);
const char *registry_state_name(enum registry_state state); /* "never seen", "connected", ... */

#endif
