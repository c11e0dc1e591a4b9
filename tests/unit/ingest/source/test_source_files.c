#include "tests/unit/ingest/source/source_fixture.h"

static const char common[] = "'name': 'lab', 'measurement': 'm', 'time': {'path': 'n'}, "
                             "'values': [{'path': 'v', 'field': 'v'}]";

static void parse(struct fixture *fixture, const char *blocks)
{
    struct buf document = BUF_INIT((size_t)1 << 20);

    *fixture = (struct fixture){0};
    arena_init(&fixture->arena, SIZE_MAX, NULL);
    fixture_put(&document, "{");
    fixture_put(&document, common);
    fixture_put(&document, ", ");
    fixture_put(&document, blocks);
    fixture_put(&document, "}");
    fixture->code = source_parse(BYTES(""), buf_bytes(&document), &fixture->arena, &fixture->source,
                                 &fixture->faults, &fixture->err);
    buf_release(&document);
}

static void test_what_it_says_and_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source;

    (void)state;
    parse(&fixture, "'decode': 'csv', 'files': {'paths': ['/srv/lab/t-*.csv', '/srv/x']}");
    source = fixture.source;
    assert_non_null(source);
    assert_true(source->files.given && !source->files.from_end);
    assert_int_equal(source->files.path_count, 2);
    assert_true(fixture_is(source->files.paths[1], "/srv/x"));
    assert_int_equal(source->files.settle_ns, 0);
    assert_int_equal(source->files.line_bytes_max, 1 << 20);
    assert_true(source->files.faults_max == UINT64_C(1) << 40);
    assert_true(source->faults_max == UINT64_MAX);
    assert_int_equal(source->foreach.count, 1);
    assert_int_equal(source->slot_count, 2);
    fixture_release(&fixture);
    parse(&fixture, "'decode': {'ndjson': {}}, 'faults_max': 3, 'files': {'paths': ['/a'], "
                    "'from': 'end', 'settle': '5s', 'line_bytes_max': '2KiB'}");
    source = fixture.source;
    assert_non_null(source);
    assert_true(source->files.from_end);
    assert_true(source->files.settle_ns == INT64_C(5000000000));
    assert_int_equal(source->files.line_bytes_max, 2048);
    assert_true(source->files.faults_max == 3 && source->faults_max == UINT64_MAX);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
#define FILES "'files': {'paths': ['/a']}, "
    static const struct fixture_case cases[] = {
        {"'decode': 'csv', 'files': {}",                                             "/files/paths",   "it is missing"           },
        {"'decode': 'csv', 'files': {'paths': []}",                                  "/files/paths",   "there are none"          },
        {"'decode': 'csv', 'files': {'paths': ['a/b']}",                             "/files/paths/0", "absolute"                },
        {"'decode': 'csv', 'files': {'paths': ['/a', '/a/../b']}",                   "/files/paths/1", "without"                 },
        {"'decode': 'csv', 'files': {'paths': ['/a//b']}",                           "/files/paths/0", "without"                 },
        {"'decode': 'csv', 'files': {'paths': ['/a'], 'from': 'middle'}",            "/files/from",    "start"                   },
        {"'decode': 'csv', 'files': {'paths': ['/a'], 'settle': '1ms'}",             "/files/settle",  "1s"                      },
        {FILES "'decode': 'json', 'rows': '/*'",                                     "/decode",        "want csv or ndjson"      },
        {FILES "'decode': 'xml', 'rows': '/*'",                                      "/decode",        "want csv or ndjson"      },
        {FILES "'decode': {'zip': 'csv'}",                                           "/decode",        "want csv or ndjson"      },
        {FILES "'decode': 'ndjson', 'rows': '*/r/*', 'tags': {'x': {'path': '/x'}}", "/rows",
         "read once"                                                                                                             },
        {FILES "'decode': 'csv', 'request': {'url': 'https://a.example/'}",          "/request",
         "beside `files` want none"                                                                                              },
        {FILES "'decode': 'csv', 'schedule': {'every': '1h'}",                       "/schedule",      "want none"               },
        {FILES "'decode': 'csv', 'foreach': [{'a': 'b'}]",                           "/foreach",       "want none"               },
        {FILES "'decode': 'csv', 'limits': {}",                                      "/limits",        "want none"               },
        {FILES "'decode': 'csv', 'versions': {}",                                    "/versions",      "known when they are read"},
        {FILES "'decode': 'csv', 'outcomes': []",                                    "/outcomes",      "want none"               },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;

        parse(&fixture, cases[i].blocks);
        if (fixture.code != E_BAD_PARAMETER || fixture.faults.count != 1 ||
            !bytes_equal(fixture.faults.items[0].pointer, bytes_of(cases[i].pointer)) ||
            strstr(fixture.err.text, cases[i].text) == NULL)
            fail_msg("%s: %zu faults, %.*s: %s", cases[i].blocks, fixture.faults.count,
                     BYTES_ARG(fixture.faults.items[0].pointer), fixture.err.text);
        fixture_release(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_says_and_defaults),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
