/* The inside of an opened pack, shared by pack.c, pack_check.c, pack_parts.c and nobody else. */
#ifndef WEIR_STORE_PACKS_PACK_INSIDE_H
#define WEIR_STORE_PACKS_PACK_INSIDE_H

#include <stdatomic.h>

#include "store/packs/pack.h"
#include "store/packs/pack_footer.h"

struct pack {
    atomic_uint references;
    uint64_t serial;
    void (*gone)(void *context, uint64_t serial); /* NULL: nobody asks */
    void *gone_context;
    struct fs *fs; /* borrowed */
    char *path;    /* owned; NULL: the bytes are `memory` */
    char *memory;  /* owned */
    uint64_t size;
    struct pack_footer footer;
    char *name;
    uint64_t number;
    enum pack_kind kind;
    int64_t settled, floor;
    char *directory; /* the section, which measurements point into; owned */
    struct pack_block *blocks;
    size_t block_count;
};

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
