#include "codec/rans.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"

enum {
    TOTAL_BITS = 12,
    STATE_LEAST = 1 << 16,
    PRECISION_MAX = 2,
    ORDER_MAX = 3, /* of the Exp-Golomb code */
    WIDTH_MAX = 8, /* of a number in it: no code is farther from another */
    LOG2_ONE = 1 << 16,
};

typedef uint32_t u32x4 __attribute__((vector_size(16)));

static uint32_t code_weight(unsigned code, unsigned precision)
{
    unsigned level = code - 1, one = 1u << precision;

    return level < 2 * one ? level : (one + (level & (one - 1))) << ((level >> precision) - 1);
}

/* Of weight 65536. */
static unsigned code_max(unsigned precision)
{
    return ((17 - precision) << precision) + 1;
}

/* The code whose weight is nearest. */
static unsigned weight_code(uint32_t weight, unsigned precision)
{
    unsigned one = 1u << precision, shift, code;

    if (weight < 2 * one)
        return weight + 1;
    shift = 31 - (unsigned)__builtin_clz(weight) - precision; /* one <= weight >> shift < 2 one */
    code = ((shift + 1) << precision) + (weight >> shift) - one + 1;
    return code_weight(code + 1, precision) - weight < weight - code_weight(code, precision)
               ? code + 1
               : code;
}

/* How exact weights pay: one that is off by a factor of 2^(d/2) at most costs its bytes 0.029,
 * 0.009 and 0.002 bits each for d of 1, 1/2 and 1/4, and a bit more of mantissa costs a bit. */
static unsigned precision_choose(size_t size, unsigned distinct)
{
    if (size < (size_t)distinct * 50)
        return 0;
    return size < (size_t)distinct * 150 ? 1 : 2;
}

static unsigned zigzag(int difference)
{
    return difference < 0 ? (unsigned)-difference * 2 - 1 : (unsigned)difference * 2;
}

/* Exp-Golomb of order k: n = value + 2^k is of width b bits and the highest one; b - k zeros, a
 * one, and the b bits. */
static unsigned golomb_bits(unsigned value, unsigned order)
{
    unsigned width = 31 - (unsigned)__builtin_clz(value + (1u << order));

    return 2 * width + 1 - order;
}

/* Bits on their way to `at`, lowest first. */
struct bits {
    uint8_t *at;
    uint64_t waiting;
    unsigned count; /* of those waiting */
};

static void bits_flush(struct bits *bits)
{
    for (; bits->count >= 8; bits->count -= 8, bits->waiting >>= 8)
        *bits->at++ = (uint8_t)bits->waiting;
}

static void bits_put(struct bits *bits, uint32_t value, unsigned count)
{
    bits->waiting |= (uint64_t)value << bits->count;
    bits->count += count;
    bits_flush(bits);
}

/* The zeros and the highest bit, then what is below it. */
static void golomb_put(struct bits *bits, unsigned value, unsigned order)
{
    unsigned number = value + (1u << order), width = 31 - (unsigned)__builtin_clz(number);

    bits_put(bits, 1u << (width - order), width - order + 1);
    bits_put(bits, number - (1u << width), width);
}

/* Codes of bytes [least, greatest] to the form that they are stored in. */
static void table_put(struct rans_model *model, const uint8_t codes[256], unsigned precision)
{
    struct bits bits = {model->table, 0, 0};
    unsigned costs[ORDER_MAX + 1] = {0}, order = 0;
    uint16_t values[256];
    int before = 0;

    for (unsigned s = model->least; s <= model->greatest; before = codes[s++]) {
        values[s] = (uint16_t)zigzag(codes[s] - before);
        for (unsigned k = 0; k <= ORDER_MAX; k++)
            costs[k] += golomb_bits(values[s], k);
    }
    for (unsigned k = 1; k <= ORDER_MAX; k++)
        order = costs[k] < costs[order] ? k : order;
    bits_put(&bits, model->least, 8);
    bits_put(&bits, model->greatest, 8);
    bits_put(&bits, order | precision << 2, 4);
    for (unsigned s = model->least; s <= model->greatest; s++)
        golomb_put(&bits, values[s], order);
    bits_put(&bits, 0, (8 - bits.count) % 8);
    model->table_size = (size_t)(bits.at - model->table);
    assert(model->table_size <= RANS_TABLE_MAX);
}

/* The next bits of `bytes`; behind them are zeros. */
struct bit_reader {
    struct bytes bytes;
    size_t at; /* bits */
};

/* At most 32 bits. */
static uint32_t bits_peek(const struct bit_reader *bits)
{
    size_t first = bits->at / 8;
    uint64_t value = 0;

    if (first + sizeof(value) <= bits->bytes.size)
        memcpy(&value, bits->bytes.data + first, sizeof(value));
    else if (first < bits->bytes.size)
        memcpy(&value, bits->bytes.data + first, bits->bytes.size - first);
    return (uint32_t)(value >> bits->at % 8);
}

