/* What is common to both registries: discovery/registry_core.h.
 *
 * A new snapshot is made of what the registry holds and of what it held before: a record that is
 * gone stays, marked, whatever took it away.  Readers get it first, the disk afterwards: a crash
 * between leaves the copy before, which the registry then brings up to date. */
#include "discovery/registry.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"
#include "discovery/registry_core.h"
#include "discovery/registry_image.h"

/* The copy on disk is written at most once a second, however much is changed. */
enum { WAIT_MS = 10000, LOOK_MS = 50, HURRY_MS = 1000, KEEP_AGAIN_S = 1, KEEP_FAILED_AGAIN_S = 10 };

static const char *const state_names[] = {
    [REGISTRY_NEVER] = "never seen",          [REGISTRY_CONNECTED] = "connected",
    [REGISTRY_DISCONNECTED] = "disconnected", [REGISTRY_EXPIRED] = "expired",
    [REGISTRY_REFUSED] = "refused",
};

const char *registry_state_name(enum registry_state state)
{
    assert((unsigned)state < COUNT_OF(state_names));
    return state_names[state];
}

struct registry_snapshot *registry_get(struct registry *registry)
{
    struct registry_snapshot *snapshot;

    pthread_mutex_lock(&registry->lock);
    snapshot = registry->snapshot;
    atomic_fetch_add(&snapshot->references, 1);
    pthread_mutex_unlock(&registry->lock);
    return snapshot;
}

/* --- opening --- */

static int64_t now_ns(void)
{
    return clock_boot_ns(clock_system());
}

/* What is on disk is the newest that is known, until there is contact. */
static enum code image_take(struct registry *registry, struct error *err)
{
    struct buf image = BUF_INIT(REGISTRY_IMAGE_BYTES_MAX);
    struct registry_record *records = NULL;
    struct registry_snapshot *snapshot;
    struct error why = {0};
    size_t count = 0;
    enum code code = registry->rules.fs
                         ? registry_image_load(registry->rules.fs, registry->rules.snapshot_path,
                                               &image, &records, &count, &why)
                         : E_NOT_FOUND;

    if (code && code != E_NOT_FOUND) { /* the registry itself will do */
        error_context(&why, "the copy of the registry is passed over");
        log_error(LOG_ERROR, "registry", &why);
        snprintf(registry->health.text, sizeof(registry->health.text), "%s", why.text);
    }
    snapshot = registry_snapshot_new(records, count);
    free(records);
    buf_release(&image);
    if (!snapshot)
        return error_set(err, E_MEMORY, "no memory for the registry's snapshot");
    snapshot->sequence = code ? 0 : 1;
    registry->snapshot = snapshot;
    registry->health.missing_count = snapshot->missing_count;
    registry->health.from_disk = registry->health.kept = !code;
    return OK;
}

enum code registry_core_init(struct registry *registry,
                             const struct registry_operations *operations,
                             const struct registry_rules *rules, struct error *err)
{
    enum code code;

    assert((rules->fs == NULL) == (rules->snapshot_path == NULL));
    registry->operations = operations;
    registry->rules = *rules;
    if (registry->rules.wait_ms <= 0)
        registry->rules.wait_ms = WAIT_MS;
    if (registry->rules.look_ms <= 0)
        registry->rules.look_ms = LOOK_MS;
    if (registry->rules.called == NULL)
        registry->rules.called = "registry";
    registry->health = (struct registry_health){
        .state = REGISTRY_NEVER, .since_ns = now_ns(), .seen_ns = INT64_MIN};
    registry->keep_again_ns = 0;
    registry->puts_end_ns = INT64_MAX;
    pthread_mutex_init(&registry->lock, NULL);
    condition_init(&registry->changed);
    code = image_take(registry, err);
    if (code) {
        pthread_cond_destroy(&registry->changed);
        pthread_mutex_destroy(&registry->lock);
    }
    return code;
}

void registry_core_release(struct registry *registry)
{
    registry_keep(registry, true);
    registry_snapshot_put(registry->snapshot);
    pthread_cond_destroy(&registry->changed);
    pthread_mutex_destroy(&registry->lock);
}

