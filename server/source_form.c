#include "server/source_form.h"

#include <unistd.h>

#include "base/nearest.h"
#include "base/text_file.h"
#include "codec/json_doc.h"
#include "ingest/source/source.h"
#include "server/source_examples.h"

enum { FILE_BYTES_MAX = 256 << 10, DEPTH_MAX = 64 };

/* --- where it comes from --- */

static const char *example_text(const char *name)
{
    for (const struct source_example *at = source_examples; at->name != NULL; at++)
        if (strcmp(at->name, name) == 0)
            return at->text;
    return NULL;
}

static enum code refuse_name(const char *name, struct error *err)
{
    struct nearest nearest;

    nearest_begin(&nearest, bytes_of(name));
    for (const struct source_example *at = source_examples; at->name != NULL; at++)
        nearest_look(&nearest, bytes_of(at->name));
    if (nearest.best.size > 0)
        return error_set(err, E_NOT_FOUND,
                         "\"%s\" is no example and no file; did you mean \"%.*s\"?", name,
                         BYTES_ARG(nearest.best));
    return error_set(err, E_NOT_FOUND,
                     "\"%s\" is no example and no file (weir source examples lists them)", name);
}

/* What begins with a brace is JSON. */
static enum code take_text(struct bytes text, struct arena *arena, struct bytes *json,
                           struct error *err)
{
    size_t at = 0;

    while (at < text.size && memchr(" \t\r\n", text.data[at], 4) != NULL)
        at++;
    if (at == text.size || text.data[at] != '{')
        return source_of_yaml(text, arena, json, err);
    *json = arena_copy(arena, text);
    return json->data != NULL ? OK : error_set(err, E_MEMORY, "no memory for the document");
}

enum code source_form_read(const char *name_or_path, struct arena *arena, struct bytes *json,
                           struct error *err)
{
    struct buf file = BUF_INIT(FILE_BYTES_MAX);
    const char *example = example_text(name_or_path);
    enum code code;

    if (example != NULL)
        return take_text(bytes_of(example), arena, json, err);
    if (access(name_or_path, F_OK) != 0 && strchr(name_or_path, '/') == NULL)
        return refuse_name(name_or_path, err);
    code = text_file_read(name_or_path, FILE_BYTES_MAX, &file, err);
    if (code == OK) {
        code = take_text(buf_bytes(&file), arena, json, err);
        if (code)
            error_context(err, "%s", name_or_path);
    }
    buf_release(&file);
    return code;
}

struct bytes source_form_about(const char *text)
{
    const char *end = strchr(text, '\n');

    if (strncmp(text, "# ", 2) != 0 || end == NULL)
        return BYTES("");
    return (struct bytes){text + 2, (size_t)(end - text) - 2};
}

/* --- what is said of it --- */

static enum code take_sets(const struct argument_list *sets,
                           struct source_setting given[ARGUMENT_REPEATS_MAX], struct error *err)
{
    for (size_t i = 0; i < sets->count; i++) {
        const char *equals = strchr(sets->items[i], '=');

        if (equals == NULL || equals == sets->items[i])
            return error_set(err, E_CONFIG, "--set %s: want KEY=VALUE", sets->items[i]);
        given[i].key = (struct bytes){sets->items[i], (size_t)(equals - sets->items[i])};
        given[i].value = bytes_of(equals + 1);
    }
    return OK;
}

static struct bytes text_of(const struct json *value)
{
    return value != NULL && json_kind(value) == JSON_KIND_TEXT ? json_text_of(value) : BYTES("");
}

/* Between "://" and what ends it; as it stands there. */
static struct bytes host_of(struct bytes url)
{
    const char *begin = url.size > 0 ? memmem(url.data, url.size, "://", 3) : NULL;
    size_t size = 0;

    if (begin == NULL)
        return BYTES("");
    begin += 3;
    while (begin + size < url.data + url.size && memchr("/?#", begin[size], 3) == NULL)
        size++;
    return (struct bytes){begin, size};
}

/* Its name, and the host that its credential goes to. */
static enum code look(struct source_form *form, struct arena *arena, struct error *err)
{
    struct json *root = NULL;
    const struct json *auth;
    struct bytes url;
    enum code code = json_doc_parse(form->json, DEPTH_MAX, &root, err);

    if (code)
        return code;
    auth = json_member(root, "auth");
    url = text_of(json_member(auth, "token_url"));
    if (url.size == 0)
        url = text_of(json_member(json_member(root, "request"), "url"));
    form->name = arena_copy(arena, text_of(json_member(root, "name")));
    form->host = arena_copy(arena, host_of(url));
    json_doc_free(root);
    if (form->name.data == NULL || form->host.data == NULL)
        return error_set(err, E_MEMORY, "no memory for the document");
    return OK;
}

enum code source_form_fill(struct bytes json, const struct argument_list *sets, const char *name,
                           struct arena *arena, struct source_form *form, struct error *err)
{
    struct source_setting given[ARGUMENT_REPEATS_MAX];
    struct bytes as = name != NULL ? bytes_of(name) : BYTES("");
    enum code code = take_sets(sets, given, err);

    if (code == OK)
        code = source_settings_fill(json, given, sets->count, as, arena, &form->json, err);
    if (code == OK)
        code = source_settings_find(form->json, &form->wishes, err);
    if (code == OK)
        code = look(form, arena, err);
    if (code == OK && as.size > 0)
        form->name = as;
    if (code == OK && form->name.size == 0)
        code = error_set(err, E_CONFIG, "the document has no name: --as NAME gives it one");
    return code;
}
