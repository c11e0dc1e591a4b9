/* Stands in for functions of libc: openat, preadv2, pwritev, sync_file_range are watched, and fail
 * when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fs.h"

struct fixture {
    char root[64];
    struct fs *fs;
};

static int setup(void **state)
{
    static struct fixture fixture;
    char parent[] = "/tmp/weir-fs-XXXXXX";

    if (mkdtemp(parent) == NULL)
        return -1;
    (void)snprintf(fixture.root, sizeof(fixture.root), "%s/root", parent);
    *state = &fixture;
    return fs_posix_open(fixture.root, &fixture.fs, NULL) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    fs_posix_close(fixture->fs);
    (void)snprintf(command, sizeof(command), "rm -rf '%.*s'", (int)strlen(fixture->root) - 5,
                   fixture->root);
    return system(command);
}

static bool read_now;

/* In place of the C library's. */
ssize_t preadv2(int descriptor, const struct iovec *parts, int count, off_t offset, int flags)
{
    assert_int_equal(flags, RWF_NOWAIT);
    assert_int_equal(count, 1);
    if (read_now)
        return pread(descriptor, parts->iov_base, parts->iov_len, offset);
    errno = EOPNOTSUPP;
    return -1;
}

static void write_text(struct file *file, uint64_t offset, const char *text)
{
    struct bytes part = bytes_of(text);

    assert_int_equal(fs_write(file, offset, &part, 1, NULL), OK);
}

static void test_file_reads_back_what_was_written(void **state)
{
    struct fixture *fixture = *state;
    struct file *file;
    struct error err = {0};
    char data[32];
    uint64_t size = 0;
    size_t got = 0;

    assert_int_equal(fs_open(fixture->fs, "a", FS_CREATE, &file, &err), OK);
    write_text(file, 0, "0123456789");
    write_text(file, 4, "xy");
    assert_int_equal(fs_sync(file, &err), OK);
    assert_int_equal(fs_size(file, &size, &err), OK);
    assert_int_equal(size, 10);
    assert_int_equal(fs_read(file, 2, data, sizeof(data), &got, &err), OK);
    assert_true(bytes_equal((struct bytes){data, got}, BYTES("23xy6789")));
    assert_int_equal(fs_read(file, 100, data, sizeof(data), &got, &err), OK);
    assert_int_equal(got, 0);
    assert_int_equal(fs_read_exactly(file, 8, data, 2, &err), OK);
    assert_int_equal(err.code, OK);
    assert_int_equal(fs_read_exactly(file, 8, data, 3, &err), E_CORRUPT);
    assert_string_equal(err.text, "the file ends at byte 10, want 3 bytes at 8");
    assert_int_equal(fs_truncate(file, 3, &err), OK);
    assert_int_equal(fs_size(file, &size, &err), OK);
    assert_int_equal(size, 3);
    memset(data, 0, sizeof(data));
    read_now = true; /* as where the file system can tell, and the page is in memory */
    assert_true(fs_read_at_once(file, 0, data, 3));
    assert_memory_equal(data, "012", 3);
    assert_false(fs_read_at_once(file, 0, data, 4));
    read_now = false;
    assert_false(fs_read_at_once(file, 0, data, 3));
    fs_close(file);
    fs_close(NULL);
}

static bool owned_by_another;

/* In place of the C library's. */
int openat(int directory, const char *path, int flags, ...)
{
    if (owned_by_another && flags & O_NOATIME) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_openat, directory, path, flags, 0600);
}

/* To note it would have reads wait for the journal. */
static void test_when_a_file_was_read_is_not_noted(void **state)
{
    static const struct timespec times[] = {
        {1000, 0},
        {2000, 0}
    }; /* read, then written */
    struct fixture *fixture = *state;
    struct file *file = NULL;
    char path[128], data[4];
    struct stat status;

    assert_int_equal(fs_open(fixture->fs, "read", FS_CREATE, &file, NULL), OK);
    write_text(file, 0, "0123");
    fs_close(file);
    (void)snprintf(path, sizeof(path), "%s/read", fixture->root);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(fs_open(fixture->fs, "read", FS_READ, &file, NULL), OK);
    assert_int_equal(fs_read_exactly(file, 0, data, 4, NULL), OK);
    fs_close(file);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_atim.tv_sec, 1000);
    owned_by_another = true;
    assert_int_equal(fs_open(fixture->fs, "read", FS_READ, &file, NULL), OK);
    owned_by_another = false;
    assert_int_equal(fs_read_exactly(file, 0, data, 4, NULL), OK);
    fs_close(file);
}

