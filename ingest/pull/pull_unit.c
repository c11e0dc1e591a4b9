/* One window's pages, one after another: asked when host and wait allow, handed to a reader, and
 * on. A page that fails is asked again a few times with growing waits of chance; then the unit is
 * over, and its window is asked anew by the next pull: nothing of it was called done. */
#include "ingest/pull/pull_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"

static const int64_t second_ns = MOMENT_SECOND;

struct moment pull_now(const struct puller *puller)
{
    struct clock *clock = puller->parts.clock;

    return (struct moment){clock_wall_ns(clock), clock_boot_ns(clock)};
}

struct pull_unit *unit_add(struct pull_source *source, struct pull_partition *partition,
                           const struct stretch_of_time *window, bool live)
{
    struct pull_unit *unit = calloc(1, sizeof(*unit));

    if (unit == NULL)
        return NULL;
    *unit = (struct pull_unit){
        .next = source->units, .source = source, .partition = partition, .live = live};
    if (window != NULL)
        unit->window = *window;
    arena_init(&unit->arena, SIZE_MAX, NULL);
    source->units = unit;
    source->live_units += live;
    partition->asking++;
    return unit;
}

void unit_free(struct pull_unit *unit)
{
    struct pull_source *source = unit->source;
    struct pull_unit **at = &source->units;

    while (*at != unit)
        at = &(*at)->next;
    *at = unit->next;
    source->live_units -= unit->live;
    unit->partition->asking--;
    arena_release(&unit->arena);
    free(unit->page);
    free(unit->redirect);
    free(unit->seen);
    seen_rows_release(&unit->rows);
    free(unit);
}

static void end_unit(struct pull_unit *unit, bool failed, const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct error err = {0};

    if (failed && !unit->live && /* without memory it comes again at once */
        window_set_done(&unit->partition->failed, unit->window.start_ns, unit->window.end_ns,
                        &err) != OK)
        log_error(LOG_WARN, "a window that failed is asked again at once", &err);
    unit_free(unit);
    pull_unit_over(source, failed, now);
}

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
    free(unit->page);
    unit->page = NULL;
    unit->page_number = 0;
    unit->rows_before = 0;
    unit->seen_count = 0;
    seen_rows_release(&unit->rows);
    unit->restarts++;
}

/* --- asking --- */

int64_t unit_when(const struct pull_unit *unit, const struct moment *now)
{
    if (unit->state != UNIT_READY)
        return INT64_MAX;
    return time_later(limiter_when(unit->source->key, unit->source->source->limits.weight, now),
                      unit->not_before_ns);
}

static enum code give_secret(void *context, struct bytes name, struct bytes host,
                             struct bytes *value, struct error *err)
{
    struct pull_unit *unit = context;
    const struct puller_parts *parts = &unit->source->puller->parts;

    return parts->secret(parts->context, bytes_of(unit->source->tenant_name), name, host,
                         &unit->arena, value, err);
}

static bool asks_conditionally(const struct pull_unit *unit)
{
    return !unit->source->source->window.given && unit->page_number == 0;
}

static enum code make_asking(struct pull_unit *unit, int64_t now_ns, struct error *err)
{
    const struct pull_source *source = unit->source;
    const struct pull_partition *partition = unit->partition;
    bool conditional = asks_conditionally(unit);
    const struct asking_terms terms = {
        .source = source->source,
        .partition = partition->variables,
        .window = source->source->window.given ? &unit->window : NULL,
        .page = {bytes_of(unit->page == NULL ? "" : unit->page), unit->page_number},
        .etag = bytes_of(conditional && partition->etag != NULL ? partition->etag : ""),
        .modified = bytes_of(conditional && partition->modified != NULL ? partition->modified : ""),
        .now_ns = now_ns,
        .user_agent = bytes_of(source->puller->parts.user_agent),
        .secret = give_secret,
        .context = unit,
    };
    struct asking last;
    enum code code;

    if (unit->redirect == NULL) {
        unit->redirects = 0;
        arena_release(&unit->arena);
        return asking_make(&terms, &unit->arena, &unit->asking, err);
    }
    last = unit->asking;
    code = asking_redirect(&terms, &last, unit->redirect_status, bytes_of(unit->redirect),
                           &unit->arena, &unit->asking, err);
    free(unit->redirect);
    unit->redirect = NULL;
    return code;
}

