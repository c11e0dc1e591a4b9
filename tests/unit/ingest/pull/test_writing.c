#include "tests/unit/ingest/ground.h"

#include <unistd.h>

#include "ingest/pull/pending.h"
#include "ingest/pull/writing.h"

enum { RECORD_POINTS = 8192, BULK_RECORDS = 8, RECALLED_MAX = 4 };

/* A store, what a recall finds, and points on their way. */
struct world {
    struct ground ground;
    _Atomic bool stop;
    struct recall recall;
    struct {
        int64_t time;
        uint64_t hash;
    } recalled[RECALLED_MAX]; /* of series w,site=a and field t */
    size_t recalled_count;
    enum code recall_code;
    bool partial;          /* somebody does not answer */
    struct window_set had; /* 0 to 1000 */
    unsigned asked;
    struct writing *writing;
    struct arena arena;
    struct batch batch;
    struct point point;
};

static enum code
recall_rows(void *context, struct bytes tenant, struct bytes measurement,
            const struct series_tag *matched, uint32_t matched_count, int64_t start, int64_t end,
            enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
            void *taker, bool *partial, struct error *err)
{
    static const struct series_tag tags[] = {
        {BYTES("partition"), BYTES("0123456789abcdef")},
        {BYTES("site"),      BYTES("a")               },
    };
    static const struct bytes field = BYTES("t");
    static const enum value_type type = TYPE_I64;
    struct world *world = context;
    enum code code = OK;

    world->asked++;
    assert_true(bytes_equal(tenant, BYTES("default")));
    assert_true(bytes_equal(measurement, BYTES("\x01s\x01w")));
    assert_true(matched_count > 0 && bytes_equal(matched[matched_count - 1].value, tags[0].value));
    *partial = world->partial;
    if (world->recall_code)
        return error_set(err, world->recall_code, "nobody answers");
    for (size_t i = 0; code == OK && i < world->recalled_count; i++) {
        union cell cell = {.u64 = world->recalled[i].hash};
        const struct recalled_row row = {.tags = tags,
                                         .tag_count = 2,
                                         .time = world->recalled[i].time,
                                         .fields = &field,
                                         .types = &type,
                                         .cells = &cell,
                                         .count = 1};

        if (row.time >= start && row.time < end)
            code = take(taker, &row, err);
    }
    return code;
}

static void world_open(struct world *world, bool latest)
{
    struct error err = {0};
    struct writing_terms terms;

    *world = (struct world){
        .recall = {.rows = recall_rows, .context = world}
    };
    ground_init(&world->ground);
    ground_open(&world->ground);
    terms = (struct writing_terms){
        .deposit = {.environment = &world->ground.environment,
                    .tenant = world->ground.tenant,
                    .limits = &world->ground.limits,
                    .stop = &world->stop},
        .recall = &world->recall,
        .source = BYTES("s"),
        .partition = BYTES("0123456789abcdef"),
        .latest = latest,
        .had = &world->had,
    };
    assert_int_equal(window_set_done(&world->had, 0, 1000, &err), OK);
    assert_int_equal(writing_open(&terms, &world->writing, &err), OK);
    arena_init(&world->arena, SIZE_MAX, NULL);
    batch_init(&world->batch, &world->arena, 1);
    point_init(&world->point, &world->batch, &world->ground.limits);
}

static void world_close(struct world *world)
{
    writing_close(world->writing);
    window_set_release(&world->had);
    point_release(&world->point);
    batch_release(&world->batch);
    arena_release(&world->arena);
    ground_close(&world->ground);
    ground_remove(&world->ground);
}

/* w,site=a t=value time */
static void make_point(struct world *world, double value, int64_t time)
{
    struct point *point = &world->point;

    point_clear(point);
    point->measurement = BYTES("w");
    *point_add_tag(point) = (struct series_tag){BYTES("site"), BYTES("a")};
    *point_add_field(point) =
        (struct point_field){.name = BYTES("t"), .type = TYPE_F64, .cell.f64 = value};
    point->timed = true;
    point->time = time;
}

static enum code take(struct world *world, double value, int64_t time, int64_t revision)
{
    struct error err = {0};

    make_point(world, value, time);
    return writing_take(world->writing, &world->point, revision, &err);
}

/* That point was written before. */
static void recall(struct world *world, double value, int64_t time)
{
    struct pending pending;
    struct error err = {0};

    pending_init(&pending);
    make_point(world, value, time);
    assert_int_equal(pending_add(&pending, &world->point, INT64_MIN, &err), OK);
    world->recalled[world->recalled_count].time = time;
    world->recalled[world->recalled_count++].hash = pending.points[0].hash;
    pending_release(&pending);
}

