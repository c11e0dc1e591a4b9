#include "query/pixel_extremes.h"

#include "query/datum.h"

/* `sign` 1: the lesser one stays; -1: the greater; 0: the earlier. */
static void offer(struct extreme *best, int sign, enum value_type type, union cell cell,
                  uint32_t row)
{
    const struct datum offered = {.type = type, .cell = cell};
    const struct datum kept = {.type = best->type, .cell = best->cell};
    int order = best->type == TYPE_NONE ? -1 : sign * datum_compare(&offered, &kept);

    if (order < 0 || (order == 0 && row < best->row))
        *best = (struct extreme){row, type, cell};
}

static void offer_all(struct extremes *extremes, enum value_type type,
                      const struct column_summary *summary)
{
    offer(&extremes->least, 1, type, summary->min, summary->row_min);
    offer(&extremes->greatest, -1, type, summary->max, summary->row_max);
    offer(&extremes->first, 0, type, summary->first, summary->row_first);
    if (extremes->last.type == TYPE_NONE || summary->row_last > extremes->last.row)
        extremes->last = (struct extreme){summary->row_last, type, summary->last};
    extremes->count += summary->valid_count;
}

void extremes_take(struct extremes *extremes, enum value_type type,
                   const struct column_summary *summary)
{
    if (summary->valid_count > 0)
        offer_all(extremes, type, summary);
}

/* Both rows in one walk; the comparisons almost never hold, so that they cost little. */
#define WALK(member, skip)                                                                         \
    do {                                                                                           \
        for (uint32_t i = first + 1; i < end; i++) {                                               \
            if (skip)                                                                              \
                continue;                                                                          \
            if (cells[i].member < cells[least].member)                                             \
                least = i;                                                                         \
            if (cells[i].member > cells[greatest].member)                                          \
                greatest = i;                                                                      \
        }                                                                                          \
    } while (0)

#define WALK_ALL(member)                                                                           \
    do {                                                                                           \
        if (present)                                                                               \
            WALK(member, !present[i]);                                                             \
        else                                                                                       \
            WALK(member, false);                                                                   \
    } while (0)

static inline double lesser(double a, double b)
{
    return a < b ? a : b;
}

static inline double greater(double a, double b)
{
    return a > b ? a : b;
}

/* The first of the rows with the value, which one has, unless it is no number. */
static uint32_t row_of(const union cell *cells, uint32_t first, uint32_t end, double value)
{
    for (uint32_t i = first; i < end; i++)
        if (cells[i].f64 == value)
            return i;
    return first;
}

/* Four lanes, written out to stay in registers, since comparisons of one chain would wait for each
 * other; then the rows are looked for. */
static void extremes_f64(const union cell *cells, uint32_t first, uint32_t end, uint32_t *least,
                         uint32_t *greatest)
{
    double low_a, low_b, low_c, low_d, high_a, high_b, high_c, high_d;
    uint32_t i = first;

    low_a = low_b = low_c = low_d = cells[first].f64;
    high_a = high_b = high_c = high_d = cells[first].f64;
    for (; end - i >= 4; i += 4) {
        low_a = lesser(cells[i].f64, low_a);
        low_b = lesser(cells[i + 1].f64, low_b);
        low_c = lesser(cells[i + 2].f64, low_c);
        low_d = lesser(cells[i + 3].f64, low_d);
        high_a = greater(cells[i].f64, high_a);
        high_b = greater(cells[i + 1].f64, high_b);
        high_c = greater(cells[i + 2].f64, high_c);
        high_d = greater(cells[i + 3].f64, high_d);
    }
    for (; i < end; i++) {
        low_a = lesser(cells[i].f64, low_a);
        high_a = greater(cells[i].f64, high_a);
    }
    *least = row_of(cells, first, end, lesser(lesser(low_a, low_b), lesser(low_c, low_d)));
    *greatest =
        row_of(cells, first, end, greater(greater(high_a, high_b), greater(high_c, high_d)));
}

void extremes_add(struct extremes *extremes, const struct rows_column *column, uint32_t first,
                  uint32_t end)
{
    const union cell *cells = column->cells;
    const uint8_t *present = column->present;
    uint32_t least, greatest, count = end - first;

    if (present) {
        count = 0;
        for (uint32_t i = first; i < end; i++)
            count += present[i];
        if (count == 0)
            return;
        while (!present[first])
            first++;
        while (!present[end - 1])
            end--;
    }
    least = greatest = first;
    if (column->type == TYPE_F64 && !present)
        extremes_f64(cells, first, end, &least, &greatest);
    else if (column->type == TYPE_F64)
        WALK_ALL(f64);
    else if (column->type == TYPE_I64)
        WALK_ALL(i64);
    else
        WALK_ALL(u64);
    offer_all(extremes, column->type,
              &(struct column_summary){.valid_count = count,
                                       .row_min = least,
                                       .row_max = greatest,
                                       .row_first = first,
                                       .row_last = end - 1,
                                       .min = cells[least],
                                       .max = cells[greatest],
                                       .first = cells[first],
                                       .last = cells[end - 1]});
}
