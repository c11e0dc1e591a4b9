#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/tree/path.h"

static void test_paths(void **state)
{
    static const struct {
        const char *text;
        bool absolute;
        uint32_t up;
        size_t count;
        const char *last; /* step */
    } cases[] = {
        {"",              false, 0, 0, NULL        },
        {"/",             true,  0, 0, NULL        },
        {"a",             false, 0, 1, "a"         },
        {"/a/b",          true,  0, 2, "b"         },
        {"a/0/b c",       false, 0, 3, "b c"       },
        {"/a~1b/c~0d~01", true,  0, 2, "c~d~1"     },
        {"..",            false, 1, 0, NULL        },
        {"../",           false, 1, 0, NULL        },
        {"../../a/@b",    false, 2, 2, "@b"        },
        {"*",             false, 0, 1, "*"         },
        {"/*/a/*",        true,  0, 3, "*"         },
        {"a*/..b",        false, 0, 2, "..b"       },
        {"\xc3\xa4.b",    false, 0, 1, "\xc3\xa4.b"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf printed = BUF_INIT(1000);
        struct tree_path path;
        struct error err = {0};
        bool star;

        if (tree_path_parse(bytes_of(cases[i].text), true, &arena, &path, &err) != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(path.absolute, cases[i].absolute);
        assert_int_equal(path.up, cases[i].up);
        assert_int_equal(path.count, cases[i].count);
        star = path.count > 0 && path.steps[path.count - 1].any;
        if (path.count > 0 && !bytes_equal(star ? BYTES("*") : path.steps[path.count - 1].name,
                                           bytes_of(cases[i].last)))
            fail_msg("%s", cases[i].text);
        tree_path_print(&path, &printed);
        buf_put_char(&printed, '\0');
        assert_string_equal(printed.data, strcmp(cases[i].text, "../") == 0 ? ".." : cases[i].text);
        buf_release(&printed);
    }
    arena_release(&arena);
}

static void test_paths_that_are_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"a//b",   "\"a//b\", character 3: an empty name"                                          },
        {"/a/",    "\"/a/\", character 4: an empty name"                                           },
        {"//",     "\"//\", character 2: an empty name"                                            },
        {"a~2",    "\"a~2\", character 2: behind \"~\" stands neither 0 (a tilde) nor 1 (a slash)" },
        {"b/a~",   "\"b/a~\", character 4: behind \"~\" stands neither 0 (a tilde) nor 1 (a slash)"},
        {"a/../b", "\"a/../b\", character 3: \"..\" stands at a path's beginning alone"            },
        {"/../b",  "\"/../b\", character 2: \"..\" stands where no slash leads the path"           },
        {"../*",   "\"../*\", character 4: \"*\" stands in `rows` alone; an element has its number"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tree_path path;
        struct error err = {0};

        assert_int_equal(tree_path_parse(bytes_of(cases[i].text), false, &arena, &path, &err),
                         E_BAD_PARAMETER);
        assert_string_equal(err.text, cases[i].want);
    }
    arena_release(&arena);
}

/* `steps` steps of `size` bytes with their slash. */
static enum code parse_long(size_t steps, size_t size)
{
    struct buf text = BUF_INIT(1 << 20);
    struct tree_path path;
    struct arena arena;
    enum code code;

    arena_init(&arena, 1 << 20, NULL);
    for (size_t i = 0; i < steps * size; i++)
        buf_put_char(&text, i % size == 0 ? '/' : 'x');
    code = tree_path_parse(buf_bytes(&text), false, &arena, &path, NULL);
    assert_true(code != OK || path.count == steps);
    buf_release(&text);
    arena_release(&arena);
    return code;
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_long(TREE_PATH_STEPS_MAX, 2), OK);
    assert_int_equal(parse_long(TREE_PATH_STEPS_MAX + 1, 2), E_BAD_PARAMETER);
    assert_int_equal(parse_long(1, TREE_PATH_SIZE_MAX), OK);
    assert_int_equal(parse_long(1, TREE_PATH_SIZE_MAX + 1), E_BAD_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_paths_that_are_refused),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