static enum code finish(struct world *world, bool note)
{
    static const struct progress_note done = {.time_ns = 1, .end_ns = 2, .done = true};
    struct error err = {0};

    return writing_finish(world->writing, note ? &done : NULL, &err);
}

static void expect(struct world *world, uint64_t rows, uint64_t written, uint64_t records)
{
    const struct writing_counts *counts = writing_counts(world->writing);

    assert_int_equal(counts->rows, rows);
    assert_int_equal(counts->written, written);
    assert_int_equal(counts->records, records);
}

static void test_points_hashes_and_the_note_are_one_record(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    assert_int_equal(take(&world, 2, 200, INT64_MIN), OK);
    assert_int_equal(ground_rows(&world.ground), 0);
    assert_int_equal(finish(&world, true), OK);
    expect(&world, 2, 2, 1);
    assert_int_equal(ground_rows(&world.ground), 2 + 2 + 1);
    world_close(&world);
}

static void test_what_is_the_same_is_not_written(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    recall(&world, 1, 100);
    recall(&world, 2, 200);
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    assert_int_equal(take(&world, 2.5, 200, INT64_MIN), OK);
    assert_int_equal(take(&world, 3, 300, INT64_MIN), OK);
    assert_int_equal(finish(&world, false), OK);
    expect(&world, 3, 2, 1);
    assert_int_equal(writing_counts(world.writing)->added, 1);
    assert_int_equal(ground_rows(&world.ground), 4);
    world_close(&world);
}

/* What is behind the last time that is asked for is written each time, and nothing else is. */
static void test_the_last_time_there_is_hides_no_other(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    recall(&world, 1, 100);
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    assert_int_equal(take(&world, 2, INT64_MAX, INT64_MIN), OK);
    assert_int_equal(finish(&world, false), OK);
    expect(&world, 2, 1, 1);
    assert_int_equal(take(&world, 2, INT64_MAX, INT64_MIN), OK);
    assert_int_equal(finish(&world, false), OK);
    expect(&world, 3, 2, 2);
    assert_int_equal(world.asked, 1);
    world_close(&world);
}

static void test_what_is_not_taken_is_no_record(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    *world.ground.tenant->undelivered = world.ground.limits.outbox_bytes_max + 1;
    world.stop = true;
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    assert_int_equal(finish(&world, true), E_CANCELLED);
    assert_int_equal(writing_counts(world.writing)->records, 0);
    *world.ground.tenant->undelivered = 0;
    world_close(&world);
}

static void test_nothing_new_is_no_record_but_for_the_note(void **state)
{
    (void)state;
    for (int note = 0; note < 2; note++) {
        struct world world;

        world_open(&world, false);
        recall(&world, 1, 100);
        assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
        assert_int_equal(finish(&world, note), OK);
        expect(&world, 1, 0, (uint64_t)note);
        assert_int_equal(ground_rows(&world.ground), note);
        world_close(&world);
    }
}

static void test_versions_are_a_record_each(void **state)
{
    (void)state;
    for (int latest = 0; latest < 2; latest++) {
        struct world world;

        world_open(&world, latest);
        assert_int_equal(take(&world, 3, 100, 30), OK);
        assert_int_equal(take(&world, 1, 100, 10), OK);
        assert_int_equal(take(&world, 2, 100, 20), OK);
        assert_int_equal(finish(&world, true), OK);
        expect(&world, 3, latest ? 1 : 3, latest ? 1 : 3);
        world_close(&world);
    }
}

static void test_without_the_recall_nothing_is_written(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    world.recall_code = E_IO;
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    assert_int_equal(finish(&world, true), E_IO);
    expect(&world, 1, 0, 0);
    assert_int_equal(ground_rows(&world.ground), 0);
    world_close(&world);
}

/* What fails on the way leaves the window as it was: the note is in the very last record. */
static void test_many_points_are_several_records_and_the_note_is_in_the_last(void **state)
{
    struct world world;

    (void)state;
    for (int broken = 0; broken < 2; broken++) {
        world_open(&world, false);
        for (int64_t i = 0; i < RECORD_POINTS + 10; i++) {
            assert_int_equal(take(&world, 1, 1000 + i, INT64_MIN), OK);
            if (i == RECORD_POINTS - 1)
                assert_int_equal(ground_rows(&world.ground), 2 * RECORD_POINTS);
        }
        world.recall_code = broken ? E_IO : OK;
        assert_int_equal(finish(&world, true), broken ? E_IO : OK);
        assert_int_equal(ground_rows(&world.ground), 2 * RECORD_POINTS + (broken ? 0 : 2 * 10 + 1));
        expect(&world, RECORD_POINTS + 10, RECORD_POINTS + (broken ? 0 : 10), broken ? 1 : 2);
        assert_int_equal(world.asked, 2);
        world_close(&world);
    }
}

