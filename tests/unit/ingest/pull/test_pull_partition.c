#include "tests/unit/ingest/pull/puller_ground.h"

#include "ingest/pull/pull_inside.h"

#define EACH(list)                                                                                 \
    "'request': {'url': '@/${each.x}', 'query': {'a': '${window.start}', 'b': '${window.end}'}}, " \
    "'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'format': 'date'}, 'foreach': [" list  \
    "]"

/* By what a partition is, not by where it stands. */
static void test_what_was_done_of_a_partition_stays_done_in_another_list(void **state)
{
    static const char *const lists[] = {
        EACH("{'x': 'one'}, {'x': 'two'}"),
        EACH("{'x': 'new'}, {'x': 'two'}"),
        EACH("{'x': 'two'}, {'x': 'one'}, {'x': 'new'}"),
    };
    static const size_t asked[] = {4, 2, 0};
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        it_restarts();
        SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
        (void)snprintf(blocks, sizeof(blocks), lists[i], it_day(-4, from), it_day(-2, until));
        it_declares(blocks);
        if (i == 0)
            UNTIL(it_count("windows") == 4 && it_is_resting());
        else
            it_pulls(asked[i]);
        assert_true(it_says("s", "reached", until));
        assert_int_equal(it.site.asked_count, asked[i]);
        assert_int_equal(site_asked(&it.site, "GET /new"), i == 1 ? 2 : 0);
    }
}

static void test_it_is_told_as_its_variables(void **state)
{
    static const struct {
        struct source_variable variables[2];
        size_t count;
        const char *text;
    } cases[] = {
        {{{BYTES(""), BYTES("")}},                                                             0, ""                                                                        },
        {{{BYTES("site"), BYTES("berlin")}},                                                   1, "site=berlin"                                                             },
        {{{BYTES("a"), BYTES("1")}, {BYTES("b"), BYTES("")}},                                  2, "a=1, b="                                                                 },
        {{{BYTES("a"), BYTES("0123456789012345678901234567890123456789012345678901234567")}},
         1,                                                                                       "a=0123456789012345678901234567890123456789012345678901234567"            },
        {{{BYTES("a"), BYTES("01234567890123456789012345678901234567890123456789012345678")}},
         1,                                                                                       "a=0123456789012345678901234567890123456789012345678901234567\xe2\x80\xa6"},
        {{{BYTES("ab"), BYTES("01234567890123456789012345678901234567890123456789012345\xc3\xa4")},
          {BYTES("b"), BYTES("")}},
         2,                                                                                       "ab=01234567890123456789012345678901234567890123456789012345\xe2\x80\xa6" },
    };
    char text[PULL_PARTITION_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct source_partition partition = {cases[i].variables, cases[i].count};

        partition_print(&partition, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_a_fetch_says_of_which_it_was(void **state)
{
    struct json *fetches;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_declares("'request': {'url': '@/${each.x}'}, 'foreach': [{'x': 'one'}]");
    UNTIL(it_count("windows") == 1);
    fetches = it_fetches("s", 1);
    assert_true(it_is_text(json_element(fetches, 0), "partition", "x=one"));
    json_doc_free(fetches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_told_as_its_variables),
        IT_TEST(test_a_fetch_says_of_which_it_was),
        IT_TEST(test_what_was_done_of_a_partition_stays_done_in_another_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
