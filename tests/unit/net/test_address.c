#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/address.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct address parsed(const char *text)
{
    struct address address;
    struct error err = {0};

    if (address_parse(bytes_of(text), &arena, &address, &err) != OK)
        fail_msg("%s: %s", text, err.text);
    return address;
}

static void test_parts_of_an_address(void **state)
{
    struct address address = parsed("HTTPS://API.Example.org/v1/./a/../b%20c?x=1&y=/../z");

    (void)state;
    assert_true(address.https);
    assert_int_equal(address.port, 443);
    assert_true(bytes_equal(address.host, BYTES("api.example.org")));
    assert_true(bytes_equal(address.host_port, BYTES("api.example.org:443")));
    assert_true(bytes_equal(address.path, BYTES("/v1/b%20c")));
    assert_true(bytes_equal(address.query, BYTES("x=1&y=/../z")));
    assert_string_equal(address.text.data, "https://api.example.org/v1/b%20c?x=1&y=/../z");
    address = parsed("http://127.0.0.1:8099");
    assert_false(address.https);
    assert_true(bytes_equal(address.host_port, BYTES("127.0.0.1:8099")));
    assert_string_equal(address.text.data, "http://127.0.0.1:8099/");
    address = parsed("http://[::1]:80/a");
    assert_true(bytes_equal(address.host_port, BYTES("[::1]:80")));
    assert_string_equal(address.text.data, "http://[::1]/a");
    assert_int_equal(address.query.size, 0);
}

static void test_an_origin_is_scheme_host_and_port(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"https://a.example/x", "https://A.example:443/y", true },
        {"http://a.example/",   "http://a.example:80",     true },
        {"https://a.example/",  "http://a.example:443/",   false},
        {"https://a.example/",  "https://a.example:444/",  false},
        {"https://a.example/",  "https://b.a.example/",    false},
        {"https://a.example/",  "https://a.example./",     false},
        {"http://127.0.0.1/",   "http://127.1/",           true }, /* as it will be dialled */
        {"http://[0:0:0::1]/",  "http://[::1]/",           true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address a = parsed(cases[i].a), b = parsed(cases[i].b);

        if (address_same_origin(&a, &b) != cases[i].same)
            fail_msg("%s and %s", a.host_port.data, b.host_port.data);
    }
}

