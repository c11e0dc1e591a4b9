/* The observer's questions to the store.  Every read goes through the real view: places,
 * place_read, every field or a choice of them; the answer must be the known rows, no more, no
 * fewer, bit for bit. */
#include <assert.h>
#include <stdlib.h>

#include "world.h"

/* Rows as the store gave them, by (time, ingest). */
struct answer {
    struct arena arena;
    struct known_row *rows;
    size_t count, capacity;
    enum code code; /* E_CORRUPT etc. */
};

struct question {
    uint32_t series;
    int64_t start, end;
    uint32_t mask; /* of fields asked for */
};

static int row_order(const void *left, const void *right)
{
    const struct known_row *a = left, *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->ingest < b->ingest ? -1 : a->ingest > b->ingest;
}

static void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    arena_init(&answer->arena, SIZE_MAX, NULL);
}

static void answer_release(struct answer *answer)
{
    free(answer->rows);
    arena_release(&answer->arena);
}

static void answer_add(struct answer *answer, const struct known_row *row)
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

static bool same_row(const struct known_row *a, const struct known_row *b, uint32_t mask)
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

    if (!place_summaries(view, place, fields, field_count, arena, &unique, &summaries, &count))
        return;
    for (uint32_t i = 1; i < rows->count; i++)
        repeated |= rows->time[i] == rows->time[i - 1];
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

/* All rows of the series at S in the range.  Stops at the first code that is not OK. */
static void ask(struct world *world, const struct view *view, const struct question *question,
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
    answer->code = view_places(view, series, question->start, question->end, &answer->arena,
                               &places, &count, &err);
    if (answer->code && answer->code != E_CORRUPT)
        world_fail(world, "view_places: %s", err.text);
    for (size_t i = 0; answer->code == OK && i < count; i++) {
        if (i > 0 && places[i].time_first < places[i - 1].time_first)
            world_fail(world, "places are not in order of time");
        read_place(world, view, &places[i], series, question, answer);
    }
    if (answer->count > 1)
        qsort(answer->rows, answer->count, sizeof(*answer->rows), row_order);
}

static void tell_difference(struct world *world, const struct question *question, int64_t as_of,
                            const struct known_row *want, const struct known_row *got)
{
    const struct known_row *row = want ? want : got;
    const char *what = !want  ? "a row nobody wrote, or twice"
                       : !got ? "a row is lost"
                              : "a row is changed";

    for (size_t i = 0; i < world->held_count; i++)
        if (world->held[i]->ingest == row->ingest)
            world_trace(world, "(that ingest time is #%llu's)",
                        (unsigned long long)world->held[i]->number);
    world_fail(
        world,
        "series %u at S %lld, [%lld, %lld), fields %x: %s: time %lld ingest %lld revision %lld",
        question->series, (long long)as_of, (long long)question->start, (long long)question->end,
        question->mask, what, (long long)row->time, (long long)row->ingest,
        (long long)row->revision);
}

static void compare(struct world *world, const struct view *view, const struct question *question)
{
    const struct known_series *known = &world->series[question->series];
    struct answer answer;
    size_t got = 0;

    answer_init(&answer);
    ask(world, view, question, &answer);
    world->counts[COUNT_CHECKS]++;
    if (answer.code == E_CORRUPT && !world->failed)
        world_fail(world, "series %u: stored data is damaged", question->series);
    if (answer.code && !world->trouble && !world->failed)
        world_fail(world, "series %u: code %d without a cause", question->series, answer.code);
    if (answer.code) /* an injected read error: no answer, but not a wrong one */
        goto out;
    for (size_t i = 0; i < known->row_count && !world->failed; i++) {
        const struct known_row *want = known->rows[i];
        const struct known_row *row = got < answer.count ? &answer.rows[got] : NULL;

        if (want->ingest > view_as_of(view) || want->time < question->start ||
            want->time >= question->end)
            continue;
        if (row && same_row(want, row, question->mask))
            got++;
        else if (row && row_order(row, want) < 0)
            tell_difference(world, question, view_as_of(view), NULL, row);
        else
            tell_difference(world, question, view_as_of(view), want,
                            row && row_order(row, want) == 0 ? row : NULL);
    }
    if (got < answer.count && !world->failed)
        tell_difference(world, question, view_as_of(view), NULL, &answer.rows[got]);

out:
    answer_release(&answer);
}

