/* Encoding puts the sections into the encoder's own buffer first, since the header that stands
 * before them names their sizes and checksums; then header and sections go out.  Nothing depends on
 * what the encoder did before: the same block gives the same bytes. */
#include "codec/block_codec.h"

#include "base/failpoint.h"
#include "base/hash.h"
#include "codec/block_header.h"
#include "codec/column_summary.h"
#include "codec/packed.h"

#include <assert.h>
#include <stdlib.h>

struct block_encoder {
    struct column_encoder column;
    struct block_section *sections; /* of the columns; owned */
    size_t section_capacity;
};

struct block_decoder {
    struct column_decoder column;
};

enum code block_encoder_new(struct block_encoder **encoder, struct error *err)
{
    struct block_encoder *made = calloc(1, sizeof(*made));
    enum code code;

    *encoder = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a block encoder");
    made->column.out = BUF_INIT(COLUMN_SECTIONS_BYTES_MAX);
    made->column.text = BUF_INIT(COLUMN_TEXT_BYTES_MAX);
    planes_encoder_init(&made->column);
    code = packed_encoder_init(&made->column, err);
    if (code) {
        block_encoder_free(made);
        return code;
    }
    *encoder = made;
    return OK;
}

void block_encoder_free(struct block_encoder *encoder)
{
    if (!encoder)
        return;
    packed_encoder_release(&encoder->column);
    buf_release(&encoder->column.out);
    buf_release(&encoder->column.text);
    free(encoder->sections);
    free(encoder);
}

enum code block_decoder_new(struct block_decoder **decoder, struct error *err)
{
    struct block_decoder *made = calloc(1, sizeof(*made));
    enum code code;

    *decoder = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a block decoder");
    code = packed_decoder_init(&made->column, err);
    if (code) {
        block_decoder_free(made);
        return code;
    }
    *decoder = made;
    return OK;
}

void block_decoder_free(struct block_decoder *decoder)
{
    if (!decoder)
        return;
    packed_decoder_release(&decoder->column);
    free(decoder);
}

static void block_assert(const struct block *block)
{
    assert(block->row_count > 0 && block->row_count <= BLOCK_ROWS_MAX);
    assert(block->series_count > 0);
    assert(block->series_row_first[0] == 0);
    assert(block->series_row_first[block->series_count] == block->row_count);
    for (uint32_t i = 0; i < block->series_count; i++) {
        assert(block->series_row_first[i] < block->series_row_first[i + 1]);
        assert(i == 0 || series_id_compare(block->series[i - 1], block->series[i]) < 0);
    }
    for (uint32_t i = 1; i < block->column_count; i++) {
        const struct block_column *a = &block->columns[i - 1], *b = &block->columns[i];
        int order = bytes_compare(a->name, b->name);

        assert(order < 0 || (order == 0 && a->type < b->type));
    }
}

static void bounds_of(const int64_t *times, size_t count, int64_t *first, int64_t *last)
{
    *first = *last = times[0];
    for (size_t i = 1; i < count; i++) {
        *first = times[i] < *first ? times[i] : *first;
        *last = times[i] > *last ? times[i] : *last;
    }
}

static bool times_unique(const struct block *block)
{
    for (uint32_t i = 0; i < block->series_count; i++) {
        for (uint32_t row = block->series_row_first[i] + 1; row < block->series_row_first[i + 1];
             row++) {
            if (block->time[row] == block->time[row - 1])
                return false;
        }
    }
    return true;
}

