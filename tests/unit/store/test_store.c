#include "tests/unit/store/house.h"

#include <sched.h>

#include "base/thread.h"

enum { SUBMITTERS = 3, ROUNDS = 60, ROWS = 7 };

static void test_what_was_acknowledged_is_there_at_once_and_after_a_restart(void **state)
{
    struct house house;
    int64_t ingest = 0;

    (void)state;
    house_init(&house);
    for (int start = 0; start < 4; start++) {
        house_open(&house);
        for (int i = 0; i < start * 3; i++)
            house_expect(&house, (uint32_t)i % 3, 100, (uint32_t)start * 10);
        for (uint32_t s = 0; s < 3; s++) {
            int64_t before = ingest;

            assert_int_equal(house_put(&house, s, 100 + start * 10, 10, &ingest), OK);
            assert_true(ingest > before); /* over restarts too */
            house_expect(&house, s, 100, (uint32_t)(start + 1) * 10);
        }
        if (start == 2)
            house_seal(&house);
        house_close(&house);
    }
    house_remove(&house);
}

static void test_each_limit_has_its_answer(void **state)
{
    static const struct {
        const char *name;
        uint64_t record_max, head_max;
        int64_t jump_s;
        enum code want;
        const char *text;
    } cases[] = {
        {"all well",       48 << 20, 512 << 20, 0,   OK,             ""               },
        {"a large record", 20,       512 << 20, 0,   E_RECORD_LARGE, "the limit is 20"},
        {"a clock jump",   48 << 20, 512 << 20, 100, E_CLOCK_SKEW,   "jumped by"      },
        {"a clock back",   48 << 20, 512 << 20, -99, E_CLOCK_SKEW,   "wall clock"     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct house house;
        struct posting posting;
        struct error err = {0};
        int64_t believed;
        enum code code;

        house_init(&house);
        house.limits.record_bytes_max = cases[i].record_max;
        house.limits.head_bytes_max = cases[i].head_max;
        house_open(&house);
        house.clock.wall_more = cases[i].jump_s * 1000000000;
        posting_init(&posting, &house);
        posting_row(&posting, house_series(&house, 1), 1, 1);
        code = posting_submit(&posting, &house, &err);
        if (code != cases[i].want || strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: %s: %s", cases[i].name, code_row(code)->slug, err.text);
        if (cases[i].want == E_CLOCK_SKEW)
            assert_int_equal(store_ready(house.store, &err), E_CLOCK_SKEW);
        /* What ages are counted from does not follow a jump. */
        believed = clock_wall_ns(store_clock(house.store));
        assert_in_range(clock_wall_ns(clock_system()) - believed, 0, 1000000000);
        house_steps(&house);
        assert_int_equal(posting.done, code == OK);
        house_expect(&house, 1, 1, code == OK);
        posting_release(&posting);
        house_close(&house);
        house_remove(&house);
    }
}

/* The head's limit holds for what waits, too; sealing makes room again. */
static void test_a_full_head_says_busy_until_it_is_sealed(void **state)
{
    struct house house;
    uint32_t rows = 0;
    enum code code = OK;

    (void)state;
    house_init(&house);
    house.limits.head_bytes_max = 2 << 20;
    house_open(&house);
    while (code == OK && rows < 1000000) {
        code = house_put(&house, 1, rows, 500, NULL);
        rows += code == OK ? 500 : 0;
    }
    assert_int_equal(code, E_BUSY);
    assert_true(rows > 1000);
    assert_int_equal(drain_seconds(&house.store->sealing, house.store->head_bytes), 1);
    assert_true(house.store->head_bytes <= house.limits.head_bytes_max);
    house_seal(&house);
    assert_int_equal(house_put(&house, 1, rows, 500, NULL), OK);
    house_expect(&house, 1, 0, rows + 500);
    house_close(&house);
    house_remove(&house);
}

static void test_a_full_wal_says_busy_until_it_is_trimmed(void **state)
{
    struct house house;
    uint32_t rows = 0;
    enum code code = OK;

    (void)state;
    house_init(&house);
    house_open(&house);
    while (code == OK && rows < 1000000) {
        code = house_put(&house, rows % 7, rows, 2000, NULL);
        rows += code == OK ? 2000 : 0;
    }
    assert_int_equal(code, E_BUSY);
    house_seal(&house);
    assert_int_equal(house_put(&house, 9, 0, 10, NULL), OK);
    house_close(&house);
    house_open(&house);
    house_expect(&house, 9, 0, 10);
    house_close(&house);
    house_remove(&house);
}

/* The disk is full at each call of a commit in turn: refused whole, then all is well again. */
static void test_a_full_disk_refuses_whole_requests(void **state)
{
    struct house house;
    uint32_t good = 0;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (uint64_t n = 1; n < 12; n++) {
        enum code code;

        house_fail(&house, n, false, E_DISK_FULL);
        code = house_put(&house, 1, good, 3, NULL);
        house_fail(&house, 0, false, OK);
        if (house.store->failed) { /* the write could not be undone, or a sync failed */
            assert_int_not_equal(code, OK);
            assert_int_equal(house_put(&house, 1, good, 3, NULL), E_IO);
            house_close(&house);
            house_open(&house);
        }
        assert_true(code == OK || code == E_DISK_FULL || code == E_IO);
        good += code == OK ? 3 : 0;
        house_expect(&house, 1, 0, good);
    }
    house_close(&house);
    house_open(&house);
    house_expect(&house, 1, 0, good);
    house_close(&house);
    house_remove(&house);
}

static void test_a_failed_sync_stops_the_store(void **state)
{
    struct house house;
    struct error err = {0};

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 3, NULL), OK);
    assert_int_equal(store_ready(house.store, &err), OK);
    house_fail(&house, 2, true, E_IO); /* the write is through */
    assert_int_equal(house_put(&house, 1, 3, 3, NULL), E_IO);
    house_fail(&house, 0, false, OK);
    assert_int_equal(house_put(&house, 1, 3, 3, NULL), E_IO);
    assert_int_equal(store_ready(house.store, &err), E_IO);
    house_expect(&house, 1, 0, 3); /* what is durable can still be read */
    house_close(&house);
    house_remove(&house);
}

