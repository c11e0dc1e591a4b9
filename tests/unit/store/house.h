/* A whole store in a directory of its own, with a real catalog and index, behind a disk and a clock
 * that tests can turn.  What is written are series "cpu,host=h<n>" with an i64 field "v". */
#ifndef WEIR_TESTS_UNIT_STORE_HOUSE_H
#define WEIR_TESTS_UNIT_STORE_HOUSE_H

#include <assert.h>
#include <ftw.h>
#include <pthread.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "codec/record.h"
#include "server/compaction.h"
#include "store/index.h"
#include "store/packs/pack.h"
#include "store/state.h"
#include "store/view.h"
#include "tests/unit/base/turned_clock.h"
#include "tests/unit/store/memory_place.h"
#include "tests/unit/store/store_sample.h"

/* The machine's file system, whose n-th changing call fails when told to. */
struct limping_fs {
    struct fs fs;
    struct fs_operations operations;
    struct fs *inner;
    _Atomic uint64_t calls, fail_at; /* 0 = none fails */
    bool fail_on;
    enum code code;
    bool blind; /* nothing can be opened, as without a free descriptor */
};

struct limping_file {
    struct file_base base;
    struct file *inner;
};

static inline struct limping_fs *limping_of(struct file *file)
{
    return (struct limping_fs *)((struct limping_file *)file)->base.fs;
}

static inline enum code limping_step(struct limping_fs *limping, struct error *err)
{
    uint64_t call = ++limping->calls;

    if (limping->fail_at != 0 &&
        (call == limping->fail_at || (limping->fail_on && call > limping->fail_at)))
        return error_set(err, limping->code, "the test's disk says no");
    return OK;
}

static inline enum code limping_open(struct fs *fs, const char *path, enum fs_open_how how,
                                     struct file **file, struct error *err)
{
    struct limping_fs *limping = (struct limping_fs *)fs;
    struct limping_file *made = calloc(1, sizeof(*made));
    enum code code = limping->blind     ? error_set(err, E_IO, "no descriptor")
                     : how == FS_CREATE ? limping_step(limping, err)
                                        : OK;

    assert_non_null(made);
    made->base.fs = fs;
    if (code == OK)
        code = fs_open(limping->inner, path, how, &made->inner, err);
    if (code) {
        free(made);
        return code;
    }
    *file = (struct file *)made;
    return OK;
}

static inline void limping_close(struct file *file)
{
    fs_close(((struct limping_file *)file)->inner);
    free(file);
}

static inline enum code limping_read(struct file *file, uint64_t offset, void *data, size_t size,
                                     size_t *got, struct error *err)
{
    return fs_read(((struct limping_file *)file)->inner, offset, data, size, got, err);
}

static inline enum code limping_write(struct file *file, uint64_t offset, const struct bytes *parts,
                                      size_t count, struct error *err)
{
    enum code code = limping_step(limping_of(file), err);

    return code ? code : fs_write(((struct limping_file *)file)->inner, offset, parts, count, err);
}

static inline enum code limping_sync(struct file *file, struct error *err)
{
    return limping_step(limping_of(file), err); /* a test that outlives the power needs none */
}

static inline enum code limping_truncate(struct file *file, uint64_t size, struct error *err)
{
    enum code code = limping_step(limping_of(file), err);

    return code ? code : fs_truncate(((struct limping_file *)file)->inner, size, err);
}

static inline enum code limping_size(struct file *file, uint64_t *size, struct error *err)
{
    return fs_size(((struct limping_file *)file)->inner, size, err);
}

static inline enum code limping_rename(struct fs *fs, const char *from, const char *to,
                                       struct error *err)
{
    return fs_rename(((struct limping_fs *)fs)->inner, from, to, err);
}

static inline enum code limping_unlink(struct fs *fs, const char *path, struct error *err)
{
    return fs_unlink(((struct limping_fs *)fs)->inner, path, err);
}

static inline enum code limping_make_dir(struct fs *fs, const char *path, struct error *err)
{
    enum code code = limping_step((struct limping_fs *)fs, err);

    return code ? code : fs_make_dir(((struct limping_fs *)fs)->inner, path, err);
}

static inline enum code limping_sync_dir(struct fs *fs, const char *path, struct error *err)
{
    (void)path;
    return limping_step((struct limping_fs *)fs, err);
}

static inline enum code limping_list(struct fs *fs, const char *path,
                                     void (*each)(void *context, const char *name), void *context,
                                     struct error *err)
{
    return fs_list(((struct limping_fs *)fs)->inner, path, each, context, err);
}

static inline enum code limping_space(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    return fs_space(((struct limping_fs *)fs)->inner, bytes_free, err);
}

