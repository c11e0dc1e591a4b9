#include "tests/unit/codec/zip_made.h"
#include "tests/unit/ingest/pull/reading_fixture.h"

#define XML                                                                                        \
    "'decode': {'zip': 'xml'}, 'rows': '/D/S/*/P/*', "                                             \
    "'time': {'path': 'at', 'format': 'unix_s'}, 'tags': {'id': {'path': '/D/id'}}"

/* The files of the body, up to a NULL; ' for ". */
static void put_files(struct page *page, const char *const *files)
{
    struct zip_made made = ZIP_MADE_INIT;

    for (; *files != NULL; files++) {
        struct buf content = BUF_INIT(SIZE_MAX);

        fixture_put(&content, *files);
        zip_made_put(&made, &(struct zip_entry){
                                .name = "d", .content = buf_bytes(&content), .deflated = true});
        buf_release(&content);
    }
    zip_made_end(&made, made.files, false);
    buf_release(&page->body);
    page->body = made.bytes;
    made.bytes = BUF_INIT(0);
    zip_made_release(&made);
}

#define PUT_FILES(page, ...) put_files((page), (const char *const[]){__VA_ARGS__, NULL})

static void expect_rows(const struct page *page, uint64_t rows)
{
    if (page->code != OK || page->facts.verdict.what != SOURCE_OK)
        fail_msg("code %d, outcome %d: %s", page->code, page->facts.verdict.what, page->err.text);
    assert_int_equal(page->facts.counts.rows, rows);
}

static void expect_none(const struct page *page, const char *text)
{
    if (page->code != OK || page->facts.verdict.what != SOURCE_RETRY)
        fail_msg("code %d, outcome %d: %s", page->code, page->facts.verdict.what, page->err.text);
    if (strstr(page->err.text, text) == NULL)
        fail_msg("%s; want %s", page->err.text, text);
    assert_int_equal(page->points, 0);
}

#define POINT(at, v) "<P><at>" #at "</at><v>" #v "</v></P>"
#define WRONG "<D><S>" POINT(x, 1) "</S></D>"

/* Of each file what stands around its rows, also behind them. */
static void test_files_are_documents(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, XML);
    PUT_FILES(&page, "<D><S>" POINT(1, 1) POINT(2, 2) "</S><id>one</id></D>",
              "<?xml version='1.0'?><D><S>" POINT(3, 3) "</S><id>two</id></D>");
    page_look(&page);
    expect_rows(&page, 3);
    assert_int_equal(page.points, 3);
    assert_true(page.number_last == 3);
    assert_true(bytes_equal(buf_bytes(&page.tag_last), BYTES("two")));
    page_release(&page);
    page_init(&page, XML);
    PUT_FILES(&page, "<D><S>" POINT(1, 1) "</S><id>one</id></D>", "<D><id>two</id></D>",
              "<D><S>" POINT(3, 3) "</S></D>");
    page_look(&page);
    expect_rows(&page, 2);
    assert_int_equal(page.tag_last.size, 0); /* nobody else's */
    page_release(&page);
}

static void test_each_format_may_be_in_it(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, PAGE_SECONDS ", 'decode': {'zip': 'json'}");
    PUT_FILES(&page, "{'data':[{'at':1,'v':1}]}", "{'data':[{'at':2,'v':2},{'at':3,'v':3}]}");
    page_look(&page);
    expect_rows(&page, 3);
    page_release(&page);
    page_init(&page, PAGE_SECONDS ", 'decode': {'zip': 'ndjson'}, 'rows': '*'");
    PUT_FILES(&page, "{'at':1,'v':1}\n{'at':2,'v':2}", "{'at':3,'v':3}\n");
    page_look(&page);
    expect_rows(&page, 3);
    page_release(&page);
    page_init(&page, PAGE_SECONDS ", 'decode': {'zip': {'csv': {'separator': ';'}}}, 'rows': '*'");
    PUT_FILES(&page, "at;v\n1;1\n2;2", "v;at\n7.5;3\n");
    page_look(&page);
    expect_rows(&page, 3);
    assert_true(page.number_last == 7.5);
    page_release(&page);
}

static void test_a_large_archive_is_written_once_it_was_looked_at(void **state)
{
    enum { COUNT = 20000 };
    struct buf text = BUF_INIT(SIZE_MAX);
    struct page page;

    (void)state;
    buf_put_text(&text, "<D><S>");
    for (int i = 0; i < COUNT; i++)
        buf_printf(&text, "<P><at>%d</at><v>%d.5</v><note>a text beside it</note></P>", i, i);
    buf_put_text(&text, "</S></D>");
    buf_put_char(&text, '\0');
    page_init(&page, XML);
    PUT_FILES(&page, text.data, text.data);
    assert_true(page.body.size < 2 * text.size / 5);
    page_look(&page);
    expect_rows(&page, 2 * COUNT);
    assert_int_equal(page.points, 0);
    assert_int_equal(page.facts.plain_bytes, 2 * (text.size - 1));
    page_write(&page);
    assert_int_equal(page.points, 2 * COUNT);
    assert_true(page.number_last == COUNT - 0.5);
    page_release(&page);
    buf_release(&text);
}

