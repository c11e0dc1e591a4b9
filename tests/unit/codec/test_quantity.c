#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/quantity.h"

static void test_sizes_are_read_and_printed(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        uint64_t bytes;
        const char *printed;
    } cases[] = {
        {"0",                    OK,              0,                        "0"                   },
        {"1",                    OK,              1,                        "1"                   },
        {"1000",                 OK,              1000,                     "1000"                },
        {"1024",                 OK,              1024,                     "1KiB"                },
        {"64MiB",                OK,              UINT64_C(64) << 20,       "64MiB"               },
        {"1536MiB",              OK,              UINT64_C(1536) << 20,     "1536MiB"             },
        {"2048MiB",              OK,              UINT64_C(2) << 30,        "2GiB"                },
        {"3TiB",                 OK,              UINT64_C(3) << 40,        "3TiB"                },
        {"16777215TiB",          OK,              UINT64_C(16777215) << 40, "16777215TiB"         },
        {"16777216TiB",          E_BAD_PARAMETER, 0,                        NULL                  },
        {"18446744073709551615", OK,              UINT64_MAX,               "18446744073709551615"},
        {"18446744073709551616", E_BAD_PARAMETER, 0,                        NULL                  },
        {"",                     E_BAD_PARAMETER, 0,                        NULL                  },
        {"MiB",                  E_BAD_PARAMETER, 0,                        NULL                  },
        {"64MB",                 E_BAD_PARAMETER, 0,                        NULL                  },
        {"64mib",                E_BAD_PARAMETER, 0,                        NULL                  },
        {"64 MiB",               E_BAD_PARAMETER, 0,                        NULL                  },
        {"-1",                   E_BAD_PARAMETER, 0,                        NULL                  },
        {"1.5GiB",               E_BAD_PARAMETER, 0,                        NULL                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char printed[QUANTITY_TEXT_SIZE];
        struct error err = {0};
        uint64_t bytes = 0;
        enum code code = size_parse(bytes_of(cases[i].text), &bytes, &err);

        if (code != cases[i].want || bytes != cases[i].bytes)
            fail_msg("\"%s\": got %d, %llu (%s)", cases[i].text, code, (unsigned long long)bytes,
                     err.text);
        if (code)
            continue;
        if (!bytes_equal((struct bytes){printed, size_print(bytes, printed)},
                         bytes_of(cases[i].printed)))
            fail_msg("\"%s\": printed %.*s", cases[i].text, (int)size_print(bytes, printed),
                     printed);
    }
}

static void test_milliseconds_are_read_and_printed(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        uint64_t ms;
        const char *printed;
    } cases[] = {
        {"0",     OK,              0,       "0"      },
        {"1500",  OK,              1500,    "1s500ms"},
        {"30s",   OK,              30000,   "30s"    },
        {"250ms", OK,              250,     "250ms"  },
        {"1h30m", OK,              5400000, "1h30m"  },
        {"1us",   E_BAD_PARAMETER, 0,       NULL     },
        {"30 s",  E_BAD_PARAMETER, 0,       NULL     },
        {"-30s",  E_BAD_PARAMETER, 0,       NULL     },
        {"",      E_BAD_PARAMETER, 0,       NULL     },
        {"soon",  E_BAD_PARAMETER, 0,       NULL     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char printed[QUANTITY_TEXT_SIZE];
        uint64_t ms = 0;
        enum code code = milliseconds_parse(bytes_of(cases[i].text), &ms, NULL);

        if (code != cases[i].want || ms != cases[i].ms)
            fail_msg("\"%s\": got %d, %llu", cases[i].text, code, (unsigned long long)ms);
        if (code == OK && !bytes_equal((struct bytes){printed, milliseconds_print(ms, printed)},
                                       bytes_of(cases[i].printed)))
            fail_msg("\"%s\": printed %.*s", cases[i].text, (int)milliseconds_print(ms, printed),
                     printed);
    }
}

static void test_a_limit_is_read_by_the_unit_in_its_name_within_its_range(void **state)
{
    static const struct {
        const char *name, *text;
        enum code want;
        uint64_t value;
        const char *told;
    } cases[] = {
        {"body_bytes_max", "16MiB",                OK,              UINT64_C(16) << 20, NULL                                    },
        {"body_bytes_max", "5GiB",                 E_BAD_PARAMETER, 0,                  "\"5GiB\" is not between 1KiB and 4GiB" },
        {"body_bytes_max", "10s",                  E_BAD_PARAMETER, 0,                  "is not a size"                         },
        {"query_ms_max",   "10s",                  OK,              10000,              NULL                                    },
        {"query_ms_max",   "0",                    E_BAD_PARAMETER, 0,                  "\"0\" is not between 1ms and 1d"       },
        {"series_max",     "50000",                OK,              50000,              NULL                                    },
        {"series_max",     "5k",                   E_BAD_PARAMETER, 0,
         "\"5k\" is not a whole number from 1 to 1000000000"                                                                    },
        {"series_max",     "-1",                   E_BAD_PARAMETER, 0,                  "\"-1\" is not a whole number from 1 to"},
        {"series_max",     "18446744073709551616", E_BAD_PARAMETER, 0,
         "is not a whole number from 1 to"                                                                                      },
        {"series_max",     "0",                    E_BAD_PARAMETER, 0,                  "is not between 1 and 1000000000"       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct limit_row *row = limit_row_find(bytes_of(cases[i].name));
        struct error err = {0};
        uint64_t value = 0;
        enum code code;

        assert_non_null(row);
        code = limit_parse(row, bytes_of(cases[i].text), &value, &err);
        if (code != cases[i].want || value != cases[i].value ||
            (cases[i].told && !strstr(err.text, cases[i].told)))
            fail_msg("%s: %s: got %d, %llu (%s)", cases[i].name, cases[i].text, code,
                     (unsigned long long)value, err.text);
    }
}

static void test_every_limit_reads_back_what_it_prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < limit_row_count; i++) {
        const struct limit_row *row = &limit_rows[i];
        const uint64_t values[] = {row->initial, row->least, row->most};

        for (size_t v = 0; v < COUNT_OF(values); v++) {
            char text[QUANTITY_TEXT_SIZE];
            size_t size = limit_print(row, values[v], text);
            uint64_t value = values[v] + 1;

            if (limit_parse(row, (struct bytes){text, size}, &value, NULL) || value != values[v])
                fail_msg("%s: %.*s", row->name, (int)size, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_read_and_printed),
        cmocka_unit_test(test_milliseconds_are_read_and_printed),
        cmocka_unit_test(test_a_limit_is_read_by_the_unit_in_its_name_within_its_range),
        cmocka_unit_test(test_every_limit_reads_back_what_it_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
