/* Largest triangles over buckets of equal length (after Steinarsson's LTTB, whose buckets have
 * equal counts).  Of a field the first and the last value are always kept.  Of each bucket that has
 * others one is kept: that which makes the largest triangle with the value kept before and the mean
 * point of the next bucket that has some (in the end the last value); of equal ones the earliest.
 *
 * The mean is needed before its bucket's values come, so the rows come twice: all means first, and
 * nothing of the rows is held.  Times are scaled to [0, 1] and values by 2^-40, so that neither
 * sums nor areas overflow; sums go row by row, so they do not depend on where rows are stored. */
#include "query/pixels.h"

#include <math.h>

#define VALUE_SCALE 0x1p-40

static double scaled_time(const struct pixels *pixels, int64_t time)
{
    return (double)((uint64_t)time - (uint64_t)pixels->start) / (double)pixels->length;
}

static double scaled_value(const struct pixel *value)
{
    if (value->type == TYPE_I64)
        return (double)value->cell.i64 * VALUE_SCALE;
    if (value->type == TYPE_U64)
        return (double)value->cell.u64 * VALUE_SCALE;
    return value->cell.f64 * VALUE_SCALE;
}

static struct pixel *slot_of(const struct pixels *pixels, struct pixel_bucket *bucket,
                             uint32_t field, uint32_t slot)
{
    return &bucket->pixels[field * pixels->slot_count + slot];
}

/* The value before this one is not the last: it counts in its bucket. */
static void sum_waiting(struct pixels *pixels, struct triangle_line *line, uint32_t field)
{
    struct triangle *triangle;

    if (!line->waiting_in)
        return;
    triangle = &line->waiting_in->triangles[field];
    triangle->count++;
    triangle->time += scaled_time(pixels, line->waiting.time);
    triangle->value += scaled_value(&line->waiting);
}

static void first_pass(struct pixels *pixels, struct pixel_bucket *bucket, uint32_t field,
                       const struct pixel *value)
{
    struct triangle_line *line = &pixels->lines[field];

    if (line->count++ == 0) {
        *slot_of(pixels, bucket, field, PIXEL_SERIES_FIRST) = *value;
        line->first = line->last = value->time;
        line->time = scaled_time(pixels, value->time);
        line->value = scaled_value(value);
        return;
    }
    sum_waiting(pixels, line, field);
    line->waiting = *value;
    line->waiting_in = bucket;
}

/* Each triangle's own mean point is put in place of the one before it that asks for it. */
static void means_move(struct pixels *pixels, uint32_t field)
{
    struct triangle_line *line = &pixels->lines[field];
    double time = scaled_time(pixels, line->waiting.time), value = scaled_value(&line->waiting);

    for (struct pixel_bucket *bucket = pixels->last; bucket; bucket = bucket->before) {
        struct triangle *triangle = &bucket->triangles[field];
        double own_time, own_value;

        if (triangle->count == 0)
            continue;
        own_time = triangle->time / (double)triangle->count;
        own_value = triangle->value / (double)triangle->count;
        triangle->time = time;
        triangle->value = value;
        time = own_time;
        value = own_value;
    }
}

void triangles_turn(struct pixels *pixels)
{
    for (uint32_t field = 0; field < pixels->field_count; field++) {
        struct triangle_line *line = &pixels->lines[field];

        if (!line->waiting_in)
            continue;
        *slot_of(pixels, line->waiting_in, field, PIXEL_SERIES_LAST) = line->waiting;
        line->last = line->waiting.time;
        means_move(pixels, field);
    }
}

static void second_pass(struct pixels *pixels, struct pixel_bucket *bucket, uint32_t field,
                        const struct pixel *value)
{
    struct triangle_line *line = &pixels->lines[field];
    const struct triangle *behind = &bucket->triangles[field];
    double time = scaled_time(pixels, value->time), number = scaled_value(value), area;
    bool first_here = line->bucket != bucket;

    if (value->time == line->first || value->time == line->last)
        return;
    if (first_here && line->bucket) {
        line->time = line->best_time;
        line->value = line->best_value;
    }
    area = fabs((line->time - behind->time) * (number - line->value) -
                (line->time - time) * (behind->value - line->value));
    if (!first_here && !(area > line->area))
        return;
    line->bucket = bucket;
    line->area = area;
    line->best_time = time;
    line->best_value = number;
    *slot_of(pixels, bucket, field, PIXEL_CHOSEN) = *value;
}

void triangle_add(struct pixels *pixels, struct pixel_bucket *bucket, uint32_t field,
                  const struct pixel *value)
{
    if (pixels->second)
        second_pass(pixels, bucket, field, value);
    else
        first_pass(pixels, bucket, field, value);
}
