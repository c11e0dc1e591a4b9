#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/csv_options.h"

/* Parameters as "name=value" with '&' between, nothing escaped. */
static enum code set_all(struct csv_options *options, const char *text, struct arena *arena,
                         struct error *err)
{
    csv_options_init(options);
    while (*text != '\0') {
        const char *equals = strchr(text, '='), *end = strchrnul(text, '&');
        struct bytes name = {text, (size_t)(equals - text)};
        enum code code;

        if (!csv_option_known(name))
            fail_msg("%s is not known", text);
        code = csv_option_set(options, name, (struct bytes){equals + 1, (size_t)(end - equals - 1)},
                              arena, err);
        if (code)
            return code;
        text = *end == '\0' ? end : end + 1;
    }
    return csv_options_check(options, err);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum code code;
        const char *pointer, *want;
    } cases[] = {
        {"measurement=m",                                            OK,                  "",                   ""                           },
        {"measurement_column=m",                                     OK,                  "",                   ""                           },
        {"",                                                         E_MISSING_PARAMETER, "measurement",        "say measurement=NAME"       },
        {"measurement=m&measurement_column=c",                       E_BAD_PARAMETER,     "measurement_column", "both given"                 },
        {"measurement=",                                             E_BAD_PARAMETER,     "measurement",        "the name is empty"          },
        {"measurement=m&time=a,b,c",                                 E_BAD_PARAMETER,     "time",               "want one column, or two"    },
        {"measurement=m&time=a,a",                                   E_BAD_PARAMETER,     "time",               "a column stands twice"      },
        {"measurement=m&time=a,",                                    E_BAD_PARAMETER,     "time",               "a column's name is empty"   },
        {"measurement=m&time=",                                      OK,                  "",                   ""                           },
        {"measurement=m&time_format=iso",                            E_BAD_PARAMETER,     "time_format",        "say rfc3339, epoch"         },
        {"measurement=m&tz=Mars/Olympus",                            E_BAD_PARAMETER,     "tz",
         "\"Mars/Olympus\" is no time zone"                                                                                                  },
        {"measurement=m&tz=Europe/Berlin",                           OK,                  "",                   ""                           },
        {"measurement=m&tz=UTC&time_format=epoch",                   E_BAD_PARAMETER,     "tz",                 "counts in UTC"              },
        {"measurement=m&period=p",                                   E_BAD_PARAMETER,     "period_length",      "belong together"            },
        {"measurement=m&period_length=30m",                          E_BAD_PARAMETER,     "period",             "belong together"            },
        {"measurement=m&period=p&period_length=30m&time=",           E_BAD_PARAMETER,     "period",
         "needs time="                                                                                                                       },
        {"measurement=m&period=p&period_length=1",                   E_BAD_PARAMETER,     "period_length",
         "want each number"                                                                                                                  },
        {"measurement=m&period=p&period_length=25h",                 E_BAD_PARAMETER,     "period_length",
         "at most a day"                                                                                                                     },
        {"measurement=m&period=p&period_length=1d",                  OK,                  "",                   ""                           },
        {"measurement=m&tags=a,\"b",                                 E_BAD_PARAMETER,     "tags",               "want names with commas"     },
        {"measurement=m&tags=a\nb",                                  E_BAD_PARAMETER,     "tags",               "want names with commas"     },
        {"measurement=m&types=a",                                    E_BAD_PARAMETER,     "types",              "want COLUMN:TYPE"           },
        {"measurement=m&types=a:int",                                E_BAD_PARAMETER,     "types",              "f64, i64, u64, bool, string"},
        {"measurement=m&types=:f64",                                 E_BAD_PARAMETER,     "types",              "want COLUMN:TYPE"           },
        {"measurement=m&types=a:f64,a:i64",                          E_BAD_PARAMETER,     "types",              "a column stands twice"      },
        {"measurement=m&header=maybe",                               E_BAD_PARAMETER,     "header",             "say yes"                    },
        {"measurement=m&header=no",                                  E_BAD_PARAMETER,     "header",             "columns= has to name"       },
        {"measurement=m&columns=a,b",                                E_BAD_PARAMETER,     "columns",            "for header=no"              },
        {"measurement=m&columns=&header=no",                         E_BAD_PARAMETER,     "columns",            "want the names"             },
        {"measurement=m&columns=a,b&header=no",                      OK,                  "",                   ""                           },
        {"measurement=m&separator=x",                                E_BAD_PARAMETER,     "separator",          "say comma, semicolon"       },
        {"measurement=m&decimal=,",                                  E_BAD_PARAMETER,     "decimal",            "another separator"          },
        {"measurement=m&decimal=,&separator=;",                      OK,                  "",                   ""                           },
        {"measurement=m&decimal=x",                                  E_BAD_PARAMETER,     "decimal",            "say point or comma"         },
        {"measurement=m&null=1&null=2&null=3&null=4&null=5&null=6&null=7&null=8&null=9&null=10&"
         "null=11&"
         "null=12&null=13&null=14&null=15&null=16",         OK,                  "",                   ""                           },
        {"measurement=m&null=1&null=2&null=3&null=4&null=5&null=6&null=7&null=8&null=9&null=10&"
         "null=11&"
         "null=12&null=13&null=14&null=15&null=16&null=17", E_BAD_PARAMETER,     "null",               "more than 16"               },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct csv_options options;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (set_all(&options, cases[i].text, &arena, &err) != cases[i].code ||
            strcmp(err.pointer, cases[i].pointer) != 0 || strstr(err.text, cases[i].want) == NULL)
            fail_msg("%s: %s at \"%s\": %s", cases[i].text, code_row(err.code)->slug, err.pointer,
                     err.text);
        arena_release(&arena);
    }
}

