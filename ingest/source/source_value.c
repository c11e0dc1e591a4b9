/* Values that stand everywhere in a document: texts, with and without places, paths, durations,
 * zones. */
#include <assert.h>

#include "base/number.h"
#include "base/zone.h"
#include "ingest/source/source_reader.h"

#define MS_NS INT64_C(1000000)

static bool print_scalar(const struct json *value, char number[NUMBER_TEXT_SIZE],
                         struct bytes *text)
{
    switch (json_kind(value)) {
    case JSON_KIND_TEXT:
        *text = json_text_of(value);
        return true;
    case JSON_KIND_INTEGER:
        *text = (struct bytes){number, number_print_i64(json_integer_of(value), number)};
        return true;
    case JSON_KIND_REAL:
        *text = (struct bytes){number, number_print_f64(json_real_of(value), number)};
        return true;
    case JSON_KIND_BOOL:
        *text = json_bool_of(value) ? BYTES("true") : BYTES("false");
        return true;
    default:
        return false;
    }
}

static bool wire_safe(struct source_reader *reader, struct bytes text, bool lines)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c >= ' ' && c != 0x7f) || (lines && (c == '\n' || c == '\r' || c == '\t')))
            continue;
        source_fault(reader, "byte %zu is the control character 0x%02x, which has no place here",
                     i + 1, c);
        return false;
    }
    return true;
}

bool source_text(struct source_reader *reader, const struct json *value, bool lines,
                 struct bytes *text)
{
    char number[NUMBER_TEXT_SIZE];
    struct bytes found;

    if (!print_scalar(value, number, &found)) {
        source_fault(reader, "it is %s; want a text", json_kind_name(json_kind(value)));
        return false;
    }
    if (!wire_safe(reader, found, lines))
        return false;
    *text = arena_copy(reader->arena, found);
    return source_has(reader, text->data);
}

bool source_texts(struct source_reader *reader, const struct json *value, bool alone,
                  size_t count_max, const struct bytes **texts, size_t *count)
{
    bool list = json_kind(value) == JSON_KIND_ARRAY, good = true;
    size_t size = list ? json_count(value) : 1;
    struct bytes *made;

    if (!list && !alone)
        return source_is(reader, value, JSON_KIND_ARRAY, "a list of texts");
    if (size > count_max) {
        source_fault(reader, "there are %zu; want at most %zu", size, count_max);
        return false;
    }
    made = ARENA_ARRAY(reader->arena, struct bytes, size);
    if (!source_has(reader, made))
        return false;
    for (size_t i = 0; i < size && list; i++) {
        struct source_at at;

        source_enter_element(reader, &at, i);
        good &= source_text(reader, json_element(value, i), false, &made[i]);
        source_leave(reader);
    }
    if (!list)
        good = source_text(reader, value, false, &made[0]);
    *texts = made;
    *count = size;
    return good;
}

static bool note_use(struct source_reader *reader, const struct place *place)
{
    if (reader->use_count == reader->use_capacity) {
        size_t capacity = reader->use_capacity ? 2 * reader->use_capacity : 16;
        struct source_use *grown =
            arena_grow(reader->speech, reader->uses, reader->use_capacity * sizeof(*grown),
                       capacity * sizeof(*grown));

        if (!source_has(reader, grown))
            return false;
        reader->uses = grown;
        reader->use_capacity = capacity;
    }
    reader->uses[reader->use_count++] =
        (struct source_use){place->kind, place->name, source_pointer(reader)};
    return true;
}

/* Equal paths are one slot. */
static uint32_t slot_of(struct source_reader *reader, const struct tree_path *path, bool document)
{
    for (size_t i = 0; i < reader->slot_count; i++) {
        const struct tree_path *other = &reader->slots[i].path;
        size_t same = 0;

        if (other->absolute != path->absolute || other->up != path->up ||
            other->count != path->count || reader->slots[i].document != document)
            continue;
        while (same < path->count && bytes_equal(path->steps[same].name, other->steps[same].name))
            same++;
        if (same == path->count)
            return (uint32_t)i;
    }
    if (reader->slot_count == TREE_SLOTS_MAX) {
        source_fault(reader, "there are more than %d paths", TREE_SLOTS_MAX);
        return SOURCE_NO_SLOT;
    }
    reader->slots[reader->slot_count] = (struct tree_slot){*path, document};
    reader->slot_pointers[reader->slot_count] = source_pointer(reader);
    return (uint32_t)reader->slot_count++;
}

