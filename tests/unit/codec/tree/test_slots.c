#include "tests/unit/codec/tree/tree_fixture.h"

#include "codec/tree/slots.h"

static const struct tree_event one = {.kind = TREE_NUMBER, .text = BYTES("1")};
static const struct tree_event two = {.kind = TREE_NUMBER, .text = BYTES("2")};

static void expect_told(const struct slots *slots, uint32_t slot, const char *want)
{
    struct buf text = BUF_INIT(100);

    put_value(&text, &slots->values[slot]);
    buf_put_char(&text, '\0');
    assert_string_equal(text.data, want);
    buf_release(&text);
}

/* A row's are forgotten with it, a document's with that, and what is around rows is of one pass. */
static void test_each_slot_keeps_its_own(void **state)
{
    static const struct rows_case kinds = {
        .rows = "/a/*", .slots = {"x", "../y", "!/z"}
    };
    const struct tree_plan *plan = NULL;
    struct slots slots;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(rows_plan(&kinds, &arena, &plan, NULL), OK);
    assert_int_equal(slots_init(&slots, plan, 1000, NULL), OK);
    assert_int_equal(around_add(&slots.around, 0, NULL), OK);
    for (unsigned pass = 1; pass <= 2; pass++)
        for (uint32_t slot = 0; slot < 3; slot++)
            assert_int_equal(slots_set(&slots, slot, pass, pass == 1 ? &one : &two, NULL), OK);
    assert_int_equal(around_tell(&slots.around, 0, slots.values, NULL), OK);
    slots_tell_row(&slots);
    expect_told(&slots, 0, "2");
    expect_told(&slots, 1, "1");
    expect_told(&slots, 2, "-");
    assert_int_equal(slots.document_cells[2].kind, TREE_NUMBER);
    slots_begin_row(&slots);
    slots_tell_row(&slots);
    expect_told(&slots, 0, "-");
    expect_told(&slots, 1, "1");
    assert_int_equal(slots.document_cells[2].kind, TREE_NUMBER);
    slots_begin_document(&slots);
    assert_int_equal(slots.document_cells[2].kind, TREE_END);
    slots_release(&slots);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_slot_keeps_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
