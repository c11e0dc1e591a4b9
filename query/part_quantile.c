/* median and pNN.  Up to QUANTILE_EXACT_MAX values are kept, and the answer lies between the two
 * that stand nearest to the rank.  Above that values are counted in buckets that share sign,
 * exponent and the 7 leading bits of the mantissa, so that a bucket's middle is within 2^-8 =
 * 0.39 % of what it holds.  Which of the two it is depends on the count of values alone, and the
 * counts of buckets on the values alone: neither on order nor on grouping. */
#include <assert.h>
#include <math.h>

#include "query/parts.h"

enum {
    KEYS_FIRST = 4,
    PAGES = 4096, /* signs x exponents */
    BUCKETS = 128,
    BUCKET_SHIFT = 45,
    PAGE_SHIFT = 52,
};

static const uint64_t sign = (uint64_t)1 << 63;

/* Keys stand in the order of the numbers; both zeros are one. */
static uint64_t key_of(enum value_type type, union cell cell)
{
    union cell real = {.f64 = cell.f64 + 0.0};

    if (type != TYPE_F64)
        real.f64 = type == TYPE_I64 ? (double)cell.i64 : (double)cell.u64;
    return real.u64 & sign ? ~real.u64 : real.u64 | sign;
}

static double number_of(uint64_t key)
{
    union cell real = {.u64 = key & sign ? key & ~sign : ~key};

    return real.f64;
}

/* --- the sketch --- */

static bool sketch_put(struct quantile_state *quantile, uint64_t key, uint64_t count,
                       struct pool *pool)
{
    uint64_t **page = &quantile->pages[key >> PAGE_SHIFT];

    if (!*page) {
        *page = ARENA_ARRAY(pool->arena, uint64_t, BUCKETS);
        if (!*page)
            return false;
    }
    (*page)[key >> BUCKET_SHIFT & (BUCKETS - 1)] += count;
    return true;
}

/* Counts the values instead of keeping them. */
static bool sketch_begin(struct quantile_state *quantile, struct pool *pool)
{
    quantile->pages = ARENA_ARRAY(pool->arena, uint64_t *, PAGES);
    if (!quantile->pages)
        return false;
    for (uint64_t i = 0; i < quantile->count; i++)
        if (!sketch_put(quantile, quantile->keys[i], 1, pool))
            return false;
    if (quantile->keys)
        pool_give(pool, quantile->keys, quantile->capacity * sizeof(*quantile->keys));
    quantile->keys = NULL;
    quantile->capacity = 0;
    return true;
}

static double between(double a, double b)
{
    return a / 2 + b / 2;
}

/* The value of that rank, from 0, as nearly as the buckets tell. */
static double sketch_value(const struct quantile_state *quantile, uint64_t rank)
{
    double least = number_of(quantile->least), greatest = number_of(quantile->greatest), value;
    uint64_t bucket = 0;

    for (uint64_t page = 0; page < PAGES; page++) {
        for (bucket = 0; quantile->pages[page] && bucket < BUCKETS; bucket++) {
            uint64_t count = quantile->pages[page][bucket];
            uint64_t key = page << PAGE_SHIFT | bucket << BUCKET_SHIFT;

            if (rank >= count) {
                rank -= count;
                continue;
            }
            value = between(number_of(key), number_of(key | (((uint64_t)1 << BUCKET_SHIFT) - 1)));
            return value < least ? least : value > greatest ? greatest : value;
        }
    }
    assert(false);
    return greatest;
}

/* --- values --- */

/* Makes room for so many more, or begins the sketch. */
static bool reserve(struct quantile_state *quantile, uint64_t more, struct pool *pool)
{
    if (quantile->pages)
        return true;
    if (quantile->count + more > QUANTILE_EXACT_MAX)
        return sketch_begin(quantile, pool);
    while (quantile->count + more > quantile->capacity) {
        uint64_t *keys =
            pool_double(pool, quantile->keys, quantile->capacity * sizeof(*quantile->keys),
                        KEYS_FIRST * sizeof(*quantile->keys));

        if (!keys)
            return false;
        quantile->capacity = quantile->capacity ? 2 * quantile->capacity : KEYS_FIRST;
        quantile->keys = keys;
    }
    return true;
}