/* Of what is not known somebody may have corrected what was had; nobody has what is new. */
static void test_while_somebody_does_not_answer_what_was_had_and_is_not_known_waits(void **state)
{
    (void)state;
    for (int partial = 0; partial < 2; partial++) {
        struct world world;

        world_open(&world, false);
        world.partial = partial;
        recall(&world, 1, 100);
        recall(&world, 2, 200);
        assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
        assert_int_equal(take(&world, 2.5, 200, INT64_MIN), OK);
        assert_int_equal(take(&world, 3, 999, INT64_MIN), OK);
        assert_int_equal(take(&world, 4, 1000, INT64_MIN), OK);
        assert_int_equal(finish(&world, true), OK);
        expect(&world, 4, partial ? 2 : 3, 1);
        assert_int_equal(writing_counts(world.writing)->held, partial);
        assert_int_equal(writing_counts(world.writing)->added, partial ? 1 : 2);
        assert_int_equal(ground_rows(&world.ground), partial ? 2 * 2 : 2 * 3 + 1);
        world_close(&world);
    }
}

/* Also versions of a point, and where the rows behind it, in a record of their own, are known. */
static void test_the_note_waits_with_any_row_of_the_page(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    world.partial = true;
    assert_int_equal(take(&world, 1, 100, 10), OK);
    assert_int_equal(take(&world, 2, 100, 20), OK);
    for (int64_t i = 2; i < RECORD_POINTS; i++)
        assert_int_equal(take(&world, 1, 1000 + i, INT64_MIN), OK);
    world.partial = false;
    assert_int_equal(take(&world, 1, 1000, INT64_MIN), OK);
    assert_int_equal(finish(&world, true), OK);
    assert_int_equal(writing_counts(world.writing)->held, 2);
    assert_int_equal(ground_rows(&world.ground), 2 * (RECORD_POINTS - 1));
    world_close(&world);
}

/* So it is while nothing that was had is missing: the source goes on. */
static void test_what_is_known_or_new_needs_nobody_else(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    world.partial = true;
    recall(&world, 1, 100);
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    assert_int_equal(take(&world, 2, 1000, INT64_MIN), OK);
    assert_int_equal(finish(&world, true), OK);
    expect(&world, 2, 1, 1);
    assert_int_equal(ground_rows(&world.ground), 2 + 1);
    world_close(&world);
}

static void test_what_is_forgotten_is_not_written(void **state)
{
    struct world world;

    (void)state;
    world_open(&world, false);
    assert_int_equal(take(&world, 1, 100, INT64_MIN), OK);
    writing_forget(world.writing);
    assert_int_equal(take(&world, 2, 200, INT64_MIN), OK);
    assert_int_equal(finish(&world, false), OK);
    assert_int_equal(ground_rows(&world.ground), 2);
    world_close(&world);
}

/* A generation is old after a minute, and large with sixteen times as much. */
static void test_what_a_large_page_brings_is_sealed_as_it_comes(void **state)
{
    struct world world;
    int64_t last = 0;

    (void)state;
    world_open(&world, false);
    for (;
         last < (int64_t)3 * BULK_RECORDS * RECORD_POINTS && store_sealed(world.ground.store) == 0;
         last++)
        assert_int_equal(take(&world, 1, last, INT64_MIN), OK);
    assert_int_equal(finish(&world, true), OK);
    for (unsigned ms = 0; ms < 20000 && store_sealed(world.ground.store) == 0; ms += 10)
        (void)usleep(10000);
    assert_true(store_sealed(world.ground.store) > 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_hashes_and_the_note_are_one_record),
        cmocka_unit_test(test_what_is_the_same_is_not_written),
        cmocka_unit_test(test_the_last_time_there_is_hides_no_other),
        cmocka_unit_test(test_what_is_not_taken_is_no_record),
        cmocka_unit_test(test_nothing_new_is_no_record_but_for_the_note),
        cmocka_unit_test(test_versions_are_a_record_each),
        cmocka_unit_test(test_without_the_recall_nothing_is_written),
        cmocka_unit_test(test_many_points_are_several_records_and_the_note_is_in_the_last),
        cmocka_unit_test(test_while_somebody_does_not_answer_what_was_had_and_is_not_known_waits),
        cmocka_unit_test(test_the_note_waits_with_any_row_of_the_page),
        cmocka_unit_test(test_what_is_known_or_new_needs_nobody_else),
        cmocka_unit_test(test_what_is_forgotten_is_not_written),
        cmocka_unit_test(test_what_a_large_page_brings_is_sealed_as_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
