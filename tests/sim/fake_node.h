/* A file without its name: the bytes that programs see, those that the disk holds, and the changes
 * between them that wait.  Counted: by names, by name changes that wait, by handles. */
#ifndef WEIR_TESTS_SIM_FAKE_NODE_H
#define WEIR_TESTS_SIM_FAKE_NODE_H

#include "fake_disk.h"

/* The bytes of a file; what is not there reads as zero. */
struct image {
    char *data;
    uint64_t size, capacity;
};

/* A change that is not durable: a new size, or sectors as they were after a write. */
struct change {
    bool resizes;
    uint64_t size;         /* resizes */
    uint64_t offset, used; /* else: bytes [offset, offset + used), whole sectors */
    char *data;
};

struct node {
    size_t references;
    struct image seen, disk;
    struct change *changes;
    size_t change_count, change_capacity;
};

/* How much of what waits reaches the disk. */
enum keep {
    KEEP_ALL,
    KEEP_NONE,
    KEEP_HALF,
    KEEP_MOST,
    KEEP_FEW,
    KEEP_FIRST,
    KEEP_LAST,
    KEEP_COUNT
};

/* Whether change number `at` is kept; KEEP_FIRST and KEEP_LAST part at `turn`. */
bool keeps(struct random *random, enum keep keep, size_t at, size_t turn);

struct node *node_new(void);                                /* without a reference */
struct node *node_ref(struct node *node);                   /* NULL gives NULL */
void node_unref(struct fake_disk *disk, struct node *node); /* NULL is fine */
void node_resize(struct node *node, uint64_t size);
/* Writes the first `size` of the parts' bytes. */
void node_write(struct node *node, uint64_t offset, const struct bytes *parts, size_t count,
                uint64_t size);
/* Writes a choice of what waits to the disk and forgets the rest.  True when a part stayed. */
bool node_settle(struct node *node, struct random *random, enum keep keep);
/* A power cut: from now on programs see what the disk holds.  True when the file was torn. */
bool node_crash(struct fake_disk *disk, struct node *node);

#endif
