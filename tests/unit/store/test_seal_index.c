#include "tests/unit/store/house.h"

static void test_sealed_records_are_not_replayed_and_leave_the_wal(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int i = 0; i < 5; i++)
        house_put_noise(&house, 1, (uint64_t)i);
    assert_true(wal_bytes(house.store->wal) > 2 << 20);
    house_seal(&house);
    assert_true(wal_bytes(house.store->wal) <= 4 << 20); /* current and spare */
    assert_int_equal(house_put(&house, 2, 0, 5, NULL), OK);
    house_close(&house);
    house_open(&house);
    assert_int_equal(house_metric(&house, "weir_head_rows", METRIC_GAUGE, ""), 5);
    house_expect(&house, 2, 0, 5);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_records_are_not_replayed_and_leave_the_wal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
