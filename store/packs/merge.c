/* For each series of a span, its places in all packs are merged by time.  Where one place alone has
 * rows and nothing touches them they leave in slices, as they came; a time with several versions,
 * or one that a deletion touches, is resolved (store/packs/resolve.h). */
#include "store/packs/merge.h"

#include <assert.h>
#include <stdlib.h>

#include "base/time_text.h"
#include "codec/block_codec.h"
#include "store/packs/merge_input.h"
#include "store/packs/merge_output.h"
#include "store/packs/resolve.h"

enum {
    ROW_BYTES_MAX = 256 << 20, /* masks of deletions; a row */
    PACE_ROWS = 16384,
    ARENA_ROWS = 256, /* of history between two releases of their memory */
};

/* An opened place; rows [at, end) are left. */
struct merge_run {
    struct merge_place place;
    const struct rows *rows;
    const uint8_t *history;
    uint32_t at, end;
};

struct merge_deletion {
    const struct tombstone *tombstone;
    struct selection *selection;
};

struct merge {
    struct merge_options options;
    struct merge_input *inputs;
    struct merge_reader reader;
    struct merge_names names;
    struct merge_output current, history;
    int64_t start, end;
    struct merge_deletion *deletions; /* that may touch rows of the tenant */
    size_t deletion_count;
    struct resolve_deletion *of_series; /* those of the series at hand */
    const struct tombstone **of_series_tombstones;
    size_t of_series_count;
    uint32_t masks_for;         /* fields known when the masks of `of_series` were made */
    struct merge_place *places; /* of the series at hand, by first time */
    size_t place_count, place_capacity, place_at;
    struct merge_run *runs; /* opened ones */
    size_t run_count, run_capacity;
    struct resolve_version *versions;
    size_t version_capacity;
    struct arena series_arena, arena; /* masks; rows of one time */
    uint64_t rows_since_pace;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to merge packs");
}

/* --- deletions --- */

static enum code deletions_begin(struct merge *merge, struct error *err)
{
    const struct merge_options *options = &merge->options;
    enum code code = OK;

    merge->deletions = calloc(options->tombstone_count + 1, sizeof(*merge->deletions));
    merge->of_series = calloc(options->tombstone_count + 1, sizeof(*merge->of_series));
    merge->of_series_tombstones =
        calloc(options->tombstone_count + 1, sizeof(const struct tombstone *));
    if (merge->deletions == NULL || merge->of_series == NULL || merge->of_series_tombstones == NULL)
        return no_memory(err);
    for (size_t i = 0; code == OK && i < options->tombstone_count; i++) {
        const struct tombstone *tombstone = &options->tombstones[i];
        struct merge_deletion *deletion = &merge->deletions[merge->deletion_count];

        if (tombstone->ingest > options->settled)
            continue;
        code = options->rules->selection_new(&tombstone->selector, &deletion->selection, err);
        if (code)
            break;
        deletion->tombstone = tombstone;
        merge->deletion_count++;
    }
    return code;
}

/* Those of the series that touch the span. */
static enum code deletions_of(struct merge *merge, const struct series *series, struct error *err)
{
    merge->of_series_count = 0;
    merge->masks_for = UINT32_MAX;
    for (size_t i = 0; i < merge->deletion_count; i++) {
        const struct tombstone *tombstone = merge->deletions[i].tombstone;
        bool selected = false;
        enum code code;

        if (tombstone->start >= merge->end || tombstone->end <= merge->start ||
            !bytes_equal(tombstone->selector.measurement, series->measurement))
            continue;
        code = merge->options.rules->selects(merge->deletions[i].selection, series, &selected, err);
        if (code)
            return code;
        if (!selected)
            continue;
        merge->of_series_tombstones[merge->of_series_count] = tombstone;
        merge->of_series[merge->of_series_count++] = (struct resolve_deletion){
            .ingest = tombstone->ingest,
            .start = tombstone->start,
            .end = tombstone->end,
            .erase = tombstone->erase,
        };
    }
    return OK;
}

