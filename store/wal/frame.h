/* The frame around a record in the wal.  docs/formats/wal.md
 *
 * `commit` is the LSN of the first record of the group that was written and synced together,
 * `base` the LSN of the last record before that group: what was durable when it was written.
 * So a gap in the log can be judged: when a valid frame behind it has a base at or below the
 * last good LSN, the gap lies in that frame's own, never acknowledged group (a torn tail); when its
 * base is above, acknowledged records are missing (corruption). */
#ifndef WEIR_STORE_WAL_FRAME_H
#define WEIR_STORE_WAL_FRAME_H

#include "base/error.h"

enum {
    FRAME_HEADER_SIZE = 56,
    FRAME_ALIGNMENT = 8,
};

struct frame {
    uint64_t segment;
    uint64_t lsn;    /* of the record, from 1, never used twice */
    uint64_t commit; /* <= lsn */
    uint64_t base;   /* < commit */
    int64_t ingest;
    uint32_t payload_size;
};

/* Bytes of the frame on disk, padding included. */
static inline uint64_t frame_size(uint64_t payload_size)
{
    return (FRAME_HEADER_SIZE + payload_size + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT *
           FRAME_ALIGNMENT;
}

/* `seed` is the crc32c of the store's incarnation: bytes that a client sent cannot pass for a
 * frame of this store. */
void frame_encode(const struct frame *frame, struct bytes payload, uint32_t seed,
                  char header[FRAME_HEADER_SIZE]);

/* True when a whole and undamaged frame of this segment stands at the beginning of `bytes`. */
bool frame_decode(struct bytes bytes, uint64_t segment, uint32_t seed, struct frame *frame,
                  struct bytes *payload);

/* The offset of the next frame at or after `offset` (both multiples of the alignment), or SIZE_MAX.
 */
size_t frame_search(struct bytes bytes, size_t offset, uint64_t segment, uint32_t seed);

#endif
