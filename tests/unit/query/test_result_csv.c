#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

static void test_null_and_the_empty_text_differ(void **state)
{
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "cpu", "zone=a b");
    fixture_put(&fixture, series, 1, 100, "s=\"\" v=1");
    fixture_put(&fixture, series, 2, 100, "s=\"a,b\" on=false");
    fixture_put(&fixture, series, 3, 100, "s=\"two\nlines\" u=18446744073709551615u");
    fixture_expect(&fixture, "measurement=cpu&format=csv&epoch=ns&int64=string",
                   "time,zone,on,s,u,v\n"
                   "1,a b,,\"\",,1.0\n"
                   "2,a b,false,\"a,b\",,\n"
                   "3,a b,,\"two\nlines\",18446744073709551615,\n");
    assert_string_equal(fixture.sink.head.content_type, "text/csv; charset=utf-8; header=present");
    fixture_release(&fixture);
}

static void test_names_and_tags_are_quoted_and_made_different(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "time=x,v=\"q\""), 1, 100, "v=1 a\"=2");
    fixture_expect(&fixture, "measurement=cpu&format=csv",
                   "time,tag.time,tag.v,\"a\"\"\",v\n"
                   "1970-01-01T00:00:00.000000001Z,x,\"\"\"q\"\"\",2.0,1.0\n");
    fixture_release(&fixture);
}

static void test_an_absent_tag_is_empty(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "host=a"), 1, 100, "v=1");
    (void)fixture_series(&fixture, "cpu", "rack=b");
    fixture_expect(&fixture, "measurement=cpu&format=csv&epoch=s", "time,host,rack,v\n0,a,,1.0\n");
    fixture_release(&fixture);
}

static void test_a_page_has_its_cursor_in_the_head(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    for (int i = 0; i < 3; i++)
        fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), i, 100, "v=1");
    fixture_expect(&fixture, "measurement=cpu&format=csv&epoch=ns&limit=2",
                   "time,v\n0,1.0\n1,1.0\n");
    assert_true(fixture.sink.next[0]);
    fixture_expect(&fixture, "measurement=cpu&format=csv&epoch=ns&limit=3",
                   "time,v\n0,1.0\n1,1.0\n2,1.0\n");
    assert_string_equal(fixture.sink.next, "");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_and_the_empty_text_differ),
        cmocka_unit_test(test_names_and_tags_are_quoted_and_made_different),
        cmocka_unit_test(test_an_absent_tag_is_empty),
        cmocka_unit_test(test_a_page_has_its_cursor_in_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
