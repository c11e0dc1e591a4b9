#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/remote_flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void test_flags_and_what_they_mean(void **state)
{
    static const struct {
        const char *name;
        enum remote_flag flag;
        const char *value, *told; /* NULL = it is good */
    } cases[] = {
        {"url",           REMOTE_URL,        "https://weir.example/base/", NULL                          },
        {"no url",        REMOTE_URL,        "weir",                       "--url: \"weir\" is not a URL"},
        {"secret in url", REMOTE_URL,        "http://a:hush@b",            "a token comes from a file"   },
        {"timeout",       REMOTE_TIMEOUT,    "5s",                         NULL                          },
        {"bad timeout",   REMOTE_TIMEOUT,    "soon",                       "--timeout: "                 },
        {"retry",         REMOTE_RETRY_FOR,  "0",                          NULL                          },
        {"long retry",    REMOTE_RETRY_FOR,  "18446744073709551615",       NULL                          },
        {"bad retry",     REMOTE_RETRY_FOR,  "-1s",                        "--retry-for: "               },
        {"no token file", REMOTE_TOKEN_FILE, "/tmp/weir-none",             "--token-file: "              },
        {"empty token",   REMOTE_TOKEN_FILE, "/dev/null",                  "--token-file: "              },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *values[REMOTE_FLAG_COUNT] = {NULL};
        struct remote remote = {0};
        struct error err = {0};
        enum code code;

        values[cases[i].flag] = cases[i].value;
        code = remote_flags_apply(values, &remote, &err);
        if ((code == OK) != (cases[i].told == NULL) ||
            (cases[i].told && !strstr(err.text, cases[i].told)) || strstr(err.text, "hush"))
            fail_msg("%s: %d, %s", cases[i].name, code, err.text);
        remote_close(&remote);
    }
}

static void test_where_the_server_is(void **state)
{
    const char *values[REMOTE_FLAG_COUNT] = {NULL};
    struct remote remote;

    (void)state;
    unsetenv("WEIR_URL");
    assert_int_equal(remote_flags_apply(values, &remote, NULL), OK);
    assert_true(bytes_equal(buf_bytes(&remote.url), BYTES("http://127.0.0.1:8090")));
    assert_int_equal(remote.bearer.size, 0);
    remote_close(&remote);
    setenv("WEIR_URL", "http://b:1//", 1);
    assert_int_equal(remote_flags_apply(values, &remote, NULL), OK);
    assert_true(bytes_equal(buf_bytes(&remote.url), BYTES("http://b:1")));
    remote_close(&remote);
    values[REMOTE_URL] = "http://c";
    assert_int_equal(remote_flags_apply(values, &remote, NULL), OK);
    assert_true(bytes_equal(buf_bytes(&remote.url), BYTES("http://c")));
    remote_close(&remote);
    unsetenv("WEIR_URL");
}

static void test_the_token_is_of_a_file_or_the_environment_and_in_no_message(void **state)
{
    static const struct {
        const char *text, *bearer; /* NULL = refused */
    } cases[] = {
        {"weir_a_b\n",      "Authorization: Bearer weir_a_b"},
        {"  weir_a_b \r\n", "Authorization: Bearer weir_a_b"},
        {"two words\n",     NULL                            },
        {"a\x01",           NULL                            },
        {" \n",             NULL                            },
    };
    char path[] = "/tmp/weir-token-XXXXXX";
    const char *values[REMOTE_FLAG_COUNT] = {NULL};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    values[REMOTE_TOKEN_FILE] = path;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        FILE *file = fopen(path, "w");
        struct remote remote;
        struct error err = {0};
        enum code code;

        assert_non_null(file);
        fputs(cases[i].text, file);
        fclose(file);
        code = remote_flags_apply(values, &remote, &err);
        if ((code == OK) != (cases[i].bearer != NULL) || strstr(err.text, "words") ||
            (cases[i].bearer && strcmp(remote.bearer.data, cases[i].bearer) != 0))
            fail_msg("%zu: %s", i, err.text);
        remote_close(&remote);
    }
    (void)unlink(path);
    values[REMOTE_TOKEN_FILE] = NULL;
    setenv("WEIR_TOKEN", "weir_c", 1);

    struct remote remote;

    assert_int_equal(remote_flags_apply(values, &remote, NULL), OK);
    assert_string_equal(remote.bearer.data, "Authorization: Bearer weir_c");
    remote_close(&remote);
    unsetenv("WEIR_TOKEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_and_what_they_mean),
        cmocka_unit_test(test_where_the_server_is),
        cmocka_unit_test(test_the_token_is_of_a_file_or_the_environment_and_in_no_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