/* What an API, or who stands between, may give as where to go on.  NULL: refused. */
static void test_references_lead_where_they_say_or_nowhere(void **state)
{
    static const struct {
        const char *reference, *want;
    } cases[] = {
        {"https://api.example.org/v1/x?page=2",       "https://api.example.org/v1/x?page=2"             },
        {"/v2/y",                                     "https://api.example.org/v2/y"                    },
        {"y",                                         "https://api.example.org/v1/y"                    },
        {"./y",                                       "https://api.example.org/v1/y"                    },
        {"../y",                                      "https://api.example.org/y"                       },
        {"../../../../y",                             "https://api.example.org/y"                       },
        {"?page=2",                                   "https://api.example.org/v1/rows?page=2"          },
        {"?page=2#top",                               "https://api.example.org/v1/rows?page=2"          },
        {"#top",                                      "https://api.example.org/v1/rows?page=1"          },
        {"//other.example/x",                         "https://other.example/x"                         },
        {"//api.example.org:8443/x",                  "https://api.example.org:8443/x"                  },
        {"http://api.example.org/x",                  "http://api.example.org/x"                        },
        {"https://API.EXAMPLE.ORG/x",                 "https://api.example.org/x"                       },
        {"https://api.example.org:443/x",             "https://api.example.org/x"                       },
        {"https://api.example.org:/x",                "https://api.example.org/x"                       },
        {"https://api.example.org",                   "https://api.example.org/"                        },
        {"https://api.example.org?x=1",               "https://api.example.org/?x=1"                    },
        {"https://api.example.org/a/..%2f..%2fb",     "https://api.example.org/a/..%2f..%2fb"           },
        {"/a/%2e%2e/b",                               "https://api.example.org/a/%2e%2e/b"              },
        {"/a//b",                                     "https://api.example.org/a//b"                    },
        {"/caf\xc3\xa9?q=\xc3\xa9 x",                 "https://api.example.org/caf%C3%A9?q=%C3%A9%20x"  },
        {"/x?u=http://evil.example/",                 "https://api.example.org/x?u=http://evil.example/"},
        {"/x?u=a@b",                                  "https://api.example.org/x?u=a@b"                 },
        {"/x@y:z",                                    "https://api.example.org/x@y:z"                   },
        {"https://xn--bcher-kva.example/",            "https://xn--bcher-kva.example/"                  },
        {"http://2130706433/",                        "http://127.0.0.1/"                               },
        {"http://0x7f.1/",                            "http://127.0.0.1/"                               },
        {"http://0177.0.0.1/",                        "http://127.0.0.1/"                               },
        {"http://[::ffff:127.0.0.1]/",                "http://[::ffff:127.0.0.1]/"                      },
        {"https://under_score.example/",              "https://under_score.example/"                    },
        {"",                                          NULL                                              },
        {"ftp://api.example.org/x",                   NULL                                              },
        {"file:///etc/passwd",                        NULL                                              },
        {"file:/etc/passwd",                          NULL                                              },
        {"gopher://api.example.org/",                 NULL                                              },
        {"javascript:alert(1)",                       NULL                                              },
        {"data:text/plain,x",                         NULL                                              },
        {"dict://127.0.0.1:11211/stat",               NULL                                              },
        {"ldap://127.0.0.1/",                         NULL                                              },
        {"httpss://api.example.org/",                 NULL                                              },
        {"page:2",                                    NULL                                              },
        {"https:x",                                   NULL                                              },
        {"https:/x",                                  NULL                                              },
        {"https:///x",                                NULL                                              },
        {"https:////evil.example/",                   NULL                                              },
        {"https:",                                    NULL                                              },
        {"https://",                                  NULL                                              },
        {"https://?x",                                NULL                                              },
        {"https://:443/",                             NULL                                              },
        {"///evil.example/x",                         NULL                                              },
        {"////evil.example/x",                        NULL                                              },
        {"//",                                        NULL                                              },
        {"https://user@evil.example/",                NULL                                              },
        {"https://user:pass@evil.example/",           NULL                                              },
        {"https://api.example.org@evil.example/",     NULL                                              },
        {"https://api.example.org:443@evil.example/", NULL                                              },
        {"https://@evil.example/",                    NULL                                              },
        {"//user@evil.example/",                      NULL                                              },
        {"https://api.example.org%40evil.example/",   NULL                                              },
        {"https://api.example.org%2f@evil.example/",  NULL                                              },
        {"https://api.example.org%2eevil.example/",   NULL                                              },
        {"https://api.example.org%00.evil.example/",  NULL                                              },
        {"https:\\\\evil.example/",                   NULL                                              },
        {"\\\\evil.example/",                         NULL                                              },
        {"/\\evil.example/",                          NULL                                              },
        {"https://api.example.org\\@evil.example/",   NULL                                              },
        {"https://evil.example\\.api.example.org/",   NULL                                              },
        {"/a\\b",                                     NULL                                              },
        {"https://api.example.org\r\nHost: evil/",    NULL                                              },
        {"/x\r\nX-Injected: 1",                       NULL                                              },
        {"/x\ty",                                     NULL                                              },
        {"/x\x7f",                                    NULL                                              },
        {"\x01/x",                                    NULL                                              },
        {"https://api example.org/",                  NULL                                              },
        {"https://api.example.org /x",                NULL                                              },
        {"https://b\xc3\xbc"
         "cher.example/",                    NULL                                              },
        {"https://\xef\xbd\x81pi.example.org/",       NULL                                              }, /* a wide a */
        {"https://api.example.org\xe3\x80\x82"
         "evil/",                            NULL                                              }, /* a wide dot */
        {"https://evil.example\xe2\x84\x80/",         NULL                                              }, /* a/c in one */
        {"https://api.example.org:0/",                NULL                                              },
        {"https://api.example.org:65536/",            NULL                                              },
        {"https://api.example.org:99999999999/",      NULL                                              },
        {"https://api.example.org:-1/",               NULL                                              },
        {"https://api.example.org:8o/",               NULL                                              },
        {"https://api.example.org:443:443/",          NULL                                              },
        {"https://[::1/",                             NULL                                              },
        {"https://[fe80::1%25eth0]/",                 NULL                                              },
        {"https://[zz]/",                             NULL                                              },
        {"https://.example.org/",                     NULL                                              },
        {"https://a<b>.example/",                     NULL                                              },
        {"https://a,b/",                              NULL                                              },
        {"https://a;b/",                              NULL                                              },
        {"https://a*b/",                              NULL                                              },
    };
    struct address base = parsed("https://api.example.org/v1/rows?page=1");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes reference = bytes_of(cases[i].reference);
        struct address address;
        struct error err = {0};
        enum code code = address_join(&base, reference, &arena, &address, &err);

        if (cases[i].want == NULL ? code != E_BAD_PARAMETER || err.text[0] == '\0'
                                  : code != OK || strcmp(address.text.data, cases[i].want) != 0)
            fail_msg("%s: got %s (%s)", cases[i].reference, code ? "-" : address.text.data,
                     err.text);
        if (code == OK) { /* what came out is itself */
            struct address again = parsed(address.text.data);

            assert_string_equal(again.text.data, address.text.data);
            assert_true(address_same_origin(&again, &address));
        }
    }
}

