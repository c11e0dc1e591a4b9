/* Names and tags of rows: texts with places that are filled once, or for each row where a row's
 * places are in them. */
#ifndef WEIR_INGEST_ROWS_ROW_TEXT_H
#define WEIR_INGEST_ROWS_ROW_TEXT_H

#include "base/arena.h"
#include "ingest/source/source.h"

struct row_text {
    bool constant;
    struct bytes text;                /* of a constant; in the arena it was made in */
    const struct text_places *places; /* else; borrowed, and so is the partition */
    const struct source_partition *partition;
};

/* The text of a leaf; false: the path leads nowhere, to null, or to an object or array. */
bool row_leaf(const struct tree_value *value, struct bytes *text);

/* E_BAD_PARAMETER: a variable that the partition lacks, or a place of neither
 * partition nor row. */
MUST_USE enum code row_text_make(const struct text_places *places,
                                 const struct source_partition *partition, struct arena *arena,
                                 struct row_text *made, struct error *err);
/* Of that row: borrowed of it or in the arena.  *there is false, and the text empty, where a place
 * leads nowhere. */
MUST_USE enum code row_text_of(const struct row_text *text, const struct tree_row *row,
                               struct arena *arena, struct bytes *filled, bool *there,
                               struct error *err);

#endif
