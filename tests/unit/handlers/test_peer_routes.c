#include "tests/unit/handlers/peer_ground.h"

#define SHOWN "Authorization: Bearer " PEER_SECRET "\r\n"
#define REST "Weir-Peer: 7\r\nWeir-Clock: 1700000000000000000\r\n"

static void test_only_who_shows_the_secret_is_told_anything(void **state)
{
    static const struct {
        const char *name, *headers;
        int status;
        const char *told;
    } cases[] = {
        {"the secret",            SHOWN REST,                                        200, "\"number\":1"           },
        {"in other letters",      "authorization: bearer " PEER_SECRET "\r\n" REST,  200, "\"number\":1"           },
        {"nothing",               REST,                                              401, "members of the registry"},
        {"another scheme",        "Authorization: Token " PEER_SECRET "\r\n" REST,   401,
         "members of the registry"                                                                                 },
        {"the secret and more",   "Authorization: Bearer " PEER_SECRET "x\r\n" REST, 401,
         "members of the registry"                                                                                 },
        {"its beginning",         "Authorization: Bearer canary-of-the\r\n" REST,    401,
         "members of the registry"                                                                                 },
        {"an empty one",          "Authorization: Bearer\r\n" REST,                  401, "members of the registry"},
        {"who asks is not told",  SHOWN "Weir-Clock: 1\r\n",                         400, "Weir-Peer must be"      },
        {"it has no number yet",  SHOWN "Weir-Peer: 0\r\nWeir-Clock: 1\r\n",         200, "\"number\":1"           },
        {"the highest number",    SHOWN "Weir-Peer: 1023\r\nWeir-Clock: 1\r\n",      200, "\"number\":1"           },
        {"one more",              SHOWN "Weir-Peer: 1024\r\nWeir-Clock: 1\r\n",      400, "0 to 1023"              },
        {"its clock is not told", SHOWN "Weir-Peer: 7\r\n",                          400, "Weir-Clock must be"     },
        {"a clock before 1970",   SHOWN "Weir-Peer: 7\r\nWeir-Clock: -1\r\n",        200, "\"number\":1"           },
        {"a clock of seconds",    SHOWN "Weir-Peer: 7\r\nWeir-Clock: 1.5\r\n",       400,
         "whole nanoseconds"                                                                                       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *answer = ground.serving.answer;
        int status = ask(&ground.serving, "GET /peer/v1/pulse", cases[i].headers, NULL);

        if (status != cases[i].status || strstr(answer, cases[i].told) == NULL ||
            strstr(answer, "canary") != NULL)
            fail_msg("%s: want %d, got\n%s", cases[i].name, cases[i].status, answer);
        if ((strstr(answer, "\r\nWeir-Member: 1\r\n") != NULL) != (status != 401) ||
            (strstr(answer, "\r\nWeir-Clock: ") != NULL) != (status != 401) ||
            (strstr(answer, "\r\nWeir-Registry-Version: ") != NULL) != (status != 401))
            fail_msg("%s: who answers is told to members, and to nobody else\n%s", cases[i].name,
                     answer);
    }
}

/* Neither has a route of the other, whatever is shown. */
static void test_the_two_listeners_have_nothing_in_common(void **state)
{
    (void)state;
    for (size_t i = 0; i < app_route_count; i++) {
        static const char *const methods[METHOD_COUNT] = {"GET", "POST", "PUT", "DELETE"};
        char what[128];

        (void)snprintf(what, sizeof(what), "%s %s", methods[app_routes[i].method],
                       app_routes[i].path);
        expect_peer(what, app_routes[i].method == METHOD_POST ? "{}" : NULL, 404, "not_found");
    }
    aim_at_peers(false);
    expect_peer("GET /peer/v1/pulse", NULL, 404, "not_found");
    assert_int_equal(ask(&ground.serving, "GET /v1/measurements",
                         "Authorization: Bearer " PEER_SECRET "\r\n", NULL),
                     200); /* as anybody here: nothing is open to the secret */
    aim_at_peers(true);
}

static void test_every_route_wants_a_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < peer_route_count; i++)
        assert_int_equal(peer_routes[i].scope, SCOPE_PEER);
    assert_int_equal(SCOPE_ANY & SCOPE_PEER, 0); /* no token is enough */
    expect_peer("POST /peer/v1/pulse", "{}", 405, "method_not_allowed");
}

static void test_a_new_secret_holds_when_it_is_read(void **state)
{
    struct error err = {0};

    (void)state;
    peer_secret_write("another-secret-of-the-cluster-98\n");
    expect_peer("GET /peer/v1/pulse", NULL, 200, "\"number\":1");
    assert_int_equal(cluster_secret_renew(ground.serving.app.secret, &err), OK);
    expect_peer("GET /peer/v1/pulse", NULL, 401, "members of the registry");
    assert_int_equal(ask(&ground.serving, "GET /peer/v1/pulse",
                         "Authorization: Bearer another-secret-of-the-cluster-98\r\n" REST, NULL),
                     200);
    peer_secret_write(PEER_SECRET);
    assert_int_equal(cluster_secret_renew(ground.serving.app.secret, &err), OK);
    expect_peer("GET /peer/v1/pulse", NULL, 200, "\"number\":1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_who_shows_the_secret_is_told_anything),
        cmocka_unit_test(test_the_two_listeners_have_nothing_in_common),
        cmocka_unit_test(test_every_route_wants_a_member),
        cmocka_unit_test(test_a_new_secret_holds_when_it_is_read),
    };

    return cmocka_run_group_tests(tests, peer_ground_open, peer_ground_close);
}
