/* What was asked of a source beside its schedule (docs/decisions/0053-wishes.md).  A wish is never
 * struck off: a pull is served by one that began behind it, a backfill by windows that were begun
 * behind it, and both is what progress tells.  So whoever takes the source over knows from its rows
 * what is left to do; what is noted here is only what was taken up since they were read. */
#include "ingest/pull/pull_inside.h"

#include <stdlib.h>

static int64_t newest_backfill(const struct pull_wishes *wishes)
{
    return wishes->backfill_count == 0 ? INT64_MIN
                                       : wishes->backfills[wishes->backfill_count - 1].asked_ns;
}

static bool touches(const struct source_backfill *backfill, int64_t start_ns, int64_t end_ns)
{
    return start_ns < backfill->end_ns && backfill->start_ns < end_ns;
}

/* Of a window in its middle the pages that came are of before: it begins again. */
static void undo(struct pull_source *source, const struct source_backfill *backfill)
{
    for (struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        if (source->source->window.given &&
            touches(backfill, unit->window.start_ns, unit->window.end_ns))
            unit->again = true;
    for (size_t i = 0; i < source->partition_count; i++) {
        struct error err = {0};

        partition_drop_rests(&source->partitions[i], backfill->start_ns, backfill->end_ns);
        window_set_release(&source->partitions[i].failed);
        if (partition_undo(&source->partitions[i], backfill->start_ns, backfill->end_ns, &err))
            pull_tell(source, "a range cannot be asked again", err.text);
    }
    source->history_done = false;
}

/* Of a source that knows what it has. */
static void take_up(struct pull_source *source)
{
    const struct pull_wishes *wishes = source->wishes;

    if (wishes->pull_ns > source->pull_taken_ns &&
        source->state != PULL_PULLING) /* else it is one */
        source->next_ns = 0;
    if (wishes->pull_ns > source->pull_taken_ns)
        limiter_try_now(source->key); /* it may be known to be up again */
    for (size_t i = 0; i < wishes->backfill_count; i++)
        if (wishes->backfills[i].asked_ns > source->backfill_taken_ns)
            undo(source, &wishes->backfills[i]);
    if (newest_backfill(wishes) > source->backfill_taken_ns && source->source->window.given)
        pull_reached(source);
    source->pull_taken_ns = wishes->pull_ns;
    source->backfill_taken_ns = newest_backfill(wishes);
}

void pull_wish(struct puller *puller, struct pull_message *message)
{
    struct pull_source *source = pull_find(puller, message->tenant, message->name);

    if (source == NULL)
        source = pull_make(puller, message); /* its declaration is next */
    if (source == NULL)
        return; /* for want of memory: it is told again at the next change */
    free(source->wishes);
    source->wishes = message->wishes;
    message->wishes = NULL;
    if (source->state == PULL_RESTING || source->state == PULL_PULLING)
        take_up(source);
    else if (source->wishes->pull_ns > source->pull_taken_ns)
        source->next_ns = 0; /* what it waits for, as the list of its partitions, is tried now */
    if (source->wishes->pull_ns == 0 && source->wishes->backfill_count == 0) {
        free(source->wishes); /* most are never asked for anything */
        source->wishes = NULL;
    }
}

/* One may have failed as it had none, or a wrong one; one that is in the middle of a pull has what
 * it asked with, and fails or not. */
void pull_secrets(struct puller *puller, const char *tenant)
{
    for (struct pull_source *source = puller->sources; source != NULL; source = source->next)
        if (source->source != NULL && source->failures > 0 &&
            source->source->auth.kind != SOURCE_AUTH_NONE &&
            (source->state == PULL_RESTING || source->state == PULL_LOADING) &&
            strcmp(source->tenant_name, tenant) == 0)
            source->next_ns = 0;
}

bool pull_asked_since(const struct pull_source *source, const struct progress_note *note)
{
    const struct pull_wishes *wishes = source->wishes;

    for (size_t i = 0; wishes != NULL && i < wishes->backfill_count; i++)
        if (note->begun_ns < wishes->backfills[i].asked_ns &&
            touches(&wishes->backfills[i], note->time_ns, note->end_ns))
            return true;
    return false;
}

enum code pull_done(const struct pull_source *source, struct pull_partition *partition,
                    const struct progress_note *note, struct error *err)
{
    const struct pull_wishes *wishes = source->wishes;
    struct window_set left;
    enum code code;

    if (!pull_asked_since(source, note))
        return window_set_done(&partition->windows, note->time_ns, note->end_ns, err);
    window_set_init(&left, partition->windows.rules);
    code = window_set_done(&left, note->time_ns, note->end_ns, err);
    if (code == OK)
        code = window_set_done(&partition->undone, note->time_ns, note->end_ns, err);
    for (size_t i = 0; code == OK && i < wishes->backfill_count; i++)
        if (note->begun_ns < wishes->backfills[i].asked_ns)
            code = window_set_undo(&left, wishes->backfills[i].start_ns,
                                   wishes->backfills[i].end_ns, err);
    for (size_t i = 0; code == OK && i < left.done_count; i++)
        code =
            window_set_done(&partition->windows, left.done[i].start_ns, left.done[i].end_ns, err);
    window_set_release(&left);
    return code;
}

void pull_wishes_known(struct pull_source *source)
{
    if (source->wishes == NULL)
        return;
    source->pull_taken_ns = source->last_ns;
    source->backfill_taken_ns = newest_backfill(source->wishes); /* pull_done() has seen to them */
    take_up(source);
}
