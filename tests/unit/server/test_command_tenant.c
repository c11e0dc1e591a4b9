#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/server/registry_room.h"

static void test_a_tenant_is_added_changed_and_deleted(void **state)
{
    (void)state;
    ROOM(tenant, "add", "acme", "--limit", "series_max=7", "--retention", "400d");
    room_said(COMMAND_DONE, "tenant acme is there (version ");
    ROOM(tenant, "add", "acme");
    room_said(COMMAND_FAILED, "is there already, at version 1, with other settings");
    ROOM(tenant, "add", "acme", "--retention", "400d", "--limit", "series_max=7"); /* once more */
    room_said(COMMAND_DONE, "tenant acme is there (version 1)");
    ROOM(tenant, "show", "acme");
    room_said(COMMAND_DONE, "limit       series_max 7");
    ROOM(tenant, "set", "acme", "--limit", "series_max=default", "--history", "forever");
    room_said(COMMAND_DONE, "is set");
    ROOM(tenant, "show", "acme", "--json");
    room_said(COMMAND_DONE, "\"state\":\"active\",\"retention\":\"400d\",\"history\":\"forever\"}");
    ROOM(tenant, "list");
    room_said(COMMAND_DONE, "acme  active         400d            0");
    ROOM(tenant, "delete", "acme", "--json");
    room_said(COMMAND_DONE, "{\"name\":\"acme\",\"version\":");
    ROOM(tenant, "list", "--json");
    room_said(COMMAND_DONE, "{\"tenants\":[]}");
    ROOM(tenant, "list", "--all");
    room_said(COMMAND_DONE, "deleted");
    ROOM(tenant, "set", "acme", "--retention", "1d");
    room_said(COMMAND_FAILED, "is deleted");
    ROOM(tenant, "add", "acme");
    room_said(COMMAND_FAILED, "--revive");
    ROOM(tenant, "add", "acme", "--revive");
    room_said(COMMAND_DONE, "is there (version 4)");
    ROOM(tenant, "add", "acme", "--revive");
    room_said(COMMAND_DONE, "is there (version 4)");
    ROOM(tenant, "add", "acme", "--revive", "--history", "1d");
    room_said(COMMAND_FAILED, "is there already");
    ROOM(tenant, "show", "acme");
    room_said(COMMAND_DONE, "retention   400d");
}

static void test_what_is_wrong_is_said(void **state)
{
    (void)state;
    ROOM(tenant, "add", "UPPER");
    room_said(COMMAND_USAGE, "is no name");
    ROOM(tenant, "add", "a", "--retention", "soon");
    room_said(COMMAND_USAGE, "--retention");
    ROOM(tenant, "add", "a", "--limit", "series_mx=1");
    room_said(COMMAND_USAGE, "did you mean \"series_max\"?");
    ROOM(tenant, "add", "a", "--limit", "series_max");
    room_said(COMMAND_USAGE, "want NAME=VALUE");
    ROOM(tenant, "add", "a", "--shard", "north");
    room_said(COMMAND_FAILED, "there is no shard \"north\"");
    ROOM(tenant, "show", "a");
    room_said(COMMAND_FAILED, "there is no tenant a");
    ROOM(tenant, "add", "a");
    ROOM(tenant, "set", "a");
    room_said(COMMAND_USAGE, "what is to be set?");
    ROOM(tenant, "set", "a", "--retention", "1d", "--expect", "99");
    room_said(COMMAND_CONFLICT, "not 99");
    ROOM(tenant, "set", "a", "--retention", "1d", "--expect", "x");
    room_said(COMMAND_USAGE, "--expect x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_tenant_is_added_changed_and_deleted, room_open,
                                        room_close),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_said, room_open, room_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
