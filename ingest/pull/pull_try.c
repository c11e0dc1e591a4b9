/* Pages that somebody waits for: asked by the puller's thread, as it alone knows what hosts allow,
 * and read by who waits. */
#include "ingest/pull/pull_inside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/time_text.h"
#include "codec/json_doc.h"
#include "ingest/pull/trial.h"

/* For what its host allows. */
static const int64_t patience_ns = 60 * INT64_C(1000000000);

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void finish(struct pull_try *try, enum code code, const struct error *err)
{
    struct puller *puller = try->puller;

    pthread_mutex_lock(&puller->lock);
    try->code = code;
    if (code)
        try->err = *err;
    try->done = true;
    pthread_cond_broadcast(&puller->tried);
    pthread_mutex_unlock(&puller->lock);
}

static void unlink_try(struct puller *puller, struct pull_try *try)
{
    struct pull_try **at = &puller->trying;

    while (*at != try)
        at = &(*at)->next;
    *at = try->next;
}

static void end_try(struct pull_try *try, enum code code, const struct error *err)
{
    struct puller *puller = try->puller;
    struct error over = {0};

    unlink_try(puller, try);
    if (try->key != NULL)
        limiter_leave(try->key, &try->terms->source->limits);
    if (code && (puller->stop || puller->tries_over)) {
        code = error_set(&over, E_DRAINING, "the server is shutting down");
        err = &over;
    }
    finish(try, code, err); /* it may be gone then */
}

static enum code give_secret(void *context, struct bytes name, struct bytes host,
                             struct bytes *value, struct error *err)
{
    struct pull_try *try = context;

    return pull_secret(try->puller, try->tenant, name, host, &try->arena, &try->hidden, value, err);
}

static void note_sent(void *context)
{
    struct pull_try *try = context;
    const struct moment now = pull_now(try->puller);

    limiter_sent(try->key, try->terms->source->limits.weight, &now);
}

static enum code tell_late(const struct pull_try *try, struct error *err)
{
    return error_set(err, E_TIMEOUT,
                     "%s: a page that is tried is waited for %" PRId64
                     " ms, which is the limit trial_ms_max",
                     try->asking.url_shown, try->terms->patience_ns / 1000000);
}

static void take_answer(void *context, struct fetch_answer *answer)
{
    struct pull_try *try = context;
    const struct moment now = pull_now(try->puller);
    struct error err = answer->err;
    enum code code = answer->code;

    if (!answer->sent)
        limiter_unsent(try->key, try->terms->source->limits.weight, &try->began);
    limiter_end(try->key, &try->began);
    answer_weigh(answer, try->puller, &try->terms->source->retry, try->key, &try->began, true);
    answer_heed(answer, try->puller, try->terms->source, try->key_name, try->key, &now);
    if (code == OK && !answer_headers_copy(answer, &try->arena, &try->headers, &try->header_count))
        code = error_set(&err, E_MEMORY, "no memory for an answer");
    if (code == E_TIMEOUT && try->cut_ns > 0 && answer->ended_ns - answer->began_ns >= try->cut_ns)
        code = tell_late(try, &err);
    try->status = answer->status;
    try->took_ns = answer->ended_ns - answer->began_ns;
    try->body = answer->body;
    answer->body = NULL;
    end_try(try, code, &err);
}

/* What is asked, and whose limits hold for it. */
static enum code prepare(struct pull_try *try, const struct moment *now, struct error *err)
{
    const struct trial_terms *terms = try->terms;
    const struct stretch_of_time window = {terms->start_ns, terms->end_ns};
    const struct asking_terms asking = {
        .source = try->source,
        .partition = try->partition,
        .window = terms->windowed && try->what == TRY_PAGE ? &window : NULL,
        .page = {BYTES(""), 0},
        .etag = BYTES(""),
        .modified = BYTES(""),
        .now_ns = now->wall_ns,
        .user_agent = bytes_of(try->puller->parts.user_agent),
        .secret = give_secret,
        .bearer = try->bearer,
        .context = try,
    };
    struct buf name = BUF_INIT(1024);
    bool token = try->what == TRY_TOKEN;
    enum code code = token ? asking_token(&asking, &try->arena, &try->asking, err)
                           : asking_make(&asking, &try->arena, &try->asking, err);

