/* A data directory out of a backup: everything copied and held against its hash, with an
 * incarnation of its own, and then verified as `weir verify` does.  docs/backup.md
 *
 * Thread: any; waits for the disk. */
#ifndef WEIR_STORE_RESTORE_H
#define WEIR_STORE_RESTORE_H

#include "store/backup_label.h"

struct restore_options {
    struct fs *from, *to;   /* the backup's, and an empty directory's */
    const char *index_path; /* "index" below `to`, as the machine calls it */
    uint64_t map_bytes;     /* as index_lmdb_open() takes it */
    /* As of struct backup_options; index and packs count. */
    enum code (*step)(void *context, uint64_t done, uint64_t total, struct error *err);
    void *context;
};

struct restore_report {
    struct backup_label label;  /* of the backup */
    struct hash128 incarnation; /* the new one */
    uint64_t gaps;              /* losses that the source knew of: answers stay `partial` */
    uint64_t series, tombstones, notes;
};

/* Synced; the root's names are not yet.  E_NOT_FOUND: `from` has no label; E_CORRUPT names the file
 * that is damaged or missing. */
MUST_USE enum code restore_run(const struct restore_options *options, struct restore_report *report,
                               struct error *err);

#endif
