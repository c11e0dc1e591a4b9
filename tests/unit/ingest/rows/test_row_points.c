#include "tests/unit/ingest/rows/mapper_fixture.h"

static void add_measurement(struct fixture *fixture, struct source_value *value, const char *text)
{
    value->has_measurement = true;
    value->measurement = places_of(fixture, text);
}

/* Values with the same measurement and tags are one point, whoever says so. */
static void test_wide_rows(void **state)
{
    struct fixture fixture;
    struct source_value *value;

    (void)state;
    fixture_init(&fixture);
    add_tag(&fixture, "site", "a");
    (void)add_value(&fixture, 1, "v");
    (void)add_value(&fixture, 2, "w");
    value = add_value(&fixture, 3, "x");
    add_measurement(&fixture, value, "other");
    value = add_value(&fixture, 4, "y");
    add_measurement(&fixture, value, "other");
    add_tag_of(&fixture, value, "site", "a");
    expect_points(&fixture,
                  "2024-01-01|#1|#2|#3|#4\n"
                  "2024-01-02|~|#2|~|#4\n"
                  "2024-01-03",
                  "m,site=a v=1 w=2 2024-01-01T00:00:00Z\n"
                  "other,site=a x=3 y=4 2024-01-01T00:00:00Z\n"
                  "m,site=a w=2 2024-01-02T00:00:00Z\n"
                  "other,site=a y=4 2024-01-02T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->empty, 1);
    fixture_release(&fixture);
}

static void test_long_rows(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture.source.measurement = places_of(&fixture, "water.${row.2}");
    (void)add_value(&fixture, 1, "${row.3}");
    add_tag(&fixture, "p", "${row.4}");
    fixture.source.faults_max = 9;
    expect_points(&fixture,
                  "2024-01-01|#1|0061|ph|x\n"
                  "2024-01-01|#2|0111|nh3|y\n"
                  "2024-01-01|#2|~|nh3|y\n"
                  "2024-01-01|#2|1|~|y\n"
                  "2024-01-01|#2|1||y",
                  "water.0061,p=x ph=1 2024-01-01T00:00:00Z\n"
                  "water.0111,p=y nh3=2 2024-01-01T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 3);
    expect_fault(&fixture, 0, 3, "/rows/2", "no measurement");
    expect_fault(&fixture, 1, 4, "/rows/3", "values/0: the row has no name of the field");
    expect_fault(&fixture, 2, 5, "/rows/4", "the field is empty");
    fixture_release(&fixture);
}

static void test_qualifiers_and_codes(void **state)
{
    static const struct bytes less[] = {BYTES("<")};
    static const char *const fields[] = {"v", "${row.2}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct fixture fixture;
        struct source_value *value;

        fixture_init(&fixture);
        value = add_value(&fixture, 1, fields[i]);
        value->qualifiers = less;
        value->qualifier_count = 1;
        value->coded = SOURCE_CODED_KEEP;
        expect_points(&fixture,
                      "2024-01-01|<10|v\n"
                      "2024-01-02|10|v\n"
                      "2024-01-03|Ponded|v",
                      "m v=10 v_qualifier=\"<\" v_code=null 2024-01-01T00:00:00Z\n"
                      "m v=10 v_qualifier=null v_code=null 2024-01-02T00:00:00Z\n"
                      "m v=null v_qualifier=null v_code=\"Ponded\" 2024-01-03T00:00:00Z\n");
        fixture_release(&fixture);
    }
}

/* Two paths to one field are fine, as long as one of them has it. */
static void test_a_field_twice(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    (void)add_value(&fixture, 2, "v");
    fixture.source.faults_max = 1;
    expect_points(&fixture, "2024-01-01|#1|~\n2024-01-02|~|#2\n2024-01-03|#1|#2",
                  "m v=1 2024-01-01T00:00:00Z\nm v=2 2024-01-02T00:00:00Z\n");
    expect_fault(&fixture, 0, 3, "/rows/2", "the row has the field \"v\" twice");
    fixture_release(&fixture);
}

static void test_limits(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "${row.3}");
    (void)add_value(&fixture, 2, "w");
    fixture.values[1].type = SOURCE_TEXT;
    add_tag(&fixture, "t", "${row.4}");
    add_tag(&fixture, "u", "${row.5}");
    fixture.limits.fields_max = 1;
    fixture.limits.name_bytes_max = 4;
    fixture.limits.tag_value_bytes_max = 3;
    fixture.limits.tags_max = 1;
    fixture.limits.string_bytes_max = 5;
    fixture.source.faults_max = 9;
    expect_points(&fixture,
                  "2024-01-01|#1|~|abcd|abc\n"
                  "2024-01-01|~|12345|abcd\n"
                  "2024-01-01|#1|~|abcde|a\n"
                  "2024-01-01|#1|~|v|abcd\n"
                  "2024-01-01|#1|~|v|a|b\n"
                  "2024-01-01|#1|x|v\n"
                  "2024-01-01|~|123456|v\n"
                  "2024-01-01|~|\xff|v\n"
                  "2024-01-01|#1|~|a\x7f",
                  "m,t=abc abcd=1 2024-01-01T00:00:00Z\n"
                  "m w=\"12345\" 2024-01-01T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 7);
    fixture_release(&fixture);
}

/* Where clocks are turned back each series goes by itself. */
static void test_series_have_their_own_order(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    add_tag(&fixture, "t", "${row.2}");
    fixture.source.time.zone = zone_of("Europe/London", &fixture.arena);
    expect_points(&fixture,
                  "2024-10-27T01:30|#1|a\n"
                  "2024-10-27T01:30|#2|b\n"
                  "2024-10-27T01:00|#3|a\n"
                  "2024-10-27T01:30|#4|a\n"
                  "2024-10-27T01:00|#5|b",
                  "m,t=a v=1 2024-10-27T00:30:00Z\n"
                  "m,t=b v=2 2024-10-27T00:30:00Z\n"
                  "m,t=a v=3 2024-10-27T01:00:00Z\n"
                  "m,t=a v=4 2024-10-27T01:30:00Z\n"
                  "m,t=b v=5 2024-10-27T01:00:00Z\n");
    fixture_release(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wide_rows),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_qualifiers_and_codes),
        cmocka_unit_test(test_a_field_twice),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_series_have_their_own_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
