#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/tenants_file.h"

#define DAY_NS (INT64_C(86400) * 1000000000)
#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_a_file_sets_what_it_names_and_leaves_the_rest(void **state)
{
    static const char text[] = "# people\n"
                               "tenants:\n"
                               "  acme:\n"
                               "    retention: 400d\n"
                               "    history: forever\n"
                               "    limits: {series_max: 50000, body_bytes_max: 1MiB}\n"
                               "    tokens:\n"
                               "      - {id: k3J9, sha256: " HASH ", scopes: [read, write],\n"
                               "         expires: 2027-01-01T00:00:00Z, note: meters}\n"
                               "      - id: adm\n"
                               "        sha256: '" HASH "'\n"
                               "        scopes: [admin]\n"
                               "  plain_0-9:\n";
    struct directory_snapshot *snapshot = NULL;
    const struct tenant_settings *acme, *plain;
    const struct token_record *token;
    struct error err = {0};
    struct limits node;

    (void)state;
    limits_init(&node);
    node.series_max = 7;
    node.tags_max = 8;
    if (tenants_parse(bytes_of(text), &node, &snapshot, &err))
        fail_msg("%s", err.text);
    acme = directory_tenant(snapshot, BYTES("acme"));
    plain = directory_tenant(snapshot, BYTES("plain_0-9"));
    assert_non_null(acme);
    assert_non_null(plain);
    assert_true(bytes_equal(acme->name, BYTES("acme")));
    assert_int_equal(acme->retention_ns, 400 * DAY_NS);
    assert_int_equal(acme->history_ns, INT64_MAX);
    assert_int_equal(acme->limits.series_max, 50000);
    assert_int_equal(acme->limits.body_bytes_max, 1 << 20);
    assert_int_equal(acme->limits.tags_max, 8);
    assert_int_equal(plain->retention_ns, INT64_MAX);
    assert_int_equal(plain->history_ns, 90 * DAY_NS);
    assert_int_equal(plain->limits.series_max, 7);
    token = map_get(&snapshot->tokens, BYTES("k3J9"));
    assert_non_null(token);
    assert_ptr_equal(token->tenant, acme);
    assert_int_equal(token->scopes, TOKEN_SCOPE_READ | TOKEN_SCOPE_WRITE);
    assert_int_equal(token->expires_ns, INT64_C(1798761600) * 1000000000);
    token = map_get(&snapshot->tokens, BYTES("adm"));
    assert_non_null(token);
    assert_int_equal(token->scopes, TOKEN_SCOPE_ADMIN);
    assert_int_equal(token->expires_ns, INT64_MAX);
    directory_put(snapshot);
}

#define TENANT "tenants:\n  acme:\n"
#define TOKEN TENANT "    tokens:\n      - "

