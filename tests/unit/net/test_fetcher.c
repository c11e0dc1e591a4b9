#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "tests/unit/net/fetching.h"

#define HEAD(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"

static void test_an_answer_comes_whole_with_its_head(void **state)
{
    static const struct peer_answer answer = {
        BYTES("HTTP/1.1 203 Fine\r\nETag: \"a b\"\r\nX-Two: 1\r\nx-two:  2 \r\nEmpty:\r\n"
              "Content-Length: 5\r\n\r\nhello"),
        PEER_KEEPS, false};
    static const char *const headers[] = {"User-Agent: weir/1 (+me)", "X-Key: secret",
                                          "X-None:", NULL};
    static const char *const want[][2] = {
        {"etag",           "\"a b\""},
        {"x-two",          "1"      },
        {"x-two",          "2"      },
        {"empty",          ""       },
        {"content-length", "5"      }
    };
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    char seen[PEER_SEEN_SIZE];
    struct fetched fetched;
    struct peer peer;

    (void)state;
    peer_begin(&peer, &answer, 1, 0);
    fetching_one(fetcher, (struct fetch_request){.url = peer.url, .headers = headers}, &fetched);
    assert_int_equal(fetched.code, OK);
    assert_int_equal(fetched.status, 203);
    assert_true(fetched.sent && fetched.first_ns > 0 && fetched.took_ns > 0);
    assert_true(bytes_equal(buf_bytes(&fetched.body), BYTES("hello")));
    assert_int_equal(fetched.bytes, 5);
    assert_int_equal(fetched.header_count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_string_equal(fetched.headers[i][0], want[i][0]);
        assert_string_equal(fetched.headers[i][1], want[i][1]);
    }
    buf_release(&fetched.body);
    peer_seen(&peer, seen);
    assert_non_null(strstr(seen, "GET /a HTTP/1.1\r\n"));
    assert_non_null(strstr(seen, "\r\nAccept-Encoding: gzip, zstd\r\n"));
    assert_non_null(strstr(seen, "\r\nUser-Agent: weir/1 (+me)\r\n"));
    assert_non_null(strstr(seen, "\r\nX-Key: secret\r\n"));
    assert_non_null(strstr(seen, "\r\nX-None:\r\n"));
    assert_null(strstr(seen, "Authorization")); /* there is a .netrc */
    assert_null(strstr(seen, "Cookie"));
    fetcher_close(fetcher);
    peer_finish(&peer);
}

