#include "tests/unit/store/guests/care_sample.h"

static void test_chains_of_all_shards_are_known(void **state)
{
    static struct village village;
    struct node *node = &village.nodes[0];
    struct known known;

    (void)state;
    village_init(&village);
    village.shard_count = 2;
    depot_add_pack(&village.author, 1, 0);
    depot_drain(&village.author);
    village.author.south.fail_at = 1;
    village.author.south.fail_on = true;
    assert_int_equal(known_end(node->guests), 0);
    assert_true(known_take(node->guests, 0, &known));
    assert_null(known.tenant);
    known_release(&known);
    node_read(node);
    (void)house_delete(&node->house, 1, 0, 5, true);
    assert_true(known_end(node->guests) > 0);
    assert_true(known_take(node->guests, node->house.tenant->ordinal, &known));
    assert_ptr_equal(known.tenant, node->house.tenant);
    assert_int_equal(known.chain_count, 2);
    assert_int_equal(known.own->count, 1);
    for (size_t i = 0; i < 2; i++) {
        const struct known_chain *chain = &known.chains[i];
        bool north = strcmp(chain->shard, "north") == 0;

        assert_int_equal(chain->member, 1);
        assert_int_equal(chain->chain != NULL, north);
        assert_int_equal(chain->looked_ns != INT64_MIN, north);
        assert_false(chain->closed); /* it lives */
        assert_true(!north || (chain->chain->whole && chain->chain->next == 1));
    }
    assert_true(known_author(&known, &village.authors[0].incarnation)->active);
    assert_null(known_author(&known, &(struct hash128){{9}}));
    known_release(&known);
    village_part(&village);
    node_read(node);
    assert_true(known_take(node->guests, node->house.tenant->ordinal, &known));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(known.chains[i].closed, strcmp(known.chains[i].shard, "north") == 0);
    known_release(&known);
    village_release(&village);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains_of_all_shards_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
