#include "tests/unit/store/guests/care_sample.h"

static size_t documents(struct scene *scene)
{
    return depot_documents(&scene->village.author, BYTES("acme"), "north");
}

static uint64_t entries(struct scene *scene)
{
    struct chain_list list = {0};
    uint64_t count = village_chain(&scene->village, &list);

    chain_list_release(&list);
    return count;
}

/* One turn after another, at this moment. */
static void turns(struct node *node)
{
    for (int i = 0; i < 5; i++) {
        node_read(node);
        (void)caretaker_step(node->caretaker);
    }
}

static void begin(struct node *node)
{
    node_read(node);
    (void)caretaker_step(node->caretaker);
    node_time(node, 61);
    turns(node);
}

static void test_documents_go_ten_minutes_later(void **state)
{
    static struct scene scene;
    size_t before;

    (void)state;
    scene_init(&scene);
    begin(scene.node);
    before = documents(&scene);
    (void)village_expect_whole(&scene.village, false);
    node_time(scene.node, 400);
    turns(scene.node);
    assert_int_equal(documents(&scene), before);
    node_time(scene.node, 200);
    turns(scene.node);
    assert_true(documents(&scene) < before);
    (void)village_expect_whole(&scene.village, true);
    scene_expect(&scene);
    scene_release(&scene);
}

/* Who goes on then counts from when it saw them. */
static void test_documents_go_when_the_holder_has_changed(void **state)
{
    static struct scene scene;
    struct node *second;
    size_t before;

    (void)state;
    scene_init(&scene);
    second = scene.witness;
    begin(scene.node);
    before = documents(&scene);
    scene.node->held = false;
    second->held = true;
    begin(second);
    node_time(second, 400);
    turns(second);
    assert_int_equal(documents(&scene), before);
    node_time(second, 200);
    turns(second);
    assert_true(documents(&scene) < before);
    (void)village_expect_whole(&scene.village, true);
    /* The first one has forgotten what it was to delete. */
    scene.node->held = true;
    node_time(scene.node, 1000);
    turns(scene.node);
    scene.witness->held = false;
    scene_expect(&scene);
    scene_release(&scene);
}

/* A part of a pack that nobody names: who goes on inserts an entry, so that nobody will. */
static void test_what_no_chain_names_goes_behind_an_entry(void **state)
{
    static struct scene scene;
    char id[CHAIN_ID_SIZE];
    uint64_t before;

    (void)state;
    scene_init(&scene);
    scene_end(&scene, scene.node);
    node_restart(scene.node);
    node_read(scene.node);
    chain_part_id(&scene.village.author.house.store->incarnation, 4711, 1, id);
    fake_insert(&scene.village.author.north, "weir_acme", ARCHIVE_PACKS, bytes_of(id),
                BYTES("left"));
    chain_part_id(&(struct hash128){{9}}, 4711, 1, id); /* of somebody else */
    fake_insert(&scene.village.author.north, "weir_acme", ARCHIVE_PACKS, bytes_of(id),
                BYTES("stays"));
    fake_insert(&scene.village.author.north, "weir_acme", ARCHIVE_PACKS, BYTES("what is this"),
                BYTES("stays"));
    before = entries(&scene);
    begin(scene.node);
    assert_int_equal(entries(&scene), before + 1);
    assert_int_equal(documents(&scene), village_expect_whole(&scene.village, false) * 2 + 3);
    node_time(scene.node, 601);
    turns(scene.node);
    assert_int_equal(documents(&scene), village_expect_whole(&scene.village, false) * 2 + 2);
    assert_int_equal(entries(&scene), before + 1);
    scene_expect(&scene);
    scene_release(&scene);
}

/* What an upload left that came to nothing goes behind the entry of the next one. */
static void test_the_entry_of_a_plan_is_enough(void **state)
{
    static struct scene scene;
    uint64_t before, calls = 1;

    (void)state;
    for (uint64_t n = 1; n <= calls; n++) {
        struct fake_archive *north = &scene.village.author.north;

        scene_init(&scene);
        before = entries(&scene);
        calls = north->calls;
        north->fail_at = calls + n;
        north->how = FAKE_BEFORE;
        begin(scene.node);
        node_time(scene.node, 40);
        turns(scene.node);
        calls = north->calls - calls < 60 ? north->calls - calls : 60;
        assert_int_equal(entries(&scene), before + 2); /* a pair, and a pack without history */
        scene_expect(&scene);
        scene_release(&scene);
    }
}

