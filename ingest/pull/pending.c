/* Points are found by (series, time, name of the first field) in a table of places, as rows that
 * are recalled come in any number and name them so.  Who stands there is the newest of several
 * versions; each knows whether a later one came. */
#include "ingest/pull/pending.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "codec/series_key.h"

enum { SLOTS_FIRST = 1024, POINTS_FIRST = 256 };

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of a page");
}

void pending_init(struct pending *pending)
{
    *pending = (struct pending){.key = BUF_INIT(SIZE_MAX)};
    arena_init(&pending->arena, SIZE_MAX, NULL);
}

static void release_maps(struct pending *pending)
{
    map_release(&pending->series_by_key);
    map_release(&pending->shapes_by_key);
    map_release(&pending->names);
}

void pending_release(struct pending *pending)
{
    release_maps(pending);
    buf_release(&pending->key);
    arena_release(&pending->arena);
}

void pending_clear(struct pending *pending)
{
    struct buf key = pending->key;
    bool lists = pending->lists;
    size_t capacity = pending->capacity;

    release_maps(pending);
    arena_release(&pending->arena);
    *pending = (struct pending){.key = key, .lists = lists, .wanted = capacity};
    arena_init(&pending->arena, SIZE_MAX, NULL);
}

/* --- series --- */

static bool is_series(const struct pending_series *series, const struct point *point)
{
    if (series->tag_count != point->tag_count ||
        !bytes_equal(series->measurement, point->measurement))
        return false;
    for (uint32_t i = 0; i < point->tag_count; i++)
        if (!bytes_equal(series->tags[i].key, point->tags[i].key) ||
            !bytes_equal(series->tags[i].value, point->tags[i].value))
            return false;
    return true;
}

static enum code add_series(struct pending *pending, const struct point *point, uint32_t *index,
                            struct error *err)
{
    struct arena *arena = &pending->arena;
    struct pending_series *series;

    if (pending->series_count == pending->series_capacity) {
        size_t capacity = pending->series_capacity == 0 ? 64 : 2 * pending->series_capacity;

        series = arena_grow(arena, pending->series, pending->series_capacity * sizeof(*series),
                            capacity * sizeof(*series));
        if (series == NULL)
            return no_memory(err);
        pending->series = series;
        pending->series_capacity = capacity;
    }
    series = &pending->series[pending->series_count];
    *series = (struct pending_series){.key = arena_copy(arena, buf_bytes(&pending->key)),
                                      .time_first = INT64_MAX,
                                      .time_last = INT64_MIN};
    series->measurement = arena_copy(arena, point->measurement);
    series->tags = ARENA_ARRAY(arena, struct series_tag, point->tag_count);
    if (series->key.data == NULL || series->measurement.data == NULL || series->tags == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < point->tag_count; i++) {
        struct series_tag tag = {arena_copy(arena, point->tags[i].key),
                                 arena_copy(arena, point->tags[i].value)};

        if (tag.key.data == NULL || tag.value.data == NULL)
            return no_memory(err);
        series->tags[series->tag_count++] = tag;
    }
    *index = (uint32_t)pending->series_count++;
    /* The value is the place + 1: NULL stands for nobody. */
    return map_put(&pending->series_by_key, series->key, (void *)(uintptr_t)(*index + 1))
               ? OK
               : no_memory(err);
}

/* The one before mostly is the same.  Tags come out sorted. */
static enum code find_series(struct pending *pending, const struct point *point, uint32_t *index,
                             struct error *err)
{
    void *found;
    enum code code;

    if (pending->count > 0) {
        *index = pending->points[pending->count - 1].series;
        if (is_series(&pending->series[*index], point))
            return OK;
    }
    buf_clear(&pending->key);
    code = series_key_encode(point->measurement, point->tags, point->tag_count, &pending->key, err);
    if (code)
        return code;
    found = map_get(&pending->series_by_key, buf_bytes(&pending->key));
    if (found == NULL)
        return add_series(pending, point, index, err);
    *index = (uint32_t)(uintptr_t)found - 1;
    return OK;
}

/* --- shapes --- */

static bool is_shape(const struct pending_shape *shape, const struct point *point)
{
    if (shape->field_count != point->field_count ||
        !bytes_equal(shape->measurement, point->measurement))
        return false;
    for (uint32_t i = 0; i < point->field_count; i++)
        if (shape->fields[i].type != point->fields[i].type ||
            !bytes_equal(shape->fields[i].name, point->fields[i].name))
            return false;
    return true;
}

static bool number_name(struct pending *pending, struct pending_shape *shape)
{
    struct bytes name = shape->fields[0].name;
    uintptr_t number = (uintptr_t)map_get(&pending->names, name);

    if (number == 0) {
        number = pending->names.count + 1;
        if (!map_put(&pending->names, name, (void *)number))
            return false;
    }
    shape->name = (uint32_t)number;
    return true;
}

static bool fill_shape(struct pending *pending, const struct point *point,
                       struct pending_shape *shape)
{
    struct arena *arena = &pending->arena;
    struct batch_field *fields = ARENA_ARRAY(arena, struct batch_field, point->field_count);
    uint32_t nulls = 0;

