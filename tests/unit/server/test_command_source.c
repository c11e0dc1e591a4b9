#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "server/source_examples.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define MADE "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n"
#define GONE "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

static struct captured captured;
static char path[] = "/tmp/weir-source-XXXXXX";

static int setup(void **state)
{
    int file = mkstemp(path);

    (void)state;
    close(file);
    return file < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void file_write(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The words behind `weir source`, and what comes of them. */
static void run(struct script *script, const char *const *answers, const char *const *words)
{
    const char *line[CAPTURED_ARGUMENTS_MAX] = {"source"};
    size_t count = 1;

    while (*words)
        line[count++] = *words++;
    script_begin(script, answers);
    line[count++] = "--url";
    line[count] = script->url;
    captured_run(command_source, line, &captured);
    script_end(script);
}

static void expect_seen(const struct script *script, size_t at, const char *text)
{
    if (!strstr(script->seen[at], text))
        fail_msg("want %s in\n%s", text, script->seen[at]);
}

static void test_an_example_is_filled_and_declared(void **state)
{
    static const char *const answers[] = {MADE "{\"name\":\"x\",\"version\":1}", NULL};
    const char *words[] = {"add",  "open-meteo", "--set", "lat=52.52", "--set=lon=13.41",
                           "--as", "home",       NULL};
    struct script script;

    (void)state;
    run(&script, answers, words);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
    expect_seen(&script, 0, "PUT /v1/sources/home HTTP");
    expect_seen(&script, 0, "Content-Type: application/json\r\n");
    expect_seen(&script, 0, "If-None-Match: *\r\n");
    expect_seen(&script, 0, "\"name\":\"home\"");
    expect_seen(&script, 0, "{\"lat\":\"52.52\",\"lon\":\"13.41\",\"site\":\"\"}");
    assert_null(strstr(script.seen[0], "${set"));
    assert_non_null(strstr(captured.err, "the source home is declared"));
    assert_int_equal(script.connections, 1); /* it has no secret to be looked for */
}

static void test_a_secret_that_is_missing_is_told_with_what_mends_it(void **state)
{
    static const struct {
        const char *list, *want;
    } cases[] = {
        {"{\"secrets\":[]}",                                                              "octopus_key is missing: weir secret set octopus_key "
                             "--host api.octopus.energy"          },
        {"{\"secrets\":[{\"name\":\"octopus_key\",\"hosts\":[\"x\"]}]}",
         "octopus_key is not bound to its host"                                               },
        {"{\"secrets\":[{\"name\":\"octopus_key\",\"hosts\":[\"api.octopus.energy\"]}]}", NULL},
    };
    const char *words[] = {"add", "octopus-consumption", "--set=mpan=1", "--set=serial=2", NULL};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char answer[512];
        const char *const answers[] = {HEAD "{}", answer, NULL};
        struct script script;

        (void)snprintf(answer, sizeof(answer), HEAD "%s", cases[i].list);
        run(&script, answers, words);
        if (captured.exit_code != COMMAND_DONE ||
            (cases[i].want ? !strstr(captured.err, cases[i].want)
                           : strstr(captured.err, "octopus_key") != NULL))
            fail_msg("%zu: %d %s", i, captured.exit_code, captured.err);
        expect_seen(&script, 1, "GET /v1/secrets HTTP");
    }
}

static void test_files_are_taken_as_they_are(void **state)
{
    static const struct {
        const char *text, *set, *as;
        const char *target, *body;
    } cases[] = {
        {"name: a\nx: \"${set:k}\"\n",     "k=\"", NULL, "/v1/sources/a ",
         "{\"name\":\"a\",\"x\":\"\\\"\"}"                                                   },
        {" {\"name\": \"a\", \"x\": 1.0}", NULL,   NULL, "/v1/sources/a ",
         " {\"name\": \"a\", \"x\": 1.0}"                                                    },
        {"x: 1\n",                         NULL,   "b",  "/v1/sources/b ", "{\"x\":1}"       },
        {"name: a\n",                      NULL,   "b",  "/v1/sources/b ", "{\"name\":\"b\"}"},
    };
    static const char *const answers[] = {HEAD "{}", NULL};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *words[7] = {"add", path};
        struct script script;
        size_t count = 2;

        file_write(cases[i].text);
        if (cases[i].set) {
            words[count++] = "--set";
            words[count++] = cases[i].set;
        }
        if (cases[i].as) {
            words[count++] = "--as";
            words[count++] = cases[i].as;
        }
        run(&script, answers, words);
        if (captured.exit_code != COMMAND_DONE)
            fail_msg("%zu: %s", i, captured.err);
        expect_seen(&script, 0, cases[i].target);
        expect_seen(&script, 0, cases[i].body);
    }
}

