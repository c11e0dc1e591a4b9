/* weir shard: the databases of a registry that packs are delivered to.  Their addresses are
 * secrets: they come from a file or stdin, and only hosts are told. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text_file.h"
#include "codec/json_doc.h"
#include "discovery/record_rules.h"
#include "net/mongo.h"
#include "server/commands.h"
#include "server/registry_command.h"

static const char about[] =
    "usage: weir shard VERB [NAME] --registry WHERE [flags]\n"
    "\n"
    "  add NAME      a database that packs of tenants may be delivered to\n"
    "  list          all of them\n"
    "  show NAME     one, and the tenants that have packs there\n"
    "  set NAME      another address of the same database, or another label\n"
    "  delete NAME   one that no tenant has packs at\n"
    "\n"
    "  weir shard add north --uri-file north.uri --region eu-north --registry "
    "zookeeper://zoo1:2181\n"
    "\n"
    "`weir shard VERB --help` tells the flags.  Exit codes: 0 done, 1 failed, 2 usage, 4 the "
    "record\n"
    "is at another version than --expect says.\n";

enum flag { URI_FILE, UNSAFE, REGION, NO_CHECK, JSON, ADD_COUNT, EXPECT = ADD_COUNT, SET_COUNT };

#define ROWS_OF_BOTH                                                                               \
    [URI_FILE] = {"uri-file", "FILE",                                                              \
                  "File that holds the address and nothing else; - is stdin."},                    \
    [UNSAFE] = {"unsafe", "",                                                                      \
                "Take a write concern that may lose what it said it has; =false takes it back."},  \
    [REGION] = {"region", "LABEL", "Where it is, for people; an empty one takes it away."},        \
    [NO_CHECK] = {"no-check", NULL, "Do not ask the database whether it will do."},                \
    [JSON] = REGISTRY_ROW_JSON

enum { DELETE_JSON, DELETE_EXPECT, DELETE_GIVE_UP, DELETE_COUNT };

static const struct argument_row add_rows[ADD_COUNT] = {ROWS_OF_BOTH};
static const struct argument_row set_rows[SET_COUNT] = {ROWS_OF_BOTH, [EXPECT] =
                                                                          REGISTRY_ROW_EXPECT};

/* --- the address --- */

static struct bytes trimmed(struct bytes text)
{
    while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

static enum code stdin_read(struct buf *text, struct error *err)
{
    char piece[512];
    ssize_t size;

    if (isatty(STDIN_FILENO))
        fputs("the address, and then the end (^D):\n", stderr);
    while ((size = read(STDIN_FILENO, piece, sizeof(piece))) > 0)
        buf_put(text, (struct bytes){piece, (size_t)size});
    explicit_bzero(piece, sizeof(piece));
    if (size < 0)
        return error_set(err, E_IO, "stdin cannot be read");
    if (text->limited)
        return error_set(err, E_CONFIG, "what comes from stdin is too long for an address");
    return buf_finish(text, err);
}

/* Into the command's arena. */
static enum code uri_read(struct registry_command *command, struct bytes *uri, struct error *err)
{
    const char *path = command->values[URI_FILE];
    struct buf text = BUF_INIT((size_t)2 * SHARD_URI_BYTES_MAX);
    const char *fault;
    enum code code;

