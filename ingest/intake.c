#include "ingest/intake.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "codec/csv_options.h"
#include "codec/decoder.h"
#include "codec/inflate.h"
#include "codec/json_doc.h"
#include "codec/record.h"
#include "ingest/idempotency.h"
#include "ingest/rate.h"
#include "ingest/validate.h"
#include "store/delivery/delivery.h"
#include "store/store.h"

enum {
    /* First reservation: a row of ten fields takes about as much memory as text. */
    RESERVE_BYTES_MIN = 64 * 1024,
    /* What a body comes to, beside its own length: tables that grow by doubling, and the record.
     * 28.7 MB of rows of ten fields took 140 MB.  Compressed ones are four times as much text. */
    GROWTH = 4,
    GROWTH_COMPRESSED = 16,
    /* Of an answer that is remembered with its key: in memory, for a million keys of a tenant. */
    NOTE_RESULT_BYTES_MAX = 4 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024 * 1024,
};

struct intake {
    struct hash128_state body_hash; /* the widest alignment stands first */
    struct intake_environment environment;
    struct intake_request request;
    struct arena arena; /* of the batch; from the budget */
    size_t reserved;    /* of the budget beside the arena's own: for decompression and the record */
    size_t promised;
    struct batch batch;
    struct inflate *inflate;
    const struct decoder_row *row;
    struct decoder *decoder;
    enum code failure;
    bool key_held;
    bool excused; /* not held to what refuses others at the head: its key was answered */
    struct error failure_error;
    struct bytes key; /* Idempotency-Key */
    struct note note;
    char first_byte; /* of the body, decompressed */
    uint64_t points;
    int64_t ingest;
    struct buf payload, body, errors;
    struct submission submission;
    struct intake_answer answer;
    void (*done)(void *context);
    void *context;
};

static void count_refusal(const struct intake *intake, enum code code)
{
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "tenant", intake->request.tenant->name);
    metric_label(&labels, "reason", bytes_of(code_row(code)->slug));
    buf_put_char(&labels, 0);
    if (!labels.failed)
        metric_add(metrics_get(intake->environment.metrics, "weir_points_refused_total",
                               "Requests and lines that were refused, by reason.", METRIC_COUNTER,
                               labels.data),
                   1);
    buf_release(&labels);
}

static enum code intake_fail(struct intake *intake, enum code code, const struct error *err)
{
    intake->failure = code;
    intake->failure_error = *err;
    intake->failure_error.code = code;
    return code;
}

/* What waits leaves as requests are committed. */
static enum code tell_busy(const struct intake_environment *environment, struct error *err)
{
    error_retry(err, drain_seconds(environment->drain, budget_used(environment->budget)));
    return error_set(
        err, E_BUSY,
        "requests under way hold all %zu bytes of ingest memory (ingest_bytes_max), or "
        "will; try again",
        environment->budget->bytes_max);
}

/* One that is alone and has no room would have none later either. */
static enum code refuse_busy(const struct intake *intake, struct error *err)
{
    const struct intake_environment *environment = &intake->environment;

    if (budget_used(environment->budget) <= intake->reserved + intake->arena.used)
        return error_set(err, E_RECORD_LARGE,
                         "the request alone takes more than the %zu bytes of ingest memory "
                         "(ingest_bytes_max); send it in parts",
                         environment->budget->bytes_max);
    return tell_busy(environment, err);
}

/* Memory that ran out, under the budget or in the machine, is the server's load and not its end.
 * What the machine lacks says nothing of the request: later it may pass. */
static enum code refuse_memory(const struct intake *intake, struct error *err)
{
    const struct intake_environment *environment = &intake->environment;

    if (intake->arena.limited)
        return refuse_busy(intake, err);
    error_retry(err, drain_seconds(environment->drain, budget_used(environment->budget)));
    return error_set(err, E_BUSY, "the machine has no memory for the request; try again");
}

size_t intake_expects(const struct intake_environment *environment,
                      const struct intake_request *request)
{
    size_t bytes_max = environment->promises->bytes_max;
    uint64_t growth = request->content_encoding.size > 0 ? GROWTH_COMPRESSED : GROWTH;
    uint64_t length = request->content_length;

    if (length == UINT64_MAX || length <= RESERVE_BYTES_MIN)
        return 0;
    return length < bytes_max / growth ? (size_t)(length * growth) : bytes_max;
}

/* Large bodies that began together and each got the first half of its memory would all be refused
 * in the middle: one is let in when there is room for all of it beside what was promised to others,
 * or when it is the only one. */
