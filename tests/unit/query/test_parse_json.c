#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/join.h"

enum { NOW = 1000000000 };

static enum code parse_doc(const char *text, const char *accept, struct arena *arena,
                           struct query **query, struct error *err)
{
    return query_parse_json(bytes_of(text), bytes_of(accept), NOW, arena, query, err);
}

static void test_one_question_is_that_of_a_url(void **state)
{
    static const char document[] =
        "{\"measurement\":\"cpu\",\"fields\":[\"a\",\"b\"],\"match\":{\"host\":\"x\"},\"start\":5,"
        "\"end\":50,\"epoch\":\"ns\",\"every\":\"10ns\",\"agg\":[\"mean\"],\"fill\":0,"
        "\"where\":[\"a>1\",\"b<2\"],\"limit\":10,\"order\":\"desc\",\"strict\":true}";
    static const char *const texts[][2] = {
        {"measurement", "cpu"},
        {"fields", "a,b"},
        {"match", "host=x"},
        {"start", "5"},
        {"end", "50"},
        {"epoch", "ns"},
        {"every", "10ns"},
        {"agg", "mean"},
        {"fill", "0"},
        {"where", "a>1"},
        {"where", "b<2"},
        {"limit", "10"},
        {"order", "desc"},
        {"strict", "true"},
    };
    struct query_parameter parameters[COUNT_OF(texts)];
    struct query *json, *url;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        parameters[i] = (struct query_parameter){bytes_of(texts[i][0]), bytes_of(texts[i][1])};
    assert_int_equal(parse_doc(document, "text/csv", &arena, &json, NULL), OK);
    assert_int_equal(query_parse(parameters, COUNT_OF(parameters), BYTES("text/csv"), NOW, &arena,
                                 &url, NULL),
                     OK);
    assert_true(json->identity == url->identity); /* so pages go on, however they are asked for */
    assert_int_equal(json->format, FORMAT_CSV);
    assert_true(json->of_json && json->strict && json->descending && !json->join);
    assert_int_equal(json->limit, 10);
    assert_int_equal(json->start, 5);
    assert_int_equal(json->filter_count, 2);
    arena_release(&arena);
}

static void test_selections_take_what_stands_around_them(void **state)
{
    static const char document[] =
        "{\"selections\":{"
        "\"load\":{\"measurement\":\"l\",\"agg\":\"mean\",\"every\":\"30m\",\"start\":7},"
        "\"weather\":{\"agg\":[\"mean\"],\"measurement\":\"w\",\"as_of\":3,\"spread\":\"2d\"},"
        "\"raw\":{\"measurement\":\"r\",\"spread\":true}},"
        "\"join\":\"left\",\"start\":5,\"end\":500,\"as_of\":400,\"tz\":\"Europe/Paris\","
        "\"every\":\"1d\",\"strict\":true,\"let\":\"x=load.a+1\",\"fields\":[\"x\"]}";
    const struct selection *load, *weather, *raw;
    struct query *query;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(parse_doc(document, "application/x-ndjson", &arena, &query, NULL), OK);
    assert_int_equal(query->join->kind, JOIN_LEFT);
    assert_int_equal(query->join->count, 3);
    assert_true(query->flat && query->format == FORMAT_NDJSON);
    assert_int_equal(query->computed_count, 1);
    assert_int_equal(query->field_count, 1);
    load = &query->join->selections[0];
    weather = &query->join->selections[1];
    raw = &query->join->selections[2];
    assert_true(bytes_equal(load->name, BYTES("load")) && bytes_equal(raw->name, BYTES("raw")));
    assert_int_equal(load->query->start, 7);
    assert_int_equal(weather->query->start, 5);
    assert_int_equal(raw->query->end, 500);
    assert_true(load->query->strict && raw->query->strict);
    assert_int_equal(load->query->as_of, 400);
    assert_int_equal(weather->query->as_of, 3);
    assert_true(weather->own_moment && !load->own_moment && !raw->own_moment);
    assert_true(load->query->grid.kind == GRID_FIXED && weather->query->grid.kind == GRID_DAYS);
    assert_true(grid_is_whole(&raw->query->grid) && query_is_raw(raw->query));
    assert_true(load->inherits[P_TZ] && !load->inherits[P_EVERY] && weather->inherits[P_EVERY]);
    assert_int_equal(load->spread_ns, 0);
    assert_int_equal(weather->spread_ns, 2 * 86400 * (int64_t)NOW);
    assert_true(raw->spread_ns == INT64_MAX);
    arena_release(&arena);
}

#define AB(a, b, more) "{\"selections\":{\"a\":{\"measurement\":\"m\"" a "},\"b\":{\"measurement\":\"m\"" b "}}" more "}"
#define GROUP(tags) ",\"agg\":\"sum\",\"group_by\":[" tags "]"

