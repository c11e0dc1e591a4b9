#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "handlers/errors_text.h"

static char file_text[1 << 20];

/* As it is in the tree now: an object file older than the page would serve an old one. */
static void test_the_page_has_the_file(void **state)
{
    FILE *file = fopen("docs/reference/errors.md", "r");
    struct bytes page = errors_text();

    (void)state;
    assert_non_null(file);
    file_text[fread(file_text, 1, sizeof(file_text) - 1, file)] = '\0';
    fclose(file);
    assert_non_null(memmem(page.data, page.size, file_text, strlen(file_text)));
}

/* What a browser would take for a tag would not be seen. */
static void test_the_file_has_no_tags_but_anchors(void **state)
{
    (void)state;
    for (const char *at = file_text; (at = strpbrk(at, "<>&")) != NULL;) {
        static const char anchor[] = "<a id=\"";

        if (strncmp(at, anchor, sizeof(anchor) - 1) != 0 || (at = strstr(at, "></a>")) == NULL)
            fail_msg("docs/reference/errors.md has a tag: %.60s", at);
        at += sizeof("></a>") - 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_page_has_the_file),
        cmocka_unit_test(test_the_file_has_no_tags_but_anchors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
