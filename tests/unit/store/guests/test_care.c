#include "store/delivery/recover.h"
#include "store/guests/unerased.h"
#include "tests/unit/store/guests/care_sample.h"
#include "tests/unit/store/shelf.h"

static const int64_t hour_ns = 3600 * INT64_C(1000000000);

static void test_erased_rows_go_and_no_others(void **state)
{
    static struct picture before, after;
    static struct village village;
    struct node *node = &village.nodes[0], *witness = &village.nodes[1];
    size_t rows;
    int64_t erased;

    (void)state;
    village_init(&village);
    village_write(&village);
    village_part(&village);
    node_read(witness);
    picture_take(witness, &before);
    assert_true(before.count[0] > 100); /* all versions: who erases is another member */
    rows = village_rows(&village);
    node_read(node);
    erased = house_delete(&node->house, 0, 10, 42, true);
    assert_true(node_go_on(node) > 0);
    assert_true(village_rows(&village) < rows);
    node_restart(witness);
    node_read(witness);
    picture_take(witness, &after);
    picture_expect(&after, &before, 0, 10, 42);
    for (size_t p = 0; p < 2; p++) { /* settled, so that it is known to be done */
        struct chain_list list = {0};

        (void)village_chain(&village, &list);
        for (size_t i = 0; i < list.count; i++)
            assert_true(list.packs[i].entry.kind == PACK_PLAIN ||
                        list.packs[i].entry.settled >= erased);
        chain_list_release(&list);
    }
    assert_int_equal(node_go_on(node), 0);
    village_release(&village);
}

static void test_packs_past_retention_go_unread(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    int64_t now_ns;

    (void)state;
    village_init(&village);
    now_ns = clock_wall_ns(&node->house.clock.clock);
    village_write(&village);
    assert_int_equal(house_put(&village.author.house, 1, now_ns, 10, NULL), OK);
    house_seal(&village.author.house);
    village_part(&village);
    node->house.retention_ns = hour_ns;
    assert_true(node_go_on(node) > 0);
    node_time(node, 700);
    (void)node_go_on(node);
    /* The pack of now, and what carries the deletion on. */
    assert_int_equal(village_expect_whole(&village, true), 2);
    assert_int_equal(village_rows(&village), 10);
    house_expect(&node->house, 1, now_ns, 10);
    village_release(&village);
}

static size_t deletions_known(struct node *node)
{
    const struct guest_list *list =
        node->house.store->holdings[node->house.tenant->ordinal]->guests;

    return list->tombstone_count;
}

/* Deletions of the author hide rows of others for ever, also when all of its own rows went. */
static void test_deletions_live_on(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0], *witness = &village.nodes[1];

    (void)state;
    village_init(&village);
    assert_int_equal(house_put(&village.author.house, 1, 100, 10, NULL), OK);
    (void)house_delete(&village.author.house, 1, 0, 5, false);
    house_seal(&village.author.house);
    assert_int_equal(house_put(&village.author.house, 2, 100, 10, NULL), OK);
    (void)house_delete(&village.author.house, 2, 0, 5, true);
    house_seal(&village.author.house);
    village_part(&village);
    node_read(node);
    (void)house_delete(&node->house, 0, 100, 200, true);
    (void)node_go_on(node);
    assert_int_equal(village_rows(&village), 0);
    assert_int_equal(village_expect_whole(&village, false), 1); /* one carries both */
    node_read(witness);
    assert_int_equal(deletions_known(witness), 2);
    village_release(&village);
}

/* A member that comes back by hand after somebody went on with its chain: it delivers nothing, as
 * one whose directory was copied. */
static void test_who_comes_back_delivers_nothing(void **state)
{
    static struct scene scene;
    struct depot *author = &scene.village.author;
    struct chain_list list = {0};
    uint64_t entries;

    (void)state;
    scene_init(&scene);
    scene_end(&scene, scene.node);
    entries = village_chain(&scene.village, &list);
    chain_list_release(&list);
    scene.village.authors[0].active = true;
    scene.village.gone = false;
    depot_add_pack(author, 1, 1000);
    depot_drain(author);
    assert_true(delivery_look(author->delivery));
    assert_int_equal(
        house_metric(&author->house, "weir_delivery_stopped", METRIC_GAUGE, "shard=\"north\""), 1);
    assert_int_equal(village_chain(&scene.village, &list), entries);
    chain_list_release(&list);
    scene_expect(&scene);
    scene_release(&scene);
}

static void expect_in_order(const struct house *house)
{
    const struct pack_list *list = house->store->holdings[house->tenant->ordinal]->packs;

    assert_true(pack_about(list->packs[list->count - 1]).number >= PACK_NUMBER_DRAWN);
    for (size_t i = 1; i < list->count; i++)
        assert_true(pack_about(list->packs[i - 1]).number < pack_about(list->packs[i]).number);
}