/* Most of many sources fetch little.  Once it is full the oldest goes.  False: no memory. */
static bool grow_fetches(struct pull_source *source)
{
    size_t room = source->fetch_room == 0 ? 2 : 2 * source->fetch_room;
    struct pull_fetch_note *fetches;

    if (source->fetch_room == PULL_FETCHES_KEPT)
        return true;
    fetches = realloc(source->fetches, room * sizeof(*fetches));
    if (fetches == NULL)
        return false;
    source->fetches = fetches;
    source->fetch_room = room;
    return true;
}

static void note_fetch(struct pull_unit *unit, const struct pull_fetch_note *note)
{
    struct pull_source *source = unit->source;

    pthread_mutex_lock(&source->puller->lock);
    if (source->fetch_count < source->fetch_room || grow_fetches(source)) {
        source->fetches[source->fetch_at] = *note;
        source->fetch_at = (source->fetch_at + 1) % PULL_FETCHES_KEPT;
        if (source->fetch_count < PULL_FETCHES_KEPT)
            source->fetch_count++;
    }
    pthread_mutex_unlock(&source->puller->lock);
}

static struct pull_fetch_note note_begin(const struct pull_unit *unit, const char *outcome)
{
    struct pull_fetch_note note = {.began_ns = unit->began.wall_ns,
                                   .start_ns = unit->window.start_ns,
                                   .end_ns = unit->window.end_ns,
                                   .page = unit->page_number,
                                   .outcome = outcome};

    memcpy(note.partition, unit->partition->id, sizeof(note.partition));
    return note;
}

/* It comes again after a wait of chance, or is over for this pull. */
static void try_again(struct pull_unit *unit, int64_t until_wall_ns, const struct moment *now,
                      const char *text)
{
    struct pull_source *source = unit->source;
    const struct source_retry *retry = &source->source->retry;
    int64_t wait;

    unit->state = UNIT_READY;
    if (unit->attempt >= retry->max) {
        pull_tell(source, "failed", text);
        end_unit(unit, true, now);
        return;
    }
    pthread_mutex_lock(&source->puller->lock);
    source->counts.retries++;
    pthread_mutex_unlock(&source->puller->lock);
    wait = retry_wait_ns(retry, unit->attempt++, random_next(&source->puller->random));
    wait = time_later(wait, until_wall_ns == 0 ? 0 : time_between(now->wall_ns, until_wall_ns));
    unit->not_before_ns = time_sum(now->boot_ns, wait);
    if (unit->attempt > 1 || text == NULL)
        return;
    pthread_mutex_lock(&source->puller->lock);
    pull_text(source->error, text);
    source->error_ns = now->wall_ns;
    pthread_mutex_unlock(&source->puller->lock);
}

static void give_up(struct pull_unit *unit, const char *text, const struct moment *now)
{
    pull_tell(unit->source, "failed", text);
    end_unit(unit, true, now);
}

/* --- an answer --- */

static struct bytes find_header(const struct fetch_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++)
        if (bytes_equal(answer->headers[i].name, bytes_of(name)))
            return answer->headers[i].value;
    return BYTES("");
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A request of its own, also to the limits. */
static void follow(struct pull_unit *unit, struct fetch_answer *answer, const struct moment *now)
{
    struct bytes location = find_header(answer, "location");
    uint32_t most = unit->source->source->request.redirects_max;
    char text[PULL_TEXT_SIZE];

    if (unit->redirects++ >= most) {
        snprintf(text, sizeof(text), "more than %" PRIu32 " redirects", most);
        give_up(unit, text, now);
        return;
    }
    unit->redirect = strndup(location.data, location.size);
    unit->redirect_status = answer->status;
    unit->state = UNIT_READY;
    if (unit->redirect == NULL)
        give_up(unit, "no memory for a redirect", now);
}

static bool copy_headers(struct pull_job *job, const struct fetch_answer *answer)
{
    job->headers = ARENA_ARRAY(&job->arena, struct answer_header, answer->header_count + 1);
    for (size_t i = 0; job->headers != NULL && i < answer->header_count; i++) {
        struct answer_header *header = &job->headers[job->header_count++];

        header->name = arena_copy(&job->arena, answer->headers[i].name);
        header->value = arena_copy(&job->arena, answer->headers[i].value);
        if (header->name.data == NULL || header->value.data == NULL)
            return false;
    }
    return job->headers != NULL;
}

