/* PUT replaces what a tenant may do, and leaves its tokens, which have a route of their own: their
 * hashes are never sent out, so nobody could send them back. */
#include "handlers/tenant_records.h"

#include <inttypes.h>

#include "base/time_text.h"
#include "codec/json_doc.h"
#include "discovery/document.h"
#include "discovery/record_rules.h"
#include "handlers/records.h"
#include "http/reply.h"

enum { TOKEN_BYTES_MAX = 4096, NOTE_BYTES_MAX = 200, TIME_BYTES_MAX = 64 };

static struct bytes name_of(const struct record_job *job)
{
    return job->request->variable;
}

/* --- reading --- */

static void print(struct record_job *job, const struct registry_record *record,
                  const struct tenant_document *document)
{
    record_head(job, record->name, record->missing);
    buf_put_char(&job->out, ',');
    tenant_document_print_members(document, &job->out);
    buf_put_char(&job->out, '}');
}

/* One that cannot be read is told with its fault: it is what somebody has to put right. */
static enum code print_any(struct record_job *job, const struct registry_record *record,
                           struct error *err)
{
    struct tenant_document document;
    struct error why = {0};
    enum code code = tenant_document_parse(record->text, &job->arena, &document, &why);

    job->version = record->version;
    if (code == E_MEMORY)
        return error_set(err, E_MEMORY, "no memory for a record");
    if (code == OK) {
        print(job, record, &document);
        return OK;
    }
    record_head(job, record->name, record->missing);
    buf_put_text(&job->out, ",\"fault\":");
    json_put_text(&job->out, bytes_of(why.text));
    buf_put_char(&job->out, '}');
    return OK;
}

static enum code list(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records = records_of(job);
    size_t first, end;
    enum code code = OK;

    buf_put_text(&job->out, "{\"tenants\":[");
    registry_range(records, REGISTRY_TENANTS, &first, &end);
    for (size_t i = first; i < end && code == OK; i++) {
        if (i > first)
            buf_put_char(&job->out, ',');
        code = print_any(job, &records->records[i], err);
    }
    buf_put_text(&job->out, "]}");
    job->version = 0;
    registry_snapshot_put(records);
    return code;
}

static enum code show(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records = records_of(job);
    const struct registry_record *record;
    enum code code = record_find(job, records, REGISTRY_TENANTS, name_of(job), &record, err);

    if (code == OK)
        code = print_any(job, record, err);
    registry_snapshot_put(records);
    return code;
}

/* --- changing --- */

static enum code former_of(struct record_job *job, const struct registry_record *record,
                           struct tenant_document *former, struct error *err)
{
    enum code code;

    if (record == NULL)
        return error_set(err, E_NOT_FOUND, "the registry has no tenant \"%.*s\"",
                         BYTES_ARG(name_of(job)));
    code = tenant_document_parse(record->text, &job->arena, former, err);
    if (code == E_CONFIG) {
        err->code = E_CONFLICT;
        error_context(err, "the record as it stands is not right; PUT replaces it");
        return E_CONFLICT;
    }
    return code;
}

/* What PUT leaves as it is.  Of a record that is not right it may be unknown: then nothing is
 * replaced by somebody who does not say so. */
static enum code former_kept(struct record_job *job, const struct registry_record *record,
                             struct tenant_document *former, struct error *err)
{
    struct error why = {0};
    enum code code;

    if (record == NULL)
        return OK;
    code = tenant_document_salvage(record->text, &job->arena, former, &why);
    if (code == E_MEMORY)
        return error_set(err, E_MEMORY, "no memory for a record");
    if (code == OK || request_header(job->request, "If-Match").data != NULL)
        return OK;
    return error_set(err, E_CONFLICT,
                     "the record as it stands is not right, and its tokens and shards cannot be "
                     "kept, as they cannot be told (%s); If-Match: \"%" PRIu64
                     "\" replaces it without them: all its tokens are revoked",
                     why.text, record->version);
}

/* What the client asked for is `context`. */
static enum code edit_put(struct record_job *job, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    struct tenant_document wanted = *(const struct tenant_document *)context;
    struct tenant_document former = {.deleted = false};
    enum code code = former_kept(job, record, &former, err);

    if (code)
        return code;
    if (former.deleted && request_header(job->request, "If-Match").data == NULL)
        return error_set(err, E_CONFLICT,
                         "a tenant \"%.*s\" was deleted, and its data may still be there; "
                         "If-Match: \"%" PRIu64 "\" takes it back",
                         BYTES_ARG(name_of(job)), record->version);
    wanted.tokens = former.tokens;
    wanted.token_count = former.token_count;
    code = record_blame(tenant_may_become(records, name_of(job), &wanted, err), err);
    if (code)
        return code;
    job->status = record == NULL ? 201 : 200;
    tenant_document_print(&wanted, text);
    return OK;
}

