#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/commands.h"
#include "server/remote.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define PROBLEM(status, more, code)                                                                \
    "HTTP/1.1 " status "\r\n" more "Connection: close\r\nContent-Length: 35\r\n\r\n"               \
    "{\"code\":\"" code "\",\"detail\":\"d\"}"
#define DONE "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

static void remote_for(struct remote *remote, const char *url, const char *retry_for)
{
    static const struct argument_row no_rows[] = {
        {"none", NULL, ""}
    };
    static const char *no_values[1];
    struct arguments own = {no_rows, 0, no_values};
    const struct remote_line line = {"usage\n", &own, NULL};
    char *argv[] = {(char *)"test",        (char *)"--url",   (char *)url,
                    (char *)"--retry-for", (char *)retry_for, (char *)"--quiet"};
    int exit_code;

    assert_true(remote_open(&line, COUNT_OF(argv), argv, remote, &exit_code));
}

static const struct {
    const char *name, *answers[4];
    const char *method, *key, *retry_for;
    enum code want;
    size_t connections;
    const char *told;
} cases[] = {
    {"a write is done",                      {DONE},                                "POST", "k", "5s", OK,             1, ""                                        },
    {"busy, then done",
     {PROBLEM("503 X", "", "overloaded_"), PROBLEM("429 X", "Retry-After: 0\r\n", "rate_limite"),
      DONE},
     "POST",                                                                                "k",
     "5s",                                                                                             OK,
     3,                                                                                                                   ""                                        },
    {"a lost answer is asked for again",     {"", "", DONE},                        "POST", "k", "5s", OK,             3, ""                                        },
    {"without a key it is not",              {"HTTP"},                              "POST", "",  "5s", E_IO,           1, "http://127.0.0.1:"                       },
    {"a wait that is too long is not begun",
     {PROBLEM("503 X", "Retry-After: 60\r\n", "overloaded_")},
     "POST",                                                                                "k",
     "5s",                                                                                             E_BUSY,
     1,                                                                                                                   "given up after 1 tries"                  },
    {"never",                                {PROBLEM("503 X", "", "overloaded_")}, "POST", "k", "0",  E_BUSY,         1, "refused: d"                              },
    {"a fault of ours",
     {PROBLEM("400 X", "", "bad_request")},
     "POST",                                                                                "k",
     "5s",                                                                                             E_BAD_REQUEST,
     1,                                                                                                                   "the server refused: d (bad_request, 400)"},
    {"whether it was stored is not known",
     {PROBLEM("500 X", "", "io_error___"), DONE},
     "POST",                                                                                "k",
     "5s",                                                                                             OK,
     2,                                                                                                                   ""                                        },
    {"a question that failed",
     {PROBLEM("500 X", "", "io_error___")},
     "GET",                                                                                 "",
     "5s",                                                                                             E_INTERNAL,
     1,                                                                                                                   ""                                        },
    {"no token",
     {PROBLEM("401 X", "", "unauthorize")},
     "GET",                                                                                 "",
     "5s",                                                                                             E_UNAUTHORIZED,
     1,                                                                                                                   "--token-file FILE or WEIR_TOKEN"         },
    {"not Weir",
     {"HTTP/1.1 404 X\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"},
     "GET",                                                                                 "",
     "5s",                                                                                             E_NOT_FOUND,
     1,                                                                                                                   "is --url right?"                         },
};

static void test_answers_and_what_becomes_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *answers[4] = {NULL};
        struct remote_request request = {
            .method = cases[i].method, .target = BYTES("/v1/x"), .key = bytes_of(cases[i].key)};
        struct error err = {0};
        struct script script;
        struct remote remote;
        enum code code;

        for (size_t a = 0; a < 3; a++) /* "" would wait for the client: here it hangs up */
            answers[a] =
                cases[i].answers[a] && !*cases[i].answers[a] ? "HTTP" : cases[i].answers[a];
        if (strcmp(request.method, "POST") == 0) {
            request.content_type = "text/plain";
            request.body = BYTES("a v=1\n");
        }
        script_begin(&script, answers);
        remote_for(&remote, script.url, cases[i].retry_for);
        code = remote_send(&remote, &request, NULL, NULL, &err);
        if (code != cases[i].want || script.connections != cases[i].connections ||
            !strstr(err.text, cases[i].told))
            fail_msg("%s: %d after %zu, %s", cases[i].name, code, script.connections, err.text);
        for (size_t c = 0; c < script.connections; c++) {
            assert_int_equal(strstr(script.seen[c], "Idempotency-Key: k\r\n") != NULL,
                             cases[i].key[0] != '\0');
            assert_int_equal(strstr(script.seen[c], "\r\n\r\na v=1\n") != NULL,
                             request.content_type != NULL);
        }
        script_end(&script);
        remote_close(&remote);
    }
}

