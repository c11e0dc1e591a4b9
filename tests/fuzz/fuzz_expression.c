/* Any text as an expression: the first line are numbers of fields, the second is the expression.
 * What parses is bounded, and evaluates to the same whether row by row or many rows at once. */
#include <assert.h>

#include "query/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_ROWS = EXPRESSION_ROWS + 9 };

/* A cell of a field out of a byte: reals, integers, nothing. */
static struct datum datum_of(uint8_t byte, uint32_t row)
{
    struct datum datum = {.type = TYPE_NONE};
    int8_t value = (int8_t)(byte + row);

    if (byte % 4 == 0)
        return datum;
    datum.type = byte % 4 == 1 ? TYPE_F64 : byte % 4 == 2 ? TYPE_I64 : TYPE_U64;
    if (datum.type == TYPE_F64)
        datum.cell.f64 = value / 4.0;
    else if (datum.type == TYPE_I64)
        datum.cell.i64 = value;
    else
        datum.cell.u64 = byte + row;
    return datum;
}

static void check(const struct expression *expression, struct bytes seed, struct arena *arena)
{
    uint32_t count = expression->name_count;
    union cell *cells = ARENA_ARRAY(arena, union cell, (size_t)count * FUZZ_ROWS);
    struct rows_column *columns = ARENA_ARRAY(arena, struct rows_column, count);
    struct datum *values = ARENA_ARRAY(arena, struct datum, count), alone;
    static union cell got[FUZZ_ROWS];
    static uint8_t present[FUZZ_ROWS];
    struct expression_stack stack;
    uint32_t column_count = 0;

    assert(cells && columns && values && expression_stack_init(&stack, expression->depth, arena));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = seed.size ? (uint8_t)seed.data[i % seed.size] : 1;
        union cell *of_field = cells + (size_t)i * FUZZ_ROWS;

        for (uint32_t row = 0; row < FUZZ_ROWS; row++)
            of_field[row] = datum_of(byte, row).cell;
        if (datum_of(byte, 0).type != TYPE_NONE)
            columns[column_count++] =
                (struct rows_column){i, datum_of(byte, 0).type, of_field, NULL};
    }
    expression_evaluate(expression, columns, column_count, 0, FUZZ_ROWS, &stack, got, present);
    for (uint32_t row = 0; row < FUZZ_ROWS; row += 13) {
        for (uint32_t i = 0; i < count; i++)
            values[i] = datum_of(seed.size ? (uint8_t)seed.data[i % seed.size] : 1, row);
        expression_evaluate_row(expression, values, &alone);
        assert((alone.type == TYPE_F64) == present[row]);
        assert(!present[row] || alone.cell.u64 == got[row].u64);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *newline = size ? memchr(text, '\n', size) : NULL;
    size_t first = newline ? (size_t)(newline - text) : 0;
    struct bytes seed = {size ? text : "", first};
    struct bytes rest = {size ? text + first + (newline != NULL) : "",
                         size - first - (newline != NULL)};
    struct expression expression;
    struct error err = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, 8 << 20, NULL);
    code = expression_parse(rest, &arena, &expression, &err);
    if (code) {
        assert(err.code == code && err.text[0]);
    } else {
        assert(expression.name_count > 0 && expression.step_count <= EXPRESSION_STEPS_MAX);
        check(&expression, seed, &arena);
    }
    arena_release(&arena);
    return 0;
}
