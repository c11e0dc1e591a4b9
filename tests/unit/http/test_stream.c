/* Streams over a real server: whole, cut, compressed, to slow clients and to ones that leave. */
#include "tests/unit/http/served.h"

#include "http/exchange.h"
#include "http/server_state.h"

#include <zlib.h>
#include <zstd.h>

#define HOST "Host: a\r\n"

enum { PLAIN_BYTES_MAX = 4 << 20 };

static bool is_letters(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != letters[i % (sizeof(letters) - 1)])
            return false;
    return true;
}

static void test_all_bytes_arrive_in_order(void **state)
{
    struct served *served = *state;
    static const uint64_t sizes[] = {0, 1, 67, 262143, 262144, 262145, 3000000};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char text[128];
        struct answer answer;

        snprintf(text, sizeof(text), "GET /stream?bytes=%" PRIu64 " HTTP/1.1\r\n" HOST "\r\n",
                 sizes[i]);
        answer = ask(served, text);
        assert_int_equal(answer.status, 200);
        assert_true(answer.whole);
        assert_int_equal(answer.body_size, sizes[i]);
        assert_true(is_letters(answer.body, answer.body_size));
        answer_release(&answer);
    }
}

/* The client sees a broken transfer, never a shorter whole one. */
static void test_a_cut_stream_has_no_last_chunk(void **state)
{
    struct served *served = *state;
    static const char *const requests[] = {
        "GET /stream?bytes=100000&cut=1 HTTP/1.1\r\n" HOST "\r\n",
        "GET /stream?bytes=1000000&cut=1 HTTP/1.1\r\n" HOST "\r\n",
        "GET /stream?bytes=100000&cut=1 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n",
        "GET /stream?bytes=0&cut=1 HTTP/1.1\r\n" HOST "\r\n",
    };

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        int fd = dial(served);
        struct answer answer;

        say(fd, bytes_of(requests[i]));
        answer = hear(fd, false);
        assert_int_equal(answer.status, 200);
        assert_false(answer.whole);
        assert_true(closed(fd));
        answer_release(&answer);
        close(fd);
    }
}

static size_t decode(const char *coding, const struct answer *answer, char *plain)
{
    z_stream gzip = {0};

    if (strcmp(coding, "zstd") == 0) {
        ZSTD_DCtx *context = ZSTD_createDCtx();
        ZSTD_inBuffer in = {answer->body, answer->body_size, 0};
        ZSTD_outBuffer out = {plain, PLAIN_BYTES_MAX, 0};

        while (in.pos < in.size)
            assert_false(ZSTD_isError(ZSTD_decompressStream(context, &out, &in)));
        ZSTD_freeDCtx(context);
        return out.pos;
    }
    assert_int_equal(inflateInit2(&gzip, 15 + 16), Z_OK);
    gzip.next_in = (z_const Bytef *)answer->body;
    gzip.avail_in = (uInt)answer->body_size;
    gzip.next_out = (Bytef *)plain;
    gzip.avail_out = PLAIN_BYTES_MAX;
    assert_true(inflate(&gzip, Z_SYNC_FLUSH) >= 0);
    inflateEnd(&gzip);
    return PLAIN_BYTES_MAX - gzip.avail_out;
}

static void test_a_compressed_stream_comes_back(void **state)
{
    struct served *served = *state;
    static const char *const codings[] = {"gzip", "zstd"};
    char *plain = malloc(PLAIN_BYTES_MAX);

    for (size_t i = 0; i < COUNT_OF(codings); i++) {
        char text[128];
        struct answer answer;

        snprintf(text, sizeof(text),
                 "GET /stream?bytes=2000000 HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
                 codings[i]);
        answer = ask(served, text);
        assert_true(answer.whole);
        assert_string_equal(answer_header(&answer, "Content-Encoding"), codings[i]);
        assert_string_equal(answer_header(&answer, "Vary"), "Accept-Encoding");
        assert_true(answer.body_size < 100000);
        assert_int_equal(decode(codings[i], &answer, plain), 2000000);
        assert_true(is_letters(plain, 2000000));
        answer_release(&answer);
    }
    free(plain);
}

