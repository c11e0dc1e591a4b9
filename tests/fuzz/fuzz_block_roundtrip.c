/* Any block that keeps the invariants comes back as it was, bit for bit, and passes its check.  The
 * input is a small program: a plan of rows and series, then for each column a type, a way to make
 * values, and bytes for them; when the input ends, zeros follow. */
#include "base/reader.h"
#include "codec/block_codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 8, TEXT_SIZE_MAX = 255 };

static void *room(struct arena *arena, size_t size)
{
    void *made = arena_zero(arena, size);

    if (!made)
        abort();
    return made;
}

/* What the next integers are made of. */
enum make { MAKE_SAME, MAKE_STEP, MAKE_BYTE, MAKE_WORD, MAKE_ANY, MAKE_REPEAT, MAKE_COUNT };

static uint64_t make_next(struct reader *input, enum make make, uint64_t value, uint64_t step)
{
    switch (make) {
    case MAKE_SAME:
        return value;
    case MAKE_STEP:
        return value + step;
    case MAKE_BYTE:
        return value + (uint64_t)(int64_t)(int8_t)reader_u8(input);
    case MAKE_WORD:
        return reader_u16(input);
    case MAKE_ANY:
        return reader_u64(input);
    case MAKE_REPEAT:
        return reader_left(input) > 0 && reader_u8(input) < 16 ? reader_u64(input) : value;
    case MAKE_COUNT:
        break;
    }
    abort();
}

static void make_column(struct reader *input, struct arena *arena, uint32_t row_count,
                        struct block_column *column)
{
    enum make make = (enum make)(reader_u8(input) % MAKE_COUNT);
    uint8_t absent = reader_u8(input);
    uint64_t value = reader_u64(input), step = reader_u64(input);
    double scale = (double[]){1, 10, 1e3, 1e6, 1e9, 1e15, 3, 1e-9}[reader_u8(input) % 8];
    union cell *cells = room(arena, row_count * sizeof(*cells));
    uint8_t *present = room(arena, row_count);

    for (uint32_t row = 0; row < row_count; row++) {
        present[row] = absent == 0 || reader_u8(input) >= absent;
        if (!present[row])
            continue;
        value = make_next(input, make, value, step);
        cells[row].u64 = value;
        if (column->type == TYPE_F64 && make < MAKE_ANY)
            cells[row].f64 = (double)(int64_t)value / scale;
        else if (column->type == TYPE_BOOL)
            cells[row].u64 = value & 1;
        else if (column->type == TYPE_RETRACTED)
            cells[row].u64 = 0;
        if (column->type == TYPE_STRING) {
            uint32_t size = (uint32_t)(value % (TEXT_SIZE_MAX + 1));
            struct text *text = room(arena, sizeof(*text) + size);

            text->size = size;
            memset(text->data, (int)(value >> 8 & 0xff), size);
            cells[row].text = text;
        }
    }
    column->cells = cells;
    column->present = absent == 0 ? NULL : present;
}

static void make_times(struct reader *input, struct arena *arena, struct block *block)
{
    int64_t *time = room(arena, block->row_count * sizeof(*time));
    int64_t *ingest = room(arena, block->row_count * sizeof(*ingest));
    int64_t *revision = room(arena, block->row_count * sizeof(*revision));
    enum make make = (enum make)(reader_u8(input) % MAKE_COUNT);
    enum make make_ingest = (enum make)(reader_u8(input) % MAKE_COUNT);
    uint8_t *history = room(arena, block->row_count);
    uint8_t with = reader_u8(input);
    bool revisions = with & 1;
    uint64_t step = reader_u64(input), known = reader_u64(input);

    for (uint32_t i = 0; i < block->series_count; i++) {
        uint64_t value = reader_u64(input);

        for (uint32_t row = block->series_row_first[i]; row < block->series_row_first[i + 1];
             row++) {
            uint64_t next = make_next(input, make, value, step);

            /* Times do not fall within a series. */
            if (row == block->series_row_first[i] || (int64_t)next >= (int64_t)value)
                value = next;
            time[row] = (int64_t)value;
            ingest[row] = (int64_t)(known = make_next(input, make_ingest, known, step));
            history[row] = (value & 4) != 0;
            revision[row] = revisions && (value & 3) == 0 ? INT64_MIN : (int64_t)(known - 5);
        }
    }
    block->time = time;
    block->ingest = ingest;
    block->revision = revisions ? revision : NULL;
    block->history = with & 2 ? history : NULL;
}

