/* A backup of a store that may be serving meanwhile, from another process: a copy of the index as
 * one of its transactions left it, and the pack files that it names.  docs/backup.md
 *
 * Thread: any; waits for the disk. */
#ifndef WEIR_STORE_BACKUP_H
#define WEIR_STORE_BACKUP_H

#include "store/backup_label.h"

struct backup_options {
    struct fs *from, *to;   /* the data directory's, and an empty one's; of fs_posix_open() */
    struct index *source;   /* of `from`, opened for reading */
    const char *index_path; /* "index" below `to`, as the machine calls it */
    uint64_t map_bytes;     /* as index_lmdb_open() takes it */
    bool link;              /* packs become second names of the same files where they can */
    bool hot;               /* a server works on `from`: rest three times as long as is worked */
    /* After every piece; `total` is of pack files.  Not OK ends the backup.  NULL = nobody asks. */
    enum code (*step)(void *context, uint64_t done, uint64_t total, struct error *err);
    void *context;
};

struct backup_report {
    struct backup_label label; /* without created_ns and flushed, which the caller knows */
    uint64_t linked, copied;   /* files; also those of packs that were compacted meanwhile */
    unsigned tries;            /* copies of the index, each newer */
};

/* Everything but the label, synced; the root's names are not yet.  E_CORRUPT names the pack that
 * is damaged or missing; E_BUSY: packs were compacted faster than they were copied. */
MUST_USE enum code backup_take(const struct backup_options *options, struct backup_report *report,
                               struct error *err);
/* The file beside it, synced. */
MUST_USE enum code backup_write_label(struct fs *to, const struct backup_label *label,
                                      const char *version, struct error *err);
MUST_USE enum code backup_read_label(struct fs *from, struct backup_label *label,
                                     struct error *err);

#endif
