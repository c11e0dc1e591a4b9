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
    } cases[] = {
        {"",                                  "line_protocol"},
        {"  ",                                "line_protocol"},
        {"text/plain",                        "line_protocol"},
        {"Text/PLAIN; charset=utf-8",         "line_protocol"},
        {"application/x-www-form-urlencoded", "line_protocol"},
        {" application/json",                 "json"         },
        {"application/json;charset=utf-8",    "json"         },
        {"text/csv; charset=utf-8",           "csv"          },
        {"application/x-ndjson",              "ndjson"       },
        {"application/jsonl",                 "ndjson"       },
        {"application/ndjson",                "ndjson"       },
        {"application/jso",                   NULL           },
        {"application/json2",                 NULL           },
        {"image/png",                         NULL           },
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
    }
}

static void test_every_decoder_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < decoder_row_count; i++) {
        const struct decoder_row *row = decoder_rows[i];

        assert_non_null(row->media_types[0]);
        assert_non_null(row->begin);
        assert_non_null(row->feed);
        assert_non_null(row->finish);
        row->free(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoders_are_found_by_media_type),
        cmocka_unit_test(test_every_decoder_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
