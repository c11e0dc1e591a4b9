/* A number of bytes that may be in use at once, shared by threads.  Memory is taken
 * from a budget before it is allocated. */
#ifndef WEIR_BASE_BUDGET_H
#define WEIR_BASE_BUDGET_H

#include "base/bytes.h"

struct budget {
    size_t bytes_max;
    _Atomic size_t used;
};

/* False when it would pass the maximum; then nothing is taken. */
MUST_USE bool budget_take(struct budget *budget, size_t bytes);
void budget_give(struct budget *budget, size_t bytes);
size_t budget_used(const struct budget *budget);

#endif
