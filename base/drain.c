#include "base/drain.h"

#include <math.h>

/* Seconds of waiting after which a part counts 1/e: long enough to hold several seals, short enough
 * to forget the load of a minute ago. */
static const double memory_s = 10;

void drain_init(struct drain *drain, struct clock *clock)
{
    *drain = (struct drain){.clock = clock};
    pthread_mutex_init(&drain->lock, NULL);
}

void drain_release(struct drain *drain)
{
    pthread_mutex_destroy(&drain->lock);
}

void drain_begin(struct drain *drain)
{
    pthread_mutex_lock(&drain->lock);
    if (drain->since_ns == 0)
        drain->since_ns = clock_monotonic_ns(drain->clock);
    pthread_mutex_unlock(&drain->lock);
}

void drain_out(struct drain *drain, uint64_t amount, bool more)
{
    int64_t now_ns = clock_monotonic_ns(drain->clock);
    double took_s, keep;

    pthread_mutex_lock(&drain->lock);
    if (drain->since_ns != 0 && now_ns > drain->since_ns) {
        took_s = (double)(now_ns - drain->since_ns) * 1e-9;
        keep = exp(-took_s / memory_s);
        drain->amount = drain->amount * keep + (double)amount;
        drain->busy_s = drain->busy_s * keep + took_s;
    }
    drain->since_ns = more ? now_ns : 0;
    pthread_mutex_unlock(&drain->lock);
}

unsigned drain_seconds(struct drain *drain, uint64_t waiting)
{
    double seconds = 0, silence_s = 0;

    pthread_mutex_lock(&drain->lock);
    if (drain->amount > 0)
        seconds = (double)waiting * drain->busy_s / drain->amount;
    if (drain->since_ns != 0)
        silence_s = (double)(clock_monotonic_ns(drain->clock) - drain->since_ns) * 1e-9;
    pthread_mutex_unlock(&drain->lock);
    if (seconds < silence_s)
        seconds = silence_s;
    if (seconds > DRAIN_SECONDS_MAX)
        return DRAIN_SECONDS_MAX;
    return seconds <= 1 ? 1 : (unsigned)ceil(seconds);
}
