#include "store/undelivered.h"

#include "store/delivery/delivered.h"
#include "store/guests/guest_file.h"
#include "store/view_inside.h"
#include "tests/unit/store/guests/inn.h"
#include "tests/unit/store/view_pack_sample.h"

enum { ROWS_MAX = 20000, ROUNDS = 60 };

static int64_t wall(struct house *house)
{
    return clock_wall_ns(&house->clock.clock);
}

static size_t packs_of(const struct undelivered *undelivered)
{
    return undelivered->view->packs == NULL ? 0 : undelivered->view->packs->count;
}

static void take(struct house *house, int64_t as_of, struct undelivered *undelivered)
{
    struct error err = {0};

    if (undelivered_take(house->store, house->tenant, as_of, undelivered, &err) != OK)
        fail_msg("%s", err.text);
}

static void expect_packs(struct house *house, size_t want)
{
    struct undelivered undelivered;

    take(house, 0, &undelivered);
    if (packs_of(&undelivered) != want)
        fail_msg("%zu packs, and not %zu", packs_of(&undelivered), want);
    undelivered_release(&undelivered);
}

static void test_what_is_listed_is_left_out(void **state)
{
    struct depot depot;
    struct undelivered undelivered;

    (void)state;
    depot_init(&depot);
    expect_packs(&depot.house, 0);
    depot_add_pack(&depot, 1, 0);
    expect_packs(&depot.house, 1);
    depot_drain(&depot);
    expect_packs(&depot.house, 0);
    depot_add_pack(&depot, 1, 100);
    (void)house_compact(&depot.house, true);
    take(&depot.house, 0, &undelivered); /* what was listed and what was not is one pack now */
    assert_int_equal(packs_of(&undelivered), 1);
    assert_int_equal(undelivered.listed.chain_count, 1);
    assert_string_equal(undelivered.listed.chains[0].shard, "north");
    undelivered_release(&undelivered);
    undelivered_release(&undelivered);
    depot_drain(&depot);
    expect_packs(&depot.house, 0);
    depot_release(&depot);
}

static void list(struct house *house, uint64_t entry_number, const struct diff *diff, size_t at)
{
    struct chain_entry entry = {
        .incarnation = house->store->incarnation,
        .tenant = house->tenant->name,
        .number = entry_number,
        .through = INT64_MIN,
        .adds = &diff->packs[at].pack,
        .add_count = 1,
    };

    assert_int_equal(delivered_apply(house->index, BYTES("north"), &entry, NULL), OK);
}

/* Half of a pair says nothing of what the other half has. */
static void test_a_pair_counts_when_both_are_listed(void **state)
{
    struct house house;
    struct diff diff;

    (void)state;
    for (size_t first = 0; first < 2; first++) {
        house_init(&house);
        house_open(&house);
        for (int64_t i = 0; i < 3; i++) {
            assert_int_equal(house_put(&house, 1, 5, 1, NULL), OK);
            house_seal(&house);
        }
        assert_true(house_compact(&house, true) > 0);
        assert_int_equal(house_packs(&house, PACK_HISTORY, NULL), 1);
        expect_packs(&house, 2);
        assert_int_equal(
            delivered_compare(house.index, house.tenant->name, BYTES("north"), &diff, NULL), OK);
        assert_int_equal(diff.count, 2);
        list(&house, 0, &diff, first);
        expect_packs(&house, 2);
        list(&house, 1, &diff, 1 - first);
        expect_packs(&house, 0);
        diff_release(&diff);
        house_close(&house);
        house_remove(&house);
    }
}

/* Whatever is acknowledged later lies above it. */
static void test_the_moment_is_final(void **state)
{
    struct house house;
    struct undelivered undelivered;
    struct error err = {0};
    int64_t moment, ingest, most;

    (void)state;
    house_init(&house);
    house_open(&house);
    take(&house, 0, &undelivered);
    moment = view_as_of(undelivered.view);
    assert_true(moment <= wall(&house));
    assert_int_equal(undelivered.newest, 0);
    assert_int_equal(undelivered.settled, 0); /* all of it is in memory alone */
    undelivered_release(&undelivered);
    assert_int_equal(house_put(&house, 1, 0, 1, &ingest), OK);
    assert_true(ingest > moment);
    take(&house, moment, &undelivered); /* below what is acknowledged by now */
    assert_int_equal(undelivered.newest, ingest);
    assert_int_equal(undelivered.settled, ingest);
    undelivered_release(&undelivered);
    take(&house, wall(&house) + 1000000000, &undelivered); /* of somebody whose clock is ahead */
    moment = view_as_of(undelivered.view);
    undelivered_release(&undelivered);
    assert_int_equal(house_put(&house, 1, 1, 1, &ingest), OK);
    assert_true(ingest > moment);
    /* Nobody carries the ingest times away, in however many steps. */
    for (int i = 0; i < 10; i++) {
        most = wall(&house) + 5 * INT64_C(1000000000);
        take(&house, most, &undelivered);
        undelivered_release(&undelivered);
        assert_int_equal(undelivered_take(house.store, house.tenant, most + 2 * INT64_C(1000000000),
                                          &undelivered, &err),
                         E_AS_OF_FUTURE);
        undelivered_release(&undelivered);
    }
    assert_non_null(strstr(err.text, "ahead of this member's clock"));
    assert_int_equal(house_put(&house, 1, 2, 1, &ingest), OK);
    assert_true(ingest < most + INT64_C(1000000000));
    house_close(&house);
    house_remove(&house);
}

