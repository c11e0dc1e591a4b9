#include "codec/rans.h"

#include <assert.h>
#include <string.h>

enum { STATE_LEAST = 1 << 16 };

typedef uint32_t u32x4 __attribute__((vector_size(16)));

size_t rans_bound(size_t size)
{
    return RANS_TABLE_MAX + RANS_STATES * sizeof(uint32_t) + size * sizeof(uint16_t);
}

/* What putting a byte needs.  x / f is x * reciprocal >> 44: with reciprocal = (2^44 + e) / f,
 * e < f, that is exact as long as x * e < 2^44, and x < f * 2^20 and f < 2^12; the product is below
 * 2^64 for the same reason. */
struct symbol {
    uint64_t reciprocal;
    uint32_t state_max;   /* above it a word goes out first */
    uint16_t start, rest; /* rest: RANS_TOTAL - f */
};

static void symbols_make(const struct rans_shares *shares, struct symbol symbols[256])
{
    uint32_t start = 0;

    for (unsigned s = shares->least; s <= shares->greatest; s++) {
        uint32_t frequency = shares->frequency[s];

        if (frequency == 0)
            continue;
        symbols[s] = (struct symbol){
            .reciprocal = (((uint64_t)1 << 44) + frequency - 1) / frequency,
            .state_max = (frequency << 20) - 1,
            .start = (uint16_t)start,
            .rest = (uint16_t)(RANS_TOTAL - frequency),
        };
        start += frequency;
    }
}

/* Words go out towards lower addresses.  With branches, since reads wait for writes whose address
 * is not known yet: in arithmetic this took 3.2 ns a byte instead of 1.9. */
static inline __attribute__((always_inline)) uint32_t
state_put(uint32_t state, const struct symbol *symbol, char **at)
{
    uint16_t word = (uint16_t)state;
    bool full = state > symbol->state_max;

    memcpy(*at - sizeof(word), &word, sizeof(word)); /* counts when `at` moves */
    *at -= full ? sizeof(word) : 0;
    state = full ? state >> 16 : state;
    return state + symbol->start + (uint32_t)(state * symbol->reciprocal >> 44) * symbol->rest;
}

/* Puts `count` bytes, a multiple of four; returns where the words begin now. */
static char *states_put(uint32_t states[RANS_STATES], const struct symbol symbols[256],
                        const uint8_t *bytes, size_t count, char *at)
{
    uint32_t a = states[0], b = states[1], c = states[2], d = states[3];

    for (size_t i = count; i > 0; i -= RANS_STATES) {
        d = state_put(d, &symbols[bytes[i - 1]], &at);
        c = state_put(c, &symbols[bytes[i - 2]], &at);
        b = state_put(b, &symbols[bytes[i - 3]], &at);
        a = state_put(a, &symbols[bytes[i - 4]], &at);
    }
    states[0] = a;
    states[1] = b;
    states[2] = c;
    states[3] = d;
    return at;
}

size_t rans_encode(const struct rans_model *model, struct bytes bytes, char *room)
{
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint32_t states[RANS_STATES] = {STATE_LEAST, STATE_LEAST, STATE_LEAST, STATE_LEAST};
    size_t state_bytes = rans_state_count(bytes.size) * sizeof(uint32_t), i = bytes.size;
    struct symbol symbols[256];
    char *end = room + rans_bound(bytes.size), *at = end, *out = room;

    symbols_make(&model->shares, symbols);
    if (bytes.size <= RANS_ALONE_MAX) {
        for (; i > 0; i--)
            states[0] = state_put(states[0], &symbols[data[i - 1]], &at);
    } else {
        for (; i % RANS_STATES != 0; i--)
            states[(i - 1) % RANS_STATES] =
                state_put(states[(i - 1) % RANS_STATES], &symbols[data[i - 1]], &at);
        at = states_put(states, symbols, data, i, at);
    }
    memcpy(out, model->table, model->table_size);
    out += model->table_size;
    memcpy(out, states, state_bytes);
    out += state_bytes;
    memmove(out, at, (size_t)(end - at));
    return (size_t)(out - room) + (size_t)(end - at);
}

/* A slot for each of the 4096 remainders: the byte, its frequency (below 4096) from bit 8 on, and
 * how far the slot is in the byte's share from bit 20 on. */
static void slots_make(const struct rans_shares *shares, uint32_t slots[RANS_SLOTS])
{
    for (unsigned s = shares->least; s <= shares->greatest; s++) {
        uint32_t frequency = shares->frequency[s], slot = s | frequency << 8;

        /* What is too much the next byte's slots overwrite. */
        for (uint32_t i = 0; i < frequency; i += 4) {
            u32x4 four = (u32x4){i, i + 1, i + 2, i + 3} << 20 | slot;

            memcpy(slots + i, &four, sizeof(four));
        }
        slots += frequency;
    }
}

