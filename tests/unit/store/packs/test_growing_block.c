#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "store/packs/growing_block.h"

static int open_block(void **state)
{
    struct growing_block *block = calloc(1, sizeof(*block));

    assert_non_null(block);
    block->measurement = BYTES("cpu");
    *state = block;
    return 0;
}

static int close_block(void **state)
{
    growing_block_release(*state);
    free(*state);
    return 0;
}

struct field {
    const char *name;
    enum value_type type;
};

static void enter(struct growing_block *block, const struct field *fields, uint32_t count)
{
    assert_true(growing_block_fields(block, count));
    for (uint32_t i = 0; i < count; i++)
        assert_true(growing_block_enter(block, i, bytes_of(fields[i].name), fields[i].type));
}

/* One row of the series with the value in every field. */
static void append(struct growing_block *block, struct series_id id, const struct field *fields,
                   uint32_t count, uint64_t value)
{
    uint32_t at = block->row_count;

    enter(block, fields, count);
    assert_in_range(growing_block_room(block), 1, BLOCK_ROWS_MAX);
    growing_block_series(block, id);
    growing_block_blank(block, 1);
    block->time[at] = block->ingest[at] = at;
    for (uint32_t i = 0; i < count; i++) {
        struct growing_column *column = &block->columns[block->entered[i]];

        column->cells[at].u64 = value;
        column->present[at] = 1;
        column->count++;
    }
    block->row_count++;
}

static void view(struct growing_block *block, struct block *got)
{
    struct error err = {0};

    if (growing_block_view(block, got, &err) != OK)
        fail_msg("%s", err.text);
}

static void expect_column(const struct block *got, uint32_t index, struct field want)
{
    if (!bytes_equal(got->columns[index].name, bytes_of(want.name)) ||
        got->columns[index].type != want.type)
        fail_msg("column %u is %.*s", index, BYTES_ARG(got->columns[index].name));
}

static void test_columns_are_sorted_and_absent_where_no_cell_came(void **state)
{
    static const struct field first[] = {
        {"n", TYPE_U64 },
        {"b", TYPE_BOOL}
    };
    static const struct field second[] = {
        {"b", TYPE_BOOL},
        {"n", TYPE_I64 },
        {"a", TYPE_U64 }
    };
    struct growing_block *block = *state;
    struct block got;

    append(block, (struct series_id){1, 1}, first, COUNT_OF(first), 7);
    append(block, (struct series_id){1, 1}, second, COUNT_OF(second), 8);
    view(block, &got);
    assert_true(bytes_equal(got.measurement, BYTES("cpu")));
    assert_int_equal(got.row_count, 2);
    assert_int_equal(got.column_count, 4);
    expect_column(&got, 0, second[2]);
    expect_column(&got, 1, first[1]);
    expect_column(&got, 2, second[1]); /* TYPE_I64 is before TYPE_U64 */
    expect_column(&got, 3, first[0]);
    assert_null(got.columns[1].present);
    assert_int_equal(got.columns[1].cells[0].u64, 7);
    assert_int_equal(got.columns[1].cells[1].u64, 8);
    assert_memory_equal(got.columns[0].present, "\0\1", 2);
    assert_int_equal(got.columns[0].cells[0].u64, 0);
    assert_memory_equal(got.columns[3].present, "\1\0", 2);
    assert_int_equal(got.columns[3].cells[1].u64, 0);
}

static void test_columns_without_a_cell_are_left_out(void **state)
{
    static const struct field one[] = {
        {"f", TYPE_F64}
    };
    static const struct field other[] = {
        {"g", TYPE_F64}
    };
    struct growing_block *block = *state;
    struct block got;

    append(block, (struct series_id){1, 1}, one, 1, 1);
    enter(block, other, 1); /* and no row comes */
    view(block, &got);
    assert_int_equal(got.column_count, 1);
    expect_column(&got, 0, one[0]);
    assert_null(got.columns[0].present);
}