    if (strstr(path, "://")) /* it is not told, though ps and history have it by now */
        return registry_command_refuse(command, err,
                                       "--uri-file wants the path of a file, not the address");
    code = strcmp(path, "-") == 0
               ? stdin_read(&text, err)
               : text_file_read_secret(path, 2 * (size_t)SHARD_URI_BYTES_MAX - 1, &text, err);
    if (!code) {
        *uri = arena_copy(&command->arena, trimmed(buf_bytes(&text)));
        if (!uri->data)
            code = error_set(err, E_MEMORY, "no memory for an address");
    }
    if (!code) {
        fault = shard_uri_fault(*uri);
        if (fault)
            code = error_set(err, E_CONFIG, "the address in %s %s",
                             strcmp(path, "-") == 0 ? "stdin" : path, fault);
    }
    if (text.size > 0)
        explicit_bzero(text.data, text.size);
    buf_release(&text);
    return code;
}

static enum code each_id(void *context, struct bytes id, struct error *err)
{
    (void)context, (void)id, (void)err;
    return OK;
}

/* What cannot be right is refused; a database that does not answer now may do so later. */
static enum code database_check(const struct registry_command *command,
                                const struct shard_document *document, struct error *err)
{
    struct archive *archive = NULL;
    struct error why = {0};
    char name[65];
    enum code code;

    (void)snprintf(name, sizeof(name), "%.*s", BYTES_ARG(command->words[0]));
    code = mongo_archive_open(document->uri, document->unsafe, name, &archive, err);
    if (code || command->values[NO_CHECK]) {
        if (!code)
            archive->operations->close(archive);
        return code;
    }
    code =
        archive->operations->list(archive, BYTES("weir"), ARCHIVE_MANIFESTS, each_id, NULL, &why);
    archive->operations->close(archive);
    if (code == E_CONFIG) {
        *err = why;
        error_context(err, "it will not do (--no-check leaves this out)");
        return code;
    }
    if (code)
        fprintf(stderr, "weir shard: it does not answer now, and is taken all the same: %s\n",
                why.text);
    else if (document->unsafe)
        fputs("weir shard: with --unsafe the database may lose what it said it has\n", stderr);
    return OK;
}

/* --- changes --- */

/* Read once, however often the record is edited. */
struct wish {
    struct bytes uri;
};

static enum code flags_apply(struct registry_command *command, const struct wish *wish,
                             struct shard_document *document, struct error *err)
{
    const char *unsafe = command->values[UNSAFE], *region = command->values[REGION];

    if (unsafe && strcmp(unsafe, "true") != 0 && strcmp(unsafe, "false") != 0)
        return registry_command_refuse(command, err, "--unsafe: \"%s\" is neither true nor false",
                                       unsafe);
    if (wish->uri.size > 0)
        document->uri = wish->uri;
    if (unsafe)
        document->unsafe = strcmp(unsafe, "true") == 0;
    if (region)
        document->region = bytes_of(region);
    return OK;
}

/* As nodes will read it. */
static enum code print(struct registry_command *command, const struct shard_document *document,
                       struct buf *text, struct error *err)
{
    struct shard_document read;
    enum code code;

    shard_document_print(document, text);
    code = buf_finish(text, err);
    return code ? code : shard_document_parse(buf_bytes(text), &command->arena, &read, err);
}

static enum code shard_of(struct registry_command *command, const struct registry_record *record,
                          struct shard_document *document, struct error *err)
{
    struct bytes name = command->words[0];
    enum code code;

    if (!record)
        return error_set(err, E_NOT_FOUND, "there is no shard %.*s", BYTES_ARG(name));
    code = shard_document_parse(record->text, &command->arena, document, err);
    if (code)
        error_context(err, "the record of the shard %.*s is not right", BYTES_ARG(name));
    return code;
}

/* One that was deleted had no tenant, or theirs were given up: it may come again, as another
 * database. */
static enum code edit_add(struct registry_command *command, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    struct shard_document former = {.deleted = true}, document = {.deleted = false};
    enum code code = record ? shard_of(command, record, &former, err) : OK;

    (void)records;
    if (!code)
        code = flags_apply(command, context, &document, err);
    if (!code && (former.deleted || record->missing))
        code = database_check(command, &document, err);
    if (!code)
        code = print(command, &document, text, err);
    if (code || former.deleted || record->missing || bytes_equal(buf_bytes(text), record->text))
        return code; /* that it is there is no fault: the answer to this same command was lost */
    return error_set(err, E_CONFIG,
                     "the shard %.*s is there already, at version %" PRIu64
                     ", and is another; `weir shard set` changes it",
                     BYTES_ARG(record->name), record->version);
}

static enum code edit_set(struct registry_command *command, void *context,
                          const struct registry_snapshot *records,
                          const struct registry_record *record, struct buf *text, struct error *err)
{
    struct shard_document document;
    enum code code = shard_of(command, record, &document, err);

    (void)records;
    if (!code && document.deleted)
        code =
            error_set(err, E_NOT_FOUND, "the shard %.*s is deleted", BYTES_ARG(command->words[0]));
    if (!code)
        code = flags_apply(command, context, &document, err);
    if (!code && (command->values[URI_FILE] || command->values[UNSAFE]))
        code = database_check(command, &document, err);
    return code ? code : print(command, &document, text, err);
}

static enum code edit_delete(struct registry_command *command, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    struct shard_document document;
    enum code code = shard_of(command, record, &document, err);

    (void)context;
    if (!code)
        code = registry_whole(command->registry, err); /* else who has packs there is not known */
    if (!code)
        code = shard_may_go(records, command->words[0],
                            command->values[DELETE_GIVE_UP] ? NULL : "--give-up", err);
    if (code)
        return code;
    document.deleted = true;
    document.uri = (struct bytes){NULL, 0};
    return print(command, &document, text, err);
}

static enum code change(struct registry_command *command, const char *expect, const char *done,
                        const struct registry_change *what, bool json, struct error *err)
{
    struct registry_change change = *what;
    uint64_t version = 0;
    enum code code;

    change.kind = REGISTRY_SHARDS;
    change.name = command->words[0];
    change.expect = expect;
    code = registry_command_change(command, &change, &version, err);
    if (code)
        return code;
    return registry_command_tell(command, done, command->words[0], version, json, err);
}

static enum code run_add(struct registry_command *command, struct error *err)
{
    struct wish wish = {
        .uri = {NULL, 0}
    };
    const struct registry_change what = {.edit = edit_add, .context = &wish};
    enum code code;

