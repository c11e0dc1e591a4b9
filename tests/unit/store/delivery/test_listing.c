/* The entries of a chain: checkpoints, what waits for what, and whose an entry is. */
#include "store/delivery/turn.h"
#include "tests/unit/store/delivery/delivery_sample.h"

static const struct bytes acme = BYTES("acme");

/* The entry as it is at the shard; it lives in the arena. */
static void entry_read(struct depot *depot, uint64_t number, struct arena *arena,
                       struct chain_entry *entry)
{
    const struct fake_document *found;
    char id[CHAIN_ID_SIZE];

    chain_entry_id(&depot->house.store->incarnation, number, id);
    found = fake_find(&depot->north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id));
    if (found == NULL)
        fail_msg("there is no entry %llu", (unsigned long long)number);
    assert_int_equal(
        chain_entry_decode((struct bytes){found->body, found->size}, arena, entry, NULL), OK);
}

/* Puts an entry there as somebody else would, in place of what there is. */
static void entry_write(struct depot *depot, uint64_t number, const struct chain_entry *entry)
{
    struct buf body = BUF_INIT(1 << 20);
    struct fake_document *found;
    char id[CHAIN_ID_SIZE];

    chain_entry_id(&depot->house.store->incarnation, number, id);
    found = fake_find(&depot->north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id));
    if (found != NULL)
        fake_delete(&depot->north, found);
    chain_entry_encode(entry, &body);
    fake_insert(&depot->north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id), buf_bytes(&body));
    buf_release(&body);
}

static uint64_t stopped(struct depot *depot)
{
    assert_true(delivery_look(depot->delivery));
    return house_metric(&depot->house, "weir_delivery_stopped", METRIC_GAUGE, "shard=\"north\"");
}

/* Entry 256 begins the list anew, with a compaction right there, or a crash behind it. */
static void test_entry_256_is_a_checkpoint(void **state)
{
    for (int kind = 0; kind < 3; kind++) {
        struct chain_entry entry;
        struct arena arena;
        struct depot depot;

        (void)state;
        depot_init(&depot);
        depot.house.limits.generation_age_ms_max = UINT64_MAX / 2000000;
        for (int i = 0; i < 256; i++) {
            depot_add_pack(&depot, 1, i * 10);
            depot_drain(&depot);
            if (i % 40 == 39)
                (void)house_compact(&depot.house, true);
        }
        depot_drain_all(&depot);
        for (;;) { /* compactions made entries of their own */
            uint64_t entries = depot_expect(&depot, acme, "north", true);

            if (entries % 256 == 0)
                break;
            depot_add_pack(&depot, 2, (int64_t)entries * 10);
            depot_drain_all(&depot);
            assert_true(entries < 600);
        }
        depot_add_pack(&depot, 1, 5000);
        if (kind > 0)
            assert_true(house_compact(&depot.house, true) > 0);
        if (kind == 2) {
            depot.north.fail_at = depot.north.calls + 2; /* a pack, then the entry */
            depot.north.fail_on = true;
            depot.north.how = FAKE_AFTER;
            while (depot.north.failed == 0)
                assert_true(depot_step(&depot));
            fake_heal(&depot.north);
            depot_restart(&depot);
            depot_add_pack(&depot, 1, 6000);
        }
        depot_drain_all(&depot);
        (void)depot_expect(&depot, acme, "north", true);
        arena_init(&arena, SIZE_MAX, NULL);
        entry_read(&depot, 256, &arena, &entry);
        assert_true(entry.checkpoint);
        assert_true(entry.add_count > 1); /* the whole list */
        assert_int_equal(entry.remove_count, 0);
        arena_release(&arena);
        depot_release(&depot);
    }
}

