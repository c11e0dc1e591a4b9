#include "store/view.h"

#include "tests/unit/store/house.h"

static void test_a_view_does_not_change(void **state)
{
    struct house house;
    struct view *view;
    struct read_row before[100], after[100];
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 3; i++)
        assert_int_equal(house_put(&house, 1, i * 10, 10, NULL), OK);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    count = house_read_view(&house, view, 1, before, 100);
    assert_int_equal(count, 30);
    assert_int_equal(house_put(&house, 1, 30, 10, NULL), OK);
    house_seal(&house); /* the generation that it reads is gone for others */
    assert_int_equal(house_put(&house, 1, 40, 10, NULL), OK);
    assert_int_equal(house_read_view(&house, view, 1, after, 100), 30);
    assert_memory_equal(before, after, count * sizeof(before[0]));
    view_free(view);
    house_expect(&house, 1, 0, 50);
    house_close(&house);
    house_remove(&house);
}

static void test_a_view_at_hand_is_the_latest_or_none(void **state)
{
    struct house house;
    struct view *view, *latest;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_AT_HAND, &view, NULL), E_BUSY);
    assert_null(view);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(house_put(&house, 1, i * 10, 10, NULL), OK);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_AT_HAND, &view, NULL), OK);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &latest, NULL), OK);
        assert_true(view_as_of(view) == view_as_of(latest));
        assert_int_equal(view_final(view), view_final(latest));
        view_free(view);
        view_free(latest);
    }
    house_close(&house);
    house_remove(&house);
}

/* Whatever is sealed and restarted in between. */
static void test_the_same_as_of_gives_the_same_rows(void **state)
{
    struct house house;
    int64_t marks[12];

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 12; i++) {
        struct read_row rows[200];

        /* The same times again: versions, told apart by their ingest time. */
        assert_int_equal(house_put(&house, 1, 0, 10, &marks[i]), OK);
        if (i % 4 == 2)
            house_seal(&house);
        if (i % 5 == 4) {
            house_close(&house);
            house_open(&house);
        }
        for (int k = 0; k <= i; k++) {
            assert_int_equal(house_read(&house, 1, marks[k], rows, 200), (k + 1) * 10);
            assert_int_equal(house_read(&house, 1, marks[k] - 1, rows, 200), k * 10);
        }
    }
    house_close(&house);
    house_remove(&house);
}

/* The clock stood two years ahead and was set right: whoever accepts that goes on behind what is
 * stored, is told so, and every moment can be asked for. */
static void test_a_clock_that_was_years_ahead_leaves_every_moment_readable(void **state)
{
    const int64_t years_ns = INT64_C(2) * 365 * 86400 * 1000000000;
    struct house house;
    struct read_row rows[4];
    struct view *view;
    int64_t ahead, later;

    (void)state;
    house_init(&house);
    house.clock.wall_more = years_ns;
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 1, &ahead), OK);
    assert_int_equal(house_metric(&house, "weir_ingest_ahead_seconds", METRIC_GAUGE, ""), 0);
    house_seal(&house);
    house_close(&house);

    house.clock.wall_more = 0;
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 1, 1, NULL), E_CLOCK_SKEW);
    assert_int_equal(house_read(&house, 1, ahead, rows, COUNT_OF(rows)), 1);
    house_close(&house);

    house.accept_clock = true;
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 1, 1, &later), OK);
    assert_true(later > ahead && later < ahead + years_ns / 100);
    assert_true(store_ahead_ns(house.store) > years_ns - INT64_C(1000000000000));
    assert_true(house_metric(&house, "weir_ingest_ahead_seconds", METRIC_GAUGE, "") >=
                (uint64_t)years_ns / 1000000000 - 1000);
    assert_int_equal(house_read(&house, 1, clock_wall_ns(&house.clock.clock), rows, COUNT_OF(rows)),
                     0);
    assert_int_equal(house_read(&house, 1, ahead, rows, COUNT_OF(rows)), 1);
    assert_int_equal(house_read(&house, 1, later - 1, rows, COUNT_OF(rows)), 1);
    assert_int_equal(house_read(&house, 1, later, rows, COUNT_OF(rows)), 2);
    assert_int_equal(house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows)), 2);
    assert_int_equal(store_view(house.store, house.tenant, later + 1000000000, &view, NULL),
                     E_AS_OF_FUTURE);
    house_close(&house);
    house_remove(&house);
}