static void test_progress_is_a_tenants_and_outlives_a_restart(void **state)
{
    struct house house;
    struct posting posting;
    struct tenant other = {.name = BYTES("other"), .ordinal = 7};
    struct store_progress progress;

    (void)state;
    house_init(&house);
    house_open(&house);
    progress = store_progress(house.store, house.tenant);
    assert_int_equal(progress.newest, 0);
    assert_true(progress.settled >= progress.durable);
    for (int when = 0; when < 4; when++) {
        posting_init(&posting, &house);
        posting_row(&posting, house_series(&house, 1), when, 1);
        assert_int_equal(posting_submit(&posting, &house, NULL), OK);
        if (when == 0) /* under way: nothing is settled that was not before */
            assert_true(store_progress(house.store, house.tenant).newest == 0);
        house_steps(&house);
        assert_int_equal(posting_wait(&posting), OK);
        if (when == 2)
            house_seal(&house);
        if (when > 0) {
            house_close(&house);
            house_open(&house);
        }
        progress = store_progress(house.store, house.tenant);
        assert_int_equal(progress.newest, posting.submission.ingest);
        assert_int_equal(progress.durable, posting.submission.ingest);
        assert_true(progress.settled >= progress.durable);
        assert_int_equal(store_progress(house.store, &other).newest, 0);
        assert_int_equal(store_progress(house.store, &other).durable, progress.durable);
        posting_release(&posting);
    }
    house_close(&house);
    house_remove(&house);
}

static void test_no_commit_falls_behind_what_was_settled(void **state)
{
    struct house house;
    struct store_progress progress;
    int64_t ingest;

    (void)state;
    house_init(&house);
    house.accept_clock = true;
    house_open(&house);
    progress = store_progress(house.store, house.tenant);
    assert_true(progress.settled > 0);
    house.clock.wall_more = -3600 * INT64_C(1000000000);
    assert_int_equal(house_put(&house, 1, 0, 1, &ingest), OK);
    assert_true(ingest > progress.settled);
    house_close(&house);
    house_remove(&house);
}

static void test_accepted_is_stored_plus_queued(void **state)
{
    static const char labels[] = "tenant=\"acme\"";
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 6; i++) {
        uint64_t accepted, stored, queued;

        assert_int_equal(house_put(&house, (uint32_t)i, 0, 10, NULL), OK);
        if (i % 2 == 1)
            house_seal(&house);
        accepted = house_metric(&house, "weir_points_accepted_total", METRIC_COUNTER, labels);
        stored = house_metric(&house, "weir_points_stored_total", METRIC_COUNTER, labels);
        queued = house_metric(&house, "weir_points_queued", METRIC_GAUGE, labels);
        assert_int_equal(accepted, (i + 1) * 10);
        assert_int_equal(stored, (i + 1) / 2 * 20);
        assert_int_equal(accepted, stored + queued);
    }
    house_close(&house);
    house_remove(&house);
}

