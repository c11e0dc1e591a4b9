/* DELETE /v1/points: hides what was known so far of the selected series, fields and times.  The
 * rows stay for as_of; a tombstone says that they are gone. */
#include "handlers/deletions.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/time_text.h"
#include "catalog/match.h"
#include "codec/record.h"
#include "handlers/app.h"
#include "http/reply.h"
#include "store/store.h"

enum { TOMBSTONE_BYTES_MAX = 1024 * 1024, AUDIT_BYTES_MAX = 4096 };

struct deletion {
    struct tombstone tombstone;
    struct buf payload;
    struct submission submission;
    struct request *request;
};

static enum code time_bound(const struct request *request, const char *name, int64_t now_ns,
                            int64_t initial, int64_t *ns, struct error *err)
{
    struct bytes text;
    enum code code = OK;

    *ns = initial;
    if (request_parameter(request, name, &text))
        code = time_parameter_parse(text, TIME_NS, now_ns, ns, err);
    if (code == OK)
        return OK;
    error_point(err, bytes_of(name));
    err->code = E_BAD_PARAMETER; /* whether the text or its range is at fault */
    return E_BAD_PARAMETER;
}

/* The parts of "a,b,c"; none of them empty.  As in a query, `\,` is a comma and `\\` a backslash of
 * a name. */
static enum code split_fields(struct request *request, struct bytes text,
                              struct tombstone *tombstone, struct error *err)
{
    struct bytes *fields = ARENA_ARRAY(&request->arena, struct bytes, text.size + 1);
    char *to = arena_alloc(&request->arena, text.size);
    char *name = to;

    if (fields == NULL || to == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != ',') {
            bool escaped = text.data[i] == '\\' && i + 1 < text.size &&
                           (text.data[i + 1] == ',' || text.data[i + 1] == '\\');

            i += escaped;
            *to++ = text.data[i];
            continue;
        }
        if (to == name) {
            error_point(err, BYTES("fields"));
            return error_set(err, E_BAD_PARAMETER, "fields= has an empty name");
        }
        fields[tombstone->field_count++] = (struct bytes){name, (size_t)(to - name)};
        name = to;
    }
    tombstone->fields = fields;
    return OK;
}

static enum code collect_matchers(struct request *request, struct tombstone *tombstone,
                                  struct error *err)
{
    struct matcher *matchers =
        ARENA_ARRAY(&request->arena, struct matcher, request->parameter_count);
    struct matchset *compiled = NULL;
    enum code code = OK;

    if (matchers == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    for (size_t i = 0; code == OK && i < request->parameter_count; i++)
        if (bytes_equal(request->parameters[i].name, BYTES("match")))
            code = matcher_parse(request->parameters[i].value,
                                 &matchers[tombstone->selector.matcher_count++], err);
    tombstone->selector.matchers = matchers;
    if (code == OK) /* a pattern that does not compile is refused now, not at every read */
        code = matchset_new(&tombstone->selector, &compiled, err);
    matchset_free(compiled);
    if (code)
        error_point(err, BYTES("match"));
    return code;
}

/* For good is for administrators. */
static enum code erase_parse(const struct request *request, bool *erase, struct error *err)
{
    struct bytes text;

    *erase = false;
    if (!request_parameter(request, "erase", &text) || bytes_equal(text, BYTES("false")))
        return OK;
    error_point(err, BYTES("erase"));
    if (!bytes_equal(text, BYTES("true")))
        return error_set(err, E_BAD_PARAMETER,
                         "erase=%.*s is not known; say erase=true or erase=false", BYTES_ARG(text));
    if ((session_of(request)->grant.scopes & SCOPE_ADMIN) == 0)
        return error_set(err, E_FORBIDDEN, "erase=true needs a token with the scope \"admin\"");
    *erase = true;
    return OK;
}

static enum code deletion_parse(struct request *request, struct tombstone *tombstone,
                                struct error *err)
{
    int64_t now_ns = clock_wall_ns(app_of(request)->clock);
    struct bytes text;
    enum code code = parameters_once(request, "match", err);

