#include "tests/unit/handlers/peer_ground.h"

#include "handlers/peer_reply.h"
#include "store/delivery/delivered.h"
#include "store/delivery/delivery_rules.h"
#include "store/packs/pack.h"
#include "store/state.h"

#define ALL "\"start\":-9223372036854775807,\"end\":9223372036854775807"

/* The value of a header line; 0: there is none. */
static int64_t header(const char *name)
{
    const char *at = strstr(ground.serving.answer, name);

    return at == NULL ? 0 : strtoll(at + strlen(name), NULL, 10);
}

/* The body, which is a pack. */
static struct pack *pack_of(void)
{
    struct bytes bytes = {strstr(ground.serving.answer, "\r\n\r\n") + 4,
                          (size_t)header("\r\nContent-Length: ")};
    struct pack *pack;
    struct error err = {0};

    assert_non_null(strstr(ground.serving.answer, "Content-Type: application/vnd.weir.pack\r\n"));
    if (pack_open_memory(bytes, &pack, &err) != OK)
        fail_msg("%s", err.text);
    return pack;
}

static void ask_rows(const char *question, int status, const char *text)
{
    expect_peer("POST /peer/v1/rows", question, status, text);
}

static uint64_t rows_of(const char *question)
{
    struct pack *pack;
    uint64_t count;

    ask_rows(question, 200, "Weir-Through: ");
    pack = pack_of();
    count = pack_about(pack).row_count;
    assert_int_equal(pack_about(pack).kind, PACK_PLAIN);
    pack_unref(pack);
    return count;
}

static void write_rows(const char *lines)
{
    aim_at_peers(false);
    expect(&ground.serving, "POST /v1/points", lines, 204, "");
    aim_at_peers(true);
}

