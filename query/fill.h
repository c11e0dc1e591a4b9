/* The rows of one group's windows in the order of the answer, those of windows without a row in
 * between, and what stands in for the values that are not there.
 *
 * Nothing outside [start, end) is looked at.  A window is looked at once for each column on either
 * side of a hole, whatever the length of the hole. */
#ifndef WEIR_QUERY_FILL_H
#define WEIR_QUERY_FILL_H

#include "query/datum.h"
#include "query/grid.h"

struct error;
struct plan;
struct windows;

enum fill_kind {
    FILL_NONE, /* windows without a row have none */
    FILL_NULL,
    FILL_PREVIOUS, /* the value of the window before */
    FILL_LINEAR,   /* between the nearest windows that have a number */
    FILL_VALUE,
};

struct fill {
    enum fill_kind kind;
    struct datum value; /* FILL_VALUE */
};

struct filling;

/* Begins with the first row of the windows, which are sorted and not changed before the end;
 * E_QUERY_GROUPS when there would be too many windows, E_QUERY_MEMORY.  What is made lives as long
 * as the windows' states. */
MUST_USE enum code filling_begin(const struct plan *plan, struct windows *windows,
                                 struct filling **filling, struct error *err);
/* The start of the next window and its value in each column.  False: that was the last. */
bool filling_next(struct filling *filling, int64_t *start, struct datum *values);

#endif