static unsigned writes;

/* In place of the C library's. */
ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset)
{
    writes++;
    return syscall(SYS_pwritev, descriptor, parts, count, (long)offset, 0L);
}

/* In one call, as a page that two calls share is read between them where it is not in memory; some
 * of them are empty. */
static void test_all_parts_are_written_in_order(void **state)
{
    enum { PARTS = 600 };
    struct fixture *fixture = *state;
    struct bytes parts[PARTS];
    char numbers[PARTS][8], want[PARTS * 8], got[PARTS * 8];
    struct file *file;
    uint64_t file_size = 0;
    size_t size = 0;

    for (int i = 0; i < PARTS; i++) {
        int count = i % 5 == 0 ? 0 : snprintf(numbers[i], sizeof(numbers[i]), "%d,", i);

        parts[i] = (struct bytes){numbers[i], (size_t)count};
        memcpy(want + size, numbers[i], (size_t)count);
        size += (size_t)count;
    }
    assert_int_equal(fs_open(fixture->fs, "b", FS_CREATE, &file, NULL), OK);
    writes = 0;
    assert_int_equal(fs_write(file, 5, parts, PARTS, NULL), OK);
    assert_int_equal(writes, 1);
    assert_int_equal(fs_size(file, &file_size, NULL), OK);
    assert_int_equal(file_size, 5 + size);
    assert_int_equal(fs_read_exactly(file, 5, got, size, NULL), OK);
    assert_memory_equal(got, want, size);
    assert_int_equal(fs_write(file, 0, NULL, 0, NULL), OK);
    fs_close(file);
}

static int log_of_ranges[64][2]; /* in 512 KiB: where each call's range begins and ends */
static unsigned ranges;
static int range_error; /* errno of the next call */

/* In place of the C library's. */
int sync_file_range(int descriptor, off64_t offset, off64_t size, unsigned flags)
{
    (void)descriptor;
    assert_int_equal(flags, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
    assert_true(ranges < COUNT_OF(log_of_ranges));
    assert_int_equal(size % (512 << 10), 0);
    log_of_ranges[ranges][0] = (int)(offset >> 19);
    log_of_ranges[ranges++][1] = (int)((offset + size) >> 19);
    errno = range_error;
    return range_error ? -1 : 0;
}

/* The disk begins with each half megabyte when it is there, and with the next one when that is
 * done; what it cannot write is told. */
static void test_much_goes_to_the_disk_while_it_is_written(void **state)
{
    enum { HALF = 512 << 10 };
    static char bytes[3 * HALF];
    struct fixture *fixture = *state;
    struct bytes all = {bytes, sizeof(bytes)}, most = {bytes, HALF - 1}, one = {bytes, 1};
    struct error err = {0};
    struct file *file;

    ranges = 0;
    range_error = 0;
    assert_int_equal(fs_open(fixture->fs, "much", FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &most, 1, NULL), OK);
    assert_int_equal(ranges, 0);
    assert_int_equal(fs_write(file, HALF - 1, &one, 1, NULL), OK);
    assert_int_equal(ranges, 1); /* nothing before it to wait for */
    assert_int_equal(log_of_ranges[0][0], 0);
    assert_int_equal(log_of_ranges[0][1], 1);
    assert_int_equal(fs_write(file, HALF, &all, 1, NULL), OK);
    assert_int_equal(ranges, 4);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(log_of_ranges[i][0], i - 1);
        assert_int_equal(log_of_ranges[i][1], i + 1);
    }
    assert_int_equal(fs_write(file, HALF, &all, 1, NULL), OK); /* over what is there */
    assert_int_equal(ranges, 7);
    assert_int_equal(log_of_ranges[4][1], 2);
    range_error = EIO;
    assert_int_equal(fs_write(file, 4 * HALF, &all, 1, &err), E_IO);
    assert_string_equal(err.text, "write much: Input/output error");
    assert_int_equal(ranges, 8);
    range_error = ENOSPC;
    assert_int_equal(fs_write(file, 4 * HALF, &all, 1, &err), E_DISK_FULL);
    fs_close(file);
    range_error = 0;
    assert_int_equal(fs_open(fixture->fs, "much", FS_READ_WRITE, &file, NULL), OK);
    ranges = 0;
    assert_int_equal(fs_write(file, 100 * HALF, &all, 1, NULL), OK); /* none for what lies before */
    assert_int_equal(ranges, 3);
    assert_int_equal(log_of_ranges[0][1], 101);
    for (int i = 0; i < 3; i++) { /* nor for what was synced */
        assert_int_equal(fs_write(file, (uint64_t)i * (HALF - 1), &most, 1, NULL), OK);
        assert_int_equal(fs_sync(file, NULL), OK);
    }
    assert_int_equal(ranges, 3);
    range_error = ENOSYS; /* gVisor */
    assert_int_equal(fs_write(file, 0, &all, 1, NULL), OK);
    assert_int_equal(fs_sync(file, NULL), OK);
    fs_close(file);
}

