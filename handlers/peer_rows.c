/* A worker of the peers' own does it: members that wait for one another's rows with all their
 * workers would wait for ever. */
#include "handlers/peer_rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "catalog/catalog.h"
#include "handlers/app.h"
#include "handlers/peer_question.h"
#include "handlers/peer_reply.h"
#include "handlers/peer_routes.h"
#include "http/reply.h"
#include "store/undelivered.h"
#include "store/view_pack.h"

enum {
    QUESTION_ARENA_MAX = 1 << 20,
    LOOK_EVERY = 256, /* series, between two looks whether somebody still waits */
    DELIVERED_BYTES_MAX = 16 * 1024,
};

struct rows_job {
    struct job job; /* first */
    struct request *request;
    struct buf body;
    struct arena arena;  /* of the question */
    struct arena series; /* of the list of them */
    struct peer_question question;
    const struct tenant *tenant;
    struct view_pack *pack; /* its memory counts until the reply is sent */
    _Atomic bool lost;      /* the view holds memory for too long */
};

/* --- the answer --- */

static enum code look(void *context, struct error *err)
{
    const struct rows_job *job = context;

    if (job->lost)
        return error_set(err, E_BUSY, "memory is short for who takes so long");
    return request_cancelled(job->request) ? error_set(err, E_CANCELLED, "the member left") : OK;
}

static enum code put_series(struct rows_job *job, struct error *err)
{
    struct app *app = app_of(job->request);
    const struct selector selector = {job->question.measurement, job->question.matchers,
                                      job->question.matcher_count};
    const struct look looks = {look, job};
    struct series **series;
    size_t count;
    enum code code = catalog_select(app->catalog, job->tenant, &selector, UINT64_MAX, &looks,
                                    &job->series, &series, &count, err);

    for (size_t i = 0; code == OK && i < count; i++) {
        if (i % LOOK_EVERY == 0)
            code = look(job, err);
        if (code == OK)
            code = view_pack_series(job->pack, series[i], err);
    }
    return code;
}

static enum code make_pack(struct rows_job *job, const struct undelivered *undelivered,
                           struct bytes *bytes, struct error *err)
{
    struct app *app = app_of(job->request);
    const struct peer_question *question = &job->question;
    const struct view_pack_options options = {
        .view = undelivered->view,
        .tenant = job->tenant,
        .measurement = question->measurement,
        .start = question->start,
        .end = question->end,
        .deletions_after = undelivered->listed.through,
        .memory = &app->query_memory,
        .memory_max = (size_t)app->limits->query_memory_bytes_max,
        .bytes_max = (size_t)app->limits->peer_reply_bytes_max,
    };
    enum code code = view_pack_begin(&options, &job->pack, err);

    if (code == OK)
        code = put_series(job, err);
    return code ? code : view_pack_end(job->pack, bytes, err);
}

static void tell_moment(struct request *request, const char *name, int64_t moment)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%" PRId64, moment);

    reply_header(request, name, (struct bytes){text, (size_t)size});
}

/* E_QUERY_RESULT: whoever asks takes no more. */
static enum code tell_delivered(struct request *request, const struct undelivered *undelivered,
                                struct error *err)
{
    struct buf text = BUF_INIT(DELIVERED_BYTES_MAX);
    enum code code;

    if (undelivered->listed.chain_count > PEER_SHARDS_MAX)
        return error_set(err, E_QUERY_RESULT,
                         "this member has delivered rows of the tenant to %zu shards, and a reply "
                         "names at most %d",
                         undelivered->listed.chain_count, PEER_SHARDS_MAX);
    for (size_t i = 0; i < undelivered->listed.chain_count; i++)
        buf_printf(&text, "%s%s=%" PRIu64, i == 0 ? "" : ", ", undelivered->listed.chains[i].shard,
                   undelivered->listed.chains[i].last);
    assert(!text.limited); /* 64 shards */
    code = buf_finish(&text, err);
    tell_moment(request, "Weir-Through", view_as_of(undelivered->view));
    tell_moment(request, "Weir-Newest", undelivered->newest);
    tell_moment(request, "Weir-Settled", undelivered->settled);
    if (undelivered->floor != INT64_MIN)
        tell_moment(request, "Weir-Floor", undelivered->floor);
    if (code == OK && text.size > 0)
        reply_header(request, "Weir-Delivered", buf_bytes(&text));
    buf_release(&text);
    return code;
}

static enum code answer(struct rows_job *job, struct error *err)
{
    struct undelivered undelivered = {.view = NULL};
    struct bytes bytes = {NULL, 0};
    struct buf body = BUF_INIT(SIZE_MAX);
    enum code code;

    arena_init(&job->series, (size_t)app_of(job->request)->limits->query_memory_bytes_max,
               &app_of(job->request)->query_memory);
    code = undelivered_take(app_of(job->request)->store, job->tenant, job->question.moment,
                            &undelivered, err);
    if (code == OK)
        view_watch(undelivered.view, &job->lost);
    if (code == OK)
        code = make_pack(job, &undelivered, &bytes, err);
    if (code == OK)
        code = tell_delivered(job->request, &undelivered, err);
    undelivered_release(&undelivered);
    arena_release(&job->series);
    if (code) {
        free((void *)bytes.data);
        return code;
    }
    if (bytes.size == 0) {
        reply_empty(job->request, 204);
        return OK;
    }
    body.data = (char *)bytes.data;
    body.size = body.capacity = bytes.size;
    reply_buf_take(job->request, 200, "application/vnd.weir.pack", &body);
    return OK;
}

static void rows_run(struct job *base)
{
    struct rows_job *job = (struct rows_job *)base;
    struct request *request = job->request;
    struct error err = {0};

    if (answer(job, &err) != OK)
        reply_problem(request, &err);
    request_resume(request);
}

/* --- the request --- */

static void rows_start(struct request *request)
{
    struct rows_job *job = calloc(1, sizeof(*job));
    struct error err = {0};

    if (job == NULL) {
        (void)error_set(&err, E_MEMORY, "no memory for a question");
        reply_problem(request, &err);
        return;
    }
    request->state = job;
    job->request = request;
    job->job.run = rows_run;
    job->body = BUF_INIT(PEER_QUESTION_BYTES_MAX);
    arena_init(&job->arena, QUESTION_ARENA_MAX, NULL);
}

static void rows_piece(struct request *request, struct bytes piece)
{
    struct rows_job *job = request->state;

    peer_take_piece(request, &job->body, piece);
}

static void rows_finish(struct request *request)
{
    struct app *app = app_of(request);
    struct rows_job *job = request->state;
    struct error err = {0};
    enum code code =
        peer_question_read_rows(buf_bytes(&job->body), &job->arena, &job->question, &err);

    if (code == OK)
        code = peer_find_tenant(request, job->question.tenant, &job->tenant, &err);
    if (!reply_unless_ok(request, code, &err))
        return;
    job->job.owner = job->tenant->ordinal;
    request_park(request);
    if (!workers_submit(app->peer_workers, &job->job)) {
        (void)error_set(&err, E_BUSY, "too many questions of other members wait for a worker");
        reply_problem(request, &err);
        request_resume(request);
    }
}

static void rows_cleanup(struct request *request)
{
    struct rows_job *job = request->state;

    if (job == NULL)
        return;
    view_pack_free(job->pack);
    buf_release(&job->body);
    arena_release(&job->arena);
    free(job);
}

const struct handler peer_rows_handler = {
    .start = rows_start,
    .piece = rows_piece,
    .finish = rows_finish,
    .cleanup = rows_cleanup,
};
