#include "store/new_pack.h"

#include "tests/unit/store/house.h"

/* A pack of `count` notes of 1 KiB: from 64 on it has a file of its own. */
static void make(struct house *house, uint64_t number, unsigned count, struct new_pack *made)
{
    static const char note[1024] = "a note";
    const struct pack_identity identity = {
        .tenant = house->tenant->name,
        .incarnation = house->store->incarnation,
        .number = number,
        .lsn_first = 3,
        .lsn_last = 9,
        .kind = PACK_CURRENT,
        .settled = 77,
        .floor = 11,
    };
    struct pack_writer *writer = NULL;

    assert_int_equal(new_pack_make_dir(house->store, house->tenant, NULL), OK);
    assert_int_equal(new_pack_begin(house->store, &identity, &writer, NULL), OK);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pack_writer_note(writer, (struct bytes){note, sizeof(note)}, NULL), OK);
    assert_int_equal(new_pack_finish(house->tenant, &identity, writer, made, NULL), OK);
}

static void test_what_was_put_is_what_was_written(void **state)
{
    const struct index_operations *index;
    struct index_transaction *transaction;
    struct new_pack *made = calloc(2, sizeof(*made));
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    index = house.index->operations;
    make(&house, 100, 1, &made[0]);
    make(&house, 101, 80, &made[1]);
    assert_false(made[0].entry.in_file);
    assert_true(made[1].entry.in_file);
    assert_int_equal(index->begin(house.index, true, &transaction, NULL), OK);
    assert_int_equal(new_packs_put(house.store, transaction, made, 2, NULL), OK);
    for (size_t i = 0; i < 2; i++) {
        struct manifest_entry entry;
        struct buf key = BUF_INIT(100);
        struct bytes value = {0};
        struct pack *pack = NULL;

        index_key_u64(house.tenant->name, made[i].entry.number, &key);
        assert_int_equal(index->get(transaction, INDEX_MANIFEST, buf_bytes(&key), &value, NULL),
                         OK);
        assert_int_equal(manifest_entry_decode(value, &entry, NULL), OK);
        assert_int_equal(entry.number, 100 + i);
        assert_int_equal(entry.lsn_first, 3);
        assert_int_equal(entry.lsn_last, 9);
        assert_int_equal(entry.kind, PACK_CURRENT);
        assert_int_equal(entry.settled, 77);
        assert_int_equal(entry.floor, 11);
        assert_int_equal(index->get(transaction, INDEX_PACK, buf_bytes(&key), &value, NULL),
                         i == 0 ? OK : E_NOT_FOUND);
        assert_int_equal(
            store_open_pack(house.store, house.tenant->name, &entry,
                            i == 0 ? manifest_inline(&entry, value) : (struct bytes){0}, &pack,
                            NULL),
            OK);
        pack_unref(pack);
        buf_release(&key);
    }
    index->abort(transaction);
    new_packs_free(made, 2);
    house_close(&house);
    house_remove(&house);
}

static void test_what_comes_to_nothing_leaves_no_file(void **state)
{
    struct new_pack *made = calloc(2, sizeof(*made));
    struct house house;
    char path[160];

    (void)state;
    house_init(&house);
    house_open(&house);
    make(&house, 100, 1, &made[0]);
    make(&house, 101, 80, &made[1]);
    assert_true(house_path(&house, "packs/acme/0000000000000065.pack", path));
    new_packs_undo(house.store, made, 2);
    assert_false(house_path(&house, "packs/acme/0000000000000065.pack", path));
    new_packs_free(made, 2);
    house_close(&house);
    house_remove(&house);
}

/* Two directories, for packs with files alone, and a failure of either is told. */
static void test_names_are_synced(void **state)
{
    static const struct {
        size_t first;
        uint64_t fail_at;
        enum code want;
    } cases[] = {
        {0, 1, OK  },
        {1, 0, OK  },
        {1, 1, E_IO},
        {1, 2, E_IO},
        {1, 3, OK  },
    };
    struct new_pack *made = calloc(2, sizeof(*made));
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    make(&house, 100, 1, &made[0]);
    make(&house, 101, 80, &made[1]);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        house_fail(&house, cases[i].fail_at, false, E_IO);
        assert_int_equal(new_packs_sync_names(house.store, made + cases[i].first, 1, &err),
                         cases[i].want);
        house_fail(&house, 0, false, OK);
    }
    assert_int_equal(new_packs_sync_names(house.store, made, 0, NULL), OK);
    new_packs_free(made, 2);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_what_was_written),
        cmocka_unit_test(test_what_comes_to_nothing_leaves_no_file),
        cmocka_unit_test(test_names_are_synced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
