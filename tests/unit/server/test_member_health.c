#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/member_health.h"
#include "tests/unit/net/script.h"

#define ANSWER                                                                                     \
    "{\"members\":[{\"name\":\"1\",\"health\":\"ready\",\"backlog_bytes\":7,"                      \
    "\"delivered_through\":\"then\"},{\"name\":\"2\",\"health\":5},{\"state\":\"active\"}]}"

static void expect(const struct member_health *health, struct bytes name, const char *cells,
                   const char *members)
{
    struct buf out = BUF_INIT(1000);

    member_health_cells(health, name, &out);
    buf_put_char(&out, '|');
    member_health_members(health, name, &out);
    buf_put_char(&out, '\0');
    assert_memory_equal(out.data, cells, strlen(cells));
    assert_int_equal(out.data[strlen(cells)], '|');
    assert_string_equal(out.data + strlen(cells) + 1, members);
    buf_release(&out);
}

static void test_what_a_node_says_of_members_is_shown(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" ANSWER,
        "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        "\r\n{\"code\":\"forbidden\",\"detail\":\"it lacks the scope operator\"}",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        NULL,
    };
    struct member_health health = {.root = NULL};
    struct script script;
    struct error err = {0};

    (void)state;
    script_begin(&script, answers);
    expect(&health, BYTES("1"), ",,,", "");
    setenv("WEIR_TOKEN", "a-token", 1);
    if (member_health_ask(&health, script.url, NULL, &err))
        fail_msg("%s", err.text);
    expect(&health, BYTES("1"), ",\"ready\",\"then\",7",
           ",\"health\":\"ready\",\"delivered_through\":\"then\",\"backlog_bytes\":7");
    expect(&health, BYTES("2"), ",,,", "");
    expect(&health, BYTES("3"), ",,,", "");
    member_health_release(&health);
    assert_int_not_equal(member_health_ask(&health, script.url, NULL, &err), OK);
    assert_non_null(strstr(err.text, "it lacks the scope operator"));
    assert_non_null(strstr(err.text, "how members are"));
    assert_int_not_equal(member_health_ask(&health, script.url, NULL, &err), OK);
    assert_int_not_equal(member_health_ask(&health, "ftp://x", NULL, &err), OK);
    assert_null(health.root);
    script_end(&script);
    assert_memory_equal(script.seen[0], "GET /v1/members HTTP/1.1\r\n", 26);
    assert_non_null(strstr(script.seen[0], "\r\nAuthorization: Bearer a-token\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_node_says_of_members_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
