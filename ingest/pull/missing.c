/* What was delivered is read from the source's hashes; those that the window has not had are held
 * against the values as they are now.  A stretch of time that has more of them than are held at
 * once is taken in halves. */
#include "ingest/pull/missing.h"

#include <stdlib.h>

#include "base/map.h"
#include "codec/series_key.h"
#include "ingest/pull/row_hash.h"
#include "ingest/rows/row_text.h"

enum {
    LOST_MAX = 32768,
    SERIES_APART_MAX = 16, /* so many are asked for one by one, as in writing.c */
};

struct lost_series {
    struct bytes key;
    struct series_tag *tags; /* without the partition */
    uint32_t tag_count;
    int64_t time_first, time_last;
};

/* A row that was delivered and not seen. */
struct lost {
    uint32_t series;
    int64_t time;
    uint64_t hash;
    struct bytes *fields;
    uint32_t field_count;
    bool goes; /* it is as it was delivered */
};

struct missing {
    const struct missing_terms *terms;
    struct bytes measurement;
    struct arena arena;
    struct lost *lost;
    size_t count;
    bool too_many;
    struct lost_series *series;
    size_t series_count, series_capacity;
    struct map series_by_key; /* index + 1 */
    /* Of the series that is read. */
    const struct series_tag *tags;
    struct series_tag *own;
    uint32_t own_count, own_capacity;
    struct buf key;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for what a window has no more");
}

/* --- series --- */

/* The key without the partition.  Rows come series by series. */
static enum code find_key(struct missing *missing, const struct recalled_row *row,
                          struct error *err)
{
    if (missing->tags == row->tags)
        return OK;
    if (missing->own_capacity < row->tag_count) {
        missing->own = ARENA_ARRAY(&missing->arena, struct series_tag, row->tag_count);
        if (missing->own == NULL)
            return no_memory(err);
        missing->own_capacity = row->tag_count;
    }
    missing->own_count = 0;
    for (uint32_t i = 0; i < row->tag_count; i++)
        if (!bytes_equal(row->tags[i].key, progress_partition_key))
            missing->own[missing->own_count++] = row->tags[i];
    missing->tags = row->tags;
    buf_clear(&missing->key);
    return series_key_encode(missing->measurement, missing->own, missing->own_count, &missing->key,
                             err);
}

static bool grow_series(struct missing *missing)
{
    size_t capacity = missing->series_capacity == 0 ? 64 : 2 * missing->series_capacity;
    struct lost_series *series =
        arena_grow(&missing->arena, missing->series, missing->series_capacity * sizeof(*series),
                   capacity * sizeof(*series));

    if (series == NULL)
        return false;
    missing->series = series;
    missing->series_capacity = capacity;
    return true;
}

static bool copy_tags(struct missing *missing, struct lost_series *series)
{
    series->tags = ARENA_ARRAY(&missing->arena, struct series_tag, missing->own_count + 1);
    for (uint32_t i = 0; series->tags != NULL && i < missing->own_count; i++) {
        struct series_tag *tag = &series->tags[series->tag_count++];

        tag->key = arena_copy(&missing->arena, missing->own[i].key);
        tag->value = arena_copy(&missing->arena, missing->own[i].value);
        if (tag->key.data == NULL || tag->value.data == NULL)
            return false;
    }
    return series->tags != NULL;
}

static enum code find_series(struct missing *missing, uint32_t *index, struct error *err)
{
    void *found = map_get(&missing->series_by_key, buf_bytes(&missing->key));
    struct lost_series *series;

    if (found != NULL) {
        *index = (uint32_t)(uintptr_t)found - 1;
        return OK;
    }
    if (missing->series_count == missing->series_capacity && !grow_series(missing))
        return no_memory(err);
    series = &missing->series[missing->series_count];
    *series = (struct lost_series){.key = arena_copy(&missing->arena, buf_bytes(&missing->key)),
                                   .time_first = INT64_MAX,
                                   .time_last = INT64_MIN};
    if (series->key.data == NULL || !copy_tags(missing, series))
        return no_memory(err);
    *index = (uint32_t)missing->series_count++;
    return map_put(&missing->series_by_key, series->key, (void *)(uintptr_t)(*index + 1))
               ? OK
               : no_memory(err);
}

/* --- what was delivered and not seen --- */

static bool copy_fields(struct missing *missing, struct bytes list, struct lost *lost)
{
    struct bytes left;
    uint32_t count = 1;

    for (size_t i = 0; i < list.size; i++)
        count += list.data[i] == ROW_LIST_MARK;
    left = arena_copy(&missing->arena, list);
    lost->fields = ARENA_ARRAY(&missing->arena, struct bytes, count);
    if (left.data == NULL || lost->fields == NULL)
        return false;
    while (lost->field_count < count) {
        const char *end = memchr(left.data, ROW_LIST_MARK, left.size);
        size_t size = end == NULL ? left.size : (size_t)(end - left.data);

        lost->fields[lost->field_count++] = bytes_slice(left, 0, size);
        left = bytes_slice(left, size < left.size ? size + 1 : size, left.size);
    }
    return true;
}

