#include "tests/unit/handlers/registry_ground.h"

#include "discovery/cluster_secret.h"
#include "discovery/roll.h"
#include "handlers/learn.h"
#include "handlers/peers.h"
#include "tests/unit/net/script.h"

static struct cluster_secret *secret;
static struct script script;
static struct roll *roll;

/* A member 7 whose replies are a script. */
static void peers_begin(const char *const *answers)
{
    static char path[96];
    struct peers_parts parts = {
        .store = serving.app.store,
        .registry = serving.app.registry,
        .roll = roll,
        .secret = secret,
        .clock = serving.app.clock,
        .metrics = serving.app.metrics,
        .limits = &serving.ground.limits,
    };
    struct registry *registry = serving.app.registry;
    struct registry_snapshot *snapshot = registry_get(registry);
    const struct registry_record *record = registry_find(snapshot, REGISTRY_MEMBERS, BYTES("7"));
    uint64_t version = record == NULL ? 0 : record->version;
    char text[300];
    FILE *file;

    registry_snapshot_put(snapshot);
    script_begin(&script, answers);
    (void)snprintf(text, sizeof(text),
                   "{\"state\":\"active\",\"incarnation\":\"00112233445566778899aabbccddeeff\","
                   "\"address\":\"%s\"}",
                   script.url + strlen("http://"));
    assert_int_equal(registry_put(registry, REGISTRY_MEMBERS, BYTES("7"), version, bytes_of(text),
                                  &version, NULL),
                     OK);
    if (secret == NULL) {
        (void)snprintf(path, sizeof(path), "%s/secret", serving.ground.directory);
        file = fopen(path, "w");
        fputs("0123456789abcdef0123456789abcdef\n", file);
        fclose(file);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(cluster_secret_open(path, &secret, NULL), OK);
        assert_int_equal(registry_put(registry, REGISTRY_MEMBERS, BYTES("1"), 0,
                                      BYTES("{\"state\":\"active\"}"), &version, NULL),
                         OK);
        assert_int_equal(registry_hold(registry, REGISTRY_ALIVE, BYTES("7"), BYTES("{}"), NULL),
                         OK);
        for (bool alive = false; !alive; usleep(1000)) {
            snapshot = registry_get(registry);
            alive = registry_find(snapshot, REGISTRY_ALIVE, BYTES("7")) != NULL;
            registry_snapshot_put(snapshot);
        }
    }
    if (roll == NULL)
        assert_int_equal(roll_new(&roll, NULL), OK);
    parts.secret = secret;
    parts.roll = roll;
    assert_int_equal(peers_new(&parts, &serving.app.peers, NULL), OK);
}

static void peers_end(void)
{
    peers_free(serving.app.peers);
    serving.app.peers = NULL;
    script_end(&script);
}

static bool is_partial(const char *what)
{
    assert_int_equal(ask(&serving, what, "", NULL), 200);
    return strstr(serving.answer, "Weir-Partial: true") != NULL;
}

static void test_without_members_nobody_is_asked(void **state)
{
    (void)state;
    expect_with("POST /v1/points", "", "cpu f=1 1\n", 204, "");
    assert_false(is_partial("GET /v1/measurements"));
    assert_false(is_partial("GET /v1/tags"));
}

static void test_members_are_asked_for_measurements(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 7\r\nConnection: close\r\n\r\n"
        "{\"measurements\":[\"cpu\",\"cpu\"]}",
        NULL};

    (void)state;
    peers_begin(answers);
    assert_false(is_partial("GET /v1/measurements"));
    assert_non_null(strstr(script.seen[0], "GET /peer/v1/names?tenant=default HTTP/1.1\r\n"));
    assert_non_null(strstr(script.seen[0], "Authorization: Bearer 0123456789abcdef"));
    peers_end();
}

static void test_a_list_that_may_be_short_says_so(void **state)
{
    static const char *const refuses[] = {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", NULL};
    static const char *const garbage[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 7\r\nConnection: close\r\n\r\n{\"measurements\":7}", NULL};
    static const char *const other[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 8\r\nConnection: close\r\n\r\n{\"measurements\":[]}",
        NULL};
    static const char *const whole[] = {
        "HTTP/1.1 200 OK\r\nWeir-Member: 7\r\nConnection: close\r\n\r\n{\"measurements\":[]}",
        NULL};
    static const char *const *const cases[] = {refuses, garbage, other};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        peers_begin(cases[i]);
        assert_true(is_partial("GET /v1/measurements"));
        peers_end();
    }
    peers_begin(whole); /* tags of all measurements are asked of nobody */
    assert_true(is_partial("GET /v1/tags"));
    peers_end();
}

static int close_all(void **state)
{
    cluster_secret_close(secret);
    roll_free(roll);
    return registry_ground_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_members_nobody_is_asked),
        cmocka_unit_test(test_members_are_asked_for_measurements),
        cmocka_unit_test(test_a_list_that_may_be_short_says_so),
    };

    return cmocka_run_group_tests(tests, registry_ground_open, close_all);
}
