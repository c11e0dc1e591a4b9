/* weir member: the nodes of a registry. */
#include <inttypes.h>

#include "base/number.h"
#include "codec/json_doc.h"
#include "discovery/alive_document.h"
#include "discovery/member_document.h"
#include "server/commands.h"
#include "server/registry_command.h"

static const char about[] =
    "usage: weir member list --registry WHERE [--json]\n"
    "\n"
    "The nodes that a registry knows, and what each says of itself while it "
    "is alive.\n";

enum { LIST_JSON, LIST_COUNT };

/* What is to be told of one. */
struct member_row {
    const struct registry_record *record;
    struct member_document document; /* unless .. */
    enum code code;                  /* .. it is not right, */
    struct error why;                /* and why */
    bool alive;
    struct alive_document process; /* then */
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
    registry_cell(csv, false, row->process.since);
    registry_cell(csv, false, row->process.program);
    registry_cell(csv, false, row->process.listen);
    registry_cell(csv, false, row->document.address);
    registry_cell(csv, false, row->document.incarnation);
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
    buf_put_char(out, '}');
}

static enum code item_print(struct registry_command *command,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, bool json, struct buf *out,
                            struct error *err)
{
    const struct registry_record *alive = registry_find(records, REGISTRY_ALIVE, record->name);
    struct member_row row = {.record = record, .alive = alive != NULL};

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

static enum code run_list(struct registry_command *command, struct error *err)
{
    static const struct registry_list list = {
        REGISTRY_MEMBERS, "members",
        "member,state,alive,since,program,listen,address,incarnation,version", item_print};

    return registry_list_print(command, &list, command->values[LIST_JSON] != NULL, err);
}

int command_member(int argc, char **argv)
{
    static const struct argument_row rows[LIST_COUNT] = {[LIST_JSON] = REGISTRY_ROW_JSON};
    static const struct registry_verb verbs[] = {
        {"list", "usage: weir member list [--json]\n\nThe nodes, and whether each is alive.\n",
         rows, LIST_COUNT, NULL, 0, 0, run_list},
    };

    return registry_command_run(about, verbs, COUNT_OF(verbs), argc, argv);
}
