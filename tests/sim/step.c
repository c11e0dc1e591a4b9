/* What happens to a store, as rows of a table with weights: chance picks one row a step. */
#include <assert.h>
#include <stdio.h>

#include "world.h"

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

/* What a step of the store's threads said. */
static void heed(struct world *world, const char *what, enum code code, const struct error *err)
{
    if (code == OK)
        return;
    world_trace(world, "%s: %d %s", what, code, err->text);
    if (code == E_IO)
        world->dead = true;
    if (code == E_BUSY)
        return; /* the head is full of generations: sealing helps, see on_settle() */
    if (!world->trouble || (code != E_IO && code != E_DISK_FULL))
        world_fail(world, "%s: %s", what, err->text);
}

static bool commit(struct world *world)
{
    struct error err = {0};
    bool did = false;

    heed(world, "commit", store_step_commit(world->store, &did, &err), &err);
    world->counts[COUNT_COMMITS] += did;
    return did;
}

static bool apply(struct world *world)
{
    struct error err = {0};
    bool did = false;

    heed(world, "apply", store_step_apply(world->store, &did, &err), &err);
    return did;
}

bool world_seal(struct world *world, bool force)
{
    struct error err = {0};
    bool did = false;
    enum code code = store_step_seal(world->store, force, &did, &err);

    heed(world, "seal", code, &err);
    world->counts[COUNT_SEALS] += did && code == OK;
    if (world->flushed != INT64_MIN)
        check_flushed(world);
    if (did)
        world_trace(world, "sealed%s", force ? " by force" : "");
    return did && code == OK;
}

static bool compact(struct world *world, bool force)
{
    struct error err = {0};
    bool did = false;
    enum code code = store_step_compact(world->store, force, &did, &err);

    heed(world, "compact", code, &err);
    world->counts[COUNT_COMPACTIONS] += did && code == OK;
    if (did)
        world_trace(world, "compacted%s", force ? " by force" : "");
    return did && code == OK;
}

void world_drain(struct world *world, bool seals)
{
    for (int turn = 0; turn < 1000 && !world->failed && !world->dead && !world->disk.off; turn++) {
        bool did = commit(world);

        if (!world->disk.off)
            did |= apply(world);
        if (seals && !world->disk.off)
            did |= world_seal(world, false);
        if (!did)
            return;
    }
    if (!world->dead && !world->disk.off)
        world_fail(world, "the store finds no rest");
}

/* --- endings and beginnings --- */

enum ending { ENDING_POWER_CUT, ENDING_KILL, ENDING_CLEAN };

static void end(struct world *world, enum ending ending)
{
    bool was_off = world->disk.off;

    if (ending == ENDING_CLEAN && !was_off && !world->dead)
        world_drain(world, false);
    else
        world->disk.off = true; /* whatever closing may write does not count */
    if (world->store)
        world_close(world);
    fake_disk_heal(&world->disk);
    if (was_off || ending == ENDING_POWER_CUT) {
        world->counts[COUNT_POWER_CUTS]++;
        world->counts[COUNT_TORN_FILES] += fake_fs_crash(world->fs);
        memory_index_crash(world->index);
        fake_clock_boot(&world->clock);
    } else {
        world->counts[ending == ENDING_KILL ? COUNT_KILLS : COUNT_CLEAN_STOPS]++;
        memory_index_restart(world->index);
    }
    world_trace(world, "ended by %s",
                was_off || ending == ENDING_POWER_CUT ? "power cut"
                : ending == ENDING_KILL               ? "kill"
                                                      : "clean stop");
    fake_clock_advance(&world->clock, (int64_t)below(world, 3000000000) + 1);
    if (world->clock.wall < world->seen && below(world, 2)) /* somebody sets it right */
        fake_clock_step(&world->clock, world->seen - world->clock.wall);
}

/* Something that may go wrong while the store opens. */
static bool arm(struct world *world)
{
    switch (below(world, 6)) {
    case 0:
    case 1:
        world->disk.cut_at = world->disk.operations + 1 + below(world, 80);
        return true;
    case 2:
        world->disk.one_in[below(world, FAULT_COUNT)] = (uint32_t)(2 + below(world, 30));
        return true;
    case 3:
        world->disk.bytes_max = world->disk.bytes_used + below(world, 100000);
        return true;
    default:
        return false;
    }
}

/* A pack that could not be read for an injected error: the store tells its tenant, and serves the
 * rest. */
