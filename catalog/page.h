/* One page of a sorted list: of all names that are added, in any order and any number of times,
 * it keeps the `limit` least ones above `after`.  A heap with the greatest on top, so a page of k
 * out of n names costs n log k and k places.
 *
 * Thread:  one at a time.  Failure: sticks; page_finish() tells it. */
#ifndef WEIR_CATALOG_PAGE_H
#define WEIR_CATALOG_PAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

struct page_item {
    struct bytes name;
    const void *item; /* what the name was added with first */
};

struct page {
    struct bytes after;
    size_t limit;
    struct arena *arena; /* borrowed */
    struct page_item *items;
    size_t count, capacity;
    struct map kept; /* the names in `items` */
    bool failed;
};

void page_init(struct page *page, struct bytes after, size_t limit, struct arena *arena);
/* `name` is borrowed until the page's end. */
void page_add(struct page *page, struct bytes name, const void *item);
/* Sorts `items`.  E_MEMORY. */
MUST_USE enum code page_finish(struct page *page, struct error *err);
void page_release(struct page *page); /* the items are the arena's and stay */

#endif
