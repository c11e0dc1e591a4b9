/* An object of arrays that stand for columns: held until it ends, since rows go across. */
#ifndef WEIR_CODEC_TREE_ZIP_H
#define WEIR_CODEC_TREE_ZIP_H

#include "codec/tree/cells.h"
#include "codec/tree/plan.h"

struct zip_column {
    uint64_t count; /* elements that have come */
    bool present;
};

struct zip {
    const struct tree_plan *plan; /* borrowed */
    size_t bytes_max;
    size_t cell_count; /* of all slots */
    struct buf texts;
    struct cells *slots;        /* owned; of a column's slots as many cells as it has elements */
    struct zip_column *columns; /* owned */
};

/* On failure there is nothing to release. */
MUST_USE enum code zip_init(struct zip *zip, const struct tree_plan *plan, size_t bytes_max,
                            struct error *err);
void zip_release(struct zip *zip);

void zip_begin(struct zip *zip); /* an object */
/* What stands where a column should: an array, or nothing at all (null).  E_SYNTAX: it is something
 * else; `at` is where the object is. */
MUST_USE enum code zip_column(struct zip *zip, uint32_t column, const struct tree_event *event,
                              const char *at, struct error *err);
MUST_USE enum code zip_element(struct zip *zip, uint32_t column, struct error *err);
/* Of the newest element. */
MUST_USE enum code zip_set(struct zip *zip, uint32_t slot, const struct tree_event *event,
                           struct error *err);
/* The object has ended: its rows.  E_SYNTAX when columns differ in length. */
MUST_USE enum code zip_count(const struct zip *zip, const char *at, uint64_t *count,
                             struct error *err);
struct tree_value zip_value(const struct zip *zip, uint32_t slot, uint64_t row);

#endif
