#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "discovery/registry_files.h"
#include "discovery/roll.h"
#include "handlers/peer_manners.h"
#include "handlers/peer_roster.h"
#include "model/series.h"

/* `digits`: four that tell it from others. */
#define INCARNATION(digits) "\"incarnation\":\"00112233445566778899aabbccdd" digits "\""

static char folder[] = "/tmp/weir-roster-XXXXXX";
static struct registry *registry;
static struct roll *roll;
static struct peer_manners *manners;
static const struct tenant tenant = {.name = BYTES("acme"), .ordinal = 5};

static int open_all(void **state)
{
    static const struct registry_rules rules = {.fs = NULL};
    char path[96];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/registry", folder);
    assert_int_equal(registry_files_open(path, &rules, &registry, NULL), OK);
    assert_int_equal(roll_new(&roll, NULL), OK);
    return peer_manners_new(roll, clock_system(), &manners, NULL) != OK;
}

static int close_all(void **state)
{
    char command[128];

    (void)state;
    peer_manners_free(manners);
    roll_free(roll);
    registry_close(registry);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static void put(const char *name, const char *text)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    const struct registry_record *record =
        registry_find(snapshot, REGISTRY_MEMBERS, bytes_of(name));
    uint64_t version = record == NULL ? 0 : record->version;

    registry_snapshot_put(snapshot);
    assert_int_equal(registry_put(registry, REGISTRY_MEMBERS, bytes_of(name), version,
                                  bytes_of(text), &version, NULL),
                     OK);
}

static void await_alive(const char *name)
{
    bool alive = false;

    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, bytes_of(name), BYTES("{}"), NULL),
                     OK);
    while (!alive) {
        struct registry_snapshot *snapshot = registry_get(registry);

        alive = registry_find(snapshot, REGISTRY_ALIVE, bytes_of(name)) != NULL;
        registry_snapshot_put(snapshot);
        if (!alive)
            (void)registry_wait(registry, snapshot->sequence, 1000);
    }
}

static void read_roster(struct arena *arena, struct peer_roster *roster)
{
    struct error err = {0};
    struct hash128 own;

    arena_init(arena, SIZE_MAX, NULL);
    if (!hash128_parse(BYTES("00112233445566778899aabbccdd0002"), &own) ||
        peer_roster_read(registry, manners, &own, &tenant, arena, roster, &err) != OK)
        fail_msg("%s", err.text);
}

static const struct peer *peer_of(const struct peer_roster *roster, unsigned number)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->list[i].asked.member == number)
            return &roster->list[i];
    return NULL;
}

static void test_who_owes_is_in_it_and_why_it_is_not_asked(void **state)
{
    const struct error late = {.code = E_TIMEOUT, .text = "late"};
    struct peer_roster roster;
    struct arena arena;

    (void)state;
    assert_false(peer_roster_has_any(registry, 2));
    put("2", "{\"state\":\"active\"," INCARNATION("0002") ",\"address\":\"10.0.0.2:1\"}");
    assert_false(peer_roster_has_any(registry, 2));
    assert_true(peer_roster_has_any(registry, 0));
    assert_true(peer_roster_has_any(registry, 1)); /* whose own record is not there */
    put("1", "{\"state\":\"active\"," INCARNATION("0001") ",\"address\":\"10.0.0.1:1\"}");
    put("3", "{\"state\":\"draining\"," INCARNATION("0003") "}");
    put("4", "{\"state\":\"drained\"," INCARNATION("0004") ",\"address\":\"10.0.0.4:1\"}");
    put("5", "{\"state\":\"joining\"," INCARNATION("0005") ",\"address\":\"10.0.0.5:1\"}");
    put("6", "not a record");
    put("1024", "{\"state\":\"active\"," INCARNATION("1024") ",\"address\":\"10.0.0.7:1\"}");
    put("007", "{\"state\":\"active\"," INCARNATION("0007") ",\"address\":\"10.0.0.7:1\"}");
    await_alive("1");
    read_roster(&arena, &roster);
    assert_int_equal(roster.count, 3);
    assert_int_equal(roster.asked_count, 1);
    assert_null(peer_of(&roster, 1)->why);
    assert_string_equal(peer_of(&roster, 1)->address, "10.0.0.1:1");
    assert_true(bytes_equal(peer_of(&roster, 1)->asked.tenant, BYTES("acme")));
    assert_non_null(strstr(peer_of(&roster, 3)->why, "no address"));
    assert_non_null(strstr(peer_of(&roster, 5)->why, "not alive"));
    arena_release(&arena);
    assert_true(peer_roster_has_any(registry, 2));
    peer_manners_note(manners, 1, tenant.ordinal, peer_manners_now(manners), E_TIMEOUT, &late);
    read_roster(&arena, &roster);
    assert_int_equal(roster.asked_count, 0);
    assert_non_null(strstr(peer_of(&roster, 1)->why, "a moment ago"));
    arena_release(&arena);
    peer_manners_note(manners, 1, tenant.ordinal, peer_manners_now(manners), OK, NULL);
}

