#include "tests/unit/store/guests/care_sample.h"

/* Another member, which delivers to the same shards. */
struct neighbour {
    struct house house;
    struct delivery_rules rules;
    struct delivery *delivery;
};

static void neighbour_init(struct neighbour *neighbour, struct village *village)
{
    neighbour->rules = (struct delivery_rules){
        .context = &village->author, .shard_of = depot_shard_of, .open = depot_open_archive};
    house_init(&neighbour->house);
    house_open(&neighbour->house);
    neighbour->house.store->members = MEMBERS_SOME;
    assert_int_equal(
        delivery_new(neighbour->house.store, &neighbour->rules, &neighbour->delivery, NULL), OK);
    village->authors[village->author_count++] =
        (struct guest_author){7, neighbour->house.store->incarnation, true};
}

static void neighbour_deliver(struct neighbour *neighbour)
{
    bool did = true;

    house_seal(&neighbour->house);
    for (int idle = 0; idle < 2; idle += !did) {
        assert_int_equal(delivery_step(neighbour->delivery, &did, NULL), OK);
        neighbour->house.clock.monotonic_more += 60000000000;
    }
}

static void neighbour_release(struct neighbour *neighbour)
{
    delivery_free(neighbour->delivery);
    house_close(&neighbour->house);
    house_remove(&neighbour->house);
}

/* Rows 0..9 of series 1 in two versions, which the author settled above a deletion of the neighbour
 * that came between them and that it did not know of; it has left. */
static void settle(struct village *village, struct neighbour *neighbour)
{
    village_init(village);
    neighbour_init(neighbour, village);
    assert_int_equal(house_put(&village->author.house, 1, 0, 10, NULL), OK);
    house_seal(&village->author.house);
    (void)house_delete(&neighbour->house, 1, 0, 5, true);
    assert_int_equal(house_put(&village->author.house, 1, 0, 10, NULL), OK);
    house_seal(&village->author.house);
    (void)house_compact(&village->author.house, true);
    village_part(village);
    neighbour_deliver(neighbour);
    node_read(&village->nodes[0]);
}

/* The author's word, that a pack is settled, is no word about what others erased. */
static void test_what_the_author_settled_is_not_of_others(void **state)
{
    static struct village village;
    static struct neighbour neighbour;
    struct node *node = &village.nodes[0];

    (void)state;
    settle(&village, &neighbour);
    assert_int_equal(house_put(&neighbour.house, 2, 0, 1, NULL), OK); /* it has told more */
    neighbour_deliver(&neighbour);
    assert_int_equal(house_put(&node->house, 2, 1000, 1, NULL), OK);
    assert_int_equal(village_rows(&village), 10 + 20); /* with the history */
    assert_true(node_go_on(node) > 0);
    /* The first versions of 0..4 are gone, so that the second ones stand alone. */
    assert_int_equal(village_rows(&village), 10 + 10);
    assert_int_equal(node_go_on(node), 0);
    neighbour_release(&neighbour);
    village_release(&village);
}

static uint64_t went(struct node *node)
{
    return house_metric(&node->house, "weir_caretaker_packs_total", METRIC_COUNTER,
                        "shard=\"north\"");
}

/* Nobody knows yet what a living member has erased, until it has told as much. */
static void test_erasures_wait_for_who_lives(void **state)
{
    static struct village village;
    static struct neighbour neighbour;
    struct node *node = &village.nodes[0];

    (void)state;
    settle(&village, &neighbour);
    assert_int_equal(house_put(&node->house, 2, 1000, 1, NULL), OK);
    (void)node_go_on(node); /* it has told no more than its deletion, which is below */
    assert_int_equal(went(node), 0);
    village.authors[1].active = false; /* it has left: it will tell no more */
    (void)node_go_on(node);
    assert_int_equal(went(node), 2);
    neighbour_release(&neighbour);
    village_release(&village);
}

/* ... nor whose record nobody can read; packs past retention go all the same. */
static void test_erasures_wait_for_a_member_that_is_not_known(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];

    (void)state;
    village_init(&village);
    depot_add_pack(&village.author, 1, 0);
    village_part(&village);
    village.authors[village.author_count++] = (struct guest_author){9, {{0}}, true};
    node_read(node);
    (void)house_delete(&node->house, 1, 0, 5, true);
    (void)node_go_on(node);
    assert_int_equal(went(node), 0);
    node->house.retention_ns = 3600000000000;
    (void)node_go_on(node);
    assert_int_equal(went(node), 1);
    village_release(&village);
}

static size_t planned(struct node *node, const struct known *known)
{
    struct care_plan plan;
    size_t count;

    node->caretaker->cares->idle = (struct hash128){{0}};
    assert_int_equal(care_plan(node->caretaker->cares, known, &plan, NULL), OK);
    count = plan.compaction.pack_count;
    care_plan_release(&plan);
    return count;
}

/* ... nor whose chains are not looked for yet, as it has just entered. */
static void test_erasures_wait_for_who_has_just_entered(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct guest_author *authors;
    struct known known;

    (void)state;
    village_init(&village);
    depot_add_pack(&village.author, 1, 0);
    village_part(&village);
    node_read(node);
    (void)caretaker_step(node->caretaker);
    (void)house_delete(&node->house, 1, 0, 5, true);
    assert_true(known_take(node->guests, node->house.tenant->ordinal, &known));
    assert_int_equal(planned(node, &known), 1);
    authors = realloc(known.authors, (known.author_count + 1) * sizeof(*authors));
    assert_non_null(authors);
    known.authors = authors;
    authors[known.author_count++] = (struct guest_author){9, {{9}}, true};
    assert_int_equal(planned(node, &known), 0);
    known_release(&known);
    village_release(&village);
}

/* A chain of another shard that was not read may have deletions. */
static void test_erasures_wait_for_each_shard(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];

    (void)state;
    village_init(&village);
    village.shard_count = 2;
    depot_add_pack(&village.author, 1, 0);
    village_part(&village);
    village.author.south.fail_at = 1;
    village.author.south.fail_on = true;
    node_read(node);
    (void)house_delete(&node->house, 1, 0, 5, true);
    (void)node_go_on(node);
    assert_int_equal(went(node), 0);
    fake_heal(&village.author.south);
    (void)node_go_on(node);
    assert_int_equal(went(node), 1);
    house_expect(&node->house, 1, 5, 5);
    village_release(&village);
}

/* A deletion that does not erase takes no row out of packs. */
static void test_deletions_that_do_not_erase_change_nothing(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];

    (void)state;
    village_init(&village);
    depot_add_pack(&village.author, 1, 0);
    village_part(&village);
    node_read(node);
    (void)house_delete(&node->house, 1, 0, 5, false);
    assert_int_equal(node_go_on(node), 0);
    village_release(&village);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_author_settled_is_not_of_others),
        cmocka_unit_test(test_erasures_wait_for_who_lives),
        cmocka_unit_test(test_erasures_wait_for_a_member_that_is_not_known),
        cmocka_unit_test(test_erasures_wait_for_who_has_just_entered),
        cmocka_unit_test(test_erasures_wait_for_each_shard),
        cmocka_unit_test(test_deletions_that_do_not_erase_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
