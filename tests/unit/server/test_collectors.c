#include "tests/unit/ingest/pull/puller_ground.h"

#include "discovery/registry_files.h"
#include "discovery/secrets.h"
#include "discovery/source_record.h"
#include "ingest/follow/tails.h"
#include "server/collectors.h"
#include "server/config.h"
#include "server/version.h"
#include "store/member.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]}"
#define PLAIN "'request': {'url': '@/a'}"

static struct settings settings;
static struct collectors *collectors;

static void collectors_begin(void)
{
    struct error err = {0};

    if (collectors_start(&settings, it.ground.fs, &it.app, &collectors, &err) != OK)
        fail_msg("%s", err.text);
    it.puller = it.app.puller;
}

static void collectors_end(void)
{
    collectors_stop(collectors);
    it.puller = NULL;
}

/* In place of the ground's own puller. */
static int node_open(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    char place[96];

    it_open(state);
    puller_close(it.puller);
    settings = (struct settings){.data = it.ground.directory,
                                 .pull_body_bytes_max = 1 << 20,
                                 .pull_plain_bytes_max = 1 << 20};
    (void)snprintf(place, sizeof(place), "%s/declared", it.ground.directory);
    it.app.intake = it.ground.environment;
    it.app.clock = clock_system();
    assert_int_equal(address_rules_add(&settings.pull_allow, BYTES("127.0.0.1"), NULL), OK);
    assert_int_equal(registry_files_open(place, &rules, &it.app.declared, NULL), OK);
    assert_int_equal(secrets_open(it.ground.fs, NULL, false, &it.app.secrets, NULL), OK);
    return 0;
}

static int node_close(void **state)
{
    collectors_end();
    registry_close(it.app.declared);
    secrets_close(it.app.secrets);
    return it_close(state);
}

static uint64_t put_text(const char *name, uint64_t expected, struct bytes text)
{
    struct error err = {0};
    uint64_t version;

    if (registry_put(it.app.declared, REGISTRY_SOURCES, bytes_of(name), expected, text, &version,
                     &err) != OK)
        fail_msg("%s: %s", name, err.text);
    return version;
}

/* The good document with other blocks, in which @ is the site's address; NULL: it is deleted. */
static uint64_t put(const char *name, uint64_t expected, bool paused, const char *blocks)
{
    struct buf own = BUF_INIT(1 << 16), document = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16);
    struct source_record record = {.deleted = blocks == NULL, .paused = paused};
    uint64_t version;

    buf_put_text(&own, "'schedule': {'every': '1h', 'jitter': '0s'}, ");
    for (const char *at = blocks == NULL ? "" : blocks; *at != '\0'; at++)
        if (*at == '@')
            buf_put_text(&own, it.site.url);
        else
            buf_put_char(&own, *at);
    buf_put_char(&own, '\0');
    if (blocks != NULL)
        fixture_document(own.data, "name", &document);
    record.document = buf_bytes(&document);
    source_record_print(&record, &text);
    version = put_text(name, expected, buf_bytes(&text));
    buf_release(&own);
    buf_release(&document);
    buf_release(&text);
    return version;
}

static void test_what_is_put_is_pulled_and_what_is_deleted_is_not(void **state)
{
    uint64_t version;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    collectors_begin();
    version = put("default.s", 0, false, PLAIN);
    UNTIL(it_count("windows") == 1);
    assert_int_equal(it_rows("m").count, 1);
    site_was_asked(&it.site, 0, "User-Agent: weir/");
    version = put("default.s", version, false, "'nonsense': 1");
    UNTIL(it_says("s", "state", "wrong"));
    version = put("default.s", version, false, "'request': {'url': '@/changed'}");
    UNTIL(it_is_resting());
    it_pulls(1);
    assert_true(site_asked(&it.site, "/changed") > 0);
    (void)put("default.s", version, false, NULL);
    UNTIL(it_count("windows") == -1);
}

static void test_what_was_put_before_the_start_is_pulled(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    (void)put("default.s", 0, false, PLAIN);
    collectors_begin();
    UNTIL(it_count("windows") == 1);
    collectors_end();
    collectors_begin();
    UNTIL(it_is_resting());
    it_pulls(1);
    assert_int_equal(it_count("written"), 0); /* as it was there before */
}

static void test_one_that_rests_is_pulled_when_it_is_told_to_go_on(void **state)
{
    uint64_t version;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    collectors_begin();
    version = put("default.s", 0, true, PLAIN);
    (void)put("default.t", 0, false, "'request': {'url': '@/other'}");
    UNTIL(it_says("t", "succeeded", "20") && it_count("windows") == 0);
    assert_int_equal(site_asked(&it.site, "/a"), 0);
    (void)put("default.s", version, false, PLAIN);
    UNTIL(it_count("windows") == 1);
}

