#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "discovery/registry_files.h"
#include "discovery/registry_image.h"

static char directory[] = "/tmp/weir-files-XXXXXX", place[64];

static void run(const char *command)
{
    char line[256];
    const char *arguments[] = {"sh", "-c", line, NULL};
    pid_t child = fork();
    int status = 0;

    snprintf(line, sizeof(line), "cd %s && %s", directory, command);
    if (child == 0) {
        execv("/bin/sh", (char *const *)arguments);
        _exit(127);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* In one step: whoever looks at the directory meanwhile makes it when it is not there. */
static void exchange_for(const char *other)
{
    char path[80];

    snprintf(path, sizeof(path), "%s/%s", directory, other);
    assert_int_equal(renameat2(AT_FDCWD, place, AT_FDCWD, path, RENAME_EXCHANGE), 0);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(place, sizeof(place), "%s/registry", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run("rm -rf registry");
    return rmdir(directory);
}

static struct registry *begin(void)
{
    const struct registry_rules rules = {.wait_ms = 2000};
    struct registry *registry;
    struct error err = {0};

    if (registry_files_open(place, &rules, &registry, &err))
        fail_msg("%s", err.text);
    return registry;
}

static uint64_t put(struct registry *registry, const char *name, uint64_t expected,
                    const char *text)
{
    struct error err = {0};
    uint64_t version;

    if (registry_put(registry, REGISTRY_TENANTS, bytes_of(name), expected, bytes_of(text), &version,
                     &err))
        fail_msg("%s", err.text);
    return version;
}

/* Until a record has that text, "" = it is missing: ten seconds at most. */
static void await(struct registry *registry, const char *name, const char *text)
{
    for (unsigned i = 0; i < 1000; i++) {
        struct registry_snapshot *snapshot = registry_get(registry);
        const struct registry_record *record =
            registry_find(snapshot, REGISTRY_TENANTS, bytes_of(name));
        bool there =
            record && (text[0] ? bytes_equal(record->text, bytes_of(text)) && !record->missing
                               : record->missing);
        uint64_t sequence = snapshot->sequence;

        registry_snapshot_put(snapshot);
        if (there)
            return;
        (void)registry_wait(registry, sequence, 10);
    }
    fail_msg("%s is not '%s'", name, text);
}

static void test_two_handles_of_one_directory_agree(void **state)
{
    struct registry *a = begin(), *b = begin();
    struct error err = {0};
    uint64_t version, first;

    (void)state;
    first = put(a, "acme", 0, "one");
    await(b, "acme", "one");
    version = put(b, "acme", first, "two");
    assert_true(version > first);
    await(a, "acme", "two");
    assert_int_equal(
        registry_put(a, REGISTRY_TENANTS, BYTES("acme"), first, BYTES("x"), &version, &err),
        E_CONFLICT);
    registry_close(a);
    registry_close(b);
    a = begin(); /* what is there is read before it is open */
    await(a, "acme", "two");
    registry_close(a);
}

/* Its own changes need no look; of a minute none came of others. */
static void test_who_looks_seldom_sees_its_own_at_once(void **state)
{
    const struct registry_rules rules = {.look_ms = 60000};
    struct registry *seldom, *other = begin();
    struct registry_snapshot *snapshot;
    struct error err = {0};

    (void)state;
    assert_int_equal(registry_files_open(place, &rules, &seldom, &err), OK);
    put(seldom, "seldom", 0, "one");
    await(seldom, "seldom", "one");
    snapshot = registry_get(seldom);
    put(other, "other", 0, "two");
    assert_false(registry_wait(seldom, snapshot->sequence, 300));
    registry_snapshot_put(snapshot);
    put(seldom, "seldom2", 0, "three");
    await(seldom, "other", "two");
    registry_close(seldom);
    registry_close(other);
}

static void test_a_lock_of_a_handle_is_of_it_alone(void **state)
{
    struct registry *a = begin(), *b = begin();
    uint64_t first = 0, second = 0;

    (void)state;
    assert_int_equal(registry_hold(a, REGISTRY_LEASES, BYTES("merge"), BYTES("a"), NULL), OK);
    for (unsigned i = 0; i < 1000 && !registry_held(a, REGISTRY_LEASES, BYTES("merge"), &first);
         i++)
        (void)registry_wait(a, UINT64_MAX, 5);
    assert_true(first > 0);
    assert_int_equal(registry_hold(b, REGISTRY_LEASES, BYTES("merge"), BYTES("b"), NULL), OK);
    (void)registry_wait(b, UINT64_MAX, 200);
    assert_false(registry_held(b, REGISTRY_LEASES, BYTES("merge"), NULL));
    registry_release(a, REGISTRY_LEASES, BYTES("merge"));
    registry_release(a, REGISTRY_LEASES, BYTES("merge")); /* and again is nothing */
    assert_false(registry_held(a, REGISTRY_LEASES, BYTES("merge"), NULL));
    for (unsigned i = 0; i < 1000 && !registry_held(b, REGISTRY_LEASES, BYTES("merge"), &second);
         i++)
        (void)registry_wait(b, UINT64_MAX, 5);
    assert_true(second > first);
    registry_close(a);
    registry_close(b);
}

/* What is wanted while it is held is for the next time: here somebody takes the record away. */
static void test_the_newest_text_is_what_is_made_again(void **state)
{
    struct registry *a = begin();
    uint64_t epoch = 0, again = 0;
    bool found = false;

    (void)state;
    assert_int_equal(registry_hold(a, REGISTRY_LEASES, BYTES("anew"), BYTES("one"), NULL), OK);
    for (unsigned i = 0; i < 1000 && !registry_held(a, REGISTRY_LEASES, BYTES("anew"), &epoch); i++)
        (void)registry_wait(a, UINT64_MAX, 10);
    assert_int_equal(registry_hold(a, REGISTRY_LEASES, BYTES("anew"), BYTES("two"), NULL), OK);
    assert_true(registry_held(a, REGISTRY_LEASES, BYTES("anew"), &again));
    assert_int_equal(epoch, again);
    run("rm registry/leases/anew");
    put(a, "anew", 0, "x"); /* so that it is looked at */
    for (unsigned i = 0; i < 1000 && !found; i++) {
        struct registry_snapshot *snapshot = registry_get(a);
        const struct registry_record *record =
            registry_find(snapshot, REGISTRY_LEASES, BYTES("anew"));

        found = record && record->version > epoch;
        assert_true(!found || bytes_equal(record->text, BYTES("two")));
        registry_snapshot_put(snapshot);
        if (!found)
            (void)registry_wait(a, UINT64_MAX, 10);
    }
    assert_true(found);
    registry_close(a);
}

static void test_what_cannot_be_held_hides_no_change(void **state)
{
    struct registry *a = begin(), *b = begin();

    (void)state;
    run("mkdir -p registry/leases/blocked.lock");
    assert_int_equal(registry_hold(a, REGISTRY_LEASES, BYTES("blocked"), BYTES("a"), NULL), OK);
    put(b, "seen", 0, "x");
    await(a, "seen", "x");
    put(a, "written", 0, "x");
    assert_int_equal(registry_health(a).state, REGISTRY_CONNECTED);
    assert_false(registry_held(a, REGISTRY_LEASES, BYTES("blocked"), NULL));
    run("rmdir registry/leases/blocked.lock");
    for (unsigned i = 0; i < 1000 && !registry_held(a, REGISTRY_LEASES, BYTES("blocked"), NULL);
         i++)
        (void)registry_wait(a, UINT64_MAX, 10);
    assert_true(registry_held(a, REGISTRY_LEASES, BYTES("blocked"), NULL));
    registry_close(a);
    registry_close(b);
}

/* A disk may take that long to write what others change. */
static void *lock_for_a_while(void *context)
{
    struct fs *root = context;

    usleep(300000);
    fs_posix_close(root);
    return NULL;
}

static void test_a_lock_of_others_is_waited_for_when_it_is_opened(void **state)
{
    const struct registry_rules impatient = {.wait_ms = 100};
    struct registry *a = begin(), *b;
    struct error err = {0};
    pthread_t other;
    struct fs *root;

    (void)state;
    put(a, "patience", 0, "x");
    registry_close(a);
    assert_int_equal(fs_posix_open(place, &root, NULL), OK);
    assert_int_equal(fs_posix_lock(root, "lock", NULL), OK);
    assert_int_equal(registry_files_open(place, &impatient, &b, &err), E_NOT_READY);
    assert_null(b);
    assert_non_null(strstr(err.text, "others hold its lock for 100 ms"));
    assert_int_equal(pthread_create(&other, NULL, lock_for_a_while, root), 0);
    b = begin();
    assert_int_equal(pthread_join(other, NULL), 0);
    await(b, "patience", "x");
    registry_close(b);
}

static void test_a_damaged_record_is_missing_and_told(void **state)
{
    struct registry *a = begin();

    (void)state;
    put(a, "damaged", 0, "text");
    run("printf x >>registry/tenants/damaged && printf '1000\\n' >registry/version");
    await(a, "damaged", "");
    assert_int_equal(registry_health(a).state, REGISTRY_CONNECTED);
    assert_non_null(strstr(registry_health(a).text, "tenants/damaged: byte"));
    assert_true(put(a, "damaged", 0, "again") > 1000);
    await(a, "damaged", "again");
    assert_string_equal(registry_health(a).text, "");
    registry_close(a);
}

static void test_a_record_under_another_name_is_damaged(void **state)
{
    struct registry *a = begin();

    (void)state;
    put(a, "mine", 0, "text");
    run("cp registry/tenants/mine registry/tenants/yours && printf '2000\\n' >registry/version");
    for (unsigned i = 0; i < 1000 && !registry_health(a).text[0]; i++)
        (void)registry_wait(a, UINT64_MAX, 5);
    assert_non_null(strstr(registry_health(a).text, "of another name"));
    registry_close(a);
    run("rm registry/tenants/yours");
}

static void test_versions_go_on_when_their_file_is_lost(void **state)
{
    struct registry *a = begin();
    uint64_t version = put(a, "counted", 0, "x");

    (void)state;
    run("rm registry/version");
    assert_true(put(a, "counted", version, "y") > version);
    run("printf nonsense >registry/version");
    assert_true(put(a, "counted2", 0, "y") > version + 1);
    registry_close(a);
}

static void test_a_directory_that_cannot_be_is_told_and_comes_back(void **state)
{
    const struct registry_rules rules = {0};
    struct registry *a = begin(), *b;
    struct error err = {0};
    uint64_t version;

    (void)state;
    put(a, "back", 0, "x");
    run("touch other");
    exchange_for("other");
    for (unsigned i = 0; i < 1000 && registry_health(a).state != REGISTRY_DISCONNECTED; i++)
        (void)registry_wait(a, UINT64_MAX, 5);
    assert_int_equal(registry_health(a).state, REGISTRY_DISCONNECTED);
    assert_int_equal(registry_put(a, REGISTRY_TENANTS, BYTES("z"), 0, BYTES("z"), &version, &err),
                     E_IO);
    assert_int_equal(registry_files_open(place, &rules, &b, &err), E_IO);
    assert_null(b);
    assert_non_null(strstr(err.text, place));
    exchange_for("other");
    run("rm other");
    assert_int_equal(registry_wait_connected(a, 10000, &err), OK);
    await(a, "back", "x");
    registry_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_handles_of_one_directory_agree),
        cmocka_unit_test(test_who_looks_seldom_sees_its_own_at_once),
        cmocka_unit_test(test_a_lock_of_a_handle_is_of_it_alone),
        cmocka_unit_test(test_the_newest_text_is_what_is_made_again),
        cmocka_unit_test(test_what_cannot_be_held_hides_no_change),
        cmocka_unit_test(test_a_lock_of_others_is_waited_for_when_it_is_opened),
        cmocka_unit_test(test_a_damaged_record_is_missing_and_told),
        cmocka_unit_test(test_a_record_under_another_name_is_damaged),
        cmocka_unit_test(test_versions_go_on_when_their_file_is_lost),
        cmocka_unit_test(test_a_directory_that_cannot_be_is_told_and_comes_back),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
