#include "query/text.h"

#include <assert.h>

#include "base/number.h"

static const int64_t second_ns = 1000000000;
static const int64_t day_ns = 86400 * (int64_t)1000000000;

static char *put_pair(char *at, int value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

/* ".5" is written ".500": 3, 6 or 9 digits. */
static char *put_fraction(char *at, int nanoseconds)
{
    int digits = nanoseconds % 1000000 == 0 ? 3 : nanoseconds % 1000 == 0 ? 6 : 9;

    for (int i = digits; i < 9; i++)
        nanoseconds /= 10;
    *at = '.';
    for (int i = digits; i > 0; i--, nanoseconds /= 10)
        at[i] = (char)('0' + nanoseconds % 10);
    return at + 1 + digits;
}

static char *put_timestamp(char *at, struct time_writer *writer, int64_t ns)
{
    int64_t day = ns / day_ns, of_day = ns % day_ns;
    int seconds, nanoseconds;

    if (of_day < 0) {
        of_day += day_ns;
        day--;
    }
    if (day != writer->day) {
        char text[TIMESTAMP_TEXT_SIZE];

        (void)timestamp_print(ns, text);
        memcpy(writer->date, text, sizeof(writer->date));
        writer->day = day;
    }
    memcpy(at, writer->date, sizeof(writer->date));
    at += sizeof(writer->date);
    seconds = (int)(of_day / second_ns);
    nanoseconds = (int)(of_day % second_ns);
    at = put_pair(at, seconds / 3600);
    *at++ = ':';
    at = put_pair(at, seconds / 60 % 60);
    *at++ = ':';
    at = put_pair(at, seconds % 60);
    if (nanoseconds != 0)
        at = put_fraction(at, nanoseconds);
    *at++ = 'Z';
    return at;
}

char *text_put_time(char *at, struct time_writer *writer, int64_t ns, bool quote)
{
    int64_t count;

    quote = quote && (!writer->epoch || writer->integer_text);
    if (quote)
        *at++ = '"';
    if (!writer->epoch) {
        at = put_timestamp(at, writer, ns);
    } else {
        count = ns / writer->unit_ns;
        count -= ns % writer->unit_ns < 0;
        at += number_print_i64(count, at);
    }
    if (quote)
        *at++ = '"';
    return at;
}

char *text_put_f64(char *at, double value)
{
    size_t size = number_print_f64(value, at);

    for (size_t i = 0; i < size; i++)
        if (at[i] == '.' || at[i] == 'e')
            return at + size;
    return text_put(at + size, BYTES(".0"));
}

char *text_put_wide(char *at, wide value)
{
    static const uint64_t unit = 10000000000000000000u; /* 10^19, the last below 2^64 */
    __extension__ unsigned __int128 magnitude = (unsigned __int128)value;
    uint64_t low;
    size_t size;

    if (value < 0) {
        *at++ = '-';
        magnitude = -magnitude;
    }
    if (magnitude <= UINT64_MAX)
        return at + number_print_u64((uint64_t)magnitude, at);
    low = (uint64_t)(magnitude % unit);
    magnitude /= unit;
    assert(magnitude < unit); /* sums stay below 2^127, which is 1.7 * 10^38 */
    at += number_print_u64((uint64_t)magnitude, at);
    size = 19;
    for (size_t i = size; i-- > 0; low /= 10)
        at[i] = (char)('0' + low % 10);
    return at + size;
}

char *text_put_number(char *at, const struct datum *number)
{
    if (number->is_wide)
        return text_put_wide(at, number->integer);
    if (number->type == TYPE_F64)
        return text_put_f64(at, number->cell.f64);
    if (number->type == TYPE_I64)
        return at + number_print_i64(number->cell.i64, at);
    assert(number->type == TYPE_U64);
    return at + number_print_u64(number->cell.u64, at);
}

char *text_put_json(char *at, struct bytes text)
{
    static const char hex[] = "0123456789abcdef";
    static const char named[] = "\bb\ff\nn\rr\tt\"\"\\\\";

    *at++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        size_t j = 0;

        if (c >= ' ' && c != '"' && c != '\\') {
            *at++ = (char)c;
            continue;
        }
        *at++ = '\\';
        while (j < sizeof(named) - 1 && (unsigned char)named[j] != c)
            j += 2;
        if (j < sizeof(named) - 1) {
            *at++ = named[j + 1];
            continue;
        }
        at = text_put(at, BYTES("u00"));
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    *at++ = '"';
    return at;
}

char *text_put_csv(char *at, struct bytes text, bool quote_empty)
{
    bool quote = text.size == 0 && quote_empty;

    for (size_t i = 0; i < text.size && !quote; i++) {
        char c = text.data[i];

        quote = c == ',' || c == '"' || c == '\r' || c == '\n';
    }
    if (!quote)
        return text_put(at, text);
    *at++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            *at++ = '"';
        *at++ = text.data[i];
    }
    *at++ = '"';
    return at;
}
