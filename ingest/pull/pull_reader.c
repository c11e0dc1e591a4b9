/* Readers: pages that came are decoded and written, and progress is read, on threads that may wait.
 * A job has all it needs; the source's document, partitions and the unit's place stay as they are
 * while it is out. */
#include "ingest/pull/missing.h"
#include "ingest/pull/pull_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a page");
}

/* --- a page --- */

static struct reading_terms reading_terms(const struct pull_job *job)
{
    const struct pull_unit *unit = job->unit;
    const struct pull_source *source = unit->source;
    const struct puller_parts *parts = &source->puller->parts;
    uint64_t plain_max = source->source->limits.plain_bytes_max;

    return (struct reading_terms){
        .source = source->source,
        .partition = unit->partition->variables,
        .windowed = source->source->window.given,
        .start_ns = unit->window.start_ns,
        .end_ns = unit->window.end_ns,
        .fetched_ns = job->fetched_ns,
        .body = page_bytes_staged(job->body),
        .status = job->status,
        .headers = job->headers,
        .header_count = job->header_count,
        .body_before = bytes_of(unit->partition->body == NULL ? "" : unit->partition->body),
        .limits = &job->limits,
        .plain_bytes_max = plain_max < parts->plain_bytes_max ? plain_max : parts->plain_bytes_max,
        .order = &job->unit->order,
    };
}

static struct bytes header_of(const struct pull_job *job, const char *name)
{
    for (size_t i = 0; i < job->header_count; i++)
        if (bytes_equal(job->headers[i].name, bytes_of(name)))
            return job->headers[i].value;
    return BYTES("");
}

/* Only of an answer that is all there is of its partition: what comes in windows or pages is asked
 * for by other addresses each time. */
static bool is_whole(const struct pull_unit *unit, const struct pull_job *job)
{
    return !unit->source->source->window.given && unit->page_number == 0 && !job->more;
}

static void note_validators(struct pull_job *job)
{
    const struct pull_unit *unit = job->unit;
    const struct source_conditional *conditional = &unit->source->source->conditional;
    const struct pull_partition *partition = unit->partition;
    bool again = job->verdict.what == SOURCE_UNCHANGED;

    if (!expires_of(job->headers, job->header_count, job->fetched_ns, &job->expires_ns))
        job->expires_ns = 0;
    if (!is_whole(unit, job))
        return;
    job->etag = conditional->etag ? header_of(job, "etag") : BYTES("");
    job->modified = conditional->last_modified ? header_of(job, "last-modified") : BYTES("");
    job->body_hash = job->facts.body;
    if (again && job->etag.size == 0 && partition->etag != NULL)
        job->etag = bytes_of(partition->etag);
    if (again && job->modified.size == 0 && partition->modified != NULL)
        job->modified = bytes_of(partition->modified);
    if (again && job->body_hash.size == 0 && partition->body != NULL)
        job->body_hash = bytes_of(partition->body);
}

static enum code find_next(struct pull_job *job, struct error *err)
{
    const struct pull_unit *unit = job->unit;
    const struct page_position page = {bytes_of(unit->page == NULL ? "" : unit->page),
                                       unit->page_number};
    const struct page_facts facts = {
        .rows = facts_rows(&job->facts),
        .empty_body = job->facts.empty_body,
        .at_path = job->facts.at_path,
        .total = job->facts.total,
        .headers = job->headers,
        .header_count = job->header_count,
        .url = unit->asking.url,
        .rows_before = unit->rows_before,
    };

    return paging_next(unit->source->source, &page, &facts, &job->arena, &job->more,
                       &job->next_page, err);
}

static struct progress_note note_of(const struct pull_job *job, char document[HASH128_TEXT_SIZE])
{
    const struct pull_unit *unit = job->unit;
    bool windowed = unit->source->source->window.given;
    int64_t time_ns = windowed ? unit->window.start_ns : job->fetched_ns;

