/* What a block's header says of its rows.  Where aggregates need no more than that, and nothing
 * else has a say about these rows, the block is not decoded (design.md section 4). */
#ifndef WEIR_QUERY_SUMMARY_H
#define WEIR_QUERY_SUMMARY_H

#include "query/aggregate.h"
#include "query/grid.h"
#include "query/sieve.h"
#include "store/view.h"

struct scan;

struct summary {
    int64_t time_first, time_last;
    uint32_t row_count;
    int64_t step;                        /* between the times of neighbouring rows; 0 = not known */
    const struct place *place;           /* lives as long as the scan */
    const struct place_summary *columns; /* in order of field */
    size_t column_count;
};

/* What an answer makes of rows. */
struct summary_use {
    bool allowed; /* false: the rows themselves are wanted */
    bool parts[PART_KINDS];
    struct grid grid; /* of the windows; or */
    /* whether rows of these times may go as one summary, for `context` */
    bool (*takes)(const void *context, int64_t time_first, int64_t time_last);
    const void *context;
    bool first_time; /* the time of the first value is told */
};

void summary_use_init(struct summary_use *use, const struct aggregate_call *aggregates,
                      size_t count, const struct grid *grid, bool first_time);
/* Whether rows of these times may go as one summary. */
bool summary_in_one_window(const struct summary_use *use, int64_t time_first, int64_t time_last);
/* Whether the place's rows are the answer's, all of one window, as far as can be told without
 * reading: `place` is the scan's next one. */
bool summary_may_stand(const struct scan *scan, const struct place *place);
/* Whether conditions on its rows may be answered by the header alone, when none can pass. */
bool summary_may_exclude(const struct scan *scan, const struct place *place);
/* Reads the header, of a place of which one of the above is true; what lives, lives in `arena`.
 * No column: none of its rows counts.  NULL: the rows are needed after all. */
const struct summary *summary_read(const struct scan *scan, const struct place *place,
                                   struct arena *arena);
/* Whether everything that is made of the rows can be made of their summary, to the last digit. */
bool summary_suffices(const struct summary_use *use, const struct summary *summary);

#endif