/* Any of what was delivered together. */
static bool was_seen(const struct missing *missing, struct bytes fields, int64_t time)
{
    struct bytes key = buf_bytes(&missing->key);

    while (fields.size > 0) {
        const char *end = memchr(fields.data, ROW_LIST_MARK, fields.size);
        size_t size = end == NULL ? fields.size : (size_t)(end - fields.data);

        if (seen_rows_has(missing->terms->seen,
                          row_hash_place(key, time, bytes_slice(fields, 0, size))))
            return true;
        fields = bytes_slice(fields, size < fields.size ? size + 1 : size, fields.size);
    }
    return false;
}

static enum code add_lost(struct missing *missing, int64_t time, uint64_t hash, struct bytes fields,
                          struct error *err)
{
    struct lost *lost = &missing->lost[missing->count];
    struct lost_series *series;
    enum code code;

    if (missing->count == LOST_MAX) {
        missing->too_many = true;
        return error_set(err, E_POINTS_MANY, "more than %d rows of one time are missing", LOST_MAX);
    }
    *lost = (struct lost){.time = time, .hash = hash};
    code = find_series(missing, &lost->series, err);
    if (code)
        return code;
    if (!copy_fields(missing, fields, lost))
        return no_memory(err);
    series = &missing->series[lost->series];
    series->time_first = time < series->time_first ? time : series->time_first;
    series->time_last = time > series->time_last ? time : series->time_last;
    missing->count++;
    return OK;
}

/* A row of hashes, each under the name of the first field, with a list of all where there are
 * several. */
static enum code take_hashes(void *context, const struct recalled_row *row, struct error *err)
{
    struct missing *missing = context;
    enum code code = find_key(missing, row, err);

    for (uint32_t i = 0; code == OK && i < row->count; i++) {
        struct bytes fields = row->fields[i];

        if (row->types[i] != TYPE_I64 || row->cells[i].u64 == ROW_RETRACTED)
            continue;
        row_list_of(row, i, &fields);
        if (!was_seen(missing, fields, row->time))
            code = add_lost(missing, row->time, row->cells[i].u64, fields, err);
    }
    return code;
}

static enum code
ask(struct missing *missing, struct bytes measurement, const struct series_tag *matched,
    uint32_t matched_count, int64_t first, int64_t end,
    enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
    struct error *err)
{
    const struct missing_terms *terms = missing->terms;
    const struct recall *recall = terms->recall;
    bool partial = false;
    enum code code;

    missing->tags = NULL;
    code = recall->rows(recall->context, terms->tenant, measurement, matched, matched_count, first,
                        end, take, missing, &partial, err);
    if (code == OK && partial)
        code = error_set(err, E_PARTIAL,
                         "a member or shard did not answer: what a window has no more cannot be "
                         "told");
    return code;
}

static enum code find_lost(struct missing *missing, int64_t start, int64_t end, struct error *err)
{
    const struct missing_terms *terms = missing->terms;
    const struct series_tag partition = {progress_partition_key, terms->partition};
    size_t size = terms->prefix.size + missing->measurement.size;
    char *name = arena_alloc(&missing->arena, size);

    missing->lost = ARENA_ARRAY(&missing->arena, struct lost, LOST_MAX);
    if (name == NULL || missing->lost == NULL)
        return no_memory(err);
    memcpy(name, terms->prefix.data, terms->prefix.size);
    memcpy(name + terms->prefix.size, missing->measurement.data, missing->measurement.size);
    return ask(missing, (struct bytes){name, size}, &partition, 1, start, end, take_hashes, err);
}

/* --- as they are now --- */

static int by_place(const void *left, const void *right)
{
    const struct lost *a = left, *b = right;

    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    return (a->time > b->time) - (a->time < b->time);
}

/* The first of that series and time. */
static size_t find_place(const struct missing *missing, uint32_t series, int64_t time)
{
    const struct lost wanted = {.series = series, .time = time};
    size_t first = 0, end = missing->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (by_place(&missing->lost[middle], &wanted) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Of what was delivered some may have been null. */
static bool is_as_delivered(const struct lost *lost, const struct recalled_row *row,
                            struct point_field *fields)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < lost->field_count; i++) {
        uint32_t at = 0;

        while (at < row->count && !bytes_equal(row->fields[at], lost->fields[i]))
            at++;
        if (at < row->count && row->types[at] != TYPE_NONE)
            fields[count++] = (struct point_field){
                .name = lost->fields[i], .type = row->types[at], .cell = row->cells[at]};
    }
    return row_hash(fields, count) == lost->hash;
}

