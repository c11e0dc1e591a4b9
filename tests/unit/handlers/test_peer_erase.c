#include "tests/unit/handlers/peer_ground.h"

#include "handlers/erasers.h"
#include "server/compaction.h"

#define ALL "\"start\":-9223372036854775807,\"end\":9223372036854775807"

static struct compaction_rules rules;

static void keep_all(void *context, const struct tenant *tenant, int64_t *retention_ns,
                     int64_t *history_ns)
{
    (void)context, (void)tenant;
    *retention_ns = *history_ns = INT64_MAX;
}

static int open_ground(void **state)
{
    struct erasers_parts parts = {.clock = clock_system()};

    rules = compaction_rules_of(NULL);
    rules.ages = keep_all;
    peer_ground_rules = &rules;
    if (peer_ground_open(state))
        return -1;
    parts.store = ground.serving.app.store;
    parts.registry = ground.registry;
    parts.secret = ground.serving.app.secret;
    parts.limits = &ground.serving.ground.limits;
    return erasers_new(&parts, &ground.serving.app.erasers, NULL) == OK ? 0 : -1;
}

static int close_ground(void **state)
{
    erasers_free(ground.serving.app.erasers);
    return peer_ground_close(state);
}

static void expect_public(const char *what, const char *body, int status, const char *text)
{
    aim_at_peers(false);
    expect(&ground.serving, what, body, status, text);
    aim_at_peers(true);
}

static void expect_erase(const char *measurement, const char *more, int64_t after, int status,
                         const char *text)
{
    char question[512];

    (void)snprintf(question, sizeof(question),
                   "{\"tenant\":\"default\",\"measurement\":\"%s\"%s," ALL ",\"after\":%" PRId64
                   "}",
                   measurement, more, after);
    expect_peer("POST /peer/v1/erase", question, status, text);
}

static int64_t now_ns(void)
{
    return clock_wall_ns(clock_system());
}

static void test_what_another_member_erases_is_gone_here(void **state)
{
    char text[128];

    (void)state;
    (void)snprintf(text, sizeof(text),
                   "{\"erased\":true,\"incarnation\":\"%s\",\"ingest\":", ground.incarnation);
    expect_public("POST /v1/points", "e,k=a f=1,g=1 1\ne,k=b f=2,g=2 2", 204, "");
    expect_erase("e",
                 ",\"match\":[{\"key\":\"k\",\"op\":\"=\",\"value\":\"a\"}],\"fields\":[\"f\"]",
                 now_ns(), 200, text);
    expect_public("GET /v1/query?measurement=e&epoch=ns", NULL, 200, "[[1,null,1.0]]");
    expect_public("GET /v1/query?measurement=e&epoch=ns", NULL, 200, "[[2,2.0,2.0]]");
    expect_erase("e", "", now_ns(), 200, text);
    expect_erase("e", "", now_ns(), 200, text); /* once more it is as good */
    expect_public("GET /v1/query?measurement=e&epoch=ns&versions=all", NULL, 200, "\"series\":[]");
    expect_public("POST /v1/points", "e,k=a f=3 3", 204, ""); /* what comes later stays */
    expect_public("GET /v1/query?measurement=e&epoch=ns", NULL, 200, "[[3,3.0,null]]");
    expect_erase("nothing", "", now_ns(), 200, text);
}

/* Its own deletion has a later ingest time than the one that it is asked for. */
static void test_the_moment_is_below_what_comes_of_it(void **state)
{
    int64_t after = now_ns() + 2 * INT64_C(1000000000);
    const char *at;

    (void)state;
    expect_erase("e", "", after, 200, "\"ingest\":");
    at = strstr(ground.serving.answer, "\"ingest\":");
    assert_true(strtoll(at + strlen("\"ingest\":"), NULL, 10) > after);
    expect_erase("e", "", now_ns() + 60 * INT64_C(1000000000), 400, "as_of_in_future");
}

static void test_a_request_that_is_none_changes_nothing(void **state)
{
    enum { QUESTION_MAX = 65536 };
    static char text[QUESTION_MAX + 2];

    (void)state;
    expect_public("POST /v1/points", "r f=1 1", 204, "");
    expect_peer("POST /peer/v1/erase", "", 400, "bad_request");
    expect_peer("POST /peer/v1/erase", "{\"tenant\":\"default\"}", 400, "bad_request");
    expect_erase("r", "", 0, 400, "the ingest time of a deletion");
    expect_erase("r", ",\"match\":[{\"key\":\"k\",\"op\":\"=~\",\"value\":\"[\"}]", now_ns(), 400,
                 "bad_request");
    expect_erase("r", ",\"as_of\":1", now_ns(), 400, "bad_request");
    expect_peer("POST /peer/v1/erase",
                "{\"tenant\":\"nobody\",\"measurement\":\"r\"," ALL ",\"after\":1}", 404,
                "no such tenant yet");
    expect_peer("GET /peer/v1/erase", NULL, 405, "method_not_allowed");
    expect_public("POST /peer/v1/erase", "{}", 404, "not_found");
    for (size_t size = QUESTION_MAX - 1; size <= QUESTION_MAX + 1; size++) {
        memset(text, ' ', size);
        text[size] = '\0';
        expect_peer("POST /peer/v1/erase", text, size <= QUESTION_MAX ? 400 : 413, "");
    }
    ground.serving.app.draining = true;
    expect_erase("r", "", now_ns(), 503, "shutting_down");
    ground.serving.app.draining = false;
    expect_public("GET /v1/query?measurement=r&epoch=ns", NULL, 200, "[[1,1.0]]");
}

/* A client's own: without other members it is as ever, and with one that is dead it is told. */
static void test_a_client_is_told_who_has_not_done_it(void **state)
{
    static const struct bytes record =
        BYTES("{\"state\":\"active\",\"incarnation\":\"" PEER_INCARNATION
              "\",\"address\":\"127.0.0.1:1\"}");
    uint64_t version = 0;

    (void)state;
    expect_public("POST /v1/points", "c f=1 1", 204, "");
    expect_public("DELETE /v1/points?measurement=c&erase=true", NULL, 200, "{\"erased\":true}");
    assert_int_equal(
        registry_put(ground.registry, REGISTRY_MEMBERS, BYTES("9"), 0, record, &version, NULL), OK);
    expect_public("POST /v1/points", "c f=1 1", 204, "");
    expect_public("DELETE /v1/points?measurement=c&erase=true", NULL, 503,
                  "\"code\":\"erase_unfinished\",\"unfinished\":[\"member 9: it is not alive\"]");
    assert_non_null(strstr(ground.serving.answer, "Retry-After: "));
    assert_non_null(strstr(ground.serving.answer, "send the same request again: member 9"));
    expect_public("GET /v1/query?measurement=c", NULL, 200, "\"series\":[]");
    expect_public("DELETE /v1/points?measurement=c", NULL, 204, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_another_member_erases_is_gone_here),
        cmocka_unit_test(test_the_moment_is_below_what_comes_of_it),
        cmocka_unit_test(test_a_request_that_is_none_changes_nothing),
        cmocka_unit_test(test_a_client_is_told_who_has_not_done_it),
    };

    return cmocka_run_group_tests(tests, open_ground, close_ground);
}