static bool tells_of_missing(struct world *world)
{
    size_t missing = 0;

    for (uint32_t i = 0; i < TENANT_COUNT; i++) {
        const struct tenant *tenant = catalog_tenant(world->catalog, bytes_of(tenant_name(i)));
        struct view *view = NULL;
        size_t count = 0;

        if (store_view(world->store, tenant, VIEW_LATEST, &view, NULL) == OK)
            (void)view_missing(view, &count);
        view_free(view);
        missing += count;
    }
    return missing > 0;
}

static void reopen(struct world *world)
{
    for (int tries = 0; !world->failed; tries++) {
        struct error err = {0};
        bool armed = tries < 20 && arm(world);

        world->trouble = armed;
        if (world_open(world, &err) == OK) {
            if (world->disk.off || (armed && tells_of_missing(world))) {
                end(world, ENDING_KILL);
                continue;
            }
            fake_disk_heal(&world->disk);
            return;
        }
        if (!armed)
            world_fail(world, "store_open: %s", err.text);
        if (fake_fs_open_count(world->fs) > 0)
            world_fail(world, "store_open() failed and left files open");
        world->counts[COUNT_FAILED_OPENS]++;
        end(world, world->disk.off ? ENDING_POWER_CUT : ENDING_KILL);
    }
}

static void recover(struct world *world, enum ending ending)
{
    uint32_t fail_one_in[SHARD_COUNT];

    end(world, ending);
    reopen(world);
    deliver_calm(world, fail_one_in); /* what is at shards alone is looked at as well */
    if (!world->failed)
        resolve_unknown(world);
    if (!world->failed)
        check_all(world);
    deliver_uncalm(world, fail_one_in);
    if (!world->failed)
        check_notes(world);
    if (!world->failed)
        check_shards(world);
    if (!world->failed && below(world, 2))
        check_delivered(world);
    if (world->failed || below(world, 4) > 0)
        return;
    end(world, (enum ending)below(world, 2)); /* a second recovery changes nothing */
    reopen(world);
    deliver_calm(world, fail_one_in);
    if (!world->failed)
        check_all(world);
    deliver_uncalm(world, fail_one_in);
    if (!world->failed)
        check_notes(world);
}

void world_recover(struct world *world)
{
    recover(world, world->disk.off ? ENDING_POWER_CUT : (enum ending)below(world, 2));
}

static void on_power_cut(struct world *world)
{
    recover(world, ENDING_POWER_CUT);
}

static void on_kill(struct world *world)
{
    recover(world, ENDING_KILL);
}

static void on_clean_stop(struct world *world)
{
    recover(world, ENDING_CLEAN);
}

/* --- work --- */

static void on_submit(struct world *world)
{
    size_t rows_max = below(world, 60) == 0 ? 1000 : below(world, 6) == 0 ? 80 : 6;

    for (uint64_t count = 1 + below(world, 3); count > 0 && !world->failed; count--)
        task_submit(world, rows_max);
}

static void on_commit(struct world *world)
{
    commit(world);
}

static void on_apply(struct world *world)
{
    apply(world);
}

static void on_seal(struct world *world)
{
    world_seal(world, below(world, 8) == 0);
}

static void on_compact(struct world *world)
{
    compact(world, below(world, 4) == 0);
}

/* As far as it goes: it must come to an end. */
static void on_compact_all(struct world *world)
{
    int tries = 0;

    while (!world->dead && !world->failed && !world->disk.off && compact(world, true))
        if (++tries > 1000)
            world_fail(world, "compaction finds no end");
}

/* A flush promises what was acknowledged when it was asked for. */
struct flush_asked {
    struct world *world;
    int64_t newest;
};

static void flush_done(void *context, enum code code, const struct error *err)
{
    const struct flush_asked *asked = context;
    struct world *world = asked->world;

    if (world->flushes_due == 0)
        world_fail(world, "a flush is done twice");
    else
        world->flushes_due--;
    if (code == OK) {
        world->counts[COUNT_FLUSHES]++;
        if (asked->newest > world->flushed)
            world->flushed = asked->newest; /* looked at when the step is over */
    } else if (code != E_DRAINING && !world->trouble) {
        world_fail(world, "flush: %s", err ? err->text : "");
    }
}

static void on_deliver(struct world *world)
{
    struct error err = {0};
    enum code code;

    (void)deliver_step(world, &err, &code);
    heed(world, "deliver", code, &err);
}

static void on_away(struct world *world)
{
    (void)away_from_here(world);
}

static void on_move(struct world *world)
{
    uint32_t tenant = (uint32_t)below(world, TENANT_COUNT);

    world->homes[tenant] = (uint32_t)below(world, SHARD_COUNT);
    world_trace(world, "tenant %u has shard %u", tenant, world->homes[tenant]);
}