void registry_close(struct registry *registry)
{
    if (registry)
        registry->operations->close(registry);
}

/* --- publishing --- */

static bool same_record(const struct registry_record *a, const struct registry_record *b)
{
    return registry_record_order(a, b) == 0 && a->version == b->version &&
           a->missing == b->missing && bytes_equal(a->text, b->text);
}

/* `ephemeral` false: but for ephemeral ones, which are the last kinds. */
static bool same(const struct registry_snapshot *a, const struct registry_snapshot *b,
                 bool ephemeral)
{
    size_t a_count = a->count, b_count = b->count, first;

    if (!ephemeral) {
        registry_range(a, REGISTRY_ALIVE, &a_count, &first);
        registry_range(b, REGISTRY_ALIVE, &b_count, &first);
    }
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!same_record(&a->records[i], &b->records[i]))
            return false;
    return true;
}

static void keep(struct registry *registry, const struct registry_snapshot *snapshot)
{
    struct error err = {0};
    size_t count, end;
    bool kept;

    if (!registry->rules.fs)
        return;
    registry_range(snapshot, REGISTRY_ALIVE, &count, &end);
    kept = !registry_image_save(registry->rules.fs, "", registry->rules.snapshot_path,
                                snapshot->records, count, &err);
    if (!kept) {
        error_context(&err, "the copy of the registry");
        log_error(LOG_ERROR, "registry", &err);
    }
    registry->keep_again_ns =
        now_ns() + (int64_t)(kept ? KEEP_AGAIN_S : KEEP_FAILED_AGAIN_S) * 1000000000;
    pthread_mutex_lock(&registry->lock);
    registry->health.kept = kept;
    pthread_mutex_unlock(&registry->lock);
}

void registry_keep(struct registry *registry, bool now)
{
    bool kept;

    if (!registry->rules.fs || (!now && now_ns() < registry->keep_again_ns))
        return;
    pthread_mutex_lock(&registry->lock);
    kept = registry->health.kept || registry->snapshot->sequence == 0;
    pthread_mutex_unlock(&registry->lock);
    if (!kept)
        keep(registry, registry->snapshot);
}

static void tell(struct registry *registry)
{
    if (registry->rules.changed)
        registry->rules.changed(registry->rules.context);
}

static void tell_missing(const struct registry_snapshot *old, const struct registry_snapshot *made)
{
    if (made->missing_count > old->missing_count)
        log_event(LOG_ERROR,
                  "records are missing in the registry: what was last seen stays in force",
                  LOG_UINT("missing", made->missing_count), LOG_UINT("records", made->count));
    else if (made->missing_count == 0 && old->missing_count > 0)
        log_event(LOG_INFO, "all records are in the registry again",
                  LOG_UINT("records", made->count));
}

/* True: it is another state, and who asks has to be told. */
static bool state_put(struct registry *registry, enum registry_state state, const char *text)
{
    struct registry_health *health = &registry->health;
    bool is_new = health->state != state;

    if (is_new)
        health->since_ns = now_ns();
    health->state = state;
    if (text)
        snprintf(health->text, sizeof(health->text), "%s", text);
    return is_new;
}

static void log_state(const struct registry *registry, enum registry_state state, const char *text)
{
    log_event(state == REGISTRY_CONNECTED ? LOG_INFO : LOG_WARN, registry->rules.called,
              LOG_CSTR("state", registry_state_name(state)), LOG_CSTR("text", text ? text : ""));
}

void registry_state_set(struct registry *registry, enum registry_state state, const char *text)
{
    bool is_new;

    pthread_mutex_lock(&registry->lock);
    is_new = state_put(registry, state, text);
    if (is_new)
        pthread_cond_broadcast(&registry->changed);
    pthread_mutex_unlock(&registry->lock);
    if (!is_new)
        return;
    log_state(registry, state, text);
    tell(registry);
}

