/* Other members in a view: their packs are read beside our own, their deletions hide our rows and
 * ours theirs, and what is not known of them is told as missing.
 *
 * A pack knows what its own author knew: `settled`, current rows that stand for versions and
 * deletions that are carried out hold among packs of one chain.  Where a series has rows or
 * deletions of several chains in the range that is asked for, its places are taken with all
 * versions (store/view_places.c).  docs/decisions/0045-guests.md */
#include <stdio.h>
#include <stdlib.h>

#include "base/time_text.h"
#include "store/view_inside.h"

/* What is ahead of our clock by more would have our own ingest times run away with it. */
static const int64_t ahead_ns_max = 60 * INT64_C(1000000000);

int64_t view_guests_newest(const struct view *view)
{
    int64_t wall;

    if (view->guests == NULL)
        return 0;
    wall = stamp_wall(&view->store->stamp);
    return view->guests->newest - ahead_ns_max > wall ? wall : view->guests->newest;
}

int64_t view_guests(const struct view *view)
{
    return view->guests == NULL ? 0 : (int64_t)view->guests->mark;
}

/* --- deletions --- */

static int tombstone_order(const void *a, const void *b)
{
    const struct tombstone *left = a, *right = b;

    return left->ingest < right->ingest ? -1 : left->ingest > right->ingest;
}

static enum code merge_tombstones(struct view *view, struct error *err)
{
    const struct guest_list *guests = view->guests;
    size_t own = view->tombstones == NULL ? 0 : view->tombstones->count, count = own;
    struct tombstone *all;

    if (guests->tombstone_count == 0)
        return OK;
    all = malloc((own + guests->tombstone_count) * sizeof(*all));
    if (all == NULL)
        return error_set(err, E_MEMORY, "no memory for a view");
    if (own > 0)
        memcpy(all, view->tombstones->tombstones, own * sizeof(*all));
    for (size_t i = 0; i < guests->count; i++) {
        const struct guest_chain *chain = guests->parts[i].chain;

        if (chain->tombstone_count > 0)
            memcpy(all + count, chain->tombstones, chain->tombstone_count * sizeof(*all));
        count += chain->tombstone_count;
    }
    qsort(all, count, sizeof(*all), tombstone_order);
    view->all_tombstones = all;
    view->all_tombstone_count = count;
    return OK;
}

static bool any_touches(const struct tombstone *tombstones, size_t count,
                        const struct series *series, int64_t start, int64_t end)
{
    for (size_t i = 0; i < count; i++)
        if (tombstones[i].start < end && tombstones[i].end > start &&
            bytes_equal(tombstones[i].selector.measurement, series->measurement))
            return true;
    return false;
}

bool view_is_mixed(const struct view *view, const struct series *series, int64_t start, int64_t end,
                   uint32_t author, bool several)
{
    const struct guest_list *guests = view->guests;

    if (several)
        return true;
    if (author != 0 && view->tombstones != NULL &&
        any_touches(view->tombstones->tombstones, view->tombstones->count, series, start, end))
        return true;
    for (size_t i = 0; i < guests->count; i++) {
        const struct guest_chain *chain = guests->parts[i].chain;

        if (author != i + 1 &&
            any_touches(chain->tombstones, chain->tombstone_count, series, start, end))
            return true;
    }
    return false;
}

/* --- what is missing --- */

static enum code miss(struct view *view, struct bytes text, struct error *err)
{
    struct bytes *grown =
        realloc((void *)view->missing, (view->missing_count + 1) * sizeof(*grown));
    struct bytes kept = arena_copy(&view->texts, text);

    if (grown != NULL)
        view->missing = grown;
    if (grown == NULL || kept.data == NULL)
        return error_set(err, E_MEMORY, "no memory for a view");
    grown[view->missing_count++] = kept;
    return OK;
}

/* Nothing where the member has told all up to S. */
static enum code miss_member(struct view *view, const struct guest_member *member,
                             struct error *err)
{
    char text[256], told[TIMESTAMP_TEXT_SIZE];

