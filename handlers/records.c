#include "handlers/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/log.h"
#include "codec/json_doc.h"
#include "discovery/record_edit.h"
#include "http/reply.h"

enum { ANSWER_BYTES_MAX = 256 << 20, ETAG_SIZE = 24 };

/* --- the request --- */

static struct record_job *job_new(struct request *request)
{
    struct record_job *job = calloc(1, sizeof(*job));
    struct error err = {0};

    if (job == NULL) {
        error_set(&err, E_MEMORY, "no memory for a request");
        reply_problem(request, &err);
        return NULL;
    }
    request->state = job;
    job->request = request;
    job->status = 200;
    job->body = BUF_INIT(REGISTRY_TEXT_SIZE_MAX);
    job->out = BUF_INIT(ANSWER_BYTES_MAX);
    job->extra = BUF_INIT(REGISTRY_TEXT_SIZE_MAX);
    arena_init(&job->arena, SIZE_MAX, NULL);
    return job;
}

/* It may be an address of a shard, or a secret. */
void record_body_wipe(struct record_job *job)
{
    if (job->body.size > 0)
        explicit_bzero(job->body.data, job->body.size);
    buf_clear(&job->body);
}

void record_cleanup(struct request *request)
{
    struct record_job *job = request->state;

    if (job == NULL)
        return;
    record_body_wipe(job);
    buf_release(&job->body);
    buf_release(&job->out);
    buf_release(&job->extra);
    arena_release(&job->arena);
    free(job);
}

static bool is_type(struct bytes type, struct bytes wanted)
{
    return type.size >= wanted.size && strncasecmp(type.data, wanted.data, wanted.size) == 0 &&
           (type.size == wanted.size || type.data[wanted.size] == ';' ||
            type.data[wanted.size] == ' ');
}

bool record_is_yaml(const struct request *request)
{
    return is_type(request->content_type, BYTES("application/yaml"));
}

static enum code check_body(const struct request *request, bool or_yaml, struct error *err)
{
    bool yaml = or_yaml && record_is_yaml(request);

    if (request->content_encoding.size > 0)
        return error_set(err, E_UNSUPPORTED_ENCODING, "a record is sent as it is, not compressed");
    if (request->content_type.size > 0 && !yaml &&
        !is_type(request->content_type, BYTES("application/json")))
        return error_set(err, E_UNSUPPORTED_TYPE, "a record is application/json%s",
                         or_yaml ? " or application/yaml" : "");
    if (request->content_length != UINT64_MAX && request->content_length > REGISTRY_TEXT_SIZE_MAX)
        return error_set(err, E_BODY_LARGE, "a record has at most %d bytes",
                         REGISTRY_TEXT_SIZE_MAX);
    return OK;
}

static void start(struct request *request, bool or_yaml)
{
    struct record_job *job;
    struct error err = {0};

    if (!reply_unless_ok(request, check_body(request, or_yaml, &err), &err))
        return;
    job = job_new(request);
    if (job == NULL || request->content_length == UINT64_MAX)
        return;
    /* In one piece from the beginning: a buffer that grows leaves copies behind. */
    (void)buf_extend(&job->body, (size_t)request->content_length);
    buf_clear(&job->body);
}

void record_start(struct request *request)
{
    start(request, false);
}

void record_or_yaml_start(struct request *request)
{
    start(request, true);
}

void record_piece(struct request *request, struct bytes piece)
{
    struct record_job *job = request->state;
    struct error err = {0};

    buf_put(&job->body, piece);
    if (job->body.limited) {
        error_set(&err, E_BODY_LARGE, "a record has at most %d bytes", REGISTRY_TEXT_SIZE_MAX);
        reply_problem(request, &err);
    }
}

static void answer(struct record_job *job, enum code code, const struct error *err)
{
    struct request *request = job->request;
    char etag[ETAG_SIZE];

    if (code) {
        reply_problem_with(request, err, job->extra.failed ? BYTES("") : buf_bytes(&job->extra));
        return;
    }
    if (job->version > 0) {
        int size = snprintf(etag, sizeof(etag), "\"%" PRIu64 "\"", job->version);

        reply_header(request, "ETag", (struct bytes){etag, (size_t)size});
    }
    if (job->status == 204)
        reply_empty(request, 204);
    else
        reply_buf_take(request, job->status, "application/json", &job->out);
}

static void job_run(struct job *of)
{
    struct record_job *job = (struct record_job *)of;
    struct request *request = job->request;
    struct error err = {0};
    enum code code = buf_finish(&job->body, &err);

    if (code == OK)
        code = job->run(job, &err);
    answer(job, code, &err);
    request_resume(request);
}

static void begin(struct request *request, struct registry *registry,
                  enum code (*run)(struct record_job *job, struct error *err))
{
    struct app *app = app_of(request);
    struct record_job *job = request->state;
    struct error err = {0};
    enum code code = OK;

