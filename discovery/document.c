#include "discovery/document.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/printable.h"

enum { NAME_SHOWN_MAX = 64 };

enum code document_no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a record of the registry");
}

enum code document_refuse(const struct document *document, struct error *err, const char *format,
                          ...)
{
    struct bytes pointer = {document->pointer, document->pointer_size};
    char text[ERROR_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    error_point(err, pointer);
    return error_set(err, E_CONFIG, "%.*s%s%s", BYTES_ARG(pointer), pointer.size > 0 ? ": " : "",
                     text);
}

/* Somebody wrote an address, or more, where a name belongs: it is not told. */
static bool may_be_told(struct bytes name)
{
    return name.size <= NAME_SHOWN_MAX &&
           (name.size == 0 || (memmem(name.data, name.size, "://", 3) == NULL &&
                               memchr(name.data, '@', name.size) == NULL));
}

enum code document_refuse_name(const struct document *document, const char *what, struct bytes name,
                               const char *const *names, struct error *err)
{
    const char *near = nearest_name(name, names);

    if (!may_be_told(name))
        return document_refuse(document, err, "unknown %s", what);
    if (near)
        return document_refuse(document, err, "unknown %s \"%.*s\"; did you mean \"%s\"?", what,
                               BYTES_ARG(name), near);
    return document_refuse(document, err, "unknown %s \"%.*s\"", what, BYTES_ARG(name));
}

size_t document_enter(struct document *document, struct bytes key)
{
    size_t before = document->pointer_size, at = before;
    char *pointer = document->pointer;

    if (!may_be_told(key))
        key = BYTES("...");
    if (at + 1 < sizeof(document->pointer))
        pointer[at++] = '/';
    for (size_t i = 0; i < key.size && at + 2 < sizeof(document->pointer); i++) {
        char c = key.data[i];

        if (c == '~' || c == '/')
            pointer[at++] = '~';
        pointer[at++] = (char)(c == '~' ? '0' : c == '/' ? '1' : c);
    }
    document->pointer_size = at;
    return before;
}

void document_leave(struct document *document, size_t before)
{
    document->pointer_size = before;
}

static enum code take_member(struct document *document, struct bytes key, const struct json *value,
                             const struct document_key *keys, size_t key_count, struct error *err)
{
    const char *names[DOCUMENT_KEYS_MAX + 1] = {NULL};
    size_t before;
    enum code code;

    for (size_t i = 0; i < key_count; i++) {
        names[i] = keys[i].name;
        if (!bytes_equal(key, bytes_of(keys[i].name)))
            continue;
        before = document_enter(document, key);
        code = keys[i].take(document, value, err);
        document_leave(document, before);
        return code;
    }
    before = document_enter(document, key);
    code = document_refuse_name(document, "key", key, names, err);
    document_leave(document, before);
    return code;
}

enum code document_map_take(struct document *document, const struct json *value, const char *what,
                            const struct document_key *keys, size_t key_count, struct error *err)
{
    struct json *member;
    struct bytes key;

    assert(key_count <= DOCUMENT_KEYS_MAX);
    if (json_kind(value) != JSON_KIND_OBJECT)
        return document_refuse(document, err, "%s must be an object, not %s", what,
                               json_kind_name(json_kind(value)));
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        enum code code = take_member(document, key, member, keys, key_count, err);

        if (code)
            return code;
    }
    return OK;
}

/* What the parser found may be quoted behind "near"; it may be a secret. */
static enum code refuse_syntax(const struct error *inner, struct error *err)
{
    const char *near = strstr(inner->text, " near ");
    size_t size = near ? (size_t)(near - inner->text) : strlen(inner->text);

    return error_set(err, E_CONFIG, "it is not JSON: %.*s", (int)size, inner->text);
}

enum code document_read(struct bytes text, const char *what, const struct document_key *keys,
                        size_t key_count, struct arena *arena, void *context, struct error *err)
{
    struct document document = {.arena = arena, .context = context};
    struct error inner = {0};
    struct json *root;
    enum code code = json_doc_parse(text, DOCUMENT_DEPTH_MAX, &root, &inner);

    if (code == E_MEMORY)
        return document_no_memory(err);
    if (code)
        return refuse_syntax(&inner, err);
    code = document_map_take(&document, root, what, keys, key_count, err);
    json_doc_free(root);
    return code;
}

enum code document_list_take(struct document *document, const struct json *value,
                             document_take *take, struct error *err)
{
    if (json_kind(value) != JSON_KIND_ARRAY)
        return document_refuse(document, err, "must be a list, not %s",
                               json_kind_name(json_kind(value)));
    for (size_t i = 0; i < json_count(value); i++) {
        char index[24];
        size_t before;
        enum code code;

        (void)snprintf(index, sizeof(index), "%zu", i);
        before = document_enter(document, bytes_of(index));
        code = take(document, json_element(value, i), err);
        document_leave(document, before);
        if (code)
            return code;
    }
    return OK;
}

static bool printable(struct bytes text)
{
    for (size_t at = 0; at < text.size;) {
        size_t size = printable_size(bytes_slice(text, at, text.size));

        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

enum code document_text_take(struct document *document, const struct json *value, size_t bytes_max,
                             struct bytes *text, struct error *err)
{
    struct bytes found;

    if (json_kind(value) != JSON_KIND_TEXT)
        return document_refuse(document, err, "must be text, not %s",
                               json_kind_name(json_kind(value)));
    found = json_text_of(value);
    if (found.size == 0)
        return document_refuse(document, err, "is empty");
    if (found.size > bytes_max)
        return document_refuse(document, err, "is longer than %zu bytes", bytes_max);
    if (!printable(found))
        return document_refuse(document, err, "has a line break or a control character in it");
    *text = arena_copy(document->arena, found);
    return text->data ? OK : document_no_memory(err);
}

enum code document_bool_take(struct document *document, const struct json *value, bool *yes,
                             struct error *err)
{
    if (json_kind(value) != JSON_KIND_BOOL)
        return document_refuse(document, err, "must be true or false, not %s",
                               json_kind_name(json_kind(value)));
    *yes = json_bool_of(value);
    return OK;
}

enum code document_choice_take(struct document *document, const struct json *value,
                               const char *const *names, unsigned *choice, struct error *err)
{
    struct bytes text = BYTES("");
    enum code code = document_text_take(document, value, NAME_SHOWN_MAX, &text, err);

    if (code)
        return code;
    for (unsigned i = 0; names[i]; i++)
        if (bytes_equal(text, bytes_of(names[i]))) {
            *choice = i;
            return OK;
        }
    return document_refuse_name(document, "value", text, names, err);
}
