/* Delivery to shards that are lists in memory, and what must be true of these at any moment: what a
 * chain names is there, bit for bit; a store made of it has every row that the chain says is there,
 * and none that nobody wrote. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "store/delivery/chain_read.h"
#include "store/delivery/delivered.h"
#include "store/delivery/rebuild.h"
#include "store/identity.h"
#include "store/packs/pack.h"
#include "store/state.h"
#include "world.h"

static const char *const shard_names[SHARD_COUNT] = {"north", "south"};

static uint32_t tenant_number(struct bytes name)
{
    uint32_t tenant = 0;

    while (!bytes_equal(name, bytes_of(tenant_name(tenant))))
        tenant++;
    return tenant;
}

static bool shard_of(void *context, const struct tenant *tenant, char name[SHARD_NAME_SIZE])
{
    const struct world *world = context;

    (void)snprintf(name, SHARD_NAME_SIZE, "%s",
                   shard_names[world->homes[tenant_number(tenant->name)]]);
    return true;
}

static enum code open_archive(void *context, const char *shard, struct archive **archive,
                              struct error *err)
{
    struct world *world = context;

    (void)err;
    *archive = fake_open(&world->shards[strcmp(shard, shard_names[0]) == 0 ? 0 : 1]);
    return OK;
}

void deliver_init(struct world *world)
{
    world->delivery_rules =
        (struct delivery_rules){.context = world, .shard_of = shard_of, .open = open_archive};
    if (random_chance(&world->random, 2)) /* all at once, or one pack by one */
        world->delivery_rules.turn_bytes = 1 + random_below(&world->random, 10000);
    for (uint32_t i = 0; i < SHARD_COUNT; i++) {
        random_seed(&world->shards[i].random, world->seed + i);
        world->shards[i].off = &world->disk.off;
    }
    for (uint32_t i = 0; i < TENANT_COUNT; i++)
        world->homes[i] = i % SHARD_COUNT;
}

void deliver_release(struct world *world)
{
    for (uint32_t i = 0; i < SHARD_COUNT; i++) {
        if (world->shards[i].opened != world->shards[i].closed)
            abort();
        fake_release(&world->shards[i]);
    }
}

enum code deliver_open(struct world *world, struct error *err)
{
    if (delivery_new(world->store, &world->delivery_rules, &world->delivery, NULL) != OK)
        abort();
    return away_new(world->store, &world->delivery_rules, &world->away, err);
}

void deliver_close(struct world *world)
{
    delivery_free(world->delivery);
    world->delivery = NULL;
    away_free(world->away);
    world->away = NULL;
}

/* As an erasure does: some pack that is away shall come back. */
static void want_one(struct world *world)
{
    size_t tenant = random_below(&world->random, TENANT_COUNT);
    const struct holding *holding =
        tenant < world->store->holding_capacity ? world->store->holdings[tenant] : NULL;
    const struct pack_list *list = holding ? holding->packs : NULL;
    struct pack *pack;

    if (!list || list->count == 0)
        return;
    pack = list->packs[random_below(&world->random, list->count)];
    if (!pack_is_away(pack) || pack_is_wanted(pack))
        return;
    pack_want(pack);
    world->counts[COUNT_WANTED]++;
}

bool away_from_here(struct world *world)
{
    bool did;

    if (random_chance(&world->random, 2))
        want_one(world);
    did = away_step(world->away);

    world->counts[COUNT_AWAY] += did;
    if (did)
        world_trace(world, "packs went or came");
    return did;
}

bool deliver_excuses(struct world *world)
{
    int64_t now_ns = clock_monotonic_ns(&world->clock.base);
    uint64_t failed = 0;

    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        failed += world->shards[i].failed;
    if (failed != world->shards_failed)
        world->shard_failed_ns = now_ns;
    world->shards_failed = failed;
    return now_ns - world->shard_failed_ns < 11 * INT64_C(1000000000); /* the longest rest */
}

void deliver_calm(struct world *world, uint32_t fail_one_in[SHARD_COUNT])
{
    for (uint32_t i = 0; i < SHARD_COUNT; i++) {
        fail_one_in[i] = world->shards[i].fail_one_in;
        world->shards[i].fail_one_in = 0;
    }
}

void deliver_uncalm(struct world *world, const uint32_t fail_one_in[SHARD_COUNT])
{
    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        world->shards[i].fail_one_in = fail_one_in[i];
}

