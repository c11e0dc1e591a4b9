#include "handlers/peer_calls.h"

#include <signal.h>
#include <time.h>

#include "discovery/cluster_secret.h"
#include "store/packs/pack.h"
#include "tests/unit/handlers/peer_pack.h"
#include "tests/unit/net/script.h"

static const char secret_text[] = "0123456789abcdef0123456789abcdef";

static struct inn inn;
static struct buf body;
static struct cluster_secret *secret;
static struct peer_calls *calls;
static char path[] = "/tmp/weir-peer-secret-XXXXXX";

static int open_all(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    signal(SIGPIPE, SIG_IGN); /* who is sent too much leaves */
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    peer_pack(&inn.author.house, &body);
    assert_true(write(fd, secret_text, strlen(secret_text)) == (ssize_t)strlen(secret_text));
    close(fd);
    assert_int_equal(cluster_secret_open(path, &secret, NULL), OK);
    assert_int_equal(peer_calls_new(secret, clock_system(), &calls, NULL), OK);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    peer_calls_free(calls);
    cluster_secret_close(secret);
    unlink(path);
    buf_release(&body);
    inn_release(&inn);
    return 0;
}

static struct peer_call call_to(const struct script *script)
{
    return (struct peer_call){
        .asked = {1, inn.author.house.store->incarnation, BYTES("acme"), 50},
        .address = script->url + strlen("http://"),
        .measurement = BYTES("c\"pu"),
        .start = INT64_MIN,
        .end = INT64_MAX,
    };
}

static const struct peer_terms *terms_of(int64_t ms)
{
    static _Thread_local struct peer_terms terms;

    terms = (struct peer_terms){
        .own = 7,
        .ms_max = (uint64_t)ms,
        .limit = "peer_ms_max",
        .until_ns = clock_monotonic_ns(clock_system()) + ms * 1000000,
    };
    return &terms;
}

static void test_a_member_is_asked_as_the_format_says(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "60\r\nWeir-Newest: 0\r\nWeir-Delivered: north=3\r\n"
                                          "Connection: close\r\n\r\n",
                                          NULL};
    const struct bytes tails[] = {buf_bytes(&body)};
    struct budget budget = {.bytes_max = 1 << 30};
    struct peer_memory memory = {.budget = &budget};
    struct script script;
    struct peer_call call;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    script_begin_with(&script, answers, tails);
    call = call_to(&script);
    assert_int_equal(peer_calls_run(calls, terms_of(5000), &call, 1, &arena, &memory, NULL), OK);
    if (call.code)
        fail_msg("%s", call.err.text);
    assert_non_null(call.reply.pack);
    assert_int_equal(call.reply.through, 60);
    assert_int_equal(call.reply.listed_count, 1);
    assert_int_equal(call.reply.listed[0].entry, 3);
    assert_int_equal(memory.taken, 2 * body.size);
    assert_int_equal(budget_used(&budget), 2 * body.size);
    assert_non_null(strstr(script.seen[0], "POST /peer/v1/rows HTTP/1.1\r\n"));
    assert_non_null(strstr(script.seen[0], "Authorization: Bearer 0123456789abcdef"));
    assert_non_null(strstr(script.seen[0], "Weir-Peer: 7\r\n"));
    assert_non_null(strstr(script.seen[0], "Weir-Clock: 1"));
    assert_non_null(strstr(script.seen[0],
                           "{\"tenant\":\"acme\",\"measurement\":\"c\\\"pu\",\"start\":"
                           "-9223372036854775808,\"end\":9223372036854775807,\"as_of\":50}"));
    pack_unref(call.reply.pack);
    script_end(&script);
    arena_release(&arena);
}

static void expect_question(const struct matcher *matchers, uint32_t count, const char *want)
{
    static const char *const answers[] = {
        "HTTP/1.1 204 No Content\r\nWeir-Member: "
        "1\r\nWeir-Through: 60\r\nWeir-Newest: 0\r\nConnection: close\r\n\r\n",
        NULL};
    struct peer_memory memory = {.budget = NULL};
    struct script script;
    struct peer_call call;
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    script_begin(&script, answers);
    call = call_to(&script);
    call.matchers = matchers;
    call.matcher_count = count;
    assert_int_equal(peer_calls_run(calls, terms_of(5000), &call, 1, &arena, &memory, NULL), OK);
    if (call.code)
        fail_msg("%s", call.err.text);
    if (strstr(script.seen[0], want) == NULL)
        fail_msg("%s, and not %s", script.seen[0], want);
    script_end(&script);
    arena_release(&arena);
}

