/* The puller's own thread: takes what was told and what readers are done with, begins what is due,
 * asks what may be asked, one source after another and no host at another's cost, and waits for the
 * network or the next moment. */
#include "ingest/pull/pull_inside.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/log.h"

static const int64_t second_ns = MOMENT_SECOND;
/* Longest sleep: a wall clock that is set is noticed then, and leases and tenants that come and go.
 */
static const int64_t sleep_max_ns = 10 * INT64_C(1000000000);
static const int64_t tidy_period_ns = 10 * INT64_C(1000000000);
/* Many documents are read at once by a start. */
static const int64_t tidy_after_ns = 2 * INT64_C(1000000000);

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the collectors");
}

/* --- messages --- */

static void message_free(struct pull_message *message)
{
    if (message == NULL)
        return;
    free(message->tenant);
    free(message->name);
    free(message->json);
    free(message->wishes);
    free(message);
}

static struct pull_message *message_make(struct bytes tenant, struct bytes name)
{
    struct pull_message *message = calloc(1, sizeof(*message));

    if (message == NULL)
        return NULL;
    message->tenant = strndup(tenant.data, tenant.size);
    message->name = strndup(name.data, name.size);
    if (message->tenant != NULL && message->name != NULL)
        return message;
    message_free(message);
    return NULL;
}

static void message_send(struct puller *puller, struct pull_message *message)
{
    pthread_mutex_lock(&puller->lock);
    *puller->messages_end = message;
    puller->messages_end = &message->next;
    pthread_mutex_unlock(&puller->lock);
    fetcher_wake(puller->fetcher);
}

enum code puller_declare(struct puller *puller, struct bytes tenant, struct bytes name,
                         uint64_t version, bool paused, struct bytes json, struct error *err)
{
    struct pull_message *message = message_make(tenant, name);

    if (message == NULL)
        return no_memory(err);
    message->version = version;
    message->paused = paused;
    if (json.data != NULL) {
        message->json = malloc(json.size + 1);
        if (message->json == NULL) {
            message_free(message);
            return no_memory(err);
        }
        memcpy(message->json, json.data, json.size);
        message->json_size = json.size;
    }
    message_send(puller, message);
    return OK;
}

enum code puller_wish(struct puller *puller, struct bytes tenant, struct bytes name,
                      const struct pull_wishes *wishes, struct error *err)
{
    struct pull_message *message = message_make(tenant, name);

    if (message != NULL)
        message->wishes = malloc(sizeof(*wishes));
    if (message == NULL || message->wishes == NULL) {
        message_free(message);
        return no_memory(err);
    }
    *message->wishes = *wishes;
    message_send(puller, message);
    return OK;
}

enum code puller_secrets(struct puller *puller, struct bytes tenant, struct error *err)
{
    struct pull_message *message = message_make(tenant, BYTES(""));

    if (message == NULL)
        return no_memory(err);
    message->secrets = true;
    message_send(puller, message);
    return OK;
}

/* --- limits --- */

enum code pull_join(struct puller *puller, struct bytes name, const struct source_limits *limits,
                    struct limiter_key **key, struct error *err)
{
    const struct moment now = pull_now(puller);
    enum code code = limiter_join(puller->limiter, name, limits, &now, key, err);

    if (code == OK && puller->asked != NULL)
        asked_recall(puller->asked, name, *key, &now);
    return code;
}

void pull_wait(struct puller *puller, struct bytes name, struct limiter_key *key,
               int64_t until_wall_ns)
{
    const struct moment now = pull_now(puller);
    struct error err = {0};

    limiter_wait(key, &now, until_wall_ns);
    if (puller->asked != NULL && asked_wait(puller->asked, name, &now, until_wall_ns, &err) != OK)
        log_error(LOG_WARN, "a wait is not kept over a restart", &err);
}

/* --- the thread --- */

static void take_messages(struct puller *puller)
{
    struct pull_message *messages;

    pthread_mutex_lock(&puller->lock);
    messages = puller->messages;
    puller->messages = NULL;
    puller->messages_end = &puller->messages;
    pthread_mutex_unlock(&puller->lock);
    while (messages != NULL) {
        struct pull_message *message = messages;

        messages = message->next;
        if (message->secrets)
            pull_secrets(puller, message->tenant);
        else if (message->wishes != NULL)
            pull_wish(puller, message);
        else
            pull_declare(puller, message);
        message_free(message);
    }
}

static void take_results(struct puller *puller, const struct moment *now)
{
    struct pull_job *results;

    pthread_mutex_lock(&puller->lock);
    results = puller->results;
    puller->results = NULL;
    pthread_mutex_unlock(&puller->lock);
    while (results != NULL) {
        struct pull_job *job = results;

        results = job->next;
        if (!puller->untidy)
            puller->tidy_ns = time_later(puller->tidy_ns, time_sum(now->boot_ns, tidy_after_ns));
        puller->untidy = true;
        if (job->errand != NULL)
            list_take(job);
        else if (job->unit == NULL)
            pull_loaded_take(job);
        else
            unit_take(job);
        job_free(job);
    }
}

