#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "discovery/registry_image.h"
#include "discovery/zookeeper.h"

#define SECRET "hunter2"

/* What needs a server is tests/registry/run; here there is none: port 1. */
static const struct zookeeper_settings settings = {
    .hosts = BYTES("127.0.0.1:1"), .digest = BYTES("weir:" SECRET), .session_ms = 500};

static struct registry *begin(struct fs *fs)
{
    const struct registry_rules rules = {
        .fs = fs, .snapshot_path = fs ? "copy" : NULL, .wait_ms = 50};
    struct registry *registry;

    assert_int_equal(zookeeper_registry_open(&settings, &rules, &registry, NULL), OK);
    return registry;
}

static void test_without_a_server_nothing_is_waited_for(void **state)
{
    int64_t begun = clock_monotonic_ns(clock_system());
    struct registry *registry = begin(NULL);
    struct error err = {0};
    uint64_t version;

    (void)state;
    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{}"), &err), OK);
    assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("1"), BYTES("{1}"), &err), OK);
    assert_int_equal(registry_hold(registry, REGISTRY_LEASES, BYTES("x"), BYTES(""), &err), OK);
    registry_release(registry, REGISTRY_LEASES, BYTES("x"));
    assert_false(registry_held(registry, REGISTRY_ALIVE, BYTES("1"), NULL));
    assert_int_equal(
        registry_put(registry, REGISTRY_TENANTS, BYTES("a"), 0, BYTES("x"), &version, &err),
        E_NOT_READY);
    assert_non_null(strstr(err.text, "nothing was written"));
    assert_int_equal(registry_wait_connected(registry, 50, &err), E_NOT_READY);
    assert_non_null(strstr(err.text, "never seen"));
    assert_null(strstr(err.text, SECRET));
    assert_int_equal(registry_health(registry).sessions, 0);
    registry_close(registry);
    assert_true(clock_monotonic_ns(clock_system()) - begun < 10000000000);
}

static void *put_one(void *registry)
{
    struct error err = {0};
    uint64_t version;

    assert_int_equal(
        registry_put(registry, REGISTRY_TENANTS, BYTES("a"), 0, BYTES("x"), &version, &err),
        E_NOT_READY);
    return NULL;
}

/* Be it that somebody waits already, or comes later. */
static void test_in_a_hurry_nobody_waits_as_long_as_he_would(void **state)
{
    const struct registry_rules rules = {.wait_ms = 60000};
    int64_t begun = clock_monotonic_ns(clock_system());
    struct registry *registry;
    pthread_t waits;

    (void)state;
    assert_int_equal(zookeeper_registry_open(&settings, &rules, &registry, NULL), OK);
    assert_int_equal(pthread_create(&waits, NULL, put_one, registry), 0);
    registry_hurry(registry);
    assert_int_equal(pthread_join(waits, NULL), 0);
    registry_hurry(registry); /* which is no new beginning */
    (void)put_one(registry);
    registry_close(registry);
    assert_true(clock_monotonic_ns(clock_system()) - begun < 30000000000);
}

static void test_the_copy_on_disk_is_read(void **state)
{
    static const struct registry_record one = {
        .kind = REGISTRY_TENANTS, .name = BYTES("a"), .text = BYTES("x"), .version = 5};
    char directory[] = "/tmp/weir-zookeeper-XXXXXX";
    struct registry_snapshot *snapshot;
    struct registry *registry;
    struct fs *fs;

    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(fs_posix_open(directory, &fs, NULL), OK);
    assert_int_equal(registry_image_save(fs, "", "copy", &one, 1, NULL), OK);
    registry = begin(fs);
    assert_true(registry_health(registry).from_disk);
    snapshot = registry_get(registry);
    assert_non_null(registry_find(snapshot, REGISTRY_TENANTS, BYTES("a")));
    assert_false(snapshot->records[0].missing);
    registry_snapshot_put(snapshot);
    registry_close(registry);
    assert_int_equal(fs_unlink(fs, "copy", NULL), OK);
    fs_posix_close(fs);
    assert_int_equal(rmdir(directory), 0);
}

static void test_what_cannot_be_is_refused(void **state)
{
    const struct zookeeper_settings wrong = {.hosts = BYTES("nonsense"),
                                             .digest = BYTES("weir:" SECRET)};
    const struct registry_rules rules = {0};
    struct registry *registry;
    struct error err = {0};

    (void)state;
    assert_int_equal(zookeeper_registry_open(&wrong, &rules, &registry, &err), E_CONFIG);
    assert_null(registry);
    registry = begin(NULL);
    assert_int_equal(zookeeper_registry_change(registry, &wrong, &err), E_CONFIG);
    assert_int_equal(zookeeper_registry_change(registry, &settings, &err), OK);
    assert_int_equal(zookeeper_registry_change(registry, &settings, &err), OK);
    registry_close(registry);
    assert_true(strlen(zookeeper_library_version()) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_server_nothing_is_waited_for),
        cmocka_unit_test(test_in_a_hurry_nobody_waits_as_long_as_he_would),
        cmocka_unit_test(test_the_copy_on_disk_is_read),
        cmocka_unit_test(test_what_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
