#include "server/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "discovery/directory.h"

/* Nobody listens there: port 1 and 2 of this machine. */
#define AT(port)                                                                                   \
    "mongodb://weir:pa55word@127.0.0.1:" port "/?serverSelectionTimeoutMS=50&connectTimeoutMS=50"

static char path[64];
static struct directory *directory;

static void say(const char *text)
{
    FILE *file = fopen(path, "w");
    struct error err = {0};
    struct limits node;

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    limits_init(&node);
    if (directory == NULL ? directory_open(path, &node, &directory, &err)
                          : directory_reload(directory, &err))
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    int descriptor;

    (void)state;
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    snprintf(path, sizeof(path), "/tmp/weir-test-delivery-XXXXXX");
    descriptor = mkstemp(path);
    if (descriptor < 0)
        return -1;
    close(descriptor);
    say("shards: {north: {uri: '" AT("1") "'}}\n"
                                          "tenants: {acme: {shard: north}, here: }\n");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    directory_close(directory);
    directory = NULL;
    return unlink(path);
}

static void test_a_tenants_shard_is_that_of_the_moment(void **state)
{
    struct delivery_rules rules = delivery_rules_of(directory);
    struct tenant acme = {.name = BYTES("acme")}, here = {.ordinal = 1, .name = BYTES("here")},
                  gone = {.ordinal = 2, .name = BYTES("gone")};
    char name[SHARD_NAME_SIZE] = "";

    (void)state;
    assert_true(rules.shard_of(rules.context, &acme, name));
    assert_string_equal(name, "north");
    assert_false(rules.shard_of(rules.context, &here, name));
    assert_false(rules.shard_of(rules.context, &gone, name));
    say("shards: {south: {uri: '" AT("1") "'}}\n"
                                          "tenants: {acme: , here: {shard: south}}\n");
    assert_false(rules.shard_of(rules.context, &acme, name));
    assert_true(rules.shard_of(rules.context, &here, name));
    assert_string_equal(name, "south");
}

/* What a call says of where it tried. */
static enum code try(struct archive *archive, char text[ERROR_TEXT_SIZE])
{
    struct buf body = BUF_INIT(1 << 10);
    struct error err = {0};
    enum code code = archive->operations->get(archive, BYTES("weir_acme"), ARCHIVE_PACKS,
                                              BYTES("x"), &body, &err);

    assert_null(strstr(err.text, "pa55word"));
    memcpy(text, err.text, ERROR_TEXT_SIZE);
    buf_release(&body);
    return code;
}

static void test_an_address_that_was_changed_is_used_from_the_next_call_on(void **state)
{
    struct delivery_rules rules = delivery_rules_of(directory);
    struct archive *archive;
    struct error err = {0};
    char text[ERROR_TEXT_SIZE];

    (void)state;
    if (rules.open(rules.context, "north", &archive, &err))
        fail_msg("%s", err.text);
    assert_int_equal(try(archive, text), E_NOT_READY);
    assert_non_null(strstr(text, "127.0.0.1:1"));
    say("shards: {north: {uri: '" AT("2") "'}}\ntenants: {acme: {shard: north}}\n");
    assert_int_equal(try(archive, text), E_NOT_READY);
    if (!strstr(text, "127.0.0.1:2"))
        fail_msg("%s", text);
    archive->operations->close(archive);
}

static void test_a_shard_that_is_named_no_more_is_left(void **state)
{
    struct delivery_rules rules = delivery_rules_of(directory);
    struct archive *archive;
    struct error err = {0};
    char text[ERROR_TEXT_SIZE];

    (void)state;
    assert_int_equal(rules.open(rules.context, "south", &archive, &err), E_CONFIG);
    assert_null(archive);
    assert_int_equal(rules.open(rules.context, "north", &archive, &err), OK);
    say("tenants: {acme: }\n");
    assert_int_equal(try(archive, text), E_CONFIG);
    assert_non_null(strstr(text, "names no shard north any more"));
    archive->operations->close(archive);
}

static void test_an_address_that_cannot_be_is_refused_without_being_told(void **state)
{
    struct delivery_rules rules = delivery_rules_of(directory);
    struct archive *archive;
    struct error err = {0};

    (void)state;
    say("shards: {north: {uri: 'mongodb://weir:pa55word@:::/?=&='}}\ntenants: {acme: }\n");
    assert_int_equal(rules.open(rules.context, "north", &archive, &err), E_CONFIG);
    assert_null(archive);
    assert_null(strstr(err.text, "pa55word"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_tenants_shard_is_that_of_the_moment, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_an_address_that_was_changed_is_used_from_the_next_call_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_shard_that_is_named_no_more_is_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_an_address_that_cannot_be_is_refused_without_being_told, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