/* The first row is seen while the rest is still being computed. */
static void test_the_first_bytes_leave_at_once(void **state)
{
    struct served *served = *state;
    static const char *const codings[] = {"identity", "gzip", "zstd"};
    char *plain = malloc(PLAIN_BYTES_MAX);

    for (size_t i = 0; i < COUNT_OF(codings); i++) {
        struct answer answer = {.text = malloc(ANSWER_BYTES_MAX)};
        int fd = dial(served);
        size_t want = sizeof(letters) - 1;
        char text[128];
        char *body = NULL;

        served->hold = true;
        snprintf(text, sizeof(text),
                 "GET /stream?bytes=67 HTTP/1.1\r\n" HOST "Accept-Encoding: %s\r\n\r\n",
                 codings[i]);
        say(fd, bytes_of(text));
        answer.text[0] = '\0';
        do {
            assert_true(hear_more(fd, &answer));
            body = strstr(answer.text, "\r\n\r\n");
        } while (body == NULL || answer.size - (size_t)(body + 4 - answer.text) < 10);
        answer.body = body + 4;
        unchunk(body + 4, answer.size - (size_t)(body + 4 - answer.text), &answer.body_size);
        if (i == 0) {
            assert_int_equal(answer.body_size, want);
            assert_true(is_letters(answer.body, want));
        } else {
            assert_int_equal(decode(codings[i], &answer, plain), want);
            assert_true(is_letters(plain, want));
        }
        served->hold = false;
        answer_release(&answer);
        close(fd);
    }
    free(plain);
}

/* The writer gets no further than the pipe and what the sockets hold; and a client that is slow,
 * but takes something now and then, gets everything. */
