/* libzookeeper_mt 3.8.  It has two threads a handle: one for the network, one that calls back.
 * What is called there may neither wait nor close the handle, so it copies and enqueues, nothing
 * else.  Only the asynchronous half of the library is used.
 *
 * What it does, as seen with 3.8.0 of Debian:
 * - A session that has expired is told only by a server that is reached again.  Until then the
 * state is "connecting", and who owns something must ask his own clock.
 * - An expired handle is of no use any more: another has to be made, with all that was held.
 * - After a reconnection it sets the watches again that it had, and tells what was missed.
 * - It takes no credentials while it is not connected: they are given to it when it is.
 * - Any user:password is admitted by the scheme "digest": wrong ones show when a node refuses them.
 * - zoo_set_servers() tells servers apart by their IP addresses without ports, and may stay with
 * one that is gone: it is not used, other hosts get another handle.
 * - Host names are resolved anew at each turn of its loop unless it is told to wait.
 * - A session event is told to the watcher of each node as well.
 * - What was answered but not yet told when a handle is closed is lost: neither told nor freed.  So
 *   closing waits a little for answers, and requests that had none are freed here. */
#include "discovery/zookeeper_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <zookeeper/zookeeper.h>
#include <zookeeper/zookeeper_version.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/log.h"

enum { RESOLVE_AGAIN_MS = 10000, SECRET_SIZE_MAX = 1024, DRAIN_MS = 200 };

struct zookeeper_link {
    zhandle_t *handle;
    struct link_inbox *inbox;
    unsigned generation;
    const struct ACL_vector *rights;
    char *digest;         /* a secret; "" = none */
    bool admitted;        /* the library knows it, and says it at each reconnection */
    unsigned taken;       /* connections that the owner knows of, see answer() */
    unsigned told;        /* those that it was told; of the library's thread */
    pthread_mutex_t lock; /* guards what is below */
    pthread_cond_t answered;
    struct request *open; /* without an answer */
};

