/* Where a page ended, so that the next one goes on there: at the same S, in the same range,
 * behind the same row.  Opaque to clients: base64url of a version byte, the fields below and a
 * CRC32C. docs/reference/query.md */
#ifndef WEIR_QUERY_CURSOR_H
#define WEIR_QUERY_CURSOR_H

#include "base/arena.h"
#include "model/series.h"

struct cursor {
    uint64_t identity;   /* of the question it belongs to */
    int64_t as_of;       /* S */
    int64_t start, end;  /* as first resolved: "now-1h" must not move between pages */
    struct series_id id; /* of the series the last row was of; 0 for a group of tags */
    struct bytes group;  /* the group's tag values, one span each; empty for a series */
    int64_t time;        /* of the last row; windows: their start */
    int64_t known_from;  /* versions=all: of the last row; else 0 */
};

/* From `arena`; .data is NULL when memory ran out. */
struct bytes cursor_print(const struct cursor *cursor, struct arena *arena);
/* E_BAD_CURSOR (also for a cursor of another version of Weir).  `group` is in `arena`. */
MUST_USE enum code cursor_parse(struct bytes text, struct arena *arena, struct cursor *cursor,
                                struct error *err);

#endif
