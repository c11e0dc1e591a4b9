/* Members carry it out while this node does.  What they have delivered is replaced at their shards
 * after that, and read here then.  Where one of them cannot be asked or refuses, nobody waits for
 * packs: the answer says that it is not done already. */
#include "handlers/erasers.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/condition.h"
#include "codec/json_doc.h"
#include "discovery/registry.h"
#include "handlers/peer_calls.h"
#include "handlers/peer_roster.h"
#include "http/request.h"
#include "model/limits.h"
#include "store/guests/hurry.h"
#include "store/guests/unerased.h"
#include "store/member.h"

enum {
    ERASINGS_MAX = 256, /* of clients, and as many of members */
    UNFINISHED_BYTES_MAX = 64 * 1024,
    ITEM_SIZE = 512,
};

static const int64_t look_ns = 250000000;

struct erasers {
    struct erasers_parts parts;
    struct peer_calls *calls; /* not those of questions: these wait for long; NULL: no secret */
    struct workers *workers, *peer_workers;
    _Atomic bool stop;
};

/* What comes of one. */
struct findings {
    struct buf text, items; /* for people, and as elements of a JSON array */
    size_t count;
    struct arena arena; /* what these are in: */
    struct member_deletion *deletions;
    size_t deletion_count;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to erase at other members");
}

static int64_t now_of(const struct erasers *erasers)
{
    return clock_monotonic_ns(erasers->parts.clock);
}

/* --- who has not done it --- */

PRINTF_LIKE(2, 3)
static void find(struct findings *findings, const char *format, ...)
{
    char text[ITEM_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buf_printf(&findings->text, "%s%s", findings->count == 0 ? "" : "; ", text);
    buf_put_text(&findings->items, findings->count == 0 ? "" : ",");
    json_put_text(&findings->items, bytes_of(text));
    findings->count++;
}

static void find_unerased(struct findings *findings, const struct unerased *unerased)
{
    if (unerased->member == 0)
        find(findings, "%s", unerased->why);
    else
        find(findings, "member %u%s: %s", unerased->member,
             unerased->active ? "" : ", which has left", unerased->why);
}

/* --- members --- */

static void find_roster(struct findings *findings, const struct peer_roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->list[i].why != NULL)
            find(findings, "member %u: %s", roster->list[i].asked.member, roster->list[i].why);
}

/* *count: of those that can be asked.  NULL: memory. */
static struct peer_call *make_calls(const struct erasing *erasing, const struct peer_roster *roster,
                                    struct arena *arena, size_t *count)
{
    struct peer_call *calls = ARENA_ARRAY(arena, struct peer_call, roster->asked_count + 1);

    *count = 0;
    for (size_t i = 0; calls != NULL && i < roster->count; i++)
        if (roster->list[i].why == NULL)
            calls[(*count)++] = (struct peer_call){.asked = roster->list[i].asked,
                                                   .address = roster->list[i].address,
                                                   .erases = erasing->tombstone};
    return calls;
}

/* Its deletion hides rows of ours, too: what comes after the answer is to be above it. */
static enum code take_deletion(const struct erasing *erasing, struct peer_call *call,
                               struct findings *findings)
{
    if (call->ingest <= 0)
        return OK;
    findings->deletions[findings->deletion_count++] =
        (struct member_deletion){call->asked.incarnation, call->ingest};
    return store_go_above(erasing->erasers->parts.store, &call->ingest, &call->err);
}

static void run_calls(const struct erasing *erasing, struct peer_call *calls, size_t count,
                      struct findings *findings)
{
    const struct erasers *erasers = erasing->erasers;
    const struct peer_terms terms = {
        .own = store_member(erasers->parts.store),
        .ms_max = erasers->parts.limits->erase_ms_max,
        .limit = "erase_ms_max",
        .until_ns = erasing->until_ns,
        .stop = &erasers->stop,
    };
    struct peer_memory memory = {.budget = NULL};
    struct error err = {0};
    enum code code =
        peer_calls_run(erasers->calls, &terms, calls, count, &findings->arena, &memory, &err);

    for (size_t i = 0; i < count; i++) {
        struct peer_call *call = &calls[i];

        if (code == OK && call->code == OK)
            call->code = take_deletion(erasing, call, findings);
        if (code || call->code)
            find(findings, "member %u: %s", call->asked.member, code ? err.text : call->err.text);
    }
}

static enum code ask_members(const struct erasing *erasing, struct findings *findings,
                             struct error *err)
{
    const struct erasers *erasers = erasing->erasers;
    const struct hash128 own = store_incarnation_hash(erasers->parts.store);
    struct arena *arena = &findings->arena;
    struct peer_roster roster;
    struct peer_call *calls;
    size_t count = 0;
    enum code code =
        peer_roster_read(erasers->parts.registry, NULL, &own, erasing->tenant, arena, &roster, err);

