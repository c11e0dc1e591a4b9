#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/twin.c"

#include "query/versions.h"

#include "base/hash.h"

/* Versions of one row in one place: ingest, revision, and one field of any type. */
struct world {
    struct opened place;
    int64_t time[4], ingest[4], revision[4];
    union cell cells[4];
    uint8_t real[4], retracted[4];
    struct rows_column columns[2];
    struct version versions[4];
};

/* The last `count` arguments' rows: value < 0 = retracted. */
static void world_init(struct world *world, const int64_t rows[][3], uint32_t count)
{
    *world = (struct world){0};
    for (uint32_t i = 0; i < count; i++) {
        world->ingest[i] = rows[i][0];
        world->revision[i] = rows[i][1] ? rows[i][1] : INT64_MIN;
        world->cells[i].f64 = (double)rows[i][2];
        world->real[i] = rows[i][2] >= 0;
        world->retracted[i] = rows[i][2] < 0;
        world->versions[i] = (struct version){&world->place, i};
    }
    world->columns[0] = (struct rows_column){0, TYPE_F64, world->cells, world->real};
    world->columns[1] = (struct rows_column){0, TYPE_RETRACTED, world->cells, world->retracted};
    world->place.rows =
        (struct rows){count, world->time, world->ingest, world->revision, world->columns, 2};
}

static void test_the_newest_version_wins(void **state)
{
    static const struct {
        const char *name;
        int64_t rows[4][3]; /* ingest, revision or 0, value or -1 */
        uint32_t count, kept;
        int64_t as_of;
        int64_t want; /* -1 = no value */
    } cases[] = {
        {"later ingest",                        {{10, 0, 1}, {20, 0, 2}},            2, 2, 100, 2 },
        {"in whatever order they come",         {{20, 0, 2}, {10, 0, 1}},            2, 2, 100, 2 },
        {"what is above S is not there",        {{10, 0, 1}, {20, 0, 2}},            2, 1, 19,  1 },
        {"S itself is there",                   {{10, 0, 1}, {20, 0, 2}},            2, 2, 20,  2 },
        {"a revision goes before ingest",       {{10, 0, 1}, {20, 5, 2}},            2, 2, 100, 1 },
        {"of equal revisions the later ingest", {{10, 5, 1}, {20, 5, 2}},            2, 2, 100, 2 },
        {"a revision against an ingest time",   {{10, 0, 1}, {20, 11, 2}},           2, 2, 100, 2 },
        {"a retraction wins like a value",      {{10, 0, 1}, {20, 0, -1}},           2, 2, 100, -1},
        {"and loses like one",                  {{10, 0, -1}, {20, 0, 2}},           2, 2, 100, 2 },
        {"one identity is one row",             {{10, 0, 1}, {10, 0, 1}, {5, 0, 9}}, 3, 2, 100, 1 },
        {"nothing at all",                      {{10, 0, 1}},                        1, 0, 9,   -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world world;
        struct datum value;
        uint8_t decided;
        uint32_t valid;
        size_t kept;

        world_init(&world, cases[i].rows, cases[i].count);
        kept = versions_sort(world.versions, cases[i].count, cases[i].as_of);
        valid = versions_resolve(world.versions, kept, cases[i].as_of, 1, &value, &decided);
        if (kept != cases[i].kept || valid != (cases[i].want >= 0) ||
            (valid && value.cell.f64 != (double)cases[i].want))
            fail_msg("%s: kept %zu, valid %u", cases[i].name, kept, (unsigned)valid);
    }
}

/* A row whose newest version retracts, and what it came to. */
static void test_a_row_beside_its_versions_does_not_count(void **state)
{
    static const int64_t combined[][3] = {
        {30, 0, 1}
    };
    static const int64_t newest[][3] = {
        {10, 0, 1 },
        {30, 0, -1}
    };

    (void)state;
    for (int order = 0; order < 2; order++) {
        struct world row, versions;
        struct version list[3];
        struct datum values[1];
        uint8_t decided[1];

        world_init(&row, combined, 1);
        world_init(&versions, newest, 2);
        row.place.settled = 30;
        versions.place.settled = INT64_MIN;
        list[order == 0 ? 0 : 2] = row.versions[0];
        list[1] = versions.versions[0];
        list[order == 0 ? 2 : 0] = versions.versions[1];
        assert_int_equal(versions_sort(list, 3, 100), 2);
        assert_ptr_equal(list[0].place, &versions.place);
        assert_int_equal(versions_resolve(list, 2, 100, 1, values, decided), 0);
    }
}

/* Two authors whose ingest times are the same by mistake: none of the rows is dropped, and the same
 * one wins in whatever order they come. */
static void test_rows_of_two_authors_are_two_versions(void **state)
{
    static const struct hash128 authors[] = {{{1}}, {{2}}};
    static const struct hash128 again = {{1}};
    static const int64_t rows[][3] = {
        {30, 0, 5}
    };

    (void)state;
    for (int order = 0; order < 2; order++) {
        struct world worlds[2];
        struct version list[2];

        for (int i = 0; i < 2; i++) {
            world_init(&worlds[i], rows, 1);
            worlds[i].place.author = &authors[i];
            list[i == order] = worlds[i].versions[0];
        }
        assert_int_equal(versions_sort(list, 2, 100), 2);
        assert_ptr_equal(list[0].place->author, &authors[0]);
        worlds[1].place.author = &again; /* a copy of the row */
        assert_int_equal(versions_sort(list, 2, 100), 1);
    }
}

static void test_a_lower_s_than_sorted_for_can_be_asked(void **state)
{
    const int64_t rows[][3] = {
        {10, 0, 1},
        {20, 0, 2},
        {30, 0, 3}
    };
    struct world world;
    struct datum value;
    uint8_t decided;

    (void)state;
    world_init(&world, rows, 3);
    assert_int_equal(versions_sort(world.versions, 3, 100), 3);
    for (int64_t i = 1; i <= 3; i++) {
        assert_int_equal(versions_resolve(world.versions, 3, i * 10, 1, &value, &decided), 1);
        assert_true(value.cell.f64 == (double)i);
    }
}

/* From each row on, each time: as one row after the other would find it. */
static void test_the_row_behind_a_time_is_found(void **state)
{
    int64_t time[40];
    struct run run = {.time = time, .end = COUNT_OF(time)};

    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(time); i++)
        time[i] = 10 + 3 * (int64_t)i;
    for (uint32_t first = 0; first < run.end; first++)
        for (int64_t asked = 8; asked < 140; asked++) {
            uint32_t want = first;

            while (want < run.end && time[want] < asked)
                want++;
            assert_int_equal(run_row_behind(&run, first, asked), want);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_row_behind_a_time_is_found),
        cmocka_unit_test(test_the_newest_version_wins),
        cmocka_unit_test(test_a_row_beside_its_versions_does_not_count),
        cmocka_unit_test(test_rows_of_two_authors_are_two_versions),
        cmocka_unit_test(test_a_lower_s_than_sorted_for_can_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
