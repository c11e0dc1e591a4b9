#include "codec/json_point.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"

enum { POINTER_SIZE = 320, SHOWN_MAX = 64 };

/* The members of a point, and which were there. */
enum { HAS_MEASUREMENT = 1, HAS_TAGS = 2, HAS_TIME = 4, HAS_FIELDS = 8 };

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

void json_point_init(struct json_point *input, struct batch *batch,
                     const struct decode_options *options)
{
    *input = (struct json_point){.batch = batch, .options = *options};
    point_init(&input->point, batch, options->limits);
}

void json_point_release(struct json_point *input)
{
    point_release(&input->point);
}

/* "/points/3" + member + "/" + key, escaped. */
static void print_pointer(const struct json_point *input, const char *member, struct bytes key,
                          char pointer[POINTER_SIZE])
{
    int printed = input->array == NULL ? snprintf(pointer, POINTER_SIZE, "%s", member)
                                       : snprintf(pointer, POINTER_SIZE, "%s/%u%s", input->array,
                                                  input->line - 1, member);
    size_t size = printed < 0 ? 0 : (size_t)printed;

    assert(key.data != NULL || key.size == 0);
    if (key.data != NULL)
        pointer[size++] = '/';
    for (size_t i = 0; i < key.size && size + 3 < POINTER_SIZE; i++) {
        char c = key.data[i];

        if (c == '~' || c == '/') {
            pointer[size++] = '~';
            c = c == '~' ? '0' : '1';
        }
        pointer[size++] = c;
    }
    pointer[size] = '\0';
}

/* Notes what is wrong with the point at hand, unless something already is.  `member` is "",
 * "/tags", ...; `key` is below it, or has no data. */
static void fault(struct json_point *input, enum code code, const char *member, struct bytes key,
                  const char *format, ...) PRINTF_LIKE(5, 6);
static void fault(struct json_point *input, enum code code, const char *member, struct bytes key,
                  const char *format, ...)
{
    char pointer[POINTER_SIZE], text[ERROR_TEXT_SIZE];
    va_list arguments;

    if (input->fault.code != OK)
        return;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    print_pointer(input, member, key, pointer);
    error_set(&input->fault, code, "%s%s%s", pointer, pointer[0] == '\0' ? "" : ": ", text);
}

static const struct bytes no_key = {NULL, 0};

static struct bytes shown(struct bytes text)
{
    return text.size <= SHOWN_MAX ? text : bytes_slice(text, 0, SHOWN_MAX);
}

static void check_odd_name(struct json_point *input, const char *member, struct bytes key,
                           struct bytes name, const char *what)
{
    struct error why = {0};
    size_t at;

    if (name_check(name, what, &at, &why) != OK)
        fault(input, why.code, member, key, "%s", why.text);
}

static void check_name(struct json_point *input, const char *member, struct bytes key,
                       struct bytes name, const char *what, uint64_t bytes_max, enum code code_long)
{
    if (name.size > bytes_max)
        fault(input, code_long, member, key, "the %s has %zu bytes, %" PRIu64 " are allowed", what,
              name.size, bytes_max);
    else if (!name_plain(name))
        check_odd_name(input, member, key, name, what);
}

/* Passes over a value that is of the wrong kind. */
static enum code wrong_kind(struct json_point *input, const char *member, struct bytes key,
                            enum code code, const char *right, struct error *err)
{
    fault(input, code, member, key, "%s", right);
    return json_scan_skip(&input->scan, err);
}

static enum code take_measurement(struct json_point *input, struct error *err)
{
    enum code code;

    if (json_scan_peek(&input->scan) != '"')
        return wrong_kind(input, "/measurement", no_key, E_SYNTAX, "the measurement is not a text",
                          err);
    code = json_scan_text(&input->scan, &input->point.measurement, err);
    if (code == OK)
        check_name(input, "/measurement", no_key, input->point.measurement, "measurement",
                   input->options.limits->name_bytes_max, E_NAME_LONG);
    return code;
}

static enum code take_tag(struct json_point *input, struct error *err)
{
    const struct limits *limits = input->options.limits;
    struct series_tag *tag, tag_read;
    enum code code = json_scan_name(&input->scan, &tag_read.key, err);

