#include "tests/unit/ingest/pull/puller_ground.h"

#define TWO_ROWS "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': '2026-01-02', 'v': 2.5}]}"
#define PLAIN "'request': {'url': '@/plain'}"

static void test_what_is_declared_is_pulled_and_the_same_is_not_written_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /plain", .body = TWO_ROWS});
    it_declares(PLAIN ", 'conditional': {'body_hash': false}");
    UNTIL(it_count("windows") == 1);
    assert_int_equal(it_rows("m").count, 2);
    assert_true(it_rows("m").sum == 3.5);
    assert_int_equal(it_count("written"), 2);
    it_pulls(1);
    assert_int_equal(it_count("rows"), 4);
    assert_int_equal(it_count("written"), 2);
    site_was_asked(&it.site, 0, "User-Agent: weir/test\r\n");
}

static void test_what_changed_at_the_source_is_all_that_is_written(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /plain", .body = TWO_ROWS, .times = 1},
                 {.when = "GET /plain",
                  .body = "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': '2026-01-02', 'v': 4}, "
                          "{'at': '2026-01-03', 'v': 8}]}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    it_pulls(1);
    assert_int_equal(it_count("written"), 4);
    assert_true(it_rows("m").sum == 13);
}

/* The limits are of the host: two sources share what each says. */
static void test_no_more_are_under_way_than_the_strictest_says(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = TWO_ROWS, .held = true});
    it_declares_so("s", false,
                   PLAIN ", 'limits': {'concurrency': 3}, 'foreach': [{'x': '1'}, "
                         "{'x': '2'}, {'x': '3'}, {'x': '4'}, {'x': '5'}]");
    UNTIL_ASKED(3);
    site_release(&it.site);
    UNTIL(it_count("windows") == 5);
    assert_int_equal(it.site.under_way_most, 3);
    it_declares_so("t", false, PLAIN ", 'limits': {'concurrency': 1}");
    UNTIL(it_says("t", "state", "resting") && !it_says("t", "succeeded", "null"));
    SITE_ANSWERS(&it.site, {.when = "GET", .body = TWO_ROWS});
    it_pulls(5);
    assert_int_equal(it.site.under_way_most, 1);
}

static void it_declares_many(const char *name, int partitions, const char *limits)
{
    struct buf blocks = BUF_INIT(1 << 16);

    buf_printf(&blocks, "'request': {'url': '@/%s'}, 'limits': %s, 'foreach': [{'x': '0'}", name,
               limits);
    for (int i = 1; i < partitions; i++)
        buf_printf(&blocks, ", {'x': '%d'}", i);
    buf_put(&blocks, (struct bytes){"]", 2});
    it_declares_so(name, false, blocks.data);
    buf_release(&blocks);
}

/* Also while others, whom they have nothing to do with, ask in between: in a ring whoever stands
 * behind those had all of the host. */
static void test_sources_that_share_a_host_have_the_same_of_it(void **state)
{
    size_t first, second;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = TWO_ROWS});
    it_declares_many("other", 300, "{'host': 'another.example', 'concurrency': 8}");
    it_declares_many("second", 60, "{'concurrency': 1}");
    it_declares_many("first", 60, "{'concurrency': 1}");
    UNTIL((first = site_asked(&it.site, "GET /first")) + site_asked(&it.site, "GET /second") >= 60);
    second = site_asked(&it.site, "GET /second");
    assert_in_range(first, 20, 40);
    assert_in_range(second, 20, 60);
    UNTIL(site_asked(&it.site, "GET") == 420);
}

static void test_a_source_that_is_not_there_is_told_nothing_of(void **state)
{
    (void)state;
    assert_null(it_status("s"));
    assert_null(it_fetches("s", 5));
}

static void test_one_that_is_taken_away_is_gone_when_nothing_is_under_way(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = TWO_ROWS, .held = true});
    it_declares(PLAIN);
    UNTIL_ASKED(1);
    it_takes_away("s");
    site_release(&it.site);
    UNTIL(!puller_status(it.puller, TENANT, BYTES("s"), &BUF_INIT(1)));
    SITE_ANSWERS(&it.site, {.when = "GET", .body = TWO_ROWS});
    it_declares(PLAIN);
    UNTIL(it_is_resting());
    it_pulls(1);
}

static void test_what_is_under_way_ends_with_the_puller(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = TWO_ROWS, .held = true});
    it_declares(PLAIN);
    UNTIL_ASKED(1);
    it_restarts();
    assert_null(it_status("s"));
    assert_int_equal(it_rows("m").count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_what_is_declared_is_pulled_and_the_same_is_not_written_again),
        IT_TEST(test_what_changed_at_the_source_is_all_that_is_written),
        IT_TEST(test_no_more_are_under_way_than_the_strictest_says),
        IT_TEST(test_sources_that_share_a_host_have_the_same_of_it),
        IT_TEST(test_a_source_that_is_not_there_is_told_nothing_of),
        IT_TEST(test_one_that_is_taken_away_is_gone_when_nothing_is_under_way),
        IT_TEST(test_what_is_under_way_ends_with_the_puller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
