#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/fetch_request.h"

static enum code check(const char *method, const char *header, struct error *err)
{
    const char *const headers[] = {"X-First: 1", header, NULL};

    return fetch_request_check(
        &(struct fetch_request){.method = method, .headers = headers, .url = "http://a/"}, err);
}

static void test_methods_are_words(void **state)
{
    static const char *const bad[] = {
        "", "get", "GET ", "GET /x HTTP/1.1\r\nX: y", "G\nT", "CONNECT", "AAAAAAAAAAAAAAAAA"};

    (void)state;
    assert_int_equal(check("GET", NULL, NULL), OK);
    assert_int_equal(check("POST", NULL, NULL), OK);
    assert_int_equal(check("HEAD", NULL, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (check(bad[i], NULL, NULL) != E_CONFIG)
            fail_msg("%s", bad[i]);
}

static void test_no_header_begins_another_or_is_of_the_connection(void **state)
{
    static const char *const good[] = {"A: b",           "A:b",        "A:", "A:  b\tc",
                                       "X-\xc3\xa9: no", "A: \xc3\xa9"};
    static const char *const bad[] = {"A: b\r\nHost: c",
                                      "A: b\nC: d",
                                      "A: b\rC",
                                      "A",
                                      "",
                                      ": b",
                                      "A b: c",
                                      "A\r\nB: c",
                                      "A: \x01",
                                      "A: \x7f",
                                      "Host: a",
                                      "HOST: a",
                                      "host:a",
                                      "Content-Length: 1",
                                      "Transfer-Encoding: chunked",
                                      "Connection: close",
                                      "TE: gzip",
                                      "Expect: 100-continue",
                                      "Upgrade: h2c",
                                      "Trailer: X",
                                      "Keep-Alive: 1",
                                      "Proxy-Connection: close"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if ((check("GET", good[i], NULL) == OK) != (good[i][2] != '\xc3')) /* no token */
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (check("GET", bad[i], NULL) != E_CONFIG)
            fail_msg("%s", bad[i]);
}

static void test_values_are_not_told(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(check("GET", "Authorization: Bearer Canary\n", &err), E_CONFIG);
    assert_string_equal(err.text, "the header Authorization has a control character");
    assert_int_equal(check("GET", "Canary", &err), E_CONFIG);
    assert_null(strstr(err.text, "Canary"));
}

static void test_a_header_is_found_in_any_case(void **state)
{
    static const char *const headers[] = {"aCCept-encoding:x", "Accept-Encodings: y", NULL};
    const struct fetch_request request = {.headers = headers}, none = {0};

    (void)state;
    assert_true(fetch_request_has(&request, BYTES("accept-encoding")));
    assert_false(fetch_request_has(&request, BYTES("accept")));
    assert_false(fetch_request_has(&none, BYTES("accept")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_are_words),
        cmocka_unit_test(test_no_header_begins_another_or_is_of_the_connection),
        cmocka_unit_test(test_values_are_not_told),
        cmocka_unit_test(test_a_header_is_found_in_any_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
