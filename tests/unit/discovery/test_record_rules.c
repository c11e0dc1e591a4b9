#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/record_rules.h"
#include "discovery/registry_core.h"

static const struct registry_record records[] = {
    {REGISTRY_SHARDS,  false, BYTES("gone"),   BYTES("{\"state\":\"deleted\"}"),               1},
    {REGISTRY_SHARDS,  false, BYTES("north"),  BYTES("{\"uri\":\"mongodb://h\"}"),             2},
    {REGISTRY_SHARDS,  false, BYTES("south"),  BYTES("{\"uri\":\"mongodb://h\"}"),             3},
    {REGISTRY_SHARDS,  false, BYTES("wrong"),  BYTES("{\"uri\":7}"),                           4},
    {REGISTRY_TENANTS, false, BYTES("acme"),   BYTES("{\"shards\":[\"north\"]}"),              5},
    {REGISTRY_TENANTS, false, BYTES("former"),
     BYTES("{\"state\":\"deleted\",\"shards\":[\"south\"]}"),                                  6},
    {REGISTRY_TENANTS, false, BYTES("limits"), BYTES("{\"limits\":7,\"shards\":[\"north\"]}"), 7},
};

static void test_a_tenant_keeps_its_shards_and_names_those_that_are_there(void **state)
{
    static const struct {
        const char *tenant, *text, *want; /* NULL: it may */
    } cases[] = {
        {"acme",   "{\"shards\":[\"north\"]}",           NULL                           },
        {"acme",   "{\"shards\":[\"north\",\"south\"]}", NULL                           },
        {"acme",   "{\"shards\":[\"south\",\"north\"]}", NULL                           },
        {"acme",   "{}",                                 "/shards: the tenant has packs"},
        {"acme",   "{\"shards\":[\"south\"]}",           "/shards: the tenant has packs"},
        {"limits", "{}",                                 "/shards: the tenant has packs"},
        {"new",    "{\"shards\":[\"east\"]}",            "/shards/0: there is no shard" },
        {"new",    "{\"shards\":[\"north\",\"gone\"]}",  "/shards/1: the shard \"gone\""},
        {"new",    "{\"shards\":[\"wrong\"]}",           "/shards/0: the record of the" },
        {"new",    "{}",                                 NULL                           },
    };
    struct registry_snapshot *snapshot = registry_snapshot_new(records, COUNT_OF(records));
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tenant_document document;
        struct error err = {0};
        enum code code;

        assert_int_equal(tenant_document_parse(bytes_of(cases[i].text), &arena, &document, &err),
                         OK);
        code = tenant_may_become(snapshot, bytes_of(cases[i].tenant), &document, &err);
        if ((code != OK) != (cases[i].want != NULL) || (code && !strstr(err.text, cases[i].want)))
            fail_msg("%s: %s", cases[i].text, err.text);
    }
    arena_release(&arena);
    registry_snapshot_put(snapshot);
}

static void test_a_shard_with_packs_of_a_tenant_stays(void **state)
{
    const struct shard_document gone = {.deleted = true}, there = {.uri = BYTES("mongodb://h")};
    struct registry_snapshot *snapshot = registry_snapshot_new(records, COUNT_OF(records));
    struct error err = {0};

    (void)state;
    assert_int_equal(shard_may_become(snapshot, BYTES("north"), &there, &err), OK);
    assert_int_equal(shard_may_become(snapshot, BYTES("north"), &gone, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "/state: the tenant \"acme\" has packs there"));
    assert_int_equal(shard_may_become(snapshot, BYTES("south"), &gone, &err), OK);
    registry_snapshot_put(snapshot);
}

/* Nobody knows which shards a record names that cannot be read. */
static void test_a_record_that_is_not_right_keeps_every_shard(void **state)
{
    const struct registry_record wrong = {REGISTRY_TENANTS, false, BYTES("x"), BYTES("{"), 1};
    const struct shard_document gone = {.deleted = true};
    struct registry_snapshot *snapshot = registry_snapshot_new(&wrong, 1);
    struct error err = {0};

    (void)state;
    assert_int_equal(shard_may_become(snapshot, BYTES("south"), &gone, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "the record of the tenant \"x\" is not right"));
    registry_snapshot_put(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tenant_keeps_its_shards_and_names_those_that_are_there),
        cmocka_unit_test(test_a_shard_with_packs_of_a_tenant_stays),
        cmocka_unit_test(test_a_record_that_is_not_right_keeps_every_shard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
