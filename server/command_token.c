/* weir token: the line of a tenants file that admits one; or those of a tenant of a registry. */
#include <stdio.h>

#include "base/clock.h"
#include "base/time_text.h"
#include "codec/json_doc.h"
#include "discovery/directory.h"
#include "discovery/tenant_document.h"
#include "server/command_line.h"
#include "server/registry_command.h"

enum { TEXT_BYTES_MAX = 4096 };

static const char usage[] =
    "usage: weir token add TENANT | list TENANT | revoke TENANT ID --registry WHERE [flags]\n"
    "       weir token [--tenant NAME] [--scopes LIST] [--expires DURATION] [--note TEXT] "
    "[--json]\n"
    "\n"
    "Makes a token.  It is printed once, on stdout, and kept nowhere; the line that admits it "
    "goes\n"
    "into the tenants file below `tokens:` of its tenant, or, with `add`, into a registry.\n"
    "\n"
    "  weir token --tenant acme --scopes read,write --expires 90d --note \"meters, hall 2\"\n"
    "  weir token add acme --registry zookeeper://zoo1:2181 --expires 90d\n";

enum flag { SCOPES, EXPIRES, NOTE, JSON, ADD_COUNT, TENANT = ADD_COUNT, FLAG_COUNT };

#define ROWS_OF_BOTH                                                                               \
    [SCOPES] = {"scopes", "LIST", "Of read, write, admin, operator; default: read,write."},        \
    [EXPIRES] = {"expires", "DURATION", "How long it is good, 90d; default: for ever."},           \
    [NOTE] = {"note", "TEXT", "For people: whose it is, and what for."}

struct token_wish {
    const char *tenant;
    unsigned scopes;
    int64_t expires_ns;
    struct bytes note;
};

/* What the flags say, but the tenant's name: who calls has judged it. */
static enum code wish_read(const char *const *values, struct token_wish *wish, struct error *err)
{
    int64_t now_ns = clock_wall_ns(clock_system()), duration_ns;
    enum code code;

    *wish = (struct token_wish){
        .scopes = TOKEN_SCOPE_READ | TOKEN_SCOPE_WRITE,
        .expires_ns = INT64_MAX,
        .note = bytes_of(values[NOTE] ? values[NOTE] : ""),
    };
    if (values[SCOPES]) {
        code = token_scopes_parse(bytes_of(values[SCOPES]), &wish->scopes, err);
        if (code) {
            error_context(err, "--scopes");
            return code;
        }
    }
    if (values[EXPIRES]) {
        code = duration_parse(bytes_of(values[EXPIRES]), &duration_ns, err);
        if (!code && duration_ns >= INT64_MAX - now_ns)
            code = error_set(err, E_BAD_PARAMETER, "\"%s\" is beyond the end of time, 2262",
                             values[EXPIRES]);
        if (code) {
            error_context(err, "--expires");
            return code;
        }
        wish->expires_ns = now_ns + duration_ns;
        wish->expires_ns -= wish->expires_ns % 1000000000; /* whole seconds read better */
    }
    return OK;
}

static void print_people(const struct token_wish *wish, struct bytes token, struct bytes entry)
{
    fprintf(stderr,
            "# The token is shown once.  Add the last line below to the tenants file, below the "
            "`tokens:` of\n# its tenant, then send SIGHUP:\n"
            "tenants:\n  %s:\n    tokens:\n      %.*s\n",
            wish->tenant, BYTES_ARG(entry));
    fflush(stderr);
    printf("%.*s\n", BYTES_ARG(token));
}

static enum code print_json(const struct token_wish *wish, struct bytes token, struct bytes entry,
                            struct error *err)
{
    struct buf out = BUF_INIT(TEXT_BYTES_MAX);
    enum code code;

    buf_put_text(&out, "{\"token\":");
    json_put_text(&out, token);
    buf_put_text(&out, ",\"tenant\":");
    json_put_text(&out, bytes_of(wish->tenant));
    buf_put_text(&out, ",\"line\":");
    json_put_text(&out, entry);
    buf_put_text(&out, "}\n");
    code = buf_finish(&out, err);
    if (!code)
        fwrite(out.data, 1, out.size, stdout);
    buf_release(&out);
    return code;
}

