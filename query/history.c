#include "query/history.h"

#include <stdlib.h>

void history_init(struct history *history, const struct scan_setting *setting, uint32_t value_count,
                  int64_t floor)
{
    struct budget *memory = &setting->watch->memory;

    *history = (struct history){.value_count = value_count, .floor = floor};
    arena_init(&history->arena, memory->bytes_max, memory);
}

void history_begin(struct history *history, struct scan *scan)
{
    history->scan = scan;
}

/* Room for the states of a row with so many events; one more set of values is scratch. */
static enum code reserve(struct history *history, size_t events, struct error *err)
{
    struct watch *watch = history->scan->setting->watch;
    const struct scan_setting *setting = history->scan->setting;
    const struct sieve *sieve = setting->sieve;
    size_t sources = sieve ? sieve->field_count + sieve->computed_count : 0;
    size_t capacity = history->capacity ? history->capacity : 8, values;

    if (events <= history->capacity)
        return OK;
    while (capacity < events)
        capacity *= 2;
    history->capacity = 0; /* nothing holds if this fails half way */
    arena_release(&history->arena);
    if (__builtin_mul_overflow(capacity + 1, (size_t)history->value_count, &values))
        return watch_memory(watch, err);
    history->events = ARENA_ARRAY(&history->arena, int64_t, capacity);
    history->known = ARENA_ARRAY(&history->arena, struct known, capacity);
    history->values = ARENA_ARRAY(&history->arena, struct datum, values);
    history->sources = ARENA_ARRAY(&history->arena, struct datum, sources);
    history->decided = ARENA_ARRAY(&history->arena, uint8_t, setting->field_count);
    if (!history->events || !history->known || !history->values || !history->sources ||
        !history->decided)
        return watch_memory(watch, err);
    history->capacity = capacity;
    return OK;
}

static int compare_events(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* When the row's answer may have changed: at each version, and each deletion of its time.  Not when
 * it was erased: that is so at all of them. */
static enum code collect_events(struct history *history, const struct stretch *stretch,
                                size_t count, size_t *events, struct error *err)
{
    const struct covering *covering = &history->scan->covering;
    size_t n, kept = 0;
    enum code code = reserve(history, count + covering->count, err);

    if (code)
        return code;
    for (n = 0; n < count; n++)
        history->events[n] = stretch->versions[n].place->rows.ingest[stretch->versions[n].row];
    for (uint32_t i = 0; i < covering->count; i++)
        if (!covering->each[i]->erase)
            history->events[n++] = covering->each[i]->ingest;
    if (n > 1)
        qsort(history->events, n, sizeof(*history->events), compare_events);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || history->events[kept - 1] != history->events[i])
            history->events[kept++] = history->events[i];
    *events = kept;
    return OK;
}

static bool same_values(const struct datum *a, const struct datum *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!datum_equal(&a[i], &b[i]))
            return false;
    return true;
}

/* What the row was at `now`; how many of the values there are. */
static uint32_t state_at(struct history *history, const struct version *list, size_t count,
                         int64_t now, struct datum *values)
{
    const struct scan_setting *setting = history->scan->setting;
    struct datum *resolved = setting->sieve ? history->sources : values;
    uint32_t valid =
        versions_resolve(list, count, now, setting->field_count, resolved, history->decided);

    return setting->sieve && valid > 0 ? sieve_row(setting->sieve, resolved, values) : valid;
}

/* Replays the row's life; *states is the number of its states.  Events times versions are steps
 * enough to look at the deadline between them. */
static enum code replay(struct history *history, const struct version *list, size_t count,
                        size_t events, size_t *states, struct error *err)
{
    uint32_t value_count = history->value_count;
    struct known *last = NULL; /* the state that holds */
    size_t n = 0;

    for (size_t i = 0; i < events; i++) {
        int64_t now = history->events[i];
        struct datum *values = &history->values[n * value_count];
        uint32_t valid = state_at(history, list, count, now, values);
        enum code code = watch_work(history->scan->setting->watch, count, err);

        if (code)
            return code;
        if (last && valid > 0 && same_values(last->values, values, value_count))
            continue;
        if (last)
            last->to = now;
        if (last && now <= history->floor) { /* nobody can ask for it: its place is free again */
            n--;
            memcpy(&history->values[n * value_count], values, value_count * sizeof(*values));
            values = &history->values[n * value_count];
        }
        last = NULL;
        if (valid == 0)
            continue;
        last = &history->known[n++];
        *last = (struct known){now, KNOWN_STILL, values};
    }
    *states = n;
    return OK;
}

enum code history_next(struct history *history, int64_t *time, const struct known **known,
                       size_t *count, struct error *err)
{
    struct scan *scan = history->scan;

    for (;;) {
        struct stretch stretch;
        size_t versions, events, states;
        enum code code;

        scan_forget(scan);
        code = scan_next(scan, &stretch, err);
        if (code)
            return code;
        versions = versions_sort(stretch.versions, stretch.version_count, scan->setting->as_of);
        code = collect_events(history, &stretch, versions, &events, err);
        if (!code)
            code = replay(history, stretch.versions, versions, events, &states, err);
        if (code)
            return code;
        if (states == 0)
            continue;
        *time = stretch.time;
        *known = history->known;
        *count = states;
        return OK;
    }
}

void history_release(struct history *history)
{
    arena_release(&history->arena);
}
