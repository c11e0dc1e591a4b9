#include "store/guests/caught_up.h"

#include "store/guests/guests_inside.h"

/* Under the lock. */
static bool has_caught_up(const struct watch *watch, int64_t since_ns)
{
    return !watch->named || watch->refused || (watch->left && watch->closed) ||
           watch->looked_ns >= since_ns;
}

/* Under the lock. */
static enum code ask(const struct guests *guests, const struct tenant *tenant, int64_t since_ns,
                     struct error *err)
{
    const struct ward *ward =
        tenant->ordinal < guests->ward_capacity ? guests->wards[tenant->ordinal] : NULL;

    if (guests->surveyed_ns < since_ns)
        return error_set(err, E_NOT_READY, "other members have not been looked for yet");
    for (size_t i = 0; ward != NULL && i < ward->watch_count; i++)
        if (!has_caught_up(ward->watches[i], since_ns))
            return error_set(err, E_NOT_READY,
                             "what member %u delivered to shard %s could not be read yet",
                             ward->watches[i]->member, ward->watches[i]->post->name);
    return OK;
}

enum code guests_caught_up(struct guests *guests, const struct tenant *tenant, int64_t since_ns,
                           struct error *err)
{
    enum code code;

    pthread_mutex_lock(&guests->lock);
    code = ask(guests, tenant, since_ns, err);
    pthread_mutex_unlock(&guests->lock);
    return code;
}
