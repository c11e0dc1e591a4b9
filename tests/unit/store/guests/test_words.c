#include "store/guests/words.h"

#include "store/guests/guests_inside.h"
#include "tests/unit/store/guests/inn.h"

static void say(struct inn *inn, int64_t closed, uint64_t version)
{
    guests_hear(inn->guests, &inn->authors[0].incarnation, closed, version);
}

/* Whether an answer as of then lacks something of somebody; else it is final, and has so many rows
 * of series 1. */
static bool lacks(struct inn *inn, int64_t as_of, size_t want)
{
    static struct read_row rows[100];
    struct view *view;
    size_t missing;

    assert_int_equal(store_view(inn->house.store, inn->house.tenant, as_of, &view, NULL), OK);
    (void)view_missing(view, &missing);
    if (missing == 0) {
        assert_true(view_final(view));
        assert_int_equal(house_read_view(&inn->house, view, 1, rows, COUNT_OF(rows)), want);
    } else {
        assert_false(view_final(view));
    }
    view_free(view);
    return missing > 0;
}

/* So that what is asked for is not newer than what is stored here. */
static int64_t begin(struct inn *inn)
{
    inn_init(inn);
    assert_int_equal(house_put(&inn->house, 2, 0, 1, NULL), OK);
    inn_read(inn);
    return inn->house.store->durable - 1000;
}

/* Of a tenant that the member never touched nothing else tells; a look that began before says
 * nothing of what it had listed by then. */
static void test_what_was_said_counts_behind_a_look(void **state)
{
    struct inn inn;
    int64_t moment;

    (void)state;
    moment = begin(&inn);
    inn_read(&inn);
    say(&inn, moment, 5);
    assert_true(lacks(&inn, moment, 0));
    inn_read(&inn);
    assert_false(lacks(&inn, moment, 0));
    assert_true(lacks(&inn, moment + 1, 0));
    inn_expect_missing(&inn, "member 1 has told up to");
    say(&inn, moment - 10, 5); /* as one that has started anew: what was said stays */
    say(&inn, 0, 5);
    inn_read(&inn);
    assert_false(lacks(&inn, moment, 0));
    say(&inn, moment + 1, 5);
    inn_read(&inn);
    assert_false(lacks(&inn, moment + 1, 0));
    inn_release(&inn);
}

/* What the member has listed may be known to it before it is read here, whichever call fails. */
static void test_what_is_listed_must_have_been_read(void **state)
{
    bool early = false, whole = false;

    (void)state;
    for (uint64_t n = 1; !whole; n++) {
        struct inn inn;
        int64_t moment;

        (void)begin(&inn);
        depot_add_pack(&inn.author, 1, 0);
        depot_drain(&inn.author);
        inn.house.clock.wall_more += 1000000000;
        inn.author.house.clock.wall_more += 1000000000;
        assert_int_equal(house_put(&inn.house, 2, 10, 1, NULL), OK);
        moment = inn.house.store->durable;
        say(&inn, moment, 5);
        inn.author.north.fail_at = inn.author.north.calls + n;
        inn.author.north.fail_on = true;
        for (int i = 0; i < 4; i++) {
            inn.house.clock.monotonic_more += 60000000000;
            (void)guests_step(inn.guests);
            whole = !lacks(&inn, moment, 10);
            early |= whole && i == 0;
        }
        fake_heal(&inn.author.north);
        inn_release(&inn);
        assert_true(n < 100);
    }
    assert_false(early); /* the look that read it is not one that found nothing new */
}

/* Of all shards that the member may have listed something at, by the registry as it knows it. */
static void test_all_shards_must_be_known_and_read(void **state)
{
    struct inn inn;
    int64_t moment;

    (void)state;
    moment = begin(&inn);
    say(&inn, moment, 6); /* of which this node knows nothing yet */
    inn_read(&inn);
    assert_true(lacks(&inn, moment, 0));
    inn.version = 0; /* what is in force here is less than what there is */
    inn_read(&inn);
    assert_true(lacks(&inn, moment, 0));
    inn.version = 6;
    inn.shard_count = 2;
    inn.author.south.fail_at = 1;
    inn.author.south.fail_on = true;
    inn_read(&inn);
    inn_read(&inn);
    assert_true(lacks(&inn, moment, 0));
    fake_heal(&inn.author.south);
    inn.house.clock.monotonic_more += 60000000000;
    inn_read(&inn); /* for the first time */
    inn_read(&inn);
    assert_false(lacks(&inn, moment, 0));
    inn_release(&inn);
}

/* A shard that is added later takes nothing of it back, be it down. */
static void test_what_held_holds(void **state)
{
    struct inn inn;
    int64_t moment;

    (void)state;
    moment = begin(&inn);
    say(&inn, moment, 5);
    inn_read(&inn);
    inn.shard_count = 2;
    inn.author.south.fail_at = 1;
    inn.author.south.fail_on = true;
    inn_read(&inn);
    assert_false(lacks(&inn, moment, 0));
    say(&inn, moment + 1, 5);
    inn_read(&inn);
    assert_false(lacks(&inn, moment, 0));
    assert_true(lacks(&inn, moment + 1, 0));
    fake_heal(&inn.author.south);
    inn_release(&inn);
}

/* A record that nobody can read is of somebody all the same. */
static void test_a_word_of_nobody_is_none(void **state)
{
    static const struct hash128 nobody = {{0}};
    struct inn inn;
    int64_t moment;

    (void)state;
    moment = begin(&inn);
    inn.authors[0].incarnation = nobody;
    inn_leave(&inn);
    inn_enter(&inn);
    inn_read(&inn);
    say(&inn, moment, 5);
    inn_read(&inn);
    assert_true(lacks(&inn, moment, 0));
    assert_int_equal(inn.guests->word_count, 0);
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_said_counts_behind_a_look),
        cmocka_unit_test(test_what_is_listed_must_have_been_read),
        cmocka_unit_test(test_all_shards_must_be_known_and_read),
        cmocka_unit_test(test_what_held_holds),
        cmocka_unit_test(test_a_word_of_nobody_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
