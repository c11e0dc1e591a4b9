#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]}"
#define AUTH                                                                                       \
    "'auth': {'type': 'oauth2', 'token_url': '@/token', 'client_id': 'me', 'client_secret': "      \
    "'${secret:key}'}"
#define LIST                                                                                       \
    "'foreach': {'request': {'url': '@/list'}, 'decode': 'json', 'rows': '/*', 'vars': {'x': "     \
    "{'path': 'id'}}}"
#define BOTH "'request': {'url': '@/of/${each.x}'}, " AUTH ", " LIST

/* They are requests to that host as any other. */
static void test_errands_are_within_the_limits_of_their_host(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/token", .body = "{'access_token': 'one'}"},
                 {.when = "/list", .body = "[{'id': 'a'}, {'id': 'b'}]"},
                 {.when = "/of/", .body = ROW});
    it_declares_so("other", false, "'request': {'url': '@/of/'}, " AUTH);
    UNTIL(it_says("other", "succeeded", "20"));
    it_declares(BOTH ", 'limits': {'rates': ['3/1h'], 'concurrency': 1}");
    UNTIL(site_asked(&it.site, "/token") == 2);
    /* Two of the other one's and the token: then the hour is to be waited for. */
    UNTIL(it_count("requests") == 1);
    for (int i = 0; i < 2; i++) { /* the puller's thread has gone round */
        const char name[2] = {(char)('a' + i), '\0'};

        it_declares_so(name, true, "'request': {'url': '@/of/'}");
        UNTIL(it_says(name, "state", "paused"));
    }
    assert_int_equal(it.site.asked_count, 3);
}

static void test_a_host_of_tokens_that_says_wait_is_waited_for(void **state)
{
    int64_t began;

    (void)state;
    SITE_ANSWERS(
        &it.site,
        {.when = "/token", .status = "429 Slow", .headers = "Retry-After: 1\r\n", .times = 1},
        {.when = "/token", .body = "{'access_token': 'one'}"},
        {.when = "/list", .status = "429 Slow", .headers = "Retry-After: 1\r\n", .times = 1},
        {.when = "/list", .body = "[{'id': 'a'}]"}, {.when = "/of/", .body = ROW});
    it_declares(BOTH ", 'retry': {'base': '1ms'}");
    UNTIL(site_asked(&it.site, "/token") == 1);
    began = clock_boot_ns(clock_system());
    UNTIL(it_count("windows") == 1);
    assert_true(clock_boot_ns(clock_system()) - began > INT64_C(1500000000));
    assert_int_equal(site_asked(&it.site, "/token"), 2);
    assert_int_equal(site_asked(&it.site, "/list"), 2);
}

/* With nothing but a lease that goes and comes again. */
static void test_a_lease_that_is_lost_ends_errands(void **state)
{
    (void)state;
    puller_close(it.puller);
    it.leases = it.leased = true;
    it_start();
    SITE_ANSWERS(&it.site, {.when = "/token", .body = "{'access_token': 'one'}"},
                 {.when = "/list", .body = "[{'id': 'a'}]", .held = true},
                 {.when = "/of/", .body = ROW});
    it_declares(BOTH);
    UNTIL(site_asked(&it.site, "/list") == 1);
    it.leased = false;
    it_asks_for_a_pull();
    UNTIL(it_says("s", "state", "elsewhere"));
    site_release(&it.site);
    UNTIL(it_count("requests") == 2);
    assert_int_equal(site_asked(&it.site, "/of/"), 0);
    it.leased = true;
    UNTIL(it_count("windows") == 1);
    assert_int_equal(site_asked(&it.site, "/list"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_errands_are_within_the_limits_of_their_host),
        IT_TEST(test_a_host_of_tokens_that_says_wait_is_waited_for),
        IT_TEST(test_a_lease_that_is_lost_ends_errands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
