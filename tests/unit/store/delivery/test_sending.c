/* Parts of packs, as a turn sends them. */
#include "store/delivery/turn.h"

#include "tests/unit/store/delivery/away_depot.h"

static const struct bytes acme = BYTES("acme");

/* A turn of so many bytes at the recipient's shard, without a delivery; whether it acted. */
static bool take_turn(struct depot *depot, struct recipient *recipient, uint64_t bytes_max)
{
    struct archive *archive = fake_open(depot_fake(depot, recipient->shard));
    struct turn turn = {.store = depot->house.store,
                        .archive = archive,
                        .recipient = recipient,
                        .bytes_max = bytes_max};
    struct error err = {0};

    if (turn_deliver(&turn, &err) != OK)
        fail_msg("%s", err.text);
    archive->operations->close(archive);
    return turn.acted;
}

static struct recipient *recipient_at(struct depot *depot, const char *shard)
{
    static const _Atomic int64_t looked = 0;
    struct recipient *recipient =
        recipient_new(depot->house.tenant, &depot->house.clock.clock, &looked);

    assert_non_null(recipient);
    recipient_move(recipient, shard);
    return recipient;
}

static struct recipient *recipient_at_north(struct depot *depot)
{
    return recipient_at(depot, "north");
}

/* Several packs' worth of noise in one: more than a part. */
static void add_large_pack(struct depot *depot, uint64_t seed)
{
    for (uint32_t series = 1; series <= 14; series++)
        house_put_noise(&depot->house, series, seed + series);
    house_seal(&depot->house);
}

static uint64_t packs_listed_at(struct depot *depot, const char *shard)
{
    struct chain_list list = {0};
    int64_t through;
    uint64_t count;

    (void)depot_chain(depot, acme, shard, &list, &through);
    count = list.count;
    chain_list_release(&list);
    return count;
}

static uint64_t packs_listed(struct depot *depot)
{
    return packs_listed_at(depot, "north");
}

/* Oldest first, as many as the bytes allow; a pack may take several turns, and is named when it is
 * whole. */
static void test_a_turn_sends_so_much_and_the_next_goes_on(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    uint64_t before;

    (void)state;
    depot_init(&depot);
    depot.house.limits.generation_bytes_max = 64 << 20;
    depot_restart(&depot);
    add_large_pack(&depot, 1);
    depot_add_pack(&depot, 1, 100000);
    depot_add_pack(&depot, 2, 100000);
    recipient = recipient_at_north(&depot);
    assert_true(take_turn(&depot, recipient, 1000000)); /* a part of the first */
    assert_int_equal(packs_listed(&depot), 0);
    assert_int_equal(depot_documents(&depot, acme, "north"), 1);
    assert_true(recipient_waits(recipient, depot.house.store));
    before = depot.north.put_bytes;
    for (int turns = 0; packs_listed(&depot) == 0; turns++) {
        assert_true(turns < 10);
        assert_true(take_turn(&depot, recipient, 1000000));
    }
    assert_true(depot.north.put_bytes - before < 5000000);
    for (int turns = 0; take_turn(&depot, recipient, 1); turns++) /* a part at a time */
        assert_true(turns < 20);
    assert_false(recipient_waits(recipient, depot.house.store));
    assert_int_equal(depot_expect(&depot, acme, "north", true), 3);
    recipient_free(recipient);
    recipient_free(NULL);
    depot_release(&depot);
}

/* A pack is read anew when another one was sent between its parts, and after a restart; what is
 * there is found. */
static void test_a_part_is_not_stored_twice(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    uint64_t once;

    (void)state;
    depot_init(&depot);
    depot.house.limits.generation_bytes_max = 64 << 20;
    depot_restart(&depot);
    add_large_pack(&depot, 1);
    recipient = recipient_at_north(&depot);
    assert_true(take_turn(&depot, recipient, 1000000));
    assert_int_equal(depot_documents(&depot, acme, "north"), 1);
    once = depot.north.put_bytes;
    recipient_free(recipient);
    recipient = recipient_at_north(&depot); /* knows nothing of it */
    assert_true(take_turn(&depot, recipient, 1000000));
    assert_int_equal(depot.north.put_bytes, once);
    while (take_turn(&depot, recipient, 64 << 20))
        ;
    depot_expect(&depot, acme, "north", true);
    recipient_free(recipient);
    depot_release(&depot);
}

struct meddler {
    struct depot *depot;
    uint64_t at;
    bool did, seals;
};

/* Somebody compacts, or seals, while a turn is under way. */
static void meddle(void *context, uint64_t call)
{
    struct meddler *meddler = context;

    if (call != meddler->at)
        return;
    meddler->did = true;
    if (meddler->seals)
        depot_add_pack(meddler->depot, 9, 0);
    else
        assert_true(house_compact(&meddler->depot->house, true) > 0);
}

static void test_packs_change_while_they_are_sent(void **state)
{
    for (int seals = 0; seals < 2; seals++)
        for (uint64_t at = 1, more = 1; more; at++) {
            struct depot depot;
            struct meddler meddler = {&depot, at, false, seals == 1};

            (void)state;
            depot_init(&depot);
            for (int i = 0; i < 3; i++)
                depot_add_pack(&depot, 1, i * 10);
            depot.north.hook = meddle;
            depot.north.hook_context = &meddler;
            while (depot_step(&depot))
                ;
            depot_drain_all(&depot);
            more = meddler.did;
            depot_expect(&depot, acme, "north", true);
            house_expect(&depot.house, 1, 0, 30);
            depot_release(&depot);
        }
}

/* More is away at a dead shard than a turn sends: what is here is delivered all the same, also what
 * was merged at the new shard meanwhile; and the rest when the old one is back. */
