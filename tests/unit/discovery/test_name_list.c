#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "discovery/name_list.h"

static void test_names_are_told_in_order(void **state)
{
    struct name_list list = {0};

    (void)state;
    assert_string_equal(name_list_text(&list), "");
    name_list_add(&list, BYTES("acme"));
    assert_string_equal(name_list_text(&list), "acme");
    name_list_add(&list, BYTES("bolt"));
    assert_string_equal(name_list_text(&list), "acme, bolt");
}

/* Whatever their sizes: no text is longer than it may, each name counts, none is cut. */
static void test_what_does_not_fit_is_counted(void **state)
{
    static char name[NAME_LIST_SIZE];

    (void)state;
    memset(name, 'x', sizeof(name));
    for (size_t size = 1; size < sizeof(name); size++) {
        struct name_list list = {0};
        const char *text;
        size_t shown = 1, more = 0;
        char end;

        for (int i = 0; i < 100; i++)
            name_list_add(&list, (struct bytes){name, size});
        text = name_list_text(&list);
        assert_true(strlen(text) < NAME_LIST_SIZE);
        for (const char *at = text; (at = strchr(at, ',')) != NULL; at++)
            shown++;
        if (sscanf(text, "%zu of the%c", &more, &end) == 2)
            shown = 0;
        else
            assert_int_equal(sscanf(strstr(text, " and "), " and %zu mor%c", &more, &end), 2);
        assert_int_equal(shown + more, 100);
        assert_string_equal(name_list_text(&list), text); /* once is as good as twice */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_told_in_order),
        cmocka_unit_test(test_what_does_not_fit_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