struct house {
    char directory[64];
    struct limping_fs fs;
    struct turned_clock clock;
    struct index *index;
    struct limits limits; /* can be changed before house_open() */
    struct metrics *metrics;
    struct catalog *catalog;
    struct store *store;
    const struct tenant *tenant;
    uint64_t ballast_bytes;
    struct compaction_rules rules;
    int64_t retention_ns, history_ns;
    bool accept_clock;
    bool joins;       /* a registry */
    struct error err; /* of the last open */
};

static inline void house_ages(void *context, const struct tenant *tenant, int64_t *retention_ns,
                              int64_t *history_ns)
{
    const struct house *house = context;

    (void)tenant;
    *retention_ns = house->retention_ns;
    *history_ns = house->history_ns;
}

static inline void house_init(struct house *house)
{
    *house = (struct house){.retention_ns = INT64_MAX, .history_ns = INT64_MAX};
    memory_place_make(house->directory, sizeof(house->directory));
    turned_clock_init(&house->clock);
    house->fs.operations = (struct fs_operations){
        .open = limping_open,
        .close = limping_close,
        .read = limping_read,
        .write = limping_write,
        .sync = limping_sync,
        .truncate = limping_truncate,
        .size = limping_size,
        .rename = limping_rename,
        .unlink = limping_unlink,
        .make_dir = limping_make_dir,
        .sync_dir = limping_sync_dir,
        .list = limping_list,
        .space = limping_space,
    };
    house->fs.fs.operations = &house->fs.operations;
    limits_init(&house->limits);
    house->limits.wal_bytes_max = 8 << 20; /* segments of 1 MiB */
    log_setup(LOG_ERROR + 1, LOG_LOGFMT);  /* tests break things on purpose */
}

/* What an open needs besides the store, for tests of the index alone. */
static inline void house_open_index(struct house *house)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/index", house->directory);
    assert_int_equal(fs_posix_open(house->directory, &house->fs.inner, NULL), OK);
    assert_int_equal(index_lmdb_open(path, (uint64_t)64 << 20, false, &house->index, NULL), OK);
}

static inline enum code house_try_open(struct house *house)
{
    struct store_options options = {.clock = &house->clock.clock,
                                    .fs = &house->fs.fs,
                                    .limits = &house->limits,
                                    .rules = &house->rules,
                                    .joins = house->joins,
                                    .accept_clock = house->accept_clock,
                                    .ballast_bytes = house->ballast_bytes};

    house->rules = compaction_rules_of(NULL);
    house->rules.context = house;
    house->rules.ages = house_ages;
    house_open_index(house);
    assert_int_equal(metrics_new(&house->metrics, NULL), OK);
    assert_int_equal(catalog_new(&house->catalog, NULL), OK);
    options.index = house->index;
    options.registry = catalog_registry(house->catalog);
    options.metrics = house->metrics;
    house->tenant = catalog_tenant(house->catalog, BYTES("acme"));
    house->err = (struct error){0};
    return store_open(&options, &house->store, &house->err);
}

/* Not started: tests take the steps. */
static inline void house_open(struct house *house)
{
    if (house_try_open(house) != OK)
        fail_msg("%s", house->err.text);
}

static inline void house_start(struct house *house)
{
    house_open(house);
    assert_int_equal(store_start(house->store, NULL), OK);
}

static inline void house_close(struct house *house)
{
    store_close(house->store);
    house->store = NULL;
    catalog_free(house->catalog);
    metrics_free(house->metrics);
    index_lmdb_close(house->index);
    fs_posix_close(house->fs.inner);
}

static inline int house_remove_one(const char *path, const struct stat *stat, int type,
                                   struct FTW *walk)
{
    (void)stat, (void)type, (void)walk;
    return remove(path);
}