/* What was stamped is waited for. */
static void test_what_is_under_way_is_in_it(void **state)
{
    struct house house;
    struct undelivered undelivered;
    struct posting posting;
    struct view_pack_options options;
    struct pack *pack;
    bool did;

    (void)state;
    house_init(&house);
    house_open(&house);
    posting_init(&posting, &house);
    posting_row(&posting, house_series(&house, 1), 5, 6);
    assert_int_equal(posting_submit(&posting, &house, NULL), OK);
    assert_int_equal(store_step_commit(house.store, &did, NULL), OK);
    assert_true(did && !posting.done);
    take(&house, 0, &undelivered);
    assert_int_equal(posting_wait(&posting), OK);
    options = packed_options(&house, undelivered.view);
    pack = packed(&house, &options);
    assert_non_null(pack);
    assert_int_equal(pack_about(pack).row_count, 1);
    pack_unref(pack);
    undelivered_release(&undelivered);
    posting_release(&posting);
    house_close(&house);
    house_remove(&house);
}

/* Then it is for the other member to say that something is missing. */
static void test_what_this_member_lost_is_no_answer(void **state)
{
    struct undelivered undelivered;
    struct error err = {0};
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.house.store->members = MEMBERS_SOME;
    take(&inn.house, 0, &undelivered); /* what others did not tell is no loss of ours */
    undelivered_release(&undelivered);
    assert_true(store_add_missing(inn.house.store, NULL, "wal segment 12: torn"));
    assert_int_equal(undelivered_take(inn.house.store, inn.house.tenant, 0, &undelivered, &err),
                     E_PARTIAL);
    undelivered_release(&undelivered);
    assert_non_null(strstr(err.text, "wal segment 12: torn"));
    inn_release(&inn);
}

static void test_versions_that_are_gone_are_no_answer(void **state)
{
    struct undelivered undelivered;
    struct error err = {0};
    struct house house;
    int64_t first, second;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 1, &first), OK);
    assert_int_equal(house_put(&house, 1, 0, 1, &second), OK);
    house.store->holdings[house.tenant->ordinal]->history_floor = second;
    assert_int_equal(undelivered_take(house.store, house.tenant, first, &undelivered, &err),
                     E_BEFORE_HISTORY);
    undelivered_release(&undelivered);
    take(&house, second, &undelivered);
    assert_int_equal(undelivered.floor, second);
    undelivered_release(&undelivered);
    house_close(&house);
    house_remove(&house);
}

/* --- what one tells and the other reads --- */

static void do_something(struct inn *inn, struct random *random)
{
    struct house *house = &inn->author.house;
    uint32_t series = 1 + (uint32_t)random_below(random, 2);
    int64_t time = (int64_t)random_below(random, 200);

    if (random_chance(random, 8)) {
        struct posting posting;

        posting_init(&posting, house);
        posting.tombstone = (struct tombstone){
            .selector = {.measurement = BYTES("cpu")}, .start = time, .end = time + 5};
        assert_int_equal(posting_submit(&posting, house, NULL), OK);
        house_steps(house);
        assert_int_equal(posting_wait(&posting), OK);
        posting_release(&posting);
    } else {
        assert_int_equal(
            house_put(house, series, time, 1 + (uint32_t)random_below(random, 40), NULL), OK);
    }
    if (random_chance(random, 4))
        house_seal(house);
    if (random_chance(random, 8))
        (void)house_compact(house, true);
    if (random_chance(random, 6))
        (void)depot_step(&inn->author);
    if (random_chance(random, 8))
        inn_read(inn);
    if (random_chance(random, 20))
        depot_restart(&inn->author);
}

