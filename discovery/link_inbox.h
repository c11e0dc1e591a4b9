/* What a session with ZooKeeper has to tell (zookeeper_link.h), in order, for the one who owns it.
 *
 * Thread: any, but for link_inbox_take(), which is its owner's. */
#ifndef WEIR_DISCOVERY_LINK_INBOX_H
#define WEIR_DISCOVERY_LINK_INBOX_H

#include <pthread.h>

#include "discovery/registry.h"

enum { LINK_PATH_SIZE_MAX = 512 };

/* What the owner knows an answer by; comes back as it was given. */
struct link_tag {
    unsigned what;
    enum registry_kind kind;
    uint64_t id;
    int64_t sent_ns; /* boot clock; set by the link */
    char name[REGISTRY_NAME_SIZE_MAX + 1];
};

enum link_outcome {
    LINK_OK,
    LINK_LOST,
    LINK_ABSENT,  /* there is no such node */
    LINK_THERE,   /* it exists already */
    LINK_CHANGED, /* it is at another version */
    LINK_REFUSED, /* no rights */
    LINK_FAILED,
};

enum link_state { LINK_CONNECTED, LINK_DISCONNECTED, LINK_EXPIRED, LINK_NOT_ADMITTED };

struct link_node {
    int64_t created, changed; /* transactions, which ZooKeeper counts over all its nodes */
    int64_t owner;            /* the session of an ephemeral one, else 0 */
    int32_t version;
};

struct link_event {
    struct link_event *next;
    unsigned generation; /* of the link that it is of */
    enum { LINK_STATE, LINK_NODE, LINK_ANSWER } kind;
    enum link_state state;         /* LINK_STATE */
    char path[LINK_PATH_SIZE_MAX]; /* LINK_NODE: what changed.  Only looking tells how */
    struct link_tag tag;           /* LINK_ANSWER */
    enum link_outcome outcome;     /* of it */
    struct link_node node;         /* of link_read(), link_create(), link_write() */
    struct bytes text;             /* of link_read(); owned */
    char **names;                  /* of link_list(); owned */
    size_t name_count;
};

struct link_inbox {
    pthread_mutex_t lock; /* guards all of it, and what its owner puts under it */
    pthread_cond_t filled;
    struct link_event *first, **last;
    bool poked;
    bool lost; /* memory ran out: something changed, nobody knows what */
};

void link_inbox_init(struct link_inbox *inbox);
void link_inbox_release(struct link_inbox *inbox); /* nobody puts or takes any more */
/* NULL: memory ran out, and something happened that nobody knows. */
void link_inbox_put(struct link_inbox *inbox, struct link_event *event);
void link_inbox_poke(struct link_inbox *inbox);
/* Waits until there is something, or somebody poked, or until `until_ns` (monotonic).  All there
 * is, in order, or NULL; the caller frees each.  *lost as above. */
struct link_event *link_inbox_take(struct link_inbox *inbox, int64_t until_ns, bool *lost);
void link_event_free(struct link_event *event);

#endif