static void test_a_slow_client_holds_the_writer_back(void **state)
{
    struct served *served = *state;
    int fd = dial(served), size = 32768;
    uint64_t total = 0;
    char *piece = malloc(65536);
    ssize_t got;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    EVENTUALLY(served->started == served->cleaned); /* writers of before are through */
    served->last_write = -1;
    say(fd, BYTES("GET /stream?bytes=3000000 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    while ((got = recv(fd, piece, 65536, 0)) > 0) {
        /* What is not read yet and fits into the pipe and both sockets may have been written. */
        if (total < 1000000)
            assert_int_equal(served->last_write, -1);
        total += (uint64_t)got;
        usleep(2000);
    }
    assert_true(total > 3000000);
    EVENTUALLY(served->last_write == OK);
    free(piece);
    close(fd);
}

/* One that takes nothing at all is given up after the idle time. */
static void test_a_client_that_takes_nothing_is_given_up(void **state)
{
    struct served *served = *state;
    int fd = dial(served), size = 4096;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    EVENTUALLY(served->started == served->cleaned); /* writers of before are through */
    served->last_write = -1;
    say(fd, BYTES("GET /stream?bytes=30000000 HTTP/1.1\r\n" HOST "\r\n"));
    EVENTUALLY(served->last_write != -1);
    assert_true(served->last_write == E_TIMEOUT || served->last_write == E_CANCELLED);
    EVENTUALLY(served->started == served->cleaned);
    close(fd);
}

struct trickle {
    struct stream *stream;
    _Atomic enum code code;
    _Atomic bool ended;
    _Atomic int waits, goes_on;
};

static void count_waits(void *context, bool waiting)
{
    struct trickle *trickle = context;

    if (waiting)
        trickle->waits++;
    else
        trickle->goes_on++;
}

static void *write_on(void *context)
{
    static const char text[100000];
    struct trickle *trickle = context;
    enum code code = OK;

    while (code == OK)
        code = stream_write(trickle->stream, (struct bytes){text, sizeof(text)}, NULL);
    trickle->code = code;
    trickle->ended = true;
    return NULL;
}

static void test_what_is_unsent_is_known(void **state)
{
    static struct http_server server = {.lock = PTHREAD_MUTEX_INITIALIZER};
    static const char text[1000];
    struct exchange exchange = {.server = &server, .refs = 2};
    struct stream *stream = NULL;
    char taken[600];
    uint64_t sent = 1;

    (void)state;
    assert_int_equal(stream_new(&exchange, CODING_IDENTITY, 400, &stream, NULL), OK);
    assert_int_equal(stream_unsent(stream, &sent), 0);
    assert_int_equal(sent, 0);
    assert_true(stream_drain(stream, 0, 1000));
    assert_int_equal(stream_write(stream, (struct bytes){text, sizeof(text)}, NULL), OK);
    assert_int_equal(stream_unsent(stream, &sent), 1000);
    assert_false(stream_drain(stream, 999, 1)); /* nobody takes */
    assert_true(stream_drain(stream, 1000, 0));
    assert_int_equal(stream_take(stream, taken, sizeof(taken)), 600);
    assert_int_equal(stream_unsent(stream, &sent), 400);
    assert_int_equal(sent, 600);
    stream_end(stream, true);
    stream_free(stream);
}

/* A byte now and then does not hold a writer for ever; and whoever shares out threads is told when
 * it begins to wait, and when it goes on. */
static void test_a_client_that_trickles_is_given_up(void **state)
{
    static struct http_server server = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct exchange exchange = {.server = &server, .refs = 2};
    struct trickle trickle = {0};
    struct error err = {0};
    pthread_t writer;
    char byte;

    (void)state;
    assert_int_equal(stream_new(&exchange, CODING_IDENTITY, 400, &trickle.stream, &err), OK);
    stream_watch(trickle.stream, count_waits, &trickle);
    assert_int_equal(pthread_create(&writer, NULL, write_on, &trickle), 0);
    for (int taken = 0; !trickle.ended; taken++) {
        assert_in_range(taken, 0, 399); /* of 400 it would keep up */
        usleep(10000);
        if (taken > 10 && !trickle.ended)
            (void)stream_take(trickle.stream, &byte, 1);
    }
    pthread_join(writer, NULL);
    assert_int_equal(trickle.code, E_TIMEOUT);
    assert_true(trickle.waits > 0);
    assert_int_equal(trickle.waits, trickle.goes_on);
    stream_end(trickle.stream, false);
    assert_int_equal(exchange.refs, 1);
    stream_free(trickle.stream);
}

static void test_the_writer_is_told_that_the_client_left(void **state)
{
    struct served *served = *state;
    static const bool compressed[] = {false, true};

    for (size_t i = 0; i < COUNT_OF(compressed); i++) {
        int fd = dial(served);
        char byte;

        served->last_write = -1;
        say(fd, BYTES("GET /stream?bytes=3000000000 HTTP/1.1\r\n" HOST "Accept-Encoding: "));
        say(fd, compressed[i] ? BYTES("zstd\r\n\r\n") : BYTES("identity\r\n\r\n"));
        assert_int_equal(recv(fd, &byte, 1, 0), 1);
        close(fd);
        EVENTUALLY(served->last_write != -1);
        assert_int_equal(served->last_write, E_CANCELLED);
    }
    EVENTUALLY(served->started == served->cleaned);
}

/* A writer that waits for its next row writes nothing, and must be told all the same. */
static void test_a_quiet_stream_notices_that_the_client_left(void **state)
{
    struct served *served = *state;
    unsigned before = served->cancelled_seen;
    int fd = dial(served);
    char byte;

    served->hold = true;
    say(fd, BYTES("GET /stream?bytes=67 HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(recv(fd, &byte, 1, 0), 1);
    close(fd);
    EVENTUALLY(served->cancelled_seen == before + 1);
    served->hold = false;
    EVENTUALLY(served->started == served->cleaned);
}

static void test_http_1_0_gets_a_stream_without_chunks(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    struct answer answer;

    say(fd, BYTES("GET /stream?bytes=500000 HTTP/1.0\r\n\r\n"));
    answer = hear(fd, false);
    assert_int_equal(answer.status, 200);
    assert_null(answer_header(&answer, "Transfer-Encoding"));
    assert_int_equal(answer.body_size, 500000);
    assert_true(is_letters(answer.body, answer.body_size));
    answer_release(&answer);
    close(fd);
}

static int setup(void **state)
{
    static struct served served;

    served_init(&served);
    served.limits.idle_ms_max = 500;
    served_start(&served);
    *state = &served;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_bytes_arrive_in_order),
        cmocka_unit_test(test_a_cut_stream_has_no_last_chunk),
        cmocka_unit_test(test_a_compressed_stream_comes_back),
        cmocka_unit_test(test_the_first_bytes_leave_at_once),
        cmocka_unit_test(test_a_slow_client_holds_the_writer_back),
        cmocka_unit_test(test_a_client_that_takes_nothing_is_given_up),
        cmocka_unit_test(test_what_is_unsent_is_known),
        cmocka_unit_test(test_a_client_that_trickles_is_given_up),
        cmocka_unit_test(test_the_writer_is_told_that_the_client_left),
        cmocka_unit_test(test_a_quiet_stream_notices_that_the_client_left),
        cmocka_unit_test(test_http_1_0_gets_a_stream_without_chunks),
    };

    return cmocka_run_group_tests(tests, setup, served_close_clean);
}
