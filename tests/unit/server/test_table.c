#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/table.h"

static enum code collect(void *context, struct bytes piece, struct error *err)
{
    buf_put(context, piece);
    return buf_finish(context, err);
}

static void test_tables(void **state)
{
    static const struct {
        const char *name, *csv, *want;
    } cases[] = {
        {"nothing",                    "",                                 ""                         },
        {"only a head",                "time,v\n",                         "time  v\n"                },
        {"numbers to the right",       "time,v,s\na,1.0,x\nbbbb,-20.5,\n",
         "time      v  s\na       1.0  x\nbbbb  -20.5\n"                                              },
        {"quotes",                     "a,b\n\"x,\"\"y\"\"\",\"\"\n",      "a      b\nx,\"y\"  \"\"\n"},
        {"what a terminal would obey", "a\n\"x\x1b[2Jy\nz\"\n\xff\n",      "a\nx?[2Jy?z\n?\n"         },
        {"characters, not bytes",      "a,b\n\xc3\xa9\xc3\xa9,1\nx,2\n",
         "a   b\n\xc3\xa9\xc3\xa9  1\nx   2\n"                                                        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t step = 1; step < 20; step += 6) {
            struct bytes csv = bytes_of(cases[i].csv);
            struct buf out = BUF_INIT(1000);
            struct table *table;

            assert_int_equal(table_new(collect, &out, &table, NULL), OK);
            for (size_t at = 0; at < csv.size; at += step)
                assert_int_equal(
                    table_take(table,
                               bytes_slice(csv, at, at + step < csv.size ? at + step : csv.size),
                               NULL),
                    OK);
            assert_int_equal(table_finish(table, NULL), OK);
            if (!bytes_equal(buf_bytes(&out), bytes_of(cases[i].want)))
                fail_msg("%s: %.*s", cases[i].name, BYTES_ARG(buf_bytes(&out)));
            table_free(table);
            buf_release(&out);
        }
}

static void test_a_long_answer_begins_before_it_ends(void **state)
{
    struct buf out = BUF_INIT(1 << 20);
    struct table *table;

    (void)state;
    assert_int_equal(table_new(collect, &out, &table, NULL), OK);
    assert_int_equal(table_take(table, BYTES("v\n"), NULL), OK);
    for (int i = 0; i < 300; i++)
        assert_int_equal(table_take(table, BYTES("1\n"), NULL), OK);
    assert_true(out.size > 0);
    assert_int_equal(table_take(table, BYTES("123456\n"), NULL), OK); /* wider than all before */
    assert_int_equal(table_finish(table, NULL), OK);
    assert_int_equal(table_rows(table), 301);
    assert_int_equal(out.size, 2 + 300 * 2 + 7);
    table_free(table);
    buf_release(&out);
}

static void test_a_row_of_another_width_is_an_error(void **state)
{
    struct buf out = BUF_INIT(1000);
    struct table *table;
    struct error err = {0};

    (void)state;
    assert_int_equal(table_new(collect, &out, &table, NULL), OK);
    assert_int_equal(table_take(table, BYTES("a,b\n1\n"), &err), E_SYNTAX);
    assert_string_equal(err.text, "row 1 has 1 columns, the head 2");
    table_free(table);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_a_long_answer_begins_before_it_ends),
        cmocka_unit_test(test_a_row_of_another_width_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
