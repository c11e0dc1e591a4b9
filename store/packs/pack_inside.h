/* The inside of an opened pack, shared by pack.c, pack_check.c, pack_parts.c,
 * pack_stub.c and nobody else. */
#ifndef WEIR_STORE_PACKS_PACK_INSIDE_H
#define WEIR_STORE_PACKS_PACK_INSIDE_H

#include <stdatomic.h>

#include "store/packs/pack.h"
#include "store/packs/pack_footer.h"

/* Of a pack that is away: where in its stub the bytes are that it still has. */
struct pack_stub {
    struct pack_bringer *_Atomic *bringer; /* NULL: the pack is here */
    uint64_t head_at;                      /* the pack's first bytes, head_size of them */
    uint64_t tail_at, tail_first;          /* those from tail_first to its end */
    uint32_t head_size;
    char *shard; /* owned */
    struct pack_parts *parts;
};

struct pack_guest {
    struct pack_refused *refused;
    size_t refused_count;
    struct arena arena;
};

struct pack {
    atomic_uint references;
    uint64_t serial;
    void (*gone)(void *context, uint64_t serial); /* NULL: nobody asks */
    void *gone_context;
    struct fs *fs; /* borrowed */
    char *path;    /* owned; NULL: the bytes are `memory` */
    char *memory;  /* owned */
    uint64_t size;
    struct pack_stub stub;
    struct pack_guest *guest; /* NULL: the pack is our own */
    _Atomic uint64_t used;
    _Atomic bool wanted;
    struct pack_footer footer;
    char *name;
    uint64_t number;
    struct hash128 incarnation;
    enum pack_kind kind;
    int64_t settled, floor;
    struct pack_rest rest;
    char *directory; /* the section, which measurements point into; owned */
    struct pack_block *blocks;
    size_t block_count;
};

/* One without anything, of one reference; NULL: memory. */
MUST_USE struct pack *pack_new(struct error *err);
void pack_guest_free(struct pack_guest *guest); /* NULL is fine */
/* Reads footer, head and directory; takes `made` over. */
MUST_USE enum code pack_open_rest(struct pack *made, struct pack **pack, struct error *err);
/* Bytes of the file that the pack's path names: all of it, or what stays of one that is away. */
MUST_USE enum code pack_read_path(const struct pack *pack, uint64_t at, void *data, size_t size,
                                  struct error *err);
/* Of a pack that is away: from its stub, or from the shard. */
MUST_USE enum code pack_stub_read(const struct pack *pack, uint64_t offset, void *data, size_t size,
                                  const struct patience *patience, struct error *err);
/* The byte's block fails its check, though its part did not: whatever is kept of it here is
 * dropped. True: reading it once more is worth a try. */
bool pack_stub_doubt(const struct pack *pack, uint64_t offset);
void pack_stub_release(struct pack_stub *stub);
/* Bytes of the pack, unchecked. */
MUST_USE enum code pack_read(const struct pack *pack, uint64_t offset, void *data, size_t size,
                             struct error *err);
/* A whole section, its CRC checked; the caller frees *data. */
MUST_USE enum code pack_read_section(const struct pack *pack, enum pack_section section,
                                     char **data, struct bytes *bytes, struct error *err);
/* Series keys, tombstones or notes, one after another, while `each` gives OK.  `entry` is valid
 * during the call. */
MUST_USE enum code pack_walk(const struct pack *pack, enum pack_section section,
                             enum code (*each)(void *context, struct bytes entry,
                                               struct error *err),
                             void *context, struct error *err);

#endif
