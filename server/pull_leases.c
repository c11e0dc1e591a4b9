#include "server/pull_leases.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/number.h"
#include "discovery/registry.h"
#include "store/member.h"

enum { NAME_SIZE = sizeof("pull-") + HASH128_TEXT_SIZE };

struct pull_lease {
    struct pull_lease *next;
    char lease[NAME_SIZE]; /* in the registry */
    bool wanted;
    size_t size;
    char name[];
};

struct pull_leases {
    struct registry *registry;
    struct store *store;
    pthread_mutex_t lock; /* of the list and the map; what is in them stays */
    struct pull_lease *list;
    struct map by_name; /* each source asks in each turn of the puller's */
};

enum code pull_leases_new(struct registry *registry, struct store *store, struct pull_leases **out,
                          struct error *err)
{
    struct pull_leases *leases = calloc(1, sizeof(*leases));

    *out = leases;
    if (leases == NULL)
        return error_set(err, E_MEMORY, "no memory for the collectors");
    leases->registry = registry;
    leases->store = store;
    pthread_mutex_init(&leases->lock, NULL);
    return OK;
}

void pull_leases_free(struct pull_leases *leases)
{
    if (leases == NULL)
        return;
    while (leases->list != NULL) {
        struct pull_lease *lease = leases->list;

        leases->list = lease->next;
        if (lease->wanted)
            registry_release(leases->registry, REGISTRY_LEASES, bytes_of(lease->lease));
        free(lease);
    }
    map_release(&leases->by_name);
    pthread_mutex_destroy(&leases->lock);
    free(leases);
}

/* Names of leases are of few letters; those of limits have hosts in them.  Under the lock. */
static struct pull_lease *make(struct pull_leases *leases, struct bytes name)
{
    struct pull_lease *lease = malloc(sizeof(*lease) + name.size);
    struct hash128 sum = hash128(name);
    char text[HASH128_TEXT_SIZE];

    if (lease == NULL)
        return NULL;
    *lease = (struct pull_lease){.size = name.size};
    memcpy(lease->name, name.data, name.size);
    if (!map_put(&leases->by_name, (struct bytes){lease->name, lease->size}, lease)) {
        free(lease);
        return NULL;
    }
    hash128_print(&sum, text);
    snprintf(lease->lease, sizeof(lease->lease), "pull-%s", text);
    lease->next = leases->list;
    leases->list = lease;
    return lease;
}

bool pull_leased(struct pull_leases *leases, struct bytes name)
{
    struct pull_lease *lease;
    bool wanted;

    pthread_mutex_lock(&leases->lock);
    lease = map_get(&leases->by_name, name);
    wanted = lease != NULL && lease->wanted;
    if (lease == NULL)
        (void)make(leases, name); /* the next turn sees whether it is to be had */
    pthread_mutex_unlock(&leases->lock);
    return wanted && registry_held(leases->registry, REGISTRY_LEASES, bytes_of(lease->lease), NULL);
}

/* --- who is chosen --- */

static uint64_t weight_of(const struct pull_lease *lease, uint64_t member)
{
    struct hash128_state state;
    struct hash128 sum;
    uint64_t weight;

    hash128_begin(&state);
    hash128_add(&state, bytes_of(lease->lease));
    hash128_add(&state, (struct bytes){(const char *)&member, sizeof(member)});
    sum = hash128_end(&state);
    memcpy(&weight, sum.bytes, sizeof(weight));
    return weight;
}

/* Of those that live and this one. */
static bool is_chosen(const struct pull_leases *leases, const struct registry_snapshot *records,
                      const struct pull_lease *lease)
{
    uint64_t own = store_member(leases->store), mine = weight_of(lease, own);
    size_t first, end;

    registry_range(records, REGISTRY_ALIVE, &first, &end);
    for (size_t i = first; i < end; i++) {
        uint64_t member;

        if (number_parse_u64(records->records[i].name, &member) == OK && member != own &&
            weight_of(lease, member) > mine)
            return false;
    }
    return true;
}

static void want(struct pull_leases *leases, struct pull_lease *lease, bool wanted)
{
    struct error err = {0};

    if (wanted == lease->wanted)
        return;
    if (!wanted)
        registry_release(leases->registry, REGISTRY_LEASES, bytes_of(lease->lease));
    else if (registry_hold(leases->registry, REGISTRY_LEASES, bytes_of(lease->lease), BYTES("{}"),
                           &err) != OK) {
        log_error(LOG_WARN, "a lease of the collectors cannot be wanted", &err);
        return;
    }
    pthread_mutex_lock(&leases->lock);
    lease->wanted = wanted;
    pthread_mutex_unlock(&leases->lock);
}

void pull_leases_turn(struct pull_leases *leases)
{
    struct registry_snapshot *records = registry_get(leases->registry);
    struct pull_lease *lease;

    pthread_mutex_lock(&leases->lock);
    lease = leases->list; /* what comes meanwhile stands in front */
    pthread_mutex_unlock(&leases->lock);
    for (; lease != NULL; lease = lease->next)
        want(leases, lease, is_chosen(leases, records, lease));
    registry_snapshot_put(records);
}
