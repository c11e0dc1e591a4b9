#include "codec/csv_value.h"

#include <assert.h>
#include <strings.h>

#include "base/number.h"
#include "codec/line_digits.h"

enum {
    FAST_SLACK = 64,       /* line_digits() reads ahead */
    FAST_INTEGER_MAX = 18, /* digits that always fit */
    EXACT_DIGITS_MAX = 15, /* 10^15 and below are exact doubles */
    NUMBER_SIZE_MAX = 400, /* of one with a decimal comma; more digits than that mean nothing */
    SHOWN_MAX = 64,
};

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

/* Short decimals, as nearly all numbers are; false decides nothing. */
static bool take_plain(char decimal, struct bytes text, enum value_type *type, union cell *cell)
{
    static const double powers[EXACT_DIGITS_MAX + 1] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *at = text.data, *end = text.data + text.size;
    bool negative = *at == '-';
    unsigned count, decimals;
    uint64_t digits, fraction;
    double value;

    at += negative;
    if (at < end && *at == '0' && at + 1 < end && at[1] != decimal)
        return false; /* a zero in front makes a text of it */
    digits = line_digits(&at, &count);
    if (count == 0)
        return false;
    if (at == end && count <= FAST_INTEGER_MAX) {
        cell->i64 = negative ? -(int64_t)digits : (int64_t)digits;
        *type = TYPE_I64;
        return true;
    }
    if (at >= end || *at != decimal)
        return false;
    at++;
    fraction = line_digits(&at, &decimals);
    if (at != end || decimals == 0 || count + decimals > EXACT_DIGITS_MAX)
        return false;
    assert(decimals <= EXACT_DIGITS_MAX); /* neither count is above 24: their sum did not wrap */
    value = ((double)digits * powers[decimals] + (double)fraction) / powers[decimals];
    cell->f64 = negative ? -value : value; /* all exact but the division: rounded once */
    *type = TYPE_F64;
    return true;
}

#define EXACT_INTEGER_MAX (INT64_C(1) << 53)

enum form { FORM_TEXT, FORM_INTEGER, FORM_REAL };

static size_t digits_end(struct bytes text, size_t at)
{
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at;
}

/* As JSON has numbers, but for ".5" and "5.". */
static enum form form_of(struct bytes text, char decimal)
{
    size_t first = text.size > 0 && text.data[0] == '-', at = digits_end(text, first);
    size_t digits = at - first, exponent;
    enum form form = FORM_INTEGER;

    if (digits > 1 && text.data[first] == '0')
        return FORM_TEXT;
    if (at < text.size && text.data[at] == decimal) {
        size_t end = digits_end(text, at + 1);

        digits += end - at - 1;
        at = end;
        form = FORM_REAL;
    }
    if (digits == 0)
        return FORM_TEXT;
    if (at < text.size && (text.data[at] | 0x20) == 'e') {
        exponent = at + 1;
        exponent +=
            exponent < text.size && (text.data[exponent] == '+' || text.data[exponent] == '-');
        at = digits_end(text, exponent);
        if (at == exponent)
            return FORM_TEXT;
        form = FORM_REAL;
    }
    return at == text.size ? form : FORM_TEXT;
}

static enum code take_real(char decimal, struct bytes text, double *value)
{
    char copy[NUMBER_SIZE_MAX];

    if (decimal != '.') {
        char *comma;

        if (text.size > sizeof(copy) || memchr(text.data, '.', text.size) != NULL)
            return E_BAD_NUMBER;
        memcpy(copy, text.data, text.size);
        comma = memchr(copy, decimal, text.size);
        if (comma != NULL)
            *comma = '.';
        text.data = copy;
    }
    return number_parse_f64(text, value);
}

static enum code range(struct bytes text, const char *what, struct error *why)
{
    return error_set(why, E_NUMBER_RANGE, "%.*s does not fit %s", BYTES_ARG(shown(text)), what);
}

static enum code not_finite(struct bytes text, struct error *why)
{
    return error_set(why, E_NOT_FINITE,
                     "%.*s cannot be stored as a number; null=%.*s leaves such values out",
                     BYTES_ARG(shown(text)), BYTES_ARG(shown(text)));
}

