#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/trial.h"
#include "tests/unit/ingest/source/source_fixture.h"

struct tried {
    struct fixture fixture;
    struct buf text;
    struct json *root; /* of it */
};

/* What is told of that body, which is JSON. */
static void try(struct tried *tried, const char *blocks, struct bytes body)
{
    static const struct source_partition none = {NULL, 0};
    struct buf *out = &tried->text;
    struct limits limits;
    struct error err = {0};
    struct trial_terms terms = {
        .source = fixture_good(&tried->fixture, blocks),
        .partition = &none,
        .body = page_bytes_of(&body),
        .status = 200,
        .url = "https://api.example.org/v1/data",
        .limits = &limits,
        .plain_bytes_max = 1 << 30,
    };

    limits_init(&limits);
    *out = BUF_INIT(SIZE_MAX);
    buf_put_char(out, '{');
    if (trial_run(&terms, out, &err) != OK)
        fail_msg("%s", err.text);
    buf_put_char(out, '}');
    if (json_doc_parse(buf_bytes(out), 32, &tried->root, &err) != OK)
        fail_msg("%.*s: %s", BYTES_ARG(buf_bytes(out)), err.text);
    buf_put_char(out, '\0');
}

static void tried_release(struct tried *tried)
{
    json_doc_free(tried->root);
    buf_release(&tried->text);
    fixture_release(&tried->fixture);
}

/* `part`, with ' for ", stands in what is told. */
static void expect(const struct tried *tried, const char *part)
{
    struct buf want = BUF_INIT(1 << 16);

    fixture_put(&want, part);
    buf_put_char(&want, '\0');
    if (strstr(tried->text.data, want.data) == NULL)
        fail_msg("no %s in %s", want.data, tried->text.data);
    buf_release(&want);
}

static size_t count_of(const struct tried *tried, const char *member)
{
    return json_count(json_member(tried->root, member));
}

static void put_rows(struct buf *body, unsigned count, const char *more)
{
    buf_put_text(body, "{\"data\":[");
    for (unsigned i = 0; i < count; i++)
        buf_printf(body, "%s{\"at\":%u,\"v\":%u%s}", i > 0 ? "," : "", i, i, more);
    buf_put_text(body, "]}");
}

#define SECONDS "'time': {'path': 'at', 'format': 'unix_s'}"
#define PAGED ", 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}"

static void test_what_is_told_is_json(void **state)
{
    struct tried tried;

    (void)state;
    try(&tried,
        SECONDS PAGED ", 'tags': {'site': {'path': 'site'}}, 'values': [{'path': 'v', 'field': "
                      "'v'}, {'path': 't', 'field': 't', 'type': 'text'}, {'path': 'b', 'field': "
                      "'b', 'type': 'bool'}, {'path': 'n', 'field': 'n', 'type': 'integer'}]",
        BYTES("{\"data\":[{\"at\":1,\"v\":1.5,\"t\":\"a\\\"\\n\\u0001\",\"b\":true,"
              "\"n\":-7,\"site\":\"x\\\"y\"}],\"next\":\"p\\\"2\"}"));
    expect(&tried, "'outcome':'ok','rule':null,");
    expect(&tried, "'rows':1,'clipped':0,'without_values':0,'faulty':0,'message':null,'faults':[]");
    expect(&tried, "'points_made':1,'points':[{'measurement':'m','tags':{'site':'x\\'y'},"
                   "'time':'1970-01-01T00:00:01Z','fields':{'v':1.5,'t':'a\\'\\n\\u0001','b':true,"
                   "'n':-7}}]");
    assert_true(bytes_equal(json_text_of(json_member(tried.root, "next")), BYTES("p\"2")));
    tried_release(&tried);
}

static void test_a_value_that_stands_nowhere_is_warned_of(void **state)
{
    struct tried tried;

    (void)state;
    try(&tried, SECONDS ", 'values': [{'path': 'v', 'field': 'v'}, {'path': 'w', 'field': 'w'}]",
        BYTES("{\"data\":[{\"at\":1,\"v\":1},{\"at\":2}]}"));
    expect(&tried, "'without_values':1,");
    expect(&tried, "'faults':[],'warnings':[{'pointer':'/values/1/path','detail':'\\'w\\' stood in "
                   "none of 2 rows'}]");
    tried_release(&tried);
}

static void test_a_known_at_is_shown(void **state)
{
    struct tried tried;

    (void)state;
    try(&tried, SECONDS ", 'versions': {'known_at': 'k'}",
        BYTES("{\"data\":[{\"at\":1,\"v\":1,\"k\":\"2024-01-01\"}]}"));
    expect(&tried, "'time':'1970-01-01T00:00:01Z','known_at':'2024-01-01T00:00:00Z',");
    tried_release(&tried);
}

