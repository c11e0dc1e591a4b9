#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/listen.h"

#include <stdlib.h>
#include <unistd.h>

static void test_addresses_are_bound_and_told_with_their_port(void **state)
{
    static const struct {
        const char *text, *begins;
    } cases[] = {
        {"127.0.0.1:0",     "127.0.0.1:"},
        {"localhost:0",     "127.0.0.1:"},
        {"0.0.0.0:0",       "0.0.0.0:"  },
        {"127.0.0.2:00000", "127.0.0.2:"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char address[80] = "";
        struct error err = {0};
        int fd = -1;

        if (listen_open(cases[i].text, &fd, address, sizeof(address), &err) != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        if (strncmp(address, cases[i].begins, strlen(cases[i].begins)) != 0 &&
            strncmp(address, "[::1]:", 6) != 0)
            fail_msg("%s: bound %s", cases[i].text, address);
        assert_true(atoi(strrchr(address, ':') + 1) > 0);
        close(fd);
    }
}

static void test_what_is_no_address_is_refused(void **state)
{
    static const char *const cases[] = {
        "",      "nonsense",         "127.0.0.1",   "127.0.0.1:",     ":8086",
        "[::1]", "[::1]8086",        "::1:8086",    "127.0.0.1:http", "127.0.0.1:-1",
        "[]:80", "127.0.0.1:999999", "256.0.0.1:1", "192.0.2.1:0",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char address[80];
        struct error err = {0};
        int fd = -7;

        if (listen_open(cases[i], &fd, address, sizeof(address), &err) != E_CONFIG)
            fail_msg("%s: passed", cases[i]);
        assert_int_equal(fd, -7);
        assert_non_null(strstr(err.text, "listen address"));
    }
}

static void test_a_taken_port_is_told(void **state)
{
    char address[80], again[80];
    struct error err = {0};
    int fd = -1, second = -1;

    (void)state;
    assert_int_equal(listen_open("127.0.0.1:0", &fd, address, sizeof(address), &err), OK);
    assert_int_equal(listen_open(address, &second, again, sizeof(again), &err), E_CONFIG);
    assert_non_null(strstr(err.text, "in use"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_bound_and_told_with_their_port),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_a_taken_port_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
