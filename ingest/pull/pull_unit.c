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
    row_order_release(&unit->order);
    free(unit);
}

void unit_rewind(struct pull_unit *unit)
{
    free(unit->page);
    free(unit->redirect);
    unit->page = unit->redirect = NULL;
    unit->page_number = 0;
    unit->rows_before = 0;
    unit->seen_count = 0;
    seen_rows_release(&unit->rows);
    row_order_release(&unit->order);
}

void unit_end(struct pull_unit *unit, bool failed, const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct error err = {0};

    if (failed && !unit->live && /* without memory it comes again at once */
        window_set_done(&unit->partition->failed, unit->window.start_ns, unit->window.end_ns,
                        &err) != OK)
        log_error(LOG_WARN, "a window that failed is asked again at once", &err);
    source->uncompared = source->uncompared || (failed && unit->ours);
    failed = failed && !unit->ours;
    unit_free(unit);
    pull_unit_over(source, failed, now);
}

/* --- asking --- */

static int64_t units_ready(const struct pull_source *source)
{
    int64_t ready_ns = INT64_MAX;

    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        if (unit->state == UNIT_READY && unit->not_before_ns < ready_ns)
            ready_ns = unit->not_before_ns;
    return ready_ns;
}

int64_t units_allowed(const struct pull_source *source, const struct moment *now)
{
    if (source->units == NULL || !token_is_good(source, now)) /* which is asked for */
        return INT64_MAX;
    return time_later(limiter_when(source->key, source->source->limits.weight, now),
                      limiter_try_when(source->key));
}

int64_t units_when(const struct pull_source *source, const struct moment *now)
{
    return time_later(units_ready(source), units_allowed(source, now));
}

static enum code give_secret(void *context, struct bytes name, struct bytes host,
                             struct bytes *value, struct error *err)
{
    struct pull_unit *unit = context;

    return pull_secret(unit->source->puller, bytes_of(unit->source->tenant_name), name, host,
                       &unit->arena, &unit->hidden, value, err);
}

static bool asks_conditionally(const struct pull_unit *unit)
{
    return !unit->source->source->window.given && unit->page_number == 0;
}

static enum code make_asking(struct pull_unit *unit, int64_t now_ns, struct error *err)
{
    struct pull_source *source = unit->source;
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
        .bearer = token_use(source, &unit->token_number),
        .context = unit,
    };
    struct asking last;
    enum code code;

    if (unit->redirect == NULL) {
        unit->redirects = 0;
        unit->hidden = (struct hidden){NULL};
        arena_release(&unit->arena);
        code = asking_make(&terms, &unit->arena, &unit->asking, err);
    } else {
        last = unit->asking;
        code = asking_redirect(&terms, &last, unit->redirect_status, bytes_of(unit->redirect),
                               &unit->arena, &unit->asking, err);
    }
    free(unit->redirect);
    unit->redirect = NULL;
    if (code == OK && !hidden_add_headers(&unit->hidden, &unit->arena, unit->asking.headers))
        code = error_set(err, E_MEMORY, "no memory for a request");
    return code;
}

struct pull_fetch_note unit_note(const struct pull_unit *unit, const char *outcome)
{
    struct pull_fetch_note note = {.kind = "page",
                                   .began_ns = unit->began.wall_ns,
                                   .start_ns = unit->window.start_ns,
                                   .end_ns = unit->window.end_ns,
                                   .page = unit->page_number,
                                   .outcome = outcome};

    partition_print(unit->partition->variables, note.partition);
    return note;
}

/* It comes again after a wait of chance, or is over for this pull. */
void unit_try_again(struct pull_unit *unit, int64_t until_wall_ns, const struct moment *now,
                    const char *text)
{
    struct pull_source *source = unit->source;
    const struct source_retry *retry = &source->source->retry;
    int64_t wait;

    unit->state = UNIT_READY;
    if (unit->attempt >= retry->max) {
        pull_tell(source, "failed", text);
        unit_end(unit, true, now);
        return;
    }
    wait = retry_wait_ns(retry, unit->attempt++, random_next(&source->puller->random));
    wait = time_later(wait, until_wall_ns == 0 ? 0 : time_between(now->wall_ns, until_wall_ns));
    unit->not_before_ns = time_sum(now->boot_ns, wait);
    pull_note_retry(source, unit->attempt > 1 ? NULL : text);
}

void unit_give_up(struct pull_unit *unit, const char *text, const struct moment *now)
{
    pull_tell(unit->source, "failed", text);
    unit_end(unit, true, now);
}

/* --- an answer --- */

