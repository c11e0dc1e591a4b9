#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "codec/decoder.h"
#include "codec/series_key.h"
#include "query/result.h"
#include "tests/unit/query/fixture.c"

#define END(rows)                                                                                  \
    "# {\"_end\":{\"rows\":" rows                                                                  \
    ",\"next\":null,\"partial\":false,\"as_of\":\"1970-01-01T00:00:00.001Z\",\"final\":false}}\n"

static void test_each_value_keeps_its_type(void **state)
{
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "cpu", "host=a b");
    fixture_put(&fixture, series, -1, 100, "f=1 i=-5i u=18446744073709551615u on=true");
    fixture_put(&fixture, series, 2, 100, "s=\"\" on=false f=null");
    fixture_put(&fixture, series, 3, 100, "s=\"two\nlines\" f=2.5e300");
    fixture_expect(&fixture, "measurement=cpu&format=line_protocol&epoch=s",
                   "cpu,host=a\\ b f=1.0,i=-5i,on=true,u=18446744073709551615u -1\n"
                   "cpu,host=a\\ b on=false,s=\"\" 2\n"
                   "cpu,host=a\\ b f=2.5e+300,s=\"two\nlines\" 3\n" END("3"));
    assert_string_equal(fixture.sink.head.content_type, "text/plain; charset=utf-8");
    fixture_release(&fixture);
}

/* The decoder reads each name as it was. */
static void test_names_come_back(void **state)
{
    static const char *const names[] = {"a,b", "a=b", "a b", " a", "a\\,b", "\\=", "\"", "#", "é"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct series_tag tag = {bytes_of(names[i]), bytes_of(names[i])};
        const struct group group = {.tags = &tag, .tag_count = 1};
        const struct query query = {.selector.measurement = BYTES("m")};
        struct plan plan = {.query = &query};
        struct result result = {.plan = &plan, .group_text = BUF_INIT(1000)};
        struct decode_options options = {.precision = TIME_NS};
        struct buf key = BUF_INIT(1000);
        struct decoder *decoder;
        struct limits limits;
        struct arena arena;
        struct batch batch;

        arena_init(&arena, 1 << 20, NULL);
        limits_init(&limits);
        options.limits = &limits;
        batch_init(&batch, &arena, 10);
        encoder_line_protocol.group(&result, &group);
        buf_put_text(&result.group_text, " v=1 5");
        assert_int_equal(decoder_line_protocol.begin(&batch, &options, &decoder, NULL), OK);
        assert_int_equal(decoder_line_protocol.feed(decoder, buf_bytes(&result.group_text), NULL),
                         OK);
        assert_int_equal(decoder_line_protocol.finish(decoder, NULL), OK);
        assert_int_equal(series_key_encode(BYTES("m"), &tag, 1, &key, NULL), OK);
        if (batch.row_count != 1 || batch.series_count != 1 ||
            !bytes_equal(batch.series[0].key, buf_bytes(&key)))
            fail_msg("%s was written %.*s", names[i], BYTES_ARG(buf_bytes(&result.group_text)));
        decoder_line_protocol.free(decoder);
        batch_release(&batch);
        buf_release(&result.group_text);
        buf_release(&key);
        arena_release(&arena);
    }
}

static void test_what_cannot_be_said_is_refused(void **state)
{
    static const struct {
        const char *measurement, *tags, *part;
    } cases[] = {
        {"m\\", "",         "measurement \"m\\\""},
        {"#m",  "",         "is a comment"       },
        {"m",   "k\\=v",    "tag key"            },
        {"m",   "k=v\\",    "tag value"          },
        {"m",   "a=b,k=\\", "tag value \"\\\""   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;
        char question[100];

        fixture_init(&fixture);
        fixture_put(&fixture, fixture_series(&fixture, cases[i].measurement, cases[i].tags), 1, 100,
                    "v=1");
        (void)snprintf(question, sizeof(question), "measurement=%s&format=line_protocol",
                       cases[i].measurement);
        fixture_refuse(&fixture, question, E_NOT_SUPPORTED, "format", cases[i].part);
        assert_false(fixture.outcome.begun);
        fixture_release(&fixture);
    }
}

static void test_a_page_tells_its_cursor(void **state)
{
    struct fixture fixture;
    char want[8192];

    (void)state;
    fixture_init(&fixture);
    for (int i = 0; i < 2; i++)
        fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), i, 100, "v=1");
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=line_protocol&limit=1"), OK);
    (void)snprintf(want, sizeof(want), "# {\"_end\":{\"rows\":1,\"next\":\"%s\",",
                   fixture.sink.next);
    assert_true(fixture.sink.next[0] != 0);
    assert_non_null(memmem(fixture.sink.body.data, fixture.sink.body.size, want, strlen(want)));
    fixture_release(&fixture);
}

static void test_it_is_for_raw_rows(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 1, 100, "v=1");
    fixture_refuse(&fixture, "measurement=cpu&format=line_protocol&agg=mean", E_BAD_PARAMETER,
                   "format", "raw rows");
    fixture_refuse(&fixture, "measurement=cpu&format=line_protocol&versions=all", E_BAD_PARAMETER,
                   "format", "raw rows");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value_keeps_its_type),
        cmocka_unit_test(test_names_come_back),
        cmocka_unit_test(test_what_cannot_be_said_is_refused),
        cmocka_unit_test(test_a_page_tells_its_cursor),
        cmocka_unit_test(test_it_is_for_raw_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
