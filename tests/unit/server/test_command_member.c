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
        registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{}"), &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 1000 && !registry_held(registry, REGISTRY_ALIVE, BYTES("1"), NULL); i++)
        usleep(10000);
    ROOM(member, "list");
    room_said(COMMAND_DONE, "active     yes    h:1");
    room_said(COMMAND_DONE, "drained    no");
    room_said(COMMAND_DONE, "not right  no");
    ROOM(member, "list", "--json");
    room_said(COMMAND_DONE, "{\"name\":\"1\",\"version\":1,\"alive\":true,\"state\":\"active\"");
    room_said(COMMAND_DONE, "\"fault\":\"it is not JSON");
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members_are_listed_with_who_is_alive, room_open,
                                        room_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
