#include "tests/unit/handlers/registry_ground.h"

#include "base/log.h"

static void test_a_shard_is_added_and_its_address_never_told(void **state)
{
    (void)state;
    expect_with("PUT /v1/admin/shards/north", "",
                "{\"uri\":\"mongodb://u:canary@h:1/\",\"region\":\"eu\",\"unsafe\":true}", 201,
                "\"hosts\":\"h:1\",\"unsafe\":true,\"region\":\"eu\"}");
    expect_with("GET /v1/admin/shards/north", "", NULL, 200, "\"hosts\":\"h:1\"");
    expect_with("GET /v1/admin/shards", "", NULL, 200, "{\"shards\":[{\"name\":\"north\"");
    expect_with("PUT /v1/admin/shards/north", "", "{\"uri\":\"canary\"}", 400,
                "\"pointer\":\"/uri\"");
    expect_with("PUT /v1/admin/shards/north", "", "{\"uri\":canary}", 400, "it is not JSON");
    expect_with("PUT /v1/admin/shards/north", "", "{\"state\":\"deleted\"}", 400, "/state");
    expect_with("PUT /v1/admin/tenants/acme", "", "{\"shards\":[\"north\"]}", 201, "north");
    expect_with("DELETE /v1/admin/shards/north", "", NULL, 409, "tenants have packs there (acme)");
    expect_with("DELETE /v1/admin/tenants/acme", "", NULL, 204, "");
    expect_with("DELETE /v1/admin/shards/north", "", NULL, 409,
                "left packs at the shard north (acme)");
    expect_with("DELETE /v1/admin/shards/north", "If-Match: \"1\"\r\n", NULL, 204, "ETag");
    expect_with("GET /v1/admin/shards/north", "", NULL, 200, "\"state\":\"deleted\"}");
}

/* What is held is in a snapshot a little later. */
static bool is_seen_alive(struct registry *registry, struct bytes name)
{
    struct registry_snapshot *records = registry_get(registry);
    bool alive = registry_find(records, REGISTRY_ALIVE, name) != NULL;

    registry_snapshot_put(records);
    return alive;
}

static void test_members_are_listed_with_who_is_alive(void **state)
{
    struct registry *registry = serving.app.registry;
    uint64_t version;

    (void)state;
    assert_int_equal(registry_put(registry, REGISTRY_MEMBERS, BYTES("1"), 0,
                                  BYTES("{\"address\":\"h:1\"}"), &version, NULL),
                     OK);
    assert_int_equal(
        registry_put(registry, REGISTRY_MEMBERS, BYTES("2"), 0, BYTES("{\"x\":1}"), &version, NULL),
        OK);
    assert_int_equal(
        registry_hold(
            registry, REGISTRY_ALIVE, BYTES("1"),
            BYTES("{\"since\":\"2026-11-22T08:00:00Z\",\"program\":\"0.1.0\",\"listen\":\"h:2\"}"),
            NULL),
        OK);
    assert_int_equal(
        registry_hold(registry, REGISTRY_ALIVE, BYTES("2"), BYTES("{\"later\":1}"), NULL), OK);
    for (int i = 0;
         i < 1000 && !(is_seen_alive(registry, BYTES("1")) && is_seen_alive(registry, BYTES("2")));
         i++)
        usleep(10000);
    expect_with(
        "GET /v1/members", "", NULL, 200,
        "{\"members\":[{\"name\":\"1\",\"version\":1,\"number\":1,\"this_node\":false,\"alive\":"
        "true,"
        "\"since\":\"2026-11-22T08:00:00Z\",\"program\":\"0.1.0\",\"listen\":\"h:2\",\"state\":"
        "\"active\",\"address\":\"h:1\"},{\"name\":\"2\",\"version\":2,\"number\":2,"
        "\"this_node\":false,\"alive\":true,\"fault\":");
}

static void test_members_leave_by_requests(void **state)
{
    struct registry *registry = serving.app.registry;
    uint64_t version;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(registry_put(registry, REGISTRY_MEMBERS, (struct bytes){&"123"[i], 1}, 0,
                                      BYTES("{}"), &version, NULL),
                         OK);
    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{}"), NULL), OK);
    for (int i = 0; i < 1000 && !is_seen_alive(registry, BYTES("1")); i++)
        usleep(10000);
    expect_with("POST /v1/members/1/forget", "", NULL, 409, "member 1 is alive");
    expect_with("POST /v1/members/1/drain", "If-Match: \"9\"\r\n", NULL, 412,
                "precondition_failed");
    expect_with("POST /v1/members/1/drain", "", NULL, 200, "\"state\":\"draining\",\"at\":\"2");
    expect_with("POST /v1/members/1/drain", "", NULL, 200, "\"by\":\"");
    expect_with("POST /v1/members/2/forget", "", NULL, 200, "\"alive\":false,\"state\":\"lost\"");
    expect_with("POST /v1/members/2/drain", "", NULL, 409, "member 2 is lost");
    expect_with("POST /v1/members/4/drain", "", NULL, 404, "no member 4");
    expect_with("POST /v1/members/A/forget", "", NULL, 400, "is no name");
    expect_with("POST /v1/members/3/forget?x=1", "", NULL, 400, "unknown_parameter");
    expect_with("GET /v1/members", "", NULL, 200,
                "\"number\":3,\"this_node\":false,\"alive\":false,\"state\":\"active\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_shard_is_added_and_its_address_never_told,
                                        registry_ground_open, registry_ground_close),
        cmocka_unit_test_setup_teardown(test_members_are_listed_with_who_is_alive,
                                        registry_ground_open, registry_ground_close),
        cmocka_unit_test_setup_teardown(test_members_leave_by_requests, registry_ground_open,
                                        registry_ground_close),
    };

    log_setup(LOG_WARN, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