    if (!command->values[URI_FILE])
        return registry_command_refuse(
            command, err, "where is it? --uri-file FILE holds its address; - is stdin");
    code = uri_read(command, &wish.uri, err);
    return code ? code
                : change(command, NULL, "is there", &what, command->values[JSON] != NULL, err);
}

static enum code run_set(struct registry_command *command, struct error *err)
{
    struct wish wish = {
        .uri = {NULL, 0}
    };
    const struct registry_change what = {.edit = edit_set, .context = &wish};
    enum code code = OK;

    if (!command->values[URI_FILE] && !command->values[UNSAFE] && !command->values[REGION])
        return registry_command_refuse(command, err,
                                       "what is to be set? --uri-file, --unsafe, --region");
    if (command->values[URI_FILE])
        code = uri_read(command, &wish.uri, err);
    return code ? code
                : change(command, command->values[EXPECT], "is set", &what,
                         command->values[JSON] != NULL, err);
}

static enum code run_delete(struct registry_command *command, struct error *err)
{
    const struct registry_change what = {.edit = edit_delete};

    return change(command, command->values[DELETE_EXPECT], "is deleted", &what,
                  command->values[DELETE_JSON] != NULL, err);
}

/* --- looking --- */

enum { LIST_JSON, LIST_ALL, LIST_COUNT };

static const char *state_of(const struct registry_record *record,
                            const struct shard_document *document, enum code code)
{
    if (code)
        return "not right";
    if (record->missing)
        return "missing";
    return document->deleted ? "deleted" : "active";
}

static void row_print(const struct registry_record *record, const struct shard_document *document,
                      enum code code, struct buf *csv)
{
    char number[NUMBER_TEXT_SIZE];

    registry_cell(csv, true, record->name);
    registry_cell(csv, false, bytes_of(state_of(record, document, code)));
    registry_cell(csv, false, shard_uri_hosts(document->uri));
    registry_cell(csv, false, document->region);
    registry_cell(csv, false, document->unsafe ? BYTES("yes") : BYTES(""));
    buf_put_char(csv, ',');
    buf_put(csv, (struct bytes){number, number_print_u64(record->version, number)});
    buf_put_char(csv, '\n');
}

/* The names of tenants that have packs at the shard, as JSON. */
static void tenants_print(struct registry_command *command, const struct registry_snapshot *records,
                          struct bytes shard, const char *first_text, const char *between_text,
                          struct buf *out)
{
    const char *between = first_text;
    size_t first, end;

    registry_range(records, REGISTRY_TENANTS, &first, &end);
    for (size_t i = first; i < end; i++) {
        struct tenant_document tenant;

        if (tenant_document_parse(records->records[i].text, &command->arena, &tenant, NULL))
            continue;
        for (size_t s = 0; s < tenant.shard_count; s++)
            if (bytes_equal(tenant.shards[s], shard)) {
                buf_put_text(out, between);
                buf_put(out, records->records[i].name);
                between = between_text;
            }
    }
}

static void object_print(const struct registry_record *record,
                         const struct shard_document *document, enum code code,
                         const struct error *why, struct buf *out)
{
    registry_record_begin(record, out);
    if (code) {
        buf_put_text(out, ",\"fault\":");
        json_put_text(out, bytes_of(why->text));
    } else {
        buf_put_char(out, ',');
        shard_document_print_members(document, out);
    }
}

static enum code item_print(struct registry_command *command,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, bool json, struct buf *out,
                            struct error *err)
{
    struct shard_document document = {.deleted = false};
    struct error why = {0};
    enum code code = shard_document_parse(record->text, &command->arena, &document, &why);