/* What the chain says is there is what is there: all sealed rows once nothing is left out. */
static void test_through_is_what_was_sealed(void **state)
{
    struct chain_entry entry;
    struct arena arena;
    struct depot depot;
    int64_t ingest[3];

    (void)state;
    depot_init(&depot);
    arena_init(&arena, SIZE_MAX, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(house_put(&depot.house, 1, i * 10, 10, &ingest[i]), OK);
        house_seal(&depot.house);
        depot_drain(&depot);
        entry_read(&depot, (uint64_t)i, &arena, &entry);
        assert_true(entry.through == ingest[i]);
    }
    depot.house.tenant = catalog_tenant(depot.house.catalog, BYTES("other"));
    assert_int_equal(house_put(&depot.house, 1, 0, 10, NULL), OK);
    house_seal(&depot.house);
    depot_drain(&depot);
    depot.house.tenant = catalog_tenant(depot.house.catalog, acme);
    assert_true(house_compact(&depot.house, true) > 0);
    depot_drain(&depot);
    entry_read(&depot, 3, &arena, &entry);
    assert_true(entry.through > ingest[2]); /* the other tenant's seal says so, too */
    assert_int_equal(entry.remove_count, 3);
    assert_int_equal(entry.add_count, 1);
    arena_release(&arena);
    depot_release(&depot);
}

/* A merged pack that is damaged here leaves at the shard what it was made of. */
static void test_what_a_damaged_pack_replaces_stays(void **state)
{
    struct depot depot;
    struct chain_list list = {0};
    int64_t through, before;
    char path[160];

    (void)state;
    depot_init(&depot);
    for (uint64_t i = 0; i < 2; i++) {
        house_put_noise(&depot.house, (uint32_t)i, i);
        house_seal(&depot.house);
    }
    depot_drain(&depot);
    (void)depot_chain(&depot, acme, "north", &list, &before);
    chain_list_release(&list);
    assert_true(house_compact(&depot.house, true) > 0);
    assert_true(house_path(&depot.house, "packs/acme/0000000000000003.pack", path));
    house_damage(&depot.house, "packs/acme/0000000000000003.pack", 5000);
    depot_add_pack(&depot, 5, 0);
    depot_drain_all(&depot);
    (void)depot_chain(&depot, acme, "north", &list, &through);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.packs[0].entry.number, 1);
    assert_int_equal(list.packs[1].entry.number, 2);
    assert_true(list.packs[2].entry.number > 3);
    assert_true(through == before);
    for (size_t i = 0; i < list.count; i++)
        depot_expect_pack(&depot, acme, "north", &list.packs[i]);
    chain_list_release(&list);
    depot_release(&depot);
}

/* Rows whose versions are in a second pack are not named without it. */
static void test_a_history_comes_with_its_current_pack(void **state)
{
    static const _Atomic int64_t looked = 0;
    struct chain_list list = {0};
    struct recipient *recipient;
    struct depot depot;
    int64_t through;
    unsigned turns = 0;

    (void)state;
    depot_init(&depot);
    for (uint64_t i = 0; i < 2; i++) {
        house_put_noise(&depot.house, 1, i); /* two versions of each row */
        house_seal(&depot.house);
    }
    assert_true(house_compact(&depot.house, true) > 0);
    assert_int_equal(house_packs(&depot.house, PACK_HISTORY, NULL), 1);
    recipient = recipient_new(depot.house.tenant, &depot.house.clock.clock, &looked);
    recipient_move(recipient, "north");
    while (list.count == 0) {
        struct archive *archive = fake_open(&depot.north);
        struct turn turn = {
            .store = depot.house.store, .archive = archive, .recipient = recipient, .bytes_max = 1};

        assert_int_equal(turn_deliver(&turn, NULL), OK);
        assert_true(turn.acted);
        turns++;
        archive->operations->close(archive);
        (void)depot_chain(&depot, acme, "north", &list, &through);
    }
    assert_int_equal(list.count, 2);
    assert_true(turns > 3);
    chain_list_release(&list);
    recipient_free(recipient);
    depot_release(&depot);
}

/* Entry 1 is there when the turn comes to it: ours of before a crash, or not ours. */
enum foreign {
    OF_ANOTHER_TENANT,
    OF_ANOTHER_NUMBER,
    OF_ANOTHER_CHAIN,
    OF_THE_FUTURE,
    WITH_AN_UNKNOWN_PACK,
    WITH_ANOTHER_HASH,
    REMOVES_WHAT_LIVES,
    REMOVES_THE_UNKNOWN,
    FORGETS_WHAT_LIVES,
    NO_ENTRY_AT_ALL,
    FOREIGN_COUNT
};

