/* The store's threads over a real disk that can be told to fail: what was refused for want of room
 * comes in again by itself, and nobody waits for a store that is finished. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "codec/record.h"
#include "codec/series_key.h"
#include "store/index.h"
#include "store/store.h"
#include "store/view.h"
#include "tests/unit/store/memory_place.h"

/* The disk: what posix does, unless it is to fail. */
static struct fs_operations posix, failing;
static atomic_bool sync_fails, full;

static enum code test_sync(struct file *file, struct error *err)
{
    return sync_fails ? error_set(err, E_IO, "sync: told to fail") : posix.sync(file, err);
}

static enum code test_open(struct fs *fs, const char *path, enum fs_open_how how,
                           struct file **file, struct error *err)
{
    if (how == FS_CREATE && full)
        return error_set(err, E_DISK_FULL, "create %s: told to be full", path);
    return posix.open(fs, path, how, file, err);
}

struct ground {
    char directory[64];
    struct fs *fs;
    struct index *index;
    struct limits limits;
    struct catalog *catalog;
    struct store *store;
    const struct tenant *tenant;
};

static void ground_open(struct ground *ground)
{
    struct store_options options = {.clock = clock_system(), .limits = &ground->limits};
    struct error err = {0};
    char path[96];

    log_setup(LOG_ERROR, LOG_LOGFMT);
    sync_fails = full = false;
    memory_place_make(ground->directory, sizeof(ground->directory));
    snprintf(path, sizeof(path), "%s/index", ground->directory);
    if (fs_posix_open(ground->directory, &ground->fs, &err) != OK ||
        index_lmdb_open(path, (uint64_t)1 << 30, false, &ground->index, &err) != OK ||
        catalog_new(&ground->catalog, &err) != OK)
        fail_msg("%s", err.text);
    posix = failing = *ground->fs->operations;
    failing.sync = test_sync;
    failing.open = test_open;
    ground->fs->operations = &failing;
    options.fs = ground->fs;
    options.index = ground->index;
    options.registry = catalog_registry(ground->catalog);
    if (store_open(&options, &ground->store, &err) != OK)
        fail_msg("%s", err.text);
    ground->tenant = catalog_tenant(ground->catalog, BYTES("default"));
}

static void ground_start(struct ground *ground)
{
    struct error err = {0};

    if (store_start(ground->store, &err) != OK)
        fail_msg("%s", err.text);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static void ground_close(struct ground *ground)
{
    store_close(ground->store);
    catalog_free(ground->catalog);
    index_lmdb_close(ground->index);
    fs_posix_close(ground->fs);
    (void)nftw(ground->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct answer {
    struct submission submission;
    sem_t there;
    enum code code;
};

static void submission_done(struct submission *submission, enum code code, const struct error *err)
{
    struct answer *answer = (struct answer *)submission;

    (void)err;
    answer->code = code;
    sem_post(&answer->there);
}

static void flush_done(void *context, enum code code, const struct error *err)
{
    struct answer *answer = context;

    (void)err;
    answer->code = code;
    sem_post(&answer->there);
}

/* An answer that never comes fails the test instead of holding it up. */
static enum code wait_answer(struct answer *answer)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    if (sem_timedwait(&answer->there, &until) != 0)
        fail_msg("no answer in 20 s");
    sem_destroy(&answer->there);
    return answer->code;
}

static enum code flush(struct ground *ground)
{
    struct answer answer = {0};

    sem_init(&answer.there, 0, 0);
    store_flush(ground->store, flush_done, &answer);
    return wait_answer(&answer);
}

/* Submits `count` rows of one series with one field. */
static enum code write_rows(struct ground *ground, uint32_t count)
{
    static int64_t time;
    static const struct batch_field field = {.name = BYTES("f"), .type = TYPE_I64};
    struct buf key = BUF_INIT(1024), payload = BUF_INIT(64 << 20);
    struct arena arena;
    struct batch batch;
    struct batch_table *table;
    struct note none = {0};
    struct answer answer = {0};
    struct error err = {0};
    uint32_t series;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    batch_init(&batch, &arena, 0);
    assert_int_equal(series_key_encode(BYTES("m"), NULL, 0, &key, &err), OK);
    series = batch_series_index(&batch, buf_bytes(&key), BYTES("m"));
    table = batch_table_find(&batch, BYTES("m"), &field, 1);
    assert_non_null(table);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = batch_row_begin(&batch, table);

        table->columns[0][row].i64 = i;
        batch_row_done(&batch, table, series, i + 1, ++time);
    }
    assert_int_equal(catalog_series(ground->catalog, ground->tenant, buf_bytes(&key), 10,
                                    &batch.series[0].series, &err),
                     OK);
    record_encode_rows(ground->tenant->name, &none, &batch, &payload);
    answer.submission = (struct submission){.tenant = ground->tenant,
                                            .payload = buf_bytes(&payload),
                                            .batch = &batch,
                                            .done = submission_done};
    sem_init(&answer.there, 0, 0);
    code = store_submit(ground->store, &answer.submission, &err);
    if (code == OK)
        code = wait_answer(&answer);
    batch_release(&batch);
    arena_release(&arena);
    buf_release(&key);
    buf_release(&payload);
    return code;
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_nsec = ms * 1000000};

    nanosleep(&time, NULL);
}

