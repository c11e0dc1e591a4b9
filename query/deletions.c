#include "query/deletions.h"

#include "base/map.h"
#include "query/watch.h"
#include "store/view.h"

/* The fields of the tombstone among those asked for, a byte each.  *any tells whether there are. */
static const uint8_t *fields_mask(const struct tombstone *tombstone, const struct bytes *fields,
                                  uint32_t field_count, struct arena *arena, bool *any)
{
    uint8_t *mask = ARENA_ARRAY(arena, uint8_t, field_count);

    *any = false;
    for (uint32_t i = 0; mask && i < field_count; i++) {
        for (uint32_t j = 0; j < tombstone->field_count && !mask[i]; j++)
            mask[i] = bytes_equal(fields[i], tombstone->fields[j]);
        *any |= mask[i] != 0;
    }
    return mask;
}

static bool touches(const struct tombstone *tombstone, struct bytes measurement, int64_t as_of,
                    int64_t start, int64_t end)
{
    return (tombstone->erase || tombstone->ingest <= as_of) && tombstone->start < end &&
           tombstone->end > start && bytes_equal(tombstone->selector.measurement, measurement);
}

/* The pattern was checked when the deletion was made: its fault is not the asker's. */
static enum code refuse_stored(enum code code, struct error *err)
{
    error_context(err, "a stored deletion");
    if (code == E_MEMORY)
        return code;
    if (err)
        err->code = E_INTERNAL;
    return E_INTERNAL;
}

/* --- all of a question --- */

/* While they are compiled. */
struct compiling {
    struct deletions *deletions;
    struct map by_selector; /* to a place in deletions->matchsets */
    struct watch *watch;
    struct arena *arena;
};

/* What series the tombstone selects, as a key; .data is NULL when memory ran out. */
static struct bytes selector_key(const struct selector *selector, struct arena *arena)
{
    size_t size = 1, count = selector->matcher_count;
    char *key, *at;

    for (size_t i = 0; i < count; i++)
        size += 1 + 2 * sizeof(size_t) + selector->matchers[i].key.size +
                selector->matchers[i].value.size;
    key = at = arena_alloc(arena, size);
    if (!key)
        return (struct bytes){NULL, 0};
    *at++ = (char)(count > 0);
    for (size_t i = 0; i < count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        const struct bytes parts[] = {matcher->key, matcher->value};

        *at++ = (char)matcher->op;
        for (size_t k = 0; k < COUNT_OF(parts); k++) {
            memcpy(at, &parts[k].size, sizeof(size_t));
            at += sizeof(size_t);
            if (parts[k].size > 0)
                memcpy(at, parts[k].data, parts[k].size);
            at += parts[k].size;
        }
    }
    return (struct bytes){key, size};
}

/* Its number; thousands of deletions mostly select a few times the same. */
static enum code find_matchset(struct compiling *compiling, const struct selector *selector,
                               uint32_t *number, struct error *err)
{
    struct deletions *deletions = compiling->deletions;
    struct bytes key = selector_key(selector, compiling->arena);
    struct matchset **known;
    enum code code;

    if (!key.data)
        return watch_memory(compiling->watch, err);
    known = map_get(&compiling->by_selector, key);
    if (known) {
        *number = (uint32_t)(known - deletions->matchsets);
        return OK;
    }
    known = &deletions->matchsets[deletions->matchset_count];
    code = matchset_new(selector, known, err);
    if (code)
        return refuse_stored(code, err);
    *number = deletions->matchset_count++;
    return map_put(&compiling->by_selector, key, known) ? watch_step(compiling->watch, err)
                                                        : watch_memory(compiling->watch, err);
}

static enum code compile(struct compiling *compiling, const struct tombstone *tombstone,
                         const struct bytes *fields, uint32_t field_count, struct error *err)
{
    struct deletion_list *list = &compiling->deletions->list;
    struct deletion deletion = {.ingest = tombstone->ingest,
                                .erase = tombstone->erase,
                                .start = tombstone->start,
                                .end = tombstone->end};
    bool any = true;
    enum code code;

    if (tombstone->field_count > 0) {
        deletion.fields = fields_mask(tombstone, fields, field_count, compiling->arena, &any);
        if (!deletion.fields)
            return watch_memory(compiling->watch, err);
    }
    if (!any)
        return OK;
    code = find_matchset(compiling, &tombstone->selector, &deletion.matchset, err);
    if (!code)
        list->each[list->count++] = deletion;
    return code;
}

enum code deletions_init(struct deletions *deletions, const struct tombstone *tombstones,
                         size_t count, struct bytes measurement, int64_t as_of, int64_t start,
                         int64_t end, const struct bytes *fields, uint32_t field_count,
                         struct watch *watch, struct arena *arena, struct error *err)
{
    struct compiling compiling = {deletions, MAP_INIT, watch, arena};
    uint32_t touching = 0;
    enum code code = OK;

