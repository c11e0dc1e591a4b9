#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "store/packs/part_cache.h"

enum { PART = 1000 };

struct room {
    char root[64];
    struct fs *fs;
    struct fs_operations operations; /* that tests change */
    struct part_cache *cache;
};

static void room_init(struct room *room, uint64_t bytes_max)
{
    (void)snprintf(room->root, sizeof(room->root), "/tmp/weir-parts-XXXXXX");
    assert_non_null(mkdtemp(room->root));
    assert_int_equal(fs_posix_open(room->root, &room->fs, NULL), OK);
    room->operations = *room->fs->operations;
    room->fs->operations = &room->operations;
    assert_int_equal(part_cache_new(room->fs, bytes_max, &room->cache, NULL), OK);
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
}

static size_t files(struct room *room)
{
    size_t count = 0;

    assert_int_equal(fs_list(room->fs, "parts", count_name, &count, NULL), OK);
    return count;
}

static void room_release(struct room *room)
{
    char command[100];

    part_cache_free(room->cache);
    assert_int_equal(files(room), 0);
    fs_posix_close(room->fs);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", room->root);
    assert_int_equal(system(command), 0);
}

/* Bytes that tell whose they are. */
static void fill(char *data, uint64_t pack, uint64_t part)
{
    struct random random;

    random_seed(&random, pack * 1000 + part);
    for (size_t i = 0; i < PART; i++)
        data[i] = (char)random_next(&random);
}

static void put(struct room *room, uint64_t pack, uint64_t part)
{
    struct part_key key = {pack, part};
    char data[PART];

    fill(data, pack, part);
    part_cache_put(room->cache, &key, (struct bytes){data, PART});
}

/* Whether it is there; then it is what was put. */
static bool has(struct room *room, uint64_t pack, uint64_t part)
{
    struct part_key key = {pack, part};
    char want[PART], got[100];

    if (!part_cache_read(room->cache, &key, 450, got, sizeof(got)))
        return false;
    fill(want, pack, part);
    assert_memory_equal(got, want + 450, sizeof(got));
    return true;
}

static void test_what_is_put_is_there(void **state)
{
    struct room room;
    struct part_cache_counts counts;

    (void)state;
    room_init(&room, 10 * PART);
    assert_false(has(&room, 1, 0));
    put(&room, 1, 0);
    put(&room, 1, 1);
    put(&room, 2, 0);
    put(&room, 1, 0); /* once more: nothing changes */
    assert_true(has(&room, 1, 0) && has(&room, 1, 1) && has(&room, 2, 0));
    assert_false(has(&room, 2, 1));
    counts = part_cache_counts(room.cache);
    assert_int_equal(counts.parts, 3);
    assert_int_equal(counts.bytes, 3 * PART);
    assert_int_equal(counts.hits, 3);
    assert_int_equal(counts.misses, 2);
    assert_int_equal(files(&room), 3);
    room_release(&room);
}

static void test_what_was_asked_for_longest_ago_goes_first(void **state)
{
    struct room room;

    (void)state;
    room_init(&room, 3 * PART);
    for (uint64_t part = 0; part < 3; part++)
        put(&room, 1, part);
    assert_true(has(&room, 1, 0));
    put(&room, 1, 3); /* for 1 */
    assert_false(has(&room, 1, 1));
    assert_true(has(&room, 1, 0) && has(&room, 1, 2) && has(&room, 1, 3));
    put(&room, 1, 4); /* for 0 */
    assert_false(has(&room, 1, 0));
    assert_int_equal(part_cache_counts(room.cache).evictions, 2);
    assert_int_equal(files(&room), 3);
    room_release(&room);
}

static void test_bounds(void **state)
{
    struct room room;

    (void)state;
    for (uint64_t bytes_max = PART - 1; bytes_max <= PART + 1; bytes_max++) {
        room_init(&room, bytes_max);
        put(&room, 1, 0);
        assert_int_equal(has(&room, 1, 0), bytes_max >= PART);
        put(&room, 1, 1);
        assert_int_equal(part_cache_counts(room.cache).parts, bytes_max >= PART);
        assert_int_equal(files(&room), bytes_max >= PART);
        room_release(&room);
    }
}

