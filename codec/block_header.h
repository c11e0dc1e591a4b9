/* A block's header: what it holds, where each section is, and what the columns say of themselves.
 * docs/formats/block.md */
#ifndef WEIR_CODEC_BLOCK_HEADER_H
#define WEIR_CODEC_BLOCK_HEADER_H

#include "codec/block_codec.h"

enum {
    PRESENCE_ALL = 0,  /* every row has a cell */
    PRESENCE_BITS = 1, /* the section begins with flags */
};

/* Of the sections in `view`, data.size and crc are used, and no byte of the data. */
void block_header_put(const struct block_view *view, struct buf *out);
/* The view's sections point behind the header.  This is block_open(). */
MUST_USE enum code block_header_read(struct bytes bytes, struct arena *arena,
                                     struct block_view *view, struct error *err);

#endif
