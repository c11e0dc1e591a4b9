#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "discovery/cluster_secret.h"

#define EIGHT "s3cret-8"
#define OF_32 EIGHT EIGHT EIGHT EIGHT
#define OF_128 OF_32 OF_32 OF_32 OF_32

static char path[] = "/tmp/weir-secret-XXXXXX";

static void file_write(struct bytes text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
}

static void test_a_file_holds_one_line_of_the_right_length(void **state)
{
    static const struct {
        const char *name;
        struct bytes text;
        const char *want; /* NULL: it will do */
    } cases[] = {
        {"the least",               BYTES(OF_32),                       NULL                   },
        {"with an end of line",     BYTES(OF_32 "\r\n"),                NULL                   },
        {"the most",                BYTES(OF_128 OF_128 "\n"),          NULL                   },
        {"one less than the least", BYTES(EIGHT EIGHT EIGHT "s3cret-"),
         "of 31 bytes; want one line"                                                          },
        {"one more than the most",  BYTES(OF_128 OF_128 "s"),           "of 257 bytes"         },
        {"empty",                   BYTES("\n"),                        "of 0 bytes"           },
        {"two lines",               BYTES(OF_32 "\n" OF_32 "\n"),       "byte 33 of the secret"},
        {"a space",                 BYTES("a " OF_32),                  "byte 2 of the secret" },
        {"no text",                 BYTES("a\0" OF_32),                 "byte 2 of the secret" },
        {"no ASCII",                BYTES(OF_32 "\xc3\xa4"),            "byte 33 of the secret"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cluster_secret *secret = NULL;
        struct error err = {0};
        enum code code;

        file_write(cases[i].text);
        code = cluster_secret_open(path, &secret, &err);
        if ((code != OK) != (cases[i].want != NULL) || (code == OK) != (secret != NULL) ||
            (code && (code != E_CONFIG || !strstr(err.text, cases[i].want))) ||
            strstr(err.text, "s3cret"))
            fail_msg("%s: %d (%s)", cases[i].name, code, err.text);
        cluster_secret_close(secret);
    }
}

static void test_a_file_that_everybody_may_read_is_refused(void **state)
{
    struct cluster_secret *secret = NULL;
    struct error err = {0};

    (void)state;
    file_write(BYTES(OF_32));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(cluster_secret_open(path, &secret, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "chmod o-rwx"));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(cluster_secret_open(path, &secret, &err), OK);
    cluster_secret_close(secret);
    assert_int_equal(cluster_secret_open("/tmp/weir-no-such-file", &secret, &err), E_NOT_FOUND);
    assert_null(secret);
    cluster_secret_close(NULL);
}

static void test_only_all_of_it_is_the_secret(void **state)
{
    struct cluster_secret *secret = NULL;
    char text[CLUSTER_SECRET_TEXT_SIZE], more[2 * CLUSTER_SECRET_TEXT_SIZE] = {0};

    (void)state;
    file_write(BYTES(OF_32 "\n"));
    assert_int_equal(cluster_secret_open(path, &secret, NULL), OK);
    assert_true(cluster_secret_is(secret, BYTES(OF_32)));
    cluster_secret_copy(secret, text);
    assert_string_equal(text, OF_32);
    memcpy(more, text, strlen(text));
    for (size_t size = 0; size <= sizeof(more); size++)
        assert_int_equal(cluster_secret_is(secret, (struct bytes){more, size}), size == 32);
    for (size_t i = 0; i < strlen(text); i++) {
        text[i] ^= 1;
        assert_false(cluster_secret_is(secret, bytes_of(text)));
        text[i] ^= 1;
    }
    assert_false(cluster_secret_is(secret, (struct bytes){NULL, 0}));
    cluster_secret_close(secret);
}

static void test_a_new_one_holds_once_it_is_right(void **state)
{
    struct cluster_secret *secret = NULL;
    struct error err = {0};

    (void)state;
    file_write(BYTES(OF_128));
    assert_int_equal(cluster_secret_open(path, &secret, NULL), OK);
    file_write(BYTES("too short"));
    assert_int_equal(cluster_secret_renew(secret, &err), E_CONFIG);
    assert_null(strstr(err.text, "too short"));
    assert_true(cluster_secret_is(secret, BYTES(OF_128)));
    file_write(BYTES(OF_32));
    assert_int_equal(cluster_secret_renew(secret, &err), OK);
    assert_true(cluster_secret_is(secret, BYTES(OF_32)));
    assert_false(cluster_secret_is(secret, BYTES(OF_128)));
    cluster_secret_close(secret);
}

static int make_file(void **state)
{
    int fd = mkstemp(path); /* 0600 */

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_holds_one_line_of_the_right_length),
        cmocka_unit_test(test_only_all_of_it_is_the_secret),
        cmocka_unit_test(test_a_new_one_holds_once_it_is_right),
        cmocka_unit_test(test_a_file_that_everybody_may_read_is_refused),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
