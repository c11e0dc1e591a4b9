#include "store/member.h"

#include <assert.h>

#include "model/member.h"
#include "store/identity.h"
#include "store/index.h"
#include "store/state.h"

/* Of a moment that somebody asks for: a few times what clocks may be apart, so that nobody can
 * carry our ingest times away. */
static const int64_t ahead_ns_max = 5 * INT64_C(1000000000);

void store_incarnation(const struct store *store, char text[HASH128_TEXT_SIZE])
{
    hash128_print(&store->incarnation, text);
}

struct hash128 store_incarnation_hash(const struct store *store)
{
    return store->incarnation;
}

unsigned store_member(struct store *store)
{
    unsigned number;

    pthread_mutex_lock(&store->state_lock);
    number = store->stamp.member;
    pthread_mutex_unlock(&store->state_lock);
    return number;
}

enum code store_member_note(struct store *store, unsigned number, struct error *err)
{
    enum code code;

    assert(number >= 1 && number <= MEMBER_NUMBER_MAX);
    code = identity_number(store->options.index, number, err);
    if (code)
        return code;
    pthread_mutex_lock(&store->state_lock);
    store->stamp.member = (uint16_t)number;
    pthread_mutex_unlock(&store->state_lock);
    return OK;
}

static void set_parted(struct store *store, bool parted)
{
    pthread_mutex_lock(&store->submit_lock);
    store->parted = parted;
    pthread_mutex_unlock(&store->submit_lock);
}

void store_join(struct store *store)
{
    pthread_mutex_lock(&store->state_lock);
    assert(store->stamp.member > 0);
    store->apart = (struct error){.code = OK};
    pthread_mutex_unlock(&store->state_lock);
    set_parted(store, false);
}

void store_part(struct store *store, const struct error *why)
{
    assert(why->code != OK);
    pthread_mutex_lock(&store->state_lock);
    store->apart = *why;
    pthread_mutex_unlock(&store->state_lock);
    set_parted(store, true);
}

void store_meet(struct store *store, const struct store_peers *peers)
{
    pthread_mutex_lock(&store->state_lock);
    if (peers->answered)
        stamp_compare(&store->stamp, peers->wall_minus_boot, peers->lead_ns);
    else if (peers->none)
        stamp_forget(&store->stamp);
    else
        stamp_alone(&store->stamp);
    stamp_follow(&store->stamp, peers->answered ? peers->behind_ns : 0);
    stamp_raise_above(&store->stamp, peers->newest);
    pthread_mutex_unlock(&store->state_lock);
}

enum code store_go_above(struct store *store, int64_t *moment, struct error *err)
{
    enum code code = OK;
    int64_t now, wall;

    pthread_mutex_lock(&store->state_lock);
    now = stamp_now(&store->stamp);
    wall = stamp_wall(&store->stamp);
    if (*moment == 0)
        *moment = now;
    if (*moment > now && *moment > wall + ahead_ns_max)
        code = error_set(err, E_AS_OF_FUTURE,
                         "that moment is %lld s ahead of this member's clock; clocks of members "
                         "may be apart by a fraction of a second",
                         (long long)((*moment - wall) / 1000000000));
    else
        stamp_raise(&store->stamp, *moment);
    pthread_mutex_unlock(&store->state_lock);
    return code;
}

bool store_rests(struct store *store, bool *sealed)
{
    bool rests;

    pthread_mutex_lock(&store->submit_lock);
    rests = store->parted && store->reserved_bytes == 0;
    pthread_mutex_unlock(&store->submit_lock);
    pthread_mutex_lock(&store->state_lock);
    *sealed = rests && store->generation_count == 1 && store->generations[0]->born_ns == 0;
    pthread_mutex_unlock(&store->state_lock);
    return rests;
}
