#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/match.h"

static void test_a_matcher_is_read_from_text(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        const char *key;
        enum matcher_op op;
        const char *value;
    } cases[] = {
        {"host=a",    OK,              "host",  MATCH_EQUAL,     "a"  },
        {"host=",     OK,              "host",  MATCH_EQUAL,     ""   },
        {"host=a=b",  OK,              "host",  MATCH_EQUAL,     "a=b"},
        {"host=!a",   OK,              "host",  MATCH_EQUAL,     "!a" },
        {"host!=a",   OK,              "host",  MATCH_NOT_EQUAL, "a"  },
        {"host!=~a",  OK,              "host",  MATCH_NOT_EQUAL, "~a" },
        {"host=~a.*", OK,              "host",  MATCH_REGEX,     "a.*"},
        {"host!~a|b", OK,              "host",  MATCH_NOT_REGEX, "a|b"},
        {"ho!st=a",   OK,              "ho!st", MATCH_EQUAL,     "a"  },
        {"ho st=a b", OK,              "ho st", MATCH_EQUAL,     "a b"},
        {"",          E_BAD_PARAMETER, NULL,    0,               NULL },
        {"host",      E_BAD_PARAMETER, NULL,    0,               NULL },
        {"host!",     E_BAD_PARAMETER, NULL,    0,               NULL },
        {"host~a",    E_BAD_PARAMETER, NULL,    0,               NULL },
        {"=a",        E_BAD_PARAMETER, NULL,    0,               NULL },
        {"!=a",       E_BAD_PARAMETER, NULL,    0,               NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct matcher matcher = {0};
        enum code code = matcher_parse(bytes_of(cases[i].text), &matcher, &err);

        if (code != cases[i].want)
            fail_msg("%s: got %d (%s)", cases[i].text, code, err.text);
        if (code)
            continue;
        if (!bytes_equal(matcher.key, bytes_of(cases[i].key)) || matcher.op != cases[i].op ||
            !bytes_equal(matcher.value, bytes_of(cases[i].value)))
            fail_msg("%s: got %.*s, %d, %.*s", cases[i].text, BYTES_ARG(matcher.key), matcher.op,
                     BYTES_ARG(matcher.value));
    }
}

/* The series cpu,dc=eu,host=a1 against one matcher. */
static bool matches(const char *text, const char *measurement, bool *gave_up)
{
    static const struct series_tag tags[] = {
        {BYTES("dc"),   BYTES("eu")          },
        {BYTES("host"), BYTES("a1\n\xc3\xa9")}
    };
    const struct series series = {.measurement = BYTES("cpu"), .tags = tags, .tag_count = 2};
    struct matcher matcher;
    const struct selector selector = {bytes_of(measurement), &matcher, 1};
    struct matchset *matchset = NULL;
    struct error err = {0};
    bool got, again;

    assert_int_equal(matcher_parse(bytes_of(text), &matcher, &err), OK);
    if (matchset_new(&selector, &matchset, &err))
        fail_msg("%s: %s", text, err.text);
    got = matchset_matches(matchset, &series, gave_up);
    again = matchset_matches(matchset, &series, gave_up); /* from memory */
    assert_int_equal(got, again);
    matchset_free(matchset);
    return got;
}

