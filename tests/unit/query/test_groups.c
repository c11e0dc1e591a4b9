#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/groups.h"

static void make_world(struct fixture *fixture)
{
    static const char *const tags[] = {"host=a,region=eu", "host=b,region=us", "host=c,region=eu",
                                       "host=d", "host=e,region=ap"};

    for (size_t i = 0; i < COUNT_OF(tags); i++)
        fixture_put(fixture, fixture_series(fixture, "cpu", tags[i]), 10, 100, "n=1i");
}

#define ASK "measurement=cpu&agg=count&format=csv&epoch=ns"

static void test_groups_stand_in_order_of_their_values(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture_expect(&fixture, ASK, "time,count_n\n10,5\n");
    fixture_expect(&fixture, ASK "&group_by=", "time,count_n\n10,5\n");
    fixture_expect(&fixture, ASK "&group_by=region",
                   "time,region,count_n\n10,,1\n10,ap,1\n10,eu,2\n10,us,1\n");
    fixture_expect(&fixture, ASK "&group_by=region,host&match=region!=",
                   "time,region,host,count_n\n10,ap,e,1\n10,eu,a,1\n10,eu,c,1\n10,us,b,1\n");
    fixture_expect(&fixture, "measurement=cpu&agg=count&group_by=region&match=region=eu&epoch=ns",
                   "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{\"region\":\"eu\"},\"columns\":"
                   "[\"time\",\"count_n\"],\"rows\":[[10,2]]}],\"next\":null,\"partial\":false,"
                   "\"as_of\":\"1970-01-01T00:00:00.001Z\",\"final\":false}\n");
    fixture_release(&fixture);
}

/* Pages of one group each, by every way to group. */
static void test_pages_go_on_behind_the_group(void **state)
{
    static const struct {
        const char *question;
        uint32_t pages;
    } cases[] = {
        {ASK "&group_by=*",                           5},
        {ASK "&group_by=region",                      4},
        {ASK "&group_by=region,host",                 5},
        {ASK,                                         1},
        {ASK "&group_by=region&every=7ns",            4},
        {ASK "&group_by=region&every=7ns&order=desc", 4},
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf all = BUF_INIT(1 << 16), whole = BUF_INIT(1 << 16);
        char question[8192];
        uint32_t pages = 0;

        assert_int_equal(fixture_ask(&fixture, cases[i].question), OK);
        buf_put(&whole, buf_bytes(&fixture.sink.body));
        (void)snprintf(question, sizeof(question), "%s&limit=1", cases[i].question);
        do {
            struct bytes body;
            size_t header;

            if (fixture_ask(&fixture, question))
                fail_msg("%s: %s", question, fixture.err.text);
            body = buf_bytes(&fixture.sink.body);
            header = (size_t)((const char *)memchr(body.data, '\n', body.size) + 1 - body.data);
            buf_put(&all, bytes_slice(body, pages ? header : 0, body.size));
            (void)snprintf(question, sizeof(question), "%s&limit=1&cursor=%s", cases[i].question,
                           fixture.sink.next);
            pages++;
        } while (fixture.sink.next[0]);
        assert_int_equal(pages, cases[i].pages);
        assert_true(bytes_equal(buf_bytes(&all), buf_bytes(&whole)));
        buf_release(&all);
        buf_release(&whole);
    }
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_stand_in_order_of_their_values),
        cmocka_unit_test(test_pages_go_on_behind_the_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
