#include "store/view.h"

#include <assert.h>
#include <stdlib.h>

#include "store/view_inside.h"

/* Waits until everything stamped up to `target` is applied.  Under state_lock. */
static enum code wait_applied(struct store *store, int64_t target, struct error *err)
{
    while (store->applied < target) {
        if (store->failed)
            return error_set(err, E_IO, "the disk failed; the server must be restarted");
        if (store->applier_thread == NULL) { /* nobody else will: the simulator's steps */
            bool did;
            enum code code;

            pthread_mutex_unlock(&store->state_lock);
            code = store_step_apply(store, &did, err);
            pthread_mutex_lock(&store->state_lock);
            if (code)
                return code;
            continue;
        }
        pthread_cond_wait(&store->applied_more, &store->state_lock);
    }
    return OK;
}

/* Settles S, which is asked for, unless `ahead`.  Under state_lock. */
static enum code view_settle(struct view *view, int64_t as_of, bool ahead, struct error *err)
{
    struct store *store = view->store;
    int64_t guests = view_guests_newest(view);
    enum code code = OK;

    if (as_of == VIEW_LATEST || as_of == VIEW_AT_HAND) {
        view->as_of = store->durable;
        if (as_of == VIEW_AT_HAND && (view->as_of == 0 || view->members != MEMBERS_NONE))
            return error_set(err, E_BUSY, "there is no moment that is not to be waited for");
        if (guests > view->as_of) { /* what others have stored is not to wait for our own rows */
            view->as_of = guests;
            stamp_raise(&store->stamp, guests);
            code = wait_applied(store, store->assigned < guests ? store->assigned : guests, err);
        } else if (view->as_of == 0) { /* nothing was ever applied: now, after what is under way */
            view->as_of = stamp_now(&store->stamp);
            stamp_raise(&store->stamp, view->as_of);
            code = wait_applied(store, store->assigned, err);
        }
    } else if (as_of == VIEW_AHEAD) {
        view->as_of = stamp_above_others(&store->stamp);
        guests = view_guests_ahead(view);
        if (guests > view->as_of)
            view->as_of = guests;
        stamp_raise(&store->stamp, view->as_of);
        code = wait_applied(store, store->assigned, err);
    } else {
        if (!ahead && as_of > stamp_now(&store->stamp))
            return error_set(err, E_AS_OF_FUTURE,
                             "as_of lies in the future; leave it out to read the newest");
        stamp_raise(&store->stamp, as_of);
        view->as_of = as_of;
        code = wait_applied(store, store->assigned < as_of ? store->assigned : as_of, err);
    }
    view->final = view->final_own =
        view->as_of <= store->durable || view->as_of <= store->sealed_ingest;
    view->behind =
        (ahead || as_of <= VIEW_LATEST) && view_guests_far(view, ahead || as_of == VIEW_AHEAD);
    return code;
}

/* What this tenant may miss, and nothing of another's.  Under state_lock. */
static enum code view_take_missing(struct view *view, const struct tenant *tenant,
                                   struct error *err)
{
    const struct store *store = view->store;
    struct bytes *missing;

    if (store->missing_count == 0)
        return OK;
    missing = malloc(store->missing_count * sizeof(*missing));
    if (missing == NULL)
        return error_set(err, E_MEMORY, "no memory for a view");
    for (size_t i = 0; i < store->missing_count; i++)
        if (store->missing[i].tenant == NULL || store->missing[i].tenant == tenant)
            missing[view->missing_count++] = store->missing[i].text;
    view->missing = missing;
    return OK;
}

