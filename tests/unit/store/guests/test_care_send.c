#include "tests/unit/store/guests/care_sample.h"

/* The first document that is put, of a collection, is there already with other bytes. */
static struct {
    enum archive_collection collection;
    char id[CHAIN_ID_SIZE];
} taken;

static enum code put_behind_another(struct archive *archive, struct bytes database,
                                    enum archive_collection collection,
                                    const struct archive_document *documents, size_t count,
                                    struct error *err)
{
    struct fake_archive *fake = ((struct fake_handle *)archive)->fake;

    if (collection == taken.collection && taken.id[0] == '\0') {
        (void)snprintf(taken.id, sizeof(taken.id), "%.*s", BYTES_ARG(documents[0].id));
        fake_insert(fake, "weir_acme", collection, documents[0].id, BYTES("another's"));
    }
    return fake_put(archive, database, collection, documents, count, err);
}

static enum code open_behind_another(void *context, const char *shard, struct archive **archive,
                                     struct error *err)
{
    static struct archive_operations operations;
    enum code code = care_open_shard(context, shard, archive, err);

    if (code == OK) {
        operations = *(*archive)->operations;
        operations.put = put_behind_another;
        (*archive)->operations = &operations;
    }
    return code;
}

static void test_a_number_that_is_taken_is_not_used(void **state)
{
    static struct scene scene;
    struct chain_list list = {0};
    struct hash128 incarnation;
    uint64_t number = 0;
    uint32_t part;

    (void)state;
    scene_init(&scene);
    scene.node->rules.open = open_behind_another;
    taken.collection = ARCHIVE_PACKS;
    taken.id[0] = '\0';
    (void)node_go_on(scene.node);
    assert_true(chain_part_id_parse(bytes_of(taken.id), &incarnation, &number, &part));
    assert_true(number >= PACK_NUMBER_DRAWN);
    (void)village_chain(&scene.village, &list);
    assert_null(chain_list_find(&list, number));
    chain_list_release(&list);
    scene_end(&scene, scene.node); /* it goes, as what nobody names */
    scene_expect(&scene);
    scene_release(&scene);
}

/* What is there is no entry: nothing of the chain can be read behind it, nothing is lost, and
 * nothing is inserted behind it. */
static void test_an_entry_of_somebody_else_ends_it(void **state)
{
    static struct scene scene;

    (void)state;
    scene_init(&scene);
    scene.node->rules.open = open_behind_another;
    taken.collection = ARCHIVE_MANIFESTS;
    taken.id[0] = '\0';
    (void)node_go_on(scene.node);
    node_time(scene.node, 700);
    (void)node_go_on(scene.node);
    assert_true(house_metric(&scene.node->house, "weir_caretaker_failures_total", METRIC_COUNTER,
                             "shard=\"north\"") > 0);
    assert_int_equal(house_metric(&scene.node->house, "weir_caretaker_documents_total",
                                  METRIC_COUNTER, "shard=\"north\""),
                     0);
    fake_delete(&scene.village.author.north, fake_find(&scene.village.author.north, "weir_acme",
                                                       ARCHIVE_MANIFESTS, bytes_of(taken.id)));
    scene_end(&scene, scene.node); /* mended */
    scene_expect(&scene);
    scene_release(&scene);
}

static void test_entry_256_is_a_checkpoint(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct chain_list list = {0};
    int64_t time = 0;

    (void)state;
    village_init(&village);
    while (village_chain(&village, &list) < 256) {
        chain_list_release(&list);
        depot_add_pack(&village.author, 1, time++ * 10);
        depot_drain(&village.author);
    }
    chain_list_release(&list);
    village_part(&village);
    node_read(node);
    (void)house_delete(&node->house, 1, 0, 10, true);
    (void)node_go_on(node);
    assert_true(village_chain(&village, &list) > 256); /* which looks at it */
    chain_list_release(&list);
    house_expect(&node->house, 1, 10, (uint32_t)time * 10 - 10);
    node_restart(node);
    node_read(node);
    house_expect(&node->house, 1, 10, (uint32_t)time * 10 - 10);
    village_release(&village);
}

/* Nothing is inserted where entries before it are not. */
static void test_a_database_that_was_emptied_gets_no_entry(void **state)
{
    static struct scene scene;
    struct fake_archive *north = &scene.village.author.north;

    (void)state;
    scene_init(&scene);
    (void)node_go_on(scene.node); /* the chain is known */
    while (north->count > 0)
        fake_delete(north, &north->documents[0]);
    scene.node->house.retention_ns = 3600000000000; /* so that nothing has to be read */
    (void)node_go_on(scene.node);
    for (size_t i = 0; i < north->count; i++)
        assert_true(north->documents[i].collection == ARCHIVE_PACKS);
    scene_release(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_that_is_taken_is_not_used),
        cmocka_unit_test(test_an_entry_of_somebody_else_ends_it),
        cmocka_unit_test(test_entry_256_is_a_checkpoint),
        cmocka_unit_test(test_a_database_that_was_emptied_gets_no_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
