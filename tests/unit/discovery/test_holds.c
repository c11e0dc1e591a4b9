#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "discovery/holds.h"

/* An implementation's record. */
struct held {
    struct hold wanted;
    int stage;
};

static struct holds holds;
static int ended;

static void end(struct hold *hold)
{
    ended += 1 + ((struct held *)hold)->stage;
}

static bool is_released(const struct hold *hold)
{
    return hold->released;
}

static struct hold *find(enum registry_kind kind)
{
    struct hold *hold;

    pthread_mutex_lock(&holds.lock);
    hold = holds_find(&holds, kind, BYTES("merge"));
    pthread_mutex_unlock(&holds.lock);
    return hold;
}

static void want(enum registry_kind kind, const char *text)
{
    assert_int_equal(holds_want(&holds, kind, BYTES("merge"), bytes_of(text), NULL), OK);
}

static void test_of_a_kind_and_name_one_is_wanted(void **state)
{
    struct hold *hold;

    (void)state;
    holds_init(&holds, sizeof(struct held), end);
    want(REGISTRY_LEASES, "one");
    hold = find(REGISTRY_LEASES);
    assert_true(bytes_equal(hold->text, BYTES("one")));
    assert_int_equal(((struct held *)hold)->stage, 0);
    want(REGISTRY_LEASES, "and two");
    assert_ptr_equal(find(REGISTRY_LEASES), hold);
    assert_true(bytes_equal(hold->text, BYTES("and two")));
    assert_null(find(REGISTRY_ALIVE));
    want(REGISTRY_ALIVE, "");
    assert_ptr_equal(holds.first, find(REGISTRY_ALIVE));
    assert_true(holds.first->id > hold->id);
    ended = 0;
    holds_release(&holds);
    assert_int_equal(ended, 2);
}

/* What is given up is there until it is swept, and is not found; its successor is another one. */
static void test_what_is_given_up_is_swept(void **state)
{
    struct hold *before;

    (void)state;
    holds_init(&holds, sizeof(struct held), end);
    holds_give_up(&holds, REGISTRY_LEASES, BYTES("merge")); /* which nobody wants */
    want(REGISTRY_ALIVE, "stays");
    want(REGISTRY_LEASES, "goes");
    assert_false(holds_sweep(&holds, is_released));
    before = find(REGISTRY_LEASES);
    holds_give_up(&holds, REGISTRY_LEASES, BYTES("merge"));
    assert_null(find(REGISTRY_LEASES));
    assert_true(before->released);
    want(REGISTRY_LEASES, "comes");
    assert_ptr_not_equal(find(REGISTRY_LEASES), before);
    ended = 0;
    assert_true(holds_sweep(&holds, is_released));
    assert_int_equal(ended, 1);
    assert_true(bytes_equal(find(REGISTRY_LEASES)->text, BYTES("comes")));
    assert_true(bytes_equal(find(REGISTRY_ALIVE)->text, BYTES("stays")));
    holds_release(&holds);
}

/* Whoever has nothing behind its holds ends nothing. */
static void test_an_end_is_optional(void **state)
{
    (void)state;
    holds_init(&holds, sizeof(struct hold), NULL);
    want(REGISTRY_LEASES, "x");
    holds_give_up(&holds, REGISTRY_LEASES, BYTES("merge"));
    assert_true(holds_sweep(&holds, is_released));
    assert_null(holds.first);
    holds_release(&holds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_a_kind_and_name_one_is_wanted),
        cmocka_unit_test(test_what_is_given_up_is_swept),
        cmocka_unit_test(test_an_end_is_optional),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