static enum code view_take(struct store *store, const struct tenant *tenant, int64_t as_of,
                           bool ahead, struct view **out, struct error *err)
{
    struct view *view = calloc(1, sizeof(*view));
    struct holding *holding;
    enum code code;

    *out = NULL;
    if (view == NULL)
        return error_set(err, E_MEMORY, "no memory for a view");
    view->store = store;
    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    if (holding != NULL)
        view->guests = guest_list_ref(holding->guests);
    view->members = store->members;
    code = view_settle(view, as_of, ahead, err);
    if (code)
        goto out;
    holding = store_held(store, tenant); /* it may have waited: for a tenant's first rows */
    if (holding != NULL) {
        view->packs = pack_list_ref(holding->packs);
        view->tombstones = tombstone_list_ref(holding->tombstones);
        view->deleted_last = holding->deleted_last;
        view->history_floor = holding->history_floor;
        view->newest = holding->newest;
    }
    for (size_t i = 0; i < store->generation_count; i++)
        view->generations[view->generation_count++] = generation_ref(store->generations[i]);
    code = view_take_missing(view, tenant, err);
    if (code)
        goto out;
    view->next = store->views;
    view->link = &store->views;
    if (view->next != NULL)
        view->next->link = &view->next;
    store->views = view;

out:
    pthread_mutex_unlock(&store->state_lock);
    if (code == OK && (view->guests != NULL || view->members != MEMBERS_NONE))
        code = view_meet_guests(view, err);
    if (code) {
        view_free(view);
        return code;
    }
    *out = view;
    return OK;
}

enum code store_view(struct store *store, const struct tenant *tenant, int64_t as_of,
                     struct view **view, struct error *err)
{
    return view_take(store, tenant, as_of, false, view, err);
}

enum code store_view_ahead(struct store *store, const struct tenant *tenant, int64_t as_of,
                           struct view **view, struct error *err)
{
    assert(as_of > 0);
    return view_take(store, tenant, as_of, true, view, err);
}

void view_free(struct view *view)
{
    if (view == NULL)
        return;
    pthread_mutex_lock(&view->store->state_lock);
    if (view->link != NULL) {
        *view->link = view->next;
        if (view->next != NULL)
            view->next->link = view->link;
    }
    pthread_mutex_unlock(&view->store->state_lock);
    for (size_t i = 0; i < view->generation_count; i++)
        generation_unref(view->generations[i]);
    pack_file_close(atomic_load(&view->file));
    pack_list_unref(view->packs);
    tombstone_list_unref(view->tombstones);
    view_leave_guests(view);
    free((void *)view->missing);
    free(view);
}

void view_bear(struct view *view, const struct patience *patience)
{
    view->patience = *patience;
}

struct pack_file *view_take_file(const struct view *view, const struct pack *pack)
{
    struct pack_file *file;

    if (view == NULL)
        return NULL;
    file = atomic_exchange(&((struct view *)view)->file, NULL);
    if (file == NULL || !pack_file_is_of(file, pack)) {
        pack_file_close(file);
        if (pack_file_open(pack, &file, NULL) != OK)
            return NULL; /* the read tells what it was */
    }
    pack_file_bear(file, &view->patience);
    return file;
}

void view_give_file(const struct view *view, struct pack_file *file)
{
    if (file != NULL)
        pack_file_close(atomic_exchange(&((struct view *)view)->file, file));
}

int64_t view_as_of(const struct view *view)
{
    return view->as_of;
}

bool view_final(const struct view *view)
{
    return view->final;
}

const struct tombstone *view_tombstones(const struct view *view, size_t *count)
{
    if (view->all_tombstones != NULL) {
        *count = view->all_tombstone_count;
        return view->all_tombstones;
    }
    *count = view->tombstones == NULL ? 0 : view->tombstones->count;
    return view->tombstones == NULL ? NULL : view->tombstones->tombstones;
}

int64_t view_deleted_last(const struct view *view)
{
    return view->deleted_last;
}

int64_t view_newest(const struct view *view)
{
    return view->newest;
}

int64_t view_history_floor(const struct view *view)
{
    return view->history_floor == 0 ? INT64_MIN : view->history_floor;
}

const struct bytes *view_missing(const struct view *view, size_t *count)
{
    *count = view->missing_count;
    return view->missing;
}
