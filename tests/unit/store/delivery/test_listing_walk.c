/* Puts, notes, erasures, merging and turns in any order: no note is listed before older rows. */
#include "tests/unit/store/delivery/listing_sample.h"

enum { WALKS = 7, WALK_PUTS_MAX = 40, WALK_ROWS = 30000, WALK_PACKS_MAX = 1000 };

enum walk_kind {
    WALK_OF_ROWS,
    WALK_OF_HASHES, /* of rows, which go with them */
    WALK_OF_A_NOTE,
};

/* What was put, and which packs had what of it.  Put `n` has rows of a measurement of its own, or
 * is a note that all older ones are done. */
struct walk {
    struct depot depot;
    struct random random;
    struct recipient *recipient;
    struct {
        enum walk_kind kind;
        bool erased;
        int64_t month;
    } puts[WALK_PUTS_MAX];
    size_t put_count;
    bool unsealed;
    bool has[WALK_PACKS_MAX][WALK_PUTS_MAX];
    size_t waited; /* how often a note was sealed and not listed */
};

static const char *walk_name(size_t put, enum walk_kind kind, char name[16])
{
    static const char *const prefixes[] = {"m", "\x01n\x01m", "\x01n"};

    snprintf(name, 16, "%s%zu", prefixes[kind], put);
    return name;
}

/* What each pack of now has; a number never comes again. */
static void walk_note_packs(struct walk *walk)
{
    const struct pack_list *list =
        walk->depot.house.store->holdings[walk->depot.house.tenant->ordinal]->packs;

    for (size_t p = 0; p < list->count; p++) {
        uint64_t number = pack_about(list->packs[p]).number;
        const struct pack_block *blocks;
        bool hashes[WALK_PUTS_MAX] = {false};
        size_t count;

        assert_true(number < WALK_PACKS_MAX);
        blocks = pack_blocks(list->packs[p], &count);
        if (count > 0) /* never both */
            assert_int_equal(measurement_is_note(blocks[0].measurement),
                             measurement_is_note(blocks[count - 1].measurement));
        for (size_t b = 0; b < count; b++)
            for (size_t put = 0; put < walk->put_count; put++) {
                char name[16];

                (void)walk_name(put, walk->puts[put].kind, name);
                walk->has[number][put] |= bytes_equal(blocks[b].measurement, bytes_of(name));
                (void)walk_name(put, WALK_OF_HASHES, name);
                hashes[put] |= bytes_equal(blocks[b].measurement, bytes_of(name));
            }
        for (size_t put = 0; put < walk->put_count; put++)
            if (walk->puts[put].kind == WALK_OF_ROWS && !walk->puts[put].erased)
                assert_int_equal(hashes[put], walk->has[number][put]);
    }
}

static void walk_add(struct walk *walk, size_t put, enum walk_kind kind, struct posting *posting)
{
    struct sample_cell cell = {BYTES("v"), TYPE_I64, {0}};
    int64_t start = walk->puts[put].month * month_ns;
    char name[16];
    struct sample_place place =
        sample_place(&posting->batch,
                     house_series_of(&walk->depot.house, walk_name(put, kind, name), 1), &cell, 1);

    for (int64_t i = 0; i < (kind == WALK_OF_ROWS ? WALK_ROWS : 1); i++) {
        cell.cell.u64 = random_next(&walk->random);
        sample_place_row(&posting->batch, place, start + i, INT64_MIN, &cell, 1);
    }
}

static void walk_put(struct walk *walk, enum walk_kind kind, struct posting *posting)
{
    size_t put = walk->put_count++;

    walk->puts[put].kind = kind;
    walk->puts[put].month = (int64_t)random_below(&walk->random, 3);
    walk_add(walk, put, kind, posting);
    if (kind == WALK_OF_ROWS)
        walk_add(walk, put, WALK_OF_HASHES, posting);
}

static void walk_seal(struct walk *walk)
{
    if (walk->unsealed)
        house_seal(&walk->depot.house);
    walk->unsealed = false;
}

