/* Generations that are in packs already, but that somebody's answer still reads: a client that
 * takes its time would hold the head of the moment when it asked.  They may hold a part of what the
 * head may; beyond it the answers that hold the oldest are given up.  (They end within some
 * thousand rows, or when they next look whether their client is there.) */
#include "base/log.h"
#include "store/view_inside.h"

enum { PINNED_SHARE = 2 }; /* of head_bytes_max: a question begins with less than that mostly */

/* Under state_lock. */
static bool view_holds(const struct view *view, const struct generation *generation)
{
    for (size_t i = 0; i < view->generation_count; i++)
        if (view->generations[i] == generation)
            return true;
    return false;
}

/* Forgets those that only this list has; what the others come to.  Under state_lock. */
static uint64_t pinned_sum(struct store *store)
{
    uint64_t bytes = 0;
    size_t kept = 0;

    for (size_t i = 0; i < store->pinned_count; i++) {
        struct generation *generation = store->pinned[i];

        if (generation_is_last(generation)) {
            generation_unref(generation);
            continue;
        }
        bytes += generation_bytes(generation);
        store->pinned[kept++] = generation;
    }
    store->pinned_count = kept;
    return bytes;
}

/* Those who read the oldest, until what is left may stay.  Under state_lock. */
static unsigned give_up_readers(struct store *store, uint64_t bytes)
{
    uint64_t most = store->limits.head_bytes_max / PINNED_SHARE;
    unsigned given_up = 0;

    for (size_t i = 0;
         i < store->pinned_count && (bytes > most || store->pinned_count - i > GENERATIONS_MAX / 2);
         i++) {
        for (struct view *view = store->views; view != NULL; view = view->next)
            if (view->lost != NULL && view_holds(view, store->pinned[i]) &&
                !atomic_exchange(view->lost, true))
                given_up++;
        bytes -= generation_bytes(store->pinned[i]);
    }
    return given_up;
}

void store_pin(struct store *store, struct generation *sealed)
{
    unsigned given_up = 0;
    uint64_t bytes;

    pthread_mutex_lock(&store->state_lock);
    if (sealed != NULL && store->pinned_count < COUNT_OF(store->pinned))
        store->pinned[store->pinned_count++] = generation_ref(sealed);
    bytes = pinned_sum(store);
    given_up = give_up_readers(store, bytes);
    pthread_mutex_unlock(&store->state_lock);
    metric_set(store->metrics.pinned_bytes, (int64_t)bytes);
    if (given_up > 0) {
        metric_add(store->metrics.given_up, given_up);
        log_event(LOG_WARN, "gave up answers that are read too slowly: they held rows in memory",
                  LOG_UINT("answers", given_up), LOG_UINT("bytes", bytes));
    }
}

void view_watch(struct view *view, _Atomic bool *lost)
{
    struct store *store = view->store;

    pthread_mutex_lock(&store->state_lock);
    view->lost = lost;
    pthread_mutex_unlock(&store->state_lock);
}
