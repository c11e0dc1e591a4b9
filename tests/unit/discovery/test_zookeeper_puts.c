/* Stands in for functions of zookeeper_link.c: answers come from a script. */
#include "discovery/zookeeper_puts.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/unit/discovery/noted_link.h"

static const struct zookeeper_address address = {.root = "/weir"};
static struct zookeeper_puts waiting;
static struct link_inbox inbox;

/* Who waits in it. */
struct caller {
    pthread_t thread;
    struct zookeeper_put put;
    int wait_ms;
    enum code code;
    struct error err;
};

static void *wait_for(void *context)
{
    struct caller *caller = context;

    caller->code =
        zookeeper_puts_put(&waiting, &inbox, &caller->put, caller->wait_ms, &caller->err);
    return NULL;
}

/* It is in what the owner took when this returns. */
static void begin(struct caller *caller, enum registry_kind kind, int wait_ms)
{
    const struct zookeeper_put *before = waiting.taken;

    *caller = (struct caller){
        .put = {.kind = kind, .name = BYTES("acme"), .text = BYTES("x")},
          .wait_ms = wait_ms
    };
    assert_int_equal(pthread_create(&caller->thread, NULL, wait_for, caller), 0);
    while (waiting.taken == before)
        zookeeper_puts_take(&waiting);
}

static enum code end(struct caller *caller)
{
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
    return caller->code;
}

static unsigned step(void)
{
    unsigned before = sent_count;

    zookeeper_puts_step(&waiting, NULL, &address);
    return sent_count - before;
}

static const struct zookeeper_put *answer(enum link_outcome outcome, uint64_t id)
{
    const struct link_event event = {
        .kind = LINK_ANSWER, .outcome = outcome, .tag = {.id = id}, .node = {.changed = 9}};

    return zookeeper_puts_answer(&waiting, &event, NULL, &address);
}

static int setup(void **state)
{
    (void)state;
    zookeeper_puts_init(&waiting);
    link_inbox_init(&inbox);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    zookeeper_puts_release(&waiting);
    link_inbox_release(&inbox);
    return 0;
}

static void test_each_goes_back_when_the_snapshot_has_it(void **state)
{
    struct caller a, b;

    (void)state;
    begin(&a, REGISTRY_TENANTS, 60000);
    begin(&b, REGISTRY_SHARDS, 60000);
    assert_int_equal(step(), 2);
    assert_ptr_equal(answer(LINK_OK, a.put.id), &a.put);
    zookeeper_puts_finish(&waiting, false, INT64_MAX, "connected");
    assert_ptr_equal(waiting.taken->next, &a.put); /* nobody sees it yet */
    zookeeper_puts_finish(&waiting, true, INT64_MAX, "connected");
    assert_int_equal(end(&a), OK);
    assert_int_equal(a.put.version, 9);
    assert_null(answer(LINK_OK, a.put.id)); /* it is its caller's */
    assert_ptr_equal(answer(LINK_REFUSED, b.put.id), &b.put);
    zookeeper_puts_finish(&waiting, false, INT64_MAX,
                          "connected"); /* a refusal waits for no snapshot */
    assert_int_equal(end(&b), E_CONFIG);
    assert_non_null(strstr(b.err.text, "no rights"));
}

static void test_a_home_is_of_its_kind_alone(void **state)
{
    struct caller a, b;

    (void)state;
    begin(&a, REGISTRY_TENANTS, 60000);
    begin(&b, REGISTRY_SHARDS, 60000);
    assert_int_equal(step(), 2);
    assert_true(answer(LINK_ABSENT, a.put.id)->homeless);
    assert_true(answer(LINK_ABSENT, b.put.id)->homeless);
    assert_int_equal(step(), 0);
    zookeeper_puts_home(&waiting, REGISTRY_SHARDS, LINK_OK, &address);
    assert_int_equal(step(), 1);
    assert_int_equal(sent.id, b.put.id);
    zookeeper_puts_lost(&waiting); /* the other one's directory is asked for anew, too */
    assert_int_equal(step(), 2);
    for (struct caller *caller = &a; caller; caller = caller == &a ? &b : NULL) {
        (void)answer(LINK_REFUSED, caller->put.id);
        zookeeper_puts_finish(&waiting, false, INT64_MAX, "connected");
        assert_int_equal(end(caller), E_CONFIG);
    }
}

static void test_whose_time_is_over_goes_back(void **state)
{
    struct caller late, patient;
    int64_t now_ns = clock_monotonic_ns(clock_system());

    (void)state;
    assert_int_equal(zookeeper_puts_due(&waiting, INT64_MAX), INT64_MAX);
    begin(&patient, REGISTRY_TENANTS, 60000);
    assert_true(zookeeper_puts_due(&waiting, INT64_MAX) > now_ns + 50 * SECOND);
    begin(&late, REGISTRY_SHARDS, 0);
    assert_true(zookeeper_puts_due(&waiting, INT64_MAX) < now_ns + 50 * SECOND);
    assert_int_equal(step(), 2);
    zookeeper_puts_finish(&waiting, true, INT64_MAX, "disconnected");
    assert_int_equal(end(&late), E_TIMEOUT);
    assert_non_null(strstr(late.err.text, "(disconnected)"));
    assert_ptr_equal(waiting.taken, &patient.put);
    (void)answer(LINK_OK, patient.put.id);
    zookeeper_puts_finish(&waiting, true, INT64_MAX, "connected");
    assert_int_equal(end(&patient), OK);
}

/* For a stop: whatever its own time. */
static void test_all_end_when_they_are_told_to(void **state)
{
    struct caller a, b;
    int64_t now_ns = clock_monotonic_ns(clock_system());

    (void)state;
    begin(&a, REGISTRY_TENANTS, 60000);
    assert_int_equal(step(), 1);
    begin(&b, REGISTRY_SHARDS, 60000);
    zookeeper_puts_finish(&waiting, true, now_ns + 50 * SECOND, "connected");
    assert_ptr_equal(waiting.taken->next, &a.put);
    assert_int_equal(zookeeper_puts_due(&waiting, now_ns + 50 * SECOND), now_ns + 50 * SECOND);
    zookeeper_puts_finish(&waiting, true, now_ns, "connected");
    assert_int_equal(end(&a), E_TIMEOUT);
    assert_int_equal(end(&b), E_NOT_READY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_goes_back_when_the_snapshot_has_it),
        TEST(test_a_home_is_of_its_kind_alone),
        TEST(test_whose_time_is_over_goes_back),
        TEST(test_all_end_when_they_are_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
