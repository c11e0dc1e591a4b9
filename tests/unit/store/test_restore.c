#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "store/backup.h"
#include "store/restore.h"
#include "tests/unit/store/shelf.h"

struct ground {
    struct house house;
    struct shelf backup, restored;
    struct restore_options options;
    struct restore_report report;
    unsigned steps, stop_at;
    struct error err;
};

static enum code step(void *context, uint64_t done, uint64_t total, struct error *err)
{
    struct ground *ground = context;

    assert_true(done <= total);
    return ++ground->steps == ground->stop_at ? error_set(err, E_CANCELLED, "enough") : OK;
}

/* `gap`: what the source knows to be missing. */
static void ground_init(struct ground *ground, const char *gap)
{
    struct backup_options backup = {.map_bytes = SHELF_MAP_BYTES};
    struct index_transaction *transaction;
    struct backup_report taken;

    *ground = (struct ground){.steps = 0};
    house_init(&ground->house);
    house_open(&ground->house);
    shelf_fill_house(&ground->house);
    shelf_init(&ground->backup);
    shelf_init(&ground->restored);
    if (gap != NULL) {
        const struct index_operations *index = ground->house.index->operations;

        assert_int_equal(index->begin(ground->house.index, true, &transaction, NULL), OK);
        assert_int_equal(
            index->put(transaction, INDEX_META, BYTES("gap/0000000000000001"), bytes_of(gap), NULL),
            OK);
        assert_int_equal(index->commit(transaction, NULL), OK);
    }
    backup.from = ground->house.fs.inner;
    backup.to = ground->backup.fs;
    backup.source = ground->house.index;
    backup.index_path = ground->backup.index_path;
    assert_int_equal(backup_take(&backup, &taken, NULL), OK);
    assert_int_equal(backup_write_label(ground->backup.fs, &taken.label, "0", NULL), OK);
    ground->options = (struct restore_options){
        .from = ground->backup.fs,
        .to = ground->restored.fs,
        .index_path = ground->restored.index_path,
        .map_bytes = SHELF_MAP_BYTES,
        .step = step,
        .context = ground,
    };
}

static enum code restore(struct ground *ground)
{
    return restore_run(&ground->options, &ground->report, &ground->err);
}

static void ground_release(struct ground *ground)
{
    house_close(&ground->house);
    house_remove(&ground->house);
    shelf_release(&ground->backup);
    shelf_release(&ground->restored);
}

static void test_what_was_in_packs_is_served_by_another_store(void **state)
{
    struct house served = {.retention_ns = INT64_MAX, .history_ns = INT64_MAX};
    struct ground ground;
    char marks[2][HASH128_TEXT_SIZE];

    (void)state;
    ground_init(&ground, NULL);
    if (restore(&ground))
        fail_msg("%s", ground.err.text);
    assert_int_equal(ground.report.series, 4);
    assert_int_equal(ground.report.gaps, 0);
    assert_memory_not_equal(&ground.report.incarnation, &ground.report.label.identity.incarnation,
                            sizeof(ground.report.incarnation));
    store_mark(ground.house.store, marks[0]);
    house_init(&served);
    (void)rmdir(served.directory);
    memcpy(served.directory, ground.restored.directory, sizeof(served.directory));
    house_open(&served);
    store_mark(served.store, marks[1]);
    assert_string_not_equal(marks[0], marks[1]);
    house_expect(&served, 4, 0, 10);
    assert_int_equal(house_put(&served, 6, 0, 10, NULL), OK);
    house_seal(&served);
    house_expect(&served, 6, 0, 10);
    house_close(&served);
    ground_release(&ground);
}

static void test_every_file_is_held_against_its_hash(void **state)
{
    static const struct {
        const char *path;
        uint64_t offset;
        const char *want;
    } cases[] = {
        {"packs/acme/0000000000000001.pack", 0,     "packs/acme/0000000000000001.pack"},
        {"packs/acme/0000000000000002.pack", 77777, "packs/acme/0000000000000002.pack"},
        {"packs/acme/0000000000000003.pack", 20,    "packs/acme/0000000000000003.pack"},
        {"index/data.mdb",                   9000,  "index/data.mdb is damaged"       },
        {"index/data.mdb",                   100,   "index/data.mdb is damaged"       },
        {"backup.json",                      0,     "backup.json"                     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ground ground;

        ground_init(&ground, NULL);
        shelf_damage(&ground.backup, cases[i].path, cases[i].offset);
        assert_int_equal(restore(&ground), E_CORRUPT);
        if (strstr(ground.err.text, cases[i].want) == NULL)
            fail_msg("%s: %s", cases[i].path, ground.err.text);
        ground_release(&ground);
    }
}

static void test_a_file_that_is_missing_is_named(void **state)
{
    static const char *const names[] = {"packs/acme/0000000000000002.pack", "index/data.mdb"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ground ground;

        ground_init(&ground, NULL);
        assert_int_equal(fs_unlink(ground.backup.fs, names[i], NULL), OK);
        assert_int_equal(restore(&ground), E_CORRUPT);
        assert_non_null(strstr(ground.err.text, "it is not in the backup"));
        assert_non_null(strstr(ground.err.text, names[i]));
        ground_release(&ground);
    }
}

static void test_no_label_is_no_backup(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    assert_int_equal(fs_unlink(ground.backup.fs, BACKUP_LABEL_NAME, NULL), OK);
    assert_int_equal(restore(&ground), E_NOT_FOUND);
    ground_release(&ground);
}

/* Files of two backups, each whole. */
static void test_a_label_of_another_backup_is_refused(void **state)
{
    struct ground ground;
    struct backup_label label;

    (void)state;
    ground_init(&ground, NULL);
    assert_int_equal(backup_read_label(ground.backup.fs, &label, NULL), OK);
    label.identity.sealed_lsn++;
    assert_int_equal(fs_unlink(ground.backup.fs, BACKUP_LABEL_NAME, NULL), OK);
    assert_int_equal(backup_write_label(ground.backup.fs, &label, "0", NULL), OK);
    assert_int_equal(restore(&ground), E_CORRUPT);
    assert_non_null(strstr(ground.err.text, "not what backup.json says"));
    ground_release(&ground);
}

static void test_known_losses_come_with_it(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, "segment 1: records after 3 and before 5");
    if (restore(&ground))
        fail_msg("%s", ground.err.text);
    assert_int_equal(ground.report.gaps, 1);
    ground_release(&ground);
}

static void test_it_ends_when_told(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, NULL);
    ground.stop_at = 3;
    assert_int_equal(restore(&ground), E_CANCELLED);
    ground_release(&ground);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_in_packs_is_served_by_another_store),
        cmocka_unit_test(test_every_file_is_held_against_its_hash),
        cmocka_unit_test(test_a_file_that_is_missing_is_named),
        cmocka_unit_test(test_no_label_is_no_backup),
        cmocka_unit_test(test_a_label_of_another_backup_is_refused),
        cmocka_unit_test(test_known_losses_come_with_it),
        cmocka_unit_test(test_it_ends_when_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
