#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/leavers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection over the loopback: TCP, because only it has resets. */
static void connected(int pair[2])
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    socklen_t size = sizeof(to);
    int door = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(door, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&to, &size), 0);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair[0], (struct sockaddr *)&to, sizeof(to)), 0);
    pair[1] = accept(door, NULL, NULL);
    assert_true(pair[1] >= 0);
    close(door);
}

/* The server closed its socket with bytes unread, and the client still reads all of the answer. */
static void test_the_answer_survives_bytes_that_nobody_read(void **state)
{
    struct leavers leavers = {.count = 0};
    char piece[100000] = "", answer[16];
    struct pollfd polls[LEAVERS_MAX];
    int pair[2];

    (void)state;
    connected(pair);
    assert_int_equal(send(pair[0], piece, sizeof(piece), 0), sizeof(piece));
    assert_int_equal(send(pair[1], "answer", 6, 0), 6);
    leavers_add(&leavers, pair[1], 0);
    close(pair[1]);
    assert_int_equal(send(pair[0], piece, sizeof(piece), MSG_NOSIGNAL), sizeof(piece));
    assert_int_equal(leavers_poll(&leavers, polls), 1);
    leavers_sweep(&leavers, 1);
    assert_int_equal(leavers.count, 1);
    assert_int_equal(recv(pair[0], answer, sizeof(answer), MSG_WAITALL), 6);
    assert_int_equal(recv(pair[0], answer, sizeof(answer), 0), 0);
    close(pair[0]);
    for (int64_t now_ns = 1; leavers.count > 0 && now_ns < 1000; now_ns++) {
        usleep(1000);
        leavers_sweep(&leavers, now_ns);
    }
    assert_int_equal(leavers.count, 0);
}

static void test_nobody_stays_above_the_time(void **state)
{
    struct leavers leavers = {.count = 0};
    int pair[2];

    (void)state;
    connected(pair);
    leavers_add(&leavers, pair[1], 5);
    leavers_sweep(&leavers, 4 + LEAVERS_MS * INT64_C(1000000));
    assert_int_equal(leavers.count, 1);
    leavers_sweep(&leavers, 5 + LEAVERS_MS * INT64_C(1000000));
    assert_int_equal(leavers.count, 0);
    close(pair[0]);
    close(pair[1]);
}

static void test_more_than_the_places_are_closed_as_ever(void **state)
{
    struct leavers leavers = {.count = 0};
    int pair[2];

    (void)state;
    connected(pair);
    for (int i = 0; i < LEAVERS_MAX + 5; i++)
        leavers_add(&leavers, pair[1], 0);
    assert_int_equal(leavers.count, LEAVERS_MAX);
    leavers_release(&leavers);
    assert_int_equal(leavers.count, 0);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_survives_bytes_that_nobody_read),
        cmocka_unit_test(test_nobody_stays_above_the_time),
        cmocka_unit_test(test_more_than_the_places_are_closed_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