static void test_room_is_that_of_rows_cells_and_texts(void **state)
{
    static const struct {
        uint32_t columns, rows;
        size_t text_bytes;
        uint32_t room;
    } cases[] = {
        {0,    0,    0,              8192},
        {1,    0,    0,              8192},
        {1,    8191, 0,              1   },
        {1,    8192, 0,              0   },
        {64,   0,    0,              8192},
        {65,   0,    0,              8065}, /* of 512 Ki cells */
        {65,   8064, 0,              1   },
        {65,   8065, 0,              0   },
        {65,   8100, 0,              0   },
        {1000, 0,    0,              524 },
        {1,    1,    512 * 1024 - 1, 8191},
        {1,    1,    512 * 1024,     0   },
        {1,    1,    SIZE_MAX,       0   },
    };
    struct growing_block *block = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t room;

        block->column_count = cases[i].columns;
        block->row_count = cases[i].rows;
        block->text_bytes = cases[i].text_bytes;
        room = growing_block_room(block);
        if (room != cases[i].room)
            fail_msg("%u columns, %u rows, %zu bytes: room for %u", cases[i].columns, cases[i].rows,
                     cases[i].text_bytes, room);
        growing_block_reset(block);
    }
    /* However wide it is, a row fits. */
    block->column_count = UINT32_MAX;
    assert_int_equal(growing_block_room(block), 1);
    block->row_count = 1;
    assert_int_equal(growing_block_room(block), 0);
    growing_block_reset(block);
}

static void test_a_series_begins_where_its_id_does(void **state)
{
    static const struct field field[] = {
        {"f", TYPE_F64}
    };
    static const uint32_t rows[] = {2, 1, 3};
    struct growing_block *block = *state;
    struct block got;

    for (uint32_t s = 0; s < COUNT_OF(rows); s++)
        for (uint32_t row = 0; row < rows[s]; row++)
            append(block, (struct series_id){s, 9}, field, 1, row);
    view(block, &got);
    assert_int_equal(got.series_count, 3);
    for (uint32_t s = 0, first = 0; s < COUNT_OF(rows); first += rows[s++]) {
        assert_int_equal(got.series[s].high, s);
        assert_int_equal(got.series_row_first[s], first);
    }
    assert_int_equal(got.series_row_first[3], 6);
}

static void test_revisions_and_history_are_there_only_if_a_row_has_one(void **state)
{
    static const struct field field[] = {
        {"f", TYPE_F64}
    };
    struct growing_block *block = *state;
    struct block got;

    append(block, (struct series_id){1, 1}, field, 1, 1);
    view(block, &got);
    assert_null(got.revision);
    assert_null(got.history);
    block->with_revision = block->with_history = true;
    view(block, &got);
    assert_ptr_equal(got.revision, block->revision);
    assert_ptr_equal(got.history, block->history);
    growing_block_reset(block);
    append(block, (struct series_id){1, 1}, field, 1, 1);
    view(block, &got);
    assert_null(got.revision);
    assert_null(got.history);
}

/* The memory of a column goes to another one, with nothing of what was in it. */
static void test_a_reset_forgets_all_rows(void **state)
{
    static const struct field before[] = {
        {"f", TYPE_F64},
        {"g", TYPE_F64}
    };
    static const struct field after[] = {
        {"h", TYPE_U64},
        {"i", TYPE_U64}
    };
    struct growing_block *block = *state;
    struct block got;

    for (uint32_t row = 0; row < 100; row++)
        append(block, (struct series_id){5, 5}, before, 2, UINT64_MAX);
    growing_block_reset(block);
    append(block, (struct series_id){1, 1}, after, 1, 3);
    append(block, (struct series_id){1, 1}, after, 2, 4);
    append(block, (struct series_id){1, 1}, after, 1, 5);
    view(block, &got);
    assert_int_equal(got.row_count, 3);
    assert_int_equal(got.series_count, 1);
    assert_int_equal(got.column_count, 2);
    expect_column(&got, 1, after[1]);
    assert_memory_equal(got.columns[1].present, "\0\1\0", 3);
    assert_int_equal(got.columns[1].cells[0].u64, 0);
    assert_int_equal(got.columns[1].cells[1].u64, 4);
    assert_int_equal(got.columns[1].cells[2].u64, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_block, close_block)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_columns_are_sorted_and_absent_where_no_cell_came),
        TEST(test_columns_without_a_cell_are_left_out),
        TEST(test_room_is_that_of_rows_cells_and_texts),
        TEST(test_a_series_begins_where_its_id_does),
        TEST(test_revisions_and_history_are_there_only_if_a_row_has_one),
        TEST(test_a_reset_forgets_all_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
