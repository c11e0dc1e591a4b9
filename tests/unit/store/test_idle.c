#include "store/idle.h"

#include "store/member.h"
#include "store/undelivered.h"
#include "store/view_inside.h"
#include "tests/unit/store/house.h"

/* Beside another member whose clock agrees, as the server has it once it has asked. */
static void meet(struct house *house)
{
    const struct store_peers seen = {.answered = true,
                                     .wall_minus_boot = clock_wall_ns(&house->clock.clock) -
                                                        clock_boot_ns(&house->clock.clock)};

    house->store->members = MEMBERS_SOME;
    store_meet(house->store, &seen);
}

static void begin(struct house *house)
{
    house_init(house);
    house_open(house);
    meet(house);
}

static void end(struct house *house)
{
    house_close(house);
    house_remove(house);
}

static void wait_a_period(struct house *house)
{
    house->clock.wall_more += idle_period_ns;
    meet(house);
}

static int64_t step(struct house *house)
{
    struct error err = {0};

    if (store_step_idle(house->store, &err) != OK)
        fail_msg("%s", err.text);
    return store_sealed(house->store);
}

static void test_the_moment_goes_on_while_nothing_is_written(void **state)
{
    struct undelivered undelivered;
    struct house house;
    struct view *view;
    int64_t first, second;

    (void)state;
    begin(&house);
    first = step(&house);
    assert_true(first > 0 && first <= clock_wall_ns(&house.clock.clock));
    assert_int_equal(step(&house), first); /* it costs a commit of the index */
    wait_a_period(&house);
    second = step(&house);
    assert_true(second >= first + idle_period_ns);
    assert_int_equal(store_view(house.store, house.tenant, second, &view, NULL), OK);
    assert_true(view->final_own); /* as if something had been written above it */
    view_free(view);
    assert_int_equal(undelivered_take(house.store, house.tenant, second, &undelivered, NULL), OK);
    assert_int_equal(undelivered.settled, second);
    undelivered_release(&undelivered);
    assert_int_equal(house_put(&house, 1, 0, 1, NULL), OK);
    assert_true(house.store->durable > second);
    end(&house);
}

/* What is not in a pack yet ends it, whether it is shown already or not. */
static void test_what_is_written_ends_it(void **state)
{
    struct house house;

    (void)state;
    begin(&house);
    assert_int_equal(house_put(&house, 1, 0, 1, NULL), OK);
    assert_int_equal(step(&house), 0);
    house_seal(&house);
    house.store->applied = house.store->assigned - 1;
    wait_a_period(&house);
    assert_true(step(&house) <= house.store->durable);
    house.store->applied = house.store->assigned;
    assert_true(step(&house) > house.store->durable);
    end(&house);
}

/* A moment that is stored is one that later writes must be above: not by a clock that nobody
 * confirmed, and only for others. */
static void test_not_alone_and_not_by_a_clock_that_may_be_wrong(void **state)
{
    struct house house;

    (void)state;
    begin(&house);
    house.store->members = MEMBERS_NONE;
    assert_int_equal(step(&house), 0);
    meet(&house);
    store_meet(house.store, &(struct store_peers){.none = true});
    assert_int_equal(step(&house), 0);
    meet(&house);
    house.clock.wall_more += 1000000000; /* of whom the others are behind by now */
    assert_int_equal(step(&house), 0);
    house.clock.wall_more -= 1000000000;
    store_part(house.store, &(struct error){.code = E_NO_MEMBER, .text = "it has left"});
    assert_int_equal(step(&house), 0);
    end(&house);
}

/* Nothing comes at or below it, be the clock set back while the node is down. */
static void test_a_restart_goes_on_above_it(void **state)
{
    struct house house;
    int64_t moment;

    (void)state;
    begin(&house);
    moment = step(&house);
    house_close(&house);
    house.clock.wall_more -= 20000000000;
    house_open(&house);
    assert_int_equal(store_sealed(house.store), moment);
    assert_int_equal(house_put(&house, 1, 0, 1, NULL), OK);
    assert_true(house.store->durable > moment);
    end(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_moment_goes_on_while_nothing_is_written),
        cmocka_unit_test(test_what_is_written_ends_it),
        cmocka_unit_test(test_not_alone_and_not_by_a_clock_that_may_be_wrong),
        cmocka_unit_test(test_a_restart_goes_on_above_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