    if (job == NULL)
        job = job_new(request);
    if (job == NULL)
        return;
    if (registry == NULL)
        code =
            error_set(&err, E_NOT_SUPPORTED,
                      "this server has no registry: it was started without weir serve --registry");
    else if (app->draining)
        code = error_set(&err, E_DRAINING, "the server is shutting down");
    else
        code = parameters_once(request, NULL, &err);
    if (!reply_unless_ok(request, code, &err))
        return;
    job->run = run;
    job->registry = registry;
    job->job.run = job_run;
    job->job.owner = session_of(request)->tenant->ordinal;
    request_park(request);
    if (workers_submit(app->workers, &job->job))
        return;
    error_set(&err, E_BUSY, "too many requests wait for a worker");
    reply_problem(request, &err);
    request_resume(request);
}

void record_begin(struct request *request,
                  enum code (*run)(struct record_job *job, struct error *err))
{
    begin(request, app_of(request)->registry, run);
}

void record_begin_declared(struct request *request,
                           enum code (*run)(struct record_job *job, struct error *err))
{
    begin(request, app_of(request)->declared, run);
}

/* --- records --- */

enum code record_blame(enum code code, struct error *err)
{
    if (code != E_CONFIG)
        return code;
    err->code = E_BAD_PARAMETER;
    return E_BAD_PARAMETER;
}

struct registry_snapshot *records_of(const struct record_job *job)
{
    return registry_get(job->registry);
}

enum code record_find(struct record_job *job, const struct registry_snapshot *records,
                      enum registry_kind kind, struct bytes name,
                      const struct registry_record **record, struct error *err)
{
    *record = registry_find(records, kind, name);
    if (*record == NULL)
        return error_set(err, E_NOT_FOUND, "the registry has no %.*s \"%.*s\"",
                         (int)strlen(registry_kind_name(kind)) - 1, registry_kind_name(kind),
                         BYTES_ARG(name));
    job->version = (*record)->version;
    return OK;
}

void record_head(struct record_job *job, struct bytes name, bool missing)
{
    buf_put_text(&job->out, "{\"name\":");
    json_put_text(&job->out, name);
    buf_printf(&job->out, ",\"version\":%" PRIu64, job->version);
    if (missing)
        buf_put_text(&job->out, ",\"missing\":true");
}

/* Whether a list of entity tags, or "*", names the version; 0 = there is nothing. */
static bool tags_name(struct bytes list, uint64_t version)
{
    char etag[ETAG_SIZE];
    size_t size = (size_t)snprintf(etag, sizeof(etag), "\"%" PRIu64 "\"", version);

    if (version == 0)
        return false;
    return bytes_equal(list, BYTES("*")) || memmem(list.data, list.size, etag, size) != NULL;
}

static enum code precondition(const struct request *request, const struct registry_record *record,
                              struct error *err)
{
    struct bytes match = request_header(request, "If-Match");
    uint64_t version = record != NULL ? record->version : 0;

    if (match.data != NULL && !tags_name(match, version))
        return error_set(err, E_PRECONDITION,
                         "If-Match: the record is at version \"%" PRIu64 "\" (0: there is none)",
                         version);
    if (request->if_none_match.data != NULL && tags_name(request->if_none_match, version))
        return error_set(err, E_PRECONDITION,
                         "If-None-Match: the record is there, at version \"%" PRIu64 "\"", version);
    return OK;
}

/* `certain`: it is at job->version now; else the registry's answer was lost. */
static void audit(const struct record_job *job, const struct record_change *change, bool certain)
{
    log_event(certain ? LOG_INFO : LOG_WARN,
              certain ? "a record of the registry was changed"
                      : "a record of the registry may have been changed: there was no answer",
              LOG_CSTR("audit", "registry"), LOG_CSTR("kind", registry_kind_name(change->kind)),
              LOG_TEXT("name", change->name), LOG_UINT("version", certain ? job->version : 0),
              LOG_TEXT("token", session_of(job->request)->grant.id),
              LOG_TEXT("request", job->request->id));
}

struct changing {
    struct record_job *job;
    const struct record_change *change;
};

static enum code edit(void *context, const struct registry_snapshot *records,
                      const struct registry_record *record, struct buf *text, struct error *err)
{
    const struct changing *changing = context;
    const struct record_change *change = changing->change;
    struct record_job *job = changing->job;
    bool gone = record != NULL && job->gone != NULL && job->gone(job, record);
    enum code code = precondition(job->request, gone ? NULL : record, err);

    return code ? code : change->edit(job, change->context, records, record, text, err);
}

static void waits(void *context, bool begins)
{
    const struct changing *changing = context;

    workers_wait(app_of(changing->job->request)->workers, begins);
}

enum code record_change(struct record_job *job, const struct record_change *change,
                        struct error *err)
{
    struct changing changing = {job, change};
    const struct record_edit run = {change->kind, change->name, edit, waits, &changing};
    bool changed;
    enum code code = record_edit_run(job->registry, &run, &job->version, &changed, err);

    if (changed || code == E_TIMEOUT)
        audit(job, change, changed);
    return code;
}
