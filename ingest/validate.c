#include "ingest/validate.h"

#include "catalog/catalog.h"

struct validation {
    struct batch *batch;
    struct error *series_error;      /* by series index; .code OK = fine */
    const struct batch_table *table; /* the one whose fields do not fit */
    struct error table_error;
};

static enum code drop_table_rows(void *context, const struct batch_table *table, uint32_t row,
                                 struct error *why)
{
    struct validation *validation = context;

    (void)row;
    if (table != validation->table)
        return OK;
    *why = validation->table_error;
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

/* Every line of a table has the same fields, so they stand or fall together. */
static enum code claim_fields(struct validation *validation, struct catalog *catalog,
                              const struct tenant *tenant, const struct limits *limits,
                              struct error *err)
{
    for (const struct batch_table *table = validation->batch->tables; table != NULL;
         table = table->next) {
        enum code code = OK;

        validation->table_error = (struct error){0};
        for (uint32_t f = 0; code == OK && f < table->field_count && table->row_count > 0; f++)
            code = catalog_claim(catalog, tenant, table->measurement, table->fields[f].name,
                                 table->fields[f].type, limits->measurement_fields_max,
                                 &validation->table_error);
        if (code == E_MEMORY) {
            *err = validation->table_error;
            return code;
        }
        if (code == OK)
            continue;
        validation->table = table;
        batch_drop_rows(validation->batch, drop_table_rows, validation);
    }
    return OK;
}

static enum code drop_unused(struct batch *batch, struct error *err)
{
    if (!batch_series_drop_unused(batch))
        return error_set(err, E_MEMORY, "no memory to number the series of a request");
    return OK;
}

static enum code resolve_series(struct validation *validation, struct catalog *catalog,
                                const struct tenant *tenant, const struct limits *limits,
                                struct error *err)
{
    struct batch *batch = validation->batch;
    bool refused = false;
    enum code code = drop_unused(batch, err); /* what has no rows left is not made */

    for (uint32_t i = 0; code == OK && i < batch->series_count; i++) {
        struct batch_series *series = &batch->series[i];
        struct error why = {0};
        enum code found =
            catalog_series(catalog, tenant, series->key, limits->series_max, &series->series, &why);
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
    struct validation validation = {.batch = batch};
    enum code code;

    if (whole && batch->reject_count > 0)
        return OK;
    code = claim_fields(&validation, catalog, tenant, limits, err);
    if (code || (whole && batch->reject_count > 0))
        return code;
    return resolve_series(&validation, catalog, tenant, limits, err);
}
