/* Decimal digits eight at a time, for the fast way through a line.  The slow way (base/number.h)
 * decides everything that is not plain; tests compare the two.
 * Eight bytes can be read from `at` on, whatever stands there. */
#ifndef WEIR_CODEC_LINE_DIGITS_H
#define WEIR_CODEC_LINE_DIGITS_H

#include <endian.h>

#include "base/bytes.h"

/* Up to eight digits: their value, and how many there are. */
static inline uint64_t line_digits_8(const char *at, unsigned *count)
{
    uint64_t word, other, digits;

    memcpy(&word, at, sizeof(word));
    word = le64toh(word) ^ 0x3030303030303030U; /* digits become 0..9 */
    other = ((word & 0x7f7f7f7f7f7f7f7fU) + 0x7676767676767676U) | word;
    other &= 0x8080808080808080U; /* set where the byte is above 9 */
    *count = other == 0 ? 8 : (unsigned)__builtin_ctzll(other) / 8;
    if (*count == 0)
        return 0;
    digits = word << (64 - 8 * *count); /* zeros before, nothing behind */
    digits = digits * 10 + (digits >> 8);
    return (((digits & 0x000000ff000000ffU) * 0x000f424000000064U) +
            (((digits >> 16) & 0x000000ff000000ffU) * 0x0000271000000001U)) >>
           32;
}

/* Up to 24 digits; the value holds for up to 19. */
static inline uint64_t line_digits(const char **at, unsigned *count)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    unsigned more;
    uint64_t value = line_digits_8(*at, count), next;

    *at += *count;
    if (*count < 8)
        return value;
    next = line_digits_8(*at, &more);
    *at += more;
    *count += more;
    value = value * powers[more] + next;
    if (more < 8)
        return value;
    next = line_digits_8(*at, &more);
    *at += more;
    *count += more;
    return value * powers[more] + next;
}

#endif
