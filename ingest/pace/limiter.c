/* What began is remembered by the boot clock (begun.h), what began on a day by both (day_budget.h).
 *
 * A step of the wall clock, either way, moves no span and no wait, nor does it over a restart on a
 * machine that stayed up, as notes have both clocks.  Over a restart of the machine a note's age is
 * what the wall clock says: set back in between, a note looks younger, at most as if it were of
 * now, and holds too long; set forward it looks older than it is, which nobody can know. */
#include "ingest/pace/limiter.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "ingest/pace/begun.h"
#include "ingest/pace/day_budget.h"

static_assert((int)LIMITER_RATE_COUNT_MAX == (int)BEGUN_UNITS_MAX, "a rate looks at so many units");

/* Where three answers of ten are faults five in a row are one in 400, and cost little; three in a
 * row are one in 40, each with a wait. */
enum { FAULTS_OF_A_HOST_DOWN = 5 };

/* For who joins later: of the last two days so much; what who is there needs comes on top. */
static const int64_t remembered_ns = 2 * MOMENT_DAY;
static const size_t remembered_units = 100000;

/* Twice what the puller sleeps at most. */
static const int64_t held_for_ns = 20 * MOMENT_SECOND;

struct rate_held {
    struct source_rate rate;
    size_t joined;
};

struct joined {
    uint32_t concurrency;
    uint64_t daily;
};

struct limiter_key {
    struct bytes name; /* owned, behind the struct */
    struct joined *joined;
    size_t joined_count, joined_capacity;
    struct rate_held *rates;
    size_t rate_count, rate_capacity;
    uint32_t concurrency; /* of all who joined, as `daily` (0 = none) */
    uint64_t daily;
    uint32_t under_way;
    uint64_t unsent; /* units that have begun, and may go out at any time from now on */
    struct begun begun;
    struct day_budget days;
    int64_t longest_ns;                  /* span that somebody had, or what is remembered */
    uint64_t largest;                    /* count, as that */
    int64_t assumed_ns, assumed_span_ns; /* somebody else may have asked until then */
    int64_t held_ns;                     /* nobody else did then, since the time before */
    int64_t wait_ns, used_ns; /* until when nobody may; when it was joined or asked last */
    uint32_t faults;          /* in a row */
    /* Of a host that is down: */
    uint32_t tries;
    bool trying;         /* one is under way, */
    int64_t tried_ns;    /* which began then, or the last one, or it was found to be down; */
    int64_t try_next_ns; /* and the next one is to */
};

struct limiter {
    const struct limiter_notes *notes;
    struct map keys;
};

/* --- keys --- */

enum code limiter_new(const struct limiter_notes *notes, struct limiter **limiter,
                      struct error *err)
{
    *limiter = calloc(1, sizeof(**limiter));
    if (*limiter == NULL)
        return error_set(err, E_MEMORY, "no memory for the limits of remote hosts");
    (*limiter)->notes = notes;
    return OK;
}

static void key_free(struct limiter_key *key)
{
    free(key->joined);
    free(key->rates);
    begun_release(&key->begun);
    free(key);
}

void limiter_free(struct limiter *limiter)
{
    const struct map_slot *slot;

    if (limiter == NULL)
        return;
    for (size_t i = 0; (slot = map_next(&limiter->keys, &i)) != NULL;)
        key_free(slot->value);
    map_release(&limiter->keys);
    free(limiter);
}

static struct limiter_key *key_new(struct limiter *limiter, struct bytes name)
{
    struct limiter_key *key = calloc(1, sizeof(*key) + name.size);
    char *copy = (char *)(key + 1);

    if (key == NULL)
        return NULL;
    memcpy(copy, name.data, name.size);
    key->name = (struct bytes){copy, name.size};
    key->begun = BEGUN_INIT;
    key->longest_ns = remembered_ns;
    key->largest = remembered_units;
    key->assumed_ns = key->held_ns = key->wait_ns = key->used_ns = INT64_MIN;
    if (map_put(&limiter->keys, key->name, key))
        return key;
    key_free(key);
    return NULL;
}

/* Keys that nobody has had for so long that nothing of them matters. */
static void sweep(struct limiter *limiter, const struct moment *now)
{
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&limiter->keys, &i)) != NULL;) {
        struct limiter_key *key = slot->value;

        if (key->joined_count > 0 || key->under_way > 0 || key->wait_ns > now->boot_ns ||
            time_sum(key->used_ns, key->longest_ns) > now->boot_ns)
            continue;
        map_remove(&limiter->keys, key->name);
        key_free(key);
        i--; /* another may have moved here */
    }
}

static bool rate_equal(const struct source_rate *a, const struct source_rate *b)
{
    return a->count == b->count && a->span_ns == b->span_ns;
}

/* Room for one more who has so many rates. */
static bool key_room(struct limiter_key *key, size_t rate_count)
{
    if (key->joined_count == key->joined_capacity) {
        size_t capacity = key->joined_capacity * 2 + 4;
        struct joined *grown = realloc(key->joined, capacity * sizeof(*grown));

        if (grown == NULL)
            return false;
        key->joined = grown;
        key->joined_capacity = capacity;
    }
    if (key->rate_count + rate_count > key->rate_capacity) {
        size_t capacity = (key->rate_count + rate_count) * 2;
        struct rate_held *grown = realloc(key->rates, capacity * sizeof(*grown));

        if (grown == NULL)
            return false;
        key->rates = grown;
        key->rate_capacity = capacity;
    }
    return true;
}

