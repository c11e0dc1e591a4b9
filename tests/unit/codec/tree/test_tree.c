#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/tree/tree.h"

static void test_formats_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(tree_format_find(BYTES("json")), &tree_json);
    assert_ptr_equal(tree_format_find(BYTES("ndjson")), &tree_ndjson);
    assert_ptr_equal(tree_format_find(BYTES("csv")), &tree_csv);
    assert_ptr_equal(tree_format_find(BYTES("xml")), &tree_xml);
    assert_null(tree_format_find(BYTES("JSON")));
    assert_null(tree_format_find(BYTES("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
