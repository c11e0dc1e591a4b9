#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"
#include "ingest/idempotency.h"

#include <stdio.h>

/* A wall clock that stands where a test puts it. */
static struct {
    struct clock clock;
    int64_t now_ns;
} still;

static int64_t still_ns(struct clock *clock)
{
    (void)clock;
    return still.now_ns;
}

static int64_t frozen_ns(struct clock *clock)
{
    (void)clock;
    return INT64_C(1700000000000000000);
}

static const struct hash128 body_a = {{1}}, body_b = {{2}};

struct keys {
    struct limits limits;
    struct catalog *catalog;
    const struct tenant *tenant, *other;
    struct idempotency *idempotency;
    struct arena arena;
    struct note answer;
    struct error err;
};

static void begin(struct keys *keys, uint64_t keys_max)
{
    *keys = (struct keys){0};
    still.clock = (struct clock){still_ns, still_ns, still_ns};
    still.now_ns = INT64_C(1700000000000000000);
    limits_init(&keys->limits);
    keys->limits.idempotency_keys_max = keys_max;
    assert_int_equal(catalog_new(&keys->catalog, &keys->err), OK);
    keys->tenant = catalog_tenant(keys->catalog, BYTES("a"));
    keys->other = catalog_tenant(keys->catalog, BYTES("b"));
    arena_init(&keys->arena, 1 << 20, NULL);
    assert_int_equal(idempotency_new(&keys->limits, &still.clock, &keys->idempotency, &keys->err),
                     OK);
}

static void end(struct keys *keys)
{
    idempotency_free(keys->idempotency);
    arena_release(&keys->arena);
    catalog_free(keys->catalog);
}

static enum code ask(struct keys *keys, const struct tenant *tenant, const char *key,
                     const struct hash128 *hash)
{
    return idempotency_begin(keys->idempotency, tenant, bytes_of(key), hash, &keys->arena,
                             &keys->answer, &keys->err);
}

static void done(struct keys *keys, const char *key, const char *result)
{
    struct note note = {
        .key = bytes_of(key),
        .body_hash = body_a,
        .ingest = still.now_ns,
        .status = 200,
        .result = bytes_of(result),
    };

    assert_int_equal(idempotency_keep(keys->idempotency, keys->tenant, &note, NULL), OK);
    idempotency_done(keys->idempotency, keys->tenant, &note);
}

static void test_a_repeat_gets_the_first_answer_and_another_body_is_refused(void **state)
{
    struct keys keys;

    (void)state;
    begin(&keys, 10);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_IDEMPOTENCY_IN_FLIGHT);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_b), E_IDEMPOTENCY_MISMATCH);
    done(&keys, "k", "{}");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_EXISTS);
        assert_int_equal(keys.answer.status, 200);
        assert_true(bytes_equal(keys.answer.result, BYTES("{}")));
    }
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_b), E_IDEMPOTENCY_MISMATCH);
    end(&keys);
}

static void test_an_answer_that_was_kept_beforehand_is_the_answer(void **state)
{
    static const struct note note = {.key = BYTES("k"), .status = 200, .result = BYTES("{}")};
    struct keys keys;

    (void)state;
    begin(&keys, 10);
    assert_int_equal(idempotency_keep(keys.idempotency, keys.tenant, &note, NULL), E_MEMORY);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    assert_int_equal(idempotency_keep(keys.idempotency, keys.tenant, &note, NULL), OK);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_IDEMPOTENCY_IN_FLIGHT);
    done(&keys, "k", "{}");
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_EXISTS);
    assert_true(bytes_equal(keys.answer.result, BYTES("{}")));
    end(&keys);
}

static void test_tenants_do_not_share_keys(void **state)
{
    struct keys keys;

    (void)state;
    begin(&keys, 10);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    assert_int_equal(ask(&keys, keys.other, "k", &body_b), OK);
    assert_int_equal(idempotency_count(keys.idempotency), 2);
    end(&keys);
}

