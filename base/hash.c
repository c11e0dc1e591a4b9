/* crc32c in hardware: the crc32 instruction takes 8 bytes every cycle but answers after
 * three, so one chain of it runs at a third of the speed.  Large inputs are cut in three
 * streams whose results are put together: the crc of A|B is crc(A) moved over size(B)
 * zero bytes, xor crc(B).  Moving is linear, so for a fixed size it is four table
 * look-ups; two sizes are enough (long for blocks, short for what is left). */
#include "base/hash.h"

#include <assert.h>
#include <sodium.h>

static_assert(sizeof(crypto_generichash_blake2b_state) <= sizeof(struct hash128_state),
              "the state fits its place");
static_assert(_Alignof(crypto_generichash_blake2b_state) <= _Alignof(struct hash128_state),
              "the state is aligned in its place");

static uint32_t byte_table[256]; /* written before main() */

static uint32_t crc_table(uint32_t crc, const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        crc = byte_table[(uint8_t)crc ^ data[i]] ^ (crc >> 8);
    return crc;
}

static uint32_t (*crc_run)(uint32_t crc, const unsigned char *data, size_t size) = crc_table;

static void make_byte_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;

        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0); /* Castagnoli, bits reversed */
        byte_table[byte] = crc;
    }
}

#if defined(__x86_64__)
#include <nmmintrin.h>

static const size_t STREAM_LONG = 4096, STREAM_SHORT = 256;

/* [i][b]: what the byte b at place i of a crc becomes after so many zero bytes. */
struct move {
    uint32_t table[4][256];
};

static struct move move_long, move_short; /* written before main() */

static void make_move(struct move *move, size_t zeros)
{
    for (int place = 0; place < 4; place++) {
        uint32_t *table = move->table[place];

        for (uint32_t bit = 1; bit < 256; bit <<= 1) {
            uint32_t crc = bit << 8 * place;

            for (size_t i = 0; i < zeros; i++)
                crc = byte_table[(uint8_t)crc] ^ (crc >> 8);
            for (uint32_t below = 0; below < bit; below++) /* linear: sums of what is known */
                table[bit + below] = crc ^ table[below];
        }
    }
}

static uint32_t move_crc(const struct move *move, uint32_t crc)
{
    return move->table[0][(uint8_t)crc] ^ move->table[1][(uint8_t)(crc >> 8)] ^
           move->table[2][(uint8_t)(crc >> 16)] ^ move->table[3][crc >> 24];
}

static inline uint64_t load_u64(const unsigned char *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

__attribute__((target("sse4.2"))) static uint32_t
crc_streams(uint32_t crc, const unsigned char *data, size_t stream, const struct move *move)
{
    uint64_t a = crc, b = 0, c = 0;

    for (size_t i = 0; i < stream; i += 8) {
        a = _mm_crc32_u64(a, load_u64(data + i));
        b = _mm_crc32_u64(b, load_u64(data + stream + i));
        c = _mm_crc32_u64(c, load_u64(data + 2 * stream + i));
    }
    b ^= move_crc(move, (uint32_t)a);
    return (uint32_t)c ^ move_crc(move, (uint32_t)b);
}

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const unsigned char *data,
                                                            size_t size)
{
    uint64_t wide;

    for (; size >= 3 * STREAM_LONG; data += 3 * STREAM_LONG, size -= 3 * STREAM_LONG)
        crc = crc_streams(crc, data, STREAM_LONG, &move_long);
    for (; size >= 3 * STREAM_SHORT; data += 3 * STREAM_SHORT, size -= 3 * STREAM_SHORT)
        crc = crc_streams(crc, data, STREAM_SHORT, &move_short);
    wide = crc;
    for (; size >= 8; data += 8, size -= 8)
        wide = _mm_crc32_u64(wide, load_u64(data));
    crc = (uint32_t)wide;
    for (; size > 0; data++, size--)
        crc = _mm_crc32_u8(crc, *data);
    return crc;
}

static void choose_hardware(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2"))
        return;
    make_move(&move_long, STREAM_LONG);
    make_move(&move_short, STREAM_SHORT);
    crc_run = crc_sse42;
}
#else
static void choose_hardware(void)
{
}
#endif

__attribute__((constructor)) static void prepare(void)
{
    int ready = sodium_init(); /* it chooses the fastest BLAKE2b of this CPU */

    assert(ready >= 0);
    make_byte_table();
    choose_hardware();
}

uint32_t crc32c(uint32_t crc, struct bytes bytes)
{
    return ~crc_run(~crc, (const unsigned char *)bytes.data, bytes.size);
}

uint32_t crc32c_table(uint32_t crc, struct bytes bytes)
{
    return ~crc_table(~crc, (const unsigned char *)bytes.data, bytes.size);
}

struct hash128 hash128(struct bytes bytes)
{
    struct hash128 hash;
    int failed = crypto_generichash_blake2b(hash.bytes, sizeof(hash.bytes),
                                            (const unsigned char *)bytes.data, bytes.size, NULL, 0);

    assert(!failed); /* only for sizes it does not know */
    return hash;
}

static crypto_generichash_blake2b_state *state_of(struct hash128_state *state)
{
    return (crypto_generichash_blake2b_state *)(void *)state->opaque;
}

void hash128_begin(struct hash128_state *state)
{
    int failed = crypto_generichash_blake2b_init(state_of(state), NULL, 0, sizeof(struct hash128));

    assert(!failed);
}

void hash128_add(struct hash128_state *state, struct bytes bytes)
{
    int failed = crypto_generichash_blake2b_update(state_of(state),
                                                   (const unsigned char *)bytes.data, bytes.size);

    assert(!failed);
}

struct hash128 hash128_end(struct hash128_state *state)
{
    struct hash128 hash;
    int failed = crypto_generichash_blake2b_final(state_of(state), hash.bytes, sizeof(hash.bytes));

    assert(!failed);
    return hash;
}

static const char hex_digits[] = "0123456789abcdef";

void hash128_print(const struct hash128 *hash, char text[HASH128_TEXT_SIZE])
{
    for (size_t i = 0; i < sizeof(hash->bytes); i++) {
        text[2 * i] = hex_digits[hash->bytes[i] >> 4];
        text[2 * i + 1] = hex_digits[hash->bytes[i] & 15];
    }
    text[HASH128_TEXT_SIZE - 1] = '\0';
}

static int hex_value(char c)
{
    const char *found = c == '\0' ? NULL : strchr(hex_digits, c);

    return found == NULL ? -1 : (int)(found - hex_digits);
}

bool hash128_parse(struct bytes text, struct hash128 *hash)
{
    if (text.size != HASH128_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < sizeof(hash->bytes); i++) {
        int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        hash->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
