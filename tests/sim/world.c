#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/series_key.h"
#include "model/member.h"
#include "server/compaction.h"
#include "store/guests/guests.h"
#include "store/member.h"

const char *const count_names[COUNT_OF_COUNTS] = {
    [COUNT_SUBMITTED] = "submitted",
    [COUNT_ACKNOWLEDGED] = "acknowledged",
    [COUNT_REFUSED] = "refused",
    [COUNT_UNKNOWN] = "unknown",
    [COUNT_UNKNOWN_KEPT] = "unknown and kept",
    [COUNT_ROWS] = "rows",
    [COUNT_COMMITS] = "commits",
    [COUNT_SEALS] = "seals",
    [COUNT_COMPACTIONS] = "compactions",
    [COUNT_FLUSHES] = "flushes",
    [COUNT_CHECKS] = "series compared",
    [COUNT_SWEEPS] = "sweeps",
    [COUNT_AS_OF] = "as_of questions",
    [COUNT_POWER_CUTS] = "power cuts",
    [COUNT_TORN_FILES] = "torn files",
    [COUNT_KILLS] = "kills",
    [COUNT_CLEAN_STOPS] = "clean stops",
    [COUNT_FAILED_OPENS] = "openings cut short",
    [COUNT_DISK_FULL] = "full disks",
    [COUNT_IO_FAULTS] = "I/O errors",
    [COUNT_CLOCK_STEPS] = "clock steps",
    [COUNT_DELIVERIES] = "turns of delivery",
    [COUNT_AWAY] = "looks at which packs went or came",
    [COUNT_WANTED] = "packs that shall come back",
    [COUNT_READ_AWAY] = "answers with packs that are away",
    [COUNT_NO_ANSWER] = "answers that a shard did not give",
    [COUNT_ARCHIVE_FAILURES] = "shards that failed",
    [COUNT_CHAINS] = "chains compared",
    [COUNT_REBUILT] = "stores out of chains",
    [COUNT_FLIPS] = "bits flipped",
    [COUNT_FLIPS_DETECTED] = "flips detected",
};

const char *tenant_name(uint32_t tenant)
{
    static const char *const names[TENANT_COUNT] = {"default", "a", "tenant-2"};

    assert(tenant < TENANT_COUNT);
    return names[tenant];
}

struct bytes measurement_name(uint32_t measurement)
{
    static const struct bytes names[MEASUREMENT_COUNT] = {BYTES("cpu"), BYTES("weather report"),
                                                          BYTES("\x01grid")};

    assert(measurement < MEASUREMENT_COUNT);
    return names[measurement];
}

struct bytes field_name(uint32_t field)
{
    static const char *const names[FIELD_COUNT] = {"a", "b", "b2", "status", "up", "z\xc3\xa4hler"};

    assert(field < FIELD_COUNT);
    return bytes_of(names[field]);
}

void world_trace(struct world *world, const char *format, ...)
{
    char *line = world->trace[world->trace_count++ % TRACE_COUNT];
    int used = snprintf(line, sizeof(world->trace[0]), "%llu: ", (unsigned long long)world->step);
    va_list list;

    va_start(list, format);
    vsnprintf(line + used, sizeof(world->trace[0]) - (size_t)used, format, list);
    va_end(list);
}

void world_fail(struct world *world, const char *format, ...)
{
    va_list list;

    if (world->failed)
        return;
    world->failed = true;
    va_start(list, format);
    vsnprintf(world->failure, sizeof(world->failure), format, list);
    va_end(list);
}

void world_saw(struct world *world, const struct view *view)
{
    int64_t as_of = view_as_of(view);

    if (as_of > world->seen)
        world->seen = as_of;
    if (view_final(view) && as_of > world->final)
        world->final = as_of;
}

bool world_clock_is_odd(const struct world *world)
{
    int64_t last = world->held_count > 0 ? world->held[world->held_count - 1]->ingest : 0;

    return world->stepped || world->clock.wall < last || world->clock.wall < world->seen;
}

