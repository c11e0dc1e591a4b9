/* The view is taken first and the members are asked then: rows leave a member's reply when a shard
 * lists them.  What was listed in between is in neither, so a reply says how far the member's
 * chains have come, and where readers here have seen less, the shard is looked at at once and the
 * view taken anew, at the same S. */
#include "handlers/peers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/number.h"
#include "discovery/member_document.h"
#include "discovery/registry.h"
#include "store/guests/guest_file.h"
#include "store/guests/hurry.h"
#include "store/member.h"
#include "store/packs/pack.h"
#include "store/store.h"
#include "store/view.h"

enum { PEERS_MAX = 64 }; /* that a question asks; others are named */

/* A member that let a question wait in vain is not asked again for so long: else each waits. */
static const int64_t rest_ns = 1000000000;
/* For the shard to tell what a member says it has listed there, of a second at most. */
static const int64_t seen_ns_max = 200000000, look_ns = 50000000;

/* What is known of a member from asking it. */
struct manner {
    uint32_t number;
    int64_t rest_until_ns; /* monotonic */
    enum code trouble;     /* that was told; OK: none */
};

struct peers {
    struct peers_parts parts;
    struct peer_calls *calls;
    struct metric *asked, *failed, *bytes;
    pthread_mutex_t lock; /* guards: */
    struct manner *manners;
    size_t manner_count;
    int64_t unseen_until_ns; /* a shard did not tell in time: nobody waits for one before this */
};

/* A member but us that may have rows. */
struct peer {
    struct peer_asked asked;
    const char *address; /* "host:port" */
    const char *why;     /* it is not asked, or did not say all; NULL: it is, or did */
    struct peer_call *calls;
    bool owing;
};

/* A question, while it opens its view. */
struct opening {
    struct asking *asking;
    struct peers *peers;
    const struct tenant *tenant;
    const struct query_range *ranges;
    size_t range_count;
    struct arena arena;
    struct peer *list;
    size_t count, asked_count;
    struct peer_call *calls; /* range_count each of those that are asked */
    size_t call_count;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to ask other members");
}

/* --- who there is --- */

static int64_t now_of(const struct peers *peers)
{
    return clock_monotonic_ns(peers->parts.clock);
}

/* Under the lock; NULL: it has shown none. */
static struct manner *manner_of(const struct peers *peers, uint32_t number)
{
    for (size_t i = 0; i < peers->manner_count; i++)
        if (peers->manners[i].number == number)
            return &peers->manners[i];
    return NULL;
}

static bool rests(struct peers *peers, uint32_t number)
{
    const struct manner *manner;
    bool resting;

    pthread_mutex_lock(&peers->lock);
    manner = manner_of(peers, number);
    resting = manner != NULL && now_of(peers) < manner->rest_until_ns;
    pthread_mutex_unlock(&peers->lock);
    return resting;
}

/* Under the lock; NULL: memory. */
static struct manner *manner_make(struct peers *peers, uint32_t number)
{
    struct manner *known = manner_of(peers, number), *grown;

