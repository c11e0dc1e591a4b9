#include "ingest/validate.h"

#include "base/buf.h"
#include "base/map.h"
#include "catalog/catalog.h"

enum { FOUND_TOGETHER = 64 }; /* series a lock of the catalog */

struct validation {
    struct batch *batch;
    struct catalog *catalog;
    const struct tenant *tenant;
    const struct limits *limits;
    struct error *series_error;   /* by series index; .code OK = fine */
    struct error **table_error;   /* by table, in their order; NULL = fine */
    const struct batch_table *at; /* the table that batch_drop_rows() is at, */
    size_t at_index;              /* and its number */
    struct map kinds;             /* (measurement, field) of this request -> its kind */
};

static enum code drop_table_rows(void *context, const struct batch_table *table, uint32_t row,
                                 struct error *why)
{
    struct validation *validation = context;
    const struct error *error;

    (void)row;
    if (validation->at == NULL) {
        validation->at = validation->batch->tables;
        validation->at_index = 0;
    }
    while (validation->at != table) {
        validation->at = validation->at->next;
        validation->at_index++;
    }
    error = validation->table_error[validation->at_index];
    if (error == NULL)
        return OK;
    *why = *error;
    return why->code;
}

static enum code drop_series_rows(void *context, const struct batch_table *table, uint32_t row,
                                  struct error *why)
{
    struct validation *validation = context;
    const struct error *error = &validation->series_error[table->series[row]];

    if (error->code != OK)
        *why = *error;
    return error->code;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to check a request");
}

/* Lines of one request must agree among themselves: the first kind holds.  KIND_NONE: no memory. */
static enum value_kind request_kind(struct validation *validation, struct bytes measurement,
                                    struct bytes field, enum value_kind kind)
{
    struct buf key = BUF_INIT((size_t)64 * 1024);
    struct bytes kept = {0};
    enum value_kind known;

    buf_put_span(&key, measurement);
    buf_put_span(&key, field);
    known = key.failed ? KIND_NONE
                       : (enum value_kind)(uintptr_t)map_get(&validation->kinds, buf_bytes(&key));
    if (known == KIND_NONE && !key.failed) {
        kept = arena_copy(validation->batch->arena, buf_bytes(&key));
        if (kept.data != NULL && map_put(&validation->kinds, kept, (void *)(uintptr_t)kind))
            known = kind;
    }
    buf_release(&key);
    return known;
}

/* Whether the table's fields would be admitted, without claiming anything. */
static enum code judge_kinds(struct validation *validation, const struct batch_table *table,
                             struct error *why)
{
    for (uint32_t f = 0; f < table->field_count; f++) {
        struct bytes name = table->fields[f].name;
        enum value_kind kind = value_kind(table->fields[f].type), known;

        if (kind == KIND_NONE)
            continue;
        known = catalog_kind(validation->catalog, validation->tenant, table->measurement, name);
        if (known == KIND_NONE)
            known = request_kind(validation, table->measurement, name, kind);
        if (known == KIND_NONE)
            return no_memory(why);
        if (known != kind)
            return error_set(
                why, E_FIELD_KIND,
                "field \"%.*s\" of measurement \"%.*s\" holds %s values, this one is %s",
                BYTES_ARG(name), BYTES_ARG(table->measurement), value_kind_name(known),
                value_kind_name(kind));
    }
    return OK;
}

static enum code judge_claims(struct validation *validation, const struct batch_table *table,
                              struct error *why)
{
    enum code code = OK;

    for (uint32_t f = 0; code == OK && f < table->field_count; f++)
        code = catalog_claim(validation->catalog, validation->tenant, table->measurement,
                             table->fields[f].name, table->fields[f].type,
                             validation->limits->measurement_fields_max, why);
    return code;
}