static bool promise(struct intake *intake)
{
    size_t want = intake_expects(&intake->environment, &intake->request);

    if (!budget_take(intake->environment.promises, want))
        return false;
    intake->promised = want;
    return true;
}

static enum code reserve(struct intake *intake, struct error *err)
{
    const struct limits *limits = intake->request.limits;
    uint64_t length = intake->request.content_length;
    size_t want = RESERVE_BYTES_MIN;

    if (length != UINT64_MAX) {
        if (length > limits->body_bytes_max)
            return error_set(err, E_BODY_LARGE,
                             "the body has %" PRIu64 " bytes; the limit is %" PRIu64, length,
                             limits->body_bytes_max);
        if (length > want)
            want = (size_t)length;
    }
    if (!promise(intake))
        return tell_busy(&intake->environment, err);
    if (!budget_take(intake->environment.budget, want))
        return refuse_busy(intake, err);
    drain_begin(intake->environment.drain);
    intake->reserved = want;
    return OK;
}

static enum code open_body(struct intake *intake, struct error *err)
{
    const struct intake_request *request = &intake->request;
    struct decode_options options = {
        .precision = request->precision,
        .now_ns = clock_wall_ns(intake->environment.clock),
        .limits = request->limits,
        .csv = request->csv,
    };
    enum code code;

    intake->row = decoder_find(request->content_type);
    if (intake->row == NULL)
        return error_set(err, E_UNSUPPORTED_TYPE,
                         "the Content-Type \"%.*s\" is not known; send text/plain (line "
                         "protocol), application/json, application/x-ndjson or text/csv",
                         BYTES_ARG(request->content_type));
    assert(intake->row != &decoder_csv || request->csv != NULL);
    code = inflate_new(request->content_encoding, request->limits->body_bytes_max,
                       request->limits->compression_ratio_max, &intake->inflate, err);
    if (code == OK)
        code = intake->row->begin(&intake->batch, &options, &intake->decoder, err);
    return code;
}

enum code intake_outbox(const struct intake_environment *environment, const struct tenant *tenant,
                        const struct limits *limits, struct error *err)
{
    uint64_t bytes_max = limits->outbox_bytes_max;
    uint64_t bytes = atomic_load_explicit(tenant->undelivered, memory_order_relaxed);

    if (bytes <= bytes_max)
        return OK;
    error_retry(err, delivery_seconds(environment->delivery, tenant, bytes - bytes_max));
    return error_set(err, E_OUTBOX_FULL,
                     "packs of %" PRIu64
                     " bytes wait for the tenant's shard, which does not take them or not fast "
                     "enough; the limit is outbox_bytes_max, %" PRIu64,
                     bytes, bytes_max);
}

static enum code check_outbox(const struct intake *intake, struct error *err)
{
    return intake_outbox(&intake->environment, intake->request.tenant, intake->request.limits, err);
}

/* Whose key was answered is told that again: it stores nothing, and who sends again because the
 * first answer was lost must not be told that it was refused. */
static bool is_repeat(const struct intake *intake)
{
    const struct intake_request *request = &intake->request;

    return request->idempotency_key.size > 0 &&
           idempotency_knows(intake->environment.idempotency, request->tenant,
                             request->idempotency_key);
}

/* Who owes points is not read: to refuse many then costs the others next to nothing. */
static enum code check_head(const struct intake *intake, struct error *err)
{
    const struct intake_request *request = &intake->request;
    enum code code = rate_take(intake->environment.rate, request->tenant,
                               request->limits->points_per_second_max, 0, err);

    return code == OK ? check_outbox(intake, err) : code;
}