/* More than any value when there are too many zeros. */
static unsigned golomb_read(struct bit_reader *bits, unsigned order)
{
    uint32_t next = bits_peek(bits);
    unsigned zeros = (unsigned)__builtin_ctz(next | 1u << (WIDTH_MAX + 1)), width = zeros + order;

    if (width > WIDTH_MAX)
        return UINT32_MAX;
    bits->at += zeros + 1 + width;
    return (1u << width) + (next >> (zeros + 1) & ((1u << width) - 1)) - (1u << order);
}

/* The bytes' codes to their frequencies; false when no byte has a weight. */
static bool frequencies_make(const uint8_t codes[256], unsigned precision, unsigned least,
                             unsigned greatest, uint16_t frequency[256])
{
    uint32_t weights[256], sum = 0, before = 0, count = 0, start = 0;
    uint64_t scale;

    for (unsigned s = least; s <= greatest; s++) {
        weights[s] = codes[s] == 0 ? 0 : code_weight(codes[s], precision);
        sum += weights[s]; /* 256 * 65536 fits */
        count += codes[s] != 0;
    }
    if (sum == 0)
        return false;
    scale = ((uint64_t)(RANS_TOTAL - count) << 32) / sum;
    count = 0;
    for (unsigned s = least; s < greatest; s++) {
        uint32_t end;

        before += weights[s];
        count += codes[s] != 0;
        end = (uint32_t)(before * scale >> 32) + count;
        frequency[s] = (uint16_t)(end - start);
        start = end;
    }
    assert(start < RANS_TOTAL);
    frequency[greatest] = (uint16_t)(RANS_TOTAL - start);
    return true;
}

/* In four, since a byte mostly comes again at once and would wait for its count to be stored. */
static void bytes_count(struct bytes bytes, uint32_t counts[256])
{
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint16_t parts[4][256] = {0};
    size_t i = 0;

    for (; i + 4 <= bytes.size; i += 4) {
        parts[0][data[i]]++;
        parts[1][data[i + 1]]++;
        parts[2][data[i + 2]]++;
        parts[3][data[i + 3]]++;
    }
    for (; i < bytes.size; i++)
        parts[0][data[i]]++;
    for (size_t s = 0; s < 256; s++)
        counts[s] = (uint32_t)(parts[0][s] + parts[1][s] + parts[2][s] + parts[3][s]);
}

/* log2(n) * 2^16, at most 0.009 off; in integers, so that every machine chooses alike. */
static uint32_t log2_of(uint32_t n)
{
    uint32_t whole = 31 - (uint32_t)__builtin_clz(n);
    uint64_t part = ((uint64_t)n << 16 >> whole) - LOG2_ONE;

    return whole * LOG2_ONE + (uint32_t)(part + (part * (LOG2_ONE - part) * 22544 >> 32));
}

/* The codes of the bytes' counts; returns the precision that they have. */
static unsigned codes_make(const uint32_t counts[256], size_t size, unsigned least,
                           unsigned greatest, uint8_t codes[256])
{
    /* Every byte that comes has 1 of 4096 before weights are looked at. */
    uint32_t given = (uint32_t)size / RANS_TOTAL;
    unsigned distinct = 0, precision;

    for (unsigned s = least; s <= greatest; s++)
        distinct += counts[s] > 0;
    precision = precision_choose(size, distinct);
    for (unsigned s = least; s <= greatest; s++) {
        uint32_t weight = counts[s] < given ? 0 : counts[s] - given;

        codes[s] = counts[s] == 0 ? 0 : (uint8_t)weight_code(weight, precision);
    }
    return precision;
}

static size_t states_size(size_t size)
{
    return (size <= RANS_ALONE_MAX ? 1 : RANS_STATES) * sizeof(uint32_t);
}

/* What the bytes take besides the table. */
static size_t words_cost(const struct rans_model *model, const uint32_t counts[256], size_t size)
{
    uint64_t cost = 0; /* in 2^-16 bits */

    for (unsigned s = model->least; s <= model->greatest; s++)
        if (counts[s] > 0)
            cost += (uint64_t)counts[s] * (TOTAL_BITS * LOG2_ONE - log2_of(model->frequency[s]));
    return states_size(size) + (size_t)(cost >> 19);
}

/* Whether the entropy is below size_max: noise is told without a table. */
static bool counts_pay(const struct rans_model *model, const uint32_t counts[256], size_t size,
                       size_t size_max)
{
    uint32_t whole = log2_of((uint32_t)size);
    uint64_t cost = 0;

    for (unsigned s = model->least; s <= model->greatest; s++)
        if (counts[s] > 0)
            cost += (uint64_t)counts[s] * (whole - log2_of(counts[s]));
    return (cost >> 19) < size_max;
}