    for (size_t i = 0; code == OK && erasers->calls == NULL && i < roster.count; i++)
        roster.list[i].why = "it cannot be asked, as this node has no peer_secret_file";
    if (code == OK) {
        calls = make_calls(erasing, &roster, arena, &count);
        findings->deletions = ARENA_ARRAY(arena, struct member_deletion, count + 1);
        if (calls == NULL || findings->deletions == NULL)
            code = no_memory(err);
        else if (count > 0)
            run_calls(erasing, calls, count, findings);
    }
    if (code == OK)
        find_roster(findings, &roster);
    return code;
}

/* --- this node --- */

void erasing_own(struct erasing *erasing, enum code code, const struct error *err)
{
    pthread_mutex_lock(&erasing->lock);
    if (code)
        erasing->own = *err;
    erasing->own.code = code;
    erasing->own_done = true;
    pthread_cond_signal(&erasing->more);
    pthread_mutex_unlock(&erasing->lock);
}

/* However long it takes: a stop ends it. */
static enum code wait_own(struct erasing *erasing, struct error *err)
{
    pthread_mutex_lock(&erasing->lock);
    while (!erasing->own_done)
        pthread_cond_wait(&erasing->more, &erasing->lock);
    pthread_mutex_unlock(&erasing->lock);
    if (erasing->own.code)
        *err = erasing->own;
    return erasing->own.code;
}

/* --- what is at shards --- */

static bool is_alive(const struct erasers *erasers, uint32_t member)
{
    struct registry_snapshot *snapshot = registry_get(erasers->parts.registry);
    char name[16];
    bool alive;

    (void)snprintf(name, sizeof(name), "%u", member);
    alive = registry_health(erasers->parts.registry).state != REGISTRY_CONNECTED ||
            registry_find(snapshot, REGISTRY_ALIVE, bytes_of(name)) != NULL;
    registry_snapshot_put(snapshot);
    return alive;
}

/* Who was asked by a member waits for what he himself keeps of members that erase it now, and of
 * those that have left; the rest is told by who asked.  Who was told of a member that does not
 * erase it waits for none. */
static bool is_meant(const struct erasing *erasing, const struct unerased *unerased, bool told)
{
    if (erasing->asked)
        return !unerased->active || unerased->member == 0 ||
               is_alive(erasing->erasers, unerased->member);
    return !told || !unerased->active;
}

static enum code give_up(const struct erasing *erasing, struct error *err)
{
    if (erasing->erasers->stop)
        return error_set(err, E_DRAINING,
                         "the server is shutting down; what is to be erased is hidden from every "
                         "answer, and may not be gone everywhere");
    if (erasing->request != NULL && request_cancelled(erasing->request))
        return error_set(err, E_CANCELLED, "the client left");
    return OK;
}

/* One look; what is meant of it is at the front. */
static enum code look(const struct erasing *erasing, const struct findings *findings, bool told,
                      struct arena *arena, struct unerased **list, size_t *count, struct error *err)
{
    const struct unerased_question question = {
        .tenant = erasing->tenant,
        .tombstone = erasing->tombstone,
        .own = findings->deletions,
        .own_count = findings->deletion_count,
    };
    size_t all;
    enum code code =
        guests_unerased(erasing->erasers->parts.guests, &question, arena, list, &all, err);

    *count = 0;
    for (size_t i = 0; code == OK && i < all; i++)
        if (is_meant(erasing, &(*list)[i], told))
            (*list)[(*count)++] = (*list)[i];
    return code;
}

/* Until no pack that is known here may have some of it, or the time is over. */
static enum code wait_packs(const struct erasing *erasing, struct findings *findings,
                            struct error *err)
{
    struct guests *guests = erasing->erasers->parts.guests;
    bool told = findings->count > 0, over = false;
    enum code code = OK;

    while (code == OK && guests != NULL && !over) {
        uint64_t since = guests_told(guests);
        int64_t now_ns = now_of(erasing->erasers);
        struct unerased *list;
        struct arena arena;
        size_t count = 0;

        arena_init(&arena, SIZE_MAX, NULL);
        code = look(erasing, findings, told, &arena, &list, &count, err);
        over = count == 0 || told || now_ns >= erasing->until_ns;
        for (size_t i = 0; code == OK && over && i < count; i++)
            find_unerased(findings, &list[i]);
        arena_release(&arena);
        if (code == OK && !over)
            code = give_up(erasing, err);
        if (code == OK && !over)
            guests_wait(guests, since,
                        now_ns + look_ns < erasing->until_ns ? now_ns + look_ns
                                                             : erasing->until_ns);
    }
    return code;
}

