#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]}"
#define TOKEN(name, life) "{'access_token': '" name "', 'expires_in': " life "}"
#define AUTH                                                                                       \
    "'auth': {'type': 'oauth2', 'token_url': '@/token', 'client_id': 'me', 'client_secret': "      \
    "'${secret:key}'}, 'retry': {'base': '1ms', 'cap': '2ms', 'max': 3}"
#define PLAIN "'request': {'url': '@/a'}, " AUTH

static void test_one_token_is_had_for_all_requests(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "POST /token", .body = TOKEN("one", "3600")},
                 {.when = "Authorization: Bearer one\r\n", .body = ROW});
    it_declares(PLAIN ", 'limits': {'concurrency': 3}, 'foreach': [{'x': '1'}, {'x': '2'}, "
                      "{'x': '3'}, {'x': '4'}, {'x': '5'}]");
    UNTIL(it_count("windows") == 5);
    /* me:canary */
    site_was_asked(&it.site, 0, "Authorization: Basic bWU6Y2FuYXJ5\r\n");
    assert_int_equal(it.site.asked_count, 6);
    it_pulls(5);
    assert_int_equal(site_asked(&it.site, "/token"), 1);
    assert_int_equal(it_count("requests"), 11);
    it_restarts(); /* it is kept nowhere */
    SITE_ANSWERS(&it.site, {.when = "POST /token", .body = TOKEN("two", "3600")},
                 {.when = "Authorization: Bearer two\r\n", .body = ROW});
    it_declares(PLAIN);
    it_pulls(1);
    assert_int_equal(site_asked(&it.site, "/token"), 1);
}

/* However short its time is, one request may have it. */
static void test_one_that_has_ended_is_followed_by_another(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("one", "0"), .times = 1},
                 {.when = "/token", .body = TOKEN("two", "3600")}, {.when = "/a?c=b", .body = ROW},
                 {.when = "/a", .body = "{'data': [{'at': '2026-01-02', 'v': 1}], 'next': 'b'}"});
    it_declares(PLAIN ", 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}");
    UNTIL(it_count("windows") == 1);
    site_was_asked(&it.site, 1, "Bearer one\r\n");
    site_was_asked(&it.site, 2, "POST /token");
    site_was_asked(&it.site, 3, "Bearer two\r\n");
    assert_int_equal(it.site.asked_count, 4);
}

static void test_one_that_is_refused_is_followed_by_another_for_all(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("one", "3600"), .times = 1},
                 {.when = "/token", .body = TOKEN("two", "3600")},
                 {.when = "Bearer one", .status = "401 No", .held = true},
                 {.when = "Bearer two", .body = ROW});
    it_declares(PLAIN ", 'limits': {'concurrency': 3}, 'foreach': [{'x': '1'}, {'x': '2'}, "
                      "{'x': '3'}]");
    UNTIL_ASKED(4);
    site_release(&it.site);
    UNTIL(it_count("windows") == 3);
    assert_int_equal(site_asked(&it.site, "/token"), 2);
    assert_int_equal(it.site.asked_count, 8);
    assert_int_equal(it_count("failures"), 0);
    assert_false(it_says("s", "error", "")); /* it is as it ought to be */
}

static void test_who_is_refused_twice_is_told_so(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("one", "3600")},
                 {.when = "/a", .status = "401 No"});
    it_declares(PLAIN);
    UNTIL(it_says("s", "error", "answered 401") && it_is_resting());
    assert_int_equal(site_asked(&it.site, "/a"), 2);
    assert_int_equal(site_asked(&it.site, "/token"), 2);
    assert_int_equal(it_count("failures"), 1);
}

