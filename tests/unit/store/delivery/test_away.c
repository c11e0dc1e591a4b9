#include "tests/unit/store/delivery/away_depot.h"

#include "store/pack_carry.h"
#include "store/verify.h"
#include "tests/unit/store/shelf.h"
#include "tests/unit/store/waiting.h"

static const struct bytes acme = BYTES("acme");

static uint64_t gauge(struct yard *yard, const char *name)
{
    (void)away_step(yard->away);
    away_measure(yard->away);
    return house_metric(&yard->depot.house, name, METRIC_GAUGE, "");
}

static uint64_t calls(const struct yard *yard)
{
    return yard->depot.north.calls;
}

/* What a shard lists goes, and nothing else; planning asks nobody, a read asks once. */
static void test_what_is_delivered_goes_and_is_read(void **state)
{
    struct yard yard;
    uint64_t asked;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    assert_int_equal(yard_look(&yard), 0); /* not delivered */
    yard_expect_files(&yard, 1, 0);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    assert_int_equal(yard_away(&yard), 1);
    yard_expect_files(&yard, 0, 1);
    assert_int_equal(gauge(&yard, "weir_packs_away"), 1);
    assert_int_equal(gauge(&yard, "weir_packs_local_bytes"), 0);
    assert_true(gauge(&yard, "weir_packs_away_bytes") > 100000);
    asked = calls(&yard);
    yard_expect(&yard, 1, 5);
    assert_true(calls(&yard) > asked);
    depot_expect(&yard.depot, acme, "north", true);
    yard_release(&yard);
}

static void test_what_was_brought_is_kept(void **state)
{
    struct yard yard;
    uint64_t asked;

    (void)state;
    yard_init(&yard, 2 << 20); /* a quarter is for parts */
    for (uint32_t series = 1; series <= 14; series++)
        house_put_noise(&yard.depot.house, series, series);
    house_seal(&yard.depot.house);
    house_compact(&yard.depot.house, true);
    depot_drain(&yard.depot);
    assert_true(yard_look(&yard) > 0);
    asked = calls(&yard);
    yard_expect(&yard, 3, 3);
    assert_true(calls(&yard) > asked);
    asked = calls(&yard);
    column_cache_forget(yard.depot.house.store->columns, pack_serial(yard_packs(&yard)->packs[0]));
    yard_expect(&yard, 3, 3);
    assert_true(calls(&yard) - asked <= 3); /* of 2 MiB, half a MiB stays */
    yard_release(&yard);
}

/* The limit is met, not more: of two, what was read last stays. */
static void test_what_was_read_longest_ago_goes_first(void **state)
{
    struct yard yard;
    const struct pack_list *list;

    (void)state;
    yard_init(&yard, 400000);
    for (uint32_t series = 1; series <= 3; series++) {
        house_put_noise(&yard.depot.house, series, series);
        house_seal(&yard.depot.house);
        assert_int_equal(house_compact(&yard.depot.house, false), 0);
    }
    yard_release(&yard);
    /* One pair each: the others are not merged with it. */
    yard_init(&yard, 400000);
    yard.depot.house.limits.compact_packs_max = 2;
    for (uint32_t series = 1; series <= 3; series++) {
        bool did;

        house_put_noise(&yard.depot.house, series, series);
        house_seal(&yard.depot.house);
        if (series == 1)
            assert_int_equal(store_step_compact(yard.depot.house.store, true, &did, NULL), OK);
    }
    list = yard_packs(&yard);
    assert_int_equal(list->count, 3);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1); /* of the one that is compacted; plain ones stay */
    assert_int_equal(yard_away(&yard), 1);
    yard_expect_files(&yard, 2, 1);
    for (uint32_t series = 1; series <= 3; series++)
        yard_expect(&yard, series, series);
    yard_release(&yard);
}

static void test_without_a_limit_all_stays(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 0);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 0);
    yard_expect_files(&yard, 1, 0);
    yard_release(&yard);
}

/* At the limit all stays, one byte below it one goes. */
static void test_the_limit_is_met(void **state)
{
    (void)state;
    for (int less = 0; less < 2; less++) {
        struct yard yard;
        uint64_t bytes;

        yard_init(&yard, UINT64_C(1) << 40);
        yard_add(&yard, 1, 5);
        depot_drain(&yard.depot);
        bytes = pack_about(yard_packs(&yard)->packs[0]).bytes;
        yard.depot.house.limits.local_packs_bytes_max = bytes - (uint64_t)less;
        yard_restart(&yard);
        assert_int_equal(yard_look(&yard), less);
        yard_release(&yard);
    }
}

