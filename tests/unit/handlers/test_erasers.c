#include "handlers/erasers.h"

#include "store/guests/guests_inside.h"
#include "store/store.h"
#include "tests/unit/handlers/peers_ground.h"
#include "tests/unit/store/waiting.h"

static struct erasers *erasers;
static struct waiting waiting;
static char unfinished[4096];

/* Its monotonic time is what the test says, by the number of times that it was asked. */
struct scripted_clock {
    struct clock clock; /* first */
    int64_t begin, then, end;
    _Atomic unsigned asked;
};

static int64_t scripted_ns(struct clock *clock)
{
    struct scripted_clock *scripted = (struct scripted_clock *)clock;
    unsigned before = scripted->asked++;

    /* The first two are when it begins, and when its worker's queue notes that. */
    return before < 2 ? scripted->begin : before == 2 ? scripted->then : scripted->end;
}

static struct scripted_clock scripted = {
    .clock = {scripted_ns, scripted_ns, scripted_ns}
};

static int open_ground(void **state)
{
    waiting_init(&waiting);
    limits.erase_ms_max = 300;
    return open_all(state);
}

static void begin_erasers(struct clock *clock)
{
    const struct erasers_parts parts = {
        .store = inn.house.store,
        .registry = registry,
        .guests = inn.guests,
        .secret = secret,
        .clock = clock,
        .limits = &limits,
    };

    limits.erase_ms_max = 300;
    assert_int_equal(erasers_new(&parts, &erasers, NULL), OK);
}

static void done(struct erasing *erasing, enum code code, const struct error *err,
                 struct bytes items)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* many may be done at once */

    (void)erasing;
    pthread_mutex_lock(&lock);
    (void)snprintf(unfinished, sizeof(unfinished), "%.*s", BYTES_ARG(items));
    pthread_mutex_unlock(&lock);
    waiting_done(&waiting, code, err);
}

/* Of rows that nobody has: what members and chains say of it is what counts here. */
static struct erasing erasing_of(const struct tombstone *tombstone, bool asked)
{
    return (struct erasing){
        .erasers = erasers,
        .tenant = inn.house.tenant,
        .tombstone = tombstone,
        .asked = asked,
        .came_ns = clock_monotonic_ns(clock_system()),
        .done = done,
    };
}

static enum code erase(const struct tombstone *tombstone, bool asked)
{
    struct erasing erasing = erasing_of(tombstone, asked);
    unsigned before = waiting.done;

    assert_true(erasing_begin(&erasing));
    if (!asked)
        erasing_own(&erasing, OK, NULL);
    return waiting_for(&waiting, before + 1);
}

static void expect(enum code got, enum code want, const char *text)
{
    if (got != want || (got != OK && (!strstr(waiting.text, text) ||
                                      (got == E_UNERASED && !strstr(unfinished, text)))))
        fail_msg("%d: %s [%s], and not %s", got, waiting.text, unfinished, text);
}

/* Both at a time that has been, and at one that nobody has got to. */
static struct tombstone past, future;

static void make_tombstones(void)
{
    past = (struct tombstone){.ingest = inn_guests(&inn)->newest,
                              .erase = true,
                              .selector = {.measurement = BYTES("cpu")},
                              .start = 500,
                              .end = 600};
    future = past;
    future.ingest = INT64_MAX;
}

static void test_nobody_is_asked_where_there_is_nobody(void **state)
{
    (void)state;
    begin_erasers(clock_system());
    assert_false(erasers_are_there(NULL));
    assert_false(erasers_are_there(erasers));
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_ACTIVE);
    assert_true(erasers_are_there(erasers));
    await_alive(BYTES("1"));
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    make_tombstones();
    erasers_free(erasers);
}

static const char done_reply[] =
    "HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nConnection: close\r\n\r\n{\"erased\":true,"
    "\"incarnation\":\"";

