/* The course of a request over a real server: keep-alive, bodies, refusals, forms, HEAD, tokens. */
#include "tests/unit/http/served.h"

#include "http/exchange.h"

#define HOST "Host: a\r\n"

static bool body_is(const struct answer *answer, const char *text)
{
    return bytes_equal((struct bytes){answer->body, answer->body_size}, bytes_of(text));
}

static void test_requests_are_answered(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *name, *request;
        int status;
        const char *text; /* somewhere in the answer */
    } cases[] = {
        {"parameters",                             "GET /echo?start=1&end=a%20b+c HTTP/1.1\r\n" HOST "\r\n",              200,
         "start=1\nend=a b c\n"                                                                                                                                                    },
        {"unknown parameter",                      "GET /echo?strat=1 HTTP/1.1\r\n" HOST "\r\n",                          400,
         "did you mean 'start'?"                                                                                                                                                   },
        {"it is pointed at",                       "GET /echo?strat=1 HTTP/1.1\r\n" HOST "\r\n",                          400,
         "\"parameter\":\"strat\""                                                                                                                                                 },
        {"none are known",                         "GET /ping?a=1 HTTP/1.1\r\n" HOST "\r\n",                              400,
         "\"code\":\"unknown_parameter\""                                                                                                                                          },
        {"variable is decoded",                    "GET /things/a%2Fb+c HTTP/1.1\r\n" HOST "\r\n",                        200,
         "variable=a/b+c\n"                                                                                                                                                        },
        {"not found",                              "GET /nothing?a=1 HTTP/1.1\r\n" HOST "\r\n",                           404, "\"code\":\"not_found\""                            },
        {"method",                                 "DELETE /count HTTP/1.1\r\n" HOST "\r\n",                              405, "Allow: POST, PUT\r\n"                              },
        {"empty",                                  "GET /empty HTTP/1.1\r\n" HOST "\r\n",                                 204, "X-Request-Id: "                                    },
        {"DELETE",                                 "DELETE /things/a HTTP/1.1\r\n" HOST "\r\n",                           204, "nosniff"                                           },
        {"forwarded by Via",                       "GET /echo HTTP/1.1\r\n" HOST "Via: b\r\n\r\n",                        200,
         "forwarded=1 loopback=1"                                                                                                                                                  },
        {"forwarded",                              "GET /echo HTTP/1.1\r\n" HOST "X-Forwarded-For: b\r\n\r\n",            200,
         "forwarded=1"                                                                                                                                                             },
        {"not forwarded",                          "GET /echo HTTP/1.1\r\n" HOST "\r\n",                                  200, "forwarded=0"                                       },
        {"the client's id",                        "GET /ping HTTP/1.1\r\n" HOST "X-Request-Id: my_id-1.2\r\n\r\n",       200,
         "X-Request-Id: my_id-1.2\r\n"                                                                                                                                             },
        {"no token",                               "GET /secret HTTP/1.1\r\n" HOST "\r\n",                                401, "WWW-Authenticate: Bearer\r\n"                      },
        {"token",                                  "GET /secret HTTP/1.1\r\n" HOST "Authorization: Bearer right\r\n\r\n", 200,
         "pong"                                                                                                                                                                    },
        {"a token is asked for before parameters", "GET /secret?a=1 HTTP/1.1\r\n" HOST "\r\n",                            401,
         "unauthorized"                                                                                                                                                            },
        {"body where none is taken",               "GET /ping HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\na",
         400,                                                                                                                  "takes no body"                                     },
        {"form",
         "POST /echo?start=1 HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded; "
         "charset=utf-8\r\nContent-Length: 7\r\n\r\nend=a+b",                                                             200, "start=1\nend=a b\n"                                },
        {"form, chunked",
         "POST /echo HTTP/1.1\r\n" HOST
         "Content-Type: Application/X-WWW-Form-Urlencoded\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nend\r\n2\r\n=1\r\n0\r\n\r\n",                                                               200, "end=1\n"                                           },
        {"form without a body",                    "POST /echo?end=2 HTTP/1.1\r\n" HOST "\r\n",                           200, "end=2\n"                                           },
        {"unknown in the form",
         "POST /echo HTTP/1.1\r\n" HOST
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1",                               400, "unknown_parameter"                                 },
        {"no form",
         "POST /echo HTTP/1.1\r\n" HOST
         "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nend=1",                                                    415, "Accept-Post: application/x-www-form-urlencoded\r\n"},
        {"form too large",
         "POST /echo HTTP/1.1\r\n" HOST
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 300000\r\n\r\n",                             413, "body_too_large"                                    },
        {"refused before the body",
         "POST /refuse_start HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab",                                            503,
         "\"code\":\"overloaded\""                                                                                                                                                 },
        {"refused in mid-body",
         "POST /refuse_piece HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab",                                            400,
         "\"code\":\"bad_syntax\""                                                                                                                                                 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer = ask(served, cases[i].request);

        if (answer.status != cases[i].status || strstr(answer.text, cases[i].text) == NULL)
            fail_msg("%s: %s", cases[i].name, answer.text);
        answer_release(&answer);
    }
}

/* Ids that would break a log line or a header are replaced, not echoed. */
static void test_a_bad_id_is_replaced(void **state)
{
    struct served *served = *state;
    static const char *const ids[] = {
        "a b", "a\"b", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char before[18] = "";

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        char text[256];
        struct answer answer;

        snprintf(text, sizeof(text), "GET /ping HTTP/1.1\r\n" HOST "X-Request-Id: %s\r\n\r\n",
                 ids[i]);
        answer = ask(served, text);
        assert_int_equal(answer.status, 200);
        assert_int_equal(strlen(answer_header(&answer, "X-Request-Id")), 17);
        /* It does not tell how many requests there were. */
        assert_int_not_equal(strncmp(answer_header(&answer, "X-Request-Id"), before, 8), 0);
        assert_int_not_equal(strcmp(answer_header(&answer, "X-Request-Id") + 9, before + 9), 0);
        memcpy(before, answer_header(&answer, "X-Request-Id"), sizeof(before));
        answer_release(&answer);
    }
}

static void test_a_connection_lives_through_many_requests(void **state)
{
    struct served *served = *state;
    int fd = dial(served);

    for (int i = 0; i < 200; i++) {
        struct answer answer;

        say(fd, i % 2 == 0
                    ? BYTES("GET /ping HTTP/1.1\r\n" HOST "\r\n")
                    : BYTES("POST /refuse_start HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"));
        answer = hear(fd, false);
        assert_int_equal(answer.status, i % 2 == 0 ? 200 : 503);
        assert_null(answer_header(&answer, "Connection"));
        answer_release(&answer);
    }
    close(fd);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    struct answer answer = {.text = malloc(ANSWER_BYTES_MAX)};
    const char *first, *second, *third;

    say(fd, BYTES("GET /park HTTP/1.1\r\n" HOST "X-Request-Id: one\r\n\r\n"
                  "POST /count HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
                  "GET /echo?start=three HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    answer.text[0] = '\0';
    while (hear_more(fd, &answer))
        continue;
    first = strstr(answer.text, "\r\n\r\none");
    second = strstr(answer.text, "2 bytes\n");
    third = strstr(answer.text, "start=three");
    assert_true(first != NULL && second != NULL && third != NULL);
    assert_true(first < second && second < third);
    answer_release(&answer);
    close(fd);
}

static void test_head_gives_the_head_of_get(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *path;
        int status;
        bool closes; /* a stream's length is not known */
    } cases[] = {
        {"/ping",                200, false},
        {"/big?bytes=100000",    200, false},
        {"/stream?bytes=100000", 200, true },
        {"/park",                200, false},
        {"/nothing",             404, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int fd = dial(served);
        char text[256];
        struct answer answer;

        snprintf(text, sizeof(text), "HEAD %s HTTP/1.1\r\n" HOST "\r\n", cases[i].path);
        say(fd, bytes_of(text));
        answer = hear(fd, true);
        assert_int_equal(answer.status, cases[i].status);
        if (cases[i].closes)
            assert_true(closed(fd));
        if (answer.body_size != 0)
            fail_msg("%s: a body came: %s", cases[i].path, answer.text);
        if (i == 1)
            assert_string_equal(answer_header(&answer, "Content-Length"), "100000");
        answer_release(&answer);
        if (!cases[i].closes) {
            say(fd, BYTES("GET /ping HTTP/1.1\r\n" HOST "\r\n"));
            answer = hear(fd, false);
            assert_true(body_is(&answer, "pong\n"));
            answer_release(&answer);
        }
        close(fd);
    }
    EVENTUALLY(served->last_write == E_CANCELLED);
}

static void test_bodies_arrive_whole(void **state)
{
    struct served *served = *state;
    static const size_t sizes[] = {1, 1000, 80000, 200000, 3000000};
    char *body = calloc(1, 3000000);

    for (size_t i = 0; i < COUNT_OF(sizes) * 2; i++) {
        size_t size = sizes[i / 2];
        bool chunked = i % 2 == 1;
        int fd = dial(served);
        char text[256], want[64];
        struct answer answer;

        if (chunked)
            snprintf(text, sizeof(text),
                     "POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                     size);
        else
            snprintf(text, sizeof(text),
                     "POST /count HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", size);
        say(fd, bytes_of(text));
        say(fd, (struct bytes){body, size});
        if (chunked)
            say(fd, BYTES("\r\n0\r\n\r\n"));
        answer = hear(fd, false);
        snprintf(want, sizeof(want), "%zu bytes\n", size);
        assert_int_equal(answer.status, 200);
        assert_true(body_is(&answer, want));
        answer_release(&answer);
        close(fd);
    }
    free(body);
}

/* 100 Continue comes when the body is wanted, and only then. */
static void test_100_continue_is_sent_only_when_the_body_is_wanted(void **state)
{
    struct served *served = *state;
    int fd = dial(served);
    struct answer answer;

    say(fd,
        BYTES("POST /count HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    answer = hear(fd, false);
    assert_int_equal(answer.status, 100);
    answer_release(&answer);
    say(fd, BYTES("abc"));
    answer = hear(fd, false);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);

    say(fd, BYTES("POST /refuse_start HTTP/1.1\r\n" HOST
                  "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    answer = hear(fd, false);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer_header(&answer, "Connection"), "close");
    assert_true(closed(fd));
    answer_release(&answer);
    close(fd);
}

struct pump {
    int fd;
    struct bytes body;
    bool taken;
};

static void *pump_run(void *context)
{
    struct pump *pump = context;

    pump->taken = say(pump->fd, pump->body);
    return NULL;
}

/* The client sends on while it is refused, and still reads why: the connection is not reset before
 * it has. */
static void test_a_long_refused_body_is_cut_after_the_answer(void **state)
{
    struct served *served = *state;
    static const struct {
        const char *name, *head;
        int status;
        const char *code;
    } cases[] = {
        {"before the body",
         "POST /refuse_start HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n",                          503,
         "overloaded"                                                                                                        },
        {"in mid-body",           "POST /refuse_piece HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n",
         400,                                                                                                    "bad_syntax"},
        {"in mid-body, chunked",
         "POST /refuse_piece HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n",             400,
         "bad_syntax"                                                                                                        },
        {"before a chunked body",
         "POST /refuse_start HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n",             503,
         "overloaded"                                                                                                        },
        {"no such route",         "POST /nothing HTTP/1.1\r\n" HOST "Content-Length: 4000000\r\n\r\n",      404,
         "not_found"                                                                                                         },
    };
    char *body = calloc(1, 4000000);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pump pump = {
            dial(served), {body, 4000000},
             false
        };
        struct answer answer;
        pthread_t thread;

        say(pump.fd, bytes_of(cases[i].head));
        assert_int_equal(pthread_create(&thread, NULL, pump_run, &pump), 0);
        answer = hear(pump.fd, false);
        if (answer.status != cases[i].status || strstr(answer.text, cases[i].code) == NULL ||
            !answer.whole)
            fail_msg("%s: %d %s", cases[i].name, answer.status, answer.text);
        assert_string_equal(answer_header(&answer, "Connection"), "close");
        assert_non_null(answer_header(&answer, "X-Request-Id"));
        answer_release(&answer);
        pthread_join(thread, NULL);
        close(pump.fd);
    }
    free(body);
}

/* A chunked body says its size only by coming. */
static void test_a_chunked_body_above_the_limit_is_refused(void **state)
{
    struct served *served = *state;
    size_t size = served->limits.body_bytes_max + 1;
    char *body = calloc(1, size);
    int fd = dial(served);
    struct pump pump = {
        fd, {body, size},
         false
    };
    struct answer answer;
    char text[256];
    pthread_t thread;

    snprintf(text, sizeof(text),
             "POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
    say(fd, bytes_of(text));
    assert_int_equal(pthread_create(&thread, NULL, pump_run, &pump), 0);
    pthread_join(thread, NULL);
    say(fd, BYTES("\r\n0\r\n\r\n"));
    answer = hear(fd, false);
    assert_int_equal(answer.status, 413);
    assert_non_null(strstr(answer.text, "body_too_large"));
    answer_release(&answer);
    close(fd);
    free(body);
}

/* Whatever becomes of a request, start() and cleanup() come in pairs. */
static void test_cleanup_follows_every_start(void **state)
{
    struct served *served = *state;
    static const char *const halves[] = {
        "POST /count HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf",
        "POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhal",
        "POST /count HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        "POST /refuse_piece HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf",
        "POST /count HTTP/1.1\r\n" HOST "Content-Le",
        "GET /park HTTP/1.1\r\n" HOST "\r\n",
    };

    int64_t begun_ms;

    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT_OF(halves); i++) {
            int fd = dial(served);

            say(fd, bytes_of(halves[i]));
            close(fd);
        }
    }
    /* The end of a half request is noticed by the watch, not only by its deadline. */
    begun_ms = now_ms();
    EVENTUALLY(served->started == served->cleaned);
    assert_true(now_ms() - begun_ms < 5000);
}

static int setup(void **state)
{
    static struct served served;

    served_init(&served);
    served.limits.body_bytes_max = 4 << 20;
    served_start(&served);
    *state = &served;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_answered),
        cmocka_unit_test(test_a_bad_id_is_replaced),
        cmocka_unit_test(test_a_connection_lives_through_many_requests),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_head_gives_the_head_of_get),
        cmocka_unit_test(test_bodies_arrive_whole),
        cmocka_unit_test(test_100_continue_is_sent_only_when_the_body_is_wanted),
        cmocka_unit_test(test_a_long_refused_body_is_cut_after_the_answer),
        cmocka_unit_test(test_a_chunked_body_above_the_limit_is_refused),
        cmocka_unit_test(test_cleanup_follows_every_start),
    };

    return cmocka_run_group_tests(tests, setup, served_close_clean);
}
