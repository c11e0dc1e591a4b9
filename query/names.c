#include "query/names.h"

#include "base/map.h"

static struct bytes prefixed(struct arena *arena, struct bytes prefix, struct bytes name)
{
    char *text = arena_alloc(arena, prefix.size + name.size);

    if (!text)
        return (struct bytes){NULL, 0};
    memcpy(text, prefix.data, prefix.size);
    memcpy(text + prefix.size, name.data, name.size);
    return (struct bytes){text, prefix.size + name.size};
}

/* Adds the name with the prefix as often as it takes. */
static bool take(struct map *taken, struct arena *arena, struct bytes prefix, struct bytes *name)
{
    while (map_get(taken, *name)) {
        *name = prefixed(arena, prefix, *name);
        if (!name->data)
            return false;
    }
    return map_put(taken, *name, taken);
}

bool names_make(struct plan *plan, const struct bytes **tags, const struct bytes **columns)
{
    bool changes = plan->query->changes;
    struct bytes ours[] = {plan->query->stats ? BYTES("field") : BYTES("time"), BYTES("known_from"),
                           changes ? BYTES("change") : BYTES("known_to")};
    size_t our_count = query_wants_versions(plan->query) ? 3 : 1;
    struct bytes *tag_names = ARENA_ARRAY(&plan->arena, struct bytes, plan->tag_key_count);
    struct bytes *column_names = ARENA_ARRAY(&plan->arena, struct bytes, plan->column_count);
    struct map taken = MAP_INIT;
    bool made = tag_names && column_names;

    for (size_t i = 0; i < our_count && made; i++)
        made = take(&taken, &plan->arena, BYTES(""), &ours[i]);
    for (size_t i = 0; i < plan->column_count && made; i++) {
        column_names[i] = plan->columns[i].name;
        made = take(&taken, &plan->arena, BYTES("field."), &column_names[i]);
    }
    for (size_t i = 0; i < plan->tag_key_count && made; i++) {
        tag_names[i] = plan->tag_keys[i];
        made = take(&taken, &plan->arena, BYTES("tag."), &tag_names[i]);
    }
    map_release(&taken);
    *tags = tag_names;
    *columns = column_names;
    return made;
}
