#include "tests/unit/handlers/registry_ground.h"

#include "base/fs.h"
#include "base/log.h"
#include "discovery/secrets.h"

static struct fs *fs;

static int keeping_open(void **state)
{
    if (registry_ground_open(state))
        return -1;
    serving.app.declared = serving.app.registry;
    return fs_posix_open(serving.ground.directory, &fs, NULL) == OK &&
                   secrets_open(fs, NULL, false, &serving.app.secrets, NULL) == OK
               ? 0
               : -1;
}

static int keeping_close(void **state)
{
    struct secrets *secrets = serving.app.secrets;
    int failed = registry_ground_close(state);

    secrets_close(secrets);
    fs_posix_close(fs);
    return failed;
}

static const struct registry_record *record_of(struct registry_snapshot *records)
{
    return registry_find(records, REGISTRY_SOURCES, BYTES("default.-secrets"));
}

#define BODY "{\"value\":\"canary\",\"hosts\":[\"api.example.com\",\"b:8080\"]}"

static void test_a_secret_is_kept_and_its_value_never_told(void **state)
{
    struct registry_snapshot *records;

    (void)state;
    expect_with("GET /v1/secrets", "", NULL, 200, "{\"secrets\":[]}");
    expect_with("PUT /v1/secrets/key", "", BODY, 201,
                "{\"name\":\"key\",\"hosts\":[\"api.example.com\",\"b:8080\"]}");
    expect_with("PUT /v1/secrets/key", "", BODY, 200, "ETag: \"2\"");
    expect_with("PUT /v1/secrets/other", "", BODY, 201, "ETag: \"3\"");
    expect_with("GET /v1/secrets", "", NULL, 200,
                "{\"secrets\":[{\"name\":\"key\",\"hosts\":[\"api.example.com\",\"b:8080\"]},"
                "{\"name\":\"other\"");
    records = registry_get(serving.app.declared);
    assert_non_null(record_of(records));
    assert_null(memmem(record_of(records)->text.data, record_of(records)->text.size, "canary", 6));
    registry_snapshot_put(records);
    expect_with("DELETE /v1/secrets/key", "If-Match: \"2\"\r\n", NULL, 412, "precondition_failed");
    expect_with("DELETE /v1/secrets/key", "If-Match: \"3\"\r\n", NULL, 204, "ETag: \"4\"");
    expect_with("DELETE /v1/secrets/key", "", NULL, 404, "no secret \\\"key\\\"");
    expect_with("GET /v1/secrets", "", NULL, 200, "{\"secrets\":[{\"name\":\"other\"");
}

static void test_what_is_kept_can_be_opened_for_its_hosts(void **state)
{
    struct bytes value = {NULL, 0};
    struct arena arena;
    struct error err = {0};

    (void)state;
    expect_with("PUT /v1/secrets/key", "", BODY, 201, "key");
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(secrets_recall(serving.app.secrets, serving.app.declared, BYTES("default"),
                                    BYTES("key"), BYTES("b:8080"), &arena, &value, &err),
                     OK);
    assert_true(bytes_equal(value, BYTES("canary")));
    assert_int_equal(secrets_recall(serving.app.secrets, serving.app.declared, BYTES("default"),
                                    BYTES("key"), BYTES("b"), &arena, &value, &err),
                     E_FORBIDDEN);
    arena_release(&arena);
}

