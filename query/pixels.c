/* Buckets are made as rows come, those without rows never, and all are kept until the series ends:
 * only then its mean step is known, by which gaps are told.  A bucket that rows have left is
 * closed: what summaries gave by place and row gets its time then, so that times are looked up for
 * what is kept and not for all that was kept for a while. */
#include "query/pixels.h"

#include <assert.h>
#include <stdlib.h>

#include "query/pixel_extremes.h"

__extension__ typedef unsigned __int128 wide_length;

/* A gap is longer than so many buckets, and so many mean steps, where the question does not say. */
enum { GAP_BUCKETS = 2, GAP_STEPS = 4 };

static const uint32_t slot_counts[] = {
    [DOWNSAMPLE_M4] = PIXEL_LAST + 1,
    [DOWNSAMPLE_MINMAX] = PIXEL_GREATEST + 1,
    [DOWNSAMPLE_LTTB] = PIXEL_SERIES_LAST + 1,
};

void pixels_init(struct pixels *pixels, struct watch *watch, const struct query *query,
                 uint32_t field_count, pixel_time time_of, void *context)
{
    *pixels = (struct pixels){
        .watch = watch,
        .method = query->downsample,
        .points = query->points,
        .field_count = field_count,
        .slot_count = slot_counts[query->downsample],
        .gap_asked = query->gap,
        .time_of = time_of,
        .context = context,
    };
    arena_init(&pixels->arena, watch->memory.bytes_max, &watch->memory);
    arena_init(&pixels->rows_arena, watch->memory.bytes_max, &watch->memory);
}

void pixels_release(struct pixels *pixels)
{
    arena_release(&pixels->arena);
    arena_release(&pixels->rows_arena);
}

enum code pixels_begin(struct pixels *pixels, int64_t start, int64_t end, struct error *err)
{
    uint32_t points = pixels->points, fields = pixels->field_count;
    struct pixels fresh = {
        .watch = pixels->watch,
        .method = pixels->method,
        .points = points,
        .field_count = fields,
        .slot_count = pixels->slot_count,
        .gap_asked = pixels->gap_asked,
        .time_of = pixels->time_of,
        .context = pixels->context,
        .skipped = pixels->skipped,
        .start = start,
        .length = (uint64_t)end - (uint64_t)start,
        .bucket_count = points,
        .index_start = INT64_MAX, /* no time is in it */
        .index_end = INT64_MIN,
    };

    assert(start < end);
    if (pixels->method == DOWNSAMPLE_LTTB)
        fresh.bucket_count = points > 2 ? points - 2 : 1; /* first and last are two of them */
    pixels_release(pixels);
    *pixels = fresh;
    arena_init(&pixels->arena, pixels->watch->memory.bytes_max, &pixels->watch->memory);
    arena_init(&pixels->rows_arena, pixels->watch->memory.bytes_max, &pixels->watch->memory);
    pixels->value_counts = ARENA_ARRAY(&pixels->arena, uint64_t, fields);
    pixels->lines = ARENA_ARRAY(&pixels->arena, struct triangle_line, fields);
    pixels->order =
        ARENA_ARRAY(&pixels->arena, const struct pixel *, (size_t)fields * pixels->slot_count);
    if (!pixels->value_counts || !pixels->lines || !pixels->order)
        return watch_memory(pixels->watch, err);
    return OK;
}

/* --- buckets --- */

/* The first time that is not before bucket `index`: start + index * length / count, rounded up. */
static int64_t bucket_start(const struct pixels *pixels, uint32_t index)
{
    wide_length parts = (wide_length)index * pixels->length + pixels->bucket_count - 1;

    return (int64_t)((uint64_t)pixels->start + (uint64_t)(parts / pixels->bucket_count));
}

uint32_t pixels_index(struct pixels *pixels, int64_t time)
{
    wide_length into = (uint64_t)time - (uint64_t)pixels->start;

    if (time >= pixels->index_start && time < pixels->index_end)
        return pixels->index;
    assert(into < pixels->length);
    pixels->index = (uint32_t)(into * pixels->bucket_count / pixels->length);
    pixels->index_start = bucket_start(pixels, pixels->index);
    pixels->index_end = bucket_start(pixels, pixels->index + 1);
    return pixels->index;
}

