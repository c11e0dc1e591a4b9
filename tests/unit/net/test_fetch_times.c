#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/fetch_times.h"

enum { MS = 1000000 };

static void test_what_is_due_first_is_told(void **state)
{
    static const struct {
        struct fetch_times times;
        int64_t due_ns;
        const char *told; /* NULL = nothing is due, ever */
    } cases[] = {
        {{.began_ns = 5},                                                                         INT64_MAX, NULL},
        {{.began_ns = 5, .first_byte_ns_max = 9},                                                 INT64_MAX, NULL},
        {{.began_ns = 5, .idle_ns_max = 9, .sent_ns = 6},                                         INT64_MAX, NULL},
        {{.began_ns = 5, .total_ns_max = 7 * MS},
         5 + 7 * MS,
         "the answer was not whole within 7 ms (timeouts.total)"                                                 },
        {{.began_ns = 5, .total_ns_max = INT64_MAX},                                              INT64_MAX, NULL},
        {{.began_ns = 5, .sent_ns = 6, .first_byte_ns_max = 3 * MS, .total_ns_max = 7 * MS},
         6 + 3 * MS,
         "no answer began within 3 ms (timeouts.first_byte)"                                                     },
        {{.began_ns = 5, .sent_ns = 6 * MS, .first_byte_ns_max = 3 * MS, .total_ns_max = 7 * MS},
         5 + 7 * MS,
         "the answer was not whole within 7 ms (timeouts.total)"                                                 },
        {{.began_ns = 5,
          .sent_ns = 6,
          .last_byte_ns = 7,
          .first_byte_ns_max = MS,
          .idle_ns_max = 2 * MS},
         7 + 2 * MS,
         "nothing more came within 2 ms (timeouts.idle)"                                                         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        if (fetch_times_due_ns(&cases[i].times) != cases[i].due_ns)
            fail_msg("%zu: %lld", i, (long long)fetch_times_due_ns(&cases[i].times));
        if (cases[i].told == NULL)
            continue;
        assert_int_equal(fetch_times_tell(&cases[i].times, &err), E_TIMEOUT);
        assert_string_equal(err.text, cases[i].told);
    }
}

static void test_to_connect_is_told_by_its_name(void **state)
{
    const struct fetch_times times = {.connect_ns_max = 250 * MS};
    struct error err = {0};

    (void)state;
    assert_int_equal(fetch_times_tell_connect(&times, &err), E_TIMEOUT);
    assert_string_equal(err.text, "no connection was made within 250 ms (timeouts.connect)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_due_first_is_told),
        cmocka_unit_test(test_to_connect_is_told_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