static enum code replace(struct record_job *job, struct error *err)
{
    struct tenant_document wanted;
    const struct record_change change = {REGISTRY_TENANTS, name_of(job), edit_put, &wanted};
    enum code code =
        record_blame(tenant_document_parse(buf_bytes(&job->body), &job->arena, &wanted, err), err);

    if (code)
        return code;
    if (wanted.deleted) {
        error_point(err, BYTES("/state"));
        return error_set(err, E_BAD_PARAMETER, "/state: DELETE is what deletes a tenant");
    }
    if (wanted.token_count > 0) {
        error_point(err, BYTES("/tokens"));
        return error_set(err, E_BAD_PARAMETER,
                         "/tokens: they are added and revoked at /v1/admin/tenants/%.*s/tokens",
                         BYTES_ARG(name_of(job)));
    }
    code = record_change(job, &change, err);
    if (code)
        return code;
    record_head(job, name_of(job), false);
    buf_put_char(&job->out, ',');
    tenant_document_print_members(&wanted, &job->out);
    buf_put_char(&job->out, '}');
    return OK;
}

static enum code edit_delete(struct record_job *job, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    struct tenant_document document;
    enum code code = former_of(job, record, &document, err);

    (void)context, (void)records;
    if (code)
        return code;
    document.deleted = true;
    document.token_count = 0; /* none is good again when the tenant is taken back */
    tenant_document_print(&document, text);
    return OK;
}

static enum code delete_one(struct record_job *job, struct error *err)
{
    const struct record_change change = {REGISTRY_TENANTS, name_of(job), edit_delete, NULL};

    job->status = 204;
    return record_change(job, &change, err);
}

/* --- tokens --- */

static enum code active_of(struct record_job *job, const struct registry_record *record,
                           struct tenant_document *document, struct error *err)
{
    enum code code = former_of(job, record, document, err);

    if (code == OK && document->deleted)
        code =
            error_set(err, E_NOT_FOUND, "the tenant \"%.*s\" is deleted", BYTES_ARG(name_of(job)));
    return code;
}

static enum code token_list(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records = records_of(job);
    const struct registry_record *record;
    struct tenant_document document;
    enum code code = record_find(job, records, REGISTRY_TENANTS, name_of(job), &record, err);

    if (code == OK)
        code = active_of(job, record, &document, err);
    if (code == OK) {
        record_head(job, record->name, record->missing);
        buf_put_text(&job->out, ",\"tokens\":");
        tenant_document_print_tokens(&document, &job->out);
        buf_put_char(&job->out, '}');
    }
    registry_snapshot_put(records);
    return code;
}

static enum code take_scope(struct document *document, const struct json *value, struct error *err)
{
    static const char *const names[] = {"read", "write", "admin", "operator", NULL};
    struct tenant_token *token = document->context;
    unsigned at;
    enum code code = document_choice_take(document, value, names, &at, err);

    if (code == OK)
        token->scopes |= token_scope_find(bytes_of(names[at]));
    return code;
}

static enum code take_scopes(struct document *document, const struct json *value, struct error *err)
{
    struct tenant_token *token = document->context;
    enum code code = document_list_take(document, value, take_scope, err);

    if (code == OK && token->scopes == 0)
        code = document_refuse(document, err,
                               "a token has one scope at least: read, write, admin or operator");
    return code;
}

static enum code take_expires(struct document *document, const struct json *value,
                              struct error *err)
{
    struct tenant_token *token = document->context;
    struct error inner = {0};
    struct bytes text;
    enum code code = document_text_take(document, value, TIME_BYTES_MAX, &text, err);

    if (code == OK && timestamp_parse(text, &token->expires_ns, &inner) != OK)
        code = document_refuse(document, err, "%s", inner.text);
    return code;
}

static enum code take_note(struct document *document, const struct json *value, struct error *err)
{
    struct tenant_token *token = document->context;

    return document_text_take(document, value, NOTE_BYTES_MAX, &token->note, err);
}

static enum code wish_read(struct record_job *job, struct tenant_token *token, struct error *err)
{
    static const struct document_key keys[] = {
        {"scopes",  take_scopes },
        {"expires", take_expires},
        {"note",    take_note   },
    };
    enum code code = OK;

