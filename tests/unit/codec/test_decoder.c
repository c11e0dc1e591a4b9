#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/decoder.h"

static void test_decoders_are_found_by_media_type(void **state)
{
    static const struct {
        const char *content_type, *name; /* NULL = unknown */
        bool later;
    } cases[] = {
        {"",                                  "line_protocol", false},
        {"  ",                                "line_protocol", false},
        {"text/plain",                        "line_protocol", false},
        {"Text/PLAIN; charset=utf-8",         "line_protocol", false},
        {"application/x-www-form-urlencoded", "line_protocol", false},
        {" application/json",                 "json",          false},
        {"application/json;charset=utf-8",    "json",          false},
        {"text/csv",                          "csv",           true },
        {"application/x-ndjson",              "ndjson",        true },
        {"application/jso",                   NULL,            false},
        {"application/json2",                 NULL,            false},
        {"image/png",                         NULL,            false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct decoder_row *row = decoder_find(bytes_of(cases[i].content_type));

        if (cases[i].name == NULL) {
            assert_null(row);
            continue;
        }
        if (row == NULL || strcmp(row->name, cases[i].name) != 0)
            fail_msg("\"%s\"", cases[i].content_type);
        assert_int_equal(row->begin == NULL, cases[i].later);
    }
}

static void test_every_decoder_is_whole_or_of_a_later_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < decoder_row_count; i++) {
        const struct decoder_row *row = decoder_rows[i];
        bool later = row->begin == NULL;

        assert_non_null(row->media_types[0]);
        assert_int_equal(later, row->feed == NULL);
        assert_int_equal(later, row->finish == NULL);
        assert_int_equal(later, row->free == NULL);
        if (!later)
            row->free(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoders_are_found_by_media_type),
        cmocka_unit_test(test_every_decoder_is_whole_or_of_a_later_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