static void test_every_fault_is_named(void **state)
{
    static const struct {
        const char *text;
        enum code code;
        const char *pointer, *part;
    } cases[] = {
        {"",                                      E_SYNTAX,            "",               "line 1"                 },
        {"{\"measurement\":\"m\"",                E_SYNTAX,            "",               "line 1"                 },
        {"[]",                                    E_SYNTAX,            "",               "an array; want an object"},
        {"[[[[[[[[[1]]]]]]]]]",                   E_DEPTH,             "",               "deeper than the 8"      },
        {"{\"limit\":99999999999999999999}",      E_SYNTAX,            "",               "integer"                },
        {"{\"a\":1,\"a\":1}",                     E_SYNTAX,            "",               "duplicate"              },
        {"{}",                                    E_MISSING_PARAMETER, "/measurement",   "is needed"              },
        {"{\"measurment\":\"m\"}",                E_UNKNOWN_PARAMETER, "/measurment",    "\"measurement\"?"       },
        {"{\"a/b\":1}",                           E_UNKNOWN_PARAMETER, "/a~1b",          "no member"              },
        {"{\"measurement\":\"m\",\"join\":\"inner\"}", E_BAD_PARAMETER, "/join",         "want \"selections\""    },
        {"{\"measurement\":\"m\",\"limit\":0}",   E_BAD_PARAMETER,     "/limit",         "from 1 on"              },
        {"{\"measurement\":\"m\",\"match\":[\"a=b\",1]}", E_BAD_PARAMETER, "/match/1",   "want a text"            },
        {"{\"measurement\":\"m\",\"match\":[\"a=b\",\"foo\"]}", E_BAD_PARAMETER, "/match/1", "foo"},
        {"{\"measurement\":\"m\",\"match\":[\"a=b\",\"c=~(\",\"d=e\"]}", E_BAD_PARAMETER, "/match/1", "("},
        {"{\"measurement\":\"m\",\"match\":\"foo\"}", E_BAD_PARAMETER, "/match", "foo"},
        {"{\"measurement\":\"m\",\"where\":[\"a>1\",\"b\"]}", E_BAD_PARAMETER, "/where/1", "b"},
        {"{\"measurement\":\"m\",\"let\":[\"x=a\",\"y=+\"]}", E_BAD_PARAMETER, "/let/1", ""},
        {"{\"measurement\":\"m\",\"let\":[\"x=a\",\"x=b\"]}", E_BAD_PARAMETER, "/let/1", "twice"},
        {"{\"measurement\":\"m\",\"agg\":[\"sum\",\"mean\",\"avg\"]}", E_BAD_PARAMETER, "/agg/2", "avg"},
        {"{\"measurement\":\"m\",\"agg\":\"avg\"}", E_BAD_PARAMETER, "/agg", "avg"},
        {AB("", ",\"where\":[\"v>1\",\"b\"]", ""), E_BAD_PARAMETER, "/selections/b/where/1", "b"},
        {AB("", "", ",\"let\":[\"x=a.v\",\"y=\"]"), E_BAD_PARAMETER, "/let/1", ""},
        {"{\"selections\":[]}",                   E_BAD_PARAMETER,     "/selections",    "an array; want an object"},
        {"{\"selections\":{}}",                   E_BAD_PARAMETER,     "/selections",    "there are 0; want 1 to 16"},
        {"{\"selections\":{\"a b\":{}}}",         E_BAD_PARAMETER,     "/selections/a b", "want letters"          },
        {"{\"selections\":{\"1\":{}}}",           E_BAD_PARAMETER,     "/selections/1",  "not a digit first"      },
        {"{\"selections\":{\"\":{}}}",            E_BAD_PARAMETER,     "/selections/",   "want letters"           },
        {"{\"selections\":{\"a\":5}}",            E_BAD_PARAMETER,     "/selections/a",  "an integer; want an object"},
        {"{\"selections\":{\"a\":{}}}",           E_MISSING_PARAMETER, "/selections/a/measurement", "is needed"   },
        {AB("", "", ",\"selection\":1"),          E_UNKNOWN_PARAMETER, "/selection",     "\"selections\"?"        },
        {AB("", "", ",\"measurement\":\"x\""),    E_BAD_PARAMETER,     "/measurement",   "is of one selection"    },
        {AB("", "", ",\"cursor\":\"x\""),         E_NOT_SUPPORTED,     "/cursor",        "a join has no pages"    },
        {AB("", "", ",\"versions\":\"all\""),     E_NOT_SUPPORTED,     "/versions",      "not for a join"         },
        {AB("", "", ",\"format\":\"line_protocol\""), E_BAD_PARAMETER, "/format",        "json, ndjson or csv"    },
        {AB("", "", ",\"format\":\"xml\""),       E_BAD_PARAMETER,     "/format",        "xml"                    },
        {AB("", "", ",\"join\":\"cross\""),       E_BAD_PARAMETER,     "/join",          "inner, left or outer"   },
        {AB("", "", ",\"join\":1"),               E_BAD_PARAMETER,     "/join",          "inner, left or outer"   },
        {AB("", "", ",\"every\":\"1h\""),         E_BAD_PARAMETER,     "/every",         "holds for no selection" },
        {AB("", ",\"agg\":\"sum\"", ",\"tz\":\"UTC\""), E_BAD_PARAMETER, "/tz",          "holds for no selection" },
        {AB("", ",\"agg\":\"sum\"", ",\"every\":\"x\""), E_BAD_PARAMETER, "/every",      "\"x\""                  },
        {AB("", ",\"end\":3", ",\"start\":3"),    E_BAD_PARAMETER,     "/selections/b/end", "after start"         },
        {AB("", ",\"start\":3", ",\"end\":3"),    E_BAD_PARAMETER,     "/end",           "after start"            },
        {AB("", ",\"evry\":\"1h\"", ""),          E_UNKNOWN_PARAMETER, "/selections/b/evry", "\"every\"?"         },
        {AB("", ",\"spred\":true", ""),           E_UNKNOWN_PARAMETER, "/selections/b/spred", "\"spread\"?"       },
        {AB("", ",\"spread\":1", ""),             E_BAD_PARAMETER,     "/selections/b/spread", "how long a row holds"},
        {AB("", ",\"spread\":\"x\"", ""),         E_BAD_PARAMETER,     "/selections/b/spread", "\"x\""            },
        {AB("", ",\"every\":\"x\",\"agg\":\"sum\"", ""), E_BAD_PARAMETER, "/selections/b/every", "\"x\""          },
        {AB("", ",\"match\":[\"a=b\",\"c=~(\"]", ""), E_BAD_PARAMETER, "/selections/b/match/1", ""                  },
        {AB("", ",\"where\":[1]", ""),            E_BAD_PARAMETER,     "/selections/b/where/0", "want a text"     },
        {AB("", ",\"limit\":1", ""),              E_BAD_PARAMETER,     "/selections/b/limit", "beside \"selections\""},
        {AB("", ",\"top\":\"1,a\"", ""),          E_NOT_SUPPORTED,     "/selections/b/top", "not for a join"      },
        {AB("", ",\"agg\":\"sum\",\"group_by\":\"*\"", ""), E_BAD_PARAMETER, "/selections/b/group_by", "their names"},
        {AB(GROUP("\"x\""), GROUP("\"x\",\"y\""), ""), E_BAD_PARAMETER, "/selections/b/group_by", "other tags than \"a\""},
        {AB(",\"spread\":true", ",\"spread\":true", ""), E_BAD_PARAMETER, "/selections/a/spread", "at least one"   },
        {AB(",\"spread\":true", "", ",\"join\":\"left\""), E_BAD_PARAMETER, "/selections/a/spread", "the first"    },
        {AB("", "", ",\"let\":[\"x\"]"),          E_BAD_PARAMETER,     "/let/0",           "an expression"          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, 1 << 20, NULL);
        code = parse_doc(cases[i].text, "", &arena, &query, &err);
        if (code != cases[i].code || strcmp(err.pointer, cases[i].pointer) != 0 ||
            !strstr(err.text, cases[i].part) || query)
            fail_msg("%s: got %s, \"%s\", \"%s\"", cases[i].text, code_row(code)->slug,
                     err.pointer, err.text);
        arena_release(&arena);
    }
}