static void test_an_address_of_a_document_is_absolute_and_has_no_fragment(void **state)
{
    static const char *const cases[] = {
        "/x", "x", "//a.example/", "https://a.example/#x", "https://a.example#",
        "?x", "",  "a.example",    "ftp://a.example/",     "https://u:secret@a.example/"};
    char with_end[] = "https://a.example/\0x";
    char *large = arena_zero(&arena, ADDRESS_SIZE_MAX + 2);
    struct address address;
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (address_parse(bytes_of(cases[i]), &arena, &address, &err) != E_BAD_PARAMETER)
            fail_msg("%s is taken", cases[i]);
        assert_null(strstr(err.text, "secret"));
    }
    assert_int_equal(
        address_parse((struct bytes){with_end, sizeof(with_end) - 1}, &arena, &address, &err),
        E_BAD_PARAMETER);
    memset(large, 'x', ADDRESS_SIZE_MAX + 1);
    memcpy(large, "http://a/", 9);
    assert_int_equal(address_parse((struct bytes){large, ADDRESS_SIZE_MAX}, &arena, &address, &err),
                     OK);
    assert_int_equal(
        address_parse((struct bytes){large, ADDRESS_SIZE_MAX + 1}, &arena, &address, &err),
        E_BAD_PARAMETER);
}

/* What was taken once can be read again: a page's address is kept as text. */
static void test_what_becomes_too_long_is_refused(void **state)
{
    static char large[ADDRESS_SIZE_MAX];
    struct address address, base;
    struct error err = {0};

    (void)state;
    memset(large, ' ', ADDRESS_SIZE_MAX);
    memcpy(large, "http://a/x?", 11);
    for (size_t size = 12; size <= ADDRESS_SIZE_MAX; size += 97) {
        struct bytes text = {large, size};
        bool fits = 11 + (size - 11) * 3 <= ADDRESS_SIZE_MAX;
        enum code code;

        arena_release(&arena);
        code = address_parse(text, &arena, &address, &err);
        if (code != (fits ? OK : E_BAD_PARAMETER))
            fail_msg("%zu bytes: %s", size, err.text);
        assert_true(!fits || address_parse(address.text, &arena, &base, &err) == OK);
    }
    assert_int_equal(address_parse(BYTES("https://a.example/"), &arena, &base, &err), OK);
    memset(large, 'x', ADDRESS_SIZE_MAX); /* a host */
    memcpy(large, "//", 2);
    assert_int_equal(
        address_join(&base, (struct bytes){large, ADDRESS_SIZE_MAX}, &arena, &address, &err),
        E_BAD_PARAMETER);
    assert_int_equal(address_join(&base, (struct bytes){large + 2, ADDRESS_SIZE_MAX - 2}, &arena,
                                  &address, &err),
                     E_BAD_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts_of_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_origin_is_scheme_host_and_port, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references_lead_where_they_say_or_nowhere, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_an_address_of_a_document_is_absolute_and_has_no_fragment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_becomes_too_long_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
