#include "tests/unit/handlers/registry_ground.h"

#include "discovery/source_record.h"
#include "tests/unit/ingest/source/source_fixture.h"

static int declared_open(void **state)
{
    int failed = registry_ground_open(state);

    serving.app.declared = serving.app.registry;
    return failed;
}

/* The good document with other blocks is put, in JSON. */
static void put(const char *name, const char *blocks, int status, const char *text)
{
    struct buf document = BUF_INIT(1 << 16);
    char what[96];

    fixture_document(blocks, "name", &document);
    buf_put_char(&document, '\0');
    (void)snprintf(what, sizeof(what), "PUT /v1/sources/%s", name);
    expect_with(what, "", document.data, status, text);
    buf_release(&document);
}

/* As a windowed source has to. */
#define WINDOW                                                                                     \
    "'request': {'url': 'https://a.example/?a=${window.start}'}, "                                 \
    "'window': {'from': '2025-01-01', 'step': 'P1D'}"

static void put_by_hand(const char *name, const char *text)
{
    uint64_t version;

    assert_int_equal(registry_put(serving.app.declared, REGISTRY_SOURCES, bytes_of(name), 0,
                                  bytes_of(text), &version, NULL),
                     OK);
}

static void test_a_source_is_put_and_told(void **state)
{
    (void)state;
    expect_with("GET /v1/sources", "", NULL, 200, "{\"sources\":[]}");
    expect_with("GET /v1/sources/s", "", NULL, 404, "there is no source \\\"s\\\"");
    put("s", "", 201, "{\"name\":\"s\",\"version\":1}");
    assert_non_null(strstr(serving.answer, "ETag: \"1\""));
    put("s", "", 200, "\"version\":1}"); /* the same text is not written again */
    put("s", "'paused': false", 200, "{\"name\":\"s\",\"version\":2}");
    expect_with("GET /v1/sources/s", "", NULL, 200,
                "{\"name\":\"s\",\"version\":2,\"paused\":false,\"status\":null,"
                "\"document\":{\"paused\": false, \"schedule\": {\"every\": \"1h\"}");
    assert_non_null(strstr(serving.answer, "ETag: \"2\""));
    expect_with("GET /v1/sources", "", NULL, 200,
                "{\"sources\":[{\"name\":\"s\",\"version\":2,\"paused\":false,\"status\":null}]}");
    expect_with("PUT /v1/sources/s", "If-Match: \"1\"\r\n", "{}", 400, "");
    expect_with("DELETE /v1/sources/s", "If-Match: \"1\"\r\n", NULL, 412, "precondition_failed");
}

static void test_a_document_may_be_yaml(void **state)
{
    static const char document[] = "schedule: {every: 1h}\n"
                                   "request: {url: https://api.example.org/}\n"
                                   "decode: json\nrows: /*\ntime: {path: at}\nmeasurement: m\n"
                                   "values: [{path: v, field: v}]\n";

    (void)state;
    expect_with("PUT /v1/sources/s", "Content-Type: application/yaml\r\n", document, 201, "\"s\"");
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"document\":{\"schedule\":{\"every\":\"1h\"");
    expect_with("PUT /v1/sources/s", "Content-Type: application/yaml\r\n", "a: [", 400,
                "bad_parameter");
    expect_with("PUT /v1/sources/s", "Content-Type: text/plain\r\n", document, 415, "");
}

/* All of them at once, each with its place. */
static void test_what_is_not_right_is_told_with_all_its_faults(void **state)
{
    (void)state;
    put("s", "'schedule': {'every': 'often'}, 'rowss': '/*', 'decode': 'yaml'", 400,
        ",\"errors\":[{\"pointer\":\"/");
    assert_non_null(strstr(serving.answer, "{\"pointer\":\"/schedule/every\",\"detail\":\""));
    assert_non_null(strstr(serving.answer, "{\"pointer\":\"/rowss\",\"detail\":\""));
    assert_non_null(strstr(serving.answer, "{\"pointer\":\"/decode\",\"detail\":\""));
    put("other", "'name': 's'", 400, "\"pointer\":\"/name\"");
    put("-secrets", "", 400, "is no name of a source");
    expect_with("PUT /v1/sources/s", "", "{", 400, "bad_syntax");
    expect_with("GET /v1/sources", "", NULL, 200, "{\"sources\":[]}");
}

