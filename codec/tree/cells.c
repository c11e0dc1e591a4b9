#include "codec/tree/cells.h"

#include <stdlib.h>

static enum code too_large(size_t bytes_max, struct error *err)
{
    return error_set(err, E_BODY_LARGE,
                     "what is kept of the document, around its rows or in columns, is more than "
                     "the %zu bytes allowed",
                     bytes_max);
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the rows of the document");
}

enum code cell_set(struct cell *cell, const struct tree_event *event, struct buf *texts,
                   struct error *err)
{
    *cell = (struct cell){.kind = event->kind};
    if (event->kind != TREE_TEXT && event->kind != TREE_NUMBER)
        return OK;
    cell->first = texts->size;
    cell->size = event->text.size;
    buf_put(texts, event->text);
    if (!texts->failed)
        return OK;
    *cell = cell_absent;
    return texts->limited ? too_large(texts->size_max, err) : no_memory(err);
}

struct tree_value cell_value(const struct cell *cell, const struct buf *texts)
{
    struct tree_value value = {.kind = cell->kind};

    switch (cell->kind) {
    case TREE_TEXT:
    case TREE_NUMBER:
        value.text = (struct bytes){cell->size == 0 ? "" : texts->data + cell->first, cell->size};
        break;
    case TREE_TRUE:
        value.text = BYTES("true");
        break;
    case TREE_FALSE:
        value.text = BYTES("false");
        break;
    case TREE_NULL:
        value.text = BYTES("null");
        break;
    case TREE_OBJECT:
    case TREE_ARRAY:
    case TREE_END:
    case TREE_KEY:
        break;
    }
    return value;
}

enum code cells_add(struct cells *cells, size_t count, size_t others, size_t bytes_max,
                    struct error *err)
{
    size_t wanted = cells->count + count;

    if (wanted + others > bytes_max / sizeof(struct cell))
        return too_large(bytes_max, err);
    if (wanted > cells->room) {
        size_t room = cells->room < 8 ? 8 : cells->room * 2;
        struct cell *items;

        room = room < wanted ? wanted : room;
        items = realloc(cells->items, room * sizeof(*items));
        if (items == NULL)
            return no_memory(err);
        cells->items = items;
        cells->room = room;
    }
    while (cells->count < wanted)
        cells->items[cells->count++] = cell_absent;
    return OK;
}

void cells_release(struct cells *cells)
{
    free(cells->items);
    *cells = (struct cells){0};
}
