#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/aggregate.h"

#include "tests/unit/query/calls.h"

/* What the aggregate makes of two stretches, each of its own type. */
static struct datum make(const char *name, enum value_type type_a, const union cell *a,
                         uint32_t count_a, enum value_type type_b, const union cell *b,
                         uint32_t count_b)
{
    static const int64_t time[] = {1, 2, 3, 4};
    const struct aggregate_call aggregate = call_of(name);
    _Alignas(16) char state[64] = {0};
    struct rows_column columns[] = {
        {0, type_a, a, NULL},
        {0, type_b, b, NULL}
    };
    struct part_input input = {&columns[0], time, 0, count_a, NULL};
    struct datum datum;

    assert_true(part_rows[aggregate.row->part].size <= sizeof(state));
    assert_true(part_rows[aggregate.row->part].add(state, &input));
    input.column = &columns[1];
    input.end = count_b;
    assert_true(part_rows[aggregate.row->part].add(state, &input));
    aggregate.row->finish(state, &aggregate, &datum);
    return datum;
}

static void test_integer_sums_are_exact_beyond_64_bits(void **state)
{
    const union cell large[] = {{.u64 = UINT64_MAX}, {.u64 = UINT64_MAX}};
    const union cell small[] = {{.i64 = -1}, {.i64 = INT64_MIN}};
    struct datum datum = make("sum", TYPE_U64, large, 2, TYPE_I64, small, 2);

    (void)state;
    assert_true(datum.is_wide);
    assert_true(datum.integer == 2 * (wide)UINT64_MAX - 1 + INT64_MIN);
    datum = make("mean", TYPE_I64, small, 1, TYPE_I64, small, 1);
    assert_true(datum.type == TYPE_F64 && datum.cell.f64 == -1);
}

static void test_real_sums_do_not_lose_small_parts(void **state)
{
    const union cell cells[] = {{.f64 = 1e16}, {.f64 = 1}, {.f64 = -1e16}, {.f64 = 0.5}};
    const union cell one[] = {{.i64 = 1}};
    struct datum datum = make("sum", TYPE_F64, cells, 4, TYPE_I64, one, 1);

    (void)state;
    assert_true(datum.type == TYPE_F64 && datum.cell.f64 == 2.5);
    datum = make("mean", TYPE_F64, cells, 4, TYPE_I64, one, 1);
    assert_true(datum.cell.f64 == 0.5);
}

static void test_a_sum_beyond_the_doubles_is_null(void **state)
{
    const union cell cells[] = {{.f64 = 1.7e308}, {.f64 = 1.7e308}};

    (void)state;
    assert_int_equal(make("sum", TYPE_F64, cells, 2, TYPE_F64, cells, 0).type, TYPE_NONE);
    assert_int_equal(make("mean", TYPE_F64, cells, 2, TYPE_F64, cells, 0).type, TYPE_NONE);
    assert_true(make("max", TYPE_F64, cells, 2, TYPE_F64, cells, 0).cell.f64 == 1.7e308);
}

static void test_extremes_compare_exactly_across_types(void **state)
{
    const union cell real[] = {{.f64 = 0x1p63}}, below[] = {{.i64 = INT64_MAX}};
    const union cell above[] = {{.u64 = ((uint64_t)1 << 63) + 1}},
                     same[] = {{.u64 = (uint64_t)1 << 63}};
    const union cell half[] = {{.f64 = -2.5}}, two[] = {{.i64 = -2}}, three[] = {{.i64 = -3}};
    const union cell zero[] = {{.f64 = -0.0}}, huge[] = {{.f64 = 1e300}};

    (void)state;
    assert_int_equal(make("max", TYPE_F64, real, 1, TYPE_I64, below, 1).type, TYPE_F64);
    assert_int_equal(make("min", TYPE_F64, real, 1, TYPE_I64, below, 1).type, TYPE_I64);
    assert_int_equal(make("max", TYPE_F64, real, 1, TYPE_U64, above, 1).type, TYPE_U64);
    assert_int_equal(make("max", TYPE_U64, same, 1, TYPE_F64, real, 1).type, TYPE_F64);
    assert_int_equal(make("min", TYPE_U64, same, 1, TYPE_F64, real, 1).type, TYPE_F64);
    assert_int_equal(make("max", TYPE_I64, below, 1, TYPE_U64, above, 1).type, TYPE_U64);
    assert_int_equal(make("min", TYPE_F64, half, 1, TYPE_I64, two, 1).type, TYPE_F64);
    assert_int_equal(make("max", TYPE_F64, half, 1, TYPE_I64, three, 1).type, TYPE_F64);
    assert_int_equal(make("min", TYPE_F64, huge, 1, TYPE_I64, two, 1).type, TYPE_I64);
    assert_true(make("min", TYPE_F64, zero, 1, TYPE_F64, zero, 1).cell.u64 == 0);
}

