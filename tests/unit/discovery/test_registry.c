#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "discovery/registry_core.h"
#include "discovery/registry_image.h"

/* An implementation that holds nothing: tests publish themselves. */
static enum code put(struct registry *registry, enum registry_kind kind, struct bytes name,
                     uint64_t expected, struct bytes text, uint64_t *version, struct error *err)
{
    (void)registry;
    (void)kind;
    (void)name;
    (void)text;
    *version = 7;
    return registry_expect(6, expected, err);
}

static void end(struct registry *registry)
{
    registry_core_release(registry);
}

static const struct registry_operations operations = {.put = put, .close = end};

static char directory[] = "/tmp/weir-registry-XXXXXX";
static struct fs *fs;
static unsigned told;

static int setup(void **state)
{
    (void)state;
    return mkdtemp(directory) && !fs_posix_open(directory, &fs, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    if (fs_unlink(fs, "copy", NULL))
        return -1;
    fs_posix_close(fs);
    return rmdir(directory);
}

static void count(void *context)
{
    (void)context;
    told++;
}

static void begin(struct registry *registry, bool kept)
{
    struct registry_rules rules = {.changed = count};

    if (kept) {
        rules.fs = fs;
        rules.snapshot_path = "copy";
    }
    told = 0;
    assert_int_equal(registry_core_init(registry, &operations, &rules, NULL), OK);
}

static struct registry_record record(enum registry_kind kind, const char *name, uint64_t version)
{
    return (struct registry_record){
        .kind = kind, .name = bytes_of(name), .text = bytes_of(name), .version = version};
}

static void publish(struct registry *registry, struct registry_record *records, size_t number)
{
    assert_int_equal(registry_publish(registry, records, number, "", NULL), OK);
}

static void expect(struct registry *registry, size_t number, size_t missing, uint64_t version,
                   uint64_t sequence)
{
    struct registry_snapshot *snapshot = registry_get(registry);

    assert_int_equal(snapshot->count, number);
    assert_int_equal(snapshot->missing_count, missing);
    assert_true(snapshot->version == version);
    assert_true(snapshot->sequence == sequence);
    assert_int_equal(registry_health(registry).missing_count, missing);
    registry_snapshot_put(snapshot);
}

static void test_before_anything_was_seen_there_is_nothing(void **state)
{
    struct registry registry;
    struct registry_health health;
    struct error err = {0};

    (void)state;
    begin(&registry, true);
    expect(&registry, 0, 0, 0, 0);
    health = registry_health(&registry);
    assert_int_equal(health.state, REGISTRY_NEVER);
    assert_false(health.from_disk || health.kept);
    assert_false(registry_wait(&registry, 0, 1));
    assert_int_equal(registry_wait_connected(&registry, 1, &err), E_NOT_READY);
    assert_non_null(strstr(err.text, "never seen"));
    registry_close(&registry);
    registry_close(NULL);
    assert_int_equal(fs_unlink(fs, "copy", NULL),
                     E_NOT_FOUND); /* nothing was seen: nothing is kept */
}

static void test_what_is_gone_is_missing_and_what_is_ephemeral_is_not(void **state)
{
    struct registry registry;
    struct registry_record records[] = {
        record(REGISTRY_LEASES, "merge", 9), record(REGISTRY_SHARDS, "n", 2),
        record(REGISTRY_TENANTS, "b", 3), record(REGISTRY_TENANTS, "a", 1)};

    (void)state;
    begin(&registry, false);
    publish(&registry, records, 4);
    expect(&registry, 4, 0, 3, 1);
    assert_true(registry_wait(&registry, 0, 0));
    publish(&registry, records, 4); /* the same: no news */
    expect(&registry, 4, 0, 3, 1);
    assert_int_equal(told, 1);
    records[0] = record(REGISTRY_TENANTS, "b", 3);
    publish(&registry, records, 1);
    expect(&registry, 3, 2, 3, 2);
    publish(&registry, NULL, 0);
    expect(&registry, 3, 3, 3, 3);
    records[0] = record(REGISTRY_TENANTS, "a", 12);
    publish(&registry, records, 1);
    expect(&registry, 3, 2, 12, 4);
    records[0] = record(REGISTRY_TENANTS, "a", 12);
    records[0].text = BYTES("another of the same version, of a registry that was replaced");
    publish(&registry, records, 1);
    expect(&registry, 3, 2, 12, 5);
    assert_int_equal(told, 5);
    registry_close(&registry);
}

static enum code put_one(struct registry *registry, const char *name, struct error *err)
{
    uint64_t version;

    return registry_put(registry, REGISTRY_TENANTS, bytes_of(name), 6, BYTES("x"), &version, err);
}

static void test_so_many_records_and_no_more(void **state)
{
    static char names[REGISTRY_RECORDS_MAX + 1][8];
    struct registry_record *records = calloc(REGISTRY_RECORDS_MAX + 1, sizeof(*records));
    struct registry registry;
    struct error err = {0};

    (void)state;
    assert_non_null(records);
    begin(&registry, false);
    for (size_t i = 0; i <= REGISTRY_RECORDS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "%zu", i);
        records[i] = record(REGISTRY_TENANTS, names[i], i + 1);
    }
    publish(&registry, records, REGISTRY_RECORDS_MAX - 1);
    expect(&registry, REGISTRY_RECORDS_MAX - 1, 0, REGISTRY_RECORDS_MAX - 1, 1);
    assert_int_equal(put_one(&registry, "new", &err), OK); /* there is room for one */
    for (size_t i = 0; i <= REGISTRY_RECORDS_MAX; i++)     /* they were sorted */
        records[i] = record(REGISTRY_TENANTS, names[i], i + 1);
    publish(&registry, records, REGISTRY_RECORDS_MAX);
    expect(&registry, REGISTRY_RECORDS_MAX, 0, REGISTRY_RECORDS_MAX, 2);
    assert_int_equal(put_one(&registry, "new", &err), E_BAD_PARAMETER);
    assert_non_null(strstr(err.text, "at most 100000 records"));
    assert_int_equal(put_one(&registry, "7", &err), OK); /* one that is there */
    for (size_t i = 0; i <= REGISTRY_RECORDS_MAX; i++)
        records[i] = record(REGISTRY_TENANTS, names[i], i + 1);
    assert_int_equal(registry_publish(&registry, records, REGISTRY_RECORDS_MAX + 1, "", &err),
                     E_MEMORY);
    assert_non_null(strstr(err.text, "100001 records"));
    expect(&registry, REGISTRY_RECORDS_MAX, 0, REGISTRY_RECORDS_MAX, 2);
    registry_close(&registry);
    free(records);
}

