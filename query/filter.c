#include "query/filter.h"

#include <assert.h>
#include <math.h>

#include "base/number.h"
#include "query/expression.h"

enum comparison { GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, EQUAL, NOT_EQUAL };

static const struct {
    const char *text;
    enum comparison comparison;
} operators[] = {
    {">=", GREATER_EQUAL},
    {"<=", LESS_EQUAL   },
    {"!=", NOT_EQUAL    },
    {">",  GREATER      },
    {"<",  LESS         },
    {"=",  EQUAL        },
};

/* --- ranges --- */

static const wide beyond = (wide)1 << 66; /* of all integers, either way */

/* The integers that are meant, as [low, high]. */
static void set_integers(struct filter *filter, wide low, wide high)
{
    wide least = low > INT64_MIN ? low : INT64_MIN, most = high < INT64_MAX ? high : INT64_MAX;

    filter->integer =
        (struct filter_range){{.i64 = (int64_t)least}, {.i64 = (int64_t)most}, least > most};
    least = low > 0 ? low : 0;
    most = high < UINT64_MAX ? high : UINT64_MAX;
    if (least > most || high < 0) /* high may be below what u64 holds */
        filter->natural = (struct filter_range){.empty = true};
    else
        filter->natural =
            (struct filter_range){{.u64 = (uint64_t)least}, {.u64 = (uint64_t)most}, false};
    if (filter->integer.empty)
        filter->integer = (struct filter_range){.empty = true};
}

/* Against a real. */
static void set_real(struct filter *filter, enum comparison comparison, double value)
{
    double low = -INFINITY, high = INFINITY;
    wide floor_of = value >= 0x1p66 ? beyond : value <= -0x1p66 ? -beyond : (wide)floor(value);
    bool whole = (double)floor_of == value;
    wide above = floor_of + 1, below = whole ? floor_of - 1 : floor_of;
    wide at_least = whole ? floor_of : above;

    switch (comparison) {
    case GREATER:
        low = nextafter(value, INFINITY);
        set_integers(filter, above, beyond);
        break;
    case GREATER_EQUAL:
        low = value;
        set_integers(filter, at_least, beyond);
        break;
    case LESS:
        high = nextafter(value, -INFINITY);
        set_integers(filter, -beyond, below);
        break;
    case LESS_EQUAL:
        high = value;
        set_integers(filter, -beyond, floor_of);
        break;
    case EQUAL:
    case NOT_EQUAL:
        low = high = value;
        set_integers(filter, at_least, floor_of);
        break;
    }
    filter->real = (struct filter_range){{.f64 = low}, {.f64 = high}, false};
}

/* Against an integer, which may lie between two doubles. */
static void set_integer(struct filter *filter, enum comparison comparison, wide value)
{
    double near = (double)value;
    wide rounded = (wide)near;
    double up = rounded > value ? near : nextafter(near, INFINITY);    /* the least above it */
    double down = rounded < value ? near : nextafter(near, -INFINITY); /* the greatest below it */
    bool whole = rounded == value;
    double low = -INFINITY, high = INFINITY;

    switch (comparison) {
    case GREATER:
        low = up;
        set_integers(filter, value + 1, beyond);
        break;
    case GREATER_EQUAL:
        low = whole ? near : up;
        set_integers(filter, value, beyond);
        break;
    case LESS:
        high = down;
        set_integers(filter, -beyond, value - 1);
        break;
    case LESS_EQUAL:
        high = whole ? near : down;
        set_integers(filter, -beyond, value);
        break;
    case EQUAL:
    case NOT_EQUAL:
        low = high = near;
        set_integers(filter, value, value);
        break;
    }
    filter->real = (struct filter_range){{.f64 = low}, {.f64 = high}, low == high && !whole};
}

/* --- text --- */

static struct bytes trimmed(struct bytes text)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = bytes_slice(text, 1, text.size);
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static enum code refuse(struct bytes text, struct error *err)
{
    return error_set(err, E_BAD_PARAMETER,
                     "\"%.*s\": want a field or computed column, one of > >= < <= = !=, and a "
                     "number, true, false or a text, as in user>90 or state=\"on\"",
                     BYTES_ARG(text));
}

/* The name up to the operator; *rest begins with it. */
static enum code split_name(struct bytes text, struct arena *arena, struct bytes *name,
                            struct bytes *rest, struct error *err)
{
    size_t size = 0;
    enum code code;

