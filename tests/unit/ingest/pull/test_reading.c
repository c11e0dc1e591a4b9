#include "tests/unit/ingest/pull/reading_fixture.h"

enum { SMALL_POINTS = 7500 };

static void expect_ok(const struct page *page, uint64_t points)
{
    if (page->code != OK || page->facts.verdict.what != SOURCE_OK || !page->facts.verdict.decided)
        fail_msg("code %d, outcome %d: %s", page->code, page->facts.verdict.what, page->err.text);
    assert_string_equal(page->err.text, ""); /* nothing was wrong with it */
    assert_int_equal(page->facts.counts.points, points);
    assert_int_equal(page->facts.counts.rows, points);
}

/* It is no page, and leaves nothing behind. */
static void expect_none(const struct page *page, enum source_do what)
{
    if (page->code != OK || page->facts.verdict.what != what || !page->facts.verdict.decided)
        fail_msg("code %d, outcome %d: %s", page->code, page->facts.verdict.what, page->err.text);
    assert_int_equal(page->points, 0);
}

static void test_a_small_page_is_in_the_sink_once_it_is_looked_at(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS);
    page_put_rows(&page, 3, "");
    page_look(&page);
    expect_ok(&page, 3);
    assert_int_equal(page.points, 3);
    assert_true(page.number_last == 2.5);
    assert_int_equal(page.facts.plain_bytes, page.body.size);
    assert_int_equal(page.facts.body.size, 32);
    assert_false(page.facts.same_body);
    assert_false(page.facts.empty_body);
    assert_int_equal(page.facts.at_path.kind, TREE_END);
    assert_int_equal(page.facts.total.kind, TREE_END);
    page_write(&page);
    assert_int_equal(page.points, 3);
    assert_int_equal(page.forgets, 0);
    page_release(&page);
}

static void test_a_large_page_is_in_the_sink_once_it_is_written(void **state)
{
    enum { COUNT = 40000 };
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS);
    page_put_rows(&page, COUNT, ",\"note\":\"as long as it takes to be two MiB\"");
    assert_true(page.body.size > (size_t)2 << 20);
    page_look(&page);
    expect_ok(&page, COUNT);
    assert_int_equal(page.points, 0);
    page_write(&page);
    assert_int_equal(page.points, COUNT);
    assert_true(page.number_last == COUNT - 0.5);
    assert_true(page.time_last == (int64_t)(COUNT - 1) * 1000000000);
    assert_int_equal(page.forgets, 0);
    assert_int_equal(page.facts.counts.points, COUNT);
    page_release(&page);
}

struct large_body {
    struct page *page;
    uint64_t times, given; /* the page's body so often, and bytes that were handed over */
};

static enum code read_large(void *context,
                            enum code (*take)(void *taker, struct bytes piece, struct error *err),
                            void *taker, struct error *err)
{
    struct large_body *large = context;
    enum code code = OK;

    for (uint64_t i = 0; code == OK && i < large->times; i++) {
        code = take(taker, buf_bytes(&large->page->body), err);
        large->given += large->page->body.size;
    }
    return code;
}

/* Of one of more than 16 MiB no hash is kept, so its rows are all that it is read for. */
static void test_a_very_large_page_is_read_once_to_look_and_once_to_write(void **state)
{
    enum { ROWS = 10000 };
    struct page page;
    struct large_body large = {.page = &page};
    const struct reading_sink sink = {page_take, page_forget, &page};
    uint64_t size;

    (void)state;
    page_init(&page, "'decode': 'ndjson', 'rows': '*', " PAGE_SECONDS);
    for (unsigned i = 0; i < ROWS; i++)
        buf_printf(&page.body, "{\"at\":%u,\"v\":%u.5}\n", i, i);
    large.times = ((uint64_t)17 << 20) / page.body.size + 1;
    size = large.times * page.body.size;
    page.terms.body = (struct page_bytes){size, read_large, NULL, &large};
    assert_int_equal(reading_look(&page.terms, &sink, &page.reading, &page.facts, &page.err), OK);
    assert_int_equal(page.facts.verdict.what, SOURCE_OK);
    assert_int_equal(page.facts.body.size, 0);
    assert_int_equal(page.facts.plain_bytes, size);
    assert_int_equal(page.facts.counts.rows, large.times * ROWS);
    assert_true(large.given < size + ((uint64_t)2 << 20));
    page_write(&page);
    assert_int_equal(page.points, large.times * ROWS);
    assert_true(large.given < 2 * size + ((uint64_t)2 << 20));
    page_release(&page);
}

