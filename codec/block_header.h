/* A block's header: what it holds, where each section is, and what the columns say of themselves.
 * docs/formats/block.md */
#ifndef WEIR_CODEC_BLOCK_HEADER_H
#define WEIR_CODEC_BLOCK_HEADER_H

#include "codec/block_codec.h"

enum {
    PRESENCE_ALL = 0,  /* every row has a cell */
    PRESENCE_BITS = 1, /* the section begins with flags */
    PRESENCE_SIZE = 1, /* bits; above them stands the form of the summary's extremes */
};

/* Of the sections in `view`, data.size and crc are used, and no byte of the data. */
void block_header_put(const struct block_view *view, struct buf *out);
/* Out of the first bytes of a block of `size` bytes, or all of them.  The view's sections point
 * behind the header; their data is NULL when not all bytes are there.  This is block_open() and
 * block_open_header(). */
MUST_USE enum code block_header_read(struct bytes bytes, size_t size, struct arena *arena,
                                     struct block_view *view, struct error *err);

#endif