static inline void house_remove(struct house *house)
{
    (void)nftw(house->directory, house_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void house_fail(struct house *house, uint64_t n, bool on, enum code code)
{
    house->fs.calls = 0;
    house->fs.fail_at = n;
    house->fs.fail_on = on;
    house->fs.code = code;
}

static inline struct series *house_series_of(struct house *house, const char *measurement,
                                             uint32_t number)
{
    struct arena arena;
    struct series made, *series;

    arena_init(&arena, 1 << 20, NULL);
    sample_series_init(&arena, house->tenant, measurement, number, 0, &made);
    assert_int_equal(
        catalog_series(house->catalog, house->tenant, made.key, 1000000, &series, NULL), OK);
    arena_release(&arena);
    return series;
}

static inline struct series *house_series(struct house *house, uint32_t number)
{
    return house_series_of(house, "cpu", number);
}

/* A request, from its rows to its answer. */
struct posting {
    struct submission submission; /* first */
    struct arena arena;
    struct batch batch;
    struct buf payload;
    struct tombstone tombstone;
    pthread_mutex_t lock;
    pthread_cond_t more;
    bool done;
    enum code code;
};

static inline void posting_done(struct submission *submission, enum code code,
                                const struct error *err)
{
    struct posting *posting = (struct posting *)submission;

    assert((code == OK) == (err == NULL));
    pthread_mutex_lock(&posting->lock);
    posting->done = true;
    posting->code = code;
    pthread_cond_signal(&posting->more);
    pthread_mutex_unlock(&posting->lock);
}

static inline void posting_init(struct posting *posting, struct house *house)
{
    *posting = (struct posting){.payload = BUF_INIT(64 << 20)};
    arena_init(&posting->arena, SIZE_MAX, NULL);
    batch_init(&posting->batch, &posting->arena, 10);
    pthread_mutex_init(&posting->lock, NULL);
    pthread_cond_init(&posting->more, NULL);
    posting->submission = (struct submission){.tenant = house->tenant, .done = posting_done};
}

static inline void posting_release(struct posting *posting)
{
    batch_release(&posting->batch);
    buf_release(&posting->payload);
    arena_release(&posting->arena);
    pthread_mutex_destroy(&posting->lock);
    pthread_cond_destroy(&posting->more);
}

static inline void posting_row(struct posting *posting, struct series *series, int64_t time,
                               int64_t value)
{
    struct sample_cell cell = {BYTES("v"), TYPE_I64, {.i64 = value}};

    sample_row(&posting->batch, series, time, INT64_MIN, &cell, 1);
}

static inline enum code posting_submit(struct posting *posting, struct house *house,
                                       struct error *err)
{
    static const struct note none = {0};
    const struct note *note = posting->submission.note;

    if (note == NULL)
        note = &none;
    posting->done = false;
    buf_clear(&posting->payload);
    if (posting->tombstone.selector.measurement.size > 0) {
        record_encode_delete(house->tenant->name, note, &posting->tombstone, &posting->payload);
        posting->submission.tombstone = &posting->tombstone;
    } else {
        record_encode_rows(house->tenant->name, note, &posting->batch, &posting->payload);
        posting->submission.batch = &posting->batch;
    }
    posting->submission.payload = buf_bytes(&posting->payload);
    return store_submit(house->store, &posting->submission, err);
}

static inline enum code posting_wait(struct posting *posting)
{
    pthread_mutex_lock(&posting->lock);
    while (!posting->done)
        pthread_cond_wait(&posting->more, &posting->lock);
    pthread_mutex_unlock(&posting->lock);
    return posting->code;
}

/* Commits and applies what was submitted, in a store that is not started. */
static inline void house_steps(struct house *house)
{
    bool did = true;

    while (did) {
        (void)!store_step_commit(house->store, &did, NULL);
        if (store_step_apply(house->store, &did, NULL) != OK)
            break;
    }
}

/* `count` rows of the series from `time` on, value = time; the answer. */
static inline enum code house_put(struct house *house, uint32_t series, int64_t time,
                                  uint32_t count, int64_t *ingest)
{
    struct series *found = house_series(house, series);
    struct posting posting;
    struct error err = {0};
    enum code code;

    posting_init(&posting, house);
    for (uint32_t i = 0; i < count; i++)
        posting_row(&posting, found, time + i, time + i);
    code = posting_submit(&posting, house, &err);
    if (code == OK) {
        if (house->store->wal_thread == NULL)
            house_steps(house);
        code = posting_wait(&posting);
    }
    if (ingest != NULL)
        *ingest = posting.submission.ingest;
    posting_release(&posting);
    return code;
}

static inline void house_post(struct house *house, struct posting *posting)
{
    assert_int_equal(posting_submit(posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(posting), OK);
    posting_release(posting);
}

/* A row that tells what a source has done. */
static inline void house_note(struct house *house, int64_t time)
{
    struct posting posting;

    posting_init(&posting, house);
    posting_row(&posting, house_series_of(house, "\x01grid", 1), time, time);
    house_post(house, &posting);
}

/* `count` rows from time 0 on that no packing makes small. */
static inline void house_put_noise_rows(struct house *house, uint32_t series, uint64_t seed,
                                        uint32_t count)
{
    struct sample_cell cell = {BYTES("v"), TYPE_I64, {0}};
    struct sample_place place;
    struct posting posting;
    struct random random;

    random_seed(&random, seed);
    posting_init(&posting, house);
    place = sample_place(&posting.batch, house_series(house, series), &cell, 1);
    for (uint32_t i = 0; i < count; i++) {
        cell.cell.u64 = random_next(&random);
        sample_place_row(&posting.batch, place, i, INT64_MIN, &cell, 1);
    }
    house_post(house, &posting);
}

/* A pack of them has a file of its own: 160 KB in three blocks. */
static inline void house_put_noise(struct house *house, uint32_t series, uint64_t seed)
{
    house_put_noise_rows(house, series, seed, 20000);
}

static inline void house_seal(struct house *house)
{
    struct error err = {0};
    bool did = true;
    size_t steps = 0;

    while (did) {
        if (store_step_seal(house->store, true, &did, &err) != OK)
            fail_msg("%s", err.text);
        steps += did;
    }
    assert_true(steps > 0);
}

struct read_row {
    int64_t time, ingest, value;
};

static inline int read_order(const void *a, const void *b)
{
    const struct read_row *left = a, *right = b;

    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    return left->ingest < right->ingest ? -1 : left->ingest > right->ingest;
}

/* Rows of the series up to S from all places, by (time, ingest). */
static inline size_t house_read_view(struct house *house, const struct view *view, uint32_t series,
                                     struct read_row *rows, size_t rows_max)
{
    const struct bytes field = BYTES("v");
    const struct series *found = house_series(house, series);
    struct block_decoder *decoder;
    struct place *places;
    struct arena arena;
    size_t count = 0, place_count;

    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    assert_int_equal(
        view_places(view, found, INT64_MIN, INT64_MAX, true, &arena, &places, &place_count, NULL),
        OK);
    for (size_t p = 0; p < place_count; p++) {
        struct rows got;
        struct error err = {0};

        assert_true(p == 0 || places[p - 1].time_first <= places[p].time_first);
        if (place_read(view, &places[p], found, &field, 1, decoder, &arena, &got, &err) != OK)
            fail_msg("%s", err.text);
        assert_true(got.count <= places[p].row_count);
        for (uint32_t r = 0; r < got.count; r++) {
            assert_true(got.time[r] >= places[p].time_first && got.time[r] <= places[p].time_last);
            assert_true(r == 0 || got.time[r - 1] <= got.time[r]);
            if (got.ingest[r] > view_as_of(view))
                continue;
            assert_true(count < rows_max);
            rows[count++] =
                (struct read_row){got.time[r], got.ingest[r], got.columns[0].cells[r].i64};
        }
    }
    if (count > 1)
        qsort(rows, count, sizeof(*rows), read_order);
    block_decoder_free(decoder);
    arena_release(&arena);
    return count;
}

static inline size_t house_read(struct house *house, uint32_t series, int64_t as_of,
                                struct read_row *rows, size_t rows_max)
{
    struct view *view;
    size_t count;

    assert_int_equal(store_view(house->store, house->tenant, as_of, &view, NULL), OK);
    count = house_read_view(house, view, series, rows, rows_max);
    view_free(view);
    return count;
}

/* Fails unless the series has exactly the rows first .. first + count - 1, once each. */
static inline void house_expect(struct house *house, uint32_t series, int64_t first, uint32_t count)
{
    static struct read_row rows[100000];
    size_t got = house_read(house, series, VIEW_LATEST, rows, COUNT_OF(rows));

    if (got != count)
        fail_msg("series %u: %zu rows instead of %u", series, got, count);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].time != first + i || rows[i].value != first + i)
            fail_msg("series %u, row %u: time %lld, value %lld", series, i, (long long)rows[i].time,
                     (long long)rows[i].value);
}

/* Compacts as far as it goes; returns how often. */
static inline unsigned house_compact(struct house *house, bool force)
{
    struct error err = {0};
    unsigned count = 0;
    bool did = true;

    while (did) {
        if (store_step_compact(house->store, force, &did, &err) != OK)
            fail_msg("%s", err.text);
        count += did;
        assert_true(count < 1000);
    }
    return count;
}

/* Packs of the tenant, and how many of them are of the kind. */
static inline size_t house_packs(const struct house *house, enum pack_kind kind, size_t *all)
{
    const struct pack_list *list = house->store->holdings[house->tenant->ordinal]->packs;
    size_t count = 0;

    for (size_t i = 0; list != NULL && i < list->count; i++)
        count += pack_kind(list->packs[i]) == kind;
    if (all != NULL)
        *all = list == NULL ? 0 : list->count;
    return count;
}

static inline uint64_t house_metric(struct house *house, const char *name, enum metric_kind kind,
                                    const char *labels)
{
    store_measure(house->store);
    return metric_value(metrics_get(house->metrics, name, "", kind, labels));
}

/* Whether the data directory has the file; its path. */
static inline bool house_path(const struct house *house, const char *name, char path[160])
{
    snprintf(path, 160, "%s/%s", house->directory, name);
    return access(path, F_OK) == 0;
}

/* Turns one bit of a file. */
static inline void house_damage(const struct house *house, const char *name, long offset)
{
    char path[160];
    FILE *file;
    int byte;

    assert_true(house_path(house, name, path));
    file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    byte = fgetc(file);
    assert_true(byte >= 0);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    fputc(byte ^ 1, file);
    fclose(file);
}

#endif
