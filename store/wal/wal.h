/* The write-ahead log of this node: a record is durable once wal_commit() has returned OK for
 * it, and not before.  Format: docs/formats/wal.md.
 *
 * Thread:  wal_commit(), wal_rotate() on the wal thread; wal_prepare() and wal_trim() on one other
 *          (the sealer); wal_bytes() on any.
 * Failure: E_DISK_FULL is temporary and leaves the log as it was.  After any other error the
 *          log takes no more writes (wal_failed()) and the process must stop: a failed fdatasync
 *          is never tried again, since the kernel may have dropped the pages. */
#ifndef WEIR_STORE_WAL_WAL_H
#define WEIR_STORE_WAL_WAL_H

#include "base/fs.h"
#include "base/hash.h"

struct wal;

struct wal_options {
    struct fs *fs; /* borrowed */
    struct hash128 incarnation;
    uint64_t segment_bytes_max; /* segments grow from 1 MiB to this by doubling */
};

/* A record found at start, in order of LSN.  The payload is 8-byte aligned and lives during the
 * call. */
struct wal_replay {
    /* A code other than OK ends the replay and wal_open() with it. */
    enum code (*record)(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                        struct error *err);
    /* Acknowledged records are missing in front of lsn_next; `what` names the span.  The damaged
     * bytes are kept in quarantine/. */
    enum code (*gap)(void *context, uint64_t lsn_last, uint64_t lsn_next, const char *what,
                     struct error *err);
    void *context;
};

/* Opens or creates the directory wal/.  Records with an LSN up to `sealed_lsn` are in packs and
 * skipped.  Cuts a torn tail durably before the first record is replayed. */
MUST_USE enum code wal_open(const struct wal_options *options, uint64_t sealed_lsn,
                            const struct wal_replay *replay, struct wal **wal, struct error *err);
void wal_close(struct wal *wal); /* NULL is fine */

struct wal_entry {
    struct bytes payload;
    int64_t ingest;
    uint64_t lsn; /* set by wal_commit(): 0 = not durable */
};

/* Makes the entries durable in order.  After a failure those with an LSN are durable and the others
 * are not, and will not be after a restart either, unless wal_failed(): then nobody knows. */
MUST_USE enum code wal_commit(struct wal *wal, struct wal_entry *entries, size_t count,
                              struct error *err);
/* Makes the next segment ready, so that wal_commit() need not wait for it.  OK when there is one.
 */
MUST_USE enum code wal_prepare(struct wal *wal, struct error *err);
/* Removes or recycles the segments that only hold records up to this LSN.  What a failure left, the
 * next call takes up. */
MUST_USE enum code wal_trim(struct wal *wal, uint64_t sealed_lsn, struct error *err);
/* The next commit begins a new, small segment; the spares go.  Trimming can then free all disk
 * space. */
MUST_USE enum code wal_rotate(struct wal *wal, struct error *err);

bool wal_failed(const struct wal *wal);
uint64_t wal_lsn_last(const struct wal *wal); /* of the last durable record; wal thread */
uint64_t wal_bytes(const struct wal *wal);    /* on disk, spare included */
uint32_t wal_segment_count(const struct wal *wal);

#endif