static void test_a_body_goes_out(void **state)
{
    static const struct peer_answer answer = {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS,
                                              false};
    static const char *const headers[] = {"Content-Type: text/csv", "accept-encoding: identity",
                                          NULL};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    char *large = calloc(1, 3 << 20), seen[PEER_SEEN_SIZE];
    struct fetched fetched;
    struct peer peer;

    (void)state;
    peer_begin(&peer, &answer, 1, 0);
    fetching_one(
        fetcher,
        (struct fetch_request){
            .method = "POST", .url = peer.url, .headers = headers, .body = {large, 3 << 20}
    },
        &fetched);
    assert_int_equal(fetched.code, OK);
    peer_seen(&peer, seen);
    assert_non_null(strstr(seen, "POST /a HTTP/1.1\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Length: 3145728\r\n"));
    assert_non_null(strstr(seen, "\r\naccept-encoding: identity\r\n"));
    assert_null(strstr(seen, "gzip"));
    assert_null(strstr(seen, "Expect"));
    fetching_one(fetcher, (struct fetch_request){.method = "POST", .url = peer.url}, &fetched);
    peer_seen(&peer, seen);
    assert_non_null(strstr(seen, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(seen, "Content-Type"));
    assert_int_equal(peer.connections, 1);
    free(large);
    fetcher_close(fetcher);
    peer_finish(&peer);
}

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED
#define LONG THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
#define FOUR "a: b\r\nc: d\r\ne: f\r\ng: h\r\n"
#define SIXTEEN FOUR FOUR FOUR FOUR
#define MANY SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define EARLY "HTTP/1.1 103 Early Hints\r\nLink: <" THOUSAND ">\r\n\r\n"
#define EARLIES EARLY EARLY EARLY EARLY EARLY EARLY EARLY EARLY EARLY EARLY

static void test_what_an_answer_is_and_what_is_none(void **state)
{
    static const struct {
        const char *name;
        struct bytes text;
        enum peer_then then;
        enum code want;
        unsigned status;
        const char *body; /* NULL = none is looked at */
        const char *method;
    } cases[] = {
        {"length",                      BYTES(HEAD("Content-Length: 3\r\n") "abc"),                                  PEER_KEEPS,  OK,   200, "abc",          NULL  },
        {"chunks",
         BYTES(HEAD("Transfer-Encoding: chunked\r\n") "1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n"),
         PEER_KEEPS,                                                                                                              OK,   200, "abc",          NULL  },
        {"trailers",                    BYTES(HEAD("Transfer-Encoding: chunked\r\n") "1\r\na\r\n0\r\nX: y\r\n\r\n"),
         PEER_KEEPS,                                                                                                              OK,   200, "a",            NULL  },
        {"its end is the connection's", BYTES(HEAD("") "abc"),                                                       PEER_CLOSES, OK,   200, "abc",          NULL  },
        {"HTTP/1.0",                    BYTES("HTTP/1.0 200 OK\r\n\r\nabc"),                                         PEER_CLOSES, OK,   200, "abc",          NULL  },
        {"204",                         BYTES("HTTP/1.1 204 None\r\n\r\n"),                                          PEER_KEEPS,  OK,   204, "",             NULL  },
        {"304 with a length",           BYTES("HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"),                     PEER_KEEPS,
         OK,                                                                                                                            304, "",             NULL  },
        {"HEAD",                        BYTES(HEAD("Content-Length: 9\r\n")),                                        PEER_KEEPS,  OK,   200, "",             "HEAD"},
        {"100",                         BYTES("HTTP/1.1 100 Continue\r\n\r\n" HEAD("Content-Length: 1\r\n") "a"),
         PEER_KEEPS,                                                                                                              OK,   200, "a",            "POST"},
        {"103",                         BYTES(EARLY HEAD("Content-Length: 1\r\n") "a"),                              PEER_KEEPS,  OK,   200, "a",            NULL  },
        {"500",                         BYTES("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"),                     PEER_KEEPS,  OK,   500, "no",
         NULL                                                                                                                                                      },
        {"a redirect",
         BYTES("HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\n"
               "Content-Length: 0\r\n\r\n"),
         PEER_KEEPS,                                                                                                              OK,   302, "",             NULL  },
        {"gzip stays",
         BYTES(HEAD("Content-Encoding: gzip\r\nContent-Length: 3\r\n") "\x1f\x8b\x08"),                              PEER_KEEPS,
         OK,                                                                                                                            200, "\x1f\x8b\x08", NULL  },
        {"more than its length",        BYTES(HEAD("Content-Length: 1\r\n") "abc"),                                  PEER_KEEPS,  OK,   200,
         "a",                                                                                                                                                NULL  },
        {"a head of 60 KB",
         BYTES(HEAD("A: " LONG "\r\nB: " LONG "\r\nC: " LONG "\r\nD: " LONG "\r\nE: " LONG
                    "\r\nF: " LONG "\r\nContent-Length: 0\r\n")),
         PEER_KEEPS,                                                                                                              OK,   200, "",             NULL  },
        {"192 headers",                 BYTES(HEAD(MANY MANY MANY "Content-Length: 0\r\n")),                         PEER_KEEPS,  OK,   200,
         "",                                                                                                                                                 NULL  },
        {"cut",                         BYTES(HEAD("Content-Length: 9\r\n") "abc"),                                  PEER_CLOSES, E_IO, 200, NULL,           NULL  },
        {"reset",                       BYTES(HEAD("Content-Length: 9\r\n") "abc"),                                  PEER_RESETS, E_IO, 0,   NULL,           NULL  },
        {"cut between chunks",          BYTES(HEAD("Transfer-Encoding: chunked\r\n") "1\r\na\r\n"),
         PEER_CLOSES,                                                                                                             E_IO, 200, NULL,           NULL  },
        {"no chunk",                    BYTES(HEAD("Transfer-Encoding: chunked\r\n") "what\r\n"),                    PEER_HOLDS,  E_IO,
         200,                                                                                                                                NULL,           NULL  },
        {"a length that is none",       BYTES(HEAD("Content-Length: -3\r\n") "abc"),                                 PEER_HOLDS,  E_IO,
         200,                                                                                                                                NULL,           NULL  },
        {"nothing",                     BYTES(""),                                                                   PEER_CLOSES, E_IO, 0,   NULL,           NULL  },
        {"cut in the head",             BYTES("HTTP/1.1 200 OK\r\nContent-"),                                        PEER_CLOSES, E_IO, 0,   NULL,           NULL  },
        {"no HTTP",                     BYTES("220 mail.example ESMTP\r\n"),                                         PEER_HOLDS,  E_IO, 0,   NULL,           NULL  },
        {"HTTP/3 by TCP",               BYTES("HTTP/3 200 OK\r\n\r\n"),                                              PEER_HOLDS,  E_IO, 0,   NULL,           NULL  },
        {"a head of 70 KB",
         BYTES(HEAD("A: " LONG "\r\nB: " LONG "\r\nC: " LONG "\r\nD: " LONG "\r\nE: " LONG
                    "\r\nF: " LONG "\r\nG: " LONG "\r\nH: " LONG "\r\n")),
         PEER_HOLDS,                                                                                                              E_IO, 0,   NULL,           NULL  },
        {"a line of 108 KB",
         BYTES(HEAD("A: " LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG LONG "\r\n")),
         PEER_HOLDS,                                                                                                              E_IO, 0,   NULL,           NULL  },
        {"320 headers",                 BYTES(HEAD(MANY MANY MANY MANY MANY)),                                       PEER_HOLDS,  E_IO, 0,   NULL,           NULL  },
        {"100 early hints",
         BYTES(EARLIES EARLIES EARLIES EARLIES EARLIES EARLIES EARLIES EARLIES EARLIES EARLIES),
         PEER_HOLDS,                                                                                                              E_IO, 0,   NULL,           NULL  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct peer_answer answer = {cases[i].text, cases[i].then, false};
        struct address_rules rules;
        struct fetcher *fetcher = fetching_begin(&rules);
        struct fetched fetched;
        struct peer peer;

        peer_begin(&peer, &answer, 1, 0);
        fetching_one(fetcher,
                     (struct fetch_request){.method = cases[i].method,
                                            .url = peer.url,
                                            .idle_ns = MS(10000),
                                            .first_byte_ns = MS(10000)},
                     &fetched);
        if (fetched.code != cases[i].want ||
            (cases[i].status != 0 && fetched.status != cases[i].status) || !fetched.sent)
            fail_msg("%s: %d, status %u, %s", cases[i].name, fetched.code, fetched.status,
                     fetched.err.text);
        if (cases[i].body && !bytes_equal(buf_bytes(&fetched.body), bytes_of(cases[i].body)))
            fail_msg("%s: \"%.*s\"", cases[i].name, BYTES_ARG(buf_bytes(&fetched.body)));
        assert_int_equal(peer.connections, 1);
        buf_release(&fetched.body);
        fetcher_close(fetcher);
        peer_finish(&peer);
    }
}

/* --- connections --- */

static void test_a_connection_is_used_again_until_it_is_closed(void **state)
{
    static const struct peer_answer answers[] = {
        {BYTES(HEAD("Content-Length: 1\r\n") "a"),                                   PEER_KEEPS,  false},
        {BYTES(HEAD("Content-Length: 1\r\n") "b"),                                   PEER_KEEPS,  false},
        {BYTES(HEAD("Content-Length: 1\r\n") "c"),                                   PEER_CLOSES, false},
        {BYTES(HEAD("Content-Length: 1\r\n") "d" HEAD("Content-Length: 1\r\n") "X"), PEER_KEEPS,
         false                                                                                         },
        {BYTES(HEAD("Content-Length: 1\r\n") "e"),                                   PEER_KEEPS,  false},
    };
    static const size_t connections[] = {1, 1, 1, 2, 3};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetched fetched;
    struct peer peer;

    (void)state;
    peer_begin(&peer, answers, COUNT_OF(answers), 0);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        fetching_one(fetcher, (struct fetch_request){.url = peer.url}, &fetched);
        assert_int_equal(fetched.code, OK);
        assert_int_equal(fetched.body.size, 1);
        assert_int_equal(fetched.body.data[0],
                         "abcde"[i]); /* what was not asked for is no answer */
        assert_int_equal(peer.connections, connections[i]);
        buf_release(&fetched.body);
        while (answers[i].then == PEER_CLOSES && peer.closed == 0) /* what is sent before is lost */
            peer_wait(1);
    }
    fetcher_close(fetcher);
    peer_finish(&peer);
}

static void test_a_connection_that_nobody_uses_is_closed(void **state)
{
    static const struct peer_answer answer = {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS,
                                              false};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin_with(&rules, 16, 1);
    struct fetched fetched;
    struct peer peer;
    int64_t began = clock_boot_ns(clock_system());

    (void)state;
    peer_begin(&peer, &answer, 1, 0);
    fetching_one(fetcher, (struct fetch_request){.url = peer.url}, &fetched);
    assert_int_equal(fetched.code, OK);
    while (peer.left == 0 && clock_boot_ns(clock_system()) - began < MS(20000))
        fetcher_run(fetcher, clock_boot_ns(clock_system()) + MS(100));
    assert_int_equal(peer.left, 1);
    assert_true(clock_boot_ns(clock_system()) - began >= MS(1000));
    fetcher_close(fetcher);
    peer_finish(&peer);
}

static void test_nobody_is_there(void **state)
{
    static const struct {
        const char *url;
        enum code want;
    } cases[] = {
        {"http://127.0.0.1:1/x?key=Canary",      E_ADDRESS}, /* the port */
        {"http://127.0.0.2:8080/x?key=Canary",   E_ADDRESS},
        {"https://169.254.169.254/x?key=Canary", E_ADDRESS},
    };
    static const char *const headers[] = {"Authorization: Bearer Canary", NULL};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetched fetched;
    struct peer peer;
    char url[100];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fetching_one(fetcher, (struct fetch_request){.url = cases[i].url, .headers = headers},
                     &fetched);
        if (fetched.code != cases[i].want || fetched.sent || strstr(fetched.err.text, "Canary"))
            fail_msg("%s: %d, %s", cases[i].url, fetched.code, fetched.err.text);
    }
    peer_begin(&peer, NULL, 0, 0);
    fetching_one(fetcher, (struct fetch_request){.url = "http://127.0.0.1:9/"}, &fetched);
    assert_int_equal(fetched.code, E_ADDRESS);
    peer_finish(&peer); /* now nobody listens there */
    (void)snprintf(url, sizeof(url), "%s?key=Canary", peer.url);
    fetching_one(fetcher, (struct fetch_request){.url = url, .headers = headers}, &fetched);
    assert_int_equal(fetched.code, E_NOT_READY);
    assert_false(fetched.sent);
    assert_non_null(strstr(fetched.err.text, "/a: "));
    assert_non_null(strstr(fetched.err.text, "Connection refused"));
    assert_null(strstr(fetched.err.text, "Canary"));
    fetcher_close(fetcher);
}

