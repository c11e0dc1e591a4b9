#include "tests/unit/ingest/pull/asking_fixture.h"

static void test_the_query_is_in_its_order_and_encoded(void **state)
{
    struct source_pair query[] = {
        {BYTES("data[]"), places("value")                      },
        {BYTES("facet"),  places("a b&c=d")                    },
        {BYTES("facet"),  places("\xc3\xa9%41")                }, /* of a list, one for each */
        {BYTES("from"),   places("${window.start}")            },
        {BYTES("filter"), places("{\"id\":[\"${each.mpan}\"]}")},
        {BYTES("empty"),  places("")                           },
    };
    struct stretch_of_time window = {time_of("2024-01-01T00:00:00Z"),
                                     time_of("2024-01-02T00:00:00Z")};
    struct asking asking;

    (void)state;
    source.request.query = query;
    source.request.query_count = COUNT_OF(query);
    terms.window = &window;
    asking = make();
    assert_string_equal(asking.url,
                        "https://a.example/v1/x?f=1&data%5B%5D=value&facet=a%20b%26c%3Dd"
                        "&facet=%C3%A9%2541&from=2024-01-01T00%3A00%3A00Z"
                        "&filter=%7B%22id%22%3A%5B%2220%2F0%200%22%5D%7D&empty=");
    assert_string_equal(asking.url_shown, asking.url);
    assert_string_equal(asking.method, "GET");
    assert_true(bytes_equal(asking.host, BYTES("a.example:443")));
    assert_int_equal(asking.body.size, 0);
}

static void test_places_of_an_address_stay_within_their_step(void **state)
{
    (void)state;
    source.request.url = places("https://a.example/p/${each.mpan}/x/");
    expect_url("https://a.example/p/20%2F0%200/x/");
    source.request.url = places("https://a.example/p/${each.up}/x");
    expect_refusal(E_BAD_PARAMETER, "as a step");
    source.request.url = places("https://a.example/p/.${each.none}");
    expect_refusal(E_BAD_PARAMETER, "each.none");
    source.request.url = places("https://a.example/p/%2E%2e/x");
    expect_refusal(E_BAD_PARAMETER, "as a step");
    source.request.url = places("https://a.example/p/..x/.../?q=/../");
    expect_url("https://a.example/p/..x/.../?q=/../");
    source.request.url = places("https://a.example/p/${each.crlf}");
    expect_url("https://a.example/p/a%0D%0Ab");
    source.request.url = places("https://u:s3cr@a.example/");
    expect_refusal(E_BAD_PARAMETER, "user or password");
    source.request.url = places("https://a.example/#x");
    expect_refusal(E_BAD_PARAMETER, "fragment");
}

static void test_pages_are_asked_as_their_type_has_it(void **state)
{
    static const struct {
        enum source_page_kind kind;
        const char *param, *limit_param, *position, *want;
    } cases[] = {
        {SOURCE_PAGE_OFFSET,   "skip", "limit", "",                        "https://a.example/v1/x?f=1&skip=0&limit=25" },
        {SOURCE_PAGE_OFFSET,   "skip", "limit", "50",                      "https://a.example/v1/x?f=1&skip=50&limit=25"},
        {SOURCE_PAGE_NUMBER,   "p",    "",      "3",                       "https://a.example/v1/x?f=1&p=3"             },
        {SOURCE_PAGE_NUMBER,   "",     "",      "3",                       "https://a.example/v1/x?f=1"                 },
        {SOURCE_PAGE_CURSOR,   "c",    "",      "",                        "https://a.example/v1/x?f=1"                 },
        {SOURCE_PAGE_CURSOR,   "c",    "",      "a/b=&c",                  "https://a.example/v1/x?f=1&c=a%2Fb%3D%26c"  },
        {SOURCE_PAGE_NEXT_URL, "",     "",      "",                        "https://a.example/v1/x?f=1"                 },
        {SOURCE_PAGE_NEXT_URL, "",     "",      "https://a.example/n?p=2", "https://a.example/n?p=2"                    },
        {SOURCE_PAGE_LINK,     "",     "",      "https://a.example/n?p=2", "https://a.example/n?p=2"                    },
    };

    (void)state;
    source.page.limit = 25;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        source.page.kind = cases[i].kind;
        source.page.param = bytes_of(cases[i].param);
        source.page.limit_param = bytes_of(cases[i].limit_param);
        terms.page.text = bytes_of(cases[i].position);
        expect_url(cases[i].want);
    }
    terms.page.text = BYTES("https://b.example/n");
    expect_refusal(E_BAD_PARAMETER, "same_host");
    terms.page.text = BYTES("http://a.example/n");
    expect_refusal(E_BAD_PARAMETER, "same_host");
}

