#include "codec/json_doc.h"

#include <assert.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/utf8.h"

/* struct json is jansson's json_t; the two names meet only here. */
static const json_t *inside(const struct json *value)
{
    return (const json_t *)value;
}

/* Where memory runs out jansson blames the text ("string or '}' expected near '\"a\"'"), says
 * nothing, or gives a document whose texts lack a character: so the allocator remembers it. */
static _Thread_local bool starved;
static pthread_once_t allocator_once = PTHREAD_ONCE_INIT;

static void *allocate(size_t size)
{
    void *block = malloc(size);

    starved |= block == NULL;
    return block;
}

/* Documents hold addresses with passwords, and secrets of tenants: nothing of one stays behind in
 * memory that others get next, what the parser copied on its way among it. */
static void wipe(void *block)
{
    if (block != NULL)
        explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

static void allocator_set(void)
{
    json_set_alloc_funcs(allocate, wipe);
}

/* How deep the text nests, counted before the parser recurses; strings are passed over.
 * What is not JSON may be counted wrong: the parser refuses it in any case. */
static bool nests_within(struct bytes text, uint32_t depth_max, size_t *where)
{
    uint32_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            *where = i;
            if (++depth > depth_max)
                return false;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return true;
}

enum code json_doc_parse(struct bytes text, uint32_t depth_max, struct json **root,
                         struct error *err)
{
    json_error_t why;
    json_t *parsed;
    size_t where = 0;
    enum code code;

    *root = NULL;
    if (!nests_within(text, depth_max, &where))
        return error_set(err, E_DEPTH, "byte %zu: JSON nested deeper than the %u levels allowed",
                         where + 1, depth_max);
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) /* jansson passes over them */
        return error_set(err, E_SYNTAX, "byte %zu: a NUL byte is no JSON",
                         strnlen(text.data, text.size) + 1);
    pthread_once(&allocator_once, allocator_set);
    starved = false;
    parsed = json_loadb(text.data == NULL ? "" : text.data, text.size,
                        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (starved) {
        json_decref(parsed); /* NULL is fine */
        return error_set(err, E_MEMORY, "no memory for a JSON document of %zu bytes", text.size);
    }
    if (parsed != NULL) {
        *root = (struct json *)parsed;
        return OK;
    }
    code = error_set(err, E_SYNTAX, "line %d, column %d: %s", why.line, why.column, why.text);
    if (err != NULL)
        err->line = why.line > 0 ? (uint32_t)why.line : 0;
    return code;
}

void json_doc_free(struct json *root)
{
    json_decref((json_t *)root); /* NULL is fine */
}

enum json_kind json_kind(const struct json *value)
{
    switch (json_typeof(inside(value))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_TEXT;
    case JSON_INTEGER:
        return JSON_KIND_INTEGER;
    case JSON_REAL:
        return JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_KIND_NULL;
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_KIND_NULL] = "null",          [JSON_KIND_BOOL] = "a bool",
        [JSON_KIND_INTEGER] = "an integer", [JSON_KIND_REAL] = "a real number",
        [JSON_KIND_TEXT] = "a text",        [JSON_KIND_ARRAY] = "an array",
        [JSON_KIND_OBJECT] = "an object",
    };

    assert((size_t)kind < COUNT_OF(names));
    return names[kind];
}

struct json *json_member(const struct json *object, const char *key)
{
    return (struct json *)json_object_get(inside(object), key);
}

size_t json_count(const struct json *container)
{
    const json_t *value = inside(container);

    return json_is_array(value) ? json_array_size(value) : json_object_size(value);
}

struct json *json_element(const struct json *array, size_t index)
{
    return (struct json *)json_array_get(inside(array), index);
}

bool json_next(const struct json *object, void **at, struct bytes *key, struct json **value)
{
    json_t *members =
        (json_t *)(uintptr_t)object; /* the walk takes no const, but changes nothing */

    *at = *at == NULL ? json_object_iter(members) : json_object_iter_next(members, *at);
    if (*at == NULL)
        return false;
    *key = bytes_of(json_object_iter_key(*at));
    *value = (struct json *)json_object_iter_value(*at);
    return true;
}

bool json_bool_of(const struct json *value)
{
    assert(json_is_boolean(inside(value)));
    return json_is_true(inside(value));
}

int64_t json_integer_of(const struct json *value)
{
    assert(json_is_integer(inside(value)));
    return json_integer_value(inside(value));
}

double json_real_of(const struct json *value)
{
    assert(json_is_real(inside(value)));
    return json_real_value(inside(value));
}

struct bytes json_text_of(const struct json *value)
{
    assert(json_is_string(inside(value)));
    return (struct bytes){json_string_value(inside(value)), json_string_length(inside(value))};
}

static void put_escape(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char unicode[] = "\\u00xx";

    switch (c) {
    case '"':
        buf_put(out, BYTES("\\\""));
        break;
    case '\\':
        buf_put(out, BYTES("\\\\"));
        break;
    case '\n':
        buf_put(out, BYTES("\\n"));
        break;
    case '\r':
        buf_put(out, BYTES("\\r"));
        break;
    case '\t':
        buf_put(out, BYTES("\\t"));
        break;
    default:
        unicode[4] = digits[c >> 4];
        unicode[5] = digits[c & 15];
        buf_put(out, (struct bytes){unicode, sizeof(unicode) - 1});
    }
}

/* Text that is UTF-8. */
static void put_valid(struct buf *out, struct bytes text)
{
    size_t first = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        buf_put(out, bytes_slice(text, first, i));
        put_escape(out, c);
        first = i + 1;
    }
    buf_put(out, bytes_slice(text, first, text.size));
}

void json_put_text(struct buf *out, struct bytes text)
{
    buf_put_char(out, '"');
    while (text.size > 0) {
        size_t good = utf8_check(text);

        put_valid(out, bytes_slice(text, 0, good));
        if (good == text.size)
            break;
        buf_put(out, BYTES("\xef\xbf\xbd"));
        text = bytes_slice(text, good + 1, text.size);
    }
    buf_put_char(out, '"');
}

const char *json_doc_version(void)
{
    return jansson_version_str();
}
