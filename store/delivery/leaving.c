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

/* What it acknowledged and cannot read is delivered by nobody, and when it has left nobody names it
 * for that.  A pack that could not be opened is in the index, and in no list of packs.  NULL: of
 * all tenants. */
static enum code has_all(struct store *store, const struct tenant *tenant, struct error *err)
{
    enum code code = OK;

    pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; code == OK && i < store->missing_count; i++)
        if (store->missing[i].tenant == tenant)
            code = error_set(err, E_BUSY,
                             "rows that it acknowledged are missing: %.*s; mend that, or forget "
                             "this member when it is stopped",
                             BYTES_ARG(store->missing[i].text));
    pthread_mutex_unlock(&store->state_lock);
    return code;
}

static bool has_erased(struct store *store, const struct tenant *tenant)
{
    const struct tombstone_list *list;
    const struct holding *holding;
    bool erased = false;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    list = holding == NULL ? NULL : holding->tombstones;
    for (size_t i = 0; list != NULL && i < list->count; i++)
        erased |= list->tombstones[i].erase;
    pthread_mutex_unlock(&store->state_lock);
    return erased;
}

/* Not OK as well where packs are listed that are gone here: what was erased must go there, too, and
 * its documents go by nobody else. */
static enum code is_at_shard(const struct leaving *leaving, const struct tenant *tenant,
                             const char *shard, struct error *err)
{
    struct diff diff;
    bool whole, gone;
    enum code code =
        delivered_compare(leaving->store->options.index, tenant->name, bytes_of(shard), &diff, err);

    if (code)
        return code;
    whole = diff.counts[DIFF_ADD] == 0 && diff.counts[DIFF_REMOVE] == 0 && !diff.returns;
    gone = diff.counts[DIFF_DISCARD] == 0 || !has_erased(leaving->store, tenant);
    diff_release(&diff);
    if (!whole)
        return error_set(err, E_BUSY, "shard %s does not have all of tenant %.*s yet", shard,
                         BYTES_ARG(tenant->name));
    return gone ? OK
                : error_set(err, E_BUSY,
                            "shard %s has documents of tenant %.*s yet in which something was "
                            "erased: they go ten minutes after they were replaced",
                            shard, BYTES_ARG(tenant->name));
}

/* Of a tenant without a shard. */
static enum code has_nothing(const struct leaving *leaving, const struct tenant *tenant,
                             struct error *err)
{
    struct diff diff;
    size_t live;
    enum code code =
        delivered_compare(leaving->store->options.index, tenant->name, BYTES(""), &diff, err);

    if (code)
        return code;
    live = diff.counts[DIFF_ADD] + diff.counts[DIFF_KEEP];
    diff_release(&diff);
    return live == 0 ? OK
                     : error_set(err, E_BUSY,
                                 "tenant %.*s has no shard: its rows are here alone, and would go "
                                 "with this node",
                                 BYTES_ARG(tenant->name));
}

static enum code has_delivered(const struct leaving *leaving, const struct tenant *tenant,
                               struct error *err)
{
    char shard[SHARD_NAME_SIZE];
    enum code code;

    if (!leaving->lives(leaving->context, tenant))
        return OK;
    code = has_all(leaving->store, tenant, err);
    if (code)
        return code;
    return delivery_rules_shard(leaving->rules, tenant, shard)
               ? is_at_shard(leaving, tenant, shard, err)
               : has_nothing(leaving, tenant, err);
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
    code = has_all(store, NULL, err);
    for (uint32_t i = 0; code == OK && i < end; i++) {
        const struct tenant *tenant = store_tenant_at(store, i);

        if (tenant != NULL)
            code = has_delivered(leaving, tenant, err);
    }
    return code;
}