static const struct text *make_text(struct arena *arena, const char *from)
{
    size_t size = strlen(from);
    struct text *text = arena_alloc(arena, sizeof(*text) + size);

    assert_non_null(text);
    text->size = (uint32_t)size;
    memcpy(text->data, from, size);
    return text;
}

static void test_ends_copy_texts_and_keep_to_time(void **state)
{
    const struct aggregate_call last = call_of("last");
    struct arena arena = {.bytes_max = 1 << 20};
    const struct text *long_text = make_text(&arena, "abc");
    const union cell cells[] = {{.text = make_text(&arena, "a")}, {.text = long_text}};
    struct rows_column column = {0, TYPE_STRING, cells, NULL};
    const int64_t time[] = {5, 6};
    _Alignas(16) char kept[64] = {0};
    struct part_input input = {&column, time, 0, 1, &arena};
    struct datum datum;

    (void)state;
    for (input.end = 1; input.end <= 2; input.end++)
        assert_true(part_rows[PART_LAST].add(kept, &input));
    last.row->finish(kept, &last, &datum);
    assert_int_equal(datum.type, TYPE_STRING);
    assert_ptr_not_equal(datum.cell.text, long_text);
    assert_true(bytes_equal(text_bytes(datum.cell.text), BYTES("abc")));
    input.end = 1; /* earlier: does not count */
    assert_true(part_rows[PART_LAST].add(kept, &input));
    last.row->finish(kept, &last, &datum);
    assert_true(bytes_equal(text_bytes(datum.cell.text), BYTES("abc")));
    input.arena = &(struct arena){0}; /* and when there is no memory */
    memset(kept, 0, sizeof(kept));
    assert_false(part_rows[PART_FIRST].add(kept, &input));
    arena_release(&arena);
}

static void test_absent_cells_do_not_count(void **state)
{
    static const int64_t time[] = {1, 2, 3};
    const union cell cells[] = {{.f64 = 100}, {.f64 = 2}, {.f64 = -100}};
    const uint8_t present[] = {0, 1, 0};
    struct rows_column column = {0, TYPE_F64, cells, present};
    struct part_input input = {&column, time, 0, 3, NULL};

    (void)state;
    for (size_t i = 0; i < aggregate_row_count; i++) {
        struct aggregate_call aggregate = call_of(aggregate_rows[i].name);
        _Alignas(16) char kept[64] = {0};
        struct datum datum;

        assert_true(part_rows[aggregate.row->part].add(kept, &input));
        aggregate.row->finish(kept, &aggregate, &datum);
        assert_true(datum.type == TYPE_U64 ? datum.cell.u64 == 1 : datum.cell.f64 == 2);
        memset(kept, 0, sizeof(kept));
        aggregate.row->finish(kept, &aggregate, &datum);
        assert_true(datum.type == TYPE_NONE || datum.cell.u64 == 0); /* count of nothing is 0 */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integer_sums_are_exact_beyond_64_bits),
        cmocka_unit_test(test_real_sums_do_not_lose_small_parts),
        cmocka_unit_test(test_a_sum_beyond_the_doubles_is_null),
        cmocka_unit_test(test_extremes_compare_exactly_across_types),
        cmocka_unit_test(test_ends_copy_texts_and_keep_to_time),
        cmocka_unit_test(test_absent_cells_do_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
