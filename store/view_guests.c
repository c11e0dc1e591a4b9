/* Other members in a view: their packs are read beside our own, their deletions hide our rows and
 * ours theirs, and what is not known of them is told as missing.
 *
 * A pack knows what its own author knew: `settled`, current rows that stand for versions and
 * deletions that are carried out hold among packs of one chain.  Where a series has rows or
 * deletions of several chains in the range that is asked for, its places are taken with all
 * versions (store/view_places.c).  docs/decisions/0045-guests.md */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time_text.h"
#include "store/view_inside.h"

enum { REFUSED_TOLD_MAX = 5 };

static bool is_far_ahead(const struct view *view, int64_t moment)
{
    return stamp_is_far(&view->store->stamp, moment);
}

int64_t view_guests_newest(const struct view *view)
{
    if (view->guests == NULL)
        return 0;
    return is_far_ahead(view, view->guests->newest) ? stamp_wall(&view->store->stamp)
                                                    : view->guests->newest;
}

int64_t view_guests_ahead(const struct view *view)
{
    const struct guest_list *guests = view->guests;
    int64_t ahead = view_guests_newest(view);

    for (size_t i = 0; guests != NULL && i < guests->member_count; i++)
        if (guests->members[i].active && guests->members[i].through >= ahead &&
            !is_far_ahead(view, guests->members[i].through))
            ahead = guests->members[i].through + 1;
    return ahead;
}

