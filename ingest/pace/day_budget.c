#include "ingest/pace/day_budget.h"

#include <assert.h>

static int64_t number_of(int64_t wall_ns)
{
    return wall_ns / MOMENT_DAY - (wall_ns % MOMENT_DAY < 0);
}

/* The last day that a time can be of ends behind the last time. */
static int64_t day_end(int64_t number)
{
    int64_t ns;

    return __builtin_mul_overflow(number + 1, MOMENT_DAY, &ns) ? INT64_MAX : ns;
}

/* When that day is over for who sees both clocks so. */
static int64_t ends(int64_t number, const struct moment *seen)
{
    return time_sum(seen->boot_ns, time_between(seen->wall_ns, day_end(number)));
}

/* When it counts no more, by the boot clock. */
static int64_t gone(const struct day_used *day, const struct moment *now)
{
    int64_t both_ns = time_later(day->ends_ns, ends(day->number, now));
    int64_t last_ns = time_sum(day->ends_ns, MOMENT_DAY);

    return both_ns < last_ns ? both_ns : last_ns;
}

void day_budget_use(struct day_budget *budget, const struct moment *now, const struct moment *began,
                    uint32_t weight)
{
    int64_t number = number_of(began->wall_ns);
    struct day_used *day = NULL, *first = NULL;
    size_t kept = 0;

    for (size_t i = 0; i < budget->count; i++) /* a clock that is set back may need it again */
        if (time_sum(budget->days[i].ends_ns, MOMENT_DAY) > now->boot_ns)
            budget->days[kept++] = budget->days[i];
    budget->count = kept;
    for (size_t i = 0; i < kept; i++) {
        if (budget->days[i].number == number)
            day = &budget->days[i];
        if (first == NULL || budget->days[i].ends_ns < first->ends_ns)
            first = &budget->days[i];
    }
    if (day == NULL && kept < DAY_BUDGET_DAYS_MAX) {
        day = &budget->days[budget->count++];
        *day = (struct day_used){number, INT64_MIN, 0};
    } else if (day == NULL) { /* a clock without rest: what would go first goes with this one */
        day = first;
        day->number = number;
    }
    day->used += weight;
    day->ends_ns = time_later(day->ends_ns, ends(number, began));
}

void day_budget_give_back(struct day_budget *budget, const struct moment *began, uint32_t weight)
{
    for (size_t i = 0; i < budget->count; i++) {
        struct day_used *day = &budget->days[i];

        if (day->number == number_of(began->wall_ns))
            day->used -= weight < day->used ? weight : day->used;
    }
}

int64_t day_budget_when(const struct day_budget *budget, uint64_t limit, uint32_t weight,
                        const struct moment *now)
{
    int64_t when_ns = now->boot_ns;

    assert(weight <= limit);
    for (;;) {
        int64_t next_ns = INT64_MAX; /* that one goes after `when_ns` */
        uint64_t used = weight;

        for (size_t i = 0; i < budget->count; i++) {
            int64_t gone_ns = gone(&budget->days[i], now);

            if (gone_ns > when_ns) {
                used += budget->days[i].used;
                next_ns = gone_ns < next_ns ? gone_ns : next_ns;
            }
        }
        if (used <= limit || next_ns == INT64_MAX)
            return when_ns;
        when_ns = next_ns;
    }
}
