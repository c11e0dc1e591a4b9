/* When a chain lists what a source has done: not before the rows that it tells of. */
#include "store/delivery/turn.h"
#include "tests/unit/store/delivery/delivery_sample.h"

static const struct bytes acme = BYTES("acme");

enum { SPAN_ROWS = 150000, WALKS = 7 };

static const int64_t month_ns = INT64_C(31) * 86400 * 1000000000;

/* Rows of a month, that no packing makes small, sealed. */
static void put_month(struct depot *depot, int64_t month)
{
    struct sample_cell cell = {BYTES("v"), TYPE_I64, {0}};
    struct sample_place place;
    struct posting posting;
    struct random random;

    random_seed(&random, (uint64_t)month);
    posting_init(&posting, &depot->house);
    place = sample_place(&posting.batch, house_series(&depot->house, 1), &cell, 1);
    for (int64_t i = 0; i < SPAN_ROWS; i++) {
        cell.cell.u64 = random_next(&random);
        sample_place_row(&posting.batch, place, month * month_ns + i, INT64_MIN, &cell, 1);
    }
    house_post(&depot->house, &posting);
    house_seal(&depot->house);
}

/* What a source has done, at a time of the month, sealed. */
static void put_progress(struct depot *depot, int64_t month)
{
    house_note(&depot->house, month * month_ns);
    house_seal(&depot->house);
}

static struct recipient *recipient_of(struct depot *depot)
{
    static const _Atomic int64_t looked = 0;
    struct recipient *recipient =
        recipient_new(depot->house.tenant, &depot->house.clock.clock, &looked);

    assert_non_null(recipient);
    recipient_move(recipient, "north");
    return recipient;
}

/* Whether it did anything. */
static bool turn_of(struct depot *depot, struct recipient *recipient, uint64_t bytes)
{
    struct archive *archive = fake_open(&depot->north);
    struct turn turn = {.store = depot->house.store,
                        .archive = archive,
                        .recipient = recipient,
                        .bytes_max = bytes};

    assert_int_equal(turn_deliver(&turn, NULL), OK);
    archive->operations->close(archive);
    return turn.acted;
}

/* Of the packs that are there last. */
static uint64_t newest_bytes(struct depot *depot, size_t count)
{
    const struct pack_list *list =
        depot->house.store->holdings[depot->house.tenant->ordinal]->packs;
    uint64_t bytes = 0;

    for (size_t i = list->count - count; i < list->count; i++)
        bytes += pack_about(list->packs[i]).bytes;
    return bytes;
}

/* How many packs the shard lists. */
static size_t listed(struct depot *depot)
{
    struct chain_list list = {0};
    int64_t through;
    size_t count;

    (void)depot_chain(depot, acme, "north", &list, &through);
    count = list.count;
    chain_list_release(&list);
    return count;
}

static bool is_listed(struct depot *depot, uint64_t number)
{
    struct chain_list list = {0};
    int64_t through;
    bool found = false;

    (void)depot_chain(depot, acme, "north", &list, &through);
    for (size_t i = 0; i < list.count; i++)
        found |= list.packs[i].entry.number == number;
    chain_list_release(&list);
    return found;
}

/* The number of the pack in the `at`-th place. */
static uint64_t number_of(struct depot *depot, size_t at)
{
    const struct pack_list *list =
        depot->house.store->holdings[depot->house.tenant->ordinal]->packs;

    assert_true(at < list->count);
    return pack_about(list->packs[at]).number;
}

