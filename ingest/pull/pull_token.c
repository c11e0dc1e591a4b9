/* The access token of a source whose auth is oauth2: one for all of its units, asked for when one
 * of them waits for it, kept in memory alone.  It is another one's when it has nearly ended, and
 * once when it is refused. */
#include "ingest/pull/pull_inside.h"

#include <stdio.h>
#include <stdlib.h>

struct pull_token {
    struct pull_errand errand;
    char *text;       /* owned; NULL: there is none */
    bool used;        /* by a request: whatever it says of its time, one may have it */
    uint64_t number;  /* of those that were had */
    int64_t renew_ns; /* boot */
};

static void forget(struct pull_token *token)
{
    if (token->text != NULL)
        explicit_bzero(token->text, strlen(token->text));
    free(token->text);
    token->text = NULL;
}

enum code token_new(struct pull_source *source, struct error *err)
{
    struct pull_token *token = calloc(1, sizeof(*token));

    if (token == NULL)
        return error_set(err, E_MEMORY, "no memory for a source");
    source->token = token;
    return errand_join(&token->errand, source, ERRAND_TOKEN, err);
}

void token_free(struct pull_source *source)
{
    struct pull_token *token = source->token;

    source->token = NULL;
    if (token == NULL)
        return;
    errand_leave(&token->errand);
    forget(token);
    free(token);
}

struct pull_errand *token_errand(const struct pull_source *source)
{
    return source->token == NULL ? NULL : &source->token->errand;
}

bool token_is_good(const struct pull_source *source, const struct moment *now)
{
    const struct pull_token *token = source->token;

    return token == NULL ||
           (token->text != NULL && (!token->used || now->boot_ns < token->renew_ns));
}

struct bytes token_use(struct pull_source *source, uint64_t *number)
{
    struct pull_token *token = source->token;

    if (token == NULL || token->text == NULL)
        return BYTES("");
    token->used = true;
    *number = token->number;
    return bytes_of(token->text);
}

/* Those who come back with the same one find it gone, and wait for the next as well. */
bool token_refused(struct pull_source *source, bool *again, uint64_t number)
{
    struct pull_token *token = source->token;

    if (token == NULL || *again)
        return false;
    *again = true;
    if (token->number == number)
        forget(token);
    pull_note_retry(source, NULL);
    return true;
}

void token_failed(struct pull_source *source, const char *why, const struct moment *now)
{
    char text[PULL_TEXT_SIZE];

    (void)now;
    snprintf(text, sizeof(text), "there is no access token: %s", why);
    pull_tell(source, "failed", text);
    source->barred = true;
}

/* --- an answer --- */

static enum code take_piece(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    buf_put(context, piece);
    return OK;
}

static enum code keep(struct pull_token *token, struct bytes text, struct error *err)
{
    char *copy = strndup(text.data, text.size);

    if (copy == NULL)
        return error_set(err, E_MEMORY, "no memory for an access token");
    forget(token);
    token->text = copy;
    token->used = false;
    token->number++;
    return OK;
}

static enum code read_answer(struct pull_token *token, const struct fetch_answer *answer,
                             const struct moment *now, struct error *err)
{
    struct buf body = BUF_INIT(TOKEN_ANSWER_BYTES_MAX + 1);
    struct bytes text = BYTES("");
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = staged_read(answer->body, take_piece, &body, err);
    if (code == OK)
        code = buf_finish(&body, err);
    if (code == OK)
        code = asking_token_read(answer->status, buf_bytes(&body), now->boot_ns, &arena, &text,
                                 &token->renew_ns, err);
    if (code == OK)
        code = keep(token, text, err);
    if (body.size > 0)
        explicit_bzero(body.data, body.size);
    if (text.size > 0)
        explicit_bzero((char *)(uintptr_t)text.data, text.size);
    buf_release(&body);
    arena_release(&arena);
    return code;
}

/* It may be otherwise the next time. */
static bool may_change(enum code code, unsigned status)
{
    return code != E_UNAUTHORIZED || status == 408 || status == 425 || status == 429 ||
           status >= 500;
}

void token_take(struct pull_errand *errand, const struct fetch_answer *answer,
                const struct moment *now)
{
    struct pull_source *source = errand->source;
    struct pull_fetch_note note = errand_note(errand, "ok");
    struct error err = {0};
    enum code code = read_answer(source->token, answer, now, &err);
    bool again = code != OK && may_change(code, answer->status);

    note.took_ns = answer->ended_ns - answer->began_ns;
    note.status = answer->status;
    note.bytes = answer->bytes;
    if (code)
        note.outcome = again ? "retry" : "fail";
    pull_text(note.text, err.text);
    pull_note_fetch(source, &note);
    errand->state = ERRAND_NONE;
    if (again)
        errand_try_again(errand, 0, err.text, now);
    else if (code)
        errand_failed(errand, err.text, now);
}