    if (code)
        return code;
    if (json_scan_peek(&input->scan) != '"')
        return wrong_kind(input, "/tags", tag_read.key, E_SYNTAX,
                          "a tag's value is a text; numbers that are measured are fields", err);
    code = json_scan_text(&input->scan, &tag_read.value, err);
    if (code)
        return code;
    check_name(input, "/tags", tag_read.key, tag_read.key, "tag key", limits->name_bytes_max,
               E_NAME_LONG);
    if (tag_read.value.size == 0) /* as an absent one; the key leaves it out */
        return OK;
    check_name(input, "/tags", tag_read.key, tag_read.value, "tag value",
               limits->tag_value_bytes_max, E_VALUE_LONG);
    if (input->point.tag_count == limits->tags_max) {
        fault(input, E_TAGS_MANY, "/tags", no_key,
              "more than the %" PRIu64 " tags allowed of a point", limits->tags_max);
        return OK;
    }
    tag = point_add_tag(&input->point);
    if (tag == NULL)
        return no_memory(err);
    *tag = tag_read;
    return OK;
}

static enum code take_integer(struct bytes number, struct point_field *field)
{
    enum code code = number_parse_i64(number, &field->cell.i64);

    field->type = TYPE_I64;
    if (code != E_NUMBER_RANGE || number.data[0] == '-')
        return code;
    field->type = TYPE_U64;
    return number_parse_u64(number, &field->cell.u64);
}

static enum code take_number(struct json_point *input, struct point_field *field, struct error *err)
{
    struct bytes number;
    bool integer;
    enum code code = json_scan_number(&input->scan, &number, &integer, err);

    if (code)
        return code;
    if (integer) {
        code = take_integer(number, field);
    } else {
        field->type = TYPE_F64;
        code = number_parse_f64(number, &field->cell.f64);
    }
    if (code)
        fault(input, code, "/fields", field->name, "%.*s does not fit %s", BYTES_ARG(shown(number)),
              integer ? "64 bits" : "a 64-bit float");
    return OK;
}

static enum code take_string(struct json_point *input, struct point_field *field, struct error *err)
{
    const struct limits *limits = input->options.limits;
    struct bytes value;
    struct text *text;
    enum code code = json_scan_text(&input->scan, &value, err);

    if (code)
        return code;
    if (value.size > limits->string_bytes_max) {
        fault(input, E_VALUE_LONG, "/fields", field->name,
              "the text has %zu bytes, %" PRIu64 " are allowed", value.size,
              limits->string_bytes_max);
        return OK;
    }
    text = arena_alloc(input->batch->arena, sizeof(*text) + value.size);
    if (text == NULL)
        return no_memory(err);
    text->size = (uint32_t)value.size;
    memcpy(text->data, value.data, value.size);
    field->type = TYPE_STRING;
    field->cell.text = text;
    return OK;
}

static enum code take_value(struct json_point *input, struct point_field *field, struct error *err)
{
    char c = json_scan_peek(&input->scan);

    switch (c) {
    case '"':
        return take_string(input, field, err);
    case '-':
    case '0' ... '9':
        return take_number(input, field, err);
    case '{':
    case '[':
        return wrong_kind(input, "/fields", field->name, E_SYNTAX,
                          "a field's value is a number, a text, true, false or null", err);
    case 'n':
        field->type = TYPE_RETRACTED;
        break;
    default:
        field->type = TYPE_BOOL;
    }
    field->cell.u64 = c == 't';
    return json_scan_word(&input->scan, err);
}

static enum code take_field(struct json_point *input, struct error *err)
{
    const struct limits *limits = input->options.limits;
    struct point_field read = {0}, *field;
    enum code code = json_scan_name(&input->scan, &read.name, err);

    if (code)
        return code;
    check_name(input, "/fields", read.name, read.name, "field key", limits->name_bytes_max,
               E_NAME_LONG);
    code = take_value(input, &read, err);
    if (code || input->fault.code != OK)
        return code;
    if (input->point.field_count == limits->fields_max) {
        fault(input, E_FIELDS_MANY, "/fields", no_key,
              "more than the %" PRIu64 " fields allowed of a point", limits->fields_max);
        return OK;
    }
    field = point_add_field(&input->point);
    if (field == NULL)
        return no_memory(err);
    *field = read;
    return OK;
}

static enum code take_object(struct json_point *input, const char *member,
                             enum code (*take)(struct json_point *input, struct error *err),
                             struct error *err)
{
    struct json_scan *scan = &input->scan;
    bool more, first = true;
    enum code code;

    if (json_scan_peek(scan) != '{')
        return wrong_kind(input, member, no_key, E_SYNTAX, "this is not an object", err);
    code = json_scan_open(scan, '{', err);
    for (; code == OK; first = false) {
        code = json_scan_more(scan, '}', first, &more, err);
        if (code || !more)
            return code;
        code = take(input, err);
    }
    return code;
}

static void check_time(struct json_point *input, enum code code, struct bytes given,
                       const char *why)
{
    struct point *point = &input->point;

    if (code == OK && (point->time == INT64_MAX || point->time < INT64_MIN + 2))
        code = E_TIME_RANGE;
    if (code == E_TIME_RANGE)
        fault(input, code, "/time", no_key, "the time %.*s is outside of 1677-09-21 to 2262-04-11",
              BYTES_ARG(shown(given)));
    else if (code)
        fault(input, E_BAD_TIME, "/time", no_key, "%s", why);
    point->timed = true;
}

