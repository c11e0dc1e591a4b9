#include "tests/unit/ingest/ground.h"

#include <semaphore.h>
#include <zlib.h>

struct trial {
    const char *type, *encoding, *key;
    enum time_unit precision;
    bool skip_bad;
    size_t piece_size; /* 0 = all at once */
};

static void wake(void *context)
{
    sem_post(context);
}

static enum code open_trial(struct ground *ground, const struct trial *trial, size_t size,
                            struct intake **intake, struct error *err)
{
    struct intake_request request = {
        .tenant = ground->tenant,
        .limits = &ground->limits,
        .content_type = bytes_of(trial->type == NULL ? "" : trial->type),
        .content_encoding = bytes_of(trial->encoding == NULL ? "" : trial->encoding),
        .content_length = size,
        .precision = trial->precision,
        .skip_bad = trial->skip_bad,
    };

    if (trial->key != NULL)
        request.idempotency_key = bytes_of(trial->key);
    return intake_new(&ground->environment, &request, intake, err);
}

/* A request from its head to its answer; NULL and *err when its head is refused. */
static struct intake *run(struct ground *ground, const struct trial *trial, struct bytes body,
                          struct error *err)
{
    size_t step = trial->piece_size == 0 ? body.size + 1 : trial->piece_size;
    struct intake *intake = NULL;
    sem_t answered;

    if (open_trial(ground, trial, body.size, &intake, err) != OK)
        return NULL;
    for (size_t at = 0; at < body.size; at += step)
        (void)intake_feed(
            intake, bytes_slice(body, at, at + step > body.size ? body.size : at + step), NULL);
    if (intake_prepare(intake))
        return intake;
    sem_init(&answered, 0, 0);
    if (intake_submit(intake, wake, &answered))
        sem_wait(&answered);
    sem_destroy(&answered);
    return intake;
}

static bool holds(struct bytes text, const char *part)
{
    return part[0] == '\0' ||
           (text.data != NULL && memmem(text.data, text.size, part, strlen(part)) != NULL);
}

