/* GET and POST /v1/query, GET /v1/changes, GET /v1/stats: parsed on the HTTP thread.  A small one
 * whose blocks are at hand is answered there at once, as waking a worker and being woken by it
 * takes longer; others are run by a worker and streamed to the client. */
#include "handlers/queries.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "handlers/app.h"
#include "handlers/link.h"
#include "handlers/peers.h"
#include "handlers/slow_query.h"
#include "handlers/turn.h"
#include "http/compress.h"
#include "http/reply.h"
#include "query/query.h"
#include "store/store.h"

enum {
    QUERY_ARENA_BYTES_MAX = 4 * 1024 * 1024,
    QUERY_BODY_BYTES_MAX = 65536, /* of JSON; as large as a form */
};

static const char vary[] = "Accept, Accept-Encoding, Authorization";

struct query_job {
    struct job job; /* first */
    struct query_sink sink;
    struct request *request;
    bool json; /* the question is a JSON document: */
    struct buf body;
    struct arena arena; /* of the parsed query */
    struct query *query;
    struct stream *stream; /* NULL: not begun, or a whole answer */
    const char *whole;     /* content type of an answer that comes in one piece */
    _Atomic bool lost;     /* the answer holds memory for too long */
    struct turn turn;
    int64_t begun_ns; /* monotonic */
    struct buf asked; /* the question, for the log */
};

static struct query_job *job_of_sink(struct query_sink *sink)
{
    return (struct query_job *)((char *)sink - offsetof(struct query_job, sink));
}

static enum code sink_begin(struct query_sink *sink, const struct query_head *head,
                            struct error *err)
{
    struct query_job *job = job_of_sink(sink);
    struct request *request = job->request;
    char as_of[TIMESTAMP_TEXT_SIZE];
    size_t size = timestamp_print(head->as_of, as_of);
    enum code code;

    /* CSV tells its next page here or nowhere. */
    if (head->next.size > 0 && !link_next(request, head->next) &&
        bytes_equal(bytes_slice(bytes_of(head->content_type), 0, 8), BYTES("text/csv")))
        return error_set(err, E_BAD_PARAMETER,
                         "a page of CSV tells the next one in a Link header, and this question is "
                         "too long for one; ask for format=ndjson, or without limit=");
    if (head->etag.size > 0) /* a plan has none */
        reply_header(request, "ETag", head->etag);
    reply_header(request, "Cache-Control", bytes_of(head->cache_control));
    reply_header(request, "Vary", BYTES(vary));
    reply_header(request, "Weir-As-Of", (struct bytes){as_of, size});
    if (head->missing_count > 0)
        reply_header(request, "Weir-Partial", BYTES("true"));
    for (size_t i = 0; i < head->warning_count; i++)
        reply_header(request, "Weir-Warning", head->warnings[i]);
    if (head->whole) { /* with its length, in one go: most answers are small, and each wake-up of
                          the connection's thread and each chunk costs as much as a short scan */
        job->whole = head->content_type;
        return OK;
    }
    code = reply_stream(request, 200, head->content_type, &job->stream, err);
    if (code)
        return code;
    stream_watch(job->stream, workers_wait, app_of(request)->workers);
    stream_give_up_on(job->stream, &job->lost);
    request_resume(request);
    return OK;
}

static enum code sink_write(struct query_sink *sink, struct bytes bytes, struct error *err)
{
    struct query_job *job = job_of_sink(sink);

    if (job->stream)
        return stream_write(job->stream, bytes, err);
    reply_bytes(job->request, 200, job->whole, bytes);
    return OK;
}

static bool sink_cancelled(struct query_sink *sink)
{
    return request_cancelled(job_of_sink(sink)->request);
}

typedef enum code parser(const struct query_parameter *parameters, size_t count,
                         struct bytes accept, int64_t now_ns, struct arena *arena,
                         struct query **query, struct error *err);

static enum code parse_body(struct query_job *job, int64_t now_ns, struct error *err)
{
    enum code code = buf_finish(&job->body, err);

    if (code == OK)
        code = query_parse_json(buf_bytes(&job->body), job->request->accept, now_ns, &job->arena,
                                &job->query, err);
    buf_release(&job->body);
    return code;
}

static enum code parse(struct query_job *job, parser *takes, struct error *err)
{
    struct request *request = job->request;
    int64_t now_ns = clock_wall_ns(store_clock(app_of(request)->store));
    struct query_parameter *parameters;

    if (job->json)
        return parse_body(job, now_ns, err);
    parameters = ARENA_ARRAY(&job->arena, struct query_parameter, request->parameter_count);
    if (parameters == NULL)
        return error_set(err, E_MEMORY, "no memory for a query");
    for (size_t i = 0; i < request->parameter_count; i++) {
        parameters[i].name = request->parameters[i].name;
        parameters[i].value = request->parameters[i].value;
    }
    return takes(parameters, request->parameter_count, request->accept, now_ns, &job->arena,
                 &job->query, err);
}

