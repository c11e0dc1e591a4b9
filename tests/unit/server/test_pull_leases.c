#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>

#include "discovery/registry_files.h"
#include "server/pull_leases.h"
#include "store/member.h"
#include "tests/unit/store/house.h"

enum { NAME_COUNT = 32, PATIENCE_MS = 20000 };

/* A member, as a process of its own would be. */
struct node {
    unsigned number;
    struct house house;
    struct registry *registry;
    struct pull_leases *leases;
};

static struct node nodes[2];
static char place[160];

static void node_enter(struct node *node)
{
    const struct registry_rules rules = {.fs = NULL};
    struct error err = {0};
    char number[8];

    (void)snprintf(number, sizeof(number), "%u", node->number);
    if (registry_files_open(place, &rules, &node->registry, &err) != OK ||
        registry_hold(node->registry, REGISTRY_ALIVE, bytes_of(number), BYTES("{}"), &err) != OK ||
        pull_leases_new(node->registry, node->house.store, &node->leases, &err) != OK)
        fail_msg("%s", err.text);
}

static void node_leave(struct node *node)
{
    pull_leases_free(node->leases);
    registry_close(node->registry);
    node->leases = NULL;
    node->registry = NULL;
}

static int nodes_open(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        nodes[i].number = i + 1;
        house_init(&nodes[i].house);
        nodes[i].house.joins = true;
        house_open(&nodes[i].house);
        assert_int_equal(store_member_note(nodes[i].house.store, nodes[i].number, NULL), OK);
    }
    (void)snprintf(place, sizeof(place), "%s/registry", nodes[0].house.directory);
    return 0;
}

static int nodes_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        if (nodes[i].registry != NULL)
            node_leave(&nodes[i]);
        house_close(&nodes[i].house);
        house_remove(&nodes[i].house);
    }
    return 0;
}

/* Bits: those of the names that are the node's now. */
static uint32_t held_by(struct node *node)
{
    uint32_t held = 0;

    if (node->leases == NULL)
        return 0;
    for (uint32_t i = 0; i < NAME_COUNT; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "api%u.example.org:443", i);
        if (pull_leased(node->leases, bytes_of(name)))
            held |= UINT32_C(1) << i;
    }
    return held;
}

/* Turns until each name is somebody's; at no time it is of both. */
static void settle(void)
{
    uint32_t held[2] = {0, 0};

    for (int waited = 0; (held[0] | held[1]) != UINT32_MAX; waited++) {
        if (waited == PATIENCE_MS)
            fail_msg("nobody has %08x", ~(held[0] | held[1]));
        for (int i = 0; i < 2; i++)
            if (nodes[i].leases != NULL)
                pull_leases_turn(nodes[i].leases);
        (void)poll(NULL, 0, 1);
        for (int i = 0; i < 2; i++)
            held[i] = held_by(&nodes[i]);
        if ((held[0] & held[1]) != 0)
            fail_msg("both have %08x", held[0] & held[1]);
    }
}

/* Both see both. */
static void await_both(void)
{
    for (int i = 0; i < 2; i++)
        for (int waited = 0;; waited++) {
            struct registry_snapshot *records = registry_get(nodes[i].registry);
            size_t first, end;

            registry_range(records, REGISTRY_ALIVE, &first, &end);
            registry_snapshot_put(records);
            if (end - first == 2)
                break;
            assert_true(waited < PATIENCE_MS);
            (void)poll(NULL, 0, 1);
        }
}

static void test_what_was_never_asked_for_is_nobodys(void **state)
{
    (void)state;
    node_enter(&nodes[0]);
    assert_int_equal(held_by(&nodes[0]), 0);
    pull_leases_turn(nodes[0].leases);
    assert_false(pull_leased(nodes[0].leases, BYTES("another")));
}

static void test_one_that_is_alone_has_all(void **state)
{
    (void)state;
    node_enter(&nodes[0]);
    settle();
    assert_int_equal(held_by(&nodes[0]), UINT32_MAX);
}

static void test_two_share_and_hand_over(void **state)
{
    uint32_t first, second;

    (void)state;
    node_enter(&nodes[0]);
    node_enter(&nodes[1]);
    await_both();
    settle();
    first = held_by(&nodes[0]);
    second = held_by(&nodes[1]);
    assert_true(first != 0 && second != 0);
    node_leave(&nodes[1]);
    settle();
    assert_int_equal(held_by(&nodes[0]), UINT32_MAX);
    node_enter(&nodes[1]);
    await_both();
    (void)held_by(&nodes[1]); /* it asks for all of them, as before */
    for (int waited = 0; held_by(&nodes[0]) != first; waited++) {
        assert_true(waited < PATIENCE_MS);
        pull_leases_turn(nodes[0].leases);
        (void)poll(NULL, 0, 1);
    }
    settle();
    assert_int_equal(held_by(&nodes[1]), second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_never_asked_for_is_nobodys, nodes_open,
                                        nodes_close),
        cmocka_unit_test_setup_teardown(test_one_that_is_alone_has_all, nodes_open, nodes_close),
        cmocka_unit_test_setup_teardown(test_two_share_and_hand_over, nodes_open, nodes_close),
    };

    log_setup(LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
