/* The ephemeral records that this process wants in its registry, of each kind and name one at a
 * time.  An implementation has a record of its own of each, which begins with a struct hold and
 * goes on with how far it has come.
 *
 * Thread: any for holds_want() and holds_give_up().  Only the registry's thread takes out, so it
 * may walk the list without the lock; what callers see of a hold changes under it. */
#ifndef WEIR_DISCOVERY_HOLDS_H
#define WEIR_DISCOVERY_HOLDS_H

#include <pthread.h>

#include "discovery/registry.h"

struct hold {
    struct hold *next;
    uint64_t id; /* no other has or had it */
    enum registry_kind kind;
    char name[REGISTRY_NAME_SIZE_MAX + 1];
    struct bytes text; /* owned; changes under the lock */
    bool released;     /* it was given up; another one of the same name may be wanted since */
};

struct holds {
    pthread_mutex_t lock; /* guards what is below, but see above */
    struct hold *first;   /* new ones in front */
    uint64_t ids;
    size_t hold_size; /* of an implementation's record, which is zero behind its hold at first */
    void (*end)(struct hold *hold); /* releases what is behind it; NULL: nothing */
};

void holds_init(struct holds *holds, size_t hold_size, void (*end)(struct hold *hold));
void holds_release(struct holds *holds); /* nobody asks any more */

/* As registry_hold() and registry_release(); whoever sees to it is to be woken. */
MUST_USE enum code holds_want(struct holds *holds, enum registry_kind kind, struct bytes name,
                              struct bytes text, struct error *err);
void holds_give_up(struct holds *holds, enum registry_kind kind, struct bytes name);
/* The one that is wanted, NULL: none.  Under the lock. */
struct hold *holds_find(const struct holds *holds, enum registry_kind kind, struct bytes name);
/* Those that are over are taken out, and freed.  True: there were some. */
bool holds_sweep(struct holds *holds, bool (*is_over)(const struct hold *hold));

#endif
