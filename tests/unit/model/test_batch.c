#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "model/batch.h"

static struct batch_field fields_ab[] = {
    {BYTES("a"), TYPE_F64},
    {BYTES("b"), TYPE_I64}
};

static void begin(struct arena *arena, struct batch *batch)
{
    arena_init(arena, (size_t)1 << 28, NULL);
    batch_init(batch, arena, 3);
}

static void end(struct arena *arena, struct batch *batch)
{
    struct error why = {0};

    if (!batch_check(batch, &why))
        fail_msg("%s", why.text);
    batch_release(batch);
    arena_release(arena);
}

static void put(struct batch *batch, struct batch_table *table, uint32_t series, uint32_t line,
                int64_t time)
{
    uint32_t row = batch_row_begin(batch, table);

    assert_int_equal(row, table->row_count);
    for (uint32_t i = 0; i < table->field_count; i++)
        table->columns[i][row].i64 = (int64_t)line * 10 + i;
    batch_row_done(batch, table, series, line, time);
}

static void test_a_series_stands_once_and_keeps_its_own_copy(void **state)
{
    char key[] = "\1m\1a\1x";
    struct arena arena;
    struct batch batch;

    (void)state;
    begin(&arena, &batch);
    assert_int_equal(0, batch_series_index(&batch, BYTES("\1m"), BYTES("m")));
    assert_int_equal(1, batch_series_index(&batch, bytes_of(key), (struct bytes){key + 1, 1}));
    key[1] = 'z';
    assert_int_equal(1, batch_series_index(&batch, BYTES("\1m\1a\1x"), BYTES("m")));
    assert_true(bytes_equal(batch.series[1].measurement, BYTES("m")));
    for (char c = 'a'; c <= 'z'; c++) {
        char other[] = {1, 'm', 1, 'b', 1, c};

        assert_int_equal(2 + c - 'a', batch_series_index(&batch, (struct bytes){other, 6},
                                                         (struct bytes){other + 1, 1}));
    }
    end(&arena, &batch);
}

static void test_a_series_that_was_not_looked_for_is_found_later(void **state)
{
    struct bytes m = BYTES("\1m"), n = BYTES("\1n"), o = BYTES("\1o");
    struct arena arena;
    struct batch batch;

    (void)state;
    begin(&arena, &batch);
    assert_int_equal(0, batch_series_add(&batch, m, BYTES("m")));
    assert_int_equal(1, batch_series_add(&batch, n, BYTES("n")));
    assert_int_equal(1, batch_series_add(&batch, n, BYTES("n"))); /* the answer was forgotten */
    assert_ptr_equal(m.data, batch.series[0].key.data);
    assert_int_equal(1, batch_series_index(&batch, BYTES("\1n"), BYTES("n")));
    assert_int_equal(2, batch_series_index(&batch, o, BYTES("o")));
    assert_int_equal(2, batch_series_add(&batch, o, BYTES("o"))); /* looked for before: the same */
    assert_int_equal(0, batch_series_index(&batch, m, BYTES("m")));
    assert_int_equal(3, batch.series_count);
    end(&arena, &batch);
}

static void test_tables_are_found_by_their_whole_shape(void **state)
{
    struct batch_field typed[] = {
        {BYTES("a"), TYPE_F64},
        {BYTES("b"), TYPE_U64}
    };
    struct batch_field joined[] = {
        {BYTES("ab"), TYPE_F64}
    };
    char long_name[300];
    struct batch_field wide[] = {
        {{long_name, sizeof(long_name)}, TYPE_BOOL},
        {BYTES("zz"),                    TYPE_BOOL}
    };
    struct batch_table *first, *table;
    struct arena arena;
    struct batch batch;

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    begin(&arena, &batch);
    first = batch_table_find(&batch, BYTES("m"), fields_ab, 2);
    assert_ptr_equal(first, batch_table_find(&batch, BYTES("m"), fields_ab, 2));
    assert_ptr_not_equal(first, batch_table_find(&batch, BYTES("m"), fields_ab, 1));
    assert_ptr_not_equal(first, batch_table_find(&batch, BYTES("n"), fields_ab, 2));
    assert_ptr_not_equal(first, batch_table_find(&batch, BYTES("m"), typed, 2));
    assert_ptr_not_equal(first, batch_table_find(&batch, BYTES("m"), joined, 1));
    table = batch_table_find(&batch, BYTES("measure"), wide, 2);
    long_name[0] = 'y'; /* what was given may go: the table has copies */
    assert_true(bytes_equal(table->measurement, BYTES("measure")));
    assert_int_equal(table->fields[0].name.size, sizeof(long_name));
    assert_int_equal(table->fields[0].name.data[0], 'x');
    assert_true(bytes_equal(table->fields[1].name, BYTES("zz")));
    assert_ptr_equal(batch.tables, first);
    end(&arena, &batch);
}