/* One record, as of a source: rows, a note, or both. */
static void walk_submit(struct walk *walk)
{
    uint64_t kind = random_below(&walk->random, 3);
    struct posting posting;

    if (walk->put_count + 2 > WALK_PUTS_MAX)
        return;
    posting_init(&posting, &walk->depot.house);
    if (kind != 0)
        walk_put(walk, WALK_OF_ROWS, &posting);
    if (kind != 1)
        walk_put(walk, WALK_OF_A_NOTE, &posting);
    house_post(&walk->depot.house, &posting);
    walk->unsealed = true;
    if (random_below(&walk->random, 3) > 0)
        walk_seal(walk);
}

static void walk_erase(struct walk *walk)
{
    struct posting posting;
    char name[16];
    size_t put;

    if (walk->put_count == 0)
        return;
    put = random_below(&walk->random, walk->put_count);
    if (walk->puts[put].kind == WALK_OF_A_NOTE)
        return;
    walk->puts[put].erased = true;
    posting_init(&posting, &walk->depot.house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = bytes_of(walk_name(put, WALK_OF_ROWS, name))},
        .start = 0,
        .end = INT64_MAX,
        .erase = true};
    house_post(&walk->depot.house, &posting);
    walk->unsealed = true;
    walk_seal(walk);
}

/* Where a note is listed, all older rows are. */
static void walk_check(struct walk *walk)
{
    struct chain_list list = {0};
    bool there[WALK_PUTS_MAX] = {false}, whole = true;
    int64_t through;

    (void)depot_chain(&walk->depot, acme, "north", &list, &through);
    for (size_t p = 0; p < list.count; p++)
        for (size_t put = 0; put < walk->put_count; put++)
            there[put] |= walk->has[list.packs[p].entry.number][put];
    chain_list_release(&list);
    for (size_t put = 0; put < walk->put_count; put++) {
        if (walk->puts[put].kind == WALK_OF_ROWS) {
            whole = whole && (walk->puts[put].erased || there[put]);
            continue;
        }
        if (there[put] && !whole)
            fail_msg("note %zu is listed before older rows", put);
        walk->waited += !there[put];
    }
}

static void walk_amid_a_turn(void *context, uint64_t call)
{
    struct walk *walk = context;

    (void)call;
    if (random_below(&walk->random, 12) == 0)
        (void)house_compact(&walk->depot.house, random_below(&walk->random, 2) == 0);
    if (random_below(&walk->random, 20) == 0)
        walk_submit(walk);
    walk_note_packs(walk);
}

static void walk_step(struct walk *walk)
{
    switch (random_below(&walk->random, 8)) {
    case 0:
    case 1:
        walk_submit(walk);
        break;
    case 2:
        (void)house_compact(&walk->depot.house, random_below(&walk->random, 2) == 0);
        break;
    case 3:
        if (random_below(&walk->random, 4) == 0)
            walk_erase(walk);
        break;
    default:
        walk->depot.north.hook = walk_amid_a_turn;
        (void)turn_of(&walk->depot, walk->recipient, 1 + random_below(&walk->random, 400000));
        walk->depot.north.hook = NULL;
        break;
    }
    walk_note_packs(walk);
    walk_check(walk);
}

static void test_a_note_is_never_listed_before_older_rows(void **state)
{
    size_t waited = 0;

    (void)state;
    for (uint64_t seed = 0; seed < WALKS; seed++) {
        struct walk *walk = calloc(1, sizeof(*walk));
        size_t packs, count;

        assert_non_null(walk);
        depot_init(&walk->depot);
        random_seed(&walk->random, seed);
        walk->recipient = recipient_of(&walk->depot);
        walk->depot.north.hook_context = walk;
        walk_submit(walk);
        walk_seal(walk);
        for (size_t step = 0; step < 150; step++)
            walk_step(walk);
        walk_seal(walk);
        (void)house_compact(&walk->depot.house, false);
        while (turn_of(&walk->depot, walk->recipient, 1 << 20))
            continue;
        walk_note_packs(walk);
        walk_check(walk);
        (void)house_packs(&walk->depot.house, PACK_PLAIN, &packs);
        count = listed(&walk->depot);
        if (count != packs)
            fail_msg("seed %llu: of %zu packs %zu are listed", (unsigned long long)seed, packs,
                     count);
        waited += walk->waited;
        recipient_free(walk->recipient);
        depot_release(&walk->depot);
        free(walk);
    }
    assert_true(waited > WALKS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_note_is_never_listed_before_older_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
