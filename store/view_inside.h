/* The inside of a view, shared by view.c (what it keeps alive), view_places.c (where the rows of a
 * series are) and place_read.c (the rows themselves), and nobody else. */
#ifndef WEIR_STORE_VIEW_INSIDE_H
#define WEIR_STORE_VIEW_INSIDE_H

#include "store/packs/pack.h"
#include "store/state.h"
#include "store/view.h"

struct view {
    struct store *store;
    int64_t as_of;
    bool final;
    struct pack_list *packs;
    struct tombstone_list *tombstones;
    size_t generation_count;
    struct generation *generations[GENERATIONS_MAX];
    size_t missing_count;
    const struct bytes *missing; /* a copy of the array; its texts live as long as the store */
};

#endif