/* A request of its own, also to the limits. */
static void follow(struct pull_unit *unit, struct fetch_answer *answer, const struct moment *now)
{
    struct bytes location = answer_header_of(answer, "location");
    uint32_t most = unit->source->source->request.redirects_max;
    char text[PULL_TEXT_SIZE];

    if (unit->redirects++ >= most) {
        snprintf(text, sizeof(text), "more than %" PRIu32 " redirects", most);
        unit_give_up(unit, text, now);
        return;
    }
    unit->redirect = strndup(location.data, location.size);
    unit->redirect_status = answer->status;
    unit->state = UNIT_READY;
    if (unit->redirect == NULL)
        unit_give_up(unit, "no memory for a redirect", now);
}

static void hand_over(struct pull_unit *unit, struct fetch_answer *answer, const struct moment *now)
{
    struct pull_job *job = calloc(1, sizeof(*job));
    struct error err = {0};

    if (job == NULL) {
        unit_try_again(unit, 0, now, "no memory for an answer");
        return;
    }
    arena_init(&job->arena, SIZE_MAX, NULL);
    job->source = unit->source;
    job->unit = unit;
    job->status = answer->status;
    job->fetched_ns = now->wall_ns;
    job->took_ns = answer->ended_ns - answer->began_ns;
    job->bytes = answer->bytes;
    if (!pull_find_tenant(unit->source, &job->limits)) {
        job_free(job);
        unit_try_again(unit, 0, now, "its tenant is not known");
        return;
    }
    job->tenant = unit->source->tenant;
    if (!answer_headers_copy(answer, &job->arena, &job->headers, &job->header_count) ||
        partition_had(unit->partition, &job->had, &err) != OK) {
        job_free(job);
        unit_try_again(unit, 0, now, "no memory for an answer");
        return;
    }
    job->body = answer->body;
    answer->body = NULL;
    unit->state = UNIT_READ;
    unit->source->busy_units++;
    (void)reader_send(unit->source->puller, job);
}

static void ask_with_another_token(struct pull_unit *unit, const struct fetch_answer *answer)
{
    struct pull_fetch_note note = unit_note(unit, "retry");

    note.took_ns = answer->ended_ns - answer->began_ns;
    note.status = answer->status;
    note.bytes = answer->bytes;
    pull_text(note.text, "the access token is refused: another one is asked for");
    pull_note_fetch(unit->source, &note);
    unit->state = UNIT_READY;
}

static void note_sent(void *context)
{
    struct pull_unit *unit = context;
    struct pull_source *source = unit->source;
    const struct moment now = pull_now(source->puller);

    limiter_sent(source->key, source->source->limits.weight, &now);
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
    limiter_end(source->key, &unit->began);
    answer_weigh(answer, source->puller, &source->source->retry, source->key, &unit->began,
                 unit->attempt > unit->restarts);
    answer_heed(answer, source->puller, source->source, bytes_of(source->key_name), source->key,
                &now);
    pull_count_answer(source, answer);
    if (answer->code == OK && answer->status == 401 && unit->asking.home &&
        token_refused(source, &unit->token_again, unit->token_number)) {
        ask_with_another_token(unit, answer);
    } else if (answer_leads_on(answer)) {
        follow(unit, answer, &now);
    } else if (answer->code == OK) {
        hand_over(unit, answer, &now);
    } else {
        note = unit_note(unit, "no_answer");
        note.took_ns = answer->ended_ns - answer->began_ns;
        note.bytes = answer->bytes;
        pull_text(note.text, answer->err.text);
        pull_note_fetch(source, &note);
        if (answer_is_final(answer))
            unit_give_up(unit, answer->err.text, &now);
        else if (answer->code == E_CANCELLED)
            unit_end(unit, false, &now);
        else
            unit_try_again(unit, 0, &now, answer->err.text);
    }
    staged_free(answer->body);
    answer->body = NULL;
}

void unit_ask(struct pull_unit *unit, const struct moment *now)
{
    struct pull_source *source = unit->source;
    struct puller *puller = source->puller;
    struct fetch_request request;
    struct error err = {0};
    enum code code;

    if (unit->again)
        unit_rewind(unit);
    unit->again = unit->ours = false;
    if (unit->page_number == 0 && unit->redirect == NULL)
        unit->begun_ns = now->wall_ns;
    code = make_asking(unit, now->wall_ns, &err);
    if (code) {
        unit_give_up(unit, err.text, now);
        return;
    }
    code = limiter_begin(puller->limiter, source->key, source->source->limits.weight, now, &err);
    if (code) { /* a full disk: it was not asked, so it is no attempt */
        unit->not_before_ns = time_sum(now->boot_ns, second_ns);
        pull_note_retry(source, err.text);
        return;
    }
    request = pull_request(puller, source->source, &unit->asking);
    request.sent = note_sent;
    unit->began = *now;
    code = fetcher_begin(puller->fetcher, &request, take_answer, unit, &unit->fetch, &err);
    if (code) {
        limiter_unsent(source->key, source->source->limits.weight, now);
        limiter_end(source->key, now);
        unit_try_again(unit, now->wall_ns + second_ns, now, err.text);
        return;
    }
    unit->state = UNIT_ASKED;
    source->busy_units++;
}
