/* Stands in for a function of libc: getaddrinfo, which does not answer when told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "net/client.h"
#include "tests/unit/net/script.h"

struct taken {
    struct buf body;
    unsigned status;
    int heads;
    enum code refuse; /* what take gives */
    bool stop;
};

static enum code take_head(void *context, unsigned status, struct error *err)
{
    struct taken *taken = context;

    (void)err;
    taken->status = status;
    taken->heads++;
    return OK;
}

static enum code take_piece(void *context, struct bytes piece, struct error *err)
{
    struct taken *taken = context;

    buf_put(&taken->body, piece);
    return taken->refuse ? error_set(err, taken->refuse, "refused here") : OK;
}

static bool take_stopped(void *context)
{
    return ((struct taken *)context)->stop;
}

struct given {
    const char *text;
    size_t at;
    int restarts;
};

static size_t give_read(void *context, char *into, size_t room)
{
    struct given *given = context;
    size_t left = strlen(given->text) - given->at, size = left < room ? left : room;

    memcpy(into, given->text + given->at, size);
    given->at += size;
    return size;
}

static bool give_restart(void *context)
{
    struct given *given = context;

    given->at = 0;
    given->restarts++;
    return true;
}

static enum code run(struct client *client, const struct client_request *request,
                     struct taken *taken, struct error *err)
{
    const struct client_sink sink = {take_head, take_piece, take_stopped, taken};

    buf_release(&taken->body);
    taken->heads = 0;
    return client_run(client, request, &sink, err);
}

static struct client *client_for(const struct client_options *options)
{
    struct client *client;

    assert_int_equal(client_open(options, &client, NULL), OK);
    return client;
}

static const struct client_options plain = {.user_agent = "weir-test/1", .stall_ms_max = 60000};

static void test_an_answer_comes_with_its_head(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy",
        "HTTP/1.1 204 No Content\r\n\r\n", NULL};
    static const char *const headers[] = {"Authorization: Bearer secret", "X-One: 1", NULL};
    struct client *client = client_for(&plain);
    struct taken taken = {.body = BUF_INIT(1000)};
    struct client_request request = {.method = "GET", .headers = headers};
    struct error err = {0};
    struct script script;
    struct bytes value;
    uint64_t seconds;

    (void)state;
    script_begin(&script, answers);
    request.url = script.url;
    assert_int_equal(run(client, &request, &taken, &err), OK);
    assert_int_equal(taken.status, 503);
    assert_int_equal(client_status(client), 503);
    assert_true(bytes_equal(buf_bytes(&taken.body), BYTES("busy")));
    assert_true(client_retry_after(client, &seconds) && seconds == 7);
    assert_true(client_header(client, "content-length", &value));
    assert_non_null(strstr(script.seen[0], "GET / HTTP/1.1\r\n"));
    assert_non_null(strstr(script.seen[0], "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(script.seen[0], "User-Agent: weir-test/1\r\n"));
    request.headers = NULL;
    assert_int_equal(run(client, &request, &taken, &err), OK);
    assert_int_equal(taken.heads, 1);
    assert_int_equal(taken.status, 204);
    assert_false(client_retry_after(client, &seconds));
    assert_null(strstr(script.seen[1], "secret"));
    script_end(&script);
    buf_release(&taken.body);
    client_close(client);
}

static void test_a_body_goes_out_again_when_the_connection_was_closed(void **state)
{
    /* Keep-alive is promised, then the connection closes: the second request has to begin anew. */
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                          "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n", NULL};
    static const char *const headers[] = {"Content-Type: text/plain", NULL};
    struct client *client = client_for(&plain);
    struct taken taken = {.body = BUF_INIT(1000)};
    struct given given = {.text = "a v=1\n"};
    const struct client_source source = {give_read, give_restart, &given, 6};
    struct client_request request = {.method = "POST", .headers = headers, .source = &source};
    struct error err = {0};
    struct script script;

    (void)state;
    script_begin(&script, answers);
    request.url = script.url;
    for (unsigned i = 0; i < 2; i++) {
        given.at = 0;
        if (run(client, &request, &taken, &err))
            fail_msg("%u: %s", i, err.text);
        assert_int_equal(client_status(client), 200 + i);
        assert_non_null(strstr(script.seen[i], "POST / HTTP/1.1\r\n"));
        assert_non_null(strstr(script.seen[i], "\r\n\r\na v=1\n"));
    }
    script_end(&script);
    buf_release(&taken.body);
    client_close(client);
}

