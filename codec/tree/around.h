/* What stands around rows: found by a first pass, told by the second.  Things of a level are met in
 * the same order both times, so the n-th has what the n-th had. */
#ifndef WEIR_CODEC_TREE_AROUND_H
#define WEIR_CODEC_TREE_AROUND_H

#include "codec/tree/cells.h"
#include "codec/tree/plan.h"

struct around_level {
    struct cells cells; /* of each thing one for each slot of the level */
    size_t next;        /* of the second pass: cells that were told */
};

struct around {
    const struct tree_plan *plan; /* borrowed */
    size_t bytes_max;
    size_t cell_count; /* of all levels */
    struct buf texts;
    struct around_level *levels; /* owned */
};

/* On failure there is nothing to release. */
MUST_USE enum code around_init(struct around *around, const struct tree_plan *plan,
                               size_t bytes_max, struct error *err);
void around_release(struct around *around);

/* The first pass: a thing of that level begins; what was found in it. */
MUST_USE enum code around_add(struct around *around, uint32_t level, struct error *err);
MUST_USE enum code around_set(struct around *around, uint32_t slot, const struct tree_event *event,
                              struct error *err);
/* The second: a thing begins, whose slots get their values.  E_CONFLICT: there were fewer. */
MUST_USE enum code around_tell(struct around *around, uint32_t level, struct tree_value *values,
                               struct error *err);

#endif
