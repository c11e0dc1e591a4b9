/* One session with ZooKeeper, over libzookeeper: what is asked goes out at once, what is answered
 * and what changes arrives as events in an inbox.
 *
 * Thread:  one owner calls link_*(); the library's threads only put into the inbox.  The inbox may
 *          be used by any thread.
 * Failure: a request that cannot be sent gives false (no memory, no session): ask again later.  An
 *          answer that says LINK_LOST: anything or nothing has happened. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_LINK_H
#define WEIR_DISCOVERY_ZOOKEEPER_LINK_H

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
void link_inbox_poke(struct link_inbox *inbox);
/* Waits until there is something, or somebody poked, or until `until_ns` (monotonic).  All there
 * is, in order, or NULL; the caller frees each.  *lost as above. */
struct link_event *link_inbox_take(struct link_inbox *inbox, int64_t until_ns, bool *lost);
void link_event_free(struct link_event *event);

struct zookeeper_link;

/* `hosts`: "host:port,...".  `digest`: "user:password" or "".  All is copied but for the inbox.
 * E_NOT_READY: names that cannot be resolved now; E_MEMORY. */
MUST_USE enum code link_open(const char *hosts, const char *digest, int session_ms,
                             unsigned generation, struct link_inbox *inbox,
                             struct zookeeper_link **link, struct error *err);
/* Ends the session where it can be told within some seconds.  Requests that are open are answered
 * with LINK_LOST.  NULL is fine. */
void link_close(struct zookeeper_link *link);
/* To be called when it is connected, before anything is asked: says who we are.  False: it could
 * not be said, open another link. */
MUST_USE bool link_admit(struct zookeeper_link *link);
/* Once connected. */
int link_session_ms(const struct zookeeper_link *link);
int64_t link_session_id(const struct zookeeper_link *link);

MUST_USE bool link_read(struct zookeeper_link *link, const char *path, bool watch,
                        const struct link_tag *tag);
MUST_USE bool link_list(struct zookeeper_link *link, const char *path, const struct link_tag *tag);
MUST_USE bool link_create(struct zookeeper_link *link, const char *path, struct bytes text,
                          bool ephemeral, const struct link_tag *tag);
MUST_USE bool link_write(struct zookeeper_link *link, const char *path, struct bytes text,
                         int32_t version, const struct link_tag *tag);
MUST_USE bool link_remove(struct zookeeper_link *link, const char *path,
                          const struct link_tag *tag);
/* Answered by the leader: who is answered has a session. */
MUST_USE bool link_sync(struct zookeeper_link *link, const char *path, const struct link_tag *tag);

/* The library's last complaint, for people, without secrets; "" = none. */
void link_complaint(char *text, size_t room);

const char *link_library_version(void);

#endif
