#include "ingest/source/text_places.h"

#include <assert.h>
#include <stdio.h>

enum { SHOWN_MAX = 64 };

/* `head` is the whole place, or what stands before its name. */
static const struct {
    struct bytes head;
    bool named;
    const char *shown;
} kinds[PLACE_KIND_COUNT] = {
    [PLACE_EACH] = {BYTES("each."),        true,  "${each.NAME}"   },
    [PLACE_WINDOW_START] = {BYTES("window.start"), false, "${window.start}"},
    [PLACE_WINDOW_END] = {BYTES("window.end"),   false, "${window.end}"  },
    [PLACE_PAGE_VALUE] = {BYTES("page.value"),   false, "${page.value}"  },
    [PLACE_PAGE_LIMIT] = {BYTES("page.limit"),   false, "${page.limit}"  },
    [PLACE_NOW] = {BYTES("now"),          false, "${now}"         },
    [PLACE_SECRET] = {BYTES("secret:"),      true,  "${secret:NAME}" },
    [PLACE_ROW] = {BYTES("row."),         true,  "${row.PATH}"    },
};

bool place_name_good(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && c != '_' && c != '-' && c != '.')
            return false;
    }
    return name.size > 0 && name.size <= PLACE_NAME_SIZE_MAX;
}

/* The inside of "${...}"; PLACE_KIND_COUNT: there is no such place. */
static enum place_kind kind_of(struct bytes inside, struct bytes *name)
{
    for (unsigned kind = 0; kind < PLACE_KIND_COUNT; kind++) {
        struct bytes head = kinds[kind].head;

        if (inside.size < head.size || memcmp(inside.data, head.data, head.size) != 0)
            continue;
        *name = bytes_slice(inside, head.size, inside.size);
        if (kinds[kind].named ? name->size > 0 : name->size == 0)
            return (enum place_kind)kind;
    }
    return PLACE_KIND_COUNT;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a text with places");
}

/* "${each.NAME}, ${now}": what may stand here. */
static enum code refuse(struct bytes inside, size_t at, unsigned allowed, bool known,
                        struct error *err)
{
    struct bytes shown = bytes_slice(inside, 0, inside.size < SHOWN_MAX ? inside.size : SHOWN_MAX);
    char list[128];
    size_t size = 0;

    for (unsigned kind = 0; kind < PLACE_KIND_COUNT; kind++)
        if (allowed & 1U << kind)
            size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%s", size > 0 ? ", " : "",
                                     kinds[kind].shown);
    assert(size < sizeof(list));
    if (known && allowed != 0 && inside.size > 7 && memcmp(inside.data, "secret:", 7) == 0)
        return error_set(
            err, E_BAD_PARAMETER,
            "at byte %zu: \"${%.*s}\" has no place here: secrets stand in `auth` alone, "
            "as {type: header, name: X-Key, value: \"${%.*s}\"}",
            at + 1, BYTES_ARG(shown), BYTES_ARG(shown));
    if (size == 0)
        (void)snprintf(list, sizeof(list), "no places (\"$$\" is a dollar)");
    return error_set(err, E_BAD_PARAMETER, "at byte %zu: \"${%.*s}\" %s; want %s", at + 1,
                     BYTES_ARG(shown), known ? "has no place here" : "is not known", list);
}

/* A dollar that is followed by '{', or by another one. */
static size_t next_dollar(struct bytes text, size_t at)
{
    while (at + 1 < text.size &&
           (text.data[at] != '$' || (text.data[at + 1] != '{' && text.data[at + 1] != '$')))
        at++;
    return at + 1 < text.size ? at : text.size;
}

/* "${...}" at `at`; *end is behind it. */
static enum code read_place(struct bytes text, size_t at, unsigned allowed, struct place *place,
                            size_t *end, struct error *err)
{
    size_t first = at + 2;
    const char *close = memchr(text.data + first, '}', text.size - first);
    struct bytes inside;

    if (close == NULL)
        return error_set(err, E_BAD_PARAMETER,
                         "at byte %zu: \"${\" has no \"}\" behind it (\"$${\" is \"${\" itself)",
                         at + 1);
    *end = (size_t)(close - text.data) + 1;
    inside = bytes_slice(text, first, *end - 1);
    place->kind = kind_of(inside, &place->name);
    if (place->kind == PLACE_KIND_COUNT || (allowed & 1U << place->kind) == 0)
        return refuse(inside, at, allowed, place->kind != PLACE_KIND_COUNT, err);
    if (place->kind != PLACE_ROW && kinds[place->kind].named && !place_name_good(place->name))
        return error_set(err, E_BAD_PARAMETER,
                         "at byte %zu: want a name of 1 to %d letters, digits, '_', '-' and '.'",
                         at + 1, PLACE_NAME_SIZE_MAX);
    return OK;
}

static size_t count_places(struct bytes text)
{
    size_t count = 0;

    for (size_t at = next_dollar(text, 0); at < text.size; at = next_dollar(text, at + 2))
        count += text.data[at + 1] == '{';
    return count;
}

/* Texts between places are in one copy, whose "$$" are made one dollar as it is walked. */
enum code text_places_parse(struct bytes text, unsigned allowed, struct arena *arena,
                            struct text_places *places, struct error *err)
{
    struct bytes copy = arena_copy(arena, text);
    char *data = (char *)(uintptr_t)copy.data, *out = data, *begun = data;
    struct text_places made = {.items = ARENA_ARRAY(arena, struct place, count_places(text))};

    if (data == NULL || made.items == NULL)
        return no_memory(err);
    for (size_t at = 0; at < copy.size;) {
        size_t dollar = next_dollar(copy, at), end = dollar;

        memmove(out, copy.data + at, dollar - at);
        out += dollar - at;
        if (dollar < copy.size && copy.data[dollar + 1] == '$') {
            *out++ = '$';
            end = dollar + 2;
        } else if (dollar < copy.size) {
            struct place *place = &made.items[made.count];
            enum code code = read_place(copy, dollar, allowed, place, &end, err);

            if (code)
                return code;
            place->before = (struct bytes){begun, (size_t)(out - begun)};
            made.count++;
            begun = out = data + end;
        }
        at = end;
    }
    made.rest = (struct bytes){begun, (size_t)(out - begun)};
    *places = made;
    return OK;
}

bool text_places_has(const struct text_places *places, enum place_kind kind)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->items[i].kind == kind)
            return true;
    return false;
}

void place_put_percent(struct buf *out, struct bytes text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (letter || c == '-' || c == '.' || c == '_' || c == '~') {
            buf_put_char(out, (char)c);
            continue;
        }
        buf_put_char(out, '%');
        buf_put_char(out, digits[c >> 4]);
        buf_put_char(out, digits[c & 15]);
    }
}

static void put(struct buf *out, struct bytes text, bool percent)
{
    if (percent)
        place_put_percent(out, text);
    else
        buf_put(out, text);
}

enum code text_places_fill(const struct text_places *places, enum place_manner manner,
                           const struct place_values *values, struct buf *out, struct error *err)
{
    for (size_t i = 0; i < places->count; i++) {
        struct bytes value = BYTES("");
        enum code code;

        put(out, places->items[i].before, manner == PLACE_PERCENT_ALL);
        code = values->value(values->context, &places->items[i], &value, err);
        if (code)
            return code;
        put(out, value, manner != PLACE_PLAIN);
    }
    put(out, places->rest, manner == PLACE_PERCENT_ALL);
    return OK;
}
