/* Selecting: the tag index gives a seed, the smallest set of candidates that one matcher allows;
 * every candidate is then asked all matchers.  So the index only saves work, and what a matcher
 * means stands in one place, match.c.
 *
 * A seed is the posting list of an equality, or the lists of those values of a key that a
 * pattern admits, where trying the values is less work than trying the candidates; else all
 * series of the measurement.  A matcher that admits the absent tag is never a seed.  Patterns run
 * and candidates are filtered without the lock, candidates come out of it in slices.  A series
 * that arrives meanwhile may be in the answer or not. */
#include <stdlib.h>

#include "catalog/catalog.h"
#include "catalog/lock.h"
#include "catalog/match.h"
#include "catalog/tables.h"

enum {
    SLICE_SERIES = 1024,
    FOUND_FIRST = 64,
};

/* Where the candidates come from; `values` NULL = the whole measurement. */
struct seed {
    const struct tag_value **values;
    size_t value_count;
    uint64_t size; /* candidates */
};

/* The walk over a seed. */
struct walk {
    const struct measurement *measurement;
    struct seed seed;
    size_t value_at;
    uint32_t place_at;
};

struct found {
    struct series_id id; /* beside the pointer: sorting touches no series */
    struct series *series;
};

struct selection {
    struct tenant_tables *tables;
    const struct selector *selector;
    struct matchset *matchset;
    const struct look *look;
    struct arena *arena;
    struct found *found;
    size_t count, capacity;
};

/* Between slices: is anybody waiting still? */
static enum code look_up(const struct selection *selection, struct error *err)
{
    return selection->look ? selection->look->look(selection->look->context, err) : OK;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the selected series");
}

/* Under the lock: the smallest posting list of an equality.  False: one of them selects nothing. */
static bool seed_by_equality(const struct selection *selection, const struct tag_value **value,
                             const struct measurement *measurement, struct seed *seed)
{
    const struct selector *selector = selection->selector;

    for (uint32_t i = 0; i < selector->matcher_count; i++) {
        const struct matcher *matcher = &selector->matchers[i];
        const struct tag_key *key;
        const struct tag_value *found;

        if (matcher->op != MATCH_EQUAL || matcher->value.size == 0)
            continue;
        key = tags_key(&measurement->tags, matcher->key);
        found = key ? tag_key_value(key, matcher->value) : NULL;
        if (!found)
            return false;
        if (found->count >= seed->size)
            continue;
        *value = found;
        *seed = (struct seed){value, 1, found->count};
    }
    return true;
}

/* Copies the key's values, so that patterns can run without the lock.  NULL: memory. */
static const struct tag_value **values_copy(const struct tag_key *key, struct arena *arena,
                                            size_t *count)
{
    const struct tag_value **values =
        ARENA_ARRAY(arena, const struct tag_value *, key->values.count);
    const struct tag_value *value;
    size_t n = 0;

    for (size_t i = 0; values && (value = hash_table_next(&key->values, &i)) != NULL;)
        values[n++] = value;
    *count = n;
    return values;
}

/* Tries the pattern of matcher `index` on the values of its key and takes those it admits for the
 * seed if they lead to fewer candidates.  Called without the lock. */
static enum code seed_by_pattern(const struct selection *selection, uint32_t index,
                                 const struct measurement *measurement, struct seed *seed,
                                 struct error *err)
{
    pthread_rwlock_t *lock = &selection->tables->lock;
    struct bytes name = selection->selector->matchers[index].key;
    const struct tag_value **values = NULL;
    const struct tag_key *key;
    struct seed mine = {0};
    size_t count = 0;
    bool worth;

    if (matchset_admits(selection->matchset, index, BYTES(""), NULL))
        return OK;
    lock_read(lock);
    key = tags_key(&measurement->tags, name);
    worth = !key || key->values.count < seed->size;
    if (key && worth)
        values = values_copy(key, selection->arena, &count);
    lock_leave(lock);
    if (!worth)
        return OK;
    if (key && !values)
        return no_memory(err);
    for (size_t i = 0; i < count && !matchset_gave_up(selection->matchset); i++) {
        enum code code = i % SLICE_SERIES == 0 ? look_up(selection, err) : OK;

        if (code)
            return code;
        if (matchset_admits(selection->matchset, index, values[i]->text, NULL))
            values[mine.value_count++] = values[i];
    }
    lock_read(lock);
    for (size_t i = 0; i < mine.value_count; i++)
        mine.size += values[i]->count;
    lock_leave(lock);
    mine.values = values;
    if (mine.size < seed->size)
        *seed = mine;
    return OK;
}

/* The next candidates, in `slice`; 0 = no more.  Lists may have grown since the last call, what
 * was given stays where it was. */
static size_t walk_next(struct tenant_tables *tables, struct walk *walk,
                        struct series *slice[SLICE_SERIES])
{
    size_t n = 0;