/* Rows that were merged again have higher numbers than the note of them; both have a history. */
static void test_a_note_is_listed_behind_its_rows(void **state)
{
    enum { NOTE, NOTE_HISTORY, ROWS, ROWS_HISTORY, NEWER_ROWS, PACKS };
    struct recipient *recipient;
    struct depot depot;
    size_t count, waited = 0;

    (void)state;
    depot_init(&depot);
    depot.house.store->limits.compact_packs_max = 2;
    put_progress(&depot, 0);
    put_progress(&depot, 0); /* a history, of older rows */
    put_month(&depot, 0);
    put_progress(&depot, 1);
    assert_int_equal(house_compact(&depot.house, false), 1); /* the notes */
    put_month(&depot, 0);
    put_month(&depot, 1);
    assert_int_equal(house_compact(&depot.house, false), 1); /* the rows */
    assert_int_equal(house_packs(&depot.house, PACK_HISTORY, &count), 2);
    assert_int_equal(count, PACKS);
    recipient = recipient_of(&depot);
    while (!is_listed(&depot, number_of(&depot, NOTE))) {
        assert_false(is_listed(&depot, number_of(&depot, NOTE_HISTORY)));
        waited += recipient->sent_count > 1;
        assert_true(turn_of(&depot, recipient, 1));
    }
    assert_true(waited > 1);
    for (size_t i = 0; i < PACKS; i++)
        assert_int_equal(is_listed(&depot, number_of(&depot, i)), i != NEWER_ROWS);
    recipient_free(recipient);
    depot_release(&depot);
}

static void test_a_note_does_not_wait_for_newer_rows(void **state)
{
    struct recipient *recipient;
    struct depot depot;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    put_progress(&depot, 0);
    put_month(&depot, 1);
    recipient = recipient_of(&depot);
    while (!is_listed(&depot, number_of(&depot, 1)))
        assert_true(turn_of(&depot, recipient, 1));
    assert_int_equal(listed(&depot), 2);
    recipient_free(recipient);
    depot_release(&depot);
}

/* Rows that cannot be read here will never come. */
static void test_what_is_damaged_is_not_waited_for(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    put_month(&depot, 1);
    put_progress(&depot, 0);
    house_damage(&depot.house, "packs/acme/0000000000000002.pack", 5000);
    depot_drain(&depot);
    assert_int_equal(listed(&depot), 2);
    assert_true(is_listed(&depot, 1) && is_listed(&depot, 3));
    depot_release(&depot);
}

/* Nor will what could not even be opened at the start. */
static void test_what_could_not_be_opened_is_not_waited_for(void **state)
{
    struct chain_list list = {0};
    struct depot depot;
    int64_t through;
    char path[160];

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    depot_drain(&depot);
    put_month(&depot, 1);
    assert_true(house_compact(&depot.house, true) > 0);
    assert_true(house_path(&depot.house, "packs/acme/0000000000000005.pack", path));
    assert_int_equal(truncate(path, 100), 0);
    depot_restart(&depot);
    put_progress(&depot, 0);
    depot_drain(&depot);
    (void)depot_chain(&depot, acme, "north", &list, &through);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.packs[0].entry.number, 1);
    assert_true(list.packs[1].entry.number > 5);
    chain_list_release(&list);
    depot_release(&depot);
}

/* What is well is, though it takes the place of others together with a damaged one, and so is not
 * listed either. */
static void test_what_waits_for_a_damaged_pack_is_waited_for(void **state)
{
    struct chain_list list = {0};
    struct depot depot;
    int64_t through;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    depot_drain(&depot);
    put_month(&depot, 1);
    assert_true(house_compact(&depot.house, true) > 0);
    house_damage(&depot.house, "packs/acme/0000000000000003.pack", 5000);
    put_progress(&depot, 0);
    depot_drain(&depot);
    (void)depot_chain(&depot, acme, "north", &list, &through);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.packs[0].entry.number, 1);
    chain_list_release(&list);
    depot_release(&depot);
}

/* What merged packs have was listed with those that they replace: a note behind it is not held up
 * by the sending of all that was merged. */