static struct block make_block(struct reader *input, struct arena *arena)
{
    uint32_t series_count = 1 + reader_u8(input), at = 0;
    uint32_t column_count = reader_u8(input) % (COLUMNS_MAX + 1);
    uint32_t *row_first = room(arena, (series_count + 1) * sizeof(*row_first));
    struct series_id *series = room(arena, series_count * sizeof(*series));
    struct block_column *columns = room(arena, COLUMNS_MAX * sizeof(*columns));
    struct block block = {.measurement = BYTES("m"),
                          .series_count = series_count,
                          .series = series,
                          .series_row_first = row_first,
                          .columns = columns,
                          .column_count = column_count};

    for (uint32_t i = 0; i < series_count; i++) {
        uint32_t rows = 1 + reader_u16(input) % (BLOCK_ROWS_MAX - at - (series_count - i - 1));

        series[i] = (struct series_id){i, (uint64_t)i << 56};
        row_first[i] = at;
        at += rows;
    }
    row_first[series_count] = at;
    block.row_count = at;
    make_times(input, arena, &block);
    for (uint32_t i = 0; i < column_count; i++) {
        static const char names[] = "abcdefgh";

        columns[i].name = (struct bytes){names + i, 1};
        columns[i].type = (enum value_type)(TYPE_F64 + reader_u8(input) % TYPE_RETRACTED);
        make_column(input, arena, at, &columns[i]);
    }
    return block;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void compare_column(const struct block_column *column, uint32_t row_count,
                           const union cell *cells, const uint8_t *present)
{
    for (uint32_t row = 0; row < row_count; row++) {
        bool there = !column->present || column->present[row];

        require(there == (!present || present[row]));
        if (there && column->type == TYPE_STRING)
            require(bytes_equal(text_bytes(cells[row].text), text_bytes(column->cells[row].text)));
        else
            require(cells[row].u64 == (there ? column->cells[row].u64 : 0));
    }
}

static void compare(const struct block *block, struct bytes bytes, struct block_decoder *decoder,
                    struct arena *arena)
{
    size_t times_size = block->row_count * sizeof(int64_t);
    const int64_t *time, *ingest, *revision;
    const uint8_t *history;
    struct block_view view;

    require(block_check(bytes, decoder, arena, NULL) == OK);
    require(block_open(bytes, arena, &view, NULL) == OK);
    require(view.row_count == block->row_count && view.series_count == block->series_count);
    require(memcmp(view.series_row_first, block->series_row_first,
                   (block->series_count + 1) * sizeof(uint32_t)) == 0);
    require(block_read_time(decoder, &view, arena, &time, NULL) == OK);
    require(memcmp(time, block->time, times_size) == 0);
    require(block_read_ingest(decoder, &view, arena, &ingest, NULL) == OK);
    require(memcmp(ingest, block->ingest, times_size) == 0);
    require(block_read_revision(decoder, &view, arena, &revision, NULL) == OK);
    require(revision ? memcmp(revision, block->revision, times_size) == 0 : !block->revision);
    require(block_read_history(decoder, &view, arena, &history, NULL) == OK);
    require(history ? memcmp(history, block->history, block->row_count) == 0 : !block->history);
    for (uint32_t i = 0; i < block->column_count; i++) {
        const union cell *cells;
        const uint8_t *present;

        require(block_read_column(decoder, &view, i, arena, &cells, &present, NULL) == OK);
        compare_column(&block->columns[i], block->row_count, cells, present);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct block_encoder *encoder;
    static struct block_decoder *decoder;
    struct reader input = reader_of((struct bytes){(const char *)data, size});
    struct buf out = BUF_INIT((size_t)64 << 20);
    struct block block;
    struct arena arena;

    if (!encoder && (block_encoder_new(&encoder, NULL) || block_decoder_new(&decoder, NULL)))
        abort();
    arena_init(&arena, (size_t)256 << 20, NULL);
    block = make_block(&input, &arena);
    require(block_encode(encoder, &block, &out, NULL) == OK);
    compare(&block, buf_bytes(&out), decoder, &arena);
    arena_release(&arena);
    buf_release(&out);
    return 0;
}