/* A text that JSON cannot tell as it is would select others: then all series are asked for. */
static void test_a_member_is_told_which_series_are_meant(void **state)
{
    static const struct matcher matchers[] = {
        {BYTES("ho\"st"), MATCH_EQUAL,     BYTES("a")     },
        {BYTES("b"),      MATCH_NOT_REGEX, BYTES("[\\d]+")},
        {BYTES("c"),      MATCH_NOT_EQUAL, BYTES("")      },
    };
    static const struct matcher strange[] = {
        {BYTES("a"), MATCH_NOT_EQUAL, BYTES("\xff")},
        {BYTES("a"), MATCH_NOT_EQUAL, BYTES("\0")  },
    };
    static struct matcher many[257];
    static char large[8193];

    (void)state;
    expect_question(matchers, 3,
                    "\"c\\\"pu\",\"match\":[{\"key\":\"ho\\\"st\",\"op\":\"=\",\"value\":\"a\"},"
                    "{\"key\":\"b\",\"op\":\"!~\",\"value\":\"[\\\\d]+\"},"
                    "{\"key\":\"c\",\"op\":\"!=\",\"value\":\"\"}],\"start\":");
    for (size_t i = 0; i < COUNT_OF(strange); i++)
        expect_question(&strange[i], 1, "\"c\\\"pu\",\"start\":");
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = matchers[0];
    expect_question(many, 256, "\"c\\\"pu\",\"match\":[{");
    expect_question(many, 257, "\"c\\\"pu\",\"start\":");
    memset(large, 'x', sizeof(large));
    many[0].key = BYTES("k");
    many[0].value = (struct bytes){large, sizeof(large) - 2};
    expect_question(many, 1, "\"c\\\"pu\",\"match\":[{");
    many[0].value.size++;
    expect_question(many, 1, "\"c\\\"pu\",\"start\":");
}

/* All go out at once, and each has an end of its own. */
static void test_each_member_has_its_own_end(void **state)
{
    static const char *const none[] = {
        "HTTP/1.1 204 No Content\r\nWeir-Member: 1\r\nWeir-Through: 50\r\nWeir-Newest: 0\r\n\r\n",
        NULL};
    static const char *const silent[] = {"", NULL}, *const absent[] = {NULL};
    static const char *const refuses[] = {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", NULL};
    static const char *const cut[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: "
                                      "50\r\nWeir-Newest: 0\r\nContent-Length: 9\r\n\r\nabc",
                                      NULL};
    static const char *const *const scripts_of[] = {none, silent, absent, refuses, cut};
    static const struct {
        enum code code;
        const char *text;
    } want[] = {
        {OK,          ""                                     },
        {E_TIMEOUT,   "within 300 ms (peer_ms_max)"          },
        {E_NOT_READY, "it takes no connection"               },
        {E_NOT_READY, "does not take this node's secret"     },
        {E_IO,        "its reply was cut"                    },
        {E_CONFIG,    "its address is none that can be asked"},
        {E_CONFIG,    "its address is none that can be asked"},
    };
    struct peer_memory memory = {.budget = NULL};
    struct peer_call call[COUNT_OF(want)];
    struct script scripts[5];
    struct timespec before, after;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        if (i < 5)
            script_begin(&scripts[i], scripts_of[i]);
        call[i] = call_to(&scripts[i < 5 ? i : 0]);
    }
    script_end(&scripts[2]); /* nobody is there */
    call[5].address = "user:word@127.0.0.1:80";
    call[6].address = "127.0.0.1:80/elsewhere";
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(
        peer_calls_run(calls, terms_of(300), call, COUNT_OF(want), &arena, &memory, NULL), OK);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 10);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        if (call[i].code != want[i].code || strstr(call[i].err.text, want[i].text) == NULL)
            fail_msg("%zu: %d, %s", i, call[i].code, call[i].err.text);
        assert_null(strstr(call[i].err.text, secret_text));
        assert_null(call[i].reply.pack);
    }
    for (size_t i = 0; i < 5; i++)
        if (i != 2)
            script_end(&scripts[i]);
    arena_release(&arena);
}

struct waiter {
    pthread_t thread;
    const struct script *script;
    int64_t ms, took_ns;
};

static void *wait_in_vain(void *context)
{
    struct waiter *waiter = context;
    struct peer_memory memory = {.budget = NULL};
    struct peer_call call = call_to(waiter->script);
    int64_t began_ns = clock_monotonic_ns(clock_system());
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    if (peer_calls_run(calls, terms_of(waiter->ms), &call, 1, &arena, &memory,
                       &(struct error){0}) == OK)
        assert_int_equal(call.code, E_TIMEOUT);
    waiter->took_ns = clock_monotonic_ns(clock_system()) - began_ns;
    arena_release(&arena);
    return NULL;
}