/* In one piece. */
static void reply_to(struct query_job *job, const struct query_outcome *outcome, enum code code,
                     const struct error *err)
{
    struct request *request = job->request;

    turn_end(&job->turn);
    if (job->whole) {
        assert(code == OK); /* the write was the last thing that could fail */
    } else if (code) {
        reply_problem(request, err);
    } else {
        reply_header(request, "ETag", bytes_of(outcome->etag));
        reply_header(request, "Cache-Control", BYTES("no-cache"));
        reply_header(request, "Vary", BYTES(vary));
        reply_empty(request, 304);
    }
}

/* The request, which is parked, may be gone afterwards. */
static void query_finished(struct query_job *job, const struct query_outcome *outcome,
                           enum code code, const struct error *err)
{
    struct request *request = job->request;

    if (job->stream == NULL) {
        reply_to(job, outcome, code, err);
        request_resume(request);
    } else {
        turn_end(&job->turn);
        stream_end(job->stream, code == OK);
    }
}

struct query_environment query_environment_of(const struct request *request, _Atomic bool *lost)
{
    struct app *app = app_of(request);
    const struct session *session = session_of(request);

    return (struct query_environment){
        .store = app->store,
        .catalog = app->catalog,
        .tenant = session->tenant,
        .limits = &session->settings->limits,
        .retention_ns = session->settings->retention_ns,
        .history_ns = session->settings->history_ns,
        .clock = store_clock(app->store),
        .memory = &app->query_memory,
        .lost = lost,
        .wait = workers_read,
        .waiter = app->workers,
    };
}

void query_count_scanned(const struct request *request, const struct query_outcome *outcome)
{
    metric_add(metrics_get(app_of(request)->metrics, "weir_query_scanned_rows_total",
                           "Rows that queries looked at.", METRIC_COUNTER, ""),
               outcome->rows_scanned);
}

/* `at_once`: on the HTTP thread. */
static enum code run(struct query_job *job, bool at_once, struct query_outcome *outcome,
                     struct error *err)
{
    struct app *app = app_of(job->request);
    enum coding coding = coding_choose(request_header(job->request, "accept-encoding"));
    struct query_environment environment = query_environment_of(job->request, &job->lost);
    struct asking asking;
    enum code code;

    environment.helpers = at_once ? NULL : &app->lending.helpers;
    environment.at_once_values_max = at_once ? app->at_once_values_max : 0;
    environment.if_none_match = job->request->if_none_match;
    environment.content_encoding = bytes_of(coding_name(coding));
    asking_init(&asking, app->peers, &environment);
    code = query_run(job->query, &environment, &job->sink, outcome, err);
    asking_release(&asking);
    return code;
}

static void note(struct query_job *job, const struct query_outcome *outcome, enum code code)
{
    struct clock *clock = store_clock(app_of(job->request)->store);

    slow_query_note(job->request, buf_bytes(&job->asked), outcome, code,
                    clock_monotonic_ns(clock) - job->begun_ns);
    query_count_scanned(job->request, outcome);
}

/* On the HTTP thread: true when the request is replied to.  Only while the tenant asks nothing
 * else: who asks much waits for workers, as others' requests wait for this thread. */
static bool run_at_once(struct query_job *job)
{
    struct app *app = app_of(job->request);
    struct query_outcome outcome;
    enum code code;

    if (app->at_once_values_max == 0 || !turn_is_alone(&job->turn) || peers_are_there(app->peers))
        return false;
    code = run(job, true, &outcome, NULL);
    job->lost = false;
    if (code)
        return false;
    note(job, &outcome, OK);
    metric_add(metrics_get(app->metrics, "weir_query_at_once_total",
                           "Queries that the connection's thread answered.", METRIC_COUNTER, ""),
               1);
    reply_to(job, &outcome, OK, NULL);
    return true;
}

static void query_job_run(struct job *base)
{
    struct query_job *job = (struct query_job *)base;
    struct app *app = app_of(job->request);
    struct query_outcome outcome = {0};
    struct error err = {0};
    enum code code = run(job, false, &outcome, &err);

    note(job, &outcome, code);
    lending_note(&app->lending, outcome.helped);
    if (code == E_BUSY)
        error_retry(&err, workers_seconds(app->workers, 1 + workers_waiting(app->workers)));
    query_finished(job, &outcome, code, &err);
}

/* The request's state; it replies when there is no memory for it. */
static struct query_job *job_new(struct request *request)
{
    struct query_job *job = calloc(1, sizeof(*job));
    struct error err = {0};

    if (job == NULL) {
        error_set(&err, E_MEMORY, "no memory for a query");
        reply_problem(request, &err);
        return NULL;
    }
    request->state = job;
    job->request = request;
    job->job.run = query_job_run;
    job->job.owner = session_of(request)->tenant->ordinal;
    job->sink = (struct query_sink){sink_begin, sink_write, sink_cancelled};
    job->body = BUF_INIT(QUERY_BODY_BYTES_MAX);
    arena_init(&job->arena, QUERY_ARENA_BYTES_MAX, NULL);
    return job;
}