static void test_a_matcher_means_what_its_header_says(void **state)
{
    static const struct {
        const char *name, *text;
        bool want;
    } cases[] = {
        {"equal",                                  "dc=eu",        true },
        {"not that value",                         "dc=us",        false},
        {"not equal",                              "dc!=us",       true },
        {"an absent tag is empty",                 "rack=",        true },
        {"a present tag is not empty",             "dc=",          false},
        {"not equal holds for an absent tag",      "rack!=x",      true },
        {"an absent tag is not not-empty",         "rack!=",       false},
        {"a present tag is not-empty",             "dc!=",         true },
        {"a pattern is anchored at its start",     "dc=~u",        false},
        {"a pattern is anchored at its end",       "dc=~e",        false},
        {"each alternative is anchored",           "dc=~e|u|eu",   true },
        {"an alternative alone is not enough",     "dc=~e|u",      false},
        {"a comment cannot eat the anchor",        "dc=~(?x)e #",  false},
        {"a dot matches a line feed",              "host=~a1.é",  true },
        {"a letter is not a byte",                 "host=~a1\\n.", true },
        {"not a pattern",                          "dc!~e.*",      false},
        {"not another pattern",                    "dc!~us.*",     true },
        {"an absent tag matches an empty pattern", "rack=~",       true },
        {"an absent tag matches .*",               "rack=~.*",     true },
        {"an absent tag does not match .+",        "rack=~.+",     false},
        {"not .+ is absent",                       "rack!~.+",     true },
        {"not .+ is not present",                  "dc!~.+",       false},
        {"case counts",                            "dc=~EU",       false},
        {"unless it is told not to",               "dc=~(?i)EU",   true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (matches(cases[i].text, "cpu", NULL) != cases[i].want)
            fail_msg("%s (%s): wanted %d", cases[i].name, cases[i].text, cases[i].want);
    assert_false(matches("dc=eu", "mem", NULL));
}

static void test_a_bad_pattern_is_refused_with_fault_and_position(void **state)
{
    static char huge[5000];
    static const struct {
        const char *pattern, *told;
    } cases[] = {
        {"a(b",                                                         "byte 3: missing closing parenthesis"},
        {"[z-a]",                                                       "byte 3: range out of order"         },
        {"*",                                                           "byte 0: quantifier does not follow" },
        {"\\C",                                                         "\\C"                                },
        {"(?<n>a",                                                      "byte"                               },
        {huge,                                                          "at most 4096 are allowed"           },
        {"((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a))))))))))))))))))"
         "))))))))))))))))))))))))))))))))))))))))))))))))))", "nested"                             },
    };

    (void)state;
    memset(huge, 'a', sizeof(huge) - 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct matcher matcher = {BYTES("host"), MATCH_REGEX, bytes_of(cases[i].pattern)};
        const struct selector selector = {BYTES("cpu"), &matcher, 1};
        struct matchset *matchset;

        assert_int_equal(matchset_new(&selector, &matchset, &err), E_BAD_PARAMETER);
        assert_null(matchset);
        if (!strstr(err.text, cases[i].told) || !strstr(err.text, "\"host\""))
            fail_msg("%s: told \"%s\"", cases[i].pattern, err.text);
    }
}

static void test_a_pattern_without_end_gives_up_and_admits_nothing(void **state)
{
    static const char *const texts[] = {"host=~(a|aa)+[xy]", "host!~(a|aa)+[xy]"};
    static const struct series_tag tags[] = {
        {BYTES("host"), BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac")}
    };
    const struct series series = {.measurement = BYTES("cpu"), .tags = tags, .tag_count = 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct matcher matcher;
        const struct selector selector = {BYTES("cpu"), &matcher, 1};
        struct matchset *matchset;
        bool gave_up = false;

        assert_int_equal(matcher_parse(bytes_of(texts[i]), &matcher, NULL), OK);
        assert_int_equal(matchset_new(&selector, &matchset, NULL), OK);
        assert_null(matchset_gave_up(matchset));
        assert_false(matchset_matches(matchset, &series, NULL));
        assert_false(matchset_matches(matchset, &series, &gave_up));
        assert_true(gave_up);
        assert_ptr_equal(matchset_gave_up(matchset), &matcher);
        matchset_free(matchset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_matcher_is_read_from_text),
        cmocka_unit_test(test_a_matcher_means_what_its_header_says),
        cmocka_unit_test(test_a_bad_pattern_is_refused_with_fault_and_position),
        cmocka_unit_test(test_a_pattern_without_end_gives_up_and_admits_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
