/* What began on each UTC day of late.
 *
 * Which day it is only the wall clock tells.  A day ends when the boot clock agrees, that is, when
 * as much time has passed as was left of it: a clock that is set forward gives no second budget.
 * After one that is set back, what began on days ahead counts for today too.  What a wrong clock
 * counted on a day that does not come is forgotten a day after it should have ended.
 *
 * Thread: one at a time. */
#ifndef WEIR_INGEST_PACE_DAY_BUDGET_H
#define WEIR_INGEST_PACE_DAY_BUDGET_H

#include "base/bytes.h"
#include "ingest/pace/moment.h"

enum { DAY_BUDGET_DAYS_MAX = 8 };

struct day_budget {
    struct day_used {
        int64_t number;  /* since 1970, by the wall clock */
        int64_t ends_ns; /* boot clock, as was known when something began on it */
        uint64_t used;
    } days[DAY_BUDGET_DAYS_MAX];
    size_t count;
};

void day_budget_use(struct day_budget *budget, const struct moment *now, const struct moment *began,
                    uint32_t weight);
void day_budget_give_back(struct day_budget *budget, const struct moment *began, uint32_t weight);
/* When `weight` more is within `limit`, which it is not above: now->boot_ns, or later. */
int64_t day_budget_when(const struct day_budget *budget, uint64_t limit, uint32_t weight,
                        const struct moment *now);

#endif
