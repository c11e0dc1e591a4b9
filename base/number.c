/* Reading a real: its digits become one 64-bit integer and a power of ten, and three
 * ways lead to the nearest double, each exact where it is used:
 *   - both exact as doubles (digits <= 2^53, power within 22): one multiplication or
 *     division of the machine is already rounded correctly (Clinger 1990);
 *   - power within 27, where 5^27 < 2^64: 128-bit integers hold the product or the
 *     quotient with its remainder, and we round once;
 *   - the rest (long, huge, tiny): strtod(), given digits and an exponent without a
 *     point, which every locale reads alike.
 * Printing goes the same ways back; the second also gives the interval of all decimals
 * that read back to the value, in which the shortest is searched. */
#include "base/number.h"

#include <assert.h>
#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static_assert(FLT_EVAL_METHOD == 0, "doubles are computed as doubles");

__extension__ typedef unsigned __int128 wide;

enum {
    DIGITS_EXACT = 19,     /* so many always fit 64 bits */
    DIGITS_DECIDING = 800, /* no double needs more than 767 digits to tell on which side of a
                              half it is; what follows only matters as "more than this" */
    POWER_EXACT = 22,      /* 10^22 is the last exact double */
    POWER_WIDE = 27,       /* 5^27 is the last below 2^64 */
};

