#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/row_hash.h"

/* What is written stays known: these are in stores. */
static void test_a_hash_is_what_it_was(void **state)
{
    const struct point_field fields[] = {
        {.name = BYTES("t"), .type = TYPE_F64, .cell.f64 = 1.5},
        {.name = BYTES("n"), .type = TYPE_I64, .cell.i64 = -7 },
    };

    (void)state;
    assert_true(row_hash(fields, 1) != row_hash(fields, 2));
    assert_true(row_hash(fields, 1) != row_hash(fields + 1, 1));
    assert_int_equal(row_hash(fields, 2), row_hash(fields, 2));
    assert_true(row_hash(fields, 2) != ROW_RETRACTED);
}

static void test_a_place_is_of_series_time_and_field(void **state)
{
    const uint64_t place = row_hash_place(BYTES("key"), 100, BYTES("t"));

    (void)state;
    assert_int_equal(place, row_hash_place(BYTES("key"), 100, BYTES("t")));
    assert_true(place != row_hash_place(BYTES("kez"), 100, BYTES("t")));
    assert_true(place != row_hash_place(BYTES("key"), 101, BYTES("t")));
    assert_true(place != row_hash_place(BYTES("key"), 100, BYTES("u")));
}

static void test_a_list_comes_back_as_it_was_made(void **state)
{
    static const char *const lists[] = {"", "t", "t\1n", "t\1n\1a long name of a field"};
    const struct point_field fields[] = {
        {.name = BYTES("t")},
        {.name = BYTES("n")},
        {.name = BYTES("a long name of a field")},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (uint32_t count = 1; count <= COUNT_OF(fields); count++) {
        struct point_field list;
        struct bytes names[3] = {BYTES("u"), BYTES("t")}, found;
        enum value_type types[3] = {TYPE_I64, TYPE_I64, TYPE_STRING};
        union cell cells[3] = {{.u64 = 1}, {.u64 = 2}};
        const struct recalled_row row = {
            .fields = names, .types = types, .cells = cells, .count = 3};

        assert_true(row_list_make(fields, count, &arena, &list));
        assert_int_equal(list.type, TYPE_STRING);
        assert_true(bytes_equal(list.name, BYTES("\1t")));
        names[2] = list.name;
        cells[2] = list.cell;
        assert_true(row_list_of(&row, 1, &found));
        assert_true(bytes_equal(found, bytes_of(lists[count])));
        assert_false(row_list_of(&row, 0, &found)); /* that of another one */
        types[2] = TYPE_NONE;
        assert_false(row_list_of(&row, 1, &found));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_is_what_it_was),
        cmocka_unit_test(test_a_place_is_of_series_time_and_field),
        cmocka_unit_test(test_a_list_comes_back_as_it_was_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
