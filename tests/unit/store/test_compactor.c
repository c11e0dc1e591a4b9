#include "tests/unit/store/house.h"
#include "tests/unit/store/waiting.h"

static void erase(struct house *house, int64_t start, int64_t end)
{
    struct posting posting;

    posting_init(&posting, house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = BYTES("cpu")}, .start = start, .end = end, .erase = true};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    if (house->store->wal_thread == NULL)
        house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
}

/* What is in the head when somebody asks is sealed first, and merged with the rest. */
static void test_a_request_flushes_and_merges_everything(void **state)
{
    struct house house;
    struct waiting waiting;
    size_t all;

    (void)state;
    house_init(&house);
    house_start(&house);
    waiting_init(&waiting);
    store_compact(house.store, house.tenant, COMPACT_ALL, waiting_done, &waiting); /* of nothing */
    assert_int_equal(waiting_for(&waiting, 1), OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(house_put(&house, 1, i * 10, 10, NULL), OK);
    store_compact(house.store, house.tenant, COMPACT_ALL, waiting_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 2), OK);
    assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 0);
    assert_int_equal(house_packs(&house, PACK_CURRENT, &all), 1);
    assert_int_equal(all, 1);
    house_expect(&house, 1, 0, 30);
    /* Of all tenants: nothing. */
    store_compact(house.store, NULL, COMPACT_ALL, waiting_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 3), OK);
    assert_int_equal(house_packs(&house, PACK_CURRENT, &all), 1);
    house_close(&house);
    house_remove(&house);
}

/* Without being asked it merges once there are enough packs; fewer stay. */
static void test_packs_are_merged_when_they_are_many(void **state)
{
    (void)state;
    for (unsigned packs = 2; packs <= 4; packs++) { /* the limit is 3 */
        struct house house;
        bool did;

        house_init(&house);
        house.limits.compact_packs_max = 3;
        house_open(&house);
        for (unsigned i = 0; i < packs; i++) {
            assert_int_equal(house_put(&house, 1, i * 10, 10, NULL), OK);
            house_seal(&house);
        }
        assert_int_equal(store_step_compact(house.store, false, &did, NULL), OK);
        assert_int_equal(did, packs >= 3);
        assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), packs >= 3 ? 0 : packs);
        house_expect(&house, 1, 0, packs * 10);
        house_close(&house);
        house_remove(&house);
    }
}

/* Each of many requests at once is answered, once. */
static void test_every_request_is_answered_once(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_start(&house);
    waiting_init(&waiting);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(house_put(&house, 1, i * 10, 10, NULL), OK);
        store_compact(house.store, house.tenant, i % 2 ? COMPACT_ALL : COMPACT_DUE, waiting_done,
                      &waiting);
    }
    assert_int_equal(waiting_for(&waiting, 20), OK);
    house_expect(&house, 1, 0, 200);
    house_close(&house);
    assert_int_equal(waiting.done, 20);
    house_remove(&house);
}

enum { TURNS = 6 };

struct turn {
    struct waiting *waiting, *gate; /* gate: of the first, which holds the compactor up */
    struct turn **taken;            /* in what order */
};

static void take_turn(void *context, enum code code, const struct error *err)
{
    struct turn *turn = context;

    if (turn->gate != NULL)
        (void)waiting_for(turn->gate, 1);
    turn->taken[turn->waiting->done] = turn; /* they come from one thread */
    waiting_done(turn->waiting, code, err);
}

