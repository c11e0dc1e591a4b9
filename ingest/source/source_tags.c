#include "ingest/source/source_reader.h"

enum { TAGS_MAX = 64, NAME_SIZE_MAX = 255, PLACES = 1 << PLACE_EACH | 1 << PLACE_ROW };

static const char *const missing[] = {"skip", "fail", NULL};

static const struct source_key keys[] = {
    KEY("path", KEY_SLOT, source_tag, slot, .required = true),
    KEY("missing", KEY_EITHER, source_tag, required, .choices = missing),
};

/* A text with places, or {path: …}. */
static void take_tag(struct source_reader *reader, struct bytes name, const struct json *value,
                     struct source_tag *tag)
{
    *tag = (struct source_tag){.name = arena_copy(reader->arena, name), .slot = SOURCE_NO_SLOT};
    if (!source_has(reader, tag->name.data))
        return;
    if (name.size == 0 || name.size > NAME_SIZE_MAX) {
        source_fault(reader, "want a name of 1 to %d bytes", NAME_SIZE_MAX);
        return;
    }
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7f) {
            source_fault(reader, "the name has a control character");
            return;
        }
    tag->from_slot = json_kind(value) == JSON_KIND_OBJECT;
    if (tag->from_slot)
        (void)source_block(reader, value, keys, COUNT_OF(keys), tag);
    else
        (void)source_places(reader, value, PLACES, false, &tag->text);
}

void source_read_tags(struct source_reader *reader, const struct json *value,
                      const struct source_tag **tags, size_t *count)
{
    struct source_tag *made;
    struct json *member;
    struct bytes key;
    size_t index = 0;

    if (!source_is(reader, value, JSON_KIND_OBJECT, "a map of names to texts or {path: …}"))
        return;
    if (json_count(value) > TAGS_MAX) {
        source_fault(reader, "there are %zu; want at most %d", json_count(value), TAGS_MAX);
        return;
    }
    made = ARENA_ARRAY(reader->arena, struct source_tag, json_count(value));
    if (!source_has(reader, made))
        return;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct source_at here;

        source_enter(reader, &here, key);
        take_tag(reader, key, member, &made[index++]);
        source_leave(reader);
    }
    *tags = made;
    *count = index;
}
