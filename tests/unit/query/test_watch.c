#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/twin.c"

#include "query/watch.h"

static void test_rows_are_counted_exactly(void **state)
{
    struct limits limits = {.query_rows_max = 10, .query_ms_max = 1000};
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    assert_int_equal(watch_rows(&watch, 10, NULL), OK);
    assert_int_equal(watch_rows(&watch, 1, NULL), E_QUERY_ROWS);
    assert_int_equal(sink.asked, 0); /* too few to look up */
}

static void test_clock_and_client_are_looked_at_now_and_then(void **state)
{
    struct limits limits = {.query_rows_max = UINT64_MAX, .query_ms_max = 1};
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    for (int i = 0; i < 3; i++)
        assert_int_equal(watch_rows(&watch, 5000, NULL), OK);
    assert_int_equal(sink.asked, 3);
    for (int i = 0; i < 128; i++)
        assert_int_equal(watch_step(&watch, NULL), OK);
    assert_int_equal(sink.asked, 5);
    for (int i = 0; i < 8; i++)
        assert_int_equal(watch_work(&watch, 1024, NULL), OK);
    assert_int_equal(sink.asked, 7);
    assert_int_equal(watch.rows_scanned, 15000);
    clock.monotonic = 1000001;
    assert_int_equal(watch_look(&watch, NULL), E_TIMEOUT);
    watch_waited(&watch, 1);
    assert_int_equal(watch_look(&watch, NULL), OK);
    sink.cancel_at = 1;
    assert_int_equal(watch_look(&watch, NULL), E_CANCELLED);
}

static void test_memory_tells_whose_limit_it_was(void **state)
{
    struct limits limits = {.query_memory_bytes_max = 1 << 20};
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    assert_int_equal(watch_memory(&watch, NULL), E_MEMORY);
    assert_true(budget_take(&watch.memory, 1 << 19));
    assert_int_equal(watch_memory(&watch, NULL), E_QUERY_MEMORY);
}

/* While others hold what there is for all, the same query can succeed later; alone it cannot. */
static void test_memory_of_all_queries_is_told_as_load(void **state)
{
    struct limits limits = {.query_memory_bytes_max = 256 << 20}; /* far away */
    struct budget all = {.bytes_max = 1 << 18};
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;
    struct error err = {0};

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    watch.memory.parent = &all;
    assert_true(budget_take(&all, 100));
    assert_true(budget_take(&watch.memory, (1 << 18) - 100));
    assert_false(budget_take(&watch.memory, 1));
    assert_int_equal(watch_memory(&watch, NULL), E_BUSY);
    budget_give(&all, 100);
    assert_false(budget_take(&watch.memory, 101));
    assert_int_equal(watch_memory(&watch, &err), E_QUERY_MEMORY);
    assert_non_null(strstr(err.text, "more than 262144 bytes of memory (queries_bytes_max"));
    budget_give(&watch.memory, (1 << 18) - 200); /* it was others' who have gone */
    assert_int_equal(watch_memory(&watch, NULL), E_BUSY);
}

static void test_windows_count_by_columns(void **state)
{
    struct limits limits = {.query_groups_max = 6};
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;

    (void)state;
    twin_watch_init(&watch, &limits, &clock, &sink);
    assert_int_equal(watch_window(&watch, 3, NULL), OK);
    assert_int_equal(watch_window(&watch, 3, NULL), OK);
    assert_int_equal(watch_window(&watch, 1, NULL), E_QUERY_GROUPS);
}

static void test_a_helper_counts_into_the_whole(void **state)
{
    struct limits limits = {
        .query_rows_max = 10000, .query_ms_max = 1, .query_memory_bytes_max = 1000};
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch whole, helper;

    (void)state;
    twin_watch_init(&whole, &limits, &clock, &sink);
    watch_init_helper(&helper, &whole);
    assert_int_equal(watch_rows(&helper, 4000, NULL), OK);
    assert_int_equal(whole.rows_scanned, 0); /* some thousand at a time */
    assert_int_equal(watch_rows(&helper, 1000, NULL), OK);
    assert_int_equal(whole.rows_scanned, 5000);
    assert_int_equal(watch_rows(&whole, 4999, NULL), OK);
    assert_int_equal(watch_rows(&helper, 1, NULL), OK);
    assert_int_equal(watch_settle(&helper, NULL), OK);
    assert_int_equal(watch_rows(&helper, 1, NULL), OK);
    assert_int_equal(watch_settle(&helper, NULL), E_QUERY_ROWS);
    assert_true(budget_take(&helper.memory, 600));
    assert_false(budget_take(&whole.memory, 500));
    assert_int_equal(watch_memory(&helper, NULL), E_QUERY_MEMORY);
    budget_give(&helper.memory, 600);
    clock.monotonic = 1000001;
    assert_int_equal(watch_look(&helper, NULL), E_TIMEOUT);
    watch_waited(&whole, 1);
    assert_int_equal(watch_look(&helper, NULL), OK);
    whole.stopped = true;
    assert_int_equal(watch_look(&helper, NULL), E_CANCELLED);
    assert_int_equal(watch_look(&whole, NULL), E_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_counted_exactly),
        cmocka_unit_test(test_clock_and_client_are_looked_at_now_and_then),
        cmocka_unit_test(test_memory_tells_whose_limit_it_was),
        cmocka_unit_test(test_memory_of_all_queries_is_told_as_load),
        cmocka_unit_test(test_windows_count_by_columns),
        cmocka_unit_test(test_a_helper_counts_into_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
