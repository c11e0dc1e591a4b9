#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/random.h"
#include "store/column_cache.h"

enum { PART_SIZE = 64 << 10 };

static struct column_cache *cache_new(uint64_t bytes_max)
{
    struct column_cache *cache;

    assert_int_equal(column_cache_new(bytes_max, &cache, NULL), OK);
    return cache;
}

static struct column_key key_of(uint64_t pack, uint64_t number)
{
    return (struct column_key){pack, 100 + number * 24000, (uint32_t)(number % 7)};
}

/* What belongs to the key, so that nothing can be taken for something else. */
static char letter_of(const struct column_key *key)
{
    return (char)(key->pack * 31 + key->offset / 100 + key->part);
}

static bool put(struct column_cache *cache, struct column_key key, size_t size)
{
    struct cached *made = column_cache_make(cache, &key, size);

    if (made == NULL)
        return false;
    memset(cached_room(made), letter_of(&key), size);
    column_cache_put(made);
    return true;
}

static void check(const struct cached *cached, const struct column_key *key)
{
    struct bytes bytes = cached_bytes(cached);

    assert_int_equal((uintptr_t)bytes.data % 16, 0);
    assert_true(bytes.size > 0);
    assert_int_equal(bytes.data[0], letter_of(key));
    assert_memory_equal(bytes.data, bytes.data + 1, bytes.size - 1);
}

/* As a reader does: what is met again is put there.  True: it was there. */
static bool read_through(struct column_cache *cache, struct column_key key, size_t size)
{
    bool wanted;
    const struct cached *cached = column_cache_find(cache, &key, &wanted);

    assert_true(cached == NULL || !wanted);
    if (cached != NULL) {
        check(cached, &key);
        cached_unpin((void *)cached);
        return true;
    }
    if (wanted)
        (void)put(cache, key, size);
    return false;
}

static bool is_there(struct column_cache *cache, struct column_key key)
{
    bool wanted;
    const struct cached *cached = column_cache_find(cache, &key, &wanted);

    if (cached != NULL)
        cached_unpin((void *)cached);
    return cached != NULL;
}

static void test_what_is_met_again_is_kept(void **state)
{
    struct column_cache *cache = cache_new(8 << 20);
    struct column_cache_counts counts;
    uint64_t empty = column_cache_counts(cache).bytes;

    (void)state;
    for (uint64_t i = 0; i < 20; i++)
        assert_false(read_through(cache, key_of(1, i), 1000));
    assert_int_equal(column_cache_counts(cache).bytes, empty);
    for (uint64_t i = 0; i < 20; i++)
        assert_false(read_through(cache, key_of(1, i), 1000));
    for (uint64_t i = 0; i < 20; i++)
        assert_true(read_through(cache, key_of(1, i), 1000));
    counts = column_cache_counts(cache);
    assert_true(counts.bytes >= empty + 20 * 1000);
    assert_int_equal(counts.hits, 20);
    assert_int_equal(counts.misses, 40);
    assert_int_equal(counts.evictions, 0);
    assert_true(put(cache, key_of(1, 3), 1000)); /* another reader was faster: one stays */
    assert_int_equal(column_cache_counts(cache).bytes, counts.bytes);
    column_cache_free(cache);
}

static void test_limit_at_the_byte(void **state)
{
    struct column_cache *cache = cache_new(256 << 10);
    uint64_t fixed = column_cache_counts(cache).bytes, entry;

    (void)state;
    assert_true(put(cache, key_of(1, 1), PART_SIZE));
    entry = column_cache_counts(cache).bytes - fixed;
    assert_true(entry > PART_SIZE && entry < PART_SIZE + 200);
    column_cache_free(cache);
    for (int more = -1; more <= 1; more++) {
        uint64_t most = fixed + 3 * entry + (uint64_t)(int64_t)more;

        cache = cache_new(most); /* of a size that has as many buckets */
        assert_int_equal(column_cache_counts(cache).bytes, fixed);
        assert_true(put(cache, key_of(1, 1), PART_SIZE));
        assert_true(put(cache, key_of(1, 2), PART_SIZE));
        assert_int_equal(put(cache, key_of(1, 3), PART_SIZE), more >= 0);
        assert_false(put(cache, key_of(1, 4), PART_SIZE));
        assert_false(put(cache, key_of(1, 5), (size_t)most));
        assert_true(column_cache_counts(cache).bytes <= most);
        column_cache_free(cache);
        cache = cache_new(fixed + (uint64_t)(int64_t)more);
        assert_int_equal(cache != NULL, more > 0);
        column_cache_free(cache);
    }
}

static void test_none_is_an_empty_one(void **state)
{
    struct column_cache *cache = cache_new(0);

    (void)state;
    assert_null(cache);
    for (int i = 0; i < 4; i++)
        assert_false(read_through(cache, key_of(1, 1), 100));
    assert_false(put(cache, key_of(1, 1), 100));
    column_cache_forget(cache, 1);
    assert_int_equal(column_cache_counts(cache).misses, 0);
    column_cache_free(cache);
}

/* Neither one reading of everything nor five of them push out what is asked for all the time. */
static void test_readings_of_everything_leave_what_is_asked_for(void **state)
{
    struct column_cache *cache = cache_new(40 * PART_SIZE);
    unsigned hot = 30, there = 0;

    (void)state;
    for (int again = 0; again < 8; again++)
        for (uint64_t i = 0; i < hot; i++)
            (void)read_through(cache, key_of(1, i), PART_SIZE);
    for (int reading = 0; reading < 5; reading++) {
        for (uint64_t i = 0; i < 400; i++) {
            (void)read_through(cache, key_of(2, i), PART_SIZE);
            if (i % 20 == 0)
                for (uint64_t h = 0; h < hot; h++)
                    (void)read_through(cache, key_of(1, h), PART_SIZE);
        }
    }
    for (uint64_t i = 0; i < hot; i++)
        there += is_there(cache, key_of(1, i));
    assert_int_equal(there, hot);
    assert_true(column_cache_counts(cache).bytes <= 40 * PART_SIZE);
    column_cache_free(cache);
}