static void test_an_archive_of_nothing_has_no_rows(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, XML);
    put_files(&page, (const char *const[]){NULL});
    page_look(&page);
    expect_rows(&page, 0);
    assert_true(page.facts.empty_body);
    page_release(&page);
}

/* Nothing of the files before it either. */
static void test_a_file_that_is_wrong_makes_it_no_page(void **state)
{
    static const struct {
        const char *second, *text;
    } cases[] = {
        {"<D><S>",   "file 2 of the archive, \"d\": "                       },
        {"",         "file 2 of the archive, \"d\": "                       },
        {"<D/><D/>", "file 2 of the archive, \"d\": "                       },
        {"PK\3\4",   "file 2 of the archive, \"d\": it is an archive itself"},
        {WRONG,      "row 2, file 2, /D/S/0/P/0: "                          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;

        page_init(&page, XML);
        PUT_FILES(&page, "<D><S>" POINT(1, 1) "</S></D>", cases[i].second);
        page_look(&page);
        expect_none(&page, cases[i].text);
        page_release(&page);
    }
}

static void test_what_is_cut_or_too_large_is_no_page(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, XML);
    PUT_FILES(&page, "<D><S>" POINT(1, 1) "</S></D>");
    page.body.size--;
    page_look(&page);
    expect_none(&page, "cut or damaged");
    page_release(&page);
    for (uint64_t more = 0; more < 2; more++) {
        page_init(&page, XML);
        PUT_FILES(&page, "<D><S>" POINT(1, 1) "</S></D>");
        page.terms.plain_bytes_max = strlen("<D><S>" POINT(1, 1) "</S></D>") - 1 + more;
        page_look(&page);
        if (more > 0)
            expect_rows(&page, 1);
        else
            expect_none(&page, "bytes allowed, unpacked");
        page_release(&page);
    }
}

/* ENTSO-E says in a document, and with 200, that there is none. */
static void test_what_is_no_archive_is_what_rules_say(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, XML);
    page_put(&page, "<A><Reason>No matching data found</Reason></A>");
    page_look(&page);
    expect_none(&page, "the body is no archive of zip");
    page_release(&page);
    page_init(&page, XML ", 'outcomes': [{'body_has': 'No matching', 'do': 'empty'}]");
    page_put(&page, "<A><Reason>No matching data found</Reason></A>");
    page_look(&page);
    assert_int_equal(page.facts.verdict.what, SOURCE_EMPTY);
    page_release(&page);
    page_init(&page,
              XML ", 'outcomes': [{'body_has': 'exceeds', 'do': 'fail', 'message': '/A/Reason'}]");
    page_put(&page, "<A><Reason>it exceeds the limit</Reason></A>");
    page_look(&page);
    assert_int_equal(page.facts.verdict.what, SOURCE_FAIL);
    assert_true(bytes_equal(page.facts.message, BYTES("it exceeds the limit")));
    page_release(&page);
}

/* A rule about the body is one about what is in the files. */
static void test_rules_look_into_the_files(void **state)
{
    struct page page;

    (void)state;
    page_init(&page, XML ", 'outcomes': [{'body_has': 'sorry', 'do': 'empty'}]");
    PUT_FILES(&page, "<D/>", "<D><S>" POINT(1, 1) "</S><id>sorry</id></D>");
    page_look(&page);
    assert_int_equal(page.facts.verdict.what, SOURCE_EMPTY);
    page_release(&page);
}

/* Whatever else an archive has, times of files for one, the same files are the same body. */
static void test_the_same_files_are_the_same_body(void **state)
{
    static const char *const others[][3] = {
        {"<D/>",        "<D><S/></D>", NULL},
        {"<D><S/></D>", "<D/>",        NULL},
        {"<D/><D>",     "<S/></D>",    NULL},
    };
    struct page page;
    char first[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        page_init(&page, XML);
        put_files(&page, others[i]);
        if (i == 0)
            page.body.data[10] ^= 1; /* its minute */
        page_look(&page);
        if (i == 0)
            (void)snprintf(first, sizeof(first), "%.*s", BYTES_ARG(page.facts.body));
        page.terms.body_before = bytes_of(first);
        reading_free(page.reading);
        if (i == 0)
            page.body.data[10] ^= 1;
        page_look(&page);
        assert_int_equal(page.facts.same_body, i == 0);
        page_release(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_documents),
        cmocka_unit_test(test_each_format_may_be_in_it),
        cmocka_unit_test(test_a_large_archive_is_written_once_it_was_looked_at),
        cmocka_unit_test(test_an_archive_of_nothing_has_no_rows),
        cmocka_unit_test(test_a_file_that_is_wrong_makes_it_no_page),
        cmocka_unit_test(test_what_is_cut_or_too_large_is_no_page),
        cmocka_unit_test(test_what_is_no_archive_is_what_rules_say),
        cmocka_unit_test(test_rules_look_into_the_files),
        cmocka_unit_test(test_the_same_files_are_the_same_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