static void test_a_released_key_is_free_and_an_answered_one_is_not(void **state)
{
    struct keys keys;

    (void)state;
    begin(&keys, 10);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    idempotency_release(keys.idempotency, keys.tenant, BYTES("k"));
    assert_int_equal(idempotency_count(keys.idempotency), 0);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_b), OK);
    idempotency_release(keys.idempotency, keys.tenant, BYTES("k"));
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    assert_false(idempotency_knows(keys.idempotency, keys.tenant, BYTES("k"))); /* in flight */
    done(&keys, "k", "");
    assert_true(idempotency_knows(keys.idempotency, keys.tenant, BYTES("k")));
    assert_false(idempotency_knows(keys.idempotency, keys.tenant, BYTES("K")));
    assert_false(idempotency_knows(keys.idempotency, keys.other, BYTES("k")));
    idempotency_release(keys.idempotency, keys.tenant, BYTES("k"));
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_EXISTS);
    end(&keys);
}

static void test_the_oldest_go_when_there_are_too_many(void **state)
{
    struct keys keys;
    char key[16];

    (void)state;
    begin(&keys, 3);
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(ask(&keys, keys.tenant, key, &body_a), OK);
        done(&keys, key, "x");
    }
    assert_int_equal(idempotency_count(keys.idempotency), 3);
    assert_int_equal(ask(&keys, keys.tenant, "k4", &body_a), E_EXISTS);
    assert_int_equal(ask(&keys, keys.tenant, "k2", &body_a), E_EXISTS);
    assert_int_equal(ask(&keys, keys.tenant, "k1", &body_a), OK);
    end(&keys);
}

static void test_an_answer_is_forgotten_when_its_time_is_over(void **state)
{
    struct keys keys;
    int64_t keep_ns;

    (void)state;
    begin(&keys, 10);
    keep_ns = (int64_t)keys.limits.idempotency_ms_max * 1000000;
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    done(&keys, "k", "");
    still.now_ns += keep_ns;
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_EXISTS);
    still.now_ns++;
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_b), OK);
    end(&keys);
}

/* The machine's clock jumps by a year, and the store, which refuses writes then, does not follow.
 */
static void test_a_clock_that_jumped_makes_nothing_forgotten(void **state)
{
    struct clock believed = {frozen_ns, frozen_ns, frozen_ns};
    struct keys keys;

    (void)state;
    begin(&keys, 10);
    idempotency_believe(keys.idempotency, &believed);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), OK);
    done(&keys, "k", "");
    still.now_ns += INT64_C(365) * 86400 * 1000000000;
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_EXISTS);
    end(&keys);
}

/* The store tells after a restart what was answered before. */
static void test_what_the_store_remembers_is_known(void **state)
{
    struct keys keys;
    struct note note = {.key = BYTES("k"), .body_hash = body_a, .status = 204};
    struct note_sink *sink;

    (void)state;
    begin(&keys, 10);
    sink = idempotency_sink(keys.idempotency);
    note.ingest = still.now_ns;
    assert_int_equal(sink->note(sink, keys.tenant, &note, NULL), OK);
    assert_int_equal(ask(&keys, keys.tenant, "k", &body_a), E_EXISTS);
    assert_int_equal(keys.answer.status, 204);
    assert_int_equal(keys.answer.result.size, 0);
    note.ingest -= (int64_t)keys.limits.idempotency_ms_max * 1000000 + 1;
    note.key = BYTES("old");
    end(&keys);

    begin(&keys, 10);
    sink = idempotency_sink(keys.idempotency);
    assert_int_equal(sink->note(sink, keys.tenant, &note, NULL), OK);
    assert_int_equal(ask(&keys, keys.tenant, "old", &body_b), OK);
    end(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_repeat_gets_the_first_answer_and_another_body_is_refused),
        cmocka_unit_test(test_an_answer_that_was_kept_beforehand_is_the_answer),
        cmocka_unit_test(test_tenants_do_not_share_keys),
        cmocka_unit_test(test_a_released_key_is_free_and_an_answered_one_is_not),
        cmocka_unit_test(test_the_oldest_go_when_there_are_too_many),
        cmocka_unit_test(test_an_answer_is_forgotten_when_its_time_is_over),
        cmocka_unit_test(test_a_clock_that_jumped_makes_nothing_forgotten),
        cmocka_unit_test(test_what_the_store_remembers_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
