#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/secret_line.h"

#define OF_32 "s3cret-8s3cret-8s3cret-8s3cret-8"

/* What else is no such line, test_cluster_secret.c has. */
static void test_ends_of_line_are_taken_off_and_sizes_are_kept(void **state)
{
    static char most[SECRET_LINE_BYTES_MAX + 2];
    struct bytes line = BYTES(OF_32 "\r\n"), least = bytes_slice(BYTES(OF_32), 0, 31);
    struct error err = {0};

    (void)state;
    assert_int_equal(secret_line_take("f", &line, &err), OK);
    assert_true(bytes_equal(line, BYTES(OF_32)));
    assert_int_equal(secret_line_take("f", &least, &err), E_CONFIG);
    memset(most, 'x', sizeof(most));
    line = (struct bytes){most, SECRET_LINE_BYTES_MAX};
    assert_int_equal(secret_line_take("f", &line, &err), OK);
    line = (struct bytes){most, SECRET_LINE_BYTES_MAX + 1};
    assert_int_equal(secret_line_take("f", &line, &err), E_CONFIG);
    line = BYTES(OF_32 " " OF_32);
    assert_int_equal(secret_line_take("the-file", &line, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "the-file: byte 33"));
    assert_null(strstr(err.text, "s3cret"));
}

static void test_a_file_is_read_unless_everybody_may_read_it(void **state)
{
    char path[] = "/tmp/weir-line-XXXXXX";
    struct buf file = BUF_INIT(SECRET_LINE_FILE_BYTES_MAX);
    struct bytes line;
    struct error err = {0};
    int made = mkstemp(path);

    (void)state;
    assert_int_equal(write(made, OF_32 "\n", 33), 33);
    close(made);
    assert_int_equal(secret_line_read(path, &file, &line, &err), OK);
    assert_true(bytes_equal(line, BYTES(OF_32)));
    secret_line_release(&file);
    assert_null(file.data);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(secret_line_read(path, &file, &line, &err), E_CONFIG);
    secret_line_release(&file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_of_line_are_taken_off_and_sizes_are_kept),
        cmocka_unit_test(test_a_file_is_read_unless_everybody_may_read_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
