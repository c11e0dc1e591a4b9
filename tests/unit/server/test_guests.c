#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/follower.h"
#include "discovery/registered.h"
#include "discovery/registry_files.h"
#include "server/guests.h"
#include "store/delivery/delivery_rules.h"
#include "tests/unit/store/house.h"

static void put(struct registry *registry, enum registry_kind kind, const char *name,
                const char *text)
{
    struct error err = {0};
    uint64_t version;

    if (registry_put(registry, kind, bytes_of(name), 0, bytes_of(text), &version, &err) != OK)
        fail_msg("%s: %s", name, err.text);
}

static void test_members_and_shards_are_those_of_the_registry(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct guest_sources sources = {0};
    struct directory_snapshot *made;
    struct registered *registered;
    struct registry_snapshot *records;
    struct guest_survey survey;
    struct guest_rules asked;
    struct error err = {0};
    struct arena arena;
    struct house house;
    struct limits node;
    char place[160];

    (void)state;
    house_init(&house);
    limits_init(&node);
    arena_init(&arena, SIZE_MAX, NULL);
    (void)snprintf(place, sizeof(place), "%s/registry", house.directory);
    assert_int_equal(registry_files_open(place, &rules, &sources.registry, NULL), OK);
    assert_int_equal(directory_open_registered(&node, &sources.directory, NULL), OK);
    asked = guest_rules_of(&sources);
    assert_int_equal(asked.survey(asked.context, &arena, &survey, &err), E_NOT_READY);
    put(sources.registry, REGISTRY_SHARDS, "north", "{\"uri\":\"mongodb://a/\"}");
    put(sources.registry, REGISTRY_SHARDS, "south", "{\"uri\":\"mongodb://b/\"}");
    put(sources.registry, REGISTRY_TENANTS, "acme", "{\"shards\":[\"south\",\"north\"]}");
    put(sources.registry, REGISTRY_TENANTS, "here", "{}");
    put(sources.registry, REGISTRY_MEMBERS, "1",
        "{\"state\":\"active\",\"incarnation\":\"0102030405060708090a0b0c0d0e0f10\"}");
    put(sources.registry, REGISTRY_MEMBERS, "12",
        "{\"state\":\"lost\",\"incarnation\":\"0202030405060708090a0b0c0d0e0f10\"}");
    put(sources.registry, REGISTRY_MEMBERS, "3", "{\"state\":\"active\",\"incarnation\":\"0a1b\"}");
    put(sources.registry, REGISTRY_MEMBERS, "4", "what is this");
    put(sources.registry, REGISTRY_MEMBERS, "5", "{\"state\":\"lost\",\"incarnation\":\"0a1b\"}");
    put(sources.registry, REGISTRY_MEMBERS, "other", "{}");
    put(sources.registry, REGISTRY_MEMBERS, "007", "{}"); /* no node has such a one */
    put(sources.registry, REGISTRY_MEMBERS, "1024", "{}");
    records = registry_get(sources.registry);
    assert_int_equal(registered_new(NULL, &registered, NULL), OK);
    assert_int_equal(registered_build(registered, records, &node, &made, NULL), OK);
    registry_snapshot_put(records);
    directory_publish(sources.directory, made);
    assert_int_equal(asked.survey(asked.context, &arena, &survey, &err), OK);
    assert_int_equal(survey.version, 0); /* nobody knows what the directory is of */
    assert_int_equal(follower_new(sources.directory, NULL, &sources.follower, NULL), OK);
    assert_int_equal(follower_start(sources.follower, sources.registry, NULL), OK);
    assert_int_equal(asked.survey(asked.context, &arena, &survey, &err), OK);
    assert_int_equal(survey.version, follower_health(sources.follower).version);
    assert_true(survey.version > 0);
    put(sources.registry, REGISTRY_TENANTS, "broken", "{");
    while (follower_health(sources.follower).refused == 0)
        follower_changed(sources.follower);
    assert_int_equal(asked.survey(asked.context, &arena, &survey, &err), OK);
    assert_int_equal(survey.version, 0); /* it may name a shard */
    follower_stop(sources.follower);
    assert_int_equal(survey.author_count, 4);
    for (size_t i = 0; i < 4; i++) {
        static const uint32_t numbers[] = {3, 1, 12}; /* by the first byte; 0: nobody knows whose */
        const struct guest_author *author = &survey.authors[i];
        uint32_t number = numbers[author->incarnation.bytes[0]];

        assert_int_equal(author->number, number == 3 && author->number == 4 ? 4 : number);
        assert_int_equal(author->active, author->number != 12);
    }
    assert_int_equal(survey.tenant_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct guest_tenant *tenant = &survey.tenants[i];

        if (bytes_equal(tenant->name, BYTES("here"))) {
            assert_int_equal(tenant->shard_count, 0);
            continue;
        }
        assert_int_equal(tenant->shard_count, 2);
        assert_true(bytes_equal(tenant->shards[0], BYTES("south")));
        assert_true(bytes_equal(tenant->shards[1], BYTES("north")));
    }
    registered_free(registered);
    follower_free(sources.follower);
    directory_close(sources.directory);
    registry_close(sources.registry);
    arena_release(&arena);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_and_shards_are_those_of_the_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