bool pixels_take_summary(const void *context, int64_t time_first, int64_t time_last)
{
    struct pixels *pixels = (struct pixels *)context;

    if (pixels->method == DOWNSAMPLE_LTTB || pixels->row_count <= pixels->points)
        return false;
    (void)pixels_index(pixels, time_first);
    return time_last < pixels->index_end;
}

static enum code bucket_close(struct pixels *pixels, struct pixel_bucket *bucket, struct error *err)
{
    size_t count = (size_t)pixels->field_count * pixels->slot_count;

    for (size_t i = 0; i < count; i++) {
        struct pixel *pixel = &bucket->pixels[i];
        int64_t time = 0;
        bool known = false;
        enum code code;

        if (!pixel->waits)
            continue;
        code = pixels->time_of(pixels->context, pixel->place, pixel->row, &time, &known, err);
        if (code)
            return code;
        pixel->waits = false;
        pixel->time = time;
        if (!known)
            pixel->type = TYPE_NONE;
    }
    return OK;
}

/* The bucket of index `index`, which is the last one or behind it. */
static enum code bucket_make(struct pixels *pixels, uint32_t index, int64_t time,
                             struct pixel_bucket **bucket, struct error *err)
{
    size_t count = (size_t)pixels->field_count * pixels->slot_count;
    struct pixel_bucket *made;
    enum code code;

    *bucket = pixels->last;
    if (pixels->last && pixels->last->index == index)
        return OK;
    code = pixels->last ? bucket_close(pixels, pixels->last, err) : OK;
    if (code)
        return code;
    made = arena_zero(&pixels->arena, sizeof(*made) + count * sizeof(struct pixel));
    if (made && pixels->method == DOWNSAMPLE_LTTB)
        made->triangles = ARENA_ARRAY(&pixels->arena, struct triangle, pixels->field_count);
    if (!made || (pixels->method == DOWNSAMPLE_LTTB && !made->triangles))
        return watch_memory(pixels->watch, err);
    made->index = index;
    made->time_first = made->time_last = time;
    made->before = pixels->last;
    if (pixels->last)
        pixels->last->next = made;
    else
        pixels->first = made;
    pixels->last = *bucket = made;
    return OK;
}

static void note_times(struct pixels *pixels, struct pixel_bucket *bucket, int64_t first,
                       int64_t last)
{
    if (pixels->row_count == 0)
        pixels->time_first = first;
    pixels->time_last = bucket->time_last = last;
}

/* --- rows as they are --- */

static bool is_number(const struct rows_column *column)
{
    return value_kind(column->type) == KIND_NUMBER;
}

static bool holds(const struct rows_column *column, uint32_t row)
{
    return !column->present || column->present[row];
}

/* While there are no more rows than points, the answer may be these. */
static bool keep_row(struct pixels *pixels, const struct run *run, uint32_t row)
{
    size_t size = sizeof(struct pixel_row) + pixels->field_count * sizeof(struct pixel);
    struct pixel_row *kept = NULL;

    for (uint32_t i = 0; i < run->column_count; i++) {
        const struct rows_column *column = &run->columns[i];

        if (!is_number(column) || !holds(column, row))
            continue;
        if (!kept && ++pixels->row_count > pixels->points) {
            arena_release(&pixels->rows_arena);
            pixels->rows = pixels->rows_last = NULL;
            return true;
        }
        if (!kept)
            kept = arena_zero(&pixels->rows_arena, size);
        if (!kept)
            return false;
        kept->values[column->field] =
            (struct pixel){.cell = column->cells[row], .type = (uint8_t)column->type};
    }
    if (!kept)
        return true;
    kept->time = run->time[row];
    if (pixels->rows_last)
        pixels->rows_last->next = kept;
    else
        pixels->rows = kept;
    pixels->rows_last = kept;
    return true;
}

/* --- rows --- */