static void test_a_credential_in_the_query_is_not_shown(void **state)
{
    struct asking asking;

    (void)state;
    source.auth.kind = SOURCE_AUTH_QUERY;
    source.auth.first = places("appid");
    source.auth.second = places("${secret:key}");
    asking = make();
    assert_string_equal(asking.url, "https://a.example/v1/x?f=1&appid=s3cr%2Fet");
    assert_string_equal(asking.url_shown, "https://a.example/v1/x?f=1&appid=***");
    source.page.kind = SOURCE_PAGE_LINK;
    terms.page.text = BYTES("https://a.example/n?p=2&appid=old");
    expect_url("https://a.example/n?p=2&appid=s3cr%2Fet");
    source.request.url = places("https://b.example/v1");
    terms.page.text = BYTES("");
    expect_refusal(E_FORBIDDEN, "key may not go to b.example:443");
}

static void test_another_host_gets_nothing_of_the_source(void **state)
{
    struct source_pair headers[] = {
        {BYTES("X-Api-Key"), places("abc")             },
        {BYTES("Accept"),    places("application/json")},
    };
    struct asking asking;

    (void)state;
    source.request.headers = headers;
    source.request.header_count = COUNT_OF(headers);
    source.auth.kind = SOURCE_AUTH_BASIC;
    source.auth.first = places("${secret:key}");
    source.auth.second = places("");
    source.page.kind = SOURCE_PAGE_NEXT_URL;
    source.page.same_host = false;
    terms.etag = BYTES("\"e\"");
    terms.page.text = BYTES("https://b.example/n?p=2");
    asking = make();
    assert_true(bytes_equal(asking.host, BYTES("b.example:443")));
    assert_int_equal(line_count(&asking), 3);
    assert_true(has_line(&asking, "Accept: application/json"));
    assert_true(has_line(&asking, "Accept-Encoding: gzip, zstd"));
    assert_true(has_line(&asking, "User-Agent: weir/1"));
    terms.page.text = BYTES("https://a.example/n?p=2");
    asking = make();
    assert_true(has_line(&asking, "X-Api-Key: abc"));
    assert_true(has_line(&asking, "Authorization: Basic czNjci9ldDo="));
    source.decode.zip_archive = true; /* which has to be at hand as it is */
    asking = make();
    assert_true(has_line(&asking, "Accept-Encoding: identity"));
}

static void redirected(unsigned status, const char *location, const char *want, const char *method,
                       bool trusted)
{
    struct asking first = make(), next = {0};
    struct error err = {0};
    enum code code =
        asking_redirect(&terms, &first, status, bytes_of(location), &arena, &next, &err);

    if (want == NULL) {
        if (code != E_BAD_PARAMETER || strstr(err.text, "s3cr") != NULL)
            fail_msg("%s: %d %s", location, code, err.text);
        return;
    }
    if (code != OK || strcmp(next.url, want) != 0 || strcmp(next.method, method) != 0)
        fail_msg("%u to %s: %d %s, %s %s", status, location, code, err.text, next.method, next.url);
    assert_int_equal(has_line(&next, "Authorization: Bearer s3cr/et"), trusted);
    assert_int_equal(next.body.size > 0, strcmp(method, "POST") == 0);
    assert_int_equal(has_line(&next, "Content-Type: application/json"), next.body.size > 0);
}

