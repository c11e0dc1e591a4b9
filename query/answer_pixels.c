/* Plots: of each series what a line of so many pixels needs (query/pixels.h).
 *
 * A series is read from its first row to its last, twice for lttb.  Where the question leaves an
 * end of the range open, the series' first or last row is looked for first: from that end, so that
 * mostly one block is read for it. */
#include "query/answer_crew.h"

#include <assert.h>

static enum code time_of(void *context, const struct place *place, uint32_t row, int64_t *time,
                         bool *known, struct error *err)
{
    return scan_row_time(context, place, row, time, known, err);
}

static enum code open_scan(struct answer *answer, size_t index, int64_t start, int64_t end,
                           struct error *err)
{
    struct plan *plan = &answer->plan;
    struct plan_places kept = {NULL, 0};
    enum code code;

    if (plan->places)
        kept = plan->places[index];
    scan_release(&answer->scan);
    code = scan_open(&answer->scan, &answer->setting, plan->series[index], start, end, kept.places,
                     kept.count, err);
    if (!code)
        versions_begin(&answer->versions, &answer->scan);
    return code;
}

static bool has_number(const struct run *run, uint32_t row)
{
    for (uint32_t i = 0; i < run->column_count; i++) {
        const struct rows_column *column = &run->columns[i];

        if (value_kind(column->type) == KIND_NUMBER && (!column->present || column->present[row]))
            return true;
    }
    return false;
}

/* The time of the first row with a number, or of the last one.  E_END: there is none. */
static enum code find_end(struct answer *answer, size_t index, int64_t start, int64_t end,
                          bool last, int64_t *time, struct error *err)
{
    struct run run = {0};
    enum code code;

    answer->setting.descending = last;
    answer->setting.summaries.allowed = false;
    code = open_scan(answer, index, start, end, err);
    while (!code) {
        code = answer_next(answer, &run, err);
        for (uint32_t i = run.first; i < run.end && !code; i++) {
            uint32_t row = run.reversed ? run.end - 1 - (i - run.first) : i;

            if (!has_number(&run, row))
                continue;
            *time = run.time[row];
            goto out;
        }
    }

out:
    answer->setting.descending = false;
    return code;
}

/* The range of the series' buckets.  A series without numbers is read whatever it is, as its other
 * values are counted. */
static enum code find_range(struct answer *answer, size_t index, int64_t *start, int64_t *end,
                            struct error *err)
{
    const struct query *query = answer->plan.query;
    int64_t time = 0;
    enum code code = OK;

    if (!query->start_given) {
        code = find_end(answer, index, *start, *end, false, &time, err);
        *start = code ? *start : time;
    }
    if (!code && query->end == INT64_MAX) {
        code = find_end(answer, index, *start, *end, true, &time, err);
        *end = code ? *end : time + 1; /* row times are below INT64_MAX */
    }
    return code == E_END ? OK : code;
}

static enum code read_all(struct answer *answer, struct pixels *pixels, size_t index, int64_t start,
                          int64_t end, struct error *err)
{
    struct run run;
    enum code code;

    answer->setting.summaries =
        (struct summary_use){.allowed = true, .takes = pixels_take_summary, .context = pixels};
    code = open_scan(answer, index, start, end, err);
    while (!code) {
        code = answer_next(answer, &run, err);
        if (!code)
            code = pixels_add(pixels, &run, err);
    }
    return code == E_END ? OK : code;
}

/* --- in pieces: stretches of whole buckets --- */

static bool in_one_bucket(const void *context, int64_t time_first, int64_t time_last)
{
    struct pixels *pixels = (struct pixels *)context;

    if (time_first < pixels->start ||
        (uint64_t)time_last - (uint64_t)pixels->start >= pixels->length)
        return false;
    (void)pixels_index(pixels, time_first);
    return time_last < pixels->index_end;
}

static int64_t bucket_of(const void *context, int64_t time)
{
    struct pixels *pixels = (struct pixels *)context;

    (void)pixels_index(pixels, time);
    return pixels->index_start;
}

static enum code perform(void *context, unsigned index, unsigned at, struct error *err)
{
    struct answer_crew *crew = context;
    const struct answer *whole = crew->answer;
    struct crew_slot *slot = &crew->slots[at];
    const struct piece *piece = &slot->piece;
    struct pixels *pixels = &slot->pixels;
    struct answer *member = NULL;
    enum code code = answer_crew_member(crew, index, slot, &member, err);

