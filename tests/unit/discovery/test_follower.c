#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "discovery/follower.h"
#include "discovery/registry_files.h"

static char root[64], place[80];

static int setup(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "%s", "/tmp/weir-follower-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(place, sizeof(place), "%s/registry", root);
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bool has(struct directory *directory, const char *name)
{
    struct directory_snapshot *snapshot = directory_get(directory);
    bool there = directory_tenant(snapshot, bytes_of(name)) != NULL;

    directory_put(snapshot);
    return there;
}

/* Whether it comes to that within ten seconds: how fast it is, tests/registry measures. */
static bool comes(struct directory *directory, const char *name, bool there)
{
    for (int i = 0; i < 10000 && has(directory, name) != there; i++)
        usleep(1000);
    return has(directory, name) == there;
}

static void test_a_change_comes_into_force(void **state)
{
    struct registry_rules rules = {.fs = NULL};
    struct directory *directory = NULL;
    struct follower *follower = NULL;
    struct registry *registry = NULL, *other = NULL;
    struct error err = {0};
    struct limits node;
    uint64_t version = 0;

    (void)state;
    limits_init(&node);
    if (directory_open_registered(&node, &directory, &err) ||
        follower_new(directory, NULL, &follower, &err))
        fail_msg("%s", err.text);
    assert_false(directory_known(directory));
    assert_false(directory_open_mode(directory));
    if (registry_files_open(place, &rules, &other, &err))
        fail_msg("%s", err.text);
    rules.changed = follower_changed;
    rules.context = follower;
    if (registry_files_open(place, &rules, &registry, &err) ||
        follower_start(follower, registry, &err))
        fail_msg("%s", err.text);
    assert_true(directory_known(directory)); /* there is nobody, and that is known */
    assert_false(has(directory, "acme"));
    if (registry_put(other, REGISTRY_TENANTS, BYTES("acme"), 0, BYTES("{}"), &version, &err))
        fail_msg("%s", err.text);
    assert_true(comes(directory, "acme", true));
    assert_int_equal(follower_health(follower).refused, 0);
    if (registry_put(other, REGISTRY_TENANTS, BYTES("acme"), version, BYTES("{"), &version, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 10000 && follower_health(follower).refused == 0; i++)
        usleep(1000);
    assert_int_equal(follower_health(follower).refused, 1);
    assert_int_equal(follower_health(follower).version, version);
    assert_true(has(directory, "acme"));
    if (registry_put(other, REGISTRY_TENANTS, BYTES("acme"), version,
                     BYTES("{\"state\":\"deleted\"}"), &version, &err))
        fail_msg("%s", err.text);
    assert_true(comes(directory, "acme", false));
    follower_stop(follower);
    registry_close(registry);
    registry_close(other);
    follower_free(follower);
    directory_close(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_change_comes_into_force, setup, teardown),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