    if (known != NULL)
        return known;
    grown = realloc(peers->manners, (peers->manner_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    peers->manners = grown;
    grown[peers->manner_count] = (struct manner){.number = number};
    return &grown[peers->manner_count++];
}

/* Told when it changes, not with each question. */
static void note_manner(struct peers *peers, const struct peer_call *call)
{
    struct manner *manner;
    bool tell = false;

    pthread_mutex_lock(&peers->lock);
    manner = call->code == OK ? manner_of(peers, call->asked.member)
                              : manner_make(peers, call->asked.member);
    if (manner != NULL) {
        tell = manner->trouble != call->code;
        manner->trouble = call->code;
        manner->rest_until_ns = call->code == E_TIMEOUT ? now_of(peers) + rest_ns : 0;
    }
    pthread_mutex_unlock(&peers->lock);
    if (tell && call->code == OK)
        log_event(LOG_INFO, "a member tells its rows again",
                  LOG_UINT("member", call->asked.member));
    else if (tell)
        log_event(LOG_WARN, "a member does not tell its rows",
                  LOG_UINT("member", call->asked.member),
                  LOG_CSTR("code", code_row(call->code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(call->err.text)));
}

static const char *address_copy(struct arena *arena, struct bytes address)
{
    char *text = arena_alloc(arena, address.size + 1);

    if (text == NULL)
        return NULL;
    if (address.size > 0)
        memcpy(text, address.data, address.size);
    text[address.size] = '\0';
    return text;
}

/* False: it is none that may have rows, or us. */
static bool peer_of(struct opening *opening, const struct registry_snapshot *snapshot,
                    const struct registry_record *record, bool connected, struct peer *peer)
{
    struct peers *peers = opening->peers;
    struct member_document document;
    uint64_t number;

    *peer = (struct peer){.owing = true};
    if (number_parse_u64(record->name, &number) || number == 0 || number > UINT32_MAX ||
        number == store_member(peers->parts.store) ||
        member_document_parse(record->text, &opening->arena, &document, NULL) != OK ||
        !member_state_owes(document.state) ||
        !hash128_parse(document.incarnation, &peer->asked.incarnation))
        return false; /* a record that is not right names nobody, as for who follows chains */
    peer->asked.member = (uint32_t)number;
    peer->asked.tenant = opening->tenant->name;
    peer->address = address_copy(&opening->arena, document.address);
    if (document.address.size == 0 || peer->address == NULL)
        peer->why = "it has told no address to ask it at";
    else if (connected && registry_find(snapshot, REGISTRY_ALIVE, record->name) == NULL)
        peer->why = "it is not alive";
    else if (opening->asked_count == PEERS_MAX)
        peer->why = "too many members are to be asked";
    else if (rests(peers, peer->asked.member))
        peer->why = "it did not answer a moment ago";
    opening->asked_count += peer->why == NULL;
    return true;
}

static enum code find_peers(struct opening *opening, struct error *err)
{
    struct registry *registry = opening->peers->parts.registry;
    struct registry_snapshot *snapshot = registry_get(registry);
    bool connected = registry_health(registry).state == REGISTRY_CONNECTED;
    size_t first, end;

    registry_range(snapshot, REGISTRY_MEMBERS, &first, &end);
    opening->list = ARENA_ARRAY(&opening->arena, struct peer, end - first + 1);
    for (size_t i = first; opening->list != NULL && i < end; i++)
        opening->count += peer_of(opening, snapshot, &snapshot->records[i], connected,
                                  &opening->list[opening->count]);
    registry_snapshot_put(snapshot);
    return opening->list == NULL ? no_memory(err) : OK;
}

bool peers_are_there(struct peers *peers)
{
    struct registry_snapshot *snapshot;
    size_t first, end;

    if (peers == NULL)
        return false;
    snapshot = registry_get(peers->parts.registry);
    registry_range(snapshot, REGISTRY_MEMBERS, &first, &end);
    registry_snapshot_put(snapshot);
    return end - first > 1;
}

/* --- asking --- */

/* One call for each range of each that the view needs something of. */
static bool make_calls(struct opening *opening, const struct view *view)
{
    opening->calls =
        ARENA_ARRAY(&opening->arena, struct peer_call, opening->asked_count * opening->range_count);
    for (size_t i = 0; opening->calls != NULL && i < opening->count; i++) {
        struct peer *peer = &opening->list[i];

        peer->owing = view_owing(view, peer->asked.member);
        if (peer->why != NULL || !peer->owing)
            continue;
        peer->asked.as_of = view_as_of(view);
        peer->calls = &opening->calls[opening->call_count];
        for (size_t r = 0; r < opening->range_count; r++)
            peer->calls[r] = (struct peer_call){
                .asked = peer->asked,
                .address = peer->address,
                .measurement = opening->ranges[r].measurement,
                .start = opening->ranges[r].start,
                .end = opening->ranges[r].end,
                .matchers = opening->ranges[r].matchers,
                .matcher_count = opening->ranges[r].matcher_count,
            };
        opening->call_count += opening->range_count;
    }
    return opening->calls != NULL;
}

/* Another job may have it meanwhile. */
static void give_place(const struct asking *asking, bool waiting)
{
    if (asking->wait != NULL)
        asking->wait(asking->waiter, waiting);
}

static void run_calls(struct opening *opening)
{
    struct peers *peers = opening->peers;
    struct asking *asking = opening->asking;
    size_t before = asking->memory.taken, failed = 0;
    struct error found = {0};
    enum code code;

    give_place(asking, true);
    code = peer_calls_run(peers->calls, store_member(peers->parts.store), opening->calls,
                          opening->call_count, peers->parts.limits->peer_ms_max, &opening->arena,
                          &asking->memory, &found);
    give_place(asking, false);
    for (size_t i = 0; i < opening->call_count; i++) {
        struct peer_call *call = &opening->calls[i];

        if (code) { /* it was not the member's fault */
            call->code = code;
            call->err = found;
        } else {
            note_manner(peers, call);
        }
        failed += call->code != OK;
    }
    metric_add(peers->asked, opening->call_count);
    metric_add(peers->failed, failed);
    metric_add(peers->bytes, (asking->memory.taken - before) / 2);
}

/* Whether the view has all that the replies leave out for being listed; where not, who reads there
 * is told to hurry. */
static bool has_seen(struct opening *opening, const struct view *view, const struct peer_call *call,
                     bool hurry)
{
    bool seen = true;

    for (size_t l = 0; call->code == OK && l < call->reply.listed_count; l++) {
        const struct peer_listed *listed = &call->reply.listed[l];

        if (view_has_seen(view, call->asked.member, listed->shard, listed->entry))
            continue;
        seen = false;
        if (hurry)
            guests_hurry(opening->peers->parts.guests, opening->tenant, call->asked.member,
                         listed->shard);
    }
    return seen;
}

static bool all_seen(struct opening *opening, const struct view *view, bool hurry)
{
    bool seen = true;

    for (size_t i = 0; i < opening->call_count; i++)
        seen &= has_seen(opening, view, &opening->calls[i], hurry);
    return seen;
}

/* A shard that is down lets one question wait a while each second, and no more. */
static bool may_wait(struct peers *peers)
{
    bool may;

    pthread_mutex_lock(&peers->lock);
    may = now_of(peers) >= peers->unseen_until_ns;
    pthread_mutex_unlock(&peers->lock);
    return may;
}

static void note_unseen(struct peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    peers->unseen_until_ns = now_of(peers) + rest_ns;
    pthread_mutex_unlock(&peers->lock);
}

/* Where the view has seen less than the replies take for read: until it has, or so long. */
static enum code await_seen(struct opening *opening, struct view **view, struct error *err)
{
    struct peers *peers = opening->peers;
    int64_t as_of = view_as_of(*view), until_ns = now_of(peers) + seen_ns_max;
    enum code code = OK;

    if (all_seen(opening, *view, false) || !may_wait(peers))
        return OK;
    give_place(opening->asking, true);
    for (;;) {
        uint64_t since = guests_told(peers->parts.guests);
        int64_t now_ns;

        view_free(*view);
        code = store_view(peers->parts.store, opening->tenant, as_of, view, err);
        now_ns = now_of(peers);
        if (code || all_seen(opening, *view, true) || now_ns >= until_ns)
            break;
        guests_wait(peers->parts.guests, since,
                    now_ns + look_ns < until_ns ? now_ns + look_ns : until_ns);
    }
    give_place(opening->asking, false);
    if (!code && !all_seen(opening, *view, false))
        note_unseen(peers);
    return code;
}

/* --- what they said --- */

static enum code enter_pack(const struct opening *opening, struct peer_call *call)
{
    const struct guest_place place = {.store = opening->peers->parts.store,
                                      .tenant = opening->tenant,
                                      .member = call->asked.member};
    struct error found = {0};

    if (call->code || call->reply.pack == NULL)
        return call->code;
    call->code = guest_enter(&place, call->reply.pack, &found);
    if (call->code) {
        error_set(&call->err, call->code, "its rows could not be taken: %.300s", found.text);
        pack_unref(call->reply.pack);
        call->reply.pack = NULL;
    }
    return call->code;
}

/* All that a member said, or why it is not all. */
static void weigh(struct opening *opening, const struct view *view, struct peer *peer,
                  int64_t *through)
{
    *through = peer->calls == NULL ? INT64_MIN : INT64_MAX;
    for (size_t r = 0; peer->calls != NULL && r < opening->range_count; r++) {
        struct peer_call *call = &peer->calls[r];

        if (enter_pack(opening, call) != OK)
            peer->why = call->err.text;
        else if (!has_seen(opening, view, call, false))
            peer->why = "it has delivered more than could be read at its shard by now";
        else if (call->reply.through < *through)
            *through = call->reply.through;
    }
    if (peer->why != NULL)
        *through = INT64_MIN;
}

/* Packs of the replies are the view's from here on. */
static enum code tell(struct opening *opening, struct view *view, struct error *err)
{
    size_t count = 0, room = opening->count + opening->call_count;
    struct view_told *told = ARENA_ARRAY(&opening->arena, struct view_told, room);

    for (size_t i = 0; told != NULL && i < opening->count; i++) {
        struct peer *peer = &opening->list[i];
        int64_t through;

        if (!peer->owing)
            continue;
        weigh(opening, view, peer, &through);
        told[count++] = (struct view_told){peer->asked.member, NULL, through, peer->why};
        for (size_t r = 0; peer->calls != NULL && r < opening->range_count; r++) {
            struct pack *pack = peer->calls[r].reply.pack;

            peer->calls[r].reply.pack = NULL;
            if (pack != NULL)
                told[count++] = (struct view_told){peer->asked.member, pack, INT64_MIN, NULL};
        }
    }
    return told == NULL ? no_memory(err) : view_add_told(view, told, count, err);
}

static enum code ask(struct opening *opening, struct view **view, struct error *err)
{
    enum code code = OK;

    if (!make_calls(opening, *view))
        return no_memory(err);
    if (opening->call_count > 0) {
        run_calls(opening);
        code = await_seen(opening, view, err);
    }
    return code ? code : tell(opening, *view, err);
}

/* Those that can have rows.  Of nothing nobody has to be asked, but S holds for all. */
static enum code take_ranges(struct opening *opening, const struct query_range *ranges,
                             size_t count, struct error *err)
{
    struct query_range *kept = ARENA_ARRAY(&opening->arena, struct query_range, count);

    for (size_t i = 0; kept != NULL && i < count; i++)
        if (ranges[i].start < ranges[i].end)
            kept[opening->range_count++] = ranges[i];
    opening->ranges = kept;
    return kept == NULL ? no_memory(err) : OK;
}

enum code peers_open_view(void *context, const struct tenant *tenant, int64_t as_of,
                          const struct query_range *ranges, size_t count, struct view **view,
                          struct error *err)
{
    struct asking *asking = context;
    struct opening opening = {.asking = asking, .peers = asking->peers, .tenant = tenant};
    enum code code;

    *view = NULL;
    arena_init(&opening.arena, SIZE_MAX, NULL);
    code = find_peers(&opening, err);
    if (!code)
        code = take_ranges(&opening, ranges, count, err);
    if (as_of == VIEW_LATEST && opening.count > 0) /* be it that none of them can be asked */
        as_of = VIEW_AHEAD;
    if (!code)
        code = store_view(asking->peers->parts.store, tenant, as_of, view, err);
    if (!code && opening.count > 0 && view_has_others(*view))
        code = ask(&opening, view, err);
    for (size_t i = 0; i < opening.call_count; i++)
        pack_unref(opening.calls[i].reply.pack); /* that found no place */
    if (code) {
        view_free(*view);
        *view = NULL;
    }
    arena_release(&opening.arena);
    return code;
}

enum code peers_names(struct asking *asking, const struct tenant *tenant, struct arena *arena,
                      struct bytes **names, size_t *count, bool *all, struct error *err)
{
    struct opening opening = {
        .asking = asking, .peers = asking->peers, .tenant = tenant, .range_count = 1};
    size_t total = 0;
    enum code code;

    *count = 0;
    *all = true;
    arena_init(&opening.arena, SIZE_MAX, NULL);
    code = find_peers(&opening, err);
    opening.calls = ARENA_ARRAY(&opening.arena, struct peer_call, opening.asked_count);
    if (!code && opening.calls == NULL)
        code = no_memory(err);
    for (size_t i = 0; code == OK && i < opening.count; i++) {
        const struct peer *peer = &opening.list[i];

        *all &= peer->why == NULL;
        if (peer->why == NULL)
            opening.calls[opening.call_count++] =
                (struct peer_call){.asked = peer->asked, .address = peer->address, .names = true};
    }
    if (code == OK && opening.call_count > 0)
        run_calls(&opening);
    for (size_t i = 0; code == OK && i < opening.call_count; i++) {
        *all &= opening.calls[i].code == OK;
        total += opening.calls[i].measurement_count;
    }
    *names = ARENA_ARRAY(arena, struct bytes, total);
    for (size_t i = 0; code == OK && *names != NULL && i < opening.call_count; i++)
        for (size_t n = 0; n < opening.calls[i].measurement_count; n++)
            (*names)[(*count)++] = arena_copy(arena, opening.calls[i].measurements[n]);
    arena_release(&opening.arena);
    return code == OK && *names == NULL ? no_memory(err) : code;
}

void asking_init(struct asking *asking, struct peers *peers, struct query_environment *environment)
{
    *asking = (struct asking){
        .peers = peers,
        .memory = {.budget = environment->memory},
        .wait = environment->wait,
        .waiter = environment->waiter,
    };
    if (peers == NULL)
        return;
    environment->open_view = peers_open_view;
    environment->opener = asking;
}

void asking_release(struct asking *asking)
{
    if (asking->memory.budget != NULL && asking->memory.taken > 0)
        budget_give(asking->memory.budget, asking->memory.taken);
    asking->memory.taken = 0;
}

/* --- all of it --- */

enum code peers_new(const struct peers_parts *parts, struct peers **out, struct error *err)
{
    struct peers *peers = calloc(1, sizeof(*peers));
    enum code code;

    *out = NULL;
    if (peers == NULL)
        return no_memory(err);
    peers->parts = *parts;
    pthread_mutex_init(&peers->lock, NULL);
    peers->asked = metrics_get(parts->metrics, "weir_peers_asked_total",
                               "Requests to other members for rows that they have not delivered.",
                               METRIC_COUNTER, "");
    peers->failed =
        metrics_get(parts->metrics, "weir_peers_failed_total",
                    "Those that gave no rows: answers were partial for it.", METRIC_COUNTER, "");
    peers->bytes = metrics_get(parts->metrics, "weir_peers_bytes_total",
                               "Bytes of rows that other members gave.", METRIC_COUNTER, "");
    code = peer_calls_new(parts->secret, parts->clock, &peers->calls, err);
    if (code)
        peers_free(peers);
    else
        *out = peers;
    return code;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    peer_calls_free(peers->calls);
    free(peers->manners);
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}
