/* A segment: one file of the wal, filled once from front to back.  Its first 512 bytes are a
 * head for people and tools; frames carry all that replay needs. */
#ifndef WEIR_STORE_WAL_SEGMENT_H
#define WEIR_STORE_WAL_SEGMENT_H

#include "base/fs.h"
#include "base/hash.h"

enum { SEGMENT_HEAD_SIZE = 512, SEGMENT_NAME_SIZE = 32 };

struct segment {
    uint64_t id;       /* from 1, ascending, not used twice while a segment is left */
    uint64_t size;     /* of the file: head, frames, zeros or stale bytes */
    uint64_t end;      /* offset behind the last frame */
    uint64_t lsn_last; /* of its frames; 0 = none */
    struct file *file; /* NULL when not open */
};

/* "wal/0000000000000001.wal" */
void segment_name(uint64_t id, char name[SEGMENT_NAME_SIZE]);
/* The id of a name as fs_list() gives it, or 0. */
uint64_t segment_id_of(const char *name);

/* A new file, filled with zeros to `size` and durable with its name: appends then change no
 * metadata. */
MUST_USE enum code segment_create(struct fs *fs, uint64_t id, uint64_t size,
                                  struct segment *segment, struct error *err);
/* Gives a segment that is no longer needed (not open) a new id; its stale frames name the old one.
 */
MUST_USE enum code segment_recycle(struct fs *fs, const struct segment *old, uint64_t id,
                                   struct segment *segment, struct error *err);
MUST_USE enum code segment_remove(struct fs *fs, uint64_t id, struct error *err);
/* Fills with zeros up to `size` and syncs. */
MUST_USE enum code segment_extend(struct segment *segment, uint64_t size, struct error *err);
/* Closes the file. */
void segment_release(struct segment *segment);
/* The head's bytes. */
void segment_head(uint64_t id, const struct hash128 *incarnation, char head[SEGMENT_HEAD_SIZE]);
/* True when the file's bytes begin with a head that names another incarnation. */
bool segment_is_foreign(struct bytes image, const struct hash128 *incarnation);
/* The seed of the checksums of an incarnation's frames. */
uint32_t segment_seed(const struct hash128 *incarnation);

#endif