/* Somebody set one that was missing: nobody waits for the schedule. */
static void test_a_source_without_its_secret_is_tried_when_secrets_change(void **state)
{
    uint64_t version;

    (void)state;
    collectors_begin();
    (void)put("default.s", 0, false,
              PLAIN ", 'auth': {'type': 'bearer', 'token': '${secret:key}'}");
    UNTIL(it_says("s", "error", "there is no secret") && it_is_resting());
    assert_int_equal(it_count("failures"), 1);
    version = put_text("default.-secrets", 0, BYTES("{}"));
    UNTIL(it_count("failures") == 2 && it_is_resting());
    (void)put_text("default.-secrets", version, BYTES("{\"secrets\":[]}"));
    UNTIL(it_count("failures") == 3 && it_is_resting());
}

/* Others are pulled beside it. */
static void test_a_record_that_is_not_right_is_passed_over(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    (void)put_text("default.-secrets", 0, BYTES("{}"));
    (void)put_text("default.a", 0, BYTES("{"));
    (void)put("nobody.s", 0, false, "'request': {'url': '@/nobody'}");
    (void)put("default.s", 0, false, PLAIN);
    collectors_begin();
    UNTIL(it_count("windows") == 1);
    assert_null(it_status("a"));
    assert_null(it_status("-secrets"));
    assert_int_equal(site_asked(&it.site, "/nobody"), 0);
}

/* Of the one kind, then of the other, by the block of files that a document has or has not. */
static void test_what_follows_files_is_not_pulled(void **state)
{
    static const char files[] =
        "{\"state\":\"active\",\"document\":\"{\\\"fil\\\\u0065s\\\":{\\\"paths\\\":[\\\"/srv/"
        "x\\\"]},"
        "\\\"decode\\\":\\\"csv\\\",\\\"time\\\":{\\\"path\\\":\\\"t\\\"},\\\"measurement\\\":"
        "\\\"m\\\","
        "\\\"values\\\":[{\\\"path\\\":\\\"v\\\",\\\"field\\\":\\\"v\\\"}]}\"}";
    uint64_t version;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    collectors_begin();
    version = put("default.s", 0, false, PLAIN ", 'tags': {'files': 'none'}");
    UNTIL(it_count("windows") == 1);
    assert_false(tails_has(it.app.tails, BYTES("default"), BYTES("s")));
    version = put_text("default.s", version, bytes_of(files));
    UNTIL(tails_has(it.app.tails, BYTES("default"), BYTES("s")) && it_count("windows") == -1);
    (void)put("default.s", version, false, PLAIN);
    UNTIL(!tails_has(it.app.tails, BYTES("default"), BYTES("s")) && it_is_resting());
}

static uint64_t rows_of_files(void)
{
    struct buf out = BUF_INIT(1 << 16);
    uint64_t rows = 0;
    const char *at;

    if (tails_status(it.app.tails, BYTES("default"), BYTES("s"), &out)) {
        buf_put_char(&out, '\0');
        at = strstr(out.data, "\"rows\":");
        assert_non_null(at);
        rows = strtoull(at + strlen("\"rows\":"), NULL, 10);
    }
    buf_release(&out);
    return rows;
}

static bool files_say(const char *what)
{
    struct buf out = BUF_INIT(1 << 16);
    bool said;

    (void)tails_status(it.app.tails, BYTES("default"), BYTES("s"), &out);
    buf_put_char(&out, '\0');
    said = strstr(out.data, what) != NULL;
    buf_release(&out);
    return said;
}

static enum code count_row(void *taker, const struct recalled_row *row, struct error *err)
{
    (void)row, (void)err;
    ++*(unsigned *)taker;
    return OK;
}

static unsigned marks_of(struct bytes node)
{
    const struct series_tag own = {BYTES("node"), node};
    unsigned count = 0;
    bool partial;
    struct error err = {0};

    assert_int_equal(it.recall.rows(it.recall.context, TENANT, BYTES("\x01s"), &own, 1, INT64_MIN,
                                    INT64_MAX, count_row, &count, &partial, &err),
                     OK);
    return count;
}

