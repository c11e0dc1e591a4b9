/* A member's wall clock is held against ours of before the question went out: it was read later, so
 * ours was ahead by what comes out of that, or by more.  A slow answer hides some of a lead, and
 * never makes one. */
#include "server/pulses.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "base/thread.h"
#include "discovery/cluster_secret.h"
#include "discovery/membership.h"
#include "discovery/roll.h"
#include "handlers/app.h"
#include "model/member.h"
#include "net/client.h"
#include "server/version.h"
#include "store/guests/words.h"
#include "store/member.h"
#include "store/stamp.h"

enum {
    ROUND_NS = 1000000000,
    ANSWER_MS_MAX = 900,
    URL_SIZE = 400,
    HEADER_SIZE = 48 + CLUSTER_SECRET_TEXT_SIZE,
};

/* A question under way. */
struct asking {
    struct client *client; /* kept */
    struct buf body;
    char url[URL_SIZE];
    unsigned number;
};

struct pulses {
    struct app *app;
    struct thread *thread;
    struct client_group *group;
    struct asking askings[PULSES_AT_ONCE];
    struct client_errand errands[PULSES_AT_ONCE];
    struct roll_target targets[MEMBER_NUMBER_MAX];
    size_t resume; /* where the next round begins */
    int64_t lead_told_ns;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool stop; /* guarded by lock */
};

static enum code take(void *context, struct bytes piece, struct error *err)
{
    struct asking *asking = context;

    buf_put(&asking->body, piece);
    return asking->body.limited
               ? error_set(err, E_BODY_LARGE, "a pulse has at most %d bytes", PULSE_BYTES_MAX)
               : OK;
}

/* --- a round --- */

/* False: memory. */
static bool prepare(struct pulses *pulses, size_t at, const struct roll_target *target,
                    const char *const *headers)
{
    static const struct client_options options = {.user_agent = "weir/" WEIR_VERSION,
                                                  .connect_ms_max = ANSWER_MS_MAX};
    struct asking *asking = &pulses->askings[at];
    struct error err = {0};

    if (asking->client == NULL && client_open(&options, &asking->client, &err) != OK)
        return false;
    buf_clear(&asking->body);
    asking->number = target->number;
    (void)snprintf(asking->url, sizeof(asking->url), "http://%s/peer/v1/pulse", target->address);
    pulses->errands[at] = (struct client_errand){
        .client = asking->client,
        .request = {.method = "GET", .url = asking->url, .headers = headers},
        .sink = {.take = take,               .context = asking                     },
    };
    return true;
}

static void note(struct pulses *pulses, size_t at, int64_t wall_ns, int64_t boot_ns)
{
    const struct asking *asking = &pulses->askings[at];
    struct client_errand *errand = &pulses->errands[at];
    struct roll *roll = pulses->app->roll;
    struct pulse pulse = {.number = 0};
    struct roll_entry before = {.answered = false};
    bool asked = roll_entry(roll, asking->number, &before);
    enum code code = errand->code;

    if (code == OK && client_status(asking->client) != 200)
        code = error_set(&errand->err, E_NOT_READY, "it answers with status %u",
                         client_status(asking->client));
    if (code == OK)
        code = pulse_parse(buf_bytes(&asking->body), &pulse, &errand->err);
    if (code == OK && pulse.number != asking->number)
        code = error_set(&errand->err, E_NOT_READY, "it says that it is member %u", pulse.number);
    if (code == OK && pulses->app->guests != NULL)
        guests_hear(pulses->app->guests, &pulse.incarnation, pulse.closed_ns,
                    pulse.registry_version);
    if (code == OK)
        roll_answered(roll, &pulse, wall_ns, boot_ns);
    else
        roll_silent(roll, asking->number);
    if (code != OK && (before.answered || !asked))
        log_event(LOG_WARN, "another member does not answer", LOG_UINT("member", asking->number),
                  LOG_LONG_TEXT("error", bytes_of(errand->err.text)));
    else if (code == OK && asked && !before.answered)
        log_event(LOG_INFO, "another member answers", LOG_UINT("member", asking->number));
}

/* Those that come first next time are the ones that were left out. */
static void ask(struct pulses *pulses, size_t count, const char *const *headers, int64_t wall_ns,
                int64_t boot_ns)
{
    size_t asked = count < PULSES_AT_ONCE ? count : PULSES_AT_ONCE, ready = 0;

    while (ready < asked &&
           prepare(pulses, ready, &pulses->targets[(pulses->resume + ready) % count], headers))
        ready++;
    client_group_run(pulses->group, pulses->errands, ready, ANSWER_MS_MAX);
    for (size_t i = 0; i < ready; i++)
        note(pulses, i, wall_ns, boot_ns);
    pulses->resume = count == 0 ? 0 : (pulses->resume + ready) % count;
}

/* --- what follows --- */

static void tell_lead(struct pulses *pulses, bool answered, int64_t lead_ns)
{
    bool ahead = answered && lead_ns > stamp_skew_ns;

    if (ahead && pulses->lead_told_ns == 0)
        log_event(
            LOG_ERROR,
            "the wall clock is ahead of those of other members: writes are refused until they "
            "agree, unless it is taken as it is (--accept-clock)",
            LOG_INT("ahead_ms", lead_ns / 1000000));
    if (answered && !ahead && pulses->lead_told_ns != 0)
        log_event(LOG_INFO, "the wall clock agrees with those of other members");
    if (answered)
        pulses->lead_told_ns = ahead ? lead_ns : 0;
}