/* More points than a record has cannot wait for the end of what may not be a page. */
static void test_a_small_page_of_many_points_is_a_large_one(void **state)
{
    (void)state;
    for (unsigned count = SMALL_POINTS; count <= SMALL_POINTS + 1; count++) {
        bool large = count > SMALL_POINTS;
        struct page page;

        page_init(&page, PAGE_SECONDS);
        page_put_rows(&page, count, "");
        assert_true(page.body.size < (size_t)2 << 20);
        page_look(&page);
        expect_ok(&page, count);
        assert_int_equal(page.points, large ? 0 : count);
        assert_int_equal(page.forgets, large);
        page_write(&page);
        assert_int_equal(page.points, count);
        page_release(&page);
    }
}

/* Texts of rows that were taken are given back meanwhile, those at hand are not. */
static void test_long_texts_come_whole(void **state)
{
    enum { COUNT = 12000, SIZE = 1000 };
    char text[SIZE + 1];
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS
              ", 'values': [{'path': 'v', 'field': 'v', 'type': 'text'}], 'tags': {'n': {'path': "
              "'at'}}");
    memset(text, 't', SIZE);
    text[SIZE] = '\0';
    page_put(&page, "{'data':[");
    for (int i = 0; i < COUNT; i++)
        buf_printf(&page.body, "%s{\"at\":%d,\"v\":\"%s %d\"}", i > 0 ? "," : "", i, text, i);
    page_put(&page, "]}");
    page_look(&page);
    expect_ok(&page, COUNT);
    page_write(&page);
    assert_int_equal(page.points, COUNT);
    assert_int_equal(page.text_last.size, SIZE + 6);
    assert_memory_equal(page.text_last.data + SIZE, " 11999", 6);
    assert_true(bytes_equal(buf_bytes(&page.tag_last), BYTES("11999")));
    page_release(&page);
}

static void test_what_is_packed_is_unpacked(void **state)
{
    static const struct answer_header gzip = {BYTES("content-encoding"), BYTES("gzip")},
                                      zstd = {BYTES("content-encoding"), BYTES("zstd")},
                                      type = {BYTES("content-type"), BYTES("application/json")};
    static const struct {
        const char *name;
        void (*pack)(struct page *page);
        const struct answer_header *header;
        size_t piece_size;
    } cases[] = {
        {"gzip by its header",          page_pack_gzip, &gzip, 65536},
        {"gzip by what it begins with", page_pack_gzip, &type, 65536},
        {"zstd by its header",          page_pack_zstd, &zstd, 65536},
        {"zstd by what it begins with", page_pack_zstd, &type, 65536},
        {"gzip in small pieces",        page_pack_gzip, &gzip, 1    },
        {"gzip by its first pieces",    page_pack_gzip, &type, 1    },
        {"zstd by its first pieces",    page_pack_zstd, &type, 1    },
        {"zstd in pieces of three",     page_pack_zstd, &type, 3    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;
        size_t size;

        page_init(&page, PAGE_SECONDS);
        page_put_rows(&page, 100, "");
        size = page.body.size;
        cases[i].pack(&page);
        assert_true(page.body.size < size);
        page.terms.headers = cases[i].header;
        page.terms.header_count = 1;
        page.piece_size = cases[i].piece_size;
        page_look(&page);
        if (page.points != 100 || page.facts.plain_bytes != size)
            fail_msg("%s: %llu points: %s", cases[i].name, (unsigned long long)page.points,
                     page.err.text);
        expect_ok(&page, 100);
        page_release(&page);
    }
}

static void test_a_body_of_two_bytes_is_read_whole(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS);
    page_put(&page, "{}");
    page.piece_size = 1;
    page_look(&page);
    assert_int_equal(page.facts.plain_bytes, 2);
    assert_int_equal(page.facts.verdict.what, SOURCE_RETRY); /* and it has no rows anywhere */
    page_release(&page);
}

