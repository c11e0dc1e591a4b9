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
    struct registry_snapshot *snapshot = registry_snapshot_new(records, COUNT_OF(records));
    struct error err = {0};

    (void)state;
    assert_int_equal(shard_may_go(snapshot, BYTES("north"), NULL, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "the shard north is in use: tenants have packs there (acme, "
                                     "limits)"));
    assert_int_equal(shard_may_go(snapshot, BYTES("east"), "--give-up", &err), OK);
    assert_int_equal(shard_may_go(snapshot, BYTES("gone"), "--give-up", &err), OK);
    registry_snapshot_put(snapshot);
}

/* They can be taken back, with what they left. */
static void test_a_shard_with_packs_of_a_deleted_tenant_goes_when_it_is_given_up(void **state)
{
    struct registry_snapshot *snapshot = registry_snapshot_new(records, COUNT_OF(records));
    struct error err = {0};

    (void)state;
    assert_int_equal(shard_may_go(snapshot, BYTES("south"), "--give-up", &err), E_CONFIG);
    assert_non_null(strstr(err.text, "left packs at the shard south (former)"));
    assert_non_null(strstr(err.text, "--give-up deletes it all the same"));
    assert_int_equal(shard_may_go(snapshot, BYTES("south"), NULL, &err), OK);
    registry_snapshot_put(snapshot);
}

/* Nobody knows which shards a record names that cannot be read. */
static void test_a_record_that_is_not_right_keeps_every_shard(void **state)
{
    const struct registry_record wrong = {REGISTRY_TENANTS, false, BYTES("x"), BYTES("{"), 1};
    struct registry_snapshot *snapshot = registry_snapshot_new(&wrong, 1);
    struct error err = {0};

    (void)state;
    assert_int_equal(shard_may_go(snapshot, BYTES("south"), NULL, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "may name the shard south: x; put them right first"));
    registry_snapshot_put(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tenant_keeps_its_shards_and_names_those_that_are_there),
        cmocka_unit_test(test_a_shard_with_packs_of_a_tenant_stays),
        cmocka_unit_test(test_a_shard_with_packs_of_a_deleted_tenant_goes_when_it_is_given_up),
        cmocka_unit_test(test_a_record_that_is_not_right_keeps_every_shard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