/* All documents of what the chain listed then are there. */
static void expect_there(struct scene *scene, const struct chain_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        depot_expect_pack(&scene->village.author, BYTES("acme"), "north", &list->packs[i]);
}

/* Nothing is erased yet. */
static void scene_begin(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    village_init(&scene->village);
    scene->node = &scene->village.nodes[0];
    village_write(&scene->village);
    village_part(&scene->village);
}

/* An entry came into being and its answer was lost: what it named is replaced nine minutes later,
 * and has ten minutes from then. */
static void test_ten_minutes_begin_when_a_pack_is_replaced(void **state)
{
    static struct scene scene;
    uint64_t calls = 1;

    (void)state;
    for (uint64_t n = 1; n <= calls; n++) {
        struct fake_archive *north = &scene.village.author.north;
        struct chain_list list = {0};

        scene_begin(&scene);
        (void)node_go_on(scene.node); /* what no entry names was looked for today */
        (void)house_delete(&scene.node->house, 0, 10, 42, true);
        calls = north->calls;
        north->fail_at = calls + n;
        north->how = FAKE_AFTER;
        north->code = E_TIMEOUT;
        turns(scene.node);
        node_time(scene.node, 40);
        turns(scene.node);
        calls = north->calls - calls < 60 ? north->calls - calls : 60;
        node_time(scene.node, 460);
        (void)village_chain(&scene.village, &list);
        (void)house_delete(&scene.node->house, 0, 50, 60, true);
        turns(scene.node);
        expect_there(&scene, &list);
        node_time(scene.node, 300);
        turns(scene.node);
        expect_there(&scene, &list);
        chain_list_release(&list);
        scene_release(&scene);
    }
}

/* A turn a second, as the thread has it. */
static unsigned turns_until(struct village *village, struct node *node, size_t rows)
{
    unsigned count = 0;

    while (village_rows(village) != rows) {
        node_read(node);
        (void)caretaker_step(node->caretaker);
        node_time(node, 1);
        assert_true(++count < 200);
    }
    return count;
}

static unsigned turns_beside(bool readable)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct hash128 other = {{9}};
    char id[CHAIN_ID_SIZE];
    unsigned count;

    village_init(&village);
    for (uint32_t i = 0; i < 6; i++)
        depot_add_pack(&village.author, 1, 10 * i);
    village_part(&village);
    (void)node_go_on(node);
    (void)house_delete(&node->house, 0, 0, 2, true);
    (void)node_go_on(node);
    node_time(node, 700); /* the documents of one are due */
    chain_entry_id(&other, 0, id);
    if (!readable)
        fake_insert(&village.author.north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id),
                    BYTES("what"));
    (void)house_delete(&node->house, 0, 10, 60, true);
    count = turns_until(&village, node, 8);
    village_release(&village);
    return count;
}

static void test_a_chain_beside_that_cannot_be_read_costs_no_time(void **state)
{
    (void)state;
    assert_int_equal(turns_beside(false), turns_beside(true));
}

/* Its documents have to stay, as it may name them; nothing else waits. */
static void test_a_chain_beside_that_cannot_be_read_holds_nothing_up(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct hash128 other = {{9}};
    int64_t now_ns, hour_ns = 3600 * INT64_C(1000000000);
    char id[CHAIN_ID_SIZE];
    size_t before;

    (void)state;
    village_init(&village);
    now_ns = clock_wall_ns(&node->house.clock.clock);
    for (uint32_t i = 0; i < 3; i++)
        depot_add_pack(&village.author, 1, now_ns - 10 * i * hour_ns);
    village_part(&village);
    chain_entry_id(&other, 0, id);
    fake_insert(&village.author.north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id), BYTES("what"));
    before = depot_documents(&village.author, BYTES("acme"), "north");
    for (size_t i = 0; i < 2; i++) {
        node->house.retention_ns = (15 - 10 * (int64_t)i) * hour_ns;
        (void)node_go_on(node);
        assert_int_equal(village_rows(&village), 20 - 10 * i);
        node_time(node, 700);
        (void)node_go_on(node);
    }
    assert_int_equal(depot_documents(&village.author, BYTES("acme"), "north"), before);
    village_release(&village);
}