/* Requests that came while the compactor was busy are carried out in the order of coming. */
static void test_who_came_first_is_served_first(void **state)
{
    struct house house;
    struct waiting waiting, flushed, gate;
    struct turn turns[TURNS], *taken[TURNS] = {0};

    (void)state;
    house_init(&house);
    house_start(&house);
    waiting_init(&waiting);
    waiting_init(&flushed);
    waiting_init(&gate);
    for (int i = 0; i < TURNS; i++) {
        turns[i] = (struct turn){&waiting, i == 0 ? &gate : NULL, taken};
        assert_int_equal(house_put(&house, 1, i * 10, 10, NULL), OK);
        store_compact(house.store, house.tenant, COMPACT_DUE, take_turn, &turns[i]);
    }
    store_flush(house.store, waiting_done, &flushed); /* done when theirs are */
    assert_int_equal(waiting_for(&flushed, 1), OK);
    waiting_done(&gate, OK, NULL);
    assert_int_equal(waiting_for(&waiting, TURNS), OK);
    for (int i = 0; i < TURNS; i++)
        assert_ptr_equal(taken[i], &turns[i]);
    house_close(&house);
    house_remove(&house);
}

/* A store that closes while it merges answers who waits, and loses nothing. */
static void test_closing_answers_who_waits(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house.limits.compact_percent_max = 1; /* so that it is at work for long */
    house_start(&house);
    waiting_init(&waiting);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(house_put(&house, 1, i * 10000, 10000, NULL), OK);
    for (int i = 0; i < 5; i++)
        store_compact(house.store, house.tenant, COMPACT_ALL, waiting_done, &waiting);
    house_close(&house);
    assert_int_equal(waiting.done, 5);
    house.limits.compact_percent_max = 100;
    house_open(&house);
    house_expect(&house, 1, 0, 50000);
    house_close(&house);
    house_remove(&house);
}

/* Told to stop, it answers who waits and who comes, and the store goes on. */
static void test_a_stop_does_not_wait_for_work(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    store_compact_stop(NULL);
    house_init(&house);
    house.limits.compact_percent_max = 1;
    house_open(&house);
    for (uint64_t i = 0; i < 8; i++) { /* some seconds of it, mostly rest */
        house_put_noise(&house, 1, i);
        house_seal(&house);
    }
    assert_int_equal(store_start(house.store, NULL), OK);
    waiting_init(&waiting);
    for (int i = 0; i < 3; i++)
        store_compact(house.store, house.tenant, COMPACT_ALL, waiting_done, &waiting);
    store_compact_stop(house.store);
    assert_int_equal(waiting_for(&waiting, 3), E_DRAINING);
    store_compact(house.store, house.tenant, COMPACT_ALL, waiting_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 4), E_DRAINING);
    assert_int_equal(house_put(&house, 1, 30000, 10, NULL), OK);
    assert_true(house_packs(&house, PACK_PLAIN, NULL) >= 8);
    house_close(&house);
    house_remove(&house);
}

/* Work and rest have the proportion that the limit says, but for the longest rest. */
static void test_the_pace_keeps_to_its_share(void **state)
{
    static const uint64_t percents[] = {100, 50, 20};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(percents); i++) {
        const int64_t work_ns = 10000000;
        struct house house;
        int64_t began, spent, rested = 0;

        house_init(&house);
        house.limits.compact_percent_max = percents[i];
        house_start(&house);
        for (int n = 0; n < 5; n++) {
            house.store->compact_rest_ns = clock_monotonic_ns(house.store->options.clock) - work_ns;
            began = clock_monotonic_ns(clock_system());
            assert_int_equal(store_compact_pace(house.store, NULL), OK);
            rested += clock_monotonic_ns(clock_system()) - began;
        }
        spent = 5 * work_ns + rested;
        if (spent * (int64_t)percents[i] < 5 * work_ns * 95)
            fail_msg("%llu percent: rested %lld ns of %lld", (unsigned long long)percents[i],
                     (long long)rested, (long long)spent);
        house_close(&house);
        house_remove(&house);
    }
}

/* A long stretch of work is no reason to sleep for minutes. */
static void test_a_rest_has_an_end(void **state)
{
    struct house house;
    int64_t began;

    (void)state;
    house_init(&house);
    house.limits.compact_percent_max = 1;
    house_start(&house);
    house.store->compact_rest_ns =
        clock_monotonic_ns(house.store->options.clock) - INT64_C(60000000000);
    began = clock_monotonic_ns(clock_system());
    assert_int_equal(store_compact_pace(house.store, NULL), OK);
    assert_true(clock_monotonic_ns(clock_system()) - began < INT64_C(10000000000));
    house_close(&house);
    house_remove(&house);
}

