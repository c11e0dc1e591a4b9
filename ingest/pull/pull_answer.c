/* What a reader made of a unit's page: on to the next one, again, in halves, or over. */
#include "ingest/pull/pull_inside.h"

#include <stdio.h>
#include <stdlib.h>

/* --- pages that were there before --- */

static bool was_seen(const struct pull_unit *unit, struct bytes position)
{
    uint64_t hash = map_hash(position);

    for (size_t i = 0; i < unit->seen_count; i++)
        if (unit->seen[i] == hash)
            return true;
    return false;
}

static bool note_seen(struct pull_unit *unit, struct bytes position)
{
    if (unit->seen_count == unit->seen_capacity) {
        size_t capacity = unit->seen_capacity == 0 ? 16 : 2 * unit->seen_capacity;
        uint64_t *seen = realloc(unit->seen, capacity * sizeof(*seen));

        if (seen == NULL)
            return false;
        unit->seen = seen;
        unit->seen_capacity = capacity;
    }
    unit->seen[unit->seen_count++] = map_hash(position);
    return true;
}

static void begin_again(struct pull_unit *unit)
{
    unit_rewind(unit);
    unit->restarts++;
}

/* --- what became of it --- */

static const char was_held[] =
    "a member or shard did not answer: rows of windows that were had wait until it does";

static void note_held(struct pull_job *job)
{
    struct pull_unit *unit = job->unit;

    unit->held = (unit->held && unit->page_number > 0) || job->written.held > 0;
    if (job->code == OK && job->written.held > 0)
        (void)error_set(&job->err, E_PARTIAL, "%s", was_held);
}

static void note_result(const struct pull_job *job)
{
    struct pull_unit *unit = job->unit;
    struct pull_counts *counts = &unit->source->counts;
    struct pull_fetch_note note = unit_note(
        unit, job->code || job->written.held > 0 ? "error" : source_do_names[job->verdict.what]);

    note.took_ns = job->took_ns;
    note.status = job->status;
    note.bytes = job->bytes;
    note.rows = job->facts.counts.rows;
    note.without_values = job->facts.counts.empty;
    note.written = job->written.written;
    note.added = job->written.added;
    note.same = job->written.rows - job->written.written - job->written.held;
    pull_text(note.text, job->err.text);
    pull_note_fetch(unit->source, &note);
    pthread_mutex_lock(&unit->source->puller->lock);
    counts->pages++;
    counts->rows += note.rows;
    counts->written += note.written;
    counts->added += note.added;
    counts->same += note.same;
    counts->retracted += job->written.retracted;
    counts->clipped += job->facts.counts.clipped;
    counts->faulty += job->facts.counts.faulty;
    counts->without_values += note.without_values;
    counts->unchanged += job->verdict.what == SOURCE_UNCHANGED || job->facts.same_body;
    counts->waits += job->verdict.what == SOURCE_WAIT;
    pthread_mutex_unlock(&unit->source->puller->lock);
    if (job->code == OK && job->verdict.what == SOURCE_OK)
        told_finds(unit->source, &job->facts.counts.finds);
}

static bool replace_text(char **text, struct bytes by)
{
    char *copy = by.size == 0 ? NULL : strndup(by.data, by.size);

    if (by.size > 0 && copy == NULL)
        return false;
    free(*text);
    *text = copy;
    return true;
}

/* It came whole and is written. */
static void window_done(struct pull_unit *unit, const struct pull_job *job,
                        const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct pull_partition *partition = unit->partition;
    struct error err = {0};

    if (!source->source->window.given) {
        (void)replace_text(&partition->etag, job->etag); /* without them it is asked in full */
        (void)replace_text(&partition->modified, job->modified);
        (void)replace_text(&partition->body, job->body_hash);
    } else if (window_set_done(&partition->windows, unit->window.start_ns, unit->window.end_ns,
                               &err)) {
        pull_tell(source, "failed", err.text); /* asked again, and found to be the same */
    }
    source->expires_ns = job->expires_ns;
    pthread_mutex_lock(&source->puller->lock);
    source->counts.windows++;
    source->success_ns = now->wall_ns;
    pthread_mutex_unlock(&source->puller->lock);
    pull_reached(source);
    unit_end(unit, false, now);
}