/* The records of `old` that are in none of `records` any more, behind them. */
static struct registry_record *with_missing(const struct registry_snapshot *old,
                                            const struct registry_record *records, size_t *count)
{
    size_t at = 0, used = *count, known = *count;
    struct registry_record *all = malloc((*count + old->count + 1) * sizeof(*all));

    if (!all)
        return NULL;
    if (known > 0)
        memcpy(all, records, known * sizeof(*all));
    for (size_t i = 0; i < old->count; i++) {
        const struct registry_record *record = &old->records[i];

        while (at < known && registry_record_order(&records[at], record) < 0)
            at++;
        if (registry_kind_ephemeral(record->kind) ||
            (at < known && registry_record_order(&records[at], record) == 0))
            continue;
        all[used] = *record;
        all[used++].missing = true;
    }
    *count = used;
    return all;
}

enum code registry_publish(struct registry *registry, struct registry_record *records, size_t count,
                           const char *text, struct error *err)
{
    /* Only this thread replaces it, so it may be read here without the lock. */
    struct registry_snapshot *old = registry->snapshot, *made;
    struct registry_record *all;
    bool is_new, persistent, state_new;

    if (count > 0)
        qsort(records, count, sizeof(*records), registry_record_order);
    all = with_missing(old, records, &count);
    if (count > REGISTRY_RECORDS_MAX) {
        free(all);
        return error_set(err, E_MEMORY, "%zu records; a registry has at most %d", count,
                         REGISTRY_RECORDS_MAX);
    }
    made = all ? registry_snapshot_new(all, count) : NULL;
    free(all);
    if (!made)
        return error_set(err, E_MEMORY, "no memory for the registry's snapshot");
    is_new = old->sequence == 0 || !same(old, made, true);
    persistent = old->sequence == 0 || !same(old, made, false);
    made->sequence = old->sequence + 1;
    tell_missing(old, made);

    pthread_mutex_lock(&registry->lock);
    state_new = state_put(registry, REGISTRY_CONNECTED, text);
    registry->health.from_disk = false;
    registry->health.missing_count = made->missing_count;
    if (is_new)
        registry->snapshot = made;
    if (persistent)
        registry->health.kept = false;
    pthread_cond_broadcast(&registry->changed);
    pthread_mutex_unlock(&registry->lock);

    registry_snapshot_put(is_new ? old : made);
    if (state_new)
        log_state(registry, REGISTRY_CONNECTED, text);
    if (is_new || state_new)
        tell(registry);
    registry_keep(registry, false);
    return OK;
}

void registry_seen(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    registry->health.seen_ns = now_ns();
    pthread_mutex_unlock(&registry->lock);
}

void registry_session_made(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    registry->health.sessions++;
    pthread_mutex_unlock(&registry->lock);
}

/* --- waiting --- */

struct registry_health registry_health(struct registry *registry)
{
    struct registry_health health;

    pthread_mutex_lock(&registry->lock);
    health = registry->health;
    pthread_mutex_unlock(&registry->lock);
    return health;
}

static struct timespec deadline_of(int timeout_ms)
{
    int64_t at_ns = clock_monotonic_ns(clock_system()) + (int64_t)timeout_ms * 1000000;

    return (struct timespec){.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
}

bool registry_wait(struct registry *registry, uint64_t sequence, int timeout_ms)
{
    static const _Atomic bool never;

    return registry_wait_or_stop(registry, sequence, timeout_ms, &never);
}

void registry_wake(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    pthread_cond_broadcast(&registry->changed);
    pthread_mutex_unlock(&registry->lock);
}

bool registry_wait_or_stop(struct registry *registry, uint64_t sequence, int timeout_ms,
                           const _Atomic bool *stop)
{
    struct timespec deadline = deadline_of(timeout_ms);
    bool there;

    pthread_mutex_lock(&registry->lock);
    while (registry->snapshot->sequence <= sequence && !*stop)
        if (pthread_cond_timedwait(&registry->changed, &registry->lock, &deadline) == ETIMEDOUT)
            break;
    there = registry->snapshot->sequence > sequence;
    pthread_mutex_unlock(&registry->lock);
    return there;
}

enum code registry_wait_connected(struct registry *registry, int timeout_ms, struct error *err)
{
    struct timespec deadline = deadline_of(timeout_ms);
    struct registry_health health;

