#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "server/app.h"
#include "tests/unit/ingest/pull/pull_site.h"
#include "tests/unit/server/serving.h"

static char answer[64 * 1024];

static void settings_init(struct settings *settings, const char *data)
{
    *settings = (struct settings){.data = data, .listen = "127.0.0.1:0", .drain_ms = 2000};
    limits_init(&settings->limits);
}

static void test_what_one_server_acknowledged_the_next_one_shows(void **state)
{
    char data[] = "/tmp/weir-app-XXXXXX";
    struct settings settings;
    struct server *server;
    struct error err = {0};

    (void)state;
    directory_make(data);
    settings_init(&settings, data);
    assert_int_equal(server_start(&settings, &server, &err), OK);
    assert_int_equal(ask(server_address(server), GET("/readyz"), answer, sizeof(answer)), 200);
    assert_int_equal(
        ask(server_address(server), POST_5("/v1/points", "m f=1"), answer, sizeof(answer)), 204);
    assert_int_equal(server_check(server, &err), OK);
    server_stop(server);

    assert_int_equal(server_start(&settings, &server, &err), OK);
    assert_int_equal(
        ask(server_address(server), GET("/v1/query?measurement=m"), answer, sizeof(answer)), 200);
    assert_non_null(strstr(answer, "\"columns\":[\"time\",\"f\"]"));
    server_stop(server);
    directory_remove(data);
}

static void test_a_directory_in_use_is_refused_by_name(void **state)
{
    char data[] = "/tmp/weir-app-XXXXXX";
    struct settings settings;
    struct server *first, *second;
    struct error err = {0};

    (void)state;
    directory_make(data);
    settings_init(&settings, data);
    assert_int_equal(server_start(&settings, &first, &err), OK);
    assert_int_equal(server_start(&settings, &second, &err), E_BUSY);
    assert_null(second);
    assert_non_null(strstr(err.text, data));
    server_stop(first);
    directory_remove(data);
}

static void test_a_failed_start_leaves_nothing_behind(void **state)
{
    char data[] = "/tmp/weir-app-XXXXXX";
    struct settings settings;
    struct server *server;
    struct error err = {0};

    (void)state;
    directory_make(data);
    settings_init(&settings, data);
    settings.tenants = "/no/such/file";
    assert_int_not_equal(server_start(&settings, &server, &err), OK);
    settings.tenants = NULL;
    settings.listen = "192.0.2.1:1"; /* an address that no machine has */
    assert_int_not_equal(server_start(&settings, &server, &err), OK);
    assert_null(server);
    settings.listen = "127.0.0.1:0";
    assert_int_equal(server_start(&settings, &server, &err), OK);
    server_stop(server);
    server_stop(NULL);
    directory_remove(data);
}

static void test_the_port_file_tells_the_address(void **state)
{
    char data[] = "/tmp/weir-app-XXXXXX", path[64], line[64];
    struct settings settings;
    struct server *server;
    struct error err = {0};
    FILE *file;

    (void)state;
    directory_make(data);
    settings_init(&settings, data);
    snprintf(path, sizeof(path), "%s/port", data);
    settings.port_file = path;
    assert_int_equal(server_start(&settings, &server, &err), OK);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, server_address(server));
    server_stop(server);
    directory_remove(data);
}

/* A node of a registry has no files of its own for it: they would be of this node alone. */
static void test_what_tenants_declare_has_files_where_there_is_no_registry(void **state)
{
    for (int with_registry = 0; with_registry < 2; with_registry++) {
        char data[] = "/tmp/weir-app-XXXXXX", declared[64], place[64];
        struct settings settings;
        struct server *server;
        struct stat found;
        struct error err = {0};
        bool there;

        (void)state;
        directory_make(data);
        settings_init(&settings, data);
        snprintf(declared, sizeof(declared), "%s/declared", data);
        snprintf(place, sizeof(place), "%s/registry-of-nodes", data);
        settings.registry = with_registry ? place : NULL;
        assert_int_equal(server_start(&settings, &server, &err), OK);
        there = stat(declared, &found) == 0;
        assert_int_equal(there, !with_registry);
        if (there)
            assert_int_equal(found.st_mode & 0777, 0700);
        server_stop(server);
        directory_remove(data);
    }
}

static struct server *asked_server;
static char trial[2048];

static void *ask_trial(void *context)
{
    *(int *)context = ask(server_address(asked_server), trial, answer, sizeof(answer));
    return NULL;
}

/* A page that does not come would hold it up for as long as its source waits for pages. */
static void test_a_stop_does_not_wait_for_a_page_that_is_tried(void **state)
{
    static const struct site_rule silent[] = {
        {.when = "GET", .held = true}
    };
    char data[] = "/tmp/weir-app-XXXXXX", body[1024];
    struct settings settings;
    struct site site;
    struct error err = {0};
    pthread_t thread;
    int status;

    (void)state;
    directory_make(data);
    settings_init(&settings, data);
    assert_int_equal(address_rules_add(&settings.pull_allow, BYTES("127.0.0.1"), NULL), OK);
    assert_int_equal(server_start(&settings, &asked_server, &err), OK);
    site_open(&site);
    site_answers(&site, silent, 1);
    snprintf(body, sizeof(body),
             "{\"document\":{\"name\":\"s\",\"schedule\":{\"every\":\"1h\"},\"request\":{\"url\":"
             "\"%s/\"},"
             "\"decode\":\"json\",\"rows\":\"/*\",\"time\":{\"path\":\"at\"},\"measurement\":\"m\","
             "\"values\":[{\"path\":\"v\",\"field\":\"v\"}]}}",
             site.url);
    snprintf(trial, sizeof(trial),
             "POST /v1/sources:test HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    assert_int_equal(pthread_create(&thread, NULL, ask_trial, &status), 0);
    for (int waited = 0; site_asked(&site, "GET") == 0; waited++) {
        assert_true(waited < 5000);
        peer_wait(1);
    }
    server_stop(asked_server);
    pthread_join(thread, NULL);
    assert_int_equal(status, 503);
    assert_non_null(strstr(answer, "shutting_down"));
    site_close(&site);
    directory_remove(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_one_server_acknowledged_the_next_one_shows),
        cmocka_unit_test(test_a_directory_in_use_is_refused_by_name),
        cmocka_unit_test(test_a_failed_start_leaves_nothing_behind),
        cmocka_unit_test(test_the_port_file_tells_the_address),
        cmocka_unit_test(test_what_tenants_declare_has_files_where_there_is_no_registry),
        cmocka_unit_test(test_a_stop_does_not_wait_for_a_page_that_is_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