/* A question that waits for its turn has so much less left for the replies. */
static void test_the_turn_is_part_of_the_time(void **state)
{
    static const char *const silent[] = {"", "", NULL};
    struct waiter waiters[PEER_QUESTIONS_MAX + 1];
    struct script script;

    (void)state;
    script_begin(&script, silent);
    for (size_t i = 0; i < COUNT_OF(waiters); i++) {
        waiters[i] = (struct waiter){.script = &script, .ms = i < PEER_QUESTIONS_MAX ? 1000 : 1500};
        if (i == PEER_QUESTIONS_MAX) /* all others are under way */
            nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_in_vain, &waiters[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        pthread_join(waiters[i].thread, NULL);
    if (waiters[PEER_QUESTIONS_MAX].took_ns > 2000000000)
        fail_msg("%lld ns", (long long)waiters[PEER_QUESTIONS_MAX].took_ns);
    script_end(&script);
}

/* Limit - 1, limit, limit + 1 of the memory that replies may take. */
static void test_a_reply_that_memory_does_not_hold_is_none(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "60\r\nWeir-Newest: 0\r\nConnection: close\r\n\r\n",
                                          NULL};
    const struct bytes tails[] = {buf_bytes(&body)};

    (void)state;
    for (int more = -1; more <= 1; more++) {
        struct budget budget = {.bytes_max = 2 * body.size + (size_t)more};
        struct peer_memory memory = {.budget = &budget};
        struct script script;
        struct peer_call call;
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        script_begin_with(&script, answers, tails);
        call = call_to(&script);
        assert_int_equal(peer_calls_run(calls, terms_of(5000), &call, 1, &arena, &memory, NULL),
                         OK);
        if (more < 0 && (call.code != E_MEMORY || strstr(call.err.text, "all memory") == NULL))
            fail_msg("%d: %s", call.code, call.err.text);
        else if (more >= 0 && call.code)
            fail_msg("%s", call.err.text);
        assert_int_equal(budget_used(&budget), memory.taken);
        pack_unref(call.reply.pack);
        script_end(&script);
        arena_release(&arena);
    }
}

/* Limit - 1, limit, limit + 1: a list of names counts as what it is in memory. */
static void test_names_that_memory_does_not_hold_are_none(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nConnection: "
                                          "close\r\n\r\n{\"measurements\":[\"a\",\"b\"]}",
                                          NULL};
    size_t size = strlen("{\"measurements\":[\"a\",\"b\"]}"), want = 3 * size + 4 * 384;

    (void)state;
    for (int more = -1; more <= 1; more++) {
        struct budget budget = {.bytes_max = want + (size_t)more};
        struct peer_memory memory = {.budget = &budget};
        struct script script;
        struct peer_call call;
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        script_begin(&script, answers);
        call = call_to(&script);
        call.names = true;
        assert_int_equal(peer_calls_run(calls, terms_of(5000), &call, 1, &arena, &memory, NULL),
                         OK);
        assert_int_equal(call.code, more < 0 ? E_MEMORY : OK);
        assert_int_equal(call.measurement_count, more < 0 ? 0 : 2);
        assert_int_equal(budget_used(&budget), memory.taken);
        assert_int_equal(memory.received, size);
        script_end(&script);
        arena_release(&arena);
    }
}