static void test_what_is_set(void **state)
{
    struct csv_options options;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(
        set_all(
            &options,
            "measurement=m&time=Date,\"a,\"\"b\"&tags=x, y &fields=&ignore=i&types=p:q:f64,r:bool&"
            "null=NA&null=?&separator=tab&decimal=comma&header=skip&columns=,a,&"
            "period=p&period_length=30m&time_format=%Y%m%d",
            &arena, &err),
        OK);
    assert_int_equal(options.time.count, 2);
    assert_true(bytes_equal(options.time.items[1], BYTES("a,\"b")));
    assert_int_equal(options.tags.count, 2);
    assert_true(bytes_equal(options.tags.items[1], BYTES("y")));
    assert_true(options.fields_only);
    assert_int_equal(options.fields.count, 0);
    assert_int_equal(options.type_count, 2);
    assert_true(bytes_equal(options.types[0].name, BYTES("p:q")));
    assert_int_equal(options.types[0].type, TYPE_F64);
    assert_int_equal(options.types[1].type, TYPE_BOOL);
    assert_int_equal(options.nulls.count, 2);
    assert_true(bytes_equal(options.nulls.items[0], BYTES("NA")));
    assert_int_equal(options.separator, '\t');
    assert_int_equal(options.decimal, ',');
    assert_int_equal(options.header, CSV_HEADER_SKIP);
    assert_int_equal(options.columns.count, 3);
    assert_int_equal(options.columns.items[0].size, 0);
    assert_int_equal(options.period_ns, INT64_C(1800000000000));
    assert_true(csv_option_given(&options, "tags"));
    assert_false(csv_option_given(&options, "tz"));
    arena_release(&arena);
}

/* What a repeat with an Idempotency-Key is compared by. */
static void test_the_digest_tells_options_apart(void **state)
{
    static const char *const texts[] = {
        "measurement=m",          "measurement=n",          "measurement=m&tags=a",
        "measurement=m&ignore=a", "measurement=m&tags=a,b", "measurement=m&null=a&null=b",
        "measurement=m&null=ab",  "measurement=m&tz=UTC",   "measurement=m&null=b&null=a",
    };
    struct csv_options options[COUNT_OF(texts)], again;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(set_all(&options[i], texts[i], &arena, NULL), OK);
        assert_int_equal(set_all(&again, texts[i], &arena, NULL), OK);
        assert_memory_equal(&again.digest, &options[i].digest, sizeof(again.digest));
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(&options[i].digest, &options[k].digest, sizeof(again.digest));
    }
    arena_release(&arena);
}

static void test_a_list_has_at_most_4096_names(void **state)
{
    (void)state;
    for (size_t count = 4095; count <= 4097; count++) {
        struct buf text = BUF_INIT(1 << 20);
        struct csv_options options;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        buf_put_text(&text, "measurement=m&tags=");
        for (size_t i = 0; i < count; i++)
            buf_printf(&text, "%s%zu", i == 0 ? "" : ",", i);
        buf_put_char(&text, '\0');
        assert_int_equal(set_all(&options, text.data, &arena, &err),
                         count <= 4096 ? OK : E_BAD_PARAMETER);
        buf_release(&text);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_is_set),
        cmocka_unit_test(test_the_digest_tells_options_apart),
        cmocka_unit_test(test_a_list_has_at_most_4096_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
