#include "tests/unit/ingest/source/source_fixture.h"

static void test_all_faults_are_told_at_once(void **state)
{
    static const char *const wants[] = {
        "/schedule/every", "/request/method", "/page/limit", "/values/0/path",
        "/values/1/field", "/tags/a~1b",      "/tgas"};
    struct fixture fixture;

    (void)state;
    fixture_parse(&fixture,
                  "'schedule': {'every': 7}, 'request': {'url': 'https://a.example', 'method': "
                  "'X'}, 'page': {'type': 'offset', 'param': 'o'}, 'values': [{'field': 'v'}, "
                  "{'path': 'w'}], 'tags': {'a/b': []}, 'tgas': {}",
                  "");
    assert_int_equal(fixture.code, E_BAD_PARAMETER);
    assert_int_equal(fixture.faults.count, COUNT_OF(wants));
    assert_int_equal(fixture.faults.more, 0);
    for (size_t i = 0; i < COUNT_OF(wants); i++)
        assert_true(fixture_is(fixture.faults.items[i].pointer, wants[i]));
    assert_string_equal(fixture.err.pointer, wants[0]);
    assert_non_null(strstr(fixture.err.text, "(and more)"));
    fixture_release(&fixture);
}

static void test_so_many_are_kept_and_the_others_counted(void **state)
{
    struct buf blocks = BUF_INIT(10000);
    struct fixture fixture;

    (void)state;
    for (int i = 0; i < 25; i++)
        buf_printf(&blocks, "%s'k%d': 0", i ? ", " : "", i);
    buf_put_char(&blocks, '\0');
    fixture_parse(&fixture, blocks.data, "");
    assert_int_equal(fixture.faults.count, 20);
    assert_int_equal(fixture.faults.more, 5);
    fixture_release(&fixture);
    buf_release(&blocks);
}

static void test_a_long_pointer_is_whole(void **state)
{
    struct buf blocks = BUF_INIT(10000);
    struct fixture fixture;

    (void)state;
    buf_put_text(&blocks, "'");
    for (int i = 0; i < 3000; i++)
        buf_put_char(&blocks, '~');
    buf_put_text(&blocks, "': 1");
    buf_put_char(&blocks, '\0');
    fixture_parse(&fixture, blocks.data, "");
    assert_int_equal(fixture.faults.items[0].pointer.size, 6001);
    assert_true(strlen(fixture.err.pointer) < ERROR_POINTER_SIZE);
    fixture_release(&fixture);
    buf_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_faults_are_told_at_once),
        cmocka_unit_test(test_so_many_are_kept_and_the_others_counted),
        cmocka_unit_test(test_a_long_pointer_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
