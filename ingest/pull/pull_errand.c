/* A request that a source makes beside those for its pages: for a token, or for its partitions.
 * One of each kind at most, asked within the limits of its host as a page is, and again with
 * growing waits of chance. */
#include "ingest/pull/pull_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

static const int64_t second_ns = MOMENT_SECOND;

static const char *const kinds[] = {[ERRAND_TOKEN] = "token", [ERRAND_LIST] = "list"};

/* --- its limits --- */

enum code errand_join(struct pull_errand *errand, struct pull_source *source, enum errand_kind kind,
                      struct error *err)
{
    struct bytes tenant = bytes_of(source->tenant_name);
    struct buf name = BUF_INIT(1024);
    enum code code;

    errand->source = source;
    errand->kind = kind;
    arena_init(&errand->arena, SIZE_MAX, NULL);
    code = kind == ERRAND_TOKEN ? asking_token_limit_name(source->source, tenant, &name, err)
                                : asking_limit_name(&source->list->source, tenant, &name, err);
    if (code == OK)
        errand->key_name = strndup(name.data, name.size);
    buf_release(&name);
    if (code == OK && errand->key_name == NULL)
        code = error_set(err, E_MEMORY, "no memory for a source");
    return code ? code
                : pull_join(source->puller, bytes_of(errand->key_name), &source->source->limits,
                            &errand->key, err);
}

void errand_leave(struct pull_errand *errand)
{
    if (errand->key != NULL)
        limiter_leave(errand->key, &errand->source->source->limits);
    free(errand->key_name);
    free(errand->redirect);
    arena_release(&errand->arena);
}

/* --- asking --- */

void errand_begin(struct pull_errand *errand)
{
    assert(errand->state == ERRAND_NONE);
    errand->state = ERRAND_READY;
    errand->attempt = errand->redirects = 0;
    errand->not_before_ns = 0;
    errand->token_again = false;
    free(errand->redirect);
    errand->redirect = NULL;
}

/* Its texts have a secret, and nobody needs them any more. */
void errand_forget(struct pull_errand *errand)
{
    errand->hidden = (struct hidden){NULL};
    arena_release(&errand->arena);
}

void errand_drop(struct pull_errand *errand)
{
    if (errand->state == ERRAND_READY)
        errand->state = ERRAND_NONE;
}

int64_t errand_when(const struct pull_errand *errand, const struct moment *now)
{
    const struct pull_source *source = errand->source;

    if (errand->state != ERRAND_READY ||
        (errand->kind == ERRAND_LIST && !token_is_good(source, now)))
        return INT64_MAX;
    return time_later(limiter_when(errand->key, source->source->limits.weight, now),
                      time_later(errand->not_before_ns, limiter_try_when(errand->key)));
}

static enum code give_secret(void *context, struct bytes name, struct bytes host,
                             struct bytes *value, struct error *err)
{
    struct pull_errand *errand = context;

    return pull_secret(errand->source->puller, bytes_of(errand->source->tenant_name), name, host,
                       &errand->arena, &errand->hidden, value, err);
}

static enum code make_asking(struct pull_errand *errand, int64_t now_ns, struct error *err)
{
    struct pull_source *source = errand->source;
    bool lists = errand->kind == ERRAND_LIST;
    struct asking_terms terms = {
        .source = lists ? &source->list->source : source->source,
        .now_ns = now_ns,
        .user_agent = bytes_of(source->puller->parts.user_agent),
        .secret = give_secret,
        .context = errand,
    };
    struct asking last = errand->asking;
    enum code code;

    if (lists)
        terms.bearer = token_use(source, &errand->token_number);
    if (errand->redirect == NULL) {
        errand->redirects = 0;
        errand->hidden = (struct hidden){NULL};
        arena_release(&errand->arena);
        code = lists ? asking_make(&terms, &errand->arena, &errand->asking, err)
                     : asking_token(&terms, &errand->arena, &errand->asking, err);
    } else {
        code = asking_redirect(&terms, &last, errand->redirect_status, bytes_of(errand->redirect),
                               &errand->arena, &errand->asking, err);
    }
    free(errand->redirect);
    errand->redirect = NULL;
    if (code == OK && !hidden_add_headers(&errand->hidden, &errand->arena, errand->asking.headers))
        code = error_set(err, E_MEMORY, "no memory for a request");
    return code;
}

