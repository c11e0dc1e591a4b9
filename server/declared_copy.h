/* What tenants declared on a node without a registry, in a backup: one file of all records
 * (docs/formats/registry_files.md), with sources and sealed secrets.  The key of these is in none.
 *
 * Thread: any; waits for the disk. */
#ifndef WEIR_SERVER_DECLARED_COPY_H
#define WEIR_SERVER_DECLARED_COPY_H

#include "base/buf.h"
#include "base/fs.h"

/* As all records stood at one moment, also while a server changes them.  *records 0: there are
 * none, and no file is made.  Synced, its name not yet.  E_CORRUPT names a record that is damaged.
 */
MUST_USE enum code declared_save(const char *data, struct fs *to, uint64_t *records,
                                 struct error *err);

struct declared_report {
    uint64_t sources, secrets;
    struct buf names; /* of secrets, for people: "octopus_key of acme, ..."; to be released */
};

enum { DECLARED_NAMES_BYTES_MAX = 1024 }; /* what is more is left out */

/* Makes them in the data directory `data` out of `from`, which has so many.  Synced.  E_CORRUPT
 * names the file where it is damaged or missing, or has another count. */
MUST_USE enum code declared_restore(struct fs *from, uint64_t records, const char *data,
                                    struct declared_report *report, struct error *err);

#endif
