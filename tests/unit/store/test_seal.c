#include "tests/unit/store/house.h"

#include "store/packs/manifest.h"

static size_t pack_count(struct house *house)
{
    return (size_t)house_metric(house, "weir_packs", METRIC_GAUGE, "");
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
        cmocka_unit_test(test_a_seal_that_fails_anywhere_loses_nothing),
        cmocka_unit_test(test_a_pack_in_the_wrong_place_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