static void test_members_that_live_are_asked(void **state)
{
    char incarnation[HASH128_TEXT_SIZE], text[300];
    const char *answers[] = {text, NULL};
    struct script script;
    int64_t ingest, next;

    (void)state;
    hash128_print(&inn.author.house.store->incarnation, incarnation);
    ingest = clock_wall_ns(clock_system()) + 2 * INT64_C(1000000000);
    (void)snprintf(text, sizeof(text), "%s%s\",\"ingest\":%lld}", done_reply, incarnation,
                   (long long)ingest);
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    begin_erasers(clock_system());
    /* Its shard has to have what it acknowledged up to its own deletion, not up to ours alone. */
    expect(erase(&past, false), E_UNERASED, "member 1: shard north does not have all of it");
    assert_string_equal(unfinished,
                        ",\"unfinished\":[\"member 1: shard north does not have all of it "
                        "up to the erasure, as is known here\"]");
    assert_non_null(strstr(script.seen[0], "POST /peer/v1/erase HTTP/1.1\r\n"));
    assert_non_null(strstr(script.seen[0], "\"start\":500,\"end\":600,\"after\":"));
    assert_int_equal(house_put(&inn.house, 1, 0, 1, &next), OK);
    assert_true(next > ingest); /* what comes later is not hidden by the member's deletion */
    script_end(&script);
    assert_int_equal(store_go_above(inn.author.house.store, &ingest, NULL), OK);
    depot_add_pack(&inn.author, 1, 100);
    inn_pass(&inn);
    make_tombstones();
    script_begin(&script, answers);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    expect(erase(&past, false), OK, "");
    erasers_free(erasers);
    script_end(&script);
}

static void test_who_does_not_do_it_is_named(void **state)
{
    static const char *const refuses[] = {
        "HTTP/1.1 503 No\r\nWeir-Member: 1\r\nConnection: close\r\n\r\n{\"detail\":\"not now\"}",
        NULL};
    static const char *const silent[] = {"", NULL};
    static struct store third; /* a member by its incarnation, and no more */
    struct script script;
    int64_t began_ns;

    (void)state;
    third.incarnation.bytes[0] = 3;
    begin_erasers(clock_system());
    script_begin(&script, refuses);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    expect(erase(&past, false), E_UNERASED, "member 1: it answered 503: not now");
    assert_string_equal(unfinished, ",\"unfinished\":[\"member 1: it answered 503: not now\"]");
    script_end(&script);
    script_begin(&script, silent);
    put_member(1, inn.author.house.store, script.url + strlen("http://"), MEMBER_ACTIVE);
    began_ns = clock_monotonic_ns(clock_system());
    expect(erase(&past, false), E_UNERASED,
           "member 1: it did not answer within 300 ms (erase_ms_max)");
    assert_true(clock_monotonic_ns(clock_system()) - began_ns >= 250000000);
    script_end(&script);
    put_member(1, inn.author.house.store, "", MEMBER_ACTIVE);
    put_member(3, &third, "127.0.0.1:1", MEMBER_JOINING);
    expect(erase(&past, false), E_UNERASED, "member 1: it has told no address to ask it at");
    expect(erase(&past, false), E_UNERASED, "member 3: it is not alive");
    put_member(3, &third, "127.0.0.1:1", MEMBER_DRAINED);
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_ACTIVE);
    erasers_free(erasers);
    {
        struct cluster_secret *kept = secret;

        secret = NULL;
        begin_erasers(clock_system());
        expect(erase(&past, false), E_UNERASED, "this node has no peer_secret_file");
        erasers_free(erasers);
        secret = kept;
    }
    put_member(1, inn.author.house.store, "127.0.0.1:1", MEMBER_DRAINED);
}

/* Of whom nobody has to be asked any more: packs are waited for until the time is over. */
static void test_packs_are_waited_for(void **state)
{
    (void)state;
    begin_erasers(clock_system());
    expect(erase(&past, false), OK, "");
    expect(erase(&future, false), E_UNERASED, "member 1: shard north does not have all of it");
    expect(erase(&future, true), E_UNERASED, "member 1: shard north does not have all of it");
    inn.authors[0].active = false; /* it is not said to wait for who has left ... */
    inn_read(&inn);
    inn_read(&inn);
    expect(erase(&future, false), OK, ""); /* (no pack of it is of these times) */
    future.start = 0;
    expect(erase(&future, false), E_UNERASED, "member 1, which has left: packs of it at shard");
    expect(erase(&future, true), E_UNERASED, "member 1, which has left"); /* it may be kept here */
    future.start = past.start;
    inn.authors[0].active = true;
    inn_read(&inn);
    erasers_free(erasers);
}