    for (uint32_t i = 0; fields != NULL && i < point->field_count; i++) {
        fields[i] =
            (struct batch_field){arena_copy(arena, point->fields[i].name), point->fields[i].type};
        if (fields[i].name.data == NULL)
            return false;
        nulls += fields[i].type == TYPE_RETRACTED;
    }
    *shape = (struct pending_shape){.measurement = arena_copy(arena, point->measurement),
                                    .fields = fields,
                                    .field_count = point->field_count,
                                    .null_count = nulls};
    return fields != NULL && shape->measurement.data != NULL && number_name(pending, shape);
}

static enum code add_shape(struct pending *pending, const struct point *point, uint32_t *index,
                           struct error *err)
{
    struct bytes key = arena_copy(&pending->arena, buf_bytes(&pending->key));

    if (pending->shape_count == pending->shape_capacity) {
        size_t capacity = pending->shape_capacity == 0 ? 4 : 2 * pending->shape_capacity;
        struct pending_shape *shapes =
            arena_grow(&pending->arena, pending->shapes, pending->shape_capacity * sizeof(*shapes),
                       capacity * sizeof(*shapes));

        if (shapes == NULL)
            return no_memory(err);
        pending->shapes = shapes;
        pending->shape_capacity = capacity;
    }
    if (key.data == NULL || !fill_shape(pending, point, &pending->shapes[pending->shape_count]))
        return no_memory(err);
    *index = (uint32_t)pending->shape_count++;
    return map_put(&pending->shapes_by_key, key, (void *)(uintptr_t)(*index + 1)) ? OK
                                                                                  : no_memory(err);
}

/* That of the point before mostly is the same. */
static enum code find_shape(struct pending *pending, const struct point *point, uint32_t *index,
                            struct error *err)
{
    struct buf *key = &pending->key;
    void *found;

    if (pending->count > 0) {
        *index = pending->points[pending->count - 1].shape;
        if (is_shape(&pending->shapes[*index], point))
            return OK;
    }
    buf_clear(key);
    buf_put_span(key, point->measurement);
    for (uint32_t i = 0; i < point->field_count; i++) {
        buf_put_u8(key, (uint8_t)point->fields[i].type);
        buf_put_span(key, point->fields[i].name);
    }
    if (key->failed)
        return no_memory(err);
    found = map_get(&pending->shapes_by_key, buf_bytes(key));
    if (found == NULL)
        return add_shape(pending, point, index, err);
    *index = (uint32_t)(uintptr_t)found - 1;
    return OK;
}

/* --- points --- */

uint64_t pending_place_last(const struct pending *pending)
{
    const struct pending_point *last = &pending->points[pending->count - 1];

    return row_hash_place(pending->series[last->series].key, last->time,
                          pending->shapes[last->shape].fields[0].name);
}

static const union cell *copy_cells(struct arena *arena, const struct point *point)
{
    union cell *cells = arena_alloc(arena, point->field_count * sizeof(*cells));

    for (uint32_t i = 0; cells != NULL && i < point->field_count; i++) {
        const struct point_field *field = &point->fields[i];
        struct text *text;
        size_t size;

        cells[i] = field->cell;
        if (field->type != TYPE_STRING)
            continue;
        size = sizeof(*text) + field->cell.text->size;
        text = arena_alloc(arena, size);
        if (text == NULL)
            return NULL;
        memcpy(text, field->cell.text, size);
        cells[i].text = text;
    }
    return cells;
}

static bool grow_points(struct pending *pending)
{
    size_t first = pending->wanted > POINTS_FIRST ? pending->wanted : POINTS_FIRST;
    size_t capacity = pending->capacity == 0 ? first : 2 * pending->capacity;
    struct pending_point *points =
        arena_grow(&pending->arena, pending->points, pending->capacity * sizeof(*points),
                   capacity * sizeof(*points));

    if (points == NULL)
        return false;
    pending->points = points;
    pending->capacity = capacity;
    return true;
}

enum code pending_add(struct pending *pending, const struct point *point, int64_t revision,
                      struct error *err)
{
    struct pending_series *series;
    struct pending_point *added;
    uint32_t index = 0, shape = 0;
    enum code code;

    if (pending->count == pending->capacity && !grow_points(pending))
        return no_memory(err);
    code = find_series(pending, point, &index, err);
    if (code == OK)
        code = find_shape(pending, point, &shape, err);
    if (code)
        return code;
    added = &pending->points[pending->count];
    *added = (struct pending_point){.series = index,
                                    .shape = shape,
                                    .time = point->time,
                                    .revision = revision,
                                    .hash = row_hash(point->fields, point->field_count),
                                    .cells = copy_cells(&pending->arena, point),
                                    .line = (uint32_t)pending->count + 1};
    if (added->cells == NULL)
        return no_memory(err);
    series = &pending->series[index];
    if (point->time < series->time_first)
        series->time_first = point->time;
    if (point->time > series->time_last)
        series->time_last = point->time;
    pending->count++;
    return OK;
}

