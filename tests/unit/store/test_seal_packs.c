#include "tests/unit/store/house.h"

static size_t pack_count(struct house *house)
{
    return (size_t)house_metric(house, "weir_packs", METRIC_GAUGE, "");
}

static void test_small_packs_are_in_the_index_and_large_ones_are_files(void **state)
{
    struct house house;
    char path[160];

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_seal(&house);
    assert_false(house_path(&house, "packs/acme/0000000000000001.pack", path));
    house_put_noise(&house, 2, 1);
    house_seal(&house);
    assert_true(house_path(&house, "packs/acme/0000000000000002.pack", path));
    assert_int_equal(pack_count(&house), 2);
    house_expect(&house, 1, 0, 10);
    house_close(&house);
    house_open(&house);
    assert_int_equal(pack_count(&house), 2);
    house_expect(&house, 1, 0, 10);
    house_close(&house);
    house_remove(&house);
}

/* What sources have done is a pack of its own, behind the rows and what goes with them. */
static void test_what_sources_have_done_is_behind_the_rows(void **state)
{
    static const char *const measurements[] = {"\x01"
                                               "a",
                                               "\x01"
                                               "a\x01"
                                               "cpu",
                                               "\x01"
                                               "b",
                                               "\x01"
                                               "b\x01"
                                               "cpu",
                                               "cpu"};
    const struct pack_list *list;
    const struct pack_block *blocks;
    struct posting posting;
    struct house house;
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    posting_init(&posting, &house);
    for (size_t i = 0; i < COUNT_OF(measurements); i++)
        posting_row(&posting, house_series_of(&house, measurements[i], 1), 0, 0);
    house_post(&house, &posting);
    house_seal(&house);
    list = house.store->holdings[house.tenant->ordinal]->packs;
    assert_int_equal(list->count, 2);
    blocks = pack_blocks(list->packs[0], &count);
    assert_int_equal(count, 3);
    assert_true(bytes_equal(blocks[0].measurement, bytes_of(measurements[1])));
    assert_true(bytes_equal(blocks[1].measurement, bytes_of(measurements[3])));
    assert_true(bytes_equal(blocks[2].measurement, bytes_of(measurements[4])));
    assert_false(pack_is_notes(list->packs[0]));
    blocks = pack_blocks(list->packs[1], &count);
    assert_int_equal(count, 2);
    assert_true(bytes_equal(blocks[0].measurement, bytes_of(measurements[0])));
    assert_true(bytes_equal(blocks[1].measurement, bytes_of(measurements[2])));
    assert_true(pack_is_notes(list->packs[1]));
    assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 0);
    house_close(&house);
    house_open(&house);
    house_expect(&house, 1, 0, 1);
    assert_int_equal(house_packs(&house, PACK_PLAIN, &count), 2);
    house_close(&house);
    house_remove(&house);
}

static void delete_some(struct house *house)
{
    struct posting posting;

    posting_init(&posting, house);
    posting.tombstone =
        (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = 1, .end = 2};
    house_post(house, &posting);
}

static void test_a_tenant_that_only_deleted_gets_a_pack_too(void **state)
{
    struct house house;
    struct view *view;
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    delete_some(&house);
    house_seal(&house);
    assert_int_equal(pack_count(&house), 1);
    house_close(&house);
    house_open(&house);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    (void)view_tombstones(view, &count);
    assert_int_equal(count, 1);
    view_free(view);
    house_close(&house);
    house_remove(&house);
}

static enum code count_one(void *context, struct bytes entry, struct error *err)
{
    (void)entry, (void)err;
    ++*(size_t *)context;
    return OK;
}

/* What may have to wait where it is delivered takes no deletion along. */
static void test_a_deletion_is_not_in_the_pack_of_what_sources_have_done(void **state)
{
    const struct pack_list *list;
    struct house house;
    size_t count = 0;

    (void)state;
    house_init(&house);
    house_open(&house);
    delete_some(&house);
    house_note(&house, 0);
    house_seal(&house);
    list = house.store->holdings[house.tenant->ordinal]->packs;
    assert_int_equal(list->count, 2);
    assert_int_equal(pack_walk_tombstones(list->packs[0], count_one, &count, NULL), OK);
    assert_int_equal(count, 1);
    assert_int_equal(pack_about(list->packs[0]).row_count, 0);
    assert_int_equal(pack_walk_tombstones(list->packs[1], count_one, &count, NULL), OK);
    assert_int_equal(count, 1);
    assert_true(pack_is_notes(list->packs[1]));
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_packs_are_in_the_index_and_large_ones_are_files),
        cmocka_unit_test(test_what_sources_have_done_is_behind_the_rows),
        cmocka_unit_test(test_a_tenant_that_only_deleted_gets_a_pack_too),
        cmocka_unit_test(test_a_deletion_is_not_in_the_pack_of_what_sources_have_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
