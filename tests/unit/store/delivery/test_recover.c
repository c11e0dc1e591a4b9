#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/delivery/delivered_house.h"

static void test_what_was_delivered_is_served_by_another_store(void **state)
{
    struct identity source;
    struct house served;
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    if (recover(&ground))
        fail_msg("%s", ground.err.text);
    assert_int_equal(ground.report.packs, 5);
    assert_int_equal(ground.report.rows, 60020);
    assert_int_equal(ground.report.series, 5);
    assert_true(ground.steps > 5);
    assert_int_equal(identity_read(ground.house.index, &source, NULL), OK);
    assert_true(ground.report.through == source.ingest_last);
    assert_memory_not_equal(&ground.report.incarnation, &source.incarnation,
                            sizeof(source.incarnation));
    house_init(&served);
    (void)rmdir(served.directory);
    memcpy(served.directory, ground.made.directory, sizeof(served.directory));
    house_open(&served);
    house_expect(&served, 4, 0, 10);
    house_expect(&served, 5, 0, 10);
    assert_int_equal(house_put(&served, 6, 0, 10, NULL), OK);
    house_seal(&served);
    house_expect(&served, 6, 0, 10);
    house_close(&served);
    ground_release(&ground);
}

static void more_parts(struct chain_pack *packs, size_t count)
{
    (void)count;
    packs[1].parts++;
}

static void fewer_parts(struct chain_pack *packs, size_t count)
{
    (void)count;
    packs[1].parts--;
}

static void smaller(struct chain_pack *packs, size_t count)
{
    (void)count;
    packs[1].entry.bytes--;
}

static void another_hash(struct chain_pack *packs, size_t count)
{
    (void)count;
    packs[1].entry.hash.bytes[3] ^= 1;
}

static void other_rows(struct chain_pack *packs, size_t count)
{
    (void)count;
    packs[1].entry.row_count++;
}

static void endless(struct chain_pack *packs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        packs[i].entry.bytes = UINT64_MAX / 2;
}

static void huge(struct chain_pack *packs, size_t count)
{
    (void)count;
    packs[1].entry.bytes = UINT64_MAX / 16;
}

static void test_what_is_not_as_the_chain_says_is_refused_by_name(void **state)
{
    static const struct {
        const char *name;
        void (*edit)(struct chain_pack *packs, size_t count);
        enum code want;
        const char *told;
    } cases[] = {
        {"a part that is missing",      more_parts,   E_CORRUPT,   "names it still"      },
        {"a part too few",              fewer_parts,  E_CORRUPT,   "documents together"  },
        {"a byte too many",             smaller,      E_CORRUPT,   "are more than its"   },
        {"another hash",                another_hash, E_CORRUPT,   "documents together"  },
        {"other rows",                  other_rows,   E_CORRUPT,   "0000000000000002"    },
        {"more than there can be",      endless,      E_CORRUPT,   "larger than any disk"},
        {"more than there is room for", huge,         E_DISK_FULL, "bytes are free there"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ground ground;
        enum code code;

        ground_init(&ground, cases[i].edit);
        code = recover(&ground);
        if (code != cases[i].want || !strstr(ground.err.text, cases[i].told))
            fail_msg("%s: got %d: %s", cases[i].name, code, ground.err.text);
        if (i < 5 && !strstr(ground.err.text, "packs/acme/0000000000000002.pack"))
            fail_msg("%s: %s", cases[i].name, ground.err.text);
        ground_release(&ground);
    }
}

static void test_a_turned_bit_is_noticed(void **state)
{
    struct ground ground;
    struct listed_document *document;
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];

    (void)state;
    ground_init(&ground, NULL);
    chain_database(BYTES("acme"), database);
    chain_part_id(&ground.tenant.incarnation, 2, 1, id);
    document = listed_find(&ground.listed, bytes_of(database), ARCHIVE_PACKS, bytes_of(id));
    assert_non_null(document);
    document->body.data[77] ^= 8;
    assert_int_equal(recover(&ground), E_CORRUPT);
    assert_non_null(strstr(ground.err.text, "packs/acme/0000000000000002.pack"));
    ground_release(&ground);
}

static void test_a_shard_that_does_not_answer_for_a_while_is_waited_for(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    ground.listed.fail_at = 8; /* behind the chain's entries */
    ground.listed.failures = 2;
    ground.listed.code = E_NOT_READY;
    if (recover(&ground))
        fail_msg("%s", ground.err.text);
    assert_int_equal(ground.listed.failures, 0);
    ground_release(&ground);
}