/* Appends the section of one column; its data pointer is set later, when the buffer is still. */
static void column_encode(struct column_encoder *encoder, const struct block_column *column,
                          uint32_t row_count, struct block_section *section)
{
    const union cell *cells = column->cells;
    const uint16_t *rows = NULL;
    size_t start = encoder->out.size, count = row_count;

    *section = (struct block_section){.name = column->name, .type = column->type};
    if (column->present) {
        count = 0;
        for (uint32_t row = 0; row < row_count; row++) {
            encoder->cells[count] = column->cells[row];
            encoder->cell_rows[count] = (uint16_t)row;
            count += column->present[row];
        }
        cells = encoder->cells;
        rows = encoder->cell_rows;
    }
    if (count < row_count) {
        section->presence = PRESENCE_BITS;
        bits_encode(encoder, column->present, row_count);
    }
    column_summary_make(column->type, cells, rows, count, &section->summary);
    switch (column->type) {
    case TYPE_F64:
        section->encoding = column_f64_encode(encoder, cells, count);
        break;
    case TYPE_I64:
    case TYPE_U64:
        section->encoding = column_integer_encode(encoder, cells, count);
        break;
    case TYPE_BOOL:
        section->encoding = column_bool_encode(encoder, cells, count);
        break;
    case TYPE_STRING:
        section->encoding = column_string_encode(encoder, cells, count);
        break;
    case TYPE_RETRACTED:
        break;
    case TYPE_NONE:
        assert(column->type != TYPE_NONE);
    }
    section->data.size = encoder->out.size - start;
}

static enum code sections_reserve(struct block_encoder *encoder, size_t count, struct error *err)
{
    struct block_section *sections;

    if (count <= encoder->section_capacity)
        return OK;
    sections = realloc(encoder->sections, count * sizeof(*sections));
    if (!sections)
        return error_set(err, E_MEMORY, "no memory for %zu columns", count);
    encoder->sections = sections;
    encoder->section_capacity = count;
    return OK;
}

static void section_settle(struct block_section *section, const char **at)
{
    section->data.data = *at;
    section->crc = crc32c(0, section->data);
    *at += section->data.size;
}

/* The sections of the rows' times, first in the buffer, and what the header says of them. */
static void times_encode(struct column_encoder *column, const struct block *block,
                         struct block_view *view)
{
    size_t start;

    view->times_unique = times_unique(block);
    bounds_of(block->time, block->row_count, &view->time_first, &view->time_last);
    bounds_of(block->ingest, block->row_count, &view->ingest_first, &view->ingest_last);
    buf_clear(&column->out);
    column_time_encode(column, block);
    view->time.data.size = column->out.size;
    column_ingest_encode(column, block->ingest, block->row_count);
    view->ingest.data.size = column->out.size - view->time.data.size;
    start = column->out.size;
    if (block->revision)
        column_revision_encode(column, block->revision, block->row_count);
    view->revision.data.size = column->out.size - start;
    start = column->out.size;
    if (block->history)
        bits_encode(column, block->history, block->row_count);
    view->history.data.size = column->out.size - start;
}

enum code block_encode(struct block_encoder *encoder, const struct block *block, struct buf *out,
                       struct error *err)
{
    struct column_encoder *column = &encoder->column;
    struct block_view view = {
        .measurement = block->measurement,
        .row_count = block->row_count,
        .series_count = block->series_count,
        .column_count = block->column_count,
        .series = block->series,
        .series_row_first = block->series_row_first,
        .has_revision = block->revision != NULL,
        .has_history = block->history != NULL,
    };
    const char *at;
    enum code code;

    block_assert(block);
    buf_clear(&column->text); /* it may remember an earlier block that was too large */
    code = sections_reserve(encoder, block->column_count, err);
    if (code)
        return code;
    view.columns = encoder->sections;
    times_encode(column, block, &view);
    for (uint32_t i = 0; i < block->column_count; i++) {
        column_encode(column, &block->columns[i], block->row_count, &encoder->sections[i]);
        code = buf_finish(&column->text, err);
        if (code)
            return code;
    }
    code = buf_finish(&column->out, err);
    if (code)
        return code;
    at = column->out.data;
    section_settle(&view.time, &at);
    section_settle(&view.ingest, &at);
    section_settle(&view.revision, &at);
    section_settle(&view.history, &at);
    for (uint32_t i = 0; i < block->column_count; i++)
        section_settle(&encoder->sections[i], &at);
    block_header_put(&view, out);
    buf_put(out, buf_bytes(&column->out));
    return buf_finish(out, err);
}

enum code block_open(struct bytes bytes, struct arena *arena, struct block_view *view,
                     struct error *err)
{
    return block_header_read(bytes, bytes.size, arena, view, err);
}

