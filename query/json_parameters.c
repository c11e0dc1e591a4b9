#include "query/json_parameters.h"

#include <ctype.h>
#include <stdio.h>

#include "base/number.h"
#include "query/text.h"

enum { VALUE_TEXT_MAX = 1 << 20 }; /* of one parameter */

/* What JSON a parameter takes. */
enum form {
    FORM_TEXT,
    FORM_TIME,  /* a text or an integer */
    FORM_COUNT, /* an integer */
    FORM_BOOL,
    FORM_LIST,  /* names: an array of texts; a text is the one name */
    FORM_RANK,  /* "5,mean_user" or [5, "mean_user"] */
    FORM_EACH,  /* may be repeated: a text, or an array of texts */
    FORM_MATCH, /* likewise, or an object of tags and their values */
    FORM_FILL,  /* a text, a number or null */
    FORM_KINDS
};

static const enum form forms[P_COUNT] = {
    [P_STRICT] = FORM_BOOL,   [P_EXPLAIN] = FORM_BOOL, [P_START] = FORM_TIME,
    [P_END] = FORM_TIME,      [P_AS_OF] = FORM_TIME,   [P_LIMIT] = FORM_COUNT,
    [P_POINTS] = FORM_COUNT,  [P_FIELDS] = FORM_LIST,  [P_AGG] = FORM_LIST,
    [P_GROUP_BY] = FORM_LIST, [P_TOP] = FORM_RANK,     [P_BOTTOM] = FORM_RANK,
    [P_LET] = FORM_EACH,      [P_WHERE] = FORM_EACH,   [P_MATCH] = FORM_MATCH,
    [P_FILL] = FORM_FILL,
};

static const char *const wants[FORM_KINDS] = {
    [FORM_TEXT] = "a text",
    [FORM_TIME] = "a text or an integer",
    [FORM_COUNT] = "an integer",
    [FORM_BOOL] = "true or false",
    [FORM_LIST] = "an array of texts",
    [FORM_RANK] = "a number and a column, as in [5,\"mean_user\"]",
    [FORM_EACH] = "a text or an array of texts",
    [FORM_MATCH] = "texts as in [\"host=a\"], or an object as in {\"host\":\"a\"}",
    [FORM_FILL] = "a text, a number or null",
};

enum parameter parameter_named(struct bytes name)
{
    int p = 0;

    while (p < P_COUNT && !bytes_equal(name, bytes_of(query_parameter_names[p])))
        p++;
    return (enum parameter)p;
}

bool parameter_list_has(const struct parameter_list *list, enum parameter parameter)
{
    for (size_t i = 0; i < list->count; i++)
        if (bytes_equal(list->items[i].name, bytes_of(query_parameter_names[parameter])))
            return true;
    return false;
}

/* --- where errors point --- */

static void put_pointer(char pointer[ERROR_POINTER_SIZE], size_t *size, struct bytes part,
                        bool escape)
{
    for (size_t i = 0; i < part.size; i++) {
        bool special = escape && (part.data[i] == '~' || part.data[i] == '/');

        if (*size + 1 + special > ERROR_POINTER_SIZE)
            return;
        if (special)
            pointer[(*size)++] = '~';
        pointer[(*size)++] = (char)(special ? part.data[i] == '~' ? '0' : '1' : part.data[i]);
    }
}

void error_point_within(struct error *err, struct bytes path)
{
    char pointer[ERROR_POINTER_SIZE];
    size_t size = 0;

    if (!err || err->pointer[0] == '\0' || err->pointer[0] == '/')
        return;
    put_pointer(pointer, &size, path, false);
    put_pointer(pointer, &size, BYTES("/"), false);
    put_pointer(pointer, &size, bytes_of(err->pointer), false);
    error_point(err, (struct bytes){pointer, size});
}

void error_point_listed(struct error *err, const struct json *object)
{
    char pointer[ERROR_POINTER_SIZE], name[ERROR_POINTER_SIZE] = "";
    const struct json *member;
    size_t size;

    if (!err)
        return;
    (void)snprintf(pointer, sizeof(pointer), "%s", err->pointer);
    size = strcspn(pointer, "/");
    if (size == 0 || pointer[size] == '\0')
        return;
    memcpy(name, pointer, size);
    member = json_member(object, name);
    if (!member || json_kind(member) != JSON_KIND_ARRAY)
        error_point(err, (struct bytes){pointer, size});
}

void error_point_member(struct error *err, struct bytes name)
{
    char pointer[ERROR_POINTER_SIZE];
    size_t size = 0;

    put_pointer(pointer, &size, name, true);
    error_point(err, (struct bytes){pointer, size});
}

