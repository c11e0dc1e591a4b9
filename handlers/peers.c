/* The view is taken first and the members are asked then: rows leave a member's reply when a shard
 * lists them.  What was listed in between is in neither, so a reply says how far the member's
 * chains have come, and where readers here have seen less, the shard is looked at at once and the
 * view taken anew, at the same S. */
#include "handlers/peers_inside.h"

#include <stdlib.h>

#include "store/guests/guest_file.h"
#include "store/guests/hurry.h"
#include "store/member.h"
#include "store/packs/pack.h"
#include "store/store.h"
#include "store/view.h"

/* For the shard to tell what a member says it has listed there, of a second at most. */
static const int64_t seen_ns_max = 200000000, look_ns = 50000000;
/* A shard that did not tell in time is waited for by nobody for so long. */
static const int64_t rest_ns = 1000000000;

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to ask other members");
}

static int64_t now_of(const struct peers *peers)
{
    return clock_monotonic_ns(peers->parts.clock);
}

bool peers_are_there(struct peers *peers)
{
    return peers != NULL &&
           peer_roster_has_any(peers->parts.registry, store_member(peers->parts.store));
}

/* --- what is listed --- */

/* Whether the view has all that the replies leave out for being listed; where not, who reads there
 * is told to hurry. */
static bool has_seen(struct opening *opening, const struct view *view, const struct peer_call *call,
                     bool hurry)
{
    bool seen = true;

    for (size_t l = 0; call->code == OK && l < call->reply.listed_count; l++) {
        const struct peer_listed *listed = &call->reply.listed[l];

        if (view_has_seen(view, &call->asked.incarnation, listed->shard, listed->entry))
            continue;
        seen = false;
        if (hurry)
            guests_hurry(opening->peers->parts.guests, opening->tenant, &call->asked.incarnation,
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
    opening_wait(opening, true);
    for (;;) {
        uint64_t since = guests_told(peers->parts.guests);
        int64_t now_ns;

        code = opening_view(opening, as_of, view, err);
        now_ns = now_of(peers);
        if (code || all_seen(opening, *view, true) || now_ns >= until_ns)
            break;
        guests_wait(peers->parts.guests, since,
                    now_ns + look_ns < until_ns ? now_ns + look_ns : until_ns);
    }
    opening_wait(opening, false);
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
static struct view_told weigh(struct opening *opening, const struct view *view, struct peer *peer)
{
    int64_t through = peer->calls == NULL ? INT64_MIN : INT64_MAX, settled = through;

    for (size_t r = 0; peer->calls != NULL && r < opening->range_count; r++) {
        struct peer_call *call = &peer->calls[r];

        if (enter_pack(opening, call) != OK) {
            peer->why = call->err.text;
        } else if (!has_seen(opening, view, call, false)) {
            peer->why = "it has delivered more than could be read at its shard by now";
        } else if (opening->ahead && call->reply.newest > view_as_of(view) &&
                   peer->beyond != NULL) {
            peer->why = peer->beyond;
        } else {
            through = call->reply.through < through ? call->reply.through : through;
            settled = call->reply.settled < settled ? call->reply.settled : settled;
        }
    }
    return (struct view_told){
        .member = peer->asked.member,
        .incarnation = peer->asked.incarnation,
        .through = peer->why == NULL ? through : INT64_MIN,
        .why = peer->why,
        .settled = settled,
    };
}

/* Packs of the replies are the view's from here on. */
static enum code tell(struct opening *opening, struct view *view, struct error *err)
{
    size_t count = 0, room = opening->roster.count + opening->call_count;
    struct view_told *told = ARENA_ARRAY(&opening->arena, struct view_told, room);

    for (size_t i = 0; told != NULL && i < opening->roster.count; i++) {
        struct peer *peer = &opening->roster.list[i];

        if (!peer->owing)
            continue;
        told[count++] = weigh(opening, view, peer);
        for (size_t r = 0; peer->calls != NULL && r < opening->range_count; r++) {
            struct peer_reply *reply = &peer->calls[r].reply;

            if (reply->pack != NULL)
                told[count++] = (struct view_told){
                    .member = peer->asked.member,
                    .incarnation = peer->asked.incarnation,
                    .pack = reply->pack,
                    .through = INT64_MIN,
                    .floor = reply->floor,
                };
            reply->pack = NULL;
        }
    }
    return told == NULL ? no_memory(err) : view_add_told(view, told, count, err);
}

static enum code ask(struct opening *opening, struct view **view, struct error *err)
{
    enum code code = opening_hear(opening, view, err);

    if (code == OK && opening->call_count > 0)
        code = await_seen(opening, view, err);
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
    enum code code = opening_begin(&opening, err);

    *view = NULL;
    if (!code)
        code = take_ranges(&opening, ranges, count, err);
    /* Be it that none of them can be asked. */
    opening.ahead = as_of == VIEW_LATEST && opening.roster.count > 0;
    if (!code)
        code = store_view(asking->peers->parts.store, tenant, opening.ahead ? VIEW_AHEAD : as_of,
                          view, err);
    if (!code && opening.roster.count > 0)
        code = view_has_others(*view) ? ask(&opening, view, err) : view_miss_others(*view, err);
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
    static const struct peer_call like = {.names = true};
    struct opening opening = {
        .asking = asking, .peers = asking->peers, .tenant = tenant, .range_count = 1};
    size_t total = 0;
    enum code code = opening_begin(&opening, err);

    *count = 0;
    *all = true;
    if (!code)
        code = opening_hear_each(&opening, &like, all, err);
    for (size_t i = 0; code == OK && i < opening.call_count; i++) {
        *all &= opening.calls[i].code == OK;
        total += opening.calls[i].measurement_count;
    }
    *names = ARENA_ARRAY(arena, struct bytes, total);
    for (size_t i = 0; code == OK && i < opening.call_count; i++)
        for (size_t n = 0; *names != NULL && n < opening.calls[i].measurement_count; n++) {
            (*names)[*count] = arena_copy(arena, opening.calls[i].measurements[n]);
            if ((*names)[(*count)++].data == NULL)
                *names = NULL;
        }
    arena_release(&opening.arena);
    return code == OK && *names == NULL ? no_memory(err) : code;
}

bool peers_source(struct asking *asking, const struct tenant *tenant, struct bytes source,
                  size_t fetches, struct arena *arena, struct bytes *told)
{
    const struct peer_call like = {.source = source, .fetches = fetches};
    struct opening opening = {
        .asking = asking, .peers = asking->peers, .tenant = tenant, .range_count = 1};
    struct error err = {0};
    bool all = true;
    enum code code = opening_begin(&opening, &err);

    *told = (struct bytes){NULL, 0};
    if (!code)
        code = opening_hear_each(&opening, &like, &all, &err);
    for (size_t i = 0; code == OK && told->data == NULL && i < opening.call_count; i++)
        if (opening.calls[i].code == OK && !bytes_equal(opening.calls[i].told, BYTES("{}")))
            *told = arena_copy(arena, opening.calls[i].told);
    arena_release(&opening.arena);
    return told->data != NULL;
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
    peers->own = store_incarnation_hash(parts->store);
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
    if (!code)
        code = peer_manners_new(parts->roll, parts->clock, &peers->manners, err);
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
    peer_manners_free(peers->manners);
    pthread_mutex_destroy(&peers->lock);
    free(peers);
}
