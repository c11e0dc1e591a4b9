#include "tests/unit/ingest/pull/puller_ground.h"

#include "ingest/pull/trial.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}], 'next': 'b'}"
#define PLAIN "'request': {'url': '@/a'}"

#define LIST                                                                                       \
    "'foreach': {'request': {'url': '@/list'}, 'decode': 'json', 'rows': '/*', 'vars': {'x': "     \
    "{'path': 'id'}}}, 'auth': {'type': 'oauth2', 'token_url': '@/token', 'client_id': 'me', "     \
    "'client_secret': '${secret:key}'}, 'request': {'url': '@/of/${each.x}'}"
#define TOKEN "{'access_token': 't0ken', 'expires_in': 60}"

static int64_t it_patience_ns; /* of a trial; 0 = any time */

struct tried {
    struct fixture fixture;
    struct buf out; /* what is told */
    struct error err;
    enum code code;
    pthread_t thread;
    uint64_t index; /* of the list */
};

static void *try_main(void *context)
{
    static const struct source_partition none = {NULL, 0};
    struct tried *tried = context;
    const struct trial_terms terms = {
        .source = tried->fixture.source,
        .partition = tried->fixture.source->foreach.request == NULL ? &none : NULL,
        .partition_index = tried->index,
        .now_ns = clock_wall_ns(&it.clock.clock),
        .limits = &it.ground.limits,
        .plain_bytes_max = tried->fixture.source->limits.plain_bytes_max,
        .patience_ns = it_patience_ns,
    };

    buf_put_char(&tried->out, '{');
    tried->code = puller_try(it.puller, TENANT, &terms, &tried->out, &tried->err);
    return NULL;
}

/* In blocks @ is the site's address. */
static void tried_init(struct tried *tried, const char *blocks)
{
    struct buf own = BUF_INIT(1 << 16);

    for (const char *at = blocks; *at != '\0'; at++)
        if (*at == '@')
            buf_put_text(&own, it.site.url);
        else
            buf_put_char(&own, *at);
    buf_put_char(&own, '\0');
    *tried = (struct tried){.out = BUF_INIT(1 << 16)};
    (void)fixture_good(&tried->fixture, own.data);
    buf_release(&own);
}

static void tried_release(struct tried *tried)
{
    buf_release(&tried->out);
    fixture_release(&tried->fixture);
}

/* Begins in a thread of its own, as it waits. */
static void try_begin(struct tried *tried, const char *blocks)
{
    tried_init(tried, blocks);
    assert_int_equal(pthread_create(&tried->thread, NULL, try_main, tried), 0);
}

static enum code try_end(struct tried *tried)
{
    pthread_join(tried->thread, NULL);
    tried_release(tried);
    return tried->code;
}

/* Fails unless it ends so; where it does not come, with the text in its error. */
static void expect(const char *blocks, enum code code, const char *text)
{
    struct tried tried;

    tried_init(&tried, blocks);
    (void)try_main(&tried);
    if (tried.code != code || strstr(tried.err.text, text) == NULL)
        fail_msg("%s: %d: %s", blocks, tried.code, tried.err.text);
    tried_release(&tried);
}

static void test_a_live_page_is_shown_and_not_written(void **state)
{
    struct tried tried;
    struct json *root;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /a?k=canary ", .body = ROW});
    tried_init(&tried, PLAIN ", 'auth': {'type': 'query', 'name': 'k', 'value': '${secret:key}'}, "
                             "'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}");
    (void)try_main(&tried);
    if (tried.code != OK)
        fail_msg("%s", tried.err.text);
    assert_null(memmem(tried.out.data, tried.out.size, "canary", 6));
    it_parse(&tried.out, &root);
    assert_true(it_is_text(json_member(root, "request"), "method", "GET"));
    assert_true(it_is_text(json_member(root, "request"), "url", it.site.url));
    assert_int_equal(it_number(root, "status"), 200);
    assert_int_equal(it_number(root, "rows"), 1);
    assert_true(it_is_text(root, "outcome", "ok"));
    assert_true(it_is_text(root, "next", "b"));
    assert_int_equal(json_count(json_member(root, "points")), 1);
    json_doc_free(root);
    tried_release(&tried);
    assert_int_equal(it_rows("m").count, 0);
    assert_null(it_status("meter"));
}

static void test_an_answer_that_is_none_is_shown_with_its_status(void **state)
{
    struct tried tried;
    struct json *root;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "403 No", .body = "{'why': 'the key'}"});
    tried_init(&tried, PLAIN ", 'outcomes': [{'status': 403, 'do': 'fail', 'message': '/why'}]");
    (void)try_main(&tried);
    assert_int_equal(tried.code, OK);
    it_parse(&tried.out, &root);
    assert_int_equal(it_number(root, "status"), 403);
    assert_true(it_is_text(root, "outcome", "fail"));
    assert_true(it_is_text(root, "message", "the key"));
    json_doc_free(root);
    tried_release(&tried);
}

