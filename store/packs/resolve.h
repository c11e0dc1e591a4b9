/* What compaction makes of the versions of one time: which of them stay, and the row that they come
 * to.  The rules are those of reading (query/versions.h), in the order of design.md section 4,
 * with two more: what no question may still ask about goes, and what was erased goes at once. */
#ifndef WEIR_STORE_PACKS_RESOLVE_H
#define WEIR_STORE_PACKS_RESOLVE_H

#include "base/arena.h"
#include "model/matcher.h"
#include "model/rows.h"

/* A deletion of the series at hand. */
struct resolve_deletion {
    int64_t ingest, start, end;
    bool erase;
    const uint8_t *fields; /* a byte for each field, 1 = it is deleted; NULL = whole rows */
};

/* One version: row `row` of `rows`. */
struct resolve_version {
    const struct rows *rows;
    uint32_t row;
};

/* A row of its own: rows.count is 1, one column a field that has a cell. */
struct resolve_row {
    struct rows rows;
    int64_t time, ingest, revision;
    struct rows_column *columns;
    union cell *cells;
};

struct resolved {
    /* The versions themselves are to be kept, oldest first; 0 = the row alone says everything. */
    const struct resolve_version *history;
    size_t history_count;
    bool has_current; /* else nothing is valid */
    struct resolve_row
        current; /* what they come to; if history_count is 0 the one version as it is */
};

/* `versions` are all of one series and time, in no order, field indices below field_count; those
 * that stay are the history.  Versions that lost to one at or below `floor` (an ingest time) are
 * dropped.  No version is copied, since they may be millions: the row's memory is `arena`'s.
 * E_MEMORY. */
MUST_USE enum code resolve(struct resolve_version *versions, size_t count,
                           const struct resolve_deletion *deletions, size_t deletion_count,
                           int64_t floor, uint32_t field_count, struct arena *arena,
                           struct resolved *resolved, struct error *err);

/* One version of a history as a row, without the cells that nobody may see any more: erased ones,
 * and those that a deletion at or below the floor hides.  `row` stays where it is; its memory is
 * `arena`'s.  E_MEMORY. */
MUST_USE enum code resolve_row_take(const struct resolve_version *version,
                                    const struct resolve_deletion *deletions, size_t deletion_count,
                                    int64_t floor, struct arena *arena, struct resolve_row *row,
                                    struct error *err);

/* Whether a deletion may have hidden something of a row. */
bool resolve_touches(const struct resolve_deletion *deletion, int64_t time, int64_t ingest);

#endif
