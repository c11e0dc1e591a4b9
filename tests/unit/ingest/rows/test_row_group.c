#include "tests/unit/ingest/rows/mapper_fixture.h"

/* The same, of what each row says. */
static void test_groups_of_rows(void **state)
{
    struct fixture fixture;
    struct source_value *value;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    value = add_value(&fixture, 2, "w");
    add_tag_of(&fixture, value, "t", "${row.3}");
    value = add_value(&fixture, 4, "x");
    add_tag_of(&fixture, value, "t", "${row.5}");
    expect_points(&fixture,
                  "2024-01-01|#1|#2|a|#3|a\n"
                  "2024-01-02|#1|#2|a|#3|b\n"
                  "2024-01-03|#1|#2|~|#3|",
                  "m v=1 2024-01-01T00:00:00Z\n"
                  "m,t=a w=2 x=3 2024-01-01T00:00:00Z\n"
                  "m v=1 2024-01-02T00:00:00Z\n"
                  "m,t=a w=2 2024-01-02T00:00:00Z\n"
                  "m,t=b x=3 2024-01-02T00:00:00Z\n"
                  "m v=1 w=2 x=3 2024-01-03T00:00:00Z\n");
    fixture_release(&fixture);
}

static void test_tags(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    add_tag(&fixture, "a", "one-${row.2}");
    add_tag(&fixture, "b", "");
    add_tag(&fixture, "c", "");
    fixture.tags[2].from_slot = true;
    fixture.tags[2].slot = 3;
    fixture.tags[2].required = true;
    fixture.source.faults_max = 9;
    expect_points(&fixture,
                  "2024-01-01|#1|x|#7\n"
                  "2024-01-02|#1|~|!true\n"
                  "2024-01-03|#1|null|y\n"
                  "2024-01-04|#1|x|\n"
                  "2024-01-05|#1|x|~\n"
                  "2024-01-06|#1|x|\x01",
                  "m,a=one-x,c=7 v=1 2024-01-01T00:00:00Z\n"
                  "m,c=true v=1 2024-01-02T00:00:00Z\n"
                  "m,c=y v=1 2024-01-03T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 3);
    fixture_release(&fixture);
}

static void test_places_of_no_row(void **state)
{
    struct source_variable variables[] = {
        {BYTES("mpan"), BYTES("2000")}
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.partition = (struct source_partition){variables, 1};
    add_tag(&fixture, "a", "${each.mpan}/${row.2}");
    add_tag(&fixture, "b", "${each.mpan}");
    expect_points(&fixture, "2024-01-01|#1|x", "m,a=2000/x,b=2000 v=1 2024-01-01T00:00:00Z\n");
    fixture_release(&fixture);
}

/* Where all values say theirs, the document needs none. */
static void test_measurements_of_values_alone(void **state)
{
    struct fixture fixture;
    struct source_value *value;

    (void)state;
    fixture_init(&fixture);
    fixture.source.measurement = places_of(&fixture, "");
    fixture.source.time.zone = zone_of("Europe/London", &fixture.arena);
    value = add_value(&fixture, 1, "v");
    value->has_measurement = true;
    value->measurement = places_of(&fixture, "own");
    expect_points(&fixture, "2024-01-01|#1", "own v=1 2024-01-01T00:00:00Z\n");
    fixture_release(&fixture);
}

static void test_what_can_never_be(void **state)
{
    static const struct {
        const char *measurement, *field, *tag;
        enum code code;
        const char *text;
    } cases[] = {
        {"",             "v",             "x",               E_SYNTAX,        "the measurement is empty" },
        {"m",            "",              "x",               E_SYNTAX,        "the field is empty"       },
        {"m",            "a\x01",         "x",               E_BAD_NAME,      "control byte"             },
        {"m",            "v",             "\xff",            E_BAD_UTF8,      "tag \"t\""                },
        {"${each.none}", "v",             "x",               E_BAD_PARAMETER, "the partition has no none"},
        {"m",            "${page.value}", "x",               E_BAD_PARAMETER, "has nothing in names"     },
        {"m",            "v",             "${window.start}", E_BAD_PARAMETER, "has nothing in names"     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;

        fixture_init(&fixture);
        fixture.source.measurement = places_of(&fixture, cases[i].measurement);
        (void)add_value(&fixture, 1, cases[i].field);
        add_tag(&fixture, "t", cases[i].tag);
        if (fixture_open(&fixture) != cases[i].code ||
            memmem(fixture.err.text, strlen(fixture.err.text), cases[i].text,
                   strlen(cases[i].text)) == NULL)
            fail_msg("%zu: %s", i, fixture.err.text);
        assert_null(fixture.mapper);
        fixture_release(&fixture);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_of_rows),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_places_of_no_row),
        cmocka_unit_test(test_measurements_of_values_alone),
        cmocka_unit_test(test_what_can_never_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