static int token_make(int argc, char **argv)
{
    static const struct argument_row rows[FLAG_COUNT] = {
        ROWS_OF_BOTH,
        [JSON] = {"json",   NULL,   "Print token, tenant and line as one JSON object."},
        [TENANT] = {"tenant", "NAME", "Whose token it is; default: default."            },
    };
    const char *values[FLAG_COUNT] = {NULL};
    struct arguments own = {rows, FLAG_COUNT, values};
    const struct command_line line = {usage, &own, NULL, false};
    struct buf token = BUF_INIT(TEXT_BYTES_MAX), entry = BUF_INIT(TEXT_BYTES_MAX);
    struct token_wish wish;
    struct error err = {0};
    int exit_code;
    enum code code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    code = wish_read(values, &wish, &err);
    wish.tenant = values[TENANT] ? values[TENANT] : "default";
    if (!code && !tenant_name_valid(bytes_of(wish.tenant)))
        code = error_set(&err, E_BAD_PARAMETER,
                         "--tenant: 1 to 64 of a-z, 0-9, '_' and '-' are a name");
    if (code) {
        command_fail(&err);
        return COMMAND_USAGE;
    }
    code = token_generate(wish.note, wish.scopes, wish.expires_ns, &token, &entry, &err);
    if (!code && values[JSON])
        code = print_json(&wish, buf_bytes(&token), buf_bytes(&entry), &err);
    else if (!code)
        print_people(&wish, buf_bytes(&token), buf_bytes(&entry));
    buf_release(&token);
    buf_release(&entry);
    return code ? command_fail(&err) : COMMAND_DONE;
}

/* --- of a registry --- */

/* What is made once, however often the record is edited. */
struct grant {
    struct tenant_token token;
    struct bytes revoked; /* an id */
};

static enum code tenant_of(struct registry_command *command, const struct registry_record *record,
                           struct tenant_document *document, struct error *err)
{
    enum code code = registry_command_tenant(command, record, document, err);

    if (!code && document->deleted)
        code =
            error_set(err, E_NOT_FOUND, "the tenant %.*s is deleted", BYTES_ARG(command->words[0]));
    return code;
}

static enum code edit_add(struct registry_command *command, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    const struct grant *grant = context;
    struct tenant_document document;
    enum code code = tenant_of(command, record, &document, err);

    (void)records;
    if (!code)
        code = tenant_token_put(&document, &command->arena, &grant->token, err);
    if (!code)
        tenant_document_print(&document, text);
    return code;
}

static enum code edit_revoke(struct registry_command *command, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    const struct grant *grant = context;
    struct tenant_document document;
    enum code code = tenant_of(command, record, &document, err);

    (void)records;
    if (code)
        return code;
    if (!tenant_token_remove(&document, grant->revoked))
        return error_set(err, E_NOT_FOUND, "the tenant %.*s has no token %.*s",
                         BYTES_ARG(command->words[0]), BYTES_ARG(grant->revoked));
    tenant_document_print(&document, text);
    return OK;
}

static enum code added_tell(const struct registry_command *command, struct bytes token,
                            struct bytes id, uint64_t version, struct error *err)
{
    struct buf out = BUF_INIT(TEXT_BYTES_MAX);
    enum code code;

    if (!command->values[JSON]) {
        fprintf(stderr, "# The token %.*s is shown once, and is good within a second.\n",
                BYTES_ARG(id));
        fflush(stderr);
        printf("%.*s\n", BYTES_ARG(token));
        return OK;
    }
    buf_put_text(&out, "{\"token\":");
    json_put_text(&out, token);
    buf_put_text(&out, ",\"id\":");
    json_put_text(&out, id);
    buf_put_text(&out, ",\"tenant\":");
    json_put_text(&out, command->words[0]);
    buf_printf(&out, ",\"version\":%llu}", (unsigned long long)version);
    code = registry_json_print(&out, err);
    buf_release(&out);
    return code;
}

static enum code run_add(struct registry_command *command, struct error *err)
{
    struct buf text = BUF_INIT(TEXT_BYTES_MAX), ignored = BUF_INIT(TEXT_BYTES_MAX);
    struct grant grant = {
        .revoked = {NULL, 0}
    };
    const struct registry_change change = {REGISTRY_TENANTS, command->words[0], NULL, edit_add,
                                           &grant};
    struct token_wish wish;
    uint64_t version = 0;
    enum code code = wish_read(command->values, &wish, err);

