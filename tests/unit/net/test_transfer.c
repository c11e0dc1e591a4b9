#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/client.h"
#include "net/transfer.h"

static const struct address_rules none;
static const struct fetcher_options options = {
    .allowed = &none, .directory = "/tmp", .connections_max = 1, .kept_s = 60};

static enum code make(const struct fetch_request *request, struct transfer **transfer,
                      struct error *err)
{
    assert_int_equal(client_library_ready(err), OK);
    return transfer_new(&options, request, NULL, transfer, err);
}

static void test_an_address_is_http_without_a_user(void **state)
{
    static const char *const bad[] = {"",
                                      "a",
                                      "//a/",
                                      "http://",
                                      "http:///",
                                      "file:///etc/passwd?Canary",
                                      "ftp://a/",
                                      "gopher://a/",
                                      "dict://a/",
                                      "ldap://a/",
                                      "smb://a/",
                                      "ws://a/",
                                      "javascript:Canary",
                                      "http://Canary@a/",
                                      "http://a:Canary@b/",
                                      "http://a b/",
                                      "http://a/\r\nX: y",
                                      "http://a/ b",
                                      "http://a:99999/",
                                      "http://a:b/",
                                      "http://[::1/",
                                      "unix:///run/x"};
    static const char *const good[] = {"http://a/", "HTTPS://a", "http://a:80/b?c=d#e",
                                       "http://[::1]/", "http://a?b"};
    struct transfer *transfer;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct fetch_request request = {.method = "GET", .url = bad[i]};
        struct error err = {0};

        if (make(&request, &transfer, &err) != E_CONFIG || transfer != NULL ||
            strstr(err.text, "Canary"))
            fail_msg("%s: %s", bad[i], err.text);
    }
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct fetch_request request = {.method = "GET", .url = good[i]};
        struct error err = {0};

        if (make(&request, &transfer, &err) != OK)
            fail_msg("%s: %s", good[i], err.text);
        transfer_free(transfer);
    }
}

static void test_it_is_due_when_the_whole_has_taken_too_long(void **state)
{
    struct fetch_request request = {.method = "GET", .url = "http://a/?Canary", .idle_ns = 1};
    int64_t before = clock_boot_ns(clock_system());
    struct fetch_answer answer;
    struct transfer *transfer;

    (void)state;
    assert_int_equal(make(&request, &transfer, NULL), OK);
    assert_true(transfer_due_ns(transfer) == INT64_MAX); /* nothing was sent or came yet */
    transfer_free(transfer);
    request.total_ns = 5000000000;
    assert_int_equal(make(&request, &transfer, NULL), OK);
    assert_true(transfer_due_ns(transfer) >= before + request.total_ns);
    transfer_time_out(transfer);
    transfer_end(transfer, 0, &answer);
    assert_int_equal(answer.code, E_TIMEOUT);
    assert_string_equal(answer.err.text,
                        "GET http://a/: the answer was not whole within 5000 ms (timeouts.total)");
    assert_false(answer.sent);
    assert_null(answer.body);
    transfer_free(transfer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_http_without_a_user),
        cmocka_unit_test(test_it_is_due_when_the_whole_has_taken_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
