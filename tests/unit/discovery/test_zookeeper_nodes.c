#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/zookeeper_nodes.h"

static struct bytes text_of(const char *text)
{
    return (struct bytes){strdup(text), strlen(text)};
}

static void list(struct zookeeper_nodes *nodes, char *const *names, size_t count)
{
    assert_true(zookeeper_nodes_list(nodes, REGISTRY_TENANTS, names, count));
}

static void read_all(struct zookeeper_nodes *nodes, uint64_t version)
{
    struct zookeeper_node *node;

    while ((node = zookeeper_nodes_next(nodes)) != NULL)
        assert_true(zookeeper_nodes_read(nodes, node->kind, node->name, text_of("x"), version, 5));
}

static size_t count_of(const struct zookeeper_nodes *nodes)
{
    size_t count;
    struct registry_record *records = zookeeper_nodes_records(nodes, &count);

    assert_non_null(records);
    for (size_t i = 0; i < count; i++)
        assert_true(bytes_equal(records[i].text, BYTES("x")));
    free(records);
    return count;
}

static char a[] = "a", b[] = "b", c[] = "c", d[] = "d", none[] = "No Name";
static char *abc[] = {a, b, c}, *bd[] = {b, d, none};

static void test_what_is_listed_is_wanted_once(void **state)
{
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    list(&nodes, abc, 3);
    list(&nodes, abc, 3);
    assert_true(zookeeper_nodes_want(&nodes, REGISTRY_TENANTS, BYTES("a")));
    for (size_t i = 0; i < 3; i++) {
        const struct zookeeper_node *node = zookeeper_nodes_next(&nodes);

        assert_non_null(node);
        assert_true(bytes_equal(node->name, bytes_of(abc[i])));
    }
    assert_null(zookeeper_nodes_next(&nodes));
    assert_int_equal(count_of(&nodes), 0); /* none was read */
    zookeeper_nodes_release(&nodes);
}

static void test_what_is_not_listed_any_more_goes(void **state)
{
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    list(&nodes, abc, 3);
    read_all(&nodes, 1);
    assert_true(zookeeper_nodes_want(&nodes, REGISTRY_SHARDS, BYTES("a")));
    read_all(&nodes, 1);
    assert_int_equal(count_of(&nodes), 4);
    list(&nodes, bd, 3);
    assert_null(zookeeper_nodes_find(&nodes, REGISTRY_TENANTS, BYTES("a")));
    assert_non_null(zookeeper_nodes_find(&nodes, REGISTRY_SHARDS, BYTES("a"))); /* another kind */
    assert_int_equal(count_of(&nodes), 2);
    read_all(&nodes, 2);
    assert_int_equal(count_of(&nodes), 3);
    assert_int_equal(zookeeper_nodes_find(&nodes, REGISTRY_TENANTS, BYTES("b"))->version, 1);
    assert_int_equal(zookeeper_nodes_find(&nodes, REGISTRY_TENANTS, BYTES("d"))->version, 2);
    zookeeper_nodes_release(&nodes);
}

static void test_one_that_goes_while_it_is_wanted_is_not_read(void **state)
{
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    list(&nodes, abc, 3);
    zookeeper_nodes_gone(&nodes, REGISTRY_TENANTS, BYTES("b"));
    zookeeper_nodes_gone(&nodes, REGISTRY_TENANTS, BYTES("unknown"));
    assert_true(bytes_equal(zookeeper_nodes_next(&nodes)->name, BYTES("a")));
    list(&nodes, NULL, 0);
    assert_null(zookeeper_nodes_next(&nodes));
    list(&nodes, abc, 3); /* and may come again */
    read_all(&nodes, 3);
    assert_int_equal(count_of(&nodes), 3);
    list(&nodes, abc, 1);
    zookeeper_nodes_want_all(&nodes);
    list(&nodes, NULL, 0);
    zookeeper_nodes_release(&nodes); /* with forgotten ones in the list */
}

static void test_all_can_be_read_again(void **state)
{
    struct zookeeper_nodes nodes;

    (void)state;
    zookeeper_nodes_init(&nodes);
    list(&nodes, abc, 3);
    read_all(&nodes, 1);
    zookeeper_nodes_want_all(&nodes);
    read_all(&nodes, 9);
    for (size_t i = 0; i < 3; i++) {
        const struct zookeeper_node *node =
            zookeeper_nodes_find(&nodes, REGISTRY_TENANTS, bytes_of(abc[i]));

        assert_int_equal(node->version, 9);
        assert_int_equal(node->owner, 5);
    }
    zookeeper_nodes_release(&nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_listed_is_wanted_once),
        cmocka_unit_test(test_what_is_not_listed_any_more_goes),
        cmocka_unit_test(test_one_that_goes_while_it_is_wanted_is_not_read),
        cmocka_unit_test(test_all_can_be_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