static void write_foreign(struct depot *depot, enum foreign foreign)
{
    struct chain_pack adds[2];
    struct chain_removed removed = {1, depot->house.store->incarnation};
    struct chain_entry entry = {
        .incarnation = depot->house.store->incarnation,
        .tenant = acme,
        .number = 1,
        .adds = adds,
        .add_count = 1,
        .removes = &removed,
    };
    struct diff diff;
    char id[CHAIN_ID_SIZE];

    assert_int_equal(delivered_compare(depot->house.index, acme, BYTES("north"), &diff, NULL), OK);
    entry.through = diff.ingest_last;
    adds[0] = diff.packs[1].pack; /* number 2 */
    diff_release(&diff);
    switch (foreign) {
    case OF_ANOTHER_TENANT:
        entry.tenant = BYTES("acm");
        break;
    case OF_ANOTHER_NUMBER:
        entry.number = 2;
        break;
    case OF_ANOTHER_CHAIN:
        entry.incarnation.bytes[0] ^= 1;
        break;
    case OF_THE_FUTURE:
        entry.through++;
        break;
    case WITH_AN_UNKNOWN_PACK:
        adds[1] = adds[0];
        adds[1].entry.number = 77;
        entry.add_count = 2;
        break;
    case WITH_ANOTHER_HASH:
        adds[0].entry.hash.bytes[5] ^= 1;
        break;
    case REMOVES_WHAT_LIVES:
        entry.remove_count = 1;
        break;
    case REMOVES_THE_UNKNOWN:
        removed.number = 76;
        entry.remove_count = 1;
        break;
    case FORGETS_WHAT_LIVES:
        entry.checkpoint = true; /* without pack 1 */
        break;
    case NO_ENTRY_AT_ALL:
        chain_entry_id(&entry.incarnation, 1, id);
        fake_insert(&depot->north, "weir_acme", ARCHIVE_MANIFESTS, bytes_of(id), BYTES("nothing"));
        return;
    case FOREIGN_COUNT:
        break;
    }
    entry_write(depot, 1, &entry);
}

/* Pack 1 is listed, pack 2 is there and in no entry that we know of. */
static void begin_second(struct depot *depot)
{
    depot_init(depot);
    depot_add_pack(depot, 1, 0);
    depot_drain(depot);
    depot_add_pack(depot, 1, 10);
    depot->north.fail_at = depot->north.calls + 2;
    depot->north.fail_on = true;
    depot->north.how = FAKE_BEFORE;
    depot_step(depot);
    assert_int_equal(depot->north.failed, 1);
    fake_heal(&depot->north);
    depot_restart(depot);
}

static void test_an_entry_that_is_not_ours_ends_delivery(void **state)
{
    (void)state;
    for (int foreign = 0; foreign < FOREIGN_COUNT; foreign++) {
        struct depot depot;

        begin_second(&depot);
        write_foreign(&depot, (enum foreign)foreign);
        depot_drain_all(&depot);
        if (stopped(&depot) != 1)
            fail_msg("entry %d was taken for ours", foreign);
        assert_int_equal(depot_drain(&depot), 0); /* for good */
        depot_release(&depot);
    }
}

/* The same with an entry that was right: it is ours, with less or more than what is to be said by
 * now. */
static void test_an_entry_of_before_a_crash_is_ours(void **state)
{
    (void)state;
    for (int more = 0; more < 3; more++) {
        struct depot depot;

        begin_second(&depot);
        write_foreign(&depot, FOREIGN_COUNT);
        if (more > 0)
            depot_add_pack(&depot, 1, 20);
        if (more > 1)
            assert_true(house_compact(&depot.house, true) > 0);
        depot_drain_all(&depot);
        assert_int_equal(stopped(&depot), 0);
        assert_int_equal(depot_expect(&depot, acme, "north", true), more > 0 ? 3 : 2);
        depot_release(&depot);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_256_is_a_checkpoint),
        cmocka_unit_test(test_through_is_what_was_sealed),
        cmocka_unit_test(test_what_a_damaged_pack_replaces_stays),
        cmocka_unit_test(test_a_history_comes_with_its_current_pack),
        cmocka_unit_test(test_an_entry_that_is_not_ours_ends_delivery),
        cmocka_unit_test(test_an_entry_of_before_a_crash_is_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
