/* A batch as text, for tests to compare: its rows in order of line,
 *   3: cpu,host=a idle=1.5 n=2i @1700000000000000000
 * then its rejects: "4! bad_number column 9: ...". */
#ifndef WEIR_TESTS_BATCH_TEXT_H
#define WEIR_TESTS_BATCH_TEXT_H

#include <inttypes.h>
#include <stdlib.h>

#include "base/number.h"
#include "codec/series_key.h"
#include "model/batch.h"

struct batch_text_row {
    const struct batch_table *table;
    uint32_t row;
};

static int batch_text_compare(const void *left, const void *right)
{
    const struct batch_text_row *a = left, *b = right;
    uint32_t line_a = a->table->line[a->row], line_b = b->table->line[b->row];

    return line_a < line_b ? -1 : line_a > line_b;
}

static inline void batch_text_cell(struct buf *out, enum value_type type, union cell cell)
{
    char text[NUMBER_TEXT_SIZE];

    switch (type) {
    case TYPE_F64:
        buf_put(out, (struct bytes){text, number_print_f64(cell.f64, text)});
        break;
    case TYPE_I64:
        buf_printf(out, "%" PRId64 "i", cell.i64);
        break;
    case TYPE_U64:
        buf_printf(out, "%" PRIu64 "u", cell.u64);
        break;
    case TYPE_BOOL:
        buf_put_text(out, cell.u64 == 0 ? "false" : "true");
        break;
    case TYPE_STRING:
        buf_put_char(out, '"');
        buf_put(out, text_bytes(cell.text));
        buf_put_char(out, '"');
        break;
    case TYPE_RETRACTED:
        buf_put_text(out, "null");
        break;
    case TYPE_NONE:
        buf_put_text(out, "none");
    }
}

static inline void batch_text(const struct batch *batch, struct buf *out)
{
    struct batch_text_row *rows = calloc(batch->row_count + 1, sizeof(*rows));
    size_t count = 0;

    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        for (uint32_t row = 0; row < table->row_count; row++)
            rows[count++] = (struct batch_text_row){table, row};
    qsort(rows, count, sizeof(*rows), batch_text_compare);
    for (size_t i = 0; i < count; i++) {
        const struct batch_table *table = rows[i].table;
        uint32_t row = rows[i].row;

        buf_printf(out, "%u: ", table->line[row]);
        series_key_print(batch->series[table->series[row]].key, out);
        for (uint32_t f = 0; f < table->field_count; f++) {
            buf_put_char(out, ' ');
            buf_put(out, table->fields[f].name);
            buf_put_char(out, '=');
            batch_text_cell(out, table->fields[f].type, table->columns[f][row]);
        }
        buf_printf(out, " @%" PRId64, table->time[row]);
        if (table->revision != NULL && table->revision[row] != INT64_MIN)
            buf_printf(out, " r%" PRId64, table->revision[row]);
        buf_put_char(out, '\n');
    }
    for (const struct batch_reject *reject = batch->rejects; reject; reject = reject->next)
        buf_printf(out, "%u! %s %.*s\n", reject->line, code_row(reject->code)->slug,
                   BYTES_ARG(reject->detail));
    free(rows);
}

#endif