static const double powers_of_ten[POWER_EXACT + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t powers_of_five[POWER_WIDE + 1] = {1,
                                                        5,
                                                        25,
                                                        125,
                                                        625,
                                                        3125,
                                                        15625,
                                                        78125,
                                                        390625,
                                                        1953125,
                                                        9765625,
                                                        48828125,
                                                        244140625,
                                                        1220703125,
                                                        6103515625,
                                                        30517578125,
                                                        152587890625,
                                                        762939453125,
                                                        3814697265625,
                                                        19073486328125,
                                                        95367431640625,
                                                        476837158203125,
                                                        2384185791015625,
                                                        11920928955078125,
                                                        59604644775390625,
                                                        298023223876953125,
                                                        1490116119384765625,
                                                        7450580596923828125};

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Eight bytes at once, the first lowest. */
static inline uint64_t load_eight(const char *at)
{
    uint64_t eight;

    memcpy(&eight, at, sizeof(eight));
    return le64toh(eight);
}

/* All in '0'..'9': the high halves are 3, and stay 3 when 6 is added to the low ones. */
static inline bool are_digits(uint64_t eight)
{
    return ((eight & 0xf0f0f0f0f0f0f0f0) |
            (((eight + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) == 0x3333333333333333;
}

/* Neighbours are joined to numbers of 2, 4 and 8 digits. */
static inline uint64_t digits_value(uint64_t eight)
{
    eight -= 0x3030303030303030;
    eight = eight * 10 + (eight >> 8);
    return (((eight & 0x000000ff000000ff) * (100 + ((uint64_t)1000000 << 32))) +
            (((eight >> 16) & 0x000000ff000000ff) * (1 + ((uint64_t)10000 << 32)))) >>
           32;
}

/* Appends digits to *value, which wraps when they are too many: the caller counts. */
static inline const char *scan_digits(const char *at, const char *end, uint64_t *value)
{
    uint64_t sum = *value;

    while (end - at >= 8) {
        uint64_t eight = load_eight(at);

        if (!are_digits(eight))
            break;
        sum = sum * 100000000 + digits_value(eight);
        at += 8;
    }
    for (; at < end && is_digit(*at); at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    *value = sum;
    return at;
}

/* An unsigned decimal that must be all of [at, end). */
static enum code parse_magnitude(const char *at, const char *end, uint64_t *value)
{
    uint64_t sum = 0;
    const char *stop = scan_digits(at, end, &sum);

    if (stop != end || at == end)
        return E_BAD_NUMBER;
    if (end - at > DIGITS_EXACT) {
        while (at < end && *at == '0')
            at++;
        if (end - at > DIGITS_EXACT + 1)
            return E_NUMBER_RANGE;
        /* Of 20 digits the first is 1, or they do not fit; then a wrap shows as a small sum. */
        if (end - at == DIGITS_EXACT + 1 && (*at != '1' || sum < 10000000000000000000u))
            return E_NUMBER_RANGE;
    }
    *value = sum;
    return OK;
}

enum code number_parse_u64(struct bytes text, uint64_t *value)
{
    return text.size == 0 ? E_BAD_NUMBER : parse_magnitude(text.data, text.data + text.size, value);
}

enum code number_parse_i64(struct bytes text, int64_t *value)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    uint64_t magnitude, magnitude_max = (uint64_t)INT64_MAX + negative;
    enum code code;

    if (text.size == 0)
        return E_BAD_NUMBER;
    code = parse_magnitude(text.data + negative, text.data + text.size, &magnitude);
    if (code)
        return code;
    if (magnitude > magnitude_max)
        return E_NUMBER_RANGE;
    *value = (int64_t)(negative ? -magnitude : magnitude);
    return OK;
}

static int bit_length(wide value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;

    if (high != 0)
        return 128 - __builtin_clzll(high);
    return low == 0 ? 0 : 64 - __builtin_clzll(low);
}

/* bits * 2^power, a little more when `inexact`, to the nearest double, ties to even.  The
 * result is a normal number; inexact bits are more than 54. */
static double round_to_f64(wide bits, bool inexact, int power)
{
    int excess = bit_length(bits) - DBL_MANT_DIG;
    uint64_t mantissa, scale_bits;
    double scale;

    if (excess > 0) {
        wide half = (wide)1 << (excess - 1);
        wide rest = bits & ((half << 1) - 1);

        mantissa = (uint64_t)(bits >> excess);
        if (rest > half || (rest == half && (inexact || (mantissa & 1))))
            mantissa++;
        power += excess;
    } else {
        mantissa = (uint64_t)bits;
    }
    scale_bits = (uint64_t)(DBL_MAX_EXP - 1 + power) << (DBL_MANT_DIG - 1);
    memcpy(&scale, &scale_bits, sizeof(scale));
    return (double)mantissa * scale; /* exact: a power of two */
}

static double divide_by_five(uint64_t digits, int power)
{
    uint64_t divisor = powers_of_five[power];
    int left_digits = __builtin_clzll(digits), left_divisor = __builtin_clzll(divisor);
    wide dividend = (wide)(digits << left_digits) << 63; /* so the quotient has 63 or 64 bits */
    uint64_t aligned = divisor << left_divisor;
    wide quotient = dividend / aligned;

    return round_to_f64(quotient, quotient * aligned != dividend,
                        left_divisor - left_digits - 63 - power);
}

/* digits * 10^power.  HUGE_VAL above all doubles. */
static double decimal_value(uint64_t digits, int64_t power)
{
    char text[NUMBER_TEXT_SIZE * 2];

    if (digits <= (uint64_t)1 << DBL_MANT_DIG && power >= -POWER_EXACT && power <= POWER_EXACT) {
        double exact = (double)digits;
        return power < 0 ? exact / powers_of_ten[-power] : exact * powers_of_ten[power];
    }
    if (digits == 0)
        return 0;
    if (power >= 0 && power <= POWER_WIDE)
        return round_to_f64((wide)digits * powers_of_five[power], false, (int)power);
    if (power < 0 && power >= -POWER_WIDE)
        return divide_by_five(digits, (int)-power);
    if (power > 400) /* surely beyond the doubles, and short enough to print */
        power = 400;
    if (power < -400)
        power = -400;
    (void)snprintf(text, sizeof(text), "%llue%d", (unsigned long long)digits, (int)power);
    return strtod(text, NULL);
}

/* More digits than fit 64 bits.  [at, end) is digits with at most one point. */
static double long_decimal_value(const char *at, const char *end, int64_t power)
{
    char text[DIGITS_DECIDING + NUMBER_TEXT_SIZE];
    size_t count = 0;
    bool fraction = false, more = false;

    for (; at < end; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        power -= fraction;
        if (count == 0 && *at == '0')
            continue;
        if (count < DIGITS_DECIDING) {
            text[count++] = *at;
        } else {
            more |= *at != '0';
            power++;
        }
    }
    if (count == 0)
        return 0;
    if (more) {
        text[count++] = '1';
        power--;
    }
    if (power > 400)
        power = 400;
    if (power < -400 - DIGITS_DECIDING)
        power = -400 - DIGITS_DECIDING;
    (void)snprintf(text + count, sizeof(text) - count, "e%d", (int)power);
    return strtod(text, NULL);
}

static bool equals_ignoring_case(const char *at, const char *end, struct bytes lower)
{
    if ((size_t)(end - at) != lower.size)
        return false;
    for (size_t i = 0; i < lower.size; i++) {
        if ((at[i] | 0x20) != lower.data[i])
            return false;
    }
    return true;
}

static enum code refuse_word(const char *at, const char *end)
{
    bool not_finite = equals_ignoring_case(at, end, BYTES("nan")) ||
                      equals_ignoring_case(at, end, BYTES("inf")) ||
                      equals_ignoring_case(at, end, BYTES("infinity"));

    return not_finite ? E_NOT_FINITE : E_BAD_NUMBER;
}

/* [+-]digits, all of [at, end).  Stops counting where nothing changes any more. */
static enum code parse_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = at < end && *at == '-';
    int64_t sum = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return E_BAD_NUMBER;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return E_BAD_NUMBER;
        if (sum < (int64_t)1 << 50) /* more than any text has digits to answer it with */
            sum = sum * 10 + (*at - '0');
    }
    *exponent = negative ? -sum : sum;
    return OK;
}

enum code number_parse_f64(struct bytes text, double *value)
{
    const char *at = text.data, *end = text.size == 0 ? at : at + text.size;
    const char *first, *last;
    bool negative = at < end && *at == '-';
    uint64_t digits = 0;
    int64_t exponent = 0, power = 0;
    size_t count;
    double magnitude;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    first = at;
    at = scan_digits(at, end, &digits);
    count = (size_t)(at - first);
    if (at < end && *at == '.') {
        const char *point = at++;

        at = scan_digits(at, end, &digits);
        power = point + 1 - at;
        count += (size_t)-power;
    }
    last = at;
    if (count == 0)
        return refuse_word(first, end);
    if (at < end) {
        if (*at != 'e' && *at != 'E')
            return E_BAD_NUMBER;
        if (parse_exponent(at + 1, end, &exponent))
            return E_BAD_NUMBER;
    }
    if (count > DIGITS_EXACT) {
        for (at = first; at < last && (*at == '0' || *at == '.'); at++)
            count -= *at == '0'; /* zeros in front added nothing to `digits` */
    }
    if (count <= DIGITS_EXACT)
        magnitude = decimal_value(digits, power + exponent);
    else
        magnitude = long_decimal_value(first, last, exponent);
    if (magnitude > DBL_MAX)
        return E_NUMBER_RANGE;
    *value = negative ? -magnitude : magnitude;
    return OK;
}

static size_t print_digits(uint64_t value, char *text)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char reversed[20];
    size_t at = sizeof(reversed), size;

    while (value >= 100) {
        at -= 2;
        memcpy(&reversed[at], &pairs[value % 100 * 2], 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(&reversed[at], &pairs[value * 2], 2);
    } else {
        reversed[--at] = (char)('0' + value);
    }
    size = sizeof(reversed) - at;
    memcpy(text, &reversed[at], size);
    return size;
}

size_t number_print_u64(uint64_t value, char text[NUMBER_TEXT_SIZE])
{
    return print_digits(value, text);
}

size_t number_print_i64(int64_t value, char text[NUMBER_TEXT_SIZE])
{
    if (value >= 0)
        return print_digits((uint64_t)value, text);
    text[0] = '-';
    return 1 + print_digits(-(uint64_t)value, text + 1);
}

/* A decimal: digits * 10^power. */
struct decimal {
    uint64_t digits;
    int power;
};

/* Up to 15 digits are always the shortest when they read back.  False when it needs more,
 * or powers that are not exact. */
static bool short_decimal(double magnitude, struct decimal *decimal)
{
    for (int power = 0; power <= POWER_EXACT; power++) {
        double scaled = magnitude * powers_of_ten[power];
        double whole;

        if (scaled >= 1e15)
            return false;
        whole = (double)(int64_t)(scaled + 0.5);
        if (whole / powers_of_ten[power] == magnitude) { /* just what reading it computes */
            *decimal = (struct decimal){(uint64_t)whole, -power};
            return true;
        }
    }
    return false;
}

/* Of all decimals in [low, high], in units of 10^power, one with the fewest digits, and of
 * those the nearest to the middle, which is twice_middle / 2 and, when `above_that`, less
 * than half a unit more. */
static struct decimal shortest_within(uint64_t low, uint64_t high, uint64_t twice_middle,
                                      bool above_that, int power)
{
    uint64_t unit = 1, below, above, to_above, to_below;

    while (high / (unit * 10) * (unit * 10) >= low) {
        unit *= 10;
        power++;
    }
    below = twice_middle / 2 / unit * unit;
    above = below + unit;
    to_above = 2 * above - twice_middle;
    to_below = twice_middle - 2 * below;
    if (below < low ||
        (above <= high && (to_above < to_below || (to_above == to_below && above_that))))
        below = above;
    return (struct decimal){below / unit, power};
}

/* value = mantissa * 2^exponent = x * 10^-scale, with x of 17 digits; x and the halves to
 * its neighbours are exact in 128 bits while 0 <= scale <= 27 (1e-11 .. 1e17). */
static bool wide_decimal(double magnitude, struct decimal *decimal)
{
    int exponent, scale, shift;
    uint64_t mantissa = (uint64_t)ldexp(frexp(magnitude, &exponent), DBL_MANT_DIG);
    bool narrow_below = mantissa == (uint64_t)1 << (DBL_MANT_DIG - 1);
    bool ends_count = mantissa % 2 == 0; /* a tie reads as the even neighbour */
    wide five, middle, low, high, mask;
    uint64_t first, last;

    exponent -= DBL_MANT_DIG;
    scale = 16 - (int)floor(log10(magnitude));
    shift = -(exponent + scale) + 2; /* all are kept times four, for the narrow half below */
    if (scale < 0 || scale > POWER_WIDE || shift < 1)
        return false;
    five = powers_of_five[scale];
    middle = five * mantissa * 4;
    low = middle - five * (narrow_below ? 1 : 2);
    high = middle + five * 2;
    mask = ((wide)1 << shift) - 1;
    first = (uint64_t)(low >> shift) + ((low & mask) != 0 || !ends_count);
    last = (uint64_t)(high >> shift) - ((high & mask) == 0 && !ends_count);
    *decimal = shortest_within(first, last, (uint64_t)(middle >> (shift - 1)),
                               (middle & (mask >> 1)) != 0, -scale);
    return true;
}

/* The slow way for the very large and small: as many digits as it takes. */
static struct decimal any_decimal(double magnitude)
{
    struct decimal decimal = {0, 0};

    for (int count = magnitude < DBL_MIN ? 1 : DBL_DIG; count <= DBL_DECIMAL_DIG; count++) {
        char text[NUMBER_TEXT_SIZE], *first = text, *end;

        (void)snprintf(text, sizeof(text), "%.*e", count - 1, magnitude);
        if (count > 1) {
            text[1] = text[0]; /* over the point, whatever it is in this locale */
            first = text + 1;
        }
        decimal.digits = strtoull(first, &end, 10);
        decimal.power = (int)strtol(end + 1, NULL, 10) - (count - 1);
        if (decimal_value(decimal.digits, decimal.power) == magnitude)
            break;
        /* Below a power of two the neighbours are nearer than above it: the nearest decimal
         * may miss where the next one up reads back. */
        decimal.digits++;
        if (decimal_value(decimal.digits, decimal.power) == magnitude)
            break;
    }
    return decimal;
}

/* As %g does it, with 16 digits before it becomes an exponent. */
static size_t print_decimal(struct decimal decimal, char *text)
{
    char digits[NUMBER_TEXT_SIZE], *at = text;
    size_t count;
    int exponent;

    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.power++;
    }
    count = print_digits(decimal.digits, digits);
    exponent = (int)count - 1 + decimal.power;
    if (exponent >= 0 && exponent < 16) {
        size_t whole = (size_t)exponent + 1;

        if (whole >= count) {
            memcpy(at, digits, count);
            memset(at + count, '0', whole - count);
            return whole;
        }
        memcpy(at, digits, whole);
        at[whole] = '.';
        memcpy(at + whole + 1, digits + whole, count - whole);
        return count + 1;
    }
    if (exponent < 0 && exponent >= -4) {
        size_t zeros = (size_t)-exponent - 1;

        memcpy(at, "0.000", 2 + zeros);
        memcpy(at + 2 + zeros, digits, count);
        return 2 + zeros + count;
    }
    *at++ = digits[0];
    if (count > 1) {
        *at++ = '.';
        memcpy(at, digits + 1, count - 1);
        at += count - 1;
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    at += print_digits((uint64_t)abs(exponent), at);
    return (size_t)(at - text);
}

size_t number_print_f64(double value, char text[NUMBER_TEXT_SIZE])
{
    double magnitude = fabs(value);
    struct decimal decimal;
    size_t sign = signbit(value) ? 1 : 0;

    assert(isfinite(value));
    text[0] = '-';
    if (magnitude == 0) {
        text[sign] = '0';
        return sign + 1;
    }
    if (!short_decimal(magnitude, &decimal) && !wide_decimal(magnitude, &decimal))
        decimal = any_decimal(magnitude);
    return sign + print_decimal(decimal, text + sign);
}
