#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "discovery/registered.h"
#include "discovery/registry_core.h"
#include "discovery/registry_image.h"
#include "discovery/token.h"

#define SHARD "{\"uri\":\"mongodb://u:canary@h\"}"

static char root[64];
static struct fs *fs;

static int setup(void **state)
{
    (void)state;
    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    snprintf(root, sizeof(root), "%s", "/tmp/weir-registered-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    return fs_posix_open(root, &fs, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(fs_unlink(fs, REGISTRY_COPY, NULL), OK);
    assert_int_equal(fs_unlink(fs, REGISTRY_HELD_COPY, NULL), OK);
    fs_posix_close(fs);
    return rmdir(root);
}

/* Records of two names, as they are written in one go. */
struct two {
    const char *shard, *tenant; /* NULL: not there */
};

static struct registry_snapshot *snapshot_of(struct two two, uint64_t version)
{
    struct registry_record records[2];
    size_t count = 0;

    if (two.shard)
        records[count++] = (struct registry_record){REGISTRY_SHARDS, false, BYTES("north"),
                                                    bytes_of(two.shard), version};
    if (two.tenant)
        records[count++] = (struct registry_record){REGISTRY_TENANTS, false, BYTES("acme"),
                                                    bytes_of(two.tenant), version};
    return registry_snapshot_new(records, count);
}

static struct directory_snapshot *build(struct registered *registered, struct two two,
                                        uint64_t version)
{
    struct registry_snapshot *records = snapshot_of(two, version);
    struct directory_snapshot *made = NULL;
    struct error err = {0};
    struct limits node;

    limits_init(&node);
    if (registered_build(registered, records, &node, &made, &err))
        fail_msg("%s", err.text);
    registry_snapshot_put(records);
    return made;
}

static struct registered *open(struct fs *on)
{
    struct registered *registered = NULL;

    assert_int_equal(registered_new(on, &registered, NULL), OK);
    return registered;
}

static size_t fault_count(const struct registered *registered)
{
    size_t count;

    (void)registered_faults(registered, &count);
    return count;
}

static void test_what_records_say_is_in_force(void **state)
{
    static const struct two two = {
        SHARD, "{\"retention\":\"2d\",\"limits\":{\"series_max\":7},\"shards\":[\"north\"]}"};
    struct registered *registered = open(NULL);
    struct directory_snapshot *made = build(registered, two, 1);
    const struct tenant_settings *acme = directory_tenant(made, BYTES("acme"));

    (void)state;
    assert_non_null(acme);
    assert_int_equal(acme->limits.series_max, 7);
    assert_int_equal(acme->retention_ns, 2 * INT64_C(86400) * 1000000000);
    assert_int_equal(acme->history_ns, 90 * INT64_C(86400) * 1000000000);
    assert_int_equal(acme->shard_count, 1);
    assert_ptr_equal(acme->shard, acme->shards[0]);
    assert_true(bytes_equal(acme->shard->uri, BYTES("mongodb://u:canary@h")));
    assert_int_equal(fault_count(registered), 0);
    directory_put(made);
    made = build(registered, (struct two){SHARD, "{\"state\":\"deleted\"}"}, 2);
    assert_null(directory_tenant(made, BYTES("acme")));
    assert_int_equal(fault_count(registered), 0);
    directory_put(made);
    registered_free(registered);
}

/* A record that is wrong, before and after: 7 series were allowed. */
static void test_what_was_right_before_stays(void **state)
{
    static const struct {
        const char *name;
        struct two now;
        bool held;
    } cases[] = {
        {"a tenant that is no JSON",   {SHARD, "{"},                                            true},
        {"an unknown key",             {SHARD, "{\"limit\":{}}"},                               true},
        {"a shard that is not there",  {SHARD, "{\"shards\":[\"south\"]}"},                     true},
        {"a shard that is no address",
         {"{\"uri\":\"x\"}", "{\"limits\":{\"series_max\":7},\"shards\":[\"north\"]}"},
         true                                                                                       },
        {"a shard deleted under it",
         {"{\"state\":\"deleted\"}", "{\"limits\":{\"series_max\":7},\"shards\":[\"north\"]}"},
         true                                                                                       },
    };
    static const struct two right = {SHARD,
                                     "{\"limits\":{\"series_max\":7},\"shards\":[\"north\"]}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct registered *registered = open(NULL);

        directory_put(build(registered, right, 1));
        for (uint64_t version = 2; version < 5; version++) { /* also when it is wrong again */
            struct directory_snapshot *made = build(registered, cases[i].now, version);
            const struct tenant_settings *acme = directory_tenant(made, BYTES("acme"));
            size_t count;
            const struct registered_fault *fault = registered_faults(registered, &count);

            if (!acme || acme->limits.series_max != 7 || !acme->shard || count != 1 ||
                !fault->held || fault->version != version || strstr(fault->text, "canary"))
                fail_msg("%s: %zu faults, %s", cases[i].name, count, count ? fault->text : "");
            directory_put(made);
        }
        directory_put(build(registered, right, 5));
        assert_int_equal(fault_count(registered), 0);
        registered_free(registered);
    }
}

static void test_who_was_never_right_is_nobody_and_harms_nobody(void **state)
{
    static const struct registry_record records[] = {
        {REGISTRY_TENANTS, false, BYTES("acme"),  BYTES("{\"shards\":[\"x\"]}"), 1},
        {REGISTRY_TENANTS, false, BYTES("other"), BYTES("{}"),                   1},
    };
    struct registry_snapshot *snapshot = registry_snapshot_new(records, COUNT_OF(records));
    struct registered *registered = open(NULL);
    struct directory_snapshot *made = NULL;
    struct limits node;
    size_t count;

    (void)state;
    limits_init(&node);
    assert_int_equal(registered_build(registered, snapshot, &node, &made, NULL), OK);
    assert_null(directory_tenant(made, BYTES("acme")));
    assert_non_null(directory_tenant(made, BYTES("other")));
    assert_false(registered_faults(registered, &count)->held);
    assert_int_equal(count, 1);
    directory_put(made);
    registry_snapshot_put(snapshot);
    registered_free(registered);
}

/* The registry keeps its newest records on disk, also wrong ones; what stayed in force is ours. */
static void test_what_stayed_does_so_over_a_restart(void **state)
{
    static const struct two right = {NULL, "{\"limits\":{\"series_max\":7}}"}, wrong = {NULL, "{"};
    struct registry_snapshot *records = snapshot_of(right, 1);
    struct registered *registered;
    struct directory_snapshot *made;

    (void)state;
    assert_int_equal(
        registry_image_save(fs, "", REGISTRY_COPY, records->records, records->count, NULL), OK);
    registry_snapshot_put(records);
    for (int start = 0; start < 3; start++) {
        registered = open(fs);
        made = build(registered, wrong, 2);
        assert_non_null(directory_tenant(made, BYTES("acme")));
        assert_int_equal(directory_tenant(made, BYTES("acme"))->limits.series_max, 7);
        directory_put(made);
        registered_free(registered);
        records = snapshot_of(wrong, 2); /* as the registry would by now */
        assert_int_equal(
            registry_image_save(fs, "", REGISTRY_COPY, records->records, records->count, NULL), OK);
        registry_snapshot_put(records);
    }
    registered = open(fs);
    directory_put(build(registered, right, 3));
    registered_free(registered);
    registered = open(fs); /* nothing is held any more */
    records = snapshot_of(wrong, 4);
    assert_int_equal(
        registry_image_save(fs, "", REGISTRY_COPY, records->records, records->count, NULL), OK);
    registry_snapshot_put(records);
    registered_free(registered);
    registered = open(fs);
    made = build(registered, wrong, 4);
    assert_null(directory_tenant(made, BYTES("acme")));
    directory_put(made);
    registered_free(registered);
}

static const struct fs_operations *well;

static enum code open_when_full(struct fs *of, const char *path, enum fs_open_how how,
                                struct file **file, struct error *err)
{
    if (how == FS_CREATE)
        return error_set(err, E_DISK_FULL, "%s: No space left on device", path);
    return well->open(of, path, how, file, err);
}

static void test_what_stayed_is_kept_once_the_disk_has_room(void **state)
{
    static const struct two right = {NULL, "{\"limits\":{\"series_max\":7}}"}, wrong = {NULL, "{"};
    struct registered *registered = open(fs);
    struct registry_snapshot *records;
    static struct fs_operations full; /* teardown uses it where this test fails */
    struct directory_snapshot *made;

    (void)state;
    well = fs->operations;
    full = *well;
    full.open = open_when_full;
    directory_put(build(registered, right, 1));
    assert_true(registered_keep(registered)); /* there is nothing to keep */
    fs->operations = &full;
    directory_put(build(registered, wrong, 2));
    assert_false(registered_keep(registered));
    directory_put(build(registered, wrong, 3)); /* the same form: still not on disk */
    assert_false(registered_keep(registered));
    fs->operations = well;
    assert_true(registered_keep(registered));
    registered_free(registered);
    records = snapshot_of(wrong, 3); /* the registry's own copy found room as well */
    assert_int_equal(
        registry_image_save(fs, "", REGISTRY_COPY, records->records, records->count, NULL), OK);
    registry_snapshot_put(records);
    registered = open(fs);
    made = build(registered, wrong, 3);
    assert_non_null(directory_tenant(made, BYTES("acme")));
    directory_put(made);
    registered_free(registered);
}

static void token_record(struct bytes token, const char *id, char text[300])
{
    struct token_hash hash = token_hash(token);
    int size =
        snprintf(text, 300, "{\"tokens\":[{\"id\":\"%s\",\"scopes\":[\"read\"],\"sha256\":\"", id);

    for (size_t i = 0; i < sizeof(hash.bytes); i++)
        size += snprintf(text + size, 300 - (size_t)size, "%02x", hash.bytes[i]);
    snprintf(text + size, 300 - (size_t)size, "\"}]}");
}

/* Tenants' records do not know each other's tokens: the same id is no fault, the same token is. */
static void test_a_token_admits_to_one_tenant_or_to_none(void **state)
{
    static const struct bytes tokens[] = {
        BYTES("weir_same_0000000000000000000000000000000000000000001"),
        BYTES("weir_same_0000000000000000000000000000000000000000002"),
    };
    char texts[3][300];
    struct registry_record records[3];
    struct registered *registered = open(NULL);
    struct registry_snapshot *snapshot;
    struct directory_snapshot *made = NULL;
    struct token_grant grant;
    struct limits node;

    (void)state;
    limits_init(&node);
    token_record(tokens[0], "same", texts[0]);
    token_record(tokens[1], "same", texts[1]);
    token_record(tokens[1], "same", texts[2]);
    for (size_t i = 0; i < 3; i++)
        records[i] = (struct registry_record){
            REGISTRY_TENANTS, false, {&"abc"[i], 1},
              bytes_of(texts[i]), i + 1
        };
    snapshot = registry_snapshot_new(records, 2);
    assert_int_equal(registered_build(registered, snapshot, &node, &made, NULL), OK);
    for (size_t i = 0; i < 2; i++) {
        assert_true(directory_grant(made, tokens[i], 0, &grant));
        assert_true(bytes_equal(grant.tenant->name, records[i].name));
    }
    assert_int_equal(fault_count(registered), 0);
    directory_put(made);
    registry_snapshot_put(snapshot);
    snapshot = registry_snapshot_new(records, 3);
    assert_int_equal(registered_build(registered, snapshot, &node, &made, NULL), OK);
    assert_true(directory_grant(made, tokens[0], 0, &grant));
    assert_false(directory_grant(made, tokens[1], 0, &grant));
    assert_int_equal(fault_count(registered), 1);
    directory_put(made);
    registry_snapshot_put(snapshot);
    registered_free(registered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_records_say_is_in_force),
        cmocka_unit_test(test_what_was_right_before_stays),
        cmocka_unit_test(test_who_was_never_right_is_nobody_and_harms_nobody),
        cmocka_unit_test_setup_teardown(test_what_stayed_does_so_over_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_stayed_is_kept_once_the_disk_has_room, setup,
                                        teardown),
        cmocka_unit_test(test_a_token_admits_to_one_tenant_or_to_none),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
