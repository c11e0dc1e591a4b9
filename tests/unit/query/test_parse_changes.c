#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "query/question.h"

enum { NOW = 1000000000 };

static enum code ask(const char *text, bool live, const char *last_id, struct arena *arena,
                     struct query **query, bool *from_now, struct error *err)
{
    struct query_parameter parameters[16];
    size_t count = 0;

    for (const char *at = text; *at;) {
        size_t size = strcspn(at, "&"), name = strcspn(at, "=");

        parameters[count++] = (struct query_parameter){
            {at,            name           },
            {at + name + 1, size - name - 1}
        };
        at += size + (at[size] == '&');
    }
    if (live)
        return live_parse(parameters, count, bytes_of(last_id), NOW, 1024, arena, query, from_now,
                          err);
    return changes_parse(parameters, count, BYTES(""), NOW, arena, query, err);
}

static void test_since_is_a_time(void **state)
{
    static const struct {
        const char *text;
        bool live;
        const char *last_id;
        enum code want;
        const char *pointer;
        int64_t want_since;
        bool want_now;
    } cases[] = {
        {"measurement=m&since=5",                      false, "",                               OK,                  "",              5,          false},
        {"measurement=m&since=5&epoch=us",             false, "",                               OK,                  "",              5000,       false},
        {"measurement=m&since=now-1ms",                false, "",                               OK,                  "",              999000000,  false},
        {"measurement=m&since=1970-01-01T00:00:02Z",   false, "",                               OK,                  "",              2000000000, false},
        {"measurement=m&since=7&as_of=7",              false, "",                               OK,                  "",              7,          false},
        {"measurement=m&since=8&as_of=7",              false, "",                               E_BAD_PARAMETER,     "since",         0,          false},
        {"measurement=m",                              false, "",                               E_MISSING_PARAMETER, "since",         0,          false},
        {"since=5",                                    false, "",                               E_MISSING_PARAMETER, "measurement",   0,          false},
        {"measurement=m&since=noon",                   false, "",                               E_BAD_PARAMETER,     "since",         0,          false},
        {"measurement=m&since=5&since=6",              false, "",                               E_BAD_PARAMETER,     "since",         0,          false},
        {"measurement=m&since=5&agg=mean",             false, "",                               E_UNKNOWN_PARAMETER, "agg",           0,          false},
        {"measurement=m&since=5&versions=all",         false, "",                               E_UNKNOWN_PARAMETER, "versions",      0,
         false                                                                                                                                         },
        {"measurement=m&since=5&where=f>1",            false, "",                               OK,                  "",              5,          false},
        {"measurement=m&since=5&where=f",              false, "",                               E_BAD_PARAMETER,     "where",         0,          false},
        {"measurement=m&since=5&let=a=f*2",            false, "",                               E_NOT_SUPPORTED,     "let",           0,          false},
        {"measurement=m&since=5&top=5,f",              false, "",                               E_NOT_SUPPORTED,     "top",           0,          false},
        {"measurement=m&bottom=5,f",                   true,  "",                               E_NOT_SUPPORTED,     "bottom",        0,          false},
        {"measurement=m&where=f>1&since=5",            true,  "",                               OK,                  "",              5,          false},
        {"measurement=m&since=5&format=line_protocol", false, "",                               E_BAD_PARAMETER,     "format",        0,
         false                                                                                                                                         },
        {"measurement=m",                              true,  "",                               OK,                  "",              0,          true },
        {"measurement=m&since=5",                      true,  "",                               OK,                  "",              5,          false},
 /* Where both are given, what was seen last counts. */
        {"measurement=m&since=5",                      true,  "9",                              OK,                  "",              9,          false},
        {"measurement=m&since=5",                      true,  "1970-01-01T00:00:00.000000007Z", OK,                  "",              7,          false},
        {"measurement=m",                              true,  "x",                              E_BAD_PARAMETER,     "Last-Event-ID", 0,          false},
        {"measurement=m&limit=5",                      true,  "",                               E_UNKNOWN_PARAMETER, "limit",         0,          false},
        {"measurement=m&as_of=5",                      true,  "",                               E_UNKNOWN_PARAMETER, "as_of",         0,          false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;
        bool from_now = false;
        enum code code;

        arena_init(&arena, 1 << 20, NULL);
        code = ask(cases[i].text, cases[i].live, cases[i].last_id, &arena, &query, &from_now, &err);
        if (code != cases[i].want || strcmp(err.pointer, cases[i].pointer) != 0 ||
            from_now != cases[i].want_now || (code == OK) != (query != NULL))
            fail_msg("%s: got %d, \"%s\", \"%s\"", cases[i].text, code, err.pointer, err.text);
        if (query && (!query->changes || query->events != cases[i].live ||
                      live_since(query) != cases[i].want_since))
            fail_msg("%s: since %lld", cases[i].text, (long long)live_since(query));
        arena_release(&arena);
    }
}

/* "now-1ms" is another moment when the next page is asked for. */
static void test_a_cursor_says_since_when(void **state)
{
    struct cursor cursor = {.as_of = 500, .known_from = 77};
    struct query *query = NULL;
    struct error err = {0};
    struct arena arena;
    char text[512];
    struct bytes next;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(ask("measurement=m&since=now-1ms", false, "", &arena, &query, NULL, &err), OK);
    cursor.identity = query->identity;
    next = cursor_print(&cursor, &arena);
    (void)snprintf(text, sizeof(text), "measurement=m&since=now-1ms&cursor=%.*s", BYTES_ARG(next));
    assert_int_equal(ask(text, false, "", &arena, &query, NULL, &err), OK);
    assert_int_equal(query->since, 77);
    /* Of another since, or of a query: another question. */
    (void)snprintf(text, sizeof(text), "measurement=m&since=now-2ms&cursor=%.*s", BYTES_ARG(next));
    assert_int_equal(ask(text, false, "", &arena, &query, NULL, &err), E_BAD_CURSOR);
    arena_release(&arena);
}

static void test_a_live_question_goes_on(void **state)
{
    struct cursor cursor = {.as_of = 500, .time = 3};
    struct query *query = NULL;
    struct error err = {0};
    struct arena arena;
    bool from_now;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(ask("measurement=m&since=5", true, "", &arena, &query, &from_now, &err), OK);
    assert_int_equal(live_go_on(query, 6, cursor_print(&cursor, &arena), &arena, &err), OK);
    assert_true(query->resumed);
    assert_int_equal(query->cursor.as_of, 500);
    assert_int_equal(live_since(query), 6);
    assert_int_equal(live_go_on(query, 500, BYTES(""), &arena, &err), OK);
    assert_false(query->resumed);
    assert_int_equal(live_since(query), 500);
    assert_int_equal(live_go_on(query, 500, BYTES("x"), &arena, &err), E_BAD_CURSOR);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_since_is_a_time),
        cmocka_unit_test(test_a_cursor_says_since_when),
        cmocka_unit_test(test_a_live_question_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