/* Fields become known as blocks are opened: masks are made anew when there are more. */
static enum code deletions_masks(struct merge *merge, struct error *err)
{
    uint32_t count = merge->names.count;

    if (merge->masks_for == count)
        return OK;
    for (size_t i = 0; i < merge->of_series_count; i++) {
        const struct tombstone *tombstone = merge->of_series_tombstones[i];
        uint8_t *mask;

        if (tombstone->field_count == 0)
            continue;
        mask = ARENA_ARRAY(&merge->series_arena, uint8_t, count);
        if (mask == NULL)
            return no_memory(err);
        for (uint32_t f = 0; f < count; f++)
            for (uint32_t t = 0; t < tombstone->field_count; t++)
                mask[f] |= bytes_equal(merge->names.names[f], tombstone->fields[t]);
        merge->of_series[i].fields = mask;
    }
    merge->masks_for = count;
    return OK;
}

/* --- one series --- */

static int place_order(const void *a, const void *b)
{
    const struct merge_place *left = a, *right = b;

    return left->time_first < right->time_first ? -1 : left->time_first > right->time_first;
}

/* Takes all its places; *row_count is at least the rows in the span. */
static enum code places_take(struct merge *merge, struct bytes measurement, struct series_id id,
                             uint64_t *row_count, struct error *err)
{
    enum code code = OK;

    merge->place_count = merge->place_at = 0;
    *row_count = 0;
    for (size_t i = 0; i < merge->options.pack_count; i++) {
        for (;;) {
            struct merge_place place;

            code =
                merge_input_take(&merge->inputs[i], measurement, id, &merge->reader, &place, err);
            if (code == E_END)
                break;
            if (code)
                return code;
            if (merge->place_count == merge->place_capacity) {
                size_t capacity = merge->place_capacity * 2 + 16;
                struct merge_place *grown = realloc(merge->places, capacity * sizeof(*grown));

                if (grown == NULL) {
                    merge_place_release(&place);
                    return no_memory(err);
                }
                merge->places = grown;
                merge->place_capacity = capacity;
            }
            merge->places[merge->place_count++] = place;
            *row_count += place.end - place.first;
        }
    }
    if (merge->place_count > 1)
        qsort(merge->places, merge->place_count, sizeof(*merge->places), place_order);
    return OK;
}

/* Rows that stand for versions of a history pack are left out: the versions are here too. */
static void run_skip(struct merge_run *run)
{
    while (run->history != NULL && run->at < run->end && run->history[run->at])
        run->at++;
}

