#include "tests/unit/ingest/source/source_fixture.h"

static void test_texts(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'measurement': 7", NULL, NULL}, {"'measurement': ''", "/measurement", "it is empty"},
        {"'measurement': []", "/measurement", "it is an array; want a text"},
        {"'measurement': 'a\\u0000b'", "/measurement", "0x00"},
        {"'measurement': 'a\\u007f'", "/measurement", "0x7f"},
        {"'request': {'url': 'https://a.example/', 'method': 'POST', 'body': 'a\\r\\n\\tb'}", NULL,
         NULL},
        {"'request': {'url': 'https://a.example/', 'method': 'POST', 'body': 'a\\u0000'}",
         "/request/body", "0x00"});
}

static void test_durations(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'retry': {'base': '0s'}", "/retry/base", "above zero"},
                    {"'schedule': {'every': '1h', 'jitter': 0}", NULL, NULL},
                    {"'schedule': {'every': '1h', 'jitter': 'PT0S'}", NULL, NULL},
                    {"'schedule': {'every': '1h', 'jitter': ''}", "/schedule/jitter", "above zero"},
                    {"'schedule': {'every': '1h', 'jitter': 5}", "/schedule/jitter",
                     "want a duration, as 30m or P1D"});
}

static void test_slots_of_texts(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'measurement': 'a-${row.k}-${row./x}', 'values': [{'path': 'k', 'field': 'v'}]");

    (void)state;
    assert_int_equal(source->measurement.items[0].slot, source->values[0].slot);
    assert_int_not_equal(source->measurement.items[1].slot, source->values[0].slot);
    fixture_release(&fixture);
}

static void test_there_are_slots_for_so_many(void **state)
{
    struct buf blocks = BUF_INIT(100000);
    struct fixture fixture;

    (void)state;
    buf_put_text(&blocks, "'tags': {'t': {'path': 'k0'}}, 'where': {");
    for (int i = 0; i < 300; i++)
        buf_printf(&blocks, "%s'k%d': 'x'", i ? ", " : "", i);
    buf_put_text(&blocks, "}");
    buf_put_char(&blocks, '\0');
    fixture_parse(&fixture, blocks.data, "");
    assert_int_equal(fixture.code, E_BAD_PARAMETER);
    assert_non_null(strstr(fixture.err.text, "more than 256 paths"));
    assert_int_equal(fixture.faults.count, 20);
    assert_true(fixture.faults.more > 20);
    fixture_release(&fixture);
    buf_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_slots_of_texts),
        cmocka_unit_test(test_there_are_slots_for_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
