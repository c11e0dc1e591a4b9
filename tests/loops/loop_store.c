/* A whole store whose allocations fail, in each part of its life: what was acknowledged is there,
 * in the running store and after a restart, once each; what was not is there whole or not at all.
 */
#include "tests/loops/loop.h"

#include "ingest/idempotency.h"
#include "store/packs/pack.h"
#include "store/verify.h"
#include "tests/unit/store/house.h"

enum { SERIES = 3, ROWS = 20, READINGS = 3 };

/* Everything of an open but the store itself. */
static void house_ready(struct house *house)
{
    house_open_index(house);
    assert_int_equal(metrics_new(&house->metrics, NULL), OK);
    assert_int_equal(catalog_new(&house->catalog, NULL), OK);
    house->store = NULL;
}

static enum code house_store(struct house *house, struct note_sink *notes, struct error *err)
{
    struct store_options options = {.clock = &house->clock.clock,
                                    .fs = &house->fs.fs,
                                    .limits = &house->limits,
                                    .index = house->index,
                                    .registry = catalog_registry(house->catalog),
                                    .notes = notes,
                                    .metrics = house->metrics};

    return store_open(&options, &house->store, err);
}

/* What two requests of it were answered: the index has the first, the wal the second. */
static const struct note answers[] = {
    {.key = BYTES("sealed"), .status = 204        },
    { .key = BYTES("in the wal"),         .status = 200, .result = BYTES("{}")},
};

static void house_put_answered(struct house *house, const struct note *note)
{
    struct posting posting;

    posting_init(&posting, house);
    posting.submission.note = note;
    posting_row(&posting, house_series(house, SERIES + 1), 1, 1);
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
}

/* Two packs, one of them a file, a deletion that hides nothing, and a head over two segments. */
static void house_furnish(struct house *house)
{
    struct posting posting;

    house_open(house);
    for (uint32_t s = 0; s < SERIES; s++)
        assert_int_equal(house_put(house, s, 0, ROWS, NULL), OK);
    house_put_answered(house, &answers[0]);
    house_seal(house);
    house_put_noise(house, SERIES, 1);
    house_seal(house);
    posting_init(&posting, house);
    posting.tombstone =
        (struct tombstone){.selector = {.measurement = BYTES("mem")}, .start = 1, .end = 2};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    posting_release(&posting);
    for (uint32_t s = 0; s < SERIES; s++)
        assert_int_equal(house_put(house, s, ROWS, ROWS, NULL), OK);
    house_put_answered(house, &answers[1]);
}

static void house_check(struct house *house)
{
    for (uint32_t s = 0; s < SERIES; s++)
        house_expect(house, s, 0, 2 * ROWS);
}

static enum code loop_first_start(struct error *err)
{
    struct house house;
    enum code code;

    house_init(&house);
    house_ready(&house);
    ARMED(code = house_store(&house, NULL, err));
    assert_true((code == OK) == (house.store != NULL));
    house_close(&house);
    house_open(&house); /* whatever the first start left */
    assert_int_equal(house_put(&house, 1, 0, ROWS, NULL), OK);
    house_expect(&house, 1, 0, ROWS);
    house_close(&house);
    house_remove(&house);
    return code;
}

/* One furnished house for all that only look. */
static struct house furnished;

/* No request that was answered would be stored a second time. */
static void keys_check(struct idempotency *keys)
{
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct note again;

        assert_int_equal(idempotency_begin(keys, furnished.tenant, answers[i].key,
                                           &answers[i].body_hash, &arena, &again, NULL),
                         E_EXISTS);
        assert_int_equal(again.status, answers[i].status);
        assert_true(bytes_equal(again.result, answers[i].result));
    }
    arena_release(&arena);
}

static enum code loop_start(struct error *err)
{
    struct idempotency *keys = NULL;
    enum code code;

    house_ready(&furnished);
    assert_int_equal(idempotency_new(&furnished.limits, clock_system(), &keys, NULL), OK);
    ARMED(code = house_store(&furnished, idempotency_sink(keys), err));
    assert_true((code == OK) == (furnished.store != NULL));
    furnished.tenant = catalog_tenant(furnished.catalog, BYTES("acme"));
    if (code == OK) {
        house_check(&furnished);
        keys_check(keys);
    }
    house_close(&furnished);
    idempotency_free(keys);
    return code;
}

static enum code loop_index(struct error *err)
{
    struct index *index = NULL;
    char path[96];
    enum code code;

    snprintf(path, sizeof(path), "%s/index", furnished.directory);
    ARMED(code = index_lmdb_open(path, (uint64_t)64 << 20, true, &index, err));
    assert_true((code == OK) == (index != NULL));
    index_lmdb_close(index);
    return code;
}

static void take_fault(void *context, const char *fault)
{
    (void)context;
    fail_msg("%s: %s", loop_at, fault);
}

static enum code loop_verify(struct error *err)
{
    struct verify_report report = {0};
    enum code code;

