/* The first rows are held until they are enough to judge widths by; then all are printed as they
 * come, so that a long answer begins at once and needs no memory. */
#include "server/table.h"

#include <stdlib.h>

#include "base/number.h"
#include "base/printable.h"

enum {
    COLUMNS_MAX = 70000,
    SAMPLE_ROWS = 200,
    SAMPLE_BYTES = 256 << 10,
    ROW_BYTES_MAX = 256 << 20,
    WIDTH_MAX = 60, /* one long text does not push the rest out of sight */
};

struct column {
    size_t width;
    bool number; /* all that came was, or null */
};

struct table {
    enum code (*take)(void *context, struct bytes piece, struct error *err);
    void *context;
    struct column *columns; /* owned */
    size_t column_count;
    uint64_t rows;     /* with the head */
    struct buf sample; /* rows as spans of cells, until `printing` */
    bool printing;
    /* The row at hand: cells as spans. */
    struct buf row, cell, line;
    size_t cells;
    bool quoted, quote_before, was_quoted;
};

enum code table_new(enum code (*take)(void *context, struct bytes piece, struct error *err),
                    void *context, struct table **table, struct error *err)
{
    struct table *made = calloc(1, sizeof(*made));

    *table = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a table");
    made->take = take;
    made->context = context;
    made->sample = BUF_INIT(SAMPLE_BYTES + (size_t)ROW_BYTES_MAX);
    made->row = BUF_INIT(ROW_BYTES_MAX);
    made->cell = BUF_INIT(ROW_BYTES_MAX);
    made->line = BUF_INIT(2 * (size_t)ROW_BYTES_MAX);
    *table = made;
    return OK;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    buf_release(&table->sample);
    buf_release(&table->row);
    buf_release(&table->cell);
    buf_release(&table->line);
    free(table->columns);
    free(table);
}

/* --- printing --- */

static size_t width_of(struct bytes cell)
{
    size_t width = 0;

    while (cell.size > 0) {
        size_t size = printable_size(cell);

        cell = bytes_slice(cell, size ? size : 1, cell.size);
        width++;
    }
    return width;
}

static void put_spaces(struct buf *line, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put_char(line, ' ');
}

static void put_cell(struct buf *line, struct bytes cell, const struct column *column, bool last)
{
    size_t width = width_of(cell), pad = width < column->width ? column->width - width : 0;

    if (column->number)
        put_spaces(line, pad);
    while (cell.size > 0) {
        size_t size = printable_size(cell);

        if (size > 0)
            buf_put(line, bytes_slice(cell, 0, size));
        else
            buf_put_char(line, '?');
        cell = bytes_slice(cell, size ? size : 1, cell.size);
    }
    if (!column->number && !last)
        put_spaces(line, pad);
    if (!last)
        buf_put_text(line, "  ");
}

/* The next cell of a row: its size, then its text. */
static struct bytes next_cell(struct bytes *row)
{
    uint32_t size;
    struct bytes cell;

    memcpy(&size, row->data, sizeof(size));
    cell = bytes_slice(*row, sizeof(size), sizeof(size) + size);
    *row = bytes_slice(*row, sizeof(size) + size, row->size);
    return cell;
}

static enum code print_rows(struct table *table, struct bytes rows, struct error *err)
{
    enum code code;

    buf_clear(&table->line);
    while (rows.size > 0) {
        for (size_t i = 0; i < table->column_count; i++)
            put_cell(&table->line, next_cell(&rows), &table->columns[i],
                     i + 1 == table->column_count);
        while (table->line.size > 0 && table->line.data[table->line.size - 1] == ' ')
            table->line.size--;
        buf_put_char(&table->line, '\n');
    }
    code = buf_finish(&table->line, err);
    return code ? code : table->take(table->context, buf_bytes(&table->line), err);
}

/* --- judging --- */

static bool is_number(struct bytes cell)
{
    double value;

    return number_parse_f64(cell, &value) == OK;
}

static enum code columns_make(struct table *table, struct error *err)
{
    table->column_count = table->cells;
    table->columns = calloc(table->column_count, sizeof(*table->columns));
    if (!table->columns)
        return error_set(err, E_MEMORY, "no memory for a table");
    for (size_t i = 0; i < table->column_count; i++)
        table->columns[i].number = true;
    return OK;
}

static void judge(struct table *table, struct bytes row)
{
    for (size_t i = 0; i < table->column_count; i++) {
        struct bytes cell = next_cell(&row);
        size_t width = width_of(cell);

        if (width > WIDTH_MAX)
            width = WIDTH_MAX;
        if (width > table->columns[i].width)
            table->columns[i].width = width;
        if (table->rows > 0 && cell.size > 0 && !is_number(cell))
            table->columns[i].number = false;
    }
}

/* --- CSV --- */

static enum code end_row(struct table *table, struct error *err)
{
    enum code code = buf_finish(&table->row, err);

    if (!code && table->rows == 0)
        code = columns_make(table, err);
    if (!code && table->cells != table->column_count)
        code = error_set(err, E_SYNTAX, "row %llu has %zu columns, the head %zu",
                         (unsigned long long)table->rows, table->cells, table->column_count);
    if (code)
        return code;
    if (table->printing) {
        code = print_rows(table, buf_bytes(&table->row), err);
    } else {
        judge(table, buf_bytes(&table->row));
        buf_put(&table->sample, buf_bytes(&table->row));
        code = buf_finish(&table->sample, err);
    }
    table->rows++;
    table->cells = 0;
    buf_clear(&table->row);
    if (!code && !table->printing &&
        (table->rows > SAMPLE_ROWS || table->sample.size > SAMPLE_BYTES)) {
        code = print_rows(table, buf_bytes(&table->sample), err);
        table->printing = true;
    }
    return code;
}

static void end_cell(struct table *table)
{
    struct bytes cell = buf_bytes(&table->cell);

    if (table->was_quoted && cell.size == 0)
        cell = BYTES("\"\""); /* the empty text is not null */
    buf_put_u32(&table->row, (uint32_t)cell.size);
    buf_put(&table->row, cell);
    buf_clear(&table->cell);
    table->cells++;
    table->was_quoted = table->quote_before = false;
}

static enum code take_char(struct table *table, char c, struct error *err)
{
    if (table->quoted) {
        if (c == '"') {
            table->quoted = false;
            table->quote_before = true;
        } else {
            buf_put_char(&table->cell, c);
        }
        return OK;
    }
    if (c == '"') {
        if (table->quote_before) /* "" is one quote */
            buf_put_char(&table->cell, '"');
        table->quoted = table->was_quoted = true;
        table->quote_before = false;
        return OK;
    }
    table->quote_before = false;
    if (c != ',' && c != '\n') {
        if (c != '\r')
            buf_put_char(&table->cell, c);
        return OK;
    }
    end_cell(table);
    if (table->cells > COLUMNS_MAX)
        return error_set(err, E_SYNTAX, "more than %d columns", COLUMNS_MAX);
    return c == '\n' ? end_row(table, err) : OK;
}

enum code table_take(void *context, struct bytes piece, struct error *err)
{
    struct table *table = context;
    enum code code = OK;

    for (size_t i = 0; i < piece.size && !code; i++)
        code = take_char(table, piece.data[i], err);
    return code;
}

enum code table_finish(struct table *table, struct error *err)
{
    if (table->printing || table->rows == 0)
        return OK;
    return print_rows(table, buf_bytes(&table->sample), err);
}

uint64_t table_rows(const struct table *table)
{
    return table->rows > 0 ? table->rows - 1 : 0;
}
