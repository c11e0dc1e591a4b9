/* POST /v1/points: a body of points in, 204 when they are durable and visible, or (ack=shard) when
 * the tenant's shard has them as well. */
#include "handlers/points.h"

#include "codec/csv_options.h"
#include "codec/decoder.h"
#include "handlers/admission.h"
#include "handlers/app.h"
#include "handlers/shard_ack.h"
#include "http/reply.h"

enum { KEY_SIZE_MAX = 255, EXTRA_BYTES_MAX = 64 << 20 };

struct points {
    struct admission admission;
    struct shard_ack ack;
    bool to_shard;
};

static const struct bytes accepted_types =
    BYTES("text/plain, application/json, application/x-ndjson, application/jsonl, text/csv");

/* "abc" with its quotes, as the draft has it, or bare. */
static enum code key_parse(struct bytes text, struct bytes *key, struct error *err)
{
    *key = text;
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
        *key = bytes_slice(text, 1, text.size - 1);
    if (text.data == NULL)
        return OK;
    if (key->size >= 1 && key->size <= KEY_SIZE_MAX)
        return OK;
    error_set(err, E_BAD_PARAMETER, "an Idempotency-Key has 1 to %d characters; this one has %zu",
              KEY_SIZE_MAX, key->size);
    error_point(err, BYTES("Idempotency-Key"));
    return E_BAD_PARAMETER;
}

static enum code choice(const struct request *request, const char *name, const char *initial,
                        const char *other, bool *is_other, struct error *err)
{
    struct bytes text;

    *is_other = false;
    if (!request_parameter(request, name, &text) || bytes_equal(text, bytes_of(initial)))
        return OK;
    *is_other = bytes_equal(text, bytes_of(other));
    if (*is_other)
        return OK;
    error_set(err, E_BAD_PARAMETER, "%s=%.*s is not known; say %s=%s or %s=%s", name,
              BYTES_ARG(text), name, initial, name, other);
    error_point(err, bytes_of(name));
    return E_BAD_PARAMETER;
}

/* What a parameter says that has no meaning for a body like this one. */
static enum code meaningless(struct bytes name, const char *where, struct error *err)
{
    error_point(err, name);
    return error_set(err, E_BAD_PARAMETER, "%.*s= has a meaning for %s alone", BYTES_ARG(name),
                     where);
}

/* Those of CSV, which any other body refuses. */
static enum code csv_parameters(struct request *request, struct intake_request *intake,
                                struct error *err)
{
    const struct decoder_row *row = decoder_find(intake->content_type);
    struct csv_options *csv = NULL;
    struct bytes text;
    enum code code = OK;

    if (row == NULL)
        return OK; /* refused for that */
    if (row == &decoder_csv) {
        csv = arena_alloc(&request->arena, sizeof(*csv));
        if (csv == NULL)
            return error_set(err, E_MEMORY, "no memory for the parameters");
        csv_options_init(csv);
    }
    for (size_t i = 0; code == OK && i < request->parameter_count; i++) {
        const struct parameter *parameter = &request->parameters[i];

        if (!csv_option_known(parameter->name))
            continue;
        code = csv == NULL
                   ? meaningless(parameter->name, "text/csv", err)
                   : csv_option_set(csv, parameter->name, parameter->value, &request->arena, err);
    }
    intake->csv = csv;
    if (code != OK || csv == NULL)
        return code;
    if (request_parameter(request, "precision", &text) && csv->time_format.kind != CSV_TIME_EPOCH)
        return meaningless(BYTES("precision"), "time_format=epoch", err);
    return csv_options_check(csv, err);
}

static enum code points_parameters(struct request *request, struct intake_request *intake,
                                   bool *to_shard, struct error *err)
{
    struct bytes text;
    enum code code;

    code = parameters_once(request, csv_option_repeatable, err);
    if (code == OK)
        code = choice(request, "on_error", "fail", "skip", &intake->skip_bad, err);
    if (code == OK)
        code = choice(request, "ack", "wal", "shard", to_shard, err);
    intake->precision = TIME_NS;
    if (code == OK && request_parameter(request, "precision", &text) &&
        time_unit_parse(text, &intake->precision) != OK) {
        error_point(err, BYTES("precision"));
        code = error_set(err, E_BAD_PARAMETER, "precision=%.*s is not known; say ns, us, ms or s",
                         BYTES_ARG(text));
    }
    if (code == OK)
        code = csv_parameters(request, intake, err);
    if (code == OK)
        code = key_parse(request->idempotency_key, &intake->idempotency_key, err);
    return code;
}

static struct intake *intake_of(const struct request *request)
{
    const struct points *points = request->state;

    return points == NULL ? NULL : points->admission.intake;
}

