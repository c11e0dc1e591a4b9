#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/source/text_places.h"

enum { ALL = (1 << PLACE_KIND_COUNT) - 1 };

/* "<each:mpan>" for each place, or what of it the text wants. */
static enum code name_it(void *context, const struct place *place, struct bytes *value,
                         struct error *err)
{
    static const char *const values[] = {
        [PLACE_WINDOW_START] = "2024-01-01T00:00:00+01:00",
        [PLACE_WINDOW_END] = "END",
        [PLACE_PAGE_VALUE] = "7",
        [PLACE_PAGE_LIMIT] = "100",
        [PLACE_NOW] = "NOW",
    };

    *(unsigned *)context |= 1U << place->kind;
    if (place->kind == PLACE_ROW)
        return error_set(err, E_NOT_FOUND, "nothing at %.*s", BYTES_ARG(place->name));
    *value = place->name.size > 0 ? place->name : bytes_of(values[place->kind]);
    return OK;
}

static void test_texts_are_filled(void **state)
{
    static const struct {
        const char *text;
        enum place_manner manner;
        const char *want;
        size_t places;
    } cases[] = {
        {"",                                   PLACE_PLAIN,       "",                             0},
        {"plain",                              PLACE_PLAIN,       "plain",                        0},
        {"${each.mpan}",                       PLACE_PLAIN,       "mpan",                         1},
        {"a${each.x-1.y_}b",                   PLACE_PLAIN,       "ax-1.y_b",                     1},
        {"${window.start}${window.end}",       PLACE_PLAIN,       "2024-01-01T00:00:00+01:00END", 2},
        {"${page.value}/${page.limit}/${now}", PLACE_PLAIN,       "7/100/NOW",                    3},
        {"Key ${secret:octopus_key}!",         PLACE_PLAIN,       "Key octopus_key!",             1},
        {"$$",                                 PLACE_PLAIN,       "$",                            0},
        {"$${now}",                            PLACE_PLAIN,       "${now}",                       0},
        {"$$${now}$$$$",                       PLACE_PLAIN,       "$NOW$$",                       1},
        {"$filter=a$5$",                       PLACE_PLAIN,       "$filter=a$5$",                 0},
        {"https://a/b c/${window.start}?x=1",  PLACE_PERCENT,
         "https://a/b c/2024-01-01T00%3A00%3A00%2B01%3A00?x=1",                                   1},
        {"[a b]-._~/${window.start}",          PLACE_PERCENT_ALL,
         "%5Ba%20b%5D-._~%2F2024-01-01T00%3A00%3A00%2B01%3A00",                                   1},
        {"\xc3\xa9",                           PLACE_PERCENT_ALL, "%C3%A9",                       0},
        {"{}}${now}}",                         PLACE_PLAIN,       "{}}NOW}",                      1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned met = 0;
        struct place_values values = {name_it, &met};
        struct buf out = BUF_INIT(1000);
        struct text_places places;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (text_places_parse(bytes_of(cases[i].text), ALL, &arena, &places, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(text_places_fill(&places, cases[i].manner, &values, &out, &err), OK);
        if (!bytes_equal(buf_bytes(&out), bytes_of(cases[i].want)) ||
            places.count != cases[i].places)
            fail_msg("%s: %.*s, %zu places", cases[i].text, BYTES_ARG(buf_bytes(&out)),
                     places.count);
        for (unsigned kind = 0; kind < PLACE_KIND_COUNT; kind++)
            assert_true(text_places_has(&places, (enum place_kind)kind) == (met >> kind & 1));
        buf_release(&out);
        arena_release(&arena);
    }
}

static void test_the_text_need_not_live_on(void **state)
{
    char text[] = "a${row./x/y}$$b";
    struct text_places places;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(text_places_parse(bytes_of(text), ALL, &arena, &places, &err), OK);
    memset(text, '?', sizeof(text));
    assert_true(bytes_equal(places.items[0].before, BYTES("a")));
    assert_true(bytes_equal(places.items[0].name, BYTES("/x/y")));
    assert_true(bytes_equal(places.rest, BYTES("$b")));
    arena_release(&arena);
}

static void test_a_place_without_value_ends_the_filling(void **state)
{
    unsigned met = 0;
    struct place_values values = {name_it, &met};
    struct buf out = BUF_INIT(1000);
    struct text_places places;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(text_places_parse(BYTES("a${row.x}${now}"), ALL, &arena, &places, &err), OK);
    assert_int_equal(text_places_fill(&places, PLACE_PLAIN, &values, &out, &err), E_NOT_FOUND);
    assert_string_equal(err.text, "nothing at x");
    assert_int_equal(met, 1 << PLACE_ROW);
    buf_release(&out);
    arena_release(&arena);
}

static void test_what_is_no_place_is_refused_with_those_that_are(void **state)
{
    static const struct {
        const char *text;
        unsigned allowed;
        const char *want;
    } cases[] = {
        {"ab${now",            ALL,            "at byte 3: \"${\" has no \"}\""                         },
        {"${",                 ALL,            "has no \"}\""                                           },
        {"${}",                ALL,            "\"${}\" is not known; want ${each.NAME}, "              },
        {"${Now}",             ALL,            "is not known"                                           },
        {"${now }",            ALL,            "is not known"                                           },
        {"${window.start }",   ALL,            "is not known"                                           },
        {"${each.}",           ALL,            "is not known"                                           },
        {"${each.a b}",        ALL,            "want a name of 1 to 64 letters"                         },
        {"${secret:\xc3\xa9}", ALL,            "want a name of 1 to 64 letters"                         },
        {"${row.}",            ALL,            "is not known"                                           },
        {"x${now}",            0,              "at byte 2: \"${now}\" has no place here; want no places"},
        {"${secret:k}",        1 << PLACE_NOW,
         "has no place here: secrets stand in `auth` alone, as {type: header,"                          },
        {"${each.${now}}",     ALL,            "want a name of"                                         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text_places places;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (text_places_parse(bytes_of(cases[i].text), cases[i].allowed, &arena, &places, &err) !=
                E_BAD_PARAMETER ||
            strstr(err.text, cases[i].want) == NULL)
            fail_msg("%s: %s", cases[i].text, err.text);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_filled),
        cmocka_unit_test(test_the_text_need_not_live_on),
        cmocka_unit_test(test_a_place_without_value_ends_the_filling),
        cmocka_unit_test(test_what_is_no_place_is_refused_with_those_that_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