static void test_a_member_is_asked_how_a_source_goes(void **state)
{
    static const struct {
        const char *answer, *source, *told; /* NULL: none of these */
    } cases[] = {
        {"200 OK\r\nWeir-Member: 1\r\n\r\n{\"state\":\"resting\"}", "s-1",
         "{\"state\":\"resting\"}"                                               },
        {"200 OK\r\nWeir-Member: 1\r\n\r\n{\"state\":",             "s-1",   NULL},
        {"200 OK\r\nWeir-Member: 2\r\n\r\n{}",                      "s-1",   NULL},
        {"404 No\r\nWeir-Member: 1\r\n\r\n{}",                      "s-1",   NULL},
        {"200 OK\r\nWeir-Member: 1\r\n\r\n{}",                      "s&t=1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[200];
        const char *const answers[] = {text, NULL};
        struct peer_memory memory = {.budget = NULL};
        struct script script;
        struct peer_call call;
        struct arena arena;

        (void)snprintf(text, sizeof(text), "HTTP/1.1 %s", cases[i].answer);
        arena_init(&arena, SIZE_MAX, NULL);
        script_begin(&script, answers);
        call = call_to(&script);
        call.source = bytes_of(cases[i].source);
        call.fetches = 20;
        assert_int_equal(peer_calls_run(calls, terms_of(5000), &call, 1, &arena, &memory, NULL),
                         OK);
        if ((call.code == OK) != (cases[i].told != NULL))
            fail_msg("%s: %s", text, call.err.text);
        if (call.code == OK)
            assert_true(bytes_equal(call.told, bytes_of(cases[i].told)));
        if (i == 0)
            assert_non_null(strstr(script.seen[0], "GET /peer/v1/source?tenant=acme&source=s-1"
                                                   "&limit=20 HTTP/1.1\r\n"));
        script_end(&script);
        arena_release(&arena);
    }
}

/* Whatever a member sends: so much of it is taken, and no byte more. */
static void test_a_reply_has_at_most_so_many_bytes(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nWeir-Member: 1\r\nWeir-Through: "
                                          "60\r\nWeir-Newest: 0\r\nConnection: close\r\n\r\n",
                                          NULL};
    char *zeros = calloc(1, PEER_REPLY_BYTES_MAX + 1);

    (void)state;
    assert_non_null(zeros);
    for (int more = -1; more <= 1; more++) {
        const struct bytes tails[] = {
            {zeros, (size_t)(PEER_REPLY_BYTES_MAX + more)}
        };
        struct peer_memory memory = {.budget = NULL};
        struct script script;
        struct peer_call call;
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        script_begin_with(&script, answers, tails);
        call = call_to(&script);
        assert_int_equal(peer_calls_run(calls, terms_of(60000), &call, 1, &arena, &memory, NULL),
                         OK);
        if (call.code != E_CORRUPT ||
            strstr(call.err.text, more > 0 ? "too large" : "is no pack") == NULL)
            fail_msg("%d: %d, %s", more, call.code, call.err.text);
        script_end(&script);
        arena_release(&arena);
    }
    free(zeros);
}

static const struct tombstone erases = {
    .ingest = 99,
    .erase = true,
    .selector = {.measurement = BYTES("c\"pu")},
    .start = 1,
    .end = 2,
};

static void test_a_member_is_asked_to_erase(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 503 No\r\nWeir-Member: 1\r\nConnection: "
                                          "close\r\n\r\n{\"detail\":\"not now\"}",
                                          NULL};
    struct peer_memory memory = {.budget = NULL};
    struct tombstone strange = erases;
    struct script script;
    struct peer_call call[2];
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    script_begin(&script, answers);
    strange.selector.measurement = BYTES("\xff");
    for (size_t i = 0; i < COUNT_OF(call); i++) {
        call[i] = call_to(&script);
        call[i].erases = i == 0 ? &erases : &strange; /* half of it would be more than it */
    }
    assert_int_equal(peer_calls_run(calls, terms_of(5000), call, 2, &arena, &memory, NULL), OK);
    assert_int_equal(call[0].code, E_NOT_READY);
    assert_string_equal(call[0].err.text, "it answered 503: not now");
    assert_int_equal(call[1].code, E_NOT_SUPPORTED);
    assert_int_equal(script.connections, 1);
    assert_non_null(strstr(script.seen[0], "POST /peer/v1/erase HTTP/1.1\r\n"));
    assert_non_null(strstr(script.seen[0], "{\"tenant\":\"acme\",\"measurement\":\"c\\\"pu\","
                                           "\"start\":1,\"end\":2,\"after\":99}"));
    script_end(&script);
    arena_release(&arena);
}

static void test_who_stops_waits_for_nobody(void **state)
{
    static const char *const silent[] = {"", NULL};
    static _Atomic bool stop = true;
    struct peer_terms terms = *terms_of(60000);
    struct peer_memory memory = {.budget = NULL};
    int64_t began_ns = clock_monotonic_ns(clock_system());
    struct script script;
    struct peer_call call;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    script_begin(&script, silent);
    terms.stop = &stop;
    call = call_to(&script);
    call.erases = &erases;
    assert_int_equal(peer_calls_run(calls, &terms, &call, 1, &arena, &memory, NULL), OK);
    assert_int_equal(call.code, E_CANCELLED);
    assert_true(clock_monotonic_ns(clock_system()) - began_ns < INT64_C(20000000000));
    script_end(&script);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_asked_as_the_format_says),
        cmocka_unit_test(test_a_member_is_told_which_series_are_meant),
        cmocka_unit_test(test_each_member_has_its_own_end),
        cmocka_unit_test(test_the_turn_is_part_of_the_time),
        cmocka_unit_test(test_a_reply_that_memory_does_not_hold_is_none),
        cmocka_unit_test(test_names_that_memory_does_not_hold_are_none),
        cmocka_unit_test(test_a_member_is_asked_how_a_source_goes),
        cmocka_unit_test(test_a_reply_has_at_most_so_many_bytes),
        cmocka_unit_test(test_a_member_is_asked_to_erase),
        cmocka_unit_test(test_who_stops_waits_for_nobody),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
