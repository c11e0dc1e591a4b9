/* Requests on their way in, while allocations fail anywhere between the body and the store's
 * threads: what is answered with 2xx is stored, once; what is refused is not. */
#include "tests/loops/loop.h"

#include <semaphore.h>

#include "ingest/source/source.h"
#include "tests/unit/ingest/ground.h"

enum { LINES = 60 };

struct trial {
    const char *name, *type, *key;
    bool skip_bad;
};

static void wake(void *context)
{
    sem_post(context);
}

static size_t body_make(const struct trial *trial, char *body, size_t room)
{
    size_t size = 0;

    if (trial->type[0] != '\0') {
        size = (size_t)snprintf(body, room, "[");
        for (int i = 0; i < LINES; i++)
            size += (size_t)snprintf(body + size, room - size,
                                     "%s{\"measurement\":\"m%d\",\"tags\":{\"h\":\"%d\"},\"time\":"
                                     "%d,\"fields\":{\"f\":1.5,\"s\":\"x\"}}",
                                     i == 0 ? "" : ",", i % 3, i % 17, i);
        return size + (size_t)snprintf(body + size, room - size, "]");
    }
    for (int i = 0; i < LINES; i++)
        size += (size_t)snprintf(body + size, room - size, "m%d,h=%d f=%d,s=\"x\" %d\n", i % 3,
                                 i % 17, i, i);
    if (trial->skip_bad)
        size += (size_t)snprintf(body + size, room - size, "m f=oops 1\n");
    return size;
}

static const struct trial *trial; /* of the loop at hand */

static enum code answer_of(struct intake *intake, struct error *err)
{
    const struct intake_answer *answer = intake_answer(intake);

    if (answer->code != OK)
        *err = answer->err;
    else
        assert_true(answer->status == (trial->skip_bad ? 200 : 204));
    return answer->code;
}

/* One request, from its head to its answer. */
static enum code request(struct ground *ground, struct bytes body, struct error *err)
{
    struct intake_request head = {
        .tenant = ground->tenant,
        .limits = &ground->limits,
        .content_type = bytes_of(trial->type),
        .content_length = body.size,
        .skip_bad = trial->skip_bad,
    };
    struct intake *intake = NULL;
    sem_t answered;
    enum code code;

    if (trial->key != NULL)
        head.idempotency_key = bytes_of(trial->key);
    sem_init(&answered, 0, 0);
    code = intake_new(&ground->environment, &head, &intake, err);
    if (code == OK) {
        for (size_t at = 0; at < body.size; at += 700)
            (void)intake_feed(
                intake, bytes_slice(body, at, at + 700 < body.size ? at + 700 : body.size), NULL);
        if (!intake_prepare(intake) && intake_submit(intake, wake, &answered))
            sem_wait(&answered);
        code = answer_of(intake, err);
    }
    intake_free(intake);
    sem_destroy(&answered);
    return code;
}

struct waited {
    sem_t more;
    enum code code;
};

static void flushed(void *context, enum code code, const struct error *err)
{
    struct waited *waited = context;

    (void)err;
    waited->code = code;
    sem_post(&waited->more);
}

/* All threads take part in a request, which is somebody else's, and a flush: afterwards they have
 * begun, for which AddressSanitizer needs memory. */
static void ground_warm(struct ground *ground, struct bytes body)
{
    const struct tenant *tenant = ground->tenant;
    struct error err = {0};
    struct waited waited;

    ground->tenant = catalog_tenant(ground->environment.catalog, BYTES("somebody"));
    if (request(ground, body, &err) != OK)
        fail_msg("%s", err.text);
    ground->tenant = tenant;
    sem_init(&waited.more, 0, 0);
    store_flush(ground->store, flushed, &waited);
    sem_wait(&waited.more);
    sem_destroy(&waited.more);
    assert_int_equal(waited.code, OK);
}

static void ground_begin(struct ground *ground)
{
    ground_init(ground);
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);
    ground->limits.wal_bytes_max = 8 << 20;
    ground_open(ground);
}

static enum code loop_intake(struct error *err)
{
    static char room[64 << 10];
    struct bytes body = {room, body_make(trial, room, sizeof(room))};
    struct ground ground;
    uint64_t rows;
    bool failed;
    enum code code;

    ground_begin(&ground);
    ground_warm(&ground, body);
    ARMED(code = request(&ground, body, err));
    rows = ground_rows(&ground);
    failed = store_ready(ground.store, &(struct error){0}) != OK;
    if (!failed && rows != (code == OK ? LINES : 0))
        fail_msg("%s: answered %s, %llu rows", loop_at, code_row(code)->slug,
                 (unsigned long long)rows);
    if (!failed) { /* the same again: with a key it is answered as before, else written again */
        struct error again = {0};

        if (request(&ground, body, &again) != OK)
            fail_msg("%s: again: %s", loop_at, again.text);
        rows = ground_rows(&ground);
        if (trial->key != NULL && rows != LINES)
            fail_msg("%s: the key let %llu rows in", loop_at, (unsigned long long)rows);
    }
    ground_close(&ground);
    ground_open(&ground);
    rows = ground_rows(&ground);
    if (code == OK && rows < LINES)
        fail_msg("%s: acknowledged, and %llu rows after a restart", loop_at,
                 (unsigned long long)rows);
    ground_close(&ground);
    ground_remove(&ground);
    return code;
}

/* Keys come and go within their limit, and none stays in flight for ever. */
static enum code loop_keys(struct error *err)
{
    static const struct hash128 hash = {{7}};
    struct idempotency *idempotency = NULL;
    struct catalog *catalog = NULL;
    const struct tenant *tenant;
    struct note answer;
    struct limits limits;
    struct arena arena;
    enum code code;
    size_t done = 0;
    char keys[60][16];

