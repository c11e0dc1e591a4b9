#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static struct captured captured;

static void test_an_answer_comes_in_the_format_asked_for(void **state)
{
    static const struct {
        const char *name, *flags[4], *answer;
        int exit_code;
        const char *target, *out, *err; /* parts */
    } cases[] = {
        {"csv is the format of a pipe",
         {"--measurement=m", "--match", "a=b"},
         HEAD "\r\ntime,v\n1,2\n",
         0,                                                                             "GET /v1/query?measurement=m&match=a%3Db&format=csv HTTP",
         "time,v\n1,2\n",                                                                                                                                           ""                                      },
        {"a table",
         {"--measurement=m", "--format=table", "--group-by=*"},
         HEAD "\r\ntime,v\n1,22\n",
         0,                                                                             "?measurement=m&group_by=%2A&format=csv HTTP",
         "time   v\n   1  22\n",                                                                                                                                    ""                                      },
        {"windows of the calendar",
         {"--measurement=m", "--every=1d", "--tz=Europe/Paris", "--offset=-6h"},
         HEAD "\r\nv\n1\n",
         0,                                                                             "?measurement=m&every=1d&tz=Europe%2FParis&offset=-6h&format=csv HTTP",
         "v\n1\n",                                                                                                                                                  ""                                      },
        {"conditions, computed columns and ranks",
         {"--measurement=m", "--where=v>1", "--let=x=v+w", "--top=2,x"},
         HEAD "\r\nv\n1\n",
         0,                                                                             "?measurement=m&top=2%2Cx&let=x%3Dv%2Bw&where=v%3E1&format=csv HTTP",
         "v\n1\n",                                                                                                                                                  ""                                      },
        {"a plan as it is",
         {"--measurement=m", "--explain", "--format=json"},
         HEAD "\r\n{\"series\":1}\n",
         0,                                                                             "?measurement=m&explain=true&format=json HTTP",
         "{\"series\":1}\n",                                                                                                                                        ""                                      },
        {"a plan as a text",
         {"--measurement=m", "--explain"},
         HEAD "\r\n{\"series\":1}\n",
         0,                                                                             "?measurement=m&explain=true&format=json HTTP",
         "series                    1\n"
         "groups                    -\n"
         "columns                   -\n"
         "windows of each group     -\n"
         "runs of rows in memory    -\n"
         "blocks in packs           -\n"
         "of these, headers alone   -\n"
         "rows to read              - to -\n"
         "bytes of blocks to read   - to -\n"
         "range                     - to -\n"
         "as of                     -\n"
         "refused                   -\n",                                                                                                                           ""                                      },
        {"no plan",
         {"--measurement=m", "--explain"},
         HEAD "\r\ntime,v\n",
         1,                                                                             "explain=true",
         "",                                                                                                                                                        "is no plan"                            },
        {"a next page",
         {"--measurement=m", "--limit=1"},
         HEAD "Link: </v1/query?cursor=abc_-9&limit=1>; rel=\"next\"\r\n\r\nv\n1\n",
         0,                                                                             "limit=1",
         "v\n1\n",                                                                                                                                                  "weir: there is more: --cursor abc_-9\n"},
        {"partial",
         {"--measurement=m"},
         HEAD "Weir-Partial: true\r\n\r\nv\n1\n",
         0,                                                                             "",
         "v\n1\n",                                                                                                                                                  "something is missing"                  },
        {"cut off",
         {"--measurement=m", "--format=ndjson", "--retry-for=0"},
         HEAD "Content-Length: 100\r\n\r\n{\"v\":1}\n",
         1,                                                                             "format=ndjson",
         "{\"v\":1}\n",                                                                                                                                             "the answer was cut off"                },
        {"refused",
         {"--measurement=m", "--format=xml"},
         "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"
         "{\"code\":\"bad_parameter\",\"detail\":\"no xml\"}",                       1,
         "",                                                                                                                                                    "",
         "weir: the server refused: no xml (bad_parameter, 400)\n"                                                                                                                                          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const answers[] = {cases[i].answer, NULL};
        const char *line[8] = {"query", "--url"};
        struct script script;

        script_begin(&script, answers);
        line[2] = script.url;
        for (size_t f = 0; f < 4 && cases[i].flags[f]; f++)
            line[3 + f] = cases[i].flags[f];
        captured_run(command_query, line, &captured);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.err, cases[i].err) ||
            strcmp(captured.out, cases[i].out) != 0 || !strstr(script.seen[0], cases[i].target))
            fail_msg("%s: %d\n%s\n%s\n%s", cases[i].name, captured.exit_code, captured.out,
                     captured.err, script.seen[0]);
        script_end(&script);
    }
}

static void test_a_question_needs_its_measurement(void **state)
{
    static const char *const line[] = {"query", "--url=http://127.0.0.1:1", NULL};

    (void)state;
    captured_run(command_query, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_string_equal(captured.err, "weir query: --measurement is needed (weir query --help "
                                      "tells all)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_in_the_format_asked_for),
        cmocka_unit_test(test_a_question_needs_its_measurement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
