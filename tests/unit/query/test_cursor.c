#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "query/cursor.h"

static void test_a_cursor_reads_back(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (size_t size = 0; size < 40; size++) {
        char group[40] = "\x03"
                         "a,b";
        struct cursor cursor = {
            .identity = 0x0123456789abcdef,
            .as_of = INT64_MAX,
            .start = INT64_MIN,
            .end = -1,
            .id = {UINT64_MAX, 7   },
            .group = {group,      size},
            .time = -9,
            .known_from = 11
        };
        struct cursor back = {0};
        struct bytes text = cursor_print(&cursor, &arena);

        assert_non_null(text.data);
        for (size_t i = 0; i < text.size; i++)
            assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_",
                                   text.data[i]));
        assert_int_equal(cursor_parse(text, &arena, &back, NULL), OK);
        assert_true(back.identity == cursor.identity && back.as_of == cursor.as_of &&
                    back.start == cursor.start && back.end == cursor.end &&
                    back.time == cursor.time && back.known_from == cursor.known_from);
        assert_int_equal(series_id_compare(back.id, cursor.id), 0);
        assert_true(bytes_equal(back.group, cursor.group));
    }
    arena_release(&arena);
}

static void test_every_damage_is_refused(void **state)
{
    struct cursor cursor = {.identity = 5, .group = BYTES("ab")};
    struct arena arena;
    struct bytes text;
    char damaged[256];

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    text = cursor_print(&cursor, &arena);
    assert_true(text.size < sizeof(damaged));
    for (size_t i = 0; i < text.size; i++) {
        struct cursor back;
        struct error err = {0};

        memcpy(damaged, text.data, text.size);
        damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
        assert_int_equal(cursor_parse((struct bytes){damaged, text.size}, &arena, &back, &err),
                         E_BAD_CURSOR);
        assert_string_equal(err.pointer, "cursor");
        assert_int_equal(cursor_parse((struct bytes){text.data, i}, &arena, &back, &err),
                         E_BAD_CURSOR);
        damaged[i] = '=';
        assert_int_equal(cursor_parse((struct bytes){damaged, text.size}, &arena, &back, &err),
                         E_BAD_CURSOR);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cursor_reads_back),
        cmocka_unit_test(test_every_damage_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