/* As the next process finds it. */
static void test_a_restart_finds_what_is_away(void **state)
{
    struct yard yard;
    struct error err = {0};

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    yard_restart(&yard);
    assert_int_equal(yard_away(&yard), 1);
    yard_expect(&yard, 1, 5);
    /* Without a way to shards there is an error, and no empty answer. */
    yard_close(&yard);
    depot_open(&yard.depot);
    assert_int_equal(yard_read(&yard, 1, 5, &err), E_SHARD);
    assert_non_null(strstr(err.text, "north"));
    depot_close(&yard.depot);
    yard_open(&yard);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* 503, and well again when the shard is. */
static void test_a_shard_that_is_down_is_named(void **state)
{
    struct yard yard;
    struct error err = {0};
    uint64_t asked;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    yard.depot.north.fail_at = yard.depot.north.calls + 1;
    yard.depot.north.fail_on = true;
    assert_int_equal(yard_read(&yard, 1, 5, &err), E_SHARD);
    assert_non_null(strstr(err.text, "shard north"));
    assert_non_null(strstr(err.text, "1970-01-01T00:00:00Z"));
    assert_true(err.retry_s > 0);
    asked = calls(&yard);
    assert_int_equal(yard_read(&yard, 1, 5, &err), E_SHARD);
    assert_int_equal(calls(&yard), asked); /* it rests */
    fake_heal(&yard.depot.north);
    depot_time(&yard.depot, 2);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* A tenant that got another shard: the old one is not the one that counts, and what is there alone
 * goes to the new one from there. */
static void test_another_shard(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    yard.depot.everybody = "south";
    assert_int_equal(yard_look(&yard), 0); /* north has it, south has not */
    yard.depot.everybody = NULL;
    assert_int_equal(yard_look(&yard), 1);
    yard.depot.everybody = "south";
    yard.depot.north.fail_at = yard.depot.north.calls + 1;
    yard.depot.north.fail_on = true;
    depot_drain(&yard.depot); /* the old one is down: later */
    assert_int_equal(depot_documents(&yard.depot, acme, "south"), 0);
    fake_heal(&yard.depot.north);
    depot_time(&yard.depot, 60);
    depot_drain(&yard.depot);
    depot_expect(&yard.depot, acme, "south", true);
    yard.depot.north.fail_at = yard.depot.north.calls + 1;
    yard.depot.north.fail_on = true;
    yard_restart(&yard); /* what was brought is forgotten */
    yard_expect(&yard, 1, 5);
    fake_heal(&yard.depot.north);
    yard_release(&yard);
}

/* From north to south, and on before all of it was at east: what is away is read at south, whatever
 * became of north, and goes to east from there. */
static void test_a_shard_that_was_left_before_all_was_there(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    yard.depot.everybody = "south";
    depot_drain(&yard.depot);
    depot_expect(&yard.depot, acme, "south", true);
    yard.depot.north.fail_at = yard.depot.north.calls + 1; /* for good */
    yard.depot.north.fail_on = true;
    yard.depot.everybody = "east";
    yard.depot.east.fail_at = 1;
    yard.depot.east.fail_on = true;
    depot_time(&yard.depot, 60);
    assert_true(depot_step(&yard.depot));
    assert_true(yard.depot.east.failed > 0);
    yard_restart(&yard); /* what was brought is forgotten */
    yard_expect(&yard, 1, 5);
    fake_heal(&yard.depot.east);
    depot_time(&yard.depot, 60);
    depot_drain(&yard.depot);
    depot_expect(&yard.depot, acme, "east", true);
    yard_release(&yard);
}

static void erase(struct yard *yard, uint32_t number)
{
    struct house *house = &yard->depot.house;
    struct posting posting;
    struct series *series = house_series(house, number);
    struct matcher matcher = {.key = BYTES("host"), .op = MATCH_EQUAL};
    char value[16];

    (void)series;
    (void)snprintf(value, sizeof(value), "h%u", number);
    matcher.value = bytes_of(value);
    posting_init(&posting, house);
    posting.tombstone = (struct tombstone){
        .selector = {.measurement = BYTES("cpu"), .matchers = &matcher, .matcher_count = 1},
        .start = INT64_MIN,
        .end = INT64_MAX,
        .erase = true,
    };
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
    house_seal(house);
}

/* What is to be erased has to be rewritten: the file comes back for that. */
static void test_an_erasure_brings_packs_back(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    house_put_noise(&yard.depot.house, 1, 5);
    house_put_noise(&yard.depot.house, 2, 6);
    house_seal(&yard.depot.house);
    house_compact(&yard.depot.house, true);
    depot_drain(&yard.depot);
    assert_true(yard_look(&yard) > 0);
    assert_true(yard_away(&yard) > 0);
    erase(&yard, 2);
    (void)house_compact(&yard.depot.house, false); /* nothing can be done yet */
    assert_true(yard_away(&yard) > 0);
    yard.depot.north.fail_at = yard.depot.north.calls + 1; /* the first attempt fails */
    assert_int_equal(yard_look(&yard), 0);
    depot_time(&yard.depot, 60);
    assert_true(away_step(yard.away));
    assert_true(house_compact(&yard.depot.house, false) > 0);
    assert_int_equal(house_metric(&yard.depot.house, "weir_tombstones", METRIC_GAUGE, ""), 0);
    yard_expect(&yard, 1, 5);
    depot_drain_all(&yard.depot);
    depot_expect(&yard.depot, acme, "north", true);
    (void)yard_look(&yard);
    yard_expect(&yard, 1, 5);
    yard_restart(&yard);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* Also while the tenant goes to another shard, which takes nothing: the one before has it. */
static void test_an_erasure_goes_on_while_the_tenant_moves(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 1);
    house_put_noise(&yard.depot.house, 1, 5);
    house_put_noise(&yard.depot.house, 2, 6);
    house_seal(&yard.depot.house);
    house_compact(&yard.depot.house, true);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    yard.depot.everybody = "south";
    yard.depot.south.fail_at = 1;
    yard.depot.south.fail_on = true;
    assert_true(depot_step(&yard.depot)); /* it is begun there */
    assert_true(yard.depot.south.failed > 0);
    erase(&yard, 2);
    (void)house_compact(&yard.depot.house, false);
    assert_int_equal(yard_look(&yard), 1);
    assert_true(house_compact(&yard.depot.house, false) > 0);
    assert_int_equal(house_metric(&yard.depot.house, "weir_tombstones", METRIC_GAUGE, ""), 0);
    yard_expect(&yard, 1, 5);
    yard_release(&yard);
}

/* With threads: whoever asks for it waits until the packs are back and rewritten. */
static void test_who_erases_waits_for_packs_that_are_away(void **state)
{
    struct waiting waiting;
    struct yard yard;
    struct house *house = &yard.depot.house;

    (void)state;
    yard_init(&yard, 1);
    house_put_noise(house, 1, 5);
    house_put_noise(house, 2, 6);
    house_seal(house);
    house_compact(house, true);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    erase(&yard, 2);
    yard_close(&yard);
    house_start(house);
    assert_int_equal(away_new(house->store, &yard.depot.rules, &yard.away, NULL), OK);
    assert_int_equal(away_start(yard.away, NULL), OK);
    waiting_init(&waiting);
    store_compact(house->store, house->tenant, COMPACT_DUE, waiting_done, &waiting);
    if (waiting_for(&waiting, 1) != OK)
        fail_msg("%s", waiting.text);
    assert_int_equal(house_metric(house, "weir_tombstones", METRIC_GAUGE, ""), 0);
    store_compact_end(house->store);
    yard_release(&yard);
}

static void count_file(void *context, const char *name)
{
    (void)name;
    *(size_t *)context += 1;
}

static size_t parts_kept(struct yard *yard)
{
    size_t count = 0;

    assert_int_equal(fs_list(&yard->depot.house.fs.fs, "parts", count_file, &count, NULL), OK);
    return count;
}

/* Parts that were read while it was away have the rows, too. */
static void test_an_erasure_leaves_no_part(void **state)
{
    struct yard yard;

    (void)state;
    yard_init(&yard, 5 << 20); /* a quarter is for parts of a MiB */
    for (uint32_t series = 1; series <= 60; series++) {
        house_put_noise(&yard.depot.house, series, series);
        if (series % 10 == 0)
            house_seal(&yard.depot.house);
    }
    house_compact(&yard.depot.house, true);
    depot_drain(&yard.depot);
    assert_true(yard_look(&yard) > 0);
    yard_expect(&yard, 3, 3);
    assert_true(parts_kept(&yard) > 0);
    erase(&yard, 3);
    (void)house_compact(&yard.depot.house, false); /* asks for it to come back */
    (void)yard_look(&yard);
    assert_true(house_compact(&yard.depot.house, false) > 0);
    assert_int_equal(house_metric(&yard.depot.house, "weir_tombstones", METRIC_GAUGE, ""), 0);
    assert_int_equal(parts_kept(&yard), 0);
    yard_expect(&yard, 4, 4);
    yard_release(&yard);
}

/* Past retention it goes as others do, and nothing of it is asked for. */
static void test_what_is_away_expires(void **state)
{
    struct yard yard;
    uint64_t asked;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    asked = calls(&yard);
    yard.depot.house.retention_ns = INT64_C(3600000000000); /* rows are of 1970 */
    assert_true(house_compact(&yard.depot.house, false) > 0);
    assert_int_equal(calls(&yard), asked);
    (void)house_compact(&yard.depot.house, false);
    yard_expect_files(&yard, 0, 0);
    depot_drain_all(&yard.depot);
    assert_int_equal(depot_documents(&yard.depot, acme, "north"), 0);
    yard_restart(&yard); /* and the next process misses nothing */
    assert_int_equal(house_metric(&yard.depot.house, "weir_missing_parts", METRIC_GAUGE, ""), 0);
    yard_release(&yard);
}

/* New plain packs are merged beside it; it is not asked for. */
static void test_compaction_leaves_it_alone(void **state)
{
    struct yard yard;
    uint64_t asked;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    asked = calls(&yard);
    for (int i = 0; i < 3; i++)
        depot_add_pack(&yard.depot, 2, i * 10);
    assert_true(house_compact(&yard.depot.house, true) > 0);
    assert_int_equal(calls(&yard), asked);
    assert_int_equal(yard_away(&yard), 1);
    yard_expect(&yard, 1, 5);
    house_expect(&yard.depot.house, 2, 0, 30);
    yard_release(&yard);
}

static void count_fault(void *context, const char *fault)
{
    (void)fault;
    ++*(unsigned *)context;
}

/* What is here of it is verified; a backup would lack the rest, and says so. */
static void test_verify_and_backup_say_what_they_cannot(void **state)
{
    struct yard yard;
    struct house *house = &yard.depot.house;
    struct shelf shelf;
    struct pack_carry carry = {.link = false};
    struct verify_report report;
    struct error err = {0};
    unsigned faults = 0;

    (void)state;
    yard_init(&yard, 1);
    yard_add(&yard, 1, 5);
    depot_drain(&yard.depot);
    assert_int_equal(yard_look(&yard), 1);
    assert_int_equal(store_verify(&house->fs.fs, house->index, count_fault, &faults, &report, &err),
                     OK);
    assert_int_equal(faults, 0);
    assert_int_equal(report.packs, 1);
    assert_int_equal(report.packs_away, 1);
    assert_int_equal(report.blocks_rows, 20000);
    assert_true(report.away_bytes > 100000);

    shelf_init(&shelf);
    carry.files = (struct file_copy){.from = &house->fs.fs, .to = shelf.fs};
    assert_int_equal(pack_carry(&carry, house->index, &err), E_NOT_SUPPORTED);
    assert_non_null(strstr(err.text, "local_packs_bytes_max"));
    shelf_release(&shelf);

    house_damage(house, "packs/acme/0000000000000002.stub", 200);
    assert_int_equal(store_verify(&house->fs.fs, house->index, count_fault, &faults, &report, &err),
                     OK);
    assert_int_equal(faults, 1);
    yard_release(&yard);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_delivered_goes_and_is_read),
        cmocka_unit_test(test_what_was_brought_is_kept),
        cmocka_unit_test(test_what_was_read_longest_ago_goes_first),
        cmocka_unit_test(test_without_a_limit_all_stays),
        cmocka_unit_test(test_the_limit_is_met),
        cmocka_unit_test(test_a_restart_finds_what_is_away),
        cmocka_unit_test(test_a_shard_that_is_down_is_named),
        cmocka_unit_test(test_another_shard),
        cmocka_unit_test(test_a_shard_that_was_left_before_all_was_there),
        cmocka_unit_test(test_an_erasure_brings_packs_back),
        cmocka_unit_test(test_an_erasure_goes_on_while_the_tenant_moves),
        cmocka_unit_test(test_who_erases_waits_for_packs_that_are_away),
        cmocka_unit_test(test_an_erasure_leaves_no_part),
        cmocka_unit_test(test_what_is_away_expires),
        cmocka_unit_test(test_compaction_leaves_it_alone),
        cmocka_unit_test(test_verify_and_backup_say_what_they_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