/* --- all of it --- */

static enum code conclude(struct findings *findings, struct error *err)
{
    buf_put_char(&findings->text, '\0');
    buf_put_text(&findings->items, "]");
    if (findings->count == 0)
        return OK;
    return error_set(err, E_UNERASED,
                     "the points are hidden from every answer, but not gone everywhere; send the "
                     "same request again: %s",
                     findings->text.failed ? "" : findings->text.data);
}

static void run(struct job *base)
{
    struct erasing *erasing = (struct erasing *)base;
    struct erasers *erasers = erasing->erasers;
    struct workers *workers = erasing->asked ? erasers->peer_workers : erasers->workers;
    struct findings findings = {.text = BUF_INIT(UNFINISHED_BYTES_MAX),
                                .items = BUF_INIT(UNFINISHED_BYTES_MAX)};
    struct error err = {0}, own = {0};
    enum code code = OK, own_code;

    arena_init(&findings.arena, SIZE_MAX, NULL);
    workers_wait(workers, true); /* it does nothing else */
    buf_put_text(&findings.items, ",\"unfinished\":[");
    if (!erasing->asked)
        code = ask_members(erasing, &findings, &err);
    own_code = wait_own(erasing, &own);
    if (own_code) { /* as without others */
        code = own_code;
        err = own;
    }
    if (code == OK)
        code = wait_packs(erasing, &findings, &err);
    if (code == OK && erasers->stop && findings.count > 0)
        code = give_up(erasing, &err);
    if (code == OK)
        code = conclude(&findings, &err);
    workers_wait(workers, false);
    pthread_cond_destroy(&erasing->more);
    pthread_mutex_destroy(&erasing->lock);
    erasing->done(erasing, code, &err,
                  code == E_UNERASED && !findings.items.failed ? buf_bytes(&findings.items)
                                                               : BYTES(""));
    buf_release(&findings.text);
    buf_release(&findings.items);
    arena_release(&findings.arena);
}

/* A member answers before who asked it gives up, if both have the same limit: the question came
 * later than that began, and the answer is under way for a while.  What its own deletion took is
 * part of it. */
static int64_t end_ns(const struct erasing *erasing)
{
    int64_t ns = (int64_t)erasing->erasers->parts.limits->erase_ms_max * 1000000;

    return erasing->asked ? erasing->came_ns + ns / 4 * 3 : now_of(erasing->erasers) + ns;
}

bool erasing_begin(struct erasing *erasing)
{
    struct erasers *erasers = erasing->erasers;

    erasing->job = (struct job){.run = run, .owner = erasing->tenant->ordinal};
    erasing->until_ns = end_ns(erasing);
    erasing->own_done = erasing->asked;
    erasing->own = (struct error){0};
    pthread_mutex_init(&erasing->lock, NULL);
    condition_init(&erasing->more);
    if (workers_submit(erasing->asked ? erasers->peer_workers : erasers->workers, &erasing->job))
        return true;
    pthread_cond_destroy(&erasing->more);
    pthread_mutex_destroy(&erasing->lock);
    return false;
}

bool erasers_are_there(struct erasers *erasers)
{
    return erasers != NULL &&
           peer_roster_has_any(erasers->parts.registry, store_member(erasers->parts.store));
}

enum code erasers_new(const struct erasers_parts *parts, struct erasers **out, struct error *err)
{
    struct erasers *erasers = calloc(1, sizeof(*erasers));
    enum code code = OK;

    *out = NULL;
    if (erasers == NULL)
        return no_memory(err);
    erasers->parts = *parts;
    if (parts->secret != NULL)
        code = peer_calls_new(parts->secret, parts->clock, &erasers->calls, err);
    if (code == OK)
        code = workers_start(1, ERASINGS_MAX, parts->clock, &erasers->workers, err);
    if (code == OK)
        code = workers_start(1, ERASINGS_MAX, parts->clock, &erasers->peer_workers, err);
    if (code)
        erasers_free(erasers);
    else
        *out = erasers;
    return code;
}

void erasers_stop(struct erasers *erasers)
{
    if (erasers != NULL)
        erasers->stop = true;
}

void erasers_free(struct erasers *erasers)
{
    if (erasers == NULL)
        return;
    erasers->stop = true;
    workers_stop(erasers->workers);
    workers_stop(erasers->peer_workers);
    peer_calls_free(erasers->calls);
    free(erasers);
}
