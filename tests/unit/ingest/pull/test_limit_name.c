#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "ingest/pull/limit_name.h"
#include "tests/unit/ingest/source/source_fixture.h"

enum { NAME_SIZE = 128 };

static void name_of(const char *blocks, const char *tenant, char name[NAME_SIZE])
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, blocks);
    struct buf text = BUF_INIT(NAME_SIZE - 1);
    struct error err = {0};

    assert_int_equal(asking_limit_name(source, bytes_of(tenant), &text, &err), OK);
    snprintf(name, NAME_SIZE, "%.*s", BYTES_ARG(buf_bytes(&text)));
    buf_release(&text);
    fixture_release(&fixture);
}

static void test_a_name_is_of_the_host_that_is_asked(void **state)
{
    static const struct {
        const char *blocks, *want;
    } cases[] = {
        {"",                                                 "api.example.org"},
        {"'request': {'url': 'https://a.example:8443/v1'}",  "a.example:8443" },
        {"'request': {'url': 'http://a.example/v1'}",        "a.example"      },
        {"'request': {'url': 'https://a.example'}",          "a.example"      },
        {"'request': {'url': 'https://a.example/${now}/x'}", "a.example"      },
        {"'request': {'url': 'https://[::1]:8443/v1'}",      "[::1]:8443"     },
 /* One host, however it is written. */
        {"'request': {'url': 'https://A.Example/v1'}",       "a.example"      },
        {"'request': {'url': 'https://a.example:443/v1'}",   "a.example"      },
        {"'request': {'url': 'http://a.example:80/v1'}",     "a.example"      },
        {"'request': {'url': 'http://a.example:443/v1'}",    "a.example:443"  },
        {"'limits': {'host': 'shared'}",                     "shared"         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char name[NAME_SIZE];

        name_of(cases[i].blocks, "t", name);
        if (strcmp(name, cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].blocks, name);
    }
}

static void test_a_token_is_of_its_own_host_or_of_the_source_s(void **state)
{
    static const struct {
        const char *token_url, *limits, *want;
        bool same; /* as the source's */
    } cases[] = {
        {"https://API.example.org/token",     "",                               "api.example.org#",   true },
        {"https://api.example.org:443/token", "",                               "api.example.org#",   true },
        {"https://login.example.org/token",   "",                               "login.example.org#", false},
        {"https://login.example.org/token",   ", 'limits': {'host': 'shared'}", "login.example.org#",
         false                                                                                             },
        {"https://api.example.org/token",     ", 'limits': {'host': 'shared'}", "shared#",            true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf text = BUF_INIT(NAME_SIZE - 1);
        struct fixture fixture;
        struct error err = {0};
        char blocks[256], name[NAME_SIZE];

        snprintf(blocks, sizeof(blocks),
                 "'auth': {'type': 'oauth2', 'token_url': '%s', 'client_id': 'a', 'client_secret': "
                 "'${secret:b}'}%s",
                 cases[i].token_url, cases[i].limits);
        assert_int_equal(
            asking_token_limit_name(fixture_good(&fixture, blocks), BYTES("t"), &text, &err), OK);
        fixture_release(&fixture);
        name_of(blocks, "t", name);
        if (text.size < strlen(cases[i].want) ||
            memcmp(text.data, cases[i].want, strlen(cases[i].want)) != 0 ||
            bytes_equal(buf_bytes(&text), bytes_of(name)) != cases[i].same)
            fail_msg("%s: %.*s", blocks, BYTES_ARG(buf_bytes(&text)));
        buf_release(&text);
    }
}

#define BEARER(name) "'auth': {'type': 'bearer', 'token': '${secret:" name "}'}"
#define BASIC(user, password)                                                                      \
    "'auth': {'type': 'basic', 'user': '" user "', 'password': '" password "'}"

static void test_credentials_are_told_apart_by_tenant_and_by_the_names_of_secrets(void **state)
{
    static const struct {
        const char *name, *a, *tenant_a, *b, *tenant_b;
        bool same;
    } cases[] = {
        {"the same",             BEARER("key"),                                                         "x",  BEARER("key"),  "x",                                       true                                                                    },
        {"of another path",      BEARER("key") ", 'request': {'url': 'https://api.example.org/other'}",
         "x",                                                                                                 BEARER("key"),  "x",                                       true                                                                    },
        {"another tenant's",     BEARER("key"),                                                         "x",  BEARER("key"),  "y",                                       false                                                                   },
        {"another secret",       BEARER("key"),                                                         "x",  BEARER("key2"), "x",                                       false                                                                   },
        {"a secret and none",    BEARER("key"),                                                         "x",  "",             "x",                                       false                                                                   },
        {"none, of two tenants", "",                                                                    "x",  "",             "y",                                       true                                                                    },
        {"the end of a tenant",  BEARER("bc"),                                                          "a",  BEARER("c"),    "ab",                                      false                                                                   },
        {"user and password",    BASIC("ab",                                                            "c"), "x",            BASIC("a",                                 "bc"),                                                                    "x", false},
        {"a text and a secret",                 BASIC("a",                                                                                      "${secret:b}"),                                                                      "x",                                                           BASIC("${secret:a}", "b"), "x",
         false},
        {"another host",                  BEARER("key") ", 'request': {'url': 'https://other.example/'}",                                                                                    "x",
         BEARER("key"),                                                                                                             "x",                                                                                                                                         false                                                                                                                                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char a[NAME_SIZE], b[NAME_SIZE];

        name_of(cases[i].a, cases[i].tenant_a, a);
        name_of(cases[i].b, cases[i].tenant_b, b);
        if ((strcmp(a, b) == 0) != cases[i].same)
            fail_msg("%s: %s and %s", cases[i].name, a, b);
    }
}

static void test_a_name_shows_nothing_of_the_credential(void **state)
{
    char name[NAME_SIZE];

    (void)state;
    name_of(BEARER("octopus"), "t", name);
    assert_null(strstr(name, "octopus"));
    assert_int_equal(strlen(name), strlen("api.example.org#") + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_of_the_host_that_is_asked),
        cmocka_unit_test(test_a_token_is_of_its_own_host_or_of_the_source_s),
        cmocka_unit_test(test_credentials_are_told_apart_by_tenant_and_by_the_names_of_secrets),
        cmocka_unit_test(test_a_name_shows_nothing_of_the_credential),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
