/* Rows as they are. */
#include "query/answer.h"

/* The values of a row; false when it has none. */
static bool fill(struct answer *answer, const struct run *rows, uint32_t row)
{
    bool any = false;

    for (uint32_t i = 0; i < answer->plan.column_count; i++)
        answer->values[i].type = TYPE_NONE;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct rows_column *column = &rows->columns[i];

        if (column->type == TYPE_RETRACTED || (column->present && !column->present[row]))
            continue;
        answer->values[column->field].type = column->type;
        answer->values[column->field].cell = column->cells[row];
        any = true;
    }
    return any;
}

static enum code emit_run(struct answer *answer, size_t group, const struct run *rows,
                          struct error *err)
{
    for (uint32_t i = rows->first; i < rows->end && !answer->more; i++) {
        uint32_t row = rows->reversed ? rows->end - 1 - (i - rows->first) : i;
        struct result_row out = {.time = rows->time[row], .values = answer->values};
        enum code code;

        if (!fill(answer, rows, row))
            continue;
        code = answer_emit(answer, group, &out, err);
        if (!code && answer->more)
            code = answer_full(answer, out.time, err);
        if (code)
            return code;
    }
    return OK;
}

static enum code rows_series(struct answer *answer, size_t group, struct error *err)
{
    struct run rows;
    enum code code = OK;

    while (!code && !answer->more) {
        code = answer_next(answer, &rows, err);
        if (!code)
            code = emit_run(answer, group, &rows, err);
    }
    return code == E_END ? OK : code;
}

const struct answer_way way_rows = {.series = rows_series};
