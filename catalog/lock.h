/* A reader-writer lock whose calls cannot fail, but by our own mistake. */
#ifndef WEIR_CATALOG_LOCK_H
#define WEIR_CATALOG_LOCK_H

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

/* A waiting writer goes before new readers, or a busy tenant could never make a series.  False
 * when memory ran out. */
bool lock_init(pthread_rwlock_t *lock);

static inline void lock_read(pthread_rwlock_t *lock)
{
    int failed = pthread_rwlock_rdlock(lock);

    assert(failed == 0);
}

static inline void lock_write(pthread_rwlock_t *lock)
{
    int failed = pthread_rwlock_wrlock(lock);

    assert(failed == 0);
}

static inline void lock_leave(pthread_rwlock_t *lock)
{
    int failed = pthread_rwlock_unlock(lock);

    assert(failed == 0);
}

#endif