    house_open_index(&furnished);
    ARMED(code = store_verify(furnished.fs.inner, furnished.index, take_fault, NULL, &report, err));
    assert_true(code != OK || (report.packs == 2 && report.faults == 0));
    index_lmdb_close(furnished.index);
    fs_posix_close(furnished.fs.inner);
    return code;
}

static enum code loop_read(struct error *err)
{
    const struct bytes field = BYTES("v");
    struct block_decoder *decoder = NULL;
    struct view *view = NULL;
    struct place *places;
    struct arena arena;
    size_t count = 0, rows_seen = 0;
    const struct series *series = house_series(&furnished, 1);
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    faults_arm();
    code = block_decoder_new(&decoder, err);
    if (code == OK)
        code = store_view(furnished.store, furnished.tenant, VIEW_LATEST, &view, err);
    if (code == OK)
        code = view_places(view, series, INT64_MIN, INT64_MAX, false, &arena, &places, &count, err);
    for (size_t p = 0; code == OK && p < READINGS * count;
         p++) { /* the later ones from the cache */
        struct rows rows;

        code = place_read(view, &places[p % count], series, &field, 1, decoder, &arena, &rows, err);
        rows_seen += code == OK ? rows.count : 0;
    }
    for (size_t p = 0; p < count; p++)
        if (places[p].in_pack) /* it is to be decoded next time, too */
            column_cache_forget(furnished.store->columns, pack_serial(places[p].source));
    view_free(view);
    block_decoder_free(decoder);
    faults_disarm();
    arena_release(&arena);
    assert_true(code != OK || rows_seen == READINGS * 2 * ROWS);
    house_check(&furnished);
    return code;
}

/* What a request leaves in a store whose allocations fail on its way: the answer decides. */
static enum code loop_submit(struct error *err)
{
    struct house house;
    struct posting posting;
    struct read_row rows[4 * ROWS];
    bool did = true;
    size_t count;
    enum code code, failed = OK;

    house_init(&house);
    house_open(&house);
    assert_int_equal(house_put(&house, 1, 0, ROWS, NULL), OK);
    posting_init(&posting, &house);
    for (uint32_t i = 0; i < ROWS; i++)
        posting_row(&posting, house_series(&house, 1 + i % 2), ROWS + i / 2, ROWS + i / 2);
    assert_int_equal(posting_submit(&posting, &house, NULL), OK);
    faults_arm();
    while (did && failed == OK) {
        failed = store_step_commit(house.store, &did, err);
        if (failed == OK)
            failed = store_step_apply(house.store, &did, err);
    }
    faults_disarm();
    if (!posting.done)
        assert_int_equal(store_step_apply(house.store, &did, NULL), OK);
    assert_true(posting.done);
    code = posting.code;
    if (code != OK && err->text[0] == '\0')
        *err = house.store->trouble;
    posting_release(&posting);
    if (code == OK)
        house_expect(&house, 1, 0, ROWS + ROWS / 2);
    house_close(&house);
    house_open(&house);
    count = house_read(&house, 1, VIEW_LATEST, rows, COUNT_OF(rows));
    if (count != ROWS + ROWS / 2 && (code == OK || count != ROWS))
        fail_msg("%s: answered %s, and %zu rows after a restart", loop_at, code_row(code)->slug,
                 count);
    assert_int_equal(house_put(&house, 7, 0, ROWS, NULL), OK);
    house_close(&house);
    house_remove(&house);
    return code;
}

static enum code loop_seal(struct error *err)
{
    struct house house;
    bool did = false;
    enum code code;

    house_init(&house);
    house_open(&house);
    for (uint32_t s = 0; s < SERIES; s++)
        assert_int_equal(house_put(&house, s, 0, 2 * ROWS, NULL), OK);
    house_put_noise(&house, SERIES, 1);
    ARMED(code = store_step_seal(house.store, true, &did, err));
    if (!house.store->failed) {
        house_check(&house);
        if (code != OK && house.store->generation_count > 1)
            house_seal(&house);
        house_check(&house);
        assert_int_equal(house_put(&house, 7, 0, ROWS, NULL), OK);
    }
    house_close(&house);
    house_open(&house);
    house_check(&house);
    assert_int_equal(house_read(&house, SERIES, VIEW_LATEST, (struct read_row[20000]){{0}}, 20000),
                     20000);
    house_close(&house);
    house_remove(&house);
    return code;
}

enum { ERASED_AT = 1 << 20, ERASED_ROWS = 10 };

static void house_erase(struct house *house)
{
    struct posting posting;

    assert_int_equal(house_put(house, SERIES, ERASED_AT, ERASED_ROWS, NULL), OK);
    posting_init(&posting, house);
    posting.tombstone = (struct tombstone){.selector = {.measurement = BYTES("cpu")},
                                           .start = ERASED_AT,
                                           .end = ERASED_AT + ERASED_ROWS,
                                           .erase = true};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    posting_release(&posting);
}