enum code pending_add_retracted(struct pending *pending, const struct point *point,
                                struct error *err)
{
    enum code code = pending_add(pending, point, INT64_MIN, err);

    if (code == OK)
        pending->points[pending->count - 1].hash = ROW_RETRACTED;
    return code;
}

/* --- versions of one --- */

static uint32_t name_of(const struct pending *pending, const struct pending_point *point)
{
    return pending->shapes[point->shape].name;
}

/* Where the point of that series, time and name stands, or would. */
static uint32_t *slot_of(const struct pending *pending, uint32_t series, int64_t time,
                         uint32_t name)
{
    const uint64_t place[] = {(uint64_t)time, (uint64_t)series << 32 | name};
    uint64_t hash = XXH3_64bits(place, sizeof(place));
    size_t mask = pending->slot_count - 1;

    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        const struct pending_point *point;

        if (pending->slots[at] == 0)
            return &pending->slots[at];
        point = &pending->points[pending->slots[at] - 1];
        if (point->series == series && point->time == time && name_of(pending, point) == name)
            return &pending->slots[at];
    }
}

static int by_revision(const void *left, const void *right)
{
    const struct pending_point *a = left, *b = right;

    if (a->revision != b->revision)
        return a->revision < b->revision ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

/* Most pages claim nothing, or what ascends. */
static bool is_ordered(const struct pending *pending)
{
    for (size_t i = 1; i < pending->count; i++)
        if (pending->points[i].revision < pending->points[i - 1].revision)
            return false;
    return true;
}

static bool make_slots(struct pending *pending)
{
    pending->slot_count = SLOTS_FIRST;
    while (pending->slot_count < 2 * pending->count)
        pending->slot_count *= 2;
    pending->slots = ARENA_ARRAY(&pending->arena, uint32_t, pending->slot_count);
    return pending->slots != NULL;
}

static void settle_point(struct pending *pending, uint32_t index, bool latest)
{
    struct pending_point *point = &pending->points[index], *before;
    uint32_t *slot = slot_of(pending, point->series, point->time, name_of(pending, point));

    point->last = true;
    if (*slot != 0) {
        before = &pending->points[*slot - 1];
        if (before->hash == point->hash) { /* once more the same: the first of them stands */
            point->last = false;
            point->same = true;
            return;
        }
        before->last = false;
        before->same = before->same || latest;
        point->round = latest ? 0 : before->round + 1;
    }
    *slot = index + 1;
    if (point->round >= pending->rounds)
        pending->rounds = point->round + 1;
}

enum code pending_settle(struct pending *pending, bool latest, struct error *err)
{
    pending->rounds = 0;
    if (!make_slots(pending))
        return no_memory(err);
    if (!is_ordered(pending))
        qsort(pending->points, pending->count, sizeof(*pending->points), by_revision);
    for (uint32_t i = 0; i < pending->count; i++)
        settle_point(pending, i, latest);
    return OK;
}

/* --- what was written before --- */

/* Whether something was written there before; where that is the same, earlier versions go with the
 * last: they were written before it. */
static void know(struct pending *pending, struct pending_point *last, bool known, bool same)
{
    last->known = known;
    last->recalled = true;
    last->same = last->same || same;
    for (uint32_t i = 0; last->round > 0 && i < pending->count; i++) {
        struct pending_point *point = &pending->points[i];

        if (point->series == last->series && point->time == last->time &&
            name_of(pending, point) == name_of(pending, last)) {
            point->known = known;
            point->recalled = true;
            point->same = point->same || same;
        }
    }
}

void pending_recall(struct pending *pending, struct bytes series_key, int64_t time,
                    struct bytes field, uint64_t hash, bool listed)
{
    void *found = map_get(&pending->series_by_key, series_key);
    uint32_t name = (uint32_t)(uintptr_t)map_get(&pending->names, field), slot;
    struct pending_point *point;

    if (found == NULL || name == 0)
        return;
    slot = *slot_of(pending, (uint32_t)(uintptr_t)found - 1, time, name);
    if (slot == 0)
        return;
    point = &pending->points[slot - 1];
    if (hash == ROW_RETRACTED)
        point->revision = INT64_MIN;
    know(pending, point, hash != ROW_RETRACTED, point->hash == hash);
    point->unlisted = point->hash == hash && pending->lists && !listed &&
                      pending->shapes[point->shape].field_count > 1;
}

size_t pending_hold(struct pending *pending, const struct window_set *had)
{
    size_t held = 0;

    for (size_t i = 0; i < pending->count; i++) {
        struct pending_point *point = &pending->points[i];

        if (point->same || point->recalled || point->time == INT64_MAX ||
            !window_set_has(had, point->time, point->time + 1))
            continue;
        point->same = true;
        held++;
    }
    return held;
}

size_t pending_changed(const struct pending *pending)
{
    size_t changed = 0;

    for (size_t i = 0; i < pending->count; i++)
        changed += !pending->points[i].same;
    return changed;
}

size_t pending_added(const struct pending *pending)
{
    size_t added = 0;

    for (size_t i = 0; i < pending->count; i++)
        added += pending->points[i].last && !pending->points[i].same && !pending->points[i].known;
    return added;
}
