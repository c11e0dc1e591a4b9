#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_doc.h"
#include "server/commands.h"
#include "server/version.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

static void test_the_version_and_those_of_the_libraries_are_printed(void **state)
{
    static const char *const plain[] = {"version", NULL}, *const json[] = {"version", "--json",
                                                                           NULL};
    struct json *root = NULL, *value;
    struct bytes key;

    (void)state;
    captured_run(command_version, plain, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_int_equal(strncmp(captured.out, "weir " WEIR_VERSION "\n", 6 + strlen(WEIR_VERSION)), 0);
    captured_run(command_version, json, &captured);
    assert_int_equal(json_doc_parse(bytes_of(captured.out), 4, &root, NULL), OK);
    assert_true(bytes_equal(json_text_of(json_member(root, "weir")), bytes_of(WEIR_VERSION)));
    assert_true(json_count(root) > 1);
    for (void *at = NULL; json_next(root, &at, &key, &value);)
        assert_true(json_text_of(value).size >= 3);
    json_doc_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_version_and_those_of_the_libraries_are_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
