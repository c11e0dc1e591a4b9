/* Where the rows of a series are: runs in the head, blocks in packs.
 *
 * Compacted packs come in pairs.  The current one answers alone as long as nothing else can have a
 * say: a block of it some rows of which have history stands *apart* (those rows are left out, and
 * their versions come from the history pack) when every version is asked for, when S lies before
 * what was settled, or when a place of another pair, a plain pack, the head or a later deletion
 * touches its times.  That is judged by whole blocks and by the measurement alone: apart is always
 * right, it only costs more.
 *
 * A block of history may come without all blocks of current rows in its times standing apart: then
 * a row is there beside its versions.  It is told from the newest of them, whose ingest time it
 * has, by `settled`, and does not count then (query/versions.c). */
#include <stdlib.h>

#include "store/view_inside.h"

/* Whose places there are: 0 ours, else the guests' part of that number from 1. */
struct authors {
    uint32_t first;
    bool any, several;
};

struct place_list {
    struct arena *arena;
    struct place *places;
    size_t count, capacity;
    struct authors authors;
};

static void author_note(struct authors *authors, uint32_t author)
{
    authors->several |= authors->any && authors->first != author;
    if (!authors->any)
        authors->first = author;
    authors->any = true;
}

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
                .author = view->guests == NULL ? NULL : &view->store->incarnation,
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

static bool places_of(struct pack *const *packs, size_t count, bool guests,
                      const struct series *series, int64_t start, int64_t end, bool history,
                      struct place_list *list)
{
    for (size_t p = 0; p < count; p++) {
        const struct pack *pack = packs[p];
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
                .bytes = block->size,
                .in_pack = true,
                .shared = block->series_count > 1,
                .settled = history ? INT64_MIN : pack_settled(pack),
                .author = guests ? pack_incarnation(pack) : NULL,
                .source = pack,
                .detail = block,
            };

            if (!place_add(list, &place))
                return false;
        }
    }
    return true;
}

/* Our own packs, and of other members. */
static bool pack_places(const struct view *view, const struct series *series, int64_t start,
                        int64_t end, bool history, struct place_list *list)
{
    const struct guest_list *guests = view->guests;

    if (view->packs != NULL && !places_of(view->packs->packs, view->packs->count, guests != NULL,
                                          series, start, end, history, list))
        return false;
    if (list->count > 0)
        author_note(&list->authors, 0);
    for (size_t i = 0; guests != NULL && i < guests->count; i++) {
        size_t before = list->count;

        if (!places_of(guests->parts[i].packs, guests->parts[i].count, true, series, start, end,
                       history, list))
            return false;
        if (list->count > before)
            author_note(&list->authors, (uint32_t)i + 1);
    }
    return true;
}

