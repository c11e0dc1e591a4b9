/* JSON is passed over token by token, of which texts alone are looked into: what is no text, and
 * what is no place, is copied as it stands, so that no number loses a digit. */
#include "ingest/source/source_settings.h"

#include "base/buf.h"
#include "base/nearest.h"
#include "codec/json_doc.h"
#include "ingest/source/text_places.h"

enum { JSON_SIZE_MAX = 1 << 20, LIST_SIZE_MAX = ERROR_TEXT_SIZE };

/* --- places in a text --- */

struct set_place {
    bool secret;
    struct bytes key, initial;
    bool has_initial;
};

static bool begins(struct bytes text, size_t at, struct bytes with)
{
    return text.size - at >= with.size && memcmp(text.data + at, with.data, with.size) == 0;
}

/* Where the one that begins at `at` ends; 0: none does, or it is another kind of place. */
static size_t place_at(struct bytes text, size_t at, struct set_place *place)
{
    const struct bytes set = BYTES("${set:"), secret = BYTES("${secret:");
    const char *close;
    size_t first, colon;

    *place = (struct set_place){.secret = begins(text, at, secret)};
    if (!place->secret && !begins(text, at, set))
        return 0;
    first = at + (place->secret ? secret.size : set.size);
    close = memchr(text.data + first, '}', text.size - first);
    if (close == NULL)
        return 0;
    place->key = (struct bytes){text.data + first, (size_t)(close - text.data) - first};
    for (colon = 0; colon < place->key.size && !begins(place->key, colon, BYTES(":-")); colon++)
        continue;
    if (!place->secret && colon < place->key.size) {
        place->has_initial = true;
        place->initial = (struct bytes){place->key.data + colon + 2, place->key.size - colon - 2};
        place->key.size = colon;
    }
    return (size_t)(close - text.data) + 1;
}

static enum code check_place(const struct set_place *place, struct error *err)
{
    bool dollar =
        place->has_initial && memchr(place->initial.data, '$', place->initial.size) != NULL;

    if (place->secret || (place_name_good(place->key) && !dollar))
        return OK;
    return error_set(err, E_CONFIG,
                     "\"${set:%.*s\" is no setting; want ${set:KEY} or ${set:KEY:-DEFAULT}, a key "
                     "of 1 to %d letters, digits, '_', '-' and '.', and no '$' in a default",
                     BYTES_ARG(place->key), PLACE_NAME_SIZE_MAX);
}

/* --- texts of a document --- */

struct walk {
    struct bytes json;
    size_t at, depth;
    bool name; /* the next text is the document's name */
};

/* The next text (between its quotes), with what stands before it; false: there is none, and
 * `before` is the rest. */
static bool next_text(struct walk *walk, struct bytes *before, struct bytes *text)
{
    struct bytes json = walk->json;
    size_t first = walk->at, begin;

    for (; walk->at < json.size && json.data[walk->at] != '"'; walk->at++) {
        char c = json.data[walk->at];

        walk->depth += c == '{' || c == '[';
        walk->depth -= c == '}' || c == ']';
    }
    *before = (struct bytes){json.data + first, walk->at - first};
    if (walk->at == json.size)
        return false;
    for (begin = ++walk->at; json.data[walk->at] != '"'; walk->at++)
        walk->at += json.data[walk->at] == '\\';
    *text = (struct bytes){json.data + begin, walk->at - begin};
    walk->at++;
    return true;
}

/* The text is a key of the document itself, with that name. */
static bool is_name_key(const struct walk *walk, struct bytes text)
{
    size_t at = walk->at;

    while (at < walk->json.size && memchr(" \t\r\n", walk->json.data[at], 4) != NULL)
        at++;
    return walk->depth == 1 && bytes_equal(text, BYTES("name")) && at < walk->json.size &&
           walk->json.data[at] == ':';
}

/* So that texts end where they should. */
static enum code check_json(struct bytes json, struct error *err)
{
    struct json *root = NULL;
    enum code code = json_doc_parse(json, 64, &root, err);

    if (code == OK && json_kind(root) != JSON_KIND_OBJECT)
        code = error_set(err, E_CONFIG, "the document is %s; want an object",
                         json_kind_name(json_kind(root)));
    json_doc_free(root);
    return code;
}

/* --- what it asks for --- */

static struct source_wish *wish_find(struct source_wishes *wishes, struct bytes key)
{
    for (size_t i = 0; i < wishes->setting_count; i++)
        if (bytes_equal(wishes->settings[i].key, key))
            return &wishes->settings[i];
    return NULL;
}

static enum code note_place(struct source_wishes *wishes, const struct set_place *place,
                            struct error *err)
{
    struct source_wish *wish;

    if (place->secret) {
        for (size_t i = 0; i < wishes->secret_count; i++)
            if (bytes_equal(wishes->secrets[i], place->key))
                return OK;
        if (wishes->secret_count < SOURCE_SETTINGS_MAX)
            wishes->secrets[wishes->secret_count++] = place->key;
        return OK;
    }
    wish = wish_find(wishes, place->key);
    if (wish == NULL && wishes->setting_count == SOURCE_SETTINGS_MAX)
        return error_set(err, E_CONFIG, "the document has more than %d settings",
                         SOURCE_SETTINGS_MAX);
    if (wish == NULL) {
        wish = &wishes->settings[wishes->setting_count++];
        *wish = (struct source_wish){.key = place->key, .initial = place->initial};
    }
    wish->needed = wish->needed || !place->has_initial;
    return OK;
}

