#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/compress.h"
#include "server/interrupt.h"
#include "server/source.h"

static char directory[] = "/tmp/weir-source-XXXXXX";

static const char *file_with(const char *name, struct bytes bytes)
{
    static char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
    return path;
}

static void test_plain_and_compressed_text_comes_as_it_is_wanted(void **state)
{
    static const char *const names[] = {"plain", "packed.gz", "packed.zst"};
    static const enum coding codings[] = {CODING_IDENTITY, CODING_GZIP, CODING_ZSTD};
    struct buf text = BUF_INIT(1 << 20);

    (void)state;
    for (int i = 0; i < 40000; i++)
        buf_printf(&text, "%d\n", i);
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        struct buf packed = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
        struct source *source;

        if (codings[n] == CODING_IDENTITY)
            buf_put(&packed, buf_bytes(&text));
        else
            assert_int_equal(compress_whole(codings[n], buf_bytes(&text), &packed, NULL), OK);
        assert_int_equal(source_open(file_with(names[n], buf_bytes(&packed)), &source, NULL), OK);
        assert_int_equal(source_size(source), packed.size);
        assert_int_equal(source_fill(source, &got, 10, NULL), OK);
        assert_true(got.size >= 10 && source_taken(source) <= packed.size);
        while (!source_ended(source))
            assert_int_equal(source_fill(source, &got, got.size + 1, NULL), OK);
        assert_true(bytes_equal(buf_bytes(&got), buf_bytes(&text)));
        assert_int_equal(source_taken(source), packed.size);
        source_close(source);
        buf_release(&packed);
        buf_release(&got);
    }
    buf_release(&text);
}

static void test_what_cannot_be_read_is_told(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    struct source *source;
    struct error err = {0};

    (void)state;
    assert_int_equal(source_open("/tmp/weir-none", &source, &err), E_NOT_FOUND);
    assert_string_equal(err.text, "there is no file /tmp/weir-none");
    assert_int_equal(source_open("/tmp", &source, &err), E_NOT_FOUND);
    assert_int_equal(source_open(file_with("bad.gz", BYTES("\x1f\x8bxxxxxxxx")), &source, &err),
                     OK);
    assert_int_equal(source_fill(source, &got, 10, &err), E_BAD_COMPRESSION);
    source_close(source);
    assert_int_equal(source_open(file_with("cut.gz", BYTES("\x1f\x8b")), &source, &err), OK);
    assert_int_equal(source_fill(source, &got, 10, &err), E_BAD_COMPRESSION);
    source_close(source);
    buf_release(&got);
}

static void test_a_pipe_that_pauses_gives_what_it_has(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    struct source *source;
    char path[128];
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR);
    assert_int_equal(write(fd, "a v=1\n", 6), 6);
    assert_int_equal(source_open(path, &source, NULL), OK);
    assert_int_equal(source_size(source), 0);
    assert_int_equal(source_fill(source, &got, 1000, NULL), OK);
    assert_int_equal(got.size, 6);
    assert_false(source_ended(source));
    source_close(source);
    close(fd);
    buf_release(&got);
}

/* A few bytes may come to a great deal; no more is held than was asked for and what they come to.
 */
static void test_what_is_packed_tightly_comes_in_pieces(void **state)
{
    struct buf frame = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20);
    struct buf text = BUF_INIT(16 << 20), got = BUF_INIT((size_t)129 << 20);
    struct source *source;
    uint64_t total = 0;

    (void)state;
    while (text.size < (size_t)8 << 20)
        buf_put_text(&text, "pts v=1 17\n");
    assert_int_equal(compress_whole(CODING_ZSTD, buf_bytes(&text), &frame, NULL), OK);
    for (int i = 0; i < 40; i++)
        buf_put(&packed, buf_bytes(&frame));
    assert_int_equal(source_open(file_with("packed.zst", buf_bytes(&packed)), &source, NULL), OK);
    while (!source_ended(source)) {
        buf_clear(&got);
        assert_int_equal(source_fill(source, &got, 1, NULL), OK);
        total += got.size;
    }
    assert_int_equal(total, 40 * text.size);
    source_close(source);
    buf_release(&frame);
    buf_release(&packed);
    buf_release(&text);
    buf_release(&got);
}

static void test_a_signal_ends_the_waiting_for_more(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    struct source *source;
    struct error err = {0};
    char path[128];
    pid_t child;
    int fd;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/slow", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = open(path, O_RDWR);
    assert_int_equal(write(fd, "a v=1\n", 6), 6);
    assert_int_equal(source_open(path, &source, NULL), OK);
    interrupt_watch();
    alarm(60); /* what waits for ever is a failure */
    child = fork();
    if (child == 0) {
        (void)usleep(200000);
        (void)kill(getppid(), SIGINT);
        _exit(0);
    }
    assert_int_equal(source_fill(source, &got, 1000, &err), E_CANCELLED);
    alarm(0);
    (void)waitpid(child, NULL, 0);
    source_close(source);
    close(fd);
    buf_release(&got);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : 1;
}

static int remove_directory(void **state)
{
    char path[160];
    static const char *const names[] = {"plain",  "packed.gz", "packed.zst", "bad.gz",
                                        "cut.gz", "pipe",      "slow"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_compressed_text_comes_as_it_is_wanted),
        cmocka_unit_test(test_what_cannot_be_read_is_told),
        cmocka_unit_test(test_a_pipe_that_pauses_gives_what_it_has),
        cmocka_unit_test(test_what_is_packed_tightly_comes_in_pieces),
        cmocka_unit_test(test_a_signal_ends_the_waiting_for_more),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
