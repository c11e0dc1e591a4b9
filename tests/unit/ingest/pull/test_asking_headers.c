#include "ingest/pull/asking_headers.h"
#include "tests/unit/ingest/pull/asking_fixture.h"

static void test_each_kind_of_credential(void **state)
{
    static const struct {
        enum source_auth_kind kind;
        const char *first, *second, *want; /* NULL: none */
    } cases[] = {
        {SOURCE_AUTH_NONE,   "",              "",                NULL                               },
        {SOURCE_AUTH_QUERY,  "k",             "${secret:key}",   NULL                               },
        {SOURCE_AUTH_BASIC,  "${secret:key}", "",                "Authorization: Basic czNjci9ldDo="},
        {SOURCE_AUTH_BASIC,  "Aladdin",       "open sesame",
         "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="                                        },
        {SOURCE_AUTH_BEARER, "${secret:key}", "",                "Authorization: Bearer s3cr/et"    },
        {SOURCE_AUTH_HEADER, "X-Key",         "k ${secret:key}", "X-Key: k s3cr/et"                 },
        {SOURCE_AUTH_OAUTH2, "id",            "${secret:key}",   "Authorization: Bearer tok"        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct asking asking;

        source.auth.kind = cases[i].kind;
        source.auth.first = places(cases[i].first);
        source.auth.second = places(cases[i].second);
        asking = make();
        assert_int_equal(line_count(&asking), cases[i].want != NULL ? 3 : 2);
        if (cases[i].want != NULL && !has_line(&asking, cases[i].want))
            fail_msg("%s: got %s", cases[i].want, asking.headers[0]);
    }
    source.auth.kind = SOURCE_AUTH_BASIC;
    source.auth.first = places("a:b");
    expect_refusal(E_BAD_PARAMETER, "colon");
}

static void test_the_document_s_headers_come_first_and_ours_where_it_has_none(void **state)
{
    struct source_pair headers[] = {
        {BYTES("user-agent"),      places("mine/${each.id}")},
        {BYTES("ACCEPT-ENCODING"), places("identity")       },
        {BYTES("if-none-match"),   places("*")              },
        {BYTES("X-Empty"),         places("")               },
        {BYTES("content-type"),    places("text/plain")     },
    };
    struct asking asking;

    (void)state;
    source.request.headers = headers;
    source.request.header_count = COUNT_OF(headers);
    source.request.post = source.request.has_body = true;
    source.request.body = places("{}");
    terms.etag = BYTES("\"e\"");
    asking = make();
    assert_string_equal(asking.headers[0], "user-agent: mine/0061");
    assert_string_equal(asking.headers[1], "ACCEPT-ENCODING: identity");
    assert_string_equal(asking.headers[2], "if-none-match: *");
    assert_string_equal(asking.headers[3], "content-type: text/plain");
    assert_null(asking.headers[4]);
}

static void test_what_was_had_is_asked_for_if_it_has_changed(void **state)
{
    struct asking asking;

    (void)state;
    terms.etag = BYTES("W/\"e\"");
    terms.modified = BYTES("sun, 06 nov 1994 8:49:37");
    asking = make();
    assert_true(has_line(&asking, "If-None-Match: W/\"e\""));
    assert_true(has_line(&asking, "If-Modified-Since: sun, 06 nov 1994 8:49:37")); /* as it came */
    source.conditional.etag = false;
    asking = make();
    assert_false(has_line(&asking, "If-None-Match: W/\"e\""));
    source.page.kind = SOURCE_PAGE_NUMBER;
    terms.page.text = BYTES("2"); /* of another page */
    asking = make();
    assert_int_equal(line_count(&asking), 2);
}

static void test_control_bytes_are_refused(void **state)
{
    static const char *const values[] = {"${each.crlf}", "a\nb", "a\rb", "a\x01z", "a\x7f"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct source_pair header = {BYTES("X-A"), places(values[i])};

        source.request.headers = &header;
        source.request.header_count = 1;
        expect_refusal(E_BAD_PARAMETER, "X-A would have a control byte");
    }
    source.request.header_count = 0;
    terms.bearer = BYTES("a\r\nX: y");
    source.auth.kind = SOURCE_AUTH_OAUTH2;
    expect_refusal(E_BAD_PARAMETER, "control byte");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_kind_of_credential, asked_setup, asked_teardown),
        cmocka_unit_test_setup_teardown(
            test_the_document_s_headers_come_first_and_ours_where_it_has_none, asked_setup,
            asked_teardown),
        cmocka_unit_test_setup_teardown(test_what_was_had_is_asked_for_if_it_has_changed,
                                        asked_setup, asked_teardown),
        cmocka_unit_test_setup_teardown(test_control_bytes_are_refused, asked_setup,
                                        asked_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