static void test_each_kind_of_request_has_its_answer(void **state)
{
    static const struct {
        const char *name;
        struct trial trial;
        const char *body;
        enum code code;
        unsigned status;
        const char *text; /* in the answer's body, errors or error text */
        uint64_t rows;    /* stored */
    } cases[] = {
        {"lines",                           {0},                          "m f=1 1\nm f=2 2\n", OK,                     204, "",                                                                                        2},
        {"lines, a byte at a time",         {.piece_size = 1},            "m f=1 1\nm f=2 2",   OK,                     204, "",                                                                                        2},
        {"json",
         {.type = "application/json"},
         "[{\"measurement\":\"m\",\"time\":1,\"fields\":{\"f\":1.5}}]",                         OK,
         204,                                                                                                                "",
         1                                                                                                                                                                                                               },
        {"nothing",                         {0},                          "",                   OK,                     204, "",                                                                                        0},
        {"comments only",                   {0},                          "# a\n\n# b\n",       OK,                     204, "",                                                                                        0},
        {"seconds",                         {.precision = TIME_S},        "m f=1 1\n",          OK,                     204, "",                                                                                        1},
        {"the later line wins",             {0},                          "m f=1 1\nm f=2 1\n", OK,                     204, "",                                                                                        1},
        {"a bad line refuses all",
         {0},
         "m f=1 1\nm f=x 2\nm 3\n",                                                             E_INVALID_POINTS,
         0,                                                                                                                  "\"errors\":[{\"line\":2,\"code\":\"bad_number\"",
         0                                                                                                                                                                                                               },
        {"every bad line is told",
         {0},
         "m f=1 1\nm f=x 2\nm f=y 3\n",                                                         E_INVALID_POINTS,
         0,                                                                                                                  "{\"line\":3,\"code\":\"bad_number\"",
         0                                                                                                                                                                                                               },
        {"skip stores the good ones",
         {.skip_bad = true},
         "m f=1 1\nm f=x 2\nm f=3 3\n",                                                         OK,
         200,                                                                                                                "{\"accepted\":2,\"rejected\":1,\"errors\":[{\"line\":2,\"code\":\"bad_number\"",
         2                                                                                                                                                                                                               },
        {"skip with no bad line",
         {.skip_bad = true},
         "m f=1 1\n",                                                                           OK,
         200,                                                                                                                "{\"accepted\":1,\"rejected\":0,\"errors\":[]}",
         1                                                                                                                                                                                                               },
        {"skip with no good line",
         {.skip_bad = true},
         "m f=x 1\n",                                                                           OK,
         200,                                                                                                                "{\"accepted\":0,\"rejected\":1,",
         0                                                                                                                                                                                                               },
        {"a series that lost its rows",
         {.skip_bad = true},
         "m,t=a f=1 1\nm,t=b f=\"s\" 1\nm,t=c f=2 2\n",                                         OK,
         200,                                                                                                                "{\"accepted\":2,\"rejected\":1,\"errors\":[{\"line\":2,\"code\":\"field_type_conflict\"",
         2                                                                                                                                                                                                               },
        {"a kind that differs refuses all",
         {0},
         "m f=1 1\nm f=\"s\" 2\n",                                                              E_INVALID_POINTS,
         0,                                                                                                                  "field_type_conflict",
         0                                                                                                                                                                                                               },
        {"json that is none",               {.type = "application/json"}, "[{]",                E_SYNTAX,               0,   "",                                                                                        0},
        {"a line of ndjson that is none",
         {.type = "application/jsonl"},
         "[{]\n",                                                                               E_INVALID_POINTS,
         0,                                                                                                                  "bad_syntax",
         0                                                                                                                                                                                                               },
        {"an unknown type",                 {.type = "image/png"},        "x",                  E_UNSUPPORTED_TYPE,     0,   "image/png",                                                                               0},
        {"an unknown encoding",             {.encoding = "br"},           "x",                  E_UNSUPPORTED_ENCODING, 0,   "",                                                                                        0},
        {"gzip that is none",               {.encoding = "gzip"},         "m f=1 1\n",          E_BAD_COMPRESSION,      0,   "",                                                                                        0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct intake_answer *answer;
        struct intake_answer refused = {0};
        struct ground ground;
        struct intake *intake;

        ground_init(&ground);
        ground_open(&ground);
        intake = run(&ground, &cases[i].trial, bytes_of(cases[i].body), &refused.err);
        refused.code = refused.err.code;
        answer = intake == NULL ? &refused : intake_answer(intake);
        if (answer->code != cases[i].code ||
            (answer->code == OK && answer->status != cases[i].status))
            fail_msg("%s: code %s, status %u: %s", cases[i].name, code_row(answer->code)->slug,
                     answer->status, answer->err.text);
        if (!holds(answer->body, cases[i].text) && !holds(answer->errors, cases[i].text) &&
            !holds(bytes_of(answer->err.text), cases[i].text))
            fail_msg("%s: answered %.*s%.*s%s", cases[i].name, BYTES_ARG(answer->body),
                     BYTES_ARG(answer->errors), answer->err.text);
        assert_true(answer->code == OK || answer->err.code == answer->code);
        if (ground_rows(&ground) != cases[i].rows)
            fail_msg("%s: %llu rows are stored", cases[i].name,
                     (unsigned long long)ground_rows(&ground));
        intake_free(intake);
        ground_close(&ground);
        ground_remove(&ground);
    }
}

static void expect(struct ground *ground, const struct trial *trial, const char *body,
                   enum code code, bool repeated, const char *text)
{
    struct error err = {0};
    struct intake *intake = run(ground, trial, bytes_of(body), &err);
    const struct intake_answer *answer;

    if (intake == NULL) {
        if (err.code != code)
            fail_msg("%.40s: %s", body, err.text);
        return;
    }
    answer = intake_answer(intake);
    if (answer->code != code || answer->repeated != repeated)
        fail_msg("%.40s: %s: %s", body, code_row(answer->code)->slug, answer->err.text);
    if (!holds(answer->body, text))
        fail_msg("%.40s: answered %.*s", body, BYTES_ARG(answer->body));
    intake_free(intake);
}

static void test_a_key_makes_a_request_happen_once_also_after_a_restart(void **state)
{
    static const struct trial keyed = {.key = "k1"}, skips = {.key = "k2", .skip_bad = true};
    static const struct trial in_seconds = {.key = "k1", .precision = TIME_S};
    static const char skipped[] = "{\"accepted\":1,\"rejected\":1,\"errors\":[{\"line\":2,";
    struct ground ground;

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    expect(&ground, &keyed, "m f=x 1\n", E_INVALID_POINTS, false, ""); /* leaves the key free */
    expect(&ground, &keyed, "m f=1 1\n", OK, false, "");
    expect(&ground, &skips, "m f=1 2\nm f=x 3\n", OK, false, skipped);
    for (int start = 0; start < 2; start++) {
        expect(&ground, &keyed, "m f=1 1\n", OK, true, "");
        expect(&ground, &keyed, "m f=2 1\n", E_IDEMPOTENCY_MISMATCH, false, "");
        expect(&ground, &in_seconds, "m f=1 1\n", E_IDEMPOTENCY_MISMATCH, false, "");
        expect(&ground, &skips, "m f=1 2\nm f=x 3\n", OK, true, skipped);
        assert_int_equal(ground_rows(&ground), 2);
        ground_close(&ground);
        ground_open(&ground);
    }
    ground_close(&ground);
    ground_remove(&ground);
}

static void test_a_key_under_way_is_told(void **state)
{
    static const struct trial keyed = {.key = "k"};
    struct ground ground;
    struct intake *first = NULL;
    struct error err = {0};

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    assert_int_equal(open_trial(&ground, &keyed, 8, &first, &err), OK);
    assert_int_equal(intake_feed(first, BYTES("m f=1 1\n"), &err), OK);
    assert_false(intake_prepare(first));
    expect(&ground, &keyed, "m f=1 1\n", E_IDEMPOTENCY_IN_FLIGHT, false, "");
    intake_free(first); /* gone without an answer: the key is free */
    expect(&ground, &keyed, "m f=1 1\n", OK, false, "");
    ground_close(&ground);
    ground_remove(&ground);
}

/* A client that reads a refusal may come again before the refused request is gone. */
static void test_a_refused_request_frees_its_key_before_it_is_answered(void **state)
{
    static const struct {
        const char *body;
        bool skip_bad;
    } cases[] = {
        {"m f=x 1\n", false},
        {"m f=x 1\n", true },
        {"",          false},
    };
    struct ground ground;

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trial keyed = {.key = "k", .skip_bad = cases[i].skip_bad};
        struct intake *intake = NULL;
        struct error err = {0};

        assert_int_equal(open_trial(&ground, &keyed, 8, &intake, &err), OK);
        (void)intake_feed(intake, bytes_of(cases[i].body), NULL);
        assert_true(intake_prepare(intake));
        assert_int_equal(idempotency_count(ground.idempotency), 0);
        intake_free(intake);
    }
    ground_close(&ground);
    ground_remove(&ground);
}