static uint32_t slot_of_text(struct source_reader *reader, struct bytes text, bool document)
{
    struct error err = {0};
    struct tree_path path;
    enum code code = tree_path_parse(text, false, reader->arena, &path, &err);

    if (!source_good(reader, code, &err))
        return SOURCE_NO_SLOT;
    if (document && !path.absolute) {
        source_fault(reader, "want a path from the document: it begins with a slash");
        return SOURCE_NO_SLOT;
    }
    return slot_of(reader, &path, document);
}

uint32_t source_slot(struct source_reader *reader, const struct json *value, bool document)
{
    struct bytes text;

    if (!source_text(reader, value, false, &text))
        return SOURCE_NO_SLOT;
    return slot_of_text(reader, text, document);
}

bool source_places(struct source_reader *reader, const struct json *value, unsigned allowed,
                   bool lines, struct text_places *places)
{
    struct error err = {0};
    struct bytes text;
    enum code code;

    if (!source_text(reader, value, lines, &text))
        return false;
    code = text_places_parse(text, allowed, reader->arena, places, &err);
    if (!source_good(reader, code, &err))
        return false;
    for (size_t i = 0; i < places->count; i++) {
        struct place *place = &places->items[i];

        if (place->kind == PLACE_ROW)
            place->slot = slot_of_text(reader, place->name, false);
        if (!note_use(reader, place))
            return false;
    }
    return true;
}

static bool is_zero(struct bytes text)
{
    return bytes_equal(text, BYTES("0")) || bytes_equal(text, BYTES("0s")) ||
           bytes_equal(text, BYTES("PT0S")) || bytes_equal(text, BYTES("P0D"));
}

bool source_span(struct source_reader *reader, const struct json *value, int64_t least_ms,
                 int64_t most_ms, struct span *span)
{
    char least[TIMESTAMP_TEXT_SIZE], most[TIMESTAMP_TEXT_SIZE];
    struct error err = {0};
    struct span parsed = {0};
    size_t least_size, most_size;
    int64_t about;

    if (least_ms == 0 && json_kind(value) == JSON_KIND_INTEGER && json_integer_of(value) == 0) {
        *span = parsed;
        return true;
    }
    if (!source_is(reader, value, JSON_KIND_TEXT, "a duration, as 30m or P1D"))
        return false;
    if ((least_ms != 0 || !is_zero(json_text_of(value))) &&
        !source_good(reader, span_parse(json_text_of(value), &parsed, &err), &err))
        return false;
    about = span_about_ns(&parsed);
    if (about >= least_ms * MS_NS && about <= most_ms * MS_NS) {
        *span = parsed;
        return true;
    }
    least_size = duration_print(least_ms * MS_NS, least);
    most_size = duration_print(most_ms * MS_NS, most);
    source_fault(reader, "it is outside of %.*s to %.*s", (int)least_size, least, (int)most_size,
                 most);
    return false;
}

bool source_zone(struct source_reader *reader, const struct json *value, const struct zone **zone)
{
    struct error err = {0};
    const struct zone *opened;

    if (!source_is(reader, value, JSON_KIND_TEXT, "a time zone, as Europe/Berlin or +01:00") ||
        !source_good(reader, zone_open(json_text_of(value), reader->arena, &opened, &err), &err))
        return false;
    *zone = opened;
    return true;
}

void source_matches(struct source_reader *reader, const struct json *value,
                    const struct source_match **matches, size_t *count)
{
    struct source_match *made;
    struct json *member;
    struct bytes key;
    size_t index = 0;

    if (!source_is(reader, value, JSON_KIND_OBJECT, "a map of paths to texts"))
        return;
    made = ARENA_ARRAY(reader->arena, struct source_match, json_count(value));
    if (!source_has(reader, made))
        return;
    for (void *at = NULL; json_next(value, &at, &key, &member); index++) {
        struct source_at here;

        source_enter(reader, &here, key);
        made[index].slot = slot_of_text(reader, key, false);
        (void)source_text(reader, member, false, &made[index].text);
        source_leave(reader);
    }
    *matches = made;
    *count = index;
}
