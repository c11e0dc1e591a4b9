#include "discovery/follower.h"
#include "discovery/membership.h"
#include "discovery/registry_files.h"
#include "discovery/roll.h"
#include "store/delivery/away.h"
#include "store/delivery/delivery.h"
#include "tests/unit/handlers/one_serving.h"

static int setup(void **state)
{
    (void)state;
    serving_init(&serving);
    serving.ground.limits.live_max = 0; /* so that an answer of live readers has an end */
    serving_start(&serving, NULL);
    return 0;
}

static void test_health_and_readiness(void **state)
{
    (void)state;
    expect(&serving, "GET /healthz", NULL, 200, "{\"status\":\"ok\",\"version\":\"0.0.1\"}\n");
    expect(&serving, "GET /readyz", NULL, 200,
           "{\"status\":\"ready\",\"checks\":[{\"name\":\"store\",\"status\":\"ok\"}]}\n");
    serving.app.draining = true;
    expect(&serving, "GET /readyz", NULL, 503, "\"code\":\"shutting_down\"");
    expect(&serving, "GET /healthz", NULL, 200, "ok");
    serving.app.draining = false;
}

static void test_the_description_is_served(void **state)
{
    (void)state;
    expect(&serving, "GET /openapi.json", NULL, 200, "\"openapi\": \"3.1.0\"");
}

static void test_a_flush_seals_what_was_written(void **state)
{
    (void)state;
    expect(&serving, "POST /v1/points", "m f=1 1\nm f=2 2\n", 204, "");
    assert_int_equal(ground_rows(&serving.ground), 2);
    for (int i = 0; i < 2; i++) {
        expect(&serving, "POST /v1/admin/flush", NULL, 200, "{\"flushed\":true,\"store\":\"");
        assert_int_equal(ground_rows(&serving.ground), 0);
    }
    expect(&serving, "GET /v1/query?measurement=m&epoch=ns", NULL, 200, "[[1,1.0],[2,2.0]]");
}

static char *page_text(void)
{
    static char text[1 << 18];
    FILE *file = fopen("docs/reference/metrics.md", "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static bool everybody_north(void *context, const struct tenant *tenant, char name[SHARD_NAME_SIZE])
{
    (void)context, (void)tenant;
    memcpy(name, "north", sizeof("north"));
    return true;
}

/* Of a shard that a part was read at, or of other members' rows: tests/delivery looks at them; of
 * sources: tests/unit/ingest/pull does, of their trials test_trial_turn.c. */
static bool is_of_others(const char *name)
{
    static const char *const beginnings[] = {"weir_parts_",     "weir_guests_", "weir_peers_",
                                             "weir_caretaker_", "weir_pull_",   "weir_trials_"};

    for (size_t i = 0; i < COUNT_OF(beginnings); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* Every family that is there once each kind of request has come. */
static void test_the_reference_names_exactly_the_metrics_there_are(void **state)
{
    static const struct delivery_rules rules = {.shard_of = everybody_north};
    const struct registry_rules none = {.fs = NULL};
    const char *const page = page_text();
    char name[128], wanted[160];

    (void)state;
    snprintf(wanted, sizeof(wanted), "%s/registry", serving.ground.directory);
    assert_int_equal(registry_files_open(wanted, &none, &serving.app.registry, NULL), OK);
    assert_int_equal(follower_new(serving.app.directory, NULL, &serving.app.follower, NULL), OK);
    assert_int_equal(membership_new(&serving.app.membership, NULL), OK);
    assert_int_equal(roll_new(&serving.app.roll, NULL), OK);
    roll_silent(serving.app.roll, 2);
    assert_int_equal(delivery_new(serving.app.store, &rules, &serving.app.delivery, NULL), OK);
    assert_int_equal(away_new(serving.app.store, &rules, &serving.app.away, NULL), OK);
    expect(&serving, "POST /v1/points", "m f=1 1\n", 204, "");
    expect(&serving, "POST /v1/points", "m f=x 1\n", 400, "");
    expect(&serving, "POST /v1/points?ack=shard", "m f=1 1\n", 400, "");
    expect(&serving, "GET /v1/query?measurement=m", NULL, 200, "");
    assert_true(delivery_look(serving.app.delivery));
    expect(&serving, "GET /v1/live?measurement=m", NULL, 429, "too_many_live_readers");
    expect(&serving, "POST /v1/admin/flush", NULL, 200, "");
    expect(&serving, "GET /nowhere", NULL, 404, "");
    expect(&serving, "GET /metrics", NULL, 200, "# TYPE ");
    for (const char *at = serving.answer; (at = strstr(at, "# TYPE ")) != NULL; at++) {
        assert_int_equal(sscanf(at, "# TYPE %127s", name), 1);
        snprintf(wanted, sizeof(wanted), "| `%s` |", name);
        if (strstr(page, wanted) == NULL)
            fail_msg("docs/reference/metrics.md does not tell of %s", name);
    }
    for (const char *at = page; (at = strstr(at, "| `weir_")) != NULL; at++) {
        assert_int_equal(sscanf(at, "| `%127[a-z0-9_]`", name), 1);
        if (is_of_others(name))
            continue;
        snprintf(wanted, sizeof(wanted), "# TYPE %s ", name);
        if (strstr(serving.answer, wanted) == NULL)
            fail_msg("docs/reference/metrics.md tells of %s, which is not there", name);
    }
    away_free(serving.app.away);
    delivery_free(serving.app.delivery);
    serving.app.away = NULL;
    serving.app.delivery = NULL;
    registry_close(serving.app.registry);
    follower_free(serving.app.follower);
    membership_free(serving.app.membership);
    roll_free(serving.app.roll);
    serving.app.roll = NULL;
    serving.app.membership = NULL;
    serving.app.registry = NULL;
    serving.app.follower = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health_and_readiness),
        cmocka_unit_test(test_the_description_is_served),
        cmocka_unit_test(test_a_flush_seals_what_was_written),
        cmocka_unit_test(test_the_reference_names_exactly_the_metrics_there_are),
    };

    return cmocka_run_group_tests(tests, setup, serving_close);
}