static void test_a_credential_in_a_message_is_not_shown(void **state)
{
    struct tried tried;
    struct json *root;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "403 No", .body = "{'why': 'not canary'}"});
    tried_init(&tried, PLAIN ", 'auth': {'type': 'bearer', 'token': '${secret:key}'}, 'outcomes': "
                             "[{'status': 403, 'do': 'fail', 'message': '/why'}]");
    (void)try_main(&tried);
    assert_int_equal(tried.code, OK);
    it_parse(&tried.out, &root);
    assert_true(it_is_text(root, "message", "not ******"));
    json_doc_free(root);
    tried_release(&tried);
}

static void test_a_host_that_is_refused_is_not_asked(void **state)
{
    (void)state;
    expect("'request': {'url': 'http://169.254.1.1/'}", E_ADDRESS, "169.254.1.1");
}

static void test_a_secret_that_is_not_there_is_told(void **state)
{
    (void)state;
    expect(PLAIN ", 'auth': {'type': 'bearer', 'token': '${secret:other}'}", E_NOT_FOUND,
           "no such secret");
    assert_int_equal(site_asked(&it.site, ""), 0);
}

static void test_a_body_is_as_large_as_the_node_allows(void **state)
{
    (void)state;
    it.body_bytes_max = strlen(ROW) - 1;
    it_restarts();
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    expect(PLAIN, E_BODY_LARGE, "");
    it.body_bytes_max = strlen(ROW);
    it_restarts();
    expect(PLAIN, OK, "");
}

/* The page that was tried counts in the limits, also when nobody else asks that host. */
static void test_a_host_that_may_not_be_asked_in_time_is_busy(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    expect(PLAIN ", 'limits': {'rates': ['1/2m']}", OK, "");
    expect(PLAIN ", 'limits': {'rates': ['1/2m']}", E_BUSY, "by its limits");
    assert_int_equal(site_asked(&it.site, ""), 1);
}

#define LATER "Retry-After: 90\r\n"

static void test_an_answer_that_says_when_to_come_again_is_kept_to(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "429 Slow", .headers = LATER});
    expect(PLAIN, OK, "");
    expect(PLAIN, E_BUSY, "by its limits");
    assert_int_equal(site_asked(&it.site, ""), 1);
}

/* Of it no reader ever hears. */
static void test_one_that_is_cut_says_it_too(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET",
                            .status = "503 Slow",
                            .headers = LATER "Transfer-Encoding: chunked\r\n",
                            .body = "no chunk"});
    it_declares(PLAIN ", 'retry': {'base': '1ms', 'cap': '2ms', 'max': 3}");
    UNTIL(it_count("retries") == 1);
    expect(PLAIN, E_BUSY, "by its limits");
    assert_int_equal(site_asked(&it.site, ""), 1);
}

#define ONE PLAIN ", 'limits': {'concurrency': 1}"

static void test_who_waits_for_another_comes_after_it(void **state)
{
    struct tried tried[3];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW, .held = true});
    for (size_t i = 0; i < COUNT_OF(tried); i++)
        try_begin(&tried[i], ONE);
    UNTIL_ASKED(1);
    site_release(&it.site);
    for (size_t i = 0; i < COUNT_OF(tried); i++)
        assert_int_equal(try_end(&tried[i]), OK);
    assert_int_equal(site_asked(&it.site, ""), 3);
    assert_int_equal(it.site.under_way_most, 1);
}

/* Whatever the document says; of one that waits for its turn as well. */
static void test_who_waits_has_no_more_time_than_that(void **state)
{
    struct tried held;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW, .held = true});
    it_patience_ns = 100000000;
    expect(PLAIN, E_TIMEOUT, "/a: a page that is tried is waited for 100 ms, which is the limit");
    assert_int_equal(site_asked(&it.site, ""), 1);
    it_patience_ns = 0;
    try_begin(&held, ONE);
    UNTIL_ASKED(2);
    it_patience_ns = 100000000;
    expect(ONE, E_TIMEOUT, "/a: a page that is tried is waited for 100 ms, which is the limit");
    it_patience_ns = 0;
    site_release(&it.site);
    assert_int_equal(try_end(&held), OK);
    assert_int_equal(site_asked(&it.site, ""), 2);
}

/* The one that is asked, the one that waits for it, and the one that comes then. */
static void test_who_waits_is_told_of_the_end(void **state)
{
    struct tried tried[2];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW, .held = true});
    try_begin(&tried[0], ONE);
    UNTIL_ASKED(1);
    try_begin(&tried[1], ONE);
    puller_tries_end(it.puller);
    for (size_t i = 0; i < COUNT_OF(tried); i++)
        assert_int_equal(try_end(&tried[i]), E_DRAINING);
    expect(PLAIN, E_DRAINING, "shutting down");
    assert_int_equal(site_asked(&it.site, ""), 1);
}

