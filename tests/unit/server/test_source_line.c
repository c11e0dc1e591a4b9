#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "server/source_line.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define NOTED "HTTP/1.1 204 No Content\r\nWeir-Warning: it rests\r\nConnection: close\r\n\r\n"

static struct captured captured;

static void test_work_is_asked_for_and_told(void **state)
{
    static const struct {
        const char *words[6], *answer, *request, *out, *err;
    } cases[] = {
        {{"fetches", "a"},
         HEAD "{\"fetches\":[]}",
         "GET /v1/sources/a/fetches HTTP",                                                     "{\"fetches\": []}\n",
         ""                                                                                                                                                                   },
        {{"fetches", "a", "--limit=3"},
         HEAD "{}",
         "GET /v1/sources/a/fetches?limit=3 HTTP",                                             "{}\n",
         ""                                                                                                                                                                   },
        {{"backfill", "a", "--start=2026-01-01", "--end", "now"},
         NOTED,                   "POST /v1/sources/a/backfill?start=2026-01-01&end=now HTTP",
         "",                                                                                                          "weir: backfill a: asked for\nweir: warning: it rests\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const answers[] = {cases[i].answer, NULL};
        const char *line[10] = {"source"};
        struct script script;
        size_t count = 1;

        for (size_t w = 0; w < 6 && cases[i].words[w] != NULL; w++)
            line[count++] = cases[i].words[w];
        script_begin(&script, answers);
        line[count++] = "--url";
        line[count] = script.url;
        captured_run(command_source, line, &captured);
        script_end(&script);
        if (captured.exit_code != COMMAND_DONE || strcmp(captured.out, cases[i].out) != 0 ||
            strcmp(captured.err, cases[i].err) != 0 || !strstr(script.seen[0], cases[i].request))
            fail_msg("%zu: %d\n%s\n%s\n%s", i, captured.exit_code, captured.out, captured.err,
                     script.seen[0]);
    }
}

static void test_a_range_has_two_ends(void **state)
{
    const char *line[] = {"source", "backfill", "a", "--start=2026-01-01", "--url=http://[::1]:1",
                          NULL};

    (void)state;
    captured_run(command_source, line, &captured);
    assert_int_not_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.err, "--start and --end are needed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_asked_for_and_told),
        cmocka_unit_test(test_a_range_has_two_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