bool view_guests_far(const struct view *view, bool all)
{
    const struct guest_list *guests = view->guests;
    bool far = guests != NULL && guests->newest > view->as_of && is_far_ahead(view, guests->newest);

    for (size_t i = 0; all && guests != NULL && i < guests->member_count; i++)
        far |= guests->members[i].active && guests->members[i].through > view->as_of &&
               is_far_ahead(view, guests->members[i].through);
    return far;
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
    const char *why = member->why, *colon = *why == '\0' ? "" : "; ";
    char text[512], told[TIMESTAMP_TEXT_SIZE];

    if (member->through >= view->as_of || (!member->unread && !member->active))
        return OK;
    view->final = false;
    if (member->unread)
        (void)snprintf(text, sizeof(text),
                       "member %u: what it delivered to shard %s could not be read yet: its rows "
                       "may be missing%s%s",
                       member->number, member->unread_shard, colon, why);
    else if (member->through == INT64_MIN)
        (void)snprintf(text, sizeof(text),
                       "member %u has not told what it has of this tenant: rows that it "
                       "acknowledged may be missing%s%s",
                       member->number, colon, why);
    else
        (void)snprintf(text, sizeof(text),
                       "member %u has told up to %.*s: rows that it acknowledged since may be "
                       "missing%s%s",
                       member->number, (int)timestamp_print(member->through, told), told, colon,
                       why);
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
    if (view->behind)
        code = miss(view,
                    BYTES("other members give ingest times that are far ahead of this node's "
                          "clock: rows that they acknowledged may be missing"),
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

/* --- what members that live were asked for --- */

bool view_has_others(const struct view *view)
{
    return view->guests != NULL;
}

/* Who follows chains here looks at the registry now and then, and may not have seen the first other
 * member yet.  Where it knows that it has not looked, that is told already. */
enum code view_miss_others(struct view *view, struct error *err)
{
    assert(view->guests == NULL);
    if (view->members != MEMBERS_NONE)
        return OK;
    view->members = MEMBERS_UNKNOWN;
    return view_meet_guests(view, err);
}

bool view_owing(const struct view *view, const struct hash128 *member)
{
    const struct guest_list *guests = view->guests;

    for (size_t i = 0; guests != NULL && i < guests->member_count; i++)
        if (hash128_equal(&guests->members[i].incarnation, member))
            return guests->members[i].through < view->as_of;
    return true;
}

bool view_has_seen(const struct view *view, const struct hash128 *member, struct bytes shard,
                   uint64_t entry)
{
    const struct guest_list *guests = view->guests;

    for (size_t i = 0; guests != NULL && i < guests->seen_count; i++)
        if (hash128_equal(&guests->seen[i].incarnation, member) &&
            bytes_equal(bytes_of(guests->seen[i].shard), shard))
            return guests->seen[i].next > entry;
    return false;
}

/* Of one that is not in the list yet nothing else is known.  Who was asked has rows to deliver, be
 * it that the list still has it as one that has left. */
static void tell_member(struct guest_member *members, size_t *count, const struct view_told *told)
{
    struct guest_member *member = NULL;

    for (size_t i = 0; member == NULL && i < *count; i++)
        if (hash128_equal(&members[i].incarnation, &told->incarnation))
            member = &members[i];
    if (member == NULL) {
        member = &members[(*count)++];
        *member = (struct guest_member){
            .number = told->member, .incarnation = told->incarnation, .through = INT64_MIN};
    }
    member->active = true;
    if (told->through > member->through)
        member->through = told->through;
    if (told->why != NULL)
        (void)snprintf(member->why, sizeof(member->why), "%s", told->why);
}

/* NULL: memory. */
static struct guest_list *with_told(const struct view *view, struct guest_chain *const *more,
                                    const struct view_told *told, size_t count)
{
    const struct guest_list *guests = view->guests;
    size_t chain_count = 0, member_count = guests == NULL ? 0 : guests->member_count;
    struct guest_chain **chains =
        malloc(((guests == NULL ? 0 : guests->count) + count + 1) * sizeof(struct guest_chain *));
    struct guest_member *members = malloc((member_count + count + 1) * sizeof(*members));
    struct guest_list *list = NULL;

    if (chains != NULL && members != NULL) {
        for (size_t i = 0; guests != NULL && i < guests->count; i++)
            chains[chain_count++] = guests->parts[i].chain;
        if (member_count > 0)
            memcpy(members, guests->members, member_count * sizeof(*members));
        for (size_t i = 0; i < count; i++) {
            if (more[i] != NULL)
                chains[chain_count++] = more[i];
            tell_member(members, &member_count, &told[i]);
        }
        list = guest_list_new(chains, chain_count, members, member_count, view->packs);
    }
    free(chains);
    free(members);
    return list;
}

/* Values of another kind than the field has here are not read. */
static enum code tell_refused(struct guest_chain *chain, const struct pack *pack, struct error *err)
{
    const struct pack_refused *refused;
    size_t count = pack_refused(pack, &refused);
    char text[ERROR_TEXT_SIZE];
    enum code code = OK;

    for (size_t i = 0; code == OK && i < count && i < REFUSED_TOLD_MAX; i++) {
        (void)snprintf(text, sizeof(text),
                       "member %u: field \"%.*s\" of measurement \"%.*s\" holds %s values there "
                       "and others here: they are left out",
                       chain->member, BYTES_ARG(refused[i].field),
                       BYTES_ARG(refused[i].measurement),
                       value_kind_name(value_kind(refused[i].type)));
        code = guest_chain_fault(chain, bytes_of(text), err);
    }
    return code;
}

/* A pack whose deletions are none: nothing of it is in the view. */
static enum code tell_unread(struct guest_chain *chain, const struct error *why, struct error *err)
{
    char text[ERROR_TEXT_SIZE];

    (void)snprintf(text, sizeof(text),
                   "member %u: what it answered cannot be read: its rows may be missing; %.150s",
                   chain->member, why->text);
    return guest_chain_fault(chain, bytes_of(text), err);
}

/* NULL in *chain: it has no such rows. */
static enum code chain_of(const struct view_told *told, struct guest_chain **chain,
                          struct error *err)
{
    struct error found = {0};
    enum code code;

    *chain = NULL;
    if (told->pack == NULL)
        return OK;
    *chain = guest_chain_new(told->member, &told->incarnation, 1);
    if (*chain == NULL) {
        pack_unref(told->pack);
        return error_set(err, E_MEMORY, "no memory for rows of another member");
    }
    (*chain)->told = true;
    (*chain)->floor = told->floor;
    code = guest_chain_add(*chain, told->pack, &found);
    if (code == OK)
        code = tell_refused(*chain, told->pack, err);
    else if (code == E_CORRUPT) /* as what is listed and cannot be read */
        code = tell_unread(*chain, &found, err);
    else
        *err = found;
    if (code == OK)
        guest_chain_finish(*chain);
    return code;
}

enum code view_add_told(struct view *view, const struct view_told *told, size_t count,
                        struct error *err)
{
    struct guest_chain **more = calloc(count + 1, sizeof(struct guest_chain *));
    struct guest_list *list = NULL;
    enum code code = OK;

    for (size_t i = 0; i < count; i++)
        if (more == NULL || code)
            pack_unref(told[i].pack);
        else
            code = chain_of(&told[i], &more[i], err);
    if (more != NULL && code == OK)
        list = with_told(view, more, told, count);
    for (size_t i = 0; more != NULL && i < count; i++)
        guest_chain_unref(more[i]);
    free(more);
    if (code)
        return code;
    if (list == NULL)
        return error_set(err, E_MEMORY, "no memory for rows of another member");
    view_leave_guests(view);
    view->guests = list;
    view->missing_count = view->missing_own;
    for (size_t i = 0; i < count; i++)
        view->final_own &= told[i].through < view->as_of || told[i].settled >= view->as_of;
    view->final = view->final_own;
    return view_meet_guests(view, err);
}
