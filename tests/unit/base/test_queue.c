#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "base/queue.h"
#include "base/thread.h"

static char items[8];

static void test_keeps_order_and_bound(void **state)
{
    struct queue *queue;
    void *taken[8];

    (void)state;
    assert_int_equal(queue_new(3, &queue, NULL), OK);
    for (int round = 0; round < 5; round++) { /* the ring turns */
        assert_true(queue_send(queue, &items[0]));
        assert_true(queue_send(queue, &items[1]));
        assert_true(queue_send(queue, &items[2]));
        assert_false(queue_send(queue, &items[3]));
        assert_int_equal(queue_count(queue), 3);
        assert_int_equal(queue_take(queue, taken, 2, -1), 2);
        assert_ptr_equal(taken[0], &items[0]);
        assert_ptr_equal(taken[1], &items[1]);
        assert_true(queue_send(queue, &items[4]));
        assert_int_equal(queue_take(queue, taken, 8, 0), 2);
        assert_ptr_equal(taken[0], &items[2]);
        assert_ptr_equal(taken[1], &items[4]);
    }
    assert_int_equal(queue_take(queue, taken, 8, 0), 0);
    assert_int_equal(queue_take(queue, taken, 8, 1), 0);
    assert_false(queue_closed(queue));
    queue_free(queue);
    queue_free(NULL);
}

static void test_a_closed_queue_drains(void **state)
{
    struct queue *queue;
    void *taken[8];

    (void)state;
    assert_int_equal(queue_new(3, &queue, NULL), OK);
    assert_true(queue_send(queue, &items[0]));
    queue_close(queue);
    assert_true(queue_closed(queue));
    assert_false(queue_send(queue, &items[1]));
    assert_int_equal(queue_take(queue, taken, 8, -1), 1);
    assert_int_equal(queue_take(queue, taken, 8, -1), 0); /* for ever would be long */
    queue_free(queue);
}

enum { SENDERS = 3, TAKERS = 2, EACH = 5000 };

struct shared {
    struct queue *queue;
    _Atomic uint64_t sum, count;
};

static void send_numbers(void *context)
{
    struct shared *shared = context;

    for (uintptr_t n = 1; n <= EACH;) {
        if (queue_send(shared->queue, (void *)n))
            n++;
        else
            (void)sched_yield();
    }
}

static void take_numbers(void *context)
{
    struct shared *shared = context;
    void *taken[16];
    size_t count;

    while ((count = queue_take(shared->queue, taken, COUNT_OF(taken), -1)) > 0) {
        for (size_t i = 0; i < count; i++)
            shared->sum += (uintptr_t)taken[i];
        shared->count += count;
    }
}

static void test_each_item_is_taken_once(void **state)
{
    struct shared shared = {0};
    struct thread *senders[SENDERS], *takers[TAKERS];

    (void)state;
    assert_int_equal(queue_new(64, &shared.queue, NULL), OK);
    for (int i = 0; i < TAKERS; i++)
        assert_int_equal(thread_start("taker", take_numbers, &shared, &takers[i], NULL), OK);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(thread_start("sender", send_numbers, &shared, &senders[i], NULL), OK);
    for (int i = 0; i < SENDERS; i++)
        thread_join(senders[i]);
    queue_close(shared.queue);
    for (int i = 0; i < TAKERS; i++)
        thread_join(takers[i]);
    assert_int_equal(shared.count, SENDERS * EACH);
    assert_int_equal(shared.sum, (uint64_t)SENDERS * EACH * (EACH + 1) / 2);
    queue_free(shared.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_order_and_bound),
        cmocka_unit_test(test_a_closed_queue_drains),
        cmocka_unit_test(test_each_item_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