/* Nothing else is asked then, and nobody learns what was sent. */
static void test_a_token_that_is_not_to_be_had_is_told(void **state)
{
    static const struct {
        struct site_rule rule;
        const char *error;
        size_t asked;
    } cases[] = {
        {{.when = "/token", .status = "400 No", .body = "{'error': 'invalid_client'}"},
         "status 400: invalid_client",                                                                     1},
        {{.when = "/token", .status = "401 No", .body = "{'error': 'canary'}"},         "status 401",      1},
        {{.when = "/token", .status = "302 To", .headers = "Location: /other\r\n"},
         "status 302",                                                                                     1},
        {{.when = "/token", .status = "500 No", .body = "canary"},                      "status 500",      4},
        {{.when = "/token", .body = "canary"},                                          "no JSON",         4},
        {{.when = "/token", .body = "{'access_token': 7, 'x': 'canary'}"},              "no access_token", 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf told = BUF_INIT(1 << 16);

        it_takes_away("s");
        UNTIL(it_count("windows") == -1);
        site_answers(&it.site, &cases[i].rule, 1);
        it_declares(PLAIN);
        UNTIL(it_says("s", "error", "there is no access token") &&
              it_says("s", "error", cases[i].error) && it_is_resting());
        assert_int_equal(it.site.asked_count, cases[i].asked);
        assert_int_equal(it_count("failures"), 1);
        assert_true(puller_status(it.puller, TENANT, BYTES("s"), &told));
        assert_true(puller_fetches(it.puller, TENANT, BYTES("s"), 32, &told));
        assert_null(memmem(told.data, told.size, "canary", 6));
        assert_non_null(memmem(told.data, told.size, "\"kind\":\"token\"", 14));
        buf_release(&told);
    }
    /* The next pull asks again. */
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("one", "3600")},
                 {.when = "/a", .body = ROW});
    it_pulls(1);
}

static void test_a_secret_goes_where_it_may_alone(void **state)
{
    static const struct {
        const char *url, *error;
    } cases[] = {
        {"http://localhost:1/token", "may not go to localhost"},
        {"http://169.254.1.1/token", "169.254.1.1"            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        char blocks[512];

        SITE_ANSWERS(&it.site, {.when = "", .body = ROW});
        (void)snprintf(blocks, sizeof(blocks),
                       "'request': {'url': '@/a'}, 'auth': {'type': 'oauth2', 'token_url': '%s', "
                       "'client_id': 'me', 'client_secret': '${secret:key}'}",
                       cases[i].url);
        it_declares_so(name, false, blocks);
        UNTIL(it_says(name, "error", cases[i].error));
        assert_int_equal(it.site.asked_count, 0);
    }
}

/* What an API says of a token that it does not like. */
static void test_a_token_in_a_message_is_not_told(void **state)
{
    struct buf told = BUF_INIT(1 << 16);

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("t0ken-one", "3600")},
                 {.when = "/a", .status = "403 No", .body = "{'why': 'not t0ken-one'}"});
    it_declares(PLAIN ", 'outcomes': [{'status': 403, 'do': 'fail', 'message': '/why'}]");
    UNTIL(it_count("failures") == 1 && it_is_resting());
    assert_true(puller_status(it.puller, TENANT, BYTES("s"), &told));
    assert_true(puller_fetches(it.puller, TENANT, BYTES("s"), 32, &told));
    assert_null(memmem(told.data, told.size, "t0ken", 5));
    buf_release(&told);
}

/* History that waited for it is taken up by the next pull, and not at once. */
static void test_history_does_not_ask_for_what_was_not_to_be_had(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("one", "0"), .times = 2},
                 {.when = "/token", .status = "400 No"}, {.when = "/w", .body = "{'data': []}"});
    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}'}}, 'window': "
                   "{'from': '%s', 'step': 'P1D', 'format': 'date'}, 'limits': {'concurrency': 1}, "
                   "%s",
                   it_day(-9, from), AUTH);
    it_declares(blocks);
    UNTIL(it_says("s", "error", "status 400") && it_is_resting());
    assert_int_equal(it_count("windows"), 2);
    SITE_ANSWERS(&it.site, {.when = "/token", .body = TOKEN("one", "3600")},
                 {.when = "/w", .body = "{'data': []}"});
    it_pulls(8);
    assert_int_equal(site_asked(&it.site, "/token"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_one_token_is_had_for_all_requests),
        IT_TEST(test_one_that_has_ended_is_followed_by_another),
        IT_TEST(test_one_that_is_refused_is_followed_by_another_for_all),
        IT_TEST(test_who_is_refused_twice_is_told_so),
        IT_TEST(test_a_token_that_is_not_to_be_had_is_told),
        IT_TEST(test_a_secret_goes_where_it_may_alone),
        IT_TEST(test_a_token_in_a_message_is_not_told),
        IT_TEST(test_history_does_not_ask_for_what_was_not_to_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