static void test_what_does_not_unpack_is_no_page(void **state)
{
    static const struct answer_header gzip = {BYTES("content-encoding"), BYTES("gzip")},
                                      brotli = {BYTES("content-encoding"), BYTES("br")};
    struct page page;

    (void)state;
    for (int i = 0; i < 4; i++) {
        page_init(&page, PAGE_SECONDS);
        page_put_rows(&page, 1000, "");
        page.terms.header_count = i == 1 ? 0 : 1;
        page.terms.headers = i == 2 ? &brotli : &gzip;
        if (i < 2) {
            page_pack_gzip(&page);
            page.body.size -= 12; /* its end and a bit more */
        }
        page_look(&page);
        expect_none(&page, SOURCE_RETRY);
        assert_string_not_equal(page.err.text, "");
        assert_int_equal(page.facts.body.size, 0);
        page_release(&page);
    }
}

static void test_more_than_may_be_unpacked_is_no_page(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS);
    page_put_rows(&page, 1000, "");
    page.terms.plain_bytes_max = page.body.size - 1;
    page_pack_gzip(&page);
    page_look(&page);
    expect_none(&page, SOURCE_RETRY);
    page_release(&page);
}

static void test_what_does_not_decode_leaves_nothing_behind(void **state)
{
    static const struct {
        const char *name, *body;
    } cases[] = {
        {"an error page",        "<!DOCTYPE html><html><body>Try again later</body></html>"},
        {"it is cut in a row",   "{'data':[{'at':1,'v':1},{'at':2,"                        },
        {"it is cut behind one", "{'data':[{'at':1,'v':1}"                                 },
        {"more stands behind",   "{'data':[{'at':1,'v':1}]} x"                             },
        {"a space",              " "                                                       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        /* Whatever a rule says. */
        for (int rule = 0; rule < 2; rule++) {
            struct page page;

            page_init(&page, rule ? PAGE_SECONDS ", 'outcomes': [{'status': 200, 'do': 'ok'}]"
                                  : PAGE_SECONDS);
            page_put(&page, cases[i].body);
            page_look(&page);
            if (page.points != 0)
                fail_msg("%s: %llu points", cases[i].name, (unsigned long long)page.points);
            expect_none(&page, SOURCE_RETRY);
            assert_string_not_equal(page.err.text, "");
            page_release(&page);
        }
    }
}

/* An error with status 200; where there are no rows the document says so. */
static void test_a_document_without_the_place_of_its_rows_is_no_page(void **state)
{
#define XML ", 'decode': 'xml', 'rows': '/doc/data/*'"
    static const struct {
        const char *blocks, *body;
        enum source_do want;
    } cases[] = {
        {PAGE_SECONDS,                                               "{'error': 'later'}", SOURCE_RETRY},
        {PAGE_SECONDS,                                               "{}",                 SOURCE_RETRY},
        {PAGE_SECONDS,                                               "{'data': []}",       SOURCE_OK   },
        {PAGE_SECONDS,                                               "{'data': null}",     SOURCE_OK   },
        {PAGE_SECONDS ", 'outcomes': [{'count': 0, 'do': 'empty'}]", "{}",                 SOURCE_EMPTY},
        {PAGE_SECONDS XML,                                           "<error/>",           SOURCE_RETRY},
        {PAGE_SECONDS XML,                                           "<doc><a/></doc>",    SOURCE_OK   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, cases[i].blocks);
        page_put(&page, cases[i].body);
        page_look(&page);
        if (page.facts.verdict.what != cases[i].want)
            fail_msg("%s: %d", cases[i].body, (int)page.facts.verdict.what);
        assert_int_equal(page.points, 0);
        page_release(&page);
    }
}

static void test_a_large_page_that_is_cut_leaves_nothing_behind(void **state)
{
    (void)state;
    for (unsigned count = 40000; count <= 80000; count += 40000) { /* by points, by bytes */
        struct page page;

        page_init(&page, PAGE_SECONDS);
        page_put_rows(&page, count, count > 40000 ? ",\"note\":\"some more\"" : "");
        page.body.size -= 2;
        page_look(&page);
        expect_none(&page, SOURCE_RETRY);
        page_release(&page);
    }
}

static void test_rows_that_are_wrong_are_counted_up_to_what_is_allowed(void **state)
{
#define FAULTY "{'data':[{'at':1,'v':1},{'at':2,'v':'x'},{'at':3,'v':3},{'at':'y','v':4}]}"
    static const struct {
        const char *blocks;
        enum source_do want;
        uint64_t points;
    } cases[] = {
        {PAGE_SECONDS,                     SOURCE_RETRY, 0},
        {PAGE_SECONDS ", 'faults_max': 1", SOURCE_RETRY, 0},
        {PAGE_SECONDS ", 'faults_max': 2", SOURCE_OK,    2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, cases[i].blocks);
        page_put(&page, FAULTY);
        page_look(&page);
        assert_int_equal(page.code, OK);
        assert_int_equal(page.facts.verdict.what, cases[i].want);
        assert_int_equal(page.points, cases[i].points);
        assert_int_equal(page.facts.counts.faulty, page.facts.counts.fault_count);
        assert_in_range(page.facts.counts.fault_count, 1, 2);
        assert_int_equal(page.facts.counts.faults[0].row, 2);
        assert_true(fixture_is(page.facts.counts.faults[0].at, "/data/1"));
        page_release(&page);
    }
}

static void test_a_body_of_the_last_time_is_not_read_again(void **state)
{
    static const struct {
        const char *blocks;
        bool changed, same;
    } cases[] = {
        {PAGE_SECONDS,                                              false, true },
        {PAGE_SECONDS,                                              true,  false},
        {PAGE_SECONDS ", 'conditional': {'body_hash': false}",      false, false},
        {PAGE_SECONDS ", 'outcomes': [{'count': 7, 'do': 'fail'}]", false, true },
    };
    char before[33];
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS);
    page_put_rows(&page, 3, "");
    page_pack_gzip(&page); /* the hash is of what is unpacked */
    page_look(&page);
    snprintf(before, sizeof(before), "%.*s", BYTES_ARG(page.facts.body));
    page_release(&page);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        page_init(&page, cases[i].blocks);
        page_put_rows(&page, cases[i].changed ? 4 : 3, "");
        page.terms.body_before = bytes_of(before);
        page_look(&page);
        assert_int_equal(page.code, OK);
        assert_int_equal(page.facts.verdict.what, SOURCE_OK);
        assert_int_equal(page.facts.same_body, cases[i].same);
        assert_int_equal(page.points, cases[i].same ? 0 : cases[i].changed ? 4 : 3);
        page_release(&page);
    }
}

