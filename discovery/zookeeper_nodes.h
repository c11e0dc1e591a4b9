/* The records of a tree as they were last read, and which are to be read (again).  Pure.
 * Thread: one at a time. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_NODES_H
#define WEIR_DISCOVERY_ZOOKEEPER_NODES_H

#include "base/map.h"
#include "discovery/registry.h"

struct zookeeper_node {
    struct zookeeper_node *wanted_next;
    struct zookeeper_node *unlisted_next;
    bool wanted;    /* stands in the list */
    bool forgotten; /* is in the list alone */
    bool listed;    /* of zookeeper_nodes_list() alone */
    bool present;
    bool refused; /* it is there, and cannot be read; not present */
    enum registry_kind kind;
    struct bytes key, name; /* in what stands behind the node */
    struct bytes text;      /* owned; of a present one */
    uint64_t version;
    int64_t owner; /* the session of an ephemeral one */
};

struct zookeeper_nodes {
    struct map map;                       /* by kind and name */
    struct zookeeper_node *wanted, **end; /* to be read, the oldest first */
    size_t refused_count;
};

void zookeeper_nodes_init(struct zookeeper_nodes *nodes);
void zookeeper_nodes_release(struct zookeeper_nodes *nodes);

/* NULL when it is not known. */
struct zookeeper_node *zookeeper_nodes_find(const struct zookeeper_nodes *nodes,
                                            enum registry_kind kind, struct bytes name);
/* It is to be read.  False: memory ran out. */
MUST_USE bool zookeeper_nodes_want(struct zookeeper_nodes *nodes, enum registry_kind kind,
                                   struct bytes name);
void zookeeper_nodes_want_all(struct zookeeper_nodes *nodes);
/* The next that is to be read, which is no more wanted then; NULL = none. */
struct zookeeper_node *zookeeper_nodes_next(struct zookeeper_nodes *nodes);

/* These and no others are there of a kind: new ones are wanted, others go.  Names that are none of
 * ours are passed over. */
MUST_USE bool zookeeper_nodes_list(struct zookeeper_nodes *nodes, enum registry_kind kind,
                                   char *const *names, size_t count);
/* It was read: takes `text`, which malloc() gave, also on failure. */
MUST_USE bool zookeeper_nodes_read(struct zookeeper_nodes *nodes, enum registry_kind kind,
                                   struct bytes name, struct bytes text, uint64_t version,
                                   int64_t owner);
/* It is there, and cannot be read.  *first: that is new.  False: memory ran out. */
MUST_USE bool zookeeper_nodes_refuse(struct zookeeper_nodes *nodes, enum registry_kind kind,
                                     struct bytes name, bool *first);
void zookeeper_nodes_want_refused(struct zookeeper_nodes *nodes);
void zookeeper_nodes_gone(struct zookeeper_nodes *nodes, enum registry_kind kind,
                          struct bytes name);

/* What is present, in no order: an array to be freed, whose names and texts are the nodes'.  NULL
 * when memory ran out. */
struct registry_record *zookeeper_nodes_records(const struct zookeeper_nodes *nodes, size_t *count);

#endif