/* The strictest of all. */
static void key_settle(struct limiter_key *key)
{
    key->concurrency = UINT32_MAX;
    key->daily = 0;
    for (size_t i = 0; i < key->joined_count; i++) {
        const struct joined *joined = &key->joined[i];

        if (joined->concurrency < key->concurrency)
            key->concurrency = joined->concurrency;
        if (joined->daily > 0 && (key->daily == 0 || joined->daily < key->daily))
            key->daily = joined->daily;
    }
}

static void rate_join(struct limiter_key *key, const struct source_rate *rate)
{
    key->longest_ns = time_later(key->longest_ns, rate->span_ns);
    if (rate->count > key->largest)
        key->largest = rate->count < BEGUN_UNITS_MAX ? rate->count : BEGUN_UNITS_MAX;
    for (size_t i = 0; i < key->rate_count; i++)
        if (rate_equal(&key->rates[i].rate, rate)) {
            key->rates[i].joined++;
            return;
        }
    key->rates[key->rate_count++] = (struct rate_held){*rate, 1};
}

static void rate_leave(struct limiter_key *key, const struct source_rate *rate)
{
    size_t i = 0;

    while (i < key->rate_count && !rate_equal(&key->rates[i].rate, rate))
        i++;
    assert(i < key->rate_count);
    if (--key->rates[i].joined == 0)
        key->rates[i] = key->rates[--key->rate_count];
}

enum code limiter_join(struct limiter *limiter, struct bytes name,
                       const struct source_limits *limits, const struct moment *now,
                       struct limiter_key **key, struct error *err)
{
    struct limiter_key *found = map_get(&limiter->keys, name);

    *key = NULL;
    if (found == NULL) {
        sweep(limiter, now);
        found = key_new(limiter, name);
    }
    if (found == NULL || !key_room(found, limits->rate_count))
        return error_set(err, E_MEMORY, "no memory for the limits of a remote host");
    found->joined[found->joined_count++] = (struct joined){limits->concurrency, limits->daily};
    for (size_t i = 0; i < limits->rate_count; i++)
        rate_join(found, &limits->rates[i]);
    key_settle(found);
    found->used_ns = time_later(found->used_ns, now->boot_ns);
    *key = found;
    return OK;
}

void limiter_leave(struct limiter_key *key, const struct source_limits *limits)
{
    size_t i = 0;

    while (i < key->joined_count && (key->joined[i].concurrency != limits->concurrency ||
                                     key->joined[i].daily != limits->daily))
        i++;
    assert(i < key->joined_count);
    key->joined[i] = key->joined[--key->joined_count];
    for (size_t rate = 0; rate < limits->rate_count; rate++)
        rate_leave(key, &limits->rates[rate]);
    key_settle(key);
}

/* --- requests --- */

/* At `began_ns`, which is not ahead of `now`. */
static void key_put(struct limiter_key *key, const struct moment *now, int64_t began_ns,
                    uint32_t weight)
{
    begun_put(&key->begun, began_ns, weight, time_between(key->longest_ns, now->boot_ns),
              (size_t)key->largest);
    key->used_ns = time_later(key->used_ns, began_ns);
}

void limiter_recall(struct limiter_key *key, const struct moment *now, const struct moment *began,
                    uint32_t weight)
{
    struct moment known = *began;
    int64_t age_ns = time_between(began->wall_ns, now->wall_ns);

    if (known.boot_ns == INT64_MIN)
        known.boot_ns = time_between(age_ns, now->boot_ns);
    if (known.boot_ns > now->boot_ns)
        known.boot_ns = now->boot_ns;
    key_put(key, now, known.boot_ns, weight);
    day_budget_use(&key->days, now, &known, weight);
}

void limiter_held(struct limiter_key *key, const struct moment *now, int64_t span_ns)
{
    if (key->held_ns == INT64_MIN || time_between(key->held_ns, now->boot_ns) >= held_for_ns) {
        key->assumed_ns = time_later(key->assumed_ns, now->boot_ns);
        key->assumed_span_ns = time_later(key->assumed_span_ns, span_ns);
    }
    key->held_ns = now->boot_ns;
}

void limiter_lost(struct limiter_key *key)
{
    key->held_ns = INT64_MIN;
}

bool limiter_fits(const struct limiter_key *key, uint32_t weight)
{
    for (size_t i = 0; i < key->rate_count; i++)
        if (weight > key->rates[i].rate.count || weight > LIMITER_RATE_COUNT_MAX)
            return false;
    return key->daily == 0 || weight <= key->daily;
}