static uint32_t row_at(const struct rows *rows, uint32_t first, uint32_t end, int64_t time)
{
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;

        if (rows->time[middle] < time)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static enum code run_open(struct merge *merge, struct error *err)
{
    struct merge_place *place = &merge->places[merge->place_at];
    struct merge_run run;
    enum code code = merge_place_open(place, &merge->reader, err);

    if (code)
        return code;
    if (merge->run_count == merge->run_capacity) {
        size_t capacity = merge->run_capacity * 2 + 16;
        struct merge_run *grown = realloc(merge->runs, capacity * sizeof(*grown));

        if (grown == NULL)
            return no_memory(err);
        merge->runs = grown;
        merge->run_capacity = capacity;
    }
    merge->place_at++;
    run = (struct merge_run){
        .place = *place,
        .rows = merge_place_rows(place),
        .history = merge_place_history(place),
    };
    place->block = NULL; /* the run's now */
    run.at = row_at(run.rows, run.place.first, run.place.end, merge->start);
    run.end = row_at(run.rows, run.at, run.place.end, merge->end);
    run_skip(&run);
    if (run.at < run.end)
        merge->runs[merge->run_count++] = run;
    else
        merge_place_release(&run.place);
    return OK;
}

static int64_t run_time(const struct merge_run *run)
{
    return run->rows->time[run->at];
}

/* The run with the earliest row, once all places that may have an earlier one are open.  *limit is
 * the earliest time that any other may have a row at.  NULL at the end. */
static enum code run_next(struct merge *merge, struct merge_run **next, int64_t *limit,
                          struct error *err)
{
    for (;;) {
        struct merge_run *first = NULL;
        enum code code;

        *limit = INT64_MAX;
        for (size_t i = 0; i < merge->run_count; i++) {
            struct merge_run *run = &merge->runs[i];

            if (first == NULL || run_time(run) < run_time(first)) {
                if (first != NULL)
                    *limit = run_time(first);
                first = run;
            } else if (run_time(run) < *limit) {
                *limit = run_time(run);
            }
        }
        *next = first;
        if (merge->place_at == merge->place_count)
            return OK;
        if (first != NULL && merge->places[merge->place_at].time_first > run_time(first)) {
            if (merge->places[merge->place_at].time_first < *limit)
                *limit = merge->places[merge->place_at].time_first;
            return OK;
        }
        code = run_open(merge, err);
        if (code)
            return code;
    }
}

static bool deletion_touches(const struct merge *merge, const struct rows *rows, uint32_t row)
{
    for (size_t i = 0; i < merge->of_series_count; i++)
        if (resolve_touches(&merge->of_series[i], rows->time[row], rows->ingest[row]))
            return true;
    return false;
}

/* How many rows of the run, before `limit`, are the only version of their time and untouched. */
static uint32_t plain_rows(const struct merge *merge, const struct merge_run *run, int64_t limit)
{
    const struct rows *rows = run->rows;
    uint32_t i = run->at;

    while (i < run->end && rows->time[i] < limit &&
           (i + 1 == run->end || rows->time[i + 1] != rows->time[i]) &&
           (run->history == NULL || !run->history[i]) &&
           (merge->of_series_count == 0 || !deletion_touches(merge, rows, i)))
        i++;
    return i - run->at;
}

static enum code pace(struct merge *merge, uint64_t rows, struct error *err)
{
    merge->rows_since_pace += rows;
    if (merge->rows_since_pace < PACE_ROWS || merge->options.pace == NULL)
        return OK;
    merge->rows_since_pace = 0;
    return merge->options.pace(merge->options.context, err);
}

static void run_leave(struct merge *merge, struct merge_run *run)
{
    run_skip(run);
    if (run->at < run->end)
        return;
    merge_place_release(&run->place);
    *run = merge->runs[--merge->run_count];
}

static enum code emit(struct merge *merge, struct merge_output *output, const struct series *series,
                      uint64_t row_count, const struct block_slice *slice, struct error *err)
{
    enum code code = merge_output_slice(output, series, row_count, slice, err);

    if (code == OK)
        code = pace(merge, slice->end - slice->first, err);
    return code;
}

static enum code refuse_versions(const struct merge *merge, const struct series *series,
                                 int64_t time_ns, struct error *err)
{
    char time[TIMESTAMP_TEXT_SIZE];

    (void)timestamp_print(time_ns, time);
    return error_set(err, E_MEMORY,
                     "a series of %.*s has more than %zu versions of its row at %s, which are too "
                     "many to be merged",
                     BYTES_ARG(series->measurement), merge->options.versions_max, time);
}

static enum code version_add(struct merge *merge, size_t count, const struct merge_run *run,
                             struct error *err)
{
    if (count == merge->version_capacity) {
        size_t capacity = merge->version_capacity * 2 + 64;
        struct resolve_version *grown = realloc(merge->versions, capacity * sizeof(*grown));

        if (grown == NULL)
            return no_memory(err);
        merge->versions = grown;
        merge->version_capacity = capacity;
    }
    merge->versions[count] = (struct resolve_version){run->rows, run->at};
    return OK;
}

static enum code emit_resolved(struct merge *merge, const struct series *series, uint64_t row_count,
                               const struct resolved *resolved, struct error *err)
{
    static const uint8_t with_history = 1;
    struct block_slice slice = {.names = merge->names.names, .end = 1};
    enum code code = OK;

    if (resolved->has_current) {
        slice.rows = &resolved->current.rows;
        slice.history = resolved->history_count > 0 ? &with_history : NULL;
        code = emit(merge, &merge->current, series, row_count, &slice, err);
    }
    slice.history = NULL;
    for (size_t i = 0; code == OK && i < resolved->history_count; i++) {
        struct resolve_row row;

        if (i % ARENA_ROWS == 0)
            arena_release(&merge->arena);
        code = resolve_row_take(&resolved->history[i], merge->of_series, merge->of_series_count,
                                merge->options.floor, &merge->arena, &row, err);
        slice.rows = &row.rows;
        /* Few rows mostly: history is shared by series. */
        if (code == OK)
            code = emit(merge, &merge->history, series, 0, &slice, err);
    }
    return code;
}

/* All versions of the time at hand.  Runs whose rows they are stay open until they are copied. */
static enum code emit_versions(struct merge *merge, const struct series *series, uint64_t row_count,
                               int64_t time, struct error *err)
{
    struct resolved resolved;
    size_t count = 0;
    enum code code = deletions_masks(merge, err);

    for (size_t i = 0; code == OK && i < merge->run_count; i++) {
        struct merge_run run = merge->runs[i];

        for (; code == OK && run.at < run.end && run_time(&run) == time; run.at++) {
            if (run.history != NULL && run.history[run.at])
                continue;
            code = count < merge->options.versions_max ? version_add(merge, count, &run, err)
                                                       : refuse_versions(merge, series, time, err);
            count++;
        }
    }
    if (code == OK)
        code = resolve(merge->versions, count, merge->of_series, merge->of_series_count,
                       merge->options.floor, merge->names.count, &merge->arena, &resolved, err);
    if (code == OK)
        code = emit_resolved(merge, series, row_count, &resolved, err);
    arena_release(&merge->arena);
    for (size_t i = merge->run_count; i-- > 0;) { /* from the last: leaving moves the last here */
        struct merge_run *run = &merge->runs[i];

        while (run->at < run->end && run_time(run) == time)
            run->at++;
        run_leave(merge, run);
    }
    return code;
}

static enum code series_rows(struct merge *merge, const struct series *series, uint64_t row_count,
                             struct error *err)
{
    for (;;) {
        struct merge_run *run;
        int64_t limit;
        uint32_t plain;
        enum code code = run_next(merge, &run, &limit, err);

        if (code || run == NULL)
            return code;
        plain = plain_rows(merge, run, limit);
        if (plain > 0) {
            struct block_slice slice = {
                .rows = run->rows,
                .names = merge->names.names,
                .first = run->at,
                .end = run->at + plain,
            };

            code = emit(merge, &merge->current, series, row_count, &slice, err);
            run->at += plain;
            run_leave(merge, run);
        } else {
            code = emit_versions(merge, series, row_count, run_time(run), err);
        }
        if (code)
            return code;
    }
}

static void series_end(struct merge *merge)
{
    for (size_t i = 0; i < merge->run_count; i++)
        merge_place_release(&merge->runs[i].place);
    for (size_t i = merge->place_at; i < merge->place_count; i++)
        merge_place_release(&merge->places[i]);
    merge->run_count = merge->place_count = merge->place_at = 0;
    arena_release(&merge->series_arena);
}

static enum code merge_series(struct merge *merge, struct bytes measurement, struct series_id id,
                              struct error *err)
{
    struct series_registry *registry = merge->options.registry;
    const struct series *series = registry->series_by_id(registry, merge->options.tenant, id);
    uint64_t row_count;
    enum code code;

    if (series == NULL)
        return error_set(err, E_CORRUPT, "a pack has rows of a series whose key is nowhere");
    code = deletions_of(merge, series, err);
    if (code == OK)
        code = places_take(merge, measurement, id, &row_count, err);
    if (code == OK)
        code = series_rows(merge, series, row_count, err);
    series_end(merge);
    return code;
}

/* The least series that any input is at; false at the end. */
static bool series_next(const struct merge *merge, struct bytes *measurement, struct series_id *id)
{
    bool any = false;

    for (size_t i = 0; i < merge->options.pack_count; i++) {
        struct bytes own_measurement;
        struct series_id own_id;
        int order;

        if (!merge_input_peek(&merge->inputs[i], &own_measurement, &own_id))
            continue;
        order = any ? bytes_compare(own_measurement, *measurement) : -1;
        if (order == 0)
            order = series_id_compare(own_id, *id);
        if (order < 0) {
            *measurement = own_measurement;
            *id = own_id;
            any = true;
        }
    }
    return any;
}

static enum code merge_rows(struct merge *merge, struct error *err)
{
    struct bytes measurement = {0}, last = {0};
    struct series_id id = {0};
    enum code code = OK;

    while (code == OK && series_next(merge, &measurement, &id)) {
        if (last.data != NULL && !bytes_equal(last, measurement)) {
            code = merge_output_end_measurement(&merge->current, err);
            if (code == OK)
                code = merge_output_end_measurement(&merge->history, err);
            merge_names_release(&merge->names);
        }
        last = measurement;
        if (code == OK)
            code = merge_series(merge, measurement, id, err);
    }
    if (code == OK)
        code = merge_output_end_measurement(&merge->current, err);
    if (code == OK)
        code = merge_output_end_measurement(&merge->history, err);
    return code;
}

enum code merge_span(struct merge *merge, int64_t start, int64_t end, struct pack_writer *current,
                     struct pack_writer *history, struct error *err)
{
    struct merge_output *const outputs[] = {&merge->current, &merge->history};
    enum code code = OK;

    merge->start = start > merge->options.time_floor ? start : merge->options.time_floor;
    merge->end = end;
    merge_output_begin(&merge->current, current);
    merge_output_begin(&merge->history, history);
    for (size_t i = 0; code == OK && i < merge->options.pack_count; i++)
        code = merge_input_begin(&merge->inputs[i], merge->options.packs[i], merge->start,
                                 merge->end, err);
    if (code == OK)
        code = merge_rows(merge, err);
    for (size_t i = 0; i < COUNT_OF(outputs); i++) {
        if (code == OK)
            code = merge_output_end(outputs[i], err);
        if (code)
            merge_output_abort(outputs[i]);
    }
    for (size_t i = 0; i < merge->options.pack_count; i++)
        merge_input_release(&merge->inputs[i]);
    merge_names_release(&merge->names);
    return code;
}

enum code merge_new(const struct merge_options *options, struct merge **out, struct error *err)
{
    struct merge *merge = calloc(1, sizeof(*merge));
    enum code code;

    *out = NULL;
    if (merge == NULL)
        return no_memory(err);
    merge->options = *options;
    merge->reader.names = &merge->names;
    merge_names_init(&merge->names);
    arena_init(&merge->arena, ROW_BYTES_MAX, NULL);
    arena_init(&merge->series_arena, ROW_BYTES_MAX, NULL);
    merge->inputs = calloc(options->pack_count + 1, sizeof(*merge->inputs));
    code = merge->inputs == NULL ? no_memory(err) : OK;
    if (code == OK)
        code = block_decoder_new(&merge->reader.decoder, err);
    if (code == OK)
        code = merge_output_init(&merge->current, err);
    if (code == OK)
        code = merge_output_init(&merge->history, err);
    if (code == OK)
        code = deletions_begin(merge, err);
    if (code) {
        merge_free(merge);
        return code;
    }
    *out = merge;
    return OK;
}

void merge_free(struct merge *merge)
{
    if (merge == NULL)
        return;
    for (size_t i = 0; i < merge->deletion_count; i++)
        merge->options.rules->selection_free(merge->deletions[i].selection);
    free(merge->deletions);
    free(merge->of_series);
    free(merge->of_series_tombstones);
    free(merge->inputs);
    free(merge->places);
    free(merge->runs);
    free(merge->versions);
    merge_output_release(&merge->current);
    merge_output_release(&merge->history);
    block_decoder_free(merge->reader.decoder);
    merge_names_release(&merge->names);
    arena_release(&merge->arena);
    arena_release(&merge->series_arena);
    free(merge);
}
