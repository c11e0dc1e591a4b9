/* Rows of several runs of one series in version order: by time, those of one time by
 * version_compare().  Time alone decides nearly always, so that it is what is moved and compared.
 */
#ifndef WEIR_STORE_PACKS_ROW_ORDER_H
#define WEIR_STORE_PACKS_ROW_ORDER_H

#include "store/head/generation.h"

struct row_key {
    int64_t time;
    uint32_t run, row; /* index into `runs`, and the row of that run */
};

/* `scratch` has room for as many. */
void row_order(struct row_key *keys, struct row_key *scratch, size_t count,
               const struct run *const *runs);

#endif