static void points_admit(struct request *request)
{
    struct points *points = request->state;
    struct error err = {0};
    enum code code = admission_try(request, &points->admission, &err);

    if (code == E_UNSUPPORTED_TYPE)
        reply_header(request, "Accept-Post", accepted_types);
    if (code != OK)
        reply_problem(request, &err);
}

static void points_start(struct request *request)
{
    struct app *app = app_of(request);
    const struct session *session = session_of(request);
    struct points *points = ARENA_NEW(&request->arena, struct points);
    struct error err = {0};
    enum code code;

    request->state = points;
    if (app->draining) {
        code = error_set(&err, E_DRAINING, "the server is shutting down");
    } else if (points == NULL) {
        code = error_set(&err, E_MEMORY, "no memory for a request");
    } else {
        points->admission.want = (struct intake_request){
            .tenant = session->tenant,
            .limits = &session->settings->limits,
            .content_type = request->content_type,
            .content_encoding = request->content_encoding,
            .content_length = request->content_length,
        };
        code = points_parameters(request, &points->admission.want, &points->to_shard, &err);
        if (code == OK && points->to_shard)
            code = shard_ack_take(&points->ack, request, &err);
    }
    if (code != OK)
        reply_problem(request, &err);
    else
        points_admit(request);
}

static void points_piece(struct request *request, struct bytes piece)
{
    (void)intake_feed(intake_of(request), piece, NULL); /* told at the end */
}

/* Before the answer, so that whoever has it can come again at once. */
static void give_place(struct request *request)
{
    struct points *points = request->state;

    shard_ack_end(&points->ack);
}

static void points_reply(struct request *request)
{
    const struct intake_answer *answer = intake_answer(intake_of(request));

    give_place(request);
    request->points = intake_points(intake_of(request));
    if (answer->repeated)
        reply_header(request, "Idempotency-Replayed", BYTES("true"));
    if (answer->code != OK)
        reply_problem_with(request, &answer->err, answer->errors);
    else if (answer->status == 204)
        reply_empty(request, 204);
    else
        reply_bytes(request, answer->status, "application/json", answer->body);
}

/* No failure of the write: it is told what became of it, with what the answer would have said. */
static void reply_undelivered(struct request *request, const struct error *why)
{
    struct bytes body = intake_answer(intake_of(request))->body;
    struct buf extra = BUF_INIT(EXTRA_BYTES_MAX);
    struct error err = *why;

    give_place(request);
    request->points = intake_points(intake_of(request));
    error_context(&err, "the points are on disk here and visible");
    buf_put_text(&extra, ",\"stored\":true");
    if (body.size > 2 && body.data[0] == '{') {
        buf_put_char(&extra, ',');
        buf_put(&extra, bytes_slice(body, 1, body.size - 1));
    }
    reply_problem_with(request, &err, extra.failed ? BYTES(",\"stored\":true") : buf_bytes(&extra));
    buf_release(&extra);
}

static void points_delivered(struct request *request, enum code code, const struct error *err)
{
    if (code != OK)
        reply_undelivered(request, err);
    else
        points_reply(request);
    request_resume(request);
}

/* The request is parked, and the answer of the intake there. */
static void points_done(void *context)
{
    struct request *request = context;
    struct points *points = request->state;
    struct intake *intake = intake_of(request);

    if (points->to_shard && intake_answer(intake)->code == OK && intake_ingest(intake) != 0) {
        intake_settle(intake);
        shard_ack_wait(&points->ack, intake_ingest(intake), points_delivered);
        return;
    }
    points_reply(request);
    request_resume(request);
}

static void points_finish(struct request *request)
{
    const struct points *points = request->state;
    struct intake *intake = intake_of(request);
    bool answered = intake_prepare(intake);

    if (answered && !(points->to_shard && intake_ingest(intake) != 0)) {
        points_reply(request);
        return;
    }
    request_park(request);
    if (answered || !intake_submit(intake, points_done, request))
        points_done(request);
}

static void points_cleanup(struct request *request)
{
    struct points *points = request->state;

    if (points == NULL)
        return;
    intake_free(points->admission.intake);
    shard_ack_end(&points->ack);
}

const struct handler points_handler = {
    .start = points_start,
    .again = points_admit,
    .piece = points_piece,
    .finish = points_finish,
    .cleanup = points_cleanup,
};

const char *const points_parameter_names[] = {
    "precision",
    "on_error",
    "ack",
    /* Of CSV: codec/csv_options.c */
    "measurement",
    "measurement_column",
    "time",
    "time_format",
    "period",
    "period_length",
    "tz",
    "tags",
    "fields",
    "ignore",
    "types",
    "null",
    "header",
    "columns",
    "separator",
    "decimal",
    NULL,
};
