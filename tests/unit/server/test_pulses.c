/* Another member is a script here: what it is asked, and what follows from what it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "discovery/cluster_secret.h"
#include "discovery/membership.h"
#include "discovery/registry_files.h"
#include "discovery/roll.h"
#include "handlers/app.h"
#include "server/pulses.h"
#include "store/member.h"
#include "tests/unit/net/script.h"
#include "tests/unit/store/house.h"

#define SECRET "the-secret-of-a-cluster-in-a-test-of-ours"

struct table {
    struct house house;
    struct app app;
    struct pulses *pulses;
    char secret[160], place[160];
};

static uint64_t put_member(struct registry *registry, const char *name, const char *state,
                           uint64_t expected, const char *address)
{
    struct buf text = BUF_INIT(400);
    struct error err = {0};
    uint64_t version;

    buf_printf(&text, "{\"state\":\"%s\"", state);
    if (address != NULL)
        buf_printf(&text, ",\"address\":\"%s\"", address);
    buf_printf(&text, "}");
    if (registry_put(registry, REGISTRY_MEMBERS, bytes_of(name), expected, buf_bytes(&text),
                     &version, &err))
        fail_msg("%s", err.text);
    buf_release(&text);
    return version;
}

static void table_begin(struct table *table)
{
    const struct registry_rules rules = {.fs = NULL};
    struct error err = {0};
    FILE *file;

    *table = (struct table){.pulses = NULL};
    house_init(&table->house);
    house_open(&table->house);
    (void)snprintf(table->place, sizeof(table->place), "%s/registry", table->house.directory);
    (void)snprintf(table->secret, sizeof(table->secret), "%s/secret", table->house.directory);
    file = fopen(table->secret, "w");
    assert_non_null(file);
    assert_true(fprintf(file, SECRET "\n") > 0);
    fclose(file);
    assert_int_equal(chmod(table->secret, 0600), 0);
    table->app.clock = clock_system();
    table->app.store = table->house.store;
    assert_int_equal(membership_new(&table->app.membership, NULL), OK);
    assert_int_equal(roll_new(&table->app.roll, NULL), OK);
    if (cluster_secret_open(table->secret, &table->app.secret, &err) ||
        registry_files_open(table->place, &rules, &table->app.registry, &err))
        fail_msg("%s", err.text);
}

static void table_end(struct table *table)
{
    pulses_stop(table->pulses);
    registry_close(table->app.registry);
    membership_free(table->app.membership);
    cluster_secret_close(table->app.secret);
    roll_free(table->app.roll);
    house_close(&table->house);
    house_remove(&table->house);
}

static void start(struct table *table)
{
    struct error err = {0};

    if (pulses_start(&table->app, &table->pulses, &err))
        fail_msg("%s", err.text);
}

/* A pulse of member 2, whose clock is so far from ours. */
static void pulse_print(char *answer, size_t size, unsigned number, int64_t ahead_ns,
                        int64_t stamp_ns)
{
    char body[400];
    int length = snprintf(body, sizeof(body),
                          "{\"number\":%u,\"ready\":true,\"peer_known\":true,\"wall_ns\":%" PRId64
                          ",\"stamp_ns\":%" PRId64
                          ",\"through_ns\":7,\"backlog_bytes\":9,\"registry_version\":1}",
                          number, clock_wall_ns(clock_system()) + ahead_ns, stamp_ns);

    (void)snprintf(answer, size,
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                   "Content-Length: %d\r\n\r\n%s",
                   length, body);
}

/* Until the entry of member 2 is `answered` or not. */
static struct roll_entry comes(struct table *table, bool answered)
{
    struct roll_entry entry = {.answered = false};

    for (int i = 0; i < 5000; i++) {
        if (roll_entry(table->app.roll, 2, &entry) && entry.answered == answered)
            return entry;
        usleep(1000);
    }
    fail_msg("member 2 is not told to be %s", answered ? "there" : "silent");
    return entry;
}

