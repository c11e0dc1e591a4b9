#include "ingest/pull/seen_rows.h"

#include <stdlib.h>

enum { FIRST = 1024 };

void seen_rows_release(struct seen_rows *seen)
{
    free(seen->hashes);
    *seen = (struct seen_rows){0};
}

enum code seen_rows_add(struct seen_rows *seen, uint64_t hash, struct error *err)
{
    if (seen->count == SEEN_ROWS_MAX)
        return error_set(err, E_POINTS_MANY,
                         "a window has more than %d rows: with `missing: retract` want a shorter "
                         "`step`",
                         SEEN_ROWS_MAX);
    if (seen->count == seen->capacity) {
        size_t capacity = seen->capacity == 0 ? FIRST : 2 * seen->capacity;
        uint64_t *hashes = realloc(seen->hashes, capacity * sizeof(*hashes));

        if (hashes == NULL)
            return error_set(err, E_MEMORY, "no memory for what a window has");
        seen->hashes = hashes;
        seen->capacity = capacity;
    }
    seen->hashes[seen->count++] = hash;
    return OK;
}

void seen_rows_forget(struct seen_rows *seen)
{
    seen->count = seen->kept;
}

void seen_rows_keep(struct seen_rows *seen)
{
    seen->kept = seen->count;
}

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

void seen_rows_sort(struct seen_rows *seen)
{
    if (seen->count > 0)
        qsort(seen->hashes, seen->count, sizeof(*seen->hashes), compare);
    seen->kept = seen->count; /* nobody knows which are of the page at hand */
}

bool seen_rows_has(const struct seen_rows *seen, uint64_t hash)
{
    return seen->count > 0 &&
           bsearch(&hash, seen->hashes, seen->count, sizeof(*seen->hashes), compare) != NULL;
}