    if (code == OK && !hidden_add_headers(&try->hidden, &try->arena, try->asking.headers))
        code = error_set(err, E_MEMORY, "no memory for a request");
    if (code == OK)
        code = token ? asking_token_limit_name(try->source, try->tenant, &name, err)
                     : asking_limit_name(try->source, try->tenant, &name, err);
    if (code == OK)
        try->key_name = arena_copy(&try->arena, buf_bytes(&name));
    buf_release(&name);
    if (code == OK && try->key_name.data == NULL)
        code = error_set(err, E_MEMORY, "no memory for a request");
    if (code == OK)
        code = pull_join(try->puller, try->key_name, &terms->source->limits, &try->key, err);
    return code;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static enum code ask(struct pull_try *try, const struct moment *now, struct error *err)
{
    const struct source *source = try->terms->source;
    struct puller *puller = try->puller;
    struct fetch_request request = pull_request(puller, source, &try->asking);
    enum code code = limiter_begin(puller->limiter, try->key, source->limits.weight, now, err);

    if (code)
        return code;
    request.sent = note_sent;
    if (request.total_ns == 0 || try->ends_ns - now->boot_ns < request.total_ns)
        request.total_ns = try->cut_ns = try->ends_ns - now->boot_ns;
    if (try->what == TRY_TOKEN)
        request.body_bytes_max = least(request.body_bytes_max, TOKEN_ANSWER_BYTES_MAX);
    try->asked = true;
    try->began = *now;
    code = fetcher_begin(puller->fetcher, &request, take_answer, try, &try->fetch, err);
    if (code) {
        limiter_unsent(try->key, source->limits.weight, now);
        limiter_end(try->key, now);
    }
    return code;
}

/* What is out ends in fetcher_run(). */
static void give_up(struct pull_try *try)
{
    struct error err = {0};

    if (try->asked)
        fetcher_cancel(try->puller->fetcher, try->fetch);
    else
        end_try(try, error_set(&err, E_DRAINING, "the server is shutting down"), &err);
}

static void take_new(struct puller *puller, const struct moment *now)
{
    struct pull_try *tries;

    pthread_mutex_lock(&puller->lock);
    tries = puller->tries;
    puller->tries = NULL;
    pthread_mutex_unlock(&puller->lock);
    while (tries != NULL) {
        struct pull_try *try = tries;
        struct error err = {0};
        enum code code;

        tries = try->next;
        try->next = puller->trying;
        puller->trying = try;
        try->until_ns = earlier(now->boot_ns + patience_ns, try->ends_ns);
        code = prepare(try, now, &err);
        if (code)
            end_try(try, code, &err);
    }
}

int64_t tries_turn(struct puller *puller, const struct moment *now)
{
    int64_t next_ns = INT64_MAX;
    bool over = puller->tries_over;

    take_new(puller, now);
    for (struct pull_try *try = puller->trying, *next; try != NULL; try = next) {
        struct error err = {0};
        int64_t when;
        enum code code = OK;

        next = try->next;
        if (over)
            give_up(try);
        if (over || try->asked)
            continue;
        /* Also of a host that is down: somebody wants to see whether it is. */
        when = limiter_when(try->key, try->terms->source->limits.weight, now);
        if (now->boot_ns >= try->ends_ns)
            code = tell_late(try, &err);
        else if (when <= now->boot_ns)
            code = ask(try, now, &err);
        else if (now->boot_ns >= try->until_ns || (when != INT64_MAX && when > try->until_ns))
            code = error_set(&err, E_BUSY, "the host may not be asked now, by its limits");
        else /* also where it waits for one that is under way: it is given up then */
            next_ns = earlier(next_ns, earlier(when, try->until_ns));
        if (code)
            end_try(try, code, &err);
    }
    return next_ns;
}

void tries_end(struct puller *puller)
{
    const struct moment now = pull_now(puller);
    struct error err = {0};

    (void)error_set(&err, E_DRAINING, "the server is shutting down");
    take_new(puller, &now);
    while (puller->trying != NULL)
        end_try(puller->trying, E_DRAINING, &err);
}

/* --- who waits --- */

static void put_request(const struct pull_try *try, struct buf *out)
{
    buf_printf(out, "\"request\":{\"method\":\"%s\",\"url\":", try->asking.method);
    json_put_text(out, bytes_of(try->asking.url_shown));
    buf_printf(out, "},\"status\":%u,\"ms\":%" PRId64 ",", try->status, try->took_ns / 1000000);
}

static enum code show(const struct pull_try *try, struct buf *out, struct error *err)
{
    struct trial_terms terms = *try->terms;
    enum code code;

    terms.body = page_bytes_staged(try->body);
    terms.partition = try->partition;
    terms.status = try->status;
    terms.headers = try->headers;
    terms.header_count = try->header_count;
    terms.url = try->asking.url;
    terms.hidden = &try->hidden;
    terms.plain_bytes_max = least(terms.plain_bytes_max, try->puller->parts.plain_bytes_max);
    put_request(try, out);
    code = trial_run(&terms, out, err);
    buf_put_char(out, '}');
    return code;
}

void puller_tries_end(struct puller *puller)
{
    puller->tries_over = true;
    fetcher_wake(puller->fetcher);
}

/* It goes to the puller's thread, and comes back with an answer; try_release() follows. */
static enum code wait_for(struct pull_try *try, struct error *err)
{
    struct puller *puller = try->puller;

