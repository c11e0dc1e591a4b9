#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric.h"
#include "base/thread.h"

static void assert_printed(struct metrics *metrics, const char *want)
{
    struct buf text = BUF_INIT(100000);

    metrics_print(metrics, &text);
    buf_put_char(&text, '\0');
    assert_int_equal(buf_finish(&text, NULL), OK);
    assert_string_equal(text.data, want);
    buf_release(&text);
}

static void test_families_are_printed_in_order_of_name(void **state)
{
    struct metrics *metrics;
    struct metric *counter, *gauge;

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    assert_printed(metrics, "");
    counter = metrics_get(metrics, "weir_b_total", "Things.", METRIC_COUNTER, "tenant=\"x\"");
    gauge = metrics_get(metrics, "weir_a_bytes", "Size.", METRIC_GAUGE, "");
    metric_add(counter, 2);
    metric_add(metrics_get(metrics, "weir_b_total", "Things.", METRIC_COUNTER, "tenant=\"y\""), 5);
    assert_ptr_equal(
        metrics_get(metrics, "weir_b_total", "Things.", METRIC_COUNTER, "tenant=\"x\""), counter);
    metric_add(counter, 1);
    metric_set(gauge, 10);
    metric_move(gauge, -15);
    assert_int_equal(metric_value(counter), 3);
    assert_int_equal((int64_t)metric_value(gauge), -5);
    assert_printed(metrics, "# HELP weir_a_bytes Size.\n"
                            "# TYPE weir_a_bytes gauge\n"
                            "weir_a_bytes -5\n"
                            "# HELP weir_b_total Things.\n"
                            "# TYPE weir_b_total counter\n"
                            "weir_b_total{tenant=\"x\"} 3\n"
                            "weir_b_total{tenant=\"y\"} 5\n");
    metrics_free(metrics);
    metrics_free(NULL);
}

static void test_histogram_counts_up_to_each_bound(void **state)
{
    struct metrics *metrics;
    struct metric *metric;

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    metric = metrics_get(metrics, "weir_t_seconds", "Time.", METRIC_HISTOGRAM, "stage=\"wal\"");
    metric_observe_ns(metric, -1);
    metric_observe_ns(metric, 100000);
    metric_observe_ns(metric, 100001);
    metric_observe_ns(metric, 1500000000);
    metric_observe_ns(metric, 200000000000);
    assert_printed(metrics, "# HELP weir_t_seconds Time.\n"
                            "# TYPE weir_t_seconds histogram\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.0001\"} 2\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.00025\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.0005\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.001\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.0025\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.005\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.01\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.025\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.05\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.1\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.25\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"0.5\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"1\"} 3\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"2.5\"} 4\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"5\"} 4\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"10\"} 4\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"25\"} 4\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"50\"} 4\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"100\"} 4\n"
                            "weir_t_seconds_bucket{stage=\"wal\",le=\"+Inf\"} 5\n"
                            "weir_t_seconds_sum{stage=\"wal\"} 201.500200001\n"
                            "weir_t_seconds_count{stage=\"wal\"} 5\n");
    metrics_free(metrics);
}

static void test_labels_are_escaped(void **state)
{
    struct buf labels = BUF_INIT(1000);

    (void)state;
    metric_label(&labels, "tenant", BYTES("a\"b\\c\nd\0\xff \xc2\xb5"));
    metric_label(&labels, "reason", BYTES("x"));
    buf_put_char(&labels, '\0');
    assert_string_equal(labels.data, "tenant=\"a\\\"b\\\\c\\nd?? \xc2\xb5\",reason=\"x\"");
    buf_release(&labels);
}

static void test_without_memory_nothing_happens(void **state)
{
    (void)state;
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_move(NULL, 1);
    metric_observe_ns(NULL, 1);
    assert_int_equal(metric_value(NULL), 0);
}

enum { THREADS = 3, ROUNDS = 10000 };

static void count_up(void *context)
{
    for (int i = 0; i < ROUNDS; i++)
        metric_add(metrics_get(context, "weir_x_total", "X.", METRIC_COUNTER,
                               i % 2 == 0 ? "" : "odd=\"1\""),
                   1);
}

static void test_threads_count_together(void **state)
{
    struct thread *threads[THREADS];
    struct metrics *metrics;

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start("counter", count_up, metrics, &threads[i], NULL), OK);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(
        metric_value(metrics_get(metrics, "weir_x_total", "X.", METRIC_COUNTER, "odd=\"1\"")),
        THREADS * ROUNDS / 2);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_are_printed_in_order_of_name),
        cmocka_unit_test(test_histogram_counts_up_to_each_bound),
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_without_memory_nothing_happens),
        cmocka_unit_test(test_threads_count_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