/* The one that has the name would be gone without a word. */
static void test_a_name_that_is_taken_is_replaced_where_that_is_meant(void **state)
{
    static const char *const taken[] = {
        "HTTP/1.1 412 P\r\nConnection: close\r\n\r\n{\"code\":\"precondition_failed\",\"detail\":"
        "\"version 3\"}",
        NULL};
    static const char *const answers[] = {HEAD "{}", NULL};
    const char *add[] = {"add", path, NULL}, *replace[] = {"add", path, "--replace", NULL};
    struct script script;

    (void)state;
    file_write("name: a\n");
    run(&script, taken, add);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "there is a source a: --replace gives it this document, "
                                         "--as NAME declares another one"));
    run(&script, answers, replace);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_null(strstr(script.seen[0], "If-None-Match"));
    assert_non_null(strstr(captured.err, "the source a was there, and has this document now"));
}

static void test_a_document_that_is_refused_says_all_that_is_wrong(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 422 U\r\nConnection: "
        "close\r\n\r\n{\"code\":\"bad_parameter\",\"detail\":\"first\","
        "\"errors\":[{\"pointer\":\"/a\",\"detail\":\"first\"},{\"pointer\":\"/b/0\",\"detail\":"
        "\"second\"}]}",
        NULL};
    const char *words[] = {"add", path, NULL};
    struct script script;

    (void)state;
    file_write("name: a\n");
    run(&script, answers, words);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "weir: /a: first\nweir: /b/0: second"));
    assert_non_null(strstr(captured.err, "the document has 2 faults\n"));
    assert_null(strstr(captured.err, "refused"));
}

static void test_lines_that_are_wrong_are_told(void **state)
{
    static const struct {
        const char *words[5];
        int exit_code;
        const char *err;
    } cases[] = {
        {{NULL},                                             COMMAND_USAGE,  "usage: weir source add"                              },
        {{"ad"},                                             COMMAND_USAGE,  "did you mean \"add\"?"                               },
        {{"add"},                                            COMMAND_USAGE,  "an example or a file is wanted"                      },
        {{"list", "x"},                                      COMMAND_USAGE,  "no name belongs to it"                               },
        {{"pull"},                                           COMMAND_USAGE,  "which source?"                                       },
        {{"pull", "a", "--set=x=1"},                         COMMAND_USAGE,  "--set"                                               },
        {{"add", "open-meteo"},                              COMMAND_FAILED, "wants --set lat=VALUE --set lon=VALUE"               },
        {{"add", "open-meteo", "--set", "lat"},              COMMAND_FAILED, "--set lat: want KEY=VALUE"                           },
        {{"add", "open-meteo", "--set", "=1"},               COMMAND_FAILED, "want KEY=VALUE"                                      },
        {{"add", "open-meteo", "--set=lat=1", "--set=lo=2"},
         COMMAND_FAILED,                                                     "did you mean \"lon\"?"                               },
        {{"add", "openmeteo"},
         COMMAND_FAILED,                                                     "no example and no file; did you mean \"open-meteo\"?"},
        {{"add", "./not-there"},                             COMMAND_FAILED, "./not-there"                                         },
        {{"add", "elexon-fuelhh", "--as", "../points"},      COMMAND_FAILED, "is no name of a source"                              },
        {{"show", "a/b"},                                    COMMAND_FAILED, "is no name of a source"                              },
        {{"example", "open-meteor"},                         COMMAND_FAILED, "did you mean \"open-meteo\"?"                        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *line[8] = {"source"};
        size_t count = 1;

        for (size_t w = 0; w < 5 && cases[i].words[w]; w++)
            line[count++] = cases[i].words[w];
        if (count > 1)
            line[count] = "--url=http://127.0.0.1:1";
        captured_run(command_source, line, &captured);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.err, cases[i].err))
            fail_msg("%zu: %d %s", i, captured.exit_code, captured.err);
    }
}

/* Nothing is asked: a document can be written where no server is. */
static void test_a_document_is_checked_without_a_server(void **state)
{
    const char *good[] = {"source",    "check", "open-meteo", "--set",
                          "lat=52.52", "--set", "lon=13.41",  NULL};
    const char *wanting[] = {"source", "check", "open-meteo", NULL};
    const char *wrong[] = {"source", "check", path, NULL};

    (void)state;
    captured_run(command_source, good, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.err, "the source open-meteo can be declared"));
    captured_run(command_source, wanting, &captured);
    assert_int_not_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.err, "--set lat="));
    file_write("name: s\nschedule: {every: often}\nrowss: 1\n"
               "request: {url: https://a.example/}\ndecode: json\nrows: /*\ntime: {path: t}\n"
               "measurement: m\nvalues: [{path: v, field: v}]\n");
    captured_run(command_source, wrong, &captured);
    assert_int_not_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.err, "/schedule/every: "));
    assert_non_null(strstr(captured.err, "/rowss: "));
    assert_null(strstr(strstr(captured.err, "/schedule/every: ") + 1, "/schedule/every: "));
    assert_non_null(strstr(captured.err, "the document has 2 faults\n"));
}

static void test_examples_are_listed_and_printed(void **state)
{
    const char *list[] = {"source", "examples", NULL};

    (void)state;
    captured_run(command_source, list, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.out, "mpan= serial= [direction=import] [from=2023-01-01"));
    assert_non_null(strstr(captured.out, "octopus_key"));
    assert_non_null(strstr(captured.out, "Weather of the last week and the next two days"));
    for (const struct source_example *at = source_examples; at->name; at++)
        assert_non_null(strstr(captured.out, at->name));
    for (const struct source_example *at = source_examples; at->name; at++) {
        const char *one[] = {"source", "example", at->name, NULL};

        captured_run(command_source, one, &captured);
        assert_int_equal(captured.exit_code, COMMAND_DONE);
        assert_string_equal(captured.out, at->text);
    }
}

