#include "catalog/lock.h"

bool lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    bool made;

    if (pthread_rwlockattr_init(&attributes))
        return false;
    made = pthread_rwlockattr_setkind_np(&attributes,
                                         PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0 &&
           pthread_rwlock_init(lock, &attributes) == 0;
    pthread_rwlockattr_destroy(&attributes);
    return made;
}
