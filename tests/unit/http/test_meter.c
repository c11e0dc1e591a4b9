#include "tests/unit/http/served.h"

#include "http/meter.h"

static uint64_t value(struct metrics *metrics, const char *name, const char *labels)
{
    return metric_value(metrics_get(metrics, name, "", METRIC_COUNTER, labels));
}

static void test_requests_are_counted_by_route_and_status(void **state)
{
    struct metrics *metrics = NULL;
    struct meter meter;
    struct buf text = BUF_INIT(1 << 20);

    (void)state;
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    assert_int_equal(meter_init(&meter, metrics, test_routes, COUNT_OF(test_routes), NULL), OK);
    meter_request(&meter, &test_routes[0], 200, 1000000, 5, 7);
    meter_request(&meter, &test_routes[0], 200, 1000000, 5, 7);
    meter_request(&meter, &test_routes[1], 503, 1000000, 0, 1);
    meter_request(&meter, &test_routes[1], 0, 1000000, 0, 0);
    meter_request(&meter, NULL, 404, 1000000, 0, 0);
    meter_refusal(&meter, E_BUSY);
    meter_refusal(&meter, E_BUSY);

    assert_int_equal(
        value(metrics, "weir_http_requests_total", "route=\"GET /ping\",status=\"200\""), 2);
    assert_int_equal(
        value(metrics, "weir_http_requests_total", "route=\"POST /count\",status=\"503\""), 1);
    assert_int_equal(
        value(metrics, "weir_http_requests_total", "route=\"POST /count\",status=\"cut\""), 1);
    assert_int_equal(value(metrics, "weir_http_requests_total", "route=\"none\",status=\"404\""),
                     1);
    assert_int_equal(value(metrics, "weir_http_refusals_total", "reason=\"overloaded\""), 2);
    assert_int_equal(value(metrics, "weir_http_bytes_total", "direction=\"in\""), 10);
    assert_int_equal(value(metrics, "weir_http_bytes_total", "direction=\"out\""), 15);
    metrics_print(metrics, &text);
    buf_put_char(&text, '\0');
    assert_non_null(strstr(text.data, "weir_http_request_seconds_count{route=\"GET /ping\"} 2\n"));
    buf_release(&text);
    meter_release(&meter);
    metrics_free(metrics);
}

/* Every request that came is in exactly one counter, refused and broken ones too. */
static void test_a_servers_requests_add_up(void **state)
{
    static struct served served;
    static const struct {
        const char *request, *labels;
    } cases[] = {
        {"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n",              "route=\"GET /ping\",status=\"200\""},
        {"HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n",             "route=\"GET /ping\",status=\"200\""},
        {"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",           "route=\"none\",status=\"404\""     },
        {"GET /ping HTTP/1.1\r\n\r\n",                         "route=\"none\",status=\"400\""     },
        {"POST /refuse_start HTTP/1.1\r\nHost: a\r\n\r\n",
         "route=\"POST /refuse_start\",status=\"503\""                                             },
        {"GET /stream?bytes=1000 HTTP/1.1\r\nHost: a\r\n\r\n",
         "route=\"GET /stream\",status=\"200\""                                                    },
    };

    (void)state;
    served_init(&served);
    served_start(&served);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t before = value(served.metrics, "weir_http_requests_total", cases[i].labels);
        struct answer answer = ask(&served, cases[i].request);

        answer_release(&answer);
        EVENTUALLY(value(served.metrics, "weir_http_requests_total", cases[i].labels) ==
                   before + 1);
    }
    served_stop(&served, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_counted_by_route_and_status),
        cmocka_unit_test(test_a_servers_requests_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