/* One that starts before its registry answers has it later. */
static void test_files_wait_for_the_number_of_the_node(void **state)
{
    char text[1024];
    struct error err = {0};
    FILE *file;

    (void)state;
    (void)snprintf(text, sizeof(text), "%s/lab.csv", it.ground.directory);
    file = fopen(text, "w");
    assert_non_null(file);
    assert_true(fputs("t,v\n1,1\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(tail_places_add(&settings.pull_files, bytes_of(it.ground.directory), NULL),
                     OK);
    (void)snprintf(text, sizeof(text),
                   "{\"state\":\"active\",\"document\":\"{\\\"files\\\":{\\\"paths\\\":[\\\"%s/"
                   "lab.csv\\\"]},\\\"decode\\\":\\\"csv\\\",\\\"time\\\":{\\\"path\\\":\\\"t\\\","
                   "\\\"format\\\":\\\"unix_s\\\"},\\\"measurement\\\":\\\"m\\\",\\\"values\\\":[{"
                   "\\\"path\\\":\\\"v\\\",\\\"field\\\":\\\"v\\\"}]}\"}",
                   it.ground.directory);
    (void)put_text("default.s", 0, bytes_of(text));
    it.app.registry = it.app.declared;
    collectors_begin();
    UNTIL(files_say("a number of its registry"));
    assert_int_equal(rows_of_files(), 0);
    assert_int_equal(store_member_note(it.app.store, 7, &err), OK);
    UNTIL(rows_of_files() == 1);
    assert_int_equal(marks_of(BYTES("7")), 2); /* of the file, and that it began */
    collectors_end();
    it.app.registry = NULL; /* and it goes on under it where there is none any more */
    collectors_begin();
    UNTIL(files_say("\"files\":1"));
    assert_int_equal(rows_of_files(), 0);
}

/* With a registry it pulls what it has the lease of. */
static void test_a_node_of_a_registry_pulls_by_its_leases(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    it.app.registry = it.app.declared;
    collectors_begin();
    (void)put("default.s", 0, false, PLAIN);
    UNTIL(it_count("windows") == 1);
    assert_false(it_says("s", "state", "elsewhere"));
    collectors_end();
    it.app.registry = NULL;
    collectors_begin();
}

static void test_a_stop_waits_for_nothing(void **state)
{
    int64_t begun_ns;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    (void)put("default.s", 0, false, PLAIN);
    collectors_begin();
    UNTIL(it_is_resting());
    begun_ns = clock_monotonic_ns(clock_system());
    collectors_end();
    /* What is declared is waited for a minute at a time. */
    assert_true(clock_monotonic_ns(clock_system()) - begun_ns < 20 * INT64_C(1000000000));
    collectors_begin();
}

static void test_a_page_is_as_large_as_the_settings_say(void **state)
{
    static const struct {
        uint64_t body_max, plain_max;
        bool fits;
    } cases[] = {
        {strlen(ROW) - 1, 1 << 20,         false},
        {strlen(ROW),     1 << 20,         true },
        {strlen(ROW) + 1, 1 << 20,         true },
        {1 << 20,         strlen(ROW) - 1, false},
        {1 << 20,         strlen(ROW),     true },
        {1 << 20,         strlen(ROW) + 1, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char name[16], path[96];

        (void)snprintf(name, sizeof(name), "s%zu", i);
        (void)snprintf(path, sizeof(path), "'request': {'url': '@/%s'}, 'retry': {'max': 0}", name);
        SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
        settings.pull_body_bytes_max = cases[i].body_max;
        settings.pull_plain_bytes_max = cases[i].plain_max;
        collectors_begin();
        (void)snprintf(name, sizeof(name), "default.s%zu", i);
        (void)put(name, 0, false, path);
        UNTIL(it_says(name + 8, "succeeded", "20") || it_says(name + 8, "error", ""));
        if (it_says(name + 8, "succeeded", "20") != cases[i].fits)
            fail_msg("%zu", i);
        collectors_end();
    }
    collectors_begin();
}

static void test_who_pulls_is_said_where_the_settings_do(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    settings.pull_contact = "ops@example.org";
    collectors_begin();
    (void)put("default.s", 0, false, PLAIN);
    UNTIL(it_count("windows") == 1);
    site_was_asked(&it.site, 0, "User-Agent: weir/" WEIR_VERSION " (+ops@example.org)\r\n");
}

#define NODE_TEST(test) cmocka_unit_test_setup_teardown(test, node_open, node_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NODE_TEST(test_what_is_put_is_pulled_and_what_is_deleted_is_not),
        NODE_TEST(test_what_was_put_before_the_start_is_pulled),
        NODE_TEST(test_one_that_rests_is_pulled_when_it_is_told_to_go_on),
        NODE_TEST(test_a_source_without_its_secret_is_tried_when_secrets_change),
        NODE_TEST(test_a_record_that_is_not_right_is_passed_over),
        NODE_TEST(test_what_follows_files_is_not_pulled),
        NODE_TEST(test_files_wait_for_the_number_of_the_node),
        NODE_TEST(test_a_node_of_a_registry_pulls_by_its_leases),
        NODE_TEST(test_a_stop_waits_for_nothing),
        NODE_TEST(test_a_page_is_as_large_as_the_settings_say),
        NODE_TEST(test_who_pulls_is_said_where_the_settings_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