static inline __attribute__((always_inline)) uint32_t state_take(uint32_t state, uint32_t slot)
{
    return (slot >> 8 & (RANS_TOTAL - 1)) * (state >> RANS_TOTAL_BITS) + (slot >> 20);
}

/* The next of `words`, lowest first; *taken_bits counts the bits taken.  A word for each of four
 * states comes in one load, as loads that wait for how many words the state before took are what is
 * long: 1.65 ns a byte, now 1.08 (AMD EPYC at 2.6 GHz). */
static inline __attribute__((always_inline)) uint32_t state_next(uint32_t state, uint64_t *words,
                                                                 unsigned *taken_bits)
{
    unsigned bits = (state < STATE_LEAST) * 16;

    state = bits ? state << 16 | (uint16_t)*words : state;
    *words >>= bits;
    *taken_bits += bits;
    return state;
}

/* Bytes in groups of four as long as a word for each is there; how many. */
static size_t states_take(uint32_t states[RANS_STATES], const uint32_t slots[RANS_SLOTS],
                          struct bytes *words, uint8_t *bytes, size_t size)
{
    uint32_t a = states[0], b = states[1], c = states[2], d = states[3];
    const char *at = words->data, *end = at + words->size;
    size_t i = 0;

    for (; i + RANS_STATES <= size && end - at >= (ptrdiff_t)(RANS_STATES * sizeof(uint16_t));
         i += RANS_STATES) {
        uint32_t slot_a = slots[a % RANS_TOTAL], slot_b = slots[b % RANS_TOTAL];
        uint32_t slot_c = slots[c % RANS_TOTAL], slot_d = slots[d % RANS_TOTAL];

        uint64_t four;
        unsigned taken_bits = 0;

        memcpy(&four, at, sizeof(four));
        a = state_next(state_take(a, slot_a), &four, &taken_bits);
        b = state_next(state_take(b, slot_b), &four, &taken_bits);
        c = state_next(state_take(c, slot_c), &four, &taken_bits);
        d = state_next(state_take(d, slot_d), &four, &taken_bits);
        at += taken_bits / 8;
        bytes[i] = (uint8_t)slot_a;
        bytes[i + 1] = (uint8_t)slot_b;
        bytes[i + 2] = (uint8_t)slot_c;
        bytes[i + 3] = (uint8_t)slot_d;
    }
    states[0] = a;
    states[1] = b;
    states[2] = c;
    states[3] = d;
    *words = (struct bytes){at, (size_t)(end - at)};
    return i;
}

/* Bytes [first, size), one by one: the words may end. */
static enum code states_take_last(uint32_t states[RANS_STATES], size_t state_count,
                                  const uint32_t slots[RANS_SLOTS], struct bytes *words,
                                  uint8_t *bytes, size_t first, size_t size, struct error *err)
{
    for (size_t i = first; i < size; i++) {
        uint32_t *state = &states[i % state_count], slot = slots[*state % RANS_TOTAL];
        uint16_t word;

        bytes[i] = (uint8_t)slot;
        *state = state_take(*state, slot);
        if (*state >= STATE_LEAST)
            continue;
        if (words->size < sizeof(uint16_t))
            return error_set(err, E_CORRUPT, "rans: words end at byte %zu of %zu", i, size);
        memcpy(&word, words->data, sizeof(word));
        *state = *state << 16 | word;
        *words = bytes_slice(*words, sizeof(word), words->size);
    }
    return OK;
}

enum code rans_decode(struct bytes coded, uint32_t slots[RANS_SLOTS], uint8_t *bytes, size_t size,
                      struct error *err)
{
    uint32_t states[RANS_STATES];
    size_t state_count = rans_state_count(size), state_bytes = state_count * sizeof(*states), i = 0;
    struct rans_shares shares;
    enum code code;

    code = rans_shares_read(&coded, &shares, err);
    if (code)
        return code;
    if (coded.size < state_bytes)
        return error_set(err, E_CORRUPT, "rans: the states end early");
    memcpy(states, coded.data, state_bytes);
    coded = bytes_slice(coded, state_bytes, coded.size);
    for (size_t s = 0; s < state_count; s++)
        if (states[s] < STATE_LEAST)
            return error_set(err, E_CORRUPT, "rans: state %zu is %u", s, states[s]);
    slots_make(&shares, slots);
    if (state_count == RANS_STATES)
        i = states_take(states, slots, &coded, bytes, size);
    code = states_take_last(states, state_count, slots, &coded, bytes, i, size, err);
    if (code)
        return code;
    for (size_t s = 0; s < state_count; s++)
        if (states[s] != STATE_LEAST)
            return error_set(err, E_CORRUPT, "rans: state %zu ends as %u", s, states[s]);
    if (coded.size != 0)
        return error_set(err, E_CORRUPT, "rans: %zu bytes too many", coded.size);
    return OK;
}
