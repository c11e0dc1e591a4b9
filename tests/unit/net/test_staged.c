/* Stands in for functions of libc: pwrite and open, which fail as they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/staged.h"

static char directory[] = "/tmp/weir-staged-XXXXXX";
static struct {
    int refuse_nameless, fail_after, error; /* fail_after: so many writes, then `error` */
    size_t short_by;                        /* bytes that a write takes at most; 0 = any */
    size_t writes, smallest;
} faults;

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *data, size_t size,
                                                      off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);

    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "pwrite");
    if (faults.error != 0 && faults.fail_after-- == 0) {
        errno = faults.error;
        if (faults.error == EINTR)
            faults.error = 0;
        return -1;
    }
    faults.writes++;
    if (size < faults.smallest)
        faults.smallest = size;
    if (faults.short_by > 0 && size > faults.short_by)
        size = faults.short_by;
    return real(fd, data, size, offset);
}

__attribute__((visibility("default"))) int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);

    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "open");
    if (faults.refuse_nameless && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return real(path, flags, 0600);
}

static size_t files_in_directory(void)
{
    DIR *open_directory = opendir(directory);
    size_t count = 0;

    assert_non_null(open_directory);
    while (readdir(open_directory) != NULL)
        count++;
    closedir(open_directory);
    return count - 2;
}

static enum code collect(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    assert_true(piece.size > 0 && piece.size <= STAGED_PIECE_BYTES_MAX);
    buf_put(context, piece);
    return OK;
}

static enum code refuse(void *context, struct bytes piece, struct error *err)
{
    (void)piece;
    ++*(int *)context;
    return error_set(err, E_SYNTAX, "enough");
}

/* Puts `size` bytes in pieces of `step`. */
static enum code fill(size_t size, size_t step, size_t memory, struct staged **staged,
                      struct buf *what, struct error *err)
{
    enum code code = staged_new(directory, memory, staged, err);

    for (size_t i = 0; i < size; i++)
        buf_put_char(what, (char)(i * 31 + i / 251));
    for (size_t at = 0; !code && at < size; at += step) {
        size_t end = at + step < size ? at + step : size;

        code = staged_put(*staged, bytes_slice(buf_bytes(what), at, end), err);
    }
    return code ? code : staged_finish(*staged, err);
}

static void test_what_went_in_comes_out(void **state)
{
    static const size_t sizes[] = {0,      1,      65535,  65536,   65537,
                                   131072, 131073, 262145, 1000000, 3 << 20};
    static const size_t steps[] = {1000, 16384, 4 << 20};
    static const size_t memories[] = {0, 64 << 10, 100000, 1 << 20};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes) * COUNT_OF(steps) * COUNT_OF(memories) * 2; i++) {
        size_t size = sizes[i % COUNT_OF(sizes)];
        size_t memory = memories[i / 2 / COUNT_OF(sizes) / COUNT_OF(steps)];
        size_t most = memory < STAGED_MEMORY_BYTES_MIN ? STAGED_MEMORY_BYTES_MIN : memory;
        struct buf what = BUF_INIT(4 << 20), got = BUF_INIT(4 << 20);
        struct staged *staged;
        struct error err = {0};

        memset(&faults, 0, sizeof(faults));
        faults.smallest = SIZE_MAX;
        faults.refuse_nameless = i / COUNT_OF(sizes) % 2;
        assert_int_equal(fill(size, steps[i / 2 / COUNT_OF(sizes) % COUNT_OF(steps)], memory,
                              &staged, &what, &err),
                         OK);
        assert_int_equal(staged_size(staged), size);
        assert_int_equal(files_in_directory(), 0); /* there is no name */
        assert_int_equal(faults.writes, size <= most ? 0 : (size + most - 1) / most);
        for (int again = 0; again < 2; again++) {
            buf_clear(&got);
            assert_int_equal(staged_read(staged, collect, &got, &err), OK);
            assert_true(bytes_equal(buf_bytes(&what), buf_bytes(&got)));
        }
        staged_free(staged);
        buf_release(&what);
        buf_release(&got);
    }
}

