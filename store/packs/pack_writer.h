/* Writes a pack, once, from front to back: blocks, then series keys, tombstones and notes.  Holds
 * at most two parts in memory.  A pack of less than 64 KiB never becomes a file: finish gives its
 * bytes.  One that is opened in memory never does, and all of it is held.
 *
 * Thread: one. */
#ifndef WEIR_STORE_PACKS_PACK_WRITER_H
#define WEIR_STORE_PACKS_PACK_WRITER_H

#include "base/fs.h"
#include "base/hash.h"
#include "model/block.h"
#include "store/packs/pack.h"

enum { PACK_INLINE_BYTES_MAX = 64 * 1024, PACK_PART_BYTES_MAX = 1024 * 1024 };

struct pack_writer;

struct pack_identity {
    struct bytes tenant;
    struct hash128 incarnation;
    uint64_t number;
    uint64_t lsn_first, lsn_last; /* of the wal records in it */
    enum pack_kind kind;
    int64_t settled, floor; /* pack_about(); only of kinds other than PACK_PLAIN */
};

struct pack_summary {
    bool in_file;
    uint64_t bytes, row_count, value_count, block_count;
    struct hash128 hash;                                      /* of all bytes */
    int64_t time_first, time_last, ingest_first, ingest_last; /* 0 without rows */
};

/* Nothing is created yet.  The file `path` comes into being when the pack outgrows 64 KiB; one that
 * is there already is left by a crash and replaced.  `fs` and identity.tenant are borrowed until
 * finish or abort. */
MUST_USE enum code pack_writer_open(struct fs *fs, const char *path,
                                    const struct pack_identity *identity,
                                    struct pack_writer **writer, struct error *err);
/* identity.tenant is borrowed, likewise. */
MUST_USE enum code pack_writer_open_memory(const struct pack_identity *identity,
                                           struct pack_writer **writer, struct error *err);
/* In the order of (measurement, series); a series may go on in the next block, else the ranges of
 * series do not overlap. */
MUST_USE enum code pack_writer_block(struct pack_writer *writer, const struct block *block,
                                     struct error *err);
/* Ascending by id, after the blocks. */
MUST_USE enum code pack_writer_series(struct pack_writer *writer, struct series_id id,
                                      struct bytes key, struct error *err);
/* Encoded by codec/record.h. */
MUST_USE enum code pack_writer_tombstone(struct pack_writer *writer, struct bytes encoded,
                                         struct error *err);
MUST_USE enum code pack_writer_note(struct pack_writer *writer, struct bytes encoded,
                                    struct error *err);
/* Given so far. */
uint64_t pack_writer_rows(const struct pack_writer *writer);
/* What they are in the pack, without directory and tail. */
uint64_t pack_writer_bytes(const struct pack_writer *writer);
/* Ends the pack and frees the writer when OK (on failure: pack_writer_abort()).  A file is
 * fdatasync'ed, its name is the caller's to sync.  Without a file *bytes is a malloc'ed copy, the
 * caller's to free; else {NULL, 0}. */
MUST_USE enum code pack_writer_finish(struct pack_writer *writer, struct pack_summary *summary,
                                      struct bytes *bytes, struct error *err);
/* Removes what was written; NULL is fine. */
void pack_writer_abort(struct pack_writer *writer);

#endif