/* What was asked for all the time gives way when nobody asks for it any more. */
static void test_habits_change(void **state)
{
    struct column_cache *cache = cache_new(40 * PART_SIZE);
    unsigned there = 0;

    (void)state;
    for (uint64_t pack = 1; pack <= 3; pack++)
        for (int again = 0; again < 300; again++)
            for (uint64_t i = 0; i < 30; i++)
                (void)read_through(cache, key_of(pack, i), PART_SIZE);
    for (uint64_t i = 0; i < 30; i++)
        there += is_there(cache, key_of(3, i));
    assert_int_equal(there, 30);
    assert_true(column_cache_counts(cache).evictions >= 2 * 20);
    column_cache_free(cache);
}

/* Met as often as can be counted, a newcomer finds room: but for what is pinned. */
static void test_pins_stay(void **state)
{
    struct column_cache *cache = cache_new(10 * PART_SIZE);
    const struct cached *pinned[8];
    struct column_key key;
    uint64_t before;
    bool wanted;

    (void)state;
    for (uint64_t i = 0; i < COUNT_OF(pinned); i++) {
        key = key_of(1, i);
        assert_true(put(cache, key, PART_SIZE));
        pinned[i] = column_cache_find(cache, &key, &wanted);
        assert_non_null(pinned[i]);
    }
    for (int again = 0; again < 200; again++)
        for (uint64_t i = 0; i < 4; i++)
            (void)read_through(cache, key_of(2, i), PART_SIZE);
    for (uint64_t i = 0; i < COUNT_OF(pinned); i++)
        assert_true(is_there(cache, key_of(1, i)));
    before = column_cache_counts(cache).bytes;
    column_cache_forget(cache, 1);
    assert_int_equal(column_cache_counts(cache).bytes, before); /* they are there, and count */
    for (uint64_t i = 0; i < COUNT_OF(pinned); i++) {
        key = key_of(1, i);
        assert_false(is_there(cache, key));
        check(pinned[i], &key);
        cached_unpin((void *)pinned[i]);
    }
    assert_true(column_cache_counts(cache).bytes <= before - COUNT_OF(pinned) * PART_SIZE);
    column_cache_free(cache);
}

static void test_a_pack_is_forgotten_alone(void **state)
{
    struct column_cache *cache = cache_new(64 << 20);
    uint64_t empty = column_cache_counts(cache).bytes;

    (void)state;
    for (uint64_t pack = 1; pack <= 5; pack++)
        for (uint64_t i = 0; i < 100; i++)
            assert_true(put(cache, key_of(pack, i), 100 + i));
    column_cache_forget(cache, 3);
    for (uint64_t pack = 1; pack <= 5; pack++)
        for (uint64_t i = 0; i < 100; i++)
            assert_int_equal(is_there(cache, key_of(pack, i)), pack != 3);
    for (uint64_t pack = 1; pack <= 5; pack++)
        column_cache_forget(cache, pack);
    assert_int_equal(column_cache_counts(cache).bytes, empty);
    column_cache_free(cache);
}

enum { READERS = 4, READS = 20000 };

struct reading {
    struct column_cache *cache;
    uint64_t seed;
    _Atomic uint64_t *hits;
};

static void *reader_run(void *context)
{
    struct reading *reading = context;
    struct random random;

    random_seed(&random, reading->seed);
    for (int i = 0; i < READS; i++) {
        uint64_t number = random_below(&random, random_chance(&random, 2) ? 10 : 200);
        uint64_t pack = 1 + random_below(&random, 3);

        if (read_through(reading->cache, key_of(pack, number), 500 + number))
            atomic_fetch_add(reading->hits, 1);
        if (random_chance(&random, 1000))
            column_cache_forget(reading->cache, pack);
    }
    return NULL;
}

/* A small cache, so that they evict, forget and put the same things at once. */
static void test_readers_at_once(void **state)
{
    enum { MOST = 100 << 10 };
    struct column_cache *cache = cache_new(MOST);
    struct reading readings[READERS];
    pthread_t threads[READERS];
    _Atomic uint64_t hits = 0;
    struct column_cache_counts counts;
    uint64_t empty = column_cache_counts(cache).bytes;

    (void)state;
    for (uint64_t i = 0; i < READERS; i++) {
        readings[i] = (struct reading){cache, i + 1, &hits};
        assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readings[i]), 0);
    }
    for (int i = 0; i < 1000; i++)
        assert_true(column_cache_counts(cache).bytes <= MOST);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    counts = column_cache_counts(cache);
    assert_int_equal(counts.hits, hits);
    assert_int_equal(counts.hits + counts.misses, READERS * READS);
    assert_true(counts.hits > READERS * READS / 10);
    assert_true(counts.evictions > 0);
    for (uint64_t pack = 1; pack <= 3; pack++)
        column_cache_forget(cache, pack);
    assert_int_equal(column_cache_counts(cache).bytes, empty);
    column_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_met_again_is_kept),
        cmocka_unit_test(test_limit_at_the_byte),
        cmocka_unit_test(test_none_is_an_empty_one),
        cmocka_unit_test(test_readings_of_everything_leave_what_is_asked_for),
        cmocka_unit_test(test_habits_change),
        cmocka_unit_test(test_pins_stay),
        cmocka_unit_test(test_a_pack_is_forgotten_alone),
        cmocka_unit_test(test_readers_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
