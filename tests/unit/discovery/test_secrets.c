#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "discovery/registry_files.h"
#include "discovery/secrets.h"
#include "tests/unit/server/serving.h"

#define LINE "0123456789abcdef0123456789abcdef"

static char place[] = "/tmp/weir-secrets-XXXXXX", key_file[64], own_file[64];
static struct arena arena;
static struct fs *fs;
static struct bytes hosts[] = {
    {"api.example.com", 15}
};

static void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int setup(void **state)
{
    (void)state;
    memcpy(place + sizeof(place) - 7, "XXXXXX", 6);
    directory_make(place);
    snprintf(key_file, sizeof(key_file), "%s/key", place);
    snprintf(own_file, sizeof(own_file), "%s/%s", place, SECRETS_KEY_OWN);
    arena_init(&arena, SIZE_MAX, NULL);
    return fs_posix_open(place, &fs, NULL) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fs_posix_close(fs);
    arena_release(&arena);
    directory_remove(place);
    return 0;
}

static enum code seal(struct secrets *secrets, struct secret *secret, struct error *err)
{
    *secret = (struct secret){.name = BYTES("key"), .hosts = hosts, .host_count = 1};
    return secrets_seal(secrets, BYTES("acme"), BYTES("canary"), &arena, secret, err);
}

static enum code open_value(struct secrets *secrets, struct secret *secret, const char *host,
                            struct bytes *value, struct error *err)
{
    const struct secret_document document = {secret, 1};

    return secrets_open_value(secrets, BYTES("acme"), &document, BYTES("key"), bytes_of(host),
                              &arena, value, err);
}

static void expect_refused(enum code got, enum code want, const struct error *err, const char *text)
{
    if (got != want || !strstr(err->text, text) || strstr(err->text, "canary"))
        fail_msg("%d: %s", got, err->text);
}