    if (code)
        return code;
    pixels_init(pixels, member->plan.watch, whole->plan.query, whole->plan.column_count, time_of,
                &member->scan);
    /* The buckets are those of the whole series. */
    code = pixels_begin(pixels, whole->pixels.start,
                        (int64_t)((uint64_t)whole->pixels.start + whole->pixels.length), err);
    if (!code)
        code = read_all(member, pixels, piece->series_first, piece->start, piece->end, err);
    if (!code)
        code = pixels_close(pixels, err);
    scan_release(&member->scan);
    return code ? code : answer_crew_settle(member, err);
}

static enum code take(void *context, unsigned at, struct error *err)
{
    struct answer_crew *crew = context;
    struct crew_slot *slot = &crew->slots[at];

    pixels_merge(&crew->answer->pixels, &slot->pixels);
    return answer_crew_take_missing(crew, slot, err);
}

/* The slots keep what was read until it is told. */
static void forget_pieces(struct answer *answer)
{
    for (size_t i = 0; answer->crew && i < CREW_SLOTS_MAX; i++) {
        pixels_release(&answer->crew->slots[i].pixels);
        answer->crew->slots[i].pixels = (struct pixels){0};
    }
}

/* Reads the series once: in pieces, where that is worth it. */
static enum code read_once(struct answer *answer, size_t group, size_t index, int64_t start,
                           int64_t end, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct helpers *helpers = plan->environment->helpers;
    const struct summary_use use = {
        .allowed = true, .takes = in_one_bucket, .context = &answer->pixels};
    const struct pieces_order order = {.plan = plan,
                                       .use = &use,
                                       .group_first = group,
                                       .group_end = group + 1,
                                       .start = start,
                                       .end = end,
                                       .align = bucket_of,
                                       .context = &answer->pixels};
    struct arena arena;
    struct pieces pieces;
    enum code code;

    static_assert(PIECES_WANTED + 1 < CREW_SLOTS_MAX, "every piece of a series has its slot");
    if (!helpers || plan->query->downsample == DOWNSAMPLE_LTTB)
        return read_all(answer, &answer->pixels, index, start, end, err);
    assert(plan->groups[group].series_end - plan->groups[group].series_first == 1);
    arena_init(&arena, plan->watch->memory.bytes_max, &plan->watch->memory);
    code = pieces_init(&pieces, &order, helpers->values_min, &arena, err);
    if (!code && pieces.values < helpers->values_min) {
        code = read_all(answer, &answer->pixels, index, start, end, err);
        goto out;
    }
    if (!code)
        code = answer_crew_make(answer, err);
    if (code)
        goto out;
    code = answer_crew_run(answer, &pieces, perform, take, err);

out:
    arena_release(&arena);
    return code;
}

/* --- a series --- */

static enum code tell(struct answer *answer, size_t group, struct error *err)
{
    bool gaps = answer->plan.query->format != FORMAT_LINE_PROTOCOL; /* it has no rows of nulls */
    struct result_row out = {.values = answer->values};
    enum code code = OK;

    while (!code && pixels_next(&answer->pixels, &out.time, answer->values)) {
        bool any = gaps;

        for (uint32_t i = 0; i < answer->plan.column_count && !any; i++)
            any = answer->values[i].type != TYPE_NONE;
        if (any)
            code = answer_emit(answer, group, &out, err);
    }
    return code;
}

static enum code pixels_scan(struct answer *answer, size_t group, size_t index, int64_t start,
                             int64_t end, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct pixels *pixels = &answer->pixels;
    enum code code;

    if (!pixels->watch)
        pixels_init(pixels, plan->watch, plan->query, plan->column_count, time_of, &answer->scan);
    code = find_range(answer, index, &start, &end, err);
    if (!code)
        code = pixels_begin(pixels, start, end, err);
    if (!code)
        code = read_once(answer, group, index, start, end, err);
    if (!code && pixels_again(pixels))
        code = read_all(answer, pixels, index, start, end, err);
    if (!code)
        code = pixels_end(pixels, err);
    scan_release(&answer->scan);
    if (!code)
        code = tell(answer, group, err);
    forget_pieces(answer);
    answer->result.skipped = pixels->skipped;
    return code;
}

const struct answer_way way_pixels = {.scan = pixels_scan};
