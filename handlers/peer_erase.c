/* A deletion of this member's own, with an ingest time above that of the client's: it hides what
 * this member acknowledged before, and is delivered with what it was carried out in. */
#include "handlers/peer_erase.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "handlers/app.h"
#include "handlers/erasers.h"
#include "handlers/erasure.h"
#include "handlers/peer_question.h"
#include "handlers/peer_routes.h"
#include "http/reply.h"
#include "store/member.h"

enum { QUESTION_ARENA_MAX = 1 << 20, ANSWER_SIZE = 128 };

struct erase_job {
    struct erasure erasure; /* first */
    struct erasing erasing; /* of what other members have at shards */
    struct tombstone told;  /* the same deletion, as who asks has it */
    struct request *request;
    int64_t came_ns; /* monotonic */
    struct buf body;
    struct arena arena;
    struct peer_question question;
};

static void audit(const struct erase_job *job, const char *what)
{
    char member[16];
    int size = snprintf(member, sizeof(member), "%u", peer_caller_of(job->request)->number);
    const struct erasure_asker asker = {
        .kind = "member",
        .name = {member, (size_t)size},
        .request = job->request->id,
        .question = buf_bytes(&job->body),
    };

    erasure_audit(&job->erasure, &asker, what);
}

static void conclude(struct erase_job *job, enum code code, const struct error *err,
                     struct bytes unfinished)
{
    struct request *request = job->request;
    char incarnation[HASH128_TEXT_SIZE], text[ANSWER_SIZE];
    int size;

    if (code) {
        audit(job, "erase, for a member: hidden, but not yet removed from this machine");
        reply_problem_with(request, err, unfinished);
    } else {
        audit(job, "erase, for a member: the points are gone from the disk");
        store_incarnation(app_of(request)->store, incarnation);
        size = snprintf(text, sizeof(text),
                        "{\"erased\":true,\"incarnation\":\"%s\",\"ingest\":%" PRId64 "}\n",
                        incarnation, job->erasure.tombstone.ingest);
        reply_bytes(request, 200, "application/json", (struct bytes){text, (size_t)size});
    }
    request_resume(request);
}

static void packs_gone(struct erasing *erasing, enum code code, const struct error *err,
                       struct bytes unfinished)
{
    struct erase_job *job =
        (struct erase_job *)((char *)erasing - offsetof(struct erase_job, erasing));

    conclude(job, code, err, unfinished);
}

/* What is kept here of packs of others goes when they have replaced them. */
static void carried_out(struct erasure *erasure, enum code code, const struct error *err)
{
    struct erase_job *job = (struct erase_job *)erasure;
    struct error failure = {0};

    if (code)
        failure = *err;
    failure.code = code;
    job->erasing = (struct erasing){
        .erasers = app_of(job->request)->erasers,
        .tenant = erasure->tenant,
        .tombstone = &job->told,
        .request = job->request,
        .asked = true,
        .came_ns = job->came_ns,
        .done = packs_gone,
    };
    if (code == OK && job->erasing.erasers != NULL) {
        if (erasing_begin(&job->erasing))
            return;
        code = error_set(&failure, E_UNERASED, "too many erasures of members wait here");
    }
    conclude(job, code, &failure, BYTES(""));
}

static void written(struct erasure *erasure, enum code code, const struct error *err)
{
    struct erase_job *job = (struct erase_job *)erasure;

    if (code == OK) {
        audit(job, "erase, for a member: the points are hidden from every question");
        erasure_carry_out(erasure);
        return;
    }
    reply_problem(job->request, err);
    request_resume(job->request);
}

static enum code take_question(struct erase_job *job, struct error *err)
{
    const struct peer_question *question = &job->question;
    struct app *app = app_of(job->request);
    int64_t moment;
    enum code code =
        peer_question_read_erasure(buf_bytes(&job->body), &job->arena, &job->question, err);

    if (code)
        return code;
    job->told = (struct tombstone){
        .ingest = question->moment,
        .erase = true,
        .selector = {question->measurement, question->matchers, question->matcher_count},
        .start = question->start,
        .end = question->end,
        .fields = question->fields,
        .field_count = question->field_count,
    };
    job->erasure.tombstone = job->told;
    code = erasure_check(&job->told.selector, err);
    if (code) {
        if (code != E_MEMORY)
            code = err->code = E_BAD_REQUEST;
        return code;
    }
    code = peer_find_tenant(job->request, question->tenant, &job->erasure.tenant, err);
    if (code == OK && app->draining)
        code = error_set(err, E_DRAINING, "the server is shutting down");
    moment = question->moment;
    return code ? code : store_go_above(app->store, &moment, err);
}

/* --- the request --- */

static void erase_start(struct request *request)
{
    struct erase_job *job = calloc(1, sizeof(*job));
    struct error err = {0};

    if (job == NULL) {
        (void)error_set(&err, E_MEMORY, "no memory for a question");
        reply_problem(request, &err);
        return;
    }
    request->state = job;
    job->request = request;
    job->came_ns = clock_monotonic_ns(app_of(request)->clock);
    job->erasure.store = app_of(request)->store;
    job->erasure.written = written;
    job->erasure.carried_out = carried_out;
    job->body = BUF_INIT(PEER_QUESTION_BYTES_MAX);
    arena_init(&job->arena, QUESTION_ARENA_MAX, NULL);
}

static void erase_piece(struct request *request, struct bytes piece)
{
    struct erase_job *job = request->state;

    peer_take_piece(request, &job->body, piece);
}

static void erase_finish(struct request *request)
{
    struct erase_job *job = request->state;
    struct error err = {0};
    enum code code = take_question(job, &err);

    if (!reply_unless_ok(request, code, &err))
        return;
    request_park(request);
    code = erasure_begin(&job->erasure, &err);
    if (code == OK)
        return;
    err.code = code;
    written(&job->erasure, code, &err);
}

static void erase_cleanup(struct request *request)
{
    struct erase_job *job = request->state;

    if (job == NULL)
        return;
    erasure_release(&job->erasure);
    buf_release(&job->body);
    arena_release(&job->arena);
    free(job);
}

const struct handler peer_erase_handler = {
    .start = erase_start,
    .piece = erase_piece,
    .finish = erase_finish,
    .cleanup = erase_cleanup,
};