static void test_what_is_listed_is_the_tenants_own_and_a_source(void **state)
{
    (void)state;
    put_by_hand("acme.theirs", "{\"state\":\"active\",\"document\":\"{}\"}");
    put_by_hand("default.-secrets", "{}");
    put_by_hand("default.broken", "{");
    put_by_hand("default.gone", "{\"state\":\"deleted\"}");
    put("b", "", 201, "");
    put("a", "", 201, "");
    expect_with("GET /v1/sources", "", NULL, 200, "{\"sources\":[{\"name\":\"a\",\"version\":6,");
    assert_non_null(strstr(serving.answer, "},{\"name\":\"b\",\"version\":5,"));
    assert_non_null(strstr(serving.answer, "},{\"name\":\"broken\",\"version\":3,\"paused\":false,"
                                           "\"status\":{\"state\":\"wrong\",\"error\":\"it is "
                                           "not JSON: "));
    assert_null(strstr(serving.answer, "ETag"));
    expect_with("GET /v1/sources/broken", "", NULL, 200, "\"state\":\"wrong\"");
    assert_non_null(strstr(serving.answer, ",\"document\":null}"));
    expect_with("GET /v1/sources/theirs", "", NULL, 404, "no source \\\"theirs\\\"");
    expect_with("GET /v1/sources/gone", "", NULL, 404, "no source \\\"gone\\\"");
    expect_with("GET /v1/sources/-secrets", "", NULL, 400, "is no name of a source");
    put("broken", "", 201, ""); /* put right */
    expect_with("GET /v1/sources/broken", "", NULL, 200, "\"status\":null");
    put_by_hand("default.worse", "{");
    expect_with("POST /v1/sources/worse/pause", "", "", 500, "");
    expect_with("DELETE /v1/sources/worse", "", NULL, 204, "");
    expect_with("GET /v1/sources/worse", "", NULL, 404, "");
}

static void test_a_source_is_deleted_and_put_again(void **state)
{
    (void)state;
    expect_with("DELETE /v1/sources/s", "", NULL, 404, "there is no source");
    put("s", "", 201, "");
    expect_with("POST /v1/sources/s/pause", "", "", 204, "");
    expect_with("DELETE /v1/sources/s", "", NULL, 204, "ETag: \"3\"");
    expect_with("DELETE /v1/sources/s", "", NULL, 404, "there is no source");
    expect_with("POST /v1/sources/s/resume", "", "", 404, "there is no source");
    expect_with("GET /v1/sources", "", NULL, 200, "{\"sources\":[]}");
    put("s", "", 201, "\"version\":4}");
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"paused\":false");
}

/* A name that is taken is not taken again by whoever says so; one that was deleted is free. */
static void test_if_none_match_declares_what_is_not_there(void **state)
{
    struct buf document = BUF_INIT(1 << 16);

    (void)state;
    fixture_document("", "name", &document);
    buf_put_char(&document, '\0');
    expect_with("PUT /v1/sources/s", "If-None-Match: *\r\n", document.data, 201, "");
    expect_with("PUT /v1/sources/s", "If-None-Match: *\r\n", document.data, 412,
                "the record is there, at version");
    expect_with("DELETE /v1/sources/s", "", NULL, 204, "");
    expect_with("PUT /v1/sources/s", "If-Match: *\r\n", document.data, 412, "there is none");
    expect_with("PUT /v1/sources/s", "If-None-Match: *\r\n", document.data, 201, "");
    buf_release(&document);
}