static void test_what_is_listed_already_is_not_waited_for(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    bool told = false;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    put_month(&depot, 1);
    depot_drain(&depot);
    assert_true(house_compact(&depot.house, true) > 0);
    put_progress(&depot, 0);
    recipient = recipient_of(&depot);
    while (!told) {
        struct chain_list list = {0};
        int64_t through;

        assert_true(turn_of(&depot, recipient, 1));
        (void)depot_chain(&depot, acme, "north", &list, &through);
        told = list.packs[list.count - 1].entry.number > 5;
        assert_int_equal(list.packs[0].entry.number, 1); /* what was merged is not there yet */
        chain_list_release(&list);
    }
    recipient_free(recipient);
    depot_release(&depot);
}

/* Nor by a damaged pack of before, which keeps `through` where it is for good. */
static void test_what_is_listed_beside_a_damaged_pack_is_not_waited_for(void **state)
{
    struct recipient *recipient;
    struct depot depot;

    (void)state;
    depot_init(&depot);
    house_put_noise(&depot.house, 7, 1);
    house_seal(&depot.house);
    house_damage(&depot.house, "packs/acme/0000000000000001.pack", 5000);
    put_month(&depot, 0);
    put_month(&depot, 1);
    recipient = recipient_of(&depot);
    while (turn_of(&depot, recipient, 1))
        continue;
    assert_int_equal(listed(&depot), 2);
    assert_true(house_compact(&depot.house, true) > 0);
    put_progress(&depot, 0);
    (void)turn_of(&depot, recipient, newest_bytes(&depot, 1));
    assert_int_equal(listed(&depot), 3); /* both, as they were, and the note */
    recipient_free(recipient);
    depot_release(&depot);
}

static int told;

static void note_told(struct delivery_ack *ack, enum code code, const struct error *err)
{
    (void)ack, (void)err;
    assert_int_equal(code, OK);
    told++;
}

/* A shard that takes what is sealed and no more: rows are listed at once, and what was merged, with
 * the notes that wait for it, when nothing new is sealed. */
static void test_rows_do_not_wait_with_a_note(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    struct delivery_ack ack;
    size_t packs;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    depot_drain(&depot);
    put_month(&depot, 1);
    assert_true(house_compact(&depot.house, true) > 0);
    recipient = recipient_of(&depot);
    for (size_t turn = 1; turn < 10; turn++) {
        struct posting posting;
        uint64_t bytes;

        posting_init(&posting, &depot.house);
        posting_row(&posting, house_series(&depot.house, 2), 0, 0);
        posting_row(&posting, house_series_of(&depot.house, "\x01grid", 1), 0, 0);
        house_post(&depot.house, &posting);
        house_seal(&depot.house);
        bytes = newest_bytes(&depot, 2); /* the rows' and the note's */
        assert_true(turn_of(&depot, recipient, bytes));
        assert_int_equal(listed(&depot), 1 + turn); /* the month of before, and rows */
        assert_int_equal(recipient->sent_count, turn);
    }
    ack = (struct delivery_ack){.tenant = depot.house.tenant,
                                .ingest = depot.house.store->sealed_ingest,
                                .done = note_told,
                                .due_ns = INT64_MAX};
    assert_true(outbox_await(&recipient->outbox, &ack));
    assert_true(turn_of(&depot, recipient, 1));
    assert_int_equal(told, 1); /* nor does who waits for the rows */
    while (turn_of(&depot, recipient, 1))
        continue;
    (void)house_packs(&depot.house, PACK_PLAIN, &packs);
    assert_int_equal(listed(&depot), packs);
    recipient_free(recipient);
    depot_release(&depot);
}

static void compact_now(void *context, uint64_t call)
{
    struct depot *depot = context;

    (void)call;
    depot->north.hook = NULL;
    assert_int_equal(house_compact(&depot->house, true), 1);
}

/* Rows that are merged while they are sent do not come, nor may then what is to take the place of
 * other notes. */
