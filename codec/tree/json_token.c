#include "codec/tree/json_token.h"

#include <endian.h>

/* Where text stops being plain: at '"', '\\', a control byte, or `end`.  Eight bytes at a time. */
static const char *plain_end(const char *at, const char *end, uint64_t *high)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;

    for (; (size_t)(end - at) >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word, quote, escape, control, stop;

        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        quote = word ^ (ones * '"');
        escape = word ^ (ones * '\\');
        control = (word - ones * 0x20) & ~word;
        stop = (((quote - ones) & ~quote) | ((escape - ones) & ~escape) | control) & tops;
        *high |= word & tops; /* what is behind the end does no harm */
        if (stop != 0)        /* marks above the lowest may be carries; the lowest is true */
            return at + (unsigned)__builtin_ctzll(stop) / 8;
    }
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c == '"' || c == '\\')
            break;
        *high |= c & 0x80;
    }
    return at;
}

enum json_run json_run_string(struct json_string *string, const char **at, const char *end,
                              size_t room)
{
    const char *stop = (size_t)(end - *at) > room ? *at + room : end;
    const char *p = *at;

    for (;;) {
        if (string->escaped && p < stop) {
            string->escaped = false;
            string->high |= (unsigned char)*p++ & 0x80;
        }
        p = plain_end(p, stop, &string->high);
        *at = p;
        if (p == end)
            return JSON_RUN_CUT;
        if (p == stop)
            return *p == '"' && !string->escaped ? JSON_RUN_WHOLE : JSON_RUN_LONG;
        if (*p == '"')
            return JSON_RUN_WHOLE;
        if (*p != '\\')
            return JSON_RUN_CONTROL;
        string->escapes = string->escaped = true;
        p++;
    }
}

bool json_in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

static enum json_run run(bool (*in)(char c), const char **at, const char *end, size_t room)
{
    const char *stop = (size_t)(end - *at) > room ? *at + room : end;

    while (*at < stop && in(**at))
        (*at)++;
    if (*at == end)
        return JSON_RUN_CUT;
    return *at == stop && in(**at) ? JSON_RUN_LONG : JSON_RUN_WHOLE;
}

enum json_run json_run_number(const char **at, const char *end, size_t room)
{
    return run(in_number, at, end, room);
}

enum json_run json_run_word(const char **at, const char *end, size_t room)
{
    return run(json_in_word, at, end, room);
}

static const char *digits_end(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

const char *json_number_fault(struct bytes number, size_t *where)
{
    const char *at = number.data, *end = number.data + number.size, *first;
    const char *what = NULL;

    at += *at == '-';
    first = at;
    at = digits_end(at, end);
    if (at == first)
        what = "expected a digit";
    else if (*first == '0' && at > first + 1)
        at = first + 1, what = "a number that begins with 0";
    if (what == NULL && at < end && *at == '.') {
        first = ++at;
        at = digits_end(at, end);
        if (at == first)
            what = "expected a digit behind the point";
    }
    if (what == NULL && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        first = at;
        at = digits_end(at, end);
        if (at == first)
            what = "expected a digit in the exponent";
    }
    *where = (size_t)(at - number.data);
    return what != NULL || at == end ? what : "this is no number";
}