struct crowd {
    struct house *house;
    uint32_t series;
    atomic_uint *running;
};

/* Each row that was acknowledged is in the next view. */
static void submitter_run(void *context)
{
    static const struct error none = {0};
    struct crowd *crowd = context;
    struct error err = none;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct posting posting;
        enum code code;

        posting_init(&posting, crowd->house);
        for (uint32_t i = 0; i < ROWS; i++)
            posting_row(&posting, house_series(crowd->house, crowd->series), round * ROWS + i,
                        round * ROWS + i);
        code = posting_submit(&posting, crowd->house, &err);
        if (code != OK || posting_wait(&posting) != OK)
            abort();
        posting_release(&posting);
        if (round % 8 == 0) {
            struct read_row rows[ROUNDS * ROWS];

            if (house_read(crowd->house, crowd->series, VIEW_LATEST, rows, COUNT_OF(rows)) !=
                (round + 1) * ROWS)
                abort();
        }
    }
    atomic_fetch_sub(crowd->running, 1);
}

/* At one S, a request is there whole or not at all, and a second look finds the same. */
static void viewer_run(void *context)
{
    struct crowd *crowd = context;

    while (atomic_load(crowd->running) > 0) {
        struct view *view;
        struct read_row rows[ROUNDS * ROWS];
        int64_t as_of;

        for (uint32_t s = 0; s < SUBMITTERS; s++) {
            size_t count;

            if (store_view(crowd->house->store, crowd->house->tenant, VIEW_LATEST, &view, NULL) !=
                OK)
                abort();
            as_of = view_as_of(view);
            count = house_read_view(crowd->house, view, s, rows, COUNT_OF(rows));
            view_free(view);
            if (count % ROWS != 0 ||
                house_read(crowd->house, s, as_of, rows, COUNT_OF(rows)) != count)
                abort();
        }
    }
}

static void flush_done(void *context, enum code code, const struct error *err)
{
    (void)err;
    if (code != OK)
        abort();
    atomic_fetch_add((atomic_uint *)context, 1);
}

static void test_many_write_read_and_flush_at_once(void **state)
{
    struct house house;
    struct crowd crowds[SUBMITTERS + 1];
    struct thread *threads[SUBMITTERS + 1];
    atomic_uint running = SUBMITTERS, flushed = 0;
    unsigned flushes = 0;

    (void)state;
    house_init(&house);
    house_start(&house);
    for (uint32_t i = 0; i <= SUBMITTERS; i++) {
        crowds[i] = (struct crowd){&house, i, &running};
        assert_int_equal(thread_start("crowd", i < SUBMITTERS ? submitter_run : viewer_run,
                                      &crowds[i], &threads[i], NULL),
                         OK);
    }
    do {
        store_flush(house.store, flush_done, &flushed);
        flushes++;
        while (atomic_load(&flushed) < flushes)
            sched_yield();
        store_measure(house.store);
    } while (atomic_load(&running) > 0);
    for (uint32_t i = 0; i <= SUBMITTERS; i++)
        thread_join(threads[i]);
    for (uint32_t s = 0; s < SUBMITTERS; s++)
        house_expect(&house, s, 0, ROUNDS * ROWS);
    house_close(&house);
    house_start(&house);
    for (uint32_t s = 0; s < SUBMITTERS; s++)
        house_expect(&house, s, 0, ROUNDS * ROWS);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_acknowledged_is_there_at_once_and_after_a_restart),
        cmocka_unit_test(test_each_limit_has_its_answer),
        cmocka_unit_test(test_a_full_head_says_busy_until_it_is_sealed),
        cmocka_unit_test(test_a_full_wal_says_busy_until_it_is_trimmed),
        cmocka_unit_test(test_a_full_disk_refuses_whole_requests),
        cmocka_unit_test(test_a_failed_sync_stops_the_store),
        cmocka_unit_test(test_progress_is_a_tenants_and_outlives_a_restart),
        cmocka_unit_test(test_no_commit_falls_behind_what_was_settled),
        cmocka_unit_test(test_accepted_is_stored_plus_queued),
        cmocka_unit_test(test_many_write_read_and_flush_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
