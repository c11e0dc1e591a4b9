#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/time.h>

#include "tests/unit/handlers/serving.h"

/* A connection on which a stream is read. */
struct listener {
    int fd;
    size_t size;
    char raw[1 << 16], text[1 << 16]; /* as it came; head and body */
};

static void listener_open(struct listener *listener, const struct serving *serving,
                          const char *target, const char *headers)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(serving->port)};
    struct timeval patience = {.tv_sec = 10};
    char head[512];
    int size = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target,
                        headers);

    *listener = (struct listener){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(listener->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
                     0);
    assert_int_equal(connect(listener->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(listener->fd, head, (size_t)size), size);
}

#define LAST_CHUNK "(last chunk)"

/* Makes `text` of the head and of what is in the chunks: where one ends says nothing. */
static void take_chunks(struct listener *listener)
{
    const char *at = strstr(listener->raw, "\r\n\r\n");
    char *to = listener->text;

    if (at == NULL)
        return;
    at += 4;
    to = mempcpy(to, listener->raw, (size_t)(at - listener->raw));
    for (;;) {
        size_t left, size;
        char *begin;

        size = strtoul(at, &begin, 16);
        if (begin == at || strncmp(begin, "\r\n", 2) != 0)
            break;
        at = begin + 2;
        left = listener->size - (size_t)(at - listener->raw);
        to = mempcpy(to, at, size < left ? size : left);
        if (size == 0)
            to = mempcpy(to, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
        if (size == 0 || size + 2 > left)
            break;
        at += size + 2;
    }
    *to = '\0';
}

/* Reads until the text is there. */
static void listen_for(struct listener *listener, const char *want)
{
    while (strstr(listener->text, want) == NULL) {
        ssize_t got = read(listener->fd, listener->raw + listener->size,
                           sizeof(listener->raw) - 1 - listener->size);

        if (got <= 0)
            fail_msg("waited for %s, got:\n%s", want, listener->raw);
        listener->size += (size_t)got;
        take_chunks(listener);
    }
}

/* What was told is counted once it has been handed over: a reader may have it by then. */
static void expect_metric(struct serving *serving, const char *line)
{
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(ask(serving, "GET /metrics", "", NULL), 200);
        if (strstr(serving->answer, line) != NULL)
            return;
    }
    fail_msg("no %s", line);
}

static void test_what_is_committed_is_told(void **state)
{
    static struct serving serving;
    static struct listener listener;

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    expect(&serving, "POST /v1/points", "m f=1 1", 204, "");
    listener_open(&listener, &serving, "/v1/live?measurement=m&epoch=ns", "");
    listen_for(&listener, "Content-Type: text/event-stream\r\n");
    listen_for(&listener, "\n\n");
    expect(&serving, "POST /v1/points", "m f=2 1\nm f=3 3", 204, "");
    listen_for(&listener, "event: rows\ndata: {\"time\":1,\"change\":\"changed\",");
    listen_for(&listener, "{\"time\":3,\"change\":\"added\",");
    assert_null(strstr(listener.text, "\"f\":1.0"));
    expect_metric(&serving, "weir_live_readers{tenant=\"default\"} 1\n");
    expect_metric(&serving, "weir_live_batches_total 1\n");
    expect_metric(&serving, "weir_live_rows_total 2\n");
    close(listener.fd);
    serving_stop(&serving);
}

static void test_the_last_event_counts_before_since(void **state)
{
    static struct serving serving;
    static struct listener listener;
    char headers[128] = "Last-Event-ID: ";
    const char *id;

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    expect(&serving, "POST /v1/points", "m f=1 1", 204, "");
    listener_open(&listener, &serving, "/v1/live?measurement=m&epoch=ns&since=0", "");
    listen_for(&listener, "\"f\":1.0}\n\n");
    id = strstr(listener.text, "id: ") + 4;
    snprintf(headers + strlen(headers), 64, "%.*s\r\n", (int)strcspn(id, "\n"), id);
    close(listener.fd);
    expect(&serving, "POST /v1/points", "m f=2 2", 204, "");
    listener_open(&listener, &serving, "/v1/live?measurement=m&epoch=ns&since=0", headers);
    listen_for(&listener, "\"f\":2.0}\n\n");
    assert_null(strstr(listener.text, "\"f\":1.0"));
    close(listener.fd);
    serving_stop(&serving);
}

/* With the last chunk: the client sees an end, not a fault. */
static void test_closing_ends_streams_whole_and_refuses_more(void **state)
{
    static struct serving serving;
    static struct listener listeners[3];

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    for (size_t i = 0; i < COUNT_OF(listeners); i++) {
        listener_open(&listeners[i], &serving, "/v1/live?measurement=m", "");
        listen_for(&listeners[i], "\n\n");
    }
    live_close(serving.app.live);
    for (size_t i = 0; i < COUNT_OF(listeners); i++) {
        listen_for(&listeners[i], LAST_CHUNK);
        close(listeners[i].fd);
    }
    expect(&serving, "GET /v1/live?measurement=m", NULL, 503, "shutting_down");
    serving_stop(&serving);
}

static void test_a_tenant_has_so_many_readers(void **state)
{
    static struct serving serving;
    static struct listener listeners[2];

    (void)state;
    serving_init(&serving);
    serving.ground.limits.live_max = 2;
    serving_start(&serving, NULL);
    for (size_t i = 0; i < COUNT_OF(listeners); i++) {
        listener_open(&listeners[i], &serving, "/v1/live?measurement=m", "");
        listen_for(&listeners[i], "\n\n");
    }
    expect(&serving, "GET /v1/live?measurement=m", NULL, 429, "too_many_live_readers");
    assert_non_null(strstr(serving.answer, "Retry-After: "));
    close(listeners[0].fd);
    for (int i = 0; i < 500; i++) { /* until it is noticed that it left */
        assert_int_equal(ask(&serving, "GET /metrics", "", NULL), 200);
        if (strstr(serving.answer, "weir_live_readers{tenant=\"default\"} 1\n"))
            break;
        usleep(10000);
    }
    listener_open(&listeners[0], &serving, "/v1/live?measurement=m", "");
    listen_for(&listeners[0], "HTTP/1.1 200 ");
    close(listeners[0].fd);
    close(listeners[1].fd);
    serving_stop(&serving);
}

static void test_faults_before_the_stream_are_problems(void **state)
{
    static const struct {
        const char *what;
        int status;
        const char *text;
    } cases[] = {
        {"GET /v1/live",                               400, "missing_parameter"},
        {"GET /v1/live?measurement=m&since=noon",      400, "bad_parameter"    },
        {"GET /v1/live?measurement=m&as_of=now",       400, "unknown_parameter"},
        {"GET /v1/live?measurement=m&since=now%2B1h",  400, "as_of_in_future"  },
        {"GET /v1/live?measurement=m&since=1",         410, "before_history"   },
        {"GET /v1/live?measurement=m&match=host%3D~(", 400, "bad_parameter"    },
    };
    static struct serving serving;

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    expect(&serving, "POST /v1/points", "m f=1 1", 204, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect(&serving, cases[i].what, NULL, cases[i].status, cases[i].text);
    serving_stop(&serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_committed_is_told),
        cmocka_unit_test(test_the_last_event_counts_before_since),
        cmocka_unit_test(test_closing_ends_streams_whole_and_refuses_more),
        cmocka_unit_test(test_a_tenant_has_so_many_readers),
        cmocka_unit_test(test_faults_before_the_stream_are_problems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