static void test_writes_that_are_short_or_disturbed_go_on(void **state)
{
    struct buf what = BUF_INIT(4 << 20), got = BUF_INIT(4 << 20);
    struct staged *staged;

    (void)state;
    memset(&faults, 0, sizeof(faults));
    faults.short_by = 10000;
    faults.error = EINTR;
    faults.fail_after = 3;
    assert_int_equal(fill(500000, 16384, 0, &staged, &what, NULL), OK);
    assert_int_equal(staged_read(staged, collect, &got, NULL), OK);
    assert_true(bytes_equal(buf_bytes(&what), buf_bytes(&got)));
    staged_free(staged);
    buf_release(&what);
    buf_release(&got);
}

static void test_a_disk_that_fails_is_told(void **state)
{
    static const struct {
        int error, after;
        enum code want;
        const char *told;
    } cases[] = {
        {ENOSPC, 0, E_DISK_FULL, "stage a body: write: No space left on device"},
        {ENOSPC, 3, E_DISK_FULL, "stage a body: write: No space left on device"},
        {EDQUOT, 7, E_DISK_FULL, "stage a body: write: Disk quota exceeded"    }, /* at the end */
        {EIO,    1, E_IO,        "stage a body: write: Input/output error"     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf what = BUF_INIT(4 << 20);
        struct staged *staged;
        struct error err = {0};

        memset(&faults, 0, sizeof(faults));
        faults.error = cases[i].error;
        faults.fail_after = cases[i].after;
        assert_int_equal(fill(500000, 16384, 0, &staged, &what, &err), cases[i].want);
        assert_string_equal(err.text, cases[i].told);
        staged_free(staged);
        buf_release(&what);
    }
}

static void test_a_directory_that_is_none_is_told(void **state)
{
    char large[100000] = {0};
    struct staged *staged;
    struct error err = {0};

    (void)state;
    memset(&faults, 0, sizeof(faults));
    for (faults.refuse_nameless = 0; faults.refuse_nameless < 2; faults.refuse_nameless++) {
        assert_int_equal(staged_new("/nonexistent", 0, &staged, &err), OK);
        assert_int_equal(staged_put(staged, (struct bytes){large, sizeof(large)}, &err), E_IO);
        assert_non_null(strstr(err.text, "/nonexistent"));
        staged_free(staged);
    }
}

static void test_who_has_enough_ends_the_reading(void **state)
{
    static const size_t sizes[] = {10, 1000000};

    (void)state;
    memset(&faults, 0, sizeof(faults));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf what = BUF_INIT(4 << 20);
        struct staged *staged;
        int times = 0;

        assert_int_equal(fill(sizes[i], 16384, 0, &staged, &what, NULL), OK);
        assert_int_equal(staged_read(staged, refuse, &times, NULL), E_SYNTAX);
        assert_int_equal(times, 1);
        staged_free(staged);
        buf_release(&what);
    }
}

/* From memory and from the file, across what was a piece. */
static void test_any_part_of_it_is_at_hand(void **state)
{
    static const size_t sizes[] = {1000, 65536, 1000000};

    (void)state;
    memset(&faults, 0, sizeof(faults));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf what = BUF_INIT(4 << 20);
        struct staged *staged;
        char *room = malloc(sizes[i]);
        struct error err = {0};

        assert_int_equal(fill(sizes[i], 16384, 0, &staged, &what, &err), OK);
        for (size_t at = 0; at <= sizes[i]; at += 499) {
            size_t size = sizes[i] - at < 70000 ? sizes[i] - at : 70000;

            assert_int_equal(staged_at(staged, at, room, size, &err), OK);
            assert_memory_equal(room, what.data + at, size);
        }
        assert_int_equal(staged_at(staged, sizes[i], room, 0, &err), OK);
        free(room);
        staged_free(staged);
        buf_release(&what);
    }
}

static int directory_make(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int directory_remove(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_went_in_comes_out),
        cmocka_unit_test(test_writes_that_are_short_or_disturbed_go_on),
        cmocka_unit_test(test_a_disk_that_fails_is_told),
        cmocka_unit_test(test_a_directory_that_is_none_is_told),
        cmocka_unit_test(test_who_has_enough_ends_the_reading),
        cmocka_unit_test(test_any_part_of_it_is_at_hand),
    };

    return cmocka_run_group_tests(tests, directory_make, directory_remove);
}