/* --- what came of it --- */

struct pull_fetch_note errand_note(const struct pull_errand *errand, const char *outcome)
{
    return (struct pull_fetch_note){
        .kind = kinds[errand->kind], .began_ns = errand->began.wall_ns, .outcome = outcome};
}

void errand_failed(struct pull_errand *errand, const char *text, const struct moment *now)
{
    errand->state = ERRAND_NONE;
    if (errand->kind == ERRAND_TOKEN)
        token_failed(errand->source, text, now);
    else
        list_failed(errand->source, text, now);
}

/* Who has a list of before goes on with it, and asks again with the next pull. */
static bool may_repeat(const struct pull_errand *errand)
{
    return errand->attempt < errand->source->source->retry.max &&
           (errand->kind == ERRAND_TOKEN || !errand->source->list->known);
}

void errand_try_again(struct pull_errand *errand, int64_t until_wall_ns, const char *text,
                      const struct moment *now)
{
    struct pull_source *source = errand->source;
    int64_t wait;

    if (!may_repeat(errand)) {
        errand_failed(errand, text, now);
        return;
    }
    wait = retry_wait_ns(&source->source->retry, errand->attempt++,
                         random_next(&source->puller->random));
    wait = time_later(wait, until_wall_ns == 0 ? 0 : time_between(now->wall_ns, until_wall_ns));
    errand->not_before_ns = time_sum(now->boot_ns, wait);
    errand->state = ERRAND_READY;
    pull_note_retry(source, errand->attempt == 1 ? text : NULL);
}

static void follow(struct pull_errand *errand, const struct fetch_answer *answer,
                   const struct moment *now)
{
    struct bytes location = answer_header_of(answer, "location");
    uint32_t most = errand->source->list->source.request.redirects_max;
    char text[PULL_TEXT_SIZE];

    if (errand->redirects++ >= most) {
        snprintf(text, sizeof(text), "more than %" PRIu32 " redirects", most);
        errand_failed(errand, text, now);
        return;
    }
    errand->redirect = strndup(location.data, location.size);
    errand->redirect_status = answer->status;
    errand->state = ERRAND_READY;
    if (errand->redirect == NULL)
        errand_failed(errand, "no memory for a redirect", now);
}

/* --- an answer --- */

static void no_answer(struct pull_errand *errand, const struct fetch_answer *answer,
                      const struct moment *now)
{
    struct pull_fetch_note note = errand_note(errand, "no_answer");

    note.took_ns = answer->ended_ns - answer->began_ns;
    note.bytes = answer->bytes;
    pull_text(note.text, answer->err.text);
    pull_note_fetch(errand->source, &note);
    if (answer->code == E_CANCELLED)
        errand->state = ERRAND_READY;
    else if (answer_is_final(answer))
        errand_failed(errand, answer->err.text, now);
    else
        errand_try_again(errand, 0, answer->err.text, now);
}

static void note_sent(void *context)
{
    struct pull_errand *errand = context;
    const struct moment now = pull_now(errand->source->puller);

    limiter_sent(errand->key, errand->source->source->limits.weight, &now);
}