/* A refusal tells where, and nothing of what was sent. */
static void test_what_is_not_right_is_refused(void **state)
{
    static const struct {
        const char *target, *body;
        int status;
        const char *text;
    } cases[] = {
        {"key", "{\"value\":\"canary\"}",                               400, "\\\"hosts\\\" is missing"  },
        {"key", "{\"hosts\":[\"a\"]}",                                  400, "\\\"value\\\" is missing"  },
        {"key", "",                                                     400, "it is not JSON"            },
        {"key", "{\"value\":\"canary\",\"hosts\":[\"a\"]",              400, "it is not JSON"            },
        {"key", "{\"value\" \"canary\"}",                               400, "it is not JSON"            },
        {"key", "{\"value\":\"canary\",\"host\":\"a\"}",                400, "did you mean \\\"hosts\\\""},
        {"key", "{\"value\":\"\",\"hosts\":[\"a\"]}",                   400, "\"pointer\":\"/value\""    },
        {"key", "{\"value\":\"canary\\u0000\",\"hosts\":[\"a\"]}",      400, "control character"         },
        {"key", "{\"value\":\"canary\\n\",\"hosts\":[\"a\"]}",          400, "\"pointer\":\"/value\""    },
        {"key", "{\"value\":[\"canary\"],\"hosts\":[\"a\"]}",           400, "must be text"              },
        {"key", "{\"value\":\"canary\",\"hosts\":[]}",                  400, "\"pointer\":\"/hosts\""    },
        {"key", "{\"value\":\"canary\",\"hosts\":[\"*.a\"]}",           400, "\"pointer\":\"/hosts/0\""  },
        {"key", "{\"value\":\"canary\",\"hosts\":[\"http://canary\"]}", 400, "is no host"                },
        {"KEY", "{\"value\":\"canary\",\"hosts\":[\"a\"]}",             400, "the name of a secret"      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char what[64];

        snprintf(what, sizeof(what), "PUT /v1/secrets/%s", cases[i].target);
        expect_with(what, "", cases[i].body, cases[i].status, cases[i].text);
    }
    expect_with("GET /v1/secrets", "", NULL, 200, "{\"secrets\":[]}");
}

static void test_values_have_a_size(void **state)
{
    static const struct {
        size_t size;
        int status;
    } cases[] = {
        {1,    201},
        {4095, 200},
        {4096, 200},
        {4097, 400}
    };
    static char body[5000];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(body, sizeof(body), "{\"hosts\":[\"a\"],\"value\":\"%0*d\"}", (int)cases[i].size,
                 0);
        expect_with("PUT /v1/secrets/key", "", body, cases[i].status, "");
    }
}

static void test_a_tenant_has_a_hundred(void **state)
{
    (void)state;
    for (int i = 0; i <= SECRETS_MAX; i++) {
        char what[64];

        snprintf(what, sizeof(what), "PUT /v1/secrets/s%d", i);
        expect_with(what, "", "{\"value\":\"v\",\"hosts\":[\"a\"]}", i < SECRETS_MAX ? 201 : 400,
                    i < SECRETS_MAX ? "ETag" : "at most 100 secrets");
    }
}

static void test_a_node_of_a_registry_without_a_key_says_what_to_set(void **state)
{
    struct secrets *own = serving.app.secrets;

    (void)state;
    assert_int_equal(secrets_open(fs, NULL, true, &serving.app.secrets, NULL), OK);
    expect_with("PUT /v1/secrets/key", "", BODY, 400, "--secrets-key-file");
    assert_non_null(strstr(serving.answer, "not_supported"));
    expect_with("GET /v1/secrets", "", NULL, 200, "{\"secrets\":[]}");
    secrets_close(serving.app.secrets);
    serving.app.secrets = own;
}

static void test_a_record_that_is_not_right_is_left_as_it_is(void **state)
{
    uint64_t version;

    (void)state;
    assert_int_equal(registry_put(serving.app.declared, REGISTRY_SOURCES, BYTES("default.-secrets"),
                                  0, BYTES("{\"canary\":1}"), &version, NULL),
                     OK);
    assert_int_equal(ask(&serving, "GET /v1/secrets", "", NULL), 409);
    assert_int_equal(ask(&serving, "PUT /v1/secrets/key", "", BODY), 409);
    assert_int_equal(ask(&serving, "DELETE /v1/secrets/key", "", NULL), 409);
    assert_non_null(strstr(serving.answer, "mended by hand"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_secret_is_kept_and_its_value_never_told,
                                        keeping_open, keeping_close),
        cmocka_unit_test_setup_teardown(test_what_is_kept_can_be_opened_for_its_hosts, keeping_open,
                                        keeping_close),
        cmocka_unit_test_setup_teardown(test_what_is_not_right_is_refused, keeping_open,
                                        keeping_close),
        cmocka_unit_test_setup_teardown(test_values_have_a_size, keeping_open, keeping_close),
        cmocka_unit_test_setup_teardown(test_a_tenant_has_a_hundred, keeping_open, keeping_close),
        cmocka_unit_test_setup_teardown(test_a_node_of_a_registry_without_a_key_says_what_to_set,
                                        keeping_open, keeping_close),
        cmocka_unit_test_setup_teardown(test_a_record_that_is_not_right_is_left_as_it_is,
                                        keeping_open, keeping_close),
    };

    log_setup(LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
