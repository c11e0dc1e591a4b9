#include "tests/unit/ingest/source/source_fixture.h"

static void test_kinds_of_values_and_their_bounds(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'paused': true", NULL, NULL},
        {"'paused': 1", "/paused", "it is an integer; want true or false"},
        {"'faults_max': -1", "/faults_max", "-1 is outside of 0 to"},
        {"'faults_max': 1.5", "/faults_max", "it is a real number; want a whole number"},
        {"'page': {'type': 'page', 'param': 'p', 'max': 1000001}", "/page/max",
         "1000001 is outside of 1 to 1000000"},
        {"'values': [{'path': 'v', 'field': 'v', 'scale': true}]", "/values/0/scale",
         "it is a bool; want a number"},
        {"'values': [{'path': 'v', 'field': 'v', 'unit': ''}]", "/values/0/unit", "it is empty"},
        {"'values': [{'path': 'v', 'field': 'v', 'unit': "
         "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'}]",
         "/values/0/unit", "it has 65 bytes; want at most 64"},
        {"'limits': {'body_bytes_max': '2TiB'}", "/limits/body_bytes_max",
         "outside of 1KiB to 1TiB"},
        {"'limits': {'body_bytes_max': -1}", "/limits/body_bytes_max", "want a size"},
        {"'retry': null", "/retry", "it is null; want an object"});
}

static void test_unknown_keys_are_told_with_the_nearest(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'measurment': 'x', 'measurement': 'm'", "/measurment",
                     "there is no key \"measurment\"; did you mean \"measurement\"?"},
                    {"'x-comment': 'x'", "/x-comment", "there is no key \"x-comment\""},
                    {"'a~/b': 'x'", "/a~0~1b", "there is no key \"a~/b\""},
                    {"'': 'x'", "/", "there is no key \"\""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_of_values_and_their_bounds),
        cmocka_unit_test(test_unknown_keys_are_told_with_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
