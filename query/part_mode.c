/* mode: the most frequent value, of equally frequent ones the least: numbers before bools, bools
 * before texts. */
#include "query/parts.h"

bool mode_add(void *state, const struct part_input *input)
{
    uint32_t at;

    return tally_column(state, input->column, input->first, input->end, UINT32_MAX, input->pool,
                        &at);
}

bool mode_merge(void *state, const void *other, struct pool *pool)
{
    return tally_merge(state, other, pool);
}

static double real_of_slot(const struct tally_slot *slot)
{
    return slot->kind == TALLY_REAL       ? slot->cell.f64
           : slot->kind == TALLY_NEGATIVE ? (double)slot->cell.i64
                                          : (double)slot->cell.u64;
}

static bool is_number(const struct tally_slot *slot)
{
    return slot->kind == TALLY_NEGATIVE || slot->kind == TALLY_WHOLE || slot->kind == TALLY_REAL;
}

/* Of two that are not equal.  A real that is no integer is below 2^53, where integers are doubles,
 * or beyond all integers, or a fraction near zero. */
static bool is_less(const struct tally_slot *a, const struct tally_slot *b)
{
    if (is_number(a) && is_number(b) && (a->kind == TALLY_REAL || b->kind == TALLY_REAL))
        return real_of_slot(a) < real_of_slot(b);
    if (a->kind != b->kind)
        return a->kind < b->kind;
    if (a->kind == TALLY_NEGATIVE)
        return a->cell.i64 < b->cell.i64;
    if (a->kind == TALLY_TEXT)
        return bytes_compare(text_bytes(a->cell.text), text_bytes(b->cell.text)) < 0;
    return a->cell.u64 < b->cell.u64;
}

/* The value in the type it came with: an f64 among integers was such an integer itself. */
static struct datum datum_of(const struct tally_slot *slot)
{
    struct datum datum = {.type = (enum value_type)slot->type, .cell = slot->cell};

    if (slot->type == TYPE_F64)
        datum.cell.f64 = real_of_slot(slot);
    return datum;
}

void mode_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct tally *tally = state;
    const struct tally_slot *best = NULL;

    (void)call;
    *datum = (struct datum){.type = TYPE_NONE};
    for (uint32_t i = 0; i < tally->capacity; i++) {
        const struct tally_slot *slot = &tally->slots[i];

        if (slot->kind == TALLY_FREE || (best && slot->count < best->count))
            continue;
        if (!best || slot->count > best->count || is_less(slot, best))
            best = slot;
    }
    if (best)
        *datum = datum_of(best);
}