/* Those that were taken away and have nothing under way. */
static void remove_sources(struct puller *puller)
{
    for (struct pull_source **at = &puller->sources; *at != NULL;) {
        struct pull_source *source = *at;

        if (!source->removed || source->busy_units > 0 || source->loading) {
            at = &source->next;
            continue;
        }
        pthread_mutex_lock(&puller->lock);
        *at = source->next;
        puller->source_count--;
        pull_counts_add(&puller->gone, &source->counts);
        pthread_mutex_unlock(&puller->lock);
        pull_free(source);
    }
}

static bool may_ask(struct puller *puller)
{
    return reader_backlog(puller) < PULL_READ_MAX &&
           fetcher_under_way(puller->fetcher) < PULL_CONNECTIONS_MAX;
}

/* What one source has under way is below what is left for the others, so that hosts that stall,
 * each with all that it may have, leave some to whoever comes. */
static bool leaves_room(const struct puller *puller, const struct pull_source *source)
{
    size_t under_way = fetcher_under_way(puller->fetcher);

    return under_way < PULL_CONNECTIONS_MAX &&
           source->busy_units < PULL_CONNECTIONS_MAX - under_way;
}

/* Of this pull before those of history, and the newest windows first: after a time away what is of
 * now has not to wait for what was missed.  Of equal ones that which was added first. */
static bool goes_first(const struct pull_unit *unit, const struct pull_unit *other)
{
    if (unit->live != other->live)
        return unit->live;
    return unit->window.start_ns >= other->window.start_ns; /* what was added last stands first */
}

/* The next one that may be asked. */
static struct pull_unit *choose_unit(const struct pull_source *source, const struct moment *now)
{
    struct pull_unit *chosen = NULL;

    if (units_allowed(source, now) > now->boot_ns)
        return NULL;
    for (struct pull_unit *unit = source->units; unit != NULL; unit = unit->next)
        if (unit->state == UNIT_READY && unit->not_before_ns <= now->boot_ns &&
            (chosen == NULL || goes_first(unit, chosen)))
            chosen = unit;
    return chosen;
}

static bool ask_one(struct puller *puller, struct pull_source *source, const struct moment *now)
{
    struct pull_errand *errand;
    struct pull_unit *unit;

    if (source->source == NULL || source->removed || source->replaced || !source->held)
        return false;
    errand = source->paused ? NULL : errand_choose(source, now);
    unit = errand != NULL || reader_is_blocked(puller, source->tenant) ? NULL
                                                                       : choose_unit(source, now);
    if ((errand == NULL && unit == NULL) || !may_ask(puller) || !leaves_room(puller, source))
        return false;
    if (errand != NULL)
        errand_ask(errand, now);
    else
        unit_ask(unit, now);
    return true;
}

/* In the order in which they asked. */
static void put_behind(struct puller *puller)
{
    struct pull_source *asked = NULL, **end = &asked, **at = &puller->sources;

    pthread_mutex_lock(&puller->lock);
    while (*at != NULL) {
        struct pull_source *source = *at;

        if (!source->asked) {
            at = &source->next;
            continue;
        }
        source->asked = false;
        *at = source->next;
        *end = source;
        end = &source->next;
    }
    *end = NULL;
    *at = asked;
    pthread_mutex_unlock(&puller->lock);
}

/* One request of each source.  Who asked stands behind all others then: of those that share what a
 * host allows who waits for it longest comes first, whoever else asks in between. */
static bool ask_some(struct puller *puller, const struct moment *now)
{
    bool asked = false;

    for (struct pull_source *source = puller->sources; source != NULL; source = source->next) {
        source->asked = ask_one(puller, source, now);
        asked = asked || source->asked;
    }
    if (asked)
        put_behind(puller);
    return asked;
}

/* A wall clock that is set forward makes some of what is due come early, and that is all. */
static void follow_clock(struct puller *puller, const struct moment *now)
{
    int64_t ahead_ns = time_between(now->boot_ns, now->wall_ns);
    bool back = ahead_ns < puller->wall_ahead_ns - second_ns;

    puller->wall_ahead_ns = ahead_ns; /* what is corrected slowly is followed */
    for (struct pull_source *source = puller->sources; back && source != NULL;
         source = source->next)
        pull_clock_back(source);
}

static int64_t turn_sources(struct puller *puller, const struct moment *now)
{
    int64_t next_ns = INT64_MAX;

    for (struct pull_source *source = puller->sources; source != NULL; source = source->next) {
        int64_t when = pull_turn(source, now);

        next_ns = when < next_ns ? when : next_ns;
    }
    return next_ns;
}

/* Pages and documents that came took memory that the allocator keeps below what lives longer: it
 * goes back to the machine when all rest, now and then, and not with the first of many that are
 * being read.  When to look again, boot. */
static int64_t tidy(struct puller *puller, const struct moment *now)
{
    if (!puller->untidy || puller->job_count > 0 || fetcher_under_way(puller->fetcher) > 0)
        return INT64_MAX;
    if (now->boot_ns < puller->tidy_ns)
        return puller->tidy_ns;
    (void)malloc_trim(0);
    puller->untidy = false;
    puller->tidy_ns = now->boot_ns + tidy_period_ns;
    return INT64_MAX;
}

