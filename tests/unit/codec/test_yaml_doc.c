#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/yaml_doc.h"

/* {a: [x, "y"]} as such, with line numbers where asked. */
static void print(const struct yaml_node *node, struct buf *out)
{
    if (!node) {
        buf_put_text(out, "nothing");
        return;
    }
    if (node->kind == YAML_KIND_TEXT) {
        buf_printf(out, node->plain ? "%.*s" : "'%.*s'", BYTES_ARG(node->text));
        return;
    }
    buf_put_char(out, node->kind == YAML_KIND_MAP ? '{' : '[');
    for (const struct yaml_node *child = node->first; child; child = child->next) {
        if (child != node->first)
            buf_put_char(out, ' ');
        if (node->kind == YAML_KIND_MAP)
            buf_printf(out, "%.*s@%u:", BYTES_ARG(child->key), child->line);
        print(child, out);
    }
    buf_put_char(out, node->kind == YAML_KIND_MAP ? '}' : ']');
}

static void test_a_document_becomes_maps_lists_and_text(void **state)
{
    static const struct {
        const char *name, *text, *want;
    } cases[] = {
        {"nothing",           "",                            "nothing"                  },
        {"a comment only",    "# hello\n",                   "nothing"                  },
        {"a start only",      "---\n",                       "nothing"                  },
        {"block style",       "a: 1\nb:\n  - x\n  - y: z\n", "{a@1:1 b@2:[x {y@4:z}]}"  },
        {"flow style",        "{a: [x, 'y z'], b: {}}",      "{a@1:[x 'y z'] b@1:{}}"   },
        {"nothing is empty",  "a:\nb: ~\n",                  "{a@1: b@2:~}"             },
        {"escapes",           "a: \"x\\u00e9\\n\"",          "{a@1:'x\xc3\xa9\n'}"      },
        {"text over lines",   "a: |\n  x\n  y\nb: 1\n",      "{a@1:'x\ny\n' b@4:1}"     },
        {"a list",            "[1, 2]",                      "[1 2]"                    },
        {"numbers stay text", "a: 007\nb: 1e3\nc: yes\n",    "{a@1:007 b@2:1e3 c@3:yes}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct yaml_node *root = NULL;
        struct buf out = BUF_INIT(1000);
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (yaml_doc_parse(bytes_of(cases[i].text), &arena, &root, &err))
            fail_msg("%s: %s", cases[i].name, err.text);
        print(root, &out);
        if (!bytes_equal(buf_bytes(&out), bytes_of(cases[i].want)))
            fail_msg("%s: got %.*s", cases[i].name, BYTES_ARG(buf_bytes(&out)));
        buf_release(&out);
        arena_release(&arena);
    }
}

static void test_what_is_not_taken_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *name, *text;
        uint32_t line;
        const char *told;
    } cases[] = {
        {"a key twice",            "a: 1\nb: 2\na: 3\n",                  3, "line 3: key \"a\" stands twice"  },
        {"a key twice, deeper",    "x:\n  a: 1\n  'a': 3\n",              3, "key \"a\" stands twice"          },
        {"an anchor",              "a: &x 1\nb: 2\n",                     1, "anchors and aliases (\"x\")"     },
        {"an alias",               "a: 1\nb: *x\n",                       2, "anchors and aliases (\"x\")"     },
        {"an anchored map",        "a: 1\nb: &y\n  c: 1\n",               2, "anchors and aliases"             },
        {"a tag",                  "a: 1\nb: !!int 5\n",                  2, "tags (\"tag:yaml.org,2002:int\")"},
        {"a tagged list",          "!foo [1]\n",                          1, "tags (\"!foo\")"                 },
        {"a second document",      "a: 1\n---\nb: 1\n",                   2, "a second document"               },
        {"a key that is a list",   "? [a]\n: 1\n",                        1, "a key must be text"              },
        {"a tab",                  "a:\n\tb: 1\n",                        2, "cannot start any token"          },
        {"an open list",           "a: [1\nb: 2\n",                       2, "while parsing a flow"            },
        {"an open string",         "a: \"x\n",                            2, "quoted scalar"                   },
        {"17 levels",              "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 1, "nested deeper than 16"           },
        {"bytes that are no text", "a: \xff\n",                           0, "byte 3"                          },
        {"a control byte",         "a: \x01\n",                           0, "control characters"              },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct yaml_node *root = NULL;
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        code = yaml_doc_parse(bytes_of(cases[i].text), &arena, &root, &err);
        if (code != E_CONFIG || root || err.line != cases[i].line ||
            !strstr(err.text, cases[i].told))
            fail_msg("%s: got %d, line %u: %s", cases[i].name, code, err.line, err.text);
        arena_release(&arena);
    }
}

struct taken {
    struct bytes host, port;
};

static enum code take_host(void *context, const struct yaml_node *member, struct error *err)
{
    return yaml_text_take(member, &((struct taken *)context)->host, err);
}

static enum code take_port(void *context, const struct yaml_node *member, struct error *err)
{
    return yaml_text_take(member, &((struct taken *)context)->port, err);
}

static void test_a_map_is_taken_by_a_table_of_keys(void **state)
{
    static const struct yaml_key keys[] = {
        {"host", take_host},
        {"port", take_port},
    };
    static const struct {
        const char *name, *text, *told;
    } cases[] = {
        {"all keys",       "host: a\nport: 1\n", NULL                                         },
        {"no keys",        "{}",                 NULL                                         },
        {"a near key",     "host: a\nprot: 1\n",
         "line 2: unknown key \"prot\"; did you mean \"port\"?"                               },
        {"a far key",      "address: a\n",       "line 1: unknown key \"address\""            },
        {"an empty value", "host:\n",            "line 1: \"host\" has no value"              },
        {"a list",         "host: [a]\n",        "line 1: \"host\" must be a single value"    },
        {"no map",         "[a]",                "line 1: a server must be a map (key: value)"},
        {"only text",      "text",               "line 1: a server must be a map (key: value)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct yaml_node *root = NULL;
        struct taken taken = {0};
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, SIZE_MAX, NULL);
        assert_int_equal(yaml_doc_parse(bytes_of(cases[i].text), &arena, &root, NULL), OK);
        code = yaml_map_take(root, "a server", keys, COUNT_OF(keys), &taken, &err);
        if ((code != OK) != (cases[i].told != NULL) ||
            (cases[i].told && strcmp(err.text, cases[i].told) != 0))
            fail_msg("%s: got %d: %s", cases[i].name, code, err.text);
        if (i == 0)
            assert_true(bytes_equal(taken.port, BYTES("1")));
        arena_release(&arena);
    }
}

static void test_a_full_arena_is_told(void **state)
{
    const struct yaml_node *root = NULL;
    struct error err = {0};
    struct arena arena;

    (void)state;
    for (size_t size = 0; size < 400; size += 50) {
        arena_init(&arena, size, NULL);
        assert_int_equal(
            yaml_doc_parse(BYTES("a: [1, 2, 3]\nb: {c: 1, d: 2}\n"), &arena, &root, &err),
            E_MEMORY);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document_becomes_maps_lists_and_text),
        cmocka_unit_test(test_what_is_not_taken_is_refused_with_its_line),
        cmocka_unit_test(test_a_map_is_taken_by_a_table_of_keys),
        cmocka_unit_test(test_a_full_arena_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