static void test_a_view_knows_whether_it_is_final(void **state)
{
    struct house house;
    struct view *view;
    struct error err = {0};
    int64_t ingest, now;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_false(view_final(view)); /* nothing is durable: a clock set back could still go below */
    now = view_as_of(view);
    assert_true(now > 0);
    view_free(view);
    assert_int_equal(house_put(&house, 1, 0, 1, &ingest), OK);
    assert_true(ingest > now); /* nothing comes below a view */
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(view_as_of(view), ingest);
    assert_true(view_final(view));
    view_free(view);
    assert_int_equal(store_view(house.store, house.tenant, ingest + 1, &view, NULL), OK);
    assert_false(view_final(view));
    view_free(view);
    assert_int_equal(house_put(&house, 1, 1, 1, &now), OK);
    assert_true(now > ingest + 1);
    assert_int_equal(
        store_view(house.store, house.tenant, now + INT64_C(3600000000000), &view, &err),
        E_AS_OF_FUTURE);
    assert_null(view);
    house_close(&house);
    house_remove(&house);
}

/* S of a reader and stamps of writers do not cross, wherever S lies. */
static void test_a_view_waits_for_what_is_under_way(void **state)
{
    struct house house;
    struct posting posting;
    struct read_row rows[10];
    bool did;

    (void)state;
    house_init(&house);
    house_open(&house);
    posting_init(&posting, &house);
    posting_row(&posting, house_series(&house, 1), 5, 5);
    assert_int_equal(posting_submit(&posting, &house, NULL), OK);
    assert_int_equal(store_step_commit(house.store, &did, NULL), OK);
    assert_false(posting.done); /* stamped and durable, not applied */
    assert_int_equal(house_read(&house, 1, posting.submission.ingest, rows, 10), 1);
    assert_true(posting.done);
    posting_release(&posting);
    house_close(&house);
    house_remove(&house);
}

static void test_rows_out_of_order_are_sorted_from_head_and_pack_alike(void **state)
{
    struct house house;
    struct read_row head[300], pack[300];
    struct random random;
    size_t count;

    (void)state;
    random_seed(&random, 1);
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 300; i++)
        assert_int_equal(house_put(&house, 1, (int64_t)random_below(&random, 50), 1, NULL), OK);
    count = house_read(&house, 1, VIEW_LATEST, head, 300); /* looks at the order in each place */
    assert_int_equal(count, 300);
    house_seal(&house);
    assert_int_equal(house_read(&house, 1, VIEW_LATEST, pack, 300), count);
    assert_memory_equal(head, pack, count * sizeof(head[0]));
    house_close(&house);
    house_remove(&house);
}

static void test_places_are_those_that_touch_the_range(void **state)
{
    static const struct {
        int64_t start, end;
        size_t head, pack; /* places of the two kinds */
    } cases[] = {
        {INT64_MIN, INT64_MAX, 1, 1},
        {0,         10,        0, 1},
        {9,         1000,      0, 1},
        {9,         1001,      1, 1},
        {10,        1000,      0, 0},
        {1009,      1010,      1, 0},
        {1010,      2000,      0, 0},
    };
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_seal(&house);
    assert_int_equal(house_put(&house, 1, 1000, 2, NULL), OK);
    assert_int_equal(house_put(&house, 1, 1002, 8, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct view *view;
        struct place *places;
        struct arena arena;
        size_t count, packs = 0, heads = 0;

        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        assert_int_equal(view_places(view, house_series(&house, 1), cases[i].start, cases[i].end,
                                     false, &arena, &places, &count, NULL),
                         OK);
        for (size_t p = 0; p < count; p++)
            places[p].in_pack ? packs++ : heads++;
        if (packs != cases[i].pack || (heads > 0) != (cases[i].head > 0))
            fail_msg("[%lld, %lld): %zu in packs, %zu in the head", (long long)cases[i].start,
                     (long long)cases[i].end, packs, heads);
        assert_int_equal(view_places(view, house_series(&house, 2), INT64_MIN, INT64_MAX, false,
                                     &arena, &places, &count, NULL),
                         OK);
        assert_true(count == 0 || places[0].in_pack); /* a shared block may not have it */
        view_free(view);
        arena_release(&arena);
    }
    house_close(&house);
    house_remove(&house);
}

static void test_a_block_of_one_series_has_summaries(void **state)
{
    const struct bytes field = BYTES("v");
    struct house house;
    struct view *view;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 100, 300, NULL), OK); /* dense */
    for (int sealed = 0; sealed < 2; sealed++) {
        struct place *places;
        struct place_summary *summaries = NULL;
        struct arena arena;
        size_t count, summary_count;
        bool unique = false;
        int64_t step = 0;

        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        assert_int_equal(view_places(view, house_series(&house, 1), INT64_MIN, INT64_MAX, false,
                                     &arena, &places, &count, NULL),
                         OK);
        assert_int_equal(place_summaries(view, &places[0], &field, 1, &arena, &unique, &step,
                                         &summaries, &summary_count),
                         sealed == 1);
        if (sealed) {
            assert_true(unique);
            assert_int_equal(summary_count, 1);
            assert_int_equal(summaries[0].summary->valid_count, 300);
            assert_int_equal(summaries[0].summary->min.i64, 100);
            assert_int_equal(summaries[0].summary->max.i64, 399);
        } else {
            house_seal(&house);
        }
        view_free(view);
        arena_release(&arena);
    }
    house_close(&house);
    house_remove(&house);
}

