#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]}"
#define LISTED                                                                                     \
    "'foreach': {'request': {'url': '@/list'}, 'decode': 'json', 'rows': '/*', 'vars': {'x': "     \
    "{'path': 'id'}}, 'every': '1d'}, 'retry': {'base': '1ms', 'cap': '2ms', 'max': 3}"
#define PLAIN "'request': {'url': '@/of/${each.x}'}, 'tags': {'of': '${each.x}'}, " LISTED
#define WINDOWS                                                                                    \
    "'request': {'url': '@/of/${each.x}', 'query': {'a': '${window.start}', 'b': "                 \
    "'${window.end}'}}, 'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'format': "         \
    "'date'}, " LISTED

#define AB "[{'id': 'a'}, {'id': 'b'}, {'id': 'a'}]"
#define BC "[{'id': 'c'}, {'id': 'b'}]"

/* The list is looked at again. */
static void it_pulls_a_day_later(size_t windows)
{
    it_pulls_by(it_lets_a_day_pass, windows);
}

static void test_each_of_the_list_is_a_partition(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /list ", .body = AB}, {.when = "GET /of/", .body = ROW});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 2 && it_is_resting());
    site_was_asked(&it.site, 0, "GET /list ");
    assert_int_equal(it.site.asked_count, 3); /* what stands there twice is one */
    assert_int_equal(it_rows("m").count, 2);
    it_pulls(2);
    assert_int_equal(site_asked(&it.site, "/list"), 1);
    assert_int_equal(site_asked(&it.site, "/of/a"), 2);
    it_restarts(); /* then it is asked anew */
    SITE_ANSWERS(&it.site, {.when = "GET /list ", .body = AB}, {.when = "GET /of/", .body = ROW});
    it_declares(PLAIN);
    it_pulls(2);
    site_was_asked(&it.site, 0, "GET /list ");
    assert_int_equal(it.site.asked_count, 3);
}

static void test_without_a_list_nothing_is_asked_and_it_is_asked_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/list", .status = "503 No", .times = 6},
                 {.when = "/list", .body = AB}, {.when = "/of/", .body = ROW});
    it_declares(PLAIN);
    UNTIL(it_says("s", "error", "its partitions are not known: answered 503") &&
          it_says("s", "next", "20"));
    assert_int_equal(it.site.asked_count, 4);
    assert_int_equal(it_count("failures"), 1);
    assert_int_equal(it_count("retries"), 3);
    assert_true(it_says("s", "state", "loading"));
    it_asks_for_a_pull();
    UNTIL(it_count("windows") == 2 && it_is_resting());
    assert_int_equal(site_asked(&it.site, "/list"), 7);
    assert_int_equal(it.site.asked_count, 9);
}

/* What was done stays done, what is gone is not asked, what is new begins. */
static void test_a_list_that_changes_is_in_force(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[700];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks), WINDOWS, it_day(-4, from), it_day(-2, until));
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB}, {.when = "/of/", .body = "{'data': []}"});
    it_declares(blocks);
    UNTIL(it_count("windows") == 4 && it_is_resting());
    SITE_ANSWERS(&it.site, {.when = "/list", .body = BC}, {.when = "/of/", .body = "{'data': []}"});
    it_pulls_a_day_later(2);
    assert_int_equal(site_asked(&it.site, "/of/c"), 2);
    assert_int_equal(it.site.asked_count, 3);
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB}, {.when = "/of/", .body = "{'data': []}"});
    it_pulls_a_day_later(0);
    UNTIL(site_asked(&it.site, "/list") == 1 && it_is_resting());
    assert_int_equal(it.site.asked_count, 1);
    assert_int_equal(it_count("windows"), 6);
    assert_int_equal(it_count("failures"), 0);
}

/* Until there is a new one. */
static void test_the_list_of_before_is_used_while_there_is_no_other(void **state)
{
    static const struct {
        struct site_rule rule;
        const char *error;
    } cases[] = {
        {{.when = "/list", .status = "503 No"},                                                 "are those of before: answered 503"},
        {{.when = "/list", .status = "404 No", .body = BC},                                     "answered 404"                     },
        {{.when = "/list", .body = "[{'id': 'c'}"},                                             "are those of before"              },
        {{.when = "/list", .body = "[{'id': 'c'}, {'name': 'd'}]"},                             "row 2, /1: x has no value"        },
        {{.when = "/list", .body = "[]"},                                                       "the list is empty"                },
        {{.when = "/list", .status = "302 To", .headers = "Location: http://169.254.1.1/\r\n"},
         "169.254.1.1"                                                                                                             },
    };

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB}, {.when = "/of/", .body = ROW});
    it_declares(PLAIN ", 'conditional': {'body_hash': false}");
    UNTIL(it_count("windows") == 2 && it_is_resting());
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct site_rule rules[] = {
            cases[i].rule, {.when = "/of/", .body = ROW}
        };

        site_answers(&it.site, rules, COUNT_OF(rules));
        it_pulls_a_day_later(2);
        assert_int_equal(site_asked(&it.site, "/list"), 1); /* and again with the next pull */
        assert_int_equal(site_asked(&it.site, "/of/a"), 1);
        assert_int_equal(site_asked(&it.site, "/of/b"), 1);
        assert_true(it_says("s", "error", cases[i].error));
        assert_int_equal(it_count("failures"), i + 1);
    }
    SITE_ANSWERS(&it.site, {.when = "/list", .body = BC}, {.when = "/of/", .body = ROW});
    it_pulls(2);
    assert_int_equal(site_asked(&it.site, "/of/c"), 1);
    assert_int_equal(it.site.asked_count, 3);
    it_pulls(2);
    assert_false(it_says("s", "error", ""));
}