static void test_tls_with_what_speaks_none(void **state)
{
    static const struct peer_answer answer = {BYTES("HTTP/1.1 400 Plain\r\n\r\n"), PEER_CLOSES,
                                              true};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetched fetched;
    struct peer peer;
    char url[100];

    (void)state;
    peer_begin(&peer, &answer, 1, 0);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", peer.port);
    fetching_one(fetcher, (struct fetch_request){.url = url}, &fetched);
    if (fetched.code != E_TLS || fetched.sent)
        fail_msg("%d: %s", fetched.code, fetched.err.text);
    fetcher_close(fetcher);
    peer_finish(&peer);
}

static unsigned told_sent;

static void tell_sent(void *context)
{
    (void)context;
    told_sent++;
}

/* Once, while nobody has answered; a request that never went out is none. */
static void test_that_it_goes_out_is_told_when_it_does(void **state)
{
    static const struct peer_answer answer = {BYTES(HEAD("Content-Length: 1\r\n") "a"), PEER_HOLDS,
                                              false};
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    struct fetch_request request = {.method = "GET", .body_bytes_max = 9, .sent = tell_sent};
    struct fetched fetched = {.done = false};
    struct fetch *fetch;
    struct peer peer;

    (void)state;
    told_sent = 0;
    peer_begin(&peer, &answer, 1, 2); /* none is answered until two have come */
    request.url = peer.url;
    assert_int_equal(fetcher_begin(fetcher, &request, fetched_done, &fetched, &fetch, NULL), OK);
    while (told_sent == 0)
        fetcher_run(fetcher, INT64_MAX);
    assert_false(fetched.done);
    fetcher_cancel(fetcher, fetch);
    fetching_until(fetcher, &fetched.done);
    assert_int_equal(told_sent, 1);
    request.url = "http://169.254.1.1/";
    fetched = (struct fetched){.done = false};
    assert_int_equal(fetcher_begin(fetcher, &request, fetched_done, &fetched, &fetch, NULL), OK);
    fetching_until(fetcher, &fetched.done);
    assert_int_equal(fetched.code, E_ADDRESS);
    assert_int_equal(told_sent, 1);
    fetcher_close(fetcher);
    peer_finish(&peer);
}