bool deliver_step(struct world *world, struct error *err, enum code *code)
{
    uint64_t failed = 0;
    bool did = false;

    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        failed -= world->shards[i].failed;
    *code = delivery_step(world->delivery, &did, err);
    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        failed += world->shards[i].failed;
    world->counts[COUNT_ARCHIVE_FAILURES] += failed;
    world->counts[COUNT_DELIVERIES] += did;
    if (did)
        world_trace(world, "a turn of delivery");
    return did;
}

/* --- what a shard has --- */

/* The bytes of the pack, out of its documents; false: told. */
static bool assemble(struct world *world, const struct fake_archive *shard, struct bytes tenant,
                     const struct chain_pack *pack, struct buf *bytes)
{
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    struct hash128 hash;

    chain_database(tenant, database);
    for (uint32_t part = 0; part < pack->parts; part++) {
        const struct fake_document *found;

        chain_part_id(&pack->entry.incarnation, pack->entry.number, part, id);
        found = fake_find(shard, database, ARCHIVE_PACKS, bytes_of(id));
        if (!found) {
            world_fail(world, "%s of %s is listed and not there", id, database);
            return false;
        }
        buf_put(bytes, (struct bytes){found->body, found->size});
    }
    hash = hash128(buf_bytes(bytes));
    if (memcmp(&hash, &pack->entry.hash, sizeof(hash)) != 0)
        world_fail(world, "pack %llu of %s is not what the chain says",
                   (unsigned long long)pack->entry.number, database);
    return !world->failed;
}

/* A store out of what a chain names, on a machine of its own. */
struct copy {
    struct world *world; /* whose series and rows are asked for */
    struct fake_disk disk;
    struct rebuild *rebuild;
};

static void copy_init(struct copy *copy, const struct world *world)
{
    struct world *made = malloc(sizeof(*made));

    if (!made)
        abort();
    *made = *world;
    made->delivery = NULL;
    made->away = NULL;
    made->store = NULL;
    made->decoder = NULL;
    fake_disk_init(&copy->disk, 1);
    made->fs = fake_fs_new(&copy->disk);
    made->index = memory_index_new(&copy->disk);
    copy->world = made;
    if (catalog_new(&made->catalog, NULL) != OK || fs_make_dir(made->fs, "packs", NULL) != OK ||
        rebuild_new(made->fs, made->index, &copy->rebuild, NULL) != OK)
        abort();
}

static void copy_release(struct copy *copy)
{
    struct world *made = copy->world;

    rebuild_free(copy->rebuild);
    store_close(made->store);
    catalog_free(made->catalog);
    block_decoder_free(made->decoder);
    memory_index_free(made->index);
    fake_fs_free(made->fs);
    free(made);
}

static void copy_add(struct copy *copy, struct bytes tenant, const struct chain_pack *pack,
                     struct bytes bytes)
{
    struct fs *fs = copy->world->fs;
    char path[PACK_PATH_SIZE];
    struct error err = {0};
    struct file *file;

    if (pack->entry.in_file) {
        (void)snprintf(path, sizeof(path), "packs/%.*s", BYTES_ARG(tenant));
        if (fs_make_dir(fs, path, &err) != OK)
            abort();
        pack_path(tenant, pack->entry.number, path);
        if (fs_open(fs, path, FS_CREATE, &file, &err) != OK ||
            fs_write(file, 0, &bytes, 1, &err) != OK)
            abort();
        fs_close(file);
    }
    if (rebuild_add(copy->rebuild, tenant, &pack->entry, bytes, &err) != OK)
        world_fail(copy->world, "a delivered pack cannot be taken in: %s", err.text);
}

static void copy_open(struct copy *copy, int64_t through)
{
    struct world *made = copy->world;
    struct store_options options = {
        .fs = made->fs,
        .clock = &made->clock.base,
        .index = made->index,
        .registry = catalog_registry(made->catalog),
        .limits = &made->limits,
    };
    struct hash128 incarnation;
    struct error err = {0};

    if (rebuild_finish(copy->rebuild, through, &incarnation, &err) != OK ||
        store_open(&options, &made->store, &err) != OK)
        world_fail(made, "what was delivered does not open: %s", err.text);
}