    hash128_print(&unit->source->document, document);
    return (struct progress_note){
        .time_ns = time_ns,
        .end_ns = windowed ? unit->window.end_ns : 0,
        .done = !job->more,
        .page = job->more ? job->next_page.text : BYTES(""),
        .page_number = job->more ? job->next_page.number : 0,
        .rows = job->more ? unit->rows_before + facts_rows(&job->facts) : 0,
        .etag = job->etag,
        .modified = job->modified,
        .body = job->body_hash,
        .document = windowed ? BYTES("") : bytes_of(document),
        .expires_ns = job->expires_ns,
        .fetched_ns = job->fetched_ns,
        .begun_ns = unit->begun_ns,
        .had_ns = window_set_contiguous(&job->had, time_ns),
    };
}

/* The page before came once more: nothing that it says of itself, total or end, is of this one. */
static bool came_before(const struct pull_job *job)
{
    const struct pull_unit *unit = job->unit;

    return unit->page_number > 0 && facts_rows(&job->facts) > 0 && job->facts.body.size > 0 &&
           bytes_equal(job->facts.body, bytes_of(unit->last_body));
}

/* All that the window has is known: a page with faults may hide any row, and an answer without a
 * row is what a broken API gives as well. */
static bool tells_missing(const struct pull_job *job)
{
    const struct pull_unit *unit = job->unit;

    return unit->source->source->window.retract_missing && !job->more &&
           (job->verdict.what == SOURCE_OK || job->verdict.what == SOURCE_EMPTY) && !unit->held &&
           !unit->rows.doubtful && job->facts.counts.faulty == 0 && unit->rows.count > 0;
}

static enum code retract_missing(struct pull_job *job, struct writing *writing, struct error *err)
{
    const struct pull_unit *unit = job->unit;
    const struct bytes *names;
    size_t count;
    enum code code;

    if (!tells_missing(job))
        return OK;
    code = missing_measurements(unit->source->source, unit->partition->variables, &job->arena,
                                &names, &count, err);
    return code ? code
                : writing_retract(writing, names, count, unit->window.start_ns, unit->window.end_ns,
                                  err);
}

static enum code write_page(struct pull_job *job, struct reading *reading, struct writing *writing,
                            struct error *err)
{
    char document[HASH128_TEXT_SIZE];
    struct progress_note note;
    bool again = job->verdict.what == SOURCE_OK && came_before(job);
    enum code code = OK;

    job->more = false;
    if (again)
        code = error_set(err, E_BAD_PAGE, "a page came that was there before");
    else if (job->verdict.what == SOURCE_OK && !job->facts.same_body)
        code = find_next(job, err);
    if (code == E_BAD_PAGE) { /* what it says of itself does not fit: as if it did not decode */
        job->verdict = (struct verdict){.what = SOURCE_RETRY, .decided = true};
        job->anew = !again;
        job->err = *err;
        return OK;
    }
    if (code)
        return code;
    note_validators(job);
    note = note_of(job, document);
    if (job->verdict.what == SOURCE_OK && !job->facts.same_body)
        code = reading_write(reading, err);
    else
        writing_forget(writing);
    if (code == OK)
        code = retract_missing(job, writing, err);
    if (code == OK)
        code = writing_finish(writing, job->unit->held ? NULL : &note, err);
    if (code == OK) {
        seen_rows_keep(&job->unit->rows);
        reading_keep(reading);
        job->unit->rows.doubtful |= job->facts.counts.faulty > 0;
    }
    return code;
}

/* What holds it up is its tenant's alone: others go by, for whom there is a reader.  Pages of that
 * tenant stay where they are: each that was taken up would take its memory. */
static void set_blocks(struct pull_job *job, bool blocks)
{
    struct puller *puller = job->source->puller;
    unsigned at = 0;

    if (job->blocks == blocks)
        return;
    job->blocks = blocks;
    if (blocks) {
        assert(puller->blocked_count < PULL_READERS_MAX);
        puller->blocked[puller->blocked_count++] = job->tenant;
        if (puller->blocked_count == puller->reader_count && !puller->stop)
            (void)reader_start(puller); /* without one they wait as well */
        return;
    }
    while (puller->blocked[at] != job->tenant)
        at++;
    puller->blocked[at] = puller->blocked[--puller->blocked_count];
    pthread_cond_broadcast(&puller->more);
}

