#include "tests/unit/handlers/serving.h"

#include <ftw.h>

#include "base/log.h"
#include "discovery/follower.h"
#include "discovery/registry_files.h"
#include "handlers/registry_state.h"

static struct metrics *metrics;

static struct app app_with(struct directory *directory, struct registry *registry,
                           struct follower *follower)
{
    return (struct app){.directory = directory,
                        .registry = registry,
                        .follower = follower,
                        .clock = clock_system(),
                        .metrics = metrics};
}

static void has(const struct app *app, const char *text)
{
    struct buf out = BUF_INIT(1 << 20);

    registry_state_print(app, &out);
    registry_state_measure(app);
    metrics_print(metrics, &out);
    buf_put_char(&out, '\0');
    if (!strstr(out.data, text))
        fail_msg("no %s in %s", text, out.data);
    buf_release(&out);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

static void test_state_and_faults_are_told_without_names(void **state)
{
    struct registry_rules rules = {.changed = follower_changed};
    struct directory *directory = NULL;
    struct follower *follower = NULL;
    struct registry *registry = NULL;
    struct error err = {0};
    struct limits node;
    char place[96] = "/tmp/weir-state-XXXXXX";
    uint64_t version;
    struct app app;

    (void)state;
    assert_non_null(mkdtemp(place));
    limits_init(&node);
    assert_int_equal(metrics_new(&metrics, &err), OK);
    if (directory_open_registered(&node, &directory, &err) ||
        follower_new(directory, NULL, &follower, &err))
        fail_msg("%s", err.text);
    rules.context = follower;
    if (registry_files_open(place, &rules, &registry, &err))
        fail_msg("%s", err.text);
    app = app_with(directory, registry, follower);
    has(&app, "\"status\":\"failed\",\"code\":\"not_ready\"");
    if (registry_put(registry, REGISTRY_TENANTS, BYTES("secretname"), 0, BYTES("{"), &version,
                     &err) ||
        follower_start(follower, registry, &err))
        fail_msg("%s", err.text);
    has(&app, "{\"name\":\"registry\",\"status\":\"warn\",\"state\":\"connected\"");
    has(&app, "\"from_disk\":false,\"refused\":1}");
    has(&app, "weir_registry_connected 1\n");
    has(&app, "weir_registry_records_refused 1\n");
    has(&app, "weir_registry_version 1\n");
    follower_stop(follower);
    registry_close(registry);
    follower_free(follower);
    directory_close(directory);
    metrics_free(metrics);
    assert_int_equal(nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* It was never seen, so it is not missing either. */
static void test_a_record_that_cannot_be_read_is_a_warning(void **state)
{
    struct registry_rules rules = {.changed = NULL};
    struct directory *directory = NULL;
    struct follower *follower = NULL;
    struct registry *registry = NULL;
    struct error err = {0};
    struct limits node;
    char place[96] = "/tmp/weir-state-XXXXXX", path[128];
    uint64_t version;
    struct app app;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(place));
    limits_init(&node);
    assert_int_equal(metrics_new(&metrics, &err), OK);
    if (registry_files_open(place, &rules, &registry, &err) ||
        registry_put(registry, REGISTRY_TENANTS, BYTES("acme"), 0, BYTES("{}"), &version, &err) ||
        directory_open_registered(&node, &directory, &err) ||
        follower_new(directory, NULL, &follower, &err))
        fail_msg("%s", err.text);
    registry_close(registry);
    snprintf(path, sizeof(path), "%s/tenants/acme", place);
    file = fopen(path, "a");
    assert_non_null(file);
    fputs("x", file);
    fclose(file);
    if (registry_files_open(place, &rules, &registry, &err) ||
        follower_start(follower, registry, &err))
        fail_msg("%s", err.text);
    app = app_with(directory, registry, follower);
    has(&app, "\"status\":\"warn\",\"state\":\"connected\"");
    follower_stop(follower);
    registry_close(registry);
    follower_free(follower);
    directory_close(directory);
    metrics_free(metrics);
    assert_int_equal(nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_without_a_registry_nothing_is_told(void **state)
{
    const struct app app = {.registry = NULL};
    struct buf out = BUF_INIT(100);

    (void)state;
    registry_state_print(&app, &out);
    registry_state_measure(&app);
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_and_faults_are_told_without_names),
        cmocka_unit_test(test_a_record_that_cannot_be_read_is_a_warning),
        cmocka_unit_test(test_without_a_registry_nothing_is_told),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
