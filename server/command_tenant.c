/* weir tenant: the tenants of a registry. */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "codec/json_doc.h"
#include "codec/quantity.h"
#include "discovery/record_rules.h"
#include "server/commands.h"
#include "server/registry_command.h"

static const char about[] =
    "usage: weir tenant VERB [NAME] --registry WHERE [flags]\n"
    "\n"
    "  add NAME      a tenant, which all nodes of the registry serve within a second\n"
    "  list          all of them\n"
    "  show NAME     one, with its limits, shards and tokens\n"
    "  set NAME      another retention, history, limit, or a further shard\n"
    "  delete NAME   nobody speaks for it any more; its data stays where it is\n"
    "\n"
    "  weir tenant add acme --registry zookeeper://zoo1:2181,zoo2:2181 --shard north\n"
    "  weir token add acme --registry zookeeper://zoo1:2181,zoo2:2181\n"
    "\n"
    "`weir tenant VERB --help` tells the flags.  Exit codes: 0 done, 1 failed, 2 usage, 4 the "
    "record\n"
    "is at another version than --expect says.\n";

/* Of add and set, which share their table's beginning. */
enum flag {
    RETENTION,
    HISTORY,
    SHARD,
    JSON,
    EXPECT,
    REVIVE = EXPECT,
    ADD_COUNT,
    SET_COUNT = ADD_COUNT
};

#define ROWS_OF_BOTH                                                                               \
    [RETENTION] = {"retention", "DURATION",                                                        \
                   "Older rows are not read, 400d; \"forever\"; \"default\"."},                    \
    [HISTORY] = {"history", "DURATION",                                                            \
                 "How far back as_of may ask, 90d; \"forever\"; \"default\"."},                    \
    [SHARD] = {"shard", "NAME", "Where new packs go from now on."}, [JSON] = REGISTRY_ROW_JSON

static const struct argument_row add_rows[ADD_COUNT] = {
    ROWS_OF_BOTH,
    [REVIVE] = {"revive", NULL, "Take a deleted one back, with the data that it left."},
};

static const struct argument_row set_rows[SET_COUNT] = {
    ROWS_OF_BOTH,
    [EXPECT] = REGISTRY_ROW_EXPECT,
};

static const struct argument_row limit_row[] = {
    {"limit", "NAME=VALUE", "A limit of its own, over the node's: series_max=50000, or =default."},
};

/* --- changes --- */

static enum code duration_apply(struct registry_command *command, enum flag flag, const char *name,
                                int64_t *ns, struct error *err)
{
    const char *text = command->values[flag];
    struct error inner = {0};

    if (!text)
        return OK;
    if (strcmp(text, "default") == 0) {
        *ns = 0;
        return OK;
    }
    if (tenant_duration_parse(bytes_of(text), ns, &inner))
        return registry_command_refuse(command, err, "--%s: %s", name, inner.text);
    return OK;
}

static void limit_remove(struct tenant_document *document, const struct limit_row *row)
{
    size_t kept = 0;

    for (size_t i = 0; i < document->limit_count; i++)
        if (document->limits[i].row != row)
            document->limits[kept++] = document->limits[i];
    document->limit_count = kept;
}

static enum code limit_apply(struct registry_command *command, struct tenant_document *document,
                             const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    struct tenant_limit limit;
    struct error inner = {0};
    const struct limit_row *row;
    struct bytes name;

    if (!equals)
        return registry_command_refuse(command, err, "--limit %s: want NAME=VALUE", text);
    name = (struct bytes){text, (size_t)(equals - text)};
    row = limit_row_find(name);
    if (row && row->per_tenant && strcmp(equals + 1, "default") == 0) {
        limit_remove(document, row);
        return OK;
    }
    if (tenant_limit_parse(name, bytes_of(equals + 1), &limit, &inner))
        return registry_command_refuse(command, err, "--limit %s: %s", text, inner.text);
    return tenant_limit_put(document, &command->arena, &limit, err);
}