/* Every line of a table has the same fields, so they stand or fall together. */
static enum code judge_tables(struct validation *validation,
                              enum code (*judge)(struct validation *validation,
                                                 const struct batch_table *table,
                                                 struct error *why),
                              struct error *err)
{
    struct batch *batch = validation->batch;
    size_t count = 0, index = 0;
    bool refused = false;

    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        count++;
    validation->at = NULL;
    validation->table_error = ARENA_ARRAY(batch->arena, struct error *, count);
    if (validation->table_error == NULL)
        return no_memory(err);
    for (const struct batch_table *table = batch->tables; table != NULL;
         table = table->next, index++) {
        struct error why = {0};
        enum code code = table->row_count == 0 ? OK : judge(validation, table, &why);

        if (code == OK)
            continue;
        refused = true;
        validation->table_error[index] = ARENA_NEW(batch->arena, struct error);
        if (code == E_MEMORY || validation->table_error[index] == NULL)
            return no_memory(err);
        *validation->table_error[index] = why;
    }
    if (refused)
        batch_drop_rows(batch, drop_table_rows, validation);
    return OK;
}

static enum code drop_unused(struct batch *batch, struct error *err)
{
    if (!batch_series_drop_unused(batch))
        return error_set(err, E_MEMORY, "no memory to number the series of a request");
    return OK;
}

/* Most series are known; *unknown counts those that are not. */
static void find_series(struct validation *validation, uint32_t *unknown)
{
    struct batch *batch = validation->batch;
    struct bytes keys[FOUND_TOGETHER];
    struct series *found[FOUND_TOGETHER];

    *unknown = 0;
    for (uint32_t first = 0, count; first < batch->series_count; first += count) {
        struct batch_series *series = &batch->series[first];

        count = batch->series_count - first;
        count = count < FOUND_TOGETHER ? count : FOUND_TOGETHER;
        for (uint32_t i = 0; i < count; i++)
            keys[i] = series[i].key;
        catalog_series_known(validation->catalog, validation->tenant, keys, count, found);
        for (uint32_t i = 0; i < count; i++) {
            series[i].series = found[i];
            if (found[i] != NULL)
                series[i].id = found[i]->id;
            else
                ++*unknown;
        }
    }
}

static enum code resolve_series(struct validation *validation, struct error *err)
{
    struct batch *batch = validation->batch;
    bool refused = false;
    enum code code = drop_unused(batch, err); /* what has no rows left is not made */
    uint32_t unknown = 0;

    if (code == OK)
        find_series(validation, &unknown);
    for (uint32_t i = 0; code == OK && unknown > 0 && i < batch->series_count; i++) {
        struct batch_series *series = &batch->series[i];
        struct error why = {0};
        enum code found;

        if (series->series != NULL)
            continue;
        found = catalog_series(validation->catalog, validation->tenant, series->key,
                               validation->limits->series_max, &series->series, &why);
        if (found == OK) {
            series->id = series->series->id;
            continue;
        }
        if (found != E_SERIES_LIMIT) {
            *err = why;
            return found;
        }
        if (!refused) {
            validation->series_error = ARENA_ARRAY(batch->arena, struct error, batch->series_count);
            if (validation->series_error == NULL)
                return error_set(err, E_MEMORY, "no memory to tell of refused series");
            memset(validation->series_error, 0, batch->series_count * sizeof(struct error));
        }
        refused = true;
        validation->series_error[i] = why;
    }
    if (!refused)
        return code;
    batch_drop_rows(batch, drop_series_rows, validation);
    return drop_unused(batch, err);
}

enum code batch_validate(struct batch *batch, struct catalog *catalog, const struct tenant *tenant,
                         const struct limits *limits, bool whole, struct error *err)
{
    struct validation validation = {
        .batch = batch, .catalog = catalog, .tenant = tenant, .limits = limits};
    enum code code = judge_tables(&validation, judge_kinds, err);

    /* Nothing is claimed for a request that is refused anyway. */
    if (code == OK && !(whole && batch->reject_count > 0))
        code = judge_tables(&validation, judge_claims, err);
    if (code == OK && !(whole && batch->reject_count > 0))
        code = resolve_series(&validation, err);
    map_release(&validation.kinds);
    return code;
}
