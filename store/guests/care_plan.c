/* What is to be done with a chain whose author has left.
 *
 * Packs that are wholly past retention go without being read.  A pack, a current one with its
 * history, that may have rows of an erasure is rewritten without them: an erasure of its own
 * author, or of any other member.  What a pack's `settled` says is of its author's deletions alone;
 * of one that a caretaker made, which its number tells, it is of all members' erasures.
 *
 * So `settled` of what comes out must not be above an erasure that is not known here yet.  Bounds:
 * own ones are all known up to store_progress(); those of a member that lives up to what its chains
 * tell (`through`), or up to ten minutes before they were last read to their end, as a member lists
 * within seconds what it acknowledges; those of who has left are all known once its chains were
 * read.  Erasures above the least of these wait.  What was settled by the author itself may be
 * above that as well: then all of it waits, as nothing that comes out may settle less. */
#include <stdlib.h>

#include "base/hash.h"
#include "store/guest_list.h"
#include "store/guests/caretaker_inside.h"
#include "store/packs/manifest.h"
#include "store/state.h"

static const int64_t listed_within_ns = 600 * INT64_C(1000000000);

struct planning {
    struct care *care;
    const struct known *known;
    const struct known_chain *at; /* the chain that is planned for */
    struct tombstone *tombstones; /* the author's own, then others' that erase */
    size_t own_count, foreign_count;
    int64_t base; /* the newest that the author itself settled, wrote or deleted */
    int64_t settled, time_floor;
    bool erases;      /* enough is known to */
    uint64_t *passed; /* owned; packs that are passed over */
    size_t passed_count;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to go on with a chain");
}

static bool is_own(const struct planning *planning, const struct known_chain *chain)
{
    return hash128_equal(&chain->incarnation, &planning->care->incarnation);
}

/* --- how far deletions are known --- */

