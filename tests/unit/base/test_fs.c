#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"

/* A file system that only tells what it was asked: the dispatch is what is tested. */
struct asked {
    struct fs fs;
    struct file_base file;
    const char *last;
    size_t file_bytes;
};

static struct asked *asked_of(struct fs *fs)
{
    return (struct asked *)(void *)fs;
}

static enum code do_open(struct fs *fs, const char *path, enum fs_open_how how, struct file **file,
                         struct error *err)
{
    asked_of(fs)->last = path;
    if (how == FS_READ)
        return error_set(err, E_NOT_FOUND, "no %s", path);
    asked_of(fs)->file.fs = fs;
    *file = (struct file *)(void *)&asked_of(fs)->file;
    return OK;
}

static void do_close(struct file *file)
{
    asked_of(((struct file_base *)(void *)file)->fs)->last = "closed";
}

static enum code do_read(struct file *file, uint64_t offset, void *data, size_t size, size_t *got,
                         struct error *err)
{
    size_t end = asked_of(((struct file_base *)(void *)file)->fs)->file_bytes;

    (void)err;
    *got = offset >= end ? 0 : (size_t)(end - offset) < size ? (size_t)(end - offset) : size;
    memset(data, 'x', *got);
    return OK;
}

static const struct fs_operations operations = {
    .open = do_open,
    .close = do_close,
    .read = do_read,
};

static void test_calls_reach_the_table(void **state)
{
    struct asked asked = {.fs.operations = &operations, .file_bytes = 10};
    struct error err = {0};
    struct file *file;
    char data[16];

    (void)state;
    assert_int_equal(fs_open(&asked.fs, "a", FS_READ, &file, &err), E_NOT_FOUND);
    assert_null(file);
    assert_int_equal(fs_open(&asked.fs, "b/c..d", FS_CREATE, &file, &err), OK);
    assert_string_equal(asked.last, "b/c..d");
    assert_int_equal(fs_read_exactly(file, 2, data, 8, &err), OK);
    assert_int_equal(fs_read_exactly(file, 2, data, 9, &err), E_CORRUPT);
    fs_close(file);
    assert_string_equal(asked.last, "closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls_reach_the_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
