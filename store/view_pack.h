/* What a view has of a measurement and a range of time, all versions of it up to S, as one plain
 * pack in memory: for another member, who reads it as a guest (docs/formats/peer.md).
 *
 * Thread: query workers: reading may wait for the disk. */
#ifndef WEIR_STORE_VIEW_PACK_H
#define WEIR_STORE_VIEW_PACK_H

#include "store/view.h"

struct view_pack;

struct view_pack_options {
    const struct view *view; /* borrowed */
    const struct tenant *tenant;
    struct bytes measurement; /* outlives it */
    int64_t start, end;       /* rows and deletions that touch [start, end) */
    int64_t deletions_after;  /* those of a higher ingest time */
    struct budget *memory;    /* borrowed; NULL: nobody counts */
    size_t memory_max;        /* of one series, decoded */
    size_t bytes_max;         /* of the pack */
};

MUST_USE enum code view_pack_begin(const struct view_pack_options *options, struct view_pack **pack,
                                   struct error *err);
/* All rows of a series of the measurement; ascending by id, each once.  E_QUERY_RESULT: the pack
 * passes bytes_max; E_QUERY_MEMORY, E_BUSY: memory_max, or all memory; E_CORRUPT names the pack
 * that cannot be read; E_SHARD. */
MUST_USE enum code view_pack_series(struct view_pack *pack, const struct series *series,
                                    struct error *err);
/* Ends it: the bytes are malloc'ed and the caller's, and still count as its memory until
 * view_pack_free(); {NULL, 0} where the view has nothing. */
MUST_USE enum code view_pack_end(struct view_pack *pack, struct bytes *bytes, struct error *err);
void view_pack_free(struct view_pack *pack); /* NULL is fine */

#endif