static void test_a_snapshot_in_use_outlives_the_next(void **state)
{
    struct registry registry;
    struct registry_record one = record(REGISTRY_TENANTS, "a", 1);
    struct registry_snapshot *old;

    (void)state;
    begin(&registry, false);
    publish(&registry, &one, 1);
    old = registry_get(&registry);
    one = record(REGISTRY_TENANTS, "a", 2);
    publish(&registry, &one, 1);
    registry_close(&registry);
    assert_true(registry_find(old, REGISTRY_TENANTS, BYTES("a"))->version == 1);
    registry_snapshot_put(old);
}

static void test_the_copy_on_disk_is_of_the_last_good_snapshot(void **state)
{
    struct registry registry;
    struct registry_record records[] = {record(REGISTRY_TENANTS, "a", 5),
                                        record(REGISTRY_ALIVE, "1", 6)};

    (void)state;
    begin(&registry, true);
    publish(&registry, records, 2);
    assert_true(registry_health(&registry).kept); /* the first goes to disk at once */
    assert_true(registry.keep_again_ns > 0);
    registry.keep_again_ns = INT64_MAX; /* however long this machine takes for what follows */
    records[0] = record(REGISTRY_TENANTS, "a", 7);
    publish(&registry, records, 1);
    assert_false(registry_health(&registry).kept); /* the next not before a second has passed, */
    registry_close(&registry);                     /* but for the end */
    begin(&registry, true);
    expect(&registry, 1, 0, 7, 1);
    assert_true(registry_health(&registry).from_disk);
    assert_int_equal(registry_health(&registry).state, REGISTRY_NEVER);
    publish(&registry, NULL, 0);
    expect(&registry, 1, 1, 7, 2);
    assert_false(registry_health(&registry).from_disk);
    registry_close(&registry);
    begin(&registry, true);
    expect(&registry, 1, 1, 7, 1);
    registry_close(&registry);
    assert_int_equal(registry_file_replace(fs, "", "copy", BYTES("weir-registry 1\nend 9\n"), NULL),
                     OK);
    begin(&registry, true);
    expect(&registry, 0, 0, 0, 0);
    assert_non_null(strstr(registry_health(&registry).text, "passed over"));
    registry_close(&registry);
}

