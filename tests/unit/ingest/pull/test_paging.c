#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pull/paging.h"

static struct arena arena;
static struct source source;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    source = (struct source){
        .page = {.pages_max = 100,
                 .same_host = true,
                 .path_slot = SOURCE_NO_SLOT,
                 .total_slot = SOURCE_NO_SLOT}
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct tree_value text(const char *value)
{
    return (struct tree_value){TREE_TEXT, bytes_of(value)};
}

/* `want` is the next position, "" for the end, NULL for a fault. */
static void expect(const char *position, const struct page_facts *facts, const char *want)
{
    struct page_position page = {.text = bytes_of(position), .number = 1}, next;
    struct error err = {0};
    bool more = false;
    enum code code = paging_next(&source, &page, facts, &arena, &more, &next, &err);

    if (want == NULL ? code != E_BAD_PAGE || err.code != E_BAD_PAGE || more
                     : code != OK || more != (want[0] != '\0'))
        fail_msg("behind %s want %s: got %d, more %d (%s)", position, want ? want : "a fault", code,
                 more, err.text);
    if (want == NULL || !more)
        return;
    assert_int_equal(next.number, 2);
    if (!bytes_equal(next.text, bytes_of(want)))
        fail_msg("behind %s want %s: got %.*s", position, want, BYTES_ARG(next.text));
}

#define FACTS(...) (&(struct page_facts){.rows = 10, .url = asked, __VA_ARGS__})
#define EMPTY(...) (&(struct page_facts){.rows = 0, .url = asked, __VA_ARGS__})

static const char asked[] = "https://a.example/v1/x?k=1";

static void test_one_page_is_the_end(void **state)
{
    (void)state;
    expect("", FACTS(), "");
}

static void test_offsets_and_numbers_count(void **state)
{
    (void)state;
    source.page.kind = SOURCE_PAGE_OFFSET;
    source.page.limit = 10;
    expect("", FACTS(), "10");
    expect("20", FACTS(), "30");
    expect("20", &(struct page_facts){.rows = 3},
           "30"); /* a page may be short without being the last */
    expect("20", EMPTY(), "");
    expect("x", FACTS(), NULL);
    expect("18446744073709551615", FACTS(), NULL);
    source.page.stop_short_page = true;
    expect("20", &(struct page_facts){.rows = 9}, "");
    expect("20", FACTS(), "30");
    source.page.stop_total = true;
    expect("20", FACTS(.rows_before = 20, .total = text("30")), "");
    expect("20", FACTS(.rows_before = 20, .total = text("31")), "30");
    source.page.kind = SOURCE_PAGE_NUMBER;
    source.page.first = 1;
    expect("", FACTS(), "2");
    expect("7", FACTS(), "8");
}

static void test_a_cursor_leads_on_until_there_is_none(void **state)
{
    struct buf large = BUF_INIT(1 << 16);

    (void)state;
    source.page.kind = SOURCE_PAGE_CURSOR;
    expect("", FACTS(.at_path = text("ab/c=")), "ab/c=");
    expect("x", FACTS(.at_path = {TREE_NUMBER, BYTES("17")}), "17");
    expect("x", FACTS(.at_path = text("")), "");
    expect("x", FACTS(.at_path = {.kind = TREE_END}), "");
    expect("x", FACTS(.at_path = {TREE_NULL, BYTES("null")}), "");
    expect("x", FACTS(.at_path = {TREE_FALSE, BYTES("false")}), "");
    expect("x", FACTS(.at_path = {TREE_TRUE, BYTES("true")}), NULL);
    expect("x", FACTS(.at_path = {.kind = TREE_OBJECT}), NULL);
    expect("x", FACTS(.at_path = {.kind = TREE_ARRAY}), NULL);
    expect("x", EMPTY(.at_path = text("y")), "");
    for (int i = 0; i <= PAGING_POSITION_SIZE_MAX; i++)
        buf_put_char(&large, 'x');
    expect("x", FACTS(.at_path = {TREE_TEXT, buf_bytes(&large)}), NULL);
    buf_release(&large);
}

static void test_the_address_of_the_next_page(void **state)
{
    static const struct {
        const char *at_path, *want;
    } cases[] = {
        {"https://a.example/v1/x?page=2", "https://a.example/v1/x?page=2"},
        {"?page=2",                       "https://a.example/v1/x?page=2"},
        {"/v2",                           "https://a.example/v2"         },
        {"http://a.example/v1/x?page=2",  "https://a.example/v1/x?page=2"}, /* behind a proxy */
        {"http://a.example:8080/",        NULL                           },
        {"https://a.example:444/",        NULL                           },
        {"https://b.example/",            NULL                           },
        {"//b.example/",                  NULL                           },
        {"https://a.example@b.example/",  NULL                           },
        {"ftp://a.example/",              NULL                           },
        {"https:\\\\a.example",           NULL                           },
        {"/x\ny",                         NULL                           },
        {"",                              ""                             },
    };

    (void)state;
    source.page.kind = SOURCE_PAGE_NEXT_URL;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect("", FACTS(.at_path = text(cases[i].at_path)), cases[i].want);
    expect("", FACTS(.at_path = {TREE_NULL, BYTES("null")}), "");
    expect("", EMPTY(.at_path = text("?p=2")), "https://a.example/v1/x?p=2");
    source.page.stop_empty_page = true;
    expect("", EMPTY(.at_path = text("?p=2")), "");
    source.page.same_host = false;
    expect("", FACTS(.at_path = text("https://b.example/x#y")), "https://b.example/x");
    expect("",
           &(struct page_facts){
               .rows = 1, .url = "http://a.example/", .at_path = text("https://a.example/")},
           "https://a.example/");
}

static void test_a_link_header_leads_on(void **state)
{
    const struct answer_header headers[] = {
        {BYTES("link"), BYTES("</p>; rel=prev, <?page=3>; rel=\"next\"")}
    };

    (void)state;
    source.page.kind = SOURCE_PAGE_LINK;
    expect("", FACTS(), "");
    expect("", FACTS(.headers = headers, .header_count = 1), "https://a.example/v1/x?page=3");
    expect("", EMPTY(.empty_body = true, .headers = headers, .header_count = 1),
           "https://a.example/v1/x?page=3");
    source.page.stop_empty_body = true;
    expect("", EMPTY(.empty_body = true, .headers = headers, .header_count = 1), "");
}

/* Else it would stand in what is noted. */
static void test_a_credential_that_comes_back_is_taken_out(void **state)
{
    (void)state;
    source.page.kind = SOURCE_PAGE_NEXT_URL;
    source.auth.kind = SOURCE_AUTH_QUERY;
    source.auth.first.rest = BYTES("api_key");
    expect("", FACTS(.at_path = text("?api_key=secret&page=2")), "https://a.example/v1/x?page=2");
    expect("", FACTS(.at_path = text("?page=2&api%5fkey=secret")), "https://a.example/v1/x?page=2");
}

static void test_a_total_that_does_not_fit_is_a_fault(void **state)
{
    (void)state;
    source.page.kind = SOURCE_PAGE_OFFSET;
    source.page.limit = 10;
    source.page.total_slot = 0;
    expect("20", FACTS(.rows_before = 20, .total = text("31")), "30");
    expect("20", FACTS(.rows_before = 20, .total = text("29")), NULL);
    expect("20", EMPTY(.rows_before = 20, .total = text("20")), "");
    expect("20", EMPTY(.rows_before = 20, .total = text("21")), NULL);
    expect("20", FACTS(.rows_before = 20, .total = {TREE_NUMBER, BYTES("3e1")}), NULL);
    expect("20", FACTS(.rows_before = 20), NULL);
    expect("20", EMPTY(.empty_body = true, .total = {.kind = TREE_END}), "");
}

static void test_more_pages_than_there_may_be_are_a_fault(void **state)
{
    (void)state;
    source.page.kind = SOURCE_PAGE_CURSOR;
    source.page.pages_max = 2;
    expect("x", FACTS(.at_path = text("")), "");
    expect("x", FACTS(.at_path = text("y")), NULL);
    source.page.pages_max = 3;
    expect("x", FACTS(.at_path = text("y")), "y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_page_is_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_offsets_and_numbers_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cursor_leads_on_until_there_is_none, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_address_of_the_next_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_link_header_leads_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_credential_that_comes_back_is_taken_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_total_that_does_not_fit_is_a_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_pages_than_there_may_be_are_a_fault, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
