#include "store/guests/unerased.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/guests/guests_inside.h"
#include "store/guests/hurry.h"
#include "store/packs/compaction.h"

enum { WHY_SIZE = 240 };

/* --- packs that were replaced --- */

/* Where memory is short nobody is told of it: it goes with its last reader. */
void replaced_add(const struct watch *watch, struct pack *pack)
{
    struct guests *guests = watch->post->guests;
    struct replaced *replaced = malloc(sizeof(*replaced));

    if (replaced == NULL) {
        pack_unref(pack);
        return;
    }
    *replaced = (struct replaced){.tenant = watch->ward->tenant,
                                  .member = watch->member,
                                  .incarnation = watch->incarnation,
                                  .pack = pack};
    pthread_mutex_lock(&guests->lock);
    replaced->next = guests->replaced;
    guests->replaced = replaced;
    pthread_mutex_unlock(&guests->lock);
}

static void let_go(struct replaced *replaced)
{
    while (replaced != NULL) {
        struct replaced *next = replaced->next;

        pack_unref(replaced->pack); /* may remove files */
        free(replaced);
        replaced = next;
    }
}

void replaced_sweep(struct guests *guests)
{
    struct replaced *gone = NULL;

    pthread_mutex_lock(&guests->lock);
    for (struct replaced **at = &guests->replaced; *at != NULL;) {
        struct replaced *replaced = *at;

        if (!pack_is_last(replaced->pack)) {
            at = &replaced->next;
            continue;
        }
        *at = replaced->next;
        replaced->next = gone;
        gone = replaced;
    }
    pthread_mutex_unlock(&guests->lock);
    let_go(gone);
}

void replaced_release(struct guests *guests)
{
    let_go(guests->replaced);
    guests->replaced = NULL;
}

/* --- what may be somewhere --- */

struct looking {
    struct guests *guests;
    const struct unerased_question *question;
    struct arena *arena;
    struct unerased *list;
    size_t count;
};

/* False: memory. */
PRINTF_LIKE(4, 5)
static bool note(struct looking *looking, uint32_t member, bool active, const char *format, ...)
{
    char *why = arena_alloc(looking->arena, WHY_SIZE);
    va_list arguments;

    if (why == NULL)
        return false;
    va_start(arguments, format);
    (void)vsnprintf(why, WHY_SIZE, format, arguments);
    va_end(arguments);
    looking->list[looking->count++] = (struct unerased){member, active, why};
    return true;
}

/* As the member has it. */
static struct tombstone deletion_of(const struct looking *looking,
                                    const struct hash128 *incarnation)
{
    const struct unerased_question *question = looking->question;
    struct tombstone deletion = *question->tombstone;

    for (size_t i = 0; i < question->own_count; i++)
        if (hash128_equal(&question->own[i].incarnation, incarnation) &&
            question->own[i].ingest > deletion.ingest)
            deletion.ingest = question->own[i].ingest;
    return deletion;
}

static bool may_hold(const struct guest_part *part, const struct tombstone *deletion)
{
    const struct guest_chain *chain = part->chain;
    bool may = false;

    /* Also what the list leaves out as it is among our own: that may have been rewritten here
     * since. */
    for (size_t i = 0; !may && i < chain->count; i++) {
        struct pack_about about = pack_about(chain->packs[i]);

        may = compaction_may_hold(&about, deletion);
    }
    for (size_t i = 0; !may && i < chain->unread_count; i++)
        may = compaction_may_hold(&chain->unread[i], deletion);
    return may;
}

/* The shard of a chain of the member that may have some; NULL: there is none. */
static const char *shard_of(const struct guest_list *list, const struct guest_member *member,
                            const struct tombstone *deletion)
{
    for (size_t i = 0; i < list->count; i++)
        if (hash128_equal(&list->parts[i].chain->incarnation, &member->incarnation) &&
            may_hold(&list->parts[i], deletion))
            return list->parts[i].chain->shard;
    return NULL;
}