static void test_packs_are_forgotten(void **state)
{
    struct room room;

    (void)state;
    room_init(&room, 10 * PART);
    for (uint64_t part = 0; part < 3; part++) {
        put(&room, 1, part);
        put(&room, 2, part);
    }
    part_cache_forget(room.cache, 1, 1);
    assert_false(has(&room, 1, 1));
    assert_true(has(&room, 1, 0) && has(&room, 1, 2) && has(&room, 2, 1));
    part_cache_forget(room.cache, 2, UINT64_MAX);
    for (uint64_t part = 0; part < 3; part++)
        assert_false(has(&room, 2, part));
    assert_int_equal(files(&room), 2);
    room_release(&room);
}

/* A process that was killed leaves files, of which the next knows nothing. */
static void test_it_begins_empty(void **state)
{
    struct part_cache *cache;
    struct room room;

    (void)state;
    room_init(&room, 10 * PART);
    put(&room, 1, 0);
    put(&room, 1, 1);
    assert_int_equal(part_cache_new(room.fs, PART, &cache, NULL), OK); /* as another process */
    assert_int_equal(files(&room), 0);
    assert_false(has(&room, 1, 0)); /* a file that has gone is a part that is not there */
    assert_int_equal(part_cache_counts(room.cache).parts, 1);
    put(&room, 1, 0);
    assert_true(has(&room, 1, 0));
    part_cache_free(cache);
    room_release(&room);
}

static enum code nearly_full(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    (void)fs, (void)err;
    *bytes_free = UINT64_C(256) * 1024 * 1024 + PART - 1;
    return OK;
}

static enum code full(struct file *file, uint64_t offset, const struct bytes *parts, size_t count,
                      struct error *err)
{
    (void)file, (void)offset, (void)parts, (void)count;
    return error_set(err, E_DISK_FULL, "the test's disk is full");
}

static void test_a_full_disk_keeps_nothing(void **state)
{
    struct room room;
    struct fs_operations well;

    (void)state;
    room_init(&room, 10 * PART);
    well = room.operations;
    room.operations.space = nearly_full;
    put(&room, 1, 0);
    assert_false(has(&room, 1, 0));
    room.operations = well;
    room.operations.write = full;
    put(&room, 1, 0);
    assert_false(has(&room, 1, 0));
    assert_int_equal(files(&room), 0);
    room.operations = well;
    put(&room, 1, 0);
    assert_true(has(&room, 1, 0));
    room_release(&room);
}

struct worker {
    struct room *room;
    uint64_t seed;
    pthread_t thread;
};

static void *work(void *context)
{
    struct worker *worker = context;
    struct random random;

    random_seed(&random, worker->seed);
    for (int i = 0; i < 2000; i++) {
        uint64_t pack = random_below(&random, 3), part = random_below(&random, 6);

        if (random_chance(&random, 100))
            part_cache_forget(worker->room->cache, pack, UINT64_MAX);
        else if (!has(worker->room, pack, part))
            put(worker->room, pack, part);
    }
    return NULL;
}

/* Parts come and go under readers, who get the right bytes or none. */
static void test_many_threads(void **state)
{
    struct worker workers[4];
    struct room room;

    (void)state;
    room_init(&room, 8 * PART);
    for (size_t i = 0; i < 4; i++) {
        workers[i] = (struct worker){&room, i, 0};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_true(part_cache_counts(room.cache).bytes <= 8 * PART);
    assert_int_equal(files(&room), part_cache_counts(room.cache).parts);
    room_release(&room);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_there),
        cmocka_unit_test(test_what_was_asked_for_longest_ago_goes_first),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_packs_are_forgotten),
        cmocka_unit_test(test_it_begins_empty),
        cmocka_unit_test(test_a_full_disk_keeps_nothing),
        cmocka_unit_test(test_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
