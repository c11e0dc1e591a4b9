/* What both implementations of the registry have in common: the newest snapshot, what of it was
 * lost, the copy on disk, who waits.  An implementation has a `struct registry` as its first member
 * and a thread that publishes.
 *
 * Thread:  registry_publish(), registry_state_set() and registry_keep() are of that thread; before
 *          it is started and after it was joined, of whoever opens and closes. */
#ifndef WEIR_DISCOVERY_REGISTRY_CORE_H
#define WEIR_DISCOVERY_REGISTRY_CORE_H

#include <pthread.h>

#include "discovery/registry.h"

/* As the functions of registry.h, called with names and sizes that are right. */
struct registry_operations {
    enum code (*put)(struct registry *registry, enum registry_kind kind, struct bytes name,
                     uint64_t expected, struct bytes text, uint64_t *version, struct error *err);
    enum code (*hold)(struct registry *registry, enum registry_kind kind, struct bytes name,
                      struct bytes text, struct error *err);
    void (*release)(struct registry *registry, enum registry_kind kind, struct bytes name);
    bool (*held)(struct registry *registry, enum registry_kind kind, struct bytes name,
                 uint64_t *epoch);
    void (*close)(struct registry *registry); /* joins the thread and frees it all */
};

struct registry {
    const struct registry_operations *operations;
    struct registry_rules rules;
    int64_t keep_again_ns; /* boot clock: when the copy on disk is tried again; of the thread */
    _Atomic int64_t puts_end_ns; /* monotonic: nobody waits in registry_put() for longer */
    pthread_mutex_t lock;        /* guards what is below */
    pthread_cond_t changed;
    struct registry_snapshot *snapshot;
    struct registry_health health;
};

/* Takes the copy on disk, if there is one that is whole.  E_MEMORY: nothing is to be released. */
MUST_USE enum code registry_core_init(struct registry *registry,
                                      const struct registry_operations *operations,
                                      const struct registry_rules *rules, struct error *err);
void registry_core_release(struct registry *registry);

/* What the registry holds at this moment, in any order (it is sorted); everything is copied.
 * Records that were there and are not among them stay, as missing, but for ephemeral ones.  The
 * state becomes REGISTRY_CONNECTED, with `text` ("" = all is well).  What changed goes to disk;
 * where that fails the log tells, and registry_keep() tries again.  E_MEMORY, also of too many:
 * nothing has changed.
 */
MUST_USE enum code registry_publish(struct registry *registry, struct registry_record *records,
                                    size_t count, const char *text, struct error *err);
/* `text` NULL keeps the last one. */
void registry_state_set(struct registry *registry, enum registry_state state, const char *text);
/* There was an answer. */
void registry_seen(struct registry *registry);
void registry_session_made(struct registry *registry);
/* The copy on disk, if it is not the newest: at most once a second, or `now`.  To be called now and
 * then. */
void registry_keep(struct registry *registry, bool now);

/* Whether a record that is at `version` may be replaced by who expected `expected`.  E_EXISTS,
 * E_CONFLICT. */
MUST_USE enum code registry_expect(uint64_t version, uint64_t expected, struct error *err);

/* A snapshot of these, sorted by kind and name, all copied; NULL when memory ran out. */
struct registry_snapshot *registry_snapshot_new(const struct registry_record *records,
                                                size_t count);
/* By kind, then name; for qsort(). */
int registry_record_order(const void *a, const void *b);

#endif
