/* Stands in for a function of libc: getaddrinfo, which does not answer for slow.test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/net/fetching.h"

#define HEAD(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"

static _Atomic bool answer_now;
static _Atomic int asked, answered;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name != NULL && strcmp(name, "slow.test") == 0) {
        asked++;
        while (!answer_now)
            peer_wait(1);
        answered++;
        return EAI_AGAIN;
    }
    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}

static void test_each_time_out_has_its_name(void **state)
{
    static const struct {
        const char *name, *url; /* with the peer's port */
        struct peer_answer answer;
        int64_t connect_ms, first_byte_ms, idle_ms, total_ms;
        bool sent;
        const char *told;
    } cases[] = {
        {"a resolver without an answer",
         "http://slow.test:%u/",  {.then = PEER_HOLDS},
         150,   60000,
         60000, 60000,
         false,                    "no connection was made within 150 ms (timeouts.connect)"},
        {"TLS without an answer",
         "https://127.0.0.1:%u/", {.then = PEER_HOLDS, .unread = true},
         150,   60000,
         60000, 60000,
         false,                    "no connection was made within 150 ms (timeouts.connect)"},
        {"a resolver, over all",
         "http://slow.test:%u/",  {.then = PEER_HOLDS},
         60000, 60000,
         60000, 150,
         false,                    "the answer was not whole within 150 ms (timeouts.total)"},
        {"silent at once",
         "http://127.0.0.1:%u/",  {.then = PEER_HOLDS},
         60000, 150,
         60000, 60000,
         true,                     "no answer began within 150 ms (timeouts.first_byte)"    },
        {"silent after half a line",
         "http://127.0.0.1:%u/",  {BYTES("HTTP/1.1 20"), PEER_HOLDS, false},
         60000, 150,
         60000, 60000,
         true,                     "no answer began within 150 ms (timeouts.first_byte)"    },
        {"silent in the head",
         "http://127.0.0.1:%u/",  {BYTES("HTTP/1.1 200 OK\r\nA: b\r\n"), PEER_HOLDS, false},
         60000, 60000,
         150,   60000,
         true,                     "nothing more came within 150 ms (timeouts.idle)"        },
        {"silent after 100",
         "http://127.0.0.1:%u/",  {BYTES("HTTP/1.1 100 Continue\r\n\r\n"), PEER_HOLDS, false},
         60000, 60000,
         150,   60000,
         true,                     "nothing more came within 150 ms (timeouts.idle)"        },
        {"silent in the middle",
         "http://127.0.0.1:%u/",  {BYTES(HEAD("Content-Length: 9\r\n") "abc"), PEER_HOLDS, false},
         60000, 60000,
         150,   60000,
         true,                     "nothing more came within 150 ms (timeouts.idle)"        },
        {"a byte now and then",
         "http://127.0.0.1:%u/",  {BYTES(HEAD("Content-Length: 999999\r\n")), PEER_DRIBBLES, false},
         60000, 60000,
         300,   900,   /* idle is not since the first byte */
         true, "the answer was not whole within 900 ms (timeouts.total)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address_rules rules;
        struct fetcher *fetcher = fetching_begin(&rules);
        struct fetched fetched;
        struct peer peer;
        char url[100];

        peer_begin(&peer, &cases[i].answer, 1, 0);
        (void)snprintf(url, sizeof(url), cases[i].url, peer.port);
        fetching_one(fetcher,
                     (struct fetch_request){.url = url,
                                            .connect_ns = MS(cases[i].connect_ms),
                                            .first_byte_ns = MS(cases[i].first_byte_ms),
                                            .idle_ns = MS(cases[i].idle_ms),
                                            .total_ns = MS(cases[i].total_ms)},
                     &fetched);
        if (fetched.code != E_TIMEOUT || fetched.sent != cases[i].sent ||
            !strstr(fetched.err.text, cases[i].told))
            fail_msg("%s: %d, %s", cases[i].name, fetched.code, fetched.err.text);
        if (fetched.took_ns < MS(150) || fetched.took_ns > MS(10000))
            fail_msg("%s: %lld ns", cases[i].name, (long long)fetched.took_ns);
        fetcher_close(fetcher); /* nobody waits for a resolver */
        peer_finish(&peer);
    }
    answer_now = true;
    while (answered < asked)
        peer_wait(1);
    peer_wait(200); /* what libcurl left to its threads is freed by then */
}

