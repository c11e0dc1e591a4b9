#include "store/delivery/leaving.h"

#include "store/delivery/delivered.h"
#include "store/member.h"
#include "store/state.h"

static void sealed(void *context, enum code code, const struct error *err)
{
    struct leaving *leaving = context;

    (void)code, (void)err; /* the sealer tells it, and is asked again */
    leaving->sealing = false;
}

static bool has_packs(struct store *store, const struct tenant *tenant)
{
    const struct holding *holding;
    bool has;

    pthread_mutex_lock(&store->state_lock);
    holding = tenant->ordinal < store->holding_capacity ? store->holdings[tenant->ordinal] : NULL;
    has = holding != NULL && holding->packs != NULL && holding->packs->count > 0;
    pthread_mutex_unlock(&store->state_lock);
    return has;
}

/* Not OK as well where packs are listed that are gone here: what was erased must go there, too. */
static enum code is_at_shard(const struct leaving *leaving, const struct tenant *tenant,
                             const char *shard, struct error *err)
{
    struct diff diff;
    bool whole;
    enum code code =
        delivered_compare(leaving->store->options.index, tenant->name, bytes_of(shard), &diff, err);

    if (code)
        return code;
    whole = diff.counts[DIFF_ADD] == 0 && diff.counts[DIFF_REMOVE] == 0 && !diff.returns;
    diff_release(&diff);
    return whole ? OK
                 : error_set(err, E_BUSY, "shard %s does not have all of tenant %.*s yet", shard,
                             BYTES_ARG(tenant->name));
}

static enum code has_delivered(const struct leaving *leaving, const struct tenant *tenant,
                               struct error *err)
{
    char shard[SHARD_NAME_SIZE];

    if (!has_packs(leaving->store, tenant) || !leaving->lives(leaving->context, tenant))
        return OK;
    if (!delivery_rules_shard(leaving->rules, tenant, shard))
        return error_set(
            err, E_BUSY,
            "tenant %.*s has no shard: its rows are here alone, and would go with this "
            "node",
            BYTES_ARG(tenant->name));
    return is_at_shard(leaving, tenant, shard, err);
}

enum code leaving_step(struct leaving *leaving, struct error *err)
{
    struct store *store = leaving->store;
    uint32_t end = store_tenants_end(store);
    enum code code = OK;
    bool in_packs;

    if (!store_rests(store, &in_packs))
        return error_set(err, E_BUSY, "writes that were taken before are not done yet");
    if (!in_packs) {
        if (!leaving->sealing) {
            leaving->sealing = true;
            store_seal(store, sealed, leaving);
        }
        return error_set(err, E_BUSY, "what is in memory is not sealed yet");
    }
    for (uint32_t i = 0; code == OK && i < end; i++) {
        const struct tenant *tenant = store_tenant_at(store, i);

        if (tenant != NULL)
            code = has_delivered(leaving, tenant, err);
    }
    return code;
}