static void ask_on(struct pull_unit *unit)
{
    unit->attempt = unit->restarts; /* else what goes round is asked for ever */
    unit->not_before_ns = 0;
    unit->token_again = false;
    unit->state = UNIT_READY;
}

static void next_page(struct pull_unit *unit, const struct pull_job *job, const struct moment *now)
{
    struct bytes position = job->next_page.text;

    if (was_seen(unit, position)) {
        begin_again(unit);
        unit_try_again(unit, 0, now, "what stands for the next page was there before");
        return;
    }
    if (!note_seen(unit, position) || !replace_text(&unit->page, position)) {
        unit_try_again(unit, 0, now, "no memory for the next page");
        return;
    }
    snprintf(unit->last_body, sizeof(unit->last_body), "%.*s", BYTES_ARG(job->page_hash));
    unit->page_number = job->next_page.number;
    unit->rows_before += facts_rows(&job->facts);
    ask_on(unit);
}

/* Its page is written.  A window that was not compared whole comes again, and so does one that was
 * asked for while its pages came: those are of before. */
static void go_on(struct pull_unit *unit, const struct pull_job *job, const struct moment *now)
{
    if (job->more) {
        next_page(unit, job, now);
    } else if (unit->held) {
        begin_again(unit);
        unit->ours = true;
        unit_try_again(unit, 0, now, was_held);
    } else if (unit->again) {
        ask_on(unit);
    } else {
        window_done(unit, job, now);
    }
}

static void split(struct pull_unit *unit, const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct stretch_of_time halves[2];

    if (!source->source->window.given ||
        !window_set_split(&unit->partition->windows, &unit->window, halves)) {
        unit_give_up(unit, "the window is to be split, and is as small as step_min says", now);
        return;
    }
    if (unit_add(source, unit->partition, &halves[0], unit->live) == NULL ||
        unit_add(source, unit->partition, &halves[1], unit->live) == NULL) {
        unit_give_up(unit, "no memory to split a window", now);
        return;
    }
    unit_end(unit, false, now);
}

/* One of 5xx was taken for a fault of its host until it was read. */
static void weigh(const struct pull_job *job)
{
    enum source_do what = job->verdict.what;

    if (job->status >= 500 && what != SOURCE_RETRY && what != SOURCE_RESTART)
        limiter_answered(job->unit->source->key);
}

void unit_take(struct pull_job *job)
{
    struct pull_unit *unit = job->unit;
    struct pull_source *source = unit->source;
    const struct moment now = pull_now(source->puller);
    const char *text;
    char status[PULL_TEXT_SIZE];

    source->busy_units--;
    note_held(job);
    hidden_mask(&unit->hidden, job->err.text, strlen(job->err.text));
    note_result(job);
    if (job->code == E_CANCELLED || job->code == E_DRAINING) {
        unit_end(unit, false, &now);
        return;
    }
    text = job->err.text;
    if (text[0] == '\0') {
        snprintf(status, sizeof(status), "answered %u: %s", job->status, unit->asking.url_shown);
        text = status;
    }
    if (job->code) {
        unit_try_again(unit, 0, &now, text);
        return;
    }
    weigh(job);
    switch (job->verdict.what) {
    case SOURCE_OK:
    case SOURCE_EMPTY:
    case SOURCE_UNCHANGED:
    case SOURCE_SKIP:
        go_on(unit, job, &now);
        break;
    case SOURCE_RETRY:
    case SOURCE_RESTART:
        if (job->verdict.wait_until_ns > 0) /* Retry-After is of the host */
            pull_wait(source->puller, bytes_of(source->key_name), source->key,
                      job->verdict.wait_until_ns);
        if (job->anew || job->verdict.what == SOURCE_RESTART)
            begin_again(unit);
        unit_try_again(unit, job->verdict.wait_until_ns, &now, text);
        break;
    case SOURCE_WAIT:
        pull_wait(source->puller, bytes_of(source->key_name), source->key,
                  job->verdict.wait_until_ns);
        unit->state = UNIT_READY;
        break;
    case SOURCE_SPLIT:
        split(unit, &now);
        break;
    case SOURCE_FAIL:
        if (unit->page_number > 0 && job->status == 410) { /* its cursor is no more */
            begin_again(unit);
            unit_try_again(unit, 0, &now, text);
        } else {
            unit_give_up(unit, text, &now);
        }
        break;
    }
}
