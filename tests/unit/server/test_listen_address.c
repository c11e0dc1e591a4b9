#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/listen_address.h"

static void test_an_address_is_checked_and_its_reach_told(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:8090",      OK,       true },
        {"127.3.2.1:0",         OK,       true },
        {"localhost:65535",     OK,       true },
        {"[::1]:8090",          OK,       true },
        {"[0:0:0:0:0:0:0:1]:1", OK,       true },
        {"0.0.0.0:8090",        OK,       false},
        {"[::]:8090",           OK,       false},
        {"128.0.0.1:80",        OK,       false},
        {"10.0.0.127:80",       OK,       false},
        {"127.example.org:80",  OK,       false},
        {"localhost.evil:80",   OK,       false},
        {"",                    E_CONFIG, false},
        {":8090",               E_CONFIG, false},
        {"8090",                E_CONFIG, false},
        {"127.0.0.1",           E_CONFIG, false},
        {"127.0.0.1:",          E_CONFIG, false},
        {"127.0.0.1:65536",     E_CONFIG, false},
        {"127.0.0.1:-1",        E_CONFIG, false},
        {"127.0.0.1:http",      E_CONFIG, false},
        {"::1:8090",            E_CONFIG, false},
        {"[::1:8090",           E_CONFIG, false},
        {"[]:8090",             E_CONFIG, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        bool loopback = false;
        enum code code = listen_address_check(bytes_of(cases[i].text), &loopback, &err);

        if (code != cases[i].want || loopback != cases[i].loopback)
            fail_msg("%s: got %d, %d", cases[i].text, code, loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_checked_and_its_reach_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
