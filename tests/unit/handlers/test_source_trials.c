#include "tests/unit/handlers/registry_ground.h"

#include "tests/unit/ingest/source/source_fixture.h"

static int declared_open(void **state)
{
    int failed = registry_ground_open(state);

    serving.app.declared = serving.app.registry;
    return failed;
}

/* `blocks` are of the document, `more` stands beside it; ' stands for " in all. */
static void expect_trial(const char *blocks, const char *more, int status, const char *text)
{
    struct buf body = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);

    buf_put_text(&body, "{\"document\":");
    fixture_document(blocks, "", &body);
    fixture_put(&body, more);
    buf_put_text(&body, "}");
    buf_put_char(&body, '\0');
    fixture_put(&want, text);
    buf_put_char(&want, '\0');
    expect_with("POST /v1/sources:test", "", body.data, status, want.data);
    buf_release(&body);
    buf_release(&want);
}

#define PAGE ", 'body': '{\\'data\\':[{\\'at\\':\\'2026-01-01\\',\\'v\\':1}]}'"
/* As a windowed source has to. */
#define WINDOW                                                                                     \
    "'request': {'url': 'https://a.example/?a=${window.start}'}, "                                 \
    "'window': {'from': '2025-12-01', 'step': 'P1D'}"

#define LISTED                                                                                     \
    "'foreach': {'request': {'url': 'https://a.example/'}, 'decode': 'json', 'rows': '/*', "       \
    "'vars': {'x': {'path': 'id'}, 'a': {'path': 'of'}}}, 'tags': {'x': '${each.x}', 'a': "        \
    "'${each.a}'}"

#define EACH "'foreach': [{'x': 'one'}], 'tags': {'x': '${each.x}'}"

static void test_a_page_that_is_pasted_is_shown(void **state)
{
    (void)state;
    expect_trial("", PAGE, 200, "{'outcome':'ok','rule':null,");
    assert_non_null(
        strstr(serving.answer, "\"points_made\":1,\"points\":[{\"measurement\":\"m\","));
    assert_non_null(
        strstr(serving.answer, "\"time\":\"2026-01-01T00:00:00Z\",\"fields\":{\"v\":1"));
    expect_trial("", ", 'body': '{'", 200, "'outcome':'retry'");
    expect_trial("", PAGE ", 'status': 403", 200, "'outcome':'fail'");
    expect_trial("'outcomes': [{'header': {'x-rest': 'none'}, 'do': 'empty'}]",
                 PAGE ", 'headers': {'X-Rest': 'none today'}", 200,
                 "'outcome':'empty','rule':'/outcomes/0'");
    expect_trial("'foreach': [{'x': 'one'}, {'x': 'two'}], 'tags': {'x': '${each.x}'}",
                 PAGE ", 'partition': 1", 200, "'tags':{'x':'two'}");
    expect_trial(LISTED, PAGE ", 'each': {'x': 'one', 'a': 'two'}", 200,
                 "'tags':{'x':'one','a':'two'}");
    expect_trial(WINDOW, PAGE ", 'start': '2026-01-01', 'end': '2026-01-02'", 200, "'clipped':0");
    expect_trial(WINDOW, PAGE ", 'start': '2026-01-02', 'end': '2026-01-03'", 200, "'clipped':1");
    expect_with("GET /v1/sources", "", NULL, 200, "{\"sources\":[]}");
}

static void test_a_question_that_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *blocks, *more, *text;
    } cases[] = {
        {"'rowss': '/*'", PAGE,                                                "'code':'bad_parameter','pointer':'/document/rowss'"},
        {"",              PAGE ", 'partition': 1",                             "'pointer':'/partition'"                            },
        {LISTED,          PAGE,                                                "'pointer':'/each'"                                 },
        {LISTED,          PAGE ", 'each': {'x': 1}",                           "'status':400"                                      },
        {LISTED,          PAGE ", 'each': []",                                 "expected an object"                                },
        {LISTED,          PAGE ", 'each': {'x': 'one'}",                       "lacks \\'a\\'"                                     },
        {LISTED,          PAGE ", 'each': {'x': '1', 'a': '2', 'b': '3'}",     "has 3 variables"                                   },
        {LISTED,          PAGE ", 'each': {'x': '1', 'a': '2', 'a': '3'}",     "has 3 variables"                                   },
        {EACH,            PAGE ", 'each': {}",                                 "lacks \\'x\\'"                                     },
        {EACH,            ", 'each': {'y': 'one'}",                            "lacks \\'x\\'"                                     },
        {"",              PAGE ", 'each': {'y': 'one'}",                       "has 1 variables"                                   },
        {"",              PAGE ", 'status': 600",                              "'pointer':'/status'"                               },
        {"",              PAGE ", 'status': 2.5",                              "'pointer':'/status'"                               },
        {"",              PAGE ", 'head': {}",                                 "/head: is not known"                               },
        {WINDOW,          PAGE ", 'start': '2026-01-01'",                      "'pointer':'/start'"                                },
        {WINDOW,          PAGE ", 'start': 'x', 'end': '2026-01-01'",          "'pointer':'/start'"                                },
        {WINDOW,          PAGE ", 'start': '2026-01-01', 'end': '2026-01-01'", "'pointer':'/end'"                                  },
        {"",              ", 'headers': []",                                   "expected an object"                                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_trial(cases[i].blocks, cases[i].more, 400, cases[i].text);
    expect_with("POST /v1/sources:test", "", "{}", 400, "\"pointer\":\"/document\"");
    expect_with("POST /v1/sources:test", "", "[]", 400, "expected an object");
    expect_with("POST /v1/sources:test", "", "", 400, "");
}

/* Also one that does not pull yet, or any more, answers. */
static void test_a_server_that_pulls_nothing_asks_for_a_body(void **state)
{
    (void)state;
    expect_trial("", "", 503, "give a \\'body\\'");
    assert_non_null(strstr(serving.answer, "not_ready"));
}

#define ROUTES_TEST(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, declared_open, registry_ground_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTES_TEST(test_a_page_that_is_pasted_is_shown),
        ROUTES_TEST(test_a_question_that_is_not_right_is_refused),
        ROUTES_TEST(test_a_server_that_pulls_nothing_asks_for_a_body),
    };

    log_setup(LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