static bool is_whole(const struct known_chain *chain)
{
    return chain->chain != NULL && chain->chain->whole;
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of a chain that was read at that moment of the monotonic clock. */
static int64_t listed_by(struct store *store, int64_t looked_ns)
{
    struct clock *clock = store->options.clock;

    return looked_ns == INT64_MIN ? INT64_MIN
                                  : clock_wall_ns(store_clock(store)) -
                                        (clock_monotonic_ns(clock) - looked_ns) - listed_within_ns;
}

/* All that the member will ever have acknowledged up to it is known; INT64_MAX: all. */
static int64_t author_known(const struct planning *planning, const struct guest_author *author)
{
    const struct known *known = planning->known;
    int64_t through = INT64_MIN, listed = INT64_MAX;
    bool any = false;

    if (hash128_is_zero(&author->incarnation))
        return INT64_MIN;
    for (size_t i = 0; i < known->chain_count; i++) {
        const struct known_chain *chain = &known->chains[i];

        if (!hash128_equal(&chain->incarnation, &author->incarnation))
            continue;
        if (!is_whole(chain) || (!author->active && !chain->closed))
            return INT64_MIN;
        any = true;
        if (chain->chain->through > through)
            through = chain->chain->through;
        listed = lower(listed, listed_by(planning->care->caretaker->store, chain->looked_ns));
    }
    if (!any) /* its chains are not looked for yet */
        return INT64_MIN;
    if (!author->active)
        return INT64_MAX;
    return through > listed ? through : listed;
}

static int64_t all_known(const struct planning *planning)
{
    const struct known *known = planning->known;
    int64_t up_to = known->in_force ? known->own_through : INT64_MIN;

    for (size_t i = 0; i < known->author_count; i++)
        up_to = lower(up_to, author_known(planning, &known->authors[i]));
    return up_to;
}

/* --- deletions --- */

static void take(struct planning *planning, const struct tombstone *tombstones, size_t count,
                 bool own, int64_t up_to)
{
    for (size_t i = 0; i < count; i++) {
        if (!own && (!tombstones[i].erase || tombstones[i].ingest > up_to))
            continue;
        planning->tombstones[planning->own_count + planning->foreign_count] = tombstones[i];
        ++*(own ? &planning->own_count : &planning->foreign_count);
    }
}

/* The author's own first, from all shards. */
static enum code take_all(struct planning *planning, int64_t up_to, struct error *err)
{
    const struct known *known = planning->known;
    const struct tombstone_list *ours = known->own;
    size_t count = ours == NULL ? 0 : ours->count;

    for (size_t i = 0; i < known->chain_count; i++)
        count += known->chains[i].chain == NULL ? 0 : known->chains[i].chain->tombstone_count;
    planning->tombstones = calloc(count + 1, sizeof(*planning->tombstones));
    if (planning->tombstones == NULL)
        return no_memory(err);
    for (int own = 1; own >= 0; own--)
        for (size_t i = 0; i < known->chain_count; i++)
            if (known->chains[i].chain != NULL && is_own(planning, &known->chains[i]) == own)
                take(planning, known->chains[i].chain->tombstones,
                     known->chains[i].chain->tombstone_count, own, up_to);
    if (ours != NULL)
        take(planning, ours->tombstones, ours->count, false, up_to);
    return OK;
}

static int64_t higher(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void find_bounds(struct planning *planning, int64_t up_to)
{
    const struct known *known = planning->known;

    planning->base = INT64_MIN;
    for (size_t i = 0; i < known->chain_count; i++) {
        const struct guest_chain *chain = known->chains[i].chain;

        if (chain == NULL || !is_own(planning, &known->chains[i]))
            continue;
        planning->base = higher(planning->base, chain->newest);
        for (size_t p = 0; p < chain->count; p++)
            planning->base = higher(planning->base, pack_settled(chain->packs[p]));
    }
    planning->settled = planning->base;
    for (size_t i = 0; i < planning->foreign_count; i++)
        planning->settled =
            higher(planning->settled, planning->tombstones[planning->own_count + i].ingest);
    planning->erases = up_to >= planning->base;
}

/* --- what is done --- */

static int64_t time_floor_of(const struct planning *planning)
{
    struct store *store = planning->care->caretaker->store;
    int64_t retention_ns = INT64_MAX, history_ns = INT64_MAX;
    struct error ignored;
    bool clock_ok;

    pthread_mutex_lock(&store->state_lock);
    clock_ok = stamp_check(&store->stamp, &ignored) == OK; /* else age says nothing */
    pthread_mutex_unlock(&store->state_lock);
    store->options.rules->ages(store->options.rules->context, planning->known->tenant,
                               &retention_ns, &history_ns);
    return clock_ok ? compaction_floor(clock_wall_ns(store->options.clock), retention_ns)
                    : INT64_MIN;
}

/* Without deletions: what is past retention, and packs that carry deletions and nothing else. */
static struct compaction_wish wish_of(const struct planning *planning, struct pack *const *packs,
                                      size_t count)
{
    return (struct compaction_wish){
        .packs = packs,
        .pack_count = count,
        .brings = true,
        .sealed = INT64_MAX,
        .floor = INT64_MIN,
        .time_floor = planning->time_floor,
        .plain_max = UINT64_MAX,
        .bad = planning->passed,
        .bad_count = planning->passed_count,
    };
}

/* A pack, and its history if it is the next one. */
static enum code plan_unit(const struct planning *planning, struct pack *const *packs, size_t count,
                           struct compaction *compaction, struct error *err)
{
    struct compaction_wish wish = wish_of(planning, packs, count);
    bool drawn = pack_about(packs[0]).number >= PACK_NUMBER_DRAWN;

    wish.tombstones = planning->tombstones;
    wish.tombstone_count = planning->own_count + (drawn ? planning->foreign_count : 0);
    wish.foreign = planning->tombstones + planning->own_count;
    wish.foreign_count = drawn ? 0 : planning->foreign_count;
    return compaction_plan(&wish, compaction, err);
}

static enum code plan_erasure(const struct planning *planning, struct compaction *compaction,
                              struct error *err)
{
    const struct guest_chain *chain = planning->at->chain;
    enum code code = OK;

    for (size_t i = 0; code == OK && compaction->pack_count == 0 && i < chain->count; i++) {
        bool paired = i + 1 < chain->count && pack_kind(chain->packs[i + 1]) == PACK_HISTORY;

        if (pack_kind(chain->packs[i]) != PACK_HISTORY)
            code = plan_unit(planning, &chain->packs[i], paired ? 2 : 1, compaction, err);
    }
    return code;
}

static enum code plan_all(const struct planning *planning, struct compaction *compaction,
                          struct error *err)
{
    const struct guest_chain *chain = planning->at->chain;
    struct compaction_wish wish = wish_of(planning, chain->packs, chain->count);
    enum code code = compaction_plan(&wish, compaction, err);

    if (code == OK && compaction->pack_count == 0 && planning->erases)
        code = plan_erasure(planning, compaction, err);
    return code;
}

/* What the plan depends on. */
static struct hash128 mark_of(const struct planning *planning)
{
    const struct guest_chain *chain = planning->at->chain;
    const uint64_t values[] = {
        chain->next,
        chain->count,
        planning->own_count,
        planning->foreign_count,
        planning->erases,
        planning->passed_count,
        (uint64_t)planning->time_floor,
        (uint64_t)planning->settled,
    };

    return hash128((struct bytes){(const char *)values, sizeof(values)});
}

static enum code take_passed(struct planning *planning, struct error *err)
{
    const struct care *care = planning->care;

    planning->passed = calloc(care->passed_count + 1, sizeof(*planning->passed));
    if (planning->passed == NULL)
        return no_memory(err);
    planning->passed_count = care_passed(care, planning->passed);
    return OK;
}

static void fill(const struct planning *planning, struct care_plan *plan)
{
    plan->settled = planning->settled;
    plan->floor = INT64_MIN;
    plan->time_floor = planning->time_floor;
    for (size_t i = 0; i < plan->compaction.pack_count; i++)
        plan->floor = higher(plan->floor, pack_about(plan->compaction.packs[i]).floor);
    plan->chain = guest_chain_ref(planning->at->chain);
}

static const struct known_chain *find_chain(const struct care *care, const struct known *known)
{
    for (size_t i = 0; i < known->chain_count; i++)
        if (hash128_equal(&known->chains[i].incarnation, &care->incarnation) &&
            strcmp(known->chains[i].shard, care->shard->name) == 0)
            return &known->chains[i];
    return NULL;
}

enum code care_plan(struct care *care, const struct known *known, struct care_plan *plan,
                    struct error *err)
{
    struct planning planning = {.care = care, .known = known, .at = find_chain(care, known)};
    struct hash128 mark;
    int64_t up_to;
    enum code code;

    *plan = (struct care_plan){.settled = INT64_MIN};
    if (planning.at == NULL || planning.at->chain == NULL || !planning.at->closed)
        return OK;
    up_to = all_known(&planning);
    code = take_all(&planning, up_to, err);
    if (code == OK)
        code = take_passed(&planning, err);
    if (code == OK) {
        find_bounds(&planning, up_to);
        planning.time_floor = time_floor_of(&planning);
        mark = mark_of(&planning);
        if (!hash128_equal(&mark, &care->idle))
            code = plan_all(&planning, &plan->compaction, err);
        if (code == OK && plan->compaction.pack_count == 0)
            care->idle = mark;
    }
    free(planning.passed);
    plan->tombstones = planning.tombstones;
    plan->tombstone_count = planning.own_count + planning.foreign_count;
    if (code == OK)
        fill(&planning, plan);
    return code;
}

void care_plan_release(struct care_plan *plan)
{
    compaction_release(&plan->compaction);
    free(plan->tombstones);
    guest_chain_unref(plan->chain);
    *plan = (struct care_plan){.settled = INT64_MIN};
}
