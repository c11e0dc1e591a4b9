/* crc32c: Castagnoli (RFC 3720), SSE4.2 where the CPU has it, else a table.
 * hash128: BLAKE2b-128 (libsodium), which cannot be made to collide on purpose. */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "base/bytes.h"

struct hash128 {
    uint8_t bytes[16];
};

/* Start with crc 0; chain by passing the last result. */
uint32_t crc32c(uint32_t crc, struct bytes bytes);
uint32_t crc32c_table(uint32_t crc,
                      struct bytes bytes); /* the fallback, to hold the other against */
struct hash128 hash128(struct bytes bytes);

static inline bool hash128_equal(const struct hash128 *left, const struct hash128 *right)
{
    return memcmp(left, right, sizeof(*left)) == 0;
}

/* Of an incarnation: nobody's, as of a record that cannot be read. */
static inline bool hash128_is_zero(const struct hash128 *hash)
{
    static const struct hash128 zero;

    return hash128_equal(hash, &zero);
}

enum { HASH128_TEXT_SIZE = 33 };
void hash128_print(const struct hash128 *hash, char text[HASH128_TEXT_SIZE]); /* 32 hex digits */
bool hash128_parse(struct bytes text, struct hash128 *hash); /* what was printed, no other */

struct hash128_state {
    _Alignas(64) unsigned char opaque[384];
};
void hash128_begin(struct hash128_state *state);
void hash128_add(struct hash128_state *state, struct bytes bytes);
struct hash128 hash128_end(struct hash128_state *state);

#endif
