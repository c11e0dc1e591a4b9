/* A store with a delivery to shards that are lists in memory, and what must be true of these.
 * Tenants whose name begins with 's' have the shard "south", others "north", unless told. */
#ifndef WEIR_TESTS_UNIT_STORE_DELIVERY_SAMPLE_H
#define WEIR_TESTS_UNIT_STORE_DELIVERY_SAMPLE_H

#include "store/delivery/delivered.h"
#include "store/delivery/delivery.h"
#include "tests/fake_archive.h"
#include "tests/unit/store/house.h"

struct depot {
    struct house house;
    struct fake_archive north, south, east;
    struct delivery_rules rules;
    struct delivery *delivery;
    const char *everybody; /* the shard of all tenants; NULL: see above; "": none */
    enum code open_code;   /* what opening an archive gives */
};

static inline bool depot_shard_of(void *context, const struct tenant *tenant,
                                  char name[SHARD_NAME_SIZE])
{
    const struct depot *depot = context;

    (void)snprintf(name, SHARD_NAME_SIZE, "%s",
                   depot->everybody != NULL      ? depot->everybody
                   : tenant->name.data[0] == 's' ? "south"
                                                 : "north");
    return name[0] != '\0';
}

static inline struct fake_archive *depot_fake(struct depot *depot, const char *shard)
{
    return strcmp(shard, "south") == 0  ? &depot->south
           : strcmp(shard, "east") == 0 ? &depot->east
                                        : &depot->north;
}

static inline enum code depot_open_archive(void *context, const char *shard,
                                           struct archive **archive, struct error *err)
{
    struct depot *depot = context;

    if (depot->open_code)
        return error_set(err, depot->open_code, "the test's address is wrong");
    *archive = fake_open(depot_fake(depot, shard));
    return OK;
}

static inline void depot_open(struct depot *depot)
{
    house_open(&depot->house);
    assert_int_equal(delivery_new(depot->house.store, &depot->rules, &depot->delivery, NULL), OK);
}

static inline void depot_init(struct depot *depot)
{
    *depot = (struct depot){
        .rules = {.context = depot, .shard_of = depot_shard_of, .open = depot_open_archive}
    };
    house_init(&depot->house);
    depot_open(depot);
}

static inline void depot_close(struct depot *depot)
{
    delivery_free(depot->delivery);
    depot->delivery = NULL;
    house_close(&depot->house);
}

static inline void depot_release(struct depot *depot)
{
    depot_close(depot);
    house_remove(&depot->house);
    assert_int_equal(depot->north.opened, depot->north.closed);
    assert_int_equal(depot->south.opened, depot->south.closed);
    assert_int_equal(depot->east.opened, depot->east.closed);
    fake_release(&depot->north);
    fake_release(&depot->south);
    fake_release(&depot->east);
}

/* As a process that was killed and started again. */
static inline void depot_restart(struct depot *depot)
{
    depot_close(depot);
    depot_open(depot);
}

static inline void depot_time(struct depot *depot, int64_t seconds)
{
    depot->house.clock.monotonic_more += seconds * 1000000000;
}

static inline bool depot_step(struct depot *depot)
{
    struct error err = {0};
    bool did;

    if (delivery_step(depot->delivery, &did, &err) != OK)
        fail_msg("%s", err.text);
    return did;
}

/* Until nothing is left to do, over rests after failures; how many turns. */
static inline unsigned depot_drain(struct depot *depot)
{
    unsigned turns = 0, idle = 0;

    while (idle < 2) {
        bool did = depot_step(depot);

        turns += did;
        idle = did ? 0 : idle + 1;
        if (!did)
            depot_time(depot, 60);
        assert_true(turns < 10000);
    }
    return turns;
}

/* ... and documents of packs that went are deleted. */
static inline void depot_drain_all(struct depot *depot)
{
    for (int i = 0; i < 3; i++) {
        depot_drain(depot);
        depot_time(depot, 700);
    }
}

/* A pack of ten rows of the series, sealed. */
static inline void depot_add_pack(struct depot *depot, uint32_t series, int64_t time)
{
    assert_int_equal(house_put(&depot->house, series, time, 10, NULL), OK);
    house_seal(&depot->house);
}

