#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW(day, v) "{'data': [{'at': '2026-01-0" #day "', 'v': " #v "}]"
#define SOON "'retry': {'base': '1ms', 'cap': '2ms', 'max': 3}"
#define CURSOR                                                                                     \
    "'request': {'url': '@/list'}, 'page': {'type': 'cursor', 'param': 'c', 'path': "              \
    "'/next'}, " SOON

static void test_a_page_that_fails_is_asked_again_and_given_up_until_the_next_pull(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "c=b", .status = "503 No", .times = 6},
                 {.when = "c=b", .body = ROW(2, 2) "}"},
                 {.when = "/list", .body = ROW(1, 1) ", 'next': 'b'}"});
    it_declares(CURSOR);
    UNTIL(it_count("failures") == 1 && it_is_resting());
    assert_int_equal(site_asked(&it.site, "c=b"), 4);
    assert_int_equal(it_count("retries"), 3);
    assert_int_equal(it_count("windows"), 0);
    assert_true(it_says("s", "error", "answered 503"));
    assert_true(it_rows("m").sum == 1);
    it_pulls(1);
    assert_int_equal(site_asked(&it.site, "c=b"), 7);
    assert_true(it_rows("m").sum == 3);
    /* The last error is told until a pull that began behind it came whole. */
    assert_true(it_says("s", "error", "answered 503"));
    it_pulls(1);
    assert_false(it_says("s", "error", ""));
    assert_true(it_says("s", "failed", "20"));
}

static void test_redirects_are_followed_and_counted(void **state)
{
    static const struct {
        const char *url, *error; /* NULL: it comes */
        size_t asked;
    } cases[] = {
        {"@/one",     NULL,                    2},
        {"@/three",   "more than 2 redirects", 3},
        {"@/outside", "169.254.1.1",           1},
        {"@/flaky",   NULL,                    8},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char name[2] = {(char)('a' + i), '\0'}; /* each has no progress yet */
        char blocks[256];

        SITE_ANSWERS(&it.site,
                     {.when = "/one", .status = "302 To", .headers = "Location: /end\r\n"},
                     {.when = "/two", .status = "301 To", .headers = "Location: @/one\r\n"},
                     {.when = "/three", .status = "307 To", .headers = "Location: two\r\n"},
                     {.when = "/flaky", .status = "302 To", .headers = "Location: /weak\r\n"},
                     {.when = "/weak", .status = "500 No", .times = 3},
                     {.when = "/weak", .body = ROW(1, 1) "}"},
                     {.when = "/outside",
                      .status = "302 To",
                      .headers = "Location: http://169.254.1.1/\r\n"},
                     {.when = "/end", .body = ROW(1, 1) "}"});
        (void)snprintf(blocks, sizeof(blocks), "'request': {'url': '%s', 'redirects': 2}, %s",
                       cases[i].url, SOON);
        it_declares_so(name, false, blocks);
        if (cases[i].error == NULL)
            UNTIL(it_says(name, "succeeded", "20"));
        else
            UNTIL(it_says(name, "error", cases[i].error));
        assert_int_equal(it.site.asked_count, cases[i].asked);
    }
}

