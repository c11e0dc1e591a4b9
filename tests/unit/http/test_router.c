#include "tests/unit/http/served.h"

#include "http/router.h"

static void test_paths_find_their_rows(void **state)
{
    static const struct {
        const char *name, *method, *path;
        enum code want;
        const char *want_path, *variable, *allow;
    } cases[] = {
        {"literal",                     "GET",    "/ping",         OK,          "/ping",          "",      ""         },
        {"HEAD is GET",                 "HEAD",   "/ping",         OK,          "/ping",          "",      ""         },
        {"method chooses",              "PUT",    "/count",        OK,          "/count",         "",      ""         },
        {"variable",                    "GET",    "/things/a%2Fb", OK,          "/things/{name}", "a%2Fb", ""         },
        {"literal before variable",     "GET",    "/things/known", OK,          "/things/known",  "",      ""         },
        {"variable for another method", "DELETE", "/things/known", OK,          "/things/{name}", "known",
         ""                                                                                                           },
        {"wrong method",                "DELETE", "/count",        E_METHOD,    NULL,             "",      "POST, PUT"},
        {"HEAD is not POST",            "HEAD",   "/count",        E_METHOD,    NULL,             "",      "POST, PUT"},
        {"GET brings HEAD",             "POST",   "/ping",         E_METHOD,    NULL,             "",      "GET, HEAD"},
        {"small letters",               "get",    "/ping",         E_METHOD,    NULL,             "",      "GET, HEAD"},
        {"unknown",                     "GET",    "/nothing",      E_NOT_FOUND, NULL,             "",      ""         },
        {"beginning of a path",         "GET",    "/pin",          E_NOT_FOUND, NULL,             "",      ""         },
        {"longer than a path",          "GET",    "/pings",        E_NOT_FOUND, NULL,             "",      ""         },
        {"slash at the end",            "GET",    "/ping/",        E_NOT_FOUND, NULL,             "",      ""         },
        {"empty variable",              "GET",    "/things/",      E_NOT_FOUND, NULL,             "",      ""         },
        {"two segments",                "GET",    "/things/a/b",   E_NOT_FOUND, NULL,             "",      ""         },
        {"root",                        "GET",    "/",             E_NOT_FOUND, NULL,             "",      ""         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct route *route = NULL;
        struct bytes variable = {NULL, 0};
        struct buf allow = BUF_INIT(128);
        struct error err = {0};
        enum code code = router_find(test_routes, COUNT_OF(test_routes), bytes_of(cases[i].method),
                                     bytes_of(cases[i].path), &route, &variable, &allow, &err);

        if (code != cases[i].want)
            fail_msg("%s: code %d (%s)", cases[i].name, code, err.text);
        if (code == OK && strcmp(route->path, cases[i].want_path) != 0)
            fail_msg("%s: found %s", cases[i].name, route->path);
        if (!bytes_equal(variable, bytes_of(cases[i].variable)))
            fail_msg("%s: variable '%.*s'", cases[i].name, BYTES_ARG(variable));
        if (code != OK && !bytes_equal(buf_bytes(&allow), bytes_of(cases[i].allow)))
            fail_msg("%s: allow '%.*s'", cases[i].name, BYTES_ARG(buf_bytes(&allow)));
        buf_release(&allow);
    }
}

static void test_a_variable_in_the_middle(void **state)
{
    static const struct route routes[] = {
        {METHOD_POST, "/sources/{name}/try", SCOPE_NONE, &ping_handler, NULL, false},
    };
    const struct route *route = NULL;
    struct bytes variable = {NULL, 0};
    struct buf allow = BUF_INIT(128);
    struct error err = {0};

    (void)state;
    router_check(routes, 1);
    assert_int_equal(router_find(routes, 1, BYTES("POST"), BYTES("/sources/a/try"), &route,
                                 &variable, &allow, &err),
                     OK);
    assert_true(bytes_equal(variable, BYTES("a")));
    assert_int_equal(router_find(routes, 1, BYTES("POST"), BYTES("/sources//try"), &route,
                                 &variable, &allow, &err),
                     E_NOT_FOUND);
    assert_int_equal(router_find(routes, 1, BYTES("POST"), BYTES("/sources/a/b/try"), &route,
                                 &variable, &allow, &err),
                     E_NOT_FOUND);
    buf_release(&allow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_find_their_rows),
        cmocka_unit_test(test_a_variable_in_the_middle),
    };

    router_check(test_routes, COUNT_OF(test_routes));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