/* In three framings, one byte less than allowed, as much, and one more. */
static void test_a_body_may_be_as_large_as_it_may_be(void **state)
{
    static const struct {
        const char *name, *first, *last;
        enum peer_then then;
    } framings[] = {
        {"a length",        "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",               "", PEER_KEEPS },
        {"one chunk",       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
         "\r\n0\r\n\r\n",                                                                       PEER_KEEPS },
        {"until it closes", "HTTP/1.1 200 OK\r\nX-Size: %zu\r\n\r\n",                       "", PEER_CLOSES},
    };
    static const size_t limits[] = {1, 1000, 64 << 10, (64 << 10) + 1, 300000, 1 << 20};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(framings) * COUNT_OF(limits) * 3; i++) {
        size_t limit = limits[i / 3 % COUNT_OF(limits)], size = limit - 1 + i % 3;
        struct buf text = BUF_INIT(2 << 20);
        struct peer_answer answer = {.then = framings[i / 3 / COUNT_OF(limits)].then};
        struct address_rules rules;
        struct fetcher *fetcher = fetching_begin(&rules);
        struct fetched fetched;
        struct peer peer;
        size_t head;

        if (size == 0) /* a chunk of 0 is the end */
            answer.then = PEER_CLOSES;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        buf_printf(&text, framings[i / 3 / COUNT_OF(limits)].first, size);
#pragma GCC diagnostic pop
        head = text.size;
        for (size_t j = 0; j < size; j++)
            buf_put_char(&text, (char)('a' + j % 23));
        buf_put_text(&text, framings[i / 3 / COUNT_OF(limits)].last);
        assert_int_equal(buf_finish(&text, NULL), OK);
        answer.text = buf_bytes(&text);
        peer_begin(&peer, &answer, 1, 0);
        fetching_one(fetcher, (struct fetch_request){.url = peer.url, .body_bytes_max = limit},
                     &fetched);
        if (fetched.code != (size <= limit ? OK : E_BODY_LARGE))
            fail_msg("%s, %zu of %zu: %d, %s", framings[i / 3 / COUNT_OF(limits)].name, size, limit,
                     fetched.code, fetched.err.text);
        if (fetched.code == OK)
            assert_true(
                bytes_equal(buf_bytes(&fetched.body), (struct bytes){text.data + head, size}));
        fetcher_close(fetcher);
        peer_finish(&peer);
        buf_release(&fetched.body);
        buf_release(&text);
    }
}

/* The limit of a file's size is what stands for a full disk: error_set_errno() has them as one. */
static void test_a_full_disk_is_told(void **state)
{
    struct rlimit before, small;
    struct buf text = BUF_INIT(2 << 20);
    struct peer_answer answer = {.then = PEER_HOLDS};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetched fetched;
    struct peer peer;

    (void)state;
    buf_put_text(&text, HEAD("Content-Length: 1000000\r\n"));
    assert_non_null(memset(buf_extend(&text, 1000000), 'x', 1000000));
    answer.text = buf_bytes(&text);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 200000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    peer_begin(&peer, &answer, 1, 0);
    fetching_one(fetcher, (struct fetch_request){.url = peer.url, .body_bytes_max = 1 << 20},
                 &fetched);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    if (fetched.code != E_DISK_FULL)
        fail_msg("%d: %s", fetched.code, fetched.err.text);
    fetcher_close(fetcher);
    peer_finish(&peer);
    buf_release(&text);
}

/* An empty answer on a kept connection: libcurl by itself would send the request once more. */
static void test_a_request_goes_out_once(void **state)
{
    static const struct peer_answer answers[] = {
        {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS,  false},
        {BYTES(""),                            PEER_CLOSES, false},
        {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS,  false},
    };
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetched fetched;
    struct peer peer;

    (void)state;
    peer_begin(&peer, answers, COUNT_OF(answers), 0);
    fetching_one(fetcher, (struct fetch_request){.url = peer.url}, &fetched);
    assert_int_equal(fetched.code, OK);
    fetching_one(fetcher, (struct fetch_request){.url = peer.url}, &fetched);
    assert_int_equal(fetched.code, E_IO);
    assert_true(fetched.sent);
    assert_int_equal(peer.requests, 2);
    fetching_one(fetcher, (struct fetch_request){.url = peer.url}, &fetched);
    assert_int_equal(fetched.code, OK);
    assert_int_equal(peer.requests, 3);
    fetcher_close(fetcher);
    peer_finish(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_goes_out_once),
        cmocka_unit_test(test_each_time_out_has_its_name),
        cmocka_unit_test(test_a_body_may_be_as_large_as_it_may_be),
        cmocka_unit_test(test_a_full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
