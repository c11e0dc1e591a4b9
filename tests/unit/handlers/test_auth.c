#include "tests/unit/handlers/serving.h"

#include <sodium.h>

static struct serving serving;
static char reader[128], writer[128], admin[128], expired[128];

/* A token with its line for the file. */
static void add_token(char token[128], unsigned scopes, int64_t expires_ns, struct buf *file)
{
    struct buf text = BUF_INIT(127), line = BUF_INIT(512);

    assert_int_equal(token_generate(BYTES("test"), scopes, expires_ns, &text, &line, NULL), OK);
    memcpy(token, text.data, text.size);
    token[text.size] = '\0';
    buf_put_text(file, "      ");
    buf_put(file, buf_bytes(&line));
    if (line.data[line.size - 1] != '\n')
        buf_put_char(file, '\n');
    buf_release(&text);
    buf_release(&line);
}

static int setup(void **state)
{
    struct buf file = BUF_INIT(8192);
    int64_t later = clock_wall_ns(clock_system()) + INT64_C(3600000000000);

    (void)state;
    buf_put_text(&file, "tenants:\n  acme:\n    tokens:\n");
    add_token(reader, SCOPE_READ, later, &file);
    add_token(writer, SCOPE_WRITE, later, &file);
    add_token(expired, SCOPE_READ, 1, &file);
    buf_put_text(&file, "  other:\n    tokens:\n");
    add_token(admin, SCOPE_READ | SCOPE_ADMIN, later, &file);
    buf_put_char(&file, '\0');
    serving_init(&serving);
    serving_start(&serving, file.data);
    buf_release(&file);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    serving_stop(&serving);
    return 0;
}

static int ask_as(const char *what, const char *scheme, const char *token, const char *body)
{
    char headers[640];

    snprintf(headers, sizeof(headers), "Authorization: %s%s\r\n", scheme, token);
    return ask(&serving, what, headers, body);
}

static void test_a_scope_allows_its_own_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(ask_as("POST /v1/points", "Bearer ", writer, "m f=1 1"), 204);
    assert_int_equal(ask_as("POST /v1/points", "Bearer ", reader, "m f=1 1"), 403);
    assert_non_null(strstr(serving.answer, "\\\"write\\\""));
    assert_int_equal(ask_as("GET /v1/measurements", "Bearer ", reader, NULL), 200);
    assert_int_equal(ask_as("GET /v1/measurements", "Bearer ", writer, NULL), 403);
    assert_int_equal(ask_as("GET /metrics", "Bearer ", reader, NULL), 403);
    assert_int_equal(ask_as("GET /metrics", "Bearer ", admin, NULL), 200);
    assert_int_equal(ask_as("POST /v1/admin/flush", "Bearer ", admin, NULL), 200);
}

static void test_the_tenant_comes_from_the_token(void **state)
{
    (void)state;
    assert_int_equal(ask_as("POST /v1/points", "Bearer ", writer, "m f=1 1"), 204);
    assert_int_equal(ask_as("GET /v1/measurements", "Bearer ", reader, NULL), 200);
    assert_non_null(strstr(serving.answer, "[\"m\"]"));
    assert_int_equal(ask_as("GET /v1/measurements", "Bearer ", admin, NULL), 200);
    assert_non_null(strstr(serving.answer, "\"items\":[]"));
}

static void test_the_schemes_of_other_clients_are_taken(void **state)
{
    char plain[256], encoded[512];

    (void)state;
    assert_int_equal(ask_as("GET /v1/measurements", "Token ", reader, NULL), 200);
    assert_int_equal(ask_as("GET /v1/measurements", "bearer  ", reader, NULL), 200);
    snprintf(plain, sizeof(plain), "whoever:%s", reader);
    sodium_bin2base64(encoded, sizeof(encoded), (unsigned char *)plain, strlen(plain),
                      sodium_base64_VARIANT_ORIGINAL);
    assert_int_equal(ask_as("GET /v1/measurements", "Basic ", encoded, NULL), 200);
    assert_int_equal(ask_as("GET /v1/measurements", "Token whoever:", reader, NULL), 200);
    assert_int_equal(ask_as("GET /v1/measurements", "Token whoever:x", reader, NULL), 401);
}

static void test_a_token_among_the_parameters_is_taken_where_influx_has_one(void **state)
{
    char what[256];

    (void)state;
    snprintf(what, sizeof(what), "POST /write?db=d&u=whoever&p=%s", writer);
    assert_int_equal(ask(&serving, what, "", "m f=1 1"), 204);
    assert_int_equal(ask(&serving, what, "Authorization: Bearer x\r\n", "m f=1 1"), 401);
    snprintf(what, sizeof(what), "POST /write?db=d&p=%s", reader);
    assert_int_equal(ask(&serving, what, "", "m f=1 1"), 403);
    assert_int_equal(ask(&serving, "POST /write?u=a&p=b", "", "m f=1 1"), 401);
    assert_int_equal(ask(&serving, "POST /write?u=a&p=", "", "m f=1 1"), 401);
    snprintf(what, sizeof(what), "GET /v1/measurements?u=a&p=%s", reader);
    assert_int_equal(ask(&serving, what, "", NULL), 401);
    snprintf(what, sizeof(what), "POST /api/v2/write?u=a&p=%s", writer);
    assert_int_equal(ask(&serving, what, "", "m f=1 1"), 401);
}