static void test_rows_keep_their_values_while_tables_grow(void **state)
{
    enum { ROWS = 20000 };
    struct batch_table *table;
    struct arena arena;
    struct batch batch;

    (void)state;
    begin(&arena, &batch);
    (void)batch_series_index(&batch, BYTES("\1m"), BYTES("m"));
    table = batch_table_find(&batch, BYTES("m"),
                             (struct batch_field[]){
                                 {BYTES("x"), TYPE_I64}
    },
                             1);
    for (uint32_t i = 0; i < ROWS; i++) {
        put(&batch, table, 0, i + 1, (int64_t)i * 5);
        if (i % 1000 == 999)
            assert_true(batch_row_revision(&batch, table, -(int64_t)i));
    }
    assert_int_equal(batch.row_count, ROWS);
    assert_int_equal(batch.value_count, ROWS);
    assert_false(batch.unordered);
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(table->line[i], i + 1);
        assert_int_equal(table->time[i], (int64_t)i * 5);
        assert_int_equal(table->columns[0][i].i64, (int64_t)(i + 1) * 10);
        assert_int_equal(table->revision[i], i % 1000 == 999 ? -(int64_t)i : INT64_MIN);
    }
    end(&arena, &batch);
}

static void test_untimed_rows_of_a_series_get_consecutive_times(void **state)
{
    struct arena arena;
    struct batch batch;

    (void)state;
    begin(&arena, &batch);
    (void)batch_series_index(&batch, BYTES("\1m"), BYTES("m"));
    (void)batch_series_index(&batch, BYTES("\1n"), BYTES("n"));
    assert_int_equal(100, batch_untimed(&batch, 0, 100));
    assert_int_equal(101, batch_untimed(&batch, 0, 100));
    assert_int_equal(100, batch_untimed(&batch, 1, 100));
    assert_int_equal(102, batch_untimed(&batch, 0, 100));
    end(&arena, &batch);
}

static void test_rejects_are_all_counted_and_the_first_kept(void **state)
{
    struct arena arena;
    struct batch batch;

    (void)state;
    begin(&arena, &batch);
    for (uint32_t line = 1; line <= 5; line++)
        batch_reject(&batch, line, E_SYNTAX, "line\n%u", line);
    assert_int_equal(batch.reject_count, 5);
    assert_int_equal(batch.rejects->line, 1);
    assert_true(bytes_equal(batch.rejects->detail, BYTES("line?1")));
    assert_int_equal(batch.rejects->next->next->line, 3);
    assert_null(batch.rejects->next->next->next);
    end(&arena, &batch);
}

static enum code drop_odd(void *context, const struct batch_table *table, uint32_t row,
                          struct error *why)
{
    ++*(int *)context;
    return table->line[row] % 2 == 0 ? OK : error_set(why, E_FIELD_KIND, "odd");
}

static void test_dropped_rows_are_rejected_and_the_others_stay(void **state)
{
    struct batch_table *table;
    struct arena arena;
    struct batch batch;
    int asked = 0;

    (void)state;
    begin(&arena, &batch);
    (void)batch_series_index(&batch, BYTES("\1m"), BYTES("m"));
    table = batch_table_find(&batch, BYTES("m"), fields_ab, 2);
    for (uint32_t line = 1; line <= 7; line++)
        put(&batch, table, 0, line, line);
    assert_true(batch_row_revision(&batch, table, 77));
    put(&batch, table, 0, 8, 8);
    for (uint32_t i = 0; i < table->row_count; i++)
        table->columns[0][i].f64 = 1;
    batch_drop_rows(&batch, drop_odd, &asked);
    assert_int_equal(asked, 8);
    assert_int_equal(batch.row_count, 4);
    assert_int_equal(batch.value_count, 8);
    assert_int_equal(batch.reject_count, 4);
    assert_int_equal(batch.rejects->next->line, 3);
    assert_int_equal(batch.rejects->code, E_FIELD_KIND);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(table->line[i], 2 * (i + 1));
        assert_int_equal(table->time[i], 2 * (i + 1));
        assert_int_equal(table->columns[1][i].i64, 20 * (i + 1) + 1);
    }
    end(&arena, &batch);
}