static void test_a_source_rests_until_it_is_told_to_go_on(void **state)
{
    (void)state;
    expect_with("POST /v1/sources/s/pause", "", "", 404, "there is no source");
    put("s", "", 201, "");
    expect_with("POST /v1/sources/s/pause", "", "", 204, "ETag: \"2\"");
    expect_with("POST /v1/sources/s/pause", "", "", 204, "ETag: \"2\"");
    put("s", "'measurement': 'other'", 200, ""); /* whatever its document is */
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"paused\":true");
    expect_with("POST /v1/sources/s/resume", "", "", 204, "ETag: \"4\"");
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"paused\":false");
    assert_non_null(strstr(serving.answer, "\"other\""));
}

static void test_a_document_may_say_that_it_rests(void **state)
{
    (void)state;
    put("s", "'paused': true", 201, "");
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"version\":1,\"paused\":true");
    expect_with("POST /v1/sources/s/resume", "", "", 204, "ETag: \"2\"");
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"version\":2,\"paused\":false");
    put("s", "'paused': true", 200, "");
    expect_with("GET /v1/sources/s", "", NULL, 200, "\"paused\":true");
}

static void test_work_is_asked_for_by_what_is_right(void **state)
{
    static const struct {
        const char *what;
        int status;
        const char *text;
    } cases[] = {
        {"POST /v1/sources/t/pull",                                     404, "there is no source \\\"t\\\""},
        {"GET /v1/sources/t/fetches",                                   404, "there is no source \\\"t\\\""},
        {"GET /v1/sources/s/fetches",                                   200, "{\"fetches\":[]}"            },
        {"GET /v1/sources/s/fetches?limit=0",                           400, "limit"                       },
        {"POST /v1/sources/s/backfill",                                 400, "start is needed"             },
        {"POST /v1/sources/s/backfill?start=2026-01-01",                400, "end is needed"               },
        {"POST /v1/sources/s/backfill?start=x&end=2026-01-01",          400, "\"parameter\":\"start\""     },
        {"POST /v1/sources/s/backfill?start=2026-01-01&end=2026-01-01", 400,
         "end is not after start"                                                                          },
        {"POST /v1/sources/s/backfill?start=2026-01-01&end=2026-01-02", 400, "has no `window`"             },
        {"POST /v1/sources/t/backfill?start=2026-01-01&end=2026-01-02", 404,
         "there is no source \\\"t\\\""                                                                    },
    };

    (void)state;
    put("s", "", 201, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_with(cases[i].what, "", *cases[i].what == 'P' ? "" : NULL, cases[i].status,
                    cases[i].text);
}

#define FILES                                                                                      \
    "{\"files\":{\"paths\":[\"/srv/a/*\"]},\"decode\":\"csv\",\"time\":{\"path\":\"t\"},"          \
    "\"measurement\":\"m\",\"values\":[{\"path\":\"v\",\"field\":\"v\"}]}"

/* Whether it was taken up already or not. */
static void test_a_wish_that_nothing_would_come_of_is_refused(void **state)
{
    static const char *const range = "?start=2026-01-01&end=2026-01-02";
    char what[96];

    (void)state;
    expect_with("PUT /v1/sources/f", "", FILES, 201, "");
    expect_with("POST /v1/sources/f/pull", "", "", 400, "follows files");
    (void)snprintf(what, sizeof(what), "POST /v1/sources/f/backfill%s", range);
    expect_with(what, "", "", 400, "not_supported");
    put("s", "", 201, "");
    (void)snprintf(what, sizeof(what), "POST /v1/sources/s/backfill%s", range);
    expect_with(what, "", "", 400, "has no `window`");
    expect_with("POST /v1/sources/s/pull", "", "", 204, "");
}

/* It stands in the record, and is done when it is resumed. */
static void test_who_asks_for_work_of_one_that_rests_is_told(void **state)
{
    (void)state;
    put("s", WINDOW, 201, "");
    expect_with("POST /v1/sources/s/pull", "", "", 204, "");
    assert_null(strstr(serving.answer, "Weir-Warning"));
    expect_with("POST /v1/sources/s/pause", "", "", 204, "");
    assert_null(strstr(serving.answer, "Weir-Warning"));
    expect_with("POST /v1/sources/s/pull", "", "", 204, "Weir-Warning: it is paused: nothing is");
    expect_with("POST /v1/sources/s/backfill?start=2026-01-01&end=2026-01-02", "", "", 204,
                "Weir-Warning: it is paused: nothing is");
    expect_with("POST /v1/sources/s/resume", "", "", 204, "");
    assert_null(strstr(serving.answer, "Weir-Warning"));
}

/* The record is what a node that pulls follows, whichever was asked; and it outlives all of them.
 */
static void test_what_is_asked_for_stands_in_the_record(void **state)
{
    struct source_record source;
    struct registry_snapshot *records;
    const struct registry_record *record;
    struct arena arena;

    (void)state;
    put("s", WINDOW, 201, "");
    expect_with("POST /v1/sources/s/pull", "", "", 204, "ETag: \"2\"");
    expect_with("POST /v1/sources/s/backfill?start=2026-01-01&end=2026-01-02", "", "", 204, "");
    expect_with("POST /v1/sources/s/backfill?start=2025-01-01&end=2025-01-02", "", "", 204, "");
    put("s", WINDOW ", 'measurement': 'other'", 200, ""); /* whatever its document is */
    expect_with("POST /v1/sources/s/pause", "", "", 204, "");
    arena_init(&arena, SIZE_MAX, NULL);
    records = registry_get(serving.app.declared);
    record = registry_find(records, REGISTRY_SOURCES, BYTES("default.s"));
    assert_int_equal(source_record_parse(record->text, &arena, &source, NULL), OK);
    assert_true(source.paused);
    assert_true(source.wishes.pull_ns > 0);
    assert_int_equal(source.wishes.backfill_count, 2);
    assert_int_equal(source.wishes.backfills[1].start_ns, INT64_C(1735689600000000000));
    assert_int_equal(source.wishes.backfills[1].end_ns, INT64_C(1735776000000000000));
    assert_true(source.wishes.backfills[1].asked_ns > source.wishes.backfills[0].asked_ns);
    registry_snapshot_put(records);
    arena_release(&arena);
    expect_with("DELETE /v1/sources/s", "", NULL, 204, "");
    put("s", "", 201, ""); /* another one: nothing was asked of it */
    records = registry_get(serving.app.declared);
    record = registry_find(records, REGISTRY_SOURCES, BYTES("default.s"));
    assert_null(memmem(record->text.data, record->text.size, "\"pull\"", 6));
    registry_snapshot_put(records);
}

#define ROUTES_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, declared_open, registry_ground_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTES_TEST(test_a_source_is_put_and_told),
        ROUTES_TEST(test_a_document_may_be_yaml),
        ROUTES_TEST(test_what_is_not_right_is_told_with_all_its_faults),
        ROUTES_TEST(test_what_is_listed_is_the_tenants_own_and_a_source),
        ROUTES_TEST(test_a_source_is_deleted_and_put_again),
        ROUTES_TEST(test_if_none_match_declares_what_is_not_there),
        ROUTES_TEST(test_a_source_rests_until_it_is_told_to_go_on),
        ROUTES_TEST(test_a_document_may_say_that_it_rests),
        ROUTES_TEST(test_a_wish_that_nothing_would_come_of_is_refused),
        ROUTES_TEST(test_work_is_asked_for_by_what_is_right),
        ROUTES_TEST(test_what_is_asked_for_stands_in_the_record),
        ROUTES_TEST(test_who_asks_for_work_of_one_that_rests_is_told),
    };

    log_setup(LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