/* Of struct deposit_terms. */
static void tell_waiting(void *context, const struct error *why)
{
    struct pull_job *job = context;
    struct pull_source *source = job->source;

    pthread_mutex_lock(&source->puller->lock);
    set_blocks(job, why != NULL && (why->code == E_RATE_LIMIT || why->code == E_OUTBOX_FULL));
    source->waiting += why != NULL && !job->waiting;
    source->waiting -= why == NULL && job->waiting;
    job->waiting = why != NULL;
    if (why != NULL)
        pull_keep_text(&source->waits_for, why->text);
    pthread_mutex_unlock(&source->puller->lock);
}

static enum code work_on_page(struct pull_job *job, struct error *err)
{
    struct pull_source *source = job->unit->source;
    struct puller *puller = source->puller;
    const struct writing_terms terms = {
        .deposit = {.environment = puller->parts.intake,
                    .tenant = job->tenant,
                    .limits = &job->limits,
                    .stop = &source->lost,
                    .waits = tell_waiting,
                    .waiter = job},
        .recall = puller->parts.recall,
        .source = bytes_of(source->name),
        .partition = bytes_of(job->unit->partition->id),
        .latest = source->source->versions.latest,
        .seen = source->source->window.retract_missing ? &job->unit->rows : NULL,
        .had = &job->had,
    };
    const struct reading_terms page = reading_terms(job);
    struct writing *writing = NULL;
    struct reading *reading = NULL;
    enum code code = writing_open(&terms, &writing, err);

    seen_rows_forget(&job->unit->rows); /* of an attempt before */
    if (code == OK) {
        const struct reading_sink sink = {writing_take, writing_forget, writing};

        code = reading_look(&page, &sink, &reading, &job->facts, err);
    }
    if (code == OK) {
        job->verdict = job->facts.verdict;
        if (job->facts.message.size > 0)
            (void)error_set(&job->err, E_BAD_PAGE, "answered %u: %.*s", job->status,
                            BYTES_ARG(job->facts.message));
        else if (job->verdict.what == SOURCE_RETRY && err->text[0] != '\0')
            job->err = *err; /* why it is no page */
        switch (job->verdict.what) {
        case SOURCE_OK:
        case SOURCE_EMPTY:
        case SOURCE_UNCHANGED:
        case SOURCE_SKIP:
            code = write_page(job, reading, writing, err);
            break;
        case SOURCE_RETRY:
        case SOURCE_RESTART:
        case SOURCE_WAIT:
        case SOURCE_SPLIT:
        case SOURCE_FAIL:
            break;
        }
        job->written = *writing_counts(writing);
    }
    /* Texts of the facts that outlive the reading. */
    job->body_hash = arena_copy(&job->arena, job->body_hash);
    job->page_hash = arena_copy(&job->arena, job->facts.body);
    reading_free(reading);
    writing_close(writing);
    return code;
}

/* --- progress --- */

static bool keep_text(struct arena *arena, struct bytes *text)
{
    *text = arena_copy(arena, *text);
    return text->data != NULL;
}

static enum code take_note(void *context, const struct recalled_row *row, struct error *err)
{
    struct pull_job *job = context;
    struct pull_loaded *loaded;
    struct progress_note note;
    struct bytes partition;

    if (!progress_read(row, &note, &partition) || partition.size != PARTITION_ID_SIZE - 1)
        return OK;
    loaded = ARENA_NEW(&job->arena, struct pull_loaded);
    if (loaded == NULL || !keep_text(&job->arena, &note.page) ||
        !keep_text(&job->arena, &note.etag) || !keep_text(&job->arena, &note.modified) ||
        !keep_text(&job->arena, &note.body) || !keep_text(&job->arena, &note.document))
        return no_memory(err);
    memcpy(loaded->partition, partition.data, partition.size);
    loaded->note = note;
    loaded->next = job->loaded; /* the last one told stands first */
    job->loaded = loaded;
    return OK;
}

static enum code load_progress(struct pull_job *job, struct error *err)
{
    const struct pull_source *source = job->source;
    const struct recall *recall = source->puller->parts.recall;
    struct bytes measurement = progress_measurement(bytes_of(source->name), &job->arena);
    bool partial = false;
    enum code code = OK;

