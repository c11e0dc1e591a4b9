#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "codec/json_doc.h"
#include "discovery/tenants_file.h"
#include "server/commands.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

static const char *run(const char *const *line)
{
    captured_run(command_token, line, &captured);
    return captured.err;
}

/* What it prints to stderr is a tenants file that admits what it prints to stdout. */
static void test_what_is_printed_admits_the_token(void **state)
{
    static const char *const line[] = {"token",       "--tenant",  "acme", "--scopes",
                                       "read,admin",  "--expires", "90d",  "--note",
                                       "it's: \"a\"", NULL};
    int64_t now_ns = clock_wall_ns(clock_system());
    const int64_t day_ns = INT64_C(86400) * 1000000000;
    struct directory_snapshot *snapshot = NULL;
    struct token_grant grant;
    struct error err = {0};
    struct limits node;
    struct bytes token;

    (void)state;
    run(line);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    token = bytes_of(captured.out);
    assert_true(token.size > 1 && token.data[token.size - 1] == '\n');
    token.size--;
    limits_init(&node);
    if (tenants_parse(bytes_of(captured.err), &node, &snapshot, &err))
        fail_msg("%s: %s", captured.err, err.text);
    assert_true(directory_grant(snapshot, token, now_ns, &grant));
    assert_true(bytes_equal(grant.tenant->name, BYTES("acme")));
    assert_int_equal(grant.scopes, TOKEN_SCOPE_READ | TOKEN_SCOPE_ADMIN);
    assert_true(directory_grant(snapshot, token, now_ns + 90 * day_ns - day_ns / 24, &grant));
    assert_false(directory_grant(snapshot, token, now_ns + 90 * day_ns + day_ns / 24, &grant));
    directory_put(snapshot);
}

static void test_json_is_one_object_on_stdout(void **state)
{
    static const char *const line[] = {"token", "--json", NULL};
    struct json *root = NULL;

    (void)state;
    run(line);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.err, "");
    assert_int_equal(json_doc_parse(bytes_of(captured.out), 4, &root, NULL), OK);
    assert_int_equal(json_count(root), 3);
    assert_true(bytes_equal(json_text_of(json_member(root, "tenant")), BYTES("default")));
    assert_int_equal(json_text_of(json_member(root, "token")).size, 5 + 8 + 1 + 43);
    assert_non_null(json_member(root, "line"));
    json_doc_free(root);
}

static void test_a_wrong_wish_is_refused_and_prints_no_token(void **state)
{
    static const struct {
        const char *flag, *value, *told;
    } cases[] = {
        {"--scopes",  "read,root", "--scopes: \"root\" is not a scope"},
        {"--expires", "tomorrow",  "--expires: "                      },
        {"--expires", "14000w",    "--expires: "                      },
        {"--tenant",  "Acme",      "--tenant: 1 to 64 of a-z"         },
        {"--scope",   "read",      "did you mean --scopes?"           },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const line[] = {"token", cases[i].flag, cases[i].value, NULL};

        if (!strstr(run(line), cases[i].told) || captured.exit_code != COMMAND_USAGE ||
            *captured.out)
            fail_msg("%s %s: exit %d, %s", cases[i].flag, cases[i].value, captured.exit_code,
                     captured.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_admits_the_token),
        cmocka_unit_test(test_json_is_one_object_on_stdout),
        cmocka_unit_test(test_a_wrong_wish_is_refused_and_prints_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