#ifdef __SANITIZE_ADDRESS__
/* What it leaves of its own when a handle is closed while it tells something. */
__attribute__((weak, visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libzookeeper_mt\n";
}
#endif

/* --- the library's log, which knows no handle --- */

static struct {
    pthread_mutex_t lock; /* guards what is below */
    char complaint[256];
    char secret[SECRET_SIZE_MAX]; /* of the newest link */
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* "2026-11-22 01:00:00,000:4711(0x7f...):ZOO_ERROR@function@1234: text" */
static void library_log(const char *message)
{
    const char *level = strstr(message, "ZOO_"), *text = level ? strstr(level, ": ") : NULL;
    char copy[256];
    bool bad;

    text = text ? text + 2 : message;
    pthread_mutex_lock(&said.lock);
    if (said.secret[0] && strstr(text, said.secret))
        text = "(a message with credentials in it)"; /* there is none that is known */
    snprintf(copy, sizeof(copy), "%s", text);
    bad = level && strncmp(level, "ZOO_ERROR", 9) == 0;
    if (bad)
        snprintf(said.complaint, sizeof(said.complaint), "%s", copy);
    pthread_mutex_unlock(&said.lock);
    /* Changes of state are told by who owns the link; this is each attempt. */
    log_event(LOG_DEBUG, "libzookeeper", LOG_CSTR("text", copy));
}

void link_complaint(char *text, size_t room)
{
    pthread_mutex_lock(&said.lock);
    snprintf(text, room, "%s", said.complaint);
    pthread_mutex_unlock(&said.lock);
}

static void library_begin(const char *digest)
{
    const char *colon = strchr(digest, ':');

    zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
    pthread_mutex_lock(&said.lock);
    said.complaint[0] = '\0';
    snprintf(said.secret, sizeof(said.secret), "%s", colon ? colon + 1 : "");
    pthread_mutex_unlock(&said.lock);
}

const char *link_library_version(void)
{
    return ZOO_VERSION;
}

/* --- what the library calls --- */

static void session_changed(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    struct zookeeper_link *link = context;
    struct link_event *event;

    (void)handle;
    (void)path;
    if (type != ZOO_SESSION_EVENT)
        return;
    event = calloc(1, sizeof(*event));
    if (event) {
        event->kind = LINK_STATE;
        event->generation = link->generation;
        event->state = state == ZOO_CONNECTED_STATE         ? LINK_CONNECTED
                       : state == ZOO_EXPIRED_SESSION_STATE ? LINK_EXPIRED
                       : state == ZOO_AUTH_FAILED_STATE     ? LINK_NOT_ADMITTED
                                                            : LINK_DISCONNECTED;
        link->told += event->state == LINK_CONNECTED;
    }
    link_inbox_put(link->inbox, event);
}

static void node_changed(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    struct zookeeper_link *link = context;
    struct link_event *event;

    (void)handle;
    (void)state;
    if (type == ZOO_SESSION_EVENT)
        return;
    event = calloc(1, sizeof(*event));
    if (event) {
        event->kind = LINK_NODE;
        event->generation = link->generation;
        snprintf(event->path, sizeof(event->path), "%s", path);
    }
    link_inbox_put(link->inbox, event);
}

struct request {
    struct request *before, *after;
    struct link_event *event; /* made when it is asked, so that an answer needs no memory */
    struct zookeeper_link *link;
    unsigned connection; /* the one that its owner took it to go out on */
};

static void request_open(struct request *request)
{
    struct zookeeper_link *link = request->link;

    pthread_mutex_lock(&link->lock);
    request->after = link->open;
    if (link->open)
        link->open->before = request;
    link->open = request;
    pthread_mutex_unlock(&link->lock);
}

static void request_close(struct request *request)
{
    struct zookeeper_link *link = request->link;

    pthread_mutex_lock(&link->lock);
    if (request->after)
        request->after->before = request->before;
    if (request->before)
        request->before->after = request->after;
    else
        link->open = request->after;
    if (!link->open)
        pthread_cond_signal(&link->answered);
    pthread_mutex_unlock(&link->lock);
    free(request);
}

static enum link_outcome outcome_of(int status)
{
    switch (status) {
    case ZOK:
        return LINK_OK;
    case ZNONODE:
        return LINK_ABSENT;
    case ZNODEEXISTS:
        return LINK_THERE;
    case ZBADVERSION:
        return LINK_CHANGED;
    case ZNOAUTH:
    case ZAUTHFAILED:
    case ZINVALIDACL:
        return LINK_REFUSED;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZCLOSING:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZTHROTTLEDOP:
    case ZINVALIDSTATE:
        return LINK_LOST;
    default:
        return LINK_FAILED;
    }
}

/* The request is taken; what is in the event besides is set. */
static void answer(const void *data, int status, const struct Stat *stat)
{
    struct request *request = (struct request *)data;
    struct link_event *event = request->event;

    if (event->outcome == LINK_OK)
        event->outcome = outcome_of(status);
    if (status == ZOK && stat)
        event->node = (struct link_node){.created = stat->czxid,
                                         .changed = stat->mzxid,
                                         .owner = stat->ephemeralOwner,
                                         .version = stat->version};
    link_inbox_put(request->link->inbox, event);
    request_close(request);
}

/* What was asked when a connection was lost already and its owner did not know goes out on the next
 * one, ahead of the `sync` there: its server may be behind, so what it says is there is as good as
 * no answer.  (What is written is done by the leader, whoever passes it on.) */
static void answer_read(const void *data, int status, const struct Stat *stat)
{
    const struct request *request = data;

    if (request->connection != request->link->told)
        request->event->outcome = LINK_LOST;
    answer(data, status, stat);
}

static void was_read(int status, const char *value, int size, const struct Stat *stat,
                     const void *data)
{
    struct link_event *event = ((const struct request *)data)->event;

    if (status == ZOK) {
        size_t count = size > 0 ? (size_t)size : 0; /* -1: a node without a text */
        char *copy = malloc(count + 1);

        if (copy && count > 0)
            memcpy(copy, value, count);
        event->text = (struct bytes){copy, count};
        if (!copy)
            event->outcome = LINK_LOST;
    }
    answer_read(data, status, stat);
}

static void was_listed(int status, const struct String_vector *names, const void *data)
{
    struct link_event *event = ((const struct request *)data)->event;
    size_t count = status == ZOK && names->count > 0 ? (size_t)names->count : 0;

    event->names = count > 0 ? calloc(count, sizeof(*event->names)) : NULL;
    if (count > 0 && !event->names)
        event->outcome = LINK_LOST;
    for (size_t i = 0; i < count && event->names; i++) {
        event->names[i] = strdup(names->data[i]);
        event->name_count = i + 1;
        if (!event->names[i])
            event->outcome = LINK_LOST;
    }
    answer_read(data, status, NULL);
}

static void was_created(int status, const char *path, const struct Stat *stat, const void *data)
{
    (void)path;
    answer(data, status, stat);
}

static void was_written(int status, const struct Stat *stat, const void *data)
{
    answer(data, status, stat);
}

static void was_removed(int status, const void *data)
{
    answer(data, status, NULL);
}

static void was_synced(int status, const char *path, const void *data)
{
    (void)path;
    answer(data, status, NULL);
}

/* --- asking --- */

static struct request *request_new(struct zookeeper_link *link, const struct link_tag *tag)
{
    struct request *request = calloc(1, sizeof(*request));
    struct link_event *event = calloc(1, sizeof(*event));

    if (!request || !event) {
        free(request);
        free(event);
        return NULL;
    }
    event->kind = LINK_ANSWER;
    event->generation = link->generation;
    event->tag = *tag;
    event->tag.sent_ns = clock_boot_ns(clock_system());
    *request = (struct request){.event = event, .link = link, .connection = link->taken};
    request_open(request);
    return request;
}

/* What was not sent is never answered. */
static bool sent(struct request *request, int status)
{
    if (status == ZOK)
        return true;
    free(request->event);
    request_close(request);
    return false;
}

bool link_read(struct zookeeper_link *link, const char *path, bool watch,
               const struct link_tag *tag)
{
    struct request *request = request_new(link, tag);

    return request && sent(request, zoo_awget(link->handle, path, watch ? node_changed : NULL, link,
                                              was_read, request));
}

bool link_list(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    struct request *request = request_new(link, tag);

    return request && sent(request, zoo_awget_children(link->handle, path, node_changed, link,
                                                       was_listed, request));
}

bool link_create(struct zookeeper_link *link, const char *path, struct bytes text, bool ephemeral,
                 const struct link_tag *tag)
{
    struct request *request = request_new(link, tag);

    return request &&
           sent(request, zoo_acreate2(link->handle, path, text.data, (int)text.size, link->rights,
                                      ephemeral ? ZOO_EPHEMERAL : 0, was_created, request));
}

bool link_write(struct zookeeper_link *link, const char *path, struct bytes text, int32_t version,
                const struct link_tag *tag)
{
    struct request *request = request_new(link, tag);

    return request && sent(request, zoo_aset(link->handle, path, text.data, (int)text.size, version,
                                             was_written, request));
}

bool link_remove(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    struct request *request = request_new(link, tag);

    return request && sent(request, zoo_adelete(link->handle, path, -1, was_removed, request));
}

bool link_sync(struct zookeeper_link *link, const char *path, const struct link_tag *tag)
{
    struct request *request = request_new(link, tag);

    return request && sent(request, zoo_async(link->handle, path, was_synced, request));
}

/* --- opening --- */

int link_session_ms(const struct zookeeper_link *link)
{
    return zoo_recv_timeout(link->handle);
}

int64_t link_session_id(const struct zookeeper_link *link)
{
    return zoo_client_id(link->handle)->client_id;
}

bool link_admit(struct zookeeper_link *link)
{
    link->taken++;
    if (!link->admitted && link->digest[0])
        link->admitted = zoo_add_auth(link->handle, "digest", link->digest,
                                      (int)strlen(link->digest), NULL, NULL) == ZOK;
    return link->admitted || !link->digest[0];
}

static void link_free(struct zookeeper_link *link)
{
    for (struct request *request = link->open, *after; request; request = after) {
        after = request->after; /* the library forgot them */
        link_event_free(request->event);
        request_close(request);
    }
    pthread_cond_destroy(&link->answered);
    pthread_mutex_destroy(&link->lock);
    if (link->digest)
        explicit_bzero(link->digest, strlen(link->digest));
    free(link->digest);
    free(link);
}

enum code link_open(const char *hosts, const char *digest, int session_ms, unsigned generation,
                    struct link_inbox *inbox, struct zookeeper_link **link, struct error *err)
{
    struct zookeeper_link *made = calloc(1, sizeof(*made));
    char complaint[256];

    *link = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a session");
    pthread_mutex_init(&made->lock, NULL);
    condition_init(&made->answered);
    made->digest = strdup(digest);
    if (!made->digest) {
        link_free(made);
        return error_set(err, E_MEMORY, "no memory for a session");
    }
    library_begin(digest);
    made->inbox = inbox;
    made->generation = generation;
    made->rights = digest[0] ? &ZOO_CREATOR_ALL_ACL : &ZOO_OPEN_ACL_UNSAFE;
    made->handle = zookeeper_init2(hosts, session_changed, session_ms, NULL, made, 0, library_log);
    if (!made->handle) {
        int number = errno;

        link_free(made);
        link_complaint(complaint, sizeof(complaint));
        return error_set(err, number == ENOMEM ? E_MEMORY : E_NOT_READY, "%s: %s", hosts,
                         complaint[0] ? complaint : strerror(number));
    }
    (void)zoo_set_servers_resolution_delay(made->handle, RESOLVE_AGAIN_MS);
    *link = made;
    return OK;
}

static void drain(struct zookeeper_link *link)
{
    int64_t until_ns = clock_monotonic_ns(clock_system()) + (int64_t)DRAIN_MS * 1000000;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

    pthread_mutex_lock(&link->lock);
    while (link->open)
        if (pthread_cond_timedwait(&link->answered, &link->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&link->lock);
}

void link_close(struct zookeeper_link *link)
{
    if (!link)
        return;
    drain(link);
    (void)zookeeper_close(link->handle);
    link_free(link);
}