bool rans_model_make(struct rans_model *model, struct bytes bytes, size_t size_max)
{
    uint32_t counts[256];
    uint8_t codes[256] = {0};
    unsigned precision;
    bool made;

    assert(bytes.size >= 2 && bytes.size <= RANS_BYTES_MAX);
    bytes_count(bytes, counts);
    model->least = 0;
    model->greatest = 255;
    while (counts[model->least] == 0)
        model->least++;
    while (counts[model->greatest] == 0)
        model->greatest--;
    assert(model->least < model->greatest);
    if (!counts_pay(model, counts, bytes.size, size_max))
        return false;
    precision = codes_make(counts, bytes.size, model->least, model->greatest, codes);
    made = frequencies_make(codes, precision, model->least, model->greatest, model->frequency);
    assert(made); /* one byte at least comes more often than once in 4096 */
    table_put(model, codes, precision);
    model->size = model->table_size + words_cost(model, counts, bytes.size);
    return model->size < size_max;
}

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

static void symbols_make(const struct rans_model *model, struct symbol symbols[256])
{
    uint32_t start = 0;

    for (unsigned s = model->least; s <= model->greatest; s++) {
        uint32_t frequency = model->frequency[s];

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
    size_t state_bytes = states_size(bytes.size), i = bytes.size;
    struct symbol symbols[256];
    char *end = room + rans_bound(bytes.size), *at = end, *out = room;

    symbols_make(model, symbols);
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

/* Reads the table; *coded is then behind it. */
static enum code table_read(struct bytes *coded, unsigned *least, unsigned *greatest,
                            uint16_t frequency[256], struct error *err)
{
    struct bit_reader bits = {*coded, 16};
    unsigned order, precision;
    uint8_t codes[256];
    int code = 0;

    if (coded->size < 3)
        return error_set(err, E_CORRUPT, "rans: no table in %zu bytes", coded->size);
    *least = (uint8_t)coded->data[0];
    *greatest = (uint8_t)coded->data[1];
    if (*least >= *greatest)
        return error_set(err, E_CORRUPT, "rans: bytes from %u to %u", *least, *greatest);
    order = bits_peek(&bits) & 3;
    precision = bits_peek(&bits) >> 2 & 3;
    bits.at += 4;
    if (precision > PRECISION_MAX)
        return error_set(err, E_CORRUPT, "rans: precision %u", precision);
    for (unsigned s = *least; s <= *greatest; s++) {
        unsigned value = golomb_read(&bits, order);

        if (value > 2 * code_max(precision))
            return error_set(err, E_CORRUPT, "rans: code of byte %u", s);
        code += value & 1 ? -(int)(value / 2) - 1 : (int)(value / 2);
        if (code < 0 || code > (int)code_max(precision))
            return error_set(err, E_CORRUPT, "rans: byte %u has code %d", s, code);
        codes[s] = (uint8_t)code;
    }
    if (bits.at % 8 != 0 && (bits_peek(&bits) & ((1u << (8 - bits.at % 8)) - 1)) != 0)
        return error_set(err, E_CORRUPT, "rans: bits behind the table");
    bits.at = (bits.at + 7) / 8 * 8;
    if (bits.at / 8 > coded->size)
        return error_set(err, E_CORRUPT, "rans: the table ends early");
    if (codes[*least] == 0 || codes[*greatest] == 0 ||
        !frequencies_make(codes, precision, *least, *greatest, frequency))
        return error_set(err, E_CORRUPT, "rans: bytes from %u to %u without weight", *least,
                         *greatest);
    *coded = bytes_slice(*coded, bits.at / 8, coded->size);
    return OK;
}

/* A slot for each of the 4096 remainders: the byte, its frequency (below 4096) from bit 8 on, and
 * how far the slot is in the byte's share from bit 20 on. */
static void slots_make(const uint16_t frequency[256], unsigned least, unsigned greatest,
                       uint32_t slots[RANS_SLOTS])
{
    for (unsigned s = least; s <= greatest; s++) {
        uint32_t slot = s | (uint32_t)frequency[s] << 8;

        /* What is too much the next byte's slots overwrite. */
        for (uint32_t i = 0; i < frequency[s]; i += 4) {
            u32x4 four = (u32x4){i, i + 1, i + 2, i + 3} << 20 | slot;

            memcpy(slots + i, &four, sizeof(four));
        }
        slots += frequency[s];
    }
}

static inline __attribute__((always_inline)) uint32_t state_take(uint32_t state, uint32_t slot)
{
    return (slot >> 8 & (RANS_TOTAL - 1)) * (state >> TOTAL_BITS) + (slot >> 20);
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
    size_t state_bytes = states_size(size), state_count = state_bytes / sizeof(*states), i = 0;
    uint16_t frequency[256];
    unsigned least, greatest;
    enum code code;

    code = table_read(&coded, &least, &greatest, frequency, err);
    if (code)
        return code;
    if (coded.size < state_bytes)
        return error_set(err, E_CORRUPT, "rans: the states end early");
    memcpy(states, coded.data, state_bytes);
    coded = bytes_slice(coded, state_bytes, coded.size);
    for (size_t s = 0; s < state_count; s++)
        if (states[s] < STATE_LEAST)
            return error_set(err, E_CORRUPT, "rans: state %zu is %u", s, states[s]);
    slots_make(frequency, least, greatest, slots);
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
