#include "server/compaction.h"

#include "catalog/match.h"
#include "discovery/directory.h"

static void ages(void *context, const struct tenant *tenant, int64_t *retention_ns,
                 int64_t *history_ns)
{
    struct directory_snapshot *snapshot = directory_get(context);
    const struct tenant_settings *settings = directory_tenant(snapshot, tenant->name);

    /* Of a tenant that the file does not know (any more) nothing is dropped. */
    *retention_ns = settings == NULL ? INT64_MAX : settings->retention_ns;
    *history_ns = settings == NULL ? INT64_MAX : settings->history_ns;
    directory_put(snapshot);
}

static enum code selection_new(const struct selector *selector, struct selection **selection,
                               struct error *err)
{
    struct matchset *matchset = NULL;
    enum code code = matchset_new(selector, &matchset, err);

    *selection = (struct selection *)matchset;
    return code;
}

static enum code selects(struct selection *selection, const struct series *series, bool *selected,
                         struct error *err)
{
    bool gave_up = false;

    *selected = matchset_matches((struct matchset *)selection, series, &gave_up);
    if (gave_up)
        return error_set(err, E_INTERNAL,
                         "a stored deletion has a pattern that takes too many steps to decide");
    return OK;
}

static void selection_free(struct selection *selection)
{
    matchset_free((struct matchset *)selection);
}

struct compaction_rules compaction_rules_of(struct directory *directory)
{
    return (struct compaction_rules){directory, ages, selection_new, selects, selection_free};
}