static void test_a_question_that_is_none_is_told_what_would_be(void **state)
{
    static const struct {
        const char *question, *told;
    } cases[] = {
        {"",                                                                                        "bad_request"       },
        {"{",                                                                                       "bad_request"       },
        {"[]",                                                                                      "must be an object" },
        {"{\"tenant\":\"default\"}",                                                                "has \\\"tenant\\\""},
        {"{\"tenant\":\"default\",\"measurement\":\"m\",\"start\":0}",                              "\\\"end\\\""       },
        {"{\"tenant\":7,\"measurement\":\"m\"," ALL "}",                                            "must be text"      },
        {"{\"tenant\":\"default\",\"measurement\":\"\"," ALL "}",                                   "must be 1 to 65536"},
        {"{\"tenant\":\"default\",\"measurement\":\"m\",\"start\":1,\"end\":1}",                    "must be before"    },
        {"{\"tenant\":\"default\",\"measurement\":\"m\",\"start\":1.5,\"end\":2}",
         "whole number of nanoseconds"                                                                                  },
        {"{\"tenant\":\"default\",\"measurement\":\"m\",\"start\":99999999999999999999,\"end\":2}",
         "bad_request"                                                                                                  },
        {"{\"tenant\":\"default\",\"measurement\":\"m\"," ALL ",\"as_of\":-1}",                     "an ingest time"    },
        {"{\"tenant\":\"default\",\"measurement\":\"m\"," ALL ",\"asof\":1}",                       "did you mean"      },
        {"{\"tenant\":\"default\",\"tenant\":\"x\",\"measurement\":\"m\"," ALL "}",                 "bad_request"       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ask_rows(cases[i].question, 400, cases[i].told);
    ask_rows("{\"tenant\":\"nobody\",\"measurement\":\"m\"," ALL "}", 404, "no such tenant yet");
    expect_peer("GET /peer/v1/rows", NULL, 405, "method_not_allowed");
}

static void test_what_was_acknowledged_comes_as_a_pack(void **state)
{
    static const char all[] = "{\"tenant\":\"default\",\"measurement\":\"a\"," ALL "}";
    int64_t before_ns = clock_wall_ns(clock_system());

    (void)state;
    ask_rows(all, 204, "Weir-Through: ");
    assert_true(header("Weir-Through: ") >= before_ns);
    assert_null(strstr(ground.serving.answer, "Weir-Delivered"));
    write_rows("a,k=1 f=1 10\na,k=2 f=2 20\nb f=3 30\n");
    assert_int_equal(rows_of(all), 2);
    assert_int_equal(
        rows_of("{\"tenant\":\"default\",\"measurement\":\"a\",\"start\":11,\"end\":21}"), 1);
    ask_rows("{\"tenant\":\"default\",\"measurement\":\"a\",\"start\":11,\"end\":20}", 204, "");
    aim_at_peers(false);
    expect(&ground.serving, "POST /v1/admin/flush", "", 200, "flushed");
    aim_at_peers(true);
    assert_int_equal(rows_of(all), 2); /* of a pack */
}

/* As match= has them. */
static void test_conditions_on_tags_leave_series_out(void **state)
{
    static const struct {
        const char *match;
        int64_t rows; /* 0: none, -1: it is refused */
    } cases[] = {
        {"[]",                                                     4 },
        {"[{\"key\":\"k\",\"op\":\"=\",\"value\":\"a\"}]",         2 },
        {"[{\"key\":\"k\",\"op\":\"!=\",\"value\":\"a\"}]",        2 },
        {"[{\"key\":\"k\",\"op\":\"=~\",\"value\":\"[ab]\"}]",     3 },
        {"[{\"key\":\"k\",\"op\":\"!~\",\"value\":\"[ab]\"}]",     1 },
        {"[{\"key\":\"k\",\"op\":\"=\",\"value\":\"\"}]",          1 },
        {"[{\"key\":\"k\",\"op\":\"=~\",\"value\":\"[ab]\"},"
         "{\"key\":\"l\",\"op\":\"=\",\"value\":\"x\"}]", 1 },
        {"[{\"key\":\"k\",\"op\":\"=\",\"value\":\"none\"}]",      0 },
        {"[{\"key\":\"k\",\"op\":\"==\",\"value\":\"a\"}]",        -1},
        {"[{\"key\":\"k\",\"op\":\"=\"}]",                         -1},
        {"[{\"key\":\"\",\"op\":\"=\",\"value\":\"a\"}]",          -1},
        {"[{\"key\":\"k\",\"op\":\"=~\",\"value\":\"[\"}]",        -1},
        {"[7]",                                                    -1},
        {"{}",                                                     -1},
    };
    char question[512];

    (void)state;
    write_rows("match,k=a f=1 1\nmatch,k=a,l=x f=2 2\nmatch,k=b f=3 3\nmatch f=4 4\n");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(question, sizeof(question),
                       "{\"tenant\":\"default\",\"measurement\":\"match\",\"match\":%s," ALL "}",
                       cases[i].match);
        if (cases[i].rows > 0)
            assert_int_equal(rows_of(question), cases[i].rows);
        else
            ask_rows(question, cases[i].rows == 0 ? 204 : 400, "");
    }
}

static void test_there_are_so_many_conditions_and_no_more(void **state)
{
    enum { MATCHERS_MAX = 256 };
    (void)state;
    for (int count = MATCHERS_MAX - 1; count <= MATCHERS_MAX + 1; count++) {
        struct buf question = BUF_INIT(1 << 16);

        buf_put_text(&question,
                     "{\"tenant\":\"default\",\"measurement\":\"match\"," ALL ",\"match\":[");
        for (int i = 0; i < count; i++)
            buf_printf(&question, "%s{\"key\":\"k\",\"op\":\"!=\",\"value\":\"%d\"}",
                       i == 0 ? "" : ",", i);
        buf_put_text(&question, "]}");
        buf_put_char(&question, '\0');
        ask_rows(question.data, count > MATCHERS_MAX ? 400 : 200,
                 count > MATCHERS_MAX ? "at most 256" : "Weir-Through");
        buf_release(&question);
    }
}

static void test_the_moment_is_the_askers(void **state)
{
    char question[256];
    int64_t now_ns, past;

    (void)state;
    write_rows("c f=1 1\n");
    assert_int_equal(rows_of("{\"tenant\":\"default\",\"measurement\":\"c\"," ALL "}"), 1);
    past = header("Weir-Through: ");
    assert_true(header("Weir-Newest: ") > 0 && header("Weir-Newest: ") < past);
    assert_int_equal(header("Weir-Settled: "), header("Weir-Newest: "));
    write_rows("c f=2 2\n");
    (void)snprintf(question, sizeof(question),
                   "{\"tenant\":\"default\",\"measurement\":\"c\"," ALL ",\"as_of\":%" PRId64 "}",
                   past);
    assert_int_equal(rows_of(question), 1);
    assert_int_equal(header("Weir-Through: "), past);
    now_ns = clock_wall_ns(clock_system());
    (void)snprintf(question, sizeof(question),
                   "{\"tenant\":\"default\",\"measurement\":\"c\"," ALL ",\"as_of\":%" PRId64 "}",
                   now_ns + 1000000000);
    assert_int_equal(rows_of(question), 2);
    assert_int_equal(header("Weir-Through: "), now_ns + 1000000000);
    (void)snprintf(question, sizeof(question),
                   "{\"tenant\":\"default\",\"measurement\":\"c\"," ALL ",\"as_of\":%" PRId64 "}",
                   now_ns + 60 * INT64_C(1000000000));
    ask_rows(question, 400, "as_of_in_future");
}

/* More than noise of this size is one block and more. */
static void write_noise(const char *measurement)
{
    struct buf lines = BUF_INIT(1 << 20);
    uint64_t chance = 88172645463325252u;

    for (int i = 0; i < 2000; i++) {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        buf_printf(&lines, "%s f=%llui %d\n", measurement, (unsigned long long)(chance >> 1), i);
    }
    buf_put_char(&lines, '\0');
    write_rows(lines.data);
    buf_release(&lines);
}

static void test_a_reply_is_as_large_as_it_may_be(void **state)
{
    static const char all[] = "{\"tenant\":\"default\",\"measurement\":\"noise\"," ALL "}";
    struct limits *limits = &ground.serving.ground.limits;
    uint64_t initial = limits->peer_reply_bytes_max;
    int64_t size;

    (void)state;
    write_noise("noise");
    assert_int_equal(rows_of(all), 2000);
    size = header("\r\nContent-Length: ");
    assert_true(size > 10000);
    for (int more = -1; more <= 1; more++) {
        limits->peer_reply_bytes_max = (uint64_t)(size + more);
        ask_rows(all, more < 0 ? 422 : 200, more < 0 ? "query_result_limit" : "Weir-Through: ");
    }
    limits->peer_reply_bytes_max = initial;
}

static void test_its_memory_is_that_of_queries(void **state)
{
    static const char all[] = "{\"tenant\":\"default\",\"measurement\":\"more\"," ALL "}";
    struct budget *memory = &ground.serving.app.query_memory;
    size_t initial = memory->bytes_max;

    (void)state;
    write_noise("more");
    memory->bytes_max = 1000;
    ask_rows(all, 503, "overloaded");
    memory->bytes_max = initial;
    assert_int_equal(rows_of(all), 2000);
    for (int i = 0; i < 5000 && budget_used(memory) > 0; i++)
        usleep(1000);
    assert_int_equal(budget_used(memory), 0);
}

static void test_a_question_has_at_most_so_many_bytes(void **state)
{
    enum { QUESTION_MAX = 65536 };
    static const char question[] = "{\"tenant\":\"default\",\"measurement\":\"z\"," ALL "}";
    static char text[QUESTION_MAX + 2];

    (void)state;
    for (size_t size = QUESTION_MAX - 1; size <= QUESTION_MAX + 1; size++) {
        memset(text, ' ', sizeof(text));
        memcpy(text, question, sizeof(question) - 1);
        text[size] = '\0';
        ask_rows(text, size <= QUESTION_MAX ? 204 : 413, "");
    }
}

/* Limit - 1, limit, limit + 1: shards with names as long as they may be. */
static void test_a_reply_names_so_many_shards(void **state)
{
    struct store *store = ground.serving.app.store;
    struct chain_entry entry = {
        .incarnation = store->incarnation, .tenant = BYTES("default"), .through = INT64_MIN};
    char name[SHARD_NAME_SIZE];

    (void)state;
    for (int count = 1; count <= PEER_SHARDS_MAX + 140; count++) {
        (void)snprintf(name, sizeof(name), "%064d", count);
        assert_int_equal(delivered_apply(store->options.index, bytes_of(name), &entry, NULL), OK);
        if (count > PEER_SHARDS_MAX)
            ask_rows("{\"tenant\":\"default\",\"measurement\":\"s\"," ALL "}", 422, "at most 64");
        else if (count >= PEER_SHARDS_MAX - 1)
            ask_rows("{\"tenant\":\"default\",\"measurement\":\"s\"," ALL "}", 204, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_that_is_none_is_told_what_would_be),
        cmocka_unit_test(test_what_was_acknowledged_comes_as_a_pack),
        cmocka_unit_test(test_conditions_on_tags_leave_series_out),
        cmocka_unit_test(test_there_are_so_many_conditions_and_no_more),
        cmocka_unit_test(test_the_moment_is_the_askers),
        cmocka_unit_test(test_a_reply_is_as_large_as_it_may_be),
        cmocka_unit_test(test_its_memory_is_that_of_queries),
        cmocka_unit_test(test_a_question_has_at_most_so_many_bytes),
        cmocka_unit_test(test_a_reply_names_so_many_shards),
    };

    return cmocka_run_group_tests(tests, peer_ground_open, peer_ground_close);
}