    *deletions = (struct deletions){0};
    for (size_t i = 0; i < count; i++)
        touching += touches(&tombstones[i], measurement, as_of, start, end);
    if (touching == 0)
        return OK;
    deletions->list.each = ARENA_ARRAY(arena, struct deletion, touching);
    deletions->matchsets = ARENA_ARRAY(arena, struct matchset *, touching);
    if (!deletions->list.each || !deletions->matchsets)
        return watch_memory(watch, err);
    for (size_t i = 0; i < count && !code; i++) {
        code = watch_work(watch, 1, err);
        if (!code && touches(&tombstones[i], measurement, as_of, start, end))
            code = compile(&compiling, &tombstones[i], fields, field_count, err);
    }
    map_release(&compiling.by_selector);
    if (!code && !deletion_list_finish(&deletions->list, arena))
        return watch_memory(watch, err);
    return code;
}

/* --- of a series --- */

/* How far each place and those in front of it reach. */
static int64_t *reach_of(const struct place *places, size_t count, struct arena *arena)
{
    int64_t *reach = arena_alloc(arena, count * sizeof(*reach));

    for (size_t i = 0; reach && i < count; i++)
        reach[i] = i > 0 && reach[i - 1] > places[i].time_last ? reach[i - 1] : places[i].time_last;
    return reach;
}

/* Whether a place, which are in order of their first time, has a time in [start, end). */
static bool meets(const struct deletion *deletion, const struct place *places, size_t count,
                  const int64_t *reach)
{
    size_t first = 0, end = count; /* of those that begin before its end: the last */

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (places[middle].time_first < deletion->end)
            first = middle + 1;
        else
            end = middle;
    }
    return first > 0 && reach[first - 1] >= deletion->start;
}

enum verdict_known { NOT_ASKED, ADMITTED, NOT_ADMITTED };

static enum code admits(struct deletions *deletions, uint32_t matchset, const struct series *series,
                        uint8_t *known, bool *admitted, struct error *err)
{
    bool gave_up = false;

    if (known[matchset] == NOT_ASKED)
        known[matchset] = matchset_matches(deletions->matchsets[matchset], series, &gave_up)
                              ? ADMITTED
                              : NOT_ADMITTED;
    *admitted = known[matchset] == ADMITTED;
    if (gave_up) /* better no answer than deleted rows in it */
        return error_set(err, E_INTERNAL,
                         "a stored deletion has a pattern that takes too many steps to decide");
    return OK;
}

static bool list_add(struct deletion_list *list, uint32_t *capacity, struct arena *arena,
                     const struct deletion *deletion)
{
    if (list->count == *capacity) {
        uint32_t more = *capacity * 2 + 8;
        struct deletion *grown =
            arena_grow(arena, list->each, list->count * sizeof(*grown), more * sizeof(*grown));

        if (!grown)
            return false;
        list->each = grown;
        *capacity = more;
    }
    list->each[list->count++] = *deletion;
    return true;
}

enum code deletions_of(struct deletions *deletions, const struct series *series,
                       const struct place *places, size_t place_count, struct watch *watch,
                       struct arena *arena, struct deletion_list *of_series, struct error *err)
{
    const struct deletion_list *all = &deletions->list;
    uint32_t capacity = 0, looked_at = 0;
    int64_t *reach, first, last;
    uint8_t *known;
    enum code code = OK;

    *of_series = (struct deletion_list){0};
    if (all->count == 0 || place_count == 0)
        return OK;
    reach = reach_of(places, place_count, arena);
    known = ARENA_ARRAY(arena, uint8_t, deletions->matchset_count);
    if (!reach || !known)
        return watch_memory(watch, err);
    first = places[0].time_first;
    last = reach[place_count - 1];
    for (uint32_t i = deletion_list_next(all, 0, first, last); i < all->count && !code;
         i = deletion_list_next(all, i + 1, first, last)) {
        bool admitted = false;

        looked_at++;
        if (meets(&all->each[i], places, place_count, reach))
            code = admits(deletions, all->each[i].matchset, series, known, &admitted, err);
        if (!code && admitted && !list_add(of_series, &capacity, arena, &all->each[i]))
            code = watch_memory(watch, err);
    }
    if (!code && of_series->count > 0 && !deletion_list_finish(of_series, arena))
        return watch_memory(watch, err);
    return code ? code : watch_work(watch, looked_at, err);
}

void deletions_release(struct deletions *deletions)
{
    for (uint32_t i = 0; i < deletions->matchset_count; i++)
        matchset_free(deletions->matchsets[i]);
    *deletions = (struct deletions){0};
}
