#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/member.h"
#include "store/identity.h"
#include "store/member.h"
#include "tests/unit/store/house.h"

/* The number in the ingest time that the next row gets; -1: it is refused. */
static int number_of_next(struct house *house)
{
    static int64_t last;
    int64_t ingest;

    if (house_put(house, 1, 0, 1, &ingest) != OK)
        return -1;
    assert_true(ingest > last);
    last = ingest;
    return (int)(ingest % STAMP_STEP);
}

static void test_nothing_is_taken_before_the_number_is_noted_and_in_use(void **state)
{
    struct house house;
    struct posting posting;
    struct error err = {0}, why = {0};

    (void)state;
    house_init(&house);
    house_open(&house); /* alone, at first */
    assert_int_equal(store_member(house.store), 0);
    assert_int_equal(number_of_next(&house), 0);
    house_close(&house);

    house.joins = true;
    house_open(&house);
    assert_int_equal(number_of_next(&house), -1);
    posting_init(&posting, &house);
    posting_row(&posting, house_series(&house, 1), 1, 1);
    assert_int_equal(posting_submit(&posting, &house, &err), E_NOT_READY);
    assert_string_equal(err.text, "this node has no member number yet");
    assert_int_equal(store_member_note(house.store, MEMBER_NUMBER_MAX, NULL), OK);
    assert_int_equal(number_of_next(&house), -1);
    store_join(house.store);
    assert_int_equal(number_of_next(&house), MEMBER_NUMBER_MAX);
    (void)error_set(&why, E_NO_MEMBER, "it was drained");
    store_part(house.store, &why);
    assert_int_equal(posting_submit(&posting, &house, &err), E_NO_MEMBER);
    assert_string_equal(err.text, "it was drained");
    assert_int_equal(store_ready(house.store, &err), OK); /* the disk is fine */
    store_join(house.store);
    assert_int_equal(number_of_next(&house), MEMBER_NUMBER_MAX);
    posting_release(&posting);
    house_close(&house);
    house_remove(&house);
}

static void test_the_number_outlives_the_process_and_not_the_incarnation(void **state)
{
    char before[HASH128_TEXT_SIZE], after[HASH128_TEXT_SIZE];
    struct identity identity;
    struct hash128 drawn;
    struct house house;

    (void)state;
    house_init(&house);
    house.joins = true;
    house_open(&house);
    assert_int_equal(store_member_note(house.store, 5, NULL), OK);
    store_incarnation(house.store, before);
    house_close(&house);

    house_open(&house);
    assert_int_equal(store_member(house.store), 5);
    assert_int_equal(number_of_next(&house), -1); /* what the registry says of it comes first */
    store_join(house.store);
    assert_int_equal(number_of_next(&house), 5);
    house_close(&house);

    house.joins = false;
    house_open(&house);
    assert_int_equal(number_of_next(&house), 5); /* without its registry it stays who it is */
    assert_int_equal(identity_read(house.index, &identity, NULL), OK);
    assert_int_equal(identity.number, 5);
    hash128_print(&identity.incarnation, after);
    assert_string_equal(before, after);
    assert_int_equal(identity_renew(house.index, &drawn, NULL), OK);
    assert_int_equal(identity_read(house.index, &identity, NULL), OK);
    assert_int_equal(identity.number, 0);
    hash128_print(&drawn, after);
    assert_string_not_equal(before, after);
    house_close(&house);
    house_remove(&house);
}

static void test_two_members_never_give_the_same_ingest_time(void **state)
{
    struct stamp stamps[3];
    int64_t given[3][1000];
    struct house house;

    (void)state;
    house_init(&house);
    for (unsigned n = 0; n < 3; n++) {
        stamp_init(&stamps[n], &house.clock.clock, (uint16_t)(n * 511 + 1), true, 0);
        for (size_t i = 0; i < 1000; i++) {
            given[n][i] = stamp_next(&stamps[n]);
            /* A reader, or another's stamp, may have raised it to any time. */
            stamp_raise(&stamps[n], given[0][i] + (int64_t)(i % 5) * 511);
        }
    }
    for (size_t n = 0; n < 3; n++)
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(given[n][i] % STAMP_STEP, n * 511 + 1);
    house_remove(&house);
}