/* An error page that is that of the last time is an error page. */
static void test_a_rule_about_the_body_goes_before_that_it_is_the_same(void **state)
{
    char before[33];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct page page;

        page_init(&page, PAGE_SECONDS ", 'outcomes': [{'body_has': 'quota', 'do': 'wait', 'for': "
                                      "'1h'}]");
        page_put(&page, "{'data':[],'note':'quota'}");
        if (i > 0)
            page.terms.body_before = bytes_of(before);
        page_look(&page);
        expect_none(&page, SOURCE_WAIT);
        assert_false(page.facts.same_body);
        snprintf(before, sizeof(before), "%.*s", BYTES_ARG(page.facts.body));
        page_release(&page);
    }
}

static void test_an_empty_body_has_no_rows(void **state)
{
    static const struct {
        const char *blocks;
        enum source_do want;
    } cases[] = {
        {"",                                                               SOURCE_RETRY},
        {"'decode': 'xml', 'rows': '/a/*'",                                SOURCE_RETRY},
        {"'decode': 'ndjson', 'rows': '*'",                                SOURCE_OK   },
        {"'decode': 'csv', 'rows': '*'",                                   SOURCE_OK   },
        {"'outcomes': [{'count': 0, 'do': 'empty'}]",                      SOURCE_EMPTY},
        {"'outcomes': [{'count': 1, 'do': 'empty'}]",                      SOURCE_RETRY},
        {"'outcomes': [{'status': 200, 'do': 'ok'}]",                      SOURCE_RETRY},
        {"'outcomes': [{'status': 200, 'do': 'retry'}]",                   SOURCE_RETRY},
        {"'page': {'type': 'page', 'param': 'p', 'stop': ['empty_body']}", SOURCE_OK   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, cases[i].blocks);
        page_look(&page);
        if (page.facts.verdict.what != cases[i].want)
            fail_msg("%s: %d", cases[i].blocks, page.facts.verdict.what);
        expect_none(&page, cases[i].want);
        assert_true(page.facts.empty_body);
        assert_int_equal(page.facts.counts.rows, 0);
        page_write(&page);
        assert_int_equal(page.points, 0);
        page_release(&page);
    }
}

