#include "tests/unit/handlers/serving.h"

#include <ftw.h>

#include "base/log.h"
#include "discovery/membership.h"
#include "discovery/registry_files.h"
#include "discovery/roll.h"
#include "handlers/member_state.h"

static struct metrics *metrics;
static char place[96];

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat, (void)kind, (void)at;
    return remove(path);
}

static enum code note(void *context, unsigned number, struct error *err)
{
    (void)context, (void)number, (void)err;
    return OK;
}

static void join(void *context)
{
    (void)context;
}

static void part(void *context, const struct error *why)
{
    (void)context, (void)why;
}

static void stand(void *context, enum member_state state)
{
    (void)context, (void)state;
}

static enum code leave(void *context, struct error *why)
{
    (void)context;
    return error_set(why, E_BUSY, "shard north does not have all of tenant acme yet");
}

static void changed(void *context)
{
    membership_changed(context);
}

static bool has(const struct app *app, const char *text)
{
    struct buf out = BUF_INIT(1 << 20);
    bool there;

    member_state_print(app, &out);
    member_state_measure(app);
    metrics_print(metrics, &out);
    buf_put_char(&out, '\0');
    there = strstr(out.data, text) != NULL;
    if (strstr(out.data, "other:1"))
        fail_msg("it tells who the other is: %s", out.data);
    buf_release(&out);
    return there;
}

static void comes(const struct app *app, const char *text)
{
    for (int i = 0; i < 5000 && !has(app, text); i++)
        usleep(1000);
    if (!has(app, text))
        fail_msg("%s does not come", text);
}

static void put_record(struct registry *registry, const char *text)
{
    struct registry_snapshot *records = registry_get(registry);
    const struct registry_record *record = registry_find(records, REGISTRY_MEMBERS, BYTES("1"));
    struct error err = {0};
    uint64_t version;

    if (registry_put(registry, REGISTRY_MEMBERS, BYTES("1"), record ? record->version : 0,
                     bytes_of(text), &version, &err))
        fail_msg("%s", err.text);
    registry_snapshot_put(records);
}

