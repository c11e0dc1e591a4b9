#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/pulse.h"

#define TAIL                                                                                       \
    "\"wall_ns\":5,\"stamp_ns\":4,\"through_ns\":3,\"backlog_bytes\":2,\"registry_version\":1,"    \
    "\"new\":[]}"

static void test_what_a_member_says_is_read(void **state)
{
    struct pulse pulse;

    (void)state;
    assert_int_equal(
        pulse_parse(BYTES("{\"number\":1023,\"ready\":true,\"peer_known\":false," TAIL), &pulse,
                    NULL),
        OK);
    assert_int_equal(pulse.number, 1023);
    assert_true(pulse.ready && !pulse.peer_known);
    assert_int_equal(pulse.wall_ns, 5);
    assert_int_equal(pulse.stamp_ns, 4);
    assert_int_equal(pulse.through_ns, 3);
    assert_int_equal(pulse.backlog_bytes, 2);
    assert_int_equal(pulse.registry_version, 1);
    assert_int_equal(pulse.closed_ns, 0); /* as one that does not know of it */
    assert_int_equal(
        pulse_parse(BYTES("{\"number\":1,\"incarnation\":\"0102030405060708090a0b0c0d0e0f10\","
                          "\"ready\":true,\"peer_known\":true,\"closed_ns\":6," TAIL),
                    &pulse, NULL),
        OK);
    assert_int_equal(pulse.closed_ns, 6);
    assert_int_equal(pulse.incarnation.bytes[15], 0x10);
}

static void test_what_is_no_pulse_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"",                                                                              ""                                 },
        {"[]",                                                                            "\"ready\" must be true or"        },
        {"{\"ready\":1}",                                                                 "\"ready\" must be true or"        },
        {"{\"ready\":true}",                                                              "\"peer_known\" must be true"      },
        {"{\"ready\":true,\"peer_known\":true," TAIL,                                     "\"number\" must be a whole"       },
        {"{\"number\":1024,\"ready\":true,\"peer_known\":true," TAIL,
         "\"number\" must be a member's"                                                                                     },
        {"{\"number\":-1,\"ready\":true,\"peer_known\":true," TAIL,                       "\"number\" must be a whole"       },
        {"{\"number\":1.5,\"ready\":true,\"peer_known\":true," TAIL,                      "\"number\" must be a whole"       },
        {"{\"number\":1,\"ready\":true,\"peer_known\":true}",                             "\"wall_ns\" must be a whole"      },
        {"{\"number\":1,\"ready\":true,\"peer_known\":true,\"wall_ns\":-1}",
         "\"wall_ns\" must be a whole"                                                                                       },
        {"{\"number\":1,\"ready\":true,\"peer_known\":true,\"wall_ns\":9200000000000000001,\"stamp_"
         "ns\":0,\"through_ns\":0,\"backlog_bytes\":0,\"registry_version\":0}",  "\"wall_ns\" must be a time before"},
        {"{\"number\":1,\"incarnation\":\"01\",\"ready\":true,\"peer_known\":true," TAIL,
         "\"incarnation\" must be that"                                                                                      },
        {"{\"number\":1,\"ready\":true,\"peer_known\":true,\"closed_ns\":-6," TAIL,
         "\"closed_ns\" must be a whole"                                                                                     },
        {"{\"number\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}",                                ""                                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pulse pulse = {.number = 7};
        struct error err = {0};

        if (pulse_parse(bytes_of(cases[i].text), &pulse, &err) == OK ||
            !strstr(err.text, cases[i].want) || pulse.number != 7)
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_member_says_is_read),
        cmocka_unit_test(test_what_is_no_pulse_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
