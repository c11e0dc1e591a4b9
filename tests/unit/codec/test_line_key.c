#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "codec/line_key.h"
#include "codec/line_point.h"
#include "codec/series_key.h"

enum { NAME_MAX_BYTES = 5, VALUE_MAX_BYTES = 6, TAGS_MAX = 2 };

static struct limits small_limits(void)
{
    struct limits limits;

    limits_init(&limits);
    limits.name_bytes_max = NAME_MAX_BYTES;
    limits.tag_value_bytes_max = VALUE_MAX_BYTES;
    limits.tags_max = TAGS_MAX;
    return limits;
}

/* The key that the slow way makes; empty when it refuses the text. */
static struct bytes slow_key(struct bytes text, const struct limits *limits, struct batch *batch,
                             struct buf *key)
{
    struct line_point input = {.start = text.data, .line = text};
    struct error err;
    enum code code;

    point_init(&input.point, batch, limits);
    code = line_parse_series(&input, text, &err);
    if (code == OK)
        code = series_key_encode(input.point.measurement, input.point.tags, input.point.tag_count,
                                 key, &err);
    point_release(&input.point);
    return code == OK ? buf_bytes(key) : (struct bytes){0};
}

static void test_plain_text_gives_the_key_that_care_gives(void **state)
{
    static const struct {
        const char *text;
        bool plain;
    } cases[] = {
        {"m",                      true },
        {"m,a=b",                  true },
        {"m,a=b,c=d",              true },
        {"m=n,a=b",                true },
        {"m\"#,a=\"",              true },
        {"mmmmm,aaaaa=bbbbbb,b=c", true },
        {"mmmmmm,a=b",             false},
        {"m,aaaaaa=b",             false},
        {"m,a=bbbbbbb",            false},
        {"m,a=b,c=d,e=f",          false},
        {"m,c=d,a=b",              false},
        {"m,a=b,a=c",              false},
        {"m,a=b,a=b",              false},
        {"m,a=\\,",                false},
        {"m\\",                    false},
        {"m,a=b=c",                false},
        {"m,a=b,",                 false},
        {"m,",                     false},
        {"m,a",                    false},
        {"m,a=",                   false},
        {"m,=b",                   false},
        {",a=b",                   false},
        {"m,a,b=c",                false},
        {"m,a=\xc3\xa4",           false},
        {"m,a=\x7f",               false},
        {"m\t,a=b",                false},
        {"",                       false},
    };
    struct limits limits = small_limits();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes text = bytes_of(cases[i].text), key, measurement, want;
        struct buf slow = BUF_INIT(1024);
        struct arena arena;
        struct batch batch;
        bool plain;

        arena_init(&arena, 1 << 20, NULL);
        batch_init(&batch, &arena, 0);
        plain = line_key_plain(text, &limits, &arena, &key, &measurement);
        want = slow_key(text, &limits, &batch, &slow);
        if (plain != cases[i].plain || (plain && !bytes_equal(key, want)))
            fail_msg("%s: %d", cases[i].text, plain);
        if (plain)
            assert_true(series_key_check(key, &want) && bytes_equal(measurement, want));
        batch_release(&batch);
        arena_release(&arena);
        buf_release(&slow);
    }
}

static void test_a_part_whose_size_takes_two_bytes_is_not_plain(void **state)
{
    (void)state;
    for (size_t size = 126; size <= 128; size++) {
        struct bytes key, measurement;
        char text[256] = "m,a=";
        struct limits limits;
        struct arena arena;

        limits_init(&limits);
        limits.tag_value_bytes_max = 1000;
        arena_init(&arena, 1 << 20, NULL);
        memset(text + 4, 'x', size);
        assert_int_equal(size <= 127,
                         line_key_plain(bytes_of(text), &limits, &arena, &key, &measurement));
        arena_release(&arena);
    }
}

static void test_memory_that_runs_out_leaves_it_to_others(void **state)
{
    struct bytes key, measurement;
    struct limits limits;
    struct arena arena;

    (void)state;
    limits_init(&limits);
    arena_init(&arena, 8, NULL);
    assert_false(line_key_plain(BYTES("m,a=b"), &limits, &arena, &key, &measurement));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_gives_the_key_that_care_gives),
        cmocka_unit_test(test_a_part_whose_size_takes_two_bytes_is_not_plain),
        cmocka_unit_test(test_memory_that_runs_out_leaves_it_to_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