/* The first and the last of the rows with a number; false: none has one. */
static bool number_rows(const struct run *run, uint32_t *first, uint32_t *end)
{
    uint32_t least = *end, greatest = *first;

    for (uint32_t i = 0; i < run->column_count; i++) {
        const struct rows_column *column = &run->columns[i];
        uint32_t from = *first, to = *end;

        if (!is_number(column))
            continue;
        while (from < to && from < least && !holds(column, from))
            from++;
        while (to > from && to > greatest && !holds(column, to - 1))
            to--;
        if (from < to && from < least)
            least = from;
        if (from < to && to > greatest)
            greatest = to;
    }
    *first = least;
    *end = greatest;
    return least < greatest;
}

/* Better than what was kept of earlier rows. */
static bool better(const struct pixel *kept, const struct extreme *found, int sign)
{
    const struct datum new = {.type = found->type, .cell = found->cell};
    const struct datum old = {.type = (enum value_type)kept->type, .cell = kept->cell};

    return kept->type == TYPE_NONE || sign * datum_compare(&new, &old) < 0;
}

/* Where the values found are: rows of a run, or of a block that was not read. */
struct source {
    const int64_t *time; /* of a run; or */
    const struct summary *summary;
};

static void put_pixel(struct pixel *pixel, const struct extreme *found, const struct source *source)
{
    const struct summary *summary = source->summary;

    *pixel = (struct pixel){.cell = found->cell, .row = found->row, .type = (uint8_t)found->type};
    if (!summary)
        pixel->time = source->time[found->row];
    else if (found->row == 0)
        pixel->time = summary->time_first;
    else if (found->row == summary->row_count - 1)
        pixel->time = summary->time_last;
    else if (summary->step > 0)
        pixel->time = summary->time_first + (int64_t)found->row * summary->step;
    else {
        pixel->place = summary->place;
        pixel->waits = true;
    }
}

static void put_extremes(struct pixels *pixels, struct pixel_bucket *bucket, uint32_t field,
                         const struct extremes *found, const struct source *source)
{
    struct pixel *slots = &bucket->pixels[(size_t)field * pixels->slot_count];

    pixels->value_counts[field] += found->count;
    if (found->count == 0)
        return;
    if (better(&slots[PIXEL_LEAST], &found->least, 1))
        put_pixel(&slots[PIXEL_LEAST], &found->least, source);
    if (better(&slots[PIXEL_GREATEST], &found->greatest, -1))
        put_pixel(&slots[PIXEL_GREATEST], &found->greatest, source);
    if (pixels->method == DOWNSAMPLE_MINMAX)
        return;
    if (slots[PIXEL_FIRST].type == TYPE_NONE)
        put_pixel(&slots[PIXEL_FIRST], &found->first, source);
    put_pixel(&slots[PIXEL_LAST], &found->last, source);
}

/* A field's columns stand side by side: one a type.  [*at, the result) are those of one field. */
static uint32_t columns_of_field(const struct run *run, uint32_t at)
{
    uint32_t field = run->columns[at].field;

    while (at < run->column_count && run->columns[at].field == field)
        at++;
    return at;
}

static void add_extremes(struct pixels *pixels, struct pixel_bucket *bucket, const struct run *run,
                         uint32_t first, uint32_t end)
{
    const struct source source = {.time = run->time};

    for (uint32_t at = 0, next; at < run->column_count; at = next) {
        struct extremes found = {0};

        next = columns_of_field(run, at);
        for (uint32_t i = at; i < next; i++)
            if (is_number(&run->columns[i]))
                extremes_add(&found, &run->columns[i], first, end);
        put_extremes(pixels, bucket, run->columns[at].field, &found, &source);
    }
}

static void add_triangles(struct pixels *pixels, struct pixel_bucket *bucket, const struct run *run,
                          uint32_t first, uint32_t end)
{
    for (uint32_t at = 0, next; at < run->column_count; at = next) {
        uint32_t field = run->columns[at].field;

        next = columns_of_field(run, at);
        for (uint32_t row = first; row < end; row++) {
            for (uint32_t i = at; i < next; i++) {
                const struct rows_column *column = &run->columns[i];
                struct pixel value;

                if (!is_number(column) || !holds(column, row))
                    continue;
                value = (struct pixel){.cell = column->cells[row],
                                       .time = run->time[row],
                                       .type = (uint8_t)column->type};
                pixels->value_counts[field]++;
                triangle_add(pixels, bucket, field, &value);
            }
        }
    }
}