static void test_a_note_waits_where_its_rows_are_merged_meanwhile(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    uint64_t rows, note;
    size_t packs;

    (void)state;
    depot_init(&depot);
    depot.house.store->limits.compact_packs_max = 2;
    depot.house.store->limits.wal_bytes_max = 64 << 20;
    put_progress(&depot, 0);
    depot_drain(&depot);
    for (uint64_t i = 0; i < 8; i++)
        house_put_noise_rows(&depot.house, 1, i, SPAN_ROWS);
    house_seal(&depot.house); /* more than is sent at once */
    put_progress(&depot, 0);
    rows = number_of(&depot, 1);
    assert_int_equal(house_compact(&depot.house, false), 1);
    note = number_of(&depot, 1);
    assert_true(rows < note);
    recipient = recipient_of(&depot);
    (void)turn_of(&depot, recipient, 1); /* a part of the rows */
    assert_int_equal(recipient->partial.number, rows);
    depot.north.hook = compact_now;
    depot.north.hook_context = &depot;
    (void)turn_of(&depot, recipient, 1 << 30);
    assert_true(recipient->sent_count > 0);
    assert_false(is_listed(&depot, note));
    assert_true(is_listed(&depot, 1)); /* which it is to replace */
    while (turn_of(&depot, recipient, 1 << 30))
        continue;
    (void)house_packs(&depot.house, PACK_PLAIN, &packs);
    assert_int_equal(listed(&depot), packs);
    recipient_free(recipient);
    depot_release(&depot);
}

/* A pack that could not be read once counts as damaged until it is merged, which reads it well. */
static void test_what_was_not_damaged_after_all_is_waited_for(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    uint64_t first, last, note;
    size_t count;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    recipient = recipient_of(&depot);
    depot.house.fs.blind = true;
    (void)turn_of(&depot, recipient, 1 << 20);
    depot.house.fs.blind = false;
    assert_int_equal(recipient->damaged_count, 1);
    assert_int_equal(house_put(&depot.house, 2, 5 * month_ns, 10, NULL), OK);
    house_seal(&depot.house);
    while (turn_of(&depot, recipient, 1 << 20))
        continue;
    assert_int_equal(listed(&depot), 1);                /* the small one, told */
    assert_true(house_compact(&depot.house, true) > 0); /* which reads both */
    (void)house_packs(&depot.house, PACK_PLAIN, &count);
    first = number_of(&depot, 0);
    last = number_of(&depot, count - 1);
    put_progress(&depot, 0); /* of a window of the month */
    (void)house_packs(&depot.house, PACK_PLAIN, &count);
    note = number_of(&depot, count - 1);
    (void)turn_of(&depot, recipient, newest_bytes(&depot, 1));
    assert_true(note > last);
    assert_true(!is_listed(&depot, note) || is_listed(&depot, first));
    recipient_free(recipient);
    depot_release(&depot);
}

/* Of a note that waits there is a new number at each merging. */
static void test_what_was_sent_and_merged_is_forgotten(void **state)
{
    struct recipient *recipient;
    struct depot depot;

    (void)state;
    depot_init(&depot);
    put_month(&depot, 0);
    depot_drain(&depot);
    put_month(&depot, 1);
    assert_true(house_compact(&depot.house, true) > 0);
    recipient = recipient_of(&depot);
    for (int i = 0; i < 40; i++) {
        put_progress(&depot, 0);
        (void)turn_of(&depot, recipient, newest_bytes(&depot, 1)); /* sent, not listed */
        (void)house_compact(&depot.house, false);
    }
    while (turn_of(&depot, recipient, 1 << 20))
        continue;
    assert_int_equal(recipient->sent_count, 0);
    recipient_free(recipient);
    depot_release(&depot);
}

