#include "tests/unit/codec/tree/tree_fixture.h"

static void test_documents(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        {"a text",                         "<a>x</a>",                                                                "{a:<\"x\">}\n"                         },
        {"nothing in it",                  "<a/>",                                                                    "{a:<\"\">}\n"                          },
        {"the same, written out",          "<a></a>",                                                                 "{a:<\"\">}\n"                          },
        {"white space alone",              "<a> \n\t</a>",                                                            "{a:<\"\">}\n"                          },
        {"white space around",             "<a>\n x  y \n</a>",                                                       "{a:<\"x  y\">}\n"                      },
        {"children",                       "<a><b>1</b><b>2</b><c/></a>",                                             "{a:<{b:<\"1\"> b:<\"2\"> c:<\"\">}>}\n"},
        {"attributes",                     "<a x='1' y=\"&lt;2\"/>",                                                  "{a:<{@x:\"1\" @y:\"<2\"}>}\n"          },
        {"text beside attributes",         "<a x='1'> 5 </a>",                                                        "{a:<{@x:\"1\" #text:\"5\"}>}\n"        },
        {"text beside children",           "<a>x<b>1</b> y\n</a>",                                                    "{a:<{b:<\"1\"> #text:\"x y\"}>}\n"     },
        {"white space beside children",    "<a>\n <b>1</b>\n</a>\n",                                                  "{a:<{b:<\"1\">}>}\n"                   },
        {"namespaces",                     "<p:a xmlns:p='urn:p' xmlns='urn:q' p:x='1'><b xmlns='urn:r'>1</b></p:a>",
         "{a:<{@x:\"1\" b:<\"1\">}>}\n"                                                                                                                       },
        {"what only looks like one",       "<a xmlnsx='1'/>",                                                         "{a:<{@xmlnsx:\"1\"}>}\n"               },
        {"characters by number",           "<a>&#228;&#x20ac;&amp;</a>",                                              "{a:<\"\xc3\xa4\xe2\x82\xac&\">}\n"     },
        {"CDATA, comments, instructions",  "<?x y?><a><!-- c --><![CDATA[<b>]]>&gt;<?p q?></a>",
         "{a:<\"<b>>\">}\n"                                                                                                                                   },
        {"a DOCTYPE without declarations", "<!DOCTYPE a SYSTEM 'http://x/y.dtd'><a>1</a>",
         "{a:<\"1\">}\n"                                                                                                                                      },
        {"a mark of byte order",           "\xef\xbb\xbf<a>1</a>",                                                    "{a:<\"1\">}\n"                         },
        {"Latin-1",                        "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>",
         "{a:<\"\xc3\xa4\">}\n"                                                                                                                               },
        {"deep enough",                    "<a><b><c><d><e><f><g><h/></g></f></e></d></c></b></a>",
         "{a:<{b:<{c:<{d:<{e:<{f:<{g:<{h:<\"\">}>}>}>}>}>}>}>}\n"                                                                                             },
        {"long enough",                    "<a>123456789 123456789 123456789 123456789 123456789 123456789</a>",
         "{a:<\"123456789 123456789 123456789 123456789 123456789 123456789\">}\n"                                                                            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_events(&tree_xml, NULL, cases[i].name, bytes_of(cases[i].body), cases[i].want);
    expect_events(&tree_xml, NULL, "UTF-16",
                  BYTES("\xff\xfe<\0a\0>\0\xe4\0<\0/\0"
                        "a\0>\0"),
                  "{a:<\"\xc3\xa4\">}\n");
    expect_events(&tree_xml, NULL, "UTF-16 without a mark",
                  BYTES("\n\0<\0a\0>\0\xe4\0<\0/\0"
                        "a\0>\0"),
                  "{a:<\"\xc3\xa4\">}\n");
}

static void test_faults(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        {"nothing",                     "",                                                                     "!bad_syntax line 1, column 1: no element found"                          },
        {"cut",                         "<a>\n<b>",                                                             "{a:<{b:<!bad_syntax line 2, column 4: no element found"                  },
        {"not closed",                  "<a></b>",                                                              "{a:<!bad_syntax line 1, column 6: mismatched tag"                        },
        {"two roots",                   "<a/><b/>",
         "{a:<\"\">}\n!bad_syntax line 1, column 5: junk after document element"                                                                                                          },
        {"no such entity",              "<a>&b;</a>",                                                           "{a:<!bad_syntax line 1, column 4: undefined entity"                      },
        {"an entity that is elsewhere", "<!DOCTYPE a SYSTEM 'x'><a>&b;</a>",
         "{a:<!bad_syntax line 1, column 27: an entity that the document does not have"                                                                                                   },
        {"many laughs",                 "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
         "!bad_syntax line 1, column 13: a DOCTYPE with declarations of its own is not read"                                                                                              },
        {"an encoding nobody knows",    "<?xml version='1.0' encoding='x-y'?><a/>",
         "!bad_syntax line 1, column 31: unknown encoding"                                                                                                                                },
        {"too deep",                    "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
         "{a:<{b:<{c:<{d:<{e:<{f:<{g:<{h:<{!nested_too_deep line 1, column 25: nested deeper "
         "than the 8 levels allowed"                                                                                                                                                      },
        {"too long",                    "<a>123456789 123456789 123456789 123456789 123456789 123456789 1</a>",
         "{a:<!value_too_long"                                                                                                                                                            },
        {"an attribute too long",
         "<a b='123456789 123456789 123456789 123456789 123456789 123456789 1'/>",                              "{a:<{!value_too_long line 1, column 1: longer than a text or name may be"},
        {"a name too long",             "<a123456789012345678901234567890123456789012345678901234567890/>",
         "{!value_too_long line 1, column 1: longer than a text or name may be"                                                                                                           },
    };
    struct events events = {.text = BUF_INIT(1 << 20)};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t first = 1; first <= strlen(cases[i].body) + 1; first++) {
            /* Where a text becomes too long is told where its part began. */
            events_read(&events, &tree_xml, &fixture_limits, NULL, bytes_of(cases[i].body), first,
                        1000);
            if (strncmp(events.text.data, cases[i].want, strlen(cases[i].want)) != 0)
                fail_msg("%s, cut at %zu:\n got: %s\nwant: %s", cases[i].name, first,
                         events.text.data, cases[i].want);
        }
    buf_release(&events.text);
}

