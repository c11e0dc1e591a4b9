/* Which windows of its partitions a source asks: those of a pull, and history behind them. */
#include "ingest/pull/pull_inside.h"

#include <stdlib.h>

/* --- of a pull --- */

/* A window that was begun goes on where it stood, if it is asked in the same bounds; from its first
 * page where it has to be known what all of them have, or what came before. */
static void take_rest(struct pull_unit *unit)
{
    const struct source *source = unit->source->source;
    struct pull_rest **at = &unit->partition->rests;

    if (source->window.retract_missing ||
        row_clock_hangs_on_order(&source->time, unit->window.start_ns, unit->window.end_ns))
        return;
    while (*at != NULL &&
           ((*at)->start_ns != unit->window.start_ns || (*at)->end_ns != unit->window.end_ns))
        at = &(*at)->next;
    if (*at != NULL) {
        struct pull_rest *rest = *at;

        *at = rest->next;
        unit->page = rest->page;
        unit->page_number = rest->page_number;
        unit->rows_before = rest->rows;
        unit->begun_ns = rest->begun_ns;
        free(rest);
    }
}

static bool add_window(struct pull_source *source, struct pull_partition *partition,
                       const struct window_work *work)
{
    struct pull_unit *unit = unit_add(source, partition, &work->window, work->live);

    if (unit != NULL)
        take_rest(unit);
    return unit != NULL;
}

/* More windows than a pull has in hand: those before `ns` come behind it, also if they were had. */
static void leave_to_history(struct pull_source *source, struct pull_partition *partition,
                             int64_t ns)
{
    struct error err = {0};

    if (partition->history_ns < ns && partition_undo(partition, partition->history_ns, ns, &err))
        pull_tell(source, "what overlaps cannot be asked again", err.text);
    partition->history_ns = ns;
}

bool pull_take_live(struct pull_source *source, int64_t now_ns)
{
    struct window_work work[PULL_LIVE_MAX];
    struct error err = {0};
    bool made = true;

    for (size_t i = 0; i < source->partition_count && made; i++) {
        struct pull_partition *partition = &source->partitions[i];
        size_t count = 0;

        window_set_release(&partition->failed);
        if (!source->source->window.given) {
            made = unit_add(source, partition, NULL, true) != NULL;
            continue;
        }
        if (window_set_live(&partition->windows, now_ns, work, PULL_LIVE_MAX, &count,
                            &partition->history_ns, &err)) {
            pull_tell(source, "its windows cannot be told", err.text);
            continue;
        }
        if (count > PULL_LIVE_MAX)
            leave_to_history(source, partition, work[PULL_LIVE_MAX - 1].window.start_ns);
        for (size_t w = 0; w < count && w < PULL_LIVE_MAX && made; w++)
            made = add_window(source, partition, &work[w]);
    }
    return made;
}

/* --- of before --- */

/* History that was under way goes on at once, and not with the next pull, which may be a day away.
 */
void pull_begin_history(struct pull_source *source, int64_t now_ns)
{
    for (size_t i = 0; source->source->window.given && i < source->partition_count; i++) {
        struct pull_partition *partition = &source->partitions[i];
        struct error err = {0};
        size_t count;

        if (partition->windows.done_count > 0 &&
            window_set_live(&partition->windows, now_ns, NULL, 0, &count, &partition->history_ns,
                            &err))
            pull_tell(source, "its windows cannot be told", err.text);
    }
}

static bool is_busy(void *context, int64_t start_ns)
{
    const struct pull_partition *partition = ((void **)context)[0];
    const struct pull_source *source = ((void **)context)[1];

    struct stretch_of_time window;
    struct error err = {0};

    if (window_set_at(&partition->windows, start_ns, &window, &err) != OK)
        return true;
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        if (unit->partition == partition && unit->window.start_ns < window.end_ns &&
            window.start_ns < unit->window.end_ns) /* be it a half of it */
            return true;
    for (size_t i = 0; i < partition->failed.done_count; i++)
        if (partition->failed.done[i].start_ns < window.end_ns &&
            window.start_ns < partition->failed.done[i].end_ns)
            return true;
    return false;
}

/* Windows of before, one for each request that could be under way, of each partition in turn. */
void pull_take_history(struct pull_source *source, int64_t now_ns)
{
    const struct source_window *rules = &source->source->window;
    int64_t floor_ns = INT64_MIN;
    size_t tried = 0, units = 0;

    if (!rules->given || source->history_done || source->live_units > 0 || source->barred ||
        list_is_asked(source))
        return;
    if (source->retention_ns != INT64_MAX)
        floor_ns = now_ns - source->retention_ns;
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        units++;
    while (units < source->source->limits.concurrency && tried < source->partition_count) {
        struct pull_partition *partition =
            &source->partitions[source->partition_turn++ % source->partition_count];
        void *both[2] = {partition, source};
        struct window_work work;
        struct error err = {0};
        bool found = false;

        if (window_set_history(&partition->windows, partition->history_ns, floor_ns, is_busy, both,
                               &work, &found, &err)) {
            pull_tell(source, "its windows cannot be told", err.text);
            break;
        }
        tried = found ? 0 : tried + 1;
        if (found && !add_window(source, partition, &work))
            break;
        units += found;
    }
    source->history_done = tried >= source->partition_count && units == 0;
}

/* Up to where all its partitions have all of the windows: what is behind now is its lag. */
void pull_reached(struct pull_source *source)
{
    int64_t reached_ns = INT64_MAX, newest_ns = INT64_MAX;

    for (size_t i = 0; source->source->window.given && i < source->partition_count; i++) {
        const struct window_set *windows = &source->partitions[i].windows;
        int64_t mine = window_set_contiguous(windows, windows->rules->from_ns);

        reached_ns = mine < reached_ns ? mine : reached_ns;
        mine = windows->done_count == 0 ? 0 : windows->done[windows->done_count - 1].end_ns;
        newest_ns = mine < newest_ns ? mine : newest_ns;
    }
    pthread_mutex_lock(&source->puller->lock);
    source->reached_ns = source->source->window.given ? reached_ns : source->success_ns;
    source->told.newest_ns = source->source->window.given ? newest_ns : source->success_ns;
    source->ends_ns = source->source->window.given ? source->source->window.until_ns : INT64_MAX;
    pthread_mutex_unlock(&source->puller->lock);
}
