#include "ingest/rate.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum { RETRY_SECONDS_MAX = 60 };

struct bucket {
    double points; /* below 0: a debt */
    int64_t filled_ns;
};

struct rate {
    struct clock *clock;
    pthread_mutex_t lock;   /* guards: */
    struct bucket *buckets; /* by tenant ordinal */
    size_t capacity;
};

enum code rate_new(struct clock *clock, struct rate **rate, struct error *err)
{
    *rate = calloc(1, sizeof(**rate));
    if (*rate == NULL)
        return error_set(err, E_MEMORY, "no memory for rate limits");
    (*rate)->clock = clock;
    pthread_mutex_init(&(*rate)->lock, NULL);
    return OK;
}

void rate_free(struct rate *rate)
{
    if (rate == NULL)
        return;
    pthread_mutex_destroy(&rate->lock);
    free(rate->buckets);
    free(rate);
}

static struct bucket *bucket_of(struct rate *rate, const struct tenant *tenant)
{
    if (tenant->ordinal >= rate->capacity) {
        size_t capacity = (tenant->ordinal + 16) * (size_t)2;
        struct bucket *grown = realloc(rate->buckets, capacity * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        memset(grown + rate->capacity, 0, (capacity - rate->capacity) * sizeof(*grown));
        rate->buckets = grown;
        rate->capacity = capacity;
    }
    return &rate->buckets[tenant->ordinal];
}

static void bucket_fill(struct bucket *bucket, uint64_t per_second, int64_t now_ns)
{
    double most = (double)per_second;

    if (bucket->filled_ns == 0)
        bucket->points = most;
    else
        bucket->points += (double)(now_ns - bucket->filled_ns) * 1e-9 * most;
    if (bucket->points > most)
        bucket->points = most;
    bucket->filled_ns = now_ns;
}

static enum code refuse(uint64_t per_second, double seconds, struct error *err)
{
    error_retry(err, seconds < RETRY_SECONDS_MAX ? (unsigned)ceil(seconds) : RETRY_SECONDS_MAX);
    return error_set(err, E_RATE_LIMIT,
                     "more than %" PRIu64 " points a second (points_per_second_max); the next fit "
                     "in %.1f s",
                     per_second, seconds);
}

enum code rate_take(struct rate *rate, const struct tenant *tenant, uint64_t per_second,
                    uint64_t points, struct error *err)
{
    struct bucket *bucket;
    enum code code = OK;

    if (per_second == 0)
        return OK;
    pthread_mutex_lock(&rate->lock);
    bucket = bucket_of(rate, tenant);
    if (bucket == NULL) {
        code = error_set(err, E_MEMORY, "no memory for a rate limit");
    } else {
        bucket_fill(bucket, per_second, clock_monotonic_ns(rate->clock));
        if (bucket->points > 0)
            bucket->points -= (double)points;
        else
            code = refuse(per_second, (1 - bucket->points) / (double)per_second, err);
    }
    pthread_mutex_unlock(&rate->lock);
    return code;
}