/* A registry that was emptied and filled again may name a data directory twice: it is asked once,
 * as who it is alive, and named once; and this one is not asked by itself. */
static void test_two_records_of_one_are_one(void **state)
{
    static const char two[] =
        "{\"state\":\"active\"," INCARNATION("0077") ",\"address\":\"10.0.0.7:1\"}";
    static const char *const names[] = {"70", "71", "72", "73"};
    struct peer_roster roster;
    struct arena arena;
    size_t asked;

    (void)state;
    read_roster(&arena, &roster);
    asked = roster.asked_count;
    arena_release(&arena);
    for (size_t i = 0; i < 3; i++)
        put(names[i], two);
    put("73", "{\"state\":\"active\"," INCARNATION("0002") ",\"address\":\"10.0.0.2:1\"}");
    read_roster(&arena, &roster);
    assert_non_null(strstr(peer_of(&roster, 70)->why, "not alive"));
    assert_true(peer_of(&roster, 71) == NULL && peer_of(&roster, 72) == NULL);
    assert_null(peer_of(&roster, 73));
    assert_int_equal(roster.asked_count, asked);
    arena_release(&arena);
    await_alive("71");
    read_roster(&arena, &roster);
    assert_null(peer_of(&roster, 71)->why);
    assert_true(peer_of(&roster, 70) == NULL && peer_of(&roster, 72) == NULL);
    assert_int_equal(roster.asked_count, asked + 1);
    arena_release(&arena);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        put(names[i], "{\"state\":\"drained\"," INCARNATION("0077") "}");
}

/* Limit - 1, limit, limit + 1 of those that a question asks; the others are named. */
static void test_so_many_are_asked(void **state)
{
    struct peer_roster roster;
    struct arena arena;

    (void)state;
    for (unsigned number = 10; number < 10 + PEERS_MAX; number++) {
        char name[8], text[200];

        (void)snprintf(name, sizeof(name), "%u", number);
        (void)snprintf(text, sizeof(text),
                       "{\"state\":\"active\"," INCARNATION("%04u") ",\"address\":\"10.0.0.1:1\"}",
                       number);
        put(name, text);
        await_alive(name);
        if (number < 10 + PEERS_MAX - 3)
            continue;
        read_roster(&arena, &roster);
        assert_int_equal(roster.asked_count,
                         number - 10 + 2 < PEERS_MAX ? number - 10 + 2 : PEERS_MAX);
        if (number - 10 + 2 > PEERS_MAX)
            assert_non_null(strstr(peer_of(&roster, number)->why, "too many members"));
        arena_release(&arena);
    }
}

/* What erases leaves nobody out who lives. */
static void test_an_erasure_is_for_all_that_live(void **state)
{
    const struct error late = {.code = E_TIMEOUT, .text = "late"};
    char name[16], text[200];
    struct peer_roster roster;
    struct hash128 own;
    struct arena arena;

    (void)state;
    assert_true(hash128_parse(BYTES("00112233445566778899aabbccdd0002"), &own));
    for (unsigned n = 1; n <= PEERS_MAX + 5; n++) {
        if (n == 2)
            continue;
        (void)snprintf(name, sizeof(name), "%u", n);
        (void)snprintf(
            text, sizeof(text),
            "{\"state\":\"active\",\"incarnation\":\"%032x\",\"address\":\"10.0.0.1:%u\"}", n, n);
        put(name, text);
        await_alive(name);
    }
    peer_manners_note(manners, 1, tenant.ordinal, peer_manners_now(manners), E_TIMEOUT, &late);
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(peer_roster_read(registry, NULL, &own, &tenant, &arena, &roster, NULL), OK);
    for (unsigned n = 1; n <= PEERS_MAX + 5; n++)
        if (n != 2 && peer_of(&roster, n)->why != NULL)
            fail_msg("%u: %s", n, peer_of(&roster, n)->why);
    assert_true(roster.asked_count > PEERS_MAX);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_owes_is_in_it_and_why_it_is_not_asked),
        cmocka_unit_test(test_two_records_of_one_are_one),
        cmocka_unit_test(test_so_many_are_asked),
        cmocka_unit_test(test_an_erasure_is_for_all_that_live),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
