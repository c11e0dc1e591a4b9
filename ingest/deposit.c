#include "ingest/deposit.h"

#include <pthread.h>

#include "base/condition.h"
#include "codec/record.h"
#include "ingest/rate.h"
#include "ingest/validate.h"
#include "store/store.h"

enum {
    LOOK_MS = 100,   /* how often it is asked whether to stop */
    WAIT_S_MAX = 10, /* whatever a refusal says: it may be over sooner */
    WAIT_S_UNKNOWN = 1,
};

/* One submission, waited for. */
struct waiting {
    struct submission submission;
    pthread_mutex_t lock; /* of what is below */
    pthread_cond_t over;
    bool done;
    enum code code;
    struct error err;
};

static void submission_done(struct submission *submission, enum code code, const struct error *err)
{
    struct waiting *waiting =
        (struct waiting *)((char *)submission - offsetof(struct waiting, submission));

    pthread_mutex_lock(&waiting->lock);
    waiting->code = code;
    if (code)
        waiting->err = *err;
    waiting->done = true;
    pthread_cond_signal(&waiting->over);
    pthread_mutex_unlock(&waiting->lock);
}

static enum code submit(const struct deposit_terms *terms, const struct batch *batch,
                        struct bytes payload, int64_t *ingest, struct error *err)
{
    struct waiting waiting = {
        .submission = {.tenant = terms->tenant,
                       .payload = payload,
                       .batch = batch,
                       .bulk = terms->bulk,
                       .done = submission_done}
    };
    enum code code;

    pthread_mutex_init(&waiting.lock, NULL);
    condition_init(&waiting.over);
    code = store_submit(terms->environment->store, &waiting.submission, err);
    if (code == OK) {
        pthread_mutex_lock(&waiting.lock);
        while (!waiting.done)
            pthread_cond_wait(&waiting.over, &waiting.lock);
        pthread_mutex_unlock(&waiting.lock);
        code = waiting.code;
        if (code)
            *err = waiting.err;
        *ingest = waiting.submission.ingest;
    }
    pthread_cond_destroy(&waiting.over);
    pthread_mutex_destroy(&waiting.lock);
    return code;
}

/* Of all that a client may try again: without memory, or when the store has failed, it is better to
 * give back what is held, and to begin again with the page. */
static bool is_over_by_itself(enum code code)
{
    return code == E_BUSY || code == E_DISK_FULL || code == E_RATE_LIMIT || code == E_OUTBOX_FULL ||
           code == E_CLOCK_SKEW || code == E_NOT_READY || code == E_NO_MEMBER;
}

static void tell(const struct deposit_terms *terms, const struct error *why)
{
    if (terms->waits != NULL)
        terms->waits(terms->waiter, why);
}

/* What is refused for a while is not for ever.  False: it is to stop. */
static bool wait_out(const struct deposit_terms *terms, const struct error *err)
{
    unsigned seconds = err->retry_s == 0 ? WAIT_S_UNKNOWN : err->retry_s;
    struct timespec pause = {0, LOOK_MS * INT64_C(1000000)};

    if (seconds > WAIT_S_MAX)
        seconds = WAIT_S_MAX;
    for (unsigned ms = 0; ms < seconds * 1000 && !*terms->stop; ms += LOOK_MS)
        (void)nanosleep(&pause, NULL);
    return !*terms->stop;
}

static enum code try_once(const struct deposit_terms *terms, const struct batch *batch,
                          struct bytes payload, bool *counted, int64_t *ingest, struct error *err)
{
    const struct intake_environment *environment = terms->environment;
    enum code code = intake_outbox(environment, terms->tenant, terms->limits, err);

    if (code == OK && !*counted)
        code = rate_take(environment->rate, terms->tenant, terms->limits->points_per_second_max,
                         batch->row_count, err);
    if (code)
        return code;
    *counted = true;
    return submit(terms, batch, payload, ingest, err);
}

/* All rows fit, or none is written. */
static enum code check(const struct deposit_terms *terms, struct batch *batch, struct error *err)
{
    enum code code =
        batch_validate(batch, terms->environment->catalog, terms->tenant, terms->limits, true, err);
    const struct batch_reject *first = batch->rejects;

    if (code || batch->reject_count == 0)
        return code;
    return error_set(err, E_INVALID_POINTS, "row %u: %.*s", first == NULL ? 0 : first->line,
                     first == NULL ? 0 : (int)first->detail.size,
                     first == NULL ? "" : first->detail.data);
}

static enum code encode(const struct deposit_terms *terms, struct batch *batch, struct buf *payload,
                        struct error *err)
{
    const struct note none = {.status = 0};

    if (!batch_resolve(batch))
        return error_set(err, E_MEMORY, "no memory for the rows of a page");
    record_encode_rows(terms->tenant->name, &none, batch, payload);
    if (payload->limited)
        return error_set(err, E_RECORD_LARGE, "the rows make a record of more than %llu bytes",
                         (unsigned long long)terms->limits->record_bytes_max);
    return buf_finish(payload, err);
}

enum code deposit_once(const struct deposit_terms *terms, struct batch *batch, int64_t *ingest,
                       struct error *err)
{
    struct buf payload = BUF_INIT(terms->limits->record_bytes_max);
    bool counted = false;
    enum code code = check(terms, batch, err);

    if (code == OK)
        code = encode(terms, batch, &payload, err);
    if (code == OK)
        code = try_once(terms, batch, buf_bytes(&payload), &counted, ingest, err);
    buf_release(&payload);
    return code;
}

enum code deposit(const struct deposit_terms *terms, struct batch *batch, int64_t *ingest,
                  struct error *err)
{
    struct buf payload = BUF_INIT(terms->limits->record_bytes_max);
    struct error refusal = {0};
    bool counted = false, waited = false;
    enum code code = check(terms, batch, err);

    if (code == OK)
        code = encode(terms, batch, &payload, err);
    while (code == OK) {
        if (*terms->stop) {
            code = error_set(err, E_CANCELLED, "stopped");
            break;
        }
        refusal = (struct error){0};
        code = try_once(terms, batch, buf_bytes(&payload), &counted, ingest, &refusal);
        if (code == OK)
            break;
        if (!is_over_by_itself(code)) {
            *err = refusal;
            break;
        }
        waited = true;
        tell(terms, &refusal);
        code = wait_out(terms, &refusal) ? OK : error_set(err, E_CANCELLED, "stopped");
    }
    if (waited)
        tell(terms, NULL);
    buf_release(&payload);
    return code;
}