/* What a row that comes again takes back is nothing of one that is new. */
static void test_no_null_stands_beside_a_value(void **state)
{
    struct tried tried;

    (void)state;
    try(&tried,
        SECONDS ", 'values': [{'path': 'v', 'field': 'v', 'qualifier': ['<'], 'coded': 'keep'}]",
        BYTES("{\"data\":[{\"at\":1,\"v\":\"<2\"},{\"at\":2,\"v\":3},{\"at\":3,\"v\":\"dry\"}]}"));
    expect(&tried, "'fields':{'v':2,'v_qualifier':'<'}");
    expect(&tried, "'fields':{'v':3}");
    expect(&tried, "'fields':{'v_code':'dry'}");
    tried_release(&tried);
}

static void test_the_first_points_alone_are_shown(void **state)
{
    static const struct {
        const char *name, *more;
        unsigned count;
    } cases[] = {
        {"a small page",          "",                                      200  },
        {"a page of many points", "",                                      30001},
        {"a page of many bytes",  ",\"note\":\"as long as it has to be\"", 60000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf body = BUF_INIT(SIZE_MAX);
        struct tried tried;

        put_rows(&body, cases[i].count, cases[i].more);
        try(&tried, SECONDS, buf_bytes(&body));
        expect(&tried, "'outcome':'ok'");
        expect(&tried, "'message':null");
        expect(&tried, "'points':[{'measurement':'m','tags':{},'time':'1970-01-01T00:00:00Z'");
        if (count_of(&tried, "points") != TRIAL_POINTS_MAX ||
            json_integer_of(json_member(tried.root, "points_made")) != cases[i].count)
            fail_msg("%s: %zu shown", cases[i].name, count_of(&tried, "points"));
        tried_release(&tried);
        buf_release(&body);
    }
}

/* A small one, one of many points and one of many bytes: told, and not the trial's fault. */
static void test_what_is_no_page_is_told(void **state)
{
    static const unsigned counts[] = {3, 40000, 90000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct buf body = BUF_INIT(SIZE_MAX);
        struct tried tried;

        put_rows(&body, counts[i], ",\"n\":\"more\"");
        body.size--;
        try(&tried, SECONDS, buf_bytes(&body));
        expect(&tried, "'outcome':'retry'");
        assert_int_equal(count_of(&tried, "points"), 0);
        assert_int_equal(json_kind(json_member(tried.root, "message")), JSON_KIND_TEXT);
        assert_null(json_member(tried.root, "next"));
        tried_release(&tried);
        buf_release(&body);
    }
}

static void test_rules_faults_and_messages_are_told(void **state)
{
    struct tried tried;

    (void)state;
    try(&tried,
        SECONDS ", 'outcomes': [{'status': 500, 'do': 'fail'}, {'count': 1, 'do': 'skip', "
                "'message': '/why'}]",
        BYTES("{\"data\":[{\"at\":1,\"v\":1}],\"why\":\"a \\\"why\\\"\"}"));
    expect(&tried, "'outcome':'skip','rule':'/outcomes/1'");
    expect(&tried, "'message':'a \\'why\\''");
    expect(&tried, "'points':[]");
    tried_release(&tried);
    try(&tried, SECONDS ", 'faults_max': 1",
        BYTES("{\"data\":[{\"at\":1,\"v\":1},{\"at\":2,\"v\":\"\\\"\"}]}"));
    expect(&tried, "'outcome':'ok'");
    expect(&tried, "'faulty':1");
    expect(&tried, "'faults':[{'row':2,'at':'/data/1','detail':'");
    assert_int_equal(count_of(&tried, "points"), 1);
    tried_release(&tried);
}

static void test_an_empty_body_is_tried(void **state)
{
    struct tried tried;

    (void)state;
    try(&tried, SECONDS, BYTES(""));
    expect(&tried, "'outcome':'retry'");
    expect(&tried, "'bytes':0,'rows':0");
    expect(&tried, "'message':'the body is empty, which is no json'");
    assert_int_equal(count_of(&tried, "points"), 0);
    tried_release(&tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_is_json),
        cmocka_unit_test(test_a_known_at_is_shown),
        cmocka_unit_test(test_no_null_stands_beside_a_value),
        cmocka_unit_test(test_a_value_that_stands_nowhere_is_warned_of),
        cmocka_unit_test(test_the_first_points_alone_are_shown),
        cmocka_unit_test(test_what_is_no_page_is_told),
        cmocka_unit_test(test_rules_faults_and_messages_are_told),
        cmocka_unit_test(test_an_empty_body_is_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
