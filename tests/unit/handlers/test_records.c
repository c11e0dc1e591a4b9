#include "tests/unit/handlers/registry_ground.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "discovery/registry_core.h"

static void test_versions_are_held_against_etags(void **state)
{
    static const struct {
        const char *headers;
        int status;
        const char *text;
    } cases[] = {
        {"",                           201, "ETag: \"1\""         },
        {"",                           200, "ETag: \"1\""         }, /* the same again */
        {"If-Match: \"1\"\r\n",        200, "ETag: \"1\""         },
        {"If-Match: \"7\", \"1\"\r\n", 200, "ETag: \"1\""         },
        {"If-Match: *\r\n",            200, "ETag: \"1\""         },
        {"If-Match: \"2\"\r\n",        412, "precondition_failed" },
        {"If-Match: \"11\"\r\n",       412, "at version \\\"1\\\""},
        {"If-None-Match: *\r\n",       412, "precondition_failed" },
        {"If-None-Match: \"2\"\r\n",   200, "ETag: \"1\""         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_with("PUT /v1/admin/tenants/acme", cases[i].headers, "{}", cases[i].status,
                    cases[i].text);
    expect_with("PUT /v1/admin/tenants/none", "If-Match: *\r\n", "{}", 412, "there is none");
}

static void test_bodies_have_a_form_and_a_size(void **state)
{
    static char body[REGISTRY_TEXT_SIZE_MAX + 2];

    (void)state;
    memset(body, ' ', sizeof(body) - 1);
    memcpy(body, "{}", 2);
    expect_with("PUT /v1/admin/tenants/acme", "", body, 413, "at most 262144 bytes");
    body[REGISTRY_TEXT_SIZE_MAX] = '\0';
    expect_with("PUT /v1/admin/tenants/acme", "", body, 201, "ETag");
    expect_with("PUT /v1/admin/tenants/acme", "Content-Type: application/json; charset=utf-8\r\n",
                "{}", 200, "ETag");
    expect_with("PUT /v1/admin/tenants/acme", "Content-Type: application/jsonx\r\n", "{}", 415,
                "unsupported_media_type");
    expect_with("PUT /v1/admin/tenants/acme", "Content-Encoding: zstd\r\n", "{}", 415,
                "unsupported_encoding");
}

static void test_a_server_that_stops_or_has_no_registry_says_so(void **state)
{
    struct registry *registry = serving.app.registry;

    (void)state;
    serving.app.draining = true;
    expect_with("GET /v1/admin/tenants", "", NULL, 503, "shutting_down");
    serving.app.draining = false;
    serving.app.registry = NULL;
    expect_with("GET /v1/admin/tenants", "", NULL, 400, "not_supported");
    expect_with("PUT /v1/admin/tenants/acme", "", "{}", 400, "not_supported");
    serving.app.registry = registry;
    expect_with("GET /v1/admin/tenants", "", NULL, 200, "{\"tenants\":[");
}

/* What tenants declare has a registry of its own, also beside that of nodes. */
static void test_what_is_declared_is_not_in_the_registry_of_nodes(void **state)
{
    struct registry *nodes = serving.app.registry;

    (void)state;
    serving.app.declared = NULL;
    expect_with("GET /v1/secrets", "", NULL, 400, "not_supported");
    serving.app.registry = NULL;
    serving.app.declared = nodes;
    expect_with("GET /v1/secrets", "", NULL, 200, "{\"secrets\":[]}");
    expect_with("GET /v1/admin/tenants", "", NULL, 400, "not_supported");
    serving.app.registry = nodes;
}

static enum code put_unanswered(struct registry *registry, enum registry_kind kind,
                                struct bytes name, uint64_t expected, struct bytes text,
                                uint64_t *version, struct error *err)
{
    (void)registry, (void)kind, (void)name, (void)expected, (void)text, (void)version;
    return error_set(err, E_TIMEOUT, "the registry has not answered");
}

/* Who may have changed something stands in the log, too. */
static void test_a_change_without_an_answer_is_audited(void **state)
{
    struct registry *registry = serving.app.registry;
    const struct registry_operations *operations = registry->operations;
    struct registry_operations deaf = *operations;
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    char log[4096] = "";

    (void)state;
    deaf.put = put_unanswered;
    registry->operations = &deaf;
    assert_non_null(file);
    fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    log_setup(LOG_WARN, LOG_LOGFMT);
    expect_with("PUT /v1/admin/tenants/acme", "", "{}", 504, "has not answered");
    fflush(stderr);
    log_setup(LOG_ERROR, LOG_LOGFMT);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    registry->operations = operations;
    rewind(file);
    (void)!fread(log, 1, sizeof(log) - 1, file);
    fclose(file);
    if (strstr(log, "may have been changed") == NULL)
        fail_msg("%s", log);
    assert_non_null(strstr(log, "audit=registry"));
    assert_non_null(strstr(log, "name=acme"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_versions_are_held_against_etags, registry_ground_open,
                                        registry_ground_close),
        cmocka_unit_test_setup_teardown(test_bodies_have_a_form_and_a_size, registry_ground_open,
                                        registry_ground_close),
        cmocka_unit_test_setup_teardown(test_what_is_declared_is_not_in_the_registry_of_nodes,
                                        registry_ground_open, registry_ground_close),
        cmocka_unit_test_setup_teardown(test_a_change_without_an_answer_is_audited,
                                        registry_ground_open, registry_ground_close),
        cmocka_unit_test_setup_teardown(test_a_server_that_stops_or_has_no_registry_says_so,
                                        registry_ground_open, registry_ground_close),
    };

    log_setup(LOG_WARN, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
