/* What is wanted of a document, each slot where its values are kept: those of the row at hand, of
 * the document, of what is around rows (around.h), of a zip's columns (zip.h). */
#ifndef WEIR_CODEC_TREE_SLOTS_H
#define WEIR_CODEC_TREE_SLOTS_H

#include "codec/tree/around.h"
#include "codec/tree/zip.h"

struct slots {
    const struct tree_plan *plan; /* borrowed */
    struct tree_value *values;    /* owned, all of these; what a row is told with */
    struct cell *row_cells, *document_cells;
    uint32_t *row_slots; /* those of PLAN_ROW */
    uint32_t row_slot_count;
    struct buf row_texts, document_texts;
    struct around around;
    struct zip zip;
};

/* On failure there is nothing to release. */
MUST_USE enum code slots_init(struct slots *slots, const struct tree_plan *plan, size_t bytes_max,
                              struct error *err);
void slots_release(struct slots *slots);

/* What there was of the last one is forgotten. */
void slots_begin_document(struct slots *slots);
void slots_begin_row(struct slots *slots);
/* What stands at a slot's path.  Around rows it is kept in the first pass, else in the last. */
MUST_USE enum code slots_set(struct slots *slots, uint32_t slot, unsigned pass,
                             const struct tree_event *event, struct error *err);
/* Into `values`: the row that has ended; of a zip its n-th. */
void slots_tell_row(struct slots *slots);
void slots_tell_zip_row(struct slots *slots, uint64_t row);

#endif
