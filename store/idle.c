/* Own ingest times go on above the moment first, then it is stored as what was sealed last: what is
 * stored is read at a start, so a crash between the two leaves the older one. */
#include "store/idle.h"

#include <assert.h>

#include "store/index.h"
#include "store/state.h"

/* Under state_lock.  All that has an ingest time is in packs, and the clock is one that others
 * agreed with of late: a moment that is ahead would be kept as a write of that time is. */
static bool is_idle(struct store *store)
{
    return store->members == MEMBERS_SOME && store->apart.code == OK && !store->failed &&
           stamp_compared(&store->stamp) && stamp_check(&store->stamp, &(struct error){0}) == OK &&
           store->generation_count == 1 && store->generations[0]->born_ns == 0 &&
           store->applied >= store->assigned && store->assigned <= stamp_wall(&store->stamp);
}

/* False: not yet. */
static bool take_moment(struct store *store, int64_t *moment)
{
    bool taken;

    pthread_mutex_lock(&store->state_lock);
    *moment = stamp_wall(&store->stamp);
    taken = *moment - store->sealed_ingest >= idle_period_ns && is_idle(store);
    if (taken)
        stamp_raise(&store->stamp, *moment);
    pthread_mutex_unlock(&store->state_lock);
    return taken;
}

static enum code keep(struct store *store, int64_t moment, struct error *err)
{
    const struct index_operations *index = store->options.index->operations;
    struct index_transaction *transaction;
    enum code code = index->begin(store->options.index, true, &transaction, err);

    if (code)
        return code;
    code = index->put(transaction, INDEX_META, BYTES("ingest_last"),
                      (struct bytes){(const char *)&moment, sizeof(moment)}, err);
    if (code) {
        index->abort(transaction);
        return code;
    }
    return index->commit(transaction, err);
}

enum code store_step_idle(struct store *store, struct error *err)
{
    int64_t moment;
    enum code code;

    if (!take_moment(store, &moment))
        return OK;
    code = keep(store, moment, err);
    if (code)
        return code;
    pthread_mutex_lock(&store->state_lock);
    assert(moment > store->sealed_ingest); /* nobody else moves it on */
    store->sealed_ingest = moment;
    pthread_mutex_unlock(&store->state_lock);
    return OK;
}
