#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "query/aggregate.h"
#include "query/query.h"
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
         "time,v\n1,2\n",                                                                                                                                                 ""                                      },
        {"a table",
         {"--measurement=m", "--format=table", "--group-by=*"},
         HEAD "\r\ntime,v\n1,22\n",
         0,                                                                             "?measurement=m&group_by=%2A&format=csv HTTP",
         "time   v\n   1  22\n",                                                                                                                                          ""                                      },
        {"windows of the calendar",
         {"--measurement=m", "--every=1d", "--tz=Europe/Paris", "--offset=-6h"},
         HEAD "\r\nv\n1\n",
         0,                                                                             "?measurement=m&every=1d&tz=Europe%2FParis&offset=-6h&format=csv HTTP",
         "v\n1\n",                                                                                                                                                        ""                                      },
        {"conditions, computed columns and ranks",
         {"--measurement=m", "--where=v>1", "--let=x=v+w", "--top=2,x"},
         HEAD "\r\nv\n1\n",
         0,                                                                             "?measurement=m&top=2%2Cx&let=x%3Dv%2Bw&where=v%3E1&format=csv HTTP",
         "v\n1\n",                                                                                                                                                        ""                                      },
        {"a plot",
         {"--measurement=m", "--downsample=m4", "--points=9", "--gap=1h"},
         HEAD "\r\nv\n1\n",
         0,                                                                             "?measurement=m&downsample=m4&points=9&gap=1h&format=csv HTTP",
         "v\n1\n",                                                                                                                                                        ""                                      },
        {"JSON as asked for",
         {"--measurement=m", "--format=json", "--shape=rows", "--int64=string"},
         HEAD "\r\n{}",
         0,                                                                             "?measurement=m&int64=string&shape=rows&format=json HTTP",
         "{}",                                                                                                                                                            ""                                      },
        {"a plan as it is",
         {"--measurement=m", "--explain", "--format=json"},
         HEAD "\r\n{\"series\":1}\n",
         0,                                                                             "?measurement=m&explain=true&format=json HTTP",
         "{\"series\":1}\n",                                                                                                                                              ""                                      },
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
         "refused                   -\n",                                                                                                                                 ""                                      },
        {"no plan",
         {"--measurement=m", "--explain"},
         HEAD "\r\ntime,v\n",
         1,                                                                             "explain=true",
         "",                                                                                                                                                              "is no plan"                            },
        {"a next page",
         {"--measurement=m", "--limit=1"},
         HEAD "Link: </v1/query?cursor=abc_-9&limit=1>; rel=\"next\"\r\n\r\nv\n1\n",
         0,                                                                             "limit=1",
         "v\n1\n",                                                                                                                                                        "weir: there is more: --cursor abc_-9\n"},
        {"partial",
         {"--measurement=m"},
         HEAD "Weir-Partial: true\r\n\r\nv\n1\n",
         0,                                                                             "",
         "v\n1\n",                                                                                                                                                        "something is missing"                  },
        {"names that nobody knows",
         {"--measurement=m"},
         HEAD "Weir-Warning: no field \"a\" in \"m\"\r\nWeir-Warning: no field \"b\" in "
              "\"m\"\r\n\r\nv\n1\n",                                                 0,
         "",                                                                                                                                                    "v\n1\n",
         "weir: warning: no field \"a\" in \"m\"\nweir: warning: no field \"b\" in \"m\"\n"                                                                                                                       },
        {"a plan of what nobody knows",
         {"--measurement=m", "--explain", "--format=json"},
         HEAD "Weir-Warning: no measurement \"m\"\r\n\r\n{\"series\":0}\n",
         0,                                                                             "explain=true",
         "{\"series\":0}\n",                                                                                                                                              "weir: warning: no measurement \"m\"\n" },
        {"cut off",
         {"--measurement=m", "--format=ndjson", "--retry-for=0"},
         HEAD "Content-Length: 100\r\n\r\n{\"v\":1}\n",
         1,                                                                             "format=ndjson",
         "{\"v\":1}\n",                                                                                                                                                   "the answer was cut off"                },
        {"refused",
         {"--measurement=m", "--format=xml"},
         "HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"
         "{\"code\":\"bad_parameter\",\"detail\":\"no xml\"}",                       1,
         "",                                                                                                                                                    "",
         "weir: the server refused: no xml (bad_parameter, 400)\n"                                                                                                                                                },
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

static void test_help_has_every_parameter_and_every_aggregate(void **state)
{
    static const char *const line[] = {"query", "--help", NULL};

    (void)state;
    captured_run(command_query, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    for (size_t i = 0; query_parameter_names[i] != NULL; i++) {
        char flag[64];

        snprintf(flag, sizeof(flag), "\n  --%s ", query_parameter_names[i]);
        for (char *at = flag + 5; *at; at++)
            *at = *at == '_' ? '-' : *at;
        if (!strstr(captured.out, flag))
            fail_msg("%s has no flag", query_parameter_names[i]);
    }
    for (size_t i = 0; i < aggregate_row_count; i++) {
        char name[64];

        snprintf(name, sizeof(name), " %s", aggregate_rows[i].name);
        if (!strstr(captured.out, name) && !strstr(captured.out, strcat(name, "\n") + 1))
            fail_msg("%s is not in the help", aggregate_rows[i].name);
    }
}

static void test_a_document_goes_out_as_it_is(void **state)
{
    static const char *const answers[] = {HEAD "\r\n{\"series\":[]}", NULL};
    char path[] = "/tmp/weir-document-XXXXXX";
    const char *line[] = {"query", "--url", NULL, "--document", path, NULL, NULL};
    int file = mkstemp(path);
    struct script script;

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, "{\"measurement\":\"m\"}", 19), 19);
    close(file);
    script_begin(&script, answers);
    line[2] = script.url;
    captured_run(command_query, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.out, "{\"series\":[]}");
    assert_non_null(strstr(script.seen[0], "POST /v1/query HTTP"));
    assert_non_null(strstr(script.seen[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(script.seen[0], "\r\n\r\n{\"measurement\":\"m\"}"));
    script_end(&script);
    line[5] = "--where=v>1";
    captured_run(command_query, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(captured.err, "--document is the whole question"));
    assert_int_equal(truncate(path, (1 << 20) + 1), 0);
    line[5] = NULL;
    captured_run(command_query, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "larger than 1048576 bytes"));
    assert_int_equal(unlink(path), 0);
    captured_run(command_query, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_in_the_format_asked_for),
        cmocka_unit_test(test_a_question_needs_its_measurement),
        cmocka_unit_test(test_help_has_every_parameter_and_every_aggregate),
        cmocka_unit_test(test_a_document_goes_out_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
