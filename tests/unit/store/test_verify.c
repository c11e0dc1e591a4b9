#include "store/verify.h"

#include "store/delivery/delivered.h"
#include "tests/unit/store/house.h"

struct told {
    char texts[16][512];
    size_t count;
};

static void take(void *context, const char *fault)
{
    struct told *told = context;

    if (told->count < COUNT_OF(told->texts))
        snprintf(told->texts[told->count++], sizeof(told->texts[0]), "%s", fault);
}

static void look(struct house *house, struct told *told, struct verify_report *report)
{
    struct error err = {0};

    *told = (struct told){0};
    house_open_index(house);
    if (store_verify(house->fs.inner, house->index, take, told, report, &err) != OK)
        fail_msg("%s", err.text);
    assert_int_equal(report->faults, told->count);
    index_lmdb_close(house->index);
    fs_posix_close(house->fs.inner);
}

/* Two packs (one in a file, one in the index), a deletion and 30 rows in the wal. */
static void make(struct house *house)
{
    struct posting posting;

    house_init(house);
    house_open(house);
    house_put_noise(house, 1, 1);
    house_seal(house);
    assert_int_equal(house_put(house, 2, 0, 10, NULL), OK);
    posting_init(&posting, house);
    posting.tombstone =
        (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = 1, .end = 2};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    posting_release(&posting);
    house_seal(house);
    for (int i = 0; i < 3; i++)
        assert_int_equal(house_put(house, 3, i * 10, 10, NULL), OK);
    house_close(house);
}

static const char pack_file[] = "packs/acme/0000000000000001.pack";

static void test_a_whole_directory_has_no_faults(void **state)
{
    struct verify_report report;
    struct told told;
    struct house house;

    (void)state;
    make(&house);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 0);
    assert_int_equal(report.packs, 2);
    assert_int_equal(report.blocks_rows, 20010);
    assert_int_equal(report.wal_records, 3);
    assert_int_equal(report.wal_rows, 30);
    assert_int_equal(report.wal_records_torn, 0);
    assert_int_equal(report.series, 2); /* the third is in the wal alone */
    assert_int_equal(report.tombstones, 1);
    assert_int_equal(report.gaps_known, 0);
    house_open(&house);
    house_expect(&house, 3, 0, 30); /* nothing was changed */
    house_close(&house);
    house_remove(&house);
}

static void test_a_damaged_pack_is_told(void **state)
{
    static const long offsets[] = {0, 20, 200, 50000, 100000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        struct verify_report report;
        struct told told;
        struct house house;

        make(&house);
        house_damage(&house, pack_file, offsets[i]);
        look(&house, &told, &report);
        if (report.faults != 1 || strstr(told.texts[0], pack_file) == NULL)
            fail_msg("byte %ld: %zu faults: %s", offsets[i], told.count, told.texts[0]);
        assert_int_equal(report.packs, 1);
        house_remove(&house);
    }
}

static void test_a_pack_that_is_gone_is_told(void **state)
{
    struct verify_report report;
    struct told told;
    struct house house;
    char path[160];

    (void)state;
    make(&house);
    assert_true(house_path(&house, pack_file, path));
    assert_int_equal(remove(path), 0);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 1);
    assert_non_null(strstr(told.texts[0], pack_file));
    house_remove(&house);
}

/* A good pack with the right name and other rows, as from a copy of the directory that went its own
 * way. */
static void test_a_good_pack_that_is_another_is_told(void **state)
{
    struct verify_report report;
    struct told told;
    struct house house, other;
    char path[160], from[160];

    (void)state;
    make(&house);
    house_init(&other);
    house_open(&other);
    house_put_noise(&other, 1, 2);
    house_seal(&other);
    house_close(&other);
    assert_true(house_path(&other, pack_file, from));
    assert_true(house_path(&house, pack_file, path));
    assert_int_equal(rename(from, path), 0);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 1);
    assert_non_null(strstr(told.texts[0], "not the pack that the manifest was told of"));
    house_remove(&other);
    house_remove(&house);
}

/* What shards have, as the index knows it, is held against the manifest. */
static void test_a_delivered_pack_that_is_another_is_told(void **state)
{
    struct chain_pack pack = {.parts = 2};
    struct verify_report report;
    struct told told;
    struct house house;
    struct diff diff;

    (void)state;
    make(&house);
    house_open_index(&house);
    assert_int_equal(delivered_compare(house.index, BYTES("acme"), BYTES("north"), &diff, NULL),
                     OK);
    assert_int_equal(diff.counts[DIFF_ADD], 2);
    pack.entry = diff.packs[0].pack.entry;
    assert_int_equal(delivered_begin(house.index, BYTES("acme"), BYTES("north"), &pack, 1, NULL),
                     OK);
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 0);
    house_open_index(&house);
    pack.entry.incarnation.bytes[0] ^= 1;
    assert_int_equal(delivered_begin(house.index, BYTES("acme"), BYTES("north"), &pack, 1, NULL),
                     OK);
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 1);
    assert_non_null(strstr(told.texts[0], "delivered pack: pack acme/0000000000000001 is not"));
    diff_release(&diff);
    house_remove(&house);
}