static void test_redirects_lead_on_and_credentials_stay(void **state)
{
    (void)state;
    source.auth.kind = SOURCE_AUTH_BEARER;
    source.auth.first = places("${secret:key}");
    redirected(302, "/y", "https://a.example/y", "GET", true);
    redirected(301, "https://A.EXAMPLE:443/y", "https://a.example/y", "GET", true);
    redirected(307, "https://b.example/y", "https://b.example/y", "GET", false);
    redirected(307, "//b.example/y#f", "https://b.example/y", "GET", false);
    redirected(307, "https://a.example:8443/y", "https://a.example:8443/y", "GET", false);
    redirected(302, "http://a.example/y", NULL, NULL, false);
    redirected(302, "ftp://a.example/y", NULL, NULL, false);
    redirected(302, "file:///etc/passwd", NULL, NULL, false);
    redirected(302, "", NULL, NULL, false);
    redirected(302, "https://a.example@b.example/", NULL, NULL, false);
    redirected(302, "/x\r\nX: y", NULL, NULL, false);
    source.request.post = source.request.has_body = true;
    source.request.body = places("{\"id\":\"${each.id}\"}");
    redirected(301, "/y", "https://a.example/y", "GET", true);
    redirected(302, "/y", "https://a.example/y", "GET", true);
    redirected(303, "/y", "https://a.example/y", "GET", true);
    redirected(307, "/y", "https://a.example/y", "POST", true);
    redirected(308, "https://b.example/y", "https://b.example/y", "POST", false);
}

/* Back at home it has its credential again; what a host wrote of it into another one's address
 * goes. */
static void test_a_credential_of_the_query_comes_back_at_home_alone(void **state)
{
    struct asking first, abroad, back;
    struct error err = {0};

    (void)state;
    source.auth.kind = SOURCE_AUTH_QUERY;
    source.auth.first = places("key");
    source.auth.second = places("${secret:key}");
    first = make();
    assert_int_equal(asking_redirect(&terms, &first, 302,
                                     BYTES("https://b.example/?key=s3cr%2fet&key=own"), &arena,
                                     &abroad, &err),
                     OK);
    assert_string_equal(abroad.url, "https://b.example/?key=own");
    assert_string_equal(abroad.url_shown, "https://b.example/?key=***");
    assert_int_equal(asking_redirect(&terms, &abroad, 302, BYTES("https://a.example/z?key=x&f=1"),
                                     &arena, &back, &err),
                     OK);
    assert_string_equal(back.url, "https://a.example/z?f=1&key=s3cr%2Fet");
}

static void test_a_body_is_filled(void **state)
{
    struct asking asking;

    (void)state;
    source.request.post = source.request.has_body = true;
    source.request.body = places("a=${each.id}&b=$$");
    asking = make();
    assert_string_equal(asking.method, "POST");
    assert_true(bytes_equal(asking.body, BYTES("a=0061&b=$")));
    assert_true(has_line(&asking, "Content-Type: application/x-www-form-urlencoded"));
}

/* A credential goes where the source's own requests go, and to no other host. */
static void test_a_list_of_partitions_is_asked_for_at_home_with_the_credential(void **state)
{
    static const struct {
        const char *url;
        bool home;
    } cases[] = {
        {"https://a.EXAMPLE:443/list?at=${now}", true },
        {"https://b.example/list",               false},
        {"http://a.example/list",                false},
        {"https://a.example:444/list",           false},
    };
    struct source home = source, list;

    (void)state;
    home.auth.kind = SOURCE_AUTH_BEARER;
    home.auth.first = places("${secret:key}");
    home.page.kind = SOURCE_PAGE_NUMBER;
    home.page.param = BYTES("p");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct source_request request = {.url = places(cases[i].url)};
        struct asking asking;

        home.foreach.request = &request;
        list = asking_list_source(&home);
        terms.source = &list;
        terms.partition = NULL;
        asking = make();
        assert_null(strstr(asking.url, "p="));
        assert_int_equal(has_line(&asking, "Authorization: Bearer s3cr/et"), cases[i].home);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_query_is_in_its_order_and_encoded, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_places_of_an_address_stay_within_their_step,
                                        asked_setup, asked_teardown),
        cmocka_unit_test_setup_teardown(test_pages_are_asked_as_their_type_has_it, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_a_credential_in_the_query_is_not_shown, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_another_host_gets_nothing_of_the_source, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_redirects_lead_on_and_credentials_stay, asked_setup,
                                        asked_teardown),
        cmocka_unit_test_setup_teardown(test_a_credential_of_the_query_comes_back_at_home_alone,
                                        asked_setup, asked_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_list_of_partitions_is_asked_for_at_home_with_the_credential, asked_setup,
            asked_teardown),
        cmocka_unit_test_setup_teardown(test_a_body_is_filled, asked_setup, asked_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
