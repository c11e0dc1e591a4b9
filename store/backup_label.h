/* backup.json: what a backup is, for people and for `weir restore`.  docs/formats/backup.md */
#ifndef WEIR_STORE_BACKUP_LABEL_H
#define WEIR_STORE_BACKUP_LABEL_H

#include "base/buf.h"
#include "base/fs.h"
#include "store/identity.h"
#include "store/pack_carry.h"

#define BACKUP_LABEL_NAME "backup.json"
enum { BACKUP_LABEL_BYTES_MAX = 64 << 10 };

struct backup_label {
    int64_t created_ns;
    struct identity identity; /* of the store it was taken from */
    struct pack_totals totals;
    uint64_t index_bytes;
    struct hash128 index_hash; /* of index/data.mdb: LMDB has no checksums of its own */
    uint64_t declared;         /* records of the file `declared`; 0: there is none */
    bool flushed;              /* else rows that were in the wal alone are not in it */
};

/* `version` is that of the program. */
void backup_label_encode(const struct backup_label *label, const char *version, struct buf *out);
/* E_CORRUPT with the member that is missing or wrong. */
MUST_USE enum code backup_label_decode(struct bytes text, struct backup_label *label,
                                       struct error *err);
/* E_CONFIG when the directory of `fs`, which is called `path`, is a backup: a store that worked on
 * it would change what is to be restored, and be one of two of the same name. */
MUST_USE enum code backup_label_refuse(struct fs *fs, const char *path, struct error *err);

#endif
