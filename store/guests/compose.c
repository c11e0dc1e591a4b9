/* What readers get is put together of what each chain's thread has made ready.  Two threads may do
 * so for one tenant at a time: the later picture stays. */
#include <stdio.h>
#include <stdlib.h>

#include "store/guests/guests_inside.h"

/* A picture of the tenant, references and copies. */
struct picture {
    struct guest_chain **chains;
    struct guest_member *members;
    size_t chain_count, member_count;
    uint64_t sequence;
};

static void picture_release(struct picture *picture)
{
    for (size_t i = 0; i < picture->chain_count; i++)
        guest_chain_unref(picture->chains[i]);
    free(picture->chains);
    free(picture->members);
}

/* Under the lock. */
static void take_member(const struct ward *ward, const struct guest_author *author,
                        struct guest_member *member)
{
    *member = (struct guest_member){.number = author->number,
                                    .incarnation = author->incarnation,
                                    .active = author->active,
                                    .through = INT64_MIN};
    for (size_t i = 0; i < ward->watch_count; i++) {
        const struct watch *watch = ward->watches[i];

        if (memcmp(&watch->incarnation, &author->incarnation, sizeof(author->incarnation)) != 0)
            continue;
        if (!watch->read || (!author->active && !watch->closed)) {
            member->unread = true;
            (void)snprintf(member->unread_shard, sizeof(member->unread_shard), "%s",
                           watch->post->name);
        }
        if (watch->chain != NULL && watch->chain->through > member->through)
            member->through = watch->chain->through;
        if (watch->vouched > member->through)
            member->through = watch->vouched;
    }
}

/* False: memory. */
static bool picture_take(struct guests *guests, struct ward *ward, struct picture *picture)
{
    bool taken;

    pthread_mutex_lock(&guests->lock);
    *picture = (struct picture){
        .chains = malloc((ward->watch_count + 1) * sizeof(struct guest_chain *)),
        .members = calloc(ward->author_count + 1, sizeof(*picture->members)),
        .sequence = ++ward->sequence,
    };
    taken = picture->chains != NULL && picture->members != NULL;
    for (size_t i = 0; taken && i < ward->watch_count; i++)
        if (ward->watches[i]->chain != NULL)
            picture->chains[picture->chain_count++] = guest_chain_ref(ward->watches[i]->chain);
    for (size_t i = 0; taken && i < ward->author_count; i++)
        take_member(ward, &ward->authors[i], &picture->members[picture->member_count++]);
    pthread_mutex_unlock(&guests->lock);
    return taken;
}

/* An answer of others may be final for what they have stored above it, and they be down by now:
 * what is stamped here from now on does not come below it, be our clock behind.  Under state_lock.
 */
static void raise_stamps(struct store *store, const struct guest_list *list)
{
    stamp_raise_above(&store->stamp, list->newest);
    for (size_t i = 0; i < list->member_count; i++)
        stamp_raise_above(&store->stamp, list->members[i].through);
}

/* Takes the list over. */
static bool publish(struct store *store, struct ward *ward, uint64_t sequence,
                    struct guest_list *list)
{
    struct holding *holding;
    bool known;

    pthread_mutex_lock(&store->state_lock);
    holding = store_holding(store, ward->tenant);
    known = holding != NULL;
    if (known && sequence > ward->published) {
        struct guest_list *before = holding->guests;

        raise_stamps(store, list);
        holding->guests = list;
        ward->published = sequence;
        list = before;
    }
    pthread_mutex_unlock(&store->state_lock);
    guest_list_unref(list);
    return known;
}

/* What readers have, and which picture that is of.  NULL: nothing. */
static struct guest_list *published(struct store *store, const struct ward *ward,
                                    uint64_t *sequence)
{
    const struct tenant *tenant = ward->tenant;
    const struct holding *holding;
    struct guest_list *list;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    list = holding == NULL ? NULL : guest_list_ref(holding->guests);
    *sequence = ward->published;
    pthread_mutex_unlock(&store->state_lock);
    return list;
}

/* Every second for each chain, where nothing but a member's word goes on: packs are not looked
 * through for it.  Where another picture was taken in between, or is under way, the list may lack
 * what that one has. */
bool ward_renew(struct guests *guests, struct ward *ward)
{
    struct store *store = guests->store;
    struct guest_list *before, *list = NULL;
    struct picture picture;
    uint64_t sequence;
    bool taken, next;

    before = published(store, ward, &sequence);
    taken = picture_take(guests, ward, &picture);
    next = taken && before != NULL && picture.sequence == sequence + 1;
    if (next)
        list = guest_list_renew(before, picture.members, picture.member_count);
    guest_list_unref(before);
    if (list != NULL)
        next = publish(store, ward, picture.sequence, list);
    picture_release(&picture);
    return list != NULL ? next : taken && !next && ward_compose(guests, ward);
}

bool ward_compose(struct guests *guests, struct ward *ward)
{
    struct store *store = guests->store;
    struct guest_list *list = NULL;
    struct pack_list *own;
    struct picture picture;
    bool made = picture_take(guests, ward, &picture);

    if (made) {
        own = store_packs(store, ward->tenant);
        list = guest_list_new(picture.chains, picture.chain_count, picture.members,
                              picture.member_count, own);
        pack_list_unref(own);
        made = list != NULL;
    }
    if (made)
        made = publish(store, ward, picture.sequence, list);
    picture_release(&picture);
    if (made)
        guests_tell(guests);
    return made;
}
