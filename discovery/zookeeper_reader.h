/* Which of ZooKeeper's nodes are to be looked at, and what they were when they were looked at last.
 * Each directory and each record is read with a watch; what is told to have changed is read again.
 * ZooKeeper tells a change before it answers a read with what came after it, so when the reader is
 * quiet, its nodes are what the tree held at one moment.  A directory that gives no rights stops
 * all of it: the credentials are wrong.  A single record that does is somebody else's: the others
 * are read on, and it is tried now and then.
 *
 * Thread: the owner of the link. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_READER_H
#define WEIR_DISCOVERY_ZOOKEEPER_READER_H

#include "discovery/zookeeper_address.h"
#include "discovery/zookeeper_link.h"
#include "discovery/zookeeper_nodes.h"

struct zookeeper_reader {
    struct registry *registry; /* borrowed; is told when nodes give no rights */
    struct zookeeper_nodes nodes;
    bool list[REGISTRY_KIND_COUNT];    /* is to be listed */
    bool listing[REGISTRY_KIND_COUNT]; /* was asked for, or its directory is being made */
    size_t reading;                    /* records that were asked for */
    bool unpublished;                  /* something was read since the last time */
    bool refused;                      /* nothing is asked until again_ns (monotonic) */
    int64_t again_ns;
    int64_t refused_again_ns; /* monotonic: when records that cannot be read are tried again */
    char complaint[512];      /* about the last of them */
};

void zookeeper_reader_init(struct zookeeper_reader *reader, struct registry *registry);
void zookeeper_reader_release(struct zookeeper_reader *reader);

/* All of it: after each connection, or when something was lost. */
void zookeeper_reader_want(struct zookeeper_reader *reader);
/* One of them; the kind is listed anew where memory runs out. */
void zookeeper_reader_want_one(struct zookeeper_reader *reader, enum registry_kind kind,
                               struct bytes name);
/* The link has ended: no answers come any more. */
void zookeeper_reader_lost(struct zookeeper_reader *reader);
/* It is another tree. */
void zookeeper_reader_forget(struct zookeeper_reader *reader);

/* What is wanted goes out, so many at once. */
void zookeeper_reader_send(struct zookeeper_reader *reader, struct zookeeper_link *link,
                           const struct zookeeper_address *address);
/* The directory of a kind and whatever is above it; who is there already stays. */
void zookeeper_reader_make(struct zookeeper_reader *reader, enum registry_kind kind,
                           struct zookeeper_link *link, const struct zookeeper_address *address);

/* An answer to WORK_LIST, WORK_READ, WORK_TREE (zookeeper_work.h); takes the event's text. */
void zookeeper_reader_take(struct zookeeper_reader *reader, struct link_event *event,
                           struct zookeeper_link *link, const struct zookeeper_address *address);
void zookeeper_reader_changed(struct zookeeper_reader *reader, const char *path,
                              const struct zookeeper_address *address);

/* Nothing is left to be looked at. */
bool zookeeper_reader_quiet(const struct zookeeper_reader *reader);

#endif
