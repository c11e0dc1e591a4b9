/* One record has all secrets of a tenant, so its version, the ETag, is that of all.  A value is in
 * the body and in the job's arena until the job ends, which wipes both. */
#include "handlers/secret_records.h"

#include "discovery/document.h"
#include "discovery/seal.h"
#include "discovery/secrets.h"
#include "handlers/records.h"

static struct bytes name_of(const struct record_job *job)
{
    return job->request->variable;
}

static struct bytes tenant_of(const struct record_job *job)
{
    return session_of(job->request)->tenant->name;
}

/* What there is now; without a record nothing. */
static enum code former_of(struct record_job *job, const struct registry_record *record,
                           struct secret_document *former, struct error *err)
{
    enum code code;

    *former = (struct secret_document){NULL, 0};
    if (record == NULL)
        return OK;
    code = secret_document_parse(record->text, &job->arena, former, err);
    if (code != E_CONFIG)
        return code;
    err->code = E_CONFLICT;
    error_context(err, "the record of the secrets is not right, and has to be mended by hand");
    return E_CONFLICT;
}

/* --- reading --- */

static enum code list(struct record_job *job, struct error *err)
{
    char place[REGISTRY_NAME_SIZE_MAX];
    struct registry_snapshot *records = records_of(job);
    const struct registry_record *record =
        registry_find(records, REGISTRY_SOURCES, secret_record_name(tenant_of(job), place));
    struct secret_document document;
    enum code code = former_of(job, record, &document, err);

    if (code == OK) {
        job->version = record != NULL ? record->version : 0;
        buf_put_text(&job->out, "{\"secrets\":");
        secret_document_print_names(&document, &job->out);
        buf_put_char(&job->out, '}');
    }
    registry_snapshot_put(records);
    return code;
}

/* --- changing --- */

struct wish {
    struct secret secret;
    struct bytes value; /* to be wiped */
};

static enum code take_value(struct document *document, const struct json *value, struct error *err)
{
    struct wish *wish = document->context;

    return document_text_take(document, value, SEAL_VALUE_BYTES_MAX, &wish->value, err);
}

static enum code take_hosts(struct document *document, const struct json *value, struct error *err)
{
    struct wish *wish = document->context;

    return secret_hosts_take(document, value, &wish->secret.hosts, &wish->secret.host_count, err);
}

static enum code wish_read(struct record_job *job, struct wish *wish, struct error *err)
{
    static const struct document_key keys[] = {
        {"value", take_value},
        {"hosts", take_hosts},
    };
    const char *missing = NULL;
    enum code code;

    wish->secret.name = name_of(job);
    if (!secret_name_valid(wish->secret.name))
        return error_set(err, E_BAD_PARAMETER,
                         "the name of a secret is 1 to %d of a-z, 0-9, '_' and '-'",
                         SECRET_NAME_BYTES_MAX);
    code = document_read(buf_bytes(&job->body), "a secret", keys, COUNT_OF(keys), &job->arena, wish,
                         err);
    if (code)
        return record_blame(code, err);
    if (wish->secret.host_count == 0)
        missing = "hosts";
    if (wish->value.size == 0)
        missing = "value";
    return missing == NULL ? OK
                           : error_set(err, E_BAD_PARAMETER,
                                       "\"%s\" is missing; want {\"value\": \"...\", \"hosts\": "
                                       "[\"api.example.com\"]}",
                                       missing);
}

static enum code edit_put(struct record_job *job, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    const struct wish *wish = context;
    struct secret_document document;
    enum code code = former_of(job, record, &document, err);

    (void)records;
    if (code)
        return code;
    job->status = secret_document_find(&document, name_of(job)) == NULL ? 201 : 200;
    code = secret_document_put(&document, &job->arena, &wish->secret, err);
    if (code == OK)
        secret_document_print(&document, text);
    return code;
}

/* Sealed before anything is asked of the registry: what does not come back is not waited for with
 * the value in memory. */
static enum code wish_seal(struct record_job *job, struct wish *wish, struct error *err)
{
    struct secrets *secrets = app_of(job->request)->secrets;
    enum code code = wish_read(job, wish, err);

    if (code == OK)
        code = secrets_seal(secrets, tenant_of(job), wish->value, &job->arena, &wish->secret, err);
    secrets_wipe(wish->value);
    record_body_wipe(job);
    if (code != E_CONFIG)
        return code;
    err->code = E_NOT_SUPPORTED; /* of this node, by its settings */
    return E_NOT_SUPPORTED;
}

static enum code put(struct record_job *job, struct error *err)
{
    char place[REGISTRY_NAME_SIZE_MAX];
    struct wish wish = {
        .value = {NULL, 0}
    };
    const struct record_change change = {
        REGISTRY_SOURCES, secret_record_name(tenant_of(job), place), edit_put, &wish};
    enum code code = wish_seal(job, &wish, err);

    if (code == OK)
        code = record_change(job, &change, err);
    if (code == OK)
        secret_print_name(&wish.secret, &job->out);
    return code;
}

static enum code edit_delete(struct record_job *job, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    struct secret_document document;
    enum code code = former_of(job, record, &document, err);

    (void)records, (void)context;
    if (code)
        return code;
    if (!secret_document_remove(&document, name_of(job)))
        return error_set(err, E_NOT_FOUND, "there is no secret \"%.*s\"", BYTES_ARG(name_of(job)));
    secret_document_print(&document, text);
    return OK;
}

static enum code delete_one(struct record_job *job, struct error *err)
{
    char place[REGISTRY_NAME_SIZE_MAX];
    const struct record_change change = {
        REGISTRY_SOURCES, secret_record_name(tenant_of(job), place), edit_delete, NULL};

    job->status = 204;
    return record_change(job, &change, err);
}

/* --- steps --- */

DECLARED_FINISH(list_finish, list)
DECLARED_FINISH(put_finish, put)
DECLARED_FINISH(delete_finish, delete_one)

const struct handler secret_list_handler = {.finish = list_finish, .cleanup = record_cleanup};
const struct handler secret_put_handler = {
    .start = record_start, .piece = record_piece, .finish = put_finish, .cleanup = record_cleanup};
const struct handler secret_delete_handler = {.finish = delete_finish, .cleanup = record_cleanup};
