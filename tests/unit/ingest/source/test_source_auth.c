#include "tests/unit/ingest/source/source_fixture.h"

static void test_each_type(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'foreach': [{'u': 'me'}], 'auth': {'type': 'basic', 'user': "
                               "'${each.u}', 'password': '${secret:pw}'}");

    (void)state;
    assert_int_equal(source->auth.kind, SOURCE_AUTH_BASIC);
    assert_true(text_places_has(&source->auth.first, PLACE_EACH));
    assert_true(fixture_is(source->auth.second.items[0].name, "pw"));
    fixture_release(&fixture);
}

static void test_what_a_header_is_called(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'auth': {'type': 'header', 'name': 'X-Key', 'value': 'a ${secret:k}'}");

    (void)state;
    assert_int_equal(source->auth.kind, SOURCE_AUTH_HEADER);
    assert_true(fixture_is(source->auth.first.rest, "X-Key"));
    assert_true(fixture_is(source->auth.second.items[0].before, "a "));
    fixture_release(&fixture);
}

static void test_client_credentials(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'auth': {'type': 'oauth2', 'token_url': 'https://a.example/token', "
                               "'client_id': 'c', 'client_secret': '${secret:s}', 'scope': 'x y'}");

    (void)state;
    assert_int_equal(source->auth.kind, SOURCE_AUTH_OAUTH2);
    assert_true(fixture_is(source->auth.token_url, "https://a.example/token"));
    assert_true(fixture_is(source->auth.scope, "x y"));
    assert_true(fixture_is(source->auth.first.rest, "c"));
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'auth': {'type': 'none'}", NULL, NULL},
        {"'auth': {'type': 'bearer', 'token': '${secret:k}'}", NULL, NULL},
        {"'auth': {'type': 'query', 'name': 'k', 'value': '${secret:k}'}", NULL, NULL},
        {"'auth': 'basic'", "/auth", "want an object"},
        {"'auth': {'user': 'a'}", "/auth/type", "it is missing"},
        {"'auth': {'type': 'none', 'token': 'a'}", "/auth", "of no use"},
        {"'auth': {'type': 'digest'}", "/auth/type",
         "want none, basic, bearer, header, query or oauth2"},
        {"'auth': {'type': 'basic', 'user': 'a'}", "/auth/password", "it is missing"},
        {"'auth': {'type': 'basic', 'user': 'a', 'password': 'b', 'token': 'c'}", "/auth/token",
         "there is no key \"token\""},
        {"'auth': {'type': 'bearer', 'token': '${window.start}'}", "/auth/token",
         "has no place here"},
        {"'auth': {'type': 'bearer', 'token': 'x\\ny'}", "/auth/token", "control character"},
        {"'auth': {'type': 'header', 'name': 'Host', 'value': 'x'}", "/auth/name", "is ours"},
        {"'auth': {'type': 'header', 'name': 'a b', 'value': 'x'}", "/auth/name",
         "want a header's name"},
        {"'auth': {'type': 'query', 'name': '', 'value': 'x'}", "/auth/name", "it is empty"},
        {"'auth': {'type': 'oauth2', 'token_url': 'https://a.example/${secret:k}', 'client_id': "
         "'c', 'client_secret': 's'}",
         "/auth/token_url", "no places"},
        {"'auth': {'type': 'oauth2', 'token_url': 'a.example', 'client_id': 'c', 'client_secret': "
         "'s'}",
         "/auth/token_url", "want an address"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type),
        cmocka_unit_test(test_what_a_header_is_called),
        cmocka_unit_test(test_client_credentials),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