/* The second of three records in the wal: told by verify, by the start and by every answer, until
 * the loss is accepted. */
static void test_a_gap_is_told_until_it_is_accepted(void **state)
{
    static char segment[1 << 20];
    struct verify_report report;
    struct told told;
    struct house house;
    char path[160];
    struct view *view;
    uint64_t forgotten = 0;
    long second = 0;
    size_t frames = 0, count;
    FILE *file;

    (void)state;
    make(&house);
    for (int id = 9; id > 0 && frames < 3; id--) {
        char name[40];

        snprintf(name, sizeof(name), "wal/%016x.wal", id);
        if (!house_path(&house, name, path))
            continue;
        file = fopen(path, "r");
        assert_non_null(file);
        count = fread(segment, 1, sizeof(segment), file);
        fclose(file);
        frames = 0;
        for (size_t at = 512; at + 8 <= count; at += 8)
            if (memcmp(segment + at, "WRF1", 4) == 0)
                second = ++frames > 0 ? (long)at : 0;
        if (frames >= 3) {
            size_t back = 0;

            for (size_t at = (size_t)second; back < 1; at -= 8)
                if (at != (size_t)second && memcmp(segment + at, "WRF1", 4) == 0) {
                    second = (long)at;
                    back++;
                }
            house_damage(&house, name, second + 60);
        }
    }
    assert_true(frames >= 3);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 1);
    assert_non_null(strstr(told.texts[0], "wal segment"));
    assert_int_equal(report.wal_records, 2);
    for (int start = 0; start < 2; start++) {
        house_open(&house);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        (void)view_missing(view, &count);
        assert_int_equal(count, 1);
        view_free(view);
        house_seal(&house);
        house_expect(&house, 2, 0, 10); /* the rest is served */
        assert_int_equal(house_put(&house, 4, 0, 1, NULL), OK);
        house_close(&house);
    }
    assert_true(house_path(&house, "quarantine", path));
    look(&house, &told, &report);
    assert_int_equal(report.gaps_known, 1);
    assert_int_equal(report.faults, 1);
    house_open_index(&house);
    assert_int_equal(store_accept_loss(house.index, &forgotten, NULL), OK);
    assert_int_equal(forgotten, 1);
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    look(&house, &told, &report);
    assert_int_equal(report.faults, 0);
    house_remove(&house);
}

static void test_an_index_of_a_later_format_is_refused(void **state)
{
    struct house house;
    struct index_transaction *transaction;
    uint32_t format = 2;

    (void)state;
    make(&house);
    house_open_index(&house);
    assert_int_equal(house.index->operations->begin(house.index, true, &transaction, NULL), OK);
    assert_int_equal(
        house.index->operations->put(transaction, INDEX_META, BYTES("format"),
                                     (struct bytes){(const char *)&format, sizeof(format)}, NULL),
        OK);
    assert_int_equal(house.index->operations->commit(transaction, NULL), OK);
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    assert_int_equal(house_try_open(&house), E_CORRUPT);
    assert_non_null(strstr(house.err.text, "format 2, this program knows 1"));
    house_close(&house);
    house_remove(&house);
}

/* Without its index, or beside another one, acknowledged data must not look like leftovers. */
static void test_data_beside_another_index_is_refused_and_kept(void **state)
{
    static const char *const wants[] = {"the index is empty", "the index is empty",
                                        "another store"};
    struct house house, other;
    char path[160], aside[200], from[160];

    (void)state;
    make(&house);
    make(&other);
    assert_true(house_path(&house, "index", path));
    snprintf(aside, sizeof(aside), "%s-aside", path);
    assert_int_equal(rename(path, aside), 0);
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        if (i == 2) {
            assert_true(house_path(&other, "index", from));
            (void)nftw(path, house_remove_one, 16, FTW_DEPTH | FTW_PHYS);
            assert_int_equal(rename(from, path), 0);
        }
        assert_int_equal(house_try_open(&house), E_CORRUPT);
        if (strstr(house.err.text, wants[i]) == NULL)
            fail_msg("%s", house.err.text);
        house_close(&house);
    }
    (void)nftw(path, house_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(rename(aside, path), 0);
    house_open(&house);
    house_expect(&house, 2, 0, 10);
    house_expect(&house, 3, 0, 30);
    assert_true(house_path(&house, pack_file, aside));
    house_close(&house);
    house_remove(&house);
    house_remove(&other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_directory_has_no_faults),
        cmocka_unit_test(test_a_damaged_pack_is_told),
        cmocka_unit_test(test_a_pack_that_is_gone_is_told),
        cmocka_unit_test(test_a_good_pack_that_is_another_is_told),
        cmocka_unit_test(test_a_delivered_pack_that_is_another_is_told),
        cmocka_unit_test(test_a_gap_is_told_until_it_is_accepted),
        cmocka_unit_test(test_an_index_of_a_later_format_is_refused),
        cmocka_unit_test(test_data_beside_another_index_is_refused_and_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
