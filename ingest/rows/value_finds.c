/* One bit of each value, and no look at a row once all of them were found. */
#include "ingest/rows/value_finds.h"

#include <inttypes.h>

#include "codec/json_doc.h"
#include "codec/tree/rows.h"

enum { TOLD_MAX = 20 };

static bool is_found(const struct value_finds *finds, size_t value)
{
    return (finds->found[value / 64] >> (value % 64) & 1) != 0;
}

static uint32_t count_absent(const struct value_finds *finds, const struct source *source)
{
    uint32_t absent = 0;

    for (size_t i = 0; i < source->value_count; i++)
        absent += !is_found(finds, i);
    return absent;
}

void value_finds_look(struct value_finds *finds, const struct source *source,
                      const struct tree_row *row)
{
    bool first = finds->rows++ == 0;

    if (!first && finds->absent == 0)
        return;
    for (size_t i = 0; i < source->value_count; i++)
        if (row->slots[source->values[i].slot].kind != TREE_END)
            finds->found[i / 64] |= UINT64_C(1) << (i % 64);
    finds->absent = count_absent(finds, source);
}

void value_finds_add(struct value_finds *sum, const struct value_finds *more,
                     const struct source *source)
{
    if (more->rows == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(sum->found); i++)
        sum->found[i] |= more->found[i];
    sum->rows += more->rows;
    sum->absent = count_absent(sum, source);
}

static void put_one(const struct value_finds *finds, const struct source *source, size_t value,
                    struct buf *out)
{
    struct buf text = BUF_INIT(1 << 12);

    buf_printf(out, "{\"pointer\":\"/values/%zu/path\",\"detail\":", value);
    buf_printf(&text, "\"%.*s\" stood in none of %" PRIu64 " row%s",
               BYTES_ARG(source->values[value].path), finds->rows, finds->rows == 1 ? "" : "s");
    json_put_text(out, buf_bytes(&text));
    buf_put_char(out, '}');
    buf_release(&text);
}

void value_finds_put(const struct value_finds *finds, const struct source *source, struct buf *out)
{
    size_t told = 0;

    buf_put_char(out, '[');
    for (size_t i = 0; finds->absent > 0 && i < source->value_count && told < TOLD_MAX; i++) {
        if (is_found(finds, i))
            continue;
        buf_put_text(out, told++ > 0 ? "," : "");
        put_one(finds, source, i, out);
    }
    buf_put_char(out, ']');
}
