/* By what a source knows what it delivered (docs/decisions/0052-collectors.md): a hash of a row's
 * values, and beside it, where that is wanted, of which fields it is.  Pure. */
#ifndef WEIR_INGEST_PULL_ROW_HASH_H
#define WEIR_INGEST_PULL_ROW_HASH_H

#include "codec/point.h"
#include "ingest/pull/progress.h"

enum {
    ROW_RETRACTED = 0,    /* the hash of a row that its source has no more; of no other */
    ROW_LIST_MARK = '\1', /* between names, which never have it */
};

/* What decides that a point is another one: names, types and bits of all its fields, in their
 * order; those that are null (TYPE_RETRACTED) are none. */
uint64_t row_hash(const struct point_field *fields, uint32_t count);
/* By which a row is known: its series, time and first field. */
uint64_t row_hash_place(struct bytes series_key, int64_t time, struct bytes field);

/* Names with marks between them, as a field that stands beside the hash: its name is that of the
 * hash behind a mark.  False: no memory. */
MUST_USE bool row_list_make(const struct point_field *fields, uint32_t count, struct arena *arena,
                            struct point_field *field);
/* What the hash in that column of a row is of.  False: it does not stand there. */
bool row_list_of(const struct recalled_row *row, uint32_t column, struct bytes *fields);

#endif
