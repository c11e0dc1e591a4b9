#include "tests/unit/handlers/registry_ground.h"

#include "base/log.h"

static void put_by_hand(const char *name, uint64_t expected, const char *text)
{
    uint64_t version;
    struct error err = {0};

    if (registry_put(serving.app.registry, REGISTRY_TENANTS, bytes_of(name), expected,
                     bytes_of(text), &version, &err))
        fail_msg("%s", err.text);
}

static void test_a_tenant_is_added_read_and_deleted(void **state)
{
    (void)state;
    expect_with("PUT /v1/admin/tenants/acme", "", "{\"limits\":{\"series_max\":7}}", 201,
                "{\"name\":\"acme\",\"version\":1,\"state\":\"active\",\"limits\":{\"series_max\":"
                "\"7\"}}");
    expect_with("GET /v1/admin/tenants/acme", "", NULL, 200, "\"limits\":{\"series_max\":\"7\"}}");
    expect_with("GET /v1/admin/tenants", "", NULL, 200, "{\"tenants\":[{\"name\":\"acme\"");
    expect_with("DELETE /v1/admin/tenants/acme", "", NULL, 204, "ETag: \"2\"");
    expect_with("DELETE /v1/admin/tenants/acme", "", NULL, 204, "ETag: \"2\"");
    expect_with("PUT /v1/admin/tenants/acme", "", "{}", 409, "was deleted");
    expect_with("PUT /v1/admin/tenants/acme", "If-Match: \"2\"\r\n", "{}", 200, "active");
    expect_with("GET /v1/admin/tenants/none", "", NULL, 404, "no tenant \\\"none\\\"");
}

static void test_a_token_is_told_once(void **state)
{
    char id[40], line[96];

    (void)state;
    expect_with("PUT /v1/admin/tenants/acme", "", "{}", 201, "acme");
    expect_with("POST /v1/admin/tenants/acme/tokens", "", "{\"scopes\":[\"read\"]}", 201,
                "\"token\":\"weir_");
    assert_int_equal(
        sscanf(strstr(serving.answer, "\"token\":\"weir_"), "\"token\":\"weir_%39[^_]", id), 1);
    expect_with("GET /v1/admin/tenants/acme/tokens", "", NULL, 200, id);
    assert_null(strstr(serving.answer, "weir_"));
    assert_null(strstr(serving.answer, "sha256"));
    snprintf(line, sizeof(line), "DELETE /v1/admin/tenants/acme/tokens?id=%s", id);
    expect_with(line, "", NULL, 204, "ETag");
    expect_with(line, "", NULL, 404, "has no token");
    expect_with("POST /v1/admin/tenants/acme/tokens", "", "{\"note\":\"\"}", 400, "/note");
}

/* What somebody wrote by hand is told with its fault, and PUT puts it right. */
static void test_a_record_that_is_not_right_can_be_replaced(void **state)
{
    (void)state;
    put_by_hand("acme", 0, "{\"limit\":\"mongodb://u:canary@h\"}");
    expect_with("GET /v1/admin/tenants/acme", "", NULL, 200, "\"fault\":\"/limit: unknown key");
    expect_with("GET /v1/admin/tenants", "", NULL, 200, "\"fault\":");
    expect_with("DELETE /v1/admin/tenants/acme", "", NULL, 409, "PUT replaces it");
    expect_with("GET /v1/admin/tenants/acme/tokens", "", NULL, 409, "PUT replaces it");
    expect_with("PUT /v1/admin/tenants/acme", "", "{}", 409, "all its tokens are revoked");
    expect_with("PUT /v1/admin/tenants/acme", "If-Match: \"1\"\r\n", "{}", 200,
                "\"state\":\"active\"");
}

#define TOKEN(id)                                                                                  \
    "\"tokens\":[{\"id\":\"" id "\",\"scopes\":[\"read\"],\"sha256\":"                             \
    "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]"

/* Whatever is wrong with a record, PUT revokes no token without being told to. */
static void test_a_record_that_is_replaced_keeps_its_tokens(void **state)
{
    (void)state;
    put_by_hand("acme", 0, "{\"limits\":{\"series_mx\":1}," TOKEN("kept") "}");
    expect_with("PUT /v1/admin/tenants/acme", "", "{\"retention\":\"2d\"}", 200, "2d");
    expect_with("GET /v1/admin/tenants/acme/tokens", "", NULL, 200, "{\"id\":\"kept\"");
    put_by_hand("of-a-later-form", 0, "{\"tokens_too\":1," TOKEN("lost") "}");
    expect_with("PUT /v1/admin/tenants/of-a-later-form", "", "{}", 409, "(/tokens_too: unknown");
    expect_with("PUT /v1/admin/tenants/of-a-later-form", "If-Match: \"9\"\r\n", "{}", 412, "");
    expect_with("PUT /v1/admin/tenants/of-a-later-form", "If-Match: \"3\"\r\n", "{}", 200,
                "active");
    expect_with("GET /v1/admin/tenants/of-a-later-form/tokens", "", NULL, 200, "\"tokens\":[]");
    put_by_hand("damaged", 0, "{" TOKEN("lost") ",");
    expect_with("PUT /v1/admin/tenants/damaged", "", "{}", 409, "it is not JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_tenant_is_added_read_and_deleted,
                                        registry_ground_open, registry_ground_close),
        cmocka_unit_test_setup_teardown(test_a_token_is_told_once, registry_ground_open,
                                        registry_ground_close),
        cmocka_unit_test_setup_teardown(test_a_record_that_is_not_right_can_be_replaced,
                                        registry_ground_open, registry_ground_close),
        cmocka_unit_test_setup_teardown(test_a_record_that_is_replaced_keeps_its_tokens,
                                        registry_ground_open, registry_ground_close),
    };

    log_setup(LOG_WARN, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
