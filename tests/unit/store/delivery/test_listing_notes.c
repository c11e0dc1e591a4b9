/* When a chain lists what a source has done: not before the rows that it tells of. */
#include "tests/unit/store/delivery/listing_sample.h"

enum { SPAN_ROWS = 150000 };

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

/* A month that the shard has, merged with one that it lacks. */
static void put_backlog(struct depot *depot)
{
    put_month(depot, 0);
    depot_drain(depot);
    put_month(depot, 1);
    assert_true(house_compact(&depot->house, true) > 0);
}

/* What a source has done, at a time of the month, sealed. */
static void put_progress(struct depot *depot, int64_t month)
{
    house_note(&depot->house, month * month_ns);
    house_seal(&depot->house);
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
    put_backlog(&depot);
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
    put_backlog(&depot);
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
    put_backlog(&depot);
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
    put_backlog(&depot);
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
