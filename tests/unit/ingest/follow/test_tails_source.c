#include "tests/unit/ingest/follow/tails_fixture.h"

/* Of file "a", and that is known at the next start. */
static void one_row_is_read(struct tails_fixture *fixture)
{
    tail_put(&fixture->files, "a", 0, "n,p,v\n1,a,1\n");
    tails_turn(fixture, 0);
    assert_int_equal(fixture->source->told.rows, 1);
    fixture->mark = fixture->source->list->mark;
}

static void test_marks_are_waited_for(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
    fixture.recall_code = E_IO;
    tails_turn(&fixture, 0);
    assert_int_equal(fixture.source->told.rows, 0);
    assert_int_equal(fixture.source->told.state, TAILS_LOADING);
    assert_string_equal(fixture.source->told.error, "nobody answers");
    tails_turn(&fixture, 500);
    assert_int_equal(fixture.asked, 1); /* not so soon */
    fixture.recall_code = OK;
    fixture.recall_partial = true;
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.asked, 2);
    assert_false(fixture.source->loaded);
    tails_turn(&fixture, 40000); /* who is not there may never be */
    assert_true(fixture.source->loaded);
    assert_int_equal(fixture.source->told.rows, 1);
    tails_fixture_release(&fixture);
}

/* Who starts before the registry can be reached: what it read would be nobody's when it has its
 * number. */
static void test_the_number_is_waited_for(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
    fixture.node = NULL;
    tails_turn(&fixture, 0);
    tails_turn(&fixture, 40000);
    assert_int_equal(fixture.asked, 0);
    assert_int_equal(fixture.source->told.rows, 0);
    assert_int_equal(fixture.source->told.state, TAILS_LOADING);
    assert_string_equal(fixture.source->told.error, "no number yet");
    fixture.node = "1";
    fixture.recall_partial = true;
    tails_turn(&fixture, 1000);
    assert_false(fixture.source->loaded); /* what others say has its time from now on */
    fixture.recall_partial = false;
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    assert_string_equal(fixture.tails.node, "1");
    tails_fixture_release(&fixture);
}

static void start_at_the_end(struct tails_fixture *fixture)
{
    tails_start_anew(fixture, "");
    fixture->source->source->files.from_end = true;
}

/* It was alone, or an older version that had not reached its registry. */
static void test_what_was_read_before_the_number_is_gone_on_with(void **state)
{
    static const char *const nodes[] = {NULL, "0"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        struct tails_fixture fixture;

        tails_fixture_init(&fixture, "");
        tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
        start_at_the_end(&fixture);
        tails_turn(&fixture, 0);
        assert_int_equal(fixture.source->told.rows, 0);
        fixture.mark = fixture.source->list->mark;
        fixture.mark_node = nodes[i];
        tail_put(&fixture.files, "a", 0, "2,a,1\n"); /* while it is down, */
        tail_put(&fixture.files, "b", 0, "n,p,v\n3,a,1\n4,a,1\n");
        tail_put(&fixture.files, "c", 0, "n,p,v\n5,a,1\n"); /* on either side of `a` in a look */
        fixture.node = "1";
        start_at_the_end(&fixture);
        tails_turn(&fixture, 1000);
        assert_int_equal(fixture.source->told.rows, 4);
        assert_true(fixture.source->begun_ns > 0); /* under the number, too */
        tails_fixture_release(&fixture);
    }
}

static void test_what_another_read_before_its_number_is_not_ours(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    one_row_is_read(&fixture);
    fixture.mark.head.hash++; /* a file of this number, there */
    fixture.node = "1";
    start_at_the_end(&fixture);
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 0); /* it stood there when the source began here */
    tail_put(&fixture.files, "a", 0, "2,a,1\n");
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    tails_fixture_release(&fixture);
}

/* Two nodes that see one file, of which one was alone until now. */
static void test_its_own_mark_goes_before_one_without_a_number(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    one_row_is_read(&fixture);
    fixture.mark_node = "1";
    tail_put(&fixture.files, "a", 0, "2,a,1\n");
    tails_turn(&fixture, 1000);
    fixture.later = fixture.source->list->mark;
    fixture.later.time_ns += INT64_C(3600000000000);
    fixture.node = "1";
    tails_start_anew(&fixture, "");
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    tails_fixture_release(&fixture);
}

