#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/reader.h"
#include "store/delivery/rebuild.h"
#include "store/identity.h"
#include "store/pack_carry.h"
#include "store/verify.h"
#include "tests/unit/store/shelf.h"

enum { TEXT_BYTES_MAX = 16 << 20 };

struct ground {
    struct house house;
    struct shelf made; /* packs are there, and an index that knows of none */
    struct index *index;
    struct rebuild *rebuild;
    struct error err;
};

static void put_deletion(struct house *house)
{
    struct posting posting;

    posting_init(&posting, house);
    posting.tombstone =
        (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = 3, .end = 5};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
    house_seal(house);
}

static void ground_init(struct ground *ground)
{
    *ground = (struct ground){.rebuild = NULL};
    house_init(&ground->house);
    house_open(&ground->house);
    shelf_fill_house(&ground->house);
    house_seal(&ground->house);
    shelf_init(&ground->made);
}

/* Brings the packs and opens what is to be made of them. */
static void ground_carry(struct ground *ground)
{
    struct pack_carry carry = {
        .files = {.from = ground->house.fs.inner, .to = ground->made.fs}
    };

    if (pack_carry(&carry, ground->house.index, &ground->err))
        fail_msg("%s", ground->err.text);
    assert_int_equal(
        index_lmdb_open(ground->made.index_path, SHELF_MAP_BYTES, false, &ground->index, NULL), OK);
    assert_int_equal(rebuild_new(ground->made.fs, ground->index, &ground->rebuild, NULL), OK);
}

static void ground_release(struct ground *ground)
{
    rebuild_free(ground->rebuild);
    index_lmdb_close(ground->index);
    house_close(&ground->house);
    house_remove(&ground->house);
    shelf_release(&ground->made);
}

struct adding {
    struct ground *ground;
    struct index_transaction *transaction;
};

static enum code add_pack(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct adding *adding = context;
    struct manifest_entry entry;
    struct bytes tenant, rest, inline_bytes = {0};

    assert_true(index_key_split(key, &tenant, &rest));
    assert_int_equal(manifest_entry_decode(value, &entry, NULL), OK);
    if (!entry.in_file)
        assert_int_equal(adding->ground->house.index->operations->get(
                             adding->transaction, INDEX_PACK, key, &inline_bytes, NULL),
                         OK);
    return rebuild_add(adding->ground->rebuild, tenant, &entry,
                       manifest_inline(&entry, inline_bytes), err);
}

static enum code add_packs(struct ground *ground)
{
    const struct index_operations *index = ground->house.index->operations;
    struct adding adding = {.ground = ground};
    enum code code;

    assert_int_equal(index->begin(ground->house.index, false, &adding.transaction, NULL), OK);
    code = index->walk(adding.transaction, INDEX_MANIFEST, (struct bytes){0}, add_pack, &adding,
                       &ground->err);
    index->abort(adding.transaction);
    return code;
}

static enum code print_entry(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct buf *text = context;

    (void)err;
    buf_put_span(text, key);
    buf_put_span(text, value);
    return OK;
}

static void print_table(struct index *index, enum index_table table, struct buf *text)
{
    struct index_transaction *transaction;

    assert_int_equal(index->operations->begin(index, false, &transaction, NULL), OK);
    assert_int_equal(
        index->operations->walk(transaction, table, (struct bytes){0}, print_entry, text, NULL),
        OK);
    index->operations->abort(transaction);
    assert_int_equal(buf_finish(text, NULL), OK);
}

/* All but what is of the store as a whole. */
static void expect_same_tables(struct ground *ground)
{
    for (enum index_table table = INDEX_MANIFEST; table <= INDEX_NOTE; table++) {
        struct buf want = BUF_INIT(TEXT_BYTES_MAX), got = BUF_INIT(TEXT_BYTES_MAX);

        print_table(ground->house.index, table, &want);
        print_table(ground->index, table, &got);
        if (!bytes_equal(buf_bytes(&want), buf_bytes(&got)))
            fail_msg("table %d: %zu bytes instead of %zu, or others", table, got.size, want.size);
        buf_release(&want);
        buf_release(&got);
    }
}

static void note_fault(void *context, const char *fault)
{
    (void)context;
    fail_msg("%s", fault);
}

static int64_t floor_of(struct index *index)
{
    struct index_transaction *transaction;
    struct bytes value;
    int64_t floor = 0;

    assert_int_equal(index->operations->begin(index, false, &transaction, NULL), OK);
    if (index->operations->get(transaction, INDEX_META, BYTES("floor/acme"), &value, NULL) == OK) {
        struct reader reader = reader_of(value);

        floor = reader_i64(&reader);
    }
    index->operations->abort(transaction);
    return floor;
}