static size_t fetch_count(void)
{
    struct json *fetches = it_fetches("s", 32);
    size_t count = json_count(fetches);

    json_doc_free(fetches);
    return count;
}

/* The list is at another host, by its name, as its own is held: history asks nothing more until the
 * new list is in force. */
static void test_history_waits_for_a_list_that_has_come(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[1000];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/list", .body = "[{'id': 'a'}]", .times = 1},
                 {.when = "/list", .body = "[{'id': 'b'}]"},
                 {.when = "/of/a", .body = "{'data': []}", .times = 1},
                 {.when = "/of/a", .body = "{'data': []}", .held = true},
                 {.when = "/of/b", .body = "{'data': []}"});
    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/of/${each.x}', 'query': {'a': '${window.start}'}}, "
                   "'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'format': 'date'}, "
                   "'foreach': {'request': {'url': 'http://localhost%s/list'}, 'decode': 'json', "
                   "'rows': '/*', 'vars': {'x': {'path': 'id'}}, 'every': '1d'}",
                   it_day(-40, from), it_day(-2, until), strrchr(it.site.url, ':'));
    it_declares(blocks);
    UNTIL(site_asked(&it.site, "/of/a") == 3 && it_says("s", "state", "filling"));
    it_lets_a_day_pass();
    UNTIL(fetch_count() == 3); /* the list has been read */
    site_release(&it.site);
    UNTIL(it_count("windows") == 3 + 38 && it_is_resting());
    assert_int_equal(site_asked(&it.site, "/of/a"), 3);
}

static void test_an_empty_list_is_believed_when_it_comes_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB, .times = 1},
                 {.when = "/list", .body = "[]"}, {.when = "/of/", .body = ROW});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 2 && it_is_resting());
    it_pulls_a_day_later(2);
    assert_int_equal(it.site.asked_count, 6);
    it_asks_for_a_pull();
    UNTIL(it_says("s", "error", "its list of partitions is empty") && it_is_resting());
    assert_int_equal(it.site.asked_count, 7);
    it_takes_away("s");
    SITE_ANSWERS(&it.site, {.when = "/list", .body = "[]"}, {.when = "/of/", .body = ROW});
    it_declares_so("t", false, PLAIN);
    UNTIL(it_says("t", "error", "its list of partitions is empty") &&
          it_says("t", "state", "resting"));
    assert_int_equal(it.site.asked_count, 1);
}

static void test_a_list_behind_a_token_and_a_redirect(void **state)
{
    (void)state;
    SITE_ANSWERS(
        &it.site,
        {.when = "/token", .body = "{'access_token': 'one', 'expires_in': 60}", .times = 1},
        {.when = "/token", .body = "{'access_token': 'two', 'expires_in': 60}"},
        {.when = "Bearer one", .status = "401 No"},
        {.when = "/list", .status = "302 To", .headers = "Location: /there\r\n"},
        {.when = "/there", .body = AB}, {.when = "/of/", .body = ROW});
    it_declares(PLAIN ", 'auth': {'type': 'oauth2', 'token_url': '@/token', 'client_id': 'me', "
                      "'client_secret': '${secret:key}'}");
    UNTIL(it_count("windows") == 2);
    site_was_asked(&it.site, 0, "POST /token");
    site_was_asked(&it.site, 1, "GET /list ");
    site_was_asked(&it.site, 2, "POST /token");
    site_was_asked(&it.site, 3, "GET /list ");
    site_was_asked(&it.site, 4, "GET /there ");
    site_was_asked(&it.site, 4, "Bearer two\r\n");
    assert_int_equal(it.site.asked_count, 7);
}

static void test_a_list_that_nobody_waits_for_any_more(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB, .held = true},
                 {.when = "/other", .body = ROW}, {.when = "/of/", .body = ROW});
    it_declares(PLAIN);
    UNTIL(site_asked(&it.site, "/list") == 1);
    it_declares("'request': {'url': '@/other'}");
    site_release(&it.site);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(site_asked(&it.site, "/of/"), 0);
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB, .held = true});
    it_declares(PLAIN);
    UNTIL(site_asked(&it.site, "/list") == 1);
    it_takes_away("s");
    site_release(&it.site);
    UNTIL(it_count("windows") == -1);
    SITE_ANSWERS(&it.site, {.when = "/list", .body = AB, .held = true});
    it_declares(PLAIN);
    UNTIL(site_asked(&it.site, "/list") == 1);
    it_restarts();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_each_of_the_list_is_a_partition),
        IT_TEST(test_without_a_list_nothing_is_asked_and_it_is_asked_again),
        IT_TEST(test_a_list_that_changes_is_in_force),
        IT_TEST(test_the_list_of_before_is_used_while_there_is_no_other),
        IT_TEST(test_history_waits_for_a_list_that_has_come),
        IT_TEST(test_an_empty_list_is_believed_when_it_comes_again),
        IT_TEST(test_a_list_behind_a_token_and_a_redirect),
        IT_TEST(test_a_list_that_nobody_waits_for_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