/* Where it is told to have no content it is not expected to have a document. */
static void test_no_content_is_no_document(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, "");
    page.terms.status = 204;
    page_look(&page);
    expect_none(&page, SOURCE_OK);
    page_release(&page);
}

/* Nothing, without a word, is what nobody notices for a year. */
static void test_rows_that_lead_nowhere_are_told(void **state)
{
    static const struct {
        const char *blocks, *body;
        enum source_do want;
        const char *why; /* NULL: nothing is wrong */
    } cases[] = {
        {"",                                                                                   "{'data':[]}",           SOURCE_OK,    NULL           },
        {"",                                                                                   "{'data':null}",         SOURCE_OK,    NULL           },
        {"",                                                                                   "{'data':{}}",           SOURCE_OK,    NULL           },
        {"",                                                                                   "{'items':[]}",          SOURCE_RETRY, "leads nowhere"},
        {"",                                                                                   "{'data':'none'}",       SOURCE_RETRY, "leads nowhere"},
        {"",                                                                                   "[]",                    SOURCE_RETRY, "leads nowhere"},
        {"",                                                                                   "null",                  SOURCE_RETRY, "leads nowhere"},
        {"'rows': '/*'",                                                                       "[]",                    SOURCE_OK,    NULL           },
        {"'rows': '/*'",                                                                       "7",                     SOURCE_RETRY, "leads nowhere"},
        {"'rows': '/a/*/b/*'",                                                                 "{'a':[{}]}",            SOURCE_OK,    NULL           },
        {"'rows': {'zip': '/hourly'}",                                                         "{'daily':{}}",          SOURCE_RETRY, "leads nowhere"},
        {"'rows': {'zip': '/hourly'}",                                                         "{'hourly':{}}",         SOURCE_RETRY, "leads nowhere"},
        {"'rows': {'zip': '/hourly'}",                                                         "{'hourly':{'x':[]}}",   SOURCE_RETRY, "leads nowhere"},
        {"'rows': {'zip': '/hourly'}",                                                         "{'hourly':{'v':[]}}",   SOURCE_OK,    NULL           },
        {"'rows': {'zip': '/hourly'}",                                                         "{'hourly':{'v':null}}", SOURCE_OK,    NULL           },
        {"'rows': {'zip': '/*'}",                                                              "[]",                    SOURCE_OK,    NULL           },
        {"'decode': 'csv', 'rows': '*'",                                                       "v,at\n",                SOURCE_OK,    NULL           },
        {"'decode': 'csv', 'rows': '*'",                                                       "\357\273\277at;v\n",    SOURCE_RETRY, "\"at\""       },
        {"'decode': 'csv', 'rows': '*'",                                                       "\357\273\277at,w\n",    SOURCE_OK,    NULL           },
        {"'decode': 'csv', 'rows': '*'",                                                       "Please try later\n",    SOURCE_RETRY,
         "line 1: the header has none of the columns that are wanted, as \"at\""                                                                     },
        {"'decode': 'csv', 'rows': '*', 'outcomes': [{'body_has': 'No data', 'do': 'empty'}]",
         "No data\n",                                                                                                   SOURCE_EMPTY, NULL           },
        {"'decode': {'csv': {'columns': ['at', 'v']}}, 'rows': '*'",                           "",                      SOURCE_OK,    NULL           },
        {"'outcomes': [{'count': 0, 'do': 'empty'}]",                                          "{'items':[]}",          SOURCE_EMPTY, NULL           },
        {"'outcomes': [{'count': 0, 'do': 'ok'}]",                                             "{'items':[]}",          SOURCE_OK,    NULL           },
        {"'rows': '/data'",                                                                    "{'data':[{'at':1}]}",   SOURCE_RETRY, "ends with /*" },
        {"'rows': '/'",                                                                        "[{'at':1}]",            SOURCE_RETRY, "ends with /*" },
        {"'decode': 'ndjson', 'rows': '*'",                                                    "[{'at':1}]\n",          SOURCE_RETRY, "ends with /*" },
        {"'decode': 'ndjson', 'rows': '*/data/*'",                                             "{'items':[]}\n",        SOURCE_OK,    NULL           },
        {"'decode': 'xml', 'rows': '/doc/row/*'",                                              "<doc/>",                SOURCE_OK,    NULL           },
        {"'decode': 'xml', 'rows': '/doc/row/*'",                                              "<fault>No</fault>",     SOURCE_RETRY,
         "leads nowhere"                                                                                                                             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, cases[i].blocks);
        page_put(&page, cases[i].body);
        page_look(&page);
        if (page.facts.verdict.what != cases[i].want ||
            (cases[i].why == NULL ? page.err.text[0] != '\0'
                                  : strstr(page.err.text, cases[i].why) == NULL))
            fail_msg("%s of %s: %d: %s", cases[i].body, cases[i].blocks, page.facts.verdict.what,
                     page.err.text);
        page_release(&page);
    }
}

