#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "discovery/link_inbox.h"

static int64_t in_ms(int64_t count)
{
    return clock_monotonic_ns(clock_system()) + count * 1000000;
}

static void test_an_inbox_is_waited_for_only_so_long(void **state)
{
    struct link_inbox inbox;
    int64_t begun = clock_monotonic_ns(clock_system());
    bool lost;

    (void)state;
    link_inbox_init(&inbox);
    assert_null(link_inbox_take(&inbox, in_ms(20), &lost));
    assert_false(lost);
    assert_true(clock_monotonic_ns(clock_system()) - begun >= 20000000);
    link_inbox_poke(&inbox); /* before somebody waits: it is not forgotten */
    begun = clock_monotonic_ns(clock_system());
    assert_null(link_inbox_take(&inbox, in_ms(60000), &lost));
    assert_true(clock_monotonic_ns(clock_system()) - begun < 30000000000);
    link_inbox_release(&inbox);
}

static void put(struct link_inbox *inbox, unsigned generation)
{
    struct link_event *event = calloc(1, sizeof(*event));

    assert_non_null(event);
    event->generation = generation;
    link_inbox_put(inbox, event);
}

static void test_all_there_is_comes_in_order(void **state)
{
    struct link_inbox inbox;
    bool lost;

    (void)state;
    link_inbox_init(&inbox);
    for (unsigned round = 0; round < 2; round++) {
        struct link_event *event;

        for (unsigned i = 1; i <= 3; i++)
            put(&inbox, i);
        event = link_inbox_take(&inbox, in_ms(60000), &lost);
        assert_false(lost);
        for (unsigned i = 1; i <= 3; i++) {
            struct link_event *next = event->next;

            assert_int_equal(event->generation, i);
            link_event_free(event);
            event = next;
        }
        assert_null(event);
    }
    put(&inbox, 4); /* which nobody takes */
    link_inbox_release(&inbox);
}

static void test_what_was_lost_is_told_once(void **state)
{
    struct link_inbox inbox;
    bool lost;

    (void)state;
    link_inbox_init(&inbox);
    link_inbox_put(&inbox, NULL);
    assert_null(link_inbox_take(&inbox, in_ms(60000), &lost));
    assert_true(lost);
    assert_null(link_inbox_take(&inbox, in_ms(0), &lost));
    assert_false(lost);
    link_event_free(NULL);
    link_inbox_release(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_inbox_is_waited_for_only_so_long),
        cmocka_unit_test(test_all_there_is_comes_in_order),
        cmocka_unit_test(test_what_was_lost_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