static void test_names_missing_and_taken_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    struct file *file;

    assert_int_equal(fs_open(fixture->fs, "none", FS_READ, &file, &err), E_NOT_FOUND);
    assert_null(file);
    assert_int_equal(err.code, E_NOT_FOUND);
    assert_string_equal(err.text, "open none: No such file or directory");
    assert_int_equal(fs_open(fixture->fs, "none", FS_READ_WRITE, &file, NULL), E_NOT_FOUND);
    assert_int_equal(fs_unlink(fixture->fs, "none", NULL), E_NOT_FOUND);
    assert_int_equal(fs_rename(fixture->fs, "none", "n", NULL), E_NOT_FOUND);
    assert_int_equal(fs_sync_dir(fixture->fs, "none", NULL), E_NOT_FOUND);
    assert_int_equal(fs_list(fixture->fs, "none", NULL, NULL, NULL), E_NOT_FOUND);
    assert_int_equal(fs_open(fixture->fs, "c", FS_CREATE, &file, NULL), OK);
    fs_close(file);
    assert_int_equal(fs_open(fixture->fs, "c", FS_CREATE, &file, &err), E_EXISTS);
    assert_int_equal(fs_make_dir(fixture->fs, "c", NULL), E_EXISTS);
    assert_int_equal(fs_unlink(fixture->fs, "c", NULL), OK);
    assert_int_equal(fs_open(fixture->fs, "c", FS_READ, &file, NULL), E_NOT_FOUND);
}

static void collect(void *context, const char *name)
{
    char *all = context;

    assert_true(strlen(all) + strlen(name) < 100);
    strcat(all, name);
}