static enum code drop_odd_series(void *context, const struct batch_table *table, uint32_t row,
                                 struct error *why)
{
    (void)context;
    return table->series[row] % 2 == 0 ? OK : error_set(why, E_FIELD_KIND, "odd");
}

static void test_series_without_rows_go_and_the_others_keep_their_rows(void **state)
{
    static const char *const names[] = {"\1m\1a\1v", "\1m\1a\1w", "\1m\1a\1x", "\1m\1a\1y"};
    struct batch_table *table;
    struct arena arena;
    struct batch batch;

    (void)state;
    begin(&arena, &batch);
    table = batch_table_find(&batch, BYTES("m"), fields_ab, 2);
    assert_non_null(table);
    for (uint32_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(i, batch_series_index(&batch, bytes_of(names[i]), BYTES("m")));
    for (uint32_t i = 0; i < COUNT_OF(names); i++)
        put(&batch, table, i, i + 1, i);
    assert_true(batch_series_drop_unused(&batch));
    assert_int_equal(4, batch.series_count);
    batch_drop_rows(&batch, drop_odd_series, NULL);
    assert_true(batch_series_drop_unused(&batch));
    assert_int_equal(2, batch.series_count);
    for (uint32_t row = 0; row < 2; row++)
        assert_true(bytes_equal(batch.series[table->series[row]].key, bytes_of(names[row * 2])));
    end(&arena, &batch);
}

static void test_memory_that_runs_out_is_an_answer(void **state)
{
    (void)state;
    for (size_t bytes_max = 0; bytes_max < 300000; bytes_max += 4096) {
        struct arena arena;
        struct batch batch;
        bool whole = true;

        arena_init(&arena, bytes_max, NULL);
        batch_init(&batch, &arena, 100);
        for (uint32_t i = 0; i < 200 && whole; i++) {
            char key[] = {1, 'm', 1, 'a', 1, (char)('0' + i % 64)};
            uint32_t series =
                batch_series_index(&batch, (struct bytes){key, 6}, (struct bytes){key + 1, 1});
            struct batch_table *table = batch_table_find(&batch, BYTES("m"), &fields_ab[1], 1);

            whole = series != UINT32_MAX && table != NULL &&
                    batch_row_begin(&batch, table) != UINT32_MAX;
            if (whole)
                put(&batch, table, series, i + 1, i);
            if (whole && i % 50 == 49)
                whole = batch_row_revision(&batch, table, i);
        }
        assert_true(whole || bytes_max < 200000);
        end(&arena, &batch);
    }
}

static void test_rows_that_were_reserved_do_not_move(void **state)
{
    struct arena arena;
    struct batch batch;
    struct batch_table *table;
    const union cell *first;

    (void)state;
    begin(&arena, &batch);
    assert_int_equal(0, batch_series_index(&batch, BYTES("\1m"), BYTES("m")));
    table = batch_table_find(&batch, BYTES("m"), fields_ab, 2);
    put(&batch, table, 0, 1, 1);
    assert_true(batch_rows_reserve(&batch, table, 1000));
    assert_int_equal(table->row_capacity, 1001);
    assert_int_equal(table->columns[1][0].i64, 11);
    first = table->columns[0];
    for (uint32_t line = 2; line <= 1001; line++)
        put(&batch, table, 0, line, line);
    assert_ptr_equal(table->columns[0], first);
    put(&batch, table, 0, 1002, 1002);
    assert_ptr_not_equal(table->columns[0], first);
    assert_false(batch_rows_reserve(&batch, table, UINT32_MAX));
    end(&arena, &batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_series_stands_once_and_keeps_its_own_copy),
        cmocka_unit_test(test_rows_that_were_reserved_do_not_move),
        cmocka_unit_test(test_a_series_that_was_not_looked_for_is_found_later),
        cmocka_unit_test(test_tables_are_found_by_their_whole_shape),
        cmocka_unit_test(test_rows_keep_their_values_while_tables_grow),
        cmocka_unit_test(test_untimed_rows_of_a_series_get_consecutive_times),
        cmocka_unit_test(test_rejects_are_all_counted_and_the_first_kept),
        cmocka_unit_test(test_dropped_rows_are_rejected_and_the_others_stay),
        cmocka_unit_test(test_series_without_rows_go_and_the_others_keep_their_rows),
        cmocka_unit_test(test_memory_that_runs_out_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