/* A directory that was restored from what this member delivered names packs of it. */
static void test_what_another_chain_names_stays(void **state)
{
    static struct scene scene;
    struct chain_list list = {0};
    struct hash128 other = {{9}};
    struct chain_entry entry = {.incarnation = other, .tenant = BYTES("acme"), .checkpoint = true};
    struct buf body = BUF_INIT(1 << 20);
    char id[CHAIN_ID_SIZE];

    (void)state;
    scene_init(&scene);
    (void)village_chain(&scene.village, &list);
    entry.adds = list.packs;
    entry.add_count = 1;
    chain_entry_encode(&entry, &body);
    chain_entry_id(&other, 0, id);
    fake_insert(&scene.village.author.north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id),
                buf_bytes(&body));
    for (int i = 0; i < 4; i++) {
        (void)node_go_on(scene.node);
        node_time(scene.node, 700);
    }
    depot_expect_pack(&scene.village.author, BYTES("acme"), "north", &list.packs[0]);
    assert_int_equal(documents(&scene),
                     village_expect_whole(&scene.village, false) * 2 + list.packs[0].parts);
    chain_list_release(&list);
    buf_release(&body);
    scene_expect(&scene);
    scene_release(&scene);
}

/* The author's calls for entries fail while this is set. */
static bool entries_fail;

static enum code put_no_entry(struct archive *archive, struct bytes database,
                              enum archive_collection collection,
                              const struct archive_document *documents, size_t count,
                              struct error *err)
{
    if (entries_fail && collection == ARCHIVE_MANIFESTS)
        return error_set(err, E_TIMEOUT, "not now");
    return fake_put(archive, database, collection, documents, count, err);
}

static enum code open_no_entry(void *context, const char *shard, struct archive **archive,
                               struct error *err)
{
    static struct archive_operations operations;
    enum code code = depot_open_archive(context, shard, archive, err);

    if (code == OK) {
        operations = *(*archive)->operations;
        operations.put = put_no_entry;
        (*archive)->operations = &operations;
    }
    return code;
}

static void test_its_author_stops_at_a_fence(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    size_t before;

    (void)state;
    village_init(&village);
    village.author.rules.open = open_no_entry;
    village_write(&village);
    depot_drain(&village.author);
    depot_time(&village.author, 700);
    depot_drain_all(&village.author);
    (void)village_expect_whole(&village, true);
    /* It uploads a pack, and is thought to be lost before it lists it. */
    depot_add_pack(&village.author, 2, 500);
    entries_fail = true;
    before = depot_documents(&village.author, BYTES("acme"), "north");
    for (int i = 0; i < 3; i++)
        (void)depot_step(&village.author);
    assert_true(depot_documents(&village.author, BYTES("acme"), "north") > before);
    village.authors[0].active = false;
    village.gone = true;
    for (int i = 0; i < 3; i++) {
        (void)node_go_on(node);
        node_time(node, 700);
    }
    assert_int_equal(depot_documents(&village.author, BYTES("acme"), "north"), before);
    entries_fail = false;
    depot_drain(&village.author);
    (void)village_expect_whole(&village, false);
    village_release(&village);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_author_stops_at_a_fence),
        cmocka_unit_test(test_documents_go_ten_minutes_later),
        cmocka_unit_test(test_documents_go_when_the_holder_has_changed),
        cmocka_unit_test(test_what_no_chain_names_goes_behind_an_entry),
        cmocka_unit_test(test_what_another_chain_names_stays),
        cmocka_unit_test(test_the_entry_of_a_plan_is_enough),
        cmocka_unit_test(test_ten_minutes_begin_when_a_pack_is_replaced),
        cmocka_unit_test(test_a_chain_beside_that_cannot_be_read_costs_no_time),
        cmocka_unit_test(test_a_chain_beside_that_cannot_be_read_holds_nothing_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
