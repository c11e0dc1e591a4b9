/* The rows of one question, kept to be joined with those of others: group by group, ascending in
 * time.  All memory is an arena's, texts are copied.
 *
 * A value takes 16 bytes, and a row 8 more. */
#ifndef WEIR_QUERY_TABLE_H
#define WEIR_QUERY_TABLE_H

#include "base/arena.h"
#include "query/watch.h"

struct datum;
struct table_chunk;

/* Those of one group that has rows. */
struct table_group {
    size_t group; /* of the plan */
    size_t row_first, row_end;
};

struct table {
    struct arena *arena; /* borrowed, like the watch */
    const struct watch *watch;
    uint32_t column_count;
    struct table_chunk **chunks;
    size_t chunk_count, chunk_capacity;
    struct table_group *groups;
    size_t group_count, group_capacity;
    size_t row_count;
};

void table_init(struct table *table, uint32_t column_count, struct arena *arena,
                const struct watch *watch);
/* A row behind the last one; a group's rows come together.  E_QUERY_MEMORY. */
MUST_USE enum code table_put(struct table *table, size_t group, int64_t time,
                             const struct datum *values, struct error *err);
int64_t table_time(const struct table *table, size_t row);
/* All columns of a row. */
void table_values(const struct table *table, size_t row, struct datum *values);

#endif