/* The rows that were erased are gone, or a deletion still hides them. */
static void house_check_erased(struct house *house)
{
    struct read_row rows[ERASED_ROWS];
    struct view *view;
    size_t hiding;

    assert_int_equal(store_view(house->store, house->tenant, VIEW_LATEST, &view, NULL), OK);
    (void)view_tombstones(view, &hiding);
    assert_true(hiding == 1 || house_read_view(house, view, SERIES, rows, ERASED_ROWS) == 0);
    view_free(view);
}

/* Packs become fewer, or stay as they are. */
static enum code loop_compact(struct error *err)
{
    struct house house;
    bool did = true;
    enum code code = OK;

    house_init(&house);
    house_open(&house);
    for (int64_t part = 0; part < 4; part++) {
        for (uint32_t s = 0; s < SERIES; s++)
            assert_int_equal(house_put(&house, s, part * ROWS / 2, ROWS / 2, NULL), OK);
        if (part == 0)
            house_erase(&house);
        house_seal(&house);
    }
    faults_arm();
    while (code == OK && did)
        code = store_step_compact(house.store, true, &did, err);
    faults_disarm();
    house_check(&house);
    house_check_erased(&house);
    if (!house.store->failed) {
        (void)house_compact(&house, true);
        house_check(&house);
    }
    house_close(&house);
    house_open(&house);
    house_check(&house);
    house_check_erased(&house);
    house_close(&house);
    house_remove(&house);
    return code;
}

struct waited {
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool done;
    enum code code;
};

static void flushed(void *context, enum code code, const struct error *err)
{
    struct waited *waited = context;

    (void)err;
    pthread_mutex_lock(&waited->lock);
    waited->done = true;
    waited->code = code;
    pthread_cond_signal(&waited->more);
    pthread_mutex_unlock(&waited->lock);
}

static enum code flush(struct house *house)
{
    struct waited waited = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, OK};

    store_flush(house->store, flushed, &waited);
    pthread_mutex_lock(&waited.lock);
    while (!waited.done)
        pthread_cond_wait(&waited.more, &waited.lock);
    pthread_mutex_unlock(&waited.lock);
    return waited.code;
}

/* AddressSanitizer itself takes memory where a thread begins, and stops the program without. */
static bool starts_may_fail(void)
{
    return __sanitizer_set_death_callback == NULL;
}

/* With threads: a start, a request, a flush; all of them can be refused, none may hang. */
static enum code loop_serve(struct error *err)
{
    struct house house;
    struct posting posting;
    bool acknowledged = false;
    size_t count;
    enum code code;

    house_init(&house);
    house_ready(&house);
    assert_int_equal(house_store(&house, NULL, NULL), OK);
    house.tenant = catalog_tenant(house.catalog, BYTES("acme"));
    posting_init(&posting, &house);
    for (uint32_t i = 0; i < ROWS; i++)
        posting_row(&posting, house_series(&house, 1), i, i);
    if (starts_may_fail())
        faults_arm();
    code = store_start(house.store, err);
    if (code == OK) {
        faults_disarm(); /* until all threads have begun */
        assert_int_equal(house_put(&house, 2, 0, 1, NULL), OK);
        (void)flush(&house);
        faults_arm();
        code = posting_submit(&posting, &house, err);
        if (code == OK) {
            code = posting_wait(&posting);
            acknowledged = code == OK;
        }
        if (code != OK && err->text[0] == '\0')
            *err = house.store->trouble;
    }
    if (code == OK) {
        code = flush(&house);
        if (code != OK)
            error_set(err, code, "the flush");
    }
    faults_disarm();
    posting_release(&posting);
    house_close(&house);
    house_open(&house);
    count = house_read(&house, 1, VIEW_LATEST, (struct read_row[ROWS]){{0}}, ROWS);
    if (count != ROWS && (acknowledged || count != 0))
        fail_msg("%s: %s, and %zu rows after a restart", loop_at,
                 acknowledged ? "acknowledged" : "refused", count);
    house_close(&house);
    house_remove(&house);
    return code;
}

static const struct loop looks[] = {
    {"store: index",  loop_index,  {0}},
    {"store: start",  loop_start,  {0}},
    {"store: verify", loop_verify, {0}},
};

static const struct loop lives[] = {
    {"store: first start", loop_first_start, {0}   },
    {"store: submit",      loop_submit,      {E_IO}},
    {"store: seal",        loop_seal,        {E_IO}},
    {"store: compact",     loop_compact,     {E_IO}},
    {"store: serve",       loop_serve,       {E_IO}},
};

static void test_a_furnished_house_is_not_harmed_by_looking(void **state)
{
    static const struct loop read = {"store: read", loop_read, {E_QUERY_MEMORY}};

    (void)state;
    house_init(&furnished);
    house_furnish(&furnished);
    house_check(&furnished);
    loop_run(&read);
    house_close(&furnished);
    for (size_t i = 0; i < COUNT_OF(looks); i++)
        loop_run(&looks[i]);
    house_remove(&furnished);
}

static void test_what_is_acknowledged_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lives); i++)
        loop_run(&lives[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_furnished_house_is_not_harmed_by_looking),
        cmocka_unit_test(test_what_is_acknowledged_is_there),
    };
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