    limits_init(&limits);
    limits.idempotency_keys_max = 40;
    assert_int_equal(catalog_new(&catalog, NULL), OK);
    tenant = catalog_tenant(catalog, BYTES("acme"));
    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    code = idempotency_new(&limits, clock_system(), &idempotency, err);
    for (int i = 0; code == OK && i < 60; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        code =
            idempotency_begin(idempotency, tenant, bytes_of(keys[i]), &hash, &arena, &answer, err);
        if (code == OK && i % 5 == 0) {
            idempotency_release(idempotency, tenant, bytes_of(keys[i]));
        } else if (code == OK) {
            struct note note = {.key = bytes_of(keys[i]),
                                .body_hash = hash,
                                .ingest = clock_wall_ns(clock_system()),
                                .status = 204,
                                .result = BYTES("{}")};

            code = idempotency_keep(idempotency, tenant, &note, err);
            if (code == OK) {
                idempotency_done(idempotency, tenant, &note);
                done++;
            } else {
                idempotency_release(idempotency, tenant, bytes_of(keys[i]));
            }
        }
    }
    faults_disarm();
    if (idempotency != NULL) {
        assert_true(idempotency_count(idempotency) <= 40);
        assert_true(faults_struck() > 0 || idempotency_count(idempotency) == 40);
        for (int i = 0; i < 60; i++) { /* whatever happened, none is in flight */
            struct error told = {0};
            enum code again = idempotency_begin(idempotency, tenant, bytes_of(keys[i]), &hash,
                                                &arena, &answer, &told);

            if ((size_t)i >= done + 12)
                break;
            if (again != OK && again != E_EXISTS)
                fail_msg("%s: key %d: %s", loop_at, i, told.text);
            if (again == OK)
                idempotency_release(idempotency, tenant, bytes_of(keys[i]));
        }
    }
    arena_release(&arena);
    idempotency_free(idempotency);
    catalog_free(catalog);
    return code;
}

static enum code loop_rate(struct error *err)
{
    struct rate *rate = NULL;
    struct tenant tenants[40];
    enum code code;

    faults_arm();
    code = rate_new(clock_system(), &rate, err);
    for (uint32_t i = 0; code == OK && i < 40; i++) {
        tenants[i] = (struct tenant){.ordinal = i * 3, .name = BYTES("t")};
        code = rate_take(rate, &tenants[i], 1000, 1, err);
    }
    faults_disarm();
    rate_free(rate);
    return code;
}

static const struct trial trials[] = {
    {"ingest: lines",            "",                 NULL, false},
    {"ingest: lines, key",       "",                 "k1", false},
    {"ingest: lines, skip, key", "",                 "k2", true },
    {"ingest: JSON",             "application/json", NULL, false},
};

static void test_an_answer_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(trials); i++) {
        struct loop loop = {
            trials[i].name, loop_intake, {E_IO, E_BUSY}
        };

        trial = &trials[i];
        loop_run(&loop);
    }
}

static void test_keys_and_rates(void **state)
{
    static const struct loop loops[] = {
        {"ingest: keys", loop_keys, {0}},
        {"ingest: rate", loop_rate, {0}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

/* Of all blocks some, and a zone. */
static const char document[] =
    "name: meter\n"
    "schedule: {every: 1d, at: '03:17', tz: Europe/London}\n"
    "request: {url: 'https://a.example/${each.id}', query: {f: '${window.start}', l: [a, 1.5]},\n"
    "          headers: {Accept: text/csv}}\n"
    "auth: {type: basic, user: '${secret:k}', password: ''}\n"
    "foreach: [{id: 1}, {id: 2}]\n"
    "window: {from: 2023-01-01, step: P1M}\n"
    "page: {type: next_url, path: /next}\n"
    "limits: {rates: [60/1m]}\n"
    "outcomes: [{status: [401, 5xx], header: {A: b}, body_has: x, do: fail, message: /m}]\n"
    "decode: json\n"
    "rows: /a/*/b/*\n"
    "where: {k: x}\n"
    "time: {base: ../at, index: n, step: PT1H}\n"
    "measurement: m\n"
    "values: [{path: v, field: '${row.name}', unit_path: u, units: {a: {scale: 2}}}]\n"
    "tags: {t: {path: t}, s: '${each.id}'}\n";

static enum code loop_source(struct error *err)
{
    struct source_faults faults;
    struct source *source = NULL;
    struct bytes json;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    code = source_of_yaml(bytes_of(document), &arena, &json, err);
    if (code == OK)
        code = source_parse(BYTES("meter"), json, &arena, &source, &faults, err);
    faults_disarm();
    assert_true((code == OK) == (source != NULL));
    source_free(source);
    arena_release(&arena);
    return code;
}

/* What lacks memory is told as that, not as faults of the document; those are told where it
 * suffices. */
static enum code loop_refused(struct error *err)
{
    static const struct bytes json = BYTES("{\"schedule\":{\"every\":1},\"x\":[],\"values\":[{}]}");
    struct source_faults faults;
    struct source *source = NULL;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    ARMED(code = source_parse(BYTES("meter"), json, &arena, &source, &faults, err));
    assert_true(code == E_MEMORY || faults.count == 8);
    arena_release(&arena);
    return code == E_BAD_PARAMETER ? OK : code;
}

static void test_sources(void **state)
{
    static const struct loop loops[] = {
        {"ingest: source",           loop_source,  {0}},
        {"ingest: faults of source", loop_refused, {0}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_kept),
        cmocka_unit_test(test_keys_and_rates),
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
