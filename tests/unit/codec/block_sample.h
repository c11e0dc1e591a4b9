/* Blocks for tests: made from a seed, and compared with what was read back. */
#ifndef WEIR_TESTS_BLOCK_SAMPLE_H
#define WEIR_TESTS_BLOCK_SAMPLE_H

#include "base/random.h"
#include "codec/block_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct sample_plan {
    const char *measurement;
    uint32_t series_count, series_rows; /* rows of each series */
    uint32_t columns_each;              /* of each type */
    uint32_t absent_one_in;             /* 0 = all cells are present */
    uint32_t record_rows;               /* rows of one ingest time */
    bool revision, repeated_times;
};

static inline void *sample_array(struct arena *arena, size_t size, size_t count)
{
    void *array = arena_array(arena, size, count);

    assert_non_null(array);
    memset(array, 0, size * count);
    return array;
}

static inline const struct text *sample_text(struct arena *arena, struct random *random)
{
    static const char *const words[] = {"", "ok", "wet", "dry and windy", "unknown state", "ok."};
    struct bytes word = bytes_of(words[random_below(random, COUNT_OF(words))]);
    struct text *text = sample_array(arena, sizeof(*text) + word.size, 1);

    text->size = (uint32_t)word.size;
    memcpy(text->data, word.data, word.size);
    return text;
}

static inline union cell sample_cell(struct arena *arena, struct random *random,
                                     enum value_type type, uint32_t row)
{
    switch (type) {
    case TYPE_F64:
        return (union cell){.f64 = (double)((int64_t)random_below(random, 4000) - 1000) / 100};
    case TYPE_I64:
        return (union cell){.i64 = (int64_t)random_below(random, 100) - 50};
    case TYPE_U64:
        return (union cell){.u64 = UINT64_MAX - row * 7 - random_below(random, 3)};
    case TYPE_BOOL:
        return (union cell){.u64 = random_below(random, 2)};
    case TYPE_STRING:
        return (union cell){.text = sample_text(arena, random)};
    case TYPE_RETRACTED:
    case TYPE_NONE:
        break;
    }
    return (union cell){.u64 = 0};
}

static inline void sample_column(struct arena *arena, struct random *random,
                                 const struct sample_plan *plan, uint32_t row_count,
                                 struct block_column *column)
{
    union cell *cells = sample_array(arena, sizeof(*cells), row_count);
    uint8_t *present = sample_array(arena, 1, row_count);

    for (uint32_t row = 0; row < row_count; row++) {
        present[row] = plan->absent_one_in == 0 || !random_chance(random, plan->absent_one_in);
        if (present[row])
            cells[row] = sample_cell(arena, random, column->type, row);
    }
    column->cells = cells;
    column->present = plan->absent_one_in == 0 ? NULL : present;
}

static inline struct block sample_block(struct arena *arena, struct random *random,
                                        const struct sample_plan *plan)
{
    uint32_t series_count = plan->series_count, row_count = series_count * plan->series_rows;
    uint32_t column_count = plan->columns_each * TYPE_RETRACTED;
    struct series_id *series = sample_array(arena, sizeof(*series), series_count);
    uint32_t *row_first = sample_array(arena, sizeof(*row_first), series_count + 1);
    int64_t *time = sample_array(arena, sizeof(*time), row_count);
    int64_t *ingest = sample_array(arena, sizeof(*ingest), row_count);
    int64_t *revision = sample_array(arena, sizeof(*revision), row_count);
    struct block_column *columns = sample_array(arena, sizeof(*columns), column_count);

    for (uint32_t i = 0; i < series_count; i++) {
        series[i] = (struct series_id){(uint64_t)(i + 1) << 40, random_next(random)};
        for (uint32_t row = 0; row < plan->series_rows; row++) {
            uint32_t at = i * plan->series_rows + row;

            time[at] =
                1700000000000000000 + (int64_t)(plan->repeated_times ? row / 2 : row) * 1000000000;
            ingest[at] = 1700000001000000001 + (int64_t)(row / plan->record_rows) * 10240000;
            revision[at] = row % 3 == 0 ? INT64_MIN : ingest[at] - row;
        }
        row_first[i + 1] = (i + 1) * plan->series_rows;
    }
    for (uint32_t i = 0; i < column_count; i++) {
        char *name = sample_array(arena, 16, 1);
        int size = snprintf(name, 16, "field%03u", i / 2); /* names with two types, too */

        columns[i].name = (struct bytes){name, (size_t)size};
        columns[i].type = (enum value_type)(i % TYPE_RETRACTED + 1);
        sample_column(arena, random, plan, row_count, &columns[i]);
    }
    return (struct block){bytes_of(plan->measurement),
                          row_count,
                          series_count,
                          series,
                          row_first,
                          time,
                          ingest,
                          plan->revision ? revision : NULL,
                          NULL,
                          columns,
                          column_count};
}