static void count_skipped(struct pixels *pixels, const struct run *run)
{
    for (uint32_t i = 0; i < run->column_count && !pixels->second; i++) {
        const struct rows_column *column = &run->columns[i];

        if (column->type == TYPE_RETRACTED || is_number(column))
            continue;
        for (uint32_t row = run->first; row < run->end; row++)
            pixels->skipped += holds(column, row);
    }
}

/* Rows [first, end) are of one bucket. */
static enum code add_rows(struct pixels *pixels, const struct run *run, uint32_t index,
                          uint32_t first, uint32_t end, struct error *err)
{
    struct pixel_bucket *bucket = pixels->at;
    enum code code;

    if (!number_rows(run, &first, &end))
        return OK;
    if (pixels->second) {
        while (bucket && bucket->index < index)
            bucket = bucket->next;
        pixels->at = bucket;
        assert(bucket && bucket->index == index); /* the same rows as before */
        add_triangles(pixels, bucket, run, first, end);
        return OK;
    }
    code = bucket_make(pixels, index, run->time[first], &bucket, err);
    if (code)
        return code;
    note_times(pixels, bucket, run->time[first], run->time[end - 1]);
    for (uint32_t row = first; row < end && pixels->row_count <= pixels->points; row++)
        if (!keep_row(pixels, run, row))
            return watch_memory(pixels->watch, err);
    if (pixels->method == DOWNSAMPLE_LTTB)
        add_triangles(pixels, bucket, run, first, end);
    else
        add_extremes(pixels, bucket, run, first, end);
    return OK;
}

/* What add_rows() does, of rows that were not decoded. */
static enum code add_summary(struct pixels *pixels, const struct summary *summary,
                             struct error *err)
{
    const struct source source = {.summary = summary};
    struct pixel_bucket *bucket = NULL;

    for (size_t at = 0, next; at < summary->column_count; at = next) {
        uint32_t field = summary->columns[at].field;
        struct extremes found = {0};
        enum code code;

        for (next = at; next < summary->column_count && summary->columns[next].field == field;
             next++) {
            const struct place_summary *column = &summary->columns[next];

            if (value_kind(column->type) == KIND_NUMBER)
                extremes_take(&found, column->type, column->summary);
            else
                pixels->skipped += column->summary->valid_count;
        }
        if (found.count == 0)
            continue;
        code = bucket_make(pixels, pixels_index(pixels, summary->time_first), summary->time_first,
                           &bucket, err);
        if (code)
            return code;
        note_times(pixels, bucket, summary->time_first, summary->time_last);
        put_extremes(pixels, bucket, field, &found, &source);
    }
    return OK;
}

enum code pixels_add(struct pixels *pixels, const struct run *run, struct error *err)
{
    uint32_t first = run->first;
    enum code code = OK;

    assert(!run->reversed);
    if (run->summary)
        return add_summary(pixels, run->summary, err);
    count_skipped(pixels, run);
    while (first < run->end && !code) {
        uint32_t index = pixels_index(pixels, run->time[first]);
        uint32_t end = run_row_behind(run, first, pixels->index_end);

        code = add_rows(pixels, run, index, first, end, err);
        first = end;
    }
    return code;
}

bool pixels_again(struct pixels *pixels)
{
    if (pixels->method != DOWNSAMPLE_LTTB || pixels->second || pixels->rows || !pixels->last)
        return false;
    triangles_turn(pixels);
    pixels->second = true;
    pixels->at = pixels->first;
    return true;
}

/* --- what is told --- */