/* Every row that the chain says is there, and none that nobody wrote. */
static void compare_series(struct world *made, const struct view *view, uint32_t number,
                           int64_t through)
{
    struct question question = {number, INT64_MIN, INT64_MAX, (1 << FIELD_COUNT) - 1, false};
    const struct known_series *known = &made->series[number];
    struct answer answer;
    size_t got = 0;

    answer_init(&answer);
    answer_ask(made, view, &question, &answer);
    if (answer.code)
        world_fail(made, "series %u of what was delivered: code %d", number, answer.code);
    for (size_t i = 0; i < known->row_count && !made->failed; i++) {
        const struct known_row *want = known->rows[i];

        if (got < answer.count && answer_same_row(want, &answer.rows[got], question.mask))
            got++;
        else if (want->ingest <= through)
            world_fail(made,
                       "series %u: the row of %lld, ingest time %lld, was not delivered "
                       "although %lld is",
                       number, (long long)want->time, (long long)want->ingest, (long long)through);
    }
    if (got < answer.count)
        world_fail(made, "series %u: a row was delivered that nobody wrote, of %lld", number,
                   (long long)answer.rows[got].ingest);
    answer_release(&answer);
}

static void compare_deletions(struct world *made, const struct view *view, uint32_t tenant,
                              int64_t through)
{
    size_t count;
    const struct tombstone *tombstones = view_tombstones(view, &count);

    for (size_t i = 0; i < made->held_count && !made->failed; i++) {
        const struct task *task = made->held[i];
        bool found = false;

        if (!task->deletes || task->tenant != tenant || task->ingest > through)
            continue;
        for (size_t t = 0; t < count; t++)
            found |= tombstones[t].ingest == task->ingest;
        if (!found)
            world_fail(made, "the deletion of %lld was not delivered although %lld is",
                       (long long)task->ingest, (long long)through);
    }
}

/* The ingest time up to which all rows must be there: as the chain says, or as what a source has
 * done does, which is listed behind all older rows. */
static int64_t rows_through(struct world *made, uint32_t tenant, int64_t through)
{
    const struct holding *holding =
        store_held(made->store, catalog_tenant(made->catalog, bytes_of(tenant_name(tenant))));

    for (size_t p = 0; holding != NULL && p < holding->packs->count; p++) {
        size_t count;
        const struct pack_block *blocks = pack_blocks(holding->packs->packs[p], &count);

        for (size_t b = 0; b < count; b++)
            if (measurement_is_note(blocks[b].measurement) && blocks[b].ingest_last > through)
                through = blocks[b].ingest_last;
    }
    return through;
}

static void compare_copy(struct copy *copy, uint32_t tenant, int64_t through)
{
    struct world *made = copy->world;
    struct view *view = NULL;
    struct error err = {0};
    int64_t rows;

    if (made->failed)
        return;
    if (store_view(made->store, catalog_tenant(made->catalog, bytes_of(tenant_name(tenant))),
                   VIEW_LATEST, &view, &err) != OK) {
        world_fail(made, "what was delivered shows nothing: %s", err.text);
        return;
    }
    rows = rows_through(made, tenant, through);
    for (uint32_t i = tenant; i < SERIES_COUNT && !made->failed; i += TENANT_COUNT)
        compare_series(made, view, i,
                       measurement_is_note(measurement_name(made->series[i].measurement)) ? through
                                                                                          : rows);
    compare_deletions(made, view, tenant, through);
    view_free(view);
}

static void rebuild_and_compare(struct world *world, const struct fake_archive *shard,
                                uint32_t tenant, const struct chain_list *list, int64_t through)
{
    struct bytes name = bytes_of(tenant_name(tenant));
    struct copy copy;

    world->counts[COUNT_REBUILT]++;
    copy_init(&copy, world);
    for (size_t i = 0; i < list->count && !world->failed && !copy.world->failed; i++) {
        struct buf bytes = BUF_INIT((size_t)1 << 28);

        if (assemble(world, shard, name, &list->packs[i], &bytes))
            copy_add(&copy, name, &list->packs[i], buf_bytes(&bytes));
        buf_release(&bytes);
    }
    if (!world->failed && !copy.world->failed)
        copy_open(&copy, through);
    if (!world->failed)
        compare_copy(&copy, tenant, through);
    if (copy.world->failed)
        world_fail(world, "tenant %u at a shard: %s", tenant, copy.world->failure);
    copy_release(&copy);
}

