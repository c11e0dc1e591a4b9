#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/random.h"
#include "codec/line_cache.h"
#include "codec/line_digits.h"

struct fixture {
    struct arena arena;
    struct batch batch;
    struct line_point input;
    struct line_cache cache;
    struct limits limits;
    uint32_t index;
};

static struct point_field field(const char *text, enum value_type type)
{
    struct bytes span = bytes_of(text);

    return (struct point_field){span, bytes_slice(span, 0, span.size - 1), type, {.u64 = 0}};
}

/* Has seen one line: m,a=b f=<f64>,n=<i64>,s=<string> */
static void begin(struct fixture *fixture)
{
    struct decode_options options = {.now_ns = 1000, .limits = &fixture->limits};
    struct bytes duplicate;
    struct line_series *series;

    limits_init(&fixture->limits);
    arena_init(&fixture->arena, 1 << 24, NULL);
    batch_init(&fixture->batch, &fixture->arena, 0);
    point_init(&fixture->input.point, &fixture->batch, &fixture->limits);
    line_cache_init(&fixture->cache, &fixture->input, &options);
    fixture->index = batch_series_index(&fixture->batch, BYTES("\1m\1a\1b"), BYTES("m"));
    series = line_cache_add(&fixture->cache, BYTES("m,a=b"), fixture->index);
    fixture->input.point.measurement = BYTES("m");
    *point_add_field(&fixture->input.point) = field("f=", TYPE_F64);
    *point_add_field(&fixture->input.point) = field("n=", TYPE_I64);
    *point_add_field(&fixture->input.point) = field("s=", TYPE_STRING);
    assert_int_equal(OK, point_find_table(&fixture->input.point, &duplicate));
    line_cache_expect(&fixture->cache, series, &fixture->input.point);
    line_cache_came(&fixture->cache, series);
}

static void end(struct fixture *fixture)
{
    line_cache_release(&fixture->cache);
    point_release(&fixture->input.point);
    batch_release(&fixture->batch);
    arena_release(&fixture->arena);
}

