/* Values that stay: a row's, of what is around rows, of a zip's columns.  A cell's text lies in a
 * buffer that grows, so it is known by its place there. */
#ifndef WEIR_CODEC_TREE_CELLS_H
#define WEIR_CODEC_TREE_CELLS_H

#include "base/buf.h"
#include "codec/tree/rows.h"

struct cell {
    enum tree_kind kind; /* TREE_END: absent */
    size_t first, size;  /* in the texts */
};

struct cells {
    struct cell *items; /* owned */
    size_t count, room;
};

static const struct cell cell_absent = {.kind = TREE_END};

/* Keeps the text of an event.  E_BODY_LARGE at the buffer's limit, E_MEMORY. */
MUST_USE enum code cell_set(struct cell *cell, const struct tree_event *event, struct buf *texts,
                            struct error *err);
struct tree_value cell_value(const struct cell *cell, const struct buf *texts);
/* `count` more that are absent.  As cell_set(); `bytes_max` is of all cells together, of which
 * `others` are elsewhere. */
MUST_USE enum code cells_add(struct cells *cells, size_t count, size_t others, size_t bytes_max,
                             struct error *err);
void cells_release(struct cells *cells);

#endif
