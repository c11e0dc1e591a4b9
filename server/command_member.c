/* weir member: the nodes of a registry. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "codec/json_doc.h"
#include "discovery/alive_document.h"
#include "discovery/member_document.h"
#include "discovery/member_leave.h"
#include "server/commands.h"
#include "server/member_health.h"
#include "server/registry_command.h"

static const char about[] =
    "usage: weir member VERB [NUMBER] --registry WHERE [flags]\n"
    "\n"
    "  list            the nodes that a registry knows, and what each says of itself while it\n"
    "                  is alive\n"
    "  drain NUMBER    takes no writes any more, delivers everything, and has left then\n"
    "  forget NUMBER   one that will not come back: what it has not delivered is given up\n"
    "\n"
    "  weir member drain 2 --registry zookeeper://zoo1:2181\n"
    "\n"
    "`weir member VERB --help` tells the flags.  Exit codes: 0 done, 1 failed, 2 usage, 4 the "
    "record\n"
    "is at another version than --expect says.\n";

enum { LIST_JSON, LIST_URL, LIST_TOKEN_FILE, LIST_COUNT };
enum { LEAVE_JSON, LEAVE_EXPECT, LEAVE_COUNT };

/* What is to be told of one. */
struct member_row {
    const struct registry_record *record;
    struct member_document document; /* unless .. */
    enum code code;                  /* .. it is not right, */
    struct error why;                /* and why */
    bool alive;
    struct alive_document process; /* then */
    const struct member_health *health;
};

static const char *state_of(const struct member_row *row)
{
    if (row->code)
        return "not right";
    return row->record->missing ? "missing" : member_state_name(row->document.state);
}

static void row_print(const struct member_row *row, struct buf *csv)
{
    char number[NUMBER_TEXT_SIZE];

    registry_cell(csv, true, row->record->name);
    registry_cell(csv, false, bytes_of(state_of(row)));
    registry_cell(csv, false, row->alive ? BYTES("yes") : BYTES("no"));
    if (row->health->root)
        member_health_cells(row->health, row->record->name, csv);
    registry_cell(csv, false, row->process.since);
    registry_cell(csv, false, row->process.program);
    registry_cell(csv, false, row->process.listen);
    registry_cell(csv, false, row->document.address);
    registry_cell(csv, false, row->document.incarnation);
    registry_cell(csv, false, row->document.at);
    registry_cell(csv, false, row->document.by);
    buf_put_char(csv, ',');
    buf_put(csv, (struct bytes){number, number_print_u64(row->record->version, number)});
    buf_put_char(csv, '\n');
}

static void object_print(const struct member_row *row, struct buf *out)
{
    registry_record_begin(row->record, out);
    buf_printf(out, ",\"alive\":%s", row->alive ? "true" : "false");
    alive_document_print_members(&row->process, out);
    if (row->code) {
        buf_put_text(out, ",\"fault\":");
        json_put_text(out, bytes_of(row->why.text));
    } else {
        buf_put_char(out, ',');
        member_document_print_members(&row->document, out);
    }
    member_health_members(row->health, row->record->name, out);
    buf_put_char(out, '}');
}

static enum code item_print(struct registry_command *command,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, bool json, struct buf *out,
                            struct error *err)
{
    const struct registry_record *alive = registry_find(records, REGISTRY_ALIVE, record->name);
    struct member_row row = {.record = record, .alive = alive != NULL, .health = command->own};

    row.code = member_document_parse(record->text, &command->arena, &row.document, &row.why);
    if (row.code == E_MEMORY) {
        *err = row.why;
        return row.code;
    }
    /* What another version of the program says of itself may be more than this one knows. */
    if (alive && alive_document_parse(alive->text, &command->arena, &row.process, NULL) == E_MEMORY)
        return error_set(err, E_MEMORY, "no memory for a member");
    if (json)
        object_print(&row, out);
    else
        row_print(&row, out);
    return OK;
}

#define COLUMNS_BEHIND "since,program,listen,address,incarnation,at,by,version"

static enum code run_list(struct registry_command *command, struct error *err)
{
    static const struct registry_list plain = {REGISTRY_MEMBERS, "members",
                                               "member,state,alive," COLUMNS_BEHIND, item_print};
    static const struct registry_list whole = {
        REGISTRY_MEMBERS, "members",
        "member,state,alive,health,delivered_through,backlog_bytes," COLUMNS_BEHIND, item_print};
    const char *const *values = command->values;
    struct member_health health = {.root = NULL};
    enum code code = OK;

    if (values[LIST_TOKEN_FILE] && !values[LIST_URL])
        return registry_command_refuse(command, err, "--token-file is of the server at --url");
    if (values[LIST_URL])
        code = member_health_ask(&health, values[LIST_URL], values[LIST_TOKEN_FILE], err);
    command->own = &health;
    if (!code)
        code = registry_list_print(command, health.root ? &whole : &plain,
                                   values[LIST_JSON] != NULL, err);
    command->own = NULL;
    member_health_release(&health);
    return code;
}