static enum code collect(void *context, struct bytes piece, struct error *err)
{
    buf_put(context, piece);
    return buf_finish(context, err);
}

static void test_an_answer_that_was_passed_on_is_not_asked_for_again(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc", DONE, NULL};
    const struct remote_request request = {.method = "GET", .target = BYTES("/v1/x")};
    struct buf taken = BUF_INIT(100);
    struct error err = {0};
    struct script script;
    struct remote remote;

    (void)state;
    script_begin(&script, answers);
    remote_for(&remote, script.url, "5s");
    assert_int_equal(remote_send(&remote, &request, collect, &taken, &err), E_IO);
    assert_non_null(strstr(err.text, "cut off"));
    assert_true(bytes_equal(buf_bytes(&taken), BYTES("abc")));
    assert_int_equal(script.connections, 1);
    script_end(&script);
    remote_close(&remote);
    buf_release(&taken);
}

static void test_parameters_are_escaped(void **state)
{
    struct buf target = BUF_INIT(1000);

    (void)state;
    buf_put_text(&target, "/v1/query");
    remote_put_parameter(&target, "measurement", BYTES("a b"));
    remote_put_parameter(&target, "match", BYTES("k=~\xc3\xa9|x&"));
    assert_true(bytes_equal(buf_bytes(&target),
                            BYTES("/v1/query?measurement=a%20b&match=k%3D~%C3%A9%7Cx%26")));
    buf_release(&target);
}

static int command_try(int argc, char **argv)
{
    static const struct argument_row rows[] = {
        {"word", "TEXT", "What."}
    };
    const char *values[1] = {NULL};
    struct arguments own = {rows, 1, values};
    const struct remote_line line = {"usage: weir try\n", &own, NULL};
    struct error err = {.code = E_IO, .text = "broken"}, stopped = {.code = E_CANCELLED};
    struct remote remote;
    int exit_code;

    if (!remote_open(&line, argc, argv, &remote, &exit_code))
        return exit_code;
    remote_say(&remote, "said %d", 1);
    assert_int_equal(remote_fail(&remote, &stopped), COMMAND_INTERRUPTED);
    exit_code = remote_fail(&remote, &err);
    remote_close(&remote);
    return exit_code;
}

static void test_the_command_line(void **state)
{
    static struct captured captured;
    static const struct {
        const char *line[4];
        int exit_code;
        const char *out, *err;
    } lines[] = {
        {{"try"},                  COMMAND_FAILED, "",             "weir: said 1\nweir: broken\n"},
        {{"try", "--quiet"},       COMMAND_FAILED, "",             "weir: broken\n"              },
        {{"try", "--help"},        COMMAND_DONE,   "--token-file", ""                            },
        {{"try", "--tokenfile=x"}, COMMAND_USAGE,  "",             "did you mean --token-file?"  },
        {{"try", "--url", "x"},    COMMAND_USAGE,  "",             "weir try: --url: "           },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        captured_run(command_try, lines[i].line, &captured);
        if (captured.exit_code != lines[i].exit_code || !strstr(captured.out, lines[i].out) ||
            !strstr(captured.err, lines[i].err))
            fail_msg("%zu: %d %s %s", i, captured.exit_code, captured.out, captured.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_and_what_becomes_of_them),
        cmocka_unit_test(test_an_answer_that_was_passed_on_is_not_asked_for_again),
        cmocka_unit_test(test_parameters_are_escaped),
        cmocka_unit_test(test_the_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
