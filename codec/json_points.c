/* {"points":[...]} or a bare array.  The body is gathered and scanned at its end: a fault of the
 * JSON ends the request, a fault of a point rejects the point, whose other parts are still
 * checked as JSON.  Points stand in the batch as lines do: "line" is the point's number from 1,
 * and what is wrong begins with its RFC 6901 pointer. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
#include "codec/decoder.h"
#include "codec/json_scan.h"
#include "codec/point.h"

enum { POINTER_SIZE = 320, SHOWN_MAX = 64, BODY_FIRST = 4096 };

/* The members of a point, and which were there. */
enum { HAS_MEASUREMENT = 1, HAS_TAGS = 2, HAS_TIME = 4, HAS_FIELDS = 8 };

struct decoder {
    struct batch *batch;
    struct decode_options options;
    struct point point;
    struct json_scan scan;
    char *body; /* in the arena, with JSON_SCAN_SLACK */
    size_t size, capacity;
    const char *array;  /* pointer of the array of points: "/points" or "" */
    uint32_t index;     /* of the point at hand, from 0 */
    struct error fault; /* the first of the point at hand */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static enum code json_begin(struct batch *batch, const struct decode_options *options,
                            struct decoder **decoder, struct error *err)
{
    struct decoder *made = ARENA_NEW(batch->arena, struct decoder);

    if (made == NULL)
        return no_memory(err);
    made->batch = batch;
    made->options = *options;
    made->array = "";
    point_init(&made->point, batch, options->limits);
    *decoder = made;
    return OK;
}

static enum code json_feed(struct decoder *decoder, struct bytes piece, struct error *err)
{
    size_t wanted = decoder->size + piece.size + JSON_SCAN_SLACK;

