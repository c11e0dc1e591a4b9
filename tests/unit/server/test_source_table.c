#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/source_table.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

/* As a command, whose second word is the answer. */
static int print(int argc, char **argv)
{
    struct error err = {0};

    assert_int_equal(argc, 2);
    return (int)source_table_print(bytes_of(argv[1]), &err);
}

static void expect_table(const char *answer, const char *const *want)
{
    const char *const line[] = {"table", answer, NULL};

    captured_run(print, line, &captured);
    assert_int_equal(captured.exit_code, OK);
    for (; *want; want++)
        if (!strstr(captured.out, *want))
            fail_msg("want %s in\n%s", *want, captured.out);
}

/* An error first, a warning where there is none. */
static void test_what_is_to_be_looked_at_stands_in_the_last_column(void **state)
{
    static const char answer[] =
        "{\"sources\":["
        "{\"name\":\"a\",\"paused\":false,\"status\":{\"state\":\"resting\",\"error\":null,"
        "\"warnings\":[{\"pointer\":\"/values/0/path\",\"detail\":\"none\"}]}},"
        "{\"name\":\"b\",\"paused\":true,\"status\":{\"state\":\"resting\",\"error\":\"oops\","
        "\"warnings\":[{\"pointer\":\"/p\",\"detail\":\"none\"}]}},"
        "{\"name\":\"c\",\"paused\":false,\"status\":null},"
        "{\"name\":\"d\",\"paused\":false,\"status\":{\"state\":\"filling\",\"error\":null,"
        "\"warnings\":[],\"newest\":\"2026-01-02T03:04:05.6789Z\",\"waits_for\":\"the rate 1/1m\","
        "\"waits_until\":\"2026-01-02T03:05:00Z\"}}]}";
    static const char *const want[] = {"/values/0/path: none",
                                       "oops",
                                       "paused",
                                       "\nc",
                                       "filling",
                                       " 2026-01-02T03:04:05Z ",
                                       "waits for the rate 1/1m, until 2026-01-02T03:05:00Z",
                                       NULL};

    (void)state;
    expect_table(answer, want);
    assert_null(strstr(captured.out, "/p:"));
}

static void test_what_is_no_list_is_refused(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(source_table_print(BYTES("{}"), &err), E_IO);
    assert_int_not_equal(source_table_print(BYTES("no"), &err), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_to_be_looked_at_stands_in_the_last_column),
        cmocka_unit_test(test_what_is_no_list_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