static void test_what_a_page_needs_is_asked_before_it(void **state)
{
    struct tried tried;
    struct json *root;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "POST /token", .body = TOKEN},
                 {.when = "/list", .body = "[{'id': 'a'}, {'id': 'b'}, {'id': 'a'}]"},
                 {.when = "GET /of/b", .body = ROW});
    tried_init(&tried, LIST);
    tried.index = 1;
    (void)try_main(&tried);
    if (tried.code != OK)
        fail_msg("%s", tried.err.text);
    assert_null(memmem(tried.out.data, tried.out.size, "canary", 6));
    assert_null(memmem(tried.out.data, tried.out.size, "t0ken", 5));
    it_parse(&tried.out, &root);
    assert_int_equal(it_number(root, "partitions"), 2);
    assert_true(it_is_text(json_member(root, "partition"), "x", "b"));
    assert_int_equal(it_number(root, "rows"), 1);
    json_doc_free(root);
    tried_release(&tried);
    site_was_asked(&it.site, 0, "POST /token");
    site_was_asked(&it.site, 1, "Authorization: Bearer t0ken\r\n");
    site_was_asked(&it.site, 2, "Authorization: Bearer t0ken\r\n");
    assert_int_equal(site_asked(&it.site, ""), 3);
}

static void test_what_a_page_needs_and_has_not_is_told(void **state)
{
    static const struct {
        struct site_rule token, list;
        enum code code;
        const char *text;
        size_t asked;
    } cases[] = {
        {{.when = "/token", .status = "400 No", .body = "{'error': 'invalid_scope'}"},
         {.when = "x"},
         E_BAD_PAGE,      "an access token: it was refused with status 400: invalid_scope",
         1},
        {{.when = "/token", .body = "no"},
         {.when = "x"},
         E_BAD_PAGE,      "an access token: it is no JSON",
         1},
        {{.when = "/token", .body = TOKEN},
         {.when = "/list", .status = "404 No"},
         E_BAD_PAGE,      "the list of partitions: it answered 404",
         2},
        {{.when = "/token", .body = TOKEN},
         {.when = "/list", .body = "[{}]"},
         E_BAD_PAGE,      "the list of partitions: row 1, /0: x has no value",
         2},
        {{.when = "/token", .body = TOKEN},
         {.when = "/list", .body = "[]"},
         E_BAD_PARAMETER, "/partition: there is none of that number: the list has 0",
         2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct site_rule rules[] = {cases[i].token, cases[i].list};

        site_answers(&it.site, rules, COUNT_OF(rules));
        expect(LIST, cases[i].code, cases[i].text);
        assert_int_equal(site_asked(&it.site, ""), cases[i].asked);
    }
}

/* Whoever tries a page wants to see what the host says now; if it is up, others see that, too. */
static void test_a_host_that_is_down_is_tried(void **state)
{
    static const char many[] =
        "'request': {'url': '@/${each.x}'}, 'retry': {'base': '1h', 'cap': '1h'}, 'foreach': [{'x'"
        ": '1'}, {'x': '2'}, {'x': '3'}, {'x': '4'}, {'x': '5'}, {'x': '6'}, {'x': '7'}, {'x': "
        "'8'}]";

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "503 No"});
    it_declares(many);
    UNTIL(it_says("s", "waits_for", "the host, which cannot be reached or fails"));
    expect(PLAIN, OK, "");
    assert_int_equal(site_asked(&it.site, "GET /a "), 1);
    assert_true(it_says("s", "waits_for", "the host, which cannot be reached or fails"));
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    expect(PLAIN, OK, "");
    UNTIL(it_count("windows") >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_live_page_is_shown_and_not_written),
        IT_TEST(test_an_answer_that_is_none_is_shown_with_its_status),
        IT_TEST(test_a_credential_in_a_message_is_not_shown),
        IT_TEST(test_a_host_that_is_refused_is_not_asked),
        IT_TEST(test_a_secret_that_is_not_there_is_told),
        IT_TEST(test_a_body_is_as_large_as_the_node_allows),
        IT_TEST(test_a_host_that_may_not_be_asked_in_time_is_busy),
        IT_TEST(test_an_answer_that_says_when_to_come_again_is_kept_to),
        IT_TEST(test_one_that_is_cut_says_it_too),
        IT_TEST(test_who_waits_for_another_comes_after_it),
        IT_TEST(test_who_waits_has_no_more_time_than_that),
        IT_TEST(test_who_waits_is_told_of_the_end),
        IT_TEST(test_what_a_page_needs_is_asked_before_it),
        IT_TEST(test_what_a_page_needs_and_has_not_is_told),
        IT_TEST(test_a_host_that_is_down_is_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
