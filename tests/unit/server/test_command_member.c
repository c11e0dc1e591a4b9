#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/registry_files.h"
#include "tests/unit/server/registry_room.h"

static void test_members_are_listed_with_who_is_alive(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct registry *registry = NULL;
    struct error err = {0};
    uint64_t version;

    (void)state;
    if (registry_files_open(room_place, &rules, &registry, &err) ||
        registry_put(registry, REGISTRY_MEMBERS, BYTES("1"), 0,
                     BYTES("{\"state\":\"active\",\"address\":\"h:1\"}"), &version, &err) ||
        registry_put(registry, REGISTRY_MEMBERS, BYTES("2"), 0, BYTES("{\"state\":\"drained\"}"),
                     &version, &err) ||
        registry_put(registry, REGISTRY_MEMBERS, BYTES("3"), 0, BYTES("{"), &version, &err) ||
        registry_hold(registry, REGISTRY_ALIVE, BYTES("1"),
                      BYTES("{\"since\":\"2026-11-22T08:00:00Z\",\"program\":\"0.1.0\",\"listen\":"
                            "\"h:2\"}"),
                      &err) ||
        registry_hold(registry, REGISTRY_ALIVE, BYTES("2"), BYTES("{\"later\":1}"), &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 1000 && !registry_held(registry, REGISTRY_ALIVE, BYTES("2"), NULL); i++)
        usleep(10000);
    ROOM(member, "list");
    room_said(COMMAND_DONE, "active     yes    2026-11-22T08:00:00Z  0.1.0    h:2     h:1");
    room_said(COMMAND_DONE, "drained    yes");
    room_said(COMMAND_DONE, "not right  no");
    ROOM(member, "list", "--json");
    room_said(COMMAND_DONE,
              "{\"name\":\"1\",\"version\":1,\"alive\":true,\"since\":\"2026-11-22T08:00:00Z\","
              "\"program\":\"0.1.0\",\"listen\":\"h:2\",\"state\":\"active\"");
    room_said(COMMAND_DONE, "\"fault\":\"it is not JSON");
    registry_close(registry);
}

static void test_members_leave(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct registry *registry = NULL;
    struct error err = {0};
    uint64_t version;

    (void)state;
    if (registry_files_open(room_place, &rules, &registry, &err) ||
        registry_put(registry, REGISTRY_MEMBERS, BYTES("1"), 0, BYTES("{}"), &version, &err) ||
        registry_put(registry, REGISTRY_MEMBERS, BYTES("2"), 0, BYTES("{}"), &version, &err) ||
        registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{\"listen\":\"h:2\"}"), &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 1000 && !registry_held(registry, REGISTRY_ALIVE, BYTES("1"), NULL); i++)
        usleep(10000);
    ROOM(member, "forget", "1");
    room_said(COMMAND_FAILED, "member 1 is alive (h:2): drain it, which loses nothing");
    ROOM(member, "drain", "1", "--expect", "7");
    room_said(COMMAND_CONFLICT, "it is at version 1, not 7");
    ROOM(member, "drain", "1", "--expect", "1");
    room_said(COMMAND_DONE, "member 1 is to leave (version 4)");
    ROOM(member, "drain", "1", "--json");
    room_said(COMMAND_DONE, "{\"name\":\"1\",\"version\":4,\"done\":\"is to leave\"}");
    ROOM(member, "drain", "2");
    room_said(COMMAND_DONE, "it is not alive now, and delivers what it has when it serves again");
    ROOM(member, "forget", "2");
    room_said(COMMAND_DONE, "member 2 is lost, with what it had not delivered");
    ROOM(member, "drain", "2");
    room_said(COMMAND_FAILED, "member 2 is lost: it was forgotten");
    ROOM(member, "forget", "9");
    room_said(COMMAND_FAILED, "has no member 9");
    ROOM(member, "forget");
    room_said(COMMAND_USAGE, "0 names are given, and 1 wanted");
    ROOM(member, "forget", "A");
    room_said(COMMAND_USAGE, "\"A\" is no name");
    ROOM(member, "list", "--json");
    room_said(COMMAND_DONE, "\"state\":\"lost\",\"at\":\"2");
    room_said(COMMAND_DONE, "\"by\":\"uid ");
    ROOM(member, "forget", "--help");
    room_said(COMMAND_DONE, "given up");
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members_are_listed_with_who_is_alive, room_open,
                                        room_close),
        cmocka_unit_test_setup_teardown(test_members_leave, room_open, room_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
