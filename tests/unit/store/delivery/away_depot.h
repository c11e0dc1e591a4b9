/* A depot whose packs may go. */
#ifndef WEIR_TESTS_UNIT_STORE_DELIVERY_AWAY_DEPOT_H
#define WEIR_TESTS_UNIT_STORE_DELIVERY_AWAY_DEPOT_H

#include "store/delivery/away.h"
#include "store/packs/pack_stub.h"
#include "tests/unit/store/delivery/delivery_sample.h"

struct yard {
    struct depot depot;
    struct away *away;
};

static inline void yard_open(struct yard *yard)
{
    depot_open(&yard->depot);
    assert_int_equal(away_new(yard->depot.house.store, &yard->depot.rules, &yard->away, NULL), OK);
}

static inline void yard_close(struct yard *yard)
{
    delivery_free(yard->depot.delivery);
    yard->depot.delivery = NULL;
    away_free(yard->away);
    yard->away = NULL;
    house_close(&yard->depot.house);
}

static inline void yard_init(struct yard *yard, uint64_t bytes_max)
{
    *yard = (struct yard){.depot = {.rules = {.context = &yard->depot,
                                              .shard_of = depot_shard_of,
                                              .open = depot_open_archive}}};
    house_init(&yard->depot.house);
    yard->depot.house.limits.local_packs_bytes_max = bytes_max;
    yard_open(yard);
}

static inline void yard_restart(struct yard *yard)
{
    yard_close(yard);
    yard_open(yard);
}

static inline void yard_release(struct yard *yard)
{
    yard_close(yard);
    house_remove(&yard->depot.house);
    assert_int_equal(yard->depot.north.opened, yard->depot.north.closed);
    assert_int_equal(yard->depot.south.opened, yard->depot.south.closed);
    assert_int_equal(yard->depot.east.opened, yard->depot.east.closed);
    fake_release(&yard->depot.north);
    fake_release(&yard->depot.south);
    fake_release(&yard->depot.east);
}

/* A compacted pack of 160 KB with 20,000 rows of the series. */
static inline void yard_add(struct yard *yard, uint32_t series, uint64_t seed)
{
    house_put_noise(&yard->depot.house, series, seed);
    house_seal(&yard->depot.house);
    house_compact(&yard->depot.house, true);
}

/* Looks until nothing goes or comes; how many did. */
static inline unsigned yard_look(struct yard *yard)
{
    unsigned moves = 0;

    while (away_step(yard->away))
        assert_true(++moves < 1000);
    return moves;
}

static inline const struct pack_list *yard_packs(struct yard *yard)
{
    return yard->depot.house.store->holdings[yard->depot.house.tenant->ordinal]->packs;
}

static inline size_t yard_away(struct yard *yard)
{
    const struct pack_list *list = yard_packs(yard);
    size_t count = 0;

    for (size_t i = 0; list != NULL && i < list->count; i++)
        count += pack_is_away(list->packs[i]);
    return count;
}

struct yard_files {
    size_t packs, stubs;
};

static inline void yard_file(void *context, const char *name)
{
    struct yard_files *files = context;

    files->packs += strstr(name, ".pack") != NULL;
    files->stubs += strstr(name, ".stub") != NULL;
}

static inline void yard_expect_files(struct yard *yard, size_t packs, size_t stubs)
{
    struct yard_files files = {0};

    assert_int_equal(fs_list(&yard->depot.house.fs.fs, "packs/acme", yard_file, &files, NULL), OK);
    assert_int_equal(files.packs, packs);
    assert_int_equal(files.stubs, stubs);
}

/* So many files of compacted packs that the shard has, of series 1, 2, ...: those that are away are
 * not merged with others, and come back.  Of a yard whose limit is one byte. */
static inline void yard_add_apart(struct yard *yard, uint32_t count)
{
    for (uint32_t series = 1; series <= count; series++) {
        yard_add(yard, series, series);
        depot_drain(&yard->depot);
        assert_int_equal(yard_look(yard), 1);
    }
    for (uint32_t i = 0; i < count; i++)
        pack_want(yard_packs(yard)->packs[i]);
    (void)yard_look(yard);
    yard_restart(yard); /* they are not wanted any more */
    yard_expect_files(yard, count, 0);
}

/* Rows of house_put_noise(), and what a read that cannot be gives. */
static inline enum code yard_read(struct yard *yard, uint32_t series, uint64_t seed,
                                  struct error *err)
{
    struct house *house = &yard->depot.house;
    const struct bytes field = BYTES("v");
    const struct series *found = house_series(house, series);
    struct block_decoder *decoder;
    struct place *places;
    struct random random;
    struct arena arena;
    struct view *view;
    size_t count = 0, rows_seen = 0;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    random_seed(&random, seed);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    assert_int_equal(store_view(house->store, house->tenant, VIEW_LATEST, &view, NULL), OK);
    code = view_places(view, found, INT64_MIN, INT64_MAX, false, &arena, &places, &count, err);
    for (size_t p = 0; code == OK && p < count; p++) {
        struct rows rows;

        code = place_read(view, &places[p], found, &field, 1, decoder, &arena, &rows, err);
        for (uint32_t r = 0; code == OK && r < rows.count; r++, rows_seen++)
            if (rows.time[r] != (int64_t)rows_seen ||
                rows.columns[0].cells[r].i64 != (int64_t)random_next(&random))
                fail_msg("row %zu is another one", rows_seen);
    }
    if (code == OK)
        assert_int_equal(rows_seen, 20000);
    view_free(view);
    block_decoder_free(decoder);
    arena_release(&arena);
    return code;
}

static inline void yard_expect(struct yard *yard, uint32_t series, uint64_t seed)
{
    struct error err = {0};

    if (yard_read(yard, series, seed, &err) != OK)
        fail_msg("%s", err.text);
}

#endif
