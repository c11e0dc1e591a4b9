#include "ingest/pace/moment.h"
#include "tests/unit/ingest/pull/asking_fixture.h"

static void test_a_token_is_asked_for_at_its_own_host(void **state)
{
    struct asking asking = {0};
    struct error err = {0};

    (void)state;
    source.auth.kind = SOURCE_AUTH_OAUTH2;
    source.auth.first = places("my id");
    source.auth.second = places("${secret:key}");
    source.auth.token_url = BYTES("https://A.example/oauth/token?x=1");
    source.auth.scope = BYTES("read all");
    if (asking_token(&terms, &arena, &asking, &err) != OK)
        fail_msg("%s", err.text);
    assert_string_equal(asking.method, "POST");
    assert_string_equal(asking.url, "https://a.example/oauth/token?x=1");
    assert_true(bytes_equal(asking.host, BYTES("a.example:443")));
    assert_true(bytes_equal(asking.body, BYTES("grant_type=client_credentials&scope=read%20all")));
    /* my%20id:s3cr%2Fet */
    assert_true(has_line(&asking, "Authorization: Basic bXklMjBpZDpzM2NyJTJGZXQ="));
    assert_true(has_line(&asking, "Content-Type: application/x-www-form-urlencoded"));
    assert_true(has_line(&asking, "Accept: application/json"));
    assert_true(has_line(&asking, "User-Agent: weir/1"));
    assert_int_equal(line_count(&asking), 4);
    source.auth.scope = BYTES("");
    assert_int_equal(asking_token(&terms, &arena, &asking, &err), OK);
    assert_true(bytes_equal(asking.body, BYTES("grant_type=client_credentials")));
    source.auth.token_url = BYTES("https://login.example/token");
    assert_int_equal(asking_token(&terms, &arena, &asking, &err), E_FORBIDDEN);
    assert_non_null(strstr(err.text, "login.example:443"));
}

static void test_what_a_token_s_answer_says(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum code want;
        const char *token; /* or what the error tells */
        int64_t life_s;
    } cases[] = {
        {200, "{\"access_token\":\"abc.D-_~+/=\",\"token_type\":\"Bearer\",\"expires_in\":3600}",
         OK,                                                                                                      "abc.D-_~+/=",   3540           },
        {200, "{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":\"100\"}",      OK,
         "abc",                                                                                                                    90             },
        {200, "{\"access_token\":\"abc\",\"expires_in\":100.5}",                                  OK,             "abc",           90             },
        {200, "{\"access_token\":\"abc\"}",                                                       OK,             "abc",           270            },
        {200, "{\"access_token\":\"abc\",\"expires_in\":null}",                                   OK,             "abc",           270            },
        {200, "{\"access_token\":\"abc\",\"expires_in\":-1e300}",                                 OK,             "abc",           0              },
        {200, "{\"access_token\":\"abc\",\"expires_in\":1e300}",                                  OK,             "abc",           30 * 86400 - 60},
        {200, "{\"access_token\":\"abc\",\"expires_in\":9223372036854775807}",                    OK,             "abc",
         30 * 86400 - 60                                                                                                                          },
        {200, "{\"access_token\":\"abc\",\"token_type\":\"mac\"}",                                E_BAD_PAGE,     "token_type",    0              },
        {200, "{\"access_token\":\"a b\"}",                                                       E_BAD_PAGE,     "access_token",  0              },
        {200, "{\"access_token\":\"a\\r\\nX: y\"}",                                               E_BAD_PAGE,     "access_token",  0              },
        {200, "{\"access_token\":\"\"}",                                                          E_BAD_PAGE,     "access_token",  0              },
        {200, "{\"access_token\":7}",                                                             E_BAD_PAGE,     "access_token",  0              },
        {200, "[]",                                                                               E_BAD_PAGE,     "access_token",  0              },
        {200, "<html>",                                                                           E_BAD_PAGE,     "no JSON",       0              },
        {200, "",                                                                                 E_BAD_PAGE,     "no JSON",       0              },
        {200, "{\"error\":\"invalid_scope\"}",                                                    E_UNAUTHORIZED, "invalid_scope", 0              },
        {401, "{\"error\":\"invalid_client\",\"error_description\":\"s3cr\"}",                    E_UNAUTHORIZED,
         "401: invalid_client",                                                                                                    0              },
        {500, "oops",                                                                             E_UNAUTHORIZED, "status 500",    0              },
        {400, "{\"error\":\"s3cr\"}",                                                             E_UNAUTHORIZED, "status 400",    0              },
        {401, "{\"error\":\"a\\nb\"}",                                                            E_UNAUTHORIZED, "status 401",    0              },
        {200, "{\"error\":\"\",\"access_token\":\"abc\"}",                                        OK,             "abc",           270            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes token = {0};
        int64_t until_ns = 0;
        struct error err = {0};
        enum code code = asking_token_read(cases[i].status, bytes_of(cases[i].body), terms.now_ns,
                                           &arena, &token, &until_ns, &err);

        if (code != cases[i].want ||
            (code == OK
                 ? !bytes_equal(token, bytes_of(cases[i].token)) ||
                       until_ns != terms.now_ns + cases[i].life_s * MOMENT_SECOND
                 : strstr(err.text, cases[i].token) == NULL || strstr(err.text, "s3cr") != NULL))
            fail_msg("%s: got %d %s, %lld s", cases[i].body, code, err.text,
                     (long long)((until_ns - terms.now_ns) / MOMENT_SECOND));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_token_is_asked_for_at_its_own_host, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_what_a_token_s_answer_says, asked_setup,
                                        asked_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