static void hand_over(struct pull_unit *unit, struct fetch_answer *answer, const struct moment *now)
{
    struct pull_job *job = calloc(1, sizeof(*job));

    if (job == NULL) {
        try_again(unit, 0, now, "no memory for an answer");
        return;
    }
    arena_init(&job->arena, SIZE_MAX, NULL);
    job->source = unit->source;
    job->unit = unit;
    job->status = answer->status;
    job->tenant = unit->source->tenant;
    job->limits = unit->source->limits;
    job->fetched_ns = now->wall_ns;
    job->took_ns = answer->ended_ns - answer->began_ns;
    job->bytes = answer->bytes;
    if (!copy_headers(job, answer)) {
        job_free(job);
        try_again(unit, 0, now, "no memory for an answer");
        return;
    }
    job->body = answer->body;
    answer->body = NULL;
    unit->state = UNIT_READ;
    unit->source->busy_units++;
    (void)reader_send(unit->source->puller, job);
}

static void count_answer(struct pull_source *source, const struct fetch_answer *answer)
{
    pthread_mutex_lock(&source->puller->lock);
    source->counts.requests += answer->sent;
    source->counts.bytes += answer->bytes;
    pthread_mutex_unlock(&source->puller->lock);
}

static void take_answer(void *context, struct fetch_answer *answer)
{
    struct pull_unit *unit = context;
    struct pull_source *source = unit->source;
    const struct moment now = pull_now(source->puller);
    struct pull_fetch_note note;

    unit->fetch = NULL;
    source->busy_units--;
    if (!answer->sent)
        limiter_unsent(source->key, source->source->limits.weight, &unit->began);
    limiter_end(source->key);
    count_answer(source, answer);
    if (answer->code == OK && is_redirect(answer->status) &&
        find_header(answer, "location").size > 0) {
        follow(unit, answer, &now);
    } else if (answer->code == OK) {
        hand_over(unit, answer, &now);
    } else {
        note = note_begin(unit, "no_answer");
        note.took_ns = answer->ended_ns - answer->began_ns;
        note.bytes = answer->bytes;
        pull_text(note.text, answer->err.text);
        note_fetch(unit, &note);
        if (answer->code == E_ADDRESS || answer->code == E_CONFIG || answer->code == E_BODY_LARGE)
            give_up(unit, answer->err.text, &now);
        else if (answer->code == E_CANCELLED)
            end_unit(unit, false, &now);
        else
            try_again(unit, 0, &now, answer->err.text);
    }
    staged_free(answer->body);
    answer->body = NULL;
}

void unit_ask(struct pull_unit *unit, const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct puller *puller = source->puller;
    const struct source_timeouts *timeouts = &source->source->timeouts;
    uint64_t bytes_max = source->source->limits.body_bytes_max;
    struct fetch_request request;
    struct error err = {0};
    enum code code = make_asking(unit, now->wall_ns, &err);

    if (code) {
        give_up(unit, err.text, now);
        return;
    }
    code = limiter_begin(puller->limiter, source->key, source->source->limits.weight, now, &err);
    if (code) {
        try_again(unit, 0, now, err.text);
        return;
    }
    request = (struct fetch_request){
        .method = unit->asking.method,
        .url = unit->asking.url,
        .headers = unit->asking.headers,
        .body = unit->asking.body,
        .connect_ns = timeouts->connect_ns,
        .first_byte_ns = timeouts->first_byte_ns,
        .idle_ns = timeouts->idle_ns,
        .total_ns = timeouts->total_ns,
        .body_bytes_max =
            bytes_max < puller->parts.body_bytes_max ? bytes_max : puller->parts.body_bytes_max,
    };
    unit->began = *now;
    code = fetcher_begin(puller->fetcher, &request, take_answer, unit, &unit->fetch, &err);
    if (code) {
        limiter_unsent(source->key, source->source->limits.weight, now);
        limiter_end(source->key);
        try_again(unit, now->wall_ns + second_ns, now, err.text);
        return;
    }
    unit->state = UNIT_ASKED;
    source->busy_units++;
}

/* --- what a reader made of it --- */