/* Nothing is known of the size of a body in chunks: what its record takes is reserved when it is
 * made. */
static void test_the_record_is_in_the_budget_too(void **state)
{
    static const struct trial plain = {0};
    struct ground ground;
    struct buf body = BUF_INIT(1 << 20);
    struct intake *intake = NULL;
    struct error err = {0};
    size_t decoded;

    (void)state;
    for (int i = 0; i < 20000; i++)
        buf_printf(&body, "m f=%d %d\n", i, i);
    ground_init(&ground);
    ground_open(&ground);
    assert_int_equal(open_trial(&ground, &plain, UINT64_MAX, &intake, &err), OK);
    assert_int_equal(intake_feed(intake, buf_bytes(&body), &err), OK);
    decoded = budget_used(&ground.budget);
    assert_false(intake_prepare(intake));
    assert_in_range(budget_used(&ground.budget), decoded + 20000 * 20, SIZE_MAX);
    intake_free(intake);
    buf_release(&body);
    ground_close(&ground);
    ground_remove(&ground);
}

/* The list of errors is too long to be remembered; a repeat still gets the counts, as JSON. */
static void test_a_long_answer_is_repeated_in_short(void **state)
{
    static const struct trial skips = {.key = "k", .skip_bad = true};
    struct ground ground;
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    for (int i = 0; i < 5000; i++)
        buf_put_text(&body, "m f=bad 1\n");
    buf_put_text(&body, "m f=1 1\n");
    buf_put_char(&body, '\0');
    expect(&ground, &skips, body.data, OK, false, "\"line\":5000");
    expect(&ground, &skips, body.data, OK, true,
           "{\"accepted\":1,\"rejected\":5000,\"errors\":[],\"errors_truncated\":true}");
    buf_release(&body);
    ground_close(&ground);
    ground_remove(&ground);
}

static char long_name[64]; /* as much of a name is told */

