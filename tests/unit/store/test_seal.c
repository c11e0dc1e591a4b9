#include "tests/unit/store/house.h"

#include "store/packs/manifest.h"

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

static void test_sealed_records_are_not_replayed_and_leave_the_wal(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 5; i++)
        house_put_noise(&house, 1, (uint64_t)i);
    assert_true(wal_bytes(house.store->wal) > 2 << 20);
    house_seal(&house);
    assert_true(wal_bytes(house.store->wal) <= 4 << 20); /* current and spare */
    assert_int_equal(house_put(&house, 2, 0, 5, NULL), OK);
    house_close(&house);
    house_open(&house);
    assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 5);
    house_expect(&house, 2, 0, 5);
    house_close(&house);
    house_remove(&house);
}

/* A seal in which any one call fails: all rows are still read, and the next seal is well. */
static void test_a_seal_that_fails_anywhere_loses_nothing(void **state)
{
    static const enum code codes[] = {E_DISK_FULL, E_IO};
    uint64_t failures = 0;

    (void)state;
    for (size_t c = 0; c < COUNT_OF(codes); c++) {
        enum code code = codes[c];

        for (uint64_t n = 1; code != OK; n++) {
            struct house house;
            struct error err = {0};
            bool did;

            house_init(&house);
            house_open(&house);
            house_put_noise(&house, 7, 1); /* a pack with a file */
            assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
            house_note(&house, 0); /* and one more pack */
            house_fail(&house, n, false, codes[c]);
            code = store_step_seal(house.store, true, &did, &err);
            house_fail(&house, 0, false, OK);
            assert_true(code == OK || code == codes[c]);
            failures += code != OK;
            house_expect(&house, 1, 0, 10);
            if (n % 2 == 0) { /* by the next start or by the next step */
                house_close(&house);
                house_open(&house);
                house_expect(&house, 1, 0, 10);
            }
            if (!house.store->failed) {
                assert_int_equal(house_put(&house, 1, 10, 5, NULL), OK);
                house_seal(&house);
                house_expect(&house, 1, 0, 15);
                house_close(&house);
                house_open(&house);
                house_expect(&house, 1, 0, 15);
                assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 0);
            }
            house_close(&house);
            house_remove(&house);
        }
    }
    assert_true(failures > 10);
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

/* A pack that takes another's place in the directory is not read as it. */
static void test_a_pack_in_the_wrong_place_is_refused(void **state)
{
    struct house house;
    char first[160], second[160];
    struct view *view;
    const struct tenant *other;
    const struct bytes *missing;
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint64_t i = 1; i <= 2; i++) {
        house_put_noise(&house, 1, i);
        house_seal(&house);
    }
    house_close(&house);
    assert_true(house_path(&house, "packs/acme/0000000000000001.pack", first));
    assert_true(house_path(&house, "packs/acme/0000000000000002.pack", second));
    assert_int_equal(rename(second, first), 0);
    house_open(&house);
    assert_int_equal(pack_count(&house), 0);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    missing = view_missing(view, &count);
    assert_int_equal(count, 2); /* one is gone, one is another */
    assert_non_null(strstr(missing[0].data, "acme/0000000000000002"));
    view_free(view);
    other = catalog_tenant(house.catalog, BYTES("other")); /* whose answers are whole */
    assert_int_equal(store_view(house.store, other, VIEW_LATEST, &view, NULL), OK);
    view_missing(view, &count);
    assert_int_equal(count, 0);
    view_free(view);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_packs_are_in_the_index_and_large_ones_are_files),
        cmocka_unit_test(test_sealed_records_are_not_replayed_and_leave_the_wal),
        cmocka_unit_test(test_a_seal_that_fails_anywhere_loses_nothing),
        cmocka_unit_test(test_what_sources_have_done_is_behind_the_rows),
        cmocka_unit_test(test_a_tenant_that_only_deleted_gets_a_pack_too),
        cmocka_unit_test(test_a_deletion_is_not_in_the_pack_of_what_sources_have_done),
        cmocka_unit_test(test_a_pack_in_the_wrong_place_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
