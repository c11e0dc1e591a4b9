/* Which windows of a partition there are, which are done, and which is to be asked next.  What is
 * done is a set of stretches of time, merged by union.
 *
 * Pure; the puller's thread. */
#ifndef WEIR_INGEST_PULL_WINDOWS_H
#define WEIR_INGEST_PULL_WINDOWS_H

#include "ingest/pull/source.h"

struct stretch_of_time {
    int64_t start_ns, end_ns; /* [start, end) */
};

struct windows {
    const struct source_window *rules; /* borrowed */
    struct stretch_of_time *done;      /* ascending, apart */
    size_t done_count, done_capacity;
};

void windows_init(struct windows *windows, const struct source_window *rules);
void windows_release(struct windows *windows);
MUST_USE enum code windows_done(struct windows *windows, int64_t start_ns, int64_t end_ns,
                                struct error *err);
/* A range that is to be asked again. */
MUST_USE enum code windows_undo(struct windows *windows, int64_t start_ns, int64_t end_ns,
                                struct error *err);
/* The end of what is done from `from` on without a gap; `from` = nothing is. */
int64_t windows_contiguous(const struct windows *windows);

/* The window that contains `ns`, not cut by now. */
MUST_USE enum code windows_at(const struct windows *windows, int64_t ns,
                              struct stretch_of_time *window, struct error *err);

struct window_work {
    struct stretch_of_time window; /* cut at now - lag */
    bool live;                     /* of this pull: within the overlap, or new; else of history */
};

/* What a pull at `now_ns` asks: windows that are new since the last one, and those within the
 * overlap, newest first; at most `room`.  *count above room: there are more. */
MUST_USE enum code windows_live(const struct windows *windows, int64_t now_ns,
                                struct window_work *work, size_t room, size_t *count,
                                struct error *err);
/* The newest window of history, ending at or before `before_ns`, that is not done and that
 * `busy(context, start)` does not say is being asked. */
MUST_USE enum code windows_history(const struct windows *windows, int64_t before_ns,
                                   int64_t floor_ns, bool (*busy)(void *context, int64_t start_ns),
                                   void *context, struct window_work *work, bool *found,
                                   struct error *err);

/* Two halves, at a whole second; false: not below step_min. */
bool windows_split(const struct windows *windows, const struct stretch_of_time *window,
                   struct stretch_of_time halves[2]);

#endif
