#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/budget.h"
#include "base/thread.h"

static void test_never_passes_its_maximum(void **state)
{
    struct budget budget = {.bytes_max = 100};

    (void)state;
    assert_true(budget_take(&budget, 60));
    assert_false(budget_take(&budget, 41));
    assert_int_equal(budget_used(&budget), 60);
    assert_true(budget_take(&budget, 40));
    assert_false(budget_take(&budget, 1));
    assert_false(budget_take(&budget, SIZE_MAX));
    assert_true(budget_take(&budget, 0));
    budget_give(&budget, 100);
    assert_int_equal(budget_used(&budget), 0);
}

enum { THREADS = 4, ROUNDS = 20000 };

struct shared {
    struct budget budget;
    _Atomic uint64_t above;
};

static void take_and_give(void *context)
{
    struct shared *shared = context;

    for (int i = 0; i < ROUNDS; i++) {
        if (!budget_take(&shared->budget, 30))
            continue;
        if (budget_used(&shared->budget) > 100)
            shared->above++;
        budget_give(&shared->budget, 30);
    }
}

static void test_threads_share_it(void **state)
{
    struct shared shared = {.budget.bytes_max = 100};
    struct thread *threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start("taker", take_and_give, &shared, &threads[i], NULL), OK);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(shared.above, 0);
    assert_int_equal(budget_used(&shared.budget), 0);
}

static void test_a_parent_bounds_its_children_together(void **state)
{
    struct budget parent = {.bytes_max = 100};
    struct budget a = {.bytes_max = 80, .parent = &parent},
                  b = {.bytes_max = 80, .parent = &parent};

    (void)state;
    assert_true(budget_take(&a, 60));
    assert_false(budget_take(&a, 30)); /* its own maximum */
    assert_false(a.parent_full);
    assert_false(budget_take(&b, 50)); /* that of both */
    assert_true(b.parent_full);
    assert_int_equal(budget_used(&b), 0);
    assert_true(budget_take(&b, 40));
    assert_int_equal(budget_used(&parent), 100);
    budget_give(&a, 60);
    budget_give(&b, 40);
    assert_int_equal(budget_used(&parent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_passes_its_maximum),
        cmocka_unit_test(test_threads_share_it),
        cmocka_unit_test(test_a_parent_bounds_its_children_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