    lock_read(&tables->lock);
    if (!walk->seed.values) {
        while (n < SLICE_SERIES && walk->place_at < walk->measurement->series_count)
            slice[n++] = walk->measurement->series[walk->place_at++];
    }
    while (n < SLICE_SERIES && walk->value_at < walk->seed.value_count) {
        const struct tag_value *value = walk->seed.values[walk->value_at];
        const uint32_t *places = tag_value_places(value);

        while (n < SLICE_SERIES && walk->place_at < value->count)
            slice[n++] = walk->measurement->series[places[walk->place_at++]];
        if (walk->place_at < value->count)
            break;
        walk->value_at++;
        walk->place_at = 0;
    }
    lock_leave(&tables->lock);
    return n;
}

static enum code found_add(struct selection *selection, struct series *series, struct error *err)
{
    if (selection->count == selection->capacity) {
        size_t capacity = selection->capacity ? selection->capacity * 2 : FOUND_FIRST;
        struct found *found =
            arena_grow(selection->arena, selection->found, selection->capacity * sizeof(*found),
                       capacity * sizeof(*found));

        if (!found)
            return no_memory(err);
        selection->found = found;
        selection->capacity = capacity;
    }
    selection->found[selection->count++] = (struct found){series->id, series};
    return OK;
}

static enum code gather(struct selection *selection, struct walk *walk, uint64_t series_max,
                        struct error *err)
{
    struct series *slice[SLICE_SERIES];
    size_t n;

    /* Once a pattern gave up there is no answer: no value more is tried. */
    while (!matchset_gave_up(selection->matchset) &&
           (n = walk_next(selection->tables, walk, slice)) > 0) {
        enum code code = look_up(selection, err);

        if (code)
            return code;
        for (size_t i = 0; i < n; i++) {
            if (!matchset_matches(selection->matchset, slice[i], NULL))
                continue;
            if (selection->count >= series_max)
                return error_set(err, E_SERIES_MANY,
                                 "the selection has more than %llu series (query_series_max)",
                                 (unsigned long long)series_max);
            code = found_add(selection, slice[i], err);
            if (code)
                return code;
        }
    }
    return OK;
}

static enum code select_in(struct selection *selection, const struct measurement *measurement,
                           uint64_t series_max, struct error *err)
{
    const struct selector *selector = selection->selector;
    struct walk walk = {.measurement = measurement};
    const struct tag_value *value = NULL;
    const struct matcher *gave_up;
    enum code code = OK;
    bool possible;

    lock_read(&selection->tables->lock);
    walk.seed.size = measurement->series_count;
    possible = seed_by_equality(selection, &value, measurement, &walk.seed);
    lock_leave(&selection->tables->lock);
    if (!possible)
        return OK;
    for (uint32_t i = 0; i < selector->matcher_count && !code; i++)
        if (selector->matchers[i].op == MATCH_REGEX || selector->matchers[i].op == MATCH_NOT_REGEX)
            code = seed_by_pattern(selection, i, measurement, &walk.seed, err);
    if (!code)
        code = gather(selection, &walk, series_max, err);
    gave_up = matchset_gave_up(selection->matchset);
    if (matchset_starved(selection->matchset))
        return error_set(err, E_MEMORY, "no memory to match a pattern");
    if (gave_up)
        return error_set(err, E_BAD_PARAMETER,
                         "pattern \"%.*s\" of tag \"%.*s\" takes too many steps to decide: make it "
                         "simpler",
                         BYTES_ARG(gave_up->value), BYTES_ARG(gave_up->key));
    return code;
}

static int found_compare(const void *a, const void *b)
{
    return series_id_compare(((const struct found *)a)->id, ((const struct found *)b)->id);
}

static enum code found_deliver(struct selection *selection, struct series ***series, size_t *count,
                               struct error *err)
{
    struct series **sorted = ARENA_ARRAY(selection->arena, struct series *, selection->count);

    if (!sorted)
        return no_memory(err);
    if (selection->count > 1)
        qsort(selection->found, selection->count, sizeof(*selection->found), found_compare);
    for (size_t i = 0; i < selection->count; i++)
        sorted[i] = selection->found[i].series;
    *series = sorted;
    *count = selection->count;
    return OK;
}

enum code catalog_select(struct catalog *catalog, const struct tenant *tenant,
                         const struct selector *selector, uint64_t series_max,
                         const struct look *look, struct arena *arena, struct series ***series,
                         size_t *count, struct error *err)
{
    struct selection selection = {
        .tables = tables_of(tenant), .selector = selector, .look = look, .arena = arena};
    const struct measurement *measurement;
    enum code code;

    (void)catalog;
    code = matchset_new(selector, &selection.matchset, err);
    if (code)
        return code;
    lock_read(&selection.tables->lock);
    measurement = measurement_find(selection.tables, selector->measurement);
    lock_leave(&selection.tables->lock);
    if (measurement)
        code = select_in(&selection, measurement, series_max, err);
    if (!code)
        code = found_deliver(&selection, series, count, err);
    matchset_free(selection.matchset);
    return code;
}
