/* The observer's questions to the store: the answer must be the known rows, no more, no fewer, bit
 * for bit. */
#include <assert.h>

#include "answer.h"
#include "latest.h"

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
    answer_ask(world, view, question, &answer);
    world->counts[COUNT_CHECKS]++;
    if (answer.code == E_CORRUPT && !world->failed)
        world_fail(world, "series %u: stored data is damaged", question->series);
    if (answer.code && answer.code != E_SHARD && !world->trouble && !world->failed)
        world_fail(world, "series %u: code %d without a cause", question->series, answer.code);
    if (answer.code) /* an injected read error, or a shard's: no answer, but not a wrong one */
        goto out;
    for (size_t i = 0; i < known->row_count && !world->failed; i++) {
        const struct known_row *want = known->rows[i];
        const struct known_row *row = got < answer.count ? &answer.rows[got] : NULL;

        if (want->ingest > view_as_of(view) || want->time < question->start ||
            want->time >= question->end)
            continue;
        if (row && answer_same_row(want, row, question->mask))
            got++;
        else if (row && answer_order(row, want) < 0)
            tell_difference(world, question, view_as_of(view), NULL, row);
        else
            tell_difference(world, question, view_as_of(view), want,
                            row && answer_order(row, want) == 0 ? row : NULL);
    }
    if (got < answer.count && !world->failed)
        tell_difference(world, question, view_as_of(view), NULL, &answer.rows[got]);

out:
    answer_release(&answer);
}

void check_series(struct world *world, const struct view *view, uint32_t series, int64_t start,
                  int64_t end)
{
    struct question question = {series, start, end, (1 << FIELD_COUNT) - 1, false};

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

void check_latest(struct world *world, const struct view *view, uint32_t series, int64_t start,
                  int64_t end)
{
    struct question question = {series, start, end, (1 << FIELD_COUNT) - 1, true};
    const struct known_series *known = &world->series[series];
    struct answer answer, written;

    answer_init(&answer);
    answer_init(&written);
    answer_ask(world, view, &question, &answer);
    world->counts[COUNT_CHECKS]++;
    for (size_t i = 0; i < known->row_count; i++)
        if (known->rows[i]->ingest <= view_as_of(view) && known->rows[i]->time >= start &&
            known->rows[i]->time < end)
            answer_add(&written, known->rows[i]);
    if (answer.code == OK && !world->failed)
        latest_compare(world, view, series, &written, &answer);
    else if (answer.code && answer.code != E_SHARD && !world->trouble && !world->failed)
        world_fail(world, "series %u: code %d without a cause", series, answer.code);
    answer_release(&answer);
    answer_release(&written);
}

void check_tenant(struct world *world, const struct view *view, uint32_t tenant)
{
    size_t missing;
    const struct bytes *texts = view_missing(view, &missing);

    if (missing > 0)
        world_fail(world, "tenant %u: something is missing: %.*s", tenant, BYTES_ARG(texts[0]));
    for (uint32_t i = tenant; i < SERIES_COUNT && !world->failed; i += TENANT_COUNT) {
        compare(world, view,
                &(struct question){i, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1, false});
        if (!world->failed)
            check_latest(world, view, i, INT64_MIN, INT64_MAX);
    }
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
    if (series &&
        view_places(view, series, INT64_MIN, INT64_MAX, true, &arena, &places, &count, NULL))
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
            struct question question = {i, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1, false};
            struct answer answer;

            answer_init(&answer);
            answer_ask(world, view, &question, &answer);
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
            found =
                want.series == row->series && answer_same_row(&want, row, (1 << FIELD_COUNT) - 1);
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
        struct question question = {series, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1, false};
        const struct known_series *known = &world->series[series];
        struct view *view = fresh_view(world, known->tenant, INT64_MIN);
        struct answer answer;
        size_t missing, got = 0;

        if (!view)
            break;
        (void)view_missing(view, &missing);
        answer_init(&answer);
        answer_ask(world, view, &question, &answer);
        told |= missing > 0 || answer.code == E_CORRUPT;
        for (size_t i = 0; i < known->row_count && !world->failed; i++) {
            const struct known_row *want = known->rows[i];

            if (got < answer.count && answer_same_row(want, &answer.rows[got], question.mask))
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
