/* DELETE /v1/points: hides what was known so far of the selected series, fields and times.  The
 * rows stay for as_of; a tombstone says that they are gone. */
#include "handlers/deletions.h"

#include <stdlib.h>

#include "base/time_text.h"
#include "catalog/match.h"
#include "handlers/app.h"
#include "handlers/erasers.h"
#include "handlers/erasure.h"
#include "http/reply.h"

enum { AUDIT_BYTES_MAX = 4096 };

struct deletion {
    struct erasure erasure; /* first */
    struct erasing erasing; /* of other members, too */
    bool spreads;           /* they were begun with */
    bool refused;           /* or should have been */
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
    enum code code = OK;

    if (matchers == NULL)
        return error_set(err, E_MEMORY, "no memory for a request");
    for (size_t i = 0; code == OK && i < request->parameter_count; i++)
        if (bytes_equal(request->parameters[i].name, BYTES("match")))
            code = matcher_parse(request->parameters[i].value,
                                 &matchers[tombstone->selector.matcher_count++], err);
    tombstone->selector.matchers = matchers;
    if (code == OK)
        code = erasure_check(&tombstone->selector, err);
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

static void audit(const struct deletion *deletion, const char *what)
{
    const struct request *request = deletion->request;
    struct buf question = BUF_INIT(AUDIT_BYTES_MAX);
    struct erasure_asker asker = {
        .kind = "token",
        .name = session_of(request)->grant.id,
        .request = request->id,
    };

    for (size_t i = 0; i < request->parameter_count; i++) {
        buf_put(&question, i > 0 ? BYTES(" ") : BYTES(""));
        buf_put(&question, request->parameters[i].name);
        buf_put(&question, BYTES("="));
        buf_put(&question, request->parameters[i].value);
    }
    asker.question = buf_bytes(&question);
    erasure_audit(&deletion->erasure, &asker, what);
    buf_release(&question);
}

/* Hidden at once; the answer waits until the points are out of packs and wal as well, here and at
 * other members. */
static void conclude(struct deletion *deletion, enum code code, const struct error *err,
                     struct bytes unfinished)
{
    struct request *request = deletion->request;

    if (code) {
        audit(deletion, code == E_UNERASED
                            ? "erase: hidden, but not yet removed everywhere; it is to be repeated"
                            : "erase: hidden, but not yet removed from the disk; it will be tried "
                              "again");
        reply_problem_with(request, err, unfinished);
    } else {
        audit(deletion, "erase: the points are gone from the disk");
        reply_bytes(request, 200, "application/json", BYTES("{\"erased\":true}"));
    }
    request_resume(request);
}

static void erased_everywhere(struct erasing *erasing, enum code code, const struct error *err,
                              struct bytes unfinished)
{
    struct deletion *deletion =
        (struct deletion *)((char *)erasing - offsetof(struct deletion, erasing));

    conclude(deletion, code, err, unfinished);
}

static void erased_here(struct erasure *erasure, enum code code, const struct error *err)
{
    struct deletion *deletion = (struct deletion *)erasure;
    struct error failure = {0};

    if (deletion->spreads) { /* what else is to be done may take longer */
        erasing_own(&deletion->erasing, code, err);
        return;
    }
    if (code)
        failure = *err;
    else if (deletion->refused)
        code = error_set(&failure, E_UNERASED,
                         "the points are hidden from every answer, and gone from this node; too "
                         "many erasures wait for other members: send the same request again");
    failure.code = code;
    conclude(deletion, code, &failure, BYTES(""));
}

/* Others are asked while this node erases. */
static void spread(struct deletion *deletion)
{
    const struct request *request = deletion->request;
    struct erasers *erasers = app_of(request)->erasers;

    if (!erasers_are_there(erasers))
        return;
    deletion->erasing = (struct erasing){
        .erasers = erasers,
        .tenant = deletion->erasure.tenant,
        .tombstone = &deletion->erasure.tombstone,
        .request = request,
        .done = erased_everywhere,
    };
    deletion->spreads = true; /* first: it may be through with it at once */
    if (!erasing_begin(&deletion->erasing)) {
        deletion->spreads = false;
        deletion->refused = true;
    }
}

static void written(struct erasure *erasure, enum code code, const struct error *err)
{
    struct deletion *deletion = (struct deletion *)erasure;
    struct request *request = deletion->request;

    if (code == OK && erasure->tombstone.erase) {
        audit(deletion, "erase: the points are hidden from every question");
        spread(deletion);
        erasure_carry_out(erasure);
        return;
    }
    if (code)
        reply_problem(request, err);
    else
        reply_empty(request, 204);
    request_resume(request);
}

static void deletion_finish(struct request *request)
{
    struct app *app = app_of(request);
    const struct session *session = session_of(request);
    struct deletion *deletion = ARENA_NEW(&request->arena, struct deletion);
    struct error err = {0};
    enum code code;

    if (deletion == NULL) {
        error_set(&err, E_MEMORY, "no memory for a request");
        reply_problem(request, &err);
        return;
    }
    request->state = deletion;
    *deletion = (struct deletion){
        .erasure = {.store = app->store,
                    .tenant = session->tenant,
                    .written = written,
                    .carried_out = erased_here},
        .request = request,
    };
    if (app->draining)
        code = error_set(&err, E_DRAINING, "the server is shutting down");
    else
        code = deletion_parse(request, &deletion->erasure.tombstone, &err);
    if (!reply_unless_ok(request, code, &err))
        return;
    request_park(request);
    code = erasure_begin(&deletion->erasure, &err);
    if (code == OK)
        return;
    err.code = code;
    written(&deletion->erasure, code, &err);
}

static void deletion_cleanup(struct request *request)
{
    struct deletion *deletion = request->state;

    if (deletion != NULL)
        erasure_release(&deletion->erasure);
}

const struct handler deletion_handler = {
    .finish = deletion_finish,
    .cleanup = deletion_cleanup,
};

const char *const deletion_parameter_names[] = {"measurement", "match", "fields", "start",
                                                "end",         "erase", NULL};