/* Line 2 is bad, and what is said of it grows with the name of its field. */
static size_t repeat_with_name(struct ground *ground, int name_size)
{
    char key[32], body[4096];
    const struct trial trial = {.key = key, .skip_bad = true};
    struct error err = {0};
    struct intake *first, *again;
    size_t size;
    bool same;

    (void)snprintf(key, sizeof(key), "k%d", name_size);
    size = (size_t)snprintf(body, sizeof(body), "m f=1 1\nm %.*s=x 1\nm %.60s=x 1\n", name_size,
                            long_name, long_name);
    for (int i = 0; i < 23; i++)
        size += (size_t)snprintf(body + size, sizeof(body) - size, "m f=bad 1\n");
    first = run(ground, &trial, bytes_of(body), &err);
    again = run(ground, &trial, bytes_of(body), &err);
    assert_true(intake_answer(again)->repeated);
    size = intake_answer(first)->body.size;
    same = bytes_equal(intake_answer(first)->body, intake_answer(again)->body);
    assert_int_equal(same, size <= 4096);
    assert_int_equal(!same, holds(intake_answer(again)->body, "\"errors_truncated\":true"));
    intake_free(first);
    intake_free(again);
    return size;
}

static void test_an_answer_of_4_KiB_is_repeated_whole(void **state)
{
    struct ground ground;
    bool below = false, at = false, above = false;

    (void)state;
    ground_init(&ground);
    ground_open(&ground);
    memset(long_name, 'n', sizeof(long_name));
    for (int i = 1; i <= (int)sizeof(long_name); i++) {
        size_t size = repeat_with_name(&ground, i);

        below |= size == 4095;
        at |= size == 4096;
        above |= size == 4097;
    }
    assert_true(below && at && above);
    ground_close(&ground);
    ground_remove(&ground);
}

static void test_limits_have_their_codes(void **state)
{
    static const struct trial plain = {0}, skips = {.skip_bad = true};
    struct ground ground;
    struct buf body = BUF_INIT(1 << 20);

    (void)state;
    for (int i = 0; i < 200; i++)
        buf_printf(&body, "m,t=%d f=1 1\n", i);
    buf_put_char(&body, '\0');

    ground_init(&ground);
    ground.limits.record_bytes_max = 2000;
    ground_open(&ground);
    expect(&ground, &plain, body.data, E_RECORD_LARGE, false, "");
    expect(&ground, &plain, "m f=1 1", OK, false, "");
    ground.limits.body_bytes_max = 1000; /* from Content-Length, before a byte is read */
    expect(&ground, &plain, body.data, E_BODY_LARGE, false, "");
    ground.limits.body_bytes_max = 1 << 20;
    ground.limits.points_max = 100;
    expect(&ground, &plain, body.data, E_POINTS_MANY, false, "");
    ground_close(&ground);
    ground_remove(&ground);

    ground_init(&ground);
    ground.limits.series_max = 10;
    ground_open(&ground);
    expect(&ground, &plain, body.data, E_INVALID_POINTS, false, "");
    expect(&ground, &skips, body.data, OK, false, "\"accepted\":10,\"rejected\":190,");
    ground_close(&ground);
    ground_remove(&ground);

    ground_init(&ground);
    ground.limits.head_bytes_max = 1;
    ground_open(&ground);
    expect(&ground, &(struct trial){.key = "k"}, "m f=1 1", E_RECORD_LARGE, false, "");
    assert_int_equal(idempotency_count(ground.idempotency), 0);
    ground_close(&ground);
    ground_remove(&ground);
    buf_release(&body);
}

struct hand_clock {
    struct clock clock;
    int64_t now_ns;
};

static int64_t hand_now(struct clock *clock)
{
    return ((struct hand_clock *)clock)->now_ns;
}

/* Its body is not read, so that it costs the server nothing and leaves no trace in the catalog. */
static void test_who_owes_points_is_refused_at_the_head(void **state)
{
    static const struct trial plain = {0};
    struct hand_clock clock = {
        {hand_now, hand_now, hand_now},
        1000000000
    };
    struct ground ground;
    struct intake *intake = NULL;
    struct error err = {0};
    struct rate *rate;

    (void)state;
    ground_init(&ground);
    ground.limits.points_per_second_max = 3;
    ground_open(&ground);
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    ground.environment.rate = rate;
    expect(&ground, &plain, "m f=1 1\nm f=1 2", OK, false, "");
    expect(&ground, &plain, "m f=1 3", OK, false, "");
    assert_int_equal(open_trial(&ground, &plain, 1 << 20, &intake, &err), E_RATE_LIMIT);
    assert_null(intake);
    assert_int_equal(err.retry_s, 1);
    assert_int_equal(budget_used(&ground.budget), 0);
    expect(&ground, &plain, "new,t=a f=1 4", E_RATE_LIMIT, false, "");
    assert_int_equal(catalog_series_count(ground.catalog, ground.tenant), 1);
    clock.now_ns += 333333333; /* one point's time, almost */
    expect(&ground, &plain, "new,t=a f=1 4", OK, false, "");
    expect(&ground, &plain, "new,t=a f=1 5", E_RATE_LIMIT, false, "");
    assert_int_equal(ground_rows(&ground), 4);
    ground_close(&ground);
    ground_remove(&ground);
    rate_free(rate);
}