static void test_what_a_member_is_is_told(void **state)
{
    const struct registry_rules plain = {.fs = NULL};
    struct registry_rules rules = {.changed = changed};
    struct membership_rules member = {
        .incarnation = BYTES("0a"),
        .program = "0.1.0",
        .actions = {note, join, part, stand, leave, NULL, NULL},
    };
    struct registry *registry = NULL, *other = NULL;
    struct app app = {.clock = clock_system(), .metrics = metrics};
    struct error err = {0};

    (void)state;
    assert_int_equal(membership_new(&app.membership, &err), OK);
    rules.context = app.membership;
    if (registry_files_open(place, &plain, &other, &err) ||
        registry_hold(other, REGISTRY_ALIVE, BYTES("1"), BYTES("{\"listen\":\"other:1\"}"), &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 2000 && !registry_held(other, REGISTRY_ALIVE, BYTES("1"), NULL); i++)
        usleep(1000);
    assert_false(member_is_active(&app));
    if (registry_files_open(place, &rules, &registry, &err))
        fail_msg("%s", err.text);
    member.registry = app.registry = registry;
    if (membership_start(app.membership, &member, &err))
        fail_msg("%s", err.text);
    assert_true(has(&app, ",{\"name\":\"member\",\"status\":\"ok\",\"number\":1}"));
    assert_true(has(&app, "weir_member_number 1\n") && has(&app, "weir_member_active 1\n"));
    assert_true(has(&app, "weir_member_doubled 0\n"));
    assert_true(member_is_active(&app));
    assert_int_equal(member_of(&app), 1);

    assert_int_equal(membership_serve(app.membership, "h:1", NULL, &err), OK);
    comes(&app, "\"status\":\"warn\",\"number\":1,\"detail\":\"another process is this member");
    assert_true(has(&app, "weir_member_doubled 1\n"));
    registry_close(other);
    comes(&app, "\"status\":\"ok\"");

    put_record(registry, "{");
    comes(&app, "\"status\":\"warn\",\"number\":1,\"detail\":\"its record in the registry");
    put_record(registry, "{\"state\":\"drained\"}");
    comes(&app,
          "\"status\":\"failed\",\"number\":1,\"state\":\"drained\",\"code\":\"not_a_member\","
          "\"detail\":\"this node, member 1 of its registry, is drained there");
    assert_true(has(&app, "weir_member_active 0\n"));
    assert_false(member_is_active(&app));
    membership_stop(app.membership);
    registry_close(registry);
    membership_free(app.membership);
}

static void expect_detail(const struct app *app, unsigned number, const char *want)
{
    struct buf out = BUF_INIT(1000);

    member_detail_print(app, number, &out);
    if (!bytes_equal(buf_bytes(&out), bytes_of(want)))
        fail_msg("%.*s, and not %s", (int)out.size, out.size ? out.data : "", want);
    buf_release(&out);
}

/* As they said when they were asked. */
static void test_how_others_are_is_told(void **state)
{
    const int64_t wall_ns = clock_wall_ns(clock_system());
    const struct pulse pulses[] = {
        {.number = 2,
         .ready = true,
         .through_ns = 1000000000,
         .backlog_bytes = 5,
         .wall_ns = wall_ns - 30000000},
        {.number = 3, .wall_ns = wall_ns + 2000000},
    };
    struct app app = {.clock = clock_system(), .metrics = metrics};
    int64_t now_ns = clock_boot_ns(app.clock);

    (void)state;
    expect_detail(&app, 2, ""); /* nobody is asked */
    assert_int_equal(membership_new(&app.membership, NULL), OK);
    assert_int_equal(roll_new(&app.roll, NULL), OK);
    expect_detail(&app, 2, "");
    roll_answered(app.roll, &pulses[0], wall_ns, now_ns);
    roll_answered(app.roll, &pulses[1], wall_ns, now_ns);
    roll_silent(app.roll, 4);
    expect_detail(&app, 2,
                  ",\"health\":\"ready\",\"answered_seconds_ago\":0,\"backlog_bytes\":5,"
                  "\"delivered_through\":\"1970-01-01T00:00:01Z\",\"clock_behind_ms\":30");
    expect_detail(&app, 3,
                  ",\"health\":\"not ready\",\"answered_seconds_ago\":0,\"backlog_bytes\":0,"
                  "\"clock_behind_ms\":-2");
    expect_detail(&app, 4, ",\"health\":\"unreachable\"");
    assert_true(has(&app, "weir_peer_up{member=\"2\"} 1\n"));
    assert_true(has(&app, "weir_peer_up{member=\"4\"} 0\n"));
    assert_true(has(&app, "weir_peer_backlog_bytes{member=\"2\"} 5\n"));
    assert_true(has(&app, "weir_peer_behind_ms{member=\"2\"} 30\n"));
    assert_true(has(&app, "weir_peer_lag_seconds{member=\"3\"} 0\n"));
    assert_true(has(&app, "weir_clock_ahead_ms 0\n")); /* of three it is in the middle */
    roll_free(app.roll);
    membership_free(app.membership);
}

static void test_without_a_registry_nothing_is_told(void **state)
{
    const struct app app = {.registry = NULL};
    struct buf out = BUF_INIT(100);

    (void)state;
    member_state_print(&app, &out);
    member_state_measure(&app);
    assert_int_equal(out.size, 0);
    assert_true(member_is_active(&app));
    assert_int_equal(member_of(&app), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(place, sizeof(place), "%s", "/tmp/weir-member-XXXXXX");
    return mkdtemp(place) != NULL && metrics_new(&metrics, NULL) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    metrics_free(metrics);
    return nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_member_is_is_told),
        cmocka_unit_test(test_how_others_are_is_told),
        cmocka_unit_test(test_without_a_registry_nothing_is_told),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT); /* what is wrong on purpose */
    return cmocka_run_group_tests(tests, setup, teardown);
}