static void on_flush(struct world *world)
{
    struct flush_asked *asked = ARENA_NEW(&world->arena, struct flush_asked);

    assert(asked != NULL);
    asked->world = world;
    asked->newest = world->held_count > 0 ? world->held[world->held_count - 1]->ingest : INT64_MIN;
    world->flushes_due++;
    store_flush(world->store, flush_done, asked);
}

static void on_time(struct world *world)
{
    int64_t unit = below(world, 10) == 0 ? 10000000000 : 20000000;

    fake_clock_advance(&world->clock, (int64_t)below(world, (uint64_t)unit));
}

static void on_clock_step(struct world *world)
{
    int64_t ns = (int64_t)below(world, 200) * 1000000000 - 100000000000;

    world->counts[COUNT_CLOCK_STEPS]++;
    world->stepped = true;
    if (below(world, 2))
        ns = ns < 0 ? -1500000000 : 900000000; /* as NTP does */
    fake_clock_step(&world->clock, ns);
    world_trace(world, "wall clock stepped by %lld ms", (long long)(ns / 1000000));
}

/* --- bad days --- */

static void on_faults(struct world *world)
{
    /* Every second one is a sync: what is made of its failure is what a power cut finds out. */
    enum fault fault = below(world, 2) ? FAULT_SYNC : (enum fault)below(world, FAULT_COUNT);

    world->trouble = true;
    world->disk.one_in[fault] = (uint32_t)(1 + below(world, 20));
    world_trace(world, "fault %d, one in %u", fault, world->disk.one_in[fault]);
}

static void on_faults_end(struct world *world)
{
    memset(world->disk.one_in, 0, sizeof(world->disk.one_in));
}

static void on_shard_fails(struct world *world)
{
    uint32_t shard = (uint32_t)below(world, SHARD_COUNT);

    world->shards[shard].fail_one_in = (uint32_t)(1 + below(world, 6));
    world_trace(world, "shard %u fails, one call in %u", shard, world->shards[shard].fail_one_in);
}

static void on_shards_heal(struct world *world)
{
    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        fake_heal(&world->shards[i]);
}

static void on_disk_full(struct world *world)
{
    world->trouble = true;
    world->disk.bytes_max = world->disk.bytes_used + (below(world, 2) ? below(world, 5000) : 0);
    world->counts[COUNT_DISK_FULL]++;
    world_trace(world, "disk full");
}

static void on_space(struct world *world)
{
    world->disk.bytes_max = UINT64_MAX;
}

static void on_arm_cut(struct world *world)
{
    world->trouble = true;
    world->disk.cut_at = world->disk.operations + 1 + below(world, 60);
}

/* --- questions --- */

/* The disk failed under the first commit of all: nobody knows whether there is anything to show. */
static bool nothing_to_show(struct world *world, const struct tenant *tenant)
{
    struct error ignored;

    return store_ready(world->store, &ignored) == E_IO &&
           store_progress(world->store, tenant).durable == 0;
}

static struct view *open_view(struct world *world, uint32_t tenant, int64_t as_of, enum code want)
{
    const struct tenant *found = catalog_tenant(world->catalog, bytes_of(tenant_name(tenant)));
    struct view *view = NULL;
    struct error err = {0};
    enum code code = store_view(world->store, found, as_of, &view, &err);

    if (code == E_IO && as_of == VIEW_LATEST && nothing_to_show(world, found))
        return NULL;
    if (code != want)
        world_fail(world, "store_view at %lld gives %d, not %d: %s", (long long)as_of, code, want,
                   err.text);
    if (code)
        return NULL;
    if (as_of != VIEW_LATEST && view_as_of(view) != as_of)
        world_fail(world, "store_view at %lld shows S = %lld", (long long)as_of,
                   (long long)view_as_of(view));
    if (as_of == VIEW_LATEST && world->held_count > 0 &&
        view_as_of(view) < world->held[world->held_count - 1]->ingest)
        world_fail(world, "S = %lld does not show what was acknowledged",
                   (long long)view_as_of(view));
    world_saw(world, view);
    return view;
}

static void look(struct world *world, const struct view *view, uint32_t tenant)
{
    uint32_t series = tenant + (uint32_t)below(world, SERIES_COUNT / TENANT_COUNT) * TENANT_COUNT;
    int64_t start = INT64_MIN, end = INT64_MAX;

    if (below(world, 2)) {
        start = INT64_C(1700000000000000000) + (int64_t)below(world, 300) * 1000000000;
        end = start + (int64_t)below(world, 100) * 1000000000 + 1;
    }
    check_series(world, view, series, start, end);
    check_latest(world, view, series, start, end);
}