static void test_what_is_declared_is_listed_shown_and_asked_for(void **state)
{
    static const struct {
        const char *words[3], *answer, *request, *out, *err;
        int exit_code;
    } cases[] = {
        {{"list"},
         HEAD "{\"sources\":[{\"name\":\"a\",\"version\":1,\"paused\":false,\"status\":{\"state\":"
              "\"pulling\",\"error\":null}},"
              "{\"name\":\"b\",\"paused\":true,\"status\":null}]}",                        "GET /v1/sources HTTP",
         "a     pulling",                                                                                                                           "",
         0                                                                                                                                                                                 },
        {{"list"},
         HEAD "{\"sources\":[{\"name\":\"b\",\"paused\":true,\"status\":null}]}",
         "GET /v1/sources HTTP",                                                                                             "b     paused",
         "",                                                                                                                                                                              0},
        {{"list"},           HEAD "{}",                                                    "GET /v1/sources HTTP",           "",                    "no list",                            1},
        {{"list", "--json"},
         HEAD "{\"sources\":[]}",
         "GET /v1/sources HTTP",                                                                                             "{\"sources\"",
         "",                                                                                                                                                                              0},
        {{"show", "a"},
         HEAD "{\"name\":\"a\"}",
         "GET /v1/sources/a HTTP",                                                                                           "{\"name\": \"a\"}\n",
         "",                                                                                                                                                                              0},
        {{"pull", "a"},      GONE,                                                         "POST /v1/sources/a/pull HTTP",   "",                    "pull a: asked for",                  0},
        {{"pull", "a"},
         "HTTP/1.1 204 No Content\r\nWeir-Warning: it rests\r\nConnection: close\r\n\r\n", "POST /v1/sources/a/pull HTTP",
         "",                                                                                                                                        "asked for\nweir: warning: it rests",
         0                                                                                                                                                                                 },
        {{"pause", "a"},     GONE,                                                         "POST /v1/sources/a/pause HTTP",  "",                    "pause a: done",                      0},
        {{"resume", "a"},    GONE,                                                         "POST /v1/sources/a/resume HTTP", "",                    "resume a",                           0},
        {{"delete", "a"},    GONE,                                                         "DELETE /v1/sources/a HTTP",      "",                    "is deleted",                         0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const answers[] = {cases[i].answer, NULL};
        struct script script;

        run(&script, answers, cases[i].words);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.out, cases[i].out) ||
            !strstr(captured.err, cases[i].err))
            fail_msg("%zu: %d\n%s\n%s", i, captured.exit_code, captured.out, captured.err);
        expect_seen(&script, 0, cases[i].request);
    }
}

/* The page goes along as a text, and what comes is indented. */
static void test_a_document_is_tried_with_a_page(void **state)
{
    static const char *const answers[] = {HEAD "{\"outcome\":\"ok\"}", NULL};
    static const char *const refused[] = {
        "HTTP/1.1 400 B\r\nConnection: close\r\n\r\n{\"code\":\"bad_parameter\",\"detail\":\"x\","
        "\"errors\":[{\"pointer\":\"/document/a\",\"detail\":\"x\"}]}",
        NULL};
    const char *live[] = {"test", "elexon-fuelhh", NULL};
    const char *pasted[] = {"test", "elexon-fuelhh", "--page", path, NULL};
    struct script script;

    (void)state;
    run(&script, answers, live);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.out, "{\"outcome\": \"ok\"}\n");
    expect_seen(&script, 0, "POST /v1/sources:test HTTP");
    expect_seen(&script, 0, "{\"document\":{\"name\":\"elexon-fuelhh\"");
    assert_null(strstr(script.seen[0], "\"body\""));
    file_write("[{\"a\": 1}]\n");
    run(&script, answers, pasted);
    expect_seen(&script, 0, ",\"body\":\"[{\\\"a\\\": 1}]\\n\"}");
    run(&script, refused, live);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "weir: /document/a: x\nweir: the document has 1 fault\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_example_is_filled_and_declared),
        cmocka_unit_test(test_a_secret_that_is_missing_is_told_with_what_mends_it),
        cmocka_unit_test(test_files_are_taken_as_they_are),
        cmocka_unit_test(test_a_name_that_is_taken_is_replaced_where_that_is_meant),
        cmocka_unit_test(test_a_document_that_is_refused_says_all_that_is_wrong),
        cmocka_unit_test(test_lines_that_are_wrong_are_told),
        cmocka_unit_test(test_a_document_is_checked_without_a_server),
        cmocka_unit_test(test_examples_are_listed_and_printed),
        cmocka_unit_test(test_a_document_is_tried_with_a_page),
        cmocka_unit_test(test_what_is_declared_is_listed_shown_and_asked_for),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