static const char *const outcomes[] = {
    [SOURCE_OK] = "ok",       [SOURCE_EMPTY] = "empty", [SOURCE_UNCHANGED] = "unchanged",
    [SOURCE_RETRY] = "retry", [SOURCE_WAIT] = "wait",   [SOURCE_SPLIT] = "split",
    [SOURCE_SKIP] = "skip",   [SOURCE_FAIL] = "fail",
};

static void note_result(const struct pull_job *job)
{
    struct pull_unit *unit = job->unit;
    struct pull_counts *counts = &unit->source->counts;
    struct pull_fetch_note note =
        note_begin(unit, job->code ? "error" : outcomes[job->verdict.what]);

    note.took_ns = job->took_ns;
    note.status = job->status;
    note.bytes = job->bytes;
    note.rows = job->facts.counts.rows;
    note.written = job->written.written;
    pull_text(note.text, job->err.text);
    note_fetch(unit, &note);
    pthread_mutex_lock(&unit->source->puller->lock);
    counts->pages++;
    counts->rows += note.rows;
    counts->written += note.written;
    counts->retracted += job->written.retracted;
    counts->clipped += job->facts.counts.clipped;
    counts->faulty += job->facts.counts.faulty;
    counts->unchanged += job->verdict.what == SOURCE_UNCHANGED || job->facts.same_body;
    counts->waits += job->verdict.what == SOURCE_WAIT;
    pthread_mutex_unlock(&unit->source->puller->lock);
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
    source->error[0] = '\0';
    pthread_mutex_unlock(&source->puller->lock);
    pull_reached(source);
    end_unit(unit, false, now);
}

static void next_page(struct pull_unit *unit, const struct pull_job *job, const struct moment *now)
{
    struct bytes position = job->next_page.text;

    if (was_seen(unit, position)) {
        begin_again(unit);
        try_again(unit, 0, now, "what stands for the next page was there before");
        return;
    }
    if (!note_seen(unit, position) || !replace_text(&unit->page, position)) {
        try_again(unit, 0, now, "no memory for the next page");
        return;
    }
    snprintf(unit->last_body, sizeof(unit->last_body), "%.*s", BYTES_ARG(job->page_hash));
    unit->page_number = job->next_page.number;
    unit->rows_before += job->facts.counts.rows;
    unit->attempt = unit->restarts; /* else what goes round is asked for ever */
    unit->not_before_ns = 0;
    unit->state = UNIT_READY;
}

static void split(struct pull_unit *unit, const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct stretch_of_time halves[2];

    if (!source->source->window.given ||
        !window_set_split(&unit->partition->windows, &unit->window, halves)) {
        give_up(unit, "the window is to be split, and is as small as step_min says", now);
        return;
    }
    if (unit_add(source, unit->partition, &halves[0], unit->live) == NULL ||
        unit_add(source, unit->partition, &halves[1], unit->live) == NULL) {
        give_up(unit, "no memory to split a window", now);
        return;
    }
    end_unit(unit, false, now);
}

void unit_take(struct pull_job *job)
{
    struct pull_unit *unit = job->unit;
    struct pull_source *source = unit->source;
    const struct moment now = pull_now(source->puller);
    const char *text = job->err.text[0] != '\0' ? job->err.text : NULL;
    char status[PULL_TEXT_SIZE];

    source->busy_units--;
    note_result(job);
    if (job->code == E_CANCELLED || job->code == E_DRAINING) {
        end_unit(unit, false, &now);
        return;
    }
    if (text == NULL) {
        snprintf(status, sizeof(status), "answered %u", job->status);
        text = status;
    }
    if (job->code) {
        try_again(unit, 0, &now, text);
        return;
    }
    switch (job->verdict.what) {
    case SOURCE_OK:
    case SOURCE_EMPTY:
    case SOURCE_UNCHANGED:
    case SOURCE_SKIP:
        if (job->more)
            next_page(unit, job, &now);
        else
            window_done(unit, job, &now);
        break;
    case SOURCE_RETRY:
        if (job->verdict.wait_until_ns > 0) /* Retry-After is of the host */
            pull_wait(source->puller, bytes_of(source->key_name), source->key,
                      job->verdict.wait_until_ns);
        if (job->anew)
            begin_again(unit);
        try_again(unit, job->verdict.wait_until_ns, &now, text);
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
            try_again(unit, 0, &now, text);
        } else {
            give_up(unit, text, &now);
        }
        break;
    }
}