/* The file of a merged pack is there until the last reader has gone, also over a restart. */
static void test_files_of_merged_packs_go_with_their_readers(void **state)
{
    static const char name[] = "packs/acme/0000000000000001.pack";
    struct house house;
    struct view *view;
    char path[160];

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint64_t i = 0; i < 2; i++) {
        house_put_noise(&house, 1, i);
        house_seal(&house);
    }
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(house_compact(&house, true), 1);
    assert_int_equal(house_compact(&house, true), 0);
    assert_true(house_path(&house, name, path));
    view_free(view);
    assert_int_equal(house_compact(&house, true), 0);
    assert_false(house_path(&house, name, path));
    house_close(&house);
    house_remove(&house);
}

/* A pack that cannot be read cannot be rewritten: that its rows are gone is not said. */
static void test_erasing_from_a_damaged_pack_is_told(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint64_t i = 0; i < 2; i++) {
        house_put_noise(&house, 1, i);
        house_seal(&house);
    }
    house_damage(&house, "packs/acme/0000000000000001.pack", 5000);
    erase(&house, 0, 100);
    house_close(&house);
    house_start(&house);
    waiting_init(&waiting);
    for (unsigned i = 1; i <= 3; i++) { /* the first finds the damage, others know of it */
        store_compact(house.store, house.tenant, COMPACT_DUE, waiting_done, &waiting);
        assert_int_equal(waiting_for(&waiting, i), E_CORRUPT);
    }
    assert_non_null(strstr(waiting.text, "erased"));
    house_close(&house);
    house_remove(&house);
}

/* Who asks for it once has the others merged. */
static void test_a_request_merges_what_is_not_damaged(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint64_t i = 0; i < 4; i++) {
        house_put_noise(&house, 1, i);
        house_seal(&house);
    }
    house_damage(&house, "packs/acme/0000000000000002.pack", 5000);
    house_damage(&house, "packs/acme/0000000000000003.pack", 5000);
    assert_int_equal(store_start(house.store, NULL), OK);
    waiting_init(&waiting);
    store_compact(house.store, house.tenant, COMPACT_ALL, waiting_done, &waiting);
    if (waiting_for(&waiting, 1) != OK)
        fail_msg("%s", waiting.text);
    assert_int_equal(house_packs(&house, PACK_PLAIN, NULL), 2); /* the damaged ones */
    assert_int_equal(house_packs(&house, PACK_CURRENT, NULL), 1);
    house_close(&house);
    house_remove(&house);
}

/* What could not be erased of one tenant is nobody else's business. */
static void test_a_request_looks_at_its_own_tenant(void **state)
{
    const struct tenant *acme, *other;
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_open(&house);
    acme = house.tenant;
    other = catalog_tenant(house.catalog, BYTES("other"));
    house_put_noise(&house, 1, 1);
    house.tenant = other;
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house.tenant = acme;
    house_seal(&house);
    house_damage(&house, "packs/acme/0000000000000001.pack", 5000);
    erase(&house, 0, 100);
    house_seal(&house);
    assert_int_equal(store_start(house.store, NULL), OK);
    waiting_init(&waiting);
    store_compact(house.store, other, COMPACT_DUE, waiting_done, &waiting);
    if (waiting_for(&waiting, 1) != OK)
        fail_msg("%s", waiting.text);
    store_compact(house.store, acme, COMPACT_DUE, waiting_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 2), E_CORRUPT);
    house_close(&house);
    house_remove(&house);
}

