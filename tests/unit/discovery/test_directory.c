#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/thread.h"
#include "discovery/directory.h"
#include "discovery/token.h"

static char path[64];

static int setup(void **state)
{
    int descriptor;

    (void)state;
    snprintf(path, sizeof(path), "%s", "/tmp/weir-tenants-XXXXXX");
    descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_tenants(const char *tenant, const char *lines)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "tenants:\n  %s:\n    tokens:\n%s", tenant, lines);
    fclose(file);
}

static struct directory *open_directory(void)
{
    struct directory *directory = NULL;
    struct error err = {0};
    struct limits node;

    limits_init(&node);
    if (directory_open(path, &node, &directory, &err))
        fail_msg("%s", err.text);
    return directory;
}

/* A new token with its line in the file. */
static void token_make(unsigned scopes, int64_t expires_ns, struct buf *text, char line[512])
{
    struct buf printed = BUF_INIT(400);

    assert_int_equal(token_generate(BYTES("test"), scopes, expires_ns, text, &printed, NULL), OK);
    snprintf(line, 512, "      %.*s\n", BYTES_ARG(buf_bytes(&printed)));
    buf_release(&printed);
}

static void test_a_token_grants_its_scopes_until_it_expires(void **state)
{
    struct buf token = BUF_INIT(100), other = BUF_INIT(100);
    struct directory_snapshot *snapshot;
    struct directory *directory;
    struct token_grant grant;
    char line[512], ignored[512];
    struct bytes id;

    (void)state;
    token_make(TOKEN_SCOPE_READ, 1000, &token, line);
    token_make(TOKEN_SCOPE_READ, 1000, &other, ignored);
    write_tenants("acme", line);
    directory = open_directory();
    assert_false(directory_open_mode(directory));
    snapshot = directory_get(directory);
    assert_true(directory_grant(snapshot, buf_bytes(&token), 999, &grant));
    assert_true(bytes_equal(grant.tenant->name, BYTES("acme")));
    assert_int_equal(grant.scopes, TOKEN_SCOPE_READ);
    assert_true(token_id_of(buf_bytes(&token), &id));
    assert_true(bytes_equal(grant.id, id));
    assert_false(directory_grant(snapshot, buf_bytes(&token), 1000, &grant));
    assert_false(directory_grant(snapshot, buf_bytes(&other), 999, &grant));
    assert_false(directory_grant(snapshot, BYTES(""), 999, &grant));
    /* Each letter of the secret counts. */
    for (size_t i = token.size - TOKEN_SECRET_SIZE; i < token.size; i++) {
        char was = token.data[i];

        token.data[i] = was == 'a' ? 'b' : 'a';
        assert_false(directory_grant(snapshot, buf_bytes(&token), 999, &grant));
        token.data[i] = was;
    }
    directory_put(snapshot);
    directory_close(directory);
    buf_release(&token);
    buf_release(&other);
}

static void test_a_reload_publishes_and_a_failed_one_changes_nothing(void **state)
{
    struct buf token = BUF_INIT(100);
    struct directory_snapshot *before, *after;
    struct directory *directory;
    struct token_grant grant;
    struct error err = {0};
    char line[512];

    (void)state;
    token_make(TOKEN_SCOPE_WRITE, INT64_MAX, &token, line);
    write_tenants("acme", line);
    directory = open_directory();
    before = directory_get(directory);
    write_tenants("umbrella", "      - {id: abc}\n");
    assert_int_equal(directory_reload(directory, &err), E_CONFIG);
    assert_int_equal(err.line, 4);
    assert_memory_equal(err.text, path, strlen(path));
    after = directory_get(directory);
    assert_ptr_equal(after, before);
    directory_put(after);
    write_tenants("umbrella", line);
    assert_int_equal(directory_reload(directory, &err), OK);
    after = directory_get(directory);
    assert_null(directory_tenant(after, BYTES("acme")));
    assert_true(directory_grant(after, buf_bytes(&token), 0, &grant));
    assert_true(bytes_equal(grant.tenant->name, BYTES("umbrella")));
    /* Who still holds the old one reads on in it. */
    assert_non_null(directory_tenant(before, BYTES("acme")));
    directory_put(before);
    directory_put(after);
    directory_close(directory);
    buf_release(&token);
}

static void test_without_a_file_there_is_one_open_tenant_and_no_token(void **state)
{
    struct directory *directory = NULL;
    struct directory_snapshot *snapshot;
    const struct tenant_settings *tenant;
    struct token_grant grant;
    struct limits node;

    (void)state;
    limits_init(&node);
    node.series_max = 12;
    assert_int_equal(directory_open(NULL, &node, &directory, NULL), OK);
    assert_true(directory_open_mode(directory));
    snapshot = directory_get(directory);
    tenant = directory_tenant(snapshot, BYTES("default"));
    assert_non_null(tenant);
    assert_int_equal(tenant->limits.series_max, 12);
    assert_int_equal(tenant->retention_ns, INT64_MAX);
    assert_false(directory_grant(
        snapshot, BYTES("weir_a_0123456789012345678901234567890123456789abc"), 0, &grant));
    directory_put(snapshot);
    assert_int_equal(directory_reload(directory, NULL), OK);
    directory_close(directory);
}

static void test_a_file_that_is_missing_is_told(void **state)
{
    struct directory *directory = NULL;
    struct error err = {0};
    struct limits node;

    (void)state;
    limits_init(&node);
    assert_int_equal(directory_open("/nonexistent/tenants.yaml", &node, &directory, &err),
                     E_NOT_FOUND);
    assert_null(directory);
    assert_non_null(strstr(err.text, "/nonexistent/tenants.yaml"));
}

static void read_on(void *context)
{
    for (int i = 0; i < 2000; i++) {
        struct directory_snapshot *snapshot = directory_get(context);

        assert_non_null(directory_tenant(snapshot, BYTES("acme")));
        directory_put(snapshot);
    }
}

static void test_readers_go_on_while_the_file_is_reloaded(void **state)
{
    struct directory *directory;
    struct thread *threads[3];

    (void)state;
    write_tenants("acme", "      []\n");
    directory = open_directory();
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        assert_int_equal(thread_start("reader", read_on, directory, &threads[i], NULL), OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(directory_reload(directory, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        thread_join(threads[i]);
    directory_close(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_grants_its_scopes_until_it_expires),
        cmocka_unit_test(test_a_reload_publishes_and_a_failed_one_changes_nothing),
        cmocka_unit_test(test_without_a_file_there_is_one_open_tenant_and_no_token),
        cmocka_unit_test(test_a_file_that_is_missing_is_told),
        cmocka_unit_test(test_readers_go_on_while_the_file_is_reloaded),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