    if (text.size > 0 && text.data[0] == '"') {
        code = name_read(text, arena, name, &size, err);
        if (code)
            return code;
    } else {
        while (size < text.size && !memchr("<>=!", text.data[size], 4))
            size++;
        *name = trimmed(bytes_slice(text, 0, size));
    }
    *rest = trimmed(bytes_slice(text, size, text.size));
    return name->size > 0 ? OK : refuse(text, err);
}

/* The operator at the beginning; its place in the table, or COUNT_OF. */
static size_t find_operator(struct bytes rest)
{
    size_t i = 0;

    while (i < COUNT_OF(operators) &&
           (rest.size < strlen(operators[i].text) ||
            memcmp(rest.data, operators[i].text, strlen(operators[i].text)) != 0))
        i++;
    return i;
}

static void set_text(struct filter *filter, struct bytes text, bool quoted)
{
    filter->kind = KIND_STRING;
    filter->text = text;
    filter->quoted = quoted;
}

static bool set_number(struct filter *filter, enum comparison comparison, struct bytes text)
{
    uint64_t natural;
    int64_t integer;
    double real;

    if (number_parse_i64(text, &integer) == OK)
        set_integer(filter, comparison, integer);
    else if (number_parse_u64(text, &natural) == OK)
        set_integer(filter, comparison, (wide)natural);
    else if (number_parse_f64(text, &real) == OK)
        set_real(filter, comparison, real);
    else
        return false;
    filter->kind = KIND_NUMBER;
    return true;
}

/* "5 and b>3": another condition behind the first. */
static bool holds_condition(struct bytes text)
{
    static const char *const words[] = {" and ", " AND ", "&&", " or ", " OR ", "||"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t size = strlen(words[i]);
        const char *at = text.size > 0 ? memmem(text.data, text.size, words[i], size) : NULL;

        for (const char *end = text.data + text.size; at && at < end; at++)
            if (memchr("<>=", *at, 3))
                return true;
    }
    return false;
}

static enum code set_value(struct filter *filter, enum comparison comparison, struct bytes whole,
                           struct bytes value, struct arena *arena, struct error *err)
{
    bool is_true = bytes_equal(value, BYTES("true"));
    enum code code;

    filter->negated = comparison == NOT_EQUAL;
    if (value.size == 0)
        return refuse(whole, err);
    if (value.data[0] == '"') {
        struct bytes text;
        size_t size;

        code = name_read(value, arena, &text, &size, err);
        if (code)
            return code;
        if (size < value.size)
            return error_set(err, E_BAD_PARAMETER,
                             "\"%.*s\": something stands behind the closing quote; \\\" is a quote "
                             "within a text",
                             BYTES_ARG(whole));
        set_text(filter, text, true);
    } else if (is_true || bytes_equal(value, BYTES("false"))) {
        filter->kind = KIND_BOOL;
        filter->natural = (struct filter_range){{.u64 = is_true}, {.u64 = is_true}, false};
        filter->text = value;
    } else if (set_number(filter, comparison, value)) {
        filter->text = value;
    } else {
        set_text(filter, value, false);
    }
    if (filter->kind != KIND_NUMBER && !filter->quoted && holds_condition(value))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want one condition; repeat where= for another, all must hold "
                         "(a text like this stands in double quotes)",
                         BYTES_ARG(whole));
    if (filter->kind != KIND_NUMBER && comparison != EQUAL && comparison != NOT_EQUAL)
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": > >= < and <= compare with a number; want one, or = or != for "
                         "a text, true or false",
                         BYTES_ARG(whole));
    return OK;
}

enum code filter_parse(struct bytes text, struct arena *arena, struct filter *filter,
                       struct error *err)
{
    struct bytes whole = trimmed(text), rest, value;
    enum code code;
    size_t found;

    *filter = (struct filter){0};
    code = split_name(whole, arena, &filter->name, &rest, err);
    if (code)
        return code;
    found = find_operator(rest);
    if (found == COUNT_OF(operators))
        return refuse(whole, err);
    value = trimmed(bytes_slice(rest, strlen(operators[found].text), rest.size));
    if (value.size > 0 && memchr("<>=!", value.data[0], 4)) /* == and => */
        return refuse(whole, err);
    if (value.size > 0 && memchr("~'", value.data[0], 2)) /* or nothing would pass, silently */
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": a text stands in double quotes, as in state=\"on\"; patterns "
                         "are for match=, and for tags alone",
                         BYTES_ARG(whole));
    return set_value(filter, operators[found].comparison, whole, value, arena, err);
}

/* --- rows --- */