static void expect_rebuilt(struct ground *ground)
{
    struct identity source, made;
    struct verify_report report;
    struct hash128 incarnation;

    ground_carry(ground);
    if (add_packs(ground) || rebuild_finish(ground->rebuild, 5, &incarnation, &ground->err))
        fail_msg("%s", ground->err.text);
    expect_same_tables(ground);
    assert_int_equal(identity_read(ground->house.index, &source, NULL), OK);
    assert_int_equal(identity_read(ground->index, &made, NULL), OK);
    assert_memory_equal(&made.incarnation, &incarnation, sizeof(incarnation));
    assert_memory_not_equal(&made.incarnation, &source.incarnation, sizeof(incarnation));
    assert_true(made.ingest_last == source.ingest_last);
    assert_true(made.sealed_lsn == source.sealed_lsn);
    assert_true(floor_of(ground->index) == floor_of(ground->house.index));
    assert_int_equal(fs_make_dir(ground->made.fs, "wal", NULL), OK);
    assert_int_equal(store_verify(ground->made.fs, ground->index, note_fault, NULL, &report, NULL),
                     OK);
    assert_int_equal(report.faults, 0);
}

static void test_an_index_can_be_made_again_from_packs_alone(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    put_deletion(&ground.house);
    expect_rebuilt(&ground);
    ground_release(&ground);
}

static void test_also_from_packs_that_were_compacted(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    assert_int_equal(house_put(&ground.house, 4, 0, 10, NULL), OK); /* versions that lost */
    house_seal(&ground.house);
    put_deletion(&ground.house);
    assert_true(house_compact(&ground.house, true) > 0);
    assert_true(house_packs(&ground.house, PACK_HISTORY, NULL) > 0);
    expect_rebuilt(&ground);
    ground_release(&ground);
}

static void test_the_past_that_compaction_dropped_is_not_answered(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    assert_int_equal(house_put(&ground.house, 4, 0, 10, NULL), OK);
    house_seal(&ground.house);
    ground.house.history_ns = 1;
    ground.house.clock.wall_more += 2000000000; /* ages are counted in steps of a second */
    ground.house.clock.monotonic_more += 2000000000;
    assert_true(house_compact(&ground.house, true) > 0);
    assert_true(floor_of(ground.house.index) > 0);
    expect_rebuilt(&ground);
    ground_release(&ground);
}

static void test_a_store_goes_on_from_it_with_numbers_of_its_own(void **state)
{
    struct house served;
    struct ground ground;

    (void)state;
    ground_init(&ground);
    expect_rebuilt(&ground);
    rebuild_free(ground.rebuild);
    ground.rebuild = NULL;
    index_lmdb_close(ground.index);
    ground.index = NULL;
    house_init(&served);
    (void)rmdir(served.directory);
    memcpy(served.directory, ground.made.directory, sizeof(served.directory));
    house_open(&served);
    house_expect(&served, 4, 0, 10);
    house_expect(&served, 5, 0, 10);
    assert_true(served.store->pack_next == ground.house.store->pack_next);
    assert_int_equal(house_put(&served, 6, 0, 10, NULL), OK);
    house_seal(&served);
    house_expect(&served, 6, 0, 10);
    house_close(&served);
    ground_release(&ground);
}

static void test_ingest_times_go_on_behind_what_was_promised(void **state)
{
    struct hash128 incarnation;
    struct identity made;
    struct ground ground;

    (void)state;
    ground_init(&ground);
    ground_carry(&ground);
    assert_int_equal(add_packs(&ground), OK);
    assert_int_equal(rebuild_finish(ground.rebuild, INT64_MAX - 7, &incarnation, NULL), OK);
    assert_int_equal(identity_read(ground.index, &made, NULL), OK);
    assert_true(made.ingest_last == INT64_MAX - 7);
    ground_release(&ground);
}

static void test_a_pack_that_is_not_its_entrys_is_refused_by_name(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
    ground_carry(&ground);
    shelf_damage(&ground.made, "packs/acme/0000000000000002.pack", 20);
    assert_int_equal(add_packs(&ground), E_CORRUPT);
    assert_non_null(strstr(ground.err.text, "packs/acme/0000000000000002.pack"));
    ground_release(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_index_can_be_made_again_from_packs_alone),
        cmocka_unit_test(test_also_from_packs_that_were_compacted),
        cmocka_unit_test(test_the_past_that_compaction_dropped_is_not_answered),
        cmocka_unit_test(test_a_store_goes_on_from_it_with_numbers_of_its_own),
        cmocka_unit_test(test_ingest_times_go_on_behind_what_was_promised),
        cmocka_unit_test(test_a_pack_that_is_not_its_entrys_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
