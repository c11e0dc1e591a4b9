/* Points are found by (series, time, name of the first field) in a table of places, as rows that
 * are recalled come in any number and name them so.  Who stands there is the newest of several
 * versions; each knows whether a later one came. */
#include "ingest/pull/pending.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "codec/series_key.h"

enum { SLOTS_FIRST = 1024 };

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of a page");
}

void pending_init(struct pending *pending)
{
    *pending = (struct pending){.key = BUF_INIT(SIZE_MAX)};
    arena_init(&pending->arena, SIZE_MAX, NULL);
}

void pending_release(struct pending *pending)
{
    map_release(&pending->series_by_key);
    buf_release(&pending->key);
    arena_release(&pending->arena);
}

void pending_clear(struct pending *pending)
{
    struct buf key = pending->key;

    map_release(&pending->series_by_key);
    arena_release(&pending->arena);
    *pending = (struct pending){.key = key};
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

/* --- points --- */

/* What decides that a point is another one: names, types and bits of all its fields, in their
 * order.
 */
static uint64_t hash_fields(const struct point *point)
{
    XXH64_hash_t hash = point->field_count;

    for (uint32_t i = 0; i < point->field_count; i++) {
        const struct point_field *field = &point->fields[i];

        hash = XXH3_64bits_withSeed(field->name.data, field->name.size, hash + field->type);
        if (field->type == TYPE_STRING)
            hash = XXH3_64bits_withSeed(field->cell.text->data, field->cell.text->size, hash);
        else
            hash = XXH3_64bits_withSeed(&field->cell, sizeof(field->cell), hash);
    }
    return hash;
}

static bool copy_field(struct arena *arena, const struct point_field *field,
                       const struct point_field *before, struct point_field *copy)
{
    *copy = *field;
    copy->text = (struct bytes){0};
    if (before != NULL && bytes_equal(before->name, field->name))
        copy->name = before->name;
    else
        copy->name = arena_copy(arena, field->name);
    if (field->type == TYPE_STRING) {
        size_t size = sizeof(struct text) + field->cell.text->size;
        struct text *text = arena_alloc(arena, size);

        if (text == NULL)
            return false;
        memcpy(text, field->cell.text, size);
        copy->cell.text = text;
    }
    return copy->name.data != NULL;
}

/* Names of the point before stand there already. */
static const struct point_field *copy_fields(struct pending *pending, const struct point *point)
{
    const struct pending_point *last =
        pending->count > 0 ? &pending->points[pending->count - 1] : NULL;
    struct point_field *fields =
        ARENA_ARRAY(&pending->arena, struct point_field, point->field_count);

    for (uint32_t i = 0; fields != NULL && i < point->field_count; i++) {
        const struct point_field *before =
            last != NULL && i < last->field_count ? &last->fields[i] : NULL;

        if (!copy_field(&pending->arena, &point->fields[i], before, &fields[i]))
            return NULL;
    }
    return fields;
}

static bool grow_points(struct pending *pending)
{
    size_t capacity = pending->capacity == 0 ? 256 : 2 * pending->capacity;
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
    uint32_t index = 0;
    enum code code;

    if (pending->count == pending->capacity && !grow_points(pending))
        return no_memory(err);
    code = find_series(pending, point, &index, err);
    if (code)
        return code;
    added = &pending->points[pending->count];
    *added = (struct pending_point){.series = index,
                                    .field_count = point->field_count,
                                    .time = point->time,
                                    .revision = revision,
                                    .hash = hash_fields(point),
                                    .fields = copy_fields(pending, point),
                                    .line = (uint32_t)pending->count + 1};
    if (added->fields == NULL)
        return no_memory(err);
    series = &pending->series[index];
    if (point->time < series->time_first)
        series->time_first = point->time;
    if (point->time > series->time_last)
        series->time_last = point->time;
    pending->count++;
    return OK;
}

/* --- versions of one --- */

/* Where the point of that series, time and name stands, or would. */
static uint32_t *slot_of(const struct pending *pending, uint32_t series, int64_t time,
                         struct bytes name)
{
    uint64_t hash = XXH3_64bits_withSeed(name.data, name.size, (uint64_t)time + series);
    size_t mask = pending->slot_count - 1;

    for (size_t at = hash & mask;; at = (at + 1) & mask) {
        const struct pending_point *point;

        if (pending->slots[at] == 0)
            return &pending->slots[at];
        point = &pending->points[pending->slots[at] - 1];
        if (point->series == series && point->time == time &&
            bytes_equal(point->fields[0].name, name))
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
    uint32_t *slot = slot_of(pending, point->series, point->time, point->fields[0].name);

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

/* Earlier versions go with the last: they were written before it. */
static void take_out(struct pending *pending, const struct pending_point *last)
{
    for (uint32_t i = 0; last->round > 0 && i < pending->count; i++) {
        struct pending_point *point = &pending->points[i];

        if (point->series == last->series && point->time == last->time &&
            bytes_equal(point->fields[0].name, last->fields[0].name))
            point->same = true;
    }
}

void pending_recall(struct pending *pending, struct bytes series_key, int64_t time,
                    struct bytes field, uint64_t hash)
{
    void *found = map_get(&pending->series_by_key, series_key);
    struct pending_point *point;
    uint32_t slot;

    if (found == NULL)
        return;
    slot = *slot_of(pending, (uint32_t)(uintptr_t)found - 1, time, field);
    if (slot == 0)
        return;
    point = &pending->points[slot - 1];
    point->known = true;
    if (point->hash != hash)
        return;
    point->same = true;
    take_out(pending, point);
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

/* --- into a batch --- */

static enum code put_point(struct point *point, uint32_t line, int64_t time, int64_t revision,
                           struct error *err)
{
    struct bytes duplicate;
    uint32_t series = 0;
    enum code code;

    point->timed = true;
    point->time = time;
    code = point_find_series(point, &series, err);
    if (code == OK)
        code = point_find_table(point, &duplicate);
    if (code == OK)
        code = point_put_row(point, series, line, time);
    if (code == OK && revision != INT64_MIN &&
        !batch_row_revision(point->batch, point->table, revision))
        code = E_MEMORY;
    return code == E_MEMORY ? no_memory(err) : code;
}

static bool take_tags(struct point *point, const struct pending_series *series,
                      const struct series_tag *more)
{
    for (uint32_t i = 0; i <= series->tag_count; i++) {
        const struct series_tag *tag = i < series->tag_count ? &series->tags[i] : more;
        struct series_tag *added = tag != NULL ? point_add_tag(point) : NULL;

        if (tag != NULL && added == NULL)
            return false;
        if (tag != NULL)
            *added = *tag;
    }
    return true;
}

static enum code put_row(const struct pending_series *series, const struct pending_point *row,
                         struct point *point, struct error *err)
{
    point_clear(point);
    point->measurement = series->measurement;
    if (!take_tags(point, series, NULL))
        return no_memory(err);
    for (uint32_t i = 0; i < row->field_count; i++) {
        struct point_field *field = point_add_field(point);

        if (field == NULL)
            return no_memory(err);
        *field = row->fields[i];
    }
    return put_point(point, row->line, row->time, row->revision, err);
}

static enum code put_hash(const struct pending_series *series, const struct pending_point *row,
                          struct bytes measurement, const struct series_tag *partition,
                          struct point *point, struct error *err)
{
    struct point_field *field;

    point_clear(point);
    point->measurement = measurement;
    field = point_add_field(point);
    if (field == NULL || !take_tags(point, series, partition))
        return no_memory(err);
    *field =
        (struct point_field){.name = row->fields[0].name, .type = TYPE_I64, .cell.u64 = row->hash};
    return put_point(point, row->line, row->time, INT64_MIN, err);
}

enum code pending_put(const struct pending *pending, uint32_t round, struct bytes prefix,
                      const struct series_tag *partition, struct point *point, struct error *err)
{
    struct arena *arena = point->batch->arena;
    struct bytes *names = ARENA_ARRAY(arena, struct bytes, pending->series_count);
    enum code code = names == NULL ? no_memory(err) : OK;

    for (size_t i = 0; code == OK && i < pending->count; i++) {
        const struct pending_point *row = &pending->points[i];
        const struct pending_series *series = &pending->series[row->series];
        struct bytes *name = &names[row->series];

        if (row->same || row->round != round)
            continue;
        if (name->data == NULL) {
            char *text = arena_alloc(arena, prefix.size + series->measurement.size);

            if (text == NULL)
                return no_memory(err);
            memcpy(text, prefix.data, prefix.size);
            memcpy(text + prefix.size, series->measurement.data, series->measurement.size);
            *name = (struct bytes){text, prefix.size + series->measurement.size};
        }
        code = put_row(series, row, point, err);
        if (code == OK)
            code = put_hash(series, row, *name, partition, point, err);
    }
    return code;
}