static enum code take_time(struct json_point *input, struct error *err)
{
    struct json_scan *scan = &input->scan;
    int64_t *time = &input->point.time;
    char c = json_scan_peek(scan);
    struct error why = {0};
    struct bytes given;
    bool integer;
    enum code code;

    if (c == '"') {
        code = json_scan_text(scan, &given, err);
        if (code == OK)
            check_time(input, timestamp_parse(given, time, &why), given, why.text);
        return code;
    }
    if (c != '-' && (c < '0' || c > '9'))
        return wrong_kind(input, "/time", no_key, E_BAD_TIME,
                          "a time is an RFC 3339 text or an integer; without one it is now", err);
    code = json_scan_number(scan, &given, &integer, err);
    if (code)
        return code;
    code = integer ? number_parse_i64(given, time) : E_BAD_TIME;
    if (code == E_NUMBER_RANGE ||
        (code == OK && __builtin_mul_overflow(*time, time_unit_ns(input->options.precision), time)))
        code = E_TIME_RANGE;
    check_time(input, code, given, "a time as number is an integer in the request's precision");
    return OK;
}

static enum code take_member(struct json_point *input, unsigned *has, struct error *err)
{
    static const struct {
        struct bytes name;
        unsigned bit;
        enum code (*take)(struct json_point *input, struct error *err);
        const char *pointer; /* of an object: its pointer */
    } members[] = {
        {BYTES("measurement"), HAS_MEASUREMENT, take_measurement, NULL     },
        {BYTES("tags"),        HAS_TAGS,        take_tag,         "/tags"  },
        {BYTES("time"),        HAS_TIME,        take_time,        NULL     },
        {BYTES("fields"),      HAS_FIELDS,      take_field,       "/fields"},
    };
    struct bytes name;
    enum code code = json_scan_name(&input->scan, &name, err);

    if (code)
        return code;
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (!bytes_equal(name, members[i].name))
            continue;
        if (*has & members[i].bit)
            fault(input, E_SYNTAX, "", name, "the member stands twice");
        *has |= members[i].bit;
        if (members[i].pointer != NULL)
            return take_object(input, members[i].pointer, members[i].take, err);
        return members[i].take(input, err);
    }
    return wrong_kind(input, "", name, E_SYNTAX,
                      "unknown member; a point has measurement, tags, time and fields", err);
}

/* What only the whole point can tell; then it goes into the batch. */
static enum code enter(struct json_point *input, unsigned has)
{
    struct point *point = &input->point;
    struct bytes duplicate = {0};
    struct error why = {0};
    uint32_t series = 0;
    enum code code;

    if (!(has & HAS_MEASUREMENT))
        fault(input, E_SYNTAX, "", no_key, "the point has no measurement");
    if (point->field_count == 0)
        fault(input, E_NO_FIELDS, "", no_key, "the point has no fields");
    if (input->fault.code != OK)
        return OK;
    code = point_find_table(point, &duplicate);
    if (code == E_DUPLICATE_FIELD) {
        fault(input, code, "/fields", duplicate, "the field stands twice: leave one");
        return OK;
    }
    if (code == OK)
        code = point_find_series(point, &series, &why);
    if (code == E_DUPLICATE_TAG) {
        fault(input, code, "/tags", no_key, "%s", why.text);
        return OK;
    }
    if (code == OK)
        code = point_put_row(point, series, input->line, input->options.now_ns);
    return code;
}

enum code json_point_take(struct json_point *input, struct error *err)
{
    struct json_scan *scan = &input->scan;
    bool more, first = true;
    unsigned has = 0;
    enum code code = OK;

    input->fault.code = OK;
    point_clear(&input->point);
    if (json_scan_peek(scan) != '{') {
        code = wrong_kind(input, "", no_key, E_SYNTAX, "a point is an object", err);
        if (code == OK && input->array == NULL)
            code = json_scan_finish(scan, err);
        if (code)
            return code;
    } else {
        code = json_scan_open(scan, '{', err);
        for (; code == OK; first = false) {
            code = json_scan_more(scan, '}', first, &more, err);
            if (code == OK && !more)
                break;
            if (code == OK)
                code = take_member(input, &has, err);
        }
        if (code == OK && input->array == NULL)
            code = json_scan_finish(scan, err);
        if (code)
            return code;
        code = enter(input, has);
        if (code)
            return no_memory(err);
    }
    if (input->fault.code != OK)
        batch_reject(input->batch, input->line, input->fault.code, "%s", input->fault.text);
    return OK;
}
