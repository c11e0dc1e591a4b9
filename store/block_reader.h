/* One block of a pack, read part by part: what the store's column cache has is borrowed from it
 * until the arena is released, the rest is read and decoded into the arena, and offered to the
 * cache.  The bytes of the block are read when the first part has to be decoded.
 *
 * Thread: one at a time. */
#ifndef WEIR_STORE_BLOCK_READER_H
#define WEIR_STORE_BLOCK_READER_H

#include "codec/block_codec.h"
#include "store/view.h"

struct column_cache;

struct block_reader {
    /* Parsed header.  The columns' data are for the reader alone. */
    const struct block_view *block;
    /* With block_reader_open_header(): what lies between the times of any two neighbouring rows of
     * a block of one series; 0 = not known to be the same. */
    int64_t step;
    /* The reader's own. */
    const struct view *view;
    const struct place *place;
    struct block_decoder *decoder;
    struct arena *arena;
    struct column_cache *cache; /* NULL: none */
    bool opened;                /* `encoded` has the columns' bytes */
    struct block_view encoded;
};

/* `view` may be NULL; the place is one of a pack.  E_CORRUPT names pack and block, here and below.
 */
MUST_USE enum code block_reader_open(struct block_reader *reader, const struct view *view,
                                     const struct place *place, struct block_decoder *decoder,
                                     struct column_cache *cache, struct arena *arena,
                                     struct error *err);
/* Reads no more than the header: no part can be read of it. */
MUST_USE enum code block_reader_open_header(struct block_reader *reader, const struct view *view,
                                            const struct place *place, struct column_cache *cache,
                                            struct arena *arena, struct error *err);
/* As block_read_time() and its like (codec/block_codec.h). */
MUST_USE enum code block_reader_time(struct block_reader *reader, const int64_t **time,
                                     struct error *err);
MUST_USE enum code block_reader_ingest(struct block_reader *reader, const int64_t **ingest,
                                       struct error *err);
MUST_USE enum code block_reader_revision(struct block_reader *reader, const int64_t **revision,
                                         struct error *err);
MUST_USE enum code block_reader_history(struct block_reader *reader, const uint8_t **history,
                                        struct error *err);
MUST_USE enum code block_reader_column(struct block_reader *reader, uint32_t column,
                                       const union cell **cells, const uint8_t **present,
                                       struct error *err);

#endif
