/* A reply says what its member acknowledged last, as clocks differ and other questions move ingest
 * times on.  Where that lies above S, S was chosen too low for who wrote there and asks here: it
 * goes there, and all are asked once more.  What is acknowledged after the first time was not
 * before the question, so that is enough. */
#include "handlers/peers_inside.h"

#include "store/member.h"
#include "store/packs/pack.h"
#include "store/store.h"
#include "store/view.h"

/* S follows members so far ahead of our clock: as far as they let themselves be asked. */
static const int64_t ahead_ns_max = 5 * INT64_C(1000000000);

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to ask other members");
}

int64_t opening_now(const struct opening *opening)
{
    return clock_monotonic_ns(opening->peers->parts.clock);
}

enum code opening_begin(struct opening *opening, struct error *err)
{
    const struct peers *peers = opening->peers;

    arena_init(&opening->arena, SIZE_MAX, NULL);
    opening->until_ns = opening_now(opening) + (int64_t)peers->parts.limits->peer_ms_max * 1000000;
    return peer_roster_read(peers->parts.registry, peers->manners, &peers->own, opening->tenant,
                            &opening->arena, &opening->roster, err);
}

/* --- asking --- */

/* One call for each range of each that the view needs something of. */
static enum code make_calls(struct opening *opening, const struct view *view, struct error *err)
{
    struct peer_roster *roster = &opening->roster;

    opening->call_count = 0;
    opening->calls =
        ARENA_ARRAY(&opening->arena, struct peer_call, roster->asked_count * opening->range_count);
    for (size_t i = 0; opening->calls != NULL && i < roster->count; i++) {
        struct peer *peer = &roster->list[i];

        peer->owing = view_owing(view, &peer->asked.incarnation);
        peer->calls = NULL;
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
    return opening->calls != NULL ? OK : no_memory(err);
}

void opening_wait(const struct opening *opening, bool waiting)
{
    if (opening->asking->wait != NULL)
        opening->asking->wait(opening->asking->waiter, waiting);
}

/* Of each member one outcome, whatever the number of ranges: that it let one wait comes before
 * other troubles, and these before what it answered.  Of the second time nothing is held against
 * who was left too little time by the first. */
static void take_outcomes(struct opening *opening, int64_t asked_ns)
{
    for (size_t i = 0; i < opening->roster.count; i++) {
        struct peer *peer = &opening->roster.list[i];
        const struct peer_call *call = peer->calls;

        for (size_t r = 1; call != NULL && r < opening->range_count; r++)
            if (call->code == OK || peer->calls[r].code == E_TIMEOUT)
                call = &peer->calls[r];
        if (call == NULL || (opening->again && call->code == E_TIMEOUT))
            continue;
        peer->outcome = call;
        peer->outcome_ns = asked_ns;
    }
}

/* After the last time, so that who answered at first and not again is not told to do both. */
static void note_outcomes(const struct opening *opening)
{
    for (size_t i = 0; i < opening->roster.count; i++) {
        const struct peer *peer = &opening->roster.list[i];

        if (peer->outcome != NULL)
            peer_manners_note(opening->peers->manners, peer->asked.member, opening->tenant->ordinal,
                              peer->outcome_ns, peer->outcome->code, &peer->outcome->err);
    }
}

static void run_calls(struct opening *opening)
{
    struct peers *peers = opening->peers;
    struct asking *asking = opening->asking;
    const struct peer_terms terms = {
        .own = store_member(peers->parts.store),
        .ms_max = peers->parts.limits->peer_ms_max,
        .limit = "peer_ms_max",
        .until_ns = opening->until_ns,
    };
    int64_t asked_ns = peer_manners_now(peers->manners);
    size_t before = asking->memory.received, failed = 0;
    struct error found = {0};
    enum code code;

    opening_wait(opening, true);
    code = peer_calls_run(peers->calls, &terms, opening->calls, opening->call_count,
                          &opening->arena, &asking->memory, &found);
    opening_wait(opening, false);
    for (size_t i = 0; i < opening->call_count; i++) {
        struct peer_call *call = &opening->calls[i];

        if (code) { /* it was not the member's fault */
            call->code = code;
            call->err = found;
        }
        failed += call->code != OK;
    }
    if (!code)
        take_outcomes(opening, asked_ns);
    metric_add(peers->asked, opening->call_count);
    metric_add(peers->failed, failed);
    metric_add(peers->bytes, asking->memory.received - before);
}

/* --- S --- */

static const char far_ahead[] =
    "it acknowledged rows with ingest times that are far ahead of this node's clock";

/* The newest that was acknowledged before they were asked, as far as S may follow it. */
static int64_t newest_told(struct opening *opening)
{
    int64_t most = clock_wall_ns(opening->peers->parts.clock) + ahead_ns_max, newest = 0;

    for (size_t i = 0; i < opening->roster.count; i++) {
        struct peer *peer = &opening->roster.list[i];

        peer->beyond = peer->calls == NULL ? far_ahead : NULL;
        for (size_t r = 0; peer->calls != NULL && r < opening->range_count; r++) {
            const struct peer_call *call = &peer->calls[r];

            if (call->code)
                continue;
            if (call->reply.newest > most)
                peer->beyond = far_ahead;
            else if (call->reply.newest > newest)
                newest = call->reply.newest;
        }
    }
    return newest;
}

/* Less than a quarter of peer_ms_max is left: who is asked for so short a time may well not answer,
 * and what he said is better than nothing. */
static bool is_late(const struct opening *opening)
{
    int64_t all_ns = (int64_t)opening->peers->parts.limits->peer_ms_max * 1000000;

    return opening->until_ns - opening_now(opening) < all_ns / 4;
}

/* S stays where it is: who acknowledged more is named for it, and what was said is kept. */
static void stay(struct opening *opening)
{
    for (size_t i = 0; i < opening->roster.count; i++)
        if (opening->roster.list[i].beyond == NULL)
            opening->roster.list[i].beyond =
                "it acknowledged newer rows, and no time was left (peer_ms_max) to ask for them";
}

static void drop_replies(struct opening *opening, size_t taken_before)
{
    struct peer_memory *memory = &opening->asking->memory;

    for (size_t i = 0; i < opening->call_count; i++) {
        pack_unref(opening->calls[i].reply.pack);
        opening->calls[i].reply.pack = NULL;
    }
    if (memory->budget != NULL)
        budget_give(memory->budget, memory->taken - taken_before);
    memory->taken = taken_before;
}

/* Who did not answer the first time is named, and not waited for again. */
static void leave_silent(struct opening *opening)
{
    for (size_t i = 0; i < opening->roster.count; i++) {
        struct peer *peer = &opening->roster.list[i];

        for (size_t r = 0; peer->calls != NULL && r < opening->range_count; r++)
            if (peer->calls[r].code && peer->why == NULL)
                peer->why = peer->calls[r].err.text;
    }
}

enum code opening_view(const struct opening *opening, int64_t as_of, struct view **view,
                       struct error *err)
{
    struct store *store = opening->peers->parts.store;