/* What the chain of the tenant comes to at the shard; the number of its entries. */
static inline uint64_t depot_chain(struct depot *depot, struct bytes tenant, const char *shard,
                                   struct chain_list *list, int64_t *through)
{
    struct fake_archive *fake = depot_fake(depot, shard);
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    uint64_t number = 0;

    chain_database(tenant, database);
    *through = INT64_MIN;
    for (;; number++) {
        const struct fake_document *found;
        struct chain_entry entry;
        struct error err = {0};
        struct arena arena;

        chain_entry_id(&depot->house.store->incarnation, number, id);
        found = fake_find(fake, database, ARCHIVE_MANIFESTS, bytes_of(id));
        if (found == NULL)
            return number;
        arena_init(&arena, SIZE_MAX, NULL);
        if (chain_entry_decode((struct bytes){found->body, found->size}, &arena, &entry, &err) !=
                OK ||
            chain_list_apply(list, &entry, &err) != OK)
            fail_msg("%s", err.text);
        assert_int_equal(entry.number, number);
        assert_true(bytes_equal(entry.tenant, tenant));
        assert_true(number % 256 != 0 || entry.checkpoint);
        *through = entry.through;
        arena_release(&arena);
    }
}

/* All documents are there, and one behind another they are the pack. */
static inline void depot_expect_pack(struct depot *depot, struct bytes tenant, const char *shard,
                                     const struct chain_pack *pack)
{
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    struct hash128_state state;
    struct hash128 hash;

    chain_database(tenant, database);
    hash128_begin(&state);
    for (uint32_t part = 0; part < pack->parts; part++) {
        const struct fake_document *found;

        chain_part_id(&pack->entry.incarnation, pack->entry.number, part, id);
        found = fake_find(depot_fake(depot, shard), database, ARCHIVE_PACKS, bytes_of(id));
        if (found == NULL)
            fail_msg("%s is listed and not there", id);
        hash128_add(&state, (struct bytes){found->body, found->size});
    }
    hash = hash128_end(&state);
    assert_memory_equal(&hash, &pack->entry.hash, sizeof(hash));
}

static inline size_t depot_documents(struct depot *depot, struct bytes tenant, const char *shard)
{
    const struct fake_archive *fake = depot_fake(depot, shard);
    char database[CHAIN_DATABASE_SIZE];
    size_t count = 0;

    chain_database(tenant, database);
    for (size_t i = 0; i < fake->count; i++)
        count += fake->documents[i].collection == ARCHIVE_PACKS &&
                 strcmp(fake->documents[i].database, database) == 0;
    return count;
}

/* Nothing is left to do, and the chain's list is the manifest, with all its documents and (`exact`)
 * no others.  How many entries it has. */
static inline uint64_t depot_expect(struct depot *depot, struct bytes tenant, const char *shard,
                                    bool exact)
{
    struct chain_list list = {0};
    struct error err = {0};
    struct diff diff;
    uint64_t entries;
    size_t documents = 0;
    int64_t through;

    entries = depot_chain(depot, tenant, shard, &list, &through);
    for (size_t i = 0; i < list.count; i++) {
        depot_expect_pack(depot, tenant, shard, &list.packs[i]);
        documents += list.packs[i].parts;
    }
    if (delivered_compare(depot->house.index, tenant, bytes_of(shard), &diff, &err) != OK)
        fail_msg("%s", err.text);
    assert_int_equal(diff.counts[DIFF_ADD], 0);
    assert_int_equal(diff.counts[DIFF_REMOVE], 0);
    assert_int_equal(diff.counts[DIFF_KEEP], list.count);
    assert_int_equal(diff.next, entries);
    for (size_t i = 0, at = 0; i < diff.count; i++)
        if (diff.packs[i].kind == DIFF_KEEP)
            assert_int_equal(diff.packs[i].pack.entry.number, list.packs[at++].entry.number);
    assert_true(entries == 0 || (through == diff.through && through <= diff.ingest_last));
    if (exact) {
        assert_int_equal(diff.counts[DIFF_DISCARD], 0);
        assert_int_equal(depot_documents(depot, tenant, shard), documents);
    }
    diff_release(&diff);
    chain_list_release(&list);
    return entries;
}

#endif