static const struct filter_range *range_of(const struct filter *filter, enum value_type type)
{
    return type == TYPE_F64   ? &filter->real
           : type == TYPE_I64 ? &filter->integer
                              : &filter->natural;
}

/* Without branches, so that it is done for several rows at once. */
#define TEST_RANGE(member)                                                                         \
    do {                                                                                           \
        for (uint32_t i = 0; i < count; i++)                                                       \
            found[i] =                                                                             \
                (cells[i].member >= range->low.member) & (cells[i].member <= range->high.member);  \
    } while (0)

static void test_cells(const struct filter *filter, enum value_type type, const union cell *cells,
                       const uint8_t *present, uint32_t count, uint8_t *found)
{
    const struct filter_range *range = range_of(filter, type);

    if (type == TYPE_STRING)
        for (uint32_t i = 0; i < count; i++) /* absent cells hold no text */
            found[i] =
                (!present || present[i]) && bytes_equal(text_bytes(cells[i].text), filter->text);
    else if (range->empty)
        memset(found, 0, count);
    else if (type == TYPE_F64)
        TEST_RANGE(f64);
    else if (type == TYPE_I64)
        TEST_RANGE(i64);
    else
        TEST_RANGE(u64);
}

enum { TESTED_ROWS = 512 };

void filter_test(const struct filter *filter, const struct rows_column *columns,
                 uint32_t column_count, uint32_t first, uint32_t end, uint8_t *passes,
                 uint8_t *scratch)
{
    memset(scratch, 0, end - first);
    for (uint32_t c = 0; c < column_count; c++) {
        const struct rows_column *column = &columns[c];

        if (column->field != filter->field || value_kind(column->type) != filter->kind)
            continue;
        for (uint32_t at = first; at < end; at += TESTED_ROWS) {
            uint32_t count = end - at < TESTED_ROWS ? end - at : TESTED_ROWS;
            const uint8_t *present = column->present ? column->present + at : NULL;
            uint8_t found[TESTED_ROWS], *to = scratch + (at - first);

            test_cells(filter, column->type, column->cells + at, present, count, found);
            for (uint32_t i = 0; i < count; i++)
                to[i] |= (present ? present[i] : 1) & (found[i] ^ filter->negated);
        }
    }
    for (uint32_t i = 0; i < end - first; i++)
        passes[i] &= scratch[i];
}

bool filter_passes(const struct filter *filter, const struct datum *value)
{
    uint8_t found;

    if (value_kind(value->type) != filter->kind)
        return false;
    assert(!value->is_wide);
    test_cells(filter, value->type, &value->cell, NULL, 1, &found);
    return found != filter->negated;
}

/* --- headers --- */

#define JUDGE(member)                                                                              \
    (summary->max.member < range->low.member || summary->min.member > range->high.member           \
         ? VERDICT_NONE                                                                            \
     : summary->min.member >= range->low.member && summary->max.member <= range->high.member       \
         ? VERDICT_ALL                                                                             \
         : VERDICT_SOME)

/* Of the cells that are there; at least one is. */
static enum verdict judge_column(const struct filter *filter, const struct place_summary *column)
{
    const struct column_summary *summary = column->summary;
    const struct filter_range *range = range_of(filter, column->type);
    enum verdict verdict;

    if (value_kind(column->type) != filter->kind)
        return VERDICT_NONE;
    if (filter->kind != KIND_NUMBER) /* headers do not tell */
        return VERDICT_SOME;
    if (range->empty)
        verdict = VERDICT_NONE;
    else if (column->type == TYPE_F64)
        verdict = JUDGE(f64);
    else if (column->type == TYPE_I64)
        verdict = JUDGE(i64);
    else
        verdict = JUDGE(u64);
    if (!filter->negated || verdict == VERDICT_SOME)
        return verdict;
    return verdict == VERDICT_NONE ? VERDICT_ALL : VERDICT_NONE;
}

enum verdict filter_judge(const struct filter *filter, const struct place_summary *columns,
                          size_t column_count, uint32_t row_count)
{
    enum verdict verdict = VERDICT_NONE;

    for (size_t i = 0; i < column_count; i++) {
        enum verdict each;

        if (columns[i].field != filter->field || columns[i].summary->valid_count == 0)
            continue;
        each = judge_column(filter, &columns[i]);
        if (each == VERDICT_ALL && columns[i].summary->valid_count == row_count)
            return VERDICT_ALL;
        if (each != VERDICT_NONE)
            verdict = VERDICT_SOME;
    }
    return verdict;
}
