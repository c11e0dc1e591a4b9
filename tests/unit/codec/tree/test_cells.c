#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/tree/cells.h"

static void test_values_stay(void **state)
{
    static const struct {
        struct tree_event event;
        struct bytes want;
    } cases[] = {
        {{TREE_TEXT, BYTES("abc"), false},    BYTES("abc")  },
        {{TREE_TEXT, BYTES(""), false},       BYTES("")     },
        {{TREE_NUMBER, BYTES("1.50"), false}, BYTES("1.50") },
        {{TREE_TRUE, {0}, false},             BYTES("true") },
        {{TREE_FALSE, {0}, false},            BYTES("false")},
        {{TREE_NULL, {0}, false},             BYTES("null") },
        {{TREE_OBJECT, {0}, false},           {0}           },
        {{TREE_ARRAY, {0}, false},            {0}           },
    };
    struct buf texts = BUF_INIT(7);
    struct cell cells[COUNT_OF(cases)];
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(cell_set(&cells[i], &cases[i].event, &texts, &err), OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tree_value value = cell_value(&cells[i], &texts);

        assert_int_equal(value.kind, cases[i].event.kind);
        assert_true(bytes_equal(value.text, cases[i].want));
    }
    assert_int_equal(cell_value(&cell_absent, &texts).kind, TREE_END);
    assert_int_equal(cell_set(&cells[0], &cases[0].event, &texts, &err), E_BODY_LARGE);
    assert_int_equal(cells[0].kind, TREE_END);
    buf_release(&texts);
}

static void test_cells_grow_within_their_limit(void **state)
{
    const size_t bytes_max = 100 * sizeof(struct cell);
    struct cells cells = {0};

    (void)state;
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(cells_add(&cells, 3, 10, bytes_max, NULL), OK);
    assert_int_equal(cells_add(&cells, 1, 10, bytes_max, NULL), E_BODY_LARGE);
    assert_int_equal(cells_add(&cells, 1, 9, bytes_max, NULL), OK);
    assert_int_equal(cells.count, 91);
    for (size_t i = 0; i < cells.count; i++)
        assert_int_equal(cells.items[i].kind, TREE_END);
    cells_release(&cells);
    assert_int_equal(cells.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stay),
        cmocka_unit_test(test_cells_grow_within_their_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