static enum code take_values(void *context, const struct recalled_row *row, struct error *err)
{
    struct missing *missing = context;
    enum code code = find_key(missing, row, err);
    void *found = code == OK ? map_get(&missing->series_by_key, buf_bytes(&missing->key)) : NULL;
    uint32_t series = (uint32_t)(uintptr_t)found - 1;

    if (code || found == NULL)
        return code;
    for (size_t i = find_place(missing, series, row->time);
         i < missing->count && missing->lost[i].series == series &&
         missing->lost[i].time == row->time;
         i++) {
        struct lost *lost = &missing->lost[i];
        struct point_field *fields = calloc(lost->field_count, sizeof(*fields));

        if (fields == NULL)
            return no_memory(err);
        lost->goes = is_as_delivered(lost, row, fields);
        free(fields);
    }
    return OK;
}

static enum code compare(struct missing *missing, struct error *err)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    enum code code = OK;

    if (missing->count == 0)
        return OK;
    qsort(missing->lost, missing->count, sizeof(*missing->lost), by_place);
    for (size_t i = 0; code == OK && i < missing->series_count; i++) {
        const struct lost_series *series = &missing->series[i];

        first = series->time_first < first ? series->time_first : first;
        last = series->time_last > last ? series->time_last : last;
        if (missing->series_count <= SERIES_APART_MAX)
            code = ask(missing, missing->measurement, series->tags, series->tag_count,
                       series->time_first, series->time_last + 1, take_values, err);
    }
    if (code == OK && missing->series_count > SERIES_APART_MAX)
        code = ask(missing, missing->measurement, NULL, 0, first, last + 1, take_values, err);
    return code;
}

/* --- the whole --- */

static enum code give(const struct missing *missing,
                      enum code (*take)(void *context, const struct missing_row *row,
                                        struct error *err),
                      void *context, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < missing->count; i++) {
        const struct lost *lost = &missing->lost[i];
        const struct lost_series *series = &missing->series[lost->series];
        const struct missing_row row = {missing->measurement, series->tags, series->tag_count,
                                        lost->time,           lost->fields, lost->field_count};

        if (lost->goes)
            code = take(context, &row, err);
    }
    return code;
}

static enum code find_between(const struct missing_terms *terms, struct bytes measurement,
                              int64_t start, int64_t end,
                              enum code (*take)(void *context, const struct missing_row *row,
                                                struct error *err),
                              void *context, struct error *err)
{
    struct missing missing = {
        .terms = terms, .measurement = measurement, .key = BUF_INIT(SIZE_MAX)};
    struct error own = {0};
    enum code code;

    arena_init(&missing.arena, SIZE_MAX, NULL);
    code = find_lost(&missing, start, end, &own);
    if (code == OK)
        code = compare(&missing, &own);
    if (code == OK)
        code = give(&missing, take, context, &own);
    map_release(&missing.series_by_key);
    buf_release(&missing.key);
    arena_release(&missing.arena);
    if (missing.too_many && end - start > 1) {
        int64_t middle = start + (end - start) / 2;

        code = find_between(terms, measurement, start, middle, take, context, err);
        return code ? code : find_between(terms, measurement, middle, end, take, context, err);
    }
    if (code)
        *err = own;
    return code;
}

enum code missing_find(const struct missing_terms *terms,
                       enum code (*take)(void *context, const struct missing_row *row,
                                         struct error *err),
                       void *context, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < terms->measurement_count; i++)
        code = find_between(terms, terms->measurements[i], terms->start_ns, terms->end_ns, take,
                            context, err);
    return code;
}

static enum code add_measurement(const struct text_places *places,
                                 const struct source_partition *partition, struct arena *arena,
                                 struct bytes *names, size_t *count, struct error *err)
{
    struct row_text text;
    enum code code = row_text_make(places, partition, arena, &text, err);

    if (code || !text.constant)
        return code;
    for (size_t i = 0; i < *count; i++)
        if (bytes_equal(names[i], text.text))
            return OK;
    names[(*count)++] = text.text;
    return OK;
}

enum code missing_measurements(const struct source *source,
                               const struct source_partition *partition, struct arena *arena,
                               const struct bytes **names, size_t *count, struct error *err)
{
    struct bytes *own = ARENA_ARRAY(arena, struct bytes, source->value_count + 1);
    enum code code = own == NULL ? no_memory(err) : OK;

    *names = own;
    *count = 0;
    for (size_t i = 0; code == OK && i < source->value_count; i++) {
        const struct source_value *value = &source->values[i];

        code = add_measurement(value->has_measurement ? &value->measurement : &source->measurement,
                               partition, arena, own, count, err);
    }
    return code;
}
