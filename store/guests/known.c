#include "store/guests/known.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/guests/guests_inside.h"

uint32_t known_end(struct guests *guests)
{
    uint32_t end;

    pthread_mutex_lock(&guests->lock);
    end = (uint32_t)guests->ward_capacity;
    pthread_mutex_unlock(&guests->lock);
    return end;
}

/* Under the lock. */
static void take_chain(const struct watch *watch, struct known_chain *chain)
{
    *chain = (struct known_chain){
        .member = watch->member,
        .incarnation = watch->incarnation,
        .chain = guest_chain_ref(watch->chain),
        .closed = watch->left && watch->closed,
        .looked_ns = watch->looked_ns,
    };
    (void)snprintf(chain->shard, sizeof(chain->shard), "%s", watch->post->name);
}

/* Under the lock.  False: memory. */
static bool take(const struct ward *ward, struct known *known)
{
    known->authors = calloc(ward->author_count + 1, sizeof(*known->authors));
    known->chains = calloc(ward->watch_count + 1, sizeof(*known->chains));
    if (known->authors == NULL || known->chains == NULL)
        return false;
    if (ward->author_count > 0)
        memcpy(known->authors, ward->authors, ward->author_count * sizeof(*known->authors));
    known->author_count = ward->author_count;
    for (size_t i = 0; i < ward->watch_count; i++)
        take_chain(ward->watches[i], &known->chains[known->chain_count++]);
    return true;
}

bool known_take(struct guests *guests, uint32_t ordinal, struct known *known)
{
    struct store *store = guests->store;
    const struct holding *holding;
    bool taken = true;

    *known = (struct known){.tenant = NULL};
    pthread_mutex_lock(&guests->lock);
    if (ordinal < guests->ward_capacity && guests->wards[ordinal] != NULL) {
        known->tenant = guests->wards[ordinal]->tenant;
        taken = take(guests->wards[ordinal], known);
        known->in_force = guests->version != 0;
    }
    pthread_mutex_unlock(&guests->lock);
    if (known->tenant == NULL)
        return true;
    known->own_through = store_progress(store, known->tenant).settled; /* first: none is missed */
    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, known->tenant);
    if (holding != NULL)
        known->own = tombstone_list_ref(holding->tombstones);
    pthread_mutex_unlock(&store->state_lock);
    return taken;
}

void known_release(struct known *known)
{
    for (size_t i = 0; i < known->chain_count; i++)
        guest_chain_unref(known->chains[i].chain);
    free(known->chains);
    free(known->authors);
    tombstone_list_unref(known->own);
    *known = (struct known){.tenant = NULL};
}

const struct guest_author *known_author(const struct known *known,
                                        const struct hash128 *incarnation)
{
    for (size_t i = 0; i < known->author_count; i++)
        if (hash128_equal(&known->authors[i].incarnation, incarnation))
            return &known->authors[i];
    return NULL;
}
