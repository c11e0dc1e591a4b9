/* Two stretches of one series' buckets become one. */
#include <assert.h>

#include "query/pixels.h"

/* Rows are kept while there are no more than points: also of both. */
static void merge_rows(struct pixels *pixels, const struct pixels *later)
{
    bool both = pixels->row_count + later->row_count <= pixels->points;

    if (!both)
        pixels->rows = pixels->rows_last = NULL;
    else if (!later->rows)
        return;
    else if (pixels->rows_last)
        pixels->rows_last->next = later->rows;
    else
        pixels->rows = later->rows;
    if (both)
        pixels->rows_last = later->rows_last;
}

void pixels_merge(struct pixels *pixels, const struct pixels *later)
{
    assert(pixels->method != DOWNSAMPLE_LTTB);
    pixels->skipped += later->skipped;
    if (!later->first)
        return;
    assert(!pixels->last || pixels->last->index < later->first->index);
    merge_rows(pixels, later);
    if (pixels->row_count == 0)
        pixels->time_first = later->time_first;
    pixels->time_last = later->time_last;
    pixels->row_count += later->row_count;
    for (uint32_t i = 0; i < pixels->field_count; i++)
        pixels->value_counts[i] += later->value_counts[i];
    later->first->before = pixels->last;
    if (pixels->last)
        pixels->last->next = later->first;
    else
        pixels->first = later->first;
    pixels->last = later->last;
}