/* --- many, and who gives up --- */

enum { MANY_AT_ONCE = 256 };

static void test_many_are_under_way_at_once(void **state)
{
    static const struct peer_answer answer = {BYTES(HEAD("Content-Length: 1\r\n") "a"), PEER_KEEPS,
                                              false};
    static struct fetched fetched[MANY_AT_ONCE];
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin_with(&rules, MANY_AT_ONCE, 0);
    struct fetch_request request = {.method = "GET", .body_bytes_max = 9};
    struct fetch *fetch;
    struct peer peer;

    (void)state;
    peer_begin(&peer, &answer, 1, MANY_AT_ONCE); /* none is answered until all have come */
    request.url = peer.url;
    for (size_t i = 0; i < MANY_AT_ONCE; i++)
        assert_int_equal(fetcher_begin(fetcher, &request, fetched_done, &fetched[i], &fetch, NULL),
                         OK);
    assert_int_equal(fetcher_under_way(fetcher), MANY_AT_ONCE);
    assert_int_equal(fetcher_begin(fetcher, &request, fetched_done, NULL, &fetch, NULL), E_BUSY);
    for (size_t i = 0; i < MANY_AT_ONCE; i++) {
        fetching_until(fetcher, &fetched[i].done);
        assert_int_equal(fetched[i].code, OK);
        buf_release(&fetched[i].body);
    }
    assert_int_equal(fetcher_under_way(fetcher), 0);
    assert_int_equal(peer.connections, MANY_AT_ONCE);
    fetcher_close(fetcher);
    peer_finish(&peer);
}