static void test_one_scope_is_enough_for_any(void **state)
{
    (void)state;
    assert_int_equal(ask_as("GET /query?q=SHOW%20DATABASES", "Token ", reader, NULL), 200);
    assert_non_null(strstr(serving.answer, "[[\"acme\"]]"));
    assert_int_equal(ask_as("GET /query?q=SHOW%20DATABASES", "Token ", writer, NULL), 200);
    assert_int_equal(ask_as("GET /query?q=CREATE%20DATABASE%20x", "Token ", writer, NULL), 200);
    assert_int_equal(ask_as("GET /query?q=CREATE%20DATABASE%20x", "Token ", reader, NULL), 403);
    assert_int_equal(ask(&serving, "GET /query?q=SHOW%20DATABASES", "", NULL), 401);
    assert_int_equal(ask(&serving, "GET /ping", "", NULL), 204);
}

static void test_everything_else_is_401(void **state)
{
    static const char *const wrong[] = {
        "",           "Bearer",    "Bearer ",    "Bearer x",      "Bearer weir_a_b", "Digest x",
        "Basic eA==", "Basic !!!", "Basic Ojo6", "Bearer weir__", "Token ",
    };
    char changed[128];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (ask_as("GET /v1/measurements", wrong[i], "", NULL) != 401)
            fail_msg("'%s': %s", wrong[i], serving.answer);
    assert_int_equal(ask(&serving, "GET /v1/measurements", "", NULL), 401);
    assert_non_null(strstr(serving.answer, "WWW-Authenticate: Bearer"));
    assert_int_equal(ask_as("GET /v1/measurements", "Bearer ", expired, NULL), 401);
    snprintf(changed, sizeof(changed), "%s", reader);
    changed[strlen(changed) - 1] = changed[strlen(changed) - 1] == 'a' ? 'b' : 'a';
    assert_int_equal(ask_as("GET /v1/measurements", "Bearer ", changed, NULL), 401);
    assert_null(strstr(serving.answer, changed)); /* no secret is said back */
    assert_int_equal(ask(&serving, "GET /healthz", "", NULL), 200);
}

/* A request that goes on for long asks again. */
static void test_a_token_is_looked_at_again(void **state)
{
    const struct tenant acme = {.name = BYTES("acme")};
    const struct {
        const char *token;
        enum scope scope;
        bool want;
    } cases[] = {
        {reader,  SCOPE_READ,  true },
        {reader,  SCOPE_WRITE, false},
        {writer,  SCOPE_READ,  false},
        {expired, SCOPE_READ,  false},
        {admin,   SCOPE_READ,  false}, /* of another tenant by now */
        {"weir_", SCOPE_READ,  false},
        {NULL,    SCOPE_READ,  true }, /* there are no tokens */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct session session = {.tenant = &acme, .scope = cases[i].scope};
        struct request request = {.app = &serving.app, .session = &session};

        if (cases[i].token != NULL)
            session.token = bytes_of(cases[i].token);
        if (app_is_authorized(&request) != cases[i].want)
            fail_msg("case %zu: want %d", i, cases[i].want);
    }
}

static void test_without_tokens_only_direct_clients_here_are_served(void **state)
{
    static struct serving open;

    (void)state;
    serving_init(&open);
    serving_start(&open, NULL);
    assert_int_equal(ask(&open, "GET /v1/measurements", "", NULL), 200);
    assert_int_equal(ask(&open, "GET /v1/measurements", "X-Forwarded-For: 1.2.3.4\r\n", NULL), 401);
    assert_int_equal(ask(&open, "GET /v1/measurements", "Origin: http://localhost:3000\r\n", NULL),
                     200);
    assert_int_equal(ask(&open, "GET /v1/measurements", "Origin: http://evil.example\r\n", NULL),
                     403);
    assert_int_equal(
        ask(&open, "GET /v1/measurements", "Origin: http://localhost.evil.example\r\n", NULL), 403);
    assert_int_equal(ask(&open, "GET /v1/measurements", "Origin: null\r\n", NULL), 403);
    open.app.open_to_all = true;
    assert_int_equal(ask(&open, "GET /v1/measurements", "Origin: http://evil.example\r\n", NULL),
                     200);
    assert_int_equal(ask(&open, "GET /v1/measurements", "X-Forwarded-For: 1.2.3.4\r\n", NULL), 200);
    serving_stop(&open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_scope_allows_its_own_and_nothing_else),
        cmocka_unit_test(test_the_tenant_comes_from_the_token),
        cmocka_unit_test(test_the_schemes_of_other_clients_are_taken),
        cmocka_unit_test(test_a_token_among_the_parameters_is_taken_where_influx_has_one),
        cmocka_unit_test(test_one_scope_is_enough_for_any),
        cmocka_unit_test(test_everything_else_is_401),
        cmocka_unit_test(test_a_token_is_looked_at_again),
        cmocka_unit_test(test_without_tokens_only_direct_clients_here_are_served),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
