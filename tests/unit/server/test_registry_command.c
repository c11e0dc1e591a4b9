#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/registry_command.h"
#include "tests/unit/server/registry_room.h"

static enum code run(struct registry_command *command, struct error *err)
{
    return command->values[0] ? registry_command_refuse(command, err, "not so")
                              : error_set(err, E_CONFLICT, "of %.*s", BYTES_ARG(command->words[0]));
}

static const struct argument_row rows[] = {REGISTRY_ROW_JSON};
static const struct registry_verb verbs[] = {
    {"look", "usage: weir thing look NAME\n\nLooks.\n", rows, 1, NULL, 0, 1, run},
};

static int command_thing(int argc, char **argv)
{
    return registry_command_run("usage: weir thing VERB\n", verbs, 1, argc, argv);
}

static void test_lines_are_read_and_codes_told(void **state)
{
    static const char *const alone[] = {"thing", NULL}, *const help[] = {"thing", "--help", NULL},
                             *const verb_help[] = {"thing", "look", "--help", NULL},
                             *const nowhere[] = {"thing", "look", "x", NULL};

    (void)state;
    captured_run(command_thing, alone, &room);
    room_said(COMMAND_USAGE, "usage: weir thing VERB");
    captured_run(command_thing, help, &room);
    room_said(COMMAND_DONE, "usage: weir thing VERB");
    captured_run(command_thing, verb_help, &room);
    room_said(COMMAND_DONE, "--registry-credentials-file FILE");
    captured_run(command_thing, nowhere, &room);
    room_said(COMMAND_USAGE, "which registry?");
    ROOM(thing, "lok", "x");
    room_said(COMMAND_USAGE, "did you mean \"look\"?");
    ROOM(thing, "look");
    room_said(COMMAND_USAGE, "0 names are given, and 1 wanted");
    ROOM(thing, "look", "a", "--jsn");
    room_said(COMMAND_USAGE, "did you mean --json?");
    ROOM(thing, "look", "a");
    room_said(COMMAND_CONFLICT, "weir: of a");
    ROOM(thing, "look", "a", "--json");
    room_said(COMMAND_USAGE, "weir thing look: not so (weir thing look --help tells all)");
}

static void test_a_record_that_cannot_be_read_is_told(void **state)
{
    char path[96];
    FILE *file;

    (void)state;
    ROOM(tenant, "add", "acme");
    ROOM(tenant, "add", "bolt");
    snprintf(path, sizeof(path), "%s/tenants/acme", room_place);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
    ROOM(tenant, "list");
    room_said(COMMAND_DONE, "tenants/acme: byte"); /* the log is on stderr */
    room_said(COMMAND_DONE, "bolt");
}

static void test_a_cell_may_hold_anything(void **state)
{
    struct buf csv = BUF_INIT(100);

    (void)state;
    registry_cell(&csv, true, BYTES("a\"b,c"));
    registry_cell(&csv, false, BYTES(""));
    registry_cell(&csv, false, BYTES("d"));
    assert_true(bytes_equal(buf_bytes(&csv), BYTES("\"a\"\"b,c\",,\"d\"")));
    buf_release(&csv);
}

/* Others change the record between the reading and the writing: the edit is done anew on theirs. */
struct race {
    struct registry *other;
    int edits;
};

static enum code edit(struct registry_command *command, void *context,
                      const struct registry_snapshot *records, const struct registry_record *record,
                      struct buf *text, struct error *err)
{
    struct race *race = context;
    uint64_t version;

    (void)command, (void)records;
    if (race->edits++ == 0 &&
        registry_put(race->other, REGISTRY_SOURCES, BYTES("t.a"), record ? record->version : 0,
                     BYTES("theirs"), &version, err))
        return err->code;
    if (record)
        buf_put(text, record->text);
    buf_put_text(text, " and ours");
    return OK;
}

static enum code run_race(struct registry_command *command, struct error *err)
{
    struct race race = {.other = command->registry};
    const struct registry_change change = {REGISTRY_SOURCES, BYTES("t.a"), NULL, edit, &race};
    struct registry_snapshot *records;
    uint64_t version;
    enum code code = registry_command_change(command, &change, &version, err);

    if (code)
        return code;
    assert_int_equal(race.edits, 2);
    records = registry_get(command->registry);
    assert_true(bytes_equal(registry_find(records, REGISTRY_SOURCES, BYTES("t.a"))->text,
                            BYTES("theirs and ours")));
    registry_snapshot_put(records);
    return registry_command_tell(command, "is there", BYTES("t.a"), version, true, err);
}

static int command_race(int argc, char **argv)
{
    static const struct registry_verb race[] = {
        {"run", "", rows, 1, NULL, 0, 0, run_race}
    };

    return registry_command_run("", race, 1, argc, argv);
}

static void test_who_was_overtaken_begins_again(void **state)
{
    (void)state;
    ROOM(race, "run");
    room_said(COMMAND_DONE, "{\"name\":\"t.a\",\"version\":2,\"done\":\"is there\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_are_read_and_codes_told, room_open, room_close),
        cmocka_unit_test_setup_teardown(test_a_record_that_cannot_be_read_is_told, room_open,
                                        room_close),
        cmocka_unit_test(test_a_cell_may_hold_anything),
        cmocka_unit_test_setup_teardown(test_who_was_overtaken_begins_again, room_open, room_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
