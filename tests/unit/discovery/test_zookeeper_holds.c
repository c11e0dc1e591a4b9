/* Stands in for functions of zookeeper_link.c: answers come from a script. */
#include "discovery/zookeeper_holds.h"

#include "base/clock.h"
#include "tests/unit/discovery/noted_link.h"

enum { SESSION = 77 };

static struct zookeeper_holds holds;
static struct zookeeper_nodes nodes;

/* How many questions go out. */
static unsigned step(bool connected)
{
    static const struct zookeeper_address address = {.root = "/weir"};
    const struct zookeeper_turn turn = {
        .link = connected ? (struct zookeeper_link *)&nodes : NULL, /* nobody looks into it */
        .address = &address,
        .nodes = &nodes,
        .session = SESSION,
        .connected = connected,
    };
    unsigned before = sent_count;

    zookeeper_holds_step(&holds, &turn);
    return sent_count - before;
}

/* The answer to what was sent last, at this time of the boot clock. */
static const struct zookeeper_hold *answer(enum link_outcome outcome, int64_t sent_ns)
{
    struct link_event event = {
        .kind = LINK_ANSWER,
        .outcome = outcome,
        .tag = sent,
        .node = {.created = 9, .changed = 9, .owner = SESSION}
    };

    event.tag.sent_ns = sent_ns;
    return zookeeper_holds_answer(&holds, &event, SESSION);
}

static bool have(void)
{
    uint64_t epoch = 0;
    bool held = zookeeper_holds_have(&holds, REGISTRY_LEASES, BYTES("merge"), &epoch);

    assert_true(!held || epoch == 9);
    return held;
}

static void want(const char *text)
{
    assert_int_equal(
        holds_want(&holds.wanted, REGISTRY_LEASES, BYTES("merge"), bytes_of(text), NULL), OK);
}

static int setup(void **state)
{
    (void)state;
    zookeeper_holds_init(&holds);
    zookeeper_nodes_init(&nodes);
    holds.session_ns = 9 * SECOND;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    zookeeper_holds_release(&holds);
    zookeeper_nodes_release(&nodes);
    return 0;
}

static void test_what_is_held_counts_for_two_thirds_of_the_session(void **state)
{
    int64_t now_ns = clock_boot_ns(clock_system());

    (void)state;
    want("a");
    assert_false(have());
    assert_int_equal(step(false), 0); /* it waits for a connection */
    assert_int_equal(step(true), 1);
    assert_int_equal(step(true), 0);
    assert_non_null(answer(LINK_OK, now_ns - 7 * SECOND));
    assert_false(have()); /* as of too long ago */
    zookeeper_holds_prove(&holds, now_ns);
    assert_true(have());
    zookeeper_holds_prove(&holds, now_ns - 7 * SECOND); /* an older answer takes nothing back */
    assert_true(have());
    want("b"); /* which is for the next time */
    assert_int_equal(step(true), 0);
    assert_true(have());
    zookeeper_holds_lost(&holds);
    assert_false(have());
    assert_int_equal(step(true), 1); /* a new session has it made again */
}

static void test_what_is_given_up_counts_no_more_and_goes(void **state)
{
    int64_t now_ns = clock_boot_ns(clock_system());

    (void)state;
    want("a");
    assert_int_equal(step(true), 1);
    assert_non_null(answer(LINK_OK, now_ns));
    assert_true(have());
    holds_give_up(&holds.wanted, REGISTRY_LEASES, BYTES("merge"));
    assert_false(have()); /* at once, whatever is said to ZooKeeper */
    want("a");            /* wanted again: not before the old one has gone */
    assert_int_equal(step(true), 1);
    assert_non_null(answer(LINK_OK, now_ns));
    assert_false(have());
    assert_int_equal(step(true), 0); /* it is taken out */
    assert_int_equal(step(true), 1);
    assert_non_null(answer(LINK_OK, now_ns));
    assert_true(have());
    holds_give_up(&holds.wanted, REGISTRY_LEASES, BYTES("merge"));
    assert_int_equal(step(false), 0); /* without a link the session's end does it */
    assert_null(holds.wanted.first);
    assert_null(answer(LINK_OK, now_ns)); /* of one that is over */
}

static void test_who_has_no_directory_waits_for_it(void **state)
{
    const struct zookeeper_hold *hold;

    (void)state;
    want("a");
    assert_int_equal(step(true), 1);
    hold = answer(LINK_ABSENT, 1);
    assert_true(hold && hold->homeless);
    assert_int_equal(step(true), 0);
    zookeeper_holds_home(&holds, REGISTRY_ALIVE, LINK_OK); /* another one's */
    assert_int_equal(step(true), 0);
    zookeeper_holds_home(&holds, REGISTRY_LEASES, LINK_OK);
    assert_int_equal(step(true), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_held_counts_for_two_thirds_of_the_session),
        TEST(test_what_is_given_up_counts_no_more_and_goes),
        TEST(test_who_has_no_directory_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
