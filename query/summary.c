#include "query/summary.h"

#include <math.h>

#include "base/failpoint.h"
#include "query/scan.h"

/* Larger values might overflow a sum on the way, and then the order of adding decides. */
#define SUMMED_MAX 0x1p960
/* Likewise of squares; and a header's squares of larger integers have lost their last digits. */
#define SQUARED_MAX 0x1p450
static const int64_t squared_integer_max = (int64_t)1 << 52;

void summary_use_init(struct summary_use *use, const struct aggregate_call *aggregates,
                      size_t count, const struct grid *grid, bool first_time)
{
    *use = (struct summary_use){.allowed = count > 0, .grid = *grid, .first_time = first_time};
    for (size_t i = 0; i < count; i++) {
        use->parts[aggregates[i].row->part] = true;
        use->allowed &= part_rows[aggregates[i].row->part].take != NULL;
    }
}

bool summary_in_one_window(const struct summary_use *use, int64_t time_first, int64_t time_last)
{
    int64_t end;

    if (use->takes)
        return use->takes(use->context, time_first, time_last);
    (void)grid_start(&use->grid, time_first, &end);
    return time_last < end;
}

/* Another place may have a row at one of the place's times.  Places stand in order of their first
 * time, those of a descending scan of their last. */
static bool overlapped(const struct scan *scan, const struct place *place)
{
    size_t next = scan->place_at + 1;

    if (sabotage("summary_overlap"))
        return false;
    if (scan->setting->descending)
        return (scan->place_at > 0 && scan->time_reached <= place->time_last) ||
               (next < scan->place_count && scan->places[next]->time_last >= place->time_first);
    return (scan->place_at > 0 && scan->time_reached >= place->time_first) ||
           (next < scan->place_count && scan->places[next]->time_first <= place->time_last);
}

static bool deleted(const struct scan *scan, const struct place *place)
{
    const struct deletion_list *list = &scan->deletions;
    int64_t first = place->time_first, last = place->time_last;

    for (uint32_t i = deletion_list_next(list, 0, first, last); i < list->count;
         i = deletion_list_next(list, i + 1, first, last))
        if (deletion_touches(&list->each[i], place, first, last))
            return true;
    return false;
}

bool summary_may_stand(const struct scan *scan, const struct place *place)
{
    const struct scan_setting *setting = scan->setting;

    return setting->summaries.allowed && !(setting->sieve && setting->sieve->computed_shown) &&
           place->in_pack && !place->apart && place->ingest_last <= setting->as_of &&
           place->time_first >= scan->start && place->time_last < scan->end &&
           summary_in_one_window(&setting->summaries, place->time_first, place->time_last) &&
           !overlapped(scan, place) && !deleted(scan, place);
}

/* No value that a question could get of such rows is beyond what the header says of all versions,
 * whatever S is, and whatever is deleted. */
bool summary_may_exclude(const struct scan *scan, const struct place *place)
{
    const struct scan_setting *setting = scan->setting;

    return setting->sieve && setting->sieve->field_filter_count > 0 && !setting->versions &&
           place->in_pack && !place->apart && !overlapped(scan, place);
}

/* Turns the header's columns into those shown.  False: the rows are needed. */
static bool sift_summary(const struct scan *scan, const struct place *place, bool times_unique,
                         struct place_summary *columns, size_t *count)
{
    const struct sieve *sieve = scan->setting->sieve;
    enum verdict verdict =
        sieve ? sieve_judge(sieve, columns, *count, place->row_count) : VERDICT_ALL;

    if (verdict == VERDICT_NONE) {
        *count = 0;
        return true;
    }
    if (verdict == VERDICT_SOME || !times_unique || !summary_may_stand(scan, place))
        return false;
    if (sieve)
        *count = sieve_summaries(sieve, columns, *count);
    return true;
}

const struct summary *summary_read(const struct scan *scan, const struct place *place,
                                   struct arena *arena)
{
    const struct scan_setting *setting = scan->setting;
    struct summary *summary = ARENA_NEW(arena, struct summary);
    struct place_summary *columns;
    bool times_unique;
    int64_t step = 0;
    size_t count;

    if (!summary ||
        !place_summaries(setting->view, place, setting->fields, setting->field_count, arena,
                         &times_unique, &step, &columns, &count) ||
        !sift_summary(scan, place, times_unique, columns, &count))
        return NULL;
    *summary = (struct summary){
        .time_first = place->time_first,
        .time_last = place->time_last,
        .row_count = place->row_count,
        .step = step,
        .place = place,
        .columns = columns,
        .column_count = count,
    };
    return summary_suffices(&setting->summaries, summary) ? summary : NULL;
}

static bool squares_suffice(const struct place_summary *column)
{
    const struct column_summary *summary = column->summary;

    if (column->type == TYPE_F64)
        return fabs(summary->min.f64) < SQUARED_MAX && fabs(summary->max.f64) < SQUARED_MAX;
    if (column->type == TYPE_U64)
        return summary->max.u64 < (uint64_t)squared_integer_max;
    return summary->min.i64 > -squared_integer_max && summary->max.i64 < squared_integer_max;
}

static bool column_suffices(const struct summary_use *use, const struct place_summary *column)
{
    const struct column_summary *summary = column->summary;

    if (column->type == TYPE_RETRACTED)
        return false;
    if (value_kind(column->type) != KIND_NUMBER) /* a header does not tell texts and bools */
        return !use->parts[PART_FIRST] && !use->parts[PART_LAST];
    if (use->parts[PART_MOMENTS] && !squares_suffice(column))
        return false;
    return column->type != TYPE_F64 || !use->parts[PART_SUM] ||
           (fabs(summary->min.f64) < SUMMED_MAX && fabs(summary->max.f64) < SUMMED_MAX);
}

/* Whether the column has a cell in the block's first (last) row: of others the time is not told. */
static bool has_first(const struct summary *summary, const struct place_summary *column)
{
    if (value_kind(column->type) != KIND_NUMBER)
        return column->summary->valid_count == summary->row_count;
    return column->summary->row_first == 0;
}

static bool has_last(const struct summary *summary, const struct place_summary *column)
{
    return column->summary->row_last == summary->row_count - 1;
}

bool summary_suffices(const struct summary_use *use, const struct summary *summary)
{
    bool any = false, any_first = false;

    for (size_t i = 0; i < summary->column_count;) {
        uint32_t field = summary->columns[i].field;
        bool valid = false, first = false, last = false;

        for (; i < summary->column_count && summary->columns[i].field == field; i++) {
            const struct place_summary *column = &summary->columns[i];

            if (column->summary->valid_count == 0)
                continue;
            if (!column_suffices(use, column))
                return false;
            valid = true;
            first |= has_first(summary, column);
            last |= has_last(summary, column);
        }
        if (valid && ((use->parts[PART_FIRST] && !first) || (use->parts[PART_LAST] && !last)))
            return false;
        any |= valid;
        any_first |= first;
    }
    return !any || !use->first_time || any_first;
}
