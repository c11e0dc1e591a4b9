#include "tests/unit/ingest/pull/puller_ground.h"

#include "base/metric.h"
#include "ingest/pull/pull_inside.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]}"

static struct buf page = BUF_INIT(1 << 20);

/* As it is served now. */
static const char *measured(struct metrics *metrics)
{
    buf_clear(&page);
    puller_measure(it.puller, metrics);
    metrics_print(metrics, &page);
    buf_put_char(&page, '\0');
    assert_int_equal(buf_finish(&page, NULL), OK);
    return page.data;
}

static bool has(struct metrics *metrics, const char *line)
{
    char whole[128];

    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    return strstr(measured(metrics), whole) != NULL;
}

static void expect(struct metrics *metrics, const char *const *lines)
{
    for (; *lines; lines++)
        if (!has(metrics, *lines))
            fail_msg("no %s in\n%s", *lines, page.data);
}

static void test_sources_are_counted_together(void **state)
{
    static const char *const before[] = {
        "weir_pull_requests_total 0", "weir_pull_answers_total{outcome=\"ok\"} 0",
        "weir_pull_sources{state=\"resting\"} 0", "weir_pull_lag_seconds 0", NULL};
    static const char *const after[] = {"weir_pull_requests_total 3",
                                        "weir_pull_answers_total{outcome=\"ok\"} 2",
                                        "weir_pull_answers_total{outcome=\"retry\"} 1",
                                        "weir_pull_answers_total{outcome=\"no_answer\"} 0",
                                        "weir_pull_rows_total{change=\"new\"} 2",
                                        "weir_pull_rows_total{change=\"changed\"} 0",
                                        "weir_pull_rows_total{change=\"same\"} 0",
                                        "weir_pull_retries_total 1",
                                        "weir_pull_failures_total 1",
                                        "weir_pull_sources{state=\"resting\"} 2",
                                        "weir_pull_sources{state=\"wrong\"} 1",
                                        "weir_pull_sources{state=\"paused\"} 1",
                                        "weir_pull_sources{state=\"filling\"} 0",
                                        "weir_pull_under_way 0",
                                        "weir_pull_reading 0",
                                        NULL};
    static const char *const gone[] = {"weir_pull_requests_total 3",
                                       "weir_pull_rows_total{change=\"new\"} 2",
                                       "weir_pull_sources{state=\"resting\"} 1", NULL};
    struct metrics *metrics;

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    expect(metrics, before);
    SITE_ANSWERS(&it.site, {.when = "GET /a", .status = "503 \"No\"", .body = "no", .times = 1},
                 {.when = "GET", .body = ROW});
    it_declares("'request': {'url': '@/a'}, 'retry': {'base': '1ms'}");
    it_declares_so("t", false, "'request': {'url': '@/b'}");
    it_declares_so("rests", true, "'request': {'url': '@/c'}");
    it_declares_so("wrong", false, "'nonsense': 1");
    UNTIL(it_count("windows") == 1 && it_is_resting());
    UNTIL(it_says("t", "succeeded", "20") && it_says("t", "state", "resting"));
    UNTIL(it_says("wrong", "state", "wrong") && it_says("rests", "state", "paused"));
    expect(metrics, after);
    it_takes_away("t"); /* what it counted stays */
    UNTIL(!it_says("t", "state", ""));
    expect(metrics, gone);
    metrics_free(metrics);
}

static void test_requests_under_way_are_counted(void **state)
{
    struct metrics *metrics;

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW, .held = true});
    it_declares("'request': {'url': '@/a'}");
    UNTIL_ASKED(1);
    UNTIL(has(metrics, "weir_pull_under_way 1"));
    site_release(&it.site);
    UNTIL(has(metrics, "weir_pull_under_way 0"));
    metrics_free(metrics);
}

static void test_the_largest_lag_is_told(void **state)
{
    struct metrics *metrics;
    const char *at;
    long lag;

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_declares_so("t", false, "'request': {'url': '@/b'}");
    it_declares("'request': {'url': '@/a', 'query': {'s': '${window.start}'}}, "
                "'window': {'from': '2026-01-01', 'step': 'P1Y', 'lag': 'P4D'}");
    UNTIL(it_says("s", "reached", "20") && it_is_resting() && it_says("t", "reached", "20"));
    at = strstr(measured(metrics), "\nweir_pull_lag_seconds ");
    assert_non_null(at);
    lag = strtol(at + strlen("\nweir_pull_lag_seconds "), NULL, 10);
    assert_in_range(lag, 4 * 86400 - 1, 5 * 86400);
    metrics_free(metrics);
}

static void test_the_reference_names_exactly_these(void **state)
{
    static char text[1 << 18];
    FILE *file = fopen("docs/reference/metrics.md", "r");
    struct metrics *metrics;
    char name[128], want[160];
    size_t told = 0, there = 0;

    (void)state;
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    for (const char *at = measured(metrics); (at = strstr(at, "# TYPE ")) != NULL; at++, there++) {
        assert_int_equal(sscanf(at, "# TYPE %127s", name), 1);
        (void)snprintf(want, sizeof(want), "| `%s` |", name);
        if (strstr(text, want) == NULL)
            fail_msg("docs/reference/metrics.md does not tell of %s", name);
    }
    for (const char *at = text; (at = strstr(at, "| `weir_pull_")) != NULL; at++)
        told++;
    assert_int_equal(told, there);
    metrics_free(metrics);
}

static void test_each_count_is_added(void **state)
{
    struct pull_counts sum, one;
    uint64_t *sums = (uint64_t *)&sum, *ones = (uint64_t *)&one;

    (void)state;
    _Static_assert(sizeof(one) % sizeof(*ones) == 0, "counts alone");
    for (size_t i = 0; i < sizeof(one) / sizeof(*ones); i++)
        sums[i] = ones[i] = i;
    pull_counts_add(&sum, &one);
    for (size_t i = 0; i < sizeof(one) / sizeof(*ones); i++)
        assert_int_equal(sums[i], 2 * i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_sources_are_counted_together), IT_TEST(test_requests_under_way_are_counted),
        IT_TEST(test_the_largest_lag_is_told),      IT_TEST(test_the_reference_names_exactly_these),
        cmocka_unit_test(test_each_count_is_added),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    buf_release(&page);
    return failed;
}