    if (measurement.data == NULL)
        return no_memory(err);
    if (job->caught_up && recall->ready != NULL)
        code = recall->ready(recall->context, bytes_of(source->tenant_name), job->since_ns, err);
    if (code == OK)
        code = recall->rows(recall->context, bytes_of(source->tenant_name), measurement, NULL, 0,
                            INT64_MIN, INT64_MAX, take_note, job, &partial, err);
    if (code == OK && partial && job->whole)
        code = error_set(err, E_NOT_READY,
                         "another member does not answer: what it has done of "
                         "the source may be missing");
    return code;
}

/* --- jobs --- */

void job_free(struct pull_job *job)
{
    staged_free(job->body);
    listed_free(job->listed);
    window_set_release(&job->had);
    arena_release(&job->arena);
    free(job);
}

bool reader_send(struct puller *puller, struct pull_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&puller->lock);
    *puller->jobs_end = job;
    puller->jobs_end = &job->next;
    puller->job_count++;
    pthread_cond_signal(&puller->more);
    pthread_mutex_unlock(&puller->lock);
    return true;
}

bool reader_start(struct puller *puller)
{
    if (puller->reader_count == PULL_READERS_MAX ||
        pthread_create(&puller->readers[puller->reader_count], NULL, reader_main, puller) != 0)
        return false;
    puller->reader_count++;
    return true;
}

static bool is_blocked(const struct puller *puller, const struct tenant *tenant)
{
    for (unsigned i = 0; i < puller->blocked_count; i++)
        if (puller->blocked[i] == tenant)
            return true;
    return false;
}

bool reader_is_blocked(struct puller *puller, const struct tenant *tenant)
{
    bool blocked;

    pthread_mutex_lock(&puller->lock);
    blocked = is_blocked(puller, tenant);
    pthread_mutex_unlock(&puller->lock);
    return blocked;
}

/* What only knows how far it has come writes nothing. */
static bool goes_by(const struct puller *puller, const struct pull_job *job)
{
    return puller->stop || job->unit == NULL || !is_blocked(puller, job->tenant);
}

size_t reader_backlog(struct puller *puller)
{
    size_t count;

    pthread_mutex_lock(&puller->lock);
    count = puller->job_count - puller->blocked_count;
    for (const struct pull_job *job = puller->jobs; job != NULL; job = job->next)
        count -= !goes_by(puller, job);
    pthread_mutex_unlock(&puller->lock);
    return count;
}

/* The first that may be worked on; NULL: there is none. */
static struct pull_job *find_job(struct puller *puller)
{
    struct pull_job **at = &puller->jobs, *job;

    while (*at != NULL && !goes_by(puller, *at))
        at = &(*at)->next;
    job = *at;
    if (job == NULL)
        return NULL;
    *at = job->next;
    if (*at == NULL)
        puller->jobs_end = at;
    return job;
}

static struct pull_job *take_job(struct puller *puller)
{
    struct pull_job *job;

    pthread_mutex_lock(&puller->lock);
    while ((job = find_job(puller)) == NULL && !puller->stop)
        pthread_cond_wait(&puller->more, &puller->lock);
    pthread_mutex_unlock(&puller->lock);
    return job;
}

static void give_back(struct puller *puller, struct pull_job *job)
{
    pthread_mutex_lock(&puller->lock);
    job->next = puller->results;
    puller->results = job;
    puller->job_count--;
    pthread_mutex_unlock(&puller->lock);
    fetcher_wake(puller->fetcher);
}

/* What is wrong with a page that is none, its first row that is wrong among it; what the page says
 * itself goes before it. */
static bool tells(const struct pull_job *job, const struct error *err)
{
    return job->unit != NULL && job->err.text[0] == '\0' && err->text[0] != '\0' &&
           (job->verdict.what == SOURCE_RETRY || job->verdict.what == SOURCE_FAIL);
}

static enum code work(struct pull_job *job, struct error *err)
{
    if (job->errand != NULL)
        return list_read(job, err);
    return job->unit == NULL ? load_progress(job, err) : work_on_page(job, err);
}

void *reader_main(void *context)
{
    struct puller *puller = context;
    struct pull_job *job;

    while ((job = take_job(puller)) != NULL) {
        struct error err = {0};

        if (puller->stop || (job->unit != NULL && job->source->lost))
            job->code = error_set(&err, E_CANCELLED, "stopped");
        else
            job->code = work(job, &err);
        if (job->code || tells(job, &err))
            job->err = err;
        give_back(puller, job);
    }
    return NULL;
}