static void test_directories_hold_files(void **state)
{
    struct fixture *fixture = *state;
    char names[128] = "";
    struct file *file;
    struct stat status;

    assert_int_equal(fs_make_dir(fixture->fs, "d", NULL), OK);
    assert_int_equal(fs_make_dir(fixture->fs, "d", NULL), OK); /* it is there */
    assert_int_equal(fs_open(fixture->fs, "d/one", FS_CREATE, &file, NULL), OK);
    write_text(file, 0, "1");
    fs_close(file);
    assert_int_equal(fs_rename(fixture->fs, "d/one", "d/two", NULL), OK);
    assert_int_equal(fs_sync_dir(fixture->fs, "d", NULL), OK);
    assert_int_equal(fs_sync_dir(fixture->fs, "", NULL), OK);
    assert_int_equal(fs_list(fixture->fs, "d", collect, names, NULL), OK);
    assert_string_equal(names, "two");
    names[0] = '\0';
    assert_int_equal(fs_list(fixture->fs, "", collect, names, NULL), OK);
    assert_string_equal(names, "d");
    assert_int_equal(stat(fixture->root, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void test_links_are_not_followed(void **state)
{
    struct fixture *fixture = *state;
    char link_path[128];
    struct file *file;

    (void)snprintf(link_path, sizeof(link_path), "%s/link", fixture->root);
    assert_int_equal(symlink("/etc/passwd", link_path), 0);
    assert_int_equal(fs_open(fixture->fs, "link", FS_READ, &file, NULL), E_IO);
    assert_int_equal(fs_open(fixture->fs, "link", FS_CREATE, &file, NULL), E_EXISTS);
}

static void test_one_owner_of_the_lock(void **state)
{
    struct fixture *fixture = *state;
    struct fs *other;
    struct error err = {0};

    assert_int_equal(fs_posix_lock(fixture->fs, "lock", &err), OK);
    assert_int_equal(fs_posix_open(fixture->root, &other, &err), OK);
    assert_int_equal(fs_posix_lock(other, "lock", &err), E_BUSY);
    fs_posix_close(fixture->fs);
    assert_int_equal(fs_posix_lock(other, "lock", &err), OK);
    fixture->fs = other;
}

/* RLIMIT_FSIZE cuts a write short, then refuses the rest: what a full disk does. */
static void test_a_short_write_goes_on_until_it_fails(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before, limit;
    struct bytes parts[] = {BYTES("0123456789"), BYTES("abcdefghij")};
    struct error err = {0};
    struct file *file;
    uint64_t size = 0;

    assert_int_equal(fs_open(fixture->fs, "e", FS_CREATE, &file, NULL), OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    limit = (struct rlimit){15, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(fs_write(file, 0, parts, 2, &err), E_DISK_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_string_equal(err.text, "write e: File too large");
    assert_int_equal(fs_size(file, &size, NULL), OK);
    assert_int_equal(size, 15);
    fs_close(file);
}

static void test_space_is_known_and_bad_roots_are_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t bytes_free = 0;
    struct error err = {0};
    struct fs *other;

    assert_int_equal(fs_space(fixture->fs, &bytes_free, NULL), OK);
    assert_true(bytes_free > 0);
    assert_int_equal(fs_posix_open("/tmp/weir-no-such-parent/x", &other, &err), E_NOT_FOUND);
    assert_null(other);
    assert_int_equal(fs_posix_open("/etc/passwd", &other, &err), E_IO);
    fs_posix_close(NULL);
}

static void test_a_file_can_have_a_second_name(void **state)
{
    struct fixture *fixture = *state;
    struct bytes text = BYTES("abc");
    struct error err = {0};
    struct file *file;
    struct fs *other;
    char read_back[4] = "";
    size_t got;

    assert_int_equal(fs_open(fixture->fs, "one", FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &text, 1, NULL), OK);
    fs_close(file);
    assert_int_equal(fs_make_dir(fixture->fs, "d", NULL), OK);
    assert_int_equal(fs_posix_link(fixture->fs, "one", fixture->fs, "d/two", NULL), OK);
    assert_int_equal(fs_unlink(fixture->fs, "one", NULL), OK);
    assert_int_equal(fs_open(fixture->fs, "d/two", FS_READ, &file, NULL), OK);
    assert_int_equal(fs_read(file, 0, read_back, 3, &got, NULL), OK);
    assert_string_equal(read_back, "abc");
    fs_close(file);
    assert_int_equal(fs_posix_link(fixture->fs, "d/two", fixture->fs, "d/two", &err), E_EXISTS);
    assert_int_equal(fs_posix_link(fixture->fs, "one", fixture->fs, "d/three", &err), E_NOT_FOUND);
    assert_string_equal(err.text, "link one: No such file or directory");
    assert_int_equal(fs_posix_open("/proc", &other, NULL), OK);
    assert_int_equal(fs_posix_link(other, "version", fixture->fs, "v", &err), E_NOT_SUPPORTED);
    fs_posix_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        WITH_ROOT(test_file_reads_back_what_was_written),
        WITH_ROOT(test_when_a_file_was_read_is_not_noted),
        WITH_ROOT(test_all_parts_are_written_in_order),
        WITH_ROOT(test_much_goes_to_the_disk_while_it_is_written),
        WITH_ROOT(test_names_missing_and_taken_are_told_apart),
        WITH_ROOT(test_directories_hold_files),
        WITH_ROOT(test_links_are_not_followed),
        WITH_ROOT(test_one_owner_of_the_lock),
        WITH_ROOT(test_a_short_write_goes_on_until_it_fails),
        WITH_ROOT(test_a_file_can_have_a_second_name),
        WITH_ROOT(test_space_is_known_and_bad_roots_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
