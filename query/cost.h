/* What a question costs, as far as directories and the head tell it: no block is read, no header
 * either.  What surely will be read is held against the limits before any work; what may be is what
 * explain=true shows.
 *
 * Only where it decides whether a filled answer may be told at all, rows are read for it: of groups
 * that may be empty (in a block of several series, under a deletion, with where=) up to the first
 * value.  Else the answer would be cut in its middle. */
#ifndef WEIR_QUERY_COST_H
#define WEIR_QUERY_COST_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct answer;

struct cost {
    uint64_t head_places, blocks; /* a block that several series share counts once */
    uint64_t summarised;          /* of the blocks: their headers may be enough */
    uint64_t rows_most;           /* that may be scanned */
    uint64_t bytes_most;          /* of the blocks; one that is shared is read again where it does
                                     not fit beside others */
    /* What surely is scanned and read; groups that surely have a row, */
    uint64_t rows_least, bytes_least, groups_least;
    uint8_t *sure; /* a byte for each group: 1 = it is one of them; in the plan's arena */
    bool windows_known;
    uint64_t windows; /* of each group; fewer where some have no row and nothing fills them */
};

/* Behind answer_prepare().  E_QUERY_MEMORY, E_TIMEOUT, E_CANCELLED. */
MUST_USE enum code cost_survey(struct answer *answer, struct cost *cost, struct error *err);
/* E_QUERY_ROWS, E_QUERY_BYTES, E_QUERY_GROUPS where a limit surely would be passed. */
MUST_USE enum code cost_limit(const struct answer *answer, const struct cost *cost,
                              struct error *err);
/* Both, but surveys only where the plan has not shown already that no limit can be passed; reads
 * where that is needed to tell whether a filled answer passes query_groups_max. */
MUST_USE enum code cost_check(struct answer *answer, struct error *err);
/* Groups are ranked (answer->top), and none is told yet.  E_QUERY_GROUPS: filled they are too many.
 */
MUST_USE enum code cost_ranked(const struct answer *answer, struct error *err);

#endif
