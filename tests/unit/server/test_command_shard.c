#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/server/registry_room.h"

static void test_a_shard_is_added_changed_and_deleted(void **state)
{
    (void)state;
    ROOM(shard, "add", "north", "--uri-file", room_uri, "--region", "eu");
    room_said(COMMAND_DONE, "it does not answer now, and is taken all the same");
    ROOM(shard, "add", "north", "--uri-file", room_uri, "--region", "eu"); /* once more */
    room_said(COMMAND_DONE, "shard north is there (version 1)");
    ROOM(shard, "add", "north", "--uri-file", room_uri);
    room_said(COMMAND_FAILED, "is there already, at version 1");
    ROOM(shard, "list");
    room_said(COMMAND_DONE, "north  active  127.0.0.1:1  eu");
    ROOM(tenant, "add", "acme", "--shard", "north");
    ROOM(shard, "show", "north", "--json");
    room_said(COMMAND_DONE, "\"hosts\":\"127.0.0.1:1\",\"region\":\"eu\",\"tenants\":[\"acme\"]}");
    ROOM(shard, "show", "north");
    room_said(COMMAND_DONE, "tenants     acme");
    ROOM(shard, "delete", "north");
    room_said(COMMAND_FAILED, "weir: the shard north is in use: tenants have packs there (acme)");
    ROOM(shard, "set", "north", "--unsafe", "--no-check");
    room_said(COMMAND_DONE, "is set");
    ROOM(shard, "list", "--json");
    room_said(COMMAND_DONE, "\"unsafe\":true");
    ROOM(shard, "set", "north", "--unsafe=false", "--no-check");
    ROOM(shard, "show", "north", "--json");
    room_said(COMMAND_DONE, "\"hosts\":\"127.0.0.1:1\",\"region\":\"eu\"");
    ROOM(tenant, "delete", "acme");
    ROOM(shard, "delete", "north");
    room_said(COMMAND_FAILED, "deleted tenants left packs at the shard north (acme)");
    ROOM(tenant, "add", "acme", "--revive");
    room_said(COMMAND_DONE, "is there");
    ROOM(tenant, "delete", "acme");
    ROOM(shard, "delete", "north", "--give-up");
    room_said(COMMAND_DONE, "is deleted");
    ROOM(shard, "list", "--json");
    room_said(COMMAND_DONE, "{\"shards\":[]}");
    ROOM(shard, "add", "north", "--uri-file", room_uri, "--no-check");
    room_said(COMMAND_DONE, "is there");
}

static void test_what_is_wrong_is_said(void **state)
{
    FILE *file;

    (void)state;
    ROOM(shard, "add", "north");
    room_said(COMMAND_USAGE, "--uri-file FILE");
    ROOM(shard, "add", "north", "--uri-file", "mongodb://u:canary@h");
    room_said(COMMAND_USAGE, "wants the path of a file");
    ROOM(shard, "add", "north", "--uri-file", "/nowhere/at/all");
    room_said(COMMAND_FAILED, "/nowhere/at/all");
    assert_int_equal(chmod(room_uri, 0644), 0);
    ROOM(shard, "add", "north", "--uri-file", room_uri);
    room_said(COMMAND_FAILED, room_uri);
    assert_int_equal(chmod(room_uri, 0600), 0);
    file = fopen(room_uri, "w");
    assert_non_null(file);
    fputs("mongodb://user:canary@127.0.0.1:1/?w=0\n", file); /* that cannot be right anywhere */
    fclose(file);
    ROOM(shard, "add", "north", "--uri-file", room_uri);
    room_said(COMMAND_FAILED, "north");
    ROOM(shard, "set", "north", "--region", "x");
    room_said(COMMAND_FAILED, "there is no shard north");
    ROOM(shard, "set", "north");
    room_said(COMMAND_USAGE, "what is to be set?");
    ROOM(shard, "list", "--json");
    room_said(COMMAND_DONE, "{\"shards\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_shard_is_added_changed_and_deleted, room_open,
                                        room_close),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_said, room_open, room_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
