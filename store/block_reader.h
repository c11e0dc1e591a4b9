/* One block of a pack, read part by part: what the store's column cache has is borrowed from it
 * until the arena is released, the rest is read and decoded into the arena, and offered to the
 * cache.  Of a block's bytes those of the parts that are decoded are read, or all at once where
 * these are many.
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
    /* What lies between the times of any two neighbouring rows of a block of one series; 0 = not
     * known to be the same. */
    int64_t step;
    /* The reader's own. */
    const struct view *view;
    const struct place *place;
    struct block_decoder *decoder;
    struct arena *arena;
    struct column_cache *cache; /* NULL: none */
    struct block_view parsed;   /* what `block` points to when the cache does not have it */
    struct bytes bytes;         /* the block's first, as far as they were read */
    bool whole;                 /* no section is read by itself */
};

/* Reads no more than the header, if that.  `view` may be NULL; the place is one of a pack; without
 * a decoder nothing can be decoded.  E_CORRUPT names pack and block, here and below. */
MUST_USE enum code block_reader_open(struct block_reader *reader, const struct view *view,
                                     const struct place *place, struct block_decoder *decoder,
                                     struct column_cache *cache, struct arena *arena,
                                     struct error *err);
/* So many columns will be read, unless the cache has them; without it, few. */
void block_reader_expect(struct block_reader *reader, size_t columns);
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