/* White space between elements is not kept, however many there are. */
static void test_many_children_take_no_room(void **state)
{
    struct events events = {.text = BUF_INIT(1 << 20)};
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    buf_put_text(&body, "<a>");
    for (int i = 0; i < 1000; i++)
        buf_put_text(&body, "\n    <b/>");
    buf_put_text(&body, "\n</a>");
    events_read(&events, &tree_xml, &fixture_limits, NULL, buf_bytes(&body), 1000, 1000);
    assert_null(strchr(events.text.data, '!'));
    buf_release(&body);
    buf_release(&events.text);
}

/* Held by the library until it is whole, so not for ever. */
static void test_a_tag_without_an_end(void **state)
{
    struct events events = {.text = BUF_INIT(1 << 20)};
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    buf_put_text(&body, "<a b='");
    while (body.size < 300000)
        buf_put_text(&body, "x                    ");
    for (size_t piece = 1000; piece <= 1000000; piece *= 1000) {
        events_read(&events, &tree_xml, &fixture_limits, NULL, buf_bytes(&body), piece, piece);
        assert_string_equal(events.text.data, "!value_too_long line 1, column 1: a tag or comment "
                                              "longer than a text may be");
    }
    buf_release(&body);
    buf_release(&events.text);
}

static enum code count_event(void *context, const struct tree_event *event, struct error *err)
{
    (void)event, (void)err;
    ++*(int *)context;
    return OK;
}

/* The library keeps each of them until the document ends. */
static void test_names_without_end(void **state)
{
    static const char *const forms[] = {"<n%u/>", "<n a%u=''/>", "<p%u:n/>"};
    int count = 0;
    const struct tree_sink sink = {count_event, &count};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        for (unsigned names = 30000; names <= 32000; names += 2000) {
            struct buf body = BUF_INIT(1 << 20);
            struct error err = {0};
            enum code code;

            buf_put_text(&body, "<a>");
            for (unsigned j = 0; j < 2 * names; j++) { /* each twice */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                buf_printf(&body, forms[i], j / 2);
#pragma GCC diagnostic pop
            }
            buf_put_text(&body, "</a>");
            assert_false(body.failed);
            code = fixture_feed(&tree_xml, &fixture_limits, NULL, &sink, buf_bytes(&body), 65536,
                                65536, &err);
            if (code != (names == 30000 ? OK : E_VALUE_LONG))
                fail_msg("%s, %u: %s", forms[i], names, err.text);
            buf_release(&body);
        }
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
    assert_int_equal(fixture_feed(&tree_xml, &fixture_limits, NULL, &sink,
                                  BYTES("<a><b x='1'/><c/></a>"), 100, 100, &err),
                     E_POINTS_MANY);
    assert_string_equal(err.text, "enough");
    assert_int_equal(count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_many_children_take_no_room),
        cmocka_unit_test(test_a_tag_without_an_end),
        cmocka_unit_test(test_names_without_end),
        cmocka_unit_test(test_what_the_sink_says_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