bool place_times_since(const struct place *place, int64_t since, int64_t *time_first,
                       int64_t *time_last)
{
    const struct run *run = place->detail;
    uint32_t low = 0, high = place->row_count;

    if (place->ingest_last <= since)
        return false;
    *time_first = place->time_first;
    *time_last = place->time_last;
    if (place->in_pack)
        return true;
    while (low < high) { /* rows of the head are appended in order of ingest */
        uint32_t middle = low + (high - low) / 2;

        if (run->ingest[middle] <= since)
            low = middle + 1;
        else
            high = middle;
    }
    *time_first = *time_last = run->time[low];
    for (uint32_t i = low + 1; i < place->row_count; i++) {
        *time_first = run->time[i] < *time_first ? run->time[i] : *time_first;
        *time_last = run->time[i] > *time_last ? run->time[i] : *time_last;
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
    size_t count;
    const struct tombstone *tombstones = view_tombstones(view, &count);

    for (size_t i = count; i > 0; i--) { /* ascending by ingest */
        const struct tombstone *tombstone = &tombstones[i - 1];

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

static int by_time_order(const void *a, const void *b)
{
    return place_order(*(struct place *const *)a, *(struct place *const *)b);
}

/* The number of the pair that it is of; a plain pack's own, UINT64_MAX for the head. */
static uint64_t pair_of(const struct place *place)
{
    struct pack_about about;

    if (!place->in_pack)
        return UINT64_MAX;
    about = pack_about(place->source);
    return about.number - (about.kind == PACK_HISTORY);
}

/* The nearest time of places on one side, of one pair and of the others. */
struct nearest {
    bool any, any_other;
    uint64_t pair;
    int64_t time, other_time;
};

/* What is nearest to a place of the pair, not its own; false = nothing. */
static bool nearest_to(const struct nearest *nearest, uint64_t pair, int64_t *time)
{
    *time = nearest->pair == pair ? nearest->other_time : nearest->time;
    return nearest->pair == pair ? nearest->any_other : nearest->any;
}

static void nearest_set(struct nearest *nearest, uint64_t pair, int64_t time)
{
    if (nearest->any && nearest->pair != pair) {
        nearest->any_other = true;
        nearest->other_time = nearest->time;
    }
    nearest->any = true;
    nearest->pair = pair;
    nearest->time = time;
}

/* Sets `apart` of places whose times another pair, a plain pack or the head has a place in, be it
 * one of history: rows that came to nothing are there alone. */
static void mark_touched(struct place *const *by_time, size_t count)
{
    struct nearest before = {0}, behind = {0};
    int64_t time;

    for (size_t i = 0; i < count; i++) {
        struct place *place = by_time[i];
        uint64_t pair = pair_of(place);

        place->apart = nearest_to(&before, pair, &time) && time >= place->time_first;
        if (before.any && before.pair == pair)
            before.time = place->time_last > before.time ? place->time_last : before.time;
        else if (!before.any || place->time_last >= before.time)
            nearest_set(&before, pair, place->time_last);
        else if (!before.any_other || place->time_last > before.other_time) {
            before.any_other = true;
            before.other_time = place->time_last;
        }
    }
    for (size_t i = count; i-- > 0;) {
        struct place *place = by_time[i];
        uint64_t pair = pair_of(place);

        place->apart |= nearest_to(&behind, pair, &time) && time <= place->time_last;
        nearest_set(&behind, pair, place->time_first);
    }
}

/* Whether the question wants more of a pair than its current rows. */
static bool wants_versions(const struct view *view, const struct series *series, bool versions,
                           const struct place *place)
{
    int64_t settled = pack_settled(place->source);

    return versions || view->as_of < settled ||
           deleted_since(view, series, settled, place->time_first, place->time_last);
}

/* A block of the pair's current rows stands apart within the times of the block of history. */
static bool apart_beside(const struct place *history, const struct place_list *list)
{
    for (size_t i = 0; i < list->count && list->places[i].time_first <= history->time_last; i++)
        if (list->places[i].apart && list->places[i].time_last >= history->time_first &&
            pair_of(&list->places[i]) == pair_of(history))
            return true;
    return false;
}

/* Versions of one time go on from block `a` to block `b`: both have a say, or none. */
static bool goes_on(const struct place *a, const struct place *b)
{
    return a->source == b->source && a->time_last >= b->time_first;
}

/* Sets `apart` of blocks that stand apart, and of blocks of history that have a say.  `list` is in
 * order of time_first, `history` as it stands in packs. */
static enum code set_apart(const struct view *view, const struct series *series, bool versions,
                           struct place_list *list, struct place_list *history)
{
    size_t count = list->count + history->count;
    struct place **by_time = ARENA_ARRAY(list->arena, struct place *, count);

    if (by_time == NULL)
        return E_MEMORY;
    for (size_t i = 0; i < count; i++)
        by_time[i] = i < list->count ? &list->places[i] : &history->places[i - list->count];
    if (count > 1)
        qsort(by_time, count, sizeof(struct place *), by_time_order);
    mark_touched(by_time, count);
    for (size_t i = 0; i < list->count; i++) {
        struct place *place = &list->places[i];

        place->apart = place_has_history(place) &&
                       (place->apart || wants_versions(view, series, versions, place));
        if (place->apart)
            place->settled = INT64_MIN;
    }
    for (size_t i = 0; i < history->count; i++) {
        struct place *place = &history->places[i];

        place->apart |= wants_versions(view, series, versions, place) || apart_beside(place, list);
    }
    for (size_t i = 1; i < history->count; i++)
        history->places[i].apart |=
            history->places[i - 1].apart && goes_on(&history->places[i - 1], &history->places[i]);
    for (size_t i = history->count; i-- > 1;)
        history->places[i - 1].apart |=
            history->places[i].apart && goes_on(&history->places[i - 1], &history->places[i]);
    return OK;
}

/* What an author's packs know of its own versions and deletions does not do where others have some.
 */
static bool is_mixed(const struct view *view, const struct series *series, int64_t start,
                     int64_t end, const struct place_list *list, const struct place_list *history)
{
    struct authors authors = list->authors;

    if (view->guests == NULL)
        return false;
    if (history->authors.any)
        author_note(&authors, history->authors.first);
    return authors.any && view_is_mixed(view, series, start, end, authors.first,
                                        authors.several || history->authors.several);
}

/* Most questions: no row of the places has history. */
static bool any_history(const struct place_list *list, const struct place_list *history)
{
    bool any = history->count > 0;

    for (size_t i = 0; !any && i < list->count; i++)
        any = place_has_history(&list->places[i]);
    return any;
}

enum code view_places(const struct view *view, const struct series *series, int64_t start,
                      int64_t end, bool versions, struct arena *arena, struct place **places,
                      size_t *count, struct error *err)
{
    struct place_list list = {.arena = arena}, history = {.arena = arena};
    bool mixed;
    size_t own;

    if (!head_places(view, series, start, end, &list) ||
        !pack_places(view, series, start, end, false, &list) ||
        !pack_places(view, series, start, end, true, &history))
        goto no_memory;
    if (list.count > 1)
        qsort(list.places, list.count, sizeof(*list.places), place_order);
    mixed = is_mixed(view, series, start, end, &list, &history);
    if (any_history(&list, &history) &&
        set_apart(view, series, versions || mixed, &list, &history) != OK)
        goto no_memory;
    for (size_t i = 0; mixed && i < list.count; i++)
        list.places[i].settled = INT64_MIN;
    own = list.count;
    for (size_t i = 0; i < history.count; i++) {
        bool counts = history.places[i].apart;

        history.places[i].apart = false; /* no row of it is left out */
        if (counts && !place_add(&list, &history.places[i]))
            goto no_memory;
    }
    if (list.count > own)
        qsort(list.places, list.count, sizeof(*list.places), place_order);
    *places = list.places;
    *count = list.count;
    return OK;

no_memory:
    return error_set(err, E_QUERY_MEMORY, "the list of places passes the query's memory limit");
}

void view_mark_alone(const struct view *view, const struct series *series, struct place *places,
                     size_t count)
{
    int64_t reached = INT64_MIN; /* by those before */

    for (size_t i = 0; i < count; i++) {
        struct place *place = &places[i];
        int64_t since = place->settled > place->ingest_first ? place->settled : place->ingest_first;
        bool before = i > 0 && reached >= place->time_first;
        bool behind = i + 1 < count && place[1].time_first <= place->time_last;

        place->alone = place->in_pack && !before && !behind && place->ingest_last <= view->as_of &&
                       !deleted_since(view, series, since, place->time_first, place->time_last);
        if (i == 0 || place->time_last > reached)
            reached = place->time_last;
    }
}
