/* A question that a member let wait in vain says of it that it stands still, or of the question
 * that it is heavy.  The next pulse knows: one that was sent later and is answered ends the rest,
 * one that is not makes it everybody's.  Until then the rest is of the tenant who waited, or of all
 * when another one did, too. */
#include "handlers/peer_manners.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "discovery/roll.h"
#include "model/member.h"

/* Whom no pulse asks is tried again after so long. */
static const int64_t unsure_ns_max = 5 * INT64_C(1000000000);

struct manner {
    enum code trouble;    /* that was told; OK: none */
    int64_t silent_ns;    /* it let a question wait that went out then; 0: none */
    uint64_t tenant;      /* whose */
    bool several_tenants; /* other ones', too */
};

struct peer_manners {
    struct roll *roll;
    struct clock *clock;
    pthread_mutex_t lock; /* guards: */
    struct manner members[MEMBER_NUMBER_MAX + 1];
};

enum code peer_manners_new(struct roll *roll, struct clock *clock, struct peer_manners **out,
                           struct error *err)
{
    struct peer_manners *manners = calloc(1, sizeof(*manners));

    *out = manners;
    if (manners == NULL)
        return error_set(err, E_MEMORY, "no memory for other members");
    manners->roll = roll;
    manners->clock = clock;
    pthread_mutex_init(&manners->lock, NULL);
    return OK;
}

void peer_manners_free(struct peer_manners *manners)
{
    if (manners == NULL)
        return;
    pthread_mutex_destroy(&manners->lock);
    free(manners);
}

int64_t peer_manners_now(const struct peer_manners *manners)
{
    return clock_boot_ns(manners->clock);
}

/* Under the lock. */
static void note_silence(struct manner *manner, const struct roll_entry *pulse, uint64_t tenant,
                         int64_t asked_ns)
{
    bool goes_on = manner->silent_ns != 0 && pulse->boot_ns <= manner->silent_ns;

    manner->several_tenants = goes_on && (manner->several_tenants || manner->tenant != tenant);
    manner->tenant = tenant;
    if (!goes_on || asked_ns > manner->silent_ns)
        manner->silent_ns = asked_ns;
}

void peer_manners_note(struct peer_manners *manners, unsigned member, uint64_t tenant,
                       int64_t asked_ns, enum code code, const struct error *err)
{
    struct roll_entry pulse = {.answered = false};
    struct manner *manner;
    bool tell;

    if (member > MEMBER_NUMBER_MAX)
        return;
    (void)roll_entry(manners->roll, member, &pulse);
    pthread_mutex_lock(&manners->lock);
    manner = &manners->members[member];
    tell = manner->trouble != code;
    manner->trouble = code;
    if (code == E_TIMEOUT)
        note_silence(manner, &pulse, tenant, asked_ns);
    else if (asked_ns >= manner->silent_ns)
        manner->silent_ns = 0;
    pthread_mutex_unlock(&manners->lock);
    if (tell && code == OK) /* when it changes, not with each question */
        log_event(LOG_INFO, "a member tells its rows again", LOG_UINT("member", member));
    else if (tell)
        log_event(LOG_WARN, "a member does not tell its rows", LOG_UINT("member", member),
                  LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
}

bool peer_manners_rests(struct peer_manners *manners, unsigned member, uint64_t tenant)
{
    struct roll_entry pulse = {.answered = false};
    struct manner manner;
    bool asked;

    if (member > MEMBER_NUMBER_MAX)
        return false;
    pthread_mutex_lock(&manners->lock);
    manner = manners->members[member];
    pthread_mutex_unlock(&manners->lock);
    if (manner.silent_ns == 0)
        return false;
    asked = roll_entry(manners->roll, member, &pulse);
    if (pulse.boot_ns > manner.silent_ns)
        return false;
    if (asked && !pulse.answered)
        return true;
    return (manner.several_tenants || manner.tenant == tenant) &&
           clock_boot_ns(manners->clock) - manner.silent_ns < unsure_ns_max;
}
