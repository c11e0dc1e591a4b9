#include "store/delivery/move.h"

#include "tests/unit/store/delivery/away_depot.h"

static const struct index_operations *inner;
static unsigned walks;

static enum code counted_walk(struct index_transaction *transaction, enum index_table table,
                              struct bytes from,
                              enum code (*each)(void *context, struct bytes key, struct bytes value,
                                                struct error *err),
                              void *context, struct error *err)
{
    walks++;
    return inner->walk(transaction, table, from, each, context, err);
}

/* Else a thousand packs that a dead shard does not list would be a million entries each second. */
static void test_a_candidate_is_looked_up_and_not_searched_for(void **state)
{
    struct index_operations counting;
    struct index *index;
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    yard_add_apart(&yard, 3);
    index = yard.depot.house.index;
    inner = index->operations;
    counting = *inner;
    counting.walk = counted_walk;
    index->operations = &counting;
    walks = 0;
    yard.depot.everybody = "south"; /* which lists none */
    assert_int_equal(yard_look(&yard), 0);
    yard.depot.everybody = NULL;
    assert_int_equal(yard_look(&yard), 1);
    assert_int_equal(yard_away(&yard), 3);
    assert_int_equal(walks, 0);
    index->operations = inner;
    yard_release(&yard);
}

/* The power went when the stub was there and the file was, too. */
static void test_a_file_that_did_not_go_counts(void **state)
{
    struct yard yard;
    struct house *house = &yard.depot.house;
    struct view *view;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(store_view(house->store, house->tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(yard_look(&yard), 1);
    yard_expect_files(&yard, 1, 1); /* a reader has it */
    view_free(view);
    yard_restart(&yard);
    yard_expect_files(&yard, 1, 0);
    assert_int_equal(yard_away(&yard), 0);
    yard_expect(&yard, 1, 5);
    assert_int_equal(yard_look(&yard), 1);
    yard_expect_files(&yard, 0, 1);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

static void test_who_reads_a_file_that_goes_reads_on(void **state)
{
    static struct read_row rows[100000];
    struct yard yard;
    struct house *house = &yard.depot.house;
    struct view *view;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(store_view(house->store, house->tenant, VIEW_LATEST, &view, NULL), OK);
    assert_int_equal(yard_look(&yard), 1);
    yard.depot.north.fail_at = yard.depot.north.calls + 1;
    yard.depot.north.fail_on = true;
    assert_int_equal(house_read_view(house, view, 1, rows, COUNT_OF(rows)), 20000);
    view_free(view);
    (void)away_step(yard.away);
    yard_expect_files(&yard, 0, 1);
    fake_heal(&yard.depot.north);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* A document that is not there any more, or another one: the file stays. */
static void test_nothing_goes_that_the_shard_has_lost(void **state)
{
    static const char *const lost[] = {"part", "last part", "chain", "changed"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lost); i++) {
        struct yard yard;
        struct fake_archive *north = &yard.depot.north;
        enum archive_collection collection = i == 2 ? ARCHIVE_MANIFESTS : ARCHIVE_PACKS;
        size_t at = 0;

        yard_init(&yard, 1);
        yard_add(&yard, 1, 5);
        depot_drain(&yard.depot);
        while (north->documents[at].collection != collection)
            at++;
        if (i == 1)
            while (at + 1 < north->count && north->documents[at + 1].collection == collection)
                at++;
        if (i < 3)
            fake_delete(north, &north->documents[at]);
        else
            north->documents[at].body[99] ^= 1;
        assert_int_equal(yard_look(&yard), 0);
        yard_expect_files(&yard, 1, 0);
        assert_int_equal(yard_away(&yard), 0);
        yard_expect(&yard, 1, 5);
        yard_release(&yard);
    }
}

/* One pack is damaged here, or another one there: it stays, and the others go. */
static void test_a_bad_pack_stays_alone(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct yard yard;
        struct fake_archive *north = &yard.depot.north;
        char number[20], path[64];
        size_t at = 0;

        yard_init(&yard, 1);
        yard_add_apart(&yard, 3);
        (void)snprintf(number, sizeof(number), "/%016llx/",
                       (unsigned long long)pack_about(yard_packs(&yard)->packs[0]).number);
        while (strstr(north->documents[at].id, number) == NULL)
            at++;
        (void)snprintf(path, sizeof(path), "packs/%s.pack", pack_name(yard_packs(&yard)->packs[0]));
        if (there)
            north->documents[at].body[5000] ^= 1;
        else
            house_damage(&yard.depot.house, path, 5000);
        assert_int_equal(yard_look(&yard), 1); /* the others go in one look */
        assert_int_equal(yard_away(&yard), 2);
        yard_expect_files(&yard, 1, 2);
        if (there) { /* a moment later it is tried again */
            north->documents[at].body[5000] ^= 1;
            assert_int_equal(yard_look(&yard), 0);
            depot_time(&yard.depot, 31);
            assert_int_equal(yard_look(&yard), 1);
            yard_expect(&yard, 1, 1);
        }
        yard_expect(&yard, 3, 3);
        yard_release(&yard);
    }
}

static void put_entry(struct yard *yard, const struct chain_entry *entry)
{
    struct archive *archive = fake_open(&yard->depot.north);
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    struct archive_document document;

    chain_entry_encode(entry, &body);
    chain_database(entry->tenant, database);
    chain_entry_id(&entry->incarnation, entry->number, id);
    document = (struct archive_document){bytes_of(id), buf_bytes(&body), hash128(buf_bytes(&body))};
    assert_int_equal(archive->operations->put(archive, bytes_of(database), ARCHIVE_MANIFESTS,
                                              &document, 1, NULL),
                     OK);
    archive->operations->close(archive);
    buf_release(&body);
}

struct copying {
    struct yard *yard;
    struct chain_entry entry;
    uint64_t at;
};

static void copy_goes_on(void *context, uint64_t call)
{
    struct copying *copying = context;

    if (call != copying->at)
        return;
    copying->yard->depot.north.hook = NULL;
    put_entry(copying->yard, &copying->entry);
}

/* A copy of the data directory was started and has delivered: before the move, or while it is under
 * way, at each call.  Nothing goes then or later, nor in the next process. */
static void test_nothing_goes_once_somebody_else_writes_our_chain(void **state)
{
    unsigned stayed = 0;

    (void)state;
    for (uint64_t at = 1; at <= 20; at++) {
        struct chain_pack added = {
            .entry = {.number = 9, .settled = 1, .floor = 1},
              .parts = 2
        };
        struct copying copying;
        struct yard yard;

        yard_init(&yard, 1);
        yard_add(&yard, 1, 5);
        depot_drain(&yard.depot);
        copying = (struct copying){
            .yard = &yard,
            .entry = {.incarnation = yard.depot.house.store->incarnation,
                      .tenant = BYTES("acme"),
                      .number = 1,
                      .adds = &added,
                      .add_count = 1},
            .at = yard.depot.north.calls + at,
        };
        yard.depot.north.hook = copy_goes_on;
        yard.depot.north.hook_context = &copying;
        if (yard_look(&yard) == 0) {
            stayed++;
            for (int i = 0; i < 2; i++) {
                depot_time(&yard.depot, 7200);
                assert_int_equal(yard_look(&yard), 0);
                yard_expect_files(&yard, 1, 0);
                yard_restart(&yard);
            }
        }
        yard_release(&yard);
    }
    assert_true(stayed >= 4 && stayed < 20);
}

/* Our own entry whose answer was lost is noted by the next turn: until then nothing goes. */
static void test_an_entry_that_is_not_noted_yet_is_waited_for(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    depot_add_pack(&yard.depot, 2, 100);
    yard.depot.north.how = FAKE_AFTER;
    yard.depot.north.fail_at = yard.depot.north.calls + 3; /* parts, the entry before, the entry */
    assert_true(depot_step(&yard.depot));
    assert_int_equal(yard.depot.north.failed, 1);
    assert_int_equal(yard_look(&yard), 0);
    yard_expect_files(&yard, 1, 0);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* Every call of the archive and every change of the disk fails once, on the way there and on the
 * way back: nothing is lost, and the next attempt comes off. */
static void test_failures_on_the_way(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (uint64_t n = 1; n <= 20; n++) {
        struct yard yard;
        bool failed;

        yard_init(&yard, 1);
        yard_add(&yard, 1, 5);
        depot_drain(&yard.depot);
        if (n % 2 == 0) {
            house_fail(&yard.depot.house, n / 2, false, E_DISK_FULL);
        } else {
            yard.depot.north.fail_at = yard.depot.north.calls + (n + 1) / 2;
        }
        (void)yard_look(&yard);
        failed = yard_away(&yard) == 0;
        house_fail(&yard.depot.house, 0, false, OK);
        fake_heal(&yard.depot.north);
        yard_expect_files(&yard, failed, !failed);
        yard_expect(&yard, 1, 5);
        depot_time(&yard.depot, 60);
        (void)yard_look(&yard);
        assert_int_equal(yard_away(&yard), 1);
        yard_expect(&yard, 1, 5);
        yard_release(&yard);
        failures += failed;
    }
    assert_true(failures >= 6);
}

/* A new incarnation has delivered nothing. */
static void test_a_new_incarnation_sends_nothing_away(void **state)
{
    struct yard yard;
    const struct index_operations *index;
    struct index_transaction *transaction;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    index = yard.depot.house.index->operations;
    assert_int_equal(index->begin(yard.depot.house.index, true, &transaction, NULL), OK);
    assert_int_equal(delivered_clear(yard.depot.house.index, transaction, NULL), OK);
    assert_int_equal(index->commit(transaction, NULL), OK);
    assert_int_equal(yard_look(&yard), 0);
    yard_expect_files(&yard, 1, 0);
    yard_release(&yard);
}

/* A merge of the tenant's packs is under way: nothing moves, and nobody is asked. */
static void test_what_is_being_merged_stays(void **state)
{
    struct yard yard;
    struct holding *holding;
    uint64_t asked;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    holding = yard.depot.house.store->holdings[yard.depot.house.tenant->ordinal];
    holding->compacting = true;
    asked = yard.depot.north.calls;
    assert_int_equal(yard_look(&yard), 0);
    assert_int_equal(yard.depot.north.calls, asked);
    holding->compacting = false;
    assert_int_equal(yard_look(&yard), 1);
    yard_release(&yard);
}

struct merging {
    struct yard *yard;
    bool done;
};

/* Between the shard's answers. */
static void merge(void *context, uint64_t call)
{
    struct merging *merging = context;

    (void)call;
    if (merging->done)
        return;
    merging->done = true;
    depot_add_pack(&merging->yard->depot, 2, 100);
    assert_true(house_compact(&merging->yard->depot.house, true) > 0);
}

/* The pack was merged away while it was read at the shard: its rows are there once. */
static void test_a_merge_meanwhile_wins(void **state)
{
    struct yard yard;
    struct merging merging = {&yard, false};
    size_t all;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    yard.depot.north.hook = merge;
    yard.depot.north.hook_context = &merging;
    assert_int_equal(yard_look(&yard), 0);
    yard.depot.north.hook = NULL;
    assert_true(merging.done);
    (void)house_packs(&yard.depot.house, PACK_CURRENT, &all);
    assert_int_equal(all, 1);
    (void)house_compact(&yard.depot.house, false); /* the merged one's file goes */
    yard_expect_files(&yard, 1, 0);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

static uint64_t space_left;

static enum code so_much_space(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    (void)fs, (void)err;
    *bytes_free = space_left;
    return OK;
}

/* A disk that is nearly full is not filled by what comes back: three times the pack has to be free.
 */
static void test_a_pack_comes_back_when_there_is_room(void **state)
{
    enum code (*space)(struct fs * fs, uint64_t * bytes_free, struct error * err);
    uint64_t bytes, asked;
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    bytes = pack_about(yard_packs(&yard)->packs[0]).bytes;
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    pack_want(yard_packs(&yard)->packs[0]);
    space = yard.depot.house.fs.operations.space;
    yard.depot.house.fs.operations.space = so_much_space;
    space_left = 3 * bytes - 1;
    asked = yard.depot.north.calls;
    assert_int_equal(yard_look(&yard), 0);
    assert_int_equal(yard.depot.north.calls, asked);
    space_left = UINT64_C(1) << 30;
    assert_int_equal(yard_look(&yard), 0); /* it was tried a moment ago */
    yard_add(&yard, 2, 6);
    depot_drain(&yard.depot);
    depot_time(&yard.depot, 240);
    space_left = 3 * bytes - 1;
    assert_int_equal(yard_look(&yard), 1); /* what goes meanwhile makes room */
    assert_int_equal(yard_away(&yard), 2);
    space_left++;
    depot_time(&yard.depot, 240);
    assert_true(away_step(yard.away));
    assert_int_equal(yard_away(&yard), 1);
    yard.depot.house.fs.operations.space = space;
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* Of what came back the file stays until it was rewritten, whatever the limit. */
static void test_back_it_stays(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    pack_want(yard_packs(&yard)->packs[0]);
    assert_int_equal(yard_look(&yard), 1);
    assert_int_equal(yard_away(&yard), 0);
    yard_expect_files(&yard, 1, 0);
    yard_expect(&yard, 1, 5);
    yard_restart(&yard); /* the next process knows nothing of that */
    assert_int_equal(yard_look(&yard), 1);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* Documents that changed there do not come back as a file. */
static void test_what_comes_back_is_the_pack(void **state)
{
    struct yard yard;
    struct fake_archive *north = &yard.depot.north;
    size_t at = 0;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    while (north->documents[at].collection != ARCHIVE_PACKS)
        at++;
    north->documents[at].body[77] ^= 1;
    pack_want(yard_packs(&yard)->packs[0]);
    assert_int_equal(yard_look(&yard), 0);
    yard_expect_files(&yard, 0, 1);
    north->documents[at].body[77] ^= 1;
    depot_time(&yard.depot, 60);
    assert_int_equal(yard_look(&yard), 1);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_did_not_go_counts),
        cmocka_unit_test(test_who_reads_a_file_that_goes_reads_on),
        cmocka_unit_test(test_nothing_goes_that_the_shard_has_lost),
        cmocka_unit_test(test_a_candidate_is_looked_up_and_not_searched_for),
        cmocka_unit_test(test_a_bad_pack_stays_alone),
        cmocka_unit_test(test_nothing_goes_once_somebody_else_writes_our_chain),
        cmocka_unit_test(test_an_entry_that_is_not_noted_yet_is_waited_for),
        cmocka_unit_test(test_failures_on_the_way),
        cmocka_unit_test(test_a_new_incarnation_sends_nothing_away),
        cmocka_unit_test(test_what_is_being_merged_stays),
        cmocka_unit_test(test_a_merge_meanwhile_wins),
        cmocka_unit_test(test_a_pack_comes_back_when_there_is_room),
        cmocka_unit_test(test_back_it_stays),
        cmocka_unit_test(test_what_comes_back_is_the_pack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