enum code intake_new(const struct intake_environment *environment,
                     const struct intake_request *request, struct intake **out, struct error *err)
{
    struct intake *intake = calloc(1, sizeof(*intake));
    enum code code;

    *out = NULL;
    if (intake == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    intake->environment = *environment;
    intake->request = *request;
    intake->payload = BUF_INIT(request->limits->record_bytes_max);
    intake->body = BUF_INIT(ANSWER_BYTES_MAX);
    intake->errors = BUF_INIT(ANSWER_BYTES_MAX);
    arena_init(&intake->arena, SIZE_MAX, environment->budget);
    batch_init(&intake->batch, &intake->arena, request->limits->errors_max);
    intake->excused = is_repeat(intake);
    code = intake->excused ? OK : check_head(intake, err);
    if (code == OK)
        code = reserve(intake, err);
    if (code == OK)
        code = open_body(intake, err);
    if (code == OK && request->idempotency_key.size > 0) {
        hash128_begin(&intake->body_hash);
        intake->key = arena_copy(&intake->arena, request->idempotency_key);
        if (intake->key.data == NULL)
            code = refuse_memory(intake, err);
    }
    if (code) {
        if (code != E_BUSY || !request->patient)
            count_refusal(intake, code);
        intake_free(intake);
        return code;
    }
    *out = intake;
    return OK;
}

/* Before the answer, so that whoever has it can come again with the key at once. */
static void key_release(struct intake *intake)
{
    if (intake->key_held)
        idempotency_release(intake->environment.idempotency, intake->request.tenant, intake->key);
    intake->key_held = false;
}

static void give_back(struct intake *intake)
{
    size_t held = intake->reserved + intake->arena.used;

    if (intake->row != NULL && intake->row->free != NULL)
        intake->row->free(intake->decoder);
    intake->row = NULL;
    inflate_free(intake->inflate);
    intake->inflate = NULL;
    batch_release(&intake->batch);
    buf_release(&intake->payload);
    arena_release(&intake->arena);
    budget_give(intake->environment.promises, intake->promised);
    budget_give(intake->environment.budget, intake->reserved);
    intake->promised = intake->reserved = 0;
    if (held > 0)
        drain_out(intake->environment.drain, held, budget_used(intake->environment.budget) > 0);
}

void intake_settle(struct intake *intake)
{
    struct intake_answer *answer = &intake->answer;

    assert(!intake->key_held);
    if (answer->repeated && answer->body.size > 0) { /* which is in the arena */
        buf_clear(&intake->body);
        buf_put(&intake->body, answer->body);
        if (intake->body.failed)
            return;
        answer->body = buf_bytes(&intake->body);
    }
    give_back(intake);
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    key_release(intake);
    give_back(intake);
    buf_release(&intake->body);
    buf_release(&intake->errors);
    free(intake);
}

static enum code take_piece(void *context, struct bytes piece, struct error *err)
{
    struct intake *intake = context;

    if (intake->key.size > 0)
        hash128_add(&intake->body_hash, piece);
    if (intake->first_byte == '\0' && piece.size > 0)
        intake->first_byte = piece.data[0];
    return intake->row->feed(intake->decoder, piece, err);
}

enum code intake_feed(struct intake *intake, struct bytes piece, struct error *err)
{
    struct error failure = {0};
    enum code code;

    if (intake->failure == OK) {
        code = inflate_feed(intake->inflate, piece, take_piece, intake, &failure);
        if (code)
            intake_fail(intake, code, &failure);
    }
    if (intake->failure != OK && err != NULL)
        *err = intake->failure_error;
    return intake->failure;
}

static enum code busy_for_memory(const struct intake *intake, enum code code, struct error *err)
{
    return code == E_MEMORY ? refuse_memory(intake, err) : code;
}

static int reject_order(const void *a, const void *b)
{
    const struct batch_reject *left = *(const struct batch_reject *const *)a;
    const struct batch_reject *right = *(const struct batch_reject *const *)b;

    return left->line < right->line ? -1 : left->line > right->line;
}

/* Those of the parser come first, those of later checks behind: people want them by line. */
static void sort_rejects(struct batch *batch)
{
    struct batch_reject **sorted, *reject;
    size_t count = 0;

    for (reject = batch->rejects; reject != NULL; reject = reject->next)
        count++;
    sorted = ARENA_ARRAY(batch->arena, struct batch_reject *, count);
    if (count < 2 || sorted == NULL)
        return; /* in the order they were found, then */
    count = 0;
    for (reject = batch->rejects; reject != NULL; reject = reject->next)
        sorted[count++] = reject;
    qsort(sorted, count, sizeof(struct batch_reject *), reject_order);
    batch->rejects_end = &batch->rejects;
    for (size_t i = 0; i < count; i++) {
        *batch->rejects_end = sorted[i];
        batch->rejects_end = &sorted[i]->next;
    }
    *batch->rejects_end = NULL;
}

static void put_errors(const struct batch *batch, struct buf *out)
{
    buf_put_text(out, "\"errors\":[");
    for (const struct batch_reject *reject = batch->rejects; reject != NULL;
         reject = reject->next) {
        buf_printf(out, "{\"line\":%" PRIu32 ",\"code\":\"%s\",\"detail\":", reject->line,
                   code_row(reject->code)->slug);
        json_put_text(out, reject->detail);
        buf_put_text(out, reject->next == NULL ? "}" : "},");
    }
    buf_put_text(out, "]");
    if (batch->reject_count > batch->rejects_kept_max)
        buf_put_text(out, ",\"errors_truncated\":true");
}

static void answer_refuse(struct intake *intake, enum code code, const struct error *err)
{
    key_release(intake);
    count_refusal(intake, code);
    intake->answer.code = code;
    intake->answer.err = *err;
    intake->answer.err.code = code;
}

static void answer_bad_lines(struct intake *intake)
{
    const struct batch *batch = &intake->batch;
    const struct batch_reject *first = batch->rejects;
    bool json = intake->row == &decoder_line_protocol &&
                (intake->first_byte == '{' || intake->first_byte == '[');
    struct error err = {0};

    error_set(&err, E_INVALID_POINTS,
              "%s%" PRIu64 " of %" PRIu64
              " points are not valid and nothing was stored; the first is "
              "line %" PRIu32 ": %.*s",
              json ? "The body was read as line protocol and looks like JSON, which wants the "
                     "header Content-Type: application/json. "
                   : "",
              batch->reject_count, intake->points, first == NULL ? 0 : first->line,
              first == NULL ? 0 : (int)first->detail.size, first == NULL ? "" : first->detail.data);
    buf_put_char(&intake->errors, ',');
    put_errors(batch, &intake->errors);
    if (!intake->errors.failed)
        intake->answer.errors = buf_bytes(&intake->errors);
    for (const struct batch_reject *reject = first; reject != NULL; reject = reject->next)
        count_refusal(intake, reject->code);
    answer_refuse(intake, E_INVALID_POINTS, &err);
}

/* What a 2xx will say, known before the commit since it travels in the record. */
static void answer_prepare(struct intake *intake)
{
    const struct batch *batch = &intake->batch;

    intake->answer.code = OK;
    intake->answer.status = 204;
    if (!intake->request.skip_bad)
        return;
    intake->answer.status = 200;
    buf_printf(&intake->body, "{\"accepted\":%" PRIu64 ",\"rejected\":%" PRIu64 ",",
               intake->points - batch->reject_count, batch->reject_count);
    put_errors(batch, &intake->body);
    buf_put_text(&intake->body, "}");
    for (const struct batch_reject *reject = batch->rejects; reject != NULL; reject = reject->next)
        count_refusal(intake, reject->code);
    intake->answer.body = buf_bytes(&intake->body);
}

static void answer_repeat(struct intake *intake, const struct note *note)
{
    intake->answer.code = OK;
    intake->answer.status = note->status;
    intake->answer.body = note->result;
    intake->answer.repeated = true;
    intake->ingest = note->ingest;
}

/* Ends the body; afterwards the batch is as it will be stored. */
static enum code close_body(struct intake *intake, struct error *err)
{
    struct batch *batch = &intake->batch;
    enum code code = intake->failure;

    if (code) {
        *err = intake->failure_error;
        return code;
    }
    code = inflate_finish(intake->inflate, err);
    if (code == OK)
        code = intake->row->finish(intake->decoder, err);
    if (code)
        return code;
    intake->points = batch->row_count + batch->reject_count;
    code = batch_validate(batch, intake->environment.catalog, intake->request.tenant,
                          intake->request.limits, !intake->request.skip_bad, err);
    sort_rejects(batch);
    return code;
}

/* The body's hash covers what decides its meaning. */
static enum code claim_key(struct intake *intake, bool *repeated, struct error *err)
{
    struct note answer = {0};
    char meaning[2] = {(char)intake->request.precision, (char)intake->request.skip_bad};
    enum code code;

    *repeated = false;
    if (intake->key.size == 0)
        return OK;
    hash128_add(&intake->body_hash, (struct bytes){meaning, sizeof(meaning)});
    hash128_add(&intake->body_hash, bytes_of(intake->row->name));
    if (intake->request.csv != NULL)
        hash128_add(&intake->body_hash, (struct bytes){(const char *)&intake->request.csv->digest,
                                                       sizeof(struct hash128)});
    intake->note.key = intake->key;
    intake->note.body_hash = hash128_end(&intake->body_hash);
    code = idempotency_begin(intake->environment.idempotency, intake->request.tenant, intake->key,
                             &intake->note.body_hash, &intake->arena, &answer, err);
    if (code == OK)
        intake->key_held = true;
    if (code == E_EXISTS) {
        answer_repeat(intake, &answer);
        *repeated = true;
        code = OK;
    }
    return code;
}

static void submission_done(struct submission *submission, enum code code, const struct error *err)
{
    struct intake *intake =
        (struct intake *)((char *)submission - offsetof(struct intake, submission));

    intake->ingest = code == OK ? submission->ingest : 0;
    if (code) {
        answer_refuse(intake, code, err);
    } else if (intake->key.size > 0) {
        intake->note.ingest = submission->ingest;
        idempotency_done(intake->environment.idempotency, intake->request.tenant, &intake->note);
        intake->key_held = false;
    }
    intake->done(intake->context);
}

/* What a repeat is answered: the same, but for a list of errors that is too long to be kept. */
static void note_answer(struct intake *intake)
{
    const struct batch *batch = &intake->batch;

    intake->note.status = (uint16_t)intake->answer.status;
    intake->note.result = intake->answer.body;
    if (intake->answer.body.size <= NOTE_RESULT_BYTES_MAX)
        return;
    buf_printf(&intake->errors,
               "{\"accepted\":%" PRIu64 ",\"rejected\":%" PRIu64
               ",\"errors\":[],\"errors_truncated\":true}",
               intake->points - batch->reject_count, batch->reject_count);
    intake->note.result = buf_bytes(&intake->errors);
}

/* The record is about as large as the batch: what the body's length did not reserve for it (it was
 * compressed, or came in chunks) is taken now. */
static enum code reserve_record(struct intake *intake, struct error *err)
{
    size_t want = intake->arena.used;

    if (want > intake->request.limits->record_bytes_max)
        want = (size_t)intake->request.limits->record_bytes_max;
    if (want <= intake->reserved)
        return OK;
    if (!budget_take(intake->environment.budget, want - intake->reserved))
        return refuse_busy(intake, err);
    intake->reserved = want;
    return OK;
}

/* The record of the batch, with the answer it will have had. */
static enum code encode(struct intake *intake, struct error *err)
{
    struct batch *batch = &intake->batch;
    enum code code;

    if (!batch_resolve(batch))
        return refuse_memory(intake, err);
    answer_prepare(intake);
    code = buf_finish(&intake->body, err);
    if (code)
        return code;
    note_answer(intake);
    code = buf_finish(&intake->errors, err);
    if (code == OK)
        code = reserve_record(intake, err);
    if (code == OK && intake->key.size > 0)
        code = idempotency_keep(intake->environment.idempotency, intake->request.tenant,
                                &intake->note, err);
    if (code)
        return code;
    record_encode_rows(intake->request.tenant->name, &intake->note, batch, &intake->payload);
    if (intake->payload.limited)
        return error_set(err, E_RECORD_LARGE,
                         "the request makes a record of more than %" PRIu64
                         " bytes; send it in parts",
                         intake->request.limits->record_bytes_max);
    return buf_finish(&intake->payload, err);
}

bool intake_prepare(struct intake *intake)
{
    struct error err = {0};
    bool repeated = false;
    enum code code = close_body(intake, &err);

    if (code == OK)
        code = claim_key(intake, &repeated, &err);
    if (code == OK && repeated)
        return true;
    if (code == OK && intake->batch.reject_count > 0 && !intake->request.skip_bad) {
        answer_bad_lines(intake);
        return true;
    }
    if (code == OK && intake->batch.row_count == 0) {
        key_release(intake);
        answer_prepare(intake); /* nothing to store, nothing to wait for */
        return true;
    }
    if (code == OK && intake->excused) /* the answer was forgotten meanwhile */
        code = check_outbox(intake, &err);
    if (code == OK)
        code =
            rate_take(intake->environment.rate, intake->request.tenant,
                      intake->request.limits->points_per_second_max, intake->batch.row_count, &err);
    if (code == OK)
        code = encode(intake, &err);
    if (code == OK)
        return false;
    code = busy_for_memory(intake, code, &err);
    answer_refuse(intake, code, &err);
    return true;
}

bool intake_submit(struct intake *intake, void (*done)(void *context), void *context)
{
    struct error err = {0};
    enum code code;

    intake->done = done;
    intake->context = context;
    intake->submission = (struct submission){
        .tenant = intake->request.tenant,
        .payload = buf_bytes(&intake->payload),
        .batch = &intake->batch,
        .note = intake->key.size > 0 ? &intake->note : NULL,
        .done = submission_done,
    };
    code = store_submit(intake->environment.store, &intake->submission, &err);
    if (code)
        answer_refuse(intake, code, &err);
    return code == OK;
}

const struct intake_answer *intake_answer(const struct intake *intake)
{
    return &intake->answer;
}

uint64_t intake_points(const struct intake *intake)
{
    return intake->points;
}

int64_t intake_ingest(const struct intake *intake)
{
    return intake->ingest;
}

const struct batch *intake_batch(const struct intake *intake)
{
    return &intake->batch;
}
