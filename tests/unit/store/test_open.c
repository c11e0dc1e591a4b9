#include "tests/unit/store/house.h"

static void put_file(const struct house *house, const char *name)
{
    char path[160];
    FILE *file;

    (void)house_path(house, name, path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
}

static void test_leftovers_go_and_what_is_not_ours_stays(void **state)
{
    static const struct {
        const char *name;
        bool stays;
    } cases[] = {
        {"packs/acme/0000000000000001.pack", true }, /* the manifest names it */
        {"packs/acme/0000000000000002.pack", false}, /* was being written when the power went */
        {"packs/acme/0000000000000002.txt",  true },
        {"packs/acme/2.pack",                true },
        {"wal/notes.txt",                    true },
    };
    struct house house;
    char path[160];

    (void)state;
    house_init(&house);
    house_open(&house);
    house_put_noise(&house, 1, 1);
    house_seal(&house);
    house_close(&house);
    for (size_t i = 1; i < COUNT_OF(cases); i++)
        put_file(&house, cases[i].name);
    house_open(&house);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (house_path(&house, cases[i].name, path) != cases[i].stays)
            fail_msg("%s", cases[i].name);
    house_close(&house);
    house_remove(&house);
}

/* An older index that was put back does not know its newest packs. */
static void test_no_pack_is_removed_while_something_is_missing(void **state)
{
    struct house house;
    char path[160];

    (void)state;
    house_init(&house);
    house_open(&house);
    house_put_noise(&house, 1, 1);
    house_seal(&house);
    house_close(&house);
    house_damage(&house, "packs/acme/0000000000000001.pack", 0);
    put_file(&house, "packs/acme/0000000000000007.pack");
    house_open(&house);
    assert_true(house_path(&house, "packs/acme/0000000000000007.pack", path));
    house_put_noise(&house, 1, 2);
    house_seal(&house);
    assert_true(house_path(&house, "packs/acme/0000000000000008.pack", path));
    house_close(&house);
    house_remove(&house);
}

/* Series, fields and deletions of packs are known to the catalog before the first question. */
static void test_the_catalog_is_filled_from_the_index(void **state)
{
    struct house house;
    struct field_info *fields;
    struct arena arena;
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint32_t s = 0; s < 5; s++)
        assert_int_equal(house_put(&house, s, 0, 1, NULL), OK);
    house_seal(&house);
    house_close(&house);
    house_open(&house);
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(catalog_series_count(house.catalog, house.tenant), 5);
    assert_int_equal(catalog_fields(house.catalog, house.tenant, BYTES("cpu"), (struct bytes){0},
                                    10, &arena, &fields, &count, NULL),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(fields[0].kind, KIND_NUMBER);
    arena_release(&arena);
    house_close(&house);
    house_remove(&house);
}

static void test_a_start_that_fails_anywhere_can_be_tried_again(void **state)
{
    enum code code = E_IO;
    uint64_t failures = 0;

    (void)state;
    for (uint64_t n = 1; code != OK; n++) {
        struct house house;

        house_init(&house);
        house_open(&house);
        house_put_noise(&house, 1, 1);
        house_seal(&house);
        assert_int_equal(house_put(&house, 2, 0, 10, NULL), OK);
        house_close(&house);
        house_fail(&house, n, false, E_IO);
        code = house_try_open(&house);
        house_fail(&house, 0, false, OK);
        failures += code != OK;
        assert_int_equal(code == OK, house.store != NULL);
        house_close(&house);
        house_open(&house);
        house_expect(&house, 2, 0, 10);
        house_close(&house);
        house_remove(&house);
    }
    assert_true(failures > 3);
}

/* The head's rows are put back into generations no larger than those that were sealed. */
static void test_a_replay_begins_generations_as_they_fill(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint64_t i = 0; i < 4; i++)
        house_put_noise(&house, (uint32_t)i, i);
    house_close(&house);
    house.limits.generation_bytes_max = 1 << 20;
    house_open(&house);
    assert_true(house.store->generation_count > 2);
    assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 80000);
    house_close(&house);
    house_remove(&house);
}

/* Who has a registry may have others beside him, from the first moment on. */
static void test_a_node_of_a_registry_knows_that_it_may_not_be_alone(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_false(store_has_members(house.store));
    house_close(&house);
    house.joins = true;
    house_open(&house);
    assert_true(store_has_members(house.store));
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leftovers_go_and_what_is_not_ours_stays),
        cmocka_unit_test(test_no_pack_is_removed_while_something_is_missing),
        cmocka_unit_test(test_the_catalog_is_filled_from_the_index),
        cmocka_unit_test(test_a_start_that_fails_anywhere_can_be_tried_again),
        cmocka_unit_test(test_a_replay_begins_generations_as_they_fill),
        cmocka_unit_test(test_a_node_of_a_registry_knows_that_it_may_not_be_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