static void take_answer(void *context, struct fetch_answer *answer)
{
    struct pull_errand *errand = context;
    struct pull_source *source = errand->source;
    const struct moment now = pull_now(source->puller);

    source->busy_units--;
    if (!answer->sent)
        limiter_unsent(errand->key, source->source->limits.weight, &errand->began);
    limiter_end(errand->key, &errand->began);
    answer_weigh(answer, source->puller, &source->source->retry, errand->key, &errand->began,
                 errand->attempt > 0);
    answer_heed(answer, source->puller, source->source, bytes_of(errand->key_name), errand->key,
                &now);
    pull_count_answer(source, answer);
    if (!source->held || source->replaced || source->removed)
        errand->state = ERRAND_NONE; /* it is of no use any more */
    else if (answer->code != OK)
        no_answer(errand, answer, &now);
    else if (errand->kind == ERRAND_TOKEN)
        token_take(errand, answer, &now);
    else if (answer->status == 401 && errand->asking.home &&
             token_refused(source, &errand->token_again, errand->token_number))
        errand->state = ERRAND_READY;
    else if (answer_leads_on(answer))
        follow(errand, answer, &now);
    else
        list_hand_over(errand, answer, &now);
    if (errand->redirect == NULL && errand->state != ERRAND_READ)
        errand_forget(errand);
    staged_free(answer->body);
    answer->body = NULL;
}

void errand_ask(struct pull_errand *errand, const struct moment *now)
{
    struct pull_source *source = errand->source;
    struct puller *puller = source->puller;
    uint32_t weight = source->source->limits.weight;
    struct fetch_request request;
    struct fetch *fetch;
    struct error err = {0};

    if (make_asking(errand, now->wall_ns, &err) != OK) {
        errand_failed(errand, err.text, now);
        return;
    }
    if (limiter_begin(puller->limiter, errand->key, weight, now, &err) != OK) {
        errand->not_before_ns = time_sum(now->boot_ns, second_ns);
        pull_note_retry(source, err.text);
        return;
    }
    request = pull_request(puller, source->source, &errand->asking);
    request.sent = note_sent;
    if (errand->kind == ERRAND_TOKEN && request.body_bytes_max > TOKEN_ANSWER_BYTES_MAX)
        request.body_bytes_max = TOKEN_ANSWER_BYTES_MAX;
    errand->began = *now;
    if (fetcher_begin(puller->fetcher, &request, take_answer, errand, &fetch, &err) != OK) {
        limiter_unsent(errand->key, weight, now);
        limiter_end(errand->key, now);
        errand_try_again(errand, now->wall_ns + second_ns, err.text, now);
        return;
    }
    errand->state = ERRAND_ASKED;
    source->busy_units++;
}

/* --- of a source --- */

/* Something waits for a token that is not asked for. */
static bool wants_token(const struct pull_source *source)
{
    const struct pull_errand *list = list_errand(source);

    if (list != NULL && list->state == ERRAND_READY)
        return true;
    for (const struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        if (unit->state == UNIT_READY)
            return true;
    return false;
}

/* Until the next pull. */
static void end_waiting(struct pull_source *source, const struct moment *now)
{
    struct pull_errand *list = list_errand(source);

    if (list != NULL && list->state == ERRAND_READY)
        errand_failed(list, "there is no access token", now);
    for (struct pull_unit *unit = source->units, *next; unit != NULL; unit = next) {
        next = unit->next;
        if (unit->state == UNIT_READY)
            unit_end(unit, true, now);
    }
}

int64_t errands_turn(struct pull_source *source, const struct moment *now)
{
    struct pull_errand *token = token_errand(source), *list = list_errand(source);
    int64_t next_ns = list == NULL ? INT64_MAX : errand_when(list, now), when;

    if (token == NULL)
        return next_ns;
    if (token->state == ERRAND_NONE && !token_is_good(source, now) && wants_token(source)) {
        if (source->barred)
            end_waiting(source, now);
        else
            errand_begin(token);
    }
    when = errand_when(token, now);
    return when < next_ns ? when : next_ns;
}

struct pull_errand *errand_choose(const struct pull_source *source, const struct moment *now)
{
    struct pull_errand *const errands[] = {token_errand(source), list_errand(source)};

    for (size_t i = 0; i < COUNT_OF(errands); i++)
        if (errands[i] != NULL && errand_when(errands[i], now) <= now->boot_ns)
            return errands[i];
    return NULL;
}