/* The chain of the tenant at the shard; false: there is none, or it is told. */
static bool read_chain(struct world *world, struct fake_archive *shard, uint32_t tenant,
                       struct chain_list *list, struct chain_about *about)
{
    struct archive *archive = fake_open(shard);
    struct identity identity;
    struct error err = {0};
    enum code code = identity_read(world->index, &identity, &err);

    if (code == OK)
        code = chain_read(archive, bytes_of(tenant_name(tenant)), &identity.incarnation, list,
                          about, &err);
    archive->operations->close(archive);
    if (code && code != E_NOT_FOUND)
        world_fail(world, "the chain of tenant %u: %s", tenant, err.text);
    return code == OK;
}

void check_shards(struct world *world)
{
    for (uint32_t s = 0; s < SHARD_COUNT; s++) {
        struct fake_archive *shard = &world->shards[s];
        uint32_t fail_one_in = shard->fail_one_in;

        shard->fail_one_in = 0;
        for (uint32_t tenant = 0; tenant < TENANT_COUNT && !world->failed; tenant++) {
            struct chain_list list = {0};
            struct chain_about about;

            if (read_chain(world, shard, tenant, &list, &about)) {
                world->counts[COUNT_CHAINS]++;
                if (random_chance(&world->random, 2)) /* the dearest check of all */
                    rebuild_and_compare(world, shard, tenant, &list, about.through);
            }
            chain_list_release(&list);
        }
        shard->fail_one_in = fail_one_in;
    }
}

/* The chain is the manifest, and says that all that was sealed is there. */
static void check_drained(struct world *world, uint32_t tenant)
{
    const char *shard = shard_names[world->homes[tenant]];
    struct chain_list list = {0};
    struct chain_about about = {.through = INT64_MIN};
    struct error err = {0};
    struct diff diff;
    bool there = read_chain(world, &world->shards[world->homes[tenant]], tenant, &list, &about);

    if (delivered_compare(world->index, bytes_of(tenant_name(tenant)), bytes_of(shard), &diff,
                          &err) != OK) {
        world_fail(world, "what shards have of tenant %u: %s", tenant, err.text);
        return;
    }
    if (diff.counts[DIFF_ADD] + diff.counts[DIFF_REMOVE] > 0 ||
        diff.counts[DIFF_KEEP] != list.count)
        world_fail(world, "tenant %u: %zu packs to add, %zu to remove, %zu kept, %zu listed",
                   tenant, diff.counts[DIFF_ADD], diff.counts[DIFF_REMOVE], diff.counts[DIFF_KEEP],
                   list.count);
    for (size_t i = 0, at = 0; i < diff.count && !world->failed; i++)
        if (diff.packs[i].kind == DIFF_KEEP &&
            diff.packs[i].pack.entry.number != list.packs[at++].entry.number)
            world_fail(world, "tenant %u: the chain lists other packs than the manifest", tenant);
    if (there && (diff.next != about.last + 1 || diff.through != about.through))
        world_fail(world, "tenant %u: the chain is elsewhere than the index says", tenant);
    diff_release(&diff);
    chain_list_release(&list);
}

void check_delivered(struct world *world)
{
    unsigned turns = 0;

    for (uint32_t i = 0; i < SHARD_COUNT; i++)
        fake_heal(&world->shards[i]);
    fake_clock_advance(&world->clock, 60 * INT64_C(1000000000)); /* nobody rests any more */
    for (int idle = 0; idle < 3 && !world->failed;) {
        struct error err = {0};
        enum code code;

        idle = deliver_step(world, &err, &code) ? 0 : idle + 1;
        if (code)
            world_fail(world, "deliver: %s", err.text);
        if (idle > 0) /* over a rest, or the time that documents stay */
            fake_clock_advance(&world->clock, 620 * INT64_C(1000000000));
        if (++turns > 10000)
            world_fail(world, "delivery finds no end");
    }
    for (int looks = 0; !world->failed && away_from_here(world); looks++)
        if (looks > 1000)
            world_fail(world, "packs go and come without an end");
    for (uint32_t tenant = 0; tenant < TENANT_COUNT && !world->failed; tenant++)
        check_drained(world, tenant);
    if (!world->failed)
        check_shards(world);
}