void check_series(struct world *world, const struct view *view, uint32_t series, int64_t start,
                  int64_t end)
{
    struct question question = {series, start, end, (1 << FIELD_COUNT) - 1};

    if (random_chance(&world->random, 3))
        question.mask = (uint32_t)random_below(&world->random, 1 << FIELD_COUNT);
    compare(world, view, &question);
}

static bool same_tombstone(const struct tombstone *a, const struct tombstone *b)
{
    if (a->ingest != b->ingest || a->start != b->start || a->end != b->end ||
        !bytes_equal(a->selector.measurement, b->selector.measurement) ||
        a->selector.matcher_count != b->selector.matcher_count || a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (!bytes_equal(a->fields[i], b->fields[i]))
            return false;
    for (uint32_t i = 0; i < a->selector.matcher_count; i++) {
        const struct matcher *left = &a->selector.matchers[i], *right = &b->selector.matchers[i];

        if (left->op != right->op || !bytes_equal(left->key, right->key) ||
            !bytes_equal(left->value, right->value))
            return false;
    }
    return true;
}

static void check_tombstones(struct world *world, const struct view *view, uint32_t tenant)
{
    size_t count, at = 0;
    const struct tombstone *tombstones = view_tombstones(view, &count);

    for (size_t i = 1; i < count; i++)
        if (tombstones[i].ingest <= tombstones[i - 1].ingest)
            world_fail(world, "tombstones are not in order, or one is there twice");
    for (size_t i = 0; i < world->held_count && !world->failed; i++) {
        const struct task *task = world->held[i];

        if (!task->deletes || task->tenant != tenant || task->ingest > view_as_of(view))
            continue;
        if (at == count || !same_tombstone(&task->tombstone, &tombstones[at]))
            world_fail(world, "tenant %u: the tombstone of #%llu is lost or changed", tenant,
                       (unsigned long long)task->number);
        at++;
    }
    if (at < count && tombstones[at].ingest <= view_as_of(view))
        world_fail(world, "tenant %u: a tombstone nobody wrote, of %lld", tenant,
                   (long long)tombstones[at].ingest);
}

void check_tenant(struct world *world, const struct view *view, uint32_t tenant)
{
    size_t missing;
    const struct bytes *texts = view_missing(view, &missing);

    if (missing > 0)
        world_fail(world, "tenant %u: something is missing: %.*s", tenant, BYTES_ARG(texts[0]));
    for (uint32_t i = tenant; i < SERIES_COUNT && !world->failed; i += TENANT_COUNT)
        compare(world, view, &(struct question){i, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1});
    check_tombstones(world, view, tenant);
}

/* A note that the store told, as long as keys are remembered, is that of its submission. */
void check_notes(struct world *world)
{
    for (size_t i = 0; i < world->held_count && !world->failed; i++) {
        const struct task *task = world->held[i];
        int64_t age_ms = (world->clock.wall - task->wall) / 1000000;
        const struct note *note = NULL;

        if (!task->noted)
            continue;
        for (size_t n = 0; n < world->note_count; n++)
            if (world->notes[n].note.ingest == task->ingest)
                note = &world->notes[n].note;
        if (!note && age_ms >= 0 && (uint64_t)age_ms + 3600000 < world->limits.idempotency_ms_max)
            world_fail(world, "the note of #%llu is lost", (unsigned long long)task->number);
        else if (note && (!bytes_equal(note->key, task->note.key) ||
                          memcmp(note->body_hash.bytes, task->note.body_hash.bytes, 16) != 0 ||
                          note->status != task->note.status ||
                          !bytes_equal(note->result, task->note.result)))
            world_fail(world, "the note of #%llu is changed", (unsigned long long)task->number);
    }
    for (size_t n = 0; n < world->note_count && !world->failed; n++) {
        bool known = false;

        for (size_t i = 0; i < world->held_count; i++)
            known |= world->held[i]->noted &&
                     world->held[i]->ingest == world->notes[n].note.ingest &&
                     world->held[i]->tenant == world->notes[n].tenant;
        if (!known)
            world_fail(world, "a note nobody wrote, of %lld",
                       (long long)world->notes[n].note.ingest);
    }
}

static int64_t newest(const struct world *world)
{
    return world->held_count > 0 ? world->held[world->held_count - 1]->ingest : INT64_MIN;
}

/* S must be at `least` or above. */
static struct view *fresh_view(struct world *world, uint32_t tenant, int64_t least)
{
    struct error err = {0};
    struct view *view = NULL;
    const struct tenant *found = catalog_tenant(world->catalog, bytes_of(tenant_name(tenant)));
    enum code code = store_view(world->store, found, VIEW_LATEST, &view, &err);

    if (code) {
        world_fail(world, "store_view: %s", err.text);
        return NULL;
    }
    if (view_as_of(view) < least)
        world_fail(world, "S = %lld does not show what was acknowledged at %lld",
                   (long long)view_as_of(view), (long long)least);
    return view;
}

void check_all(struct world *world)
{
    world->counts[COUNT_SWEEPS]++;
    for (uint32_t tenant = 0; tenant < TENANT_COUNT && !world->failed; tenant++) {
        struct view *view = fresh_view(world, tenant, newest(world));

        if (!view)
            return;
        world_saw(world, view);
        check_tenant(world, view, tenant);
        view_free(view);
    }
}

static void check_series_flushed(struct world *world, const struct view *view, uint32_t number)
{
    struct series_registry *registry = catalog_registry(world->catalog);
    const struct known_series *known = &world->series[number];
    const struct tenant *tenant =
        catalog_tenant_find(world->catalog, bytes_of(tenant_name(known->tenant)));
    const struct series *series = registry->series_by_id(registry, tenant, known->id);
    struct place *places = NULL;
    struct arena arena;
    size_t count = 0;

    arena_init(&arena, SIZE_MAX, NULL);
    if (series && view_places(view, series, INT64_MIN, INT64_MAX, &arena, &places, &count, NULL))
        world_fail(world, "view_places fails after a flush");
    for (size_t i = 0; i < count; i++)
        if (!places[i].in_pack && places[i].ingest_first <= world->flushed)
            world_fail(world, "rows of ingest time %lld are still in the head after a flush",
                       (long long)places[i].ingest_first);
    arena_release(&arena);
}

void check_flushed(struct world *world)
{
    for (uint32_t series = 0; series < SERIES_COUNT && !world->failed; series++) {
        struct view *view = fresh_view(world, world->series[series].tenant, newest(world));

        if (view)
            check_series_flushed(world, view, series);
        view_free(view);
    }
    world->flushed = INT64_MIN;
}

/* --- after a recovery --- */

static bool is_held(const struct world *world, int64_t ingest)
{
    size_t first = 0, end = world->held_count;

    while (first < end) {
        size_t middle = (first + end) / 2;

        if (world->held[middle]->ingest < ingest)
            first = middle + 1;
        else
            end = middle;
    }
    return first < world->held_count && world->held[first]->ingest == ingest;
}

/* Everything that is shown and not known. */
struct strangers {
    struct answer rows;
    struct tombstone tombstones[64]; /* of ... */
    uint32_t tenants[64];
    size_t tombstone_count;
};

static void find_strangers(struct world *world, struct strangers *strangers)
{
    for (uint32_t tenant = 0; tenant < TENANT_COUNT && !world->failed; tenant++) {
        struct view *view = fresh_view(world, tenant, newest(world));
        const struct tombstone *tombstones;
        size_t count;

        if (!view)
            return;
        tombstones = view_tombstones(view, &count);
        for (size_t i = 0; i < count && strangers->tombstone_count < 64; i++) {
            if (is_held(world, tombstones[i].ingest))
                continue;
            strangers->tombstones[strangers->tombstone_count] = tombstones[i];
            strangers->tenants[strangers->tombstone_count++] = tenant;
        }
        for (uint32_t i = tenant; i < SERIES_COUNT && !world->failed; i += TENANT_COUNT) {
            struct question question = {i, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1};
            struct answer answer;

            answer_init(&answer);
            ask(world, view, &question, &answer);
            for (size_t r = 0; r < answer.count; r++) {
                struct known_row row = answer.rows[r];

                if (is_held(world, row.ingest))
                    continue;
                for (uint32_t f = 0; f < FIELD_COUNT; f++) {
                    if (row.cells[f].type != TYPE_STRING)
                        continue;
                    row.cells[f].text = arena_copy(&world->arena, row.cells[f].text);
                    assert(row.cells[f].text.data != NULL);
                }
                answer_add(&strangers->rows, &row);
            }
            answer_release(&answer);
        }
        view_free(view);
    }
}

/* Whether exactly the task's rows are shown with this ingest time. */
static bool is_whole(const struct task *task, const struct answer *rows, int64_t ingest)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const struct known_row *row = &rows->rows[i];
        bool found = false;

        if (row->ingest != ingest)
            continue;
        for (size_t w = 0; w < task->row_count && !found; w++) {
            struct known_row want = task->rows[w];

            want.ingest = ingest;
            if (want.revision > ingest)
                want.revision = ingest;
            found = want.series == row->series && same_row(&want, row, (1 << FIELD_COUNT) - 1);
        }
        if (!found)
            return false;
        count++;
    }
    return count == task->row_count;
}

