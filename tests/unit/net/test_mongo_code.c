#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/mongo_code.h"

static void test_codes_of_servers(void **state)
{
    static const struct {
        uint32_t server;
        enum code want;
    } cases[] = {
        {0,          E_IO       },
        {1,          E_IO       }, /* InternalError */
        {2,          E_IO       }, /* BadValue */
        {13,         E_CONFIG   },
        {18,         E_CONFIG   },
        {50,         E_TIMEOUT  },
        {64,         E_TIMEOUT  },
        {91,         E_NOT_READY},
        {100,        E_CONFIG   },
        {134,        E_NOT_READY},
        {189,        E_NOT_READY},
        {262,        E_TIMEOUT  },
        {10107,      E_NOT_READY},
        {11000,      E_EXISTS   },
        {11001,      E_EXISTS   },
        {11600,      E_NOT_READY},
        {11602,      E_NOT_READY},
        {12582,      E_EXISTS   },
        {13435,      E_NOT_READY},
        {13436,      E_NOT_READY},
        {14031,      E_NOT_READY},
        {UINT32_MAX, E_IO       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (mongo_code(cases[i].server) != cases[i].want)
            fail_msg("%u: got %d", cases[i].server, mongo_code(cases[i].server));
}

/* A code that stops a shipper for good, or says that something is there, is a promise. */
static void test_no_other_code_says_that_a_document_is_there(void **state)
{
    unsigned exists = 0, known = 0;

    (void)state;
    for (uint32_t server = 0; server < 20000; server++) {
        enum code code = mongo_code(server);

        exists += code == E_EXISTS;
        known += code != E_IO;
        assert_true(code == E_IO || code == E_EXISTS || code == E_CONFIG || code == E_TIMEOUT ||
                    code == E_NOT_READY);
    }
    assert_int_equal(exists, 3);
    assert_in_range(known, 20, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_of_servers),
        cmocka_unit_test(test_no_other_code_says_that_a_document_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