static enum code flags_apply(struct registry_command *command, struct tenant_document *document,
                             struct error *err)
{
    const char *shard = command->values[SHARD];
    enum code code = duration_apply(command, RETENTION, "retention", &document->retention_ns, err);

    if (!code)
        code = duration_apply(command, HISTORY, "history", &document->history_ns, err);
    for (size_t i = 0; i < command->lists[0].count && !code; i++)
        code = limit_apply(command, document, command->lists[0].items[i], err);
    if (code || !shard)
        return code;
    code = tenant_shard_put(document, &command->arena, bytes_of(shard), err);
    return code == E_EXISTS ? OK : code; /* as it was wished */
}

static enum code print(const struct registry_snapshot *records, struct bytes name,
                       const struct tenant_document *document, struct buf *text, struct error *err)
{
    enum code code = tenant_may_become(records, name, document, err);

    if (!code)
        tenant_document_print(document, text);
    return code;
}

/* One that is there: no fault where it is what is asked for, as the answer to this same command may
 * have been lost. */
static enum code edit_add_again(struct registry_command *command,
                                const struct registry_record *record,
                                const struct tenant_document *there, struct buf *text,
                                struct error *err)
{
    struct tenant_document wanted = {.deleted = false};
    enum code code;

    if (command->values[REVIVE])
        wanted = *there;
    code = flags_apply(command, &wanted, err);
    if (code)
        return code;
    tenant_document_print(&wanted, text);
    code = buf_finish(text, err);
    if (code || bytes_equal(buf_bytes(text), record->text))
        return code;
    return error_set(err, E_CONFIG,
                     "the tenant %.*s is there already, at version %" PRIu64
                     ", with other settings or with tokens; `weir tenant set` changes it",
                     BYTES_ARG(record->name), record->version);
}

static enum code edit_add(struct registry_command *command, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    struct tenant_document document = {.deleted = false};
    enum code code = OK;

    (void)context;
    if (record)
        code = tenant_document_parse(record->text, &command->arena, &document, err);
    if (code)
        return code;
    if (record && !document.deleted && !record->missing)
        return edit_add_again(command, record, &document, text, err);
    if (document.deleted && !command->values[REVIVE])
        return error_set(err, E_CONFIG,
                         "a tenant %.*s was deleted, and its data may still be there; --revive "
                         "takes it back as it was, but for the tokens",
                         BYTES_ARG(record->name));
    document.deleted = false;
    code = flags_apply(command, &document, err);
    return code ? code : print(records, command->words[0], &document, text, err);
}

static enum code edit_set(struct registry_command *command, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    struct tenant_document document;
    enum code code = registry_command_tenant(command, record, &document, err);

    (void)context;
    if (!code && document.deleted)
        code = error_set(err, E_NOT_FOUND,
                         "the tenant %.*s is deleted; `weir tenant add --revive` takes it back",
                         BYTES_ARG(command->words[0]));
    if (!code)
        code = flags_apply(command, &document, err);
    return code ? code : print(records, command->words[0], &document, text, err);
}

/* Tokens go, so that none is good again when the tenant is taken back. */
static enum code edit_delete(struct registry_command *command, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    struct tenant_document document;
    enum code code = registry_command_tenant(command, record, &document, err);

    (void)context, (void)records;
    if (code)
        return code;
    document.deleted = true;
    document.token_count = 0;
    tenant_document_print(&document, text);
    return OK;
}

static enum code
change(struct registry_command *command, const char *expect, const char *done,
       enum code (*edit)(struct registry_command *, void *, const struct registry_snapshot *,
                         const struct registry_record *, struct buf *, struct error *),
       bool json, struct error *err)
{
    const struct registry_change change = {REGISTRY_TENANTS, command->words[0], expect, edit, NULL};
    uint64_t version = 0;
    enum code code = registry_command_change(command, &change, &version, err);

    if (code)
        return code;
    return registry_command_tell(command, done, command->words[0], version, json, err);
}