/* The store tells what it remembers; kept until the next opening. */
static enum code take_note(struct note_sink *sink, const struct tenant *tenant,
                           const struct note *note, struct error *err)
{
    struct world *world = (struct world *)((char *)sink - offsetof(struct world, sink));
    struct seen_note *seen;

    (void)err;
    if (world->note_count == world->note_capacity) {
        world->note_capacity = world->note_capacity * 2 + 64;
        world->notes = realloc(world->notes, world->note_capacity * sizeof(*world->notes));
        assert(world->notes != NULL);
    }
    seen = &world->notes[world->note_count++];
    *seen = (struct seen_note){.note = *note};
    while (seen->tenant < TENANT_COUNT - 1 &&
           !bytes_equal(tenant->name, bytes_of(tenant_name(seen->tenant))))
        seen->tenant++;
    seen->note.key = arena_copy(&world->notes_arena, note->key);
    seen->note.result = arena_copy(&world->notes_arena, note->result);
    assert(seen->note.key.data != NULL && seen->note.result.data != NULL);
    return OK;
}

static void make_series(struct world *world, uint32_t number)
{
    struct known_series *series = &world->series[number];
    struct buf key = BUF_INIT(1024);
    char host[16];
    struct series_tag tags[2] = {
        {BYTES("host"),   {0}               },
        {BYTES("region"), BYTES("eu west,1")}
    };

    snprintf(host, sizeof(host), "h%u", number / TENANT_COUNT);
    tags[0].value = bytes_of(host);
    series->tenant = number % TENANT_COUNT;
    series->measurement = number / TENANT_COUNT % MEASUREMENT_COUNT;
    if (series_key_encode(measurement_name(series->measurement), tags, number % 2 + 1, &key,
                          NULL) != OK)
        abort();
    series->key = arena_copy(&world->arena, buf_bytes(&key));
    assert(series->key.data != NULL);
    series->id = series_key_id(series->key);
    buf_release(&key);
}

void world_init(struct world *world, uint64_t seed, enum sabotage sabotage)
{
    *world =
        (struct world){.seed = seed, .sink = {take_note}, .seen = INT64_MIN, .final = INT64_MIN};
    random_seed(&world->random, seed);
    arena_init(&world->arena, SIZE_MAX, NULL);
    arena_init(&world->notes_arena, SIZE_MAX, NULL);
    fake_disk_init(&world->disk, random_next(&world->random));
    world->disk.sabotage = sabotage;
    fake_clock_init(&world->clock, INT64_C(1750000000000000000));
    world->fs = fake_fs_new(&world->disk);
    world->index = memory_index_new(&world->disk);
    limits_init(&world->limits);
    world->limits.generation_bytes_max = UINT64_C(65536) << random_below(&world->random, 6);
    world->limits.head_bytes_max =
        world->limits.generation_bytes_max * (2 + random_below(&world->random, 6)) + 1200000;
    world->limits.generation_age_ms_max = UINT64_C(1000) << random_below(&world->random, 6);
    world->limits.compact_packs_max = 2 + random_below(&world->random, 6);
    world->limits.wal_bytes_max = UINT64_C(1048576) * (4 + random_below(&world->random, 60));
    world->limits.local_packs_bytes_max = random_below(&world->random, 3) * 150000;
    if (random_below(&world->random, 2))
        world->limits.local_packs_bytes_max += 1;
    for (uint32_t i = 0; i < SERIES_COUNT; i++)
        make_series(world, i);
    deliver_init(world);
}

void world_release(struct world *world)
{
    if (world->store)
        world_close(world);
    deliver_release(world);
    for (size_t i = 0; i < world->task_count; i++)
        task_release(world->tasks[i]);
    for (uint32_t i = 0; i < SERIES_COUNT; i++)
        free(world->series[i].rows);
    free(world->tasks);
    free(world->held);
    free(world->notes);
    block_decoder_free(world->decoder);
    memory_index_free(world->index);
    fake_fs_free(world->fs);
    arena_release(&world->notes_arena);
    arena_release(&world->arena);
}

