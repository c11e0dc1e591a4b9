#include "codec/rans_model.h"

#include <assert.h>
#include <string.h>

enum {
    PRECISION_MAX = 2,
    ORDER_MAX = 3, /* of the Exp-Golomb code */
    WIDTH_MAX = 8, /* of a number in it: no code is farther from another */
    LOG2_ONE = 1 << 16,
};

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
    const struct rans_shares *shares = &model->shares;
    struct bits bits = {model->table, 0, 0};
    unsigned costs[ORDER_MAX + 1] = {0}, order = 0;
    uint16_t values[256];
    int before = 0;

    for (unsigned s = shares->least; s <= shares->greatest; before = codes[s++]) {
        values[s] = (uint16_t)zigzag(codes[s] - before);
        for (unsigned k = 0; k <= ORDER_MAX; k++)
            costs[k] += golomb_bits(values[s], k);
    }
    for (unsigned k = 1; k <= ORDER_MAX; k++)
        order = costs[k] < costs[order] ? k : order;
    bits_put(&bits, shares->least, 8);
    bits_put(&bits, shares->greatest, 8);
    bits_put(&bits, order | precision << 2, 4);
    for (unsigned s = shares->least; s <= shares->greatest; s++)
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
static bool frequencies_make(const uint8_t codes[256], unsigned precision,
                             struct rans_shares *shares)
{
    uint32_t weights[256], sum = 0, before = 0, count = 0, start = 0;
    uint64_t scale;

    for (unsigned s = shares->least; s <= shares->greatest; s++) {
        weights[s] = codes[s] == 0 ? 0 : code_weight(codes[s], precision);
        sum += weights[s]; /* 256 * 65536 fits */
        count += codes[s] != 0;
    }
    if (sum == 0)
        return false;
    scale = ((uint64_t)(RANS_TOTAL - count) << 32) / sum;
    count = 0;
    for (unsigned s = shares->least; s < shares->greatest; s++) {
        uint32_t end;

        before += weights[s];
        count += codes[s] != 0;
        end = (uint32_t)(before * scale >> 32) + count;
        shares->frequency[s] = (uint16_t)(end - start);
        start = end;
    }
    assert(start < RANS_TOTAL);
    shares->frequency[shares->greatest] = (uint16_t)(RANS_TOTAL - start);
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
static unsigned codes_make(const uint32_t counts[256], size_t size,
                           const struct rans_shares *shares, uint8_t codes[256])
{
    /* Every byte that comes has 1 of 4096 before weights are looked at. */
    uint32_t given = (uint32_t)size / RANS_TOTAL;
    unsigned distinct = 0, precision;

    for (unsigned s = shares->least; s <= shares->greatest; s++)
        distinct += counts[s] > 0;
    precision = precision_choose(size, distinct);
    for (unsigned s = shares->least; s <= shares->greatest; s++) {
        uint32_t weight = counts[s] < given ? 0 : counts[s] - given;

        codes[s] = counts[s] == 0 ? 0 : (uint8_t)weight_code(weight, precision);
    }
    return precision;
}

/* What the bytes take besides the table. */
static size_t words_cost(const struct rans_shares *shares, const uint32_t counts[256], size_t size)
{
    uint64_t cost = 0; /* in 2^-16 bits */

    for (unsigned s = shares->least; s <= shares->greatest; s++)
        if (counts[s] > 0)
            cost +=
                (uint64_t)counts[s] * (RANS_TOTAL_BITS * LOG2_ONE - log2_of(shares->frequency[s]));
    return rans_state_count(size) * sizeof(uint32_t) + (size_t)(cost >> 19);
}

/* Whether the entropy is below size_max: noise is told without a table. */
static bool counts_pay(const struct rans_shares *shares, const uint32_t counts[256], size_t size,
                       size_t size_max)
{
    uint32_t whole = log2_of((uint32_t)size);
    uint64_t cost = 0;

    for (unsigned s = shares->least; s <= shares->greatest; s++)
        if (counts[s] > 0)
            cost += (uint64_t)counts[s] * (whole - log2_of(counts[s]));
    return (cost >> 19) < size_max;
}

bool rans_model_make(struct rans_model *model, struct bytes bytes, size_t size_max)
{
    uint32_t counts[256];
    uint8_t codes[256] = {0};
    struct rans_shares *shares = &model->shares;
    unsigned precision;
    bool made;

    assert(bytes.size >= 2 && bytes.size <= RANS_BYTES_MAX);
    bytes_count(bytes, counts);
    shares->least = 0;
    shares->greatest = 255;
    while (counts[shares->least] == 0)
        shares->least++;
    while (counts[shares->greatest] == 0)
        shares->greatest--;
    assert(shares->least < shares->greatest);
    if (!counts_pay(shares, counts, bytes.size, size_max))
        return false;
    precision = codes_make(counts, bytes.size, shares, codes);
    made = frequencies_make(codes, precision, shares);
    assert(made); /* one byte at least comes more often than once in 4096 */
    table_put(model, codes, precision);
    model->size = model->table_size + words_cost(shares, counts, bytes.size);
    return model->size < size_max;
}

enum code rans_shares_read(struct bytes *coded, struct rans_shares *shares, struct error *err)
{
    struct bit_reader bits = {*coded, 16};
    unsigned order, precision;
    uint8_t codes[256];
    int code = 0;

    if (coded->size < 3)
        return error_set(err, E_CORRUPT, "rans: no table in %zu bytes", coded->size);
    shares->least = (uint8_t)coded->data[0];
    shares->greatest = (uint8_t)coded->data[1];
    if (shares->least >= shares->greatest)
        return error_set(err, E_CORRUPT, "rans: bytes from %u to %u", shares->least,
                         shares->greatest);
    order = bits_peek(&bits) & 3;
    precision = bits_peek(&bits) >> 2 & 3;
    bits.at += 4;
    if (precision > PRECISION_MAX)
        return error_set(err, E_CORRUPT, "rans: precision %u", precision);
    for (unsigned s = shares->least; s <= shares->greatest; s++) {
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
    if (codes[shares->least] == 0 || codes[shares->greatest] == 0 ||
        !frequencies_make(codes, precision, shares))
        return error_set(err, E_CORRUPT, "rans: bytes from %u to %u without weight", shares->least,
                         shares->greatest);
    *coded = bytes_slice(*coded, bits.at / 8, coded->size);
    return OK;
}
