#include "store/guests/hurry.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "store/guests/guests_inside.h"

/* Under the lock. */
static bool is_wanted(const struct guests *guests, const struct tenant *tenant,
                      const struct hash128 *incarnation, struct bytes shard)
{
    for (size_t i = 0; i < guests->hurry_count; i++)
        if (guests->hurries[i].tenant == tenant &&
            hash128_equal(&guests->hurries[i].incarnation, incarnation) &&
            bytes_equal(bytes_of(guests->hurries[i].shard), shard))
            return true;
    return false;
}

void guests_hurry(struct guests *guests, const struct tenant *tenant,
                  const struct hash128 *incarnation, struct bytes shard)
{
    pthread_mutex_lock(&guests->lock);
    if (shard.size < SHARD_NAME_SIZE && guests->hurry_count < COUNT_OF(guests->hurries) &&
        !is_wanted(guests, tenant, incarnation, shard)) {
        struct hurry *hurry = &guests->hurries[guests->hurry_count++];

        hurry->tenant = tenant;
        hurry->incarnation = *incarnation;
        (void)snprintf(hurry->shard, sizeof(hurry->shard), "%.*s", BYTES_ARG(shard));
        pthread_cond_broadcast(&guests->more);
    }
    pthread_mutex_unlock(&guests->lock);
}

bool hurry_is_for(const struct guests *guests, const struct post *post)
{
    for (size_t i = 0; i < guests->hurry_count; i++)
        if (strcmp(guests->hurries[i].shard, post->name) == 0)
            return true;
    return false;
}

void hurry_take(struct post *post)
{
    struct guests *guests = post->guests;
    size_t kept = 0;

    pthread_mutex_lock(&guests->lock);
    for (size_t i = 0; i < guests->hurry_count; i++) {
        const struct hurry hurry = guests->hurries[i];

        if (strcmp(hurry.shard, post->name) != 0) {
            guests->hurries[kept++] = hurry;
            continue;
        }
        for (struct watch *watch = post->watches; watch != NULL; watch = watch->next)
            if (watch->ward->tenant == hurry.tenant &&
                hash128_equal(&watch->incarnation, &hurry.incarnation)) {
                watch->due_ns = 0;
                post->rest_until_ns = 0; /* who listed something there had an answer of it */
                post->hurried = true;
            }
    }
    guests->hurry_count = kept;
    pthread_mutex_unlock(&guests->lock);
}

void hurry_forget(struct guests *guests)
{
    pthread_mutex_lock(&guests->lock);
    guests->hurry_count = 0;
    pthread_mutex_unlock(&guests->lock);
}

/* --- news --- */

void guests_tell(struct guests *guests)
{
    pthread_mutex_lock(&guests->lock);
    guests->told_count++;
    pthread_cond_broadcast(&guests->told);
    pthread_mutex_unlock(&guests->lock);
}

uint64_t guests_told(struct guests *guests)
{
    uint64_t count;

    pthread_mutex_lock(&guests->lock);
    count = guests->told_count;
    pthread_mutex_unlock(&guests->lock);
    return count;
}

void guests_wait(struct guests *guests, uint64_t since, int64_t until_ns)
{
    const struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};

    pthread_mutex_lock(&guests->lock);
    while (guests->told_count <= since && !guests->stop &&
           pthread_cond_timedwait(&guests->told, &guests->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&guests->lock);
}
