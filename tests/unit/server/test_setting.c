#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/setting.h"

static const struct setting_row *row_of(const char *name)
{
    for (size_t i = 0; i < setting_row_count; i++)
        if (strcmp(setting_rows[i].name, name) == 0)
            return &setting_rows[i];
    fail_msg("no setting %s", name);
    return NULL;
}

static void test_a_text_is_read_by_the_kind_of_its_setting(void **state)
{
    static const struct {
        const char *name, *text, *told; /* NULL = it is good */
    } cases[] = {
        {"data",                 "x",                          NULL                                            },
        {"data",                 "",                           "has no value"                                  },
        {"tenants",              "",                           NULL                                            },
        {"accept_clock",         "true",                       NULL                                            },
        {"accept_clock",         "yes",                        "\"yes\" is neither true nor false"             },
        {"log_level",            "warn",                       NULL                                            },
        {"log_level",            "Warn",
         "\"Warn\" is none of its values. Least level of messages: debug, "
         "info, warn or error."                                                                                },
        {"log_format",           "json",                       NULL                                            },
        {"http_threads",         "4",                          NULL                                            },
        {"http_threads",         "257",                        "\"257\" is above the most, 256"                },
        {"http_threads",         "four",                       "\"four\" is not a whole number from 0 to 256"  },
        {"http_threads",         "-4",                         "\"-4\" is not a whole number from 0 to 256"    },
        {"ballast_bytes",        "1GiB",                       NULL                                            },
        {"ballast_bytes",        "1GB",
         "\"1GB\" is not a size: bytes, or a number with KiB, MiB, GiB or "
         "TiB"                                                                                                 },
        {"drain_ms",             "250ms",                      NULL                                            },
        {"drain_ms",             "2h",                         "\"2h\" is above the most, 3600000"             },
        {"pull_allow",           "10.0.0.0/8, [fd00::]/8:443", NULL                                            },
        {"pull_allow",           "10.0.0.1/8",                 "\"10.0.0.1/8\": the network begins at 10.0.0.0"},
        {"pull_contact",         "ops@example.org",            NULL                                            },
        {"pull_body_bytes_max",  "1TiB",                       NULL                                            },
        {"pull_body_bytes_max",  "1099511627777",
         "\"1099511627777\" is above the most, 1099511627776"                                                  },
        {"pull_plain_bytes_max", "2GiB",                       NULL                                            },
        {"pull_files",           "/srv/lab, one=/srv/one",     NULL                                            },
        {"pull_files",           "/srv/lab, srv",
         "\"srv\" is no directory; want an absolute path without \"..\", as /srv/lab, or of one "
         "tenant, as lab=/srv/lab"                                                                             },
    };
    struct settings settings = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        enum code code = setting_put(row_of(cases[i].name), cases[i].text, &settings, &err);

        if (code != (cases[i].told ? E_CONFIG : OK) ||
            (cases[i].told && strcmp(err.text, cases[i].told) != 0))
            fail_msg("%s %s: got %d, %s", cases[i].name, cases[i].text, code, err.text);
    }
    assert_string_equal(settings.data, "x");
    assert_null(settings.tenants);
    assert_true(settings.accept_clock);
    assert_int_equal(settings.log_level, LOG_WARN);
    assert_int_equal(settings.log_format, 2);
    assert_int_equal(settings.http_threads, 4);
    assert_int_equal(settings.ballast_bytes, 1 << 30);
    assert_int_equal(settings.drain_ms, 250);
    assert_int_equal(settings.pull_files.count, 2);
    assert_int_equal(settings.pull_allow.count, 2); /* one that is refused leaves what was */
    assert_string_equal(settings.pull_contact, "ops@example.org");
    assert_int_equal(settings.pull_body_bytes_max, INT64_C(1) << 40);
    assert_int_equal(settings.pull_plain_bytes_max, INT64_C(2) << 30);
}

static void test_every_default_is_a_value_of_its_setting(void **state)
{
    struct settings settings = {0};

    (void)state;
    for (size_t i = 0; i < setting_row_count; i++) {
        struct error err = {0};

        if (setting_put(&setting_rows[i], setting_rows[i].initial, &settings, &err))
            fail_msg("%s: %s", setting_rows[i].name, err.text);
        assert_true(setting_rows[i].value || setting_rows[i].kind == SETTING_BOOL);
        assert_int_equal(setting_rows[i].help[strlen(setting_rows[i].help) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_read_by_the_kind_of_its_setting),
        cmocka_unit_test(test_every_default_is_a_value_of_its_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
