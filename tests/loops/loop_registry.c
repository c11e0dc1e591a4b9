/* Every allocation of the registry's common part and of what is read of ZooKeeper fails: a snapshot
 * is the one before or the one after, a file is refused or read, and what could not be noted is
 * read again. */
#include "tests/loops/loop.h"

#include "discovery/registry_core.h"
#include "discovery/registry_image.h"
#include "discovery/zookeeper_nodes.h"

static enum code put(struct registry *registry, enum registry_kind kind, struct bytes name,
                     uint64_t expected, struct bytes text, uint64_t *version, struct error *err)
{
    (void)registry, (void)kind, (void)name, (void)expected, (void)text, (void)version;
    return error_set(err, E_NOT_READY, "nothing");
}

static const struct registry_operations operations = {.put = put};

static const struct registry_record some[] = {
    {.kind = REGISTRY_TENANTS, .name = BYTES("a"), .text = BYTES("1"), .version = 1},
    {.kind = REGISTRY_SHARDS,  .name = BYTES("b"), .text = BYTES("2"), .version = 2},
    {.kind = REGISTRY_LEASES,  .name = BYTES("c"), .text = BYTES("3"), .version = 3},
};

static enum code loop_publish(struct error *err)
{
    const struct registry_rules rules = {0};
    struct registry_record records[COUNT_OF(some)];
    struct registry_snapshot *snapshot;
    struct registry registry;
    enum code code, second;

    ARMED(code = registry_core_init(&registry, &operations, &rules, err));
    if (code)
        return code;
    memcpy(records, some, sizeof(some));
    ARMED(code = registry_publish(&registry, records, COUNT_OF(some), "", err));
    memcpy(records, some, sizeof(some));
    ARMED(second = registry_publish(&registry, records, 1, "", err));
    snapshot = registry_get(&registry);
    assert_int_equal(snapshot->sequence, (code == OK) + (second == OK));
    if (second == OK) /* of the others what is not ephemeral is missing, if it was seen */
        assert_true(snapshot->count == (code ? 1 : 2) && snapshot->missing_count == (code ? 0 : 1));
    else
        assert_true(snapshot->count == (code ? 0 : 3) && snapshot->missing_count == 0);
    registry_snapshot_put(snapshot);
    registry_core_release(&registry);
    return code ? code : second;
}

static enum code loop_image(struct error *err)
{
    struct registry_record many[20], *records;
    struct buf image = BUF_INIT(1 << 20);
    enum code code;
    size_t count;

    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = some[i % COUNT_OF(some)];
    ARMED(registry_image_put(many, COUNT_OF(many), &image));
    code = buf_finish(&image, err);
    if (!code)
        ARMED(code = registry_image_parse(buf_bytes(&image), &records, &count, err));
    else
        records = NULL;
    assert_int_equal(records != NULL, code == OK);
    free(records);
    buf_release(&image);
    return code;
}

static enum code loop_nodes(struct error *err)
{
    static char names[40][4];
    struct zookeeper_nodes nodes;
    struct registry_record *records = NULL;
    struct zookeeper_node *node;
    char *list[40];
    bool listed, read = true;
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(list); i++) {
        snprintf(names[i], sizeof(names[i]), "t%zu", i);
        list[i] = names[i];
    }
    zookeeper_nodes_init(&nodes);
    ARMED(listed = zookeeper_nodes_list(&nodes, REGISTRY_TENANTS, list, COUNT_OF(list)));
    while ((node = zookeeper_nodes_next(&nodes)) != NULL) {
        struct bytes text = {malloc(1), 1};

        *(char *)text.data = 'x';
        ARMED(read = zookeeper_nodes_read(&nodes, node->kind, node->name, text, 1, 0) && read);
    }
    ARMED(records = zookeeper_nodes_records(&nodes, &count));
    if (records && listed && read)
        assert_int_equal(count, COUNT_OF(list));
    free(records);
    assert_true(zookeeper_nodes_list(&nodes, REGISTRY_TENANTS, list, COUNT_OF(list))); /* again */
    assert_int_equal(nodes.map.count, COUNT_OF(list));
    zookeeper_nodes_release(&nodes);
    return records && listed && read ? OK : error_set(err, E_MEMORY, "no memory for nodes");
}

static const struct loop loops[] = {
    {"registry: publish",           loop_publish, {0}},
    {"registry: image",             loop_image,   {0}},
    {"registry: ZooKeeper's nodes", loop_nodes,   {0}},
};

static void test_a_snapshot_is_the_one_before_or_the_one_after(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_is_the_one_before_or_the_one_after),
    };

    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
