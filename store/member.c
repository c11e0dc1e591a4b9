#include "store/member.h"

#include <assert.h>

#include "model/member.h"
#include "store/identity.h"
#include "store/index.h"
#include "store/state.h"

void store_incarnation(const struct store *store, char text[HASH128_TEXT_SIZE])
{
    hash128_print(&store->incarnation, text);
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

void store_join(struct store *store)
{
    pthread_mutex_lock(&store->state_lock);
    assert(store->stamp.member > 0);
    store->apart = (struct error){.code = OK};
    pthread_mutex_unlock(&store->state_lock);
}

void store_part(struct store *store, const struct error *why)
{
    assert(why->code != OK);
    pthread_mutex_lock(&store->state_lock);
    store->apart = *why;
    pthread_mutex_unlock(&store->state_lock);
}