static uint64_t gap_of(const struct pixels *pixels)
{
    wide_length buckets = (wide_length)pixels->length * GAP_BUCKETS / pixels->points, steps;
    uint64_t most = 0;

    if (pixels->gap_asked > 0)
        return (uint64_t)pixels->gap_asked;
    for (uint32_t i = 0; i < pixels->field_count; i++)
        if (pixels->value_counts[i] > most)
            most = pixels->value_counts[i];
    if (pixels->second)
        most /= 2; /* counted in both passes */
    if (most < 2)
        return UINT64_MAX;
    steps = (wide_length)((uint64_t)pixels->time_last - (uint64_t)pixels->time_first) * GAP_STEPS /
            (most - 1);
    buckets = buckets > steps ? buckets : steps;
    return buckets > UINT64_MAX ? UINT64_MAX : (uint64_t)buckets;
}

static bool is_gap(const struct pixels *pixels, int64_t before, int64_t behind)
{
    return (uint64_t)behind - (uint64_t)before > pixels->gap;
}

static int compare_pixels(const void *a, const void *b)
{
    const struct pixel *x = *(const struct pixel *const *)a, *y = *(const struct pixel *const *)b;

    return x->time < y->time ? -1 : x->time > y->time;
}

static void order_bucket(struct pixels *pixels)
{
    size_t count = (size_t)pixels->field_count * pixels->slot_count;

    pixels->order_at = pixels->order_count = 0;
    for (size_t i = 0; pixels->told && i < count; i++)
        if (pixels->told->pixels[i].type != TYPE_NONE)
            pixels->order[pixels->order_count++] = &pixels->told->pixels[i];
    if (pixels->order_count > 1)
        qsort(pixels->order, pixels->order_count, sizeof(const struct pixel *), compare_pixels);
}

enum code pixels_close(struct pixels *pixels, struct error *err)
{
    return pixels->last ? bucket_close(pixels, pixels->last, err) : OK;
}

enum code pixels_end(struct pixels *pixels, struct error *err)
{
    enum code code = pixels_close(pixels, err);

    pixels->gap = gap_of(pixels);
    pixels->told_row = pixels->rows;
    pixels->told = pixels->rows ? NULL : pixels->first;
    order_bucket(pixels);
    return code;
}

static void clear(const struct pixels *pixels, struct datum *values)
{
    for (uint32_t i = 0; i < pixels->field_count; i++)
        values[i] = (struct datum){.type = TYPE_NONE};
}

static void put_datum(const struct pixel *pixel, struct datum *datum)
{
    *datum = (struct datum){.type = (enum value_type)pixel->type, .cell = pixel->cell};
}

/* order_at is beyond the row's end where the row was told and the gap behind it is to come. */
static bool next_row(struct pixels *pixels, int64_t *time, struct datum *values)
{
    const struct pixel_row *row = pixels->told_row;
    bool gap = row->next && is_gap(pixels, row->time, row->next->time);

    if (pixels->order_at == 0) {
        for (uint32_t i = 0; i < pixels->field_count; i++)
            put_datum(&row->values[i], &values[i]);
        *time = row->time;
    } else {
        *time = row->time + 1;
    }
    if (gap && pixels->order_at == 0) {
        pixels->order_at = 1;
    } else {
        pixels->order_at = 0;
        pixels->told_row = row->next;
    }
    return true;
}

bool pixels_next(struct pixels *pixels, int64_t *time, struct datum *values)
{
    clear(pixels, values);
    if (pixels->told_row)
        return next_row(pixels, time, values);
    while (pixels->told && pixels->order_at == pixels->order_count) {
        const struct pixel_bucket *bucket = pixels->told, *next = bucket->next;

        pixels->told = next;
        order_bucket(pixels);
        if (next && is_gap(pixels, bucket->time_last, next->time_first)) {
            *time = bucket->time_last + 1;
            return true;
        }
    }
    if (!pixels->told)
        return false;
    *time = pixels->order[pixels->order_at]->time;
    while (pixels->order_at < pixels->order_count &&
           pixels->order[pixels->order_at]->time == *time) {
        const struct pixel *pixel = pixels->order[pixels->order_at++];
        size_t slot = (size_t)(pixel - pixels->told->pixels);

        put_datum(pixel, &values[slot / pixels->slot_count]);
    }
    return true;
}
