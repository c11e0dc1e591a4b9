/* The registry's thread only says that there is something new: reading takes some microseconds for
 * each record, and a disk may be slow. */
#include "discovery/follower.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/log.h"
#include "base/thread.h"
#include "discovery/registered.h"

enum { AGAIN_S = 1 };

struct follower {
    struct directory *directory;
    struct registered *registered; /* of the thread, once it runs */
    struct registry *registry;
    struct thread *thread;
    uint64_t sequence; /* of the snapshot that was taken last; likewise */
    bool seen;         /* whatever is there is known; likewise */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool asked, stopping;          /* guarded by lock, as is health */
    struct follower_health health; /* of what is in force */
};

enum code follower_new(struct directory *directory, struct fs *fs, struct follower **follower_made,
                       struct error *err)
{
    struct follower *follower = calloc(1, sizeof(*follower));
    enum code code;

    *follower_made = NULL;
    if (!follower)
        return error_set(err, E_MEMORY, "no memory to follow the registry");
    follower->directory = directory;
    code = registered_new(fs, &follower->registered, err);
    if (code) {
        free(follower);
        return code;
    }
    pthread_mutex_init(&follower->lock, NULL);
    condition_init(&follower->wake);
    *follower_made = follower;
    return OK;
}

void follower_free(struct follower *follower)
{
    if (!follower)
        return;
    registered_free(follower->registered);
    pthread_cond_destroy(&follower->wake);
    pthread_mutex_destroy(&follower->lock);
    free(follower);
}

void follower_changed(void *context)
{
    struct follower *follower = context;

    pthread_mutex_lock(&follower->lock);
    follower->asked = true;
    pthread_cond_signal(&follower->wake);
    pthread_mutex_unlock(&follower->lock);
}

/* Nothing but emptiness of a registry that nobody has reached yet is not published. */
static enum code take(struct follower *follower, struct error *err)
{
    bool connected = registry_health(follower->registry).state == REGISTRY_CONNECTED;
    struct registry_snapshot *records = registry_get(follower->registry);
    struct directory_snapshot *fresh = NULL;
    uint64_t sequence = records->sequence, version = records->version;
    size_t refused;
    enum code code = OK;

    if (records->count == 0 && !connected && !follower->seen)
        goto out;
    if (sequence == follower->sequence && follower->seen)
        goto out;
    code = registered_build(follower->registered, records, directory_node(follower->directory),
                            &fresh, err);
    if (code)
        goto out;
    directory_publish(follower->directory, fresh);
    follower->sequence = sequence;
    follower->seen = true;
    (void)registered_faults(follower->registered, &refused);
    pthread_mutex_lock(&follower->lock);
    follower->health = (struct follower_health){refused, version};
    pthread_mutex_unlock(&follower->lock);
    log_event(LOG_DEBUG, "the registry's records are in force", LOG_UINT("version", version),
              LOG_UINT("records", records->count), LOG_UINT("refused", refused));

out:
    registry_snapshot_put(records);
    return code;
}

/* True: there is something to take; false: it is the end. */
static bool await(struct follower *follower, bool again)
{
    struct timespec until = condition_until(AGAIN_S * INT64_C(1000000000));
    bool stopping;

    pthread_mutex_lock(&follower->lock);
    while (!follower->asked && !follower->stopping) {
        if (!again)
            pthread_cond_wait(&follower->wake, &follower->lock);
        else if (pthread_cond_timedwait(&follower->wake, &follower->lock, &until) != 0)
            break;
    }
    follower->asked = false;
    stopping = follower->stopping;
    pthread_mutex_unlock(&follower->lock);
    return !stopping;
}

static void run(void *context)
{
    struct follower *follower = context;
    bool again = !registered_keep(follower->registered);

    while (await(follower, again)) {
        struct error err = {0};

        again = take(follower, &err) != OK;
        if (again)
            log_error(LOG_ERROR, "a change of the registry is not in force yet", &err);
        again |= !registered_keep(follower->registered);
    }
}

enum code follower_start(struct follower *follower, struct registry *registry, struct error *err)
{
    enum code code;

    follower->registry = registry;
    code = take(follower, err);
    return code ? code : thread_start("follower", run, follower, &follower->thread, err);
}

void follower_stop(struct follower *follower)
{
    if (!follower || !follower->thread)
        return;
    pthread_mutex_lock(&follower->lock);
    follower->stopping = true;
    pthread_cond_signal(&follower->wake);
    pthread_mutex_unlock(&follower->lock);
    thread_join(follower->thread);
    follower->thread = NULL;
}

struct follower_health follower_health(struct follower *follower)
{
    struct follower_health health;

    pthread_mutex_lock(&follower->lock);
    health = follower->health;
    pthread_mutex_unlock(&follower->lock);
    return health;
}
