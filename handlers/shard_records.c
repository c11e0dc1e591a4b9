#include "handlers/shard_records.h"

#include "codec/json_doc.h"
#include "discovery/alive_document.h"
#include "discovery/member_document.h"
#include "discovery/member_leave.h"
#include "discovery/member_number.h"
#include "discovery/record_rules.h"
#include "handlers/member_state.h"
#include "handlers/records.h"

static struct bytes name_of(const struct record_job *job)
{
    return job->request->variable;
}

static enum code fault_or_memory(struct record_job *job, enum code code, const struct error *why,
                                 struct error *err)
{
    if (code == E_MEMORY)
        return error_set(err, E_MEMORY, "no memory for a record");
    buf_put_text(&job->out, ",\"fault\":");
    json_put_text(&job->out, bytes_of(why->text));
    buf_put_char(&job->out, '}');
    return OK;
}

static enum code print_shard(struct record_job *job, const struct registry_snapshot *records,
                             const struct registry_record *record, struct error *err)
{
    struct shard_document document;
    struct error why = {0};
    enum code code = shard_document_parse(record->text, &job->arena, &document, &why);

    (void)records;
    job->version = record->version;
    record_head(job, record->name, record->missing);
    if (code)
        return fault_or_memory(job, code, &why, err);
    buf_put_char(&job->out, ',');
    shard_document_print_members(&document, &job->out);
    buf_put_char(&job->out, '}');
    return OK;
}

static enum code print_member(struct record_job *job, const struct registry_snapshot *records,
                              const struct registry_record *record, struct error *err)
{
    const struct registry_record *alive = registry_find(records, REGISTRY_ALIVE, record->name);
    unsigned number = member_number(record->name);
    struct member_document document;
    struct alive_document process;
    struct error why = {0};
    enum code code = member_document_parse(record->text, &job->arena, &document, &why);

    job->version = record->version;
    record_head(job, record->name, record->missing);
    if (number != 0) /* not what somebody wrote there under another name */
        buf_printf(&job->out, ",\"number\":%u,\"this_node\":%s", number,
                   number == member_of(app_of(job->request)) ? "true" : "false");
    buf_printf(&job->out, ",\"alive\":%s", alive != NULL ? "true" : "false");
    if (alive != NULL && alive_document_parse(alive->text, &job->arena, &process, NULL) == OK)
        alive_document_print_members(&process, &job->out);
    if (code)
        return fault_or_memory(job, code, &why, err);
    buf_put_char(&job->out, ',');
    member_document_print_members(&document, &job->out);
    if (number != 0 &&
        (member_state_owes(document.state) || number == member_of(app_of(job->request))))
        member_detail_print(app_of(job->request), number, &job->out);
    buf_put_char(&job->out, '}');
    return OK;
}

static enum code
list_of(struct record_job *job, enum registry_kind kind,
        enum code (*print)(struct record_job *job, const struct registry_snapshot *records,
                           const struct registry_record *record, struct error *err),
        struct error *err)
{
    struct registry_snapshot *records = records_of(job);
    size_t first, end;
    enum code code = OK;

    buf_printf(&job->out, "{\"%s\":[", registry_kind_name(kind));
    registry_range(records, kind, &first, &end);
    for (size_t i = first; i < end && code == OK; i++) {
        if (i > first)
            buf_put_char(&job->out, ',');
        code = print(job, records, &records->records[i], err);
    }
    buf_put_text(&job->out, "]}");
    job->version = 0; /* of many */
    registry_snapshot_put(records);
    return code;
}

static enum code shard_list(struct record_job *job, struct error *err)
{
    return list_of(job, REGISTRY_SHARDS, print_shard, err);
}

static enum code member_list(struct record_job *job, struct error *err)
{
    return list_of(job, REGISTRY_MEMBERS, print_member, err);
}

static enum code shard_show(struct record_job *job, struct error *err)
{
    struct registry_snapshot *records = records_of(job);
    const struct registry_record *record;
    enum code code = record_find(job, records, REGISTRY_SHARDS, name_of(job), &record, err);

    if (code == OK)
        code = print_shard(job, records, record, err);
    registry_snapshot_put(records);
    return code;
}

/* --- changing --- */

static enum code edit_put(struct record_job *job, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    (void)records, (void)err;
    job->status = record == NULL ? 201 : 200;
    shard_document_print(context, text);
    return OK;
}

static enum code shard_replace(struct record_job *job, struct error *err)
{
    struct shard_document wanted;
    const struct record_change change = {REGISTRY_SHARDS, name_of(job), edit_put, &wanted};
    enum code code =
        record_blame(shard_document_parse(buf_bytes(&job->body), &job->arena, &wanted, err), err);

    if (code)
        return code;
    if (wanted.deleted) {
        error_point(err, BYTES("/state"));
        return error_set(err, E_BAD_PARAMETER, "/state: DELETE is what deletes a shard");
    }
    code = record_change(job, &change, err);
    if (code)
        return code;
    record_head(job, name_of(job), false);
    buf_put_char(&job->out, ',');
    shard_document_print_members(&wanted, &job->out);
    buf_put_char(&job->out, '}');
    return OK;
}