static void test_only_what_is_as_expected_is_taken(void **state)
{
    static const struct {
        const char *line;
        bool taken;
    } cases[] = {
        {"m,a=b f=1,n=2i,s=\"x\" 7\n",                    true },
        {"m,a=b f=-0.001,n=-2i,s=\"\" -7\n",              true },
        {"m,a=b f=1e300,n=9223372036854775807i,s=\"\"\n", true },
        {"m,a=b f=1,n=2i,s=\"x\" 7\r\n",                  true },
        {"m,a=b f=1,n=2i,s=\"x\ny\" 7\n",                 true },
        {"m,a=c f=1,n=2i,s=\"x\" 7\n",                    true },
        {"m f=1,n=2i,s=\"x\" 7\n",                        true },
        {"m,b=\\ ,a=x f=1,n=2i,s=\"x\" 7\n",              true },
        {"n,a=b f=1,n=2i,s=\"x\" 7\n",                    false},
        {"mm,a=b f=1,n=2i,s=\"x\" 7\n",                   false},
        {"m,a f=1,n=2i,s=\"x\" 7\n",                      false},
        {"m,a=c,a=d f=1,n=2i,s=\"x\" 7\n",                false},
        {"m,a=c g=1,n=2i,s=\"x\" 7\n",                    false},
        {"m,a=c\n",                                       false},
        {" f=1,n=2i,s=\"x\" 7\n",                         false},
        {"#m,a=c f=1,n=2i,s=\"x\" 7\n",                   false},
        {"m,a=b  f=1,n=2i,s=\"x\" 7\n",                   false},
        {"m,a=b f=1,n=2i,s=\"x\"  7\n",                   false},
        {"m,a=b f=1,n=2i,s=\"x\" 7 \n",                   false},
        {"m,a=b f=1,n=2i 7\n",                            false},
        {"m,a=b f=1,n=2i,s=\"x\",t=1 7\n",                false},
        {"m,a=b f=1i,n=2i,s=\"x\" 7\n",                   false},
        {"m,a=b f=1,n=2,s=\"x\" 7\n",                     false},
        {"m,a=b f=1,n=2u,s=\"x\" 7\n",                    false},
        {"m,a=b f=x,n=2i,s=\"x\" 7\n",                    false},
        {"m,a=b f=1,n=9223372036854775808i,s=\"x\" 7\n",  false},
        {"m,a=b f=1,n=2i,s=\"x\\\"\" 7\n",                false},
        {"m,a=b f=1,n=2i,s=\"x 7\n",                      false},
        {"m,a=b f=1,n=2i,s=\"\xff\" 7\n",                 false},
        {"m,a=b f=1,n=2i,s=\"x\" 7x\n",                   false},
        {"m,a=b f=1,n=2i,s=\"x\" 9223372036854775807\n",  false},
        {"m,a=b\nf=1,n=2i,s=\"x\" 7\n",                   false},
        {"m,a=b f=,n=2i,s=\"x\" 7\n",                     false},
        {"\n",                                            false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = strlen(cases[i].line);
        char text[256] = {0};
        struct fixture fixture;
        uint32_t newlines = 1;
        const char *next;

        begin(&fixture);
        memcpy(text, cases[i].line, size);
        next = line_cache_take(&fixture.cache, text, text + size, 1, &newlines);
        if ((next != NULL) != cases[i].taken || (next != NULL && next != text + size))
            fail_msg("%s", cases[i].line);
        assert_int_equal(fixture.batch.row_count, cases[i].taken);
        for (uint32_t s = 0; s < fixture.batch.series_count; s++) /* none without a row */
            assert_true(s == fixture.index || fixture.batch.series[s].used);
        end(&fixture);
    }
}

static void test_two_forms_in_turn_are_both_expected(void **state)
{
    static const char first[80] = "m,a=b f=1,n=2i,s=\"x\" 7\n", second[80] = "m,a=b g=1 8\n";
    struct fixture fixture;
    struct bytes duplicate;
    uint32_t newlines = 0;
    struct line_series *series;

    (void)state;
    begin(&fixture);
    series = line_cache_find(&fixture.cache, BYTES("m,a=b"));
    point_clear(&fixture.input.point);
    fixture.input.point.measurement = BYTES("m");
    *point_add_field(&fixture.input.point) = field("g=", TYPE_F64);
    assert_int_equal(OK, point_find_table(&fixture.input.point, &duplicate));
    line_cache_expect(&fixture.cache, series, &fixture.input.point);
    for (uint32_t i = 0; i < 6; i++) {
        const char *line = i % 2 == 0 ? first : second;

        assert_non_null(line_cache_take(&fixture.cache, line, line + strlen(line), i, &newlines));
    }
    assert_int_equal(fixture.batch.row_count, 6);
    end(&fixture);
}

static void test_digits_are_counted_and_read(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 8);
    for (int round = 0; round < 100000; round++) {
        char text[40];
        unsigned want = (unsigned)random_below(&random, 20), count;
        uint64_t value = 0;
        const char *at = text;

        for (unsigned i = 0; i < sizeof(text); i++)
            text[i] = (char)random_next(&random);
        for (unsigned i = 0; i < want; i++) {
            text[i] = (char)('0' + random_below(&random, 10));
            value = value * 10 + (uint64_t)(text[i] - '0');
        }
        if (text[want] >= '0' && text[want] <= '9')
            text[want] = random_chance(&random, 2) ? '/' : ':';
        if (line_digits(&at, &count) != value || count != want || at != text + want)
            fail_msg("%.*s", (int)want, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_as_expected_is_taken),
        cmocka_unit_test(test_two_forms_in_turn_are_both_expected),
        cmocka_unit_test(test_digits_are_counted_and_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
