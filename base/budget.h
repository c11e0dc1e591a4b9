/* A number of bytes that may be in use at once, shared by threads.  Memory is taken
 * from a budget before it is allocated. */
#ifndef WEIR_BASE_BUDGET_H
#define WEIR_BASE_BUDGET_H

#include "base/bytes.h"

struct budget {
    size_t bytes_max;
    _Atomic size_t used;
    struct budget *parent;    /* what is taken here is taken there too; NULL = none */
    _Atomic bool parent_full; /* it refused once */
};

/* False when it would pass the maximum, here or in the parent; then nothing is taken. */
MUST_USE bool budget_take(struct budget *budget, size_t bytes);
void budget_give(struct budget *budget, size_t bytes);
size_t budget_used(const struct budget *budget);

#endif