static void test_patience_has_an_end_and_an_interrupt_ends_it_before(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    ground.listed.fail_at = 8;
    ground.listed.failures = UINT32_MAX;
    ground.listed.code = E_TIMEOUT;
    ground.options.patience_ns = 150000000;
    assert_int_equal(recover(&ground), E_TIMEOUT);
    assert_non_null(strstr(ground.err.text, "the test's shard says no"));
    ground_release(&ground);
    ground_init(&ground, NULL);
    ground.listed.fail_at = 8;
    ground.listed.failures = UINT32_MAX;
    ground.listed.code = E_TIMEOUT;
    ground.stop_at = 7;
    assert_int_equal(recover(&ground), E_CANCELLED);
    ground_release(&ground);
}

static void test_what_will_not_get_better_is_not_waited_for(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    ground.listed.fail_at = 8;
    ground.listed.failures = 1;
    ground.listed.code = E_CONFIG;
    assert_int_equal(recover(&ground), E_CONFIG);
    ground_release(&ground);
}

static void test_it_can_be_ended_at_every_step(void **state)
{
    unsigned steps;
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    assert_int_equal(recover(&ground), OK);
    steps = ground.steps;
    ground_release(&ground);
    for (unsigned n = 1; n <= steps; n++) {
        ground_init(&ground, NULL);
        ground.stop_at = n;
        assert_int_equal(recover(&ground), E_CANCELLED);
        ground_release(&ground);
    }
}

/* The source compacts and delivers what came of it; documents of what was merged are gone. */
static void compact_meanwhile(void *context)
{
    struct ground *ground = context;
    const struct index_operations *index = ground->house.index->operations;
    struct delivering delivering = {.ground = ground};
    struct chain_removed removed[16];
    struct chain_entry entry = {
        .incarnation = ground->tenant.incarnation,
        .tenant = BYTES("acme"),
        .number = 1,
        .through = ground->through,
        .adds = delivering.packs,
        .removes = removed,
    };
    char prefix[CHAIN_ID_SIZE];

    if (ground->listed.gets != ground->compact_at)
        return;
    assert_true(house_compact(&ground->house, true) > 0);
    for (uint64_t number = 1; number <= 5; number++) {
        removed[entry.remove_count++] = (struct chain_removed){number, ground->tenant.incarnation};
        chain_part_id(&ground->tenant.incarnation, number, 0, prefix);
        *strrchr(prefix, '/') = '\0';
        listed_drop(&ground->listed, prefix);
    }
    assert_int_equal(index->begin(ground->house.index, false, &delivering.transaction, NULL), OK);
    assert_int_equal(index->walk(delivering.transaction, INDEX_MANIFEST, (struct bytes){0},
                                 deliver_pack, &delivering, NULL),
                     OK);
    index->abort(delivering.transaction);
    entry.add_count = delivering.count;
    assert_true(delivering.packs[0].entry.number > 5);
    listed_put_entry(&ground->listed, &entry);
}

/* At every second document that is fetched. */
static void test_what_is_compacted_meanwhile_is_fetched_in_its_new_form(void **state)
{
    unsigned gets = 1000;

    (void)state;
    for (unsigned n = 1; n <= gets; n += 2) {
        struct house served;
        struct ground ground;
        size_t packs;

        ground_init(&ground, NULL);
        ground.compact_at = n;
        ground.listed.before_get = compact_meanwhile;
        ground.listed.context = &ground;
        if (recover(&ground))
            fail_msg("at document %u: %s", n, ground.err.text);
        if (n == 1)
            gets = ground.listed.gets;
        (void)house_packs(&ground.house, PACK_CURRENT, &packs);
        assert_int_equal(ground.report.packs, packs);
        house_init(&served);
        (void)rmdir(served.directory);
        memcpy(served.directory, ground.made.directory, sizeof(served.directory));
        house_open(&served);
        assert_int_equal(served.store->missing_count, 0);
        house_expect(&served, 4, 0, 10);
        house_expect(&served, 5, 0, 10);
        house_close(&served);
        ground_release(&ground);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_delivered_is_served_by_another_store),
        cmocka_unit_test(test_what_is_not_as_the_chain_says_is_refused_by_name),
        cmocka_unit_test(test_a_turned_bit_is_noticed),
        cmocka_unit_test(test_a_shard_that_does_not_answer_for_a_while_is_waited_for),
        cmocka_unit_test(test_patience_has_an_end_and_an_interrupt_ends_it_before),
        cmocka_unit_test(test_what_will_not_get_better_is_not_waited_for),
        cmocka_unit_test(test_it_can_be_ended_at_every_step),
        cmocka_unit_test(test_what_is_compacted_meanwhile_is_fetched_in_its_new_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
