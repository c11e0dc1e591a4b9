/* Reading the wal back at start. */
#ifndef WEIR_STORE_WAL_REPLAY_H
#define WEIR_STORE_WAL_REPLAY_H

#include "store/wal/segment.h"
#include "store/wal/wal.h"

struct replay_result {
    uint64_t lsn_last; /* of the last record kept, at least the sealed one */
    uint64_t lsn_seen; /* the highest anywhere, also behind the cut: never to be used again */
    uint64_t records_cut;
};

/* `segments` ascending by id, closed; end and lsn_last of each are set.  E_CORRUPT when the log was
 * written by another incarnation: then nothing is changed. */
MUST_USE enum code replay_run(struct fs *fs, struct segment *segments, size_t count,
                              const struct hash128 *incarnation, uint64_t sealed_lsn,
                              const struct wal_replay *replay, struct replay_result *result,
                              struct error *err);

/* What `weir verify` tells of the log without changing it. */
struct replay_report {
    uint64_t records, records_torn, gaps;
    uint64_t lsn_last;
};
MUST_USE enum code replay_examine(struct fs *fs, const struct hash128 *incarnation,
                                  uint64_t sealed_lsn, const struct wal_replay *replay,
                                  struct replay_report *report, struct error *err);

/* Lists the segments of wal/, ascending by id.  The array is the caller's to free(). */
MUST_USE enum code segments_list(struct fs *fs, struct segment **segments, size_t *count,
                                 struct error *err);

#endif
