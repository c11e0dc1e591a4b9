/* Most keys of a document are a row of a table: what they hold, where it goes, its default and its
 * bounds. */
#include <assert.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/zone.h"
#include "codec/quantity.h"
#include "ingest/source/source_reader.h"

#define MS_NS INT64_C(1000000)

static void *at_offset(void *block, size_t offset)
{
    return (char *)block + offset;
}

static void take_bool(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    (void)key;
    if (source_is(reader, value, JSON_KIND_BOOL, "true or false"))
        *(bool *)into = json_bool_of(value);
}

static bool take_integer(struct source_reader *reader, const struct source_key *key,
                         const struct json *value, int64_t *integer)
{
    if (!source_is(reader, value, JSON_KIND_INTEGER, "a whole number"))
        return false;
    *integer = json_integer_of(value);
    if (*integer >= key->least && *integer <= key->most)
        return true;
    source_fault(reader, "%lld is outside of %lld to %lld", (long long)*integer,
                 (long long)key->least, (long long)key->most);
    return false;
}

static void take_count(struct source_reader *reader, const struct source_key *key,
                       const struct json *value, void *into)
{
    int64_t count;

    if (take_integer(reader, key, value, &count))
        *(uint64_t *)into = (uint64_t)count;
}

static void take_count_32(struct source_reader *reader, const struct source_key *key,
                          const struct json *value, void *into)
{
    int64_t count;

    if (take_integer(reader, key, value, &count))
        *(uint32_t *)into = (uint32_t)count;
}

static void take_real(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    (void)key;
    if (json_kind(value) == JSON_KIND_INTEGER)
        *(double *)into = (double)json_integer_of(value);
    else if (source_is(reader, value, JSON_KIND_REAL, "a number"))
        *(double *)into = json_real_of(value);
}

static void take_duration(struct source_reader *reader, const struct source_key *key,
                          const struct json *value, void *into)
{
    struct span span;

    if (!source_span(reader, value, key->least, key->most, &span))
        return;
    if (span.months != 0) {
        source_fault(reader, "months are not of one length; want days, as P30D");
        return;
    }
    *(int64_t *)into = span_about_ns(&span);
}

static void take_span(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    (void)source_span(reader, value, key->least, key->most, into);
}

static void take_size(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    struct error err = {0};
    uint64_t size = 0;

    if (json_kind(value) == JSON_KIND_INTEGER && json_integer_of(value) >= 0)
        size = (uint64_t)json_integer_of(value);
    else if (!source_is(reader, value, JSON_KIND_TEXT, "a size, as 64MiB") ||
             !source_good(reader, size_parse(json_text_of(value), &size, &err), &err))
        return;
    if (size < (uint64_t)key->least || size > (uint64_t)key->most) {
        char least[QUANTITY_TEXT_SIZE], most[QUANTITY_TEXT_SIZE];
        size_t least_size = size_print((uint64_t)key->least, least);
        size_t most_size = size_print((uint64_t)key->most, most);

        source_fault(reader, "it is outside of %.*s to %.*s", (int)least_size, least,
                     (int)most_size, most);
        return;
    }
    *(uint64_t *)into = size;
}

/* -1: none of them. */
static int take_word(struct source_reader *reader, const struct source_key *key,
                     const struct json *value)
{
    char list[160];
    size_t size = 0;

    if (json_kind(value) == JSON_KIND_TEXT)
        for (int i = 0; key->choices[i] != NULL; i++)
            if (bytes_equal(json_text_of(value), bytes_of(key->choices[i])))
                return i;
    for (int i = 0; key->choices[i] != NULL; i++)
        size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%s",
                                 i == 0                        ? ""
                                 : key->choices[i + 1] != NULL ? ", "
                                                               : " or ",
                                 key->choices[i]);
    assert(size < sizeof(list));
    if (json_kind(value) == JSON_KIND_TEXT)
        source_fault(reader, "\"%.*s\" is not known; want %s",
                     (int)(json_text_of(value).size < 64 ? json_text_of(value).size : 64),
                     json_text_of(value).data, list);
    else
        source_fault(reader, "it is %s; want %s", json_kind_name(json_kind(value)), list);
    return -1;
}

static void take_choice(struct source_reader *reader, const struct source_key *key,
                        const struct json *value, void *into)
{
    int word = take_word(reader, key, value);

    if (word >= 0)
        *(unsigned *)into = (unsigned)word;
}

static void take_either(struct source_reader *reader, const struct source_key *key,
                        const struct json *value, void *into)
{
    int word = take_word(reader, key, value);

    if (word >= 0)
        *(bool *)into = word == 1;
}

static void take_text(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    struct bytes text;

    if (!source_text(reader, value, false, &text))
        return;
    if (text.size == 0 && !key->empty)
        source_fault(reader, "it is empty");
    else if (key->most > 0 && text.size > (size_t)key->most)
        source_fault(reader, "it has %zu bytes; want at most %lld", text.size,
                     (long long)key->most);
    else
        *(struct bytes *)into = text;
}

static void take_zone(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    (void)key;
    (void)source_zone(reader, value, into);
}

static void take_places(struct source_reader *reader, const struct source_key *key,
                        const struct json *value, void *into)
{
    struct text_places *places = into;

    if (source_places(reader, value, key->places, false, places) && !key->empty &&
        places->count == 0 && places->rest.size == 0)
        source_fault(reader, "it is empty");
}

