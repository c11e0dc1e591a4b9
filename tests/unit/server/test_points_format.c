#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "server/points_format.h"

static const struct points_format *format_of(const char *name)
{
    const struct points_format *format = NULL;

    assert_int_equal(points_format_named(bytes_of(name), &format, NULL), OK);
    return format;
}

static void test_names(void **state)
{
    const struct points_format *format = NULL;
    struct error err = {0};

    (void)state;
    assert_string_equal(format_of("csv")->content_type, "text/csv");
    assert_int_equal(points_format_named(BYTES("xml"), &format, &err), E_CONFIG);
    assert_string_equal(err.text,
                        "--format xml is not known; there is line_protocol, json, ndjson and csv");
}

static void test_the_name_of_a_file_says_its_format(void **state)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"a.csv",          "csv"          },
        {"a.csv.gz",       "csv"          },
        {"x/a.ndjson.zst", "ndjson"       },
        {"a.json",         "json"         },
        {"a.txt",          "line_protocol"},
        {"-",              "line_protocol"},
        {"csv",            "line_protocol"},
        {"a.gz",           "line_protocol"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (strcmp(points_format_of_file(cases[i].path)->name, cases[i].want) != 0)
            fail_msg("%s", cases[i].path);
}

static void test_a_cut_is_at_the_end_of_a_record(void **state)
{
    static const struct {
        const char *format, *text;
        size_t want;
    } cases[] = {
        {"line_protocol", "",                   0 },
        {"line_protocol", "a v=1",              0 },
        {"line_protocol", "a v=1\nb v=",        6 },
        {"line_protocol", "a v=1\n\n#\nb",      9 },
        {"line_protocol", "a s=\"x\ny\" 1\nb",  12},
        {"line_protocol", "a s=\"x\ny\" 1",     0 }, /* its end may come yet */
        {"line_protocol", "a v=1\nb s=\"x\n",   6 },
        {"ndjson",        "{}\n{",              3 },
        {"ndjson",        "{}",                 0 },
        {"csv",           "a,b\n1,\"x\ny\"\n2", 12},
        {"csv",           "a,b\n1,\"x\ny",      4 },
        {"csv",           "a,\"x\"\"\n\"\n1",   9 },
        {"csv",           "a;\"x\n\";b\n1",     9 },
        {"csv",           "a\"b\n1",            4 },
        {"csv",           "\"a\"b\n1\n",        7 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t got = points_cut(format_of(cases[i].format), bytes_of(cases[i].text));

        if (got != cases[i].want)
            fail_msg("%s: %s: %zu", cases[i].format, cases[i].text, got);
    }
    assert_null(format_of("json")->record);
}

/* So long a string is one that nobody closed: its line alone is bad, and the next is a record. */
static void test_a_quote_that_is_not_closed_takes_no_other_line_with_it(void **state)
{
    static const char *const heads[] = {"a s=\"x\n", "\"x\n"};
    static const char *const formats[] = {"line_protocol", "csv"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        for (size_t size = (1 << 20); size <= (1 << 20) + 1; size++) {
            struct buf text = BUF_INIT(2 << 20);

            buf_put_text(&text, heads[i]);
            while (text.size < size)
                buf_put_char(&text, 'b');
            text.data[size - 1] = '\n';
            assert_int_equal(points_cut(format_of(formats[i]), buf_bytes(&text)),
                             size > (1 << 20) ? size : 0);
            buf_release(&text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_name_of_a_file_says_its_format),
        cmocka_unit_test(test_a_quote_that_is_not_closed_takes_no_other_line_with_it),
        cmocka_unit_test(test_a_cut_is_at_the_end_of_a_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