/* The newest notes were deleted, so that the history alone has them. */
static void test_a_pair_is_listed_whole(void **state)
{
    struct recipient *recipient;
    struct posting posting;
    struct depot depot;
    size_t count;

    (void)state;
    depot_init(&depot);
    depot.house.store->limits.compact_packs_max = 3;
    put_progress(&depot, 0);
    put_progress(&depot, 1);
    put_month(&depot, 0); /* above these notes, below the next one */
    put_progress(&depot, 2);
    posting_init(&posting, &depot.house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = BYTES("\x01grid")}, .start = 2 * month_ns, .end = 3 * month_ns};
    house_post(&depot.house, &posting);
    house_seal(&depot.house);
    assert_int_equal(house_compact(&depot.house, false), 1); /* the notes */
    assert_int_equal(house_packs(&depot.house, PACK_HISTORY, &count), 1);
    put_month(&depot, 0);
    assert_int_equal(house_compact(&depot.house, false), 1); /* the rows */
    recipient = recipient_of(&depot);
    for (int i = 0; i < 60; i++) {
        struct chain_list list = {0};
        int64_t through;
        bool current = false, history = false;

        (void)turn_of(&depot, recipient, 1);
        if (!is_listed(&depot, number_of(&depot, 0)) && !is_listed(&depot, number_of(&depot, 1)))
            continue;
        (void)depot_chain(&depot, acme, "north", &list, &through);
        chain_list_release(&list);
        current = is_listed(&depot, number_of(&depot, 0));
        history = is_listed(&depot, number_of(&depot, 1));
        if (current != history)
            fail_msg("turn %d: current %d history %d", i, current, history);
    }
    recipient_free(recipient);
    depot_release(&depot);
}

static void test_what_another_shard_was_told_is_waited_for(void **state)
{
    struct recipient *recipient;
    struct depot depot;
    struct chain_list list = {0};
    int64_t through;

    (void)state;
    depot_init(&depot);
    depot.house.store->limits.compact_packs_max = 2;
    put_month(&depot, 0);
    put_month(&depot, 1);
    put_progress(&depot, 0);
    recipient = recipient_of(&depot);
    while (turn_of(&depot, recipient, 1 << 20))
        continue;
    assert_int_equal(listed(&depot), 3);
    assert_int_equal(house_compact(&depot.house, false), 1); /* rows above the note */
    recipient_move(recipient, "south");
    for (int i = 0; i < 4; i++) {
        struct archive *archive = fake_open(&depot.south);
        struct turn turn = {
            .store = depot.house.store, .archive = archive, .recipient = recipient, .bytes_max = 1};

        assert_int_equal(turn_deliver(&turn, NULL), OK);
        archive->operations->close(archive);
    }
    assert_true(recipient->sent_count > 0);
    (void)depot_chain(&depot, acme, "south", &list, &through);
    assert_int_equal(list.count, 0);
    chain_list_release(&list);
    recipient_free(recipient);
    depot_release(&depot);
}

/* --- any order --- */

enum { WALK_PUTS_MAX = 40, WALK_ROWS = 30000, WALK_PACKS_MAX = 1000 };

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
        cmocka_unit_test(test_a_note_is_listed_behind_its_rows),
        cmocka_unit_test(test_a_note_does_not_wait_for_newer_rows),
        cmocka_unit_test(test_what_is_damaged_is_not_waited_for),
        cmocka_unit_test(test_what_could_not_be_opened_is_not_waited_for),
        cmocka_unit_test(test_what_waits_for_a_damaged_pack_is_waited_for),
        cmocka_unit_test(test_what_is_listed_already_is_not_waited_for),
        cmocka_unit_test(test_what_is_listed_beside_a_damaged_pack_is_not_waited_for),
        cmocka_unit_test(test_rows_do_not_wait_with_a_note),
        cmocka_unit_test(test_a_note_waits_where_its_rows_are_merged_meanwhile),
        cmocka_unit_test(test_what_was_not_damaged_after_all_is_waited_for),
        cmocka_unit_test(test_what_was_sent_and_merged_is_forgotten),
        cmocka_unit_test(test_a_pair_is_listed_whole),
        cmocka_unit_test(test_what_another_shard_was_told_is_waited_for),
        cmocka_unit_test(test_a_note_is_never_listed_before_older_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