/* A directory made of what the shard has of the author's chain. */
static void restore_author(struct village *village, struct shelf *made)
{
    struct recover_tenant tenant = {.name = BYTES("acme")};
    struct recover_options options = {.tenants = &tenant, .tenant_count = 1};
    struct recover_report report = {0};
    struct error err = {0};

    tenant.archive = fake_open(&village->author.north);
    tenant.incarnation = village->author.house.store->incarnation;
    shelf_init(made);
    options.to = made->fs;
    options.index_path = made->index_path;
    options.map_bytes = SHELF_MAP_BYTES;
    if (recover_run(&options, &report, &err) != OK)
        fail_msg("%s", err.text);
    fake_close(tenant.archive);
}

/* Not opened. */
static void house_in(struct house *house, const struct shelf *made)
{
    house_init(house);
    (void)rmdir(house->directory);
    memcpy(house->directory, made->directory, sizeof(made->directory));
}

/* A directory that is restored from such a chain has its rows, and counts its own packs below those
 * of who went on with it. */
static void test_a_directory_is_restored_from_it(void **state)
{
    static struct picture before, after;
    static struct village village;
    struct node *node = &village.nodes[0];
    struct shelf made;
    struct node restored;
    int64_t erased;

    (void)state;
    village_init(&village);
    village_write(&village);
    village_part(&village);
    node_read(node);
    erased = house_delete(&node->house, 0, 10, 42, true);
    (void)node_go_on(node);
    picture_take(node, &before);
    restore_author(&village, &made);
    for (int start = 0; start < 2; start++) {
        house_in(&restored.house, &made);
        house_open(&restored.house);
        picture_take(&restored, &after);
        picture_expect(&after, &before, 0, 0, 0);
        assert_true(restored.house.store->pack_next < 100);
        /* Nothing comes below what the packs stand for, and nobody is told that since before it
         * nothing was. */
        assert_true(restored.house.store->assigned >= erased);
        assert_true(store_progress(restored.house.store, restored.house.tenant).newest >= erased);
        assert_int_equal(house_put(&restored.house, 3, start * 10, 10, NULL), OK);
        house_seal(&restored.house);
        expect_in_order(&restored.house);
        house_close(&restored.house);
    }
    shelf_release(&made);
    village_release(&village);
}

/* Its own pack is rewritten; the chain that it came out of still lists it. */
static void test_a_restored_directory_erases(void **state)
{
    static struct village village;
    struct tombstone tombstone = {
        .selector = {.measurement = BYTES("cpu")}, .start = 10, .end = 42, .erase = true};
    struct unerased_question question = {.tombstone = &tombstone};
    struct shelf made;
    struct unerased *list;
    struct arena arena;
    size_t count;
    static struct node restored;

    (void)state;
    village_init(&village);
    village_write(&village);
    village_part(&village);
    restore_author(&village, &made);
    restored.village = &village;
    house_in(&restored.house, &made);
    restored.delivery_rules = (struct delivery_rules){
        .context = &restored, .shard_of = care_shard_of, .open = care_open_shard};
    restored.guest_rules = (struct guest_rules){&restored, care_survey, care_open_shard};
    restored.rules =
        (struct caretaker_rules){&restored, care_gone, care_want, care_held, care_open_shard};
    node_enter(&restored);
    node_read(&restored);
    node_read(&restored);
    tombstone.ingest = house_delete(&restored.house, 0, 10, 42, true);
    house_seal(&restored.house);
    (void)house_compact(&restored.house, false);
    node_read(&restored);
    arena_init(&arena, SIZE_MAX, NULL);
    question.tenant = restored.house.tenant;
    assert_int_equal(guests_unerased(restored.guests, &question, &arena, &list, &count, NULL), OK);
    assert_int_equal(count, 1);
    arena_release(&arena);
    { /* a witness, which has no such packs of its own, names it */
        node_read(&village.nodes[1]);
        arena_init(&arena, SIZE_MAX, NULL);
        question.tenant = village.nodes[1].house.tenant;
        assert_int_equal(
            guests_unerased(village.nodes[1].guests, &question, &arena, &list, &count, NULL), OK);
        assert_int_equal(count, 1);
        arena_release(&arena);
    }
    node_leave(&restored);
    shelf_release(&made);
    village_release(&village);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restored_directory_erases),
        cmocka_unit_test(test_erased_rows_go_and_no_others),
        cmocka_unit_test(test_packs_past_retention_go_unread),
        cmocka_unit_test(test_deletions_live_on),
        cmocka_unit_test(test_a_directory_is_restored_from_it),
        cmocka_unit_test(test_who_comes_back_delivers_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