/* Nothing ages: every version that ever was must be there. */
static void ages(void *context, const struct tenant *tenant, int64_t *retention_ns,
                 int64_t *history_ns)
{
    (void)context, (void)tenant;
    *retention_ns = *history_ns = INT64_MAX;
}

/* 0: it serves alone. */
static unsigned member_of(const struct world *world)
{
    return (unsigned)(world->seed % (MEMBER_NUMBER_MAX + 1));
}

static enum code nobody_else(void *context, struct arena *arena, struct guest_survey *survey,
                             struct error *err)
{
    (void)context, (void)arena, (void)err;
    *survey = (struct guest_survey){0};
    return OK;
}

/* Until that was looked, answers say that rows of others may be missing. */
static enum code look_for_others(struct world *world, struct error *err)
{
    static const struct guest_rules rules = {.survey = nobody_else};
    struct guests *guests;
    enum code code = guests_new(world->store, &rules, &guests, err);

    if (code == OK)
        code = guests_look(guests, err);
    guests_free(guests);
    return code;
}

/* What was noted once stays noted. */
static enum code member_open(struct world *world, struct error *err)
{
    enum code code = OK;

    if (member_of(world) == 0)
        return OK;
    if (store_member(world->store) == 0) {
        assert(!world->entered);
        code = store_member_note(world->store, member_of(world), err);
        if (code)
            return code;
        world->entered = true;
    }
    assert(store_member(world->store) == member_of(world));
    store_join(world->store);
    return look_for_others(world, err);
}

enum code world_open(struct world *world, struct error *err)
{
    static struct compaction_rules rules;
    struct store_options options = {
        .fs = world->fs,
        .clock = &world->clock.base,
        .index = world->index,
        .notes = &world->sink,
        .rules = &rules,
        .limits = &world->limits,
        .joins = member_of(world) != 0,
        .ballast_bytes = world->seed % 2 ? 1 << 20 : 0,
    };
    enum code code;

    rules = compaction_rules_of(NULL);
    rules.ages = ages;
    /* A clock set back takes back what was shown of the time to come, but for what is final. */
    if (world->clock.wall < world->seen)
        world->seen = world->final;
    world->note_count = 0;
    arena_release(&world->notes_arena);
    world->dead = world->stepped = false;
    world->flushes_due = 0;
    world->flushed = INT64_MIN;
    if (catalog_new(&world->catalog, err) != OK)
        abort();
    options.registry = catalog_registry(world->catalog);
    code = store_open(&options, &world->store, err);
    world_trace(world, "open: %d %s", code, code ? err->text : "");
    if (code) {
        assert(world->store == NULL);
        catalog_free(world->catalog);
        world->catalog = NULL;
    } else {
        code = member_open(world, err);
        if (code == OK)
            code = deliver_open(world, err);
        if (code)
            world_close(world);
    }
    return code;
}

void world_close(struct world *world)
{
    for (size_t i = 0; i < VIEWS_HELD; i++) {
        view_free(world->views[i].view);
        world->views[i].view = NULL;
    }
    deliver_close(world);
    store_close(world->store);
    world->store = NULL;
    for (size_t i = world->task_count; i-- > 0;) {
        struct task *task = world->tasks[i];

        if (task->state != TASK_WAITING)
            continue;
        world->counts[COUNT_UNKNOWN]++;
        task_settle(task, TASK_UNKNOWN, 0);
    }
    catalog_free(world->catalog);
    world->catalog = NULL;
    if (fake_fs_open_count(world->fs) > 0)
        world_fail(world, "store_close() left %zu files open", fake_fs_open_count(world->fs));
}