/* Limit - 1, limit, limit + 1: there is another look while the time is not over. */
static void test_the_time_is_the_limits(void **state)
{
    (void)state;
    for (int64_t more = -1; more <= 1; more++) {
        scripted.begin = 1000;
        scripted.then = scripted.begin + 300 * INT64_C(1000000) + more;
        scripted.end = INT64_MAX;
        begin_erasers(&scripted.clock);
        scripted.asked = 0;
        expect(erase(&future, false), E_UNERASED, "shard north");
        erasers_free(erasers); /* and one more at the end */
        if (scripted.asked != (more < 0 ? 5 : 4))
            fail_msg("%lld: %u looks at the clock", (long long)more, scripted.asked);
    }
}

/* Of a member that is asked: three quarters, from when the request came. */
static void test_the_time_of_who_is_asked_begins_with_the_request(void **state)
{
    (void)state;
    for (int64_t more = -1; more <= 1; more++) {
        struct erasing erasing;
        unsigned before = waiting.done;

        scripted.begin = 1000 + 225 * INT64_C(1000000) + more;
        scripted.then = scripted.end = INT64_MAX / 2;
        begin_erasers(&scripted.clock);
        scripted.asked = 0;
        erasing = erasing_of(&future, true);
        erasing.came_ns = 1000;
        assert_true(erasing_begin(&erasing));
        expect(waiting_for(&waiting, before + 1), E_UNERASED, "shard north");
        erasers_free(erasers);
        if (scripted.asked != (more < 0 ? 4 : 3))
            fail_msg("%lld: %u looks at the clock", (long long)more, scripted.asked);
    }
}

/* What this node could not do is told as without others. */
static void test_this_nodes_own_part_comes_first(void **state)
{
    const struct error failure = {.code = E_IO, .text = "the disk failed"};
    struct erasing erasing;
    unsigned before = waiting.done;

    (void)state;
    begin_erasers(clock_system());
    erasing = erasing_of(&future, false);
    assert_true(erasing_begin(&erasing));
    erasing_own(&erasing, E_IO, &failure);
    expect(waiting_for(&waiting, before + 1), E_IO, "the disk failed");
    erasers_free(erasers);
}

static void test_a_stop_lets_nobody_wait(void **state)
{
    (void)state;
    begin_erasers(clock_system());
    limits.erase_ms_max = 3600000;
    erasers_stop(erasers);
    expect(erase(&future, false), E_DRAINING, "shutting down");
    expect(erase(&future, true), E_DRAINING, "shutting down");
    erasers_free(erasers);
}

/* Those of clients take nothing from those of members: two nodes that ask each other would wait for
 * ever. */
static void test_many_of_clients_do_not_hold_up_those_of_members(void **state)
{
    enum { MANY = 400 };
    static struct erasing erasings[MANY];
    unsigned before = waiting.done, begun = 0;

    (void)state;
    begin_erasers(clock_system());
    for (; begun < MANY; begun++) {
        erasings[begun] = erasing_of(&past, false);
        if (!erasing_begin(&erasings[begun]))
            break;
    }
    assert_true(begun >= 256 && begun < MANY);
    expect(erase(&past, true), OK, "");
    for (unsigned i = 0; i < begun; i++)
        erasing_own(&erasings[i], OK, NULL);
    assert_int_equal(waiting_for(&waiting, before + 1 + begun), OK);
    erasers_free(erasers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_asked_where_there_is_nobody),
        cmocka_unit_test(test_members_that_live_are_asked),
        cmocka_unit_test(test_who_does_not_do_it_is_named),
        cmocka_unit_test(test_packs_are_waited_for),
        cmocka_unit_test(test_the_time_is_the_limits),
        cmocka_unit_test(test_the_time_of_who_is_asked_begins_with_the_request),
        cmocka_unit_test(test_this_nodes_own_part_comes_first),
        cmocka_unit_test(test_a_stop_lets_nobody_wait),
        cmocka_unit_test(test_many_of_clients_do_not_hold_up_those_of_members),
    };

    return cmocka_run_group_tests(tests, open_ground, close_all);
}