static void point_at_element(struct error *err, enum parameter parameter, size_t index)
{
    char pointer[ERROR_POINTER_SIZE];
    int size =
        snprintf(pointer, sizeof(pointer), "%s/%zu", query_parameter_names[parameter], index);

    error_point(err, (struct bytes){pointer, (size_t)size});
}

static enum code refuse(enum parameter parameter, enum json_kind kind, struct error *err)
{
    error_point(err, bytes_of(query_parameter_names[parameter]));
    return error_set(err, E_BAD_PARAMETER, "it is %s; want %s", json_kind_name(kind),
                     wants[forms[parameter]]);
}

static enum code refuse_element(enum parameter parameter, size_t index, enum json_kind kind,
                                struct error *err)
{
    point_at_element(err, parameter, index);
    return error_set(err, E_BAD_PARAMETER, "it is %s; want a text", json_kind_name(kind));
}

/* --- texts --- */

static enum code push(struct parameter_list *list, enum parameter parameter, struct bytes value,
                      struct error *err)
{
    size_t more = list->capacity ? 2 * list->capacity : P_COUNT;

    if (list->count == list->capacity) {
        struct query_parameter *grown = arena_grow(
            list->arena, list->items, list->capacity * sizeof(*grown), more * sizeof(*grown));

        if (!grown)
            return parse_no_memory(err);
        list->items = grown;
        list->capacity = more;
    }
    value = arena_copy(list->arena, value);
    if (!value.data)
        return parse_no_memory(err);
    list->items[list->count++] =
        (struct query_parameter){bytes_of(query_parameter_names[parameter]), value};
    return OK;
}

static enum code push_buf(struct parameter_list *list, enum parameter parameter, struct buf *buf,
                          struct error *err)
{
    enum code code = buf->failed
                         ? parse_no_memory(err)
                         : push(list, parameter, buf->size > 0 ? buf_bytes(buf) : BYTES(""), err);

    buf_release(buf);
    return code;
}

static enum code push_integer(struct parameter_list *list, enum parameter parameter,
                              const struct json *value, struct error *err)
{
    char text[NUMBER_TEXT_SIZE];
    size_t size = number_print_i64(json_integer_of(value), text);

    return push(list, parameter, (struct bytes){text, size}, err);
}

/* With a point or an exponent: 0.0 stays what it is. */
static enum code push_real(struct parameter_list *list, enum parameter parameter,
                           const struct json *value, struct error *err)
{
    char text[TEXT_NUMBER_SIZE];
    const char *end = text_put_f64(text, json_real_of(value));

    return push(list, parameter, (struct bytes){text, (size_t)(end - text)}, err);
}

static bool is(const struct json *value, enum json_kind kind)
{
    return json_kind(value) == kind;
}

/* --- lists --- */

static void put_name(struct buf *buf, struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == ',' || name.data[i] == '\\')
            buf_put_char(buf, '\\');
        buf_put_char(buf, name.data[i]);
    }
}

static enum code add_list(struct parameter_list *list, enum parameter parameter,
                          const struct json *value, struct error *err)
{
    struct buf text = BUF_INIT(VALUE_TEXT_MAX);

    if (is(value, JSON_KIND_TEXT)) {
        put_name(&text, json_text_of(value));
    } else if (!is(value, JSON_KIND_ARRAY)) {
        return refuse(parameter, json_kind(value), err);
    }
    for (size_t i = 0; is(value, JSON_KIND_ARRAY) && i < json_count(value); i++) {
        const struct json *name = json_element(value, i);

        if (!is(name, JSON_KIND_TEXT)) {
            buf_release(&text);
            return refuse_element(parameter, i, json_kind(name), err);
        }
        if (i > 0)
            buf_put_char(&text, ',');
        put_name(&text, json_text_of(name));
    }
    return push_buf(list, parameter, &text, err);
}

static enum code add_rank(struct parameter_list *list, enum parameter parameter,
                          const struct json *value, struct error *err)
{
    const struct json *count = json_element(value, 0), *column = json_element(value, 1);
    struct buf text = BUF_INIT(VALUE_TEXT_MAX);

    if (is(value, JSON_KIND_TEXT))
        return push(list, parameter, json_text_of(value), err);
    if (!is(value, JSON_KIND_ARRAY) || json_count(value) != 2 || !is(count, JSON_KIND_INTEGER) ||
        !is(column, JSON_KIND_TEXT))
        return refuse(parameter, json_kind(value), err);
    buf_printf(&text, "%lld,", (long long)json_integer_of(count));
    buf_put(&text, json_text_of(column));
    return push_buf(list, parameter, &text, err);
}