    if (member->through >= view->as_of || (!member->unread && !member->active))
        return OK;
    view->final = false;
    if (member->unread)
        (void)snprintf(text, sizeof(text),
                       "member %u: what it delivered to shard %s could not be read yet: its rows "
                       "may be missing",
                       member->number, member->unread_shard);
    else if (member->through == INT64_MIN)
        (void)snprintf(text, sizeof(text),
                       "member %u has not told what it has of this tenant: rows that it "
                       "acknowledged may be missing",
                       member->number);
    else
        (void)snprintf(text, sizeof(text),
                       "member %u has told up to %.*s: rows that it acknowledged since may be "
                       "missing",
                       member->number, (int)timestamp_print(member->through, told), told);
    return miss(view, bytes_of(text), err);
}

static enum code tell_missing(struct view *view, struct error *err)
{
    const struct guest_list *guests = view->guests;
    enum code code = OK;

    if (guests == NULL) {
        view->final = false;
        return miss(view,
                    BYTES("other members have not been looked for yet: rows that they have "
                          "may be missing"),
                    err);
    }
    if (view->latest && guests->newest > view->as_of)
        code = miss(view,
                    BYTES("rows of other members have ingest times that are ahead of this "
                          "node's clock"),
                    err);
    for (size_t i = 0; code == OK && i < guests->member_count; i++)
        code = miss_member(view, &guests->members[i], err);
    for (size_t i = 0; i < guests->count; i++) {
        const struct guest_chain *chain = guests->parts[i].chain;

        for (size_t f = 0; code == OK && f < chain->fault_count; f++)
            code = miss(view, chain->faults[f], err);
        view->final &= chain->fault_count == 0;
    }
    return code;
}

/* --- all of it --- */

enum code view_meet_guests(struct view *view, struct error *err)
{
    const struct guest_list *guests = view->guests;
    enum code code = OK;

    arena_init(&view->texts, SIZE_MAX, NULL);
    view->missing_own = view->missing_count;
    if (guests != NULL) {
        code = merge_tombstones(view, err);
        if (guests->floor > view->history_floor && guests->floor != INT64_MIN)
            view->history_floor = guests->floor;
        if (guests->newest > view->newest)
            view->newest = guests->newest;
    }
    return code ? code : tell_missing(view, err);
}

void view_leave_guests(struct view *view)
{
    free(view->all_tombstones);
    guest_list_unref(view->guests);
    arena_release(&view->texts);
    view->all_tombstones = NULL;
    view->guests = NULL;
}

/* The list with one chain more, and the member's `through` raised. */
static struct guest_list *with_one_more(const struct view *view, uint32_t member,
                                        struct guest_chain *more, int64_t through)
{
    const struct guest_list *guests = view->guests;
    size_t count = guests == NULL ? 0 : guests->count;
    size_t member_count = guests == NULL ? 0 : guests->member_count;
    struct guest_chain **chains = malloc((count + 1) * sizeof(struct guest_chain *));
    struct guest_member *members = malloc((member_count + 1) * sizeof(*members));
    struct guest_list *list = NULL;

    if (chains != NULL && members != NULL) {
        for (size_t i = 0; i < count; i++)
            chains[i] = guests->parts[i].chain;
        chains[count] = more;
        for (size_t i = 0; i < member_count; i++) {
            members[i] = guests->members[i];
            if (members[i].number == member && through > members[i].through)
                members[i].through = through;
        }
        list = guest_list_new(chains, count + 1, members, member_count, view->packs);
    }
    free(chains);
    free(members);
    return list;
}

enum code view_add_guest(struct view *view, uint32_t member, struct pack *pack, int64_t through,
                         struct error *err)
{
    struct guest_chain *chain = guest_chain_new(member, 1);
    struct guest_list *list = NULL;
    enum code code = OK;

    if (chain == NULL)
        pack_unref(pack);
    else if (pack != NULL)
        code = guest_chain_add(chain, pack, err);
    if (chain != NULL && code == OK) {
        guest_chain_finish(chain);
        list = with_one_more(view, member, chain, through);
    }
    guest_chain_unref(chain);
    if (code)
        return code;
    if (list == NULL)
        return error_set(err, E_MEMORY, "no memory for rows of another member");
    view_leave_guests(view);
    view->guests = list;
    view->missing_count = view->missing_own;
    view->final = view->final_own;
    return view_meet_guests(view, err);
}