/* The active generation is far from its own size and age: the refusal has it sealed. */
static void test_a_head_that_refused_makes_room(void **state)
{
    struct ground ground = {0};
    unsigned refused = 0;

    (void)state;
    limits_init(&ground.limits);
    ground.limits.head_bytes_max = 2 << 20;
    ground.limits.generation_age_ms_max = 86400000;
    ground_open(&ground);
    ground_start(&ground);
    for (unsigned written = 0, tries = 0; written < 300; tries++) {
        enum code code = write_rows(&ground, 1000);

        if (code == OK) {
            written++;
            continue;
        }
        assert_int_equal(code, E_BUSY);
        refused++;
        if (tries > 2000)
            fail_msg("still refused after %u writes", written);
        pause_ms(10);
    }
    assert_true(refused > 0);
    ground_close(&ground);
}

static void test_a_request_larger_than_the_head_is_not_to_be_tried_again(void **state)
{
    struct ground ground = {0};

    (void)state;
    limits_init(&ground.limits);
    ground.limits.head_bytes_max = 2 << 20;
    ground_open(&ground);
    ground_start(&ground);
    assert_int_equal(write_rows(&ground, 100000), E_RECORD_LARGE);
    assert_int_equal(write_rows(&ground, 1000), OK);
    ground_close(&ground);
}

static void test_nobody_waits_for_a_store_whose_disk_failed(void **state)
{
    struct ground ground = {0};
    struct error err = {0};
    struct view *view = NULL;

    (void)state;
    limits_init(&ground.limits);
    ground_open(&ground);
    ground_start(&ground);
    assert_int_equal(write_rows(&ground, 10), OK);
    assert_int_equal(store_ready(ground.store, &err), OK);
    sync_fails = true;
    assert_int_equal(write_rows(&ground, 10), E_IO);
    sync_fails = false;
    assert_int_equal(write_rows(&ground, 10), E_IO); /* for good */
    assert_int_equal(store_ready(ground.store, &err), E_IO);
    assert_int_equal(err.code, E_IO);
    assert_int_equal(flush(&ground), E_IO);
    assert_int_equal(store_view(ground.store, ground.tenant, VIEW_LATEST, &view, &err), OK);
    view_free(view);
    assert_int_not_equal(
        store_view(ground.store, ground.tenant, clock_wall_ns(clock_system()), &view, &err), OK);
    ground_close(&ground);
}

/* A load balancer sends nothing to a server that is not ready: it must become so unasked. */
static void test_a_store_that_was_full_is_ready_again_without_a_write(void **state)
{
    struct ground ground = {0};
    struct error err = {0};

    (void)state;
    limits_init(&ground.limits);
    ground_open(&ground);
    full = true;
    ground_start(&ground);
    assert_int_equal(write_rows(&ground, 10), E_DISK_FULL);
    assert_int_equal(store_ready(ground.store, &err), E_DISK_FULL);
    full = false;
    for (unsigned tries = 0; store_ready(ground.store, &err) != OK; tries++) {
        if (tries > 2000)
            fail_msg("not ready: %s", err.text);
        pause_ms(10);
    }
    assert_int_equal(write_rows(&ground, 10), OK);
    assert_int_equal(flush(&ground), OK);
    ground_close(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_that_refused_makes_room),
        cmocka_unit_test(test_a_request_larger_than_the_head_is_not_to_be_tried_again),
        cmocka_unit_test(test_nobody_waits_for_a_store_whose_disk_failed),
        cmocka_unit_test(test_a_store_that_was_full_is_ready_again_without_a_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