static enum code run_add(struct registry_command *command, struct error *err)
{
    return change(command, NULL, "is there", edit_add, command->values[JSON] != NULL, err);
}

static enum code run_set(struct registry_command *command, struct error *err)
{
    if (!command->values[RETENTION] && !command->values[HISTORY] && !command->values[SHARD] &&
        command->lists[0].count == 0)
        return registry_command_refuse(command, err,
                                       "what is to be set? --retention, --history, --shard, "
                                       "--limit");
    return change(command, command->values[EXPECT], "is set", edit_set,
                  command->values[JSON] != NULL, err);
}

enum { DELETE_JSON, DELETE_EXPECT, DELETE_COUNT };

static enum code run_delete(struct registry_command *command, struct error *err)
{
    return change(command, command->values[DELETE_EXPECT], "is deleted; its data stays where it is",
                  edit_delete, command->values[DELETE_JSON] != NULL, err);
}

/* --- looking --- */

enum { LIST_JSON, LIST_ALL, LIST_COUNT };

static void row_print(const struct registry_record *record, const struct tenant_document *document,
                      const char *state, struct buf *csv)
{
    char text[40];
    char number[NUMBER_TEXT_SIZE];

    registry_cell(csv, true, record->name);
    registry_cell(csv, false, bytes_of(state));
    registry_cell(csv, false,
                  document->shard_count > 0 ? document->shards[document->shard_count - 1]
                                            : BYTES(""));
    registry_cell(csv, false,
                  document->retention_ns == 0
                      ? BYTES("")
                      : (struct bytes){text, tenant_duration_print(document->retention_ns, text)});
    buf_printf(csv, ",%zu", document->token_count);
    buf_put_char(csv, ',');
    buf_put(csv, (struct bytes){number, number_print_u64(record->version, number)});
    buf_put_char(csv, '\n');
}

static const char *state_of(const struct registry_record *record,
                            const struct tenant_document *document, enum code code)
{
    if (code)
        return "not right";
    if (record->missing)
        return "missing";
    return document->deleted ? "deleted" : "active";
}

static void object_print(const struct registry_record *record,
                         const struct tenant_document *document, enum code code,
                         const struct error *why, struct buf *out)
{
    registry_record_begin(record, out);
    if (code) {
        buf_put_text(out, ",\"fault\":");
        json_put_text(out, bytes_of(why->text));
    } else {
        buf_put_char(out, ',');
        tenant_document_print_members(document, out);
    }
    buf_put_char(out, '}');
}

static enum code item_print(struct registry_command *command,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, bool json, struct buf *out,
                            struct error *err)
{
    struct tenant_document document = {.deleted = false};
    struct error why = {0};
    enum code code = tenant_document_parse(record->text, &command->arena, &document, &why);

    (void)records;
    if (code == E_MEMORY) {
        *err = why;
        return code;
    }
    if (document.deleted && !command->values[LIST_ALL])
        return OK;
    if (json)
        object_print(record, &document, code, &why, out);
    else
        row_print(record, &document, state_of(record, &document, code), out);
    return OK;
}

static enum code run_list(struct registry_command *command, struct error *err)
{
    static const struct registry_list list = {
        REGISTRY_TENANTS, "tenants", "name,state,shard,retention,tokens,version", item_print};

    return registry_list_print(command, &list, command->values[LIST_JSON] != NULL, err);
}

static void line(const char *name, struct bytes value)
{
    if (value.size > 0)
        printf("%-12s%.*s\n", name, BYTES_ARG(value));
}

