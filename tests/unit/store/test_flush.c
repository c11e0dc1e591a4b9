#include "tests/unit/store/house.h"
#include "tests/unit/store/waiting.h"

static void flush_done(void *context, enum code code, const struct error *err)
{
    assert((code == OK) == (err == NULL));
    waiting_done(context, code, err);
}

static void test_a_flush_leaves_nothing_in_the_head(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_start(&house);
    waiting_init(&waiting);
    store_flush(house.store, flush_done, &waiting); /* of nothing */
    assert_int_equal(waiting_for(&waiting, 1), OK);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    store_flush(house.store, flush_done, &waiting);
    store_flush(house.store, flush_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 3), OK);
    assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 0);
    assert_true(wal_bytes(house.store->wal) <= 2 << 20);
    house_expect(&house, 1, 0, 10);
    house_close(&house);
    house_remove(&house);
}

/* A flush that cannot be done is answered, and rows stay readable. */
static void test_a_flush_on_a_full_disk_says_so(void **state)
{
    struct house house;
    struct waiting waiting;

    (void)state;
    house_init(&house);
    house_start(&house);
    waiting_init(&waiting);
    store_flush(house.store, flush_done, &waiting); /* so that the first spare is there */
    assert_int_equal(waiting_for(&waiting, 1), OK);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_fail(&house, 1, true, E_DISK_FULL);
    store_flush(house.store, flush_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 2), E_DISK_FULL);
    house_expect(&house, 1, 0, 10);
    house_fail(&house, 0, false, OK);
    store_flush(house.store, flush_done, &waiting);
    assert_int_equal(waiting_for(&waiting, 3), OK);
    house_close(&house);
    house_remove(&house);
}

/* What was submitted before the close is answered by it. */
static void test_a_close_answers_everything(void **state)
{
    static struct posting postings[50];
    struct house house;

    (void)state;
    house_init(&house);
    house_start(&house);
    for (uint32_t i = 0; i < COUNT_OF(postings); i++) {
        posting_init(&postings[i], &house);
        posting_row(&postings[i], house_series(&house, 1), i, i);
        assert_int_equal(posting_submit(&postings[i], &house, NULL), OK);
    }
    store_close(house.store);
    house.store = NULL;
    for (uint32_t i = 0; i < COUNT_OF(postings); i++) {
        assert_true(postings[i].done);
        assert_int_equal(postings[i].code, OK);
        assert_true(i == 0 || postings[i - 1].submission.ingest < postings[i].submission.ingest);
        posting_release(&postings[i]);
    }
    house_close(&house);
    house_open(&house);
    house_expect(&house, 1, 0, COUNT_OF(postings));
    house_close(&house);
    house_remove(&house);
}

static void test_what_is_old_is_sealed(void **state)
{
    struct house house;
    bool did;

    (void)state;
    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    assert_int_equal(store_step_seal(house.store, false, &did, NULL), OK);
    assert_false(did);
    house.clock.monotonic_more = (int64_t)house.limits.generation_age_ms_max * 1000000 + 1000000000;
    assert_int_equal(store_step_seal(house.store, false, &did, NULL), OK);
    assert_true(did);
    assert_int_equal(house_metric(&house, "weir_packs", METRIC_GAUGE, ""), 1);
    house_close(&house);
    house_remove(&house);
}

/* The file that is given up so that sealing can go on. */
static void test_the_ballast_goes_when_the_disk_is_full_and_comes_back(void **state)
{
    struct house house;
    char path[160];
    bool did;

    (void)state;
    house_init(&house);
    house.ballast_bytes = 1 << 20;
    house_open(&house);
    assert_true(house_path(&house, "ballast", path));
    assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
    house_put_noise(&house, 2, 1);
    house_fail(&house, 2, false, E_DISK_FULL);                            /* the pack's file */
    assert_int_equal(store_step_seal(house.store, true, &did, NULL), OK); /* at the second try */
    house_fail(&house, 0, false, OK);
    assert_int_equal(house_metric(&house, "weir_packs", METRIC_GAUGE, ""), 1);
    assert_true(house_path(&house, "ballast", path)); /* there is space again */
    house_expect(&house, 1, 0, 10);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flush_leaves_nothing_in_the_head),
        cmocka_unit_test(test_a_flush_on_a_full_disk_says_so),
        cmocka_unit_test(test_a_close_answers_everything),
        cmocka_unit_test(test_what_is_old_is_sealed),
        cmocka_unit_test(test_the_ballast_goes_when_the_disk_is_full_and_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
