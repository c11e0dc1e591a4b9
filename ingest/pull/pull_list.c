/* The partitions of a source that come out of a request: asked for before anything else, and again
 * with the first pull that begins `every` later.  Those of before are used until a new list has
 * come whole; each partition's progress is by what it is, so what is in both goes on where it
 * stood. */
#include "ingest/pull/pull_inside.h"

#include <stdio.h>
#include <stdlib.h>

struct listed {
    struct arena arena;
    struct partition_list list;
};

void listed_free(struct listed *listed)
{
    if (listed == NULL)
        return;
    arena_release(&listed->arena);
    free(listed);
}

enum code list_new(struct pull_source *source, struct error *err)
{
    struct pull_list *list = calloc(1, sizeof(*list));

    if (list == NULL)
        return error_set(err, E_MEMORY, "no memory for a source");
    list->source = asking_list_source(source->source);
    source->list = list;
    return errand_join(&list->errand, source, ERRAND_LIST, err);
}

void list_free(struct pull_source *source)
{
    struct pull_list *list = source->list;

    source->list = NULL;
    if (list == NULL)
        return;
    errand_leave(&list->errand);
    listed_free(list->listed);
    listed_free(list->coming);
    free(list);
}

struct pull_errand *list_errand(const struct pull_source *source)
{
    return source->list == NULL ? NULL : &source->list->errand;
}

void list_reset(struct pull_source *source)
{
    struct pull_list *list = source->list;

    if (list == NULL)
        return;
    errand_drop(&list->errand);
    listed_free(list->coming);
    list->coming = NULL;
    list->pull_waits = false;
    list->due_ns = INT64_MIN;
}

bool list_is_due(const struct pull_source *source, const struct moment *now)
{
    const struct pull_list *list = source->list;

    return list != NULL && (!list->known || now->wall_ns >= list->due_ns);
}

bool list_is_asked(const struct pull_source *source)
{
    const struct pull_list *list = source->list;

    return list != NULL && (list->errand.state != ERRAND_NONE || list->coming != NULL);
}

void list_ask(struct pull_source *source, bool pull_waits)
{
    source->list->pull_waits = pull_waits;
    errand_begin(&source->list->errand);
}

static void go_on(struct pull_source *source, const struct moment *now)
{
    bool waits = source->list->pull_waits;

    source->list->pull_waits = false;
    if (waits)
        pull_begin_units(source, now);
}

/* --- it cannot be had --- */

void list_failed(struct pull_source *source, const char *why, const struct moment *now)
{
    struct pull_list *list = source->list;
    char text[PULL_TEXT_SIZE];

    snprintf(text, sizeof(text), "%s: %s",
             list->known ? "its partitions are those of before" : "its partitions are not known",
             why);
    if (!source->barred) /* else it was told why */
        pull_tell(source, "failed", text);
    if (list->known) /* it stays due, and is asked with the next pull */
        go_on(source, now);
    else
        pull_rest(source, now->wall_ns, true, now);
}

/* --- it came --- */

void list_hand_over(struct pull_errand *errand, struct fetch_answer *answer,
                    const struct moment *now)
{
    struct pull_source *source = errand->source;
    struct pull_job *job = calloc(1, sizeof(*job));

    if (job != NULL)
        arena_init(&job->arena, SIZE_MAX, NULL);
    if (job == NULL ||
        !answer_headers_copy(answer, &job->arena, &job->headers, &job->header_count)) {
        if (job != NULL)
            job_free(job);
        errand_try_again(errand, 0, "no memory for an answer", now);
        return;
    }
    job->source = source;
    job->errand = errand;
    job->status = answer->status;
    job->fetched_ns = now->wall_ns;
    job->took_ns = answer->ended_ns - answer->began_ns;
    job->bytes = answer->bytes;
    job->body = answer->body;
    answer->body = NULL;
    errand->state = ERRAND_READ;
    source->busy_units++;
    (void)reader_send(source->puller, job);
}