static void adopt(struct world *world, int64_t ingest, const struct strangers *strangers,
                  const struct tombstone *tombstone, uint32_t tenant)
{
    for (size_t i = 0; i < world->task_count; i++) {
        struct task *task = world->tasks[i];
        struct tombstone want = task->tombstone;

        want.ingest = ingest;
        if (task->state != TASK_UNKNOWN || task->deletes != (tombstone != NULL))
            continue;
        if (tombstone ? task->tenant != tenant || !same_tombstone(&want, tombstone)
                      : !is_whole(task, &strangers->rows, ingest))
            continue;
        if (ingest <= task->seen_before)
            world_fail(world, "#%llu has ingest time %lld, at or below S = %lld of before",
                       (unsigned long long)task->number, (long long)ingest,
                       (long long)task->seen_before);
        if (ingest <= world->seen)
            world_fail(world,
                       "#%llu appears with ingest time %lld, at or below S = %lld, which was shown "
                       "without it",
                       (unsigned long long)task->number, (long long)ingest, (long long)world->seen);
        world->counts[COUNT_UNKNOWN_KEPT]++;
        world_trace(world, "#%llu was kept, at %lld", (unsigned long long)task->number,
                    (long long)ingest);
        task_settle(task, TASK_HELD, ingest);
        return;
    }
    world_fail(world, "%s of ingest time %lld %s nobody wrote, or a part of a submission",
               tombstone ? "a tombstone" : "rows", (long long)ingest, tombstone ? "which" : "that");
}

