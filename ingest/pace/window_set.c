/* Window number n begins n steps behind `from`, so a window is found by its number: by division
 * where steps are of one length, else between two numbers that surely enclose it. */
#include "ingest/pace/window_set.h"

#include <assert.h>
#include <stdlib.h>

#include "base/zone.h"
#include "ingest/pace/moment.h"

enum { DONE_FIRST = 2 }; /* mostly it is one stretch */

void window_set_init(struct window_set *windows, const struct source_window *rules)
{
    *windows = (struct window_set){.rules = rules};
}

void window_set_release(struct window_set *windows)
{
    free(windows->done);
    *windows = (struct window_set){.rules = windows->rules};
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t floor_second(int64_t ns)
{
    int64_t behind_ns = ns % MOMENT_SECOND;

    return ns - (behind_ns < 0 ? behind_ns + MOMENT_SECOND : behind_ns);
}

/* --- what is done --- */

/* The first stretch that ends at or behind `ns`. */
static size_t first_ending(const struct window_set *windows, int64_t ns)
{
    size_t first = 0, end = windows->done_count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (windows->done[middle].end_ns < ns)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static enum code make_room(struct window_set *windows, struct error *err)
{
    size_t capacity = windows->done_capacity == 0 ? DONE_FIRST : windows->done_capacity * 2;
    struct stretch_of_time *grown;

    if (windows->done_count < windows->done_capacity)
        return OK;
    grown = realloc(windows->done, capacity * sizeof(*grown));
    if (grown == NULL)
        return error_set(err, E_MEMORY, "no memory for the windows of a source");
    windows->done = grown;
    windows->done_capacity = capacity;
    return OK;
}

/* [first, end) of the stretches become `count` others, at most one more than they were. */
static void replace(struct window_set *windows, size_t first, size_t end,
                    const struct stretch_of_time *with, size_t count)
{
    size_t behind = windows->done_count - end;

    memmove(windows->done + first + count, windows->done + end, behind * sizeof(*with));
    if (count > 0)
        memcpy(windows->done + first, with, count * sizeof(*with));
    windows->done_count = first + count + behind;
}

enum code window_set_done(struct window_set *windows, int64_t start_ns, int64_t end_ns,
                          struct error *err)
{
    struct stretch_of_time all = {start_ns, end_ns};
    size_t first, end;
    enum code code = make_room(windows, err);

    if (code || start_ns >= end_ns)
        return code;
    first = end = first_ending(windows, start_ns); /* those that touch it are one with it */
    for (; end < windows->done_count && windows->done[end].start_ns <= end_ns; end++) {
        all.start_ns = earlier(all.start_ns, windows->done[end].start_ns);
        all.end_ns = time_later(all.end_ns, windows->done[end].end_ns);
    }
    replace(windows, first, end, &all, 1);
    return OK;
}

enum code window_set_undo(struct window_set *windows, int64_t start_ns, int64_t end_ns,
                          struct error *err)
{
    struct stretch_of_time left[2];
    size_t first, end, count = 0;
    enum code code = make_room(windows, err);

    if (code || start_ns >= end_ns)
        return code;
    first = end = first_ending(windows, start_ns);
    for (; end < windows->done_count && windows->done[end].start_ns < end_ns; end++) {
        struct stretch_of_time whole = windows->done[end];

        if (whole.start_ns < start_ns)
            left[count++] =
                (struct stretch_of_time){whole.start_ns, earlier(whole.end_ns, start_ns)};
        if (whole.end_ns > end_ns)
            left[count++] =
                (struct stretch_of_time){time_later(whole.start_ns, end_ns), whole.end_ns};
        assert(count <= 2); /* one reaches over the beginning, one over the end */
    }
    replace(windows, first, end, left, count);
    return OK;
}

bool window_set_has(const struct window_set *windows, int64_t start_ns, int64_t end_ns)
{
    size_t at = first_ending(windows, end_ns);

    return start_ns >= end_ns ||
           (at < windows->done_count && windows->done[at].start_ns <= start_ns);
}

int64_t window_set_contiguous(const struct window_set *windows, int64_t from_ns)
{
    size_t at = first_ending(windows, time_sum(from_ns, 1));

    return at < windows->done_count && windows->done[at].start_ns <= from_ns
               ? windows->done[at].end_ns
               : from_ns;
}

/* --- which there are --- */

static enum code begin_of(const struct window_set *windows, int64_t number, int64_t *ns,
                          struct error *err)
{
    const struct source_window *rules = windows->rules;

    return span_add(&rules->step, number, rules->zone, rules->from_ns, ns, err);
}

/* The last window that begins at or before `ns`.  Beyond what a time can be nothing begins. */
static enum code number_of(const struct window_set *windows, int64_t ns, int64_t *number,
                           struct error *err)
{
    const struct source_window *rules = windows->rules;
    int64_t since_ns = time_between(rules->from_ns, ns), about_ns = span_about_ns(&rules->step);
    int64_t first = 0, end, begin_ns;
    struct error beyond = {0};

    assert(since_ns >= 0);
    if (span_is_fixed(&rules->step)) {
        *number = since_ns / rules->step.ns;
        return OK;
    }
    /* Of twelve months the shortest has 28 days, and clocks were never turned by two days. */
    end = (since_ns / 28 + 2 * MOMENT_DAY) / (about_ns / 31) + 2;
    while (end - first > 1) {
        int64_t middle = first + (end - first) / 2;
        enum code code = begin_of(windows, middle, &begin_ns, &beyond);

        if (code != OK && code != E_TIME_RANGE)
            return error_set(err, code, "%s", beyond.text);
        if (code == OK && begin_ns <= ns)
            first = middle;
        else
            end = middle;
    }
    *number = first;
    return OK;
}

static enum code window_of(const struct window_set *windows, int64_t number,
                           struct stretch_of_time *window, struct error *err)
{
    enum code code = begin_of(windows, number, &window->start_ns, err);

    if (code == OK)
        code = begin_of(windows, number + 1, &window->end_ns, err);
    if (code == OK)
        window->end_ns = earlier(window->end_ns, windows->rules->until_ns);
    return code;
}

enum code window_set_at(const struct window_set *windows, int64_t ns,
                        struct stretch_of_time *window, struct error *err)
{
    int64_t number;
    enum code code;

    assert(ns >= windows->rules->from_ns);
    assert(ns < windows->rules->until_ns);
    code = number_of(windows, ns, &number, err);
    return code ? code : window_of(windows, number, window, err);
}

/* --- what a pull asks --- */

/* Up to where there is something to ask. */
static enum code horizon(const struct window_set *windows, int64_t now_ns, int64_t *end_ns,
                         struct error *err)
{
    const struct source_window *rules = windows->rules;
    enum code code = span_add(&rules->lag, -1, rules->zone, now_ns, end_ns, err);

    if (code == OK)
        *end_ns = earlier(floor_second(*end_ns), rules->until_ns);
    return code;
}

/* What ends behind it is asked. */
static enum code live_floor(const struct window_set *windows, int64_t end_ns, int64_t *floor_ns,
                            struct error *err)
{
    const struct source_window *rules = windows->rules;
    enum code code = span_add(&rules->overlap, -1, rules->zone, end_ns, floor_ns, err);
    int64_t newest_ns = end_ns - 1;

    if (code == E_TIME_RANGE) /* further back than a time can be: all of it */
        *floor_ns = rules->from_ns;
    else if (code)
        return code;
    if (windows->done_count > 0)
        newest_ns = windows->done[windows->done_count - 1].end_ns;
    *floor_ns = time_later(earlier(*floor_ns, newest_ns), rules->from_ns);
    return OK;
}

enum code window_set_live(const struct window_set *windows, int64_t now_ns,
                          struct window_work *work, size_t room, size_t *count, int64_t *floor_ns,
                          struct error *err)
{
    int64_t end_ns = 0, first = 0, last = 0;
    size_t given = 0;
    enum code code = horizon(windows, now_ns, &end_ns, err);

    *count = 0;
    *floor_ns = time_later(end_ns, windows->rules->from_ns);
    if (code || end_ns <= windows->rules->from_ns)
        return code;
    code = live_floor(windows, end_ns, floor_ns, err);
    if (code || *floor_ns >= end_ns) /* nothing new */
        return code;
    code = number_of(windows, *floor_ns, &first, err);
    if (code == OK)
        code = number_of(windows, end_ns - 1, &last, err);
    if (code == OK)
        code = begin_of(windows, first, floor_ns, err);
    for (int64_t number = last; code == OK && number >= first && given < room; number--) {
        struct stretch_of_time window = {0};

        code = window_of(windows, number, &window, err);
        window.end_ns = earlier(window.end_ns, end_ns);
        if (code == OK && window.start_ns < window.end_ns)
            work[given++] = (struct window_work){window, true};
        *count = number > first && given == room ? (size_t)(last - first + 1) : given;
    }
    if (code == OK && room == 0)
        *count = (size_t)(last - first + 1);
    return code;
}

enum code window_set_history(const struct window_set *windows, int64_t before_ns, int64_t floor_ns,
                             bool (*busy)(void *context, int64_t start_ns), void *context,
                             struct window_work *work, bool *found, struct error *err)
{
    int64_t low_ns = time_later(windows->rules->from_ns, floor_ns);
    int64_t at_ns = earlier(before_ns, windows->rules->until_ns);

    *found = false;
    while (at_ns > low_ns) {
        size_t done = first_ending(windows, at_ns);
        struct stretch_of_time window;
        enum code code;

        if (done < windows->done_count && windows->done[done].start_ns < at_ns) {
            at_ns = windows->done[done].start_ns;
            continue;
        }
        code = window_set_at(windows, at_ns - 1, &window, err);
        if (code)
            return code;
        if (window.start_ns < low_ns)
            return OK;
        if (window.end_ns <= before_ns && !busy(context, window.start_ns)) {
            *work = (struct window_work){window, false};
            *found = true;
            return OK;
        }
        at_ns = window.start_ns;
    }
    return OK;
}

/* --- halves --- */

/* It has one of these letters, or is no pattern; a date has none. */
static bool tells(const struct source_time_format *format, const char *letters)
{
    if (format->kind != SOURCE_TIME_PATTERN)
        return format->kind != SOURCE_TIME_DATE;
    for (size_t i = 0; i + 1 < format->pattern.size; i++)
        if (format->pattern.data[i] == '%' && strchr(letters, format->pattern.data[++i]) != NULL)
            return true;
    return false;
}

static int64_t floor_day(int64_t ns, const struct zone *zone)
{
    int64_t utc_s = floor_second(ns) / MOMENT_SECOND;
    int64_t local_s = utc_s + (zone == NULL ? 0 : zone_offset(zone, utc_s));
    int64_t midnight_s = local_s - (local_s % 86400 + 86400) % 86400, later_s;

    if (zone != NULL)
        zone_utc(zone, midnight_s, &midnight_s, &later_s);
    return midnight_s * MOMENT_SECOND;
}

bool window_set_split(const struct window_set *windows, const struct stretch_of_time *window,
                      struct stretch_of_time halves[2])
{
    const struct source_window *rules = windows->rules;
    int64_t half_ns = time_between(window->start_ns, window->end_ns) / 2;
    int64_t middle_ns = floor_second(window->start_ns + half_ns);

    if (rules->format.kind == SOURCE_TIME_PATTERN && !tells(&rules->format, "dHIMSf"))
        return false; /* of months, or years */
    if (!tells(&rules->format, "HIMSf"))
        middle_ns = floor_day(middle_ns, rules->zone);
    if (half_ns < span_about_ns(&rules->step_min) || middle_ns <= window->start_ns)
        return false;
    halves[0] = (struct stretch_of_time){window->start_ns, middle_ns};
    halves[1] = (struct stretch_of_time){middle_ns, window->end_ns};
    return true;
}
