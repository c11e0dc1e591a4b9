#include "ingest/pace/past.h"

#include <stdlib.h>

#include "ingest/pace/limiter.h"

enum { CAPACITY_FIRST = 4, PART_OF_AGE = 32 };

static const int64_t apart_min_ns = MOMENT_SECOND / 100;

/* Longer than any limit looks back, also where the wall clock, which alone tells the age of what
 * another boot noted, was set forward by as much as is usual. */
static const int64_t kept_ns = SOURCE_RATE_SPAN_MAX_NS + 3600 * MOMENT_SECOND;

void past_release(struct past *past)
{
    free(past->notes);
    *past = (struct past){0};
}

static bool is_of_this_boot(const struct past_note *note)
{
    return note->last.boot_ns != INT64_MIN;
}

static int64_t age_of(const struct past_note *note, const struct moment *now)
{
    return is_of_this_boot(note) ? time_between(note->last.boot_ns, now->boot_ns)
                                 : time_between(note->last.wall_ns, now->wall_ns);
}

static int64_t day_of(int64_t wall_ns)
{
    return wall_ns / MOMENT_DAY - (wall_ns % MOMENT_DAY < 0);
}

/* From the first of `earlier` to the last of `later`, by one of the clocks; below 0: they are not
 * one after the other, as the wall clock was set in between. */
static int64_t span_of(int64_t later_ns, int64_t earlier_ns, int64_t span_ns)
{
    int64_t between_ns = time_between(earlier_ns, later_ns);

    return between_ns < 0 ? -1 : time_sum(between_ns, span_ns);
}

/* All of both are near to one another, so that what is joined again and again goes no further. */
static bool join(struct past_note *later, const struct past_note *earlier, const struct moment *now)
{
    int64_t apart_ns = time_later(age_of(later, now) / PART_OF_AGE, apart_min_ns);
    int64_t wall_ns = span_of(later->last.wall_ns, earlier->last.wall_ns, earlier->span_ns);
    int64_t span_ns = wall_ns;
    uint64_t weight = (uint64_t)later->weight + earlier->weight;

    if (is_of_this_boot(later) != is_of_this_boot(earlier))
        return false;
    if (is_of_this_boot(later))
        span_ns = span_of(later->last.boot_ns, earlier->last.boot_ns, earlier->span_ns);
    span_ns = span_ns < 0 ? span_ns : time_later(span_ns, later->span_ns);
    if (span_ns < 0 || span_ns > apart_ns || wall_ns < 0 || wall_ns > apart_ns ||
        weight > LIMITER_RATE_COUNT_MAX ||
        day_of(later->last.wall_ns) !=
            day_of(time_between(earlier->span_ns, earlier->last.wall_ns)))
        return false;
    later->span_ns = span_ns;
    later->weight = (uint32_t)weight;
    return true;
}

void past_thin(struct past *past, const struct moment *now)
{
    size_t first = past->count; /* of those that stay, at the end */

    for (size_t i = past->count; i-- > 0;) {
        struct past_note note = past->notes[i];

        if (age_of(&note, now) >= kept_ns ||
            (first < past->count && join(&past->notes[first], &note, now)))
            continue;
        past->notes[--first] = note;
    }
    past->count -= first;
    if (first > 0 && past->count > 0)
        memmove(past->notes, past->notes + first, past->count * sizeof(*past->notes));
}

/* A quarter is free after it, so that not every note has all of them looked at. */
static bool make_room(struct past *past, const struct moment *now)
{
    size_t capacity = past->capacity == 0 ? CAPACITY_FIRST : past->capacity * 2;
    struct past_note *grown;

    past_thin(past, now);
    if (past->count < past->capacity - past->capacity / 4)
        return true;
    grown = realloc(past->notes, capacity * sizeof(*grown));
    if (grown == NULL)
        return past->count < past->capacity;
    past->notes = grown;
    past->capacity = capacity;
    return true;
}

enum code past_add(struct past *past, const struct past_note *note, const struct moment *now,
                   struct error *err)
{
    if (past->count == past->capacity && !make_room(past, now))
        return error_set(err, E_MEMORY, "no memory for what was asked");
    past->notes[past->count++] = *note;
    return OK;
}