    view_free(*view);
    *view = NULL;
    return opening->ahead ? store_view_ahead(store, opening->tenant, as_of, view, err)
                          : store_view(store, opening->tenant, as_of, view, err);
}

/* Once more, at the newest S that was told. */
static enum code hear_again(struct opening *opening, int64_t newest, size_t taken_before,
                            struct view **view, struct error *err)
{
    enum code code;

    leave_silent(opening);
    drop_replies(opening, taken_before);
    code = opening_view(opening, newest, view, err);
    if (code == OK)
        code = make_calls(opening, *view, err);
    opening->again = true;
    if (code == OK && opening->call_count > 0)
        run_calls(opening);
    return code;
}

enum code opening_hear(struct opening *opening, struct view **view, struct error *err)
{
    size_t taken_before = opening->asking->memory.taken;
    enum code code = make_calls(opening, *view, err);
    int64_t newest;

    if (code || opening->call_count == 0)
        return code;
    run_calls(opening);
    newest = newest_told(opening);
    if (opening->ahead && newest > view_as_of(*view)) {
        if (is_late(opening))
            stay(opening);
        else
            code = hear_again(opening, newest, taken_before, view, err);
    }
    note_outcomes(opening);
    return code;
}

enum code opening_hear_each(struct opening *opening, const struct peer_call *like, bool *all,
                            struct error *err)
{
    struct peer_roster *roster = &opening->roster;

    opening->calls = ARENA_ARRAY(&opening->arena, struct peer_call, roster->asked_count);
    if (opening->calls == NULL)
        return no_memory(err);
    for (size_t i = 0; i < roster->count; i++) {
        struct peer *peer = &roster->list[i];

        *all &= peer->why == NULL;
        if (peer->why != NULL)
            continue;
        peer->calls = &opening->calls[opening->call_count++];
        *peer->calls = *like;
        peer->calls->asked = peer->asked;
        peer->calls->address = peer->address;
    }
    if (opening->call_count > 0)
        run_calls(opening);
    note_outcomes(opening);
    return OK;
}