static bool is_word(struct bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

/* "true", "True", "TRUE" ... */
static bool take_bool(struct bytes text, union cell *cell)
{
    cell->u64 = is_word(text, "true");
    return cell->u64 == 1 || is_word(text, "false");
}

/* What the text itself says. */
static enum code take_any(char decimal, struct bytes text, enum value_type *type, union cell *cell,
                          struct error *why)
{
    enum form form = form_of(text, decimal);
    enum code code = E_BAD_NUMBER;
    double any;

    switch (form) {
    case FORM_INTEGER:
        *type = TYPE_I64;
        code = number_parse_i64(text, &cell->i64);
        if (code == E_NUMBER_RANGE && text.data[0] != '-') {
            *type = TYPE_U64;
            code = number_parse_u64(text, &cell->u64);
        }
        if (code == OK)
            return OK;
        return range(text, "64 bits; a type as types=COLUMN:f64 or string would hold it", why);
    case FORM_REAL:
        *type = TYPE_F64;
        code = take_real(decimal, text, &cell->f64);
        if (code == E_NUMBER_RANGE)
            return range(text, "a 64-bit float", why);
        if (code == OK)
            return OK;
        break;
    case FORM_TEXT:
        if (take_bool(text, cell)) {
            *type = TYPE_BOOL;
            return OK;
        }
        if (text.size <= sizeof("-infinity") && number_parse_f64(text, &any) == E_NOT_FINITE)
            return not_finite(text, why);
    }
    *type = TYPE_STRING;
    return OK;
}

static enum code wrong(struct bytes text, enum value_type type, struct error *why)
{
    return error_set(why, type == TYPE_BOOL ? E_SYNTAX : E_BAD_NUMBER,
                     "\"%.*s\" is no %s%s, which types= says it is", BYTES_ARG(shown(text)),
                     value_type_name(type), type == TYPE_BOOL ? " (true, false, 1, 0)" : "");
}

/* What the column is declared to hold. */
static enum code take_declared(const struct csv_value_rules *rules, struct bytes text,
                               union cell *cell, struct error *why)
{
    enum code code = OK;

    switch (rules->type) {
    case TYPE_F64:
        code = take_real(rules->decimal, text, &cell->f64);
        break;
    case TYPE_I64:
        code = number_parse_i64(text, &cell->i64);
        break;
    case TYPE_U64:
        code = number_parse_u64(text, &cell->u64);
        break;
    case TYPE_BOOL:
        if (take_bool(text, cell))
            return OK;
        cell->u64 = bytes_equal(text, BYTES("1"));
        return cell->u64 == 1 || bytes_equal(text, BYTES("0")) ? OK : wrong(text, TYPE_BOOL, why);
    default:
        assert(rules->type == TYPE_STRING);
    }
    if (code == E_NUMBER_RANGE)
        return range(text, value_type_name(rules->type), why);
    if (code == E_NOT_FINITE)
        return not_finite(text, why);
    return code == OK ? OK : wrong(text, rules->type, why);
}

bool csv_value_widen(union cell *cell)
{
    int64_t value = cell->i64;

    if (value > EXACT_INTEGER_MAX || value < -EXACT_INTEGER_MAX)
        return false;
    cell->f64 = (double)value;
    return true;
}

enum code csv_value(const struct csv_value_rules *rules, struct bytes text,
                    const char *readable_end, enum value_type *type, union cell *cell,
                    struct error *why)
{
    bool fast = readable_end != NULL && readable_end - text.data >= FAST_SLACK && text.size > 0;

    if (rules->type == TYPE_STRING) {
        *type = TYPE_STRING;
        return OK;
    }
    if (fast && take_plain(rules->decimal, text, type, cell)) {
        if (rules->type == TYPE_NONE || rules->type == *type)
            return OK;
        if (rules->type == TYPE_F64 && cell->i64 != 0 && csv_value_widen(cell)) { /* "-0" is -0.0 */
            *type = TYPE_F64;
            return OK;
        }
    }
    *type = rules->type;
    if (rules->type != TYPE_NONE)
        return take_declared(rules, text, cell, why);
    return take_any(rules->decimal, text, type, cell, why);
}
