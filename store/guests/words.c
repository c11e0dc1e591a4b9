#include "store/guests/words.h"

#include <stdlib.h>

#include "model/member.h"
#include "store/guests/guests_inside.h"

enum { WORDS_MAX = MEMBER_NUMBER_MAX + 1 };

/* Under the lock.  NULL: memory, or so many are no members. */
static struct word *word_for(struct guests *guests, const struct hash128 *incarnation)
{
    struct word *grown;

    for (size_t i = 0; i < guests->word_count; i++)
        if (hash128_equal(&guests->words[i].incarnation, incarnation))
            return &guests->words[i];
    if (guests->word_count == WORDS_MAX)
        return NULL;
    grown = realloc(guests->words, (guests->word_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    guests->words = grown;
    grown[guests->word_count] = (struct word){.incarnation = *incarnation, .closed = INT64_MIN};
    return &grown[guests->word_count++];
}

/* What was said before stays true: one that starts anew has not looked yet, and says less. */
void guests_hear(struct guests *guests, const struct hash128 *incarnation, int64_t closed,
                 uint64_t version)
{
    struct word *word;

    if (closed <= 0 || hash128_is_zero(incarnation))
        return;
    pthread_mutex_lock(&guests->lock);
    word = word_for(guests, incarnation);
    if (word != NULL && closed > word->closed) {
        word->closed = closed;
        word->version = version;
    }
    pthread_mutex_unlock(&guests->lock);
}

void words_follow(struct guests *guests, uint64_t version)
{
    pthread_mutex_lock(&guests->lock);
    guests->version = version;
    pthread_mutex_unlock(&guests->lock);
}

int64_t word_of(struct watch *watch)
{
    struct guests *guests = watch->post->guests;
    int64_t closed = INT64_MIN;

    pthread_mutex_lock(&guests->lock);
    for (size_t i = 0; i < guests->word_count; i++)
        if (hash128_equal(&guests->words[i].incarnation, &watch->incarnation) &&
            guests->words[i].version <= guests->version)
            closed = guests->words[i].closed;
    pthread_mutex_unlock(&guests->lock);
    return closed;
}

/* Under the lock.  Of all chains of the author: what is said to be listed may be in any of them. */
static int64_t least_of(const struct watch *watch)
{
    const struct ward *ward = watch->ward;
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < ward->watch_count; i++)
        if (hash128_equal(&ward->watches[i]->incarnation, &watch->incarnation) &&
            ward->watches[i]->word < least)
            least = ward->watches[i]->word;
    return least;
}

enum code word_keep(struct watch *watch, int64_t word, struct error *err)
{
    struct guests *guests = watch->post->guests;
    int64_t before, least;

    pthread_mutex_lock(&guests->lock);
    if (word > watch->word)
        watch->word = word;
    before = watch->vouched;
    least = least_of(watch);
    if (least > before)
        watch->vouched = least;
    pthread_mutex_unlock(&guests->lock);
    if (least <= before || ward_renew(guests, watch->ward))
        return OK;
    pthread_mutex_lock(&guests->lock);
    watch->vouched = before; /* it is tried again */
    pthread_mutex_unlock(&guests->lock);
    return error_set(err, E_MEMORY, "no memory for what another member says");
}