static void test_a_node_alone_makes_a_key_at_the_first_secret(void **state)
{
    struct secrets *secrets;
    struct bytes value = {NULL, 0};
    struct secret secret, second;
    struct stat made, later;
    struct error err = {0};

    (void)state;
    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
    assert_int_not_equal(stat(own_file, &made), 0);
    assert_int_equal(seal(secrets, &secret, &err), OK);
    assert_int_equal(stat(own_file, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0600);
    assert_int_equal(made.st_size, 45);
    secrets_close(secrets);

    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
    assert_int_equal(open_value(secrets, &secret, "api.example.com", &value, &err), OK);
    assert_true(bytes_equal(value, BYTES("canary")));
    secrets_wipe(value);
    assert_int_equal(value.data[0], 0);
    assert_int_equal(seal(secrets, &second, &err), OK);
    assert_int_equal(stat(own_file, &later), 0);
    assert_true(later.st_ino == made.st_ino);
    secrets_close(secrets);
    secrets_close(NULL);

    /* The file becomes the key file of a registry's nodes as it is. */
    assert_int_equal(secrets_open(fs, own_file, true, &secrets, &err), OK);
    assert_int_equal(open_value(secrets, &secret, "api.example.com", &value, &err), OK);
    secrets_close(secrets);
}

/* What a crash left beside the name is no key, and in nobody's way. */
static void test_a_key_that_was_being_made_is_made_anew(void **state)
{
    struct secrets *secrets;
    struct secret secret;
    struct error err = {0};
    char beside[64];

    (void)state;
    snprintf(beside, sizeof(beside), "%s/~%s", place, SECRETS_KEY_OWN);
    file_write(beside, "half");
    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
    assert_int_equal(seal(secrets, &secret, &err), OK);
    assert_int_not_equal(access(beside, F_OK), 0);
    secrets_close(secrets);
}

static void test_a_key_that_is_gone_or_damaged_is_told(void **state)
{
    struct secrets *secrets;
    struct bytes value = {NULL, 0};
    struct secret secret;
    struct error err = {0};

    (void)state;
    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
    assert_int_equal(seal(secrets, &secret, &err), OK);
    secrets_close(secrets);
    assert_int_equal(unlink(own_file), 0);
    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
    expect_refused(open_value(secrets, &secret, "api.example.com", &value, &err), E_CORRUPT, &err,
                   "is gone: secrets.key");
    assert_int_not_equal(access(own_file, F_OK), 0); /* reading makes none */
    file_write(own_file, "short\n");
    expect_refused(open_value(secrets, &secret, "api.example.com", &value, &err), E_CORRUPT, &err,
                   "secrets.key has a secret of 5 bytes");
    expect_refused(seal(secrets, &secret, &err), E_CORRUPT, &err, "secrets.key");
    secrets_close(secrets);
}

static void test_a_registry_needs_a_key_file(void **state)
{
    struct secrets *secrets;
    struct bytes value = {NULL, 0};
    struct secret secret, of_node;
    struct error err = {0};

    (void)state;
    assert_int_equal(secrets_open(fs, NULL, true, &secrets, &err), OK);
    expect_refused(seal(secrets, &secret, &err), E_CONFIG, &err, "--secrets-key-file");
    assert_int_not_equal(access(own_file, F_OK), 0);
    secrets_close(secrets);

    assert_int_equal(secrets_open(fs, key_file, true, &secrets, &err), E_NOT_FOUND);
    assert_null(secrets);
    file_write(key_file, "short\n");
    assert_int_equal(secrets_open(fs, key_file, true, &secrets, &err), E_CONFIG);
    file_write(key_file, LINE "\n");
    assert_int_equal(chmod(key_file, 0644), 0);
    expect_refused(secrets_open(fs, key_file, true, &secrets, &err), E_CONFIG, &err, "chmod");
    assert_int_equal(chmod(key_file, 0600), 0);
    assert_int_equal(secrets_open(fs, key_file, true, &secrets, &err), OK);
    assert_int_equal(seal(secrets, &secret, &err), OK);
    assert_int_equal(open_value(secrets, &secret, "api.example.com", &value, &err), OK);
    secrets_close(secrets);

    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
    assert_int_equal(seal(secrets, &of_node, &err), OK);
    expect_refused(open_value(secrets, &secret, "api.example.com", &value, &err), E_CORRUPT, &err,
                   "the secret \"key\" cannot be opened (bring its key, or set it again): it was "
                   "sealed with another key");
    secrets_close(secrets);
}

static void test_a_value_is_told_for_its_hosts_alone(void **state)
{
    struct secrets *secrets;
    struct bytes value = {NULL, 0};
    struct bytes evil[] = {
        {"evil.example", 12}
    };
    struct secret secret;
    struct error err = {0};

    (void)state;
    file_write(key_file, LINE);
    assert_int_equal(secrets_open(fs, key_file, false, &secrets, &err), OK);
    assert_int_equal(seal(secrets, &secret, &err), OK);
    expect_refused(open_value(secrets, &secret, "evil.example", &value, &err), E_FORBIDDEN, &err,
                   "the secret \"key\" does not go to evil.example");
    secret.hosts = evil; /* somebody changed the record */
    expect_refused(open_value(secrets, &secret, "evil.example", &value, &err), E_CORRUPT, &err,
                   "hosts");
    secret.name = BYTES("other");
    expect_refused(open_value(secrets, &secret, "evil.example", &value, &err), E_NOT_FOUND, &err,
                   "no secret \"key\"");
    assert_null(value.data);
    secrets_close(secrets);
}

static void record_put(struct registry *registry, struct bytes text, uint64_t expected)
{
    char name[REGISTRY_NAME_SIZE_MAX];
    uint64_t version;

    assert_int_equal(registry_put(registry, REGISTRY_SOURCES,
                                  secret_record_name(BYTES("acme"), name), expected, text, &version,
                                  NULL),
                     OK);
}

static void test_a_value_is_recalled_from_what_is_declared(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct buf text = BUF_INIT(10000);
    struct secret_document document = {NULL, 1};
    struct registry *registry;
    struct secrets *secrets;
    struct bytes value = {NULL, 0};
    struct secret secret;
    struct error err = {0};
    char declared[64];

    (void)state;
    snprintf(declared, sizeof(declared), "%s/declared", place);
    assert_int_equal(registry_files_open(declared, &rules, &registry, &err), OK);
    assert_int_equal(secrets_open(fs, NULL, false, &secrets, &err), OK);
#define RECALL(tenant)                                                                             \
    secrets_recall(secrets, registry, BYTES(tenant), BYTES("key"), BYTES("api.example.com"),       \
                   &arena, &value, &err)
    expect_refused(RECALL("acme"), E_NOT_FOUND, &err, "no secret \"key\"");
    assert_int_equal(seal(secrets, &secret, &err), OK);
    document.secrets = &secret;
    secret_document_print(&document, &text);
    record_put(registry, buf_bytes(&text), 0);
    assert_int_equal(RECALL("acme"), OK);
    assert_true(bytes_equal(value, BYTES("canary")));
    expect_refused(RECALL("other"), E_NOT_FOUND, &err, "no secret \"key\"");
    record_put(registry, BYTES("{\"secrets\":1}"), 1);
    expect_refused(RECALL("acme"), E_CORRUPT, &err, "is not right: /secrets: must be a list");
    assert_int_equal(err.code, E_CORRUPT);
    secrets_close(secrets);
    registry_close(registry);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_node_alone_makes_a_key_at_the_first_secret, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_key_that_was_being_made_is_made_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_key_that_is_gone_or_damaged_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_registry_needs_a_key_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_value_is_told_for_its_hosts_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_value_is_recalled_from_what_is_declared, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
