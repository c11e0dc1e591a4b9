#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#define FACTS                                                                                      \
    "\"next\":null,\"partial\":false,\"as_of\":\"1970-01-01T00:00:00.001Z\",\"final\":false"

static void make_world(struct fixture *fixture)
{
    fixture_put(fixture, fixture_series(fixture, "c\"pu", "host=a"), 1, 100, "v=1");
    fixture_put(fixture, fixture_series(fixture, "c\"pu", "host=a"), 2, 100, "v=2 s=\"x\ty\"");
}

static void test_nested(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_expect(
        &fixture, "measurement=c\"pu&epoch=ns",
        "{\"series\":[{\"measurement\":\"c\\\"pu\",\"tags\":{\"host\":\"a\"},\"columns\":"
        "[\"time\",\"s\",\"v\"],\"rows\":[[1,null,1.0],[2,\"x\\ty\",2.0]]}]," FACTS "}\n");
    fixture_expect(
        &fixture, "measurement=c\"pu&epoch=ns&versions=all&fields=v&end=2",
        "{\"series\":[{\"measurement\":\"c\\\"pu\",\"tags\":{\"host\":\"a\"},\"columns\":"
        "[\"time\",\"known_from\",\"known_to\",\"v\"],\"rows\":[[1,100,null,1.0]]}]," FACTS "}\n");
    assert_string_equal(fixture.sink.head.content_type, "application/json");
    fixture_release(&fixture);
}

static void test_flat(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_expect(&fixture, "measurement=c\"pu&epoch=ns&shape=rows",
                   "{\"rows\":[{\"time\":1,\"host\":\"a\",\"s\":null,\"v\":1.0},"
                   "{\"time\":2,\"host\":\"a\",\"s\":\"x\\ty\",\"v\":2.0}]," FACTS "}\n");
    fixture_expect(&fixture, "measurement=c\"pu&start=50&shape=rows", "{\"rows\":[]," FACTS "}\n");
    fixture_release(&fixture);
}

static void test_sums_beyond_64_bits_are_whole(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    for (int i = 0; i < 3; i++)
        fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), i, 100,
                    "u=18446744073709551615u");
    fixture_expect(&fixture, "measurement=cpu&agg=sum&epoch=ns",
                   "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{},\"columns\":[\"time\","
                   "\"sum_u\"],\"rows\":[[0,55340232221128654845]]}]," FACTS "}\n");
    fixture_expect(&fixture, "measurement=cpu&agg=sum&epoch=ns&int64=string",
                   "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{},\"columns\":[\"time\","
                   "\"sum_u\"],\"rows\":[[\"0\",\"55340232221128654845\"]]}]," FACTS "}\n");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_sums_beyond_64_bits_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