static enum code edit_delete(struct record_job *job, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    const struct shard_document deleted = {.deleted = true};
    bool given_up = request_header(job->request, "If-Match").data != NULL;
    enum code code;

    (void)context;
    if (record == NULL)
        return error_set(err, E_NOT_FOUND, "the registry has no shard \"%.*s\"",
                         BYTES_ARG(name_of(job)));
    code = registry_whole(app_of(job->request)->registry, err);
    if (code == OK)
        code = shard_may_go(records, name_of(job), given_up ? NULL : "If-Match with its ETag", err);
    if (code == E_CONFIG) {
        err->code = E_CONFLICT;
        return E_CONFLICT;
    }
    shard_document_print(&deleted, text);
    return code;
}

static enum code shard_delete(struct record_job *job, struct error *err)
{
    const struct record_change change = {REGISTRY_SHARDS, name_of(job), edit_delete, NULL};

    job->status = 204;
    return record_change(job, &change, err);
}

/* --- members that leave --- */

/* Who it is stands in a record that everybody who runs nodes reads: the token by its name. */
static enum code member_leave_of(struct record_job *job, struct member_leave *leave,
                                 struct error *err)
{
    struct bytes token = session_of(job->request)->grant.id;
    struct buf by = BUF_INIT(200);

    *leave = (struct member_leave){.name = name_of(job),
                                   .now_ns = clock_wall_ns(app_of(job->request)->clock)};
    if (token.size > 0)
        buf_printf(&by, "token %.*s", BYTES_ARG(token));
    else
        buf_put_text(&by, "a client without a token");
    leave->by = arena_copy(&job->arena, buf_bytes(&by));
    buf_release(&by);
    return leave->by.data ? OK : error_set(err, E_MEMORY, "no memory for a record");
}

static enum code refusal(enum code code, struct error *err)
{
    if (code == E_CONFIG)
        err->code = code = E_CONFLICT;
    return code;
}

static enum code edit_drain(struct record_job *job, void *context,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, struct buf *text,
                            struct error *err)
{
    (void)records;
    return refusal(member_drain(context, record, &job->arena, text, err), err);
}

/* Who is alive has to be known for certain. */
static enum code edit_forget(struct record_job *job, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    struct registry *registry = app_of(job->request)->registry;
    enum code code = registry_whole(registry, err);

    if (code == OK && registry_health(registry).state != REGISTRY_CONNECTED)
        code =
            error_set(err, E_NOT_READY, "the registry is not there, so who is alive is not known");
    return code ? code
                : refusal(member_forget(context, records, record, &job->arena, text, err), err);
}

typedef enum code edit_function(struct record_job *job, void *context,
                                const struct registry_snapshot *records,
                                const struct registry_record *record, struct buf *text,
                                struct error *err);

/* Answers with the record as it is then. */
static enum code member_leaves(struct record_job *job, edit_function *edit, struct error *err)
{
    const struct registry_record *record;
    struct registry_snapshot *records;
    struct member_leave leave;
    const struct record_change change = {REGISTRY_MEMBERS, name_of(job), edit, &leave};
    enum code code = member_leave_of(job, &leave, err);

    if (code == OK)
        code = record_change(job, &change, err);
    if (code)
        return code;
    records = records_of(job);
    code = record_find(job, records, REGISTRY_MEMBERS, name_of(job), &record, err);
    if (code == OK)
        code = print_member(job, records, record, err);
    registry_snapshot_put(records);
    return code;
}

static enum code member_drains(struct record_job *job, struct error *err)
{
    return member_leaves(job, edit_drain, err);
}

static enum code member_is_forgotten(struct record_job *job, struct error *err)
{
    return member_leaves(job, edit_forget, err);
}

/* --- steps --- */

RECORD_FINISH(shard_list_finish, shard_list)
RECORD_FINISH(shard_show_finish, shard_show)
RECORD_FINISH(shard_replace_finish, shard_replace)
RECORD_FINISH(shard_delete_finish, shard_delete)
RECORD_FINISH(member_list_finish, member_list)
RECORD_FINISH(member_drain_finish, member_drains)
RECORD_FINISH(member_forget_finish, member_is_forgotten)

const struct handler shard_list_handler = {.finish = shard_list_finish, .cleanup = record_cleanup};
const struct handler shard_get_handler = {.finish = shard_show_finish, .cleanup = record_cleanup};
const struct handler shard_put_handler = {.start = record_start,
                                          .piece = record_piece,
                                          .finish = shard_replace_finish,
                                          .cleanup = record_cleanup};
const struct handler shard_delete_handler = {.finish = shard_delete_finish,
                                             .cleanup = record_cleanup};
const struct handler member_list_handler = {.finish = member_list_finish,
                                            .cleanup = record_cleanup};
const struct handler member_drain_handler = {.finish = member_drain_finish,
                                             .cleanup = record_cleanup};
const struct handler member_forget_handler = {.finish = member_forget_finish,
                                              .cleanup = record_cleanup};
