#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/datum.h"
#include "query/table.h"

enum { COLUMNS = 3, ROWS = 1000 };

static void init(struct table *table, struct watch *watch, struct arena *arena, size_t bytes_max)
{
    *watch = (struct watch){.memory.bytes_max = bytes_max};
    arena_init(arena, bytes_max, &watch->memory);
    table_init(table, COLUMNS, arena, watch);
}

/* Values of every kind, different in each row; the text is the caller's to release. */
static struct text *make_row(uint32_t i, struct datum *values)
{
    char name[32];
    size_t size = (size_t)snprintf(name, sizeof(name), "row %u", i);
    struct text *text = malloc(sizeof(*text) + size);

    assert_non_null(text);
    text->size = (uint32_t)size;
    memcpy(text->data, name, size);
    values[0] = (struct datum){.type = TYPE_F64, .cell.f64 = i * 0.5};
    values[1] = (struct datum){.type = TYPE_STRING, .cell.text = text};
    if (i % 3 == 0)
        values[2] = (struct datum){
            .type = TYPE_I64, .is_wide = true, .integer = ((wide)i << 70) * (i % 2 ? -1 : 1) + i};
    else if (i % 3 == 1)
        values[2] = (struct datum){.type = TYPE_NONE};
    else
        values[2] = (struct datum){.type = TYPE_U64, .cell.u64 = UINT64_MAX - i};
    return text;
}

static void test_rows_come_back_as_they_were(void **state)
{
    struct table table;
    struct watch watch;
    struct arena arena;
    struct datum want[COLUMNS], got[COLUMNS];

    (void)state;
    init(&table, &watch, &arena, 16 << 20);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct text *text = make_row(i, want);

        assert_int_equal(table_put(&table, 5 + i / 300, (int64_t)i * 10, want, NULL), OK);
        memset(text->data, '?', text->size); /* it was copied */
        free(text);
    }
    assert_int_equal(table.row_count, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct text *text = make_row(i, want);

        assert_int_equal(table_time(&table, i), (int64_t)i * 10);
        table_values(&table, i, got);
        for (uint32_t c = 0; c < COLUMNS; c++)
            assert_true(datum_equal(&want[c], &got[c]));
        free(text);
    }
    assert_int_equal(table.group_count, 4);
    for (size_t g = 0; g < table.group_count; g++) {
        assert_int_equal(table.groups[g].group, 5 + g);
        assert_int_equal(table.groups[g].row_first, 300 * g);
        assert_int_equal(table.groups[g].row_end, g == 3 ? ROWS : 300 * (g + 1));
    }
    arena_release(&arena);
    assert_int_equal(budget_used(&watch.memory), 0);
}

static void test_memory_ends_with_a_code(void **state)
{
    struct table table;
    struct watch watch;
    struct arena arena;
    struct datum values[COLUMNS];
    struct limits limits = {0};
    struct error err = {0};
    enum code code = OK;

    (void)state;
    init(&table, &watch, &arena, 256 << 10);
    watch.limits = &limits;
    for (uint32_t i = 0; !code; i++) {
        struct text *text = make_row(i, values);

        code = table_put(&table, 0, i, values, &err);
        free(text);
        assert_true(i < 100000);
    }
    assert_int_equal(code, E_QUERY_MEMORY);
    assert_non_null(strstr(err.text, "query_memory_bytes_max"));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back_as_they_were),
        cmocka_unit_test(test_memory_ends_with_a_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
