#include "catalog/page.h"

#include <stdlib.h>

enum { ITEMS_FIRST = 16 };

void page_init(struct page *page, struct bytes after, size_t limit, struct arena *arena)
{
    *page = (struct page){.after = after, .limit = limit, .arena = arena, .kept = MAP_INIT};
}

static void sift_up(struct page_item *items, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        struct page_item item = items[at];

        if (bytes_compare(items[parent].name, item.name) >= 0)
            return;
        items[at] = items[parent];
        items[parent] = item;
        at = parent;
    }
}

static void sift_down(struct page_item *items, size_t count)
{
    for (size_t at = 0;;) {
        size_t greatest = at;
        struct page_item item = items[at];

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (bytes_compare(items[child].name, items[greatest].name) > 0)
                greatest = child;
        if (greatest == at)
            return;
        items[at] = items[greatest];
        items[greatest] = item;
        at = greatest;
    }
}

static bool items_reserve(struct page *page)
{
    size_t capacity = page->capacity ? page->capacity * 2 : ITEMS_FIRST;
    struct page_item *items;

    if (page->count < page->capacity)
        return true;
    items = arena_grow(page->arena, page->items, page->capacity * sizeof(*items),
                       capacity * sizeof(*items));
    if (!items)
        return false;
    page->items = items;
    page->capacity = capacity;
    return true;
}

void page_add(struct page *page, struct bytes name, const void *item)
{
    bool full = page->count == page->limit;

    if (page->failed || page->limit == 0)
        return;
    if (page->after.size > 0 && bytes_compare(name, page->after) <= 0)
        return;
    if (full && bytes_compare(name, page->items[0].name) >= 0)
        return;
    if (map_get(&page->kept, name))
        return;
    if (full)
        map_remove(&page->kept, page->items[0].name);
    else if (!items_reserve(page))
        goto memory;
    if (!map_put(&page->kept, name, page)) /* any pointer: it is a set */
        goto memory;
    if (full) {
        page->items[0] = (struct page_item){name, item};
        sift_down(page->items, page->count);
        return;
    }
    page->items[page->count] = (struct page_item){name, item};
    sift_up(page->items, page->count++);
    return;

memory:
    page->failed = true;
}

static int item_compare(const void *a, const void *b)
{
    return bytes_compare(((const struct page_item *)a)->name, ((const struct page_item *)b)->name);
}

enum code page_finish(struct page *page, struct error *err)
{
    if (page->failed)
        return error_set(err, E_MEMORY, "no memory for the list");
    if (page->count > 1)
        qsort(page->items, page->count, sizeof(*page->items), item_compare);
    return OK;
}

void page_release(struct page *page)
{
    map_release(&page->kept);
}
