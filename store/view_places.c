/* Where the rows of a series are: runs in the head, blocks in packs.
 *
 * Compacted packs come in pairs.  The current one answers alone as long as nothing else can have a
 * say: a block of it some rows of which have history stands *apart* (those rows are left out, and
 * their versions come from the history pack) when every version is asked for, when S lies before
 * what was settled, or when another place or a later deletion touches its times.  That is judged by
 * whole blocks and by the measurement alone: apart is always right, it only costs more. */
#include <stdlib.h>

#include "store/view_inside.h"

struct place_list {
    struct arena *arena;
    struct place *places;
    size_t count, capacity;
};

static bool place_add(struct place_list *list, const struct place *place)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity * 2 + 8;
        struct place *grown = arena_grow(list->arena, list->places, list->count * sizeof(*grown),
                                         capacity * sizeof(*grown));

        if (grown == NULL)
            return false;
        list->places = grown;
        list->capacity = capacity;
    }
    list->places[list->count++] = *place;
    return true;
}

static bool head_places(const struct view *view, const struct series *series, int64_t start,
                        int64_t end, struct place_list *list)
{
    for (size_t g = 0; g < view->generation_count; g++) {
        const struct generation *generation = view->generations[g];
        const struct chain *chain = generation_chain(generation, series);
        const struct run *run =
            chain == NULL ? NULL : atomic_load_explicit(&chain->first, memory_order_acquire);

        for (; run != NULL; run = atomic_load_explicit(&run->next, memory_order_acquire)) {
            uint32_t count = atomic_load_explicit(&run->count, memory_order_acquire);
            struct place place = {
                .time_first = run->time_first,
                .time_last = run->time_last,
                .row_count = count,
                .settled = INT64_MIN,
                .source = generation,
                .detail = run,
            };

            if (count == 0 || place.time_last < start || place.time_first >= end)
                continue;
            place.ingest_first = run->ingest[0]; /* rows are appended in order of ingest */
            place.ingest_last = run->ingest[count - 1];
            if (!place_add(list, &place))
                return false;
        }
    }
    return true;
}

static bool pack_places(const struct view *view, const struct series *series, int64_t start,
                        int64_t end, bool history, struct place_list *list)
{
    for (size_t p = 0; view->packs != NULL && p < view->packs->count; p++) {
        const struct pack *pack = view->packs->packs[p];
        size_t at = 0;
        const struct pack_block *block;

        if ((pack_kind(pack) == PACK_HISTORY) != history)
            continue;
        while ((block = pack_find(pack, series->measurement, series->id, start, end, &at)) !=
               NULL) {
            struct place place = {
                .time_first = block->time_first,
                .time_last = block->time_last,
                .ingest_first = block->ingest_first,
                .ingest_last = block->ingest_last,
                .row_count = block->row_count,
                .in_pack = true,
                .settled = history ? INT64_MIN : pack_settled(pack),
                .source = pack,
                .detail = block,
            };

            if (!place_add(list, &place))
                return false;
        }
    }
    return true;
}

static int place_order(const void *a, const void *b)
{
    const struct place *left = a, *right = b;

    return left->time_first < right->time_first ? -1 : left->time_first > right->time_first;
}

/* A deletion that the compaction did not know touches these times of the measurement. */
static bool deleted_since(const struct view *view, const struct series *series, int64_t settled,
                          int64_t time_first, int64_t time_last)
{
    const struct tombstone_list *list = view->tombstones;

    for (size_t i = list == NULL ? 0 : list->count; i > 0; i--) { /* ascending by ingest */
        const struct tombstone *tombstone = &list->tombstones[i - 1];

        if (tombstone->ingest <= settled)
            return false;
        if (tombstone->start <= time_last && tombstone->end > time_first &&
            bytes_equal(tombstone->selector.measurement, series->measurement))
            return true;
    }
    return false;
}

static bool place_has_history(const struct place *place)
{
    return place->in_pack && ((const struct pack_block *)place->detail)->has_history;
}

/* `places` are in order of time_first. */
static void set_apart(const struct view *view, const struct series *series, bool versions,
                      struct place *places, size_t count)
{
    int64_t last = INT64_MIN; /* of the places before */

    for (size_t i = 0; i < count; i++) {
        struct place *place = &places[i];
        bool touched = (i > 0 && last >= place->time_first) ||
                       (i + 1 < count && places[i + 1].time_first <= place->time_last);

        if (place->time_last > last)
            last = place->time_last;
        place->apart =
            place_has_history(place) &&
            (versions || touched || view->as_of < place->settled ||
             deleted_since(view, series, place->settled, place->time_first, place->time_last));
        if (place->apart)
            place->settled = INT64_MIN;
    }
}

/* Whether the versions of a history block may have a say.  Beside the cases of set_apart(): rows
 * that came to nothing have no row in the current pack. */
static bool history_counts(const struct view *view, const struct series *series, bool versions,
                           const struct place *history, const struct place *places, size_t count)
{
    int64_t settled = pack_settled(history->source);

    if (versions || view->as_of < settled ||
        deleted_since(view, series, settled, history->time_first, history->time_last))
        return true;
    for (size_t i = 0; i < count && places[i].time_first <= history->time_last; i++)
        if (places[i].time_last >= history->time_first && places[i].settled == INT64_MIN)
            return true;
    return false;
}

enum code view_places(const struct view *view, const struct series *series, int64_t start,
                      int64_t end, bool versions, struct arena *arena, struct place **places,
                      size_t *count, struct error *err)
{
    struct place_list list = {.arena = arena}, history = {.arena = arena};
    size_t own;

    if (!head_places(view, series, start, end, &list) ||
        !pack_places(view, series, start, end, false, &list) ||
        !pack_places(view, series, start, end, true, &history))
        goto no_memory;
    if (list.count > 1)
        qsort(list.places, list.count, sizeof(*list.places), place_order);
    set_apart(view, series, versions, list.places, list.count);
    own = list.count;
    for (size_t i = 0; i < history.count; i++)
        if (history_counts(view, series, versions, &history.places[i], list.places, own) &&
            !place_add(&list, &history.places[i]))
            goto no_memory;
    if (list.count > own)
        qsort(list.places, list.count, sizeof(*list.places), place_order);
    *places = list.places;
    *count = list.count;
    return OK;

no_memory:
    return error_set(err, E_QUERY_MEMORY, "the list of places passes the query's memory limit");
}
