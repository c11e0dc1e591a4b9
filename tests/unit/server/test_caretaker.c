#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/registry_files.h"
#include "server/caretaker.h"
#include "tests/unit/store/house.h"

static const struct hash128 one = {{1}}, two = {{2}}, three = {{3}};

static uint64_t put(struct registry *registry, const char *name, uint64_t version, const char *text)
{
    struct error err = {0};

    if (registry_put(registry, REGISTRY_MEMBERS, bytes_of(name), version, bytes_of(text), &version,
                     &err) != OK)
        fail_msg("%s: %s", name, err.text);
    return version;
}

static bool until_held(const struct caretaker_rules *rules, const struct hash128 *incarnation)
{
    for (int i = 0; i < 1000 && !rules->held(rules->context, incarnation); i++)
        (void)usleep(10000);
    return rules->held(rules->context, incarnation);
}

#define HEX(digit) "0" digit "000000000000000000000000000000"

/* The registry says who has left, and a process that serves keeps others off. */
static void test_who_has_gone_is_told_by_the_registry(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct caretaker_sources sources = {0};
    struct caretaker_rules asked;
    struct registry *registry;
    struct house house;
    char place[160];
    uint64_t version;

    (void)state;
    house_init(&house);
    (void)snprintf(place, sizeof(place), "%s/registry", house.directory);
    assert_int_equal(registry_files_open(place, &rules, &registry, NULL), OK);
    sources.registry = registry;
    asked = caretaker_rules_of(&sources);
    assert_false(asked.gone(asked.context, &one)); /* nobody knows it */
    version = put(registry, "1", 0, "{\"state\":\"active\",\"incarnation\":\"" HEX("1") "\"}");
    (void)put(registry, "2", 0, "{\"state\":\"lost\",\"incarnation\":\"" HEX("2") "\"}");
    assert_false(asked.gone(asked.context, &one));
    assert_true(asked.gone(asked.context, &two));
    assert_false(asked.gone(asked.context, &three));
    version =
        put(registry, "1", version, "{\"state\":\"draining\",\"incarnation\":\"" HEX("1") "\"}");
    assert_false(asked.gone(asked.context, &one));
    (void)put(registry, "1", version, "{\"state\":\"drained\",\"incarnation\":\"" HEX("1") "\"}");
    assert_true(asked.gone(asked.context, &one));
    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{}"), NULL), OK);
    for (int i = 0; i < 1000 && asked.gone(asked.context, &one); i++)
        (void)usleep(10000);
    assert_false(asked.gone(asked.context, &one));
    registry_release(registry, REGISTRY_ALIVE, BYTES("1"));
    for (int i = 0; i < 1000 && !asked.gone(asked.context, &one); i++)
        (void)usleep(10000);
    assert_true(asked.gone(asked.context, &one));
    /* A second record of it says that it is there. */
    (void)put(registry, "3", 0, "{\"state\":\"active\",\"incarnation\":\"" HEX("1") "\"}");
    assert_false(asked.gone(asked.context, &one));
    assert_true(asked.gone(asked.context, &two));
    (void)put(registry, "4", 0, "what is this"); /* whose, nobody knows */
    assert_false(asked.gone(asked.context, &two));
    registry_close(registry);
    house_remove(&house);
}

static void test_one_node_at_a_time_has_the_lease(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct caretaker_sources sources[2] = {0};
    struct caretaker_rules asked[2];
    struct house house;
    char place[160];

    (void)state;
    house_init(&house);
    (void)snprintf(place, sizeof(place), "%s/registry", house.directory);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(registry_files_open(place, &rules, &sources[i].registry, NULL), OK);
        asked[i] = caretaker_rules_of(&sources[i]);
        assert_false(asked[i].held(asked[i].context, &one));
        assert_int_equal(asked[i].want(asked[i].context, &one, true, NULL), OK);
        if (i == 0)
            assert_true(until_held(&asked[i], &one));
    }
    assert_false(asked[1].held(asked[1].context, &one));
    assert_false(asked[0].held(asked[0].context, &two));
    assert_int_equal(asked[0].want(asked[0].context, &one, false, NULL), OK);
    assert_false(asked[0].held(asked[0].context, &one));
    assert_true(until_held(&asked[1], &one));
    for (int i = 0; i < 2; i++)
        registry_close(sources[i].registry);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_gone_is_told_by_the_registry),
        cmocka_unit_test(test_one_node_at_a_time_has_the_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