enum code list_read(struct pull_job *job, struct error *err)
{
    const struct source *source = job->source->source;
    uint64_t most = job->source->puller->parts.plain_bytes_max;
    const struct partition_list_terms terms = {
        .source = source,
        .body = page_bytes_staged(job->body),
        .status = job->status,
        .headers = job->headers,
        .header_count = job->header_count,
        .fetched_ns = job->fetched_ns,
        .plain_bytes_max =
            source->limits.plain_bytes_max < most ? source->limits.plain_bytes_max : most,
    };
    struct listed *listed = calloc(1, sizeof(*listed));
    enum code code;

    if (listed == NULL)
        return error_set(err, E_MEMORY, "no memory for a list of partitions");
    arena_init(&listed->arena, PARTITION_LIST_BYTES_MAX, NULL);
    code = partition_list_read(&terms, &listed->arena, &listed->list, err);
    job->verdict = listed->list.verdict;
    job->err = *err;
    job->listed = listed;
    return code;
}

static bool is_the_same(const struct pull_source *source, const struct partition_list *list)
{
    if (list->count != source->partition_count)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        char id[PARTITION_ID_SIZE];

        partition_id(&list->partitions[i], id);
        if (partition_find(source, id) == NULL)
            return false;
    }
    return true;
}

/* Nothing where there was something is believed when it was said twice: many an API has nothing for
 * a moment, and nobody wants a day without rows for it. */
static void take_partitions(struct pull_source *source, struct pull_job *job,
                            const struct moment *now)
{
    struct pull_list *list = source->list;
    const struct partition_list *came = &job->listed->list;
    bool empty = came->count == 0 && source->partition_count > 0;

    if (empty && !list->was_empty) {
        list->was_empty = true;
        list_failed(source, "the list is empty; it is believed when it is so again", now);
        return;
    }
    list->was_empty = false;
    list->due_ns = time_sum(now->wall_ns, source->source->foreach.every_ns);
    if (list->known && is_the_same(source, came)) {
        go_on(source, now);
        return;
    }
    list->coming = job->listed;
    job->listed = NULL;
}

void list_turn(struct pull_source *source)
{
    struct pull_list *list = source->list;

    if (list == NULL || list->coming == NULL)
        return;
    pull_drop_ready(source);
    if (!pull_is_idle(source))
        return;
    partitions_release(source);
    listed_free(list->listed);
    list->listed = list->coming;
    list->coming = NULL;
    list->known = partitions_make(source, list->listed->list.partitions, list->listed->list.count);
    if (!list->known)
        pull_tell(source, "failed", "no memory for its partitions");
    source->due = source->due || list->pull_waits;
    list->pull_waits = false;
    source->next_ns = 0;
    pull_set_state(source, PULL_LOADING);
}

static void note_list(const struct pull_job *job)
{
    struct pull_fetch_note note =
        errand_note(job->errand, job->code ? "error" : source_do_names[job->verdict.what]);

    note.took_ns = job->took_ns;
    note.status = job->status;
    note.bytes = job->bytes;
    note.rows = job->listed == NULL ? 0 : job->listed->list.rows;
    pull_text(note.text, job->err.text);
    pull_note_fetch(job->source, &note);
}

void list_take(struct pull_job *job)
{
    struct pull_errand *errand = job->errand;
    struct pull_source *source = job->source;
    const struct moment now = pull_now(source->puller);
    char text[PULL_TEXT_SIZE];

    source->busy_units--;
    errand->state = ERRAND_NONE;
    hidden_mask(&errand->hidden, job->err.text, strlen(job->err.text));
    if (job->err.text[0] != '\0')
        pull_text(text, job->err.text);
    else
        snprintf(text, sizeof(text), "answered %u: %s", job->status, errand->asking.url_shown);
    errand_forget(errand); /* with the address */
    note_list(job);
    if (!source->held || source->replaced || source->removed)
        return;
    if (job->code == OK && job->verdict.wait_until_ns > 0) /* it is of the host */
        pull_wait(source->puller, bytes_of(errand->key_name), errand->key,
                  job->verdict.wait_until_ns);
    if (job->code == OK && job->verdict.what == SOURCE_OK)
        take_partitions(source, job, &now);
    else if (job->code == OK && job->verdict.what == SOURCE_WAIT && !source->list->known)
        errand->state = ERRAND_READY;
    else if (job->code || job->verdict.what == SOURCE_RETRY)
        errand_try_again(errand, job->verdict.wait_until_ns, text, &now);
    else
        errand_failed(errand, text, &now);
}