static void test_a_wrong_file_is_refused_with_line_and_reason(void **state)
{
    static const struct {
        const char *name, *text;
        uint32_t line;
        const char *told;
    } cases[] = {
        {"nothing",           "",                                                                     0, "no tenant is named"                  },
        {"no tenants",        "tenants:\n",                                                           1, "\"tenants\" must be a map"           },
        {"no tenants at all", "tenants: {}\n",                                                        0, "no tenant is named"                  },
        {"a misspelt key",    "tenant:\n  a:\n",                                                      1, "did you mean \"tenants\"?"           },
        {"a capital letter",  "tenants:\n  Acme:\n",                                                  2, "tenant \"Acme\": 1 to 64 of"         },
        {"a long name",
         "tenants:\n  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:\n",          2,
         "1 to 64 of"                                                                                                                          },
        {"a tenant twice",    "tenants:\n  a:\n  a:\n",                                               3, "\"a\" stands twice"                  },
        {"a text tenant",     "tenants:\n  a: yes\n",                                                 2, "a tenant must be a map"              },
        {"a near setting",    TENANT "    retension: 4d\n",                                           3,
         "tenant acme: line 3: unknown key \"retension\"; did you mean \"retention\"?"                                                         },
        {"a bad duration",    TENANT "    retention: 4 days\n",                                       3, "\"retention\": "                     },
        {"a bad history",     TENANT "    history: 0s\n",                                             3, "\"history\": "                       },
        {"limits in a list",  TENANT "    limits: [1]\n",                                             3, "\"limits\" must be a map"            },
        {"a near limit",      TENANT "    limits:\n      serie_max: 5\n",                             4,
         "did you mean \"series_max\"?"                                                                                                        },
        {"a node's limit",    TENANT "    limits: {wal_bytes_max: 1GiB}\n",                           3,
         "\"wal_bytes_max\" is a limit of the node, not of a tenant"                                                                           },
        {"a limit too large", TENANT "    limits: {body_bytes_max: 5GiB}\n",                          3,
         "\"body_bytes_max\": \"5GiB\" is not between 1KiB and 4GiB"                                                                           },
        {"tokens in a map",   TENANT "    tokens: {a: b}\n",                                          3, "\"tokens\" must be a list"           },
        {"a text token",      TOKEN "abc\n",                                                          4, "a token must be a map"               },
        {"no id",             TOKEN "{sha256: " HASH ", scopes: [read]}\n",                           4, "the token has no \"id\""             },
        {"no hash",           TOKEN "{id: a, scopes: [read]}\n",                                      4, "the token has no \"sha256\""         },
        {"no scopes",         TOKEN "{id: a, sha256: " HASH "}\n",                                    4, "the token has no \"scopes\""         },
        {"empty scopes",      TOKEN "{id: a, sha256: " HASH ", scopes: []}\n",                        4,
         "\"scopes\" must be a list"                                                                                                           },
        {"a wrong scope",     TOKEN "{id: a, sha256: " HASH ", scopes: [raed]}\n",                    4,
         "\"raed\" is not a scope"                                                                                                             },
        {"a bad id",          TOKEN "{id: a_b, sha256: " HASH ", scopes: [read]}\n",                  4,
         "id \"a_b\": 1 to 32 letters and digits"                                                                                              },
        {"an id twice",
         TOKEN "{id: a, sha256: " HASH ", scopes: [read]}\n"
               "      - {id: a, sha256: " HASH ", scopes: [read]}\n",
         5,                                                                                              "id \"a\" names another token already"},
        {"a bad expiry",      TOKEN "{id: a, sha256: " HASH ", scopes: [read], expires: tomorrow}\n", 4,
         "\"expires\": "                                                                                                                       },
        {"a near token key",  TOKEN "{id: a, sha265: " HASH ", scopes: [read]}\n",                    4,
         "did you mean \"sha256\"?"                                                                                                            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct directory_snapshot *snapshot = NULL;
        struct error err = {0};
        struct limits node;
        enum code code;

        limits_init(&node);
        code = tenants_parse(bytes_of(cases[i].text), &node, &snapshot, &err);
        if (code != E_CONFIG || snapshot || err.line != cases[i].line ||
            !strstr(err.text, cases[i].told))
            fail_msg("%s: got %d, line %u: %s", cases[i].name, code, err.line, err.text);
    }
}

static void test_a_token_in_the_place_of_its_hash_is_not_told(void **state)
{
    static const char secret[] = "weir_k3J9_0123456789012345678901234567890123456789abc";
    static const char text[] = TOKEN
        "{id: k3J9, sha256: weir_k3J9_0123456789012345678901234567890123456789abc, scopes: [read]}";
    struct directory_snapshot *snapshot = NULL;
    struct error err = {0};
    struct limits node;

    (void)state;
    limits_init(&node);
    assert_int_equal(tenants_parse(bytes_of(text), &node, &snapshot, &err), E_CONFIG);
    assert_null(strstr(err.text, secret));
    assert_non_null(strstr(err.text, "64 hexadecimal digits"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_sets_what_it_names_and_leaves_the_rest),
        cmocka_unit_test(test_a_wrong_file_is_refused_with_line_and_reason),
        cmocka_unit_test(test_a_token_in_the_place_of_its_hash_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