static void test_a_member_is_asked_and_what_it_says_holds(void **state)
{
    char first[800], second[800];
    const char *const answers[] = {first, second, NULL};
    int64_t future = clock_wall_ns(clock_system()) + INT64_C(5000000000), ingest;
    struct script script;
    struct roll_entry entry;
    struct error err = {0};
    struct table table;
    uint64_t version;

    (void)state;
    pulse_print(first, sizeof(first), 2, 0, future);
    pulse_print(second, sizeof(second), 2, -INT64_C(30000000000), 0);
    table_begin(&table);
    script_begin(&script, answers);
    version = put_member(table.app.registry, "2", "active", 0, strchr(script.url, ':') + 3);
    assert_int_equal(
        roll_confirm(table.app.roll, &(struct registry_snapshot){.count = 0}, 0, false, &err),
        E_NOT_READY);
    start(&table);
    entry = comes(&table, true);
    assert_int_equal(entry.pulse.through_ns, 7);
    assert_int_equal(entry.pulse.backlog_bytes, 9);
    assert_true(entry.lead_ns > -INT64_C(60000000000) && entry.lead_ns < INT64_C(60000000000));
    for (int i = 0;
         i < 5000 &&
         roll_confirm(table.app.roll, &(struct registry_snapshot){.count = 0}, 0, false, &err);
         i++)
        usleep(1000);
    assert_int_equal(house_put(&table.house, 1, 0, 1, &ingest), OK);
    assert_true(ingest > future); /* order is kept */
    for (int i = 0; i < 5000 && script.connections < 2; i++)
        usleep(1000);
    for (int i = 0; i < 5000 && store_ready(table.house.store, &err) == OK; i++)
        usleep(1000);
    assert_int_equal(store_ready(table.house.store, &err), E_CLOCK_SKEW);
    assert_non_null(strstr(err.text, "ahead of those of other members"));
    assert_int_equal(house_put(&table.house, 1, 1, 1, NULL), E_CLOCK_SKEW);
    script_end(&script);
    comes(&table, false); /* nobody listens any more */
    assert_int_equal(house_put(&table.house, 1, 1, 1, NULL), E_CLOCK_SKEW);
    version =
        put_member(table.app.registry, "2", "active", version, NULL); /* to be asked no more */
    for (int i = 0; i < 10000 && roll_lead(table.app.roll, clock_wall_ns(clock_system()),
                                           clock_boot_ns(clock_system()), &ingest);
         i++)
        usleep(1000); /* until what it said is old */
    usleep(2500000);  /* two rounds */
    assert_int_equal(house_put(&table.house, 1, 1, 1, NULL), E_CLOCK_SKEW);
    (void)put_member(table.app.registry, "2", "lost", version, "a:1"); /* it was the one */
    for (int i = 0; i < 5000 && store_ready(table.house.store, &err); i++)
        usleep(1000);
    assert_int_equal(house_put(&table.house, 1, 1, 1, NULL), OK);
    table_end(&table);
    assert_memory_equal(script.seen[0], "GET /peer/v1/pulse HTTP/1.1\r\n", 29);
    assert_non_null(strstr(script.seen[0], "\r\nAuthorization: Bearer " SECRET "\r\n"));
    assert_non_null(strstr(script.seen[0], "\r\nWeir-Peer: 0\r\n"));
    assert_non_null(strstr(script.seen[0], "\r\nWeir-Incarnation: "));
    assert_non_null(strstr(script.seen[0], "\r\nWeir-Clock: 1"));
}

/* Four members at once, so that one round asks them all. */
static void test_what_is_no_answer_is_none(void **state)
{
    enum { MEMBERS = 4, FIRST = 2 };
    static char long_one[3 * PULSE_BYTES_MAX], another[800];
    static struct script scripts[MEMBERS];
    const char *const answers[MEMBERS][2] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"},
        {another},
        {long_one},
    };
    struct table table;
    int head;

    (void)state;
    pulse_print(another, sizeof(another), 3, 0, 0); /* of another number than its own */
    head = snprintf(long_one, sizeof(long_one),
                    "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
                    2 * PULSE_BYTES_MAX);
    memset(long_one + head, ' ', 2 * PULSE_BYTES_MAX);
    table_begin(&table);
    for (unsigned i = 0; i < MEMBERS; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "%u", FIRST + i);
        script_begin(&scripts[i], answers[i]);
        (void)put_member(table.app.registry, name, "active", 0, strchr(scripts[i].url, ':') + 3);
    }
    start(&table);
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct roll_entry entry;

        for (int n = 0; n < 10000 && !roll_entry(table.app.roll, FIRST + i, &entry); n++)
            usleep(1000);
        assert_true(roll_entry(table.app.roll, FIRST + i, &entry));
        assert_false(entry.answered);
        assert_int_equal(scripts[i].connections, 1);
    }
    assert_int_equal(house_put(&table.house, 1, 0, 1, NULL), OK); /* who is silent stops nobody */
    table_end(&table);
    for (unsigned i = 0; i < MEMBERS; i++)
        script_end(&scripts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_asked_and_what_it_says_holds),
        cmocka_unit_test(test_what_is_no_answer_is_none),
    };

    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
