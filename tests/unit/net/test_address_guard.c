#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/un.h>

#include "net/address_guard.h"

/* Of each prefix of IANA's registries: the address before it, its first one, one in the middle, the
 * last one, and the one behind it; and every form in which an address of IPv6 stands for one of
 * IPv4.  Worked out by Python's ipaddress; none that its is_global refuses is reached here. */
static const char *const refused[] = {"0.0.0.0",
                                      "0.127.255.255",
                                      "0.255.255.255",
                                      "10.0.0.0",
                                      "10.127.255.255",
                                      "10.255.255.255",
                                      "100.64.0.0",
                                      "100.95.255.255",
                                      "100.100.100.200",
                                      "100.127.255.255",
                                      "127.0.0.0",
                                      "127.127.255.255",
                                      "127.255.255.255",
                                      "168.63.129.16",
                                      "169.254.0.0",
                                      "169.254.127.255",
                                      "169.254.169.254",
                                      "169.254.255.255",
                                      "172.16.0.0",
                                      "172.23.255.255",
                                      "172.31.255.255",
                                      "192.0.0.0",
                                      "192.0.0.9",
                                      "192.0.0.10",
                                      "192.0.0.127",
                                      "192.0.0.192",
                                      "192.0.0.255",
                                      "192.0.2.0",
                                      "192.0.2.127",
                                      "192.0.2.255",
                                      "192.88.99.0",
                                      "192.88.99.127",
                                      "192.88.99.255",
                                      "192.168.0.0",
                                      "192.168.127.255",
                                      "192.168.255.255",
                                      "198.18.0.0",
                                      "198.18.255.255",
                                      "198.19.255.255",
                                      "198.51.100.0",
                                      "198.51.100.127",
                                      "198.51.100.255",
                                      "203.0.113.0",
                                      "203.0.113.127",
                                      "203.0.113.255",
                                      "224.0.0.0",
                                      "231.255.255.255",
                                      "239.255.255.255",
                                      "240.0.0.0",
                                      "247.255.255.255",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::2",
                                      "::808:808",
                                      "::a00:1",
                                      "::5db8:d822",
                                      "::6440:1",
                                      "::7f00:1",
                                      "::a9fe:a9fe",
                                      "::c0a8:101",
                                      "::e000:1",
                                      "::ffff:0:0",
                                      "::ffff:a00:1",
                                      "::ffff:6440:1",
                                      "::ffff:7f00:1",
                                      "::ffff:a9fe:a9fe",
                                      "::ffff:c0a8:101",
                                      "::ffff:e000:1",
                                      "::ffff:0:0:0",
                                      "::ffff:0:808:808",
                                      "::ffff:0:a00:1",
                                      "::ffff:0:5db8:d822",
                                      "::ffff:0:6440:1",
                                      "::ffff:0:7f00:1",
                                      "::ffff:0:a9fe:a9fe",
                                      "::ffff:0:c0a8:101",
                                      "::ffff:0:e000:1",
                                      "64:ff9b::",
                                      "64:ff9b::a00:1",
                                      "64:ff9b::6440:1",
                                      "64:ff9b::7f00:1",
                                      "64:ff9b::a9fe:a9fe",
                                      "64:ff9b::c0a8:101",
                                      "64:ff9b::e000:1",
                                      "64:ff9b:0:ffff:ffff:ffff:ffff:ffff",
                                      "64:ff9b:1::",
                                      "64:ff9b:1::808:808",
                                      "64:ff9b:1::a00:1",
                                      "64:ff9b:1::5db8:d822",
                                      "64:ff9b:1::6440:1",
                                      "64:ff9b:1::7f00:1",
                                      "64:ff9b:1::a9fe:a9fe",
                                      "64:ff9b:1::c0a8:101",
                                      "64:ff9b:1::e000:1",
                                      "64:ff9b:1:7fff:ffff:ffff:ffff:ffff",
                                      "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                                      "64:ff9b:2::",
                                      "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "100::",
                                      "100::7fff:ffff:ffff:ffff",
                                      "100::ffff:ffff:ffff:ffff",
                                      "100:0:0:1::",
                                      "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001::",
                                      "2001:0:41d:601::1fff:fffe",
                                      "2001:0:41d:601::3f57:fefe",
                                      "2001:0:41d:601::5601:5601",
                                      "2001:0:41d:601::80ff:fffe",
                                      "2001:0:41d:601::9bbf:fffe",
                                      "2001:0:41d:601::a247:27dd",
                                      "2001:0:41d:601::f5ff:fffe",
                                      "2001:0:41d:601::f7f7:f7f7",
                                      "2001:0:41d:601::ffff:ffff",
                                      "2001:0:7fff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:1::",
                                      "2001:1::1",
                                      "2001:1:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:2::",
                                      "2001:2:0:7fff:ffff:ffff:ffff:ffff",
                                      "2001:2:0:ffff:ffff:ffff:ffff:ffff",
                                      "2001:2:1::",
                                      "2001:3::1",
                                      "2001:4:112::1",
                                      "2001:20::1",
                                      "2001:30::1",
                                      "2001:ff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:db8::",
                                      "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2002::",
                                      "2002::1",
                                      "2002:808:808::1",
                                      "2002:a00:1::1",
                                      "2002:5db8:d822::1",
                                      "2002:6440:1::1",
                                      "2002:7f00:1::1",
                                      "2002:7fff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2002:a9fe:a9fe::1",
                                      "2002:c0a8:101::1",
                                      "2002:e000:1::1",
                                      "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2600:1f18::5efe:0:0",
                                      "2600:1f18::5efe:a00:1",
                                      "2600:1f18::5efe:6440:1",
                                      "2600:1f18::5efe:7f00:1",
                                      "2600:1f18::5efe:a9fe:a9fe",
                                      "2600:1f18::5efe:c0a8:101",
                                      "2600:1f18::5efe:e000:1",
                                      "2600:1f18::200:5efe:0:0",
                                      "2600:1f18::200:5efe:a00:1",
                                      "2600:1f18::200:5efe:6440:1",
                                      "2600:1f18::200:5efe:7f00:1",
                                      "2600:1f18::200:5efe:a9fe:a9fe",
                                      "2600:1f18::200:5efe:c0a8:101",
                                      "2600:1f18::200:5efe:e000:1",
                                      "3fff::",
                                      "3fff:7ff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "4000::",
                                      "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "5f00::",
                                      "5f00:7fff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "5f01::",
                                      "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "fc00::",
                                      "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "fd00:ec2::254",
                                      "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "fe00::",
                                      "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "fe80::",
                                      "fe80::a9fe:a9fe",
                                      "fe9f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "fec0::",
                                      "fedf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "ff00::",
                                      "ff02::1",
                                      "ff7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

static const char *const reached[] = {"1.0.0.0",
                                      "1.1.1.1",
                                      "8.8.8.8",
                                      "9.255.255.255",
                                      "11.0.0.0",
                                      "93.184.216.34",
                                      "100.63.255.255",
                                      "100.128.0.0",
                                      "126.255.255.255",
                                      "128.0.0.0",
                                      "168.63.129.15",
                                      "168.63.129.17",
                                      "169.253.255.255",
                                      "169.255.0.0",
                                      "172.15.255.255",
                                      "172.32.0.0",
                                      "191.255.255.255",
                                      "192.0.1.0",
                                      "192.0.1.255",
                                      "192.0.3.0",
                                      "192.31.196.1",
                                      "192.52.193.1",
                                      "192.88.98.255",
                                      "192.88.100.0",
                                      "192.167.255.255",
                                      "192.169.0.0",
                                      "192.175.48.1",
                                      "198.17.255.255",
                                      "198.20.0.0",
                                      "198.51.99.255",
                                      "198.51.101.0",
                                      "203.0.112.255",
                                      "203.0.114.0",
                                      "223.255.255.255",
                                      "::ffff:808:808",
                                      "::ffff:5db8:d822",
                                      "64:ff9b::808:808",
                                      "64:ff9b::5db8:d822",
                                      "2000::",
                                      "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:200::",
                                      "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2001:db9::",
                                      "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "2003::",
                                      "2600:1f18::5efe:808:808",
                                      "2600:1f18::5efe:5db8:d822",
                                      "2600:1f18::200:5efe:808:808",
                                      "2600:1f18::200:5efe:5db8:d822",
                                      "2606:2800:220:1:248:1893:25c8:1946",
                                      "2620:4f:8000::1",
                                      "2a00:1450:4001::200e",
                                      "2fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                                      "3fff:1000::",
                                      "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

static const struct address_rules none;

static enum code check(const struct address_rules *rules, const char *text, uint16_t port,
                       struct error *err)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        return address_check(rules, (const struct sockaddr *)&ipv4, err);
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return address_check(rules, (const struct sockaddr *)&ipv6, err);
}

static void test_what_is_not_public_is_refused_up_to_its_edges(void **state)
{
    (void)state;
    assert_true(COUNT_OF(refused) + COUNT_OF(reached) >= 200);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct error err = {0};

        if (check(&none, refused[i], 443, &err) != E_ADDRESS || !strstr(err.text, " is "))
            fail_msg("%s: %s", refused[i], err.text);
    }
    for (size_t i = 0; i < COUNT_OF(reached); i++) {
        struct error err = {0};

        if (check(&none, reached[i], 443, &err) != OK)
            fail_msg("%s: %s", reached[i], err.text);
    }
}

