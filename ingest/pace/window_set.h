/* Which windows of a partition there are, which are done, and which is to be asked next.  What is
 * done is a set of stretches of time, merged by union: a million windows that are done are one.
 *
 * Pure; the puller's thread. */
#ifndef WEIR_INGEST_PACE_WINDOW_SET_H
#define WEIR_INGEST_PACE_WINDOW_SET_H

#include "ingest/source/source.h"

struct stretch_of_time {
    int64_t start_ns, end_ns; /* [start, end) */
};

struct window_set {
    const struct source_window *rules; /* borrowed */
    struct stretch_of_time *done;      /* ascending, apart */
    size_t done_count, done_capacity;
};

void window_set_init(struct window_set *windows, const struct source_window *rules);
void window_set_release(struct window_set *windows);
MUST_USE enum code window_set_done(struct window_set *windows, int64_t start_ns, int64_t end_ns,
                                   struct error *err);
/* A range that is to be asked again. */
MUST_USE enum code window_set_undo(struct window_set *windows, int64_t start_ns, int64_t end_ns,
                                   struct error *err);
/* All of it is done. */
bool window_set_has(const struct window_set *windows, int64_t start_ns, int64_t end_ns);
/* The end of what is done from `from_ns` on without a gap; `from_ns` = nothing is. */
int64_t window_set_contiguous(const struct window_set *windows, int64_t from_ns);

/* The window that contains `ns`, not cut by now, but by `until`; no window is empty, also where a
 * zone has left out a day.  `ns` is from `from` on and before `until`.  E_TIME_RANGE. */
MUST_USE enum code window_set_at(const struct window_set *windows, int64_t ns,
                                 struct stretch_of_time *window, struct error *err);

struct window_work {
    struct stretch_of_time window; /* cut at now - lag, at a whole second */
    bool live;                     /* of this pull: within the overlap, or new; else of history */
};

/* What a pull at `now_ns` asks, newest first: the windows since the newest that is done, with the
 * one that is under way, and all that end within the overlap; of a source that has nothing yet the
 * newest alone.  At most `room` are given; *count above room: so many there are, those of a
 * calendar that leaves out a day included.  *floor_ns: where they begin, and history ends; what is
 * left of them when a newer one is done becomes history. */
MUST_USE enum code window_set_live(const struct window_set *windows, int64_t now_ns,
                                   struct window_work *work, size_t room, size_t *count,
                                   int64_t *floor_ns, struct error *err);
/* The newest window of history that ends at or before `before_ns`, begins at or behind `floor_ns`,
 * is not done and is not being asked, as `busy(context, start)` says.  Steps over what is done at
 * one go. */
MUST_USE enum code window_set_history(const struct window_set *windows, int64_t before_ns,
                                      int64_t floor_ns,
                                      bool (*busy)(void *context, int64_t start_ns), void *context,
                                      struct window_work *work, bool *found, struct error *err);

/* Two halves, at a whole second, and at a midnight where the format has no time of day; false: they
 * would be below step_min, or one of them empty, or the format tells no days. */
bool window_set_split(const struct window_set *windows, const struct stretch_of_time *window,
                      struct stretch_of_time halves[2]);

#endif