/* An array that is a row has things by number. */
static void test_a_row_may_be_an_array_of_which_elements_are_wanted(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, "'rows': '/now', 'time': {'path': '0', 'format': 'unix_s'}, "
                     "'values': [{'path': '1', 'field': 'v'}]");
    page_put(&page, "{'now': [5, 0.5]}");
    page_look(&page);
    assert_int_equal(page.facts.verdict.what, SOURCE_OK);
    assert_int_equal(page.points, 1);
    page_release(&page);
}

static void test_rules_about_the_head_and_the_body_go_before_the_rows(void **state)
{
    static const struct answer_header limited = {BYTES("x-limited"), BYTES("yes, limited")};
    static const char *const rules[] = {
        "'outcomes': [{'body_has': ['none', 'quota'], 'do': 'skip'}]",
        "'outcomes': [{'header': {'X-Limited': 'yes'}, 'do': 'skip'}]",
        "'outcomes': [{'status': '2xx', 'do': 'skip'}]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct page page;

        page_init(&page, rules[i]);
        page_put(&page, "{'data':[{'at':'2024-01-01','v':1}],'note':'over quota'}");
        page_pack_gzip(&page); /* rules look at what is unpacked */
        page.terms.headers = &limited;
        page.terms.header_count = 1;
        page_look(&page);
        expect_none(&page, SOURCE_SKIP);
        assert_ptr_equal(page.facts.verdict.rule, page.terms.source->outcomes);
        assert_int_equal(page.facts.counts.rows, 0);
        page_release(&page);
    }
}

