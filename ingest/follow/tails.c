/* One thread for all sources: a turn of each, then a rest until one has something to do.  What is
 * declared comes as messages, so that nobody waits for a disk. */
#include "ingest/follow/tails.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/condition.h"
#include "ingest/follow/tails_inside.h"
#include "ingest/source/source.h"

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to follow files");
}

static void message_free(struct tails_message *message)
{
    if (message == NULL)
        return;
    source_free(message->source);
    free(message->tenant);
    free(message->name);
    free(message);
}

/* --- the thread --- */

/* One whose document is another begins with what is known of it, as after a start. */
static void take_message(struct tails *tails, struct tails_message *message)
{
    struct tails_source **at = &tails->sources, *former, *source = NULL;

    while (*at != NULL && ((*at)->name == NULL || strcmp((*at)->name, message->name) != 0 ||
                           strcmp((*at)->tenant_name, message->tenant) != 0))
        at = &(*at)->next;
    former = *at;
    if (message->source != NULL)
        source = tails_source_new(tails, message);
    pthread_mutex_lock(&tails->lock);
    if (former != NULL)
        *at = former->next;
    if (source != NULL) {
        source->next = tails->sources;
        tails->sources = source;
    }
    pthread_mutex_unlock(&tails->lock);
    tails_source_free(former);
}

static void take_messages(struct tails *tails)
{
    struct tails_message *messages;

    pthread_mutex_lock(&tails->lock);
    messages = tails->messages;
    tails->messages = NULL;
    tails->messages_end = &tails->messages;
    pthread_mutex_unlock(&tails->lock);
    while (messages != NULL) {
        struct tails_message *message = messages;

        messages = message->next;
        take_message(tails, message);
        message_free(message);
    }
}

static void rest(struct tails *tails, int64_t ns)
{
    struct timespec until = condition_until(ns > 0 ? ns : 0);

    pthread_mutex_lock(&tails->lock);
    if (tails->messages == NULL && !tails->stop) {
        if (ns == INT64_MAX)
            pthread_cond_wait(&tails->more, &tails->lock);
        else
            (void)pthread_cond_timedwait(&tails->more, &tails->lock, &until);
    }
    pthread_mutex_unlock(&tails->lock);
}

static void *run(void *context)
{
    struct tails *tails = context;

    while (!tails->stop) {
        int64_t next_ns = INT64_MAX, now_ns;

        take_messages(tails);
        for (struct tails_source *source = tails->sources; source != NULL && !tails->stop;
             source = source->next) {
            int64_t ns = tails_source_turn(source, clock_monotonic_ns(tails->parts.clock));

            next_ns = ns < next_ns ? ns : next_ns;
        }
        now_ns = clock_monotonic_ns(tails->parts.clock);
        if (next_ns > now_ns)
            rest(tails, next_ns == INT64_MAX ? INT64_MAX : next_ns - now_ns);
    }
    return NULL;
}

/* --- for others --- */

enum code tails_takes(const struct tails *tails, struct bytes tenant, const struct source *source,
                      struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < source->files.path_count; i++) {
        code = tail_places_check(tails->parts.places, tenant, source->files.paths[i], err);
        if (code) {
            char pointer[48];

            (void)snprintf(pointer, sizeof(pointer), "/files/paths/%zu", i);
            error_point(err, bytes_of(pointer));
        }
    }
    return code;
}

enum code tails_declare(struct tails *tails, struct bytes tenant, struct bytes name, bool paused,
                        struct source *source, struct error *err)
{
    struct tails_message *message = calloc(1, sizeof(*message));

    if (message == NULL) {
        source_free(source);
        return no_memory(err);
    }
    *message = (struct tails_message){.tenant = strndup(tenant.data, tenant.size),
                                      .name = strndup(name.data, name.size),
                                      .paused = paused,
                                      .source = source};
    if (message->tenant == NULL || message->name == NULL) {
        message_free(message);
        return no_memory(err);
    }
    pthread_mutex_lock(&tails->lock);
    *tails->messages_end = message;
    tails->messages_end = &message->next;
    pthread_cond_signal(&tails->more);
    pthread_mutex_unlock(&tails->lock);
    return OK;
}

enum code tails_open(const struct tails_parts *parts, struct tails **out, struct error *err)
{
    struct tails *tails = calloc(1, sizeof(*tails));

    *out = NULL;
    if (tails == NULL)
        return no_memory(err);
    tails->parts = *parts;
    tails->messages_end = &tails->messages;
    pthread_mutex_init(&tails->lock, NULL);
    condition_init(&tails->more);
    tails->buffer = malloc(TAIL_BUFFER_SIZE);
    tails->started = tails->buffer != NULL && pthread_create(&tails->thread, NULL, run, tails) == 0;
    if (!tails->started) {
        tails_close(tails);
        return no_memory(err);
    }
    *out = tails;
    return OK;
}

void tails_close(struct tails *tails)
{
    if (tails == NULL)
        return;
    pthread_mutex_lock(&tails->lock);
    tails->stop = true;
    pthread_cond_signal(&tails->more);
    pthread_mutex_unlock(&tails->lock);
    if (tails->started)
        pthread_join(tails->thread, NULL);
    take_messages(tails);
    while (tails->sources != NULL) {
        struct tails_source *source = tails->sources;

        tails->sources = source->next;
        tails_source_free(source);
    }
    pthread_cond_destroy(&tails->more);
    pthread_mutex_destroy(&tails->lock);
    free(tails->buffer);
    free(tails);
}