static inline void sample_column_same(const struct block_column *column, uint32_t row_count,
                                      const union cell *cells, const uint8_t *present)
{
    for (uint32_t row = 0; row < row_count; row++) {
        bool there = !column->present || column->present[row];

        if (there != (!present || present[row]))
            fail_msg("column %.*s row %u: presence is not what was written",
                     BYTES_ARG(column->name), row);
        if (!there)
            assert_int_equal(cells[row].u64, 0);
        else if (column->type == TYPE_STRING)
            assert_true(
                bytes_equal(text_bytes(column->cells[row].text), text_bytes(cells[row].text)));
        else if (column->cells[row].u64 != cells[row].u64)
            fail_msg("column %.*s row %u: %llx became %llx", BYTES_ARG(column->name), row,
                     (unsigned long long)column->cells[row].u64,
                     (unsigned long long)cells[row].u64);
    }
}

/* Fails the test unless `bytes` hold exactly `block`. */
static inline void sample_same(const struct block *block, struct bytes bytes,
                               struct block_decoder *decoder, struct arena *arena)
{
    struct block_view view;
    struct error err = {0};
    const int64_t *time = NULL, *ingest = NULL, *revision = NULL;
    const uint8_t *history = NULL;
    size_t size = block->row_count * sizeof(int64_t);

    if (block_open(bytes, arena, &view, &err) ||
        block_read_time(decoder, &view, arena, &time, &err) ||
        block_read_ingest(decoder, &view, arena, &ingest, &err) ||
        block_read_revision(decoder, &view, arena, &revision, &err) ||
        block_read_history(decoder, &view, arena, &history, &err) ||
        block_check(bytes, decoder, arena, &err))
        fail_msg("%s", err.text);
    assert_true(bytes_equal(view.measurement, block->measurement));
    assert_int_equal(view.row_count, block->row_count);
    assert_int_equal(view.series_count, block->series_count);
    assert_int_equal(view.column_count, block->column_count);
    assert_memory_equal(view.series, block->series, block->series_count * sizeof(struct series_id));
    assert_memory_equal(view.series_row_first, block->series_row_first,
                        (block->series_count + 1) * sizeof(uint32_t));
    assert_memory_equal(time, block->time, size);
    assert_memory_equal(ingest, block->ingest, size);
    assert_int_equal(view.has_revision, block->revision != NULL);
    assert_int_equal(revision != NULL, block->revision != NULL);
    if (revision)
        assert_memory_equal(revision, block->revision, size);
    assert_int_equal(view.has_history, block->history != NULL);
    if (block->history)
        assert_memory_equal(history, block->history, block->row_count);
    for (uint32_t i = 0; i < block->column_count; i++) {
        const union cell *cells;
        const uint8_t *present;

        assert_true(bytes_equal(view.columns[i].name, block->columns[i].name));
        assert_int_equal(view.columns[i].type, block->columns[i].type);
        if (block_read_column(decoder, &view, i, arena, &cells, &present, &err))
            fail_msg("%s", err.text);
        sample_column_same(&block->columns[i], block->row_count, cells, present);
    }
}

#endif