    if (wanted - JSON_SCAN_SLACK > decoder->options.limits->body_bytes_max)
        return error_set(err, E_BODY_LARGE, "the body has more than the %" PRIu64 " bytes allowed",
                         decoder->options.limits->body_bytes_max);
    if (wanted > decoder->capacity) {
        size_t capacity = decoder->capacity == 0 ? BODY_FIRST : decoder->capacity * 2;
        char *body;

        capacity = capacity < wanted ? wanted : capacity;
        body = arena_grow(decoder->batch->arena, decoder->body, decoder->size, capacity);
        if (body == NULL)
            return no_memory(err);
        decoder->body = body;
        decoder->capacity = capacity;
    }
    if (piece.size > 0)
        memcpy(decoder->body + decoder->size, piece.data, piece.size);
    decoder->size += piece.size;
    return OK;
}

static void json_free(struct decoder *decoder)
{
    if (decoder != NULL)
        point_release(&decoder->point);
}

/* "/points/3" + member + "/" + key, escaped. */
static void print_pointer(const struct decoder *decoder, const char *member, struct bytes key,
                          char pointer[POINTER_SIZE])
{
    int printed =
        snprintf(pointer, POINTER_SIZE, "%s/%u%s", decoder->array, decoder->index, member);
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
static void fault(struct decoder *decoder, enum code code, const char *member, struct bytes key,
                  const char *format, ...) PRINTF_LIKE(5, 6);
static void fault(struct decoder *decoder, enum code code, const char *member, struct bytes key,
                  const char *format, ...)
{
    char pointer[POINTER_SIZE], text[ERROR_TEXT_SIZE];
    va_list arguments;

    if (decoder->fault.code != OK)
        return;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    print_pointer(decoder, member, key, pointer);
    error_set(&decoder->fault, code, "%s: %s", pointer, text);
}

static const struct bytes no_key = {NULL, 0};

static struct bytes shown(struct bytes text)
{
    return text.size <= SHOWN_MAX ? text : bytes_slice(text, 0, SHOWN_MAX);
}

static void check_odd_name(struct decoder *decoder, const char *member, struct bytes key,
                           struct bytes name, const char *what)
{
    struct error why = {0};
    size_t at;

    if (name_check(name, what, &at, &why) != OK)
        fault(decoder, why.code, member, key, "%s", why.text);
}

static void check_name(struct decoder *decoder, const char *member, struct bytes key,
                       struct bytes name, const char *what, uint64_t bytes_max, enum code code_long)
{
    if (name.size > bytes_max)
        fault(decoder, code_long, member, key, "the %s has %zu bytes, %" PRIu64 " are allowed",
              what, name.size, bytes_max);
    else if (!name_plain(name))
        check_odd_name(decoder, member, key, name, what);
}

/* Passes over a value that is of the wrong kind. */
static enum code wrong_kind(struct decoder *decoder, const char *member, struct bytes key,
                            enum code code, const char *right, struct error *err)
{
    fault(decoder, code, member, key, "%s", right);
    return json_scan_skip(&decoder->scan, err);
}

static enum code take_measurement(struct decoder *decoder, struct error *err)
{
    enum code code;

    if (json_scan_peek(&decoder->scan) != '"')
        return wrong_kind(decoder, "/measurement", no_key, E_SYNTAX,
                          "the measurement is not a text", err);
    code = json_scan_text(&decoder->scan, &decoder->point.measurement, err);
    if (code == OK)
        check_name(decoder, "/measurement", no_key, decoder->point.measurement, "measurement",
                   decoder->options.limits->name_bytes_max, E_NAME_LONG);
    return code;
}

static enum code take_tag(struct decoder *decoder, struct error *err)
{
    const struct limits *limits = decoder->options.limits;
    struct series_tag *tag, tag_read;
    enum code code = json_scan_name(&decoder->scan, &tag_read.key, err);

    if (code)
        return code;
    if (json_scan_peek(&decoder->scan) != '"')
        return wrong_kind(decoder, "/tags", tag_read.key, E_SYNTAX,
                          "a tag's value is a text; numbers that are measured are fields", err);
    code = json_scan_text(&decoder->scan, &tag_read.value, err);
    if (code)
        return code;
    check_name(decoder, "/tags", tag_read.key, tag_read.key, "tag key", limits->name_bytes_max,
               E_NAME_LONG);
    if (tag_read.value.size == 0) /* as an absent one; the key leaves it out */
        return OK;
    check_name(decoder, "/tags", tag_read.key, tag_read.value, "tag value",
               limits->tag_value_bytes_max, E_VALUE_LONG);
    if (decoder->point.tag_count == limits->tags_max) {
        fault(decoder, E_TAGS_MANY, "/tags", no_key,
              "more than the %" PRIu64 " tags allowed of a point", limits->tags_max);
        return OK;
    }
    tag = point_add_tag(&decoder->point);
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

static enum code take_number(struct decoder *decoder, struct point_field *field, struct error *err)
{
    struct bytes number;
    bool integer;
    enum code code = json_scan_number(&decoder->scan, &number, &integer, err);

    if (code)
        return code;
    if (integer) {
        code = take_integer(number, field);
    } else {
        field->type = TYPE_F64;
        code = number_parse_f64(number, &field->cell.f64);
    }
    if (code)
        fault(decoder, code, "/fields", field->name, "%.*s does not fit %s",
              BYTES_ARG(shown(number)), integer ? "64 bits" : "a 64-bit float");
    return OK;
}

static enum code take_string(struct decoder *decoder, struct point_field *field, struct error *err)
{
    const struct limits *limits = decoder->options.limits;
    struct bytes value;
    struct text *text;
    enum code code = json_scan_text(&decoder->scan, &value, err);

    if (code)
        return code;
    if (value.size > limits->string_bytes_max) {
        fault(decoder, E_VALUE_LONG, "/fields", field->name,
              "the text has %zu bytes, %" PRIu64 " are allowed", value.size,
              limits->string_bytes_max);
        return OK;
    }
    text = arena_alloc(decoder->batch->arena, sizeof(*text) + value.size);
    if (text == NULL)
        return no_memory(err);
    text->size = (uint32_t)value.size;
    memcpy(text->data, value.data, value.size);
    field->type = TYPE_STRING;
    field->cell.text = text;
    return OK;
}

static enum code take_value(struct decoder *decoder, struct point_field *field, struct error *err)
{
    char c = json_scan_peek(&decoder->scan);

    switch (c) {
    case '"':
        return take_string(decoder, field, err);
    case '-':
    case '0' ... '9':
        return take_number(decoder, field, err);
    case '{':
    case '[':
        return wrong_kind(decoder, "/fields", field->name, E_SYNTAX,
                          "a field's value is a number, a text, true, false or null", err);
    case 'n':
        field->type = TYPE_RETRACTED;
        break;
    default:
        field->type = TYPE_BOOL;
    }
    field->cell.u64 = c == 't';
    return json_scan_word(&decoder->scan, err);
}

static enum code take_field(struct decoder *decoder, struct error *err)
{
    const struct limits *limits = decoder->options.limits;
    struct point_field read = {0}, *field;
    enum code code = json_scan_name(&decoder->scan, &read.name, err);

    if (code)
        return code;
    check_name(decoder, "/fields", read.name, read.name, "field key", limits->name_bytes_max,
               E_NAME_LONG);
    code = take_value(decoder, &read, err);
    if (code || decoder->fault.code != OK)
        return code;
    if (decoder->point.field_count == limits->fields_max) {
        fault(decoder, E_FIELDS_MANY, "/fields", no_key,
              "more than the %" PRIu64 " fields allowed of a point", limits->fields_max);
        return OK;
    }
    field = point_add_field(&decoder->point);
    if (field == NULL)
        return no_memory(err);
    *field = read;
    return OK;
}

static enum code take_object(struct decoder *decoder, const char *member,
                             enum code (*take)(struct decoder *decoder, struct error *err),
                             struct error *err)
{
    struct json_scan *scan = &decoder->scan;
    bool more, first = true;
    enum code code;

    if (json_scan_peek(scan) != '{')
        return wrong_kind(decoder, member, no_key, E_SYNTAX, "this is not an object", err);
    code = json_scan_open(scan, '{', err);
    for (; code == OK; first = false) {
        code = json_scan_more(scan, '}', first, &more, err);
        if (code || !more)
            return code;
        code = take(decoder, err);
    }
    return code;
}

static void check_time(struct decoder *decoder, enum code code, struct bytes given, const char *why)
{
    struct point *point = &decoder->point;

    if (code == OK && (point->time == INT64_MAX || point->time < INT64_MIN + 2))
        code = E_TIME_RANGE;
    if (code == E_TIME_RANGE)
        fault(decoder, code, "/time", no_key,
              "the time %.*s is outside of 1677-09-21 to 2262-04-11", BYTES_ARG(shown(given)));
    else if (code)
        fault(decoder, E_BAD_TIME, "/time", no_key, "%s", why);
    point->timed = true;
}

static enum code take_time(struct decoder *decoder, struct error *err)
{
    struct json_scan *scan = &decoder->scan;
    int64_t *time = &decoder->point.time;
    char c = json_scan_peek(scan);
    struct error why = {0};
    struct bytes given;
    bool integer;
    enum code code;

    if (c == '"') {
        code = json_scan_text(scan, &given, err);
        if (code == OK)
            check_time(decoder, timestamp_parse(given, time, &why), given, why.text);
        return code;
    }
    if (c != '-' && (c < '0' || c > '9'))
        return wrong_kind(decoder, "/time", no_key, E_BAD_TIME,
                          "a time is an RFC 3339 text or an integer; without one it is now", err);
    code = json_scan_number(scan, &given, &integer, err);
    if (code)
        return code;
    code = integer ? number_parse_i64(given, time) : E_BAD_TIME;
    if (code == E_NUMBER_RANGE ||
        (code == OK &&
         __builtin_mul_overflow(*time, time_unit_ns(decoder->options.precision), time)))
        code = E_TIME_RANGE;
    check_time(decoder, code, given, "a time as number is an integer in the request's precision");
    return OK;
}

static enum code take_member(struct decoder *decoder, unsigned *has, struct error *err)
{
    static const struct {
        struct bytes name;
        unsigned bit;
        enum code (*take)(struct decoder *decoder, struct error *err);
        const char *pointer; /* of an object: its pointer */
    } members[] = {
        {BYTES("measurement"), HAS_MEASUREMENT, take_measurement, NULL     },
        {BYTES("tags"),        HAS_TAGS,        take_tag,         "/tags"  },
        {BYTES("time"),        HAS_TIME,        take_time,        NULL     },
        {BYTES("fields"),      HAS_FIELDS,      take_field,       "/fields"},
    };
    struct bytes name;
    enum code code = json_scan_name(&decoder->scan, &name, err);

    if (code)
        return code;
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        if (!bytes_equal(name, members[i].name))
            continue;
        if (*has & members[i].bit)
            fault(decoder, E_SYNTAX, "", name, "the member stands twice");
        *has |= members[i].bit;
        if (members[i].pointer != NULL)
            return take_object(decoder, members[i].pointer, members[i].take, err);
        return members[i].take(decoder, err);
    }
    return wrong_kind(decoder, "", name, E_SYNTAX,
                      "unknown member; a point has measurement, tags, time and fields", err);
}

/* What only the whole point can tell; then it goes into the batch. */
static enum code enter(struct decoder *decoder, unsigned has)
{
    struct point *point = &decoder->point;
    struct bytes duplicate = {0};
    struct error why = {0};
    uint32_t series = 0;
    enum code code;

    if (!(has & HAS_MEASUREMENT))
        fault(decoder, E_SYNTAX, "", no_key, "the point has no measurement");
    if (point->field_count == 0)
        fault(decoder, E_NO_FIELDS, "", no_key, "the point has no fields");
    if (decoder->fault.code != OK)
        return OK;
    code = point_find_table(point, &duplicate);
    if (code == E_DUPLICATE_FIELD) {
        fault(decoder, code, "/fields", duplicate, "the field stands twice: leave one");
        return OK;
    }
    if (code == OK)
        code = point_find_series(point, &series, &why);
    if (code == E_DUPLICATE_TAG) {
        fault(decoder, code, "/tags", no_key, "%s", why.text);
        return OK;
    }
    if (code == OK)
        code = point_put_row(point, series, decoder->index + 1, decoder->options.now_ns);
    return code;
}

static enum code take_point(struct decoder *decoder, struct error *err)
{
    struct json_scan *scan = &decoder->scan;
    bool more, first = true;
    unsigned has = 0;
    enum code code = OK;

    decoder->fault.code = OK;
    point_clear(&decoder->point);
    if (json_scan_peek(scan) != '{') {
        code = wrong_kind(decoder, "", no_key, E_SYNTAX, "a point is an object", err);
        if (code)
            return code;
    } else {
        code = json_scan_open(scan, '{', err);
        for (; code == OK; first = false) {
            code = json_scan_more(scan, '}', first, &more, err);
            if (code == OK && !more)
                break;
            if (code == OK)
                code = take_member(decoder, &has, err);
        }
        if (code)
            return code;
        code = enter(decoder, has);
        if (code)
            return no_memory(err);
    }
    if (decoder->fault.code != OK)
        batch_reject(decoder->batch, decoder->index + 1, decoder->fault.code, "%s",
                     decoder->fault.text);
    return OK;
}

static enum code take_points(struct decoder *decoder, struct error *err)
{
    struct json_scan *scan = &decoder->scan;
    uint64_t points_max = decoder->options.limits->points_max;
    bool more, first = true;
    enum code code = json_scan_open(scan, '[', err);

    for (; code == OK; first = false) {
        code = json_scan_more(scan, ']', first, &more, err);
        if (code || !more)
            return code;
        if (decoder->index == points_max)
            return error_set(err, E_POINTS_MANY,
                             "more than the %" PRIu64
                             " points allowed of one request; send several",
                             points_max);
        code = take_point(decoder, err);
        decoder->index++;
    }
    return code;
}

/* {"points":[...]} and nothing else. */
static enum code take_root(struct decoder *decoder, struct error *err)
{
    static const char right[] = "right is {\"points\":[...]} or an array of points";
    struct json_scan *scan = &decoder->scan;
    struct bytes name;
    bool more;
    enum code code = json_scan_open(scan, '{', err);

    if (code == OK)
        code = json_scan_more(scan, '}', true, &more, err);
    if (code == OK && !more)
        return json_scan_fail(scan, right, err);
    if (code == OK)
        code = json_scan_name(scan, &name, err);
    if (code)
        return code;
    if (!bytes_equal(name, BYTES("points")) || json_scan_peek(scan) != '[')
        return json_scan_fail(scan, right, err);
    decoder->array = "/points";
    code = take_points(decoder, err);
    if (code == OK)
        code = json_scan_more(scan, '}', false, &more, err);
    if (code == OK && more)
        return json_scan_fail(scan, right, err);
    return code;
}

static enum code json_finish(struct decoder *decoder, struct error *err)
{
    struct json_scan *scan = &decoder->scan;
    enum code code = json_feed(decoder, (struct bytes){NULL, 0}, err); /* so that there is one */

    if (code)
        return code;
    memset(decoder->body + decoder->size, 0, JSON_SCAN_SLACK);
    *scan = (struct json_scan){
        .at = decoder->body,
        .start = decoder->body,
        .end = decoder->body + decoder->size,
        .arena = decoder->batch->arena,
        .depth_max = (uint32_t)decoder->options.limits->json_depth_max,
    };
    switch (json_scan_peek(scan)) {
    case '{':
        code = take_root(decoder, err);
        break;
    case '[':
        code = take_points(decoder, err);
        break;
    default:
        return json_scan_fail(scan, "expected {\"points\":[...]} or an array of points", err);
    }
    return code ? code : json_scan_finish(scan, err);
}

static const char *const media_types[] = {"application/json", NULL};

const struct decoder_row decoder_json = {
    .name = "json",
    .media_types = media_types,
    .begin = json_begin,
    .feed = json_feed,
    .finish = json_finish,
    .free = json_free,
};
