/* What stays here of a pack whose file went because a shard has it: all but the blocks, so that
 * whoever plans never waits for a shard.  Format: docs/formats/pack.md.
 *
 * Thread: any; I/O. */
#ifndef WEIR_STORE_PACKS_PACK_STUB_H
#define WEIR_STORE_PACKS_PACK_STUB_H

#include "store/packs/pack.h"

enum { PACK_SHARD_SIZE_MAX = 64 };

/* Blocks of packs that are not here, for whoever reads them; waits for the network.  What it gives
 * was held against the hashes of the pack's parts. */
struct pack_bringer {
    enum code (*bring)(struct pack_bringer *bringer, const struct pack *pack, uint64_t offset,
                       void *data, size_t size, const struct patience *patience, struct error *err);
    /* What it gave last of the byte failed a check: it is to be asked for anew. */
    void (*doubt)(struct pack_bringer *bringer, const struct pack *pack, uint64_t offset);
    /* Nobody has the pack any more, which may be since something in it was erased. */
    void (*forget)(struct pack_bringer *bringer, uint64_t serial);
    /* False: whoever asks for a block of it is refused at once, since its shard is in trouble. */
    bool (*answers)(struct pack_bringer *bringer, const struct pack *pack);
};

/* "packs/acme/0000000000000011.stub" */
void pack_stub_path(struct bytes tenant, uint64_t number, char path[PACK_PATH_SIZE]);
/* Writes and syncs the file, in place of one that a crash may have left; its name is not synced
 * yet.  The pack is here. */
MUST_USE enum code pack_stub_write(struct fs *fs, const char *path, const struct pack *pack,
                                   struct bytes shard, struct error *err);
/* As pack_open_file().  Blocks are read through *bringer; while that is NULL, they cannot be.
 * `bringer` is borrowed and outlives the pack. */
MUST_USE enum code pack_open_stub(struct fs *fs, const char *path,
                                  struct pack_bringer *_Atomic *bringer, struct pack **pack,
                                  struct error *err);
/* Where it was when its file went; "" of a pack that is here. */
const char *pack_shard(const struct pack *pack);
/* Whether to ask for its blocks now; true of a pack that is here. */
bool pack_answers(const struct pack *pack);
/* Its parts; NULL of a pack that is here.  They live as long as it. */
const struct pack_parts *pack_stub_parts(const struct pack *pack);

#endif
