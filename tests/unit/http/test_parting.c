#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/exchange.h"
#include "http/parting.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void add(struct buf *headers, const char *name, const char *value)
{
    buf_put(headers, (struct bytes){name, strlen(name) + 1});
    buf_put(headers, (struct bytes){value, strlen(value) + 1});
}

static void test_the_answer_is_written_as_one_message(void **state)
{
    static const char want[] = "HTTP/1.1 408 Request Timeout\r\nA: b\r\nConnection: close\r\n"
                               "Content-Length: 5\r\n\r\nslow\n";
    char body[] = "slow\n", got[256];
    struct exchange x = {
        .reply = {.status = 408, .body = body, .size = 5}
    };
    int pair[2];

    (void)state;
    x.reply.headers = BUF_INIT(1000);
    add(&x.reply.headers, "A", "b");
    add(&x.reply.headers, "Connection", "close");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_true(parting_send(&x, pair[0]));
    assert_int_equal(recv(pair[1], got, sizeof(got), 0), sizeof(want) - 1);
    assert_memory_equal(got, want, sizeof(want) - 1);
    assert_int_equal(x.reply.sent, 5);
    buf_release(&x.reply.headers);
    close(pair[0]);
    close(pair[1]);
}

static void test_it_never_waits_and_tells_when_it_failed(void **state)
{
    static char body[65536];
    struct exchange x = {
        .reply = {.status = 503, .body = body, .size = sizeof(body)}
    };
    int pair[2], size = 4096;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    assert_false(parting_send(&x, pair[0]));
    close(pair[1]);
    assert_false(parting_send(&x, pair[0]));
    assert_int_equal(x.reply.sent, 0);
    close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_is_written_as_one_message),
        cmocka_unit_test(test_it_never_waits_and_tells_when_it_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