static void people_print(const struct registry_record *record,
                         const struct tenant_document *document)
{
    char text[QUANTITY_TEXT_SIZE], time[TIMESTAMP_TEXT_SIZE], number[NUMBER_TEXT_SIZE];

    line("name", record->name);
    line("state", bytes_of(state_of(record, document, OK)));
    line("version", (struct bytes){number, number_print_u64(record->version, number)});
    if (document->retention_ns != 0)
        line("retention",
             (struct bytes){text, tenant_duration_print(document->retention_ns, text)});
    if (document->history_ns != 0)
        line("history", (struct bytes){text, tenant_duration_print(document->history_ns, text)});
    for (size_t i = 0; i < document->shard_count; i++)
        printf("%-12s%.*s%s\n", "shard", BYTES_ARG(document->shards[i]),
               i + 1 == document->shard_count ? " (new packs go there)" : "");
    for (size_t i = 0; i < document->limit_count; i++)
        printf("%-12s%s %.*s\n", "limit", document->limits[i].row->name,
               (int)limit_print(document->limits[i].row, document->limits[i].value, text), text);
    for (size_t i = 0; i < document->token_count; i++) {
        const struct tenant_token *token = &document->tokens[i];
        struct buf scopes = BUF_INIT(128);

        token_scopes_print(token->scopes, &scopes);
        printf("%-12s%.*s %.*s", "token", BYTES_ARG(token->id), BYTES_ARG(buf_bytes(&scopes)));
        if (token->expires_ns != INT64_MAX)
            printf(", until %.*s", (int)timestamp_print(token->expires_ns, time), time);
        printf("%s%.*s\n", token->note.size > 0 ? ": " : "", BYTES_ARG(token->note));
        buf_release(&scopes);
    }
}

static enum code run_show(struct registry_command *command, struct error *err)
{
    struct registry_snapshot *records = registry_get(command->registry);
    const struct registry_record *record =
        registry_find(records, REGISTRY_TENANTS, command->words[0]);
    struct buf out = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    struct tenant_document document;
    enum code code = registry_command_tenant(command, record, &document, err);

    if (!code && command->values[LIST_JSON]) {
        object_print(record, &document, OK, NULL, &out);
        code = registry_json_print(&out, err);
    } else if (!code) {
        people_print(record, &document);
    }
    buf_release(&out);
    registry_snapshot_put(records);
    return code;
}

static const struct argument_row list_rows[LIST_COUNT] = {
    [LIST_JSON] = REGISTRY_ROW_JSON,
    [LIST_ALL] = {"all", NULL, "Deleted ones as well."},
};

static const struct argument_row delete_rows[DELETE_COUNT] = {
    [DELETE_JSON] = REGISTRY_ROW_JSON,
    [DELETE_EXPECT] = REGISTRY_ROW_EXPECT,
};

int command_tenant(int argc, char **argv)
{
    static const struct registry_verb verbs[] = {
        {"add",
         "usage: weir tenant add NAME [--shard NAME] [--retention DURATION] [--limit NAME=VALUE]…\n"
         "\n"
         "Adds a tenant.  Nobody speaks for it until `weir token add NAME` was run.\n",           add_rows,    ADD_COUNT,    limit_row, 1, 1, run_add   },
        {"list",   "usage: weir tenant list [--all] [--json]\n\nAll tenants.\n",                  list_rows,
         LIST_COUNT,                                                                                                         NULL,      0, 0, run_list  },
        {"show",   "usage: weir tenant show NAME [--json]\n\nWhat a tenant may do, and where.\n",
         list_rows,                                                                                            1,            NULL,      0, 1, run_show  },
        {"set",
         "usage: weir tenant set NAME [--shard NAME] [--retention DURATION] [--limit NAME=VALUE]…\n"
         "\n"
         "Changes what is named, and leaves the rest.\n",                                         set_rows,    SET_COUNT,    limit_row, 1, 1, run_set   },
        {"delete",
         "usage: weir tenant delete NAME\n"
         "\n"
         "Revokes all its tokens and marks it deleted.  Its data stays where it is.\n",           delete_rows, DELETE_COUNT, NULL,      0, 1, run_delete},
    };

    return registry_command_run(about, verbs, COUNT_OF(verbs), argc, argv);
}