/* A restart between the transaction of an erasure and its scrubbing does not forget the latter. */
static void test_scrubbing_is_remembered(void **state)
{
    struct house house;
    struct index_transaction *transaction;
    const struct index_operations *index;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_false(store_scrub_marked(house.store));
    index = house.index->operations;
    assert_int_equal(index->begin(house.index, true, &transaction, NULL), OK);
    assert_int_equal(index->put(transaction, INDEX_META, BYTES("scrub"), BYTES("\1"), NULL), OK);
    assert_int_equal(index->commit(transaction, NULL), OK);
    house_close(&house);
    house_open(&house);
    assert_true(store_scrub_marked(house.store));
    house.store->scrub_wanted = true;
    assert_int_equal(store_scrub(house.store, NULL), OK);
    assert_false(store_scrub_marked(house.store));
    assert_false(house.store->scrub_wanted);
    house_close(&house);
    house_remove(&house);
}

/* An answer under way may still read the old packs; an erasure is not called done before their
 * files are gone. */
static void test_an_erasure_waits_for_those_who_still_read(void **state)
{
    static struct read_row rows[20000];
    struct house house;
    struct waiting waiting;
    struct view *view;
    char path[160];
    uint64_t empty;

    (void)state;
    house_init(&house);
    house_open(&house);
    house_put_noise(&house, 1, 1); /* a pack with a file of its own */
    house_seal(&house);
    empty = column_cache_counts(house.store->columns).bytes;
    assert_int_equal(store_start(house.store, NULL), OK);
    waiting_init(&waiting);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    for (int again = 0; again < 3; again++)
        assert_int_equal(house_read_view(&house, view, 1, rows, COUNT_OF(rows)), COUNT_OF(rows));
    assert_true(column_cache_counts(house.store->columns).bytes > empty + sizeof(int64_t) * 20000);
    erase(&house, 0, 100);
    store_compact(house.store, house.tenant, COMPACT_DUE, waiting_done, &waiting);
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    assert_int_equal(waiting.done, 0);
    assert_true(house_path(&house, "packs/acme/0000000000000001.pack", path));
    view_free(view);
    assert_int_equal(waiting_for(&waiting, 1), OK);
    assert_false(house_path(&house, "packs/acme/0000000000000001.pack", path));
    assert_int_equal(column_cache_counts(house.store->columns).bytes, empty);
    house_close(&house);
    house_remove(&house);
}

/* Rows of other members may need the deletion still, so it stays; its own part is done all the
 * same, and who asks for more later is not told that it is not. */
static void test_an_erasure_ends_where_there_are_other_members(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_start(&house);
    house.store->members = MEMBERS_SOME;
    waiting_init(&waiting);
    assert_int_equal(house_put(&house, 1, 0, 20, NULL), OK);
    erase(&house, 0, 10);
    for (unsigned i = 1; i <= 2; i++) {
        store_compact(house.store, house.tenant, i == 1 ? COMPACT_DUE : COMPACT_ALL, waiting_done,
                      &waiting);
        if (waiting_for(&waiting, i) != OK)
            fail_msg("%s", waiting.text);
    }
    house_expect(&house, 1, 10, 10);
    assert_int_equal(house.store->holdings[house.tenant->ordinal]->tombstones->count, 1);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_erasure_waits_for_those_who_still_read),
        cmocka_unit_test(test_a_request_flushes_and_merges_everything),
        cmocka_unit_test(test_packs_are_merged_when_they_are_many),
        cmocka_unit_test(test_every_request_is_answered_once),
        cmocka_unit_test(test_who_came_first_is_served_first),
        cmocka_unit_test(test_closing_answers_who_waits),
        cmocka_unit_test(test_a_stop_does_not_wait_for_work),
        cmocka_unit_test(test_the_pace_keeps_to_its_share),
        cmocka_unit_test(test_a_rest_has_an_end),
        cmocka_unit_test(test_files_of_merged_packs_go_with_their_readers),
        cmocka_unit_test(test_erasing_from_a_damaged_pack_is_told),
        cmocka_unit_test(test_a_request_merges_what_is_not_damaged),
        cmocka_unit_test(test_a_request_looks_at_its_own_tenant),
        cmocka_unit_test(test_scrubbing_is_remembered),
        cmocka_unit_test(test_an_erasure_ends_where_there_are_other_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
