#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/plan_text.h"

static void test_a_plan_as_a_text(void **state)
{
    static const struct {
        const char *json, *want; /* NULL: it is refused */
    } cases[] = {
        {"{\"series\":3,\"groups\":2,\"columns\":1,\"places\":{\"head\":4,\"blocks\":5,"
         "\"summarised\":0},\"rows_at_least\":6,\"rows_at_most\":7,\"bytes_at_least\":8,"
         "\"bytes_at_most\":9000000000000,\"windows\":24,\"refused\":null,\"limits\":{"
         "\"query_ms_max\":60000,\"page_rows_max\":10},\"range\":{\"start\":\"2024-01-01T00:00:00Z"
         "\",\"end\":null},\"as_of\":\"2024-02-01T00:00:00Z\"}\n", "series                    3\n"
         "groups                    2\n"
         "columns                   1\n"
         "windows of each group     24\n"
         "runs of rows in memory    4\n"
         "blocks in packs           5\n"
         "of these, headers alone   0\n"
         "rows to read              6 to 7\n"
         "bytes of blocks to read   8 to 9000000000000\n"
         "range                     2024-01-01T00:00:00Z to -\n"
         "as of                     2024-02-01T00:00:00Z\n"
         "refused                   -\n"
         "limits\n"
         "  query_ms_max            60000\n"
         "  page_rows_max           10\n"},
        {"{\"series\":3,\"refused\":\"query_rows_limit\",\"more\":[1]}",
         "series                    3\n"
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
         "refused                   query_rows_limit\n"                                                             },
        {"{\"rows\":[]}",                                                   NULL                                    },
        {"[3]",                                                             NULL                                    },
        {"{\"series\":3",                                                   NULL                                    },
        {"",                                                                NULL                                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(4096);
        struct error err = {0};
        enum code code = plan_text(bytes_of(cases[i].json), &out, &err);

        if (!cases[i].want && (code == OK || !strstr(err.text, "--format json shows it")))
            fail_msg("%s: %d, %s", cases[i].json, code, err.text);
        if (cases[i].want && (code != OK || !bytes_equal(buf_bytes(&out), bytes_of(cases[i].want))))
            fail_msg("%s: %s\n%.*s", cases[i].json, err.text, BYTES_ARG(buf_bytes(&out)));
        buf_release(&out);
    }
}

static void test_room_that_is_too_small_is_told(void **state)
{
    struct buf out = BUF_INIT(64);

    (void)state;
    assert_int_equal(plan_text(BYTES("{\"series\":3}"), &out, NULL), E_MEMORY);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_as_a_text),
        cmocka_unit_test(test_room_that_is_too_small_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
