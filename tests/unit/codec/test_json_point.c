#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_point.h"
#include "tests/unit/codec/batch_text.h"

/* The whole of points is tested where they come in: test_json_points.c, test_ndjson_points.c. */
static void test_a_fault_has_its_place(void **state)
{
    static const struct {
        const char *array, *text;
        enum code code;
        const char *want;
    } cases[] = {
        {"/points", "{\"measurement\":\"m\",\"fields\":{\"f\":1}}",   OK,       "3: m f=1i @9\n"                          },
        {"/points", "{\"measurement\":5}",                            OK,       "3! bad_syntax /points/2/measurement: the"},
        {"",        "{\"measurement\":5}",                            OK,       "3! bad_syntax /2/measurement: the"       },
        {NULL,      "{\"measurement\":5}",                            OK,       "3! bad_syntax /measurement: the"         },
        {NULL,      "5",                                              OK,       "3! bad_syntax a point is an object"      },
        {"",        "5",                                              OK,       "3! bad_syntax /2: a point is an object"  },
        {NULL,      "{\"measurement\":\"m\",\"tags\":{\"a/b~\":1}}",  OK,
         "3! bad_syntax /tags/a~1b~0: a tag's"                                                                            },
        {"",        "{\"measurement\":\"m\",\"fields\":{\"f\":1}} x", OK,       "3: m f=1i @9\n"                          },
        {NULL,      "{\"measurement\":\"m\",\"fields\":{\"f\":1}} x", E_SYNTAX, ""                                        },
        {NULL,      "5 x",                                            E_SYNTAX, ""                                        },
        {NULL,      "{\"measurement\"",                               E_SYNTAX, ""                                        },
    };
    struct limits limits;

    (void)state;
    limits_init(&limits);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct decode_options options = {.now_ns = 9, .limits = &limits};
        struct buf body = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16);
        size_t size = strlen(cases[i].text);
        struct json_point input;
        struct error err = {0};
        struct arena arena;
        struct batch batch;

        buf_put_text(&body, cases[i].text);
        memset(buf_extend(&body, JSON_SCAN_SLACK), 0, JSON_SCAN_SLACK);
        arena_init(&arena, SIZE_MAX, NULL);
        batch_init(&batch, &arena, 10);
        json_point_init(&input, &batch, &options);
        input.array = cases[i].array;
        input.line = 3;
        input.scan = (struct json_scan){.at = body.data,
                                        .start = body.data,
                                        .end = body.data + size,
                                        .arena = &arena,
                                        .depth_max = 8};
        assert_int_equal(json_point_take(&input, &err), cases[i].code);
        batch_text(&batch, &text);
        buf_put_char(&text, '\0');
        if (strncmp(text.data, cases[i].want, strlen(cases[i].want)) != 0 ||
            (cases[i].code != OK && batch.row_count > 0))
            fail_msg("%s: %s", cases[i].text, text.data);
        json_point_release(&input);
        batch_release(&batch);
        arena_release(&arena);
        buf_release(&body);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_has_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
