/* Which rows a window has had so far, over its pages: a hash of each, so that what it has no more
 * is known when it has come whole.  One thread at a time; pure. */
#ifndef WEIR_INGEST_PULL_SEEN_ROWS_H
#define WEIR_INGEST_PULL_SEEN_ROWS_H

#include "base/error.h"

enum { SEEN_ROWS_MAX = 4000000 }; /* 8 bytes each */

struct seen_rows {
    uint64_t *hashes; /* owned */
    size_t count, capacity;
    size_t kept;   /* of the pages before the one at hand */
    bool doubtful; /* a page of the window had rows with faults, which may be any */
};

void seen_rows_release(struct seen_rows *seen); /* it is empty then */
/* E_MEMORY; E_POINTS_MANY: the window has too many. */
MUST_USE enum code seen_rows_add(struct seen_rows *seen, uint64_t hash, struct error *err);
/* The page at hand is not to be; or it came, and is written. */
void seen_rows_forget(struct seen_rows *seen);
void seen_rows_keep(struct seen_rows *seen);
/* In order, for seen_rows_has(); all are kept then, also where the page comes once more. */
void seen_rows_sort(struct seen_rows *seen);
bool seen_rows_has(const struct seen_rows *seen, uint64_t hash);

#endif