/* --- leaving --- */

/* For people: an account and a machine, as they call themselves. */
static struct bytes who(struct registry_command *command)
{
    char host[64] = "?", text[100];
    int size;

    (void)gethostname(host, sizeof(host) - 1);
    size = snprintf(text, sizeof(text), "uid %u at %s", (unsigned)getuid(), host);
    return arena_copy(&command->arena, (struct bytes){text, (size_t)size});
}

static enum code edit_drain(struct registry_command *command, void *context,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, struct buf *text,
                            struct error *err)
{
    (void)records;
    return member_drain(context, record, &command->arena, text, err);
}

/* Who is alive has to be known for certain. */
static enum code edit_forget(struct registry_command *command, void *context,
                             const struct registry_snapshot *records,
                             const struct registry_record *record, struct buf *text,
                             struct error *err)
{
    enum code code = registry_whole(command->registry, err);

    return code ? code : member_forget(context, records, record, &command->arena, text, err);
}

static enum code run_leave(struct registry_command *command, struct registry_change *change,
                           const char *done, struct error *err)
{
    struct member_leave leave = {
        .name = command->words[0], .by = who(command), .now_ns = clock_wall_ns(clock_system())};
    uint64_t version = 0;
    enum code code;

    if (!leave.by.data)
        return error_set(err, E_MEMORY, "no memory for a member");
    change->kind = REGISTRY_MEMBERS;
    change->name = command->words[0];
    change->expect = command->values[LEAVE_EXPECT];
    change->context = &leave;
    code = registry_command_change(command, change, &version, err);
    return code ? code
                : registry_command_tell(command, done, command->words[0], version,
                                        command->values[LEAVE_JSON] != NULL, err);
}

static bool is_alive(const struct registry_command *command)
{
    struct registry_snapshot *records = registry_get(command->registry);
    bool alive = registry_find(records, REGISTRY_ALIVE, command->words[0]) != NULL;

    registry_snapshot_put(records);
    return alive;
}

static enum code run_drain(struct registry_command *command, struct error *err)
{
    struct registry_change change = {.edit = edit_drain};
    enum code code = run_leave(command, &change, "is to leave", err);

    if (!code && !is_alive(command))
        fprintf(
            stderr,
            "weir member: it is not alive now, and delivers what it has when it serves again\n");
    return code;
}

static enum code run_forget(struct registry_command *command, struct error *err)
{
    struct registry_change change = {.edit = edit_forget};

    return run_leave(command, &change, "is lost, with what it had not delivered", err);
}

int command_member(int argc, char **argv)
{
    static const struct argument_row leave_rows[LEAVE_COUNT] = {
        [LEAVE_JSON] = REGISTRY_ROW_JSON, [LEAVE_EXPECT] = REGISTRY_ROW_EXPECT};
    static const struct argument_row rows[LIST_COUNT] = {
        [LIST_JSON] = REGISTRY_ROW_JSON,
        [LIST_URL] = {"url",        "URL",  "A node that is asked how all of them are."},
        [LIST_TOKEN_FILE] = {"token-file", "FILE",
                      "Holds an operator's token for it; else WEIR_TOKEN is the token."},
    };
    static const struct registry_verb verbs[] = {
        {"list",
         "usage: weir member list [--json] [--url URL [--token-file FILE]]\n\nThe nodes, and "
         "whether each is alive.\n", rows,       LIST_COUNT,  NULL, 0, 0, run_list  },
        {"drain",
         "usage: weir member drain NUMBER [--json] [--expect VERSION]\n\n"
         "From now on the node refuses writes (503 not_a_member) and answers questions.  It seals "
         "and\ndelivers everything that it acknowledged; then its record says \"drained\", nobody "
         "waits for\nit any more, and it may be stopped for good.  `weir member list` shows how "
         "far "
         "it is.\n",                 leave_rows, LEAVE_COUNT, NULL, 0, 1, run_drain },
        {"forget",
         "usage: weir member forget NUMBER [--json] [--expect VERSION]\n\n"
         "For a node that is not alive and whose data directory will not be served again.  What "
         "it\nacknowledged and had not delivered is given up: answers are no longer partial for "
         "want of\nit.  Its record says \"lost\", when, and by whom; should it come back it takes "
         "no writes and\ndelivers nothing, and `weir export` and `weir import` bring its rows back "
         "as new ones.\n",           leave_rows, LEAVE_COUNT, NULL, 0, 1, run_forget},
    };

    return registry_command_run(about, verbs, COUNT_OF(verbs), argc, argv);
}
