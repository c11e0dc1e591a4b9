#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/format.h"

static void test_names(void **state)
{
    enum format format;
    struct error err = {0};

    (void)state;
    for (int i = 0; i < FORMAT_COUNT; i++) {
        assert_int_equal(format_named(bytes_of(format_rows[i].name), &format, &err), OK);
        assert_int_equal(format, i);
    }
    assert_int_equal(format_named(BYTES("xml"), &format, &err), E_BAD_PARAMETER);
    assert_string_equal(err.text, "format \"xml\": want json, ndjson, csv or line_protocol");
}

static void test_accept(void **state)
{
    static const struct {
        const char *accept;
        enum code code;
        enum format format;
    } cases[] = {
        {"",                                           OK,               FORMAT_JSON         },
        {"  ",                                         OK,               FORMAT_JSON         },
        {"*/*",                                        OK,               FORMAT_JSON         },
        {"application/*",                              OK,               FORMAT_JSON         },
        {"text/*",                                     OK,               FORMAT_CSV          },
        {"text/csv",                                   OK,               FORMAT_CSV          },
        {"TEXT/CSV; header=present",                   OK,               FORMAT_CSV          },
        {"application/x-ndjson",                       OK,               FORMAT_NDJSON       },
        {"application/ndjson",                         OK,               FORMAT_NDJSON       },
        {"text/html,application/json;q=0.9,*/*;q=0.8", OK,               FORMAT_JSON         },
        {"application/json;q=0.1, text/csv;q=0.25",    OK,               FORMAT_CSV          },
        {"text/csv;q=0.5,application/x-ndjson;q=0.5",  OK,               FORMAT_CSV          },
        {"text/csv;q=0, application/json;q=0.001",     OK,               FORMAT_JSON         },
        {"text/csv;q=0",                               E_NOT_ACCEPTABLE, 0                   },
        {"text/plain",                                 OK,               FORMAT_LINE_PROTOCOL},
        {"application/json, text/plain, */*",          OK,               FORMAT_JSON         },
        {"image/png",                                  E_NOT_ACCEPTABLE, 0                   },
        {",",                                          E_NOT_ACCEPTABLE, 0                   },
        {"text/csv;q=x",                               OK,               FORMAT_CSV          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum format format = FORMAT_COUNT;
        struct error err = {0};
        enum code code = format_accepted(bytes_of(cases[i].accept), &format, &err);

        if (code != cases[i].code || (!code && format != cases[i].format))
            fail_msg("%s: got %d, %d (%s)", cases[i].accept, code, format, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_accept)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
