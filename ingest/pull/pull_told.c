/* The text is made when a page was read, as whoever asks for it may not look at the document, which
 * is the puller's thread's. */
#include "ingest/pull/pull_told.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time_text.h"
#include "ingest/pull/pull_inside.h"

enum { WARNINGS_BYTES_MAX = 16 << 10, WAITS_SIZE = sizeof(((struct pull_told *)0)->waits) };

const char *const pull_state_names[PULL_STATES] = {
    [PULL_LOADING] = "loading", [PULL_RESTING] = "resting",     [PULL_PULLING] = "pulling",
    [PULL_WRONG] = "wrong",     [PULL_ELSEWHERE] = "elsewhere", [PULL_FILLING] = "filling",
    [PULL_PAUSED] = "paused",
};

enum pull_state told_state(const struct pull_source *source)
{
    if (source->paused && source->state != PULL_WRONG)
        return PULL_PAUSED;
    return source->state == PULL_RESTING && source->told.filling ? PULL_FILLING : source->state;
}

/* --- what is to be looked at --- */

static char *warnings_of(const struct value_finds *finds, const struct source *source)
{
    struct buf text = BUF_INIT(WARNINGS_BYTES_MAX);
    char *warnings = NULL;

    if (finds->rows == 0 || finds->absent == 0)
        return NULL;
    value_finds_put(finds, source, &text);
    if (buf_finish(&text, NULL) == OK)
        warnings = strndup(text.data, text.size);
    buf_release(&text);
    return warnings;
}

void told_finds(struct pull_source *source, const struct value_finds *finds)
{
    struct pull_told *told = &source->told;
    char *warnings, *former;

    if (finds->rows == 0)
        return;
    value_finds_add(&told->finds, finds, source->source);
    warnings = warnings_of(&told->finds, source->source);
    pthread_mutex_lock(&source->puller->lock);
    former = told->warnings;
    told->warnings = warnings;
    pthread_mutex_unlock(&source->puller->lock);
    free(former);
}

/* --- what it waits for --- */

static void put_rate(const struct source_rate *rate, char waits[WAITS_SIZE])
{
    char span[TIMESTAMP_TEXT_SIZE];

    (void)snprintf(waits, WAITS_SIZE, "the rate %" PRIu64 "/%.*s", rate->count,
                   (int)duration_print(rate->span_ns, span), span);
}

static void put_reason(const struct pull_source *source, const struct moment *now,
                       char waits[WAITS_SIZE])
{
    struct source_rate rate;

    switch (limiter_reason(source->key, source->source->limits.weight, now, &rate)) {
    case LIMITER_NOTHING: /* it may be asked now */
        break;
    case LIMITER_UNDER_WAY:
        (void)snprintf(waits, WAITS_SIZE, "requests of the host that are under way");
        break;
    case LIMITER_RATE:
        put_rate(&rate, waits);
        break;
    case LIMITER_DAY:
        (void)snprintf(waits, WAITS_SIZE, "the next day (daily)");
        break;
    case LIMITER_TOLD:
        (void)snprintf(waits, WAITS_SIZE, "the host, which said how long");
        break;
    }
}

static void put_wait(const struct pull_source *source, const struct moment *now, int64_t when,
                     char waits[WAITS_SIZE])
{
    int64_t allowed = limiter_when(source->key, source->source->limits.weight, now);
    int64_t try_when = limiter_try_when(source->key);

    /* What it allows and its own wait may be the same, each by a look of its own at the clocks. */
    if (time_sum(allowed, MOMENT_SECOND) >= when && try_when < when)
        put_reason(source, now, waits);
    else if (try_when > INT64_MIN) /* also where its own windows wait for longer */
        (void)snprintf(waits, WAITS_SIZE, "the host, which cannot be reached or fails");
    else
        (void)snprintf(waits, WAITS_SIZE, "the next try");
}

/* Nothing of it is under way, and the first of its windows may not be asked yet. */
static void find_wait(const struct pull_source *source, int64_t when, const struct moment *now,
                      struct pull_told *told)
{
    if (source->busy_units > 0 || source->units == NULL || when <= now->boot_ns)
        return;
    if (!token_is_good(source, now)) {
        (void)snprintf(told->waits, sizeof(told->waits), "an access token");
        return;
    }
    put_wait(source, now, when, told->waits);
    if (when < INT64_MAX) {
        told->waits_until_ns = time_sum(now->wall_ns, time_between(now->boot_ns, when));
        told->waits_until_ns += MOMENT_SECOND - 1 - (told->waits_until_ns - 1) % MOMENT_SECOND;
    }
}

void told_turn(struct pull_source *source, int64_t when, const struct moment *now)
{
    struct pull_told *told = &source->told, fresh = *told;

    fresh.filling = source->state == PULL_RESTING && source->units != NULL;
    fresh.waits[0] = '\0';
    fresh.waits_until_ns = 0;
    find_wait(source, when, now, &fresh);
    if (fresh.filling == told->filling && fresh.waits_until_ns == told->waits_until_ns &&
        strcmp(fresh.waits, told->waits) == 0)
        return;
    pthread_mutex_lock(&source->puller->lock);
    *told = fresh;
    pthread_mutex_unlock(&source->puller->lock);
}

void told_loading(struct pull_source *source, const char *waits)
{
    struct pull_told *told = &source->told;

    if (waits[0] != '\0' && told->waits[0] == '\0')
        log_event(LOG_WARN, "a source waits", LOG_CSTR("tenant", source->tenant_name),
                  LOG_CSTR("source", source->name), LOG_CSTR("for", waits));
    pthread_mutex_lock(&source->puller->lock);
    (void)snprintf(told->waits, sizeof(told->waits), "%s", waits);
    told->waits_until_ns = 0;
    pthread_mutex_unlock(&source->puller->lock);
}

/* --- all of it --- */

void told_forget(struct pull_source *source)
{
    struct pull_told *told = &source->told;
    char *former;

    pthread_mutex_lock(&source->puller->lock);
    former = told->warnings;
    *told = (struct pull_told){.warnings = NULL};
    pthread_mutex_unlock(&source->puller->lock);
    free(former);
}
