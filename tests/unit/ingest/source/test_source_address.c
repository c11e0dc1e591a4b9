#include "tests/unit/ingest/source/source_fixture.h"

static void test_addresses(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'request': {'url': 'https://a.example'}", NULL, NULL},
        {"'request': {'url': 'http://a.example/'}", NULL, NULL},
        {"'request': {'url': 'https://a.example?x=1&y=%20'}", NULL, NULL},
        {"'request': {'url': 'http://127.0.0.1:8080/x'}", NULL, NULL},
        {"'request': {'url': 'http://[::1]:8080/x'}", NULL, NULL},
        {"'request': {'url': 'https://a.example/x/${now}/y'}", NULL, NULL},
        {"'request': {'url': 'https://a.example/$$x'}", NULL, NULL},
        {"'request': {'url': 'ftp://a.example/'}", "/request/url", "want an address as https://"},
        {"'request': {'url': 'a.example/x'}", "/request/url", "want an address as"},
        {"'request': {'url': 'https://'}", "/request/url", "want an address as"},
        {"'request': {'url': 'https:///x'}", "/request/url", "want a host"},
        {"'request': {'url': 'HTTPS://a.example/x'}", "/request/url", "want an address as"},
        {"'request': {'url': 'https://me:pw@a.example/x'}", "/request/url", "user and password"},
        {"'request': {'url': 'https://a.example:0/x'}", "/request/url", "want a port"},
        {"'request': {'url': 'https://a.example:65536/x'}", "/request/url", "want a port"},
        {"'request': {'url': 'https://a.example:/x'}", "/request/url", "want a port"},
        {"'request': {'url': 'https://a b.example/x'}", "/request/url", "want a host"},
        {"'request': {'url': 'https://a.example/x y'}", "/request/url", "percent-encoded"},
        {"'request': {'url': 'https://a.example/\\u00e9'}", "/request/url", "percent-encoded"},
        {"'request': {'url': 'https://a.example/x#y'}", "/request/url", "fragment"},
        {"'request': {'url': 'https://a.example#y'}", "/request/url", "fragment"},
        {"'request': {'url': 'https://${now}.example/x'}", "/request/url",
         "may not stand in scheme and host"},
        {"'request': {'url': 'https://a.example${now}/x'}", "/request/url",
         "may not stand in scheme and host"},
        {"'request': {'url': '${now}://a.example/x'}", "/request/url", "want an address as"},
        {"'request': {'url': 'https://a.example/${secret:k}'}", "/request/url",
         "has no place here"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