static void test_a_number_that_cannot_be_is_refused(void **state)
{
    static const uint32_t numbers[] = {0, MEMBER_NUMBER_MAX + 1};
    struct index_transaction *transaction;
    struct house house;

    (void)state;
    house_init(&house);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        house_open_index(&house);
        assert_int_equal(house.index->operations->begin(house.index, true, &transaction, NULL), OK);
        assert_int_equal(house.index->operations->put(
                             transaction, INDEX_META, BYTES("member"),
                             (struct bytes){(const char *)&numbers[i], sizeof(numbers[i])}, NULL),
                         OK);
        assert_int_equal(house.index->operations->commit(transaction, NULL), OK);
        index_lmdb_close(house.index);
        fs_posix_close(house.fs.inner);
        assert_int_equal(house_try_open(&house), E_CORRUPT);
        assert_non_null(strstr(house.err.text, "not of 1 to 1023"));
        house_close(&house);
    }
    house_remove(&house);
}

/* Where another one's clock is ahead, S is above what those are given who it asks. */
static void test_readers_follow_the_clock_that_is_ahead(void **state)
{
    struct store_peers peers = {.answered = true, .behind_ns = 100000000};
    struct house house;
    struct view *view;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int answered = 0; answered < 2; answered++) {
        int64_t before, most;

        peers.answered = answered;
        peers.wall_minus_boot =
            clock_wall_ns(&house.clock.clock) - clock_boot_ns(&house.clock.clock);
        store_meet(house.store, &peers);
        before = clock_wall_ns(&house.clock.clock);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_AHEAD, &view, NULL), OK);
        most = clock_wall_ns(&house.clock.clock) + stamp_skew_ns + (answered ? 100000000 : 0);
        assert_in_range(view_as_of(view), before + stamp_skew_ns + (answered ? 100000000 : 0),
                        most);
        view_free(view);
    }
    house_close(&house);
    house_remove(&house);
}

/* So far ahead of our clock another member may choose, and no nanosecond more. */
static void test_ingest_times_go_on_above_what_another_chose(void **state)
{
    static const int64_t most_ns = 5 * INT64_C(1000000000);
    struct house house;
    struct error err = {0};
    int64_t moment = 0, ingest, now;

    (void)state;
    house_init(&house);
    house_open(&house);
    now = clock_wall_ns(&house.clock.clock);
    assert_int_equal(store_go_above(house.store, &moment, &err), OK); /* now */
    assert_true(moment >= now);
    assert_int_equal(house_put(&house, 1, 0, 1, &ingest), OK);
    assert_true(ingest > moment);
    for (int64_t more = -1; more <= 1; more++) {
        now = moment = clock_wall_ns(&house.clock.clock) + most_ns + more * 1000000000;
        assert_int_equal(store_go_above(house.store, &moment, &err),
                         more > 0 ? E_AS_OF_FUTURE : OK);
        assert_int_equal(moment, now);
        assert_int_equal(house_put(&house, 1, 0, 1, &ingest), OK);
        assert_int_equal(ingest > moment, more <= 0);
    }
    assert_non_null(strstr(err.text, "ahead of this member's clock"));
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_taken_before_the_number_is_noted_and_in_use),
        cmocka_unit_test(test_the_number_outlives_the_process_and_not_the_incarnation),
        cmocka_unit_test(test_two_members_never_give_the_same_ingest_time),
        cmocka_unit_test(test_a_number_that_cannot_be_is_refused),
        cmocka_unit_test(test_readers_follow_the_clock_that_is_ahead),
        cmocka_unit_test(test_ingest_times_go_on_above_what_another_chose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
