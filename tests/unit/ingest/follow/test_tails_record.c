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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_files_are_one_record),
        cmocka_unit_test(test_what_is_refused_is_read_again),
        cmocka_unit_test(test_rows_do_not_go_without_their_mark),
        cmocka_unit_test(test_a_record_that_would_be_too_large_is_made_smaller),
        cmocka_unit_test(test_too_many_faults_stop_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