enum code block_open_header(struct bytes header, size_t size, struct arena *arena,
                            struct block_view *view, struct error *err)
{
    return block_header_read(header, size, arena, view, err);
}

bool block_section_whole(const struct block_section *section, struct bytes bytes)
{
    return bytes.size == section->data.size && crc32c(0, bytes) == section->crc;
}

static enum code section_begin(const struct block_section *section, struct reader *reader,
                               struct error *err)
{
    if (!block_section_whole(section, section->data) && !sabotage("no_crc"))
        return error_set(err, E_CORRUPT, "%zu bytes fail their CRC", section->data.size);
    *reader = reader_of(section->data);
    return OK;
}

static enum code section_end(const struct reader *reader, struct error *err)
{
    if (reader_left(reader) != 0)
        return error_set(err, E_CORRUPT, "%zu bytes too many", reader_left(reader));
    return OK;
}

static int64_t *times_new(const struct block_view *view, struct arena *arena, struct error *err)
{
    int64_t *times = ARENA_ARRAY(arena, int64_t, view->row_count);

    if (!times)
        error_set(err, E_MEMORY, "no memory for %u times", view->row_count);
    return times;
}

enum code block_read_time(struct block_decoder *decoder, const struct block_view *view,
                          struct arena *arena, const int64_t **time, struct error *err)
{
    struct reader reader;
    int64_t *times = times_new(view, arena, err);
    enum code code;

    if (!times)
        return E_MEMORY;
    code = section_begin(&view->time, &reader, err);
    if (code == OK)
        code = column_time_decode(&decoder->column, &reader, view->series_row_first,
                                  view->series_count, times, err);
    if (code == OK)
        code = section_end(&reader, err);
    if (code) {
        error_context(err, "times");
        return code;
    }
    *time = times;
    return OK;
}

bool block_time_step(const struct block_view *view, struct bytes section, int64_t *step)
{
    uint64_t span = (uint64_t)view->time_last - (uint64_t)view->time_first, product;
    struct reader reader = reader_of(section);
    int64_t first;

    return view->series_count == 1 && block_section_whole(&view->time, section) &&
           column_time_step(&reader, view->row_count, &first, step) && reader_left(&reader) == 0 &&
           first == view->time_first && *step >= 0 &&
           !__builtin_mul_overflow((uint64_t)*step, (uint64_t)view->row_count - 1, &product) &&
           product == span;
}

enum code block_read_ingest(struct block_decoder *decoder, const struct block_view *view,
                            struct arena *arena, const int64_t **ingest, struct error *err)
{
    struct reader reader;
    int64_t *times = times_new(view, arena, err);
    enum code code;

    if (!times)
        return E_MEMORY;
    code = section_begin(&view->ingest, &reader, err);
    if (code == OK && view->ingest_first == view->ingest_last) {
        for (uint32_t row = 0; row < view->row_count; row++)
            times[row] = view->ingest_first;
    } else if (code == OK) {
        code = column_ingest_decode(&decoder->column, &reader, view->ingest_first, times,
                                    view->row_count, err);
    }
    if (code == OK)
        code = section_end(&reader, err);
    if (code) {
        error_context(err, "ingest times");
        return code;
    }
    *ingest = times;
    return OK;
}

enum code block_read_revision(struct block_decoder *decoder, const struct block_view *view,
                              struct arena *arena, const int64_t **revision, struct error *err)
{
    struct reader reader;
    int64_t *times;
    enum code code;

    *revision = NULL;
    if (!view->has_revision)
        return OK;
    times = times_new(view, arena, err);
    if (!times)
        return E_MEMORY;
    code = section_begin(&view->revision, &reader, err);
    if (code == OK)
        code = column_revision_decode(&decoder->column, &reader, times, view->row_count, err);
    if (code == OK)
        code = section_end(&reader, err);
    if (code) {
        error_context(err, "revision times");
        return code;
    }
    *revision = times;
    return OK;
}

