#include "tests/unit/handlers/peer_ground.h"

#include "handlers/peer_names.h"

static void write_rows(const char *lines)
{
    aim_at_peers(false);
    expect(&ground.serving, "POST /v1/points", lines, 204, "");
    aim_at_peers(true);
}

static void test_what_is_known_is_told(void **state)
{
    (void)state;
    expect_peer("GET /peer/v1/names?tenant=default", NULL, 200, "{\"measurements\":[]}\n");
    expect_peer("GET /peer/v1/names?tenant=nobody", NULL, 200, "{\"measurements\":[]}\n");
    write_rows("b\\\"q f=1 1\na,t=x f=1 1\n");
    expect_peer("GET /peer/v1/names?tenant=default", NULL, 200,
                "{\"measurements\":[\"a\",\"b\\\\\\\"q\"]}\n");
    expect_peer("GET /peer/v1/names?tenant=nobody", NULL, 200, "{\"measurements\":[]}\n");
}

static void test_a_question_that_is_none_is_refused(void **state)
{
    (void)state;
    expect_peer("GET /peer/v1/names", NULL, 400, "missing_parameter");
    expect_peer("GET /peer/v1/names?tenants=a", NULL, 400, "unknown_parameter");
    aim_at_peers(false);
    expect_peer("GET /peer/v1/names?tenant=default", NULL, 404, "not_found");
    aim_at_peers(true);
    assert_int_equal(ask(&ground.serving, "GET /peer/v1/names?tenant=default", "", NULL), 401);
}

/* A list that is cut would be one that is short without saying so. */
static void test_more_names_than_a_reply_takes_are_not_told(void **state)
{
    char line[64];

    (void)state;
    for (int n = 0; n <= PEER_NAMES_MAX;) {
        struct buf lines = BUF_INIT(1 << 24);

        for (int end = n + 20000; n < end && n <= PEER_NAMES_MAX; n++) {
            (void)snprintf(line, sizeof(line), "m%06d f=1 1\n", n);
            buf_put_text(&lines, line);
        }
        buf_put_char(&lines, '\0');
        write_rows(lines.data);
        buf_release(&lines);
    }
    assert_int_equal(ask(&ground.serving, "GET /peer/v1/names?tenant=default", PEER_HEADERS, NULL),
                     422);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known_is_told),
        cmocka_unit_test(test_a_question_that_is_none_is_refused),
        cmocka_unit_test(test_more_names_than_a_reply_takes_are_not_told),
    };

    return cmocka_run_group_tests(tests, peer_ground_open, peer_ground_close);
}