/* `alone`: each of the others has left; one that cannot be asked may have rows, and a clock. */
static void conclude(struct pulses *pulses, unsigned own, size_t count, bool alone, int64_t wall_ns,
                     int64_t boot_ns)
{
    struct app *app = pulses->app;
    struct store_peers seen = {.none = alone,
                               .wall_minus_boot = wall_ns - boot_ns}; /* when they were asked */
    struct roll_entry view;

    roll_asked(app->roll, own, pulses->targets, count);
    seen.answered = roll_lead(app->roll, wall_ns, boot_ns, &seen.lead_ns);
    for (unsigned at = 1; (at = roll_next(app->roll, at)) != 0; at++)
        if (roll_entry(app->roll, at, &view) && view.answered) {
            seen.newest = view.pulse.stamp_ns > seen.newest ? view.pulse.stamp_ns : seen.newest;
            seen.behind_ns = -view.lead_ns > seen.behind_ns ? -view.lead_ns : seen.behind_ns;
        }
    store_meet(app->store, &seen);
    tell_lead(pulses, seen.answered, seen.lead_ns);
    membership_changed(app->membership); /* it may have waited for this */
}

static void beat(struct pulses *pulses)
{
    struct app *app = pulses->app;
    struct registry_snapshot *records = registry_get(app->registry);
    unsigned own = membership_health(app->membership).number;
    int64_t wall_ns = clock_wall_ns(app->clock), boot_ns = clock_boot_ns(app->clock);
    char secret[CLUSTER_SECRET_TEXT_SIZE], shown[HEADER_SIZE], number[32], wall[48];
    char incarnation[HASH128_TEXT_SIZE], who[24 + HASH128_TEXT_SIZE];
    const char *const headers[] = {shown, number, who, wall, NULL};
    size_t count = roll_targets(records, own, pulses->targets, COUNT_OF(pulses->targets));
    bool alone = !roll_has_others(records, own);

    registry_snapshot_put(records);
    cluster_secret_copy(app->secret, secret);
    (void)snprintf(shown, sizeof(shown), "Authorization: Bearer %s", secret);
    (void)snprintf(number, sizeof(number), "Weir-Peer: %u", own);
    store_incarnation(app->store, incarnation);
    (void)snprintf(who, sizeof(who), "Weir-Incarnation: %s", incarnation);
    (void)snprintf(wall, sizeof(wall), "Weir-Clock: %" PRId64, wall_ns);
    ask(pulses, count, headers, wall_ns, boot_ns);
    explicit_bzero(secret, sizeof(secret));
    explicit_bzero(shown, sizeof(shown));
    conclude(pulses, own, count, alone, wall_ns, boot_ns);
}

/* --- the thread --- */

/* False: to stop. */
static bool wait_until(struct pulses *pulses, int64_t due_ns)
{
    struct timespec until = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
    bool stop;

    pthread_mutex_lock(&pulses->lock);
    while (!pulses->stop &&
           pthread_cond_timedwait(&pulses->more, &pulses->lock, &until) != ETIMEDOUT)
        ;
    stop = pulses->stop;
    pthread_mutex_unlock(&pulses->lock);
    return !stop;
}

static void run(void *context)
{
    struct pulses *pulses = context;
    int64_t due_ns = clock_monotonic_ns(clock_system());

    while (wait_until(pulses, due_ns)) {
        int64_t began_ns = clock_monotonic_ns(clock_system());

        beat(pulses);
        due_ns = began_ns + ROUND_NS;
    }
}

static void pulses_free(struct pulses *pulses)
{
    for (size_t i = 0; i < PULSES_AT_ONCE; i++) {
        client_close(pulses->askings[i].client);
        buf_release(&pulses->askings[i].body);
    }
    client_group_close(pulses->group);
    pthread_cond_destroy(&pulses->more);
    pthread_mutex_destroy(&pulses->lock);
    free(pulses);
}

enum code pulses_start(struct app *app, struct pulses **out, struct error *err)
{
    struct pulses *pulses = calloc(1, sizeof(*pulses));
    enum code code;

    *out = NULL;
    if (pulses == NULL)
        return error_set(err, E_MEMORY, "no memory to ask other members");
    pulses->app = app;
    for (size_t i = 0; i < PULSES_AT_ONCE; i++)
        pulses->askings[i].body = BUF_INIT(PULSE_BYTES_MAX);
    pthread_mutex_init(&pulses->lock, NULL);
    condition_init(&pulses->more);
    code = client_group_open(&pulses->group, err);
    if (code == OK)
        code = thread_start("pulses", run, pulses, &pulses->thread, err);
    if (code)
        pulses_free(pulses);
    else
        *out = pulses;
    return code;
}

void pulses_stop(struct pulses *pulses)
{
    if (pulses == NULL)
        return;
    pthread_mutex_lock(&pulses->lock);
    pulses->stop = true;
    pthread_cond_broadcast(&pulses->more);
    pthread_mutex_unlock(&pulses->lock);
    thread_join(pulses->thread);
    pulses_free(pulses);
}
