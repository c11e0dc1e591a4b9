/* The order is what makes it whole: first what is listed, then what there is.  A pack that is
 * delivered in between is told although it is listed, which does no harm; one that compaction put
 * in place of listed ones in between is told whole. */
#include "store/undelivered.h"

#include "store/member.h"
#include "store/view_inside.h"

/* A pair is listed when both of it are: either alone says nothing of what the other has. */
static bool is_listed(const struct listed *listed, const struct pack_list *list, size_t at)
{
    struct pack_about about = pack_about(list->packs[at]);
    const struct pack *other = NULL;
    bool has = listed_has(listed, about.number);

    if (about.kind == PACK_CURRENT && at + 1 < list->count)
        other = list->packs[at + 1];
    else if (about.kind == PACK_HISTORY && at > 0)
        other = list->packs[at - 1];
    if (other != NULL) {
        struct pack_about beside = pack_about(other);
        uint64_t number = about.kind == PACK_CURRENT ? about.number + 1 : about.number - 1;

        if (beside.number == number && beside.kind != PACK_PLAIN && beside.kind != about.kind)
            has &= listed_has(listed, number);
    }
    return has;
}

/* Only what is to be told stays in the view. */
static enum code leave_out(struct undelivered *undelivered, struct error *err)
{
    struct view *view = undelivered->view;
    struct pack_list *packs = view->packs, *kept;

    view_leave_guests(view);
    view->missing_count = 0; /* of ours there is nothing, see check() */
    if (packs == NULL)
        return OK;
    kept = pack_list_new(packs->count);
    if (kept == NULL)
        return error_set(err, E_MEMORY, "no memory for a list of packs");
    for (size_t i = 0; i < packs->count; i++)
        if (!is_listed(&undelivered->listed, packs, i))
            kept->packs[kept->count++] = pack_ref(packs->packs[i]);
    view->packs = kept;
    pack_list_unref(packs);
    return OK;
}

static enum code check(const struct view *view, struct error *err)
{
    bool met = view->guests != NULL || view->members != MEMBERS_NONE;

    if ((met ? view->missing_own : view->missing_count) > 0)
        return error_set(err, E_PARTIAL, "this member lost rows that it had stored: %.*s",
                         BYTES_ARG(view->missing[0]));
    if (view->as_of < view_history_floor(view))
        return error_set(err, E_BEFORE_HISTORY,
                         "this member does not keep versions of rows for so long");
    return OK;
}

enum code undelivered_take(struct store *store, const struct tenant *tenant, int64_t as_of,
                           struct undelivered *undelivered, struct error *err)
{
    /* First: whoever was told that his rows are stored, and asks then, asks for them. */
    struct store_progress progress = store_progress(store, tenant);
    int64_t sealed = store_sealed(store), moment = as_of;
    enum code code = store_go_above(store, &moment, err);

    *undelivered =
        (struct undelivered){.newest = progress.newest,
                             .settled = sealed > progress.durable ? sealed : progress.durable};
    if (code == OK)
        code = listed_read(store->options.index, tenant->name, &undelivered->listed, err);
    if (code == OK)
        code = store_view(store, tenant, moment, &undelivered->view, err);
    if (code == OK)
        code = check(undelivered->view, err);
    if (code == OK)
        undelivered->floor = view_history_floor(undelivered->view);
    return code ? code : leave_out(undelivered, err);
}

void undelivered_release(struct undelivered *undelivered)
{
    view_free(undelivered->view);
    listed_release(&undelivered->listed);
    *undelivered = (struct undelivered){.view = NULL};
}
