#include "tests/unit/handlers/peer_ground.h"

#include "ingest/pull/puller.h"

/* Instead of an open one: what a node knows of its sources. */
static struct puller *puller;
static _Atomic bool leased;

static bool find_tenant(void *context, struct bytes name, const struct tenant **tenant,
                        struct limits *limits, int64_t *retention_ns)
{
    (void)context, (void)name, (void)tenant, (void)limits, (void)retention_ns;
    return true;
}

static bool is_leased(void *context, struct bytes key)
{
    (void)context, (void)key;
    return leased;
}

static enum code
recall_nothing(void *context, struct bytes tenant, struct bytes measurement,
               const struct series_tag *matched, uint32_t matched_count, int64_t start, int64_t end,
               enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
               void *taker, bool *partial, struct error *err)
{
    (void)context, (void)tenant, (void)measurement, (void)matched, (void)matched_count;
    (void)start, (void)end, (void)take, (void)taker, (void)partial;
    return error_set(err, E_SHARD, "nobody knows");
}

static int open_with_puller(void **state)
{
    static const struct address_rules none;
    static const struct recall recall = {.rows = recall_nothing};
    static const char document[] =
        "{\"schedule\":{\"every\":\"1h\"},\"request\":{\"url\":\"https://a.example/\"},"
        "\"decode\":\"json\",\"rows\":\"/*\",\"time\":{\"path\":\"t\"},\"measurement\":\"m\","
        "\"values\":[{\"path\":\"v\",\"field\":\"v\"}]}";
    struct puller_parts parts = {
        .recall = &recall,
        .fetcher = {.allowed = &none, .directory = "/tmp", .connections_max = 1},
        .clock = clock_system(),
        .user_agent = "weir/test",
        .tenant = find_tenant,
        .leased = is_leased
    };
    struct error err = {0};

    if (peer_ground_open(state) != 0)
        return -1;
    if (puller_open(&parts, &puller, &err) != OK ||
        puller_declare(puller, BYTES("default"), BYTES("s"), 1, false, bytes_of(document), &err))
        fail_msg("%s", err.text);
    ground.serving.app.puller = puller;
    return 0;
}

static int close_with_puller(void **state)
{
    ground.serving.app.puller = NULL;
    puller_close(puller);
    return peer_ground_close(state);
}

static bool says(const char *text)
{
    struct buf out = BUF_INIT(1 << 16);
    bool is = puller_status(puller, BYTES("default"), BYTES("s"), &out) &&
              memmem(out.data, out.size, text, strlen(text)) != NULL;

    buf_release(&out);
    return is;
}

static void test_who_pulls_it_tells_how_it_goes(void **state)
{
    (void)state;
    while (!says("elsewhere"))
        usleep(1000);
    expect_peer("GET /peer/v1/source?tenant=default&source=s", NULL, 200, "{}");
    assert_null(strstr(ground.serving.answer, "state"));
    leased = true;
    while (!says("nobody knows"))
        usleep(1000);
    expect_peer("GET /peer/v1/source?tenant=default&source=s&limit=0", NULL, 200,
                "{\"state\":\"loading\"");
    expect_peer("GET /peer/v1/source?tenant=default&source=s&limit=5", NULL, 200, "[]");
    expect_peer("GET /peer/v1/source?tenant=default&source=t", NULL, 200, "{}");
    expect_peer("GET /peer/v1/source?tenant=other&source=s", NULL, 200, "{}");
}

static void test_a_question_that_is_none_is_refused(void **state)
{
    (void)state;
    expect_peer("GET /peer/v1/source?tenant=default", NULL, 400, "missing_parameter");
    expect_peer("GET /peer/v1/source?source=s", NULL, 400, "missing_parameter");
    expect_peer("GET /peer/v1/source?tenant=default&source=s&limit=x", NULL, 400, "limit");
    assert_int_equal(ask(&ground.serving, "GET /peer/v1/source?tenant=default&source=s", "", NULL),
                     401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_pulls_it_tells_how_it_goes),
        cmocka_unit_test(test_a_question_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, open_with_puller, close_with_puller);
}