    *token = (struct tenant_token){.expires_ns = INT64_MAX};
    if (job->body.size > 0)
        code = document_read(buf_bytes(&job->body), "a token", keys, COUNT_OF(keys), &job->arena,
                             token, err);
    if (token->scopes == 0)
        token->scopes = TOKEN_SCOPE_READ | TOKEN_SCOPE_WRITE;
    return record_blame(code, err);
}

static enum code edit_token_add(struct record_job *job, void *context,
                                const struct registry_snapshot *records,
                                const struct registry_record *record, struct buf *text,
                                struct error *err)
{
    struct tenant_document document;
    enum code code = active_of(job, record, &document, err);

    (void)records;
    if (code == OK)
        code = tenant_token_put(&document, &job->arena, context, err);
    if (code == OK)
        tenant_document_print(&document, text);
    return code;
}

static enum code token_add(struct record_job *job, struct error *err)
{
    struct buf text = BUF_INIT(TOKEN_BYTES_MAX), ignored = BUF_INIT(TOKEN_BYTES_MAX);
    struct tenant_token token;
    const struct record_change change = {REGISTRY_TENANTS, name_of(job), edit_token_add, &token};
    struct tenant_document alone = {.tokens = &token, .token_count = 1};
    enum code code = wish_read(job, &token, err);

    if (code == OK)
        code = token_generate(token.note, token.scopes, token.expires_ns, &text, &ignored, err);
    if (code == OK) {
        token.hash = token_hash(buf_bytes(&text));
        (void)token_id_of(buf_bytes(&text), &token.id);
        code = record_change(job, &change, err);
    }
    if (code == OK) {
        job->status = 201;
        record_head(job, name_of(job), false);
        buf_put_text(&job->out, ",\"token\":");
        json_put_text(&job->out, buf_bytes(&text));
        buf_put_text(&job->out, ",\"tokens\":");
        tenant_document_print_tokens(&alone, &job->out);
        buf_put_char(&job->out, '}');
    }
    if (text.size > 0)
        explicit_bzero(text.data, text.size);
    buf_release(&text);
    buf_release(&ignored);
    return code;
}

static enum code edit_token_revoke(struct record_job *job, void *context,
                                   const struct registry_snapshot *records,
                                   const struct registry_record *record, struct buf *text,
                                   struct error *err)
{
    const struct bytes *id = context;
    struct tenant_document document;
    enum code code = active_of(job, record, &document, err);

    (void)records;
    if (code)
        return code;
    if (!tenant_token_remove(&document, *id))
        return error_set(err, E_NOT_FOUND, "the tenant \"%.*s\" has no token \"%.*s\"",
                         BYTES_ARG(name_of(job)), BYTES_ARG(*id));
    tenant_document_print(&document, text);
    return OK;
}

static enum code token_revoke(struct record_job *job, struct error *err)
{
    struct bytes id;
    const struct record_change change = {REGISTRY_TENANTS, name_of(job), edit_token_revoke, &id};

    if (!request_parameter(job->request, "id", &id)) {
        error_point(err, BYTES("id"));
        return error_set(err, E_MISSING_PARAMETER, "id= is needed: which token is to be revoked");
    }
    if (!token_id_valid(id)) { /* it may be a whole token, and is not told */
        error_point(err, BYTES("id"));
        return error_set(err, E_BAD_PARAMETER, "id=: 1 to %d letters and digits are an id",
                         TOKEN_ID_MAX);
    }
    job->status = 204;
    return record_change(job, &change, err);
}

/* --- steps --- */

RECORD_FINISH(list_finish, list)
RECORD_FINISH(show_finish, show)
RECORD_FINISH(replace_finish, replace)
RECORD_FINISH(delete_finish, delete_one)
RECORD_FINISH(token_list_finish, token_list)
RECORD_FINISH(token_add_finish, token_add)
RECORD_FINISH(token_revoke_finish, token_revoke)

const struct handler tenant_list_handler = {.finish = list_finish, .cleanup = record_cleanup};
const struct handler tenant_get_handler = {.finish = show_finish, .cleanup = record_cleanup};
const struct handler tenant_put_handler = {.start = record_start,
                                           .piece = record_piece,
                                           .finish = replace_finish,
                                           .cleanup = record_cleanup};
const struct handler tenant_delete_handler = {.finish = delete_finish, .cleanup = record_cleanup};
const struct handler token_list_handler = {.finish = token_list_finish, .cleanup = record_cleanup};
const struct handler token_add_handler = {.start = record_start,
                                          .piece = record_piece,
                                          .finish = token_add_finish,
                                          .cleanup = record_cleanup};
const struct handler token_revoke_handler = {.finish = token_revoke_finish,
                                             .cleanup = record_cleanup};

const char *const token_revoke_parameter_names[] = {"id", NULL};
