#include "store/holding.h"

#include <stdlib.h>

#include "store/guest_list.h"
#include "store/packs/pack.h"

struct pack_list *pack_list_new(size_t capacity)
{
    struct pack_list *list = malloc(sizeof(*list) + capacity * sizeof(struct pack *));

    if (list == NULL)
        return NULL;
    atomic_init(&list->references, 1);
    list->count = 0;
    return list;
}

struct pack_list *pack_list_ref(struct pack_list *list)
{
    if (list != NULL)
        atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    return list;
}

void pack_list_unref(struct pack_list *list)
{
    if (list == NULL || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < list->count; i++)
        pack_unref(list->packs[i]);
    free(list);
}

struct tombstone_list *tombstone_list_ref(struct tombstone_list *list)
{
    if (list != NULL)
        atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    return list;
}

void tombstone_list_unref(struct tombstone_list *list)
{
    if (list != NULL && atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) == 1)
        free(list);
}

enum code holding_add_pack(struct holding *holding, struct pack *pack, struct error *err)
{
    size_t count = holding->packs == NULL ? 0 : holding->packs->count, at = count;
    struct pack_list *list = pack_list_new(count + 1);

    if (list == NULL)
        return error_set(err, E_MEMORY, "no memory for the list of packs");
    holding_note_newest(holding, pack_about(pack).ingest_last);
    holding_note_newest(holding,
                        pack_settled(pack)); /* deletions that no index tells of any more */
    list->count = count + 1;
    while (at > 0 && pack_about(holding->packs->packs[at - 1]).number > pack_about(pack).number)
        at--; /* a number that was drawn is higher than all that are counted */
    for (size_t i = 0; i < count; i++)
        list->packs[i + (i >= at)] = pack_ref(holding->packs->packs[i]);
    list->packs[at] = pack;
    pack_list_unref(holding->packs);
    holding->packs = list;
    holding->packs_changed++;
    return OK;
}

/* A copy whose texts are in the arena; false when memory ran out. */
static bool tombstone_copy(struct arena *arena, const struct tombstone *from, struct tombstone *to)
{
    struct matcher *matchers = ARENA_ARRAY(arena, struct matcher, from->selector.matcher_count);
    struct bytes *fields = ARENA_ARRAY(arena, struct bytes, from->field_count);

    if (matchers == NULL || fields == NULL)
        return false;
    *to = *from;
    to->selector.measurement = arena_copy(arena, from->selector.measurement);
    for (uint32_t i = 0; i < from->selector.matcher_count; i++) {
        matchers[i] = from->selector.matchers[i];
        matchers[i].key = arena_copy(arena, matchers[i].key);
        matchers[i].value = arena_copy(arena, matchers[i].value);
        if (matchers[i].key.data == NULL || matchers[i].value.data == NULL)
            return false;
    }
    for (uint32_t i = 0; i < from->field_count; i++) {
        fields[i] = arena_copy(arena, from->fields[i]);
        if (fields[i].data == NULL)
            return false;
    }
    to->selector.matchers = matchers;
    to->fields = fields;
    return to->selector.measurement.data != NULL;
}

enum code holding_add_tombstone(struct holding *holding, const struct tombstone *tombstone,
                                struct error *err)
{
    size_t count = holding->tombstones == NULL ? 0 : holding->tombstones->count;
    struct tombstone_list *list = malloc(sizeof(*list) + (count + 1) * sizeof(struct tombstone));

    if (list == NULL || !tombstone_copy(&holding->arena, tombstone, &list->tombstones[count])) {
        free(list);
        return error_set(err, E_MEMORY, "no memory for the list of deletions");
    }
    holding_note_newest(holding, tombstone->ingest);
    atomic_init(&list->references, 1);
    list->count = count + 1;
    if (count > 0)
        memcpy(list->tombstones, holding->tombstones->tombstones, count * sizeof(struct tombstone));
    tombstone_list_unref(holding->tombstones);
    holding->tombstones = list;
    return OK;
}

static bool holds(const int64_t *list, size_t count, int64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

enum code holding_drop_tombstones(struct holding *holding, const int64_t *ingest, size_t count,
                                  struct error *err)
{
    const struct tombstone_list *now = holding->tombstones;
    struct tombstone_list *list;

    if (count == 0 || now == NULL)
        return OK;
    list = malloc(sizeof(*list) + now->count * sizeof(struct tombstone));
    if (list == NULL)
        return error_set(err, E_MEMORY, "no memory for the list of deletions");
    atomic_init(&list->references, 1);
    list->count = 0;
    for (size_t i = 0; i < now->count; i++)
        if (!holds(ingest, count, now->tombstones[i].ingest))
            list->tombstones[list->count++] = now->tombstones[i];
    for (size_t i = 0; i < count; i++)
        if (ingest[i] > holding->deleted_last)
            holding->deleted_last = ingest[i];
    tombstone_list_unref(holding->tombstones);
    holding->tombstones = list;
    return OK;
}

static bool note_number(uint64_t **numbers, size_t *count, uint64_t number)
{
    uint64_t *grown = realloc(*numbers, (*count + 1) * sizeof(*grown));

    if (grown == NULL)
        return false;
    grown[(*count)++] = number;
    *numbers = grown;
    return true;
}

bool holding_note_bad_pack(struct holding *holding, uint64_t number)
{
    return note_number(&holding->bad_packs, &holding->bad_pack_count, number);
}

bool holding_note_unopened(struct holding *holding, uint64_t number)
{
    return note_number(&holding->unopened, &holding->unopened_count, number);
}

void holding_release(struct holding *holding)
{
    free(holding->bad_packs);
    free(holding->unopened);
    pack_list_unref(holding->packs);
    tombstone_list_unref(holding->tombstones);
    guest_list_unref(holding->guests);
    arena_release(&holding->arena);
}