static void test_deletions_are_in_the_next_view_and_stay(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    for (int i = 0; i < 4; i++) {
        struct posting posting;
        const struct tombstone *tombstones;
        struct view *view;
        size_t count;

        posting_init(&posting, &house);
        posting.tombstone =
            (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = i, .end = i + 1};
        assert_int_equal(posting_submit(&posting, &house, NULL), OK);
        house_steps(&house);
        assert_int_equal(posting_wait(&posting), OK);
        if (i == 1)
            house_seal(&house);
        if (i == 2) {
            house_close(&house);
            house_open(&house);
        }
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        tombstones = view_tombstones(view, &count);
        assert_int_equal(count, i + 1);
        assert_int_equal(tombstones[i].ingest, posting.submission.ingest);
        assert_int_equal(tombstones[i].start, i);
        for (size_t k = 1; k < count; k++)
            assert_true(tombstones[k - 1].ingest < tombstones[k].ingest);
        view_free(view);
        posting_release(&posting);
    }
    house_close(&house);
    house_remove(&house);
}

static void test_a_tenant_sees_nothing_of_another(void **state)
{
    struct house house;
    const struct tenant *other;
    struct view *view;
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_seal(&house);
    other = catalog_tenant(house.catalog, BYTES("other"));
    assert_int_equal(store_view(house.store, other, VIEW_LATEST, &view, NULL), OK);
    assert_null(view_tombstones(view, &count));
    assert_int_equal(count, 0);
    assert_int_equal(house_read_view(&house, view, 1, NULL, 0), 0);
    view_free(view);
    house_close(&house);
    house_remove(&house);
}

/* Whose a hole in the wal was is not known: it may be anybody's. */
static void test_what_is_missing_is_told_to_whom_it_concerns(void **state)
{
    struct house house;
    const struct tenant *other;
    struct view *view;
    const struct bytes *missing;
    size_t count;

    (void)state;
    house_init(&house);
    house_open(&house);
    other = catalog_tenant(house.catalog, BYTES("other"));
    assert_true(store_add_missing(house.store, house.tenant, "a pack"));
    assert_true(store_add_missing(house.store, NULL, "a hole"));
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
    missing = view_missing(view, &count);
    assert_int_equal(count, 2);
    assert_true(bytes_equal(missing[0], BYTES("a pack")));
    view_free(view);
    assert_int_equal(store_view(house.store, other, VIEW_LATEST, &view, NULL), OK);
    missing = view_missing(view, &count);
    assert_int_equal(count, 1);
    assert_true(bytes_equal(missing[0], BYTES("a hole")));
    view_free(view);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_view_does_not_change),
        cmocka_unit_test(test_a_view_at_hand_is_the_latest_or_none),
        cmocka_unit_test(test_the_same_as_of_gives_the_same_rows),
        cmocka_unit_test(test_a_clock_that_was_years_ahead_leaves_every_moment_readable),
        cmocka_unit_test(test_a_view_knows_whether_it_is_final),
        cmocka_unit_test(test_a_view_waits_for_what_is_under_way),
        cmocka_unit_test(test_rows_out_of_order_are_sorted_from_head_and_pack_alike),
        cmocka_unit_test(test_places_are_those_that_touch_the_range),
        cmocka_unit_test(test_a_block_of_one_series_has_summaries),
        cmocka_unit_test(test_deletions_are_in_the_next_view_and_stay),
        cmocka_unit_test(test_a_tenant_sees_nothing_of_another),
        cmocka_unit_test(test_what_is_missing_is_told_to_whom_it_concerns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
