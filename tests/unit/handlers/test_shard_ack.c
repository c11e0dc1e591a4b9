/* Writes that wait for their tenant's shard, over the whole server but for the database. */
#include "handlers/shard_ack.h"

#include "tests/fake_archive.h"
#include "tests/unit/handlers/serving.h"

static struct serving serving;
static struct fake_archive north;
static struct delivery_rules rules;
static struct delivery *delivery;
static char token[200];

static bool shard_of(void *context, const struct tenant *tenant, char name[SHARD_NAME_SIZE])
{
    (void)context;
    (void)snprintf(name, SHARD_NAME_SIZE, "north");
    return bytes_equal(tenant->name, BYTES("acme"));
}

static enum code open_north(void *context, const char *shard, struct archive **archive,
                            struct error *err)
{
    (void)context, (void)shard, (void)err;
    *archive = fake_open(&north);
    return OK;
}

static int setup(void **state)
{
    struct buf file = BUF_INIT(4096), text = BUF_INIT(200), line = BUF_INIT(400);

    (void)state;
    serving_init(&serving);
    serving.ground.limits.shard_ack_ms_max = 300;
    serving.ground.limits.shard_acks_max = 1;
    serving.ground.limits.outbox_bytes_max = 100000;
    assert_int_equal(
        token_generate(BYTES("t"), SCOPE_READ | SCOPE_WRITE, INT64_MAX, &text, &line, NULL), OK);
    snprintf(token, sizeof(token), "Authorization: Bearer %.*s\r\n", (int)text.size, text.data);
    buf_printf(&file,
               "shards: {north: {uri: \"mongodb://127.0.0.1:1/\"}}\ntenants:\n  acme:\n"
               "    shard: north\n    tokens:\n      %.*s\n",
               (int)line.size, line.data);
    buf_put_char(&file, 0);
    serving_start(&serving, file.data);
    rules = (struct delivery_rules){.context = NULL, .shard_of = shard_of, .open = open_north};
    assert_int_equal(delivery_new(serving.ground.store, &rules, &delivery, NULL), OK);
    assert_int_equal(delivery_start(delivery, NULL), OK);
    serving.app.delivery = serving.app.intake.delivery = delivery;
    buf_release(&file);
    buf_release(&text);
    buf_release(&line);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    delivery_await_stop(delivery);
    delivery_stop(delivery);
    delivery_free(delivery);
    serving_stop(&serving);
    fake_release(&north);
    return 0;
}

static void expect_post(const char *target, const char *body, int status, const char *text)
{
    char what[100];
    int got;

    snprintf(what, sizeof(what), "POST /v1/points%s", target);
    got = ask(&serving, what, token, body);
    if (got != status || strstr(serving.answer, text) == NULL)
        fail_msg("%s: want %d with %s, got:\n%s", what, status, text, serving.answer);
}

static uint64_t gauge_of(const char *name)
{
    return metric_value(
        metrics_get(serving.ground.metrics, name, "", METRIC_GAUGE, "tenant=\"acme\""));
}

static void test_the_answer_comes_when_the_shard_has_it(void **state)
{
    (void)state;
    expect_post("?ack=shard", "m f=1 1", 204, "");
    assert_true(north.count > 0);
    expect_post("?ack=shard&on_error=skip", "m f=1 2\nm f=x 3", 200, "{\"accepted\":1,");
    expect_post("?ack=shard", "m f=x 3", 400, "invalid_points");
    expect_post("?ack=shard", "", 204, "");
    assert_int_equal(gauge_of("weir_shard_acks_waiting"), 0);
}

/* The test's archive fails between two calls of it: it is read by one thread. */
static void test_what_is_not_delivered_in_time_is_said_to_be_stored(void **state)
{
    (void)state;
    north.code = E_NOT_READY;
    north.fail_on = true;
    north.fail_at = 1;
    expect_post("?ack=shard&on_error=skip", "m f=1 10\nm f=x 3", 504,
                "\"stored\":true,\"accepted\":1,\"rejected\":1,\"errors\":[{\"line\":2");
    assert_non_null(strstr(serving.answer, "\"code\":\"not_delivered\""));
    assert_non_null(strstr(serving.answer, "the points are on disk here and visible: "));
    expect_post("", "m f=1 11", 204, "");
    assert_int_equal(gauge_of("weir_shard_acks_waiting"), 0);
}

/* At the limit of places, and at that of what may wait, as everybody's check has it. */
static void test_limits(void **state)
{
    struct shard_ack *other = &(struct shard_ack){.waiting = NULL};
    const struct tenant *acme = catalog_tenant(serving.ground.catalog, BYTES("acme"));
    struct metric *places;

    (void)state;
    expect_post("?ack=shard", "m f=x 1", 400, ""); /* one place, and it is given back */
    places = metrics_get(serving.ground.metrics, "weir_shard_acks_waiting", "", METRIC_GAUGE,
                         "tenant=\"acme\"");
    metric_move(places, 1);
    other->waiting = places;
    expect_post("?ack=shard", "m f=1 1", 429, "\"code\":\"too_many_shard_acks\"");
    assert_non_null(strstr(serving.answer, "Retry-After: "));
    expect_post("?ack=wal", "m f=1 1", 204, "");
    shard_ack_end(other);
    shard_ack_end(other); /* once is enough */
    assert_int_equal(metric_value(places), 0);
    expect_post("?ack=shard", "m f=x 1", 400, "invalid_points");
    delivery_stop(delivery); /* nobody looks any more: what stands there stays */
    for (uint64_t bytes = 99999; bytes <= 100001; bytes++) {
        *acme->undelivered = bytes;
        expect_post("", "m f=1 1", bytes <= 100000 ? 204 : 503,
                    bytes <= 100000 ? "" : "outbox_full");
    }
    assert_non_null(strstr(serving.answer, "packs of 100001 bytes wait"));
    assert_non_null(strstr(serving.answer, "Retry-After: "));
    *acme->undelivered = 0;
    expect_post("", "m f=1 1", 204, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_answer_comes_when_the_shard_has_it),
        cmocka_unit_test(test_what_is_not_delivered_in_time_is_said_to_be_stored),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
