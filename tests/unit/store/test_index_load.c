#include "store/index_load.h"

#include "tests/unit/store/house.h"

/* A house whose index has series, a field, packs of both kinds, a deletion, and a position. */
static void house_furnish(struct house *house)
{
    struct posting posting;

    house_init(house);
    house_open(house);
    for (uint32_t s = 0; s < 3; s++)
        assert_int_equal(house_put(house, s, 0, 10, NULL), OK);
    house_seal(house);
    house_put_noise(house, 3, 1);
    house_seal(house);
    posting_init(&posting, house);
    posting.tombstone =
        (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = 3, .end = 5};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    posting_release(&posting);
    house_seal(house);
}

static void test_a_start_finds_what_the_index_was_told(void **state)
{
    struct house house;
    const struct holding *holding;
    uint64_t sealed_lsn, pack_next;
    int64_t sealed_ingest;
    size_t packs;

    (void)state;
    house_furnish(&house);
    sealed_lsn = house.store->sealed_lsn;
    sealed_ingest = house.store->sealed_ingest;
    pack_next = house.store->pack_next;
    packs = house.store->holdings[house.tenant->ordinal]->packs->count;
    assert_true(sealed_lsn > 0 && sealed_ingest > 0 && packs == 3);
    house_close(&house);

    house_open(&house);
    assert_int_equal(house.store->sealed_lsn, sealed_lsn);
    assert_int_equal(house.store->sealed_ingest, sealed_ingest);
    assert_int_equal(house.store->pack_next, pack_next);
    assert_int_equal(house.store->fields_stored.count, 1);
    holding = house.store->holdings[house.tenant->ordinal];
    assert_int_equal(holding->packs->count, packs);
    assert_int_equal(holding->tombstones->count, 1);
    assert_int_equal(holding->tombstones->tombstones[0].start, 3);
    for (uint32_t s = 0; s < 4; s++)
        assert_true(house_series(&house, s)->stored);
    assert_false(house_series(&house, 4)->stored);
    house_close(&house);
    house_remove(&house);
}

/* One entry that says nothing sensible is no reason to guess: the start says which table has it. */
static void test_a_damaged_entry_ends_the_start(void **state)
{
    static const struct {
        enum index_table table;
        struct bytes key;
        const char *text;
    } cases[] = {
        {INDEX_SERIES,    BYTES("acme"),       "a series entry without a tenant"  },
        {INDEX_FIELD,     BYTES("acme\0x"),    "a damaged field entry"            },
        {INDEX_MANIFEST,  BYTES("acme"),       "a manifest entry without a tenant"},
        {INDEX_TOMBSTONE, BYTES("acme"),       "a deletion without a tenant"      },
        {INDEX_META,      BYTES("sealed_lsn"), "sealed_lsn has 1 bytes"           },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct index_operations *index;
        struct index_transaction *transaction;
        struct house house;

        house_furnish(&house);
        index = house.index->operations;
        assert_int_equal(index->begin(house.index, true, &transaction, NULL), OK);
        assert_int_equal(index->put(transaction, cases[i].table, cases[i].key, BYTES("x"), NULL),
                         OK);
        assert_int_equal(index->commit(transaction, NULL), OK);
        house_close(&house);
        assert_int_equal(house_try_open(&house), E_CORRUPT);
        if (strstr(house.err.text, cases[i].text) == NULL)
            fail_msg("case %zu: %s", i, house.err.text);
        house_close(&house);
        house_remove(&house);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_start_finds_what_the_index_was_told),
        cmocka_unit_test(test_a_damaged_entry_ends_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