static void test_rules_about_the_count_go_behind_the_rows(void **state)
{
    static const struct {
        unsigned rows;
        enum source_do want;
    } cases[] = {
        {0, SOURCE_EMPTY},
        {1, SOURCE_OK   },
        {2, SOURCE_SKIP },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, PAGE_SECONDS
                  ", 'outcomes': [{'count': 0, 'do': 'empty'}, {'count': 2, 'do': 'skip'}]");
        page_put_rows(&page, cases[i].rows, "");
        page_look(&page);
        if (cases[i].want == SOURCE_OK)
            expect_ok(&page, cases[i].rows);
        else
            expect_none(&page, cases[i].want);
        assert_int_equal(page.facts.counts.rows, cases[i].rows);
        page_release(&page);
    }
}

static void test_a_message_is_taken_out_of_what_is_no_page(void **state)
{
    static const struct {
        unsigned status;
        const char *body, *want;
    } cases[] = {
        {400, "{'error':{'reason':'no such meter'}}",                      "no such meter"},
        {400, "{'data':[{'at':1,'v':1}],'error':{'reason':'half of it'}}", "half of it"   },
        {400, "{'error':{}}",                                              ""             },
        {400, "<html>",                                                    ""             },
        {200, "{'data':[],'error':{'reason':'none yet'}}",                 "none yet"     },
        {200, "{'data':[{'at':1,'v':1}],'error':{'reason':'of no rule'}}", ""             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool good = i + 1 == COUNT_OF(cases);
        struct page page;

        page_init(&page, PAGE_SECONDS
                  ", 'outcomes': [{'status': 400, 'do': 'fail', 'message': '/error/reason'}, "
                  "{'count': 0, 'do': 'retry', 'message': '/error/reason'}]");
        page.terms.status = cases[i].status;
        page_put(&page, cases[i].body);
        page_look(&page);
        assert_int_equal(page.code, OK);
        if (!fixture_is(page.facts.message, cases[i].want))
            fail_msg("%s: %.*s", cases[i].body, BYTES_ARG(page.facts.message));
        assert_int_equal(page.points, good ? 1 : 0);
        page_release(&page);
    }
}

static void test_what_stands_behind_the_rows_is_read_first(void **state)
{
    (void)state;
    for (unsigned count = 2; count <= SMALL_POINTS + 2; count += SMALL_POINTS) {
        const struct tree_plan *plan = NULL;
        struct arena arena;
        struct page page;

        arena_init(&arena, SIZE_MAX, NULL);
        page_init(&page, PAGE_SECONDS ", 'tags': {'site': {'path': '/meta/site'}}");
        assert_int_equal(source_plan(page.terms.source, &arena, &plan, NULL), OK);
        assert_int_equal(tree_plan_passes(plan), 2);
        arena_release(&arena);
        page_put_rows(&page, count, "");
        page.body.size--;
        page_put(&page, ",'meta':{'site':'north'}}");
        page_look(&page);
        expect_ok(&page, count);
        page_write(&page);
        assert_int_equal(page.points, count);
        assert_true(bytes_equal(buf_bytes(&page.tag_last), BYTES("north")));
        page_release(&page);
    }
}

static void test_where_the_next_page_is_and_how_many_there_are(void **state)
{
    static const struct {
        const char *more, *path, *total;
    } cases[] = {
        {",'next':'abc','total':17}", "abc", "17"},
        {",'next':'','total':0}",     "",    "0" },
        {",'next':null}",             NULL,  NULL},
        {"}",                         NULL,  NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, PAGE_SECONDS ", 'page': {'type': 'cursor', 'param': 'c', 'path': '/next', "
                                      "'expect_total': '/total'}");
        page_put_rows(&page, 3, "");
        page.body.size--;
        page_put(&page, cases[i].more);
        page_look(&page);
        expect_ok(&page, 3);
        if (cases[i].path != NULL) {
            assert_int_equal(page.facts.at_path.kind, TREE_TEXT);
            assert_true(fixture_is(page.facts.at_path.text, cases[i].path));
            assert_int_equal(page.facts.total.kind, TREE_NUMBER);
            assert_true(fixture_is(page.facts.total.text, cases[i].total));
        } else {
            assert_true(page.facts.at_path.kind == TREE_END ||
                        page.facts.at_path.kind == TREE_NULL);
            assert_int_equal(page.facts.total.kind, TREE_END);
        }
        page_release(&page);
    }
}

static enum code broken_disk(void *context,
                             enum code (*take)(void *taker, struct bytes piece, struct error *err),
                             void *taker, struct error *err)
{
    (void)context;
    (void)take;
    (void)taker;
    return error_set(err, E_IO, "the staged file: Input/output error");
}

/* The store, the disk, the end of the process: that says nothing about the page. */
static void test_what_is_not_the_pages_fault_is_told_as_an_error(void **state)
{
    static const enum code codes[] = {E_IO, E_CANCELLED, E_DRAINING, E_MEMORY};
    struct page page;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        page_init(&page, PAGE_SECONDS);
        page_put_rows(&page, 3, "");
        page.fail_at = 2;
        page.fail_code = codes[i];
        page_look(&page);
        assert_int_equal(page.code, codes[i]);
        assert_string_equal(page.err.text, "the sink fails");
        page_release(&page);
    }
    page_init(&page, PAGE_SECONDS);
    page.terms.body.read = broken_disk;
    page_look(&page);
    assert_int_equal(page.code, E_IO);
    page_release(&page);
}

