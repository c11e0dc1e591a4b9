/* Requests that wait before their body until others have given back what they need. */
#include "tests/unit/http/served.h"

#include "http/waiters.h"

#define HOST "Host: a\r\n"
#define TWO "Content-Length: 2\r\n"

enum { CROWD = 40, MANY = 300, PASSED_MS = WAIT_MS_MAX - 500 };

static uint64_t waiting(struct served *served)
{
    return (uint64_t)metric_value(
        metrics_get(served->metrics, "weir_http_waiting", "", METRIC_GAUGE, ""));
}

/* A head whose body is held back: it keeps its room until the body is said. */
static int holder(struct served *served)
{
    int fd = dial(served);
    unsigned started = served->started;

    say(fd, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\n"));
    EVENTUALLY(served->started == started + 1);
    return fd;
}

static int answer_status(int fd)
{
    struct answer answer = hear(fd, false);
    int status = answer.status;

    answer_release(&answer);
    return status;
}

static void test_the_order_of_coming_is_kept(void **state)
{
    struct served *served = *state;
    int first, fds[CROWD];

    served->room = 1;
    served->order = 0;
    first = holder(served);
    for (unsigned i = 0; i < CROWD; i++) {
        fds[i] = dial(served);
        say(fds[i], BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\nab"));
        EVENTUALLY(waiting(served) == i + 1);
    }
    say(first, BYTES("ab"));
    assert_int_equal(answer_status(first), 200);
    close(first);
    for (unsigned i = 0; i < CROWD; i++) {
        struct answer answer = hear(fds[i], false);
        char text[32];

        snprintf(text, sizeof(text), "%u bytes\n", i + 2);
        assert_int_equal(answer.status, 200);
        assert_memory_equal(answer.body, text, strlen(text));
        answer_release(&answer);
        close(fds[i]);
    }
    EVENTUALLY(served->started == served->cleaned);
    assert_int_equal(served->room, 1);
    assert_int_equal(waiting(served), 0);
}

/* 100 Continue is said when there is room, and not before. */
static void test_the_body_is_asked_for_after_the_wait(void **state)
{
    struct served *served = *state;
    struct pollfd quiet;
    char text[64] = "";
    int first, fd;

    served->room = 1;
    first = holder(served);
    fd = dial(served);
    say(fd, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "Expect: 100-continue\r\n\r\n"));
    EVENTUALLY(waiting(served) == 1);
    quiet = (struct pollfd){.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&quiet, 1, 50), 0);
    say(first, BYTES("ab"));
    assert_int_equal(answer_status(first), 200);
    assert_int_equal(recv(fd, text, 25, MSG_WAITALL), 25);
    assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, BYTES("ab"));
    assert_int_equal(answer_status(fd), 200);
    close(first);
    close(fd);
    EVENTUALLY(served->started == served->cleaned);
}

static void test_who_waited_too_long_is_refused_and_a_leaver_takes_nothing(void **state)
{
    struct served *served = *state;
    int first, fd, leaver;
    int64_t begun_ms;

    served->room = 1;
    first = holder(served);
    leaver = dial(served);
    say(leaver, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\n"));
    EVENTUALLY(waiting(served) == 1);
    fd = dial(served);
    begun_ms = now_ms();
    say(fd, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\nab"));
    EVENTUALLY(waiting(served) == 2);
    close(leaver);
    served->clock.monotonic_more += (int64_t)PASSED_MS * 1000000; /* all but half a second */
    assert_int_equal(answer_status(fd), 503);
    assert_in_range(now_ms() - begun_ms + PASSED_MS, WAIT_MS_MAX - 20, WAIT_MS_MAX + 1000);
    say(first, BYTES("ab"));
    assert_int_equal(answer_status(first), 200);
    say(fd, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\nab")); /* the connection was kept */
    assert_int_equal(answer_status(fd), 200);
    close(first);
    close(fd);
    EVENTUALLY(served->started == served->cleaned);
    assert_int_equal(served->room, 1);
    assert_int_equal(waiting(served), 0);
}

static void test_half_of_the_connections_may_wait(void **state)
{
    struct served served;
    int first, fds[4];

    (void)state;
    served_init(&served);
    served.limits.connections_max = 8;
    served_start(&served);
    served.room = 1;
    first = holder(&served);
    for (unsigned i = 0; i < 4; i++) {
        fds[i] = dial(&served);
        say(fds[i], BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\nab"));
        if (i < 3)
            EVENTUALLY(waiting(&served) == i + 1);
    }
    EVENTUALLY(waiting(&served) == 4);
    {
        int more = dial(&served);

        say(more, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\nab"));
        assert_int_equal(answer_status(more), 503);
        close(more);
    }
    /* A stop does not wait for them: they are told at once. */
    say(first, BYTES("a"));
    served_stop(&served, 1000);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(answer_status(fds[i]), 503);
        close(fds[i]);
    }
    close(first);
    assert_int_equal(served.started, served.cleaned);
}

static void *one_of_many(void *context)
{
    struct served *served = context;
    uintptr_t good = 0;

    for (unsigned i = 0; i < MANY / 10; i++) {
        int fd = dial(served);

        say(fd, BYTES("POST /scarce HTTP/1.1\r\n" HOST TWO "\r\nab"));
        if (i % 5 != 4)
            good += answer_status(fd) == 200;
        else
            good++; /* it leaves */
        close(fd);
    }
    return (void *)good;
}

/* Threads that end, wait and leave at once lose nobody. */
static void test_a_crowd_is_served_whole(void **state)
{
    struct served *served = *state;
    pthread_t threads[10];

    served->room = 2;
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, served), 0);
    for (size_t i = 0; i < 10; i++) {
        void *good;

        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, MANY / 10);
    }
    EVENTUALLY(served->started == served->cleaned);
    assert_int_equal(served->room, 2);
    assert_int_equal(waiting(served), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_of_coming_is_kept),
        cmocka_unit_test(test_the_body_is_asked_for_after_the_wait),
        cmocka_unit_test(test_who_waited_too_long_is_refused_and_a_leaver_takes_nothing),
        cmocka_unit_test(test_half_of_the_connections_may_wait),
        cmocka_unit_test(test_a_crowd_is_served_whole),
    };

    return cmocka_run_group_tests(tests, served_open, served_close);
}
