#include "tests/unit/store/house.h"

/* Rows enough for a generation of its own, sealed. */
static void fill_and_seal(struct house *house, uint64_t seed)
{
    house_put_noise(house, 1, seed);
    house_seal(house);
}

/* Who reads slowly holds generations that have been sealed, up to half of head_bytes_max; then
 * the oldest readers are asked to leave, and they alone. */
static void test_slow_readers_hold_a_bounded_part(void **state)
{
    _Atomic bool lost[12] = {false};
    struct view *views[12], *quick;
    _Atomic bool quick_lost = false;
    struct house house;
    uint64_t most, held = 0;
    size_t given_up = 0;

    (void)state;
    house_init(&house);
    house.limits.head_bytes_max = 8 << 20;
    house_open(&house);
    most = house.limits.head_bytes_max / 2;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        house_put_noise(&house, 1, i);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &views[i], NULL), OK);
        view_watch(views[i], &lost[i]);
        house_seal(&house);
        for (size_t v = 0; v <= i; v++)
            if (lost[v] && views[v] != NULL) { /* a good citizen leaves */
                view_free(views[v]);
                views[v] = NULL;
                given_up++;
            }
        store_pin(house.store, NULL);
        held = house_metric(&house, "weir_head_pinned_bytes", METRIC_GAUGE, "");
        if (held > most)
            fail_msg("%llu bytes are held after %zu, at most %llu may be", (unsigned long long)held,
                     i, (unsigned long long)most);
    }
    assert_true(given_up > 0 && given_up < COUNT_OF(views));
    assert_true(held > 0);
    assert_null(views[0]); /* the oldest first */
    assert_non_null(views[COUNT_OF(views) - 1]);
    assert_int_equal(house_metric(&house, "weir_answers_given_up_total", METRIC_COUNTER, ""),
                     given_up);
    for (size_t v = 0; v < COUNT_OF(views); v++)
        view_free(views[v]);
    store_pin(house.store, NULL);
    assert_int_equal(house_metric(&house, "weir_head_pinned_bytes", METRIC_GAUGE, ""), 0);

    /* Packs pin nothing. */
    assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &quick, NULL), OK);
    view_watch(quick, &quick_lost);
    for (uint64_t i = 0; i < 8; i++)
        fill_and_seal(&house, i);
    assert_false(quick_lost);
    view_free(quick);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_readers_hold_a_bounded_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