static int64_t thread_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void test_waiting_costs_nothing_and_all_can_be_cancelled(void **state)
{
    static const struct peer_answer answer = {BYTES(HEAD("Content-Length: 9\r\n") "a"), PEER_HOLDS,
                                              false};
    static struct fetched fetched[MANY_AT_ONCE];
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin_with(&rules, MANY_AT_ONCE, 0);
    struct fetch_request request = {
        .method = "GET", .body_bytes_max = 9, .idle_ns = MS(60000), .total_ns = MS(90000)};
    struct fetch *fetches[MANY_AT_ONCE];
    struct peer peer;
    int64_t began, until;

    (void)state;
    peer_begin(&peer, &answer, 1, 0);
    request.url = peer.url;
    for (size_t i = 0; i < MANY_AT_ONCE; i++) {
        fetched[i] = (struct fetched){0};
        assert_int_equal(
            fetcher_begin(fetcher, &request, fetched_done, &fetched[i], &fetches[i], NULL), OK);
    }
    while (peer.requests < MANY_AT_ONCE)
        fetcher_run(fetcher, clock_boot_ns(clock_system()) + MS(10));
    fetcher_run(fetcher, clock_boot_ns(clock_system()) + MS(100)); /* what is on its way */
    began = thread_ns();
    until = clock_boot_ns(clock_system()) + MS(300);
    fetcher_run(fetcher, until);
    assert_true(clock_boot_ns(clock_system()) >= until);
    assert_true(thread_ns() - began < MS(30)); /* a tenth; it is some 0.1 ms */
    for (size_t i = 0; i < MANY_AT_ONCE / 2; i++)
        fetcher_cancel(fetcher, fetches[i]);
    fetcher_run(fetcher, clock_boot_ns(clock_system()) + MS(60000));
    assert_int_equal(fetcher_under_way(fetcher), MANY_AT_ONCE / 2);
    fetcher_close(fetcher);
    for (size_t i = 0; i < MANY_AT_ONCE; i++)
        assert_true(fetched[i].done && fetched[i].code == E_CANCELLED && fetched[i].sent);
    peer_finish(&peer);
    assert_int_equal(peer.left, MANY_AT_ONCE);
}

