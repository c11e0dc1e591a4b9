#include "query/name_list.h"

#include "base/map.h"

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a list of names");
}

/* By hashing: a list may be as long as a request line. */
static enum code refuse_twice(const struct bytes *names, uint32_t count, struct error *err)
{
    struct map seen = MAP_INIT;
    enum code code = OK;

    for (uint32_t i = 0; i < count && !code; i++) {
        if (map_get(&seen, names[i]))
            code =
                error_set(err, E_BAD_PARAMETER, "\"%.*s\" stands there twice", BYTES_ARG(names[i]));
        else if (!map_put(&seen, names[i], (void *)names))
            code = no_memory(err);
    }
    map_release(&seen);
    return code;
}

/* The character at `at`, which a backslash may stand before; moves `at` behind it. */
static char next_character(struct bytes text, size_t *at)
{
    bool escaped = text.data[*at] == '\\' && *at + 1 < text.size &&
                   (text.data[*at + 1] == ',' || text.data[*at + 1] == '\\');

    *at += escaped;
    return text.data[(*at)++];
}

enum code name_list_parse(struct bytes text, const struct bytes **names, uint32_t *count,
                          struct arena *arena, struct error *err)
{
    size_t commas = 0, at = 0;
    struct bytes *list;
    char *to = arena_alloc(arena, text.size);
    uint32_t n = 0;

    for (size_t i = 0; i < text.size; i++)
        commas += text.data[i] == ',';
    list = ARENA_ARRAY(arena, struct bytes, commas + 1);
    if (!to || !list)
        return no_memory(err);
    for (bool more = true; more; at++) {
        char *name = to;

        while (at < text.size && text.data[at] != ',')
            *to++ = next_character(text, &at);
        if (to == name)
            return error_set(err, E_BAD_PARAMETER,
                             "\"%.*s\": a name is empty; want names with commas between them",
                             BYTES_ARG(text));
        list[n++] = (struct bytes){name, (size_t)(to - name)};
        more = at < text.size;
    }
    *names = list;
    *count = n;
    return refuse_twice(list, n, err);
}
