#include "codec/tree/around.h"

#include <stdlib.h>

enum code around_init(struct around *around, const struct tree_plan *plan, size_t bytes_max,
                      struct error *err)
{
    *around = (struct around){.plan = plan, .bytes_max = bytes_max, .texts = BUF_INIT(bytes_max)};
    around->levels = calloc(plan->level_count, sizeof(around->levels[0]));
    return around->levels != NULL ? OK
                                  : error_set(err, E_MEMORY, "no memory for what is around rows");
}

void around_release(struct around *around)
{
    for (uint32_t i = 0; around->levels != NULL && i < around->plan->level_count; i++)
        cells_release(&around->levels[i].cells);
    free(around->levels);
    around->levels = NULL;
    buf_release(&around->texts);
}

enum code around_add(struct around *around, uint32_t level, struct error *err)
{
    struct cells *cells = &around->levels[level].cells;
    size_t count = around->plan->levels[level].count;
    enum code code =
        cells_add(cells, count, around->cell_count - cells->count, around->bytes_max, err);

    if (code == OK)
        around->cell_count += count;
    return code;
}

enum code around_set(struct around *around, uint32_t slot, const struct tree_event *event,
                     struct error *err)
{
    const struct plan_slot *plan = &around->plan->slots[slot];
    struct cells *cells = &around->levels[plan->place].cells;
    size_t first = cells->count - around->plan->levels[plan->place].count;

    return cell_set(&cells->items[first + plan->order], event, &around->texts, err);
}

enum code around_tell(struct around *around, uint32_t level, struct tree_value *values,
                      struct error *err)
{
    struct around_level *found = &around->levels[level];
    const struct plan_group *group = &around->plan->levels[level];

    if (group->count > found->cells.count - found->next)
        return error_set(err, E_CONFLICT, "the document is not what it was when first read");
    for (uint32_t i = 0; i < group->count; i++)
        values[group->slots[i]] = cell_value(&found->cells.items[found->next + i], &around->texts);
    found->next += group->count;
    return OK;
}
