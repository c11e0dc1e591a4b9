#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/random.h"
#include "codec/point.h"

static void add(struct point *point, const char *name, enum value_type type, int64_t value)
{
    struct point_field *field = point_add_field(point);

    *field = (struct point_field){.name = bytes_of(name), .type = type, .cell = {.i64 = value}};
}

static void begin(struct arena *arena, struct batch *batch, struct point *point,
                  const struct limits *limits)
{
    arena_init(arena, 1 << 24, NULL);
    batch_init(batch, arena, 0);
    point_init(point, batch, limits);
}

static void end(struct arena *arena, struct batch *batch, struct point *point)
{
    struct error why = {0};

    if (!batch_check(batch, &why))
        fail_msg("%s", why.text);
    point_release(point);
    batch_release(batch);
    arena_release(arena);
}

static void enter(struct point *point, uint32_t line)
{
    struct error err = {0};
    struct bytes duplicate;
    uint32_t series;

    assert_int_equal(OK, point_find_table(point, &duplicate));
    assert_int_equal(OK, point_find_series(point, &series, &err));
    assert_int_equal(OK, point_put_row(point, series, line, 1000));
}

static void test_fields_find_their_column_in_any_order(void **state)
{
    static const char *const orders[][3] = {
        {"a", "b", "c"},
        {"c", "a", "b"},
        {"c", "a", "b"},
        {"b", "c", "a"},
    };
    struct arena arena;
    struct batch batch;
    struct point point;
    struct limits limits = {0};

    (void)state;
    begin(&arena, &batch, &point, &limits);
    for (uint32_t i = 0; i < COUNT_OF(orders); i++) {
        point_clear(&point);
        point.measurement = BYTES("m");
        for (int f = 0; f < 3; f++)
            add(&point, orders[i][f], TYPE_I64, orders[i][f][0]);
        enter(&point, i + 1);
    }
    assert_null(batch.tables->next);
    for (uint32_t row = 0; row < COUNT_OF(orders); row++) {
        assert_int_equal(batch.tables->time[row], 1000 + row);
        for (int f = 0; f < 3; f++)
            assert_int_equal(batch.tables->columns[f][row].i64, 'a' + f);
    }
    end(&arena, &batch, &point);
}

static void test_many_fields_sort_and_a_duplicate_is_named(void **state)
{
    char names[100][16];
    struct arena arena;
    struct batch batch;
    struct point point;
    struct bytes duplicate;
    struct limits limits = {0};

    (void)state;
    begin(&arena, &batch, &point, &limits);
    point_clear(&point);
    point.measurement = BYTES("m");
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "f%02d", i * 37 % 100);
        add(&point, names[i], i % 2 == 0 ? TYPE_I64 : TYPE_U64, i);
    }
    enter(&point, 1);
    for (uint32_t i = 0; i < 100; i++)
        assert_true(bytes_equal(batch.tables->fields[i * 37 % 100].name, bytes_of(names[i])));
    add(&point, "f50", TYPE_I64, 0);
    assert_int_equal(E_DUPLICATE_FIELD, point_find_table(&point, &duplicate));
    assert_true(bytes_equal(duplicate, BYTES("f50")));
    end(&arena, &batch, &point);
}

static void test_what_is_plain_passes_the_slow_check_too(void **state)
{
    struct random random;
    unsigned plain = 0;

    (void)state;
    random_seed(&random, 3);
    for (int round = 0; round < 20000; round++) {
        char name[24];
        struct bytes span = {name, (size_t)random_below(&random, sizeof(name))};
        bool printable = span.size > 0;
        size_t at;

        for (size_t i = 0; i < span.size; i++) {
            name[i] = random_chance(&random, 30) ? (char)random_next(&random)
                                                 : (char)(' ' + random_below(&random, 95));
            printable = printable && name[i] >= ' ' && name[i] <= '~';
        }
        assert_int_equal(printable, name_plain(span));
        if (printable)
            assert_int_equal(OK, name_check(span, "name", &at, NULL));
        plain += printable;
    }
    assert_in_range(plain, 5000, 19000);
}

static void test_odd_names_are_told_apart(void **state)
{
    static const struct {
        struct bytes name;
        enum code want;
        size_t at;
    } cases[] = {
        {BYTES("gr\xc3\xb6\xc3\x9f"
               "e"),
         OK,                              0},
        {BYTES(""),           E_SYNTAX,   0},
        {BYTES("a\xff"),      E_BAD_UTF8, 1},
        {BYTES("ab\n"),       E_BAD_NAME, 2},
        {BYTES("\x7f"),       E_BAD_NAME, 0},
        {BYTES("abc\0"),      E_BAD_NAME, 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t at;

        assert_false(name_plain(cases[i].name));
        assert_int_equal(cases[i].want, name_check(cases[i].name, "name", &at, NULL));
        assert_int_equal(cases[i].at, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_find_their_column_in_any_order),
        cmocka_unit_test(test_many_fields_sort_and_a_duplicate_is_named),
        cmocka_unit_test(test_what_is_plain_passes_the_slow_check_too),
        cmocka_unit_test(test_odd_names_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
