/* batch_check(): every invariant of batch.h, in words when one is broken. */
#include "model/batch.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define BROKEN(...) (error_set(why, E_CORRUPT, __VA_ARGS__), false)

static bool cell_check(const struct batch_field *field, union cell cell, struct error *why)
{
    switch (field->type) {
    case TYPE_F64:
        return isfinite(cell.f64) || BROKEN("field %.*s is not finite", BYTES_ARG(field->name));
    case TYPE_I64:
    case TYPE_U64:
        return true;
    case TYPE_BOOL:
        return cell.u64 <= 1 ||
               BROKEN("field %.*s: bool %" PRIu64, BYTES_ARG(field->name), cell.u64);
    case TYPE_STRING:
        return cell.text != NULL || BROKEN("field %.*s has no text", BYTES_ARG(field->name));
    case TYPE_RETRACTED:
        return cell.u64 == 0 || BROKEN("field %.*s: retracted, not 0", BYTES_ARG(field->name));
    case TYPE_NONE:
        break;
    }
    return BROKEN("field %.*s has type %d", BYTES_ARG(field->name), (int)field->type);
}

static bool shape_check(const struct batch_table *table, struct error *why)
{
    if (table->measurement.size == 0)
        return BROKEN("a table without measurement");
    if (table->field_count == 0)
        return BROKEN("a table of %.*s without fields", BYTES_ARG(table->measurement));
    if (table->row_count > table->row_capacity)
        return BROKEN("%u rows in room for %u", table->row_count, table->row_capacity);
    for (uint32_t i = 0; i < table->field_count; i++) {
        if (table->fields[i].name.size == 0)
            return BROKEN("field %u of %.*s has no name", i, BYTES_ARG(table->measurement));
        if (i > 0 && bytes_compare(table->fields[i - 1].name, table->fields[i].name) >= 0)
            return BROKEN("field %.*s does not follow %.*s", BYTES_ARG(table->fields[i].name),
                          BYTES_ARG(table->fields[i - 1].name));
    }
    return true;
}

static bool rows_check(const struct batch *batch, const struct batch_table *table,
                       struct error *why)
{
    for (uint32_t row = 0; row < table->row_count; row++) {
        uint32_t series = table->series[row];

        if (series >= batch->series_count)
            return BROKEN("row %u: series %u of %u", row, series, batch->series_count);
        if (!bytes_equal(batch->series[series].measurement, table->measurement))
            return BROKEN("row %u: a series of %.*s in a table of %.*s", row,
                          BYTES_ARG(batch->series[series].measurement),
                          BYTES_ARG(table->measurement));
        if (table->time[row] == INT64_MAX || table->time[row] < INT64_MIN + 2)
            return BROKEN("row %u: time %" PRId64, row, table->time[row]);
        if (table->line != NULL && table->line[row] == 0)
            return BROKEN("row %u has no line", row);
        for (uint32_t i = 0; i < table->field_count; i++)
            if (!cell_check(&table->fields[i], table->columns[i][row], why))
                return false;
    }
    return true;
}

struct series_last {
    const struct batch_table *table;
    int64_t time;
};

/* Within a table, which is in order of line as long as nothing was merged. */
static bool order_check(const struct batch *batch, struct error *why)
{
    struct series_last *last = calloc(batch->series_count + (size_t)1, sizeof(*last));
    bool good = last != NULL || BROKEN("no memory for the check");

    for (const struct batch_table *table = batch->tables; good && table; table = table->next)
        for (uint32_t row = 0; good && row < table->row_count; row++) {
            struct series_last *of = &last[table->series[row]];

            if (of->table == table && of->time >= table->time[row])
                good = BROKEN("series %u goes back in row %u", table->series[row], row);
            *of = (struct series_last){table, table->time[row]};
        }
    free(last);
    return good;
}

/* No two have one key, also where the batch did not look yet.  One that was read back and is known
 * by its id has none. */
static bool series_check(const struct batch *batch, struct error *why)
{
    struct map by_key = MAP_INIT;
    bool good = true;

    if (batch->series_count > batch->series_capacity)
        return BROKEN("%u series in room for %u", batch->series_count, batch->series_capacity);
    for (uint32_t i = 0; good && i < batch->series_count; i++) {
        const struct batch_series *series = &batch->series[i];
        void *number = (void *)((uintptr_t)i + 1);

        if (batch->series_by_key.count > 0 && map_get(&batch->series_by_key, series->key) != number)
            good = BROKEN("series %u is not found by its key", i);
        else if (series->key.size > 0 && map_get(&by_key, series->key) != NULL)
            good = BROKEN("series %u has the key of another", i);
        else if (series->series != NULL && series_id_compare(series->id, series->series->id) != 0)
            good = BROKEN("series %u has another id than what it resolved to", i);
        else if (series->key.size > 0 && !map_put(&by_key, series->key, number))
            good = BROKEN("no memory for the check");
    }
    map_release(&by_key);
    return good;
}

static bool rejects_check(const struct batch *batch, struct error *why)
{
    uint64_t count = 0;

    for (const struct batch_reject *reject = batch->rejects; reject != NULL;
         reject = reject->next) {
        count++;
        if (reject->code == OK)
            return BROKEN("line %u is rejected with OK", reject->line);
    }
    if (count > batch->rejects_kept_max || count > batch->reject_count)
        return BROKEN("%" PRIu64 " rejects kept of %" PRIu64, count, batch->reject_count);
    return true;
}

bool batch_check(const struct batch *batch, struct error *why)
{
    uint64_t row_count = 0, value_count = 0;

    if (!series_check(batch, why) || !rejects_check(batch, why))
        return false;
    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next) {
        if (!shape_check(table, why) || !rows_check(batch, table, why))
            return false;
        row_count += table->row_count;
        value_count += (uint64_t)table->row_count * table->field_count;
    }
    if (row_count != batch->row_count || value_count != batch->value_count)
        return BROKEN("%" PRIu64 " rows and %" PRIu64 " values, said to be %" PRIu64
                      " and %" PRIu64,
                      row_count, value_count, batch->row_count, batch->value_count);
    return batch->unordered || order_check(batch, why);
}
