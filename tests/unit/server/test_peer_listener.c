#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handlers/app.h"
#include "http/server.h"
#include "server/peer_listener.h"

static void test_settings_fit_together_or_are_refused(void **state)
{
    static const struct {
        const char *name;
        struct settings settings;
        const char *want; /* NULL: they do */
    } cases[] = {
        {"none at all",                   {.registry = NULL},                                      NULL                    },
        {"all that is needed",
         {.registry = "r", .peer_listen = "127.0.0.1:0", .peer_secret_file = "f"},
         NULL                                                                                                              },
        {"a secret for nobody",
         {.registry = "r", .peer_secret_file = "f"},
         "peer_secret_file is of peer_listen"                                                                              },
        {"an address of nobody",
         {.registry = "r", .peer_address = "h:1"},
         "peer_address is of peer_listen"                                                                                  },
        {"no registry",                   {.peer_listen = "127.0.0.1:0", .peer_secret_file = "f"}, "name one"              },
        {"no secret",                     {.registry = "r", .peer_listen = "127.0.0.1:0"},         "needs peer_secret_file"},
        {"no port",
         {.registry = "r", .peer_listen = "127.0.0.1", .peer_secret_file = "f"},
         "peer_listen: \"127.0.0.1\" is not an address"                                                                    },
        {"everywhere",
         {.registry = "r", .peer_listen = "0.0.0.0:1", .peer_secret_file = "f"},
         "name one as peer_address"                                                                                        },
        {"everywhere of IPv6",
         {.registry = "r", .peer_listen = "[::]:1", .peer_secret_file = "f"},
         "name one as peer_address"                                                                                        },
        {"everywhere, with an address",
         {.registry = "r",
          .peer_listen = "0.0.0.0:1",
          .peer_secret_file = "f",
          .peer_address = "node-1.example:8091"},
         NULL                                                                                                              },
        {"an address of IPv6",
         {.registry = "r",
          .peer_listen = "0.0.0.0:1",
          .peer_secret_file = "f",
          .peer_address = "[fd00::1]:8091"},
         NULL                                                                                                              },
        {"an address that is none",
         {.registry = "r",
          .peer_listen = "127.0.0.1:1",
          .peer_secret_file = "f",
          .peer_address = "http://h:1"},
         "peer_address: \"http://h:1\" is not an address"                                                                  },
        {"an address with a space",
         {.registry = "r",
          .peer_listen = "127.0.0.1:1",
          .peer_secret_file = "f",
          .peer_address = "h h:1"},
         "peer_address: \"h h:1\" is not an address"                                                                       },
        {"an address with any port",
         {.registry = "r",
          .peer_listen = "127.0.0.1:1",
          .peer_secret_file = "f",
          .peer_address = "h:0"},
         "peer_address: h:0: nobody"                                                                                       },
        {"an address that is everywhere",
         {.registry = "r",
          .peer_listen = "127.0.0.1:1",
          .peer_secret_file = "f",
          .peer_address = "0.0.0.0:1"},
         "nobody can be reached there"                                                                                     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        enum code code = peer_listener_check(&cases[i].settings, &err);

        if (code != (cases[i].want == NULL ? OK : E_CONFIG) ||
            (code && strstr(err.text, cases[i].want) == NULL))
            fail_msg("%s: %d (%s)", cases[i].name, code, err.text);
    }
}

static void test_it_listens_where_it_is_told_and_says_where_that_is(void **state)
{
    struct settings settings = {.registry = "r", .peer_secret_file = "f"};
    struct app app = {.clock = clock_system()};
    struct http_server *server;
    struct error err = {0};

    (void)state;
    limits_init(&settings.limits);
    assert_int_equal(metrics_new(&app.metrics, NULL), OK);
    if (peer_listener_start(&settings, &app, &server, &err) != OK)
        fail_msg("%s", err.text);
    assert_null(server); /* nobody asked for one */
    assert_null(peer_listener_address(&settings, server));
    settings.peer_listen = "127.0.0.1:0";
    if (peer_listener_start(&settings, &app, &server, &err) != OK)
        fail_msg("%s", err.text);
    assert_string_equal(peer_listener_address(&settings, server), http_server_address(server));
    assert_null(strstr(http_server_address(server), ":0"));
    settings.peer_address = "node-1.example:8091";
    assert_string_equal(peer_listener_address(&settings, server), "node-1.example:8091");
    peer_listener_stop(server);
    settings.peer_listen = "0:0"; /* another way to say everywhere */
    settings.peer_address = NULL;
    assert_int_equal(peer_listener_start(&settings, &app, &server, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "name one as peer_address"));
    assert_null(server);
    settings.peer_listen = "192.0.2.1:1"; /* of nobody: documentation */
    assert_int_equal(peer_listener_start(&settings, &app, &server, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "peer_listen: listen address"));
    peer_listener_stop(server);
    metrics_free(app.metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_fit_together_or_are_refused),
        cmocka_unit_test(test_it_listens_where_it_is_told_and_says_where_that_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