static void take_slot(struct source_reader *reader, const struct source_key *key,
                      const struct json *value, void *into)
{
    *(uint32_t *)into = source_slot(reader, value, key->kind == KEY_DOCUMENT_SLOT);
}

static void (*const takes[])(struct source_reader *reader, const struct source_key *key,
                             const struct json *value, void *into) = {
    [KEY_BOOL] = take_bool, [KEY_COUNT] = take_count,        [KEY_COUNT_32] = take_count_32,
    [KEY_REAL] = take_real, [KEY_DURATION] = take_duration,  [KEY_SPAN] = take_span,
    [KEY_SIZE] = take_size, [KEY_CHOICE] = take_choice,      [KEY_EITHER] = take_either,
    [KEY_TEXT] = take_text, [KEY_ZONE] = take_zone,          [KEY_PLACES] = take_places,
    [KEY_SLOT] = take_slot, [KEY_DOCUMENT_SLOT] = take_slot,
};

static void take(struct source_reader *reader, const struct source_key *key,
                 const struct json *value, void *block)
{
    switch (key->kind) {
    case KEY_READ:
        break;
    case KEY_TAKE:
        key->take(reader, value, block);
        break;
    case KEY_TEXTS:
        (void)source_texts(reader, value, false, (size_t)key->most, at_offset(block, key->offset),
                           at_offset(block, key->count_offset));
        break;
    default:
        takes[key->kind](reader, key, value, at_offset(block, key->offset));
        break;
    }
}

void source_key_take(struct source_reader *reader, const struct source_key *key,
                     const struct json *value, void *block)
{
    struct source_at at;

    source_enter(reader, &at, bytes_of(key->name));
    take(reader, key, value, block);
    source_leave(reader);
}

void source_element_take(struct source_reader *reader, const struct source_key *key,
                         const struct json *value, size_t index, void *block)
{
    struct source_at at;

    source_enter_element(reader, &at, index);
    take(reader, key, value, block);
    source_leave(reader);
}

/* Texts, and what is in lists, begin as the block does: with zeros. */
static void put_default(struct source_reader *reader, const struct source_key *key, void *block)
{
    void *into = at_offset(block, key->offset);
    struct error err = {0};

    switch (key->kind) {
    case KEY_BOOL:
    case KEY_EITHER:
        *(bool *)into = key->initial != 0;
        break;
    case KEY_COUNT:
    case KEY_SIZE:
        *(uint64_t *)into = (uint64_t)key->initial;
        break;
    case KEY_COUNT_32:
        *(uint32_t *)into = (uint32_t)key->initial;
        break;
    case KEY_CHOICE:
        *(unsigned *)into = (unsigned)key->initial;
        break;
    case KEY_REAL:
        *(double *)into = (double)key->initial;
        break;
    case KEY_DURATION:
        *(int64_t *)into = key->initial * MS_NS;
        break;
    case KEY_SPAN:
        *(struct span *)into = (struct span){.ns = key->initial * MS_NS};
        break;
    case KEY_SLOT:
    case KEY_DOCUMENT_SLOT:
        *(uint32_t *)into = SOURCE_NO_SLOT;
        break;
    case KEY_ZONE:
        (void)source_good(reader, zone_open(BYTES("UTC"), reader->arena, into, &err), &err);
        break;
    default:
        break;
    }
}

void source_fault_unknown(struct source_reader *reader, const char *what, struct bytes name,
                          const char *const *names)
{
    const char *near = nearest_name(name, names);

    source_fault(reader, "there is no %s \"%.*s\"%s%s%s", what,
                 (int)(name.size < 64 ? name.size : 64), name.data, near ? "; did you mean \"" : "",
                 near ? near : "", near ? "\"?" : "");
}

static void find_unknown(struct source_reader *reader, const struct json *value,
                         const struct source_key *keys, size_t key_count)
{
    const char *names[SOURCE_KEYS_MAX + 1] = {NULL};
    struct json *member;
    struct bytes key;

    assert(key_count <= SOURCE_KEYS_MAX);
    for (size_t i = 0; i < key_count; i++)
        names[i] = keys[i].name;
    for (void *at = NULL; json_next(value, &at, &key, &member);) {
        struct source_at here;
        size_t i = 0;

        while (i < key_count && !bytes_equal(key, bytes_of(names[i])))
            i++;
        if (i < key_count)
            continue;
        source_enter(reader, &here, key);
        source_fault_unknown(reader, "key", key, names);
        source_leave(reader);
    }
}

bool source_block(struct source_reader *reader, const struct json *value,
                  const struct source_key *keys, size_t key_count, void *block)
{
    bool object = value == NULL || source_is(reader, value, JSON_KIND_OBJECT, "an object");

    for (size_t i = 0; i < key_count; i++) {
        const struct source_key *key = &keys[i];
        const struct json *member = value && object ? json_member(value, key->name) : NULL;

        put_default(reader, key, block);
        if (member != NULL || (key->kind == KEY_TAKE && !key->required))
            source_key_take(reader, key, member, block);
        else if (key->required && value != NULL && object)
            source_fault_key(reader, key->name, "it is missing");
    }
    if (value != NULL && object)
        find_unknown(reader, value, keys, key_count);
    return object;
}