enum code block_read_history(struct block_decoder *decoder, const struct block_view *view,
                             struct arena *arena, const uint8_t **history, struct error *err)
{
    struct reader reader;
    uint8_t *flags;
    enum code code;

    *history = NULL;
    if (!view->has_history)
        return OK;
    flags = arena_alloc(arena, view->row_count);
    if (!flags)
        return error_set(err, E_MEMORY, "no memory for %u flags", view->row_count);
    code = section_begin(&view->history, &reader, err);
    if (code == OK)
        code = bits_decode(&decoder->column, &reader, flags, view->row_count, err);
    if (code == OK)
        code = section_end(&reader, err);
    if (code) {
        error_context(err, "history flags");
        return code;
    }
    *history = flags;
    return OK;
}

/* *present stays NULL when all are. */
static enum code presence_read(struct column_decoder *decoder, const struct block_section *section,
                               uint32_t row_count, struct reader *reader, struct arena *arena,
                               const uint8_t **present, struct error *err)
{
    uint8_t *flags;
    uint32_t valid_count = 0;
    enum code code;

    *present = NULL;
    if (section->presence == PRESENCE_ALL)
        return OK;
    flags = arena_alloc(arena, row_count);
    if (!flags)
        return error_set(err, E_MEMORY, "no memory for %u flags", row_count);
    code = bits_decode(decoder, reader, flags, row_count, err);
    if (code)
        return code;
    for (uint32_t row = 0; row < row_count; row++)
        valid_count += flags[row];
    if (valid_count != section->summary.valid_count)
        return error_set(err, E_CORRUPT, "%u cells are present, the summary says %u", valid_count,
                         section->summary.valid_count);
    *present = flags;
    return OK;
}

static enum code cells_read(struct column_decoder *decoder, const struct block_section *section,
                            struct reader *reader, struct arena *arena, union cell *cells,
                            struct error *err)
{
    size_t count = section->summary.valid_count;

    switch (section->type) {
    case TYPE_F64:
        return column_f64_decode(decoder, section->encoding, reader, cells, count, err);
    case TYPE_I64:
    case TYPE_U64:
        return column_integer_decode(decoder, section->encoding, reader, cells, count, err);
    case TYPE_BOOL:
        return column_bool_decode(decoder, section->encoding, reader, cells, count, err);
    case TYPE_STRING:
        return column_string_decode(decoder, section->encoding, reader, arena, cells, count, err);
    case TYPE_RETRACTED:
        memset(cells, 0, count * sizeof(*cells));
        return OK;
    case TYPE_NONE:
        break;
    }
    return error_set(err, E_CORRUPT, "type %u is unknown", (unsigned)section->type);
}

/* The first `count` cells to their rows, from the last on, so that none is overwritten before it
 * moved. */
static void cells_spread(union cell *cells, size_t count, const uint8_t *present,
                         uint32_t row_count)
{
    for (uint32_t row = row_count; row-- > 0;) {
        if (present[row])
            cells[row] = cells[--count];
        else
            cells[row] = (union cell){.u64 = 0};
    }
    assert(count == 0);
}

enum code block_read_column(struct block_decoder *decoder, const struct block_view *view,
                            uint32_t column, struct arena *arena, const union cell **cells,
                            const uint8_t **present, struct error *err)
{
    const struct block_section *section = &view->columns[column];
    union cell *made = ARENA_ARRAY(arena, union cell, view->row_count);
    struct reader reader;
    enum code code;

    assert(column < view->column_count);
    if (!made)
        return error_set(err, E_MEMORY, "no memory for %u cells", view->row_count);
    code = section_begin(section, &reader, err);
    if (code == OK)
        code =
            presence_read(&decoder->column, section, view->row_count, &reader, arena, present, err);
    if (code == OK)
        code = cells_read(&decoder->column, section, &reader, arena, made, err);
    if (code == OK)
        code = section_end(&reader, err);
    if (code) {
        error_context(err, "column %.*s (%s)", BYTES_ARG(section->name),
                      value_type_name(section->type));
        return code;
    }
    if (*present)
        cells_spread(made, section->summary.valid_count, *present, view->row_count);
    *cells = made;
    return OK;
}