    (void)records;
    if (code == E_MEMORY) {
        *err = why;
        return code;
    }
    if (document.deleted && !command->values[LIST_ALL])
        return OK;
    if (json) {
        object_print(record, &document, code, &why, out);
        buf_put_char(out, '}');
    } else {
        row_print(record, &document, code, out);
    }
    return OK;
}

static enum code run_list(struct registry_command *command, struct error *err)
{
    static const struct registry_list list = {REGISTRY_SHARDS, "shards",
                                              "name,state,hosts,region,unsafe,version", item_print};

    return registry_list_print(command, &list, command->values[LIST_JSON] != NULL, err);
}

static enum code show_people(struct registry_command *command,
                             const struct registry_snapshot *records,
                             const struct registry_record *record,
                             const struct shard_document *document, struct buf *out,
                             struct error *err)
{
    struct bytes hosts = shard_uri_hosts(document->uri);
    enum code code;

    tenants_print(command, records, record->name, "tenants     ", ", ", out);
    code = buf_finish(out, err);
    if (code)
        return code;
    printf("%-12s%.*s\n%-12s%s\n%-12s%" PRIu64 "\n", "name", BYTES_ARG(record->name), "state",
           state_of(record, document, OK), "version", record->version);
    if (hosts.size > 0)
        printf("%-12s%.*s\n", "hosts", BYTES_ARG(hosts));
    if (document->region.size > 0)
        printf("%-12s%.*s\n", "region", BYTES_ARG(document->region));
    if (document->unsafe)
        printf("%-12s%s\n", "unsafe", "yes: it may lose what it said it has");
    if (out->size > 0)
        printf("%.*s\n", BYTES_ARG(buf_bytes(out)));
    return OK;
}

static enum code run_show(struct registry_command *command, struct error *err)
{
    struct registry_snapshot *records = registry_get(command->registry);
    const struct registry_record *record =
        registry_find(records, REGISTRY_SHARDS, command->words[0]);
    struct buf out = BUF_INIT(REGISTRY_ANSWER_BYTES_MAX);
    struct shard_document document;
    enum code code = shard_of(command, record, &document, err);

    if (!code && command->values[LIST_JSON]) {
        object_print(record, &document, OK, NULL, &out);
        buf_put_text(&out, ",\"tenants\":[");
        tenants_print(command, records, record->name, "\"", "\",\"", &out);
        buf_put_text(&out, out.size > 0 && out.data[out.size - 1] == '[' ? "]}" : "\"]}");
        code = registry_json_print(&out, err);
    } else if (!code) {
        code = show_people(command, records, record, &document, &out, err);
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
    [DELETE_GIVE_UP] = {"give-up", NULL,
                        "Also with packs of deleted tenants, which cannot be taken back then."},
};

int command_shard(int argc, char **argv)
{
    static const struct registry_verb verbs[] = {
        {"add",
         "usage: weir shard add NAME --uri-file FILE [--region LABEL] [--unsafe]\n"
         "\n"
         "Adds a database.  It is asked whether what it says it has is safe there; one that does\n"
         "not answer now is taken all the same.  The file must not be readable by everybody.\n",       add_rows,    ADD_COUNT,    NULL, 0, 1, run_add   },
        {"list",   "usage: weir shard list [--all] [--json]\n\nAll shards; hosts, never addresses.\n",
         list_rows,                                                                                                 LIST_COUNT,   NULL, 0, 0, run_list  },
        {"show",   "usage: weir shard show NAME [--json]\n\nOne, and the tenants with packs there.\n",
         list_rows,                                                                                                 1,            NULL, 0, 1, run_show  },
        {"set",
         "usage: weir shard set NAME [--uri-file FILE] [--region LABEL] [--unsafe[=false]]\n"
         "\n"
         "Changes what is named, and leaves the rest.  A shard's name stands for what is in it:\n"
         "another database is another shard.\n",                                                       set_rows,    SET_COUNT,    NULL, 0, 1, run_set   },
        {"delete",
         "usage: weir shard delete NAME [--give-up]\n"
         "\n"
         "Refused while a tenant has packs there, also a deleted one, unless that is given up.\n"
         "Nothing in the database is touched.\n",                                                      delete_rows, DELETE_COUNT, NULL, 0, 1, run_delete},
    };

    return registry_command_run(about, verbs, COUNT_OF(verbs), argc, argv);
}