void resolve_unknown(struct world *world)
{
    struct strangers strangers = {0};

    answer_init(&strangers.rows);
    find_strangers(world, &strangers);
    for (size_t i = 0; i < strangers.tombstone_count && !world->failed; i++)
        adopt(world, strangers.tombstones[i].ingest, &strangers, &strangers.tombstones[i],
              strangers.tenants[i]);
    for (size_t i = 0; i < strangers.rows.count && !world->failed; i++)
        if (!is_held(world, strangers.rows.rows[i].ingest))
            adopt(world, strangers.rows.rows[i].ingest, &strangers, NULL, 0);
    for (size_t i = 0; i < world->task_count; i++)
        if (world->tasks[i]->state == TASK_UNKNOWN)
            world->tasks[i]->state = TASK_GONE;
    answer_release(&strangers.rows);
}

/* --- after a bit was flipped --- */

bool check_flipped(struct world *world, const struct task *spared)
{
    bool told = false;

    for (uint32_t series = 0; series < SERIES_COUNT && !world->failed; series++) {
        struct question question = {series, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1};
        const struct known_series *known = &world->series[series];
        struct view *view = fresh_view(world, known->tenant, INT64_MIN);
        struct answer answer;
        size_t missing, got = 0;

        if (!view)
            break;
        (void)view_missing(view, &missing);
        answer_init(&answer);
        ask(world, view, &question, &answer);
        told |= missing > 0 || answer.code == E_CORRUPT;
        for (size_t i = 0; i < known->row_count && !world->failed; i++) {
            const struct known_row *want = known->rows[i];

            if (got < answer.count && same_row(want, &answer.rows[got], question.mask))
                got++;
            else if (missing == 0 && answer.code == OK && want->ingest != spared->ingest)
                tell_difference(world, &question, view_as_of(view), want, NULL);
        }
        if (got < answer.count && !world->failed)
            tell_difference(world, &question, view_as_of(view), NULL, &answer.rows[got]);
        answer_release(&answer);
        view_free(view);
    }
    return told;
}