    if (!code)
        code = token_generate(wish.note, wish.scopes, wish.expires_ns, &text, &ignored, err);
    if (code) {
        command->refused = code == E_BAD_PARAMETER;
        goto out;
    }
    grant.token = (struct tenant_token){.hash = token_hash(buf_bytes(&text)),
                                        .scopes = wish.scopes,
                                        .expires_ns = wish.expires_ns,
                                        .note = wish.note};
    (void)token_id_of(buf_bytes(&text), &grant.token.id);
    code = registry_command_change(command, &change, &version, err);
    if (!code)
        code = added_tell(command, buf_bytes(&text), grant.token.id, version, err);

out:
    if (text.size > 0)
        explicit_bzero(text.data, text.size);
    buf_release(&text);
    buf_release(&ignored);
    return code;
}

enum { REVOKE_JSON, REVOKE_COUNT };

static enum code run_revoke(struct registry_command *command, struct error *err)
{
    struct grant grant = {.revoked = command->words[1]};
    const struct registry_change change = {REGISTRY_TENANTS, command->words[0], NULL, edit_revoke,
                                           &grant};
    uint64_t version = 0;
    enum code code;

    if (!token_id_valid(grant.revoked)) /* it may be a whole token, and is not told */
        return registry_command_refuse(command, err,
                                       "the second name is the id of a token, as `weir token list` "
                                       "tells it: 1 to %d letters and digits",
                                       TOKEN_ID_MAX);
    code = registry_command_change(command, &change, &version, err);
    return code ? code
                : registry_command_tell(command, "is revoked", grant.revoked, version,
                                        command->values[REVOKE_JSON] != NULL, err);
}

static void row_print(const struct tenant_token *token, struct buf *csv)
{
    struct buf scopes = BUF_INIT(128);
    char time[TIMESTAMP_TEXT_SIZE];

    token_scopes_print(token->scopes, &scopes);
    registry_cell(csv, true, token->id);
    registry_cell(csv, false, buf_bytes(&scopes));
    registry_cell(csv, false,
                  token->expires_ns == INT64_MAX
                      ? BYTES("")
                      : (struct bytes){time, timestamp_print(token->expires_ns, time)});
    registry_cell(csv, false, token->note);
    buf_put_char(csv, '\n');
    buf_release(&scopes);
}

static enum code run_list(struct registry_command *command, struct error *err)
{
    struct registry_snapshot *records = registry_get(command->registry);
    const struct registry_record *record =
        registry_find(records, REGISTRY_TENANTS, command->words[0]);
    struct buf out = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    struct tenant_document document;
    enum code code = tenant_of(command, record, &document, err);

    if (!code && command->values[REVOKE_JSON]) {
        registry_record_begin(record, &out);
        buf_put_text(&out, ",\"tokens\":");
        tenant_document_print_tokens(&document, &out);
        buf_put_char(&out, '}');
        code = registry_json_print(&out, err);
    } else if (!code) {
        buf_put_text(&out, "id,scopes,expires,note\n");
        for (size_t i = 0; i < document.token_count; i++)
            row_print(&document.tokens[i], &out);
        code = buf_finish(&out, err);
        if (!code)
            code = registry_table_print(buf_bytes(&out), err);
    }
    buf_release(&out);
    registry_snapshot_put(records);
    return code;
}

/* Without a verb it is as it was before there were registries. */
int command_token(int argc, char **argv)
{
    static const struct argument_row add_rows[ADD_COUNT] = {
        ROWS_OF_BOTH,
        [JSON] = {"json", NULL, "Print token, id, tenant and version as one JSON object."},
    };
    static const struct argument_row other_rows[REVOKE_COUNT] = {[REVOKE_JSON] = REGISTRY_ROW_JSON};
    static const struct registry_verb verbs[] = {
        {"add",
         "usage: weir token add TENANT [--scopes LIST] [--expires DURATION] [--note TEXT] "
         "[--json]\n"
         "\n"
         "Makes a token of a tenant of the registry.  It is printed once, on stdout, and kept\n"
         "nowhere: the registry has its SHA-256.\n",                                           add_rows,   ADD_COUNT,    NULL, 0, 1, run_add   },
        {"list",
         "usage: weir token list TENANT [--json]\n\nThe tokens of a tenant, without them.\n",  other_rows, REVOKE_COUNT, NULL, 0, 1, run_list  },
        {"revoke",
         "usage: weir token revoke TENANT ID\n\nNo node takes it any more within a second.\n", other_rows, REVOKE_COUNT, NULL, 0, 2, run_revoke},
    };

    if (argc < 2 || argv[1][0] == '-')
        return token_make(argc, argv);
    return registry_command_run(usage, verbs, COUNT_OF(verbs), argc, argv);
}
