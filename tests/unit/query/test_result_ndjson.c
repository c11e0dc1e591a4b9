#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

static void test_lines_and_their_end(void **state)
{
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "cpu", "say=\"hi\"");
    fixture_put(&fixture, series, 1, 100, "s=\"a\\b\" v=1 u=5u");
    fixture_put(&fixture, series, 2, 100, "on=true");
    fixture_expect(
        &fixture, "measurement=cpu&format=ndjson&epoch=us&int64=string",
        "{\"time\":\"0\",\"say\":\"\\\"hi\\\"\",\"on\":null,\"s\":\"a\\\\b\",\"u\":\"5\","
        "\"v\":1.0}\n"
        "{\"time\":\"0\",\"say\":\"\\\"hi\\\"\",\"on\":true,\"s\":null,\"u\":null,"
        "\"v\":null}\n"
        "{\"_end\":{\"rows\":2,\"next\":null,\"partial\":false,\"as_of\":"
        "\"1970-01-01T00:00:00.001Z\",\"final\":false}}\n");
    assert_string_equal(fixture.sink.head.content_type, "application/x-ndjson");
    fixture_release(&fixture);
}

static void test_a_page_tells_its_cursor_twice(void **state)
{
    struct fixture fixture;
    char want[8192];

    (void)state;
    fixture_init(&fixture);
    for (int i = 0; i < 2; i++)
        fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), i, 100, "v=1");
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=ndjson&limit=1"), OK);
    (void)snprintf(want, sizeof(want), "\"rows\":1,\"next\":\"%s\",", fixture.sink.next);
    assert_non_null(memmem(fixture.sink.body.data, fixture.sink.body.size, want, strlen(want)));
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_their_end),
        cmocka_unit_test(test_a_page_tells_its_cursor_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