static void test_what_is_away_at_a_dead_shard_holds_nothing_up(void **state)
{
    struct recipient *recipient;
    struct depot *depot;
    struct yard yard;
    uint64_t asked;

    (void)state;
    yard_init(&yard, 1);
    depot = &yard.depot;
    yard_add_apart(&yard, 3);
    assert_int_equal(yard_look(&yard), 1);
    assert_int_equal(yard_away(&yard), 3);
    depot->north.fail_at = depot->north.calls + 1;
    depot->north.fail_on = true;
    recipient = recipient_at(depot, "south");
    for (uint32_t i = 0; i < 3; i++) {
        depot_add_pack(depot, 9, i * 10);
        for (int turn = 0; turn < 3; turn++)
            (void)take_turn(depot, recipient, 1000);
        assert_int_equal(packs_listed_at(depot, "south"), i + 1);
    }
    asked = depot->north.calls;
    for (int turn = 0; turn < 5; turn++)
        (void)take_turn(depot, recipient, 1000);
    assert_true(depot->north.calls - asked <= 1); /* it rests */
    assert_true(house_compact(&depot->house, true) > 0);
    for (int turn = 0; turn < 3; turn++)
        (void)take_turn(depot, recipient, 1000);
    assert_int_equal(packs_listed_at(depot, "south"), 1);
    fake_heal(&depot->north);
    depot_time(depot, 60);
    for (int turn = 0; turn < 30; turn++)
        (void)take_turn(depot, recipient, 1000);
    assert_int_equal(packs_listed_at(depot, "south"), 4);
    recipient_free(recipient);
    yard_release(&yard);
}

/* Its former shard has lost a document of it: those behind it are not held up. */
static void test_what_cannot_be_had_goes_behind_the_others(void **state)
{
    struct recipient *recipient;
    struct fake_archive *north;
    struct yard yard;
    char number[20];
    size_t at = 0;

    (void)state;
    yard_init(&yard, 1);
    yard_add_apart(&yard, 3);
    assert_int_equal(yard_look(&yard), 1);
    (void)snprintf(number, sizeof(number), "/%016llx/0",
                   (unsigned long long)pack_about(yard_packs(&yard)->packs[0]).number);
    north = &yard.depot.north;
    while (strstr(north->documents[at].id, number) == NULL)
        at++;
    fake_delete(north, &north->documents[at]);
    recipient = recipient_at(&yard.depot, "south");
    depot_add_pack(&yard.depot, 9, 0);
    (void)take_turn(&yard.depot, recipient, 1000);
    assert_int_equal(packs_listed_at(&yard.depot, "south"), 1); /* what is here goes first */
    for (int turn = 0; turn < 30; turn++)
        (void)take_turn(&yard.depot, recipient, 1000);
    assert_int_equal(packs_listed_at(&yard.depot, "south"), 3);
    assert_true(recipient_waits(recipient, yard.depot.house.store));
    recipient_free(recipient);
    yard_release(&yard);
}

/* The rest is delivered; what is said to be there does not go past what is. */
static void test_a_damaged_pack_is_left_out(void **state)
{
    for (int start = 0; start < 2; start++) { /* damaged while open, or met by a start */
        struct chain_list list = {0};
        struct depot depot;
        int64_t through, before;

        (void)state;
        depot_init(&depot);
        depot_add_pack(&depot, 2, 0);
        depot_drain(&depot);
        (void)depot_chain(&depot, acme, "north", &list, &before);
        chain_list_release(&list);
        house_put_noise(&depot.house, 1, 1);
        house_seal(&depot.house);
        depot_add_pack(&depot, 3, 0);
        house_damage(&depot.house, "packs/acme/0000000000000002.pack", start == 0 ? 5000 : 10);
        if (start == 1)
            depot_restart(&depot);
        depot_drain(&depot);
        assert_int_equal(depot_chain(&depot, acme, "north", &list, &through), 2);
        assert_int_equal(list.count, 2);
        assert_int_equal(list.packs[0].entry.number, 1);
        assert_int_equal(list.packs[1].entry.number, 3);
        assert_true(through == before);
        assert_true(delivery_look(depot.delivery));
        assert_int_equal(
            house_metric(&depot.house, "weir_delivery_lag_packs", METRIC_GAUGE, "shard=\"north\""),
            1);
        chain_list_release(&list);
        depot_release(&depot);
    }
}

/* Another file under the name of a pack: sound, and not the one that was sealed. */
static void test_another_pack_in_its_place_is_not_listed(void **state)
{
    struct depot depot, other;
    char from[160], to[160];

    (void)state;
    depot_init(&depot);
    depot_init(&other);
    house_put_noise(&depot.house, 1, 1);
    house_seal(&depot.house);
    house_put_noise(&other.house, 1, 2);
    house_seal(&other.house);
    assert_true(house_path(&other.house, "packs/acme/0000000000000001.pack", from));
    assert_true(house_path(&depot.house, "packs/acme/0000000000000001.pack", to));
    depot_close(&depot);
    assert_int_equal(rename(from, to), 0);
    depot_open(&depot);
    depot_drain(&depot);
    assert_int_equal(packs_listed(&depot), 0);
    depot_release(&depot);
    depot_release(&other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_turn_sends_so_much_and_the_next_goes_on),
        cmocka_unit_test(test_a_part_is_not_stored_twice),
        cmocka_unit_test(test_packs_change_while_they_are_sent),
        cmocka_unit_test(test_what_is_away_at_a_dead_shard_holds_nothing_up),
        cmocka_unit_test(test_what_cannot_be_had_goes_behind_the_others),
        cmocka_unit_test(test_a_damaged_pack_is_left_out),
        cmocka_unit_test(test_another_pack_in_its_place_is_not_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