/* Whoever owes points, and whose shard lacks too much: what was acknowledged is told again, and
 * nothing else gets in by that. */
static void test_a_repeat_gets_its_answer_whatever_refuses_others(void **state)
{
    static const struct trial plain = {0}, known = {.key = "known"}, fresh = {.key = "fresh"};
    struct hand_clock clock = {
        {hand_now, hand_now, hand_now},
        1000000000
    };
    struct ground ground;
    struct error err = {0};
    struct rate *rate;

    (void)state;
    ground_init(&ground);
    ground.limits.points_per_second_max = 1;
    ground_open(&ground);
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    ground.environment.rate = rate;
    expect(&ground, &known, "m f=1 1\nm f=1 2", OK, false, "");
    for (int full = 0; full < 2; full++) {
        enum code code = full ? E_OUTBOX_FULL : E_RATE_LIMIT;

        expect(&ground, &plain, "m f=1 3", code, false, "");
        expect(&ground, &fresh, "m f=1 3", code, false, "");
        expect(&ground, &known, "m f=1 1\nm f=1 2", OK, true, "");
        expect(&ground, &known, "m f=1 3", E_IDEMPOTENCY_MISMATCH, false, "");
        assert_int_equal(ground_rows(&ground), 2);
        clock.now_ns += INT64_C(60000000000);
        *ground.tenant->undelivered = ground.limits.outbox_bytes_max + 1;
    }
    *ground.tenant->undelivered = 0;
    assert_int_equal(budget_used(&ground.budget), 0);
    ground_close(&ground);
    ground_remove(&ground);
    rate_free(rate);
}

/* Whatever the budget, a request is answered, and all of it comes back. */
static void test_a_budget_that_is_too_small_is_told(void **state)
{
    static const struct trial plain = {.key = "k", .piece_size = 1000};
    struct ground ground;
    struct buf body = BUF_INIT(1 << 20);
    bool stored = false;

    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_printf(&body, "m,t=%d f=1,g=\"a text of some length\" %d\n", i % 500, i);
    ground_init(&ground);
    ground_open(&ground);
    for (size_t bytes_max = 0; !stored; bytes_max += 150000) {
        const struct intake_answer *answer;
        struct error err = {0};
        struct intake *intake;

        ground.budget.bytes_max = bytes_max;
        intake = run(&ground, &plain, buf_bytes(&body), &err);
        if (intake == NULL) {
            assert_int_equal(err.code, E_RECORD_LARGE);
        } else {
            answer = intake_answer(intake);
            stored = answer->code == OK;
            if (!stored && answer->code != E_RECORD_LARGE)
                fail_msg("%zu bytes: %s", bytes_max, answer->err.text);
        }
        assert_int_equal(ground_rows(&ground), stored ? 5000 : 0);
        intake_free(intake);
        assert_int_equal(budget_used(&ground.budget), 0);
        assert_in_range(bytes_max, 0, (size_t)64 << 20);
    }
    buf_release(&body);
    ground_close(&ground);
    ground_remove(&ground);
}