static void test_rows_outside_the_window_are_left_out(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS
              ", 'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, "
              "'window': {'from': '2023-01-01', 'step': 'P1D'}");
    page.terms.windowed = true;
    page.terms.start_ns = INT64_C(2000000000);
    page.terms.end_ns = INT64_C(4000000000);
    page_put_rows(&page, 6, "");
    page_look(&page);
    assert_int_equal(page.facts.verdict.what, SOURCE_OK);
    assert_int_equal(page.facts.counts.rows, 6);
    assert_int_equal(page.facts.counts.clipped, 4);
    assert_int_equal(page.points, 2);
    assert_true(page.number_last == 3.5);
    page_release(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_page_is_in_the_sink_once_it_is_looked_at),
        cmocka_unit_test(test_a_large_page_is_in_the_sink_once_it_is_written),
        cmocka_unit_test(test_a_very_large_page_is_read_once_to_look_and_once_to_write),
        cmocka_unit_test(test_a_small_page_of_many_points_is_a_large_one),
        cmocka_unit_test(test_long_texts_come_whole),
        cmocka_unit_test(test_what_is_packed_is_unpacked),
        cmocka_unit_test(test_a_body_of_two_bytes_is_read_whole),
        cmocka_unit_test(test_what_does_not_unpack_is_no_page),
        cmocka_unit_test(test_more_than_may_be_unpacked_is_no_page),
        cmocka_unit_test(test_what_does_not_decode_leaves_nothing_behind),
        cmocka_unit_test(test_a_document_without_the_place_of_its_rows_is_no_page),
        cmocka_unit_test(test_a_large_page_that_is_cut_leaves_nothing_behind),
        cmocka_unit_test(test_rows_that_are_wrong_are_counted_up_to_what_is_allowed),
        cmocka_unit_test(test_a_body_of_the_last_time_is_not_read_again),
        cmocka_unit_test(test_a_rule_about_the_body_goes_before_that_it_is_the_same),
        cmocka_unit_test(test_an_empty_body_has_no_rows),
        cmocka_unit_test(test_no_content_is_no_document),
        cmocka_unit_test(test_rows_that_lead_nowhere_are_told),
        cmocka_unit_test(test_a_row_may_be_an_array_of_which_elements_are_wanted),
        cmocka_unit_test(test_rules_about_the_head_and_the_body_go_before_the_rows),
        cmocka_unit_test(test_rules_about_the_count_go_behind_the_rows),
        cmocka_unit_test(test_a_message_is_taken_out_of_what_is_no_page),
        cmocka_unit_test(test_what_stands_behind_the_rows_is_read_first),
        cmocka_unit_test(test_where_the_next_page_is_and_how_many_there_are),
        cmocka_unit_test(test_what_is_not_the_pages_fault_is_told_as_an_error),
        cmocka_unit_test(test_rows_outside_the_window_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
