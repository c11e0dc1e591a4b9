#include "tests/unit/ingest/follow/tails_fixture.h"

static void test_many_files_are_one_record(void **state)
{
    struct tails_fixture fixture;
    char name[16];

    (void)state;
    tails_fixture_init(&fixture, "");
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        tail_put(&fixture.files, name, 0, "n,p,v\n1,a,1\n");
        if (i < 25)
            tail_put(&fixture.files, name, 0, "2,b,1\n");
    }
    tails_turn(&fixture, 0);
    assert_int_equal(fixture.source->told.records, 1);
    assert_int_equal(fixture.source->told.rows, 75);
    assert_int_equal(ground_rows(&fixture.ground), 2 + 51); /* marks, and that it began */
    tails_fixture_release(&fixture);
}

static void test_what_is_refused_is_read_again(void **state)
{
    struct tails_fixture fixture;
    struct error err = {0};

    (void)state;
    tails_fixture_init(&fixture, "");
    fixture.ground.limits.points_per_second_max = 10;
    assert_int_equal(rate_take(fixture.ground.rate, fixture.ground.tenant, 10, 25, &err), OK);
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
    tails_turn(&fixture, 0);
    assert_int_equal(fixture.source->told.rows, 0);
    assert_int_equal(fixture.source->told.state, TAILS_WAITING);
    assert_non_null(strstr(fixture.source->told.error, "points_per_second_max"));
    fixture.ground.limits.points_per_second_max = 0;
    tails_turn(&fixture, 100); /* it was told when to come again */
    assert_int_equal(fixture.source->told.rows, 0);
    tails_turn(&fixture, 11000);
    assert_int_equal(fixture.source->told.rows, 1);
    assert_int_equal(fixture.source->told.state, TAILS_FOLLOWING);
    tails_fixture_release(&fixture);
}

static void test_rows_do_not_go_without_their_mark(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    fixture.ground.limits.series_max = 1;
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
    tails_turn(&fixture, 0);
    assert_int_equal(ground_rows(&fixture.ground), 0);
    assert_non_null(strstr(fixture.source->told.error, "cannot be kept"));
    fixture.ground.limits.series_max = 3;
    tails_turn(&fixture, 11000);
    assert_int_equal(fixture.source->told.rows, 1);
    tail_put(&fixture.files, "a", 0, "2,b,1\n"); /* a fourth series is left out, and told */
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    assert_int_equal(fixture.source->told.faults, 1);
    assert_int_equal(fixture.source->list->mark.offset, 18);
    tails_fixture_release(&fixture);
}

static void test_a_record_that_would_be_too_large_is_made_smaller(void **state)
{
    struct tails_fixture fixture;
    char text[20000];

    (void)state;
    tails_fixture_init(&fixture, "");
    fixture.ground.limits.record_bytes_max = 100000;
    tail_put(&fixture.files, "a", 0, "n,p,v\n");
    for (int i = 0; i < 20000; i += 1000) {
        size_t size = 0;

        for (int j = i; j < i + 1000; j++)
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%d,a,%d\n", j,
                                     j * 7919 % 10007);
        tail_put(&fixture.files, "a", 0, text);
    }
    for (int i = 0; i < 20; i++)
        tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 20000);
    assert_true(fixture.source->told.records > 1);
    tails_fixture_release(&fixture);
}

static void test_too_many_faults_stop_a_file(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "'decode': 'csv', 'faults_max': 1");
    tail_put(&fixture.files, "a", 0, "n,p,v\nx,a,1\n1,a,1\n");
    tail_put(&fixture.files, "b", 0, "n,p,v\nx,a,1\nx,a,1\n2,a,1\n");
    tails_turn(&fixture, 0);
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    assert_int_equal(fixture.source->told.faults, 1);
    assert_non_null(strstr(fixture.source->told.error, "faults_max allows 1"));
    tails_fixture_release(&fixture);
}

/* Where no file is there for long it is all that there is, and goes with the tenant's rows. */
static void test_that_it_began_is_written_again_before_it_goes(void **state)
{
    static const struct {
        int64_t age_s;
        uint64_t records;
    } cases[] = {
        {600,  0},
        {2400, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tails_fixture fixture;
        struct tail_mark began = {.time_ns = clock_wall_ns(clock_system()) -
                                             cases[i].age_s * INT64_C(1000000000)};

        tails_fixture_init(&fixture, "");
        fixture.began = &began;
        fixture.retention_ns = INT64_C(3600000000000);
        for (int turn = 0; turn < 3; turn++)
            tails_turn(&fixture, 1000);
        assert_int_equal(fixture.source->told.records, cases[i].records);
        tails_fixture_release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_files_are_one_record),
        cmocka_unit_test(test_what_is_refused_is_read_again),
        cmocka_unit_test(test_rows_do_not_go_without_their_mark),
        cmocka_unit_test(test_a_record_that_would_be_too_large_is_made_smaller),
        cmocka_unit_test(test_too_many_faults_stop_a_file),
        cmocka_unit_test(test_that_it_began_is_written_again_before_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
