/* Walks everything a data directory holds, without changing it: manifest entries and the packs
 * they name, every block decoded and its summary compared, the wal frame by frame, every record
 * decoded.
 *
 * Thread: one, with no server running on the directory. */
#ifndef WEIR_STORE_VERIFY_H
#define WEIR_STORE_VERIFY_H

#include "base/fs.h"

struct index;

struct verify_report {
    uint64_t packs, blocks_rows, pack_bytes;
    /* Of these, whose blocks are at a shard alone: what is here of them was checked. */
    uint64_t packs_away, away_bytes;
    uint64_t wal_records, wal_rows, wal_records_torn;
    uint64_t series, tombstones, notes;
    uint64_t gaps_known; /* told at an earlier start */
    uint64_t faults;
};

/* `tell` is called with one sentence for every fault.  OK also with faults (see report->faults);
 * other codes when the walk itself could not go on. */
MUST_USE enum code store_verify(struct fs *fs, struct index *index,
                                void (*tell)(void *context, const char *fault), void *context,
                                struct verify_report *report, struct error *err);
/* Forgets the gaps that were told: answers are no longer `partial` for them. */
MUST_USE enum code store_accept_loss(struct index *index, uint64_t *forgotten, struct error *err);

#endif