static enum code find_in(struct bytes text, struct source_wishes *wishes, struct error *err)
{
    enum code code = OK;

    for (size_t at = 0; code == OK && at < text.size; at++) {
        struct set_place place;
        size_t end = place_at(text, at, &place);

        if (begins(text, at, BYTES("$$")))
            at++;
        if (end == 0)
            continue;
        at = end - 1;
        code = check_place(&place, err);
        if (code == OK)
            code = note_place(wishes, &place, err);
    }
    return code;
}

enum code source_settings_find(struct bytes json, struct source_wishes *wishes, struct error *err)
{
    struct walk walk = {.json = json};
    struct bytes before, text;
    enum code code = check_json(json, err);

    *wishes = (struct source_wishes){.setting_count = 0};
    while (code == OK && next_text(&walk, &before, &text))
        code = find_in(text, wishes, err);
    return code;
}

/* --- what was given --- */

static enum code refuse_unknown(const struct source_wishes *wishes, struct bytes key,
                                struct error *err)
{
    struct nearest nearest;

    if (wishes->setting_count == 0)
        return error_set(err, E_CONFIG, "there is no setting \"%.*s\": the document has none",
                         BYTES_ARG(key));
    nearest_begin(&nearest, key);
    for (size_t i = 0; i < wishes->setting_count; i++)
        nearest_look(&nearest, wishes->settings[i].key);
    if (nearest.best.size > 0)
        return error_set(err, E_CONFIG, "there is no setting \"%.*s\"; did you mean \"%.*s\"?",
                         BYTES_ARG(key), BYTES_ARG(nearest.best));
    return error_set(err, E_CONFIG, "there is no setting \"%.*s\"", BYTES_ARG(key));
}

static const struct source_setting *given_find(const struct source_setting *given, size_t count,
                                               struct bytes key)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(given[i].key, key))
            return &given[i];
    return NULL;
}

static enum code check_given(struct source_wishes *wishes, const struct source_setting *given,
                             size_t count, struct error *err)
{
    struct buf missing = BUF_INIT(LIST_SIZE_MAX);
    enum code code = OK;

    for (size_t i = 0; i < count; i++) {
        if (wish_find(wishes, given[i].key) == NULL)
            return refuse_unknown(wishes, given[i].key, err);
        if (given_find(given, i, given[i].key) != NULL)
            return error_set(err, E_CONFIG, "the setting \"%.*s\" is given twice",
                             BYTES_ARG(given[i].key));
        if (given[i].value.size > 0 && memchr(given[i].value.data, '$', given[i].value.size))
            return error_set(err, E_CONFIG, "the setting \"%.*s\" has a '$', which none may",
                             BYTES_ARG(given[i].key));
    }
    for (size_t i = 0; i < wishes->setting_count; i++)
        if (wishes->settings[i].needed && given_find(given, count, wishes->settings[i].key) == NULL)
            buf_printf(&missing, " --set %.*s=VALUE", BYTES_ARG(wishes->settings[i].key));
    if (missing.size > 0)
        code = error_set(err, E_CONFIG, "the document wants%.*s", BYTES_ARG(buf_bytes(&missing)));
    buf_release(&missing);
    return code;
}

/* --- filling --- */

/* As json_put_text(), without the quotes. */
static void put_inside(struct buf *out, struct bytes text)
{
    size_t first = out->size;

    json_put_text(out, text);
    if (out->failed)
        return;
    memmove(out->data + first, out->data + first + 1, out->size - first - 2);
    out->size -= 2;
}

static void fill_text(struct bytes text, const struct source_setting *given, size_t count,
                      struct buf *out)
{
    for (size_t at = 0; at < text.size;) {
        const struct source_setting *setting;
        struct set_place place;
        size_t end = place_at(text, at, &place);

        if (end == 0 || place.secret) {
            size_t plain = begins(text, at, BYTES("$$")) ? 2 : 1;

            buf_put(out, (struct bytes){text.data + at, plain});
            at += plain;
            continue;
        }
        setting = given_find(given, count, place.key);
        if (setting != NULL)
            put_inside(out, setting->value);
        else
            buf_put(out, place.initial);
        at = end;
    }
}

static void fill_all(struct bytes json, const struct source_setting *given, size_t count,
                     struct bytes name, struct buf *out)
{
    struct walk walk = {.json = json};
    struct bytes before, text;

    while (next_text(&walk, &before, &text)) {
        buf_put(out, before);
        buf_put_char(out, '"');
        if (walk.name && name.size > 0)
            put_inside(out, name);
        else
            fill_text(text, given, count, out);
        buf_put_char(out, '"');
        walk.name = is_name_key(&walk, text);
    }
    buf_put(out, before);
}

enum code source_settings_fill(struct bytes json, const struct source_setting *given, size_t count,
                               struct bytes name, struct arena *arena, struct bytes *filled,
                               struct error *err)
{
    struct buf out = BUF_INIT(JSON_SIZE_MAX);
    struct source_wishes wishes;
    enum code code = source_settings_find(json, &wishes, err);

    if (code == OK)
        code = check_given(&wishes, given, count, err);
    if (code == OK) {
        fill_all(json, given, count, name, &out);
        if (out.limited)
            code = error_set(err, E_CONFIG, "the document is larger than a source may be");
        else
            code = buf_finish(&out, err);
    }
    if (code == OK) {
        *filled = arena_copy(arena, buf_bytes(&out));
        if (filled->data == NULL)
            code = error_set(err, E_MEMORY, "no memory for the document");
    }
    buf_release(&out);
    return code;
}
