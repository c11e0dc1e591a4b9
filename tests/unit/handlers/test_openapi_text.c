#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "handlers/openapi_text.h"

/* As it is in the tree now: an object file older than the description would serve an old one. */
static void test_the_text_is_the_file(void **state)
{
    static char text[1 << 20];
    FILE *file = fopen("openapi/openapi.json", "r");
    struct bytes bytes = openapi_text();
    size_t size;

    (void)state;
    assert_non_null(file);
    size = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_true(bytes_equal(bytes, (struct bytes){text, size}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text_is_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
