#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/registry_folder.h"

static char path[] = "/tmp/weir-folder-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(path) ? 0 : -1;
}

static void forget(void *context, const char *name)
{
    /* Directories were emptied and taken away before. */
    assert_int_equal(fs_unlink(context, name, NULL), OK);
}

static int teardown(void **state)
{
    char directory[64];
    struct fs *fs;

    (void)state;
    for (unsigned i = 0; i <= REGISTRY_KIND_COUNT; i++) {
        snprintf(directory, sizeof(directory), "%s/%s", path,
                 i < REGISTRY_KIND_COUNT ? registry_kind_name((enum registry_kind)i) : "");
        if (fs_posix_open(directory, &fs, NULL))
            return -1;
        if (fs_list(fs, "", forget, fs, NULL))
            return -1;
        fs_posix_close(fs);
        if (rmdir(directory))
            return -1;
    }
    return 0;
}

static struct fs *begin(void)
{
    struct fs *root;

    assert_int_equal(registry_folder_open(path, 1000, &root, NULL), OK);
    return root;
}

static uint64_t write_one(struct fs *root, enum registry_kind kind, const char *name,
                          uint64_t above)
{
    struct registry_record record = {.kind = kind, .name = bytes_of(name), .text = BYTES("text")};

    assert_int_equal(registry_folder_write(path, root, above, &record, NULL), OK);
    return record.version;
}

static void test_one_at_a_time(void **state)
{
    struct fs *root = begin(), *second;
    struct error err = {0};

    (void)state;
    assert_int_equal(registry_folder_open(path, 10, &second, &err), E_NOT_READY);
    assert_null(second);
    assert_non_null(strstr(err.text, "others hold its lock for 10 ms"));
    fs_posix_close(root);
    fs_posix_close(begin());
}

static void test_versions_go_up(void **state)
{
    struct fs *root = begin();
    uint64_t version, first = write_one(root, REGISTRY_TENANTS, "a", 0);

    (void)state;
    assert_int_equal(registry_folder_version(root, &version, NULL), OK);
    assert_true(version == first);
    assert_true(write_one(root, REGISTRY_TENANTS, "b", 0) == first + 1);
    assert_true(write_one(root, REGISTRY_SHARDS, "a", 100) == 101);
    assert_int_equal(fs_unlink(root, "version", NULL), OK);
    assert_int_equal(registry_folder_version(root, &version, NULL), OK);
    assert_true(version == 0);
    assert_true(write_one(root, REGISTRY_TENANTS, "c", 0) == 102); /* records tell */
    fs_posix_close(root);
}

static void test_what_was_written_is_read(void **state)
{
    struct fs *root = begin(), *lock;
    struct registry_folder folder;
    uint64_t version;

    (void)state;
    version = write_one(root, REGISTRY_LEASES, "free", 0);
    assert_int_equal(registry_folder_hold(path, REGISTRY_LEASES, BYTES("held"), &lock, NULL), OK);
    write_one(root, REGISTRY_LEASES, "held", 0);
    assert_int_equal(registry_folder_read(path, root, &folder, NULL), OK);
    assert_int_equal(folder.damaged, 0);
    assert_int_equal(folder.count, 5); /* of the tests before four, and who is held */
    for (size_t i = 0; i < folder.count; i++) {
        assert_true(bytes_equal(folder.records[i].text, BYTES("text")));
        if (folder.records[i].kind == REGISTRY_LEASES)
            assert_true(folder.records[i].version == version + 1);
    }
    registry_folder_release(&folder);
    assert_true(registry_folder_held(path, REGISTRY_LEASES, BYTES("held")));
    fs_posix_close(lock);
    assert_false(registry_folder_held(path, REGISTRY_LEASES, BYTES("held")));
    fs_posix_close(root);
}

static void test_what_is_expected_is_compared(void **state)
{
    struct fs *root = begin();
    uint64_t version = write_one(root, REGISTRY_MEMBERS, "1", 0);
    struct error err = {0};

    (void)state;
    assert_int_equal(registry_folder_expect(root, REGISTRY_MEMBERS, BYTES("1"), version, &err), OK);
    assert_int_equal(registry_folder_expect(root, REGISTRY_MEMBERS, BYTES("2"), 0, &err), OK);
    assert_int_equal(registry_folder_expect(root, REGISTRY_MEMBERS, BYTES("1"), 0, &err), E_EXISTS);
    assert_int_equal(registry_folder_expect(root, REGISTRY_MEMBERS, BYTES("1"), version - 1, &err),
                     E_CONFLICT);
    assert_int_equal(registry_folder_expect(root, REGISTRY_MEMBERS, BYTES("2"), 1, &err),
                     E_NOT_FOUND);
    fs_posix_close(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_versions_go_up),
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_what_is_expected_is_compared),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