static void test_groups_by_the_same_tags_in_any_order(void **state)
{
    struct query *query;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(
        parse_doc(AB(GROUP("\"x\",\"y\""), GROUP("\"y\",\"x\""), ""), "", &arena, &query, NULL), OK);
    assert_int_equal(parse_doc(AB(GROUP("\"x\""), GROUP(""), ""), "", &arena, &query, NULL), OK);
    arena_release(&arena);
}

static void test_so_many_selections(void **state)
{
    (void)state;
    for (int count = JOIN_SELECTIONS_MAX - 1; count <= JOIN_SELECTIONS_MAX + 1; count++) {
        struct buf text = BUF_INIT(65536);
        struct query *query;
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        buf_put_text(&text, "{\"selections\":{");
        for (int i = 0; i < count; i++)
            buf_printf(&text, "%s\"s%d\":{\"measurement\":\"m\"}", i ? "," : "", i);
        buf_put_text(&text, "}}");
        assert_int_equal(query_parse_json(buf_bytes(&text), BYTES(""), NOW, &arena, &query, NULL),
                         count > JOIN_SELECTIONS_MAX ? E_BAD_PARAMETER : OK);
        buf_release(&text);
        arena_release(&arena);
    }
}

static void test_names_have_a_length(void **state)
{
    (void)state;
    for (int size = 63; size <= 65; size++) {
        struct buf text = BUF_INIT(65536);
        struct query *query;
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        buf_printf(&text, "{\"selections\":{\"%0*d\":{\"measurement\":\"m\"}}}", size, 0);
        memset(text.data + strlen("{\"selections\":{\""), 'a', (size_t)size);
        assert_int_equal(query_parse_json(buf_bytes(&text), BYTES(""), NOW, &arena, &query, NULL),
                         size > 64 ? E_BAD_PARAMETER : OK);
        buf_release(&text);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_question_is_that_of_a_url),
        cmocka_unit_test(test_selections_take_what_stands_around_them),
        cmocka_unit_test(test_every_fault_is_named),
        cmocka_unit_test(test_groups_by_the_same_tags_in_any_order),
        cmocka_unit_test(test_so_many_selections),
        cmocka_unit_test(test_names_have_a_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
