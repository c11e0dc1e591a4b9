#include "tests/unit/codec/tree/tree_fixture.h"

#include "base/number.h"
#include "codec/json_doc.h"
#include "tests/unit/codec/seed.h"

static const struct {
    const char *name, *body, *want;
} documents[] = {
    {"a number",             "12",                                                               "12\n"                        },
    {"white space",          " \r\n\t[ 1 , 2 ]\n ",                                              "[1 2]\n"                     },
    {"all kinds",            "{\"a\":[1,-0.5e+3,\"x\",true,false,null,{}],\"b\":[]}",
     "{a:[1 -0.5e+3 \"x\" T F N {}] b:[]}\n"                                                                                   },
    {"digits stay",          "[12345678901234567890.10, 1E400, -0, 0.10]",
     "[12345678901234567890.10 1E400 -0 0.10]\n"                                                                               },
    {"names twice",          "{\"a\":1,\"a\":2,\"\":3}",                                         "{a:1 a:2 :3}\n"              },
    {"escapes",              "[\"\\\"\\\\\\/\\b\\n\\t\\u00e4\\ud83d\\ude00\",\"\\\\\"]",
     "[\"\"\\/\b\n\t\xc3\xa4\xf0\x9f\x98\x80\" \"\\\"]\n"                                                                      },
    {"an escape in a name",  "{\"\\u0061b\\u0063\":\"\"}",                                       "{abc:\"\"}\n"                },
    {"UTF-8",                "[\"\xc3\xa4\xe2\x82\xac\"]",                                       "[\"\xc3\xa4\xe2\x82\xac\"]\n"},
    {"a mark of byte order", "\xef\xbb\xbf[1]",                                                  "[1]\n"                       },
    {"deep enough",          "[[[[[[[[1]]]]]]]]",                                                "[[[[[[[[1]]]]]]]]\n"         },
    {"long enough",          "\"123456789 123456789 123456789 123456789 123456789 123456789 \"",
     "\"123456789 123456789 123456789 123456789 123456789 123456789 \"\n"                                                      },
};

