/* What rests on libmicrohttpd's set-up: addresses, one thread or several, the connection limit. */
#include "tests/unit/http/served.h"

#define HOST "Host: a\r\n"

static struct http_server *start(struct served *served, const char *address, unsigned threads)
{
    struct http_options options = {
        .listen = address,
        .threads = threads,
        .limits = &served->limits,
        .routes = test_routes,
        .route_count = COUNT_OF(test_routes),
        .app = served,
        .authorize = test_authorize,
        .clock = clock_system(),
        .metrics = served->metrics,
    };
    struct http_server *server = NULL;
    struct error err = {0};

    if (http_server_start(&options, &server, &err) != OK)
        fail_msg("%s: %s", address, err.text);
    served->port = (uint16_t)strtoul(strrchr(http_server_address(server), ':') + 1, NULL, 10);
    return server;
}

static void test_any_number_of_threads_serves(void **state)
{
    static const unsigned threads[] = {0, 1, 2, 5};
    static struct served served;

    (void)state;
    served_init(&served);
    assert_int_equal(metrics_new(&served.metrics, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        struct http_server *server = start(&served, "127.0.0.1:0", threads[i]);

        for (int k = 0; k < 10; k++) {
            struct answer answer = ask(&served, "GET /echo HTTP/1.1\r\n" HOST "\r\n");

            assert_int_equal(answer.status, 200);
            assert_non_null(strstr(answer.text, "loopback=1"));
            answer_release(&answer);
        }
        http_server_stop(server, 1000);
    }
    metrics_free(served.metrics);
}

/* Above the limit, clients wait for a place; none is lost. */
static void test_connections_above_the_limit_wait_for_a_place(void **state)
{
    static struct served served;
    struct http_server *server;
    int fds[12];

    (void)state;
    served_init(&served);
    served.limits.connections_max = 4;
    assert_int_equal(metrics_new(&served.metrics, NULL), OK);
    server = start(&served, "127.0.0.1:0", 2);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial(&served);
        say(fds[i], BYTES("GET /ping HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    }
    assert_true(metric_value(metrics_get(served.metrics, "weir_http_connections", "", METRIC_GAUGE,
                                         "")) <= 4);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        struct answer answer = hear(fds[i], false);

        assert_int_equal(answer.status, 200);
        answer_release(&answer);
        close(fds[i]);
    }
    http_server_stop(server, 1000);
    metrics_free(served.metrics);
}

/* A client that is refused by libmicrohttpd itself, before we see the head, is cleaned up too. */
static void test_its_own_refusals_leave_nothing_behind(void **state)
{
    static struct served served;

    (void)state;
    served_init(&served);
    served_start(&served);
    for (int i = 0; i < 50; i++) {
        struct answer answer = ask(&served, "GET /ping HTTP/1.1\r\n" HOST "nonsense\r\n\r\n");

        assert_int_equal(answer.status, 400);
        answer_release(&answer);
    }
    EVENTUALLY(metric_value(metrics_get(served.metrics, "weir_http_requests_total", "",
                                        METRIC_COUNTER, "route=\"none\",status=\"cut\"")) == 50);
    EVENTUALLY(metric_value(metrics_get(served.metrics, "weir_http_connections", "", METRIC_GAUGE,
                                        "")) == 0);
    served_stop(&served, 1000);
}

/* Its memory for a connection ends at some 2,000 parameters: then it neither answers nor tells that
 * the request is over, and a stop would wait for it. */
static void test_parameters_beyond_its_memory_are_answered(void **state)
{
    static const struct {
        int count, status;
    } cases[] = {
        {999,  200},
        {1000, 200},
        {1001, 400},
        {2000, 400},
        {4000, 400},
    };
    static struct served served;

    (void)state;
    served_init(&served);
    served_start(&served);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = BUF_INIT(1 << 20);
        struct answer answer;

        buf_printf(&text, "GET /echo?end");
        for (int k = 1; k < cases[i].count; k++)
            buf_printf(&text, "&end");
        buf_printf(&text, " HTTP/1.1\r\n" HOST "\r\n");
        buf_put_char(&text, 0);
        answer = ask(&served, text.data);
        assert_int_equal(answer.status, cases[i].status);
        assert_true(answer.whole);
        if (answer.status == 400)
            assert_non_null(strstr(answer.body, "more than 1000 parameters"));
        answer_release(&answer);
        buf_release(&text);
    }
    EVENTUALLY(metric_value(metrics_get(served.metrics, "weir_http_connections", "", METRIC_GAUGE,
                                        "")) == 0);
    served_stop(&served, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_threads_serves),
        cmocka_unit_test(test_connections_above_the_limit_wait_for_a_place),
        cmocka_unit_test(test_its_own_refusals_leave_nothing_behind),
        cmocka_unit_test(test_parameters_beyond_its_memory_are_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
