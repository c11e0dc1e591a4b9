#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "store/file_copy.h"
#include "tests/unit/store/shelf.h"

enum { BYTES_COUNT = (20 << 20) + 17 }; /* several syncs and a piece that is not full */

struct ground {
    struct shelf from, to;
    struct hash128 hash;
    unsigned steps, stop_at;
    uint64_t told;
};

static void ground_init(struct ground *ground, size_t size)
{
    char *text = malloc(size + 1);
    struct bytes part = {text, size};
    struct random random;
    struct file *file;

    assert_non_null(text);
    *ground = (struct ground){.steps = 0};
    shelf_init(&ground->from);
    shelf_init(&ground->to);
    random_seed(&random, 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)random_below(&random, 256);
    ground->hash = hash128(part);
    assert_int_equal(fs_open(ground->from.fs, "a", FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &part, 1, NULL), OK);
    fs_close(file);
    free(text);
}

static void ground_release(struct ground *ground)
{
    shelf_release(&ground->from);
    shelf_release(&ground->to);
}

static enum code step(void *context, uint64_t bytes, struct error *err)
{
    struct ground *ground = context;

    ground->told += bytes;
    return ++ground->steps == ground->stop_at ? error_set(err, E_CANCELLED, "enough") : OK;
}

static void test_a_copy_has_the_same_bytes_and_hash(void **state)
{
    static const size_t sizes[] = {0, 1, 1 << 20, BYTES_COUNT};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ground ground;
        struct file_copy copy;
        struct hash128 hash;
        uint64_t size;

        ground_init(&ground, sizes[i]);
        copy = (struct file_copy){ground.from.fs, ground.to.fs, step, &ground};
        assert_int_equal(file_copy(&copy, "a", sizes[i], &ground.hash, NULL), OK);
        assert_int_equal(ground.told, sizes[i]);
        assert_int_equal(file_hash(ground.to.fs, "a", &hash, &size, NULL), OK);
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(&hash, &ground.hash, sizeof(hash));
        assert_int_equal(file_copy(&copy, "a", sizes[i], &ground.hash, NULL), E_EXISTS);
        ground_release(&ground);
    }
}

static void test_what_is_not_as_it_was_known_leaves_nothing(void **state)
{
    static const struct {
        const char *want;
        int64_t more;
        uint64_t damaged_at, stop_at;
    } cases[] = {
        {"a is damaged",     0,  5000000, 0},
        {"bytes instead of", 1,  0,       0},
        {"bytes instead of", -1, 0,       0},
        {"enough",           0,  0,       3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct file_copy copy;
        struct ground ground;

        ground_init(&ground, BYTES_COUNT);
        ground.stop_at = (unsigned)cases[i].stop_at;
        copy = (struct file_copy){ground.from.fs, ground.to.fs, step, &ground};
        if (cases[i].damaged_at > 0)
            shelf_damage(&ground.from, "a", cases[i].damaged_at);
        assert_int_not_equal(
            file_copy(&copy, "a", (uint64_t)(BYTES_COUNT + cases[i].more), &ground.hash, &err), OK);
        if (strstr(err.text, cases[i].want) == NULL)
            fail_msg("%s", err.text);
        assert_int_equal(shelf_count(&ground.to, ""), 0);
        ground_release(&ground);
    }
}

static void test_a_file_that_is_not_there_is_told(void **state)
{
    struct hash128 hash = {{0}};
    struct error err = {0};
    struct ground ground;
    struct file_copy copy;
    uint64_t size;

    (void)state;
    ground_init(&ground, 1);
    copy = (struct file_copy){ground.from.fs, ground.to.fs, NULL, NULL};
    assert_int_equal(file_copy(&copy, "b", 1, &hash, &err), E_NOT_FOUND);
    assert_int_equal(file_hash(ground.from.fs, "b", &hash, &size, &err), E_NOT_FOUND);
    assert_int_equal(file_copy(&copy, "a", 1, &ground.hash, &err), OK);
    ground_release(&ground);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_has_the_same_bytes_and_hash),
        cmocka_unit_test(test_what_is_not_as_it_was_known_leaves_nothing),
        cmocka_unit_test(test_a_file_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