static void test_a_state_is_told_once(void **state)
{
    struct registry registry;
    struct error err = {0};

    (void)state;
    begin(&registry, false);
    registry_state_set(&registry, REGISTRY_DISCONNECTED, "first");
    registry_state_set(&registry, REGISTRY_DISCONNECTED, "second");
    assert_int_equal(told, 1);
    assert_string_equal(registry_health(&registry).text, "second");
    registry_state_set(&registry, REGISTRY_REFUSED, NULL);
    assert_int_equal(told, 2);
    assert_int_equal(registry_wait_connected(&registry, 10000, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "refused"));
    assert_non_null(strstr(err.text, "second"));
    assert_int_equal(registry_publish(&registry, NULL, 0, "a record is damaged", &err), OK);
    assert_int_equal(told, 3);
    assert_int_equal(registry_wait_connected(&registry, 0, &err), OK);
    assert_string_equal(registry_health(&registry).text, "a record is damaged");
    assert_int_equal(registry_whole(&registry, &err), E_CONFIG);
    assert_non_null(strstr(err.text, "cannot be read: a record is damaged"));
    registry_state_set(&registry, REGISTRY_DISCONNECTED, "no answer");
    assert_int_equal(registry_whole(&registry, &err), OK);
    assert_int_equal(registry_publish(&registry, NULL, 0, "", &err), OK);
    assert_int_equal(registry_whole(&registry, &err), OK);
    assert_true(registry_health(&registry).seen_ns == INT64_MIN);
    registry_seen(&registry);
    registry_session_made(&registry);
    assert_true(registry_health(&registry).seen_ns > 0);
    assert_int_equal(registry_health(&registry).sessions, 1);
    registry_close(&registry);
}

static void test_what_is_put_is_checked(void **state)
{
    static char large[REGISTRY_TEXT_SIZE_MAX + 1];
    static const struct {
        const char *name;
        size_t size;
        uint64_t expected;
        enum code want;
        const char *text;
    } cases[] = {
        {"acme", REGISTRY_TEXT_SIZE_MAX,     6, OK,              ""                                },
        {"acme", REGISTRY_TEXT_SIZE_MAX + 1, 6, E_BAD_PARAMETER, "262145 bytes"                    },
        {"ACME", 1,                          6, E_BAD_PARAMETER, "'ACME' is no name of tenants"    },
        {"acme", 1,                          0, E_EXISTS,        "tenants acme: it is there alread"},
        {"acme", 1,                          5, E_CONFLICT,      "at version 6, and not at 5"      },
    };
    struct registry registry;

    (void)state;
    begin(&registry, false);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        uint64_t version;
        enum code code =
            registry_put(&registry, REGISTRY_TENANTS, bytes_of(cases[i].name), cases[i].expected,
                         (struct bytes){large, cases[i].size}, &version, &err);

        if (code != cases[i].want || !strstr(err.text, cases[i].text))
            fail_msg("%zu: %d %s", i, code, err.text);
    }
    registry_close(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_anything_was_seen_there_is_nothing),
        cmocka_unit_test(test_what_is_gone_is_missing_and_what_is_ephemeral_is_not),
        cmocka_unit_test(test_so_many_records_and_no_more),
        cmocka_unit_test(test_a_snapshot_in_use_outlives_the_next),
        cmocka_unit_test(test_the_copy_on_disk_is_of_the_last_good_snapshot),
        cmocka_unit_test(test_a_state_is_told_once),
        cmocka_unit_test(test_what_is_put_is_checked),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
