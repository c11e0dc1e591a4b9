/* Starting and stopping: what is under way is finished, or cut and cleaned up. */
#include "tests/unit/http/served.h"

#define HOST "Host: a\r\n"

struct stopper {
    struct served *served;
    int64_t drain_ms;
    pthread_t thread;
    _Atomic bool done;
};

static void *stopper_run(void *context)
{
    struct stopper *stopper = context;

    http_server_stop(stopper->served->server, stopper->drain_ms);
    stopper->served->server = NULL;
    stopper->done = true;
    return NULL;
}

static void stopper_start(struct stopper *stopper, struct served *served, int64_t drain_ms)
{
    memset(stopper, 0, sizeof(*stopper));
    stopper->served = served;
    stopper->drain_ms = drain_ms;
    assert_int_equal(pthread_create(&stopper->thread, NULL, stopper_run, stopper), 0);
}

/* Whoever connects is sent away. */
static bool sent_away(const struct served *served)
{
    int fd = dial(served);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    bool result = poll(&ready, 1, 20) == 1; /* nobody has said anything */

    close(fd);
    return result;
}

static void test_a_parked_request_is_answered_while_draining(void **state)
{
    static struct served served;
    struct stopper stopper;
    struct answer answer;
    int parked, idle;

    (void)state;
    served_init(&served);
    served_start(&served);
    served.hold = true;
    idle = dial(&served);
    parked = dial(&served);
    say(parked, BYTES("GET /park HTTP/1.1\r\n" HOST "\r\n"));
    EVENTUALLY(served.held == 1);
    stopper_start(&stopper, &served, 60000);
    EVENTUALLY(sent_away(&served));
    assert_true(closed(idle));
    assert_false(stopper.done);
    served.hold = false;
    answer = hear(parked, false);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    assert_true(closed(parked));
    pthread_join(stopper.thread, NULL);
    assert_int_equal(served.started, served.cleaned);
    assert_int_equal(served.cancelled_seen, 0);
    answer_release(&answer);
    close(parked);
    close(idle);
    served_stop(&served, 0);
}

static void test_after_the_drain_time_all_are_cancelled_and_cleaned(void **state)
{
    static const char *const requests[] = {
        "GET /park HTTP/1.1\r\n" HOST "\r\n",
        "POST /count HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabc",
        "POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n9\r\nabc",
        "GET /stream?bytes=67 HTTP/1.1\r\n" HOST "\r\n",
        "GET /stream?bytes=100000000 HTTP/1.1\r\n" HOST "\r\n",
        "POST /refuse_start HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\nabc",
        ("GET /ping HTTP/1.1\r\n" HOST),
        "GET /pi",
        "",
    };
    static struct served served;
    int fds[COUNT_OF(requests)];
    int64_t begun_ms;

    (void)state;
    served_init(&served);
    served_start(&served);
    served.hold = true;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        fds[i] = dial(&served);
        say(fds[i], bytes_of(requests[i]));
    }
    EVENTUALLY(served.held == 1 && served.started == 6);
    begun_ms = now_ms();
    http_server_stop(served.server, 100);
    served.server = NULL;
    assert_true(now_ms() - begun_ms >= 100);
    assert_true(now_ms() - begun_ms < 5000);
    assert_int_equal(served.started, served.cleaned);
    assert_true(served.cancelled_seen >= 1);
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        close(fds[i]);
    served_stop(&served, 0);
}

/* Whoever holds a parked request still has it when the drain time is over: the stop waits. */
static void test_the_stop_waits_for_the_holder(void **state)
{
    static struct served served;
    struct stopper stopper;
    void *item = NULL;
    int fd;

    (void)state;
    served_init(&served);
    served_start(&served);
    /* The workers are sent home: this thread is the holder. */
    queue_close(served.parked);
    for (size_t i = 0; i < WORKERS; i++) {
        thread_join(served.workers[i]);
        served.workers[i] = NULL;
    }
    queue_free(served.parked);
    assert_int_equal(queue_new(10, &served.parked, NULL), OK);
    fd = dial(&served);
    say(fd, BYTES("GET /park HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(queue_take(served.parked, &item, 1, PATIENCE_MS), 1);
    stopper_start(&stopper, &served, 20);
    EVENTUALLY(request_cancelled(item));
    usleep(50000);
    assert_false(stopper.done);
    reply_bytes(item, 200, "text/plain", BYTES("late"));
    request_resume(item);
    pthread_join(stopper.thread, NULL);
    assert_int_equal(served.started, served.cleaned);
    close(fd);
    served_stop(&served, 0);
}

struct hammer {
    struct served *served;
    _Atomic bool *over;
};

static void *hammer_run(void *context)
{
    static const char *const requests[] = {
        "GET /park HTTP/1.1\r\n" HOST "\r\n",
        "GET /stream?bytes=300000 HTTP/1.1\r\n" HOST "\r\n",
        "POST /park HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
        "GET /ping HTTP/1.1\r\n" HOST "\r\n",
    };
    struct hammer *hammer = context;

    for (size_t i = 0; !*hammer->over; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(hammer->served->port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char piece[4096];

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
            say(fd, bytes_of(requests[i % COUNT_OF(requests)])))
            (void)!recv(fd, piece, sizeof(piece), 0);
        close(fd);
    }
    return NULL;
}

static void test_a_stop_under_load_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        static struct served served;
        _Atomic bool over = false;
        struct hammer hammer = {&served, &over};
        pthread_t threads[4];

        served_init(&served);
        if (round % 4 < 2) /* threads are at their share of them again and again */
            served.limits.connections_max = 4;
        served_start(&served);
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, hammer_run, &hammer), 0);
        EVENTUALLY(served.cleaned > 30);
        http_server_stop(served.server, round % 2 == 0 ? 0 : 50);
        served.server = NULL;
        assert_int_equal(served.started, served.cleaned);
        over = true;
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            pthread_join(threads[i], NULL);
        served_stop(&served, 0);
    }
}

static void test_a_start_that_fails_says_why(void **state)
{
    static struct served served;
    struct http_options options = {
        .limits = &served.limits,
        .routes = test_routes,
        .route_count = 1,
        .clock = clock_system(),
        .authorize = test_authorize,
    };
    struct http_server *server = NULL;
    struct error err = {0};

    (void)state;
    served_init(&served);
    served_start(&served);
    options.metrics = served.metrics;
    options.listen = http_server_address(served.server);
    assert_int_equal(http_server_start(&options, &server, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "in use"));
    assert_null(server);
    options.listen = "nonsense";
    assert_int_equal(http_server_start(&options, &server, &err), E_CONFIG);
    served_stop(&served, 0);
    http_server_stop(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_parked_request_is_answered_while_draining),
        cmocka_unit_test(test_after_the_drain_time_all_are_cancelled_and_cleaned),
        cmocka_unit_test(test_the_stop_waits_for_the_holder),
        cmocka_unit_test(test_a_stop_under_load_leaves_nothing_behind),
        cmocka_unit_test(test_a_start_that_fails_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