static void on_look(struct world *world)
{
    uint32_t tenant = (uint32_t)below(world, TENANT_COUNT);
    struct view *view = open_view(world, tenant, VIEW_LATEST, OK);

    if (view)
        look(world, view, tenant);
    view_free(view);
}

static void on_as_of(struct world *world)
{
    uint32_t tenant = (uint32_t)below(world, TENANT_COUNT);
    int64_t as_of = world->seen;
    struct view *view;

    if (below(world, 20) == 0) {
        view_free(
            open_view(world, tenant, world->clock.wall + INT64_C(864000000000000), E_AS_OF_FUTURE));
        return;
    }
    if (world->held_count > 0 && below(world, 4) > 0)
        as_of = world->held[below(world, world->held_count)]->ingest + (int64_t)below(world, 3) - 1;
    if (as_of <= 0 || as_of > world->seen)
        return;
    view = open_view(world, tenant, as_of, OK);
    world->counts[COUNT_AS_OF]++;
    if (view)
        look(world, view, tenant);
    view_free(view);
}

/* A view is a picture: later work must not show in it, nor take anything from under it. */
static void on_held_view(struct world *world)
{
    struct held_view *held = &world->views[below(world, VIEWS_HELD)];

    if (!held->view) {
        held->tenant = (uint32_t)below(world, TENANT_COUNT);
        held->view = open_view(world, held->tenant, VIEW_LATEST, OK);
        return;
    }
    look(world, held->view, held->tenant);
    if (below(world, 2)) {
        view_free(held->view);
        held->view = NULL;
    }
}

static void on_sweep(struct world *world)
{
    check_all(world);
}

/* All causes of trouble end: the store must accept again, without a restart. */
static void on_settle(struct world *world)
{
    struct task *task = NULL;

    fake_disk_heal(&world->disk);
    if (world_clock_is_odd(world))
        return;
    fake_clock_advance(&world->clock, 10000000000);
    world_drain(world, true);
    world_seal(world, true);
    world_drain(world, true);
    if (world->dead || world->failed)
        return;
    for (int tries = 0; tries < 10 && !task && !world->failed; tries++) {
        task = task_submit(world, 2);
        fake_clock_advance(&world->clock, 1000000000);
        world_drain(world, true);
    }
    if (!world->failed && !world->dead && (!task || task->state != TASK_HELD))
        world_fail(world, "with space, power and time the store does not accept again");
    if (!world->dead && !world->failed)
        world->trouble = false;
}

static const struct {
    const char *name;
    uint32_t weight;
    void (*run)(struct world *world);
    bool reads; /* makes no sense while reads are made to fail */
} events[] = {
    {"submit",      3000, on_submit,      false},
    {"commit",      1800, on_commit,      false},
    {"apply",       1800, on_apply,       false},
    {"seal",        400,  on_seal,        false},
    {"compact",     200,  on_compact,     false},
    {"compact all", 10,   on_compact_all, false},
    {"deliver",     500,  on_deliver,     false},
    {"away",        150,  on_away,        false},
    {"flush",       20,   on_flush,       false},
    {"time",        1000, on_time,        false},
    {"clock step",  4,    on_clock_step,  false},
    {"faults",      8,    on_faults,      false},
    {"faults end",  60,   on_faults_end,  false},
    {"shard fails", 20,   on_shard_fails, false},
    {"shards heal", 20,   on_shards_heal, false},
    {"move",        12,   on_move,        false},
    {"disk full",   12,   on_disk_full,   false},
    {"space",       60,   on_space,       false},
    {"arm cut",     60,   on_arm_cut,     false},
    {"power cut",   20,   on_power_cut,   false},
    {"kill",        12,   on_kill,        false},
    {"clean stop",  6,    on_clean_stop,  false},
    {"look",        900,  on_look,        true },
    {"as_of",       500,  on_as_of,       true },
    {"held view",   300,  on_held_view,   true },
    {"sweep",       10,   on_sweep,       true },
    {"settle",      30,   on_settle,      false},
};

void world_step(struct world *world)
{
    uint64_t total = 0, pick;
    size_t i = 0;

    world->step++;
    if (world->disk.off || (world->dead && below(world, 4) == 0)) {
        world_recover(world);
        return;
    }
    for (size_t e = 0; e < COUNT_OF(events); e++)
        total += events[e].weight;
    pick = below(world, total);
    while (pick >= events[i].weight)
        pick -= events[i++].weight;
    if (events[i].weight < 100)
        world_trace(world, "%s", events[i].name);
    if (events[i].reads && world->disk.cut_at > 0)
        return; /* the power would go in the middle of an answer */
    events[i].run(world);
}