/* Whatever it was sent as, in the log, in the status, among the fetches and where one is tried. */
static void test_a_credential_that_an_answer_gives_back_is_not_told(void **state)
{
    static const struct {
        const char *auth, *body, *told;
    } cases[] = {
        {"{'type': 'query', 'name': 'k', 'value': '${secret:key}'}",     "no: canary!",            "no: ******!"},
        {"{'type': 'header', 'name': 'X', 'value': '${secret:key}'}",    "canary",                 "******"     },
        {"{'type': 'bearer', 'token': '${secret:key}'}",                 "a canary",               "a ******"   },
        {"{'type': 'basic', 'user': 'me', 'password': '${secret:key}'}", "bWU6Y2FuYXJ5 of canary",
         "************ of ******"                                                                               },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        struct buf fetches = BUF_INIT(1 << 16);
        struct site_rule rule = {.when = "GET", .status = "403 No"};
        char blocks[400], body[64];

        (void)snprintf(body, sizeof(body), "{'why': '%s'}", cases[i].body);
        rule.body = body;
        site_answers(&it.site, &rule, 1);
        (void)snprintf(blocks, sizeof(blocks),
                       "'request': {'url': '@/a'}, 'auth': %s, 'outcomes': [{'status': 403, 'do': "
                       "'fail', 'message': '/why'}]",
                       cases[i].auth);
        it_declares_so(name, false, blocks);
        UNTIL(it_says(name, "error", cases[i].told));
        assert_true(puller_fetches(it.puller, TENANT, bytes_of(name), 9, &fetches));
        assert_non_null(memmem(fetches.data, fetches.size, cases[i].told, strlen(cases[i].told)));
        assert_null(memmem(fetches.data, fetches.size, "canary", 6));
        buf_release(&fetches);
    }
}

/* A list of partitions and two pages, one after the other. */
static void test_what_goes_out_counts_in_a_rate_for_as_long_as_it_says(void **state)
{
    int64_t began = clock_boot_ns(clock_system());

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/list", .body = "[{'id': 'a'}, {'id': 'b'}]"},
                 {.when = "/of/", .body = ROW(1, 1) "}"});
    it_declares("'request': {'url': '@/of/${each.x}'}, 'limits': {'rates': ['1/200ms']}, "
                "'foreach': {'request': {'url': '@/list'}, 'decode': 'json', 'rows': '/*', "
                "'vars': {'x': {'path': 'id'}}}");
    UNTIL(it_count("windows") == 2);
    assert_int_equal(it.site.asked_count, 3);
    assert_true(clock_boot_ns(clock_system()) - began >= INT64_C(400000000));
}

static _Atomic bool is_full;
static const struct fs_operations *real;

static enum code write_or_not(struct file *file, uint64_t offset, const struct bytes *parts,
                              size_t count, struct error *err)
{
    return is_full ? error_set(err, E_DISK_FULL, "no space left")
                   : real->write(file, offset, parts, count, err);
}

/* However long it lasts: it is no fault of the source, which else rests for hours then. */
static void test_what_cannot_be_noted_is_asked_once_it_can(void **state)
{
    struct fs_operations own;
    struct error err = {0};

    (void)state;
    puller_close(it.puller);
    assert_int_equal(fs_posix_open(it.ground.directory, &it.fs, &err), OK);
    real = it.fs->operations;
    own = *real;
    own.write = write_or_not;
    it.fs->operations = &own;
    it_start();
    is_full = true;
    SITE_ANSWERS(&it.site, {.when = "/list", .body = "[{'id': 'a'}]"},
                 {.when = "/of/", .body = ROW(1, 1) "}"});
    it_declares(
        "'request': {'url': '@/of/${each.x}'}, 'retry': {'max': 0}, 'foreach': {'request': "
        "{'url': '@/list'}, 'decode': 'json', 'rows': '/*', 'vars': {'x': {'path': 'id'}}}");
    UNTIL(it_says("s", "error", "no space left"));
    assert_int_equal(it.site.asked_count, 0);
    is_full = false;
    UNTIL(it_count("windows") == 1);
    is_full = true;
    it_asks_for_a_pull();
    UNTIL(it_count("retries") == 2);
    is_full = false;
    UNTIL(it_count("windows") == 2);
    assert_int_equal(it_count("failures"), 0);
    puller_close(it.puller);
    it.puller = NULL;
    fs_posix_close(it.fs);
}

#define WAITS                                                                                      \
    ", 'outcomes': [{'status': 429, 'do': 'wait', 'for': '1s'}], 'limits': {'concurrency': 1}"