    pthread_mutex_lock(&registry->lock);
    while (registry->health.state != REGISTRY_CONNECTED &&
           registry->health.state != REGISTRY_REFUSED)
        if (pthread_cond_timedwait(&registry->changed, &registry->lock, &deadline) == ETIMEDOUT)
            break;
    health = registry->health;
    pthread_mutex_unlock(&registry->lock);
    if (health.state == REGISTRY_CONNECTED)
        return OK;
    return error_set(err, health.state == REGISTRY_REFUSED ? E_CONFIG : E_NOT_READY,
                     "the registry is not there (%s)%s%s", registry_state_name(health.state),
                     health.text[0] ? ": " : "", health.text);
}

enum code registry_whole(struct registry *registry, struct error *err)
{
    struct registry_health health = registry_health(registry);

    if (health.state != REGISTRY_CONNECTED || !health.text[0])
        return OK;
    return error_set(err, E_CONFIG, "a record of the registry cannot be read: %s", health.text);
}

/* --- changing --- */

enum code registry_expect(uint64_t version, uint64_t expected, struct error *err)
{
    if (version == expected)
        return OK;
    if (expected == 0)
        return error_set(err, E_EXISTS, "it is there already, at version %" PRIu64, version);
    return error_set(err, E_CONFLICT,
                     "it is at version %" PRIu64 ", and not at %" PRIu64
                     " any more: somebody changed it meanwhile",
                     version, expected);
}

static enum code refuse_name(enum registry_kind kind, struct bytes name, struct bytes text,
                             struct error *err)
{
    if (!registry_name_valid(kind, name))
        return error_set(err, E_BAD_PARAMETER,
                         "'%.*s' is no name of %s: want 1 to 64 of a-z, 0-9, '_' and '-'%s",
                         (int)(name.size < 64 ? name.size : 64), name.data,
                         registry_kind_name(kind),
                         kind == REGISTRY_SOURCES ? ", of the tenant, '.', and of the source" : "");
    if (text.size > REGISTRY_TEXT_SIZE_MAX)
        return error_set(err, E_BAD_PARAMETER,
                         "a record of %zu bytes; the registry takes at most %d", text.size,
                         REGISTRY_TEXT_SIZE_MAX);
    return OK;
}

static enum code refuse_more(struct registry *registry, enum registry_kind kind, struct bytes name,
                             struct error *err)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    bool full = snapshot->count >= REGISTRY_RECORDS_MAX && !registry_find(snapshot, kind, name);

    registry_snapshot_put(snapshot);
    return full ? error_set(err, E_BAD_PARAMETER, "a registry has at most %d records, and has them",
                            REGISTRY_RECORDS_MAX)
                : OK;
}

enum code registry_put(struct registry *registry, enum registry_kind kind, struct bytes name,
                       uint64_t expected, struct bytes text, uint64_t *version, struct error *err)
{
    enum code code = refuse_name(kind, name, text, err);

    assert(!registry_kind_ephemeral(kind));
    *version = 0;
    if (!code)
        code = refuse_more(registry, kind, name, err);
    if (!code)
        code = registry->operations->put(registry, kind, name, expected, text, version, err);
    if (code)
        error_context(err, "%s %.*s", registry_kind_name(kind),
                      (int)(name.size < 64 ? name.size : 64), name.data);
    return code;
}

void registry_hurry(struct registry *registry)
{
    int64_t never = INT64_MAX;

    (void)atomic_compare_exchange_strong(&registry->puts_end_ns, &never,
                                         clock_monotonic_ns(clock_system()) +
                                             (int64_t)HURRY_MS * 1000000);
}

enum code registry_hold(struct registry *registry, enum registry_kind kind, struct bytes name,
                        struct bytes text, struct error *err)
{
    enum code code = refuse_name(kind, name, text, err);

    assert(registry_kind_ephemeral(kind));
    return code ? code : registry->operations->hold(registry, kind, name, text, err);
}

void registry_release(struct registry *registry, enum registry_kind kind, struct bytes name)
{
    assert(registry_kind_ephemeral(kind));
    registry->operations->release(registry, kind, name);
}

bool registry_held(struct registry *registry, enum registry_kind kind, struct bytes name,
                   uint64_t *epoch)
{
    assert(registry_kind_ephemeral(kind));
    return registry->operations->held(registry, kind, name, epoch);
}
