#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text_file.h"

static char directory[64];

static int setup(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "%s", "/tmp/weir-text-file-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, size_t size)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        fputc((int)('a' + i % 26), file);
    fclose(file);
}

static void test_a_file_is_read_whole_up_to_the_limit(void **state)
{
    static const size_t sizes[] = {0, 1, 16 << 10, (16 << 10) + 1, 100000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf text = BUF_INIT(1 << 20);
        struct error err = {0};

        write_file("file", sizes[i]);
        if (text_file_read(path_of("file"), sizes[i], &text, &err))
            fail_msg("%zu bytes: %s", sizes[i], err.text);
        assert_int_equal(text.size, sizes[i]);
        for (size_t at = 0; at < text.size; at++)
            assert_int_equal(text.data[at], 'a' + (char)(at % 26));
        buf_clear(&text);
        if (sizes[i] > 0)
            assert_int_equal(text_file_read(path_of("file"), sizes[i] - 1, &text, &err), E_CONFIG);
        buf_release(&text);
    }
    unlink(path_of("file"));
}

static void test_what_is_no_file_is_told_with_its_path(void **state)
{
    struct buf text = BUF_INIT(100);
    struct error err = {0};

    (void)state;
    assert_int_equal(text_file_read(path_of("none"), 100, &text, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.text, "none: no such file"));
    assert_int_equal(text_file_read(directory, 100, &text, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(text_file_read(path_of("fifo"), 100, &text, &err), E_CONFIG);
    unlink(path_of("fifo"));
    buf_release(&text);
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void test_a_secret_that_others_may_touch_is_not_read(void **state)
{
    static const struct {
        mode_t mode;
        enum code want;
    } cases[] = {
        {0600, OK      },
        {0440, OK      },
        {0604, E_CONFIG},
        {0602, E_CONFIG},
        {0644, E_CONFIG},
        {0666, E_CONFIG}
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = BUF_INIT(1 << 10);
        struct error err = {0};
        enum code code;

        write_file("secret", 10);
        assert_int_equal(chmod(path_of("secret"), cases[i].mode), 0);
        code = text_file_read_secret(path_of("secret"), 100, &text, &err);
        if (code != cases[i].want || text.size != (code ? 0 : 10))
            fail_msg("mode %03o: got %d, %zu bytes: %s", cases[i].mode, code, text.size, err.text);
        assert_int_equal(unlink(path_of("secret")), 0);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read_whole_up_to_the_limit),
        cmocka_unit_test(test_what_is_no_file_is_told_with_its_path),
        cmocka_unit_test(test_a_secret_that_others_may_touch_is_not_read),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
