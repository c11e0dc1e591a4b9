#include "answer.h"

#include <assert.h>
#include <stdlib.h>

#include "store/packs/pack.h"

int answer_order(const void *left, const void *right)
{
    const struct known_row *a = left, *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->ingest < b->ingest ? -1 : a->ingest > b->ingest;
}

void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    arena_init(&answer->arena, SIZE_MAX, NULL);
}

void answer_release(struct answer *answer)
{
    free(answer->rows);
    arena_release(&answer->arena);
}

void answer_add(struct answer *answer, const struct known_row *row)
{
    if (answer->count == answer->capacity) {
        answer->capacity = answer->capacity * 2 + 64;
        answer->rows = realloc(answer->rows, answer->capacity * sizeof(*answer->rows));
        assert(answer->rows != NULL);
    }
    answer->rows[answer->count++] = *row;
}

/* One cell of a row into what is known; false when the store contradicts itself. */
static bool take_cell(struct known_row *row, const struct rows_column *column, uint32_t field,
                      uint32_t at)
{
    struct known_cell *cell = &row->cells[field];

    if (column->present && !column->present[at])
        return true;
    if (cell->type != TYPE_NONE)
        return false; /* two values of one field */
    cell->type = column->type;
    if (column->type == TYPE_STRING)
        cell->text = text_bytes(column->cells[at].text);
    else
        cell->bits = column->cells[at].u64;
    return true;
}

/* What place and rows say about each other. */
static bool place_agrees(const struct place *place, const struct rows *rows)
{
    if (rows->count > place->row_count)
        return false;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (rows->time[i] < place->time_first || rows->time[i] > place->time_last)
            return false;
        if (rows->ingest[i] < place->ingest_first || rows->ingest[i] > place->ingest_last)
            return false;
        if (i == 0 || rows->time[i - 1] < rows->time[i])
            continue;
        if (rows->time[i - 1] > rows->time[i] ||
            version_compare(rows->revision ? rows->revision[i - 1] : INT64_MIN, rows->ingest[i - 1],
                            rows->revision ? rows->revision[i] : INT64_MIN, rows->ingest[i]) >= 0)
            return false;
    }
    return true;
}

static bool same_cell(const struct known_cell *a, const struct known_cell *b)
{
    return a->type == b->type && a->bits == b->bits && bytes_equal(a->text, b->text);
}

bool answer_same_row(const struct known_row *a, const struct known_row *b, uint32_t mask)
{
    if (a->time != b->time || a->ingest != b->ingest || a->revision != b->revision)
        return false;
    for (uint32_t i = 0; i < FIELD_COUNT; i++)
        if (mask >> i & 1 && !same_cell(&a->cells[i], &b->cells[i]))
            return false;
    return true;
}

/* A summary stands for the cells of its column. */
static void check_summaries(struct world *world, const struct view *view, const struct place *place,
                            const struct bytes *fields, size_t field_count, const struct rows *rows,
                            struct arena *arena)
{
    struct place_summary *summaries;
    size_t count;
    bool unique, repeated = false;
    int64_t step;

    if (!place_summaries(view, place, fields, field_count, arena, &unique, &step, &summaries,
                         &count))
        return;
    for (uint32_t i = 1; i < rows->count; i++) {
        repeated |= rows->time[i] == rows->time[i - 1];
        if (step != 0 && rows->time[i] - rows->time[i - 1] != step)
            world_fail(world, "a block says its step is constant");
    }
    if (unique == repeated)
        world_fail(world, "a block says its times are%s unique", unique ? "" : " not");
    for (size_t i = 0; i < count; i++) {
        uint32_t valid = 0;

        for (uint32_t c = 0; c < rows->column_count; c++) {
            const struct rows_column *column = &rows->columns[c];

            if (column->field != summaries[i].field || column->type != summaries[i].type)
                continue;
            for (uint32_t r = 0; r < rows->count; r++)
                valid += !column->present || column->present[r];
        }
        if (valid != summaries[i].summary->valid_count)
            world_fail(world, "a summary counts %u values, there are %u",
                       summaries[i].summary->valid_count, valid);
    }
}

static void read_place(struct world *world, const struct view *view, const struct place *place,
                       const struct series *series, const struct question *question,
                       struct answer *answer)
{
    struct bytes fields[FIELD_COUNT];
    uint32_t numbers[FIELD_COUNT], count = 0;
    struct rows rows;
    struct error err = {0};

    for (uint32_t i = FIELD_COUNT; i-- > 0;) { /* not in order of name: any order is promised */
        if (question->mask >> i & 1) {
            numbers[count] = i;
            fields[count++] = field_name(i);
        }
    }
    answer->code =
        place_read(view, place, series, fields, count, world->decoder, &answer->arena, &rows, &err);
    if (answer->code == E_SHARD && deliver_excuses(world)) {
        world->counts[COUNT_NO_ANSWER]++;
        return;
    }
    if (place->in_pack && pack_is_away(place->source))
        world->counts[COUNT_READ_AWAY]++;
    if (answer->code) {
        if (answer->code != E_CORRUPT && answer->code != E_IO)
            world_fail(world, "place_read: %s", err.text);
        return;
    }
    if (!place_agrees(place, &rows))
        world_fail(world, "a place of series %u contradicts its rows", question->series);
    check_summaries(world, view, place, fields, count, &rows, &answer->arena);
    for (uint32_t i = 0; i < rows.count; i++) {
        struct known_row row = {.time = rows.time[i],
                                .ingest = rows.ingest[i],
                                .revision = rows.revision ? rows.revision[i] : INT64_MIN,
                                .settled = place->settled,
                                .series = question->series};

        if (row.ingest > view_as_of(view) || row.time < question->start ||
            row.time >= question->end)
            continue;
        for (uint32_t c = 0; c < rows.column_count; c++)
            if (!take_cell(&row, &rows.columns[c], numbers[rows.columns[c].field], i))
                world_fail(world, "a row of series %u has a field twice", question->series);
        answer_add(answer, &row);
    }
}

void answer_ask(struct world *world, const struct view *view, const struct question *question,
                struct answer *answer)
{
    const struct known_series *known = &world->series[question->series];
    const struct tenant *tenant =
        catalog_tenant_find(world->catalog, bytes_of(tenant_name(known->tenant)));
    struct series_registry *registry = catalog_registry(world->catalog);
    const struct series *series =
        tenant ? registry->series_by_id(registry, tenant, known->id) : NULL;
    struct place *places;
    struct error err = {0};
    size_t count;

    if (!series)
        return;
    if (!world->decoder && block_decoder_new(&world->decoder, &err) != OK)
        abort();
    answer->code = view_places(view, series, question->start, question->end, !question->latest,
                               &answer->arena, &places, &count, &err);
    if (answer->code && answer->code != E_CORRUPT)
        world_fail(world, "view_places: %s", err.text);
    for (size_t i = 0; answer->code == OK && i < count; i++) {
        if (i > 0 && places[i].time_first < places[i - 1].time_first)
            world_fail(world, "places are not in order of time");
        read_place(world, view, &places[i], series, question, answer);
    }
    if (answer->count > 1)
        qsort(answer->rows, answer->count, sizeof(*answer->rows), answer_order);
}