static void *wake(void *context)
{
    fetcher_wake(context);
    return NULL;
}

static void test_another_thread_wakes_it(void **state)
{
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin(&rules);
    int64_t began = clock_boot_ns(clock_system());
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wake, fetcher), 0);
    fetcher_run(fetcher, began + MS(60000));
    assert_true(clock_boot_ns(clock_system()) - began < MS(30000));
    pthread_join(thread, NULL);
    fetcher_run(fetcher, clock_boot_ns(clock_system())); /* what is due has come */
    fetcher_close(fetcher);
}

struct chain {
    struct fetcher *fetcher;
    struct fetch_request request;
    struct fetch *other;
    int left;
    bool done;
    enum code refused;
};

static void go_on(void *context, struct fetch_answer *answer)
{
    struct chain *chain = context;
    struct fetch *fetch;

    staged_free(answer->body);
    if (chain->left-- > 0)
        assert_int_equal(fetcher_begin(chain->fetcher, &chain->request, go_on, chain, &fetch, NULL),
                         OK);
    else if (answer->code == E_CANCELLED)
        chain->refused = fetcher_begin(chain->fetcher, &chain->request, go_on, chain, &fetch, NULL);
    else
        chain->done = true;
}

static void test_the_end_of_one_may_begin_another(void **state)
{
    static const struct peer_answer answers[] = {
        {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS, false},
        {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS, false},
        {BYTES(HEAD("Content-Length: 0\r\n")), PEER_KEEPS, false},
        {BYTES(""),                            PEER_HOLDS, false},
    };
    struct address_rules rules;
    struct fetcher *fetcher = fetching_begin_with(&rules, 1, 0);
    struct chain chain = {.fetcher = fetcher, .left = 2};
    struct fetch *fetch;
    struct peer peer;

    (void)state;
    peer_begin(&peer, answers, COUNT_OF(answers), 0);
    chain.request = (struct fetch_request){.method = "GET", .url = peer.url, .body_bytes_max = 9};
    assert_int_equal(fetcher_begin(fetcher, &chain.request, go_on, &chain, &fetch, NULL), OK);
    fetching_until(fetcher, &chain.done);
    assert_int_equal(peer.requests, 3);
    assert_int_equal(peer.connections, 1);
    assert_int_equal(fetcher_begin(fetcher, &chain.request, go_on, &chain, &fetch, NULL), OK);
    chain.left = 0;
    fetcher_close(fetcher); /* and then nothing begins */
    assert_int_equal(chain.refused, E_CANCELLED);
    peer_finish(&peer);
}

/* Files of other programs, in which somebody may have left what to send. */
static int home_make(void **state)
{
    static char home[] = "/tmp/weir-home-XXXXXX";
    char path[100];
    FILE *file;

    *state = home;
    if (!mkdtemp(home) || setenv("HOME", home, 1) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/.netrc", home);
    file = fopen(path, "w");
    if (!file)
        return -1;
    fputs("machine 127.0.0.1 login a password b\ndefault login a password b\n", file);
    return fclose(file);
}

static int home_remove(void **state)
{
    char path[100];

    (void)snprintf(path, sizeof(path), "%s/.netrc", (const char *)*state);
    (void)unlink(path);
    return rmdir(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_whole_with_its_head),
        cmocka_unit_test(test_a_body_goes_out),
        cmocka_unit_test(test_what_an_answer_is_and_what_is_none),
        cmocka_unit_test(test_a_connection_is_used_again_until_it_is_closed),
        cmocka_unit_test(test_a_connection_that_nobody_uses_is_closed),
        cmocka_unit_test(test_nobody_is_there),
        cmocka_unit_test(test_tls_with_what_speaks_none),
        cmocka_unit_test(test_that_it_goes_out_is_told_when_it_does),
        cmocka_unit_test(test_many_are_under_way_at_once),
        cmocka_unit_test(test_waiting_costs_nothing_and_all_can_be_cancelled),
        cmocka_unit_test(test_another_thread_wakes_it),
        cmocka_unit_test(test_the_end_of_one_may_begin_another),
    };

    return cmocka_run_group_tests(tests, home_make, home_remove);
}
