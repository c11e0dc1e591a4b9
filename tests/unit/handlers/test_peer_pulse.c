#include "tests/unit/handlers/peer_ground.h"

#include "codec/json_doc.h"

/* A member of the answer, a number or a text as it stands. */
static struct json *pulse(struct json **root)
{
    struct error err = {0};

    expect_peer("GET /peer/v1/pulse", NULL, 200, "{");
    if (json_doc_parse(bytes_of(strstr(ground.serving.answer, "\r\n\r\n") + 4), 2, root, &err))
        fail_msg("%s: %s", err.text, ground.serving.answer);
    return *root;
}

static int64_t number(const char *name)
{
    struct json *root;
    const struct json *value = json_member(pulse(&root), name);
    int64_t read;

    assert_int_equal(json_kind(value), JSON_KIND_INTEGER);
    read = json_integer_of(value);
    json_doc_free(root);
    return read;
}

static bool truth(const char *name)
{
    struct json *root;
    const struct json *value = json_member(pulse(&root), name);
    bool read;

    assert_int_equal(json_kind(value), JSON_KIND_BOOL);
    read = json_bool_of(value);
    json_doc_free(root);
    return read;
}

static void expect_state(const char *want)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "\"state\":\"%s\"", want);
    for (int i = 0; i < 5000; i++) {
        if (ask(&ground.serving, "GET /peer/v1/pulse", PEER_HEADERS, NULL) == 200 &&
            strstr(ground.serving.answer, text) != NULL)
            return;
        usleep(1000);
    }
    fail_msg("want %s, got %s", want, ground.serving.answer);
}

static uint64_t put(const char *name, const char *text)
{
    struct registry_snapshot *records = registry_get(ground.registry);
    const struct registry_record *record = registry_find(records, REGISTRY_MEMBERS, bytes_of(name));
    struct error err = {0};
    uint64_t version;

    if (registry_put(ground.registry, REGISTRY_MEMBERS, bytes_of(name),
                     record != NULL ? record->version : 0, bytes_of(text), &version, &err))
        fail_msg("%s", err.text);
    registry_snapshot_put(records);
    return version;
}

static void test_a_pulse_tells_who_and_how_the_member_is(void **state)
{
    char text[80];

    (void)state;
    expect_state("active");
    assert_int_equal(number("number"), 1);
    (void)snprintf(text, sizeof(text), "\"incarnation\":\"%s\"", ground.incarnation);
    expect_peer("GET /peer/v1/pulse", NULL, 200, text);
    assert_true(truth("ready"));
    ground.serving.app.draining = true;
    assert_false(truth("ready"));
    ground.serving.app.draining = false;
    assert_int_equal(number("backlog_bytes"), 0);
    assert_int_equal(number("closed_ns"), 0); /* it delivers nothing */
}

static void test_a_pulse_tells_the_clock_and_the_newest_stamp(void **state)
{
    int64_t before_ns = clock_wall_ns(clock_system()), stamp_ns;

    (void)state;
    assert_true(number("wall_ns") >= before_ns);
    stamp_ns = number("stamp_ns");
    aim_at_peers(false);
    expect(&ground.serving, "POST /v1/points", "m f=1", 204, "");
    aim_at_peers(true);
    assert_true(number("stamp_ns") > stamp_ns && number("stamp_ns") >= before_ns);
    assert_true(number("stamp_ns") <= number("wall_ns"));
}

/* So that one that joins knows who has seen it: itself, not who had its number before. */
static void test_a_pulse_tells_whether_who_asks_is_known(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } cases[] = {
        {"{\"state\":\"active\"}",                                                              false},
        {"{\"state\":\"active\",\"incarnation\":\"ffeeddccbbaa99887766554433221100\"}",         false},
        {"{\"state\":\"joining\",\"incarnation\":\"" PEER_INCARNATION "\"}",                    true },
        {"{\"state\":\"lost\",\"incarnation\":\"" PEER_INCARNATION "\"}",                       false},
        {"{",                                                                                   false},
        {"{\"state\":\"active\",\"incarnation\":\"" PEER_INCARNATION "\",\"address\":\"h:1\"}",
         true                                                                                        },
    };
    uint64_t version;

    (void)state;
    assert_false(truth("peer_known")); /* 7 */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        version = put("7", cases[i].text);
        if (truth("peer_known") != cases[i].want)
            fail_msg("%s", cases[i].text);
        assert_true((uint64_t)number("registry_version") >= version);
    }
}

static void test_a_pulse_tells_the_state_of_the_record(void **state)
{
    char text[160];

    (void)state;
    (void)snprintf(text, sizeof(text), "{\"state\":\"drained\",\"incarnation\":\"%s\"}",
                   ground.incarnation);
    put("1", text);
    expect_state("drained");
    for (int i = 0; i < 5000 && truth("ready"); i++)
        usleep(1000); /* its writes end a moment after its state is told */
    assert_false(truth("ready"));
    put("1", "{"); /* what cannot be read stops nobody */
    expect_state("active");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pulse_tells_who_and_how_the_member_is),
        cmocka_unit_test(test_a_pulse_tells_the_clock_and_the_newest_stamp),
        cmocka_unit_test(test_a_pulse_tells_whether_who_asks_is_known),
        cmocka_unit_test(test_a_pulse_tells_the_state_of_the_record),
    };

    return cmocka_run_group_tests(tests, peer_ground_open, peer_ground_close);
}