static void test_who_is_told_to_wait_holds_all_of_the_host(void **state)
{
    int64_t began;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/first", .status = "429 Slow", .times = 1},
                 {.when = "GET", .body = ROW(1, 1) "}"});
    it_declares("'request': {'url': '@/first'}" WAITS);
    UNTIL(it_count("waits") == 1);
    began = clock_boot_ns(clock_system());
    it_declares_so("t", false, "'request': {'url': '@/second'}" WAITS);
    UNTIL_ASKED(3);
    assert_true(clock_boot_ns(clock_system()) - began > INT64_C(500000000));
    UNTIL(it_count("windows") == 1);
    assert_int_equal(it_count("failures"), 0);
}

/* Forty partitions, and waits of an hour: what is asked is asked at once or not at all. */
static void declare_many(const char *name, const char *more)
{
    char blocks[1024];
    size_t size = (size_t)snprintf(blocks, sizeof(blocks),
                                   "'request': {'url': '@/%s/${each.x}'}, 'retry': {'base': '1h', "
                                   "'cap': '1h'}%s, 'foreach': [",
                                   name, more);

    for (int i = 0; i < 40; i++)
        size += (size_t)snprintf(blocks + size, sizeof(blocks) - size, "%s{'x': '%d'}",
                                 i == 0 ? "" : ", ", i);
    (void)snprintf(blocks + size, sizeof(blocks) - size, "]");
    it_declares_so(name, false, blocks);
}

#define DOWN "the host, which cannot be reached or fails"

/* Five faults, and what was under way beside the last of them; other hosts know nothing of it. */
static void test_a_host_that_is_down_is_left_alone_and_asked_in_full_once_it_is_up(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "/u/", .body = ROW(1, 1) "}"},
                 {.when = "GET", .status = "503 No"});
    declare_many("s", "");
    UNTIL(it_says("s", "waits_for", DOWN));
    assert_in_range(site_asked(&it.site, "GET /s/"), 5, 6);
    declare_many("t", "");
    UNTIL(it_says("t", "waits_for", DOWN));
    it_declares_so("v", false,
                   "'request': {'url': '@/v/${each.x}'}, 'foreach': {'request': {'url': '@/list'}, "
                   "'decode': 'json', 'rows': '/*', 'vars': {'x': {'path': 'id'}}}");
    declare_many("u", ", 'limits': {'host': 'another'}");
    UNTIL(it_says("u", "succeeded", "20") && it_says("u", "state", "resting"));
    assert_int_equal(site_asked(&it.site, "GET /t/") + site_asked(&it.site, "/list"), 0);
    assert_in_range(site_asked(&it.site, "GET /s/"), 5, 6);
    assert_int_equal(it_count("failures"), 0);
    SITE_ANSWERS(&it.site, {.when = "/list", .body = "[{'id': 'a'}]"},
                 {.when = "GET", .body = ROW(1, 1) "}"});
    it_asks_for_a_pull(); /* else it would be found out within an hour */
    UNTIL(it_count("windows") >= 34 && it_says("t", "state", "resting") &&
          it_says("v", "succeeded", "20"));
    assert_int_equal(site_asked(&it.site, "GET /t/"), 40);
    assert_false(it_says("s", "waits_for", DOWN));
}

static void test_answers_that_a_rule_takes_are_no_faults(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "500 None"});
    declare_many("s", ", 'outcomes': [{'status': 500, 'do': 'empty'}]");
    UNTIL(it_count("windows") == 40);
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "404 None"});
    declare_many("t", ""); /* nor is what a page alone has */
    UNTIL(site_asked(&it.site, "GET /t/") == 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_page_that_fails_is_asked_again_and_given_up_until_the_next_pull),
        IT_TEST(test_redirects_are_followed_and_counted),
        IT_TEST(test_what_cannot_be_noted_is_asked_once_it_can),
        IT_TEST(test_what_goes_out_counts_in_a_rate_for_as_long_as_it_says),
        IT_TEST(test_a_credential_that_an_answer_gives_back_is_not_told),
        IT_TEST(test_who_is_told_to_wait_holds_all_of_the_host),
        IT_TEST(test_a_host_that_is_down_is_left_alone_and_asked_in_full_once_it_is_up),
        IT_TEST(test_answers_that_a_rule_takes_are_no_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