    arena_init(&try->arena, SIZE_MAX, NULL);
    pthread_mutex_lock(&puller->lock);
    try->next = puller->tries;
    puller->tries = try;
    pthread_mutex_unlock(&puller->lock);
    fetcher_wake(puller->fetcher);
    pthread_mutex_lock(&puller->lock);
    while (!try->done)
        pthread_cond_wait(&puller->tried, &puller->lock);
    pthread_mutex_unlock(&puller->lock);
    if (try->code)
        *err = try->err;
    return try->code;
}

static void try_release(struct pull_try *try)
{
    staged_free(try->body);
    arena_release(&try->arena);
}

static enum code take_piece(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    buf_put(context, piece);
    return OK;
}

static enum code try_token(struct pull_try try, struct arena *arena, struct bytes *token,
                           struct error *err)
{
    struct buf body = BUF_INIT(TOKEN_ANSWER_BYTES_MAX + 1);
    int64_t until_ns;
    enum code code;

    try.what = TRY_TOKEN;
    code = wait_for(&try, err);
    if (code == OK)
        code = staged_read(try.body, take_piece, &body, err);
    if (code == OK)
        code = buf_finish(&body, err);
    if (code == OK)
        code = asking_token_read(try.status, buf_bytes(&body), 0, arena, token, &until_ns, err);
    if (code == E_UNAUTHORIZED) /* who asks us is not meant */
        err->code = code = E_BAD_PAGE;
    buf_release(&body);
    try_release(&try);
    return code;
}

static void put_partition(const struct partition_list *list,
                          const struct source_partition *partition, struct buf *out)
{
    buf_printf(out, "\"partitions\":%zu,\"partition\":{", list->count);
    for (size_t i = 0; i < partition->count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        json_put_text(out, partition->variables[i].name);
        buf_put_char(out, ':');
        json_put_text(out, partition->variables[i].value);
    }
    buf_put_text(out, "},");
}

static enum code choose(const struct pull_try *try, const struct partition_list *list,
                        const struct source_partition **partition, struct buf *out,
                        struct error *err)
{
    uint64_t index = try->terms->partition_index;

    if (list->verdict.what != SOURCE_OK && err->text[0] != '\0')
        return err->code = E_BAD_PAGE;
    if (list->verdict.what != SOURCE_OK)
        return error_set(err, E_BAD_PAGE, "it answered %u", try->status);
    if (index >= list->count) {
        error_point(err, BYTES("/partition"));
        return error_set(err, E_BAD_PARAMETER,
                         "/partition: there is none of that number: the list has %zu", list->count);
    }
    *partition = &list->partitions[index];
    put_partition(list, *partition, out);
    return OK;
}

static enum code try_list(struct pull_try try, struct arena *arena,
                          const struct source_partition **partition, struct buf *out,
                          struct error *err)
{
    const struct source source = asking_list_source(try.source);
    struct partition_list list = {.count = 0};
    struct partition_list_terms terms = {
        .source = try.source,
        .fetched_ns = try.terms->now_ns,
        .plain_bytes_max = least(try.terms->plain_bytes_max, try.puller->parts.plain_bytes_max),
    };
    enum code code;

    try.what = TRY_LIST;
    try.source = &source;
    code = wait_for(&try, err);
    if (code == OK) {
        terms.body = page_bytes_staged(try.body);
        terms.status = try.status;
        terms.headers = try.headers;
        terms.header_count = try.header_count;
        code = partition_list_read(&terms, arena, &list, err);
        hidden_mask(&try.hidden, err->text, strlen(err->text));
    }
    if (code == OK)
        code = choose(&try, &list, partition, out, err);
    try_release(&try);
    if (code)
        error_context(err, "the list of partitions");
    return code;
}

enum code puller_try(struct puller *puller, struct bytes tenant, const struct trial_terms *terms,
                     struct buf *out, struct error *err)
{
    struct pull_try try = {
        .puller = puller,
        .tenant = tenant,
        .terms = terms,
        .source = terms->source,
        .partition = terms->partition,
        .bearer = BYTES(""),
        .ends_ns =
            terms->patience_ns == 0 ? INT64_MAX : pull_now(puller).boot_ns + terms->patience_ns,
    };
    struct arena arena; /* of what is asked for before the page */
    enum code code = OK;

    arena_init(&arena, PARTITION_LIST_BYTES_MAX, NULL);
    if (terms->source->auth.kind == SOURCE_AUTH_OAUTH2)
        code = try_token(try, &arena, &try.bearer, err);
    if (code == OK && try.partition == NULL)
        code = try_list(try, &arena, &try.partition, out, err);
    if (code == OK) {
        code = wait_for(&try, err);
        if (code == OK)
            code = show(&try, out, err);
        try_release(&try);
    }
    arena_release(&arena);
    return code;
}
