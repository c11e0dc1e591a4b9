/* weir member: the nodes of a registry. */
#include <inttypes.h>

#include "base/number.h"
#include "codec/json_doc.h"
#include "discovery/member_document.h"
#include "server/commands.h"
#include "server/registry_command.h"

static const char about[] = "usage: weir member list --registry WHERE [--json]\n"
                            "\n"
                            "The nodes that a registry knows, and whether each is alive.\n";

enum { LIST_JSON, LIST_COUNT };

static const char *state_of(const struct registry_record *record,
                            const struct member_document *document, enum code code)
{
    if (code)
        return "not right";
    return record->missing ? "missing" : member_state_name(document->state);
}

static void row_print(const struct registry_record *record, const struct member_document *document,
                      enum code code, bool alive, struct buf *csv)
{
    char number[NUMBER_TEXT_SIZE];

    registry_cell(csv, true, record->name);
    registry_cell(csv, false, bytes_of(state_of(record, document, code)));
    registry_cell(csv, false, alive ? BYTES("yes") : BYTES("no"));
    registry_cell(csv, false, document->address);
    registry_cell(csv, false, document->incarnation);
    buf_put_char(csv, ',');
    buf_put(csv, (struct bytes){number, number_print_u64(record->version, number)});
    buf_put_char(csv, '\n');
}

static void object_print(const struct registry_record *record,
                         const struct member_document *document, enum code code,
                         const struct error *why, bool alive, struct buf *out)
{
    registry_record_begin(record, out);
    buf_printf(out, ",\"alive\":%s", alive ? "true" : "false");
    if (code) {
        buf_put_text(out, ",\"fault\":");
        json_put_text(out, bytes_of(why->text));
    } else {
        buf_put_char(out, ',');
        member_document_print_members(document, out);
    }
    buf_put_char(out, '}');
}

static enum code item_print(struct registry_command *command,
                            const struct registry_snapshot *records,
                            const struct registry_record *record, bool json, struct buf *out,
                            struct error *err)
{
    bool alive = registry_find(records, REGISTRY_ALIVE, record->name) != NULL;
    struct member_document document = {.state = MEMBER_ACTIVE};
    struct error why = {0};
    enum code code = member_document_parse(record->text, &command->arena, &document, &why);

    if (code == E_MEMORY) {
        *err = why;
        return code;
    }
    if (json)
        object_print(record, &document, code, &why, alive, out);
    else
        row_print(record, &document, code, alive, out);
    return OK;
}

static enum code run_list(struct registry_command *command, struct error *err)
{
    static const struct registry_list list = {
        REGISTRY_MEMBERS, "members", "member,state,alive,address,incarnation,version", item_print};

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
