#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "store/identity.h"
#include "tests/unit/store/shelf.h"

static void test_a_new_store_has_an_identity_and_a_sealed_one_a_position(void **state)
{
    struct identity first, second;
    struct house house;
    int64_t ingest;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(identity_read(house.index, &first, NULL), OK);
    assert_int_equal(first.sealed_lsn, 0);
    assert_int_equal(first.ingest_last, 0);
    assert_int_equal(house_put(&house, 1, 0, 10, &ingest), OK);
    house_seal(&house);
    assert_int_equal(identity_read(house.index, &second, NULL), OK);
    assert_memory_equal(&first.incarnation, &second.incarnation, sizeof(first.incarnation));
    assert_int_equal(second.sealed_lsn, 1);
    assert_true(second.ingest_last == ingest);
    house_close(&house);
    house_remove(&house);
}

static void test_a_renewed_one_is_another_that_says_the_same(void **state)
{
    struct identity before, after;
    struct hash128 drawn;
    char marks[3][HASH128_TEXT_SIZE];
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_seal(&house);
    store_mark(house.store, marks[0]);
    assert_int_equal(identity_read(house.index, &before, NULL), OK);
    identity_mark(&before.incarnation, marks[1]);
    assert_string_equal(marks[0], marks[1]);
    assert_int_equal(identity_renew(house.index, &drawn, NULL), OK);
    assert_int_equal(identity_read(house.index, &after, NULL), OK);
    assert_memory_equal(&after.incarnation, &drawn, sizeof(drawn));
    assert_memory_not_equal(&after.incarnation, &before.incarnation, sizeof(drawn));
    assert_int_equal(after.sealed_lsn, before.sealed_lsn);
    identity_mark(&after.incarnation, marks[2]);
    assert_string_not_equal(marks[1], marks[2]);
    house_close(&house);
    house_remove(&house);
}

static void test_an_index_of_nobody_or_another_format_is_refused(void **state)
{
    const struct index_operations *operations;
    struct index_transaction *transaction;
    const uint32_t later = 2;
    struct identity identity;
    struct error err = {0};
    struct house house;

    (void)state;
    house_init(&house);
    house_open_index(&house);
    operations = house.index->operations;
    assert_int_equal(identity_read(house.index, &identity, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "does not say whose it is"));
    assert_int_equal(operations->begin(house.index, true, &transaction, NULL), OK);
    assert_int_equal(operations->put(transaction, INDEX_META, BYTES("format"),
                                     (struct bytes){(const char *)&later, sizeof(later)}, NULL),
                     OK);
    assert_int_equal(operations->commit(transaction, NULL), OK);
    assert_int_equal(identity_read(house.index, &identity, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "format 2, this program knows 1"));
    assert_int_equal(operations->begin(house.index, true, &transaction, NULL), OK);
    assert_int_equal(operations->put(transaction, INDEX_META, BYTES("format"), BYTES("abc"), NULL),
                     OK);
    assert_int_equal(operations->commit(transaction, NULL), OK);
    assert_int_equal(identity_read(house.index, &identity, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "3 bytes instead of 4"));
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    house_remove(&house);
}

/* Drawn once, and never beside data that some other index belongs to. */
static void test_a_first_start_draws_who_it_is(void **state)
{
    struct hash128 first, again;
    struct error err = {0};
    struct file *file;
    struct house house;
    char path[96];

    (void)state;
    house_init(&house);
    house_open_index(&house);
    assert_int_equal(identity_load(house.fs.inner, house.index, &first, NULL), OK);
    assert_int_equal(fs_open(house.fs.inner, "packs/one", FS_CREATE, &file, NULL), OK);
    fs_close(file);
    assert_int_equal(identity_load(house.fs.inner, house.index, &again, NULL), OK);
    assert_memory_equal(&first, &again, sizeof(first));
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    snprintf(path, sizeof(path), "%s/index", house.directory);
    assert_int_equal(nftw(path, house_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    house_open_index(&house);
    assert_int_equal(identity_load(house.fs.inner, house.index, &again, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "packs/ holds data but the index is empty"));
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_store_has_an_identity_and_a_sealed_one_a_position),
        cmocka_unit_test(test_a_renewed_one_is_another_that_says_the_same),
        cmocka_unit_test(test_an_index_of_nobody_or_another_format_is_refused),
        cmocka_unit_test(test_a_first_start_draws_who_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