static void test_it_is_told_what_an_address_is(void **state)
{
    static const struct {
        const char *address, *told;
    } cases[] = {
        {"169.254.169.254",          "169.254.169.254 is link-local"                          },
        {"::ffff:169.254.169.254",   "169.254.169.254 is link-local"                          },
        {"255.255.255.255",          "255.255.255.255 is broadcast"                           },
        {"::",                       ":: is unspecified"                                      },
        {"::1",                      "::1 is loopback"                                        },
        {"64:ff9b::10.0.0.1",        "64:ff9b::a00:1 is one of IPv4 that is not public"       },
        {"2600::200:5efe:127.0.0.1", "2600::200:5efe:7f00:1 is one of IPv4 that is not public"},
        {"2001:0:1::1",              "2001:0:1::1 is a Teredo address"                        },
        {"fd00:ec2::254",            "fd00:ec2::254 is unique local"                          },
        {"168.63.129.16",            "168.63.129.16 is what Azure answers its machines at"    },
        {"5000::1",                  "5000::1 is not of those that are given to hosts"        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        assert_int_equal(check(&none, cases[i].address, 80, &err), E_ADDRESS);
        assert_memory_equal(err.text, cases[i].told, strlen(cases[i].told));
        assert_int_equal(err.text[strlen(cases[i].told)], ';');
    }
}

/* As it is written in the configuration. */
static void test_it_is_told_what_would_allow_an_address(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(check(&none, "127.0.0.1", 8099, &err), E_ADDRESS);
    assert_string_equal(err.text, "127.0.0.1 is loopback; the operator may allow it: "
                                  "WEIR_PULL_ALLOW=127.0.0.1:8099");
    assert_int_equal(check(&none, "fd00::1", 80, &err), E_ADDRESS);
    assert_string_equal(err.text, "fd00::1 is unique local; the operator may allow it: "
                                  "WEIR_PULL_ALLOW=[fd00::1]:80");
}

static void test_ports_of_other_protocols_are_refused(void **state)
{
    static const uint16_t bad[] = {0,   1,   21,  22,  23,  25,   53,   110,  111,
                                   143, 389, 465, 587, 993, 2049, 6000, 6667, 10080};
    static const uint16_t good[] = {80, 443, 8080, 8090, 3000, 5000, 9090, 27017, 65535};
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(check(&none, "8.8.8.8", bad[i], NULL), E_ADDRESS);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_int_equal(check(&none, "8.8.8.8", good[i], NULL), OK);
    assert_int_equal(check(&none, "8.8.8.8", 25, &err), E_ADDRESS);
    assert_string_equal(err.text, "port 25 (of 8.8.8.8) is not one of HTTP");
}

static void test_other_families_are_refused(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/x"};

    (void)state;
    assert_int_equal(address_check(&none, (const struct sockaddr *)&address, NULL), E_ADDRESS);
}

static void test_a_rule_has_its_addresses_and_ports_alone(void **state)
{
    static const struct {
        const char *rule, *address;
        uint16_t port;
        bool reached;
    } cases[] = {
        {"10.1.0.0/16",         "10.1.0.0",         80,   true },
        {"10.1.0.0/16",         "10.1.255.255",     8443, true },
        {"10.1.0.0/16",         "::ffff:10.1.2.3",  80,   true },
        {"10.1.0.0/16",         "10.0.255.255",     80,   false},
        {"10.1.0.0/16",         "10.2.0.0",         80,   false},
        {"10.1.0.0/16",         "10.1.2.3",         25,   false},
        {"10.1.0.0/16",         "10.1.2.3",         0,    false},
        {"10.1.0.0/16",         "64:ff9b::a01:203", 80,   false},
        {"10.1.0.0/16:25",      "10.1.2.3",         25,   true },
        {"10.1.0.0/16:25",      "10.1.2.3",         80,   false},
        {"127.0.0.1:8099",      "127.0.0.1",        8099, true },
        {"127.0.0.1:8099",      "127.0.0.1",        8098, false},
        {"127.0.0.1:8099",      "127.0.0.2",        8099, false},
        {"8.8.8.8:22",          "8.8.8.8",          22,   true },
        {"0.0.0.0/0",           "127.0.0.1",        80,   true },
        {"0.0.0.0/0",           "::1",              80,   false},
        {"[::]/0",              "::1",              80,   true },
        {"[::]/0",              "127.0.0.1",        80,   false},
        {"[::]/0",              "::ffff:127.0.0.1", 80,   false},
        {"[::ffff:0.0.0.0]/96", "127.0.0.1",        80,   true },
        {"[::1]",               "::1",              443,  true },
        {"[::1]:443",           "::1",              80,   false},
        {"[fd00::]/9",          "fd7f::1",          80,   true },
        {"[fd00::]/9",          "fd80::1",          80,   false},
        {"[64:ff9b::]/96",      "64:ff9b::a01:203", 80,   true },
        {"[fe80::]/10:8080",    "fe80::1",          8080, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address_rules rules = {0};
        struct error err = {0};

        if (address_rules_add(&rules, bytes_of(cases[i].rule), &err))
            fail_msg("%s: %s", cases[i].rule, err.text);
        if ((check(&rules, cases[i].address, cases[i].port, &err) == OK) != cases[i].reached)
            fail_msg("%s, %s:%u: %s", cases[i].rule, cases[i].address, cases[i].port, err.text);
    }
}

static void test_a_rule_that_is_none_is_told(void **state)
{
    static const struct {
        const char *rule, *told;
    } cases[] = {
        {"",                                                                 "is no address"                         },
        {"localhost",                                                        "is no address: write 10.1.0.0/16"      },
        {"10.1",                                                             "is no address"                         },
        {"010.1.0.0/16",                                                     "is no address"                         },
        {"::1",                                                              "is no address"                         },
        {"[::1",                                                             "is no address"                         },
        {"[127.0.0.1]",                                                      "is no address"                         },
        {"[fe80::1%eth0]",                                                   "is no address"                         },
        {"10.1.0.0/33",                                                      "behind the / stand 0 to 32 bits"       },
        {"10.1.0.0/",                                                        "behind the / stand 0 to 32 bits"       },
        {"10.1.0.0/-1",                                                      "behind the / stand 0 to 32 bits"       },
        {"[::]/129",                                                         "behind the / stand 0 to 128 bits"      },
        {"10.1.0.0/16:",                                                     "behind the : stands a port, 1 to 65535"},
        {"10.1.0.0/16:0",                                                    "behind the : stands a port, 1 to 65535"},
        {"10.1.0.0/16:65536",                                                "behind the : stands a port, 1 to 65535"},
        {"10.1.0.0:80/16",                                                   "behind the : stands a port, 1 to 65535"},
        {"10.1.0.0/16 ",                                                     "behind the : stands a port, 1 to 65535"},
        {"10.1.2.3/16",                                                      "the network begins at 10.1.0.0"        },
        {"[fd00::1]/8",                                                      "the network begins at fd00::"          },
        {"1111111111111111111111111111111111111111111111111111111111111111", "is no address"                         },
    };
    struct address_rules rules = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        assert_int_equal(address_rules_add(&rules, bytes_of(cases[i].rule), &err), E_BAD_PARAMETER);
        if (!strstr(err.text, cases[i].told))
            fail_msg("%s: %s", cases[i].rule, err.text);
    }
    assert_int_equal(rules.count, 0);
    for (size_t i = 0; i < ADDRESS_RULES_MAX; i++)
        assert_int_equal(address_rules_add(&rules, BYTES("10.0.0.0/8"), NULL), OK);
    assert_int_equal(address_rules_add(&rules, BYTES("10.0.0.0/8"), NULL), E_BAD_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_public_is_refused_up_to_its_edges),
        cmocka_unit_test(test_it_is_told_what_an_address_is),
        cmocka_unit_test(test_it_is_told_what_would_allow_an_address),
        cmocka_unit_test(test_ports_of_other_protocols_are_refused),
        cmocka_unit_test(test_other_families_are_refused),
        cmocka_unit_test(test_a_rule_has_its_addresses_and_ports_alone),
        cmocka_unit_test(test_a_rule_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
