#include "base/budget.h"

#include <assert.h>
#include <stdatomic.h>

bool budget_take(struct budget *budget, size_t bytes)
{
    size_t used = atomic_load_explicit(&budget->used, memory_order_relaxed);

    do {
        if (used > budget->bytes_max || bytes > budget->bytes_max - used)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    if (budget->parent == NULL || budget_take(budget->parent, bytes))
        return true;
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
    budget->parent_full = true;
    return false;
}

void budget_give(struct budget *budget, size_t bytes)
{
    size_t before = atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);

    assert(before >= bytes);
    if (budget->parent != NULL)
        budget_give(budget->parent, bytes);
}

size_t budget_used(const struct budget *budget)
{
    return atomic_load_explicit(&budget->used, memory_order_relaxed);
}