static int64_t rate_when(const struct limiter_key *key, const struct source_rate *rate,
                         uint32_t weight)
{
    uint64_t count = rate->count < LIMITER_RATE_COUNT_MAX ? rate->count : LIMITER_RATE_COUNT_MAX;
    int64_t began_ns;

    if (weight == 0)
        return INT64_MIN;
    if (count - weight < key->unsent)
        return INT64_MAX;
    began_ns = begun_nth(&key->begun, count - weight + 1 - key->unsent);
    if (rate->span_ns <= key->assumed_span_ns)
        began_ns = time_later(began_ns, key->assumed_ns);
    return began_ns == INT64_MIN ? INT64_MIN : time_sum(began_ns, rate->span_ns);
}

int64_t limiter_when(const struct limiter_key *key, uint32_t weight, const struct moment *now)
{
    int64_t when_ns = time_later(now->boot_ns, key->wait_ns);

    if (key->under_way >= key->concurrency || !limiter_fits(key, weight))
        return INT64_MAX;
    for (size_t i = 0; i < key->rate_count; i++)
        when_ns = time_later(when_ns, rate_when(key, &key->rates[i].rate, weight));
    return key->daily == 0
               ? when_ns
               : time_later(when_ns, day_budget_when(&key->days, key->daily, weight, now));
}

enum limiter_reason limiter_reason(const struct limiter_key *key, uint32_t weight,
                                   const struct moment *now, struct source_rate *rate)
{
    enum limiter_reason reason = LIMITER_NOTHING;
    int64_t latest_ns = now->boot_ns, when_ns;

    if (key->under_way >= key->concurrency)
        return LIMITER_UNDER_WAY;
    for (size_t i = 0; i < key->rate_count; i++) {
        when_ns = rate_when(key, &key->rates[i].rate, weight);
        if (when_ns <= latest_ns)
            continue;
        latest_ns = when_ns;
        *rate = key->rates[i].rate;
        reason = LIMITER_RATE;
    }
    when_ns = key->daily == 0 ? INT64_MIN : day_budget_when(&key->days, key->daily, weight, now);
    if (when_ns > latest_ns) {
        latest_ns = when_ns;
        reason = LIMITER_DAY;
    }
    return key->wait_ns > latest_ns ? LIMITER_TOLD : reason;
}

static bool is_down(const struct limiter_key *key)
{
    return key->faults == FAULTS_OF_A_HOST_DOWN;
}

enum code limiter_begin(struct limiter *limiter, struct limiter_key *key, uint32_t weight,
                        const struct moment *now, struct error *err)
{
    enum code code = OK;

    assert(limiter_when(key, weight, now) <= now->boot_ns);
    if (limiter->notes != NULL)
        code = limiter->notes->note(limiter->notes->context, key->name, now, weight, err);
    if (code)
        return code;
    day_budget_use(&key->days, now, now, weight);
    key->used_ns = time_later(key->used_ns, now->boot_ns);
    key->unsent += weight;
    key->under_way++;
    if (is_down(key)) {
        key->trying = true;
        key->tried_ns = now->boot_ns;
    }
    return OK;
}

void limiter_sent(struct limiter_key *key, uint32_t weight, const struct moment *now)
{
    assert(key->unsent >= weight);
    key->unsent -= weight;
    key_put(key, now, now->boot_ns, weight);
}

void limiter_end(struct limiter_key *key, const struct moment *began)
{
    assert(key->under_way > 0);
    key->under_way--;
    if (began->boot_ns == key->tried_ns)
        key->trying = false;
}

void limiter_unsent(struct limiter_key *key, uint32_t weight, const struct moment *began)
{
    assert(key->unsent >= weight);
    key->unsent -= weight;
    day_budget_give_back(&key->days, began, weight);
}

void limiter_wait(struct limiter_key *key, const struct moment *now, int64_t until_wall_ns)
{
    int64_t until_ns = time_sum(now->boot_ns, time_between(now->wall_ns, until_wall_ns));

    key->wait_ns = time_later(key->wait_ns, until_ns);
}

int64_t limiter_waits_until(const struct limiter_key *key, const struct moment *now)
{
    if (key->wait_ns <= now->boot_ns)
        return 0;
    return time_sum(now->wall_ns, time_between(now->boot_ns, key->wait_ns));
}

/* --- a host that is down --- */

void limiter_failed(struct limiter_key *key, const struct moment *began, const struct moment *now,
                    bool again, int64_t wait_ns)
{
    if (!is_down(key)) {
        key->faults += !again;
        if (!is_down(key))
            return;
        key->tries = 0;
    } else if (began->boot_ns < key->tried_ns) {
        return; /* it was under way already: what it says is known */
    }
    key->tries++;
    key->tried_ns = now->boot_ns;
    key->try_next_ns = time_sum(now->boot_ns, wait_ns);
}

uint32_t limiter_tries(const struct limiter_key *key)
{
    return is_down(key) ? key->tries : 0;
}

void limiter_answered(struct limiter_key *key)
{
    key->faults = 0;
    key->trying = false;
}

int64_t limiter_try_when(const struct limiter_key *key)
{
    if (!is_down(key))
        return INT64_MIN;
    return key->trying ? INT64_MAX : key->try_next_ns;
}

void limiter_try_now(struct limiter_key *key)
{
    key->try_next_ns = INT64_MIN;
}