/* Where readers have a chain of the member; NULL: the tenant has no shard. */
static const char *seen_at(const struct guest_list *list, const struct guest_member *member)
{
    for (size_t i = 0; i < list->seen_count; i++)
        if (hash128_equal(&list->seen[i].incarnation, &member->incarnation))
            return list->seen[i].shard;
    return NULL;
}

static void hurry(const struct looking *looking, const struct guest_list *list,
                  const struct guest_member *member)
{
    for (size_t i = 0; i < list->seen_count; i++)
        if (hash128_equal(&list->seen[i].incarnation, &member->incarnation))
            guests_hurry(looking->guests, looking->question->tenant, &member->incarnation,
                         bytes_of(list->seen[i].shard));
}

/* False: memory. */
static bool look_at(struct looking *looking, const struct guest_list *list,
                    const struct guest_member *member)
{
    struct tombstone deletion = deletion_of(looking, &member->incarnation);
    const char *seen = seen_at(list, member), *shard = shard_of(list, member, &deletion);
    size_t before = looking->count;
    bool noted = true;

    if (member->unread)
        noted = note(looking, member->number, member->active,
                     "its packs at shard %s could not all be read", member->unread_shard);
    else if (shard != NULL)
        noted = note(looking, member->number, member->active,
                     "packs of it at shard %s may have some", shard);
    else if (member->active && seen != NULL && member->through < deletion.ingest)
        noted = note(looking, member->number, true,
                     "shard %s does not have all of it up to the erasure, as is known here", seen);
    else if (member->active && hash128_is_zero(&member->incarnation))
        noted = note(looking, member->number, true, "its record cannot be read");
    if (looking->count > before)
        hurry(looking, list, member);
    return noted;
}

/* One for all: who waits does so for the last of them. */
static bool look_at_replaced(struct looking *looking)
{
    uint32_t member = 0;

    replaced_sweep(looking->guests);
    pthread_mutex_lock(&looking->guests->lock);
    for (const struct replaced *at = looking->guests->replaced; at != NULL; at = at->next) {
        struct tombstone deletion = deletion_of(looking, &at->incarnation);
        struct pack_about about = pack_about(at->pack);

        if (at->tenant == looking->question->tenant && compaction_may_hold(&about, &deletion))
            member = at->member;
    }
    pthread_mutex_unlock(&looking->guests->lock);
    return member == 0 || note(looking, member, true,
                               "answers under way here still read packs of it that have some");
}

/* NULL: there is none, and *unknown tells whether that says anything. */
static struct guest_list *list_of(struct guests *guests, const struct tenant *tenant, bool *unknown)
{
    struct store *store = guests->store;
    const struct holding *holding;
    struct guest_list *list;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    list = holding == NULL ? NULL : guest_list_ref(holding->guests);
    *unknown = list == NULL && store->members != MEMBERS_NONE;
    pthread_mutex_unlock(&store->state_lock);
    return list;
}

enum code guests_unerased(struct guests *guests, const struct unerased_question *question,
                          struct arena *arena, struct unerased **out, size_t *count,
                          struct error *err)
{
    struct looking looking = {guests, question, arena, NULL, 0};
    struct guest_list *list;
    bool unknown, looked;

    *out = NULL;
    *count = 0;
    if (guests == NULL)
        return OK;
    list = list_of(guests, question->tenant, &unknown);
    looking.list = ARENA_ARRAY(arena, struct unerased, (list == NULL ? 0 : list->member_count) + 2);
    looked = looking.list != NULL;
    if (looked && unknown)
        looked = note(&looking, 0, true, "what other members delivered is not known here yet");
    for (size_t i = 0; looked && list != NULL && i < list->member_count; i++)
        looked = look_at(&looking, list, &list->members[i]);
    if (looked)
        looked = look_at_replaced(&looking);
    guest_list_unref(list);
    *out = looking.list;
    *count = looking.count;
    return looked ? OK : error_set(err, E_MEMORY, "no memory to look for what was erased");
}
