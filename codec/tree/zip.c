#include "codec/tree/zip.h"

#include <stdlib.h>

enum code zip_init(struct zip *zip, const struct tree_plan *plan, size_t bytes_max,
                   struct error *err)
{
    *zip = (struct zip){.plan = plan, .bytes_max = bytes_max, .texts = BUF_INIT(bytes_max)};
    zip->slots = calloc(plan->slot_count + 1, sizeof(zip->slots[0]));
    zip->columns = calloc(plan->column_count + 1, sizeof(zip->columns[0]));
    if (zip->slots != NULL && zip->columns != NULL)
        return OK;
    zip_release(zip);
    return error_set(err, E_MEMORY, "no memory for columns");
}

void zip_release(struct zip *zip)
{
    for (uint32_t i = 0; zip->slots != NULL && i < zip->plan->slot_count; i++)
        cells_release(&zip->slots[i]);
    free(zip->slots);
    free(zip->columns);
    zip->slots = NULL;
    zip->columns = NULL;
    buf_release(&zip->texts);
}

static void column_clear(struct zip *zip, uint32_t column)
{
    const struct plan_group *group = &zip->plan->column_slots[column];

    zip->columns[column] = (struct zip_column){0};
    for (uint32_t i = 0; i < group->count; i++) {
        zip->cell_count -= zip->slots[group->slots[i]].count;
        zip->slots[group->slots[i]].count = 0;
    }
}

void zip_begin(struct zip *zip)
{
    for (uint32_t i = 0; i < zip->plan->column_count; i++)
        column_clear(zip, i);
    buf_clear(&zip->texts);
}

enum code zip_column(struct zip *zip, uint32_t column, const struct tree_event *event,
                     const char *at, struct error *err)
{
    /* Of XML each element comes in an array of its own: they go on with each other. */
    if (!event->implied)
        column_clear(zip, column);
    zip->columns[column].present = event->kind == TREE_ARRAY;
    if (event->kind == TREE_ARRAY || event->kind == TREE_NULL)
        return OK;
    return error_set(err, E_SYNTAX, "%s, \"%.*s\": expected an array, as a column of a zip is", at,
                     BYTES_ARG(zip->plan->columns[column]->name));
}

enum code zip_element(struct zip *zip, uint32_t column, struct error *err)
{
    const struct plan_group *group = &zip->plan->column_slots[column];

    for (uint32_t i = 0; i < group->count; i++) {
        struct cells *cells = &zip->slots[group->slots[i]];
        enum code code = cells_add(cells, 1, zip->cell_count - cells->count, zip->bytes_max, err);

        if (code)
            return code;
        zip->cell_count++;
    }
    zip->columns[column].count++;
    return OK;
}

enum code zip_set(struct zip *zip, uint32_t slot, const struct tree_event *event, struct error *err)
{
    struct cells *cells = &zip->slots[slot];

    return cell_set(&cells->items[cells->count - 1], event, &zip->texts, err);
}

enum code zip_count(const struct zip *zip, const char *at, uint64_t *count, struct error *err)
{
    uint32_t first = TREE_NONE;

    *count = 0;
    for (uint32_t i = 0; i < zip->plan->column_count; i++) {
        if (!zip->columns[i].present)
            continue;
        if (first == TREE_NONE) {
            first = i;
            *count = zip->columns[i].count;
        }
        if (zip->columns[i].count != *count)
            return error_set(err, E_SYNTAX,
                             "%s: \"%.*s\" has %llu elements and \"%.*s\" %llu; columns of a "
                             "zip have as many",
                             at, BYTES_ARG(zip->plan->columns[first]->name),
                             (unsigned long long)*count, BYTES_ARG(zip->plan->columns[i]->name),
                             (unsigned long long)zip->columns[i].count);
    }
    return OK;
}

struct tree_value zip_value(const struct zip *zip, uint32_t slot, uint64_t row)
{
    const struct cells *cells = &zip->slots[slot];

    return cell_value(row < cells->count ? &cells->items[row] : &cell_absent, &zip->texts);
}