static void test_what_goes_wrong_has_its_code(void **state)
{
    static const struct {
        const char *name, *answer;
        enum code refuse;
        bool stop;
        enum code want;
        unsigned status;
    } cases[] = {
        {"cut chunks",       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", OK,
         false,                                                                                                         E_IO,        200},
        {"cut length",       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",                     OK,          false, E_IO,        200},
        {"no answer",        "HTTP",                                                                OK,          false, E_IO,        0  },
        {"the sink refuses", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",                       E_DISK_FULL, false,
         E_DISK_FULL,                                                                                                                200},
        {"stopped",          "",                                                                    OK,          true,  E_CANCELLED, 0  },
        {"silence",          "",                                                                    OK,          false, E_TIMEOUT,   0  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const answers[] = {cases[i].answer, NULL};
        const struct client_options options = {.user_agent = "t", .stall_ms_max = 1000};
        struct client *client = client_for(&options);
        struct taken taken = {BUF_INIT(1000), 0, 0, cases[i].refuse, cases[i].stop};
        struct client_request request = {.method = "GET"};
        struct error err = {0};
        struct script script;
        enum code code;

        script_begin(&script, answers);
        request.url = script.url;
        code = run(client, &request, &taken, &err);
        if (code != cases[i].want || client_status(client) != cases[i].status || !err.text[0])
            fail_msg("%s: got %d, %u (%s)", cases[i].name, code, client_status(client), err.text);
        client_close(client);
        script_end(&script);
        buf_release(&taken.body);
    }
}

static void test_nobody_there_is_not_ready(void **state)
{
    struct client *client = client_for(&plain);
    struct taken taken = {.body = BUF_INIT(1000)};
    struct client_request request = {.method = "GET"};
    static const char *const none[] = {NULL};
    struct error err = {0};
    struct script script;

    (void)state;
    script_begin(&script, none);
    script_end(&script); /* the port is free again */
    request.url = script.url;
    assert_int_equal(run(client, &request, &taken, &err), E_NOT_READY);
    request.url = "file:///etc/hostname";
    assert_int_equal(run(client, &request, &taken, &err), E_CONFIG);
    assert_int_equal(taken.heads, 0);
    buf_release(&taken.body);
    client_close(client);
}

static void test_a_redirect_is_not_followed_and_a_proxy_not_taken(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", NULL};
    struct client *client;
    struct taken taken = {.body = BUF_INIT(1000)};
    struct client_request request = {.method = "GET"};
    struct error err = {0};
    struct script script;

    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "", 1);
    client = client_for(&plain);
    script_begin(&script, answers);
    request.url = script.url;
    assert_int_equal(run(client, &request, &taken, &err), OK);
    assert_int_equal(taken.status, 302);
    client_close(client);
    script_end(&script);

    const struct client_options asked = {.user_agent = "t", .proxy_from_environment = true};

    client = client_for(&asked);
    assert_int_equal(run(client, &request, &taken, &err), E_NOT_READY);
    client_close(client);
    unsetenv("http_proxy");
    buf_release(&taken.body);
}

static void test_urls(void **state)
{
    static const struct {
        const char *url;
        enum code want;
        const char *part;
    } cases[] = {
        {"http://127.0.0.1:8090",   OK,       ""                },
        {"https://weir.example",    OK,       ""                },
        {"http://[::1]:8090/base/", OK,       ""                },
        {"ftp://weir.example",      E_CONFIG, "is not a URL"    },
        {"127.0.0.1:8090",          E_CONFIG, "is not a URL"    },
        {"http://",                 E_CONFIG, "is not a URL"    },
        {"",                        E_CONFIG, "is not a URL"    },
        {"http://me:pw@weir",       E_CONFIG, "user or password"},
        {"http://me:pw@weir:99999", E_CONFIG, "user or password"},
        {"http://me:pw@we ir",      E_CONFIG, "user or password"},
        {"http://weir/?token=pw",   E_CONFIG, "no ?"            },
        {"http://we ir/?token=pw",  E_CONFIG, "no ?"            },
        {"http://weir/?a=b",        E_CONFIG, "no ?"            },
        {"http://weir/#a",          E_CONFIG, "no ?"            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        enum code code = client_url_check(cases[i].url, &err);

        if (code != cases[i].want || !strstr(err.text, cases[i].part) || strstr(err.text, "pw"))
            fail_msg("%s: got %d (%s)", cases[i].url, code, err.text);
    }
}

/* --- several at once --- */

/* libcurl's too: a resolver that has no answer for a while. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name != NULL && strcmp(name, "slow.test") == 0) {
        nanosleep(&(struct timespec){.tv_sec = 3}, NULL);
        return EAI_AGAIN;
    }
    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, found);
}

/* Nobody waits for a resolver for longer than he waits for an answer. */
static void test_a_group_does_not_wait_for_the_resolver(void **state)
{
    static const struct client_options options = {.user_agent = "weir-test"};
    struct client_errand errand = {
        .request = {.method = "GET", .url = "http://slow.test:1/"}
    };
    struct client_group *group;
    struct timespec before, after;

    (void)state;
    assert_int_equal(client_group_open(&group, NULL), OK);
    assert_int_equal(client_open(&options, &errand.client, NULL), OK);
    clock_gettime(CLOCK_MONOTONIC, &before);
    client_group_run(group, &errand, 1, 100);
    assert_int_equal(errand.code, E_TIMEOUT);
    client_close(errand.client);
    client_group_close(group);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 2);
    nanosleep(&(struct timespec){.tv_sec = 4}, NULL); /* what libcurl left is freed by then */
}

static void test_a_group_awaits_all_and_no_longer_than_it_may(void **state)
{
    static const char *const good[] = {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrows", NULL};
    static const char *const silent[] = {"", NULL}, *const none[] = {NULL};
    struct taken taken[3] = {
        {.body = BUF_INIT(100)}, {.body = BUF_INIT(100)}, {.body = BUF_INIT(100)}};
    struct client_errand errands[3] = {0};
    static const enum code want[] = {OK, E_TIMEOUT, E_NOT_READY};
    struct client_group *group;
    struct script scripts[3];
    struct timespec before, after;

    (void)state;
    script_begin(&scripts[0], good);
    script_begin(&scripts[1], silent);
    script_begin(&scripts[2], none);
    script_end(&scripts[2]); /* nobody is there */
    assert_int_equal(client_group_open(&group, NULL), OK);
    for (size_t i = 0; i < 3; i++)
        errands[i] = (struct client_errand){
            .client = client_for(&plain),
            .request = {.method = "GET", .url = scripts[i].url},
            .sink = { take_head, take_piece,               take_stopped, &taken[i]},
        };
    clock_gettime(CLOCK_MONOTONIC, &before);
    client_group_run(group, errands, 3, 300);
    clock_gettime(CLOCK_MONOTONIC, &after);
    for (size_t i = 0; i < 3; i++)
        if (errands[i].code != want[i] || (want[i] != OK) != (errands[i].err.text[0] != '\0'))
            fail_msg("%zu: got %d (%s)", i, errands[i].code, errands[i].err.text);
    assert_true(bytes_equal(buf_bytes(&taken[0].body), BYTES("rows")));
    assert_int_equal(client_status(errands[0].client), 200);
    if (after.tv_sec - before.tv_sec > 5)
        fail_msg("it took %lld s", (long long)(after.tv_sec - before.tv_sec));
    for (size_t i = 0; i < 3; i++) {
        client_close(errands[i].client);
        buf_release(&taken[i].body);
    }
    client_group_close(group);
    script_end(&scripts[0]);
    script_end(&scripts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_with_its_head),
        cmocka_unit_test(test_a_body_goes_out_again_when_the_connection_was_closed),
        cmocka_unit_test(test_what_goes_wrong_has_its_code),
        cmocka_unit_test(test_nobody_there_is_not_ready),
        cmocka_unit_test(test_a_group_does_not_wait_for_the_resolver),
        cmocka_unit_test(test_a_group_awaits_all_and_no_longer_than_it_may),
        cmocka_unit_test(test_a_redirect_is_not_followed_and_a_proxy_not_taken),
        cmocka_unit_test(test_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