static enum code add_each(struct parameter_list *list, enum parameter parameter,
                          const struct json *value, struct error *err)
{
    enum code code = OK;

    if (is(value, JSON_KIND_TEXT))
        return push(list, parameter, json_text_of(value), err);
    if (!is(value, JSON_KIND_ARRAY))
        return refuse(parameter, json_kind(value), err);
    for (size_t i = 0; i < json_count(value) && !code; i++) {
        const struct json *text = json_element(value, i);

        if (!is(text, JSON_KIND_TEXT))
            return refuse_element(parameter, i, json_kind(text), err);
        code = push(list, parameter, json_text_of(text), err);
    }
    return code;
}

/* --- tags --- */

/* Behind '=' a '~' would begin a pattern: then the value is one that matches itself. */
static void put_tag_value(struct buf *text, struct bytes value)
{
    bool pattern = value.size > 0 && value.data[0] == '~';

    buf_put_char(text, '=');
    if (pattern)
        buf_put_char(text, '~');
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (pattern && c == '\0') {
            buf_put_text(text, "\\x{0}");
            continue;
        }
        if (pattern && c < 0x80 && !isalnum(c))
            buf_put_char(text, '\\');
        buf_put_char(text, value.data[i]);
    }
}

/* What matchers as texts cannot say. */
static bool is_tag_key(struct bytes key)
{
    for (size_t i = 0; i < key.size; i++)
        if (key.data[i] == '=' ||
            (key.data[i] == '!' && (i + 1 == key.size || key.data[i + 1] == '~')))
            return false;
    return key.size > 0;
}

static enum code check_tag(struct bytes key, const struct json *value, struct error *err)
{
    enum json_kind kind = json_kind(value);

    if (is_tag_key(key) && (kind == JSON_KIND_TEXT || kind == JSON_KIND_NULL))
        return OK;
    error_point(err, BYTES("match"));
    if (!is_tag_key(key))
        return error_set(
            err, E_BAD_PARAMETER,
            "\"%.*s\": a tag in a matcher is not empty, has no \"=\" nor \"!~\" in it, "
            "and no \"!\" at its end",
            BYTES_ARG(key));
    return error_set(err, E_BAD_PARAMETER,
                     "the tag \"%.*s\" is %s; want a text, or null where it is absent",
                     BYTES_ARG(key), json_kind_name(kind));
}

static enum code add_tags(struct parameter_list *list, const struct json *object, struct error *err)
{
    struct json *value;
    struct bytes key;
    enum code code = OK;

    for (void *at = NULL; !code && json_next(object, &at, &key, &value);) {
        struct buf text = BUF_INIT(VALUE_TEXT_MAX);

        code = check_tag(key, value, err);
        if (code)
            break;
        buf_put(&text, key);
        put_tag_value(&text, is(value, JSON_KIND_TEXT) ? json_text_of(value) : BYTES(""));
        code = push_buf(list, P_MATCH, &text, err);
    }
    return code;
}

/* --- the table --- */

static enum code add_number(struct parameter_list *list, enum parameter parameter,
                            const struct json *value, struct error *err)
{
    enum form form = forms[parameter];

    if (is(value, JSON_KIND_INTEGER))
        return push_integer(list, parameter, value, err);
    if (form == FORM_FILL && is(value, JSON_KIND_REAL))
        return push_real(list, parameter, value, err);
    if (form == FORM_FILL && is(value, JSON_KIND_NULL))
        return push(list, parameter, BYTES("null"), err);
    if (form != FORM_COUNT && is(value, JSON_KIND_TEXT))
        return push(list, parameter, json_text_of(value), err);
    return refuse(parameter, json_kind(value), err);
}

enum code parameter_list_add(struct parameter_list *list, enum parameter parameter,
                             const struct json *value, struct error *err)
{
    switch (forms[parameter]) {
    case FORM_TEXT:
        return is(value, JSON_KIND_TEXT) ? push(list, parameter, json_text_of(value), err)
                                         : refuse(parameter, json_kind(value), err);
    case FORM_BOOL:
        if (!is(value, JSON_KIND_BOOL))
            return refuse(parameter, json_kind(value), err);
        return push(list, parameter, json_bool_of(value) ? BYTES("true") : BYTES("false"), err);
    case FORM_LIST:
        return add_list(list, parameter, value, err);
    case FORM_RANK:
        return add_rank(list, parameter, value, err);
    case FORM_MATCH:
        if (is(value, JSON_KIND_OBJECT))
            return add_tags(list, value, err);
        return add_each(list, parameter, value, err);
    case FORM_EACH:
        return add_each(list, parameter, value, err);
    case FORM_TIME:
    case FORM_COUNT:
    case FORM_FILL:
    case FORM_KINDS:
        break;
    }
    return add_number(list, parameter, value, err);
}

enum code parameter_list_copy(struct parameter_list *list, const struct parameter_list *from,
                              enum parameter parameter, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; i < from->count && !code; i++)
        if (bytes_equal(from->items[i].name, bytes_of(query_parameter_names[parameter])))
            code = push(list, parameter, from->items[i].value, err);
    return code;
}
