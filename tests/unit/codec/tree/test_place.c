#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/tree/place.h"

static void test_places(void **state)
{
    struct place place = {0};
    size_t size;

    (void)state;
    assert_string_equal(place_text(&place), "/");
    place_add_name(&place, BYTES("a/b~c"));
    size = place.size;
    place_add_number(&place, UINT64_MAX);
    assert_string_equal(place_text(&place), "/a~1b~0c/18446744073709551615");
    place.size = size;
    place_add_name(&place, BYTES(""));
    assert_string_equal(place_text(&place), "/a~1b~0c/");
}

static void test_a_long_place_is_cut(void **state)
{
    struct place place = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        place_add_name(&place, BYTES("name"));
    place_add_number(&place, 1);
    assert_int_equal(strlen(place_text(&place)), PLACE_SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_a_long_place_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