static void test_it_goes_on_at_the_mark(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    one_row_is_read(&fixture);
    fixture.mark.device++;
    tails_start_anew(&fixture, "");
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 0);
    tail_put(&fixture.files, "a", 0, "2,a,1\n");
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    tails_fixture_release(&fixture);
}

/* The device had another number for a while, and has the first again. */
static void test_of_two_marks_the_newest_counts(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    one_row_is_read(&fixture);
    tail_put(&fixture.files, "a", 0, "2,a,1\n");
    tails_turn(&fixture, 1000);
    fixture.later = fixture.source->list->mark;
    fixture.later.device++;
    assert_int_equal(fixture.source->told.rows, 2);
    tails_start_anew(&fixture, "");
    tail_put(&fixture.files, "a", 0, "3,a,1\n");
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 1);
    tails_fixture_release(&fixture);
}

static void test_a_file_that_is_gone_is_read_to_its_end(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n2,a,5");
    tails_turn(&fixture, 0);
    assert_int_equal(unlink(tail_path(&fixture.files, "a")), 0);
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->count, 1);
    assert_int_equal(fixture.source->told.rows, 1);
    tails_turn(&fixture, 5000);
    for (int i = 0; i < 9 && fixture.source->told.rows < 2; i++) /* the store was busy */
        tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 2); /* as it stands: nothing is to come */
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.faults, 0);
    assert_int_equal(fixture.source->count, 0);
    assert_int_equal(fixture.source->open_count, 0);
    tails_fixture_release(&fixture);
}

static void test_another_name_is_the_same_file(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n");
    tails_turn(&fixture, 0);
    assert_int_equal(rename(tail_path(&fixture.files, "a"), tail_path(&fixture.files, "a.1")), 0);
    tail_put(&fixture.files, "a.1", 0, "2,a,1\n");
    tail_put(&fixture.files, "a", 0, "n,v\n3,1\n");
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 3);
    assert_int_equal(fixture.source->count, 2);
    tails_fixture_release(&fixture);
}

/* Of several paths: what is found by the others is gone when it is gone. */
static void test_a_path_that_may_not_be_read_holds_no_file(void **state)
{
    struct tails_fixture fixture;
    char paths[256];

    (void)state;
    tails_fixture_init(&fixture, "");
    tails_source_free(fixture.source);
    (void)snprintf(paths, sizeof(paths), "/nowhere/x', '%s", tail_path(&fixture.files, "*"));
    fixture.source = fixture.tails.sources = tails_new_source_of(&fixture, paths, "");
    tail_put(&fixture.files, "a", 0, "n,p,v\n1,a,1\n2,a,5");
    tails_turn(&fixture, 0);
    assert_non_null(strstr(fixture.source->told.error, "no directory that"));
    assert_int_equal(fixture.source->told.rows, 1);
    assert_int_equal(unlink(tail_path(&fixture.files, "a")), 0);
    tails_turn(&fixture, 1000);
    tails_turn(&fixture, 5000);
    for (int i = 0; i < 9 && fixture.source->told.rows < 2; i++) /* the store was busy */
        tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->told.rows, 2);
    tails_turn(&fixture, 1000);
    assert_int_equal(fixture.source->count, 0);
    assert_int_equal(fixture.source->open_count, 0);
    tails_fixture_release(&fixture);
}

static void test_a_directory_that_is_not_there_is_told(void **state)
{
    struct tails_fixture fixture;

    (void)state;
    tails_fixture_init(&fixture, "");
    fixture.files.places.count = 0;
    tails_turn(&fixture, 0);
    assert_non_null(strstr(fixture.source->told.error, "pull_files"));
    tails_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_are_waited_for),
        cmocka_unit_test(test_the_number_is_waited_for),
        cmocka_unit_test(test_what_was_read_before_the_number_is_gone_on_with),
        cmocka_unit_test(test_what_another_read_before_its_number_is_not_ours),
        cmocka_unit_test(test_its_own_mark_goes_before_one_without_a_number),
        cmocka_unit_test(test_it_goes_on_at_the_mark),
        cmocka_unit_test(test_a_file_that_is_gone_is_read_to_its_end),
        cmocka_unit_test(test_another_name_is_the_same_file),
        cmocka_unit_test(test_a_path_that_may_not_be_read_holds_no_file),
        cmocka_unit_test(test_of_two_marks_the_newest_counts),
        cmocka_unit_test(test_a_directory_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