static const struct {
    const char *name, *body, *want;
} faults[] = {
    {"nothing",                      "",                                                                        "!bad_syntax line 1, column 1: the JSON ends; expected a value"     },
    {"white space alone",            " \n ",                                                                    "!bad_syntax line 2, column 2: the JSON ends; expected a value"     },
    {"a mark alone",                 "\xef\xbb\xbf",
     "!bad_syntax line 1, column 1: the JSON ends; expected a value"                                                                                                                },
    {"half a mark",                  "\xef\xbb",                                                                "!bad_syntax line 1, column 1: expected a value"                    },
    {"half a mark, more",            "\xef\xbb[1]",                                                             "!bad_syntax line 1, column 1: expected a value"                    },
    {"a mark later",                 "[\xef\xbb\xbf]",                                                          "[!bad_syntax line 1, column 2: expected a value or ']'"            },
    {"two values",                   "1 2",                                                                     "1\n!bad_syntax line 1, column 3: expected nothing more"            },
    {"an end too many",              "[]]",                                                                     "[]\n!bad_syntax line 1, column 3: expected nothing more"           },
    {"the wrong end",                "[1}",                                                                     "[1!bad_syntax line 1, column 3: expected ',' or ']'"               },
    {"the wrong end, object",        "{\"a\":1]",                                                               "{a:1!bad_syntax line 1, column 7: expected ',' or '}'"             },
    {"a comma at the end",           "[1,\n]",                                                                  "[1!bad_syntax line 2, column 1: expected a value"                  },
    {"the same, object",             "{\"a\":1,}",
     "{a:1!bad_syntax line 1, column 8: expected a member's name in quotes"                                                                                                         },
    {"no comma",                     "[1 2]",                                                                   "[1!bad_syntax line 1, column 4: expected ',' or ']'"               },
    {"no colon",                     "{\"a\" 1}",
     "{a:!bad_syntax line 1, column 6: expected ':' behind a member's name"                                                                                                         },
    {"no name",                      "{1:2}",
     "{!bad_syntax line 1, column 2: expected a member's name in quotes or '}'"                                                                                                     },
    {"no value",                     "{\"a\":}",                                                                "{a:!bad_syntax line 1, column 6: expected a value"                 },
    {"single quotes",                "['a']",                                                                   "[!bad_syntax line 1, column 2: expected a value or ']'"            },
    {"HTML",                         "<html>",                                                                  "!bad_syntax line 1, column 1: expected a value"                    },
    {"NaN",                          "[NaN]",                                                                   "[!bad_syntax line 1, column 2: expected a value or ']'"            },
    {"a long word",                  "nullnullnull",                                                            "!bad_syntax line 1, column 1: expected a value"                    },
    {"half a word",                  "[1,\n tru",                                                               "[1!bad_syntax line 2, column 2: expected a value"                  },
    {"a comment",                    "[1] // x",                                                                "[1]\n!bad_syntax line 1, column 5: expected nothing more"          },
    {"cut in an array",              "[1",                                                                      "[1!bad_syntax line 1, column 3: the JSON ends; expected ',' or ']'"},
    {"cut in a text",                "[\"ab",                                                                   "[!bad_syntax line 1, column 5: the JSON ends within a text"        },
    {"cut behind a name",            "{\"ab\"",
     "{ab:!bad_syntax line 1, column 6: the JSON ends; expected ':' behind a member's name"                                                                                         },
    {"a zero in front",              "[012]",                                                                   "[!bad_syntax line 1, column 3: a number that begins with 0"        },
    {"no digit",                     "[-]",                                                                     "[!bad_syntax line 1, column 3: expected a digit"                   },
    {"a plus",                       "[+1]",                                                                    "[!bad_syntax line 1, column 2: expected a value or ']'"            },
    {"no fraction",                  "[1.]",                                                                    "[!bad_syntax line 1, column 4: expected a digit behind the point"  },
    {"no whole part",                "[.5]",                                                                    "[!bad_syntax line 1, column 2: expected a value or ']'"            },
    {"no exponent",                  "[1e+]",                                                                   "[!bad_syntax line 1, column 5: expected a digit in the exponent"   },
    {"two points",                   "[1.2.3]",                                                                 "[!bad_syntax line 1, column 5: this is no number"                  },
    {"a number cut",                 "1.",                                                                      "!bad_syntax line 1, column 3: expected a digit behind the point"   },
    {"a line end in a text",         "[\"a\nb\"]",
     "[!bad_syntax line 1, column 4: a control byte in a string; write \\u and its code"                                                                                            },
    {"no escape",                    "[\"ab\\x\"]",                                                             "[!bad_syntax line 1, column 5: this is no escape"                  },
    {"half an escape",               "[\"\\u12\"]",                                                             "[!bad_syntax line 1, column 3: this is no escape"                  },
    {"a low half alone",             "[\"\\udc00\"]",                                                           "[!bad_syntax line 1, column 3: this is no escape"                  },
    {"a high half alone",            "[\"\\ud800\"]",                                                           "[!bad_syntax line 1, column 3: this is no escape"                  },
    {"two high halves",              "[\"\\ud800\\ud800\"]",                                                    "[!bad_syntax line 1, column 3: this is no escape"                  },
    {"not UTF-8",                    "[\"ab\xff\"]",                                                            "[!bad_utf8 line 1, column 5: 0xff is not UTF-8"                    },
    {"not UTF-8 behind a backslash", "[\"\\\xb8\"]",
     "[!bad_utf8 line 1, column 4: 0xb8 is not UTF-8"                                                                                                                               },
    {"half a character",             "[\"\xe2\x82\"]",                                                          "[!bad_utf8 line 1, column 3: 0xe2 is not UTF-8"                    },
    {"a surrogate in UTF-8",         "[\"\xed\xa0\x80\"]",
     "[!bad_utf8 line 1, column 3: 0xed is not UTF-8"                                                                                                                               },
    {"too deep",                     "[[[[[[[[[1",
     "[[[[[[[[!nested_too_deep line 1, column 9: nested deeper than the 8 levels allowed"                                                                                           },
    {"too long",                     "[\n\"123456789 123456789 123456789 123456789 123456789 123456789 1\"]",
     "[!value_too_long line 2, column 1: longer than a text or number may be"                                                                                                       },
    {"too long for ever",            "\"123456789 123456789 123456789 123456789 123456789 123456789 1234567\n",
     "!value_too_long line 1, column 1: longer than a text or number may be"                                                                                                        },
    {"a long number",                "1234567890123456789012345678901234567890123456789012345678901",
     "!value_too_long line 1, column 1: longer than a text or number may be"                                                                                                        },
};

static void test_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documents); i++)
        expect_events(&tree_json, NULL, documents[i].name, bytes_of(documents[i].body),
                      documents[i].want);
    expect_events(&tree_json, NULL, "a NUL", BYTES("[1\0]"),
                  "[1!bad_syntax line 1, column 3: expected ',' or ']'");
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        expect_events(&tree_json, NULL, faults[i].name, bytes_of(faults[i].body), faults[i].want);
}