/* As a reply would bring it. */
static struct pack *tell(struct inn *inn, const struct undelivered *undelivered)
{
    struct view_pack_options options = packed_options(&inn->author.house, undelivered->view);
    struct guest_place place = {
        .store = inn->house.store, .tenant = inn->house.tenant, .member = 1};
    struct pack *pack;

    options.deletions_after = undelivered->listed.through;
    pack = packed(&inn->author.house, &options);
    if (pack != NULL)
        assert_int_equal(guest_enter(&place, pack, NULL), OK);
    return pack;
}

static size_t distinct(struct read_row *rows, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (kept == 0 || read_order(&rows[kept - 1], &rows[i]) != 0)
            rows[kept++] = rows[i];
    return kept;
}

static size_t deletions(const struct view *view, int64_t *ingest, size_t room)
{
    size_t count, kept = 0;
    const struct tombstone *tombstones = view_tombstones(view, &count);

    for (size_t i = 0; i < count; i++)
        if (tombstones[i].ingest <= view_as_of(view) &&
            (kept == 0 || ingest[kept - 1] != tombstones[i].ingest)) {
            assert_true(kept < room);
            ingest[kept++] = tombstones[i].ingest;
        }
    return kept;
}

static void compare(struct inn *inn, size_t round)
{
    static struct read_row have[ROWS_MAX], want[ROWS_MAX];
    static int64_t have_deletions[1000], want_deletions[1000];
    struct undelivered undelivered;
    struct view *view, *own;
    int64_t moment;

    take(&inn->author.house, 0, &undelivered);
    moment = view_as_of(undelivered.view);
    assert_int_equal(store_view(inn->house.store, inn->house.tenant, moment, &view, NULL), OK);
    for (size_t i = 0; i < undelivered.listed.chain_count; i++)
        if (!view_has_seen(view, &inn->authors[0].incarnation,
                           bytes_of(undelivered.listed.chains[i].shard),
                           undelivered.listed.chains[i].last)) {
            view_free(view);
            inn_read(inn);
            assert_int_equal(store_view(inn->house.store, inn->house.tenant, moment, &view, NULL),
                             OK);
        }
    assert_int_equal(view_add_told(view,
                                   &(struct view_told){.member = 1,
                                                       .incarnation = inn->authors[0].incarnation,
                                                       .pack = tell(inn, &undelivered),
                                                       .through = moment},
                                   1, NULL),
                     OK);
    assert_int_equal(
        store_view(inn->author.house.store, inn->author.house.tenant, moment, &own, NULL), OK);
    for (uint32_t series = 1; series <= 2; series++) {
        size_t have_count =
            distinct(have, house_read_view(&inn->house, view, series, have, COUNT_OF(have)));
        size_t want_count =
            distinct(want, house_read_view(&inn->author.house, own, series, want, COUNT_OF(want)));

        if (have_count != want_count || memcmp(have, want, want_count * sizeof(*want)) != 0)
            fail_msg("round %zu, series %u: %zu versions, and not %zu", round, series, have_count,
                     want_count);
    }
    {
        size_t have_count = deletions(view, have_deletions, COUNT_OF(have_deletions));
        size_t want_count = deletions(own, want_deletions, COUNT_OF(want_deletions));

        assert_int_equal(have_count, want_count);
        assert_memory_equal(have_deletions, want_deletions, want_count * sizeof(int64_t));
    }
    view_free(view);
    view_free(own);
    undelivered_release(&undelivered);
}

/* Whatever is sealed, compacted, delivered and read by then: what is told and what is listed are
 * all versions and deletions that there are, and nothing else. */
static void test_what_is_told_and_what_is_listed_are_all_there_is(void **state)
{
    const char *given = getenv("WEIR_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20261122;
    struct random random;
    struct inn inn;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    random_seed(&random, seed);
    inn_init(&inn);
    inn.author.house.store->members = MEMBERS_SOME;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (uint64_t n = random_below(&random, 6); n > 0; n--) {
            do_something(&inn, &random);
            inn.author.house.store->members = MEMBERS_SOME;
        }
        compare(&inn, round);
    }
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_listed_is_left_out),
        cmocka_unit_test(test_a_pair_counts_when_both_are_listed),
        cmocka_unit_test(test_the_moment_is_final),
        cmocka_unit_test(test_what_is_under_way_is_in_it),
        cmocka_unit_test(test_what_this_member_lost_is_no_answer),
        cmocka_unit_test(test_versions_that_are_gone_are_no_answer),
        cmocka_unit_test(test_what_is_told_and_what_is_listed_are_all_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