/* A large body is let in when there is room for what it will grow to, or when it is alone. */
static void test_large_bodies_that_would_not_fit_together_are_not_begun_together(void **state)
{
    static const struct {
        const char *name, *encoding;
        uint64_t before, length;
        enum code want;
    } cases[] = {
        {"alone, and larger than all", "",     0,        30 << 20, OK    },
        {"beside a small one",         "",     1,        30 << 20, E_BUSY},
        {"a quarter of what is left",  "",     4 << 20,  15 << 20, OK    },
        {"more than a quarter",        "",     4 << 20,  16 << 20, E_BUSY},
        {"compressed",                 "gzip", 4 << 20,  15 << 20, E_BUSY},
        {"compressed, a sixteenth",    "gzip", 0,        4 << 20,  OK    },
        {"a small one fits always",    "",     64 << 20, 65536,    OK    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct intake *intake = NULL;
        struct ground ground;
        enum code code;

        ground_init(&ground);
        ground_open(&ground);
        assert_true(budget_take(&ground.promises, cases[i].before));
        code = intake_new(&ground.environment,
                          &(struct intake_request){.tenant = ground.tenant,
                                                   .limits = &ground.limits,
                                                   .content_type = BYTES("text/plain"),
                                                   .content_encoding = bytes_of(cases[i].encoding),
                                                   .content_length = cases[i].length},
                          &intake, &err);
        if (code != cases[i].want)
            fail_msg("%s: %s", cases[i].name, err.text);
        intake_free(intake);
        budget_give(&ground.promises, cases[i].before);
        ground_close(&ground);
        ground_remove(&ground);
    }
}

/* While others hold it, the same request can succeed later. */
static void test_a_budget_that_others_hold_is_told_as_load(void **state)
{
    static const struct trial plain = {.key = "k", .piece_size = 1000};
    struct ground ground;
    struct buf body = BUF_INIT(1 << 20);
    size_t held = 0;
    bool stored = false;

    (void)state;
    for (int i = 0; i < 5000; i++)
        buf_printf(&body, "m,t=%d f=1,g=\"a text of some length\" %d\n", i % 500, i);
    ground_init(&ground);
    ground_open(&ground);
    for (size_t left = 0; !stored; left += 150000) {
        struct error err = {0};
        struct intake *intake;

        held = ground.budget.bytes_max - left;
        assert_true(budget_take(&ground.budget, held));
        intake = run(&ground, &plain, buf_bytes(&body), &err);
        if (intake != NULL)
            err = intake_answer(intake)->err;
        stored = err.code == OK;
        if (!stored)
            assert_int_equal(err.code, E_BUSY);
        if (!stored)
            assert_in_range(err.retry_s, 1, DRAIN_SECONDS_MAX);
        intake_free(intake);
        budget_give(&ground.budget, held);
        assert_int_equal(budget_used(&ground.budget), 0);
    }
    buf_release(&body);
    ground_close(&ground);
    ground_remove(&ground);
}

static void test_a_compressed_body_cut_short_stores_nothing(void **state)
{
    static const struct trial gzipped = {.encoding = "gzip"};
    static const char plain[] = "m f=1 1\nm f=2 2\n";
    unsigned char packed[256];
    z_stream stream = {.next_in = (unsigned char *)plain,
                       .avail_in = sizeof(plain) - 1,
                       .next_out = packed,
                       .avail_out = sizeof(packed)};
    struct error err = {0};
    struct ground ground;
    struct intake *intake;

    (void)state;
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    ground_init(&ground);
    ground_open(&ground);
    for (size_t size = 1; size <= stream.total_out; size++) {
        intake = run(&ground, &gzipped, (struct bytes){(char *)packed, size}, &err);
        assert_non_null(intake);
        assert_int_equal(intake_answer(intake)->code,
                         size == stream.total_out ? OK : E_BAD_COMPRESSION);
        intake_free(intake);
        assert_int_equal(ground_rows(&ground), size == stream.total_out ? 2 : 0);
    }
    ground_close(&ground);
    ground_remove(&ground);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_request_has_its_answer),
        cmocka_unit_test(test_a_key_makes_a_request_happen_once_also_after_a_restart),
        cmocka_unit_test(test_a_key_under_way_is_told),
        cmocka_unit_test(test_a_refused_request_frees_its_key_before_it_is_answered),
        cmocka_unit_test(test_the_record_is_in_the_budget_too),
        cmocka_unit_test(test_a_long_answer_is_repeated_in_short),
        cmocka_unit_test(test_an_answer_of_4_KiB_is_repeated_whole),
        cmocka_unit_test(test_limits_have_their_codes),
        cmocka_unit_test(test_who_owes_points_is_refused_at_the_head),
        cmocka_unit_test(test_a_repeat_gets_its_answer_whatever_refuses_others),
        cmocka_unit_test(test_a_budget_that_is_too_small_is_told),
        cmocka_unit_test(test_a_budget_that_others_hold_is_told_as_load),
        cmocka_unit_test(test_large_bodies_that_would_not_fit_together_are_not_begun_together),
        cmocka_unit_test(test_a_compressed_body_cut_short_stores_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
