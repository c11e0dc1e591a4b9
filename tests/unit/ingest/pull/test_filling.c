#include "ingest/pull/filling.h"
#include "tests/unit/ingest/pull/asking_fixture.h"

static enum code fill(const char *text, struct bytes host, struct bytes *filled, struct error *err)
{
    const struct filling filling = {&terms, &arena, host};
    const struct text_places parsed = places(text);

    return filling_text(&filling, &parsed, PLACE_PLAIN, filled, err);
}

static void expect(const char *text, const char *want)
{
    struct bytes filled = {0};
    struct error err = {0};

    if (fill(text, BYTES("a.example:443"), &filled, &err) != OK)
        fail_msg("%s: %s", text, err.text);
    if (!bytes_equal(filled, bytes_of(want)) || filled.data[filled.size] != '\0')
        fail_msg("%s: got %s", text, filled.data);
}

static void test_each_place_has_its_value(void **state)
{
    (void)state;
    source.page.limit = 500;
    source.page.first = 1;
    source.page.kind = SOURCE_PAGE_NUMBER;
    expect("a ${each.id} $$ b", "a 0061 $ b");
    expect("${page.value}/${page.limit}", "1/500");
    terms.page.text = BYTES("7");
    expect("${page.value}", "7");
    source.page.kind = SOURCE_PAGE_CURSOR;
    expect("${page.value}", "7");
    terms.page.text = BYTES("");
    expect("[${page.value}]", "[]");
    expect("${now}", "2026-11-22T12:34:56Z");
    expect("${secret:key}", "s3cr/et");
}

static void test_what_has_no_value_is_told(void **state)
{
    struct bytes filled;
    struct error err = {0};

    (void)state;
    assert_int_equal(fill("${each.none}", BYTES("a.example:443"), &filled, &err), E_BAD_PARAMETER);
    assert_non_null(strstr(err.text, "each.none"));
    assert_int_equal(fill("${window.start}", BYTES(""), &filled, &err), E_BAD_PARAMETER);
    assert_int_equal(fill("${secret:key}", BYTES("b.example:443"), &filled, &err), E_FORBIDDEN);
    assert_int_equal(fill("${secret:key}", BYTES(""), &filled, &err), E_BAD_PARAMETER);
}

/* An end that is exclusive and lies within a unit of the format is the next one, so that nothing is
 * left out; one that is inclusive is the last before it. */
static void test_ends_of_windows_in_units_of_their_format(void **state)
{
    static const struct {
        enum source_time_kind kind;
        const char *pattern, *end, *exclusive, *inclusive;
    } cases[] = {
        {SOURCE_TIME_ISO,     "",             "2024-03-31T00:00:00Z", "2024-03-31T01:00:00+01:00",
         "2024-03-31T00:59:59+01:00"                                                                             },
        {SOURCE_TIME_ISO,     "",             "2024-03-31T12:34:56Z", "2024-03-31T14:34:56+02:00",
         "2024-03-31T14:34:55+02:00"                                                                             },
        {SOURCE_TIME_DATE,    "",             "2024-03-30T23:00:00Z", "2024-03-31",                "2024-03-30"  },
        {SOURCE_TIME_DATE,    "",             "2024-03-31T12:34:56Z", "2024-04-01",                "2024-03-31"  },
        {SOURCE_TIME_PATTERN, "%Y%m%d",       "2024-03-31T21:59:59Z", "20240401",                  "20240331"    },
        {SOURCE_TIME_PATTERN, "%Y-%m-%dT%H",  "2024-03-31T12:34:56Z", "2024-03-31T15",
         "2024-03-31T14"                                                                                         },
        {SOURCE_TIME_PATTERN, "%Y-%m-%dT%H",  "2024-03-31T12:00:00Z", "2024-03-31T14",
         "2024-03-31T13"                                                                                         },
        {SOURCE_TIME_PATTERN, "%Y%m%d%H%M",   "2024-03-31T12:34:56Z", "202403311435",              "202403311434"},
        {SOURCE_TIME_PATTERN, "%Y%m%d%H%M",   "2024-03-31T12:34:00Z", "202403311434",              "202403311433"},
        {SOURCE_TIME_PATTERN, "%Y%m%d%H%M%S", "2024-03-31T12:34:56Z", "20240331143456",
         "20240331143455"                                                                                        },
        {SOURCE_TIME_PATTERN, "%Y-%m",        "2024-03-31T12:34:56Z", "2024-04",                   "2024-03"     },
        {SOURCE_TIME_PATTERN, "%Y-%m",        "2024-03-31T22:00:00Z", "2024-04",                   "2024-03"     },
        {SOURCE_TIME_PATTERN, "%Y",           "2024-03-31T22:00:00Z", "2025",                      "2024"        },
        {SOURCE_TIME_UNIX,    "",             "1970-01-02T00:00:00Z", "86400",                     "86399"       },
    };

    struct stretch_of_time window = {.start_ns = time_of("2024-03-01T00:00:00Z")};

    (void)state;
    terms.window = &window;
    source.window.zone = zone_of("Europe/Paris", &arena);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        window.end_ns = time_of(cases[i].end);
        source.window.format =
            (struct source_time_format){cases[i].kind, TIME_S, bytes_of(cases[i].pattern)};
        source.window.end_inclusive = false;
        expect("${window.end}", cases[i].exclusive);
        source.window.end_inclusive = true;
        expect("${window.end}", cases[i].inclusive);
    }
    source.window.format = (struct source_time_format){SOURCE_TIME_DATE, TIME_S, BYTES("")};
    expect("${window.start}", "2024-03-01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_place_has_its_value, asked_setup, asked_teardown),
        cmocka_unit_test_setup_teardown(test_what_has_no_value_is_told, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_ends_of_windows_in_units_of_their_format, asked_setup,
                                        asked_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
