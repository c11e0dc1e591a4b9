/* Deadlines against slow clients, with limits of a fraction of a second. */
#include "tests/unit/http/served.h"

#define HOST "Host: a\r\n"

enum { HEADER_MS = 200, BODY_MS = 1000 };

/* Sends the text, then one byte each 20 ms until the connection ends; gives how long that took. */
static int64_t drip(int fd, const char *text, char byte)
{
    int64_t begun_ms = now_ms();
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    say(fd, bytes_of(text));
    while (now_ms() - begun_ms < PATIENCE_MS) {
        if (poll(&poll_fd, 1, 20) > 0)
            break;
        if (byte != '\0' && !say(fd, (struct bytes){&byte, 1}))
            break;
    }
    return now_ms() - begun_ms;
}

/* One of several clients that do so at once. */
struct dripping {
    int fd;
    const char *text;
    char byte;
    int64_t took_ms;
    pthread_t thread;
};

static void *dripping_run(void *context)
{
    struct dripping *dripping = context;

    dripping->took_ms = drip(dripping->fd, dripping->text, dripping->byte);
    return NULL;
}

static void test_slow_requests_get_408_in_time(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *name, *text;
        char byte; /* dripped; '\0' = silence */
        int status;
        int64_t least_ms, most_ms;
    } cases[] = {
        {"head, dripping",                    "GET /ping HTTP/1.1\r\nX: ",                                      'a',  408, HEADER_MS, 3 * HEADER_MS},
        {"head, silent",                      "GET /ping HTTP/1.1\r\nX: ",                                      '\0', 408, HEADER_MS, 3 * HEADER_MS},
        {"request line, dripping",            "GET /",                                                          'a',  0,   HEADER_MS, 3 * HEADER_MS},
        {"nothing at all",                    "",                                                               '\0', 0,   HEADER_MS, 3 * HEADER_MS},
        {"body, dripping",                    "POST /count HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", 'a',
         408,                                                                                                              HEADER_MS, 5 * HEADER_MS},
        {"body, silent",                      "POST /count HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", '\0',
         408,                                                                                                              HEADER_MS, 5 * HEADER_MS},
        {"chunked body, dripping chunk size",
         "POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",                                  '0',  408, HEADER_MS,
         5 * HEADER_MS                                                                                                                             },
        {"refused body, silent",
         "POST /refuse_start HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n",                                 '\0', 503,
         HEADER_MS,                                                                                                                   5 * HEADER_MS},
    };

    struct dripping drippings[COUNT_OF(cases)];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        drippings[i] = (struct dripping){dial(served), cases[i].text, cases[i].byte, 0, 0};
        assert_int_equal(pthread_create(&drippings[i].thread, NULL, dripping_run, &drippings[i]),
                         0);
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        pthread_join(drippings[i].thread, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = drippings[i].fd;
        int64_t took_ms = drippings[i].took_ms;
        struct answer answer = hear(fd, false);

        if (answer.status != cases[i].status)
            fail_msg("%s: got %d after %lld ms: %s", cases[i].name, answer.status,
                     (long long)took_ms, answer.text);
        if (took_ms < cases[i].least_ms - 20 || took_ms > cases[i].most_ms)
            fail_msg("%s: took %lld ms", cases[i].name, (long long)took_ms);
        if (answer.status == 408) {
            assert_non_null(strstr(answer.text, "\"code\":\"slow_client\""));
            assert_string_equal(answer_header(&answer, "Connection"), "close");
        }
        assert_true(closed(fd));
        answer_release(&answer);
        close(fd);
    }
    EVENTUALLY(served->started == served->cleaned);
}

/* 2 KB/s is above the least rate; then only the whole body's time counts. */
static void test_a_steady_body_may_take_the_whole_time_but_not_more(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char piece[40];
    int64_t begun_ms = now_ms(), took_ms;
    struct answer answer;

    memset(piece, 'a', sizeof(piece));
    say(fd, BYTES("POST /count HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n"));
    while (now_ms() - begun_ms < PATIENCE_MS && poll(&poll_fd, 1, 10) == 0)
        say(fd, (struct bytes){piece, sizeof(piece)});
    took_ms = now_ms() - begun_ms;
    answer = hear(fd, false);
    assert_int_equal(answer.status, 408);
    if (took_ms < BODY_MS - 20 || took_ms > 2 * BODY_MS)
        fail_msg("took %lld ms", (long long)took_ms);
    answer_release(&answer);
    close(fd);
}

static void test_a_request_in_time_is_served(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    struct answer answer;

    say(fd, BYTES("POST /count HTTP/1.1\r\n" HOST));
    usleep(HEADER_MS * 1000 / 2);
    say(fd, BYTES("Content-Length: 2\r\n\r\na"));
    usleep(HEADER_MS * 1000 / 2);
    say(fd, BYTES("b"));
    answer = hear(fd, false);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
    close(fd);
}

/* Others are served while 200 connections say nothing or drip. */
static void test_slow_clients_do_not_stop_others(void **state)
{
    struct served *served = *state;
    int slow[200];

    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        slow[i] = dial(served);
        say(slow[i], i % 2 == 0
                         ? BYTES("GET /pi")
                         : BYTES("POST /count HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n"));
    }
    for (int i = 0; i < 100; i++) {
        struct answer answer = ask(served, "GET /ping HTTP/1.1\r\n" HOST "\r\n");

        assert_int_equal(answer.status, 200);
        answer_release(&answer);
    }
    for (size_t i = 0; i < COUNT_OF(slow); i++) {
        struct answer answer = hear(slow[i], false);

        assert_int_equal(answer.status, i % 2 == 0 ? 0 : 408);
        answer_release(&answer);
        close(slow[i]);
    }
    EVENTUALLY(metric_value(metrics_get(served->metrics, "weir_http_connections", "", METRIC_GAUGE,
                                        "")) == 0);
    EVENTUALLY(served->started == served->cleaned);
}

/* Connections that do nothing do not keep others out, long before their own time is over. */
static void test_idle_connections_make_room_when_all_are_taken(void **state)
{
    static struct served crowded;
    int idle[40];
    int64_t began_ns = clock_monotonic_ns(clock_system());

    (void)state;
    served_init(&crowded);
    crowded.limits.connections_max = 20;
    served_start(&crowded); /* with the header_ms_max of 10 s */
    for (size_t i = 0; i < COUNT_OF(idle); i++)
        idle[i] = dial(&crowded);
    for (int i = 0; i < 3; i++) {
        struct answer answer = ask(&crowded, "GET /ping HTTP/1.1\r\n" HOST "\r\n");

        assert_int_equal(answer.status, 200);
        answer_release(&answer);
    }
    assert_in_range(clock_monotonic_ns(clock_system()) - began_ns, 0, INT64_C(8000000000));
    for (size_t i = 0; i < COUNT_OF(idle); i++)
        close(idle[i]);
    served_stop(&crowded, 1000);
}

static int setup(void **state)
{
    static struct served served;

    served_init(&served);
    served.limits.header_ms_max = HEADER_MS;
    served.limits.body_ms_max = BODY_MS;
    served_start(&served);
    *state = &served;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_requests_get_408_in_time),
        cmocka_unit_test(test_a_steady_body_may_take_the_whole_time_but_not_more),
        cmocka_unit_test(test_a_request_in_time_is_served),
        cmocka_unit_test(test_slow_clients_do_not_stop_others),
        cmocka_unit_test(test_idle_connections_make_room_when_all_are_taken),
    };

    return cmocka_run_group_tests(tests, setup, served_close);
}