static void test_lines(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        {"nothing",          "",                      ""                                                                     },
        {"lines",            "{\"a\":1}\n[2]\r\n3\n", "{a:1}\n[2]\n3\n"                                                      },
        {"no last line end", "1\n2",                  "1\n2\n"                                                               },
        {"blank lines",      "\n \n1\n\n\r\n2\n\n",   "1\n2\n"                                                               },
        {"a mark",
         "\xef\xbb\xbf"
         "1\n",                                       "1\n"                                                                  },
        {"two on a line",    "1\n2 3\n",              "1\n2\n!bad_syntax line 2, column 3: expected nothing more"            },
        {"over two lines",   "1\n[2,\n3]\n",
         "1\n[2!bad_syntax line 2, column 4: the line ends; expected a value"                                                },
        {"cut",              "1\n[2",                 "1\n[2!bad_syntax line 2, column 3: the JSON ends; expected ',' or ']'"},
        {"a word cut",       "1\nnul\n2",             "1\n!bad_syntax line 2, column 1: expected a value"                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_events(&tree_ndjson, NULL, cases[i].name, bytes_of(cases[i].body), cases[i].want);
}

static enum code take_nul(void *context, const struct tree_event *event, struct error *err)
{
    (void)err;
    *(bool *)context = event->kind == TREE_TEXT && bytes_equal(event->text, BYTES("\0"));
    return OK;
}

static void test_a_text_may_hold_a_nul(void **state)
{
    bool seen = false;
    struct tree_sink sink = {take_nul, &seen};
    struct error err = {0};

    (void)state;
    assert_int_equal(fixture_feed(&tree_json, &fixture_limits, NULL, &sink, BYTES("\"\\u0000\""),
                                  100, 100, &err),
                     OK);
    assert_true(seen);
}

static enum code refuse_third(void *context, const struct tree_event *event, struct error *err)
{
    (void)event;
    return ++*(int *)context == 3 ? error_set(err, E_POINTS_MANY, "enough") : OK;
}

static void test_what_the_sink_says_ends_the_reading(void **state)
{
    int count = 0;
    struct tree_sink sink = {refuse_third, &count};
    struct error err = {0};

    (void)state;
    assert_int_equal(
        fixture_feed(&tree_json, &fixture_limits, NULL, &sink, BYTES("[1,2,3,4]"), 100, 100, &err),
        E_POINTS_MANY);
    assert_int_equal(count, 3);
}

/* --- beside jansson --- */

static void put_random(struct random *random, struct buf *out, unsigned depth);

static void put_random_text(struct random *random, struct buf *out)
{
    static const char *const parts[] = {"a",
                                        "bc",
                                        "\\n",
                                        "\\u00e4",
                                        "\xc3\xa4",
                                        "\\\\",
                                        " ",
                                        "\\\"",
                                        "\\/",
                                        "\\ud83d\\ude00",
                                        "{}",
                                        ",",
                                        "\xe2\x82\xac",
                                        "longer than a word"};

    buf_put_char(out, '"');
    for (uint64_t i = random_below(random, 5); i > 0; i--)
        buf_put_text(out, parts[random_below(random, COUNT_OF(parts))]);
    buf_put_char(out, '"');
}

static void put_random_container(struct random *random, struct buf *out, unsigned depth)
{
    bool object = random_below(random, 2);

    buf_put_char(out, object ? '{' : '[');
    for (uint64_t i = 0, count = random_below(random, 5); i < count; i++) {
        buf_put_text(out, i == 0 ? " " : " ,\n");
        if (object) {
            buf_printf(out, "\"%llu", (unsigned long long)i); /* none twice: jansson refuses it */
            buf_put_text(out, "\\u0061\" :");
        }
        put_random(random, out, depth + 1);
    }
    buf_put_char(out, object ? '}' : ']');
}

static void put_random(struct random *random, struct buf *out, unsigned depth)
{
    static const char *const leaves[] = {"0",   "-1",   "12345", "1.5", "-2.5e-3",
                                         "1e5", "true", "false", "null"};
    uint64_t kind = random_below(random, depth == 0 ? 4 : 10);

    if (kind < 4 && depth < 7)
        put_random_container(random, out, depth);
    else if (kind < 6)
        put_random_text(random, out);
    else
        buf_put_text(out, leaves[random_below(random, COUNT_OF(leaves))]);
}

/* As events_take() would have it. */
static void put_json(const struct json *value, struct buf *out)
{
    bool first = true;
    struct json *member;
    struct bytes key;

    switch (json_kind(value)) {
    case JSON_KIND_NULL:
        buf_put_char(out, 'N');
        break;
    case JSON_KIND_BOOL:
        buf_put_char(out, json_bool_of(value) ? 'T' : 'F');
        break;
    case JSON_KIND_INTEGER:
        buf_printf(out, "%lld", (long long)json_integer_of(value));
        break;
    case JSON_KIND_REAL:
        buf_printf(out, "%.17g", json_real_of(value));
        break;
    case JSON_KIND_TEXT:
        buf_printf(out, "\"%.*s\"", BYTES_ARG(json_text_of(value)));
        break;
    case JSON_KIND_ARRAY:
        buf_put_char(out, '[');
        for (size_t i = 0; i < json_count(value); i++) {
            if (i > 0)
                buf_put_char(out, ' ');
            put_json(json_element(value, i), out);
        }
        buf_put_char(out, ']');
        break;
    case JSON_KIND_OBJECT:
        buf_put_char(out, '{');
        for (void *at = NULL; json_next(value, &at, &key, &member); first = false) {
            buf_printf(out, first ? "%.*s:" : " %.*s:", BYTES_ARG(key));
            put_json(member, out);
        }
        buf_put_char(out, '}');
        break;
    }
}

/* Numbers by what they are: jansson keeps no text. */
static enum code take_by_value(void *context, const struct tree_event *event, struct error *err)
{
    struct tree_event other = *event;
    char text[40];

    if (event->kind == TREE_NUMBER && memchr(event->text.data, '.', event->text.size) == NULL &&
        memchr(event->text.data, 'e', event->text.size) == NULL)
        return events_take(context, event, err);
    if (event->kind == TREE_NUMBER) {
        double value = 0;

        assert_int_equal(number_parse_f64(event->text, &value), OK);
        other.text = (struct bytes){text, (size_t)snprintf(text, sizeof(text), "%.17g", value)};
    }
    return events_take(context, &other, err);
}

static void test_random_documents_are_what_jansson_reads(void **state)
{
    static const struct tree_limits limits = {.depth_max = 20, .leaf_bytes_max = 1000};
    struct buf body = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
    struct events events = {.text = BUF_INIT(1 << 20)};
    struct tree_sink sink = {take_by_value, &events};
    struct random random;

    (void)state;
    seed_random(&random);
    for (int round = 0; round < 3000; round++) {
        struct json *root = NULL;
        struct error ours = {0}, theirs = {0};
        enum code code;

        buf_clear(&body);
        buf_clear(&want);
        buf_clear(&events.text);
        events.depth = 0;
        events.space = false;
        put_random(&random, &body, 0);
        if (random_below(&random, 4) == 0) /* a byte is another */
            body.data[random_below(&random, body.size)] =
                "{}[],:\"\\0e x"[random_below(&random, 12)];
        /* jansson has a -0 that is 0, and refuses U+0000 in names alone */
        if ((body.data[0] != '{' && body.data[0] != '[') ||
            memmem(body.data, body.size, "-0", 2) != NULL ||
            memmem(body.data, body.size, "\\u0000", 6) != NULL)
            continue;
        code = fixture_feed(&tree_json, &limits, NULL, &sink, buf_bytes(&body),
                            1 + random_below(&random, body.size), 1 + random_below(&random, 30),
                            &ours);
        if (json_doc_parse(buf_bytes(&body), 20, &root, &theirs) == OK) {
            put_json(root, &want);
            buf_put_char(&want, '\n');
            json_doc_free(root);
        }
        /* What jansson alone refuses: names that stand twice. */
        if ((code == OK) != (theirs.code == OK) && strstr(theirs.text, "duplicate") == NULL)
            fail_msg("round %d: %.*s\nours: %s\ntheirs: %s", round, BYTES_ARG(buf_bytes(&body)),
                     ours.text, theirs.text);
        if (theirs.code == OK && !bytes_equal(buf_bytes(&want), buf_bytes(&events.text)))
            fail_msg("round %d: %.*s\nours: %.*s\ntheirs: %.*s", round, BYTES_ARG(buf_bytes(&body)),
                     BYTES_ARG(buf_bytes(&events.text)), BYTES_ARG(buf_bytes(&want)));
    }
    buf_release(&body);
    buf_release(&want);
    buf_release(&events.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_text_may_hold_a_nul),
        cmocka_unit_test(test_what_the_sink_says_ends_the_reading),
        cmocka_unit_test(test_random_documents_are_what_jansson_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
