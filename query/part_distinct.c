/* distinct: how many different values there are.  Up to DISTINCT_EXACT_MAX they are kept and
 * counted; above that they are estimated by HyperLogLog (Flajolet et al. 2007): of 2^14 registers
 * each remembers the longest run of zeros among its hashes, standard error 1.04 / sqrt(2^14) =
 * 0.8 %.  The hash is always the same, and the registers depend on the set of values alone. */
#include <math.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "query/parts.h"

enum {
    REGISTER_BITS = 14,
    REGISTERS = 1 << REGISTER_BITS,
};

static void registers_put(uint8_t *registers, const struct tally_slot *value)
{
    const uint64_t number[] = {value->kind, value->cell.u64};
    uint64_t hash = value->kind == TALLY_TEXT
                        ? XXH3_64bits(value->cell.text->data, value->cell.text->size)
                        : XXH3_64bits(number, sizeof(number));
    uint64_t rest = hash << REGISTER_BITS | (uint64_t)1 << (REGISTER_BITS - 1); /* not 0 */
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    uint64_t at = hash >> (64 - REGISTER_BITS);

    if (rank > registers[at])
        registers[at] = rank;
}

static void registers_tally(uint8_t *registers, const struct tally *tally)
{
    for (uint32_t i = 0; i < tally->capacity; i++)
        if (tally->slots[i].kind != TALLY_FREE)
            registers_put(registers, &tally->slots[i]);
}

/* Once there are too many values to keep. */
static bool registers_begin(struct distinct_state *distinct, struct pool *pool)
{
    distinct->registers = pool_take(pool, REGISTERS);
    if (!distinct->registers)
        return false;
    memset(distinct->registers, 0, REGISTERS);
    registers_tally(distinct->registers, &distinct->tally);
    tally_release(&distinct->tally, pool);
    return true;
}

bool distinct_add(void *state, const struct part_input *input)
{
    struct distinct_state *distinct = state;
    const struct rows_column *column = input->column;
    uint32_t at = input->first;

    if (!distinct->registers && !tally_column(&distinct->tally, column, input->first, input->end,
                                              DISTINCT_EXACT_MAX, input->pool, &at))
        return false;
    if (distinct->tally.count > DISTINCT_EXACT_MAX && !registers_begin(distinct, input->pool))
        return false;
    for (; at < input->end; at++) {
        struct tally_slot value;

        if (!holds(column, at))
            continue;
        value = tally_value(column->type, column->cells[at]);
        registers_put(distinct->registers, &value);
    }
    return true;
}

bool distinct_merge(void *state, const void *other, struct pool *pool)
{
    struct distinct_state *distinct = state;
    const struct distinct_state *from = other;

    if (from->registers && !distinct->registers && !registers_begin(distinct, pool))
        return false;
    if (from->registers) {
        for (uint32_t i = 0; i < REGISTERS; i++)
            if (from->registers[i] > distinct->registers[i])
                distinct->registers[i] = from->registers[i];
        return true;
    }
    if (distinct->registers) {
        registers_tally(distinct->registers, &from->tally);
        return true;
    }
    if (!tally_merge(&distinct->tally, &from->tally, pool))
        return false;
    return distinct->tally.count <= DISTINCT_EXACT_MAX || registers_begin(distinct, pool);
}

/* Above 2.5 registers' worth the plain estimate needs no correction, and a hash of 64 bits none
 * for collisions. */
static uint64_t registers_count(const uint8_t *registers)
{
    double alpha = 0.7213 / (1 + 1.079 / REGISTERS), sum = 0;

    for (uint32_t i = 0; i < REGISTERS; i++)
        sum += 1 / (double)((uint64_t)1 << registers[i]);
    return (uint64_t)llround(alpha * REGISTERS * REGISTERS / sum);
}

void distinct_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct distinct_state *distinct = state;

    (void)call;
    *datum = (struct datum){.type = TYPE_U64, .cell.u64 = distinct->tally.count};
    if (distinct->registers)
        datum->cell.u64 = registers_count(distinct->registers);
}