static void *puller_main(void *context)
{
    struct puller *puller = context;
    const struct moment begun = pull_now(puller);

    puller->wall_ahead_ns = time_between(begun.boot_ns, begun.wall_ns);

    while (!puller->stop) {
        const struct moment now = pull_now(puller);
        int64_t next_ns, tries_ns, tidy_ns, sleep_ns;

        follow_clock(puller, &now);
        take_messages(puller);
        take_results(puller, &now);
        remove_sources(puller);
        tidy_ns = tidy(puller, &now);
        (void)turn_sources(puller, &now);
        tries_ns = tries_turn(puller, &now);
        while (may_ask(puller) && ask_some(puller, &now))
            continue;
        next_ns = turn_sources(puller, &now);
        next_ns = tries_ns < next_ns ? tries_ns : next_ns;
        next_ns = tidy_ns < next_ns ? tidy_ns : next_ns;
        sleep_ns = time_between(now.boot_ns, next_ns);
        if (next_ns == INT64_MAX || sleep_ns > sleep_max_ns)
            sleep_ns = sleep_max_ns;
        if (sleep_ns <= 0) /* it may, and there is no room for it: something ends before */
            sleep_ns = second_ns / 10;
        fetcher_run(puller->fetcher, now.boot_ns + sleep_ns);
    }
    return NULL;
}

/* --- begin and end --- */

static enum code start_threads(struct puller *puller, struct error *err)
{
    unsigned count = puller->parts.readers == 0 ? 1 : puller->parts.readers;
    bool started = true;

    pthread_mutex_lock(&puller->lock);
    while (started && puller->reader_count < count)
        started = reader_start(puller);
    pthread_mutex_unlock(&puller->lock);
    if (!started || pthread_create(&puller->thread, NULL, puller_main, puller) != 0)
        return error_set(err, E_MEMORY, "no thread for the collectors");
    puller->started = true;
    return OK;
}

enum code puller_open(const struct puller_parts *parts, struct puller **out, struct error *err)
{
    struct puller *puller = calloc(1, sizeof(*puller));
    enum code code = OK;
    struct moment now;
    uint64_t seed;

    *out = NULL;
    if (puller == NULL)
        return no_memory(err);
    puller->parts = *parts;
    puller->opened_ns = clock_monotonic_ns(parts->clock);
    now = pull_now(puller);
    puller->messages_end = &puller->messages;
    puller->jobs_end = &puller->jobs;
    random_secure(&seed, sizeof(seed));
    random_seed(&puller->random, seed);
    pthread_mutex_init(&puller->lock, NULL);
    pthread_cond_init(&puller->more, NULL);
    pthread_cond_init(&puller->tried, NULL);
    if (parts->fs != NULL)
        code = asked_open(parts->fs, "pull", &now, &puller->asked, err);
    if (code == OK && puller->asked != NULL)
        puller->notes = asked_notes(puller->asked);
    if (code == OK)
        code = limiter_new(puller->asked == NULL ? NULL : &puller->notes, &puller->limiter, err);
    if (code == OK)
        code = fetcher_open(&parts->fetcher, &puller->fetcher, err);
    if (code == OK)
        code = start_threads(puller, err);
    if (code) {
        puller_close(puller);
        return code;
    }
    *out = puller;
    return OK;
}

static void stop_threads(struct puller *puller)
{
    pthread_mutex_lock(&puller->lock);
    puller->stop = true;
    for (struct pull_source *source = puller->sources; source != NULL; source = source->next)
        source->lost = true;
    pthread_cond_broadcast(&puller->more);
    pthread_mutex_unlock(&puller->lock);
    if (puller->started) {
        fetcher_wake(puller->fetcher);
        pthread_join(puller->thread, NULL);
    }
    for (unsigned i = 0; i < puller->reader_count; i++)
        pthread_join(puller->readers[i], NULL);
}

static void drop_jobs(struct pull_job *jobs)
{
    while (jobs != NULL) {
        struct pull_job *job = jobs;

        jobs = job->next;
        job_free(job);
    }
}

static void drop_queued(struct puller *puller)
{
    while (puller->messages != NULL) {
        struct pull_message *message = puller->messages;

        puller->messages = message->next;
        message_free(message);
    }
    drop_jobs(puller->jobs);
    drop_jobs(puller->results);
}

void puller_close(struct puller *puller)
{
    if (puller == NULL)
        return;
    stop_threads(puller);
    fetcher_close(puller->fetcher); /* whose answers go to units */
    tries_end(puller);
    drop_queued(puller);
    while (puller->sources != NULL) {
        struct pull_source *source = puller->sources;

        puller->sources = source->next;
        pull_free(source);
    }
    limiter_free(puller->limiter);
    asked_close(puller->asked);
    pthread_cond_destroy(&puller->tried);
    pthread_cond_destroy(&puller->more);
    pthread_mutex_destroy(&puller->lock);
    free(puller);
}
