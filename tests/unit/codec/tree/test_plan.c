#include "tests/unit/codec/tree/tree_fixture.h"

#include "codec/tree/plan.h"

/* Of one slot; '!' before it: of the document. */
static enum code make(const char *rows, bool zip, const char *slot, unsigned *passes,
                      struct error *err)
{
    const struct rows_case one = {.rows = rows, .zip = zip, .slots = {slot}};
    const struct tree_plan *plan = NULL;
    struct arena arena;
    enum code code;

    arena_init(&arena, 1 << 20, NULL);
    code = rows_plan(&one, &arena, &plan, err);
    assert_true((code == OK) == (plan != NULL));
    *passes = plan == NULL ? 0 : tree_plan_passes(plan);
    arena_release(&arena);
    return code;
}

static void test_passes(void **state)
{
    static const struct {
        const char *rows;
        bool zip;
        const char *slot;
        unsigned want;
    } cases[] = {
        {"/a/*",  false, "x",    1},
        {"/a/*",  false, "",     1},
        {"/a/*",  false, "../x", 2},
        {"/a/*",  false, "..",   2},
        {"/a/*",  false, "/x",   2},
        {"/a/*",  false, "!/x",  1},
        {"*",     false, "/x",   1},
        {"/",     false, "/x",   1},
        {"/",     true,  "/x",   2},
        {"/a",    true,  "x",    1},
        {"/a",    true,  "../x", 2},
        {"*/a/*", false, "/x",   2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        unsigned passes;

        if (make(cases[i].rows, cases[i].zip, cases[i].slot, &passes, &err) != OK)
            fail_msg("%zu: %s", i, err.text);
        if (passes != cases[i].want)
            fail_msg("%s, %s: %u passes", cases[i].rows, cases[i].slot, passes);
    }
}

static void test_plans_that_are_refused(void **state)
{
    static const struct {
        const char *rows;
        bool zip;
        const char *slot, *want;
    } cases[] = {
        {"/*",       false, "../x",       "\"../x\": \"../\" leads above the document"                },
        {"*",        false, "..",         "\"..\": \"../\" leads above the document"                  },
        {"/a/*/b/*", false, "../../../x", "\"../../../x\": \"../\" leads above the document"          },
        {"/a",       true,  "../../x",    "\"../../x\": \"../\" leads above the document"             },
        {"/a",       true,  "",           "\"\": a row of a zip is no thing of its own; name an array"},
        {"/a",       false, "!x",         "\"x\": what is wanted of the document begins with a slash" },
        {"a/*",      false, "x",
         "\"a/*\": the path of rows begins with a slash, or with \"*\" where each document is a "
         "row"                                                                                        },
        {"../a",     false, "x",
         "\"../a\": the path of rows begins with a slash, or with \"*\" where each document is a "
         "row"                                                                                        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        unsigned passes;

        assert_int_equal(make(cases[i].rows, cases[i].zip, cases[i].slot, &passes, &err),
                         E_BAD_PARAMETER);
        assert_string_equal(err.text, cases[i].want);
    }
}

static void test_as_many_slots_as_allowed(void **state)
{
    static struct tree_slot slots[TREE_SLOTS_MAX + 1];
    struct tree_path rows;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 24, NULL);
    assert_int_equal(tree_path_parse(BYTES("/*"), true, &arena, &rows, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(slots); i++) {
        char name[8];

        snprintf(name, sizeof(name), "n%zu", i * 7 % COUNT_OF(slots));
        assert_int_equal(tree_path_parse(bytes_of(name), false, &arena, &slots[i].path, NULL), OK);
    }
    for (size_t count = TREE_SLOTS_MAX; count <= TREE_SLOTS_MAX + 1; count++) {
        const struct tree_plan *plan = NULL;
        enum code code = tree_plan_make(&rows, false, slots, count, &arena, &plan, NULL);

        assert_int_equal(code, count == TREE_SLOTS_MAX ? OK : E_BAD_PARAMETER);
        for (size_t i = 0; code == OK && i < count; i++) {
            const struct tree_node *node =
                tree_node_child(plan->root->any, slots[i].path.steps[0].name);

            assert_non_null(node);
            assert_int_equal(node->slots[0], i);
        }
        if (code == OK)
            assert_null(tree_node_child(plan->root->any, BYTES("n")));
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_plans_that_are_refused),
        cmocka_unit_test(test_as_many_slots_as_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
