#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "store/pack_carry.h"
#include "tests/unit/store/shelf.h"

static const char second_file[] = "packs/acme/0000000000000002.pack";

struct ground {
    struct house house;
    struct shelf shelf;
    struct pack_carry carry;
};

static void ground_init(struct ground *ground, bool link)
{
    house_init(&ground->house);
    house_open(&ground->house);
    shelf_fill_house(&ground->house);
    shelf_init(&ground->shelf);
    ground->carry = (struct pack_carry){
        .files = {.from = ground->house.fs.inner, .to = ground->shelf.fs},
        .link = link,
    };
}

static void ground_release(struct ground *ground)
{
    house_close(&ground->house);
    house_remove(&ground->house);
    shelf_release(&ground->shelf);
}

static void test_files_are_linked_or_copied_and_only_once(void **state)
{
    (void)state;
    for (int link = 0; link < 2; link++) {
        struct pack_totals totals;
        struct ground ground;
        struct stat status;
        char path[160];

        ground_init(&ground, link == 1);
        assert_int_equal(pack_totals_of(ground.house.index, &totals, NULL), OK);
        assert_int_equal(totals.packs, 4);
        assert_int_equal(totals.files, 3); /* the small one is in the index */
        assert_int_equal(totals.rows, 60010);
        for (int run = 0; run < 2; run++) {
            assert_int_equal(pack_carry(&ground.carry, ground.house.index, NULL), OK);
            assert_int_equal(ground.carry.linked, link == 1 ? 3 : 0);
            assert_int_equal(ground.carry.copied, link == 1 ? 0 : 3);
        }
        assert_int_equal(shelf_count(&ground.shelf, "packs/acme"), 3);
        snprintf(path, sizeof(path), "%s/%s", ground.shelf.directory, second_file);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_nlink, link == 1 ? 2 : 1);
        ground_release(&ground);
    }
}

static void test_what_is_not_as_the_entry_says_is_named(void **state)
{
    (void)state;
    for (int link = 0; link < 2; link++) {
        struct ground ground;
        struct error err = {0};
        struct shelf source;
        char path[160];

        ground_init(&ground, link == 1);
        snprintf(path, sizeof(path), "%s/%s", ground.house.directory, second_file);
        source.fs = ground.house.fs.inner;
        shelf_damage(&source, second_file, 30000);
        assert_int_equal(pack_carry(&ground.carry, ground.house.index, &err),
                         link == 1 ? OK : E_CORRUPT); /* what is linked is not read */
        if (link == 0)
            assert_non_null(strstr(err.text, second_file));
        assert_int_equal(fs_unlink(ground.shelf.fs, second_file, NULL),
                         link == 1 ? OK : E_NOT_FOUND);
        assert_int_equal(truncate(path, 1000), 0);
        assert_int_equal(pack_carry(&ground.carry, ground.house.index, &err), E_CORRUPT);
        assert_non_null(strstr(err.text, second_file));
        assert_non_null(strstr(err.text, "1000 bytes instead of"));
        ground_release(&ground);
    }
}

static void test_a_pack_that_went_is_told_and_named(void **state)
{
    (void)state;
    for (int link = 0; link < 2; link++) {
        struct ground ground;
        struct error err = {0};

        ground_init(&ground, link == 1);
        assert_int_equal(fs_unlink(ground.house.fs.inner, second_file, NULL), OK);
        assert_int_equal(pack_carry(&ground.carry, ground.house.index, &err), E_NOT_FOUND);
        assert_string_equal(ground.carry.gone, second_file);
        ground_release(&ground);
    }
}

static void test_files_that_nobody_names_go(void **state)
{
    static const char *const strangers[] = {"packs/acme/0000000000000099.pack",
                                            "packs/acme/letters"};
    struct ground ground;

    (void)state;
    ground_init(&ground, true);
    assert_int_equal(pack_carry(&ground.carry, ground.house.index, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        struct file *file;

        assert_int_equal(fs_open(ground.shelf.fs, strangers[i], FS_CREATE, &file, NULL), OK);
        fs_close(file);
    }
    assert_int_equal(pack_carry_prune(ground.shelf.fs, ground.house.index, NULL), OK);
    assert_int_equal(shelf_count(&ground.shelf, "packs/acme"), 3);
    ground_release(&ground);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_linked_or_copied_and_only_once),
        cmocka_unit_test(test_what_is_not_as_the_entry_says_is_named),
        cmocka_unit_test(test_a_pack_that_went_is_told_and_named),
        cmocka_unit_test(test_files_that_nobody_names_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
