#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "model/batch.h"

enum { SERIES = 4, TIMES = 12, FIELDS = 4, LINES_MAX = 300 };

static const char names[] = "abcd";

/* What a cell should be at the end: the oracle. */
struct expected {
    struct {
        enum value_type type;
        int64_t value;
    } fields[FIELDS];
    uint32_t line;
    int64_t revision;
};

static void put_line(struct batch *batch, struct random *random, uint32_t line, unsigned mask,
                     struct expected expected[SERIES][TIMES])
{
    uint32_t series = (uint32_t)random_below(random, SERIES), row, count = 0;
    int64_t time = (int64_t)random_below(random, TIMES), revision = INT64_MIN;
    struct expected *place = &expected[series][time];
    struct batch_field fields[FIELDS];
    struct batch_table *table;

    for (unsigned f = 0; f < FIELDS; f++)
        if (mask >> f & 1) {
            fields[count].name = (struct bytes){&names[f], 1};
            fields[count++].type = random_chance(random, 3) ? TYPE_U64 : TYPE_I64;
        }
    table = batch_table_find(batch, BYTES("m"), fields, count);
    row = batch_row_begin(batch, table);
    for (uint32_t i = 0; i < count; i++) {
        int64_t value = (int64_t)random_below(random, 1000000);
        int f = fields[i].name.data[0] - 'a';

        table->columns[i][row].i64 = value;
        place->fields[f].type = fields[i].type;
        place->fields[f].value = value;
    }
    batch_row_done(batch, table, series, line, time);
    if (random_chance(random, 2)) {
        revision = (int64_t)random_below(random, 100);
        assert_true(batch_row_revision(batch, table, revision));
    }
    if (place->line == 0)
        place->revision = revision;
    else if (revision == INT64_MIN || place->revision == INT64_MIN)
        place->revision = INT64_MIN;
    else if (revision > place->revision)
        place->revision = revision;
    place->line = line;
}

static void compare_row(const struct batch_table *table, uint32_t row,
                        struct expected expected[SERIES][TIMES])
{
    struct expected *place = &expected[table->series[row]][table->time[row]];
    int64_t revision = table->revision == NULL ? INT64_MIN : table->revision[row];

    assert_int_equal(table->line[row], place->line);
    assert_int_equal(revision, place->revision);
    place->line = 0; /* seen */
    for (uint32_t i = 0; i < table->field_count; i++) {
        int f = table->fields[i].name.data[0] - 'a';

        assert_int_equal(table->fields[i].type, place->fields[f].type);
        assert_int_equal(table->columns[i][row].i64, place->fields[f].value);
        place->fields[f].type = TYPE_NONE;
    }
    for (int f = 0; f < FIELDS; f++)
        assert_int_equal(place->fields[f].type, TYPE_NONE);
}

/* Against an oracle that applies line after line to an array. */
static void test_the_later_line_wins_field_by_field(void **state)
{
    uint64_t seed = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 10) : 991;
    struct random random;

    (void)state;
    printf("seed %llu\n", (unsigned long long)seed);
    random_seed(&random, seed);
    for (int round = 0; round < 500; round++) {
        struct expected expected[SERIES][TIMES] = {0};
        uint32_t lines = 1 + (uint32_t)random_below(&random, LINES_MAX), rows = 0;
        struct error why = {0};
        struct arena arena;
        struct batch batch;

        arena_init(&arena, (size_t)1 << 26, NULL);
        batch_init(&batch, &arena, 0);
        for (char c = 0; c < SERIES; c++) {
            char key[] = {1, 'm', 1, 't', 1, (char)('a' + c)};

            (void)batch_series_index(&batch, (struct bytes){key, 6}, (struct bytes){key + 1, 1});
        }
        for (uint32_t line = 1; line <= lines; line++)
            put_line(&batch, &random, line,
                     round % 3 == 0 ? 5 : 1 + (unsigned)random_below(&random, 15), expected);
        assert_true(batch_resolve(&batch));
        if (!batch_check(&batch, &why))
            fail_msg("%s", why.text);
        for (const struct batch_table *table = batch.tables; table; table = table->next)
            for (uint32_t row = 0; row < table->row_count; row++, rows++)
                compare_row(table, row, expected);
        assert_int_equal(rows, batch.row_count);
        for (int i = 0; i < SERIES * TIMES; i++)
            assert_int_equal(expected[i / TIMES][i % TIMES].line, 0);
        assert_true(batch_resolve(&batch));
        assert_int_equal(rows, batch.row_count);
        batch_release(&batch);
        arena_release(&arena);
    }
}

static void test_memory_that_runs_out_is_told(void **state)
{
    struct batch_field field = {BYTES("a"), TYPE_I64};
    struct batch_table *table;
    struct arena arena;
    struct batch batch;

    (void)state;
    arena_init(&arena, 20000, NULL);
    batch_init(&batch, &arena, 0);
    (void)batch_series_index(&batch, BYTES("\1m"), BYTES("m"));
    table = batch_table_find(&batch, BYTES("m"), &field, 1);
    for (uint32_t line = 1; batch_row_begin(&batch, table) != UINT32_MAX; line++) {
        table->columns[0][table->row_count].i64 = line;
        batch_row_done(&batch, table, 0, line, 5);
    }
    assert_true(batch.unordered);
    arena.bytes_max = arena.used; /* and nothing more */
    arena.at = arena.end;
    assert_false(batch_resolve(&batch));
    batch_release(&batch);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_later_line_wins_field_by_field),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
