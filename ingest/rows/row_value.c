#include "ingest/rows/row_value.h"

#include <math.h>
#include <strings.h>

#include "base/number.h"

enum { SHOWN_MAX = 64, NUMBER_SIZE_MAX = 400, GROUP_DIGITS = 3 };

#define EXACT_INTEGER_MAX 9007199254740991.0 /* 2^53 - 1: 2^53 may have been one more */

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes without_spaces(struct bytes text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = bytes_slice(text, 1, text.size);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

static bool is_null(const struct source_value *value, struct bytes text)
{
    for (size_t i = 0; i < value->null_count; i++)
        if (bytes_equal(value->nulls[i], text))
            return true;
    return false;
}

static enum code nothing(const struct source_value *value, const char *why, struct error *err)
{
    return value->required ? error_set(err, E_SYNTAX, "there is no value: %s", why) : OK;
}

static enum code no_number(struct bytes text, const char *what, struct error *err)
{
    return error_set(err, E_BAD_NUMBER, "\"%.*s\" is no %s", BYTES_ARG(shown(text)), what);
}

/* --- numbers --- */

/* The longest that the text begins with is taken off. */
static struct bytes take_qualifier(const struct source_value *value, struct bytes *text)
{
    struct bytes taken = {0};

    for (size_t i = 0; i < value->qualifier_count; i++) {
        struct bytes one = value->qualifiers[i];

        if (one.size > taken.size && one.size <= text->size &&
            memcmp(text->data, one.data, one.size) == 0)
            taken = one;
    }
    *text = without_spaces(bytes_slice(*text, taken.size, text->size));
    return taken;
}

static bool is_digit(struct bytes text, size_t at)
{
    return at < text.size && text.data[at] >= '0' && text.data[at] <= '9';
}

/* What separates thousands stands in front of three digits each, and behind at least one: so "1,5"
 * is not fifteen where a comma was said to be of thousands. */
static bool is_group(const struct source_value *value, struct bytes text, size_t at, bool *first)
{
    size_t before = 0, behind = 0;

    while (before < at && is_digit(text, at - 1 - before))
        before++;
    while (is_digit(text, at + 1 + behind))
        behind++;
    if (before == 0 || before > GROUP_DIGITS || behind != GROUP_DIGITS ||
        (!*first && before != GROUP_DIGITS))
        return false;
    *first = false;
    return at + 1 + behind == text.size || text.data[at + 1 + behind] == value->thousands ||
           text.data[at + 1 + behind] == value->decimal ||
           (text.data[at + 1 + behind] | 0x20) == 'e';
}

/* As everybody else writes it, into `plain`.  False: it is no number. */
static bool to_plain(const struct source_value *value, struct bytes *text,
                     char plain[NUMBER_SIZE_MAX])
{
    bool first = true, whole = true;
    size_t size = 0;

    if (text->size > NUMBER_SIZE_MAX)
        return false;
    for (size_t i = 0; i < text->size; i++) {
        char c = text->data[i];

        if (c == value->decimal && whole) {
            whole = false;
            plain[size++] = '.';
        } else if (value->thousands != '\0' && c == value->thousands) {
            if (!whole || !is_group(value, *text, i, &first))
                return false;
        } else if (c == '.') {
            return false;
        } else {
            plain[size++] = c;
        }
    }
    *text = (struct bytes){plain, size};
    return true;
}

/* "3" of "3.000", which is how some write all numbers. */
static struct bytes without_zeros(struct bytes text)
{
    const char *point = text.size > 0 ? memchr(text.data, '.', text.size) : NULL;
    size_t size = text.size;

    if (point == NULL)
        return text;
    while (size > 0 && text.data[size - 1] == '0')
        size--;
    return text.data + size == point + 1 && size > 1 ? bytes_slice(text, 0, size - 1) : text;
}

static enum code parse(const struct source_value *value, struct bytes text, struct row_value *read)
{
    enum code code;

    if (value->type == SOURCE_NUMBER) {
        read->type = TYPE_F64;
        return number_parse_f64(text, &read->cell.f64);
    }
    text = without_zeros(text);
    read->type = TYPE_I64;
    code = number_parse_i64(text, &read->cell.i64);
    if (code == E_NUMBER_RANGE && text.data[0] != '-') {
        read->type = TYPE_U64;
        code = number_parse_u64(text, &read->cell.u64);
    }
    return code;
}

static enum code find_unit(const struct source_value *value, const struct tree_value *unit,
                           const struct source_unit **found, struct error *err)
{
    struct bytes name = {"", 0};

    if (unit->kind == TREE_TEXT || unit->kind == TREE_NUMBER)
        name = unit->text;
    for (size_t i = 0; i < value->unit_count; i++)
        if (bytes_equal(value->units[i].name, name)) {
            *found = &value->units[i];
            return OK;
        }
    return error_set(err, E_BAD_PARAMETER, "the unit \"%.*s\" is none of units",
                     BYTES_ARG(shown(name)));
}

/* Of integers a float tells no more than 53 bits: what is beyond would lose digits on its way. */
static double turn(const struct row_value *read, double number, double scale, double offset,
                   bool *exact)
{
    double turned = number * scale + offset;

    *exact &= read->type == TYPE_F64 ||
              (fabs(number) <= EXACT_INTEGER_MAX && fabs(turned) <= EXACT_INTEGER_MAX);
    return turned;
}

/* A number that nothing is done to stays what it is to the last bit. */
static enum code convert(const struct source_value *value, const struct source_unit *unit,
                         struct row_value *read, struct error *err)
{
    bool turned = unit != NULL && (unit->scale != 1 || unit->offset != 0);
    bool scaled = value->scale != 1 || value->offset != 0, exact = true;
    double number;

    if (!turned && !scaled)
        return OK;
    if (read->type == TYPE_F64)
        number = read->cell.f64;
    else
        number = read->type == TYPE_I64 ? (double)read->cell.i64 : (double)read->cell.u64;
    if (turned)
        number = turn(read, number, unit->scale, unit->offset, &exact);
    if (scaled)
        number = turn(read, number, value->scale, value->offset, &exact);
    if (!isfinite(number))
        return error_set(err, E_NUMBER_RANGE,
                         "times scale and with offset it is beyond all floats");
    if (read->type == TYPE_F64) {
        read->cell.f64 = number;
        return OK;
    }
    if (number != floor(number) || !exact)
        return error_set(err, E_BAD_NUMBER,
                         "times scale and with offset it is no integer; type "
                         "number takes it");
    read->type = TYPE_I64;
    read->cell.i64 = (int64_t)number;
    return OK;
}

static enum code take_coded(const struct source_value *value, struct bytes text, enum code code,
                            struct row_value *read, struct error *err)
{
    read->type = TYPE_NONE;
    read->qualifier = (struct bytes){0};
    if (value->coded == SOURCE_CODED_SKIP)
        return nothing(value, "the text is no number", err);
    if (code == E_NOT_FINITE)
        return error_set(err, E_NOT_FINITE,
                         "%.*s cannot be stored as a number; in null it says that there is none",
                         BYTES_ARG(shown(text)));
    if (value->coded == SOURCE_CODED_FAIL)
        return no_number(text,
                         value->type == SOURCE_NUMBER
                             ? "number; coded says what becomes of such texts"
                             : "integer; coded says what becomes of such texts",
                         err);
    read->coded = text;
    return OK;
}

static enum code read_number(const struct source_value *value, const struct tree_value *found,
                             const struct tree_value *unit_found, struct row_value *read,
                             struct error *err)
{
    bool is_text = found->kind == TREE_TEXT;
    struct bytes text = is_text ? without_spaces(found->text) : found->text, whole = text;
    const struct source_unit *unit = NULL;
    char plain[NUMBER_SIZE_MAX];
    enum code code = OK;

    if (is_text && value->qualifier_count > 0)
        read->qualifier = take_qualifier(value, &text);
    if (is_text && (value->decimal != '.' || value->thousands != '\0') &&
        !to_plain(value, &text, plain))
        code = E_BAD_NUMBER;
    if (code == OK)
        code = parse(value, text, read);
    if (code == E_NUMBER_RANGE)
        return error_set(err, E_NUMBER_RANGE, "%.*s does not fit %s", BYTES_ARG(shown(whole)),
                         value->type == SOURCE_NUMBER ? "a 64-bit float" : "64 bits");
    if (code != OK && is_text)
        return take_coded(value, whole, code, read, err);
    if (code != OK) /* 1.5, where integers are wanted */
        return no_number(whole, value->type == SOURCE_NUMBER ? "number" : "integer", err);
    if (unit_found != NULL && value->unit_count > 0)
        code = find_unit(value, unit_found, &unit, err);
    return code == OK ? convert(value, unit, read, err) : code;
}

/* --- the others --- */

static bool is_word(struct bytes text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

static enum code read_bool(struct bytes text, struct row_value *read, struct error *err)
{
    text = without_spaces(text);
    read->type = TYPE_BOOL;
    read->cell.u64 = is_word(text, "true") || is_word(text, "1");
    if (read->cell.u64 == 1 || is_word(text, "false") || is_word(text, "0"))
        return OK;
    return error_set(err, E_SYNTAX, "\"%.*s\" is neither true (1) nor false (0)",
                     BYTES_ARG(shown(text)));
}

enum code row_value_read(const struct source_value *value, const struct tree_value *found,
                         const struct tree_value *unit, struct row_value *read, struct error *err)
{
    *read = (struct row_value){0};
    switch (found->kind) {
    case TREE_TEXT:
        if (is_null(value, found->text) || is_null(value, without_spaces(found->text)))
            return nothing(value, "the text says so", err);
        break;
    case TREE_NUMBER:
        if (is_null(value, found->text)) /* "-999", where it says that there is none */
            return nothing(value, "the number says so", err);
        break;
    case TREE_TRUE:
    case TREE_FALSE:
        if (value->type == SOURCE_NUMBER || value->type == SOURCE_INTEGER)
            return no_number(found->text, "number", err);
        break;
    case TREE_NULL:
        return nothing(value, "it is null", err);
    case TREE_END:
        return nothing(value, "the path leads nowhere", err);
    default:
        return error_set(err, E_SYNTAX, "at its path is an %s; want a path to what is in it",
                         found->kind == TREE_ARRAY ? "array" : "object");
    }
    if (value->type == SOURCE_BOOL)
        return read_bool(found->text, read, err);
    if (value->type == SOURCE_NUMBER || value->type == SOURCE_INTEGER)
        return read_number(value, found, unit, read, err);
    read->type = TYPE_STRING;
    read->text = found->text;
    return OK;
}
