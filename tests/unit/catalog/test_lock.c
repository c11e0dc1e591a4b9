#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/lock.h"

static void test_readers_share_and_a_writer_is_alone(void **state)
{
    pthread_rwlock_t lock;

    (void)state;
    assert_true(lock_init(&lock));
    lock_read(&lock);
    assert_int_equal(pthread_rwlock_tryrdlock(&lock), 0);
    assert_int_not_equal(pthread_rwlock_trywrlock(&lock), 0);
    lock_leave(&lock);
    lock_leave(&lock);
    lock_write(&lock);
    assert_int_not_equal(pthread_rwlock_tryrdlock(&lock), 0);
    assert_int_not_equal(pthread_rwlock_trywrlock(&lock), 0);
    lock_leave(&lock);
    assert_int_equal(pthread_rwlock_destroy(&lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_share_and_a_writer_is_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