static void begin(struct request *request, parser *takes)
{
    struct app *app = app_of(request);
    struct query_job *job = request->state != NULL ? request->state : job_new(request);
    struct query_outcome nothing = {0};
    struct error err = {0};
    enum code code;

    if (job == NULL)
        return;
    job->begun_ns = clock_monotonic_ns(store_clock(app->store));
    job->asked = BUF_INIT(SLOW_QUESTION_BYTES_MAX);
    slow_query_question(request, buf_bytes(&job->body), &job->asked);
    code = parse(job, takes, &err);
    if (code == OK)
        code = turn_take(&job->turn, request, &err);
    if (!reply_unless_ok(request, code, &err) || run_at_once(job))
        return;
    request_park(request);
    if (!workers_submit(app->workers, &job->job)) {
        error_retry(&err, workers_seconds(app->workers, workers_waiting(app->workers)));
        code = error_set(&err, E_BUSY, "too many queries wait for a worker; try again");
        query_finished(job, &nothing, code, &err);
    }
}

static void query_finish(struct request *request)
{
    begin(request, query_parse);
}

/* "application/json; charset=utf-8" is application/json. */
static bool media_type_is(struct bytes type, const char *want)
{
    const char *end = type.size > 0 ? memchr(type.data, ';', type.size) : NULL;

    if (end != NULL)
        type.size = (size_t)(end - type.data);
    while (type.size > 0 && (type.data[type.size - 1] == ' ' || type.data[type.size - 1] == '\t'))
        type.size--;
    return type.size == strlen(want) && strncasecmp(type.data, want, type.size) == 0;
}

/* What does not go with a JSON body. */
static enum code check_body(struct request *request, struct error *err)
{
    struct bytes encoding = request->content_encoding;

    if (!media_type_is(request->content_type, "application/json")) {
        reply_header(request, "Accept-Post",
                     BYTES("application/json, application/x-www-form-urlencoded"));
        return error_set(err, E_UNSUPPORTED_TYPE,
                         "/v1/query takes a body of application/json or "
                         "application/x-www-form-urlencoded");
    }
    if (encoding.size > 0 && !media_type_is(encoding, "identity"))
        return error_set(err, E_UNSUPPORTED_ENCODING,
                         "Content-Encoding \"%.*s\": a question comes as it is, as it is small",
                         BYTES_ARG(encoding));
    if (request->parameter_count > 0) {
        error_point(err, request->parameters[0].name);
        return error_set(
            err, E_BAD_PARAMETER,
            "it stands in the URL, and the question is the body: want all of it there");
    }
    return OK;
}

static void refuse_large(struct request *request, uint64_t size)
{
    struct error err = {0};

    error_set(&err, E_BODY_LARGE, "the body has %s%llu bytes, at most %d are taken here",
              size == UINT64_MAX ? "more than " : "",
              (unsigned long long)(size == UINT64_MAX ? QUERY_BODY_BYTES_MAX : size),
              QUERY_BODY_BYTES_MAX);
    reply_problem(request, &err);
}

static void query_start(struct request *request)
{
    struct query_job *job;
    struct error err = {0};

    if (request->content_length == 0 ||
        media_type_is(request->content_type, "application/x-www-form-urlencoded"))
        return; /* parameters */
    if (!reply_unless_ok(request, check_body(request, &err), &err))
        return;
    if (request->content_length != UINT64_MAX && request->content_length > QUERY_BODY_BYTES_MAX) {
        refuse_large(request, request->content_length);
        return;
    }
    job = job_new(request);
    if (job != NULL)
        job->json = true;
}

static void query_piece(struct request *request, struct bytes piece)
{
    struct query_job *job = request->state;

    if (job->body.size + piece.size > QUERY_BODY_BYTES_MAX)
        refuse_large(request, UINT64_MAX);
    else
        buf_put(&job->body, piece);
}

static void changes_finish(struct request *request)
{
    begin(request, changes_parse);
}

static void stats_finish(struct request *request)
{
    begin(request, stats_parse);
}

static void query_cleanup(struct request *request)
{
    struct query_job *job = request->state;

    if (job == NULL)
        return;
    turn_end(&job->turn);
    buf_release(&job->body);
    buf_release(&job->asked);
    arena_release(&job->arena);
    free(job);
}

const struct handler query_handler = {
    .finish = query_finish,
    .cleanup = query_cleanup,
};

const struct handler query_post_handler = {
    .start = query_start,
    .piece = query_piece,
    .finish = query_finish,
    .cleanup = query_cleanup,
};

const struct handler changes_handler = {
    .finish = changes_finish,
    .cleanup = query_cleanup,
};

const struct handler stats_handler = {
    .finish = stats_finish,
    .cleanup = query_cleanup,
};