/* Room was made.  Counts in the end, as the sketch begins with the keys of those that count. */
static bool put(struct quantile_state *quantile, uint64_t key, struct pool *pool)
{
    if (quantile->count == 0 || key < quantile->least)
        quantile->least = key;
    if (quantile->count == 0 || key > quantile->greatest)
        quantile->greatest = key;
    if (!quantile->pages)
        quantile->keys[quantile->count] = key;
    else if (!sketch_put(quantile, key, 1, pool))
        return false;
    quantile->count++;
    return true;
}

bool quantile_add(void *state, const struct part_input *input)
{
    struct quantile_state *quantile = state;
    const struct rows_column *column = input->column;
    uint64_t more = 0;

    for (uint32_t i = input->first; i < input->end; i++)
        more += holds(column, i);
    if (!reserve(quantile, more, input->pool))
        return false;
    for (uint32_t i = input->first; i < input->end; i++)
        if (holds(column, i) && !put(quantile, key_of(column->type, column->cells[i]), input->pool))
            return false;
    return true;
}

bool quantile_merge(void *state, const void *other, struct pool *pool)
{
    struct quantile_state *quantile = state;
    const struct quantile_state *from = other;

    if (from->count == 0)
        return true;
    if (!reserve(quantile, from->count, pool))
        return false;
    if (!from->pages) {
        for (uint64_t i = 0; i < from->count; i++)
            if (!put(quantile, from->keys[i], pool))
                return false;
        return true;
    }
    for (uint64_t page = 0; page < PAGES; page++)
        for (uint64_t bucket = 0; from->pages[page] && bucket < BUCKETS; bucket++)
            if (from->pages[page][bucket] > 0 &&
                !sketch_put(quantile, page << PAGE_SHIFT | bucket << BUCKET_SHIFT,
                            from->pages[page][bucket], pool))
                return false;
    if (quantile->count == 0 || from->least < quantile->least)
        quantile->least = from->least;
    if (quantile->count == 0 || from->greatest > quantile->greatest)
        quantile->greatest = from->greatest;
    quantile->count += from->count;
    return true;
}

/* --- ranks --- */

/* Brings the keys into such an order that the one of that rank stands at its place, none greater
 * before it and none less behind it.  Keys are parted by the highest bit in which they differ, so
 * there are 64 rounds at most, whatever the values. */
static void select_rank(uint64_t *keys, uint64_t count, uint64_t rank)
{
    uint64_t first = 0, end = count;

    for (;;) {
        uint64_t ones = 0, all = UINT64_MAX, bit, a = first, b = end;

        for (uint64_t i = first; i < end; i++) {
            ones |= keys[i];
            all &= keys[i];
        }
        if (ones == all)
            return;
        bit = sign >> __builtin_clzll(ones ^ all);
        while (a < b) {
            uint64_t key = keys[a];

            if (!(key & bit)) {
                a++;
                continue;
            }
            keys[a] = keys[--b];
            keys[b] = key;
        }
        if (rank < a)
            end = a;
        else
            first = a;
    }
}

static void values_at(const struct quantile_state *quantile, uint64_t rank, bool both, double *low,
                      double *high)
{
    uint64_t next = UINT64_MAX;

    if (quantile->pages) {
        *low = sketch_value(quantile, rank);
        *high = both ? sketch_value(quantile, rank + 1) : *low;
        return;
    }
    select_rank(quantile->keys, quantile->count, rank);
    *low = *high = number_of(quantile->keys[rank]);
    if (!both)
        return;
    for (uint64_t i = rank + 1; i < quantile->count; i++)
        next = quantile->keys[i] < next ? quantile->keys[i] : next;
    *high = number_of(next);
}

/* So far from a to b, never outside of them. */
static double part_way(double a, double b, double part)
{
    double distance = b - a;

    if (!isfinite(distance))
        return a * (1 - part) + b * part;
    return part < 0.5 ? a + distance * part : b - distance * (1 - part);
}

void quantile_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct quantile_state *quantile = state;
    unsigned_wide position;
    uint64_t rest;
    double low, high;

    *datum = (struct datum){.type = TYPE_NONE};
    if (quantile->count == 0)
        return;
    position = (unsigned_wide)(quantile->count - 1) * call->fraction;
    rest = (uint64_t)(position % FRACTION_WHOLE);
    values_at(quantile, (uint64_t)(position / FRACTION_WHOLE), rest > 0, &low, &high);
    put_real(rest > 0 ? part_way(low, high, (double)rest / FRACTION_WHOLE) : low, datum);
}