    if (code)
        return code;
    code = erase_parse(request, &tombstone->erase, err);
    if (code)
        return code;
    if (!request_parameter(request, "measurement", &tombstone->selector.measurement) ||
        tombstone->selector.measurement.size == 0) {
        error_point(err, BYTES("measurement"));
        return error_set(err, E_MISSING_PARAMETER,
                         "measurement= is needed: which points are to be deleted");
    }
    code = time_bound(request, "start", now_ns, INT64_MIN, &tombstone->start, err);
    if (code == OK)
        code = time_bound(request, "end", now_ns, INT64_MAX, &tombstone->end, err);
    if (code == OK && tombstone->start >= tombstone->end) {
        error_point(err, BYTES("end"));
        code = error_set(err, E_BAD_PARAMETER, "end= must be later than start=");
    }
    if (code == OK && request_parameter(request, "fields", &text))
        code = split_fields(request, text, tombstone, err);
    if (code == OK)
        code = collect_matchers(request, tombstone, err);
    return code;
}

/* Who erased what, and when it was gone: in the program's log, since the data itself must not tell.
 */
static void audit(const struct deletion *deletion, const char *what, int64_t ingest)
{
    const struct request *request = deletion->request;
    const struct tombstone *tombstone = &deletion->tombstone;
    char start[TIMESTAMP_TEXT_SIZE], end[TIMESTAMP_TEXT_SIZE];
    struct bytes from = {start, timestamp_print(tombstone->start, start)};
    struct bytes to = {end, timestamp_print(tombstone->end, end)};
    struct buf selector = BUF_INIT(AUDIT_BYTES_MAX);

    for (size_t i = 0; i < request->parameter_count; i++) {
        buf_put(&selector, i > 0 ? BYTES(" ") : BYTES(""));
        buf_put(&selector, request->parameters[i].name);
        buf_put(&selector, BYTES("="));
        buf_put(&selector, request->parameters[i].value);
    }
    log_event(LOG_WARN, what, LOG_CSTR("audit", "erase"), LOG_INT("erasure", ingest),
              LOG_TEXT("tenant", session_of(request)->tenant->name),
              LOG_TEXT("token", session_of(request)->grant.id), LOG_TEXT("request", request->id),
              LOG_TEXT("start", from), LOG_TEXT("end", to),
              LOG_TEXT("question", buf_bytes(&selector)));
    buf_release(&selector);
}

/* Hidden at once; the answer waits until the points are out of packs and wal as well. */
static void erasure_done(void *context, enum code code, const struct error *err)
{
    struct deletion *deletion = context;
    struct request *request = deletion->request;

    if (code) {
        audit(deletion, "erase: hidden, but not yet removed from the disk; it will be tried again",
              deletion->submission.ingest);
        reply_problem(request, err);
    } else {
        audit(deletion, "erase: the points are gone from the disk", deletion->submission.ingest);
        reply_bytes(request, 200, "application/json", BYTES("{\"erased\":true}"));
    }
    request_resume(request);
}

static void deletion_done(struct submission *submission, enum code code, const struct error *err)
{
    struct deletion *deletion =
        (struct deletion *)((char *)submission - offsetof(struct deletion, submission));
    struct request *request = deletion->request;
    struct error failure;

    if (code) {
        failure = *err;
        failure.code = code;
        reply_problem(request, &failure);
    } else if (deletion->tombstone.erase) {
        audit(deletion, "erase: the points are hidden from every question", submission->ingest);
        store_compact(app_of(request)->store, session_of(request)->tenant, COMPACT_DUE,
                      erasure_done, deletion);
        return;
    } else {
        reply_empty(request, 204);
    }
    request_resume(request);
}

static void deletion_finish(struct request *request)
{
    struct app *app = app_of(request);
    const struct session *session = session_of(request);
    struct deletion *deletion = ARENA_NEW(&request->arena, struct deletion);
    struct note none = {0};
    struct error err = {0};
    enum code code;

    if (deletion == NULL) {
        error_set(&err, E_MEMORY, "no memory for a request");
        reply_problem(request, &err);
        return;
    }
    request->state = deletion;
    deletion->request = request;
    deletion->payload = BUF_INIT(TOMBSTONE_BYTES_MAX);
    if (app->draining)
        code = error_set(&err, E_DRAINING, "the server is shutting down");
    else
        code = deletion_parse(request, &deletion->tombstone, &err);
    if (code == OK) {
        record_encode_delete(session->tenant->name, &none, &deletion->tombstone,
                             &deletion->payload);
        code = buf_finish(&deletion->payload, &err);
    }
    if (!reply_unless_ok(request, code, &err))
        return;
    deletion->submission = (struct submission){
        .tenant = session->tenant,
        .payload = buf_bytes(&deletion->payload),
        .tombstone = &deletion->tombstone,
        .done = deletion_done,
    };
    request_park(request);
    code = store_submit(app->store, &deletion->submission, &err);
    if (code)
        deletion_done(&deletion->submission, code, &err);
}

static void deletion_cleanup(struct request *request)
{
    struct deletion *deletion = request->state;

    if (deletion != NULL)
        buf_release(&deletion->payload);
}

const struct handler deletion_handler = {
    .finish = deletion_finish,
    .cleanup = deletion_cleanup,
};

const char *const deletion_parameter_names[] = {"measurement", "match", "fields", "start",
                                                "end",         "erase", NULL};
