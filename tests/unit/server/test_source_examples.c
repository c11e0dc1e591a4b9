#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/source_examples.h"

/* A file that nobody entered into the table would be in the repository alone. */
static void test_each_file_of_the_examples_is_in_the_program(void **state)
{
    DIR *directory = opendir("examples/sources");
    const struct source_example *at = source_examples;
    size_t files = 0, rows = 0;

    (void)state;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        files += entry->d_name[0] != '.';
    closedir(directory);
    for (; at->name; at++, rows++) {
        char file[256], text[16 << 10];
        FILE *opened;
        size_t size;

        (void)snprintf(file, sizeof(file), "examples/sources/%s.yaml", at->name);
        opened = fopen(file, "r");
        assert_non_null(opened);
        size = fread(text, 1, sizeof(text) - 1, opened);
        fclose(opened);
        text[size] = '\0';
        assert_string_equal(at->text, text);
        assert_true(strncmp(text, "# ", 2) == 0); /* the line that says what it is */
    }
    assert_int_equal(rows, files);
}

static void test_they_are_in_order_of_their_names(void **state)
{
    (void)state;
    for (const struct source_example *at = source_examples; at[1].name; at++)
        assert_true(strcmp(at->name, at[1].name) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_file_of_the_examples_is_in_the_program),
        cmocka_unit_test(test_they_are_in_order_of_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
