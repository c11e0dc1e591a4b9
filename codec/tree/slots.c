#include "codec/tree/slots.h"

#include <stdlib.h>

static bool make_room(struct slots *slots, size_t count)
{
    count++; /* none is one, so that NULL means no memory */
    slots->values = calloc(count, sizeof(slots->values[0]));
    slots->row_cells = calloc(count, sizeof(slots->row_cells[0]));
    slots->document_cells = calloc(count, sizeof(slots->document_cells[0]));
    slots->row_slots = calloc(count, sizeof(slots->row_slots[0]));
    return slots->values != NULL && slots->row_cells != NULL && slots->document_cells != NULL &&
           slots->row_slots != NULL;
}

enum code slots_init(struct slots *slots, const struct tree_plan *plan, size_t bytes_max,
                     struct error *err)
{
    enum code code = OK;

    *slots = (struct slots){.plan = plan};
    slots->row_texts = slots->document_texts = BUF_INIT(bytes_max);
    slots->around.plan = slots->zip.plan = plan; /* so that they can be released */
    if (!make_room(slots, plan->slot_count))
        code = error_set(err, E_MEMORY, "no memory for the rows of the document");
    if (code == OK)
        code = around_init(&slots->around, plan, bytes_max, err);
    if (code == OK)
        code = zip_init(&slots->zip, plan, bytes_max, err);
    if (code) {
        slots_release(slots);
        return code;
    }
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        slots->values[i].kind = TREE_END;
        if (plan->slots[i].kind == PLAN_ROW)
            slots->row_slots[slots->row_slot_count++] = i;
    }
    slots_begin_document(slots);
    slots_begin_row(slots);
    return OK;
}

void slots_release(struct slots *slots)
{
    free(slots->values);
    free(slots->row_cells);
    free(slots->document_cells);
    free(slots->row_slots);
    around_release(&slots->around);
    zip_release(&slots->zip);
    buf_release(&slots->row_texts);
    buf_release(&slots->document_texts);
    *slots = (struct slots){0};
}

void slots_begin_document(struct slots *slots)
{
    for (uint32_t i = 0; i < slots->plan->slot_count; i++)
        slots->document_cells[i] = cell_absent;
    buf_clear(&slots->document_texts);
}

void slots_begin_row(struct slots *slots)
{
    for (uint32_t i = 0; i < slots->row_slot_count; i++)
        slots->row_cells[slots->row_slots[i]] = cell_absent;
    buf_clear(&slots->row_texts);
    if (slots->plan->zip)
        zip_begin(&slots->zip);
}

enum code slots_set(struct slots *slots, uint32_t slot, unsigned pass,
                    const struct tree_event *event, struct error *err)
{
    enum plan_kind kind = slots->plan->slots[slot].kind;

    if (pass != (kind == PLAN_AROUND ? 1 : slots->plan->passes))
        return OK;
    switch (kind) {
    case PLAN_AROUND:
        return around_set(&slots->around, slot, event, err);
    case PLAN_ROW:
        return cell_set(&slots->row_cells[slot], event, &slots->row_texts, err);
    case PLAN_COLUMN:
        return zip_set(&slots->zip, slot, event, err);
    case PLAN_DOCUMENT:
        return cell_set(&slots->document_cells[slot], event, &slots->document_texts, err);
    }
    return OK;
}

void slots_tell_row(struct slots *slots)
{
    for (uint32_t i = 0; i < slots->row_slot_count; i++) {
        uint32_t slot = slots->row_slots[i];

        slots->values[slot] = cell_value(&slots->row_cells[slot], &slots->row_texts);
    }
}

void slots_tell_zip_row(struct slots *slots, uint64_t row)
{
    for (uint32_t i = 0; i < slots->plan->slot_count; i++)
        if (slots->plan->slots[i].kind == PLAN_COLUMN)
            slots->values[i] = zip_value(&slots->zip, i, row);
}
