#include "base/random.h"

#include "tests/unit/store/wal/log_sample.h"

enum { SEED = 1, MODEL_MAX = 4096, BATCH_MAX = 12, MIB = 1024 * 1024 };

static char room[3 * MIB];

/* What the log must hold: records by number, and what is not known after a failure. */
struct model {
    struct memory_fs memory;
    struct wal *wal;
    struct random random;
    uint64_t segment_bytes_max;
    uint64_t lsns[MODEL_MAX]; /* durable, ascending */
    uint64_t numbers[MODEL_MAX];
    size_t sizes[MODEL_MAX];
    size_t count;
    uint64_t maybe[BATCH_MAX]; /* numbers of a commit whose end nobody knows */
    size_t maybe_sizes[BATCH_MAX], maybe_count;
    uint64_t number; /* the last one given */
    uint64_t sealed, lsn_highest;
    size_t next; /* replay: the record to come */
};

static void payload_make(uint64_t number, size_t size, char *at)
{
    memset(at, (int)(number % 251), size);
    memcpy(at, &number, sizeof(number));
}

static void payload_check(uint64_t number, size_t size, struct bytes payload)
{
    uint64_t got = 0;

    assert_true(payload.size >= sizeof(got));
    memcpy(&got, payload.data, sizeof(got));
    if (got != number || payload.size != size)
        fail_msg("record %llu of %zu bytes instead of %llu of %zu", (unsigned long long)got,
                 payload.size, (unsigned long long)number, size);
    if (size == sizeof(got))
        return;
    /* Each byte is the one before it: memcmp() is quick where these tests are not optimised. */
    if (payload.data[sizeof(got)] != (char)(number % 251) ||
        memcmp(payload.data + sizeof(got), payload.data + sizeof(got) + 1,
               size - sizeof(got) - 1) != 0)
        fail_msg("record %llu is damaged", (unsigned long long)number);
}

static void model_add(struct model *model, uint64_t lsn, uint64_t number, size_t size)
{
    assert_true(model->count < MODEL_MAX);
    if (lsn <= model->lsn_highest)
        fail_msg("LSN %llu was given before", (unsigned long long)lsn);
    model->lsn_highest = lsn;
    model->lsns[model->count] = lsn;
    model->numbers[model->count] = number;
    model->sizes[model->count++] = size;
}

static enum code model_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                              struct error *err)
{
    struct model *model = context;

    (void)err;
    if (model->next == model->count) { /* only of the commit that failed, from its first on */
        assert_true(model->maybe_count > 0);
        payload_check(model->maybe[0], model->maybe_sizes[0], payload);
        model_add(model, lsn, model->maybe[0], model->maybe_sizes[0]);
        model->maybe_count--;
        memmove(model->maybe, model->maybe + 1, model->maybe_count * sizeof(model->maybe[0]));
        memmove(model->maybe_sizes, model->maybe_sizes + 1,
                model->maybe_count * sizeof(model->maybe_sizes[0]));
    }
    assert_int_equal(lsn, model->lsns[model->next]);
    assert_int_equal(ingest, (int64_t)model->numbers[model->next]);
    payload_check(model->numbers[model->next], model->sizes[model->next], payload);
    model->next++;
    return OK;
}

static enum code model_gap(void *context, uint64_t lsn_last, uint64_t lsn_next, const char *what,
                           struct error *err)
{
    (void)context, (void)lsn_last, (void)lsn_next, (void)err;
    fail_msg("a gap: %s", what);
    return OK;
}

static void model_init(struct model *model, uint64_t seed)
{
    *model = (struct model){.segment_bytes_max = 4 * MIB};
    memory_fs_init(&model->memory);
    random_seed(&model->random, seed);
}

static enum code model_open(struct model *model)
{
    struct wal_options options = {&model->memory.fs, log_incarnation, model->segment_bytes_max};
    struct wal_replay replay = {model_record, model_gap, model};

    model->next = 0;
    while (model->next < model->count && model->lsns[model->next] <= model->sealed)
        model->next++;
    return wal_open(&options, model->sealed, &replay, &model->wal, NULL);
}

/* A start finds exactly what is durable and not sealed. */
static void model_start(struct model *model)
{
    assert_int_equal(model_open(model), OK);
    assert_int_equal(model->next, model->count);
    model->maybe_count = 0;
    assert_true(wal_lsn_last(model->wal) >=
                (model->count > 0 ? model->lsns[model->count - 1] : model->sealed));
}

static void model_stop(struct model *model)
{
    wal_close(model->wal);
    model->wal = NULL;
    assert_int_equal(model->memory.open_count, 0);
}

static enum code model_commit(struct model *model, size_t count, size_t size_max)
{
    struct wal_entry entries[BATCH_MAX];
    uint64_t numbers[BATCH_MAX];
    size_t at = 0;
    bool ended = false;
    enum code code;

    assert_true(count <= BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t size = 8 + (size_t)random_below(&model->random, size_max);

        if (at + size > sizeof(room))
            size = 8;
        numbers[i] = ++model->number;
        payload_make(numbers[i], size, room + at);
        entries[i] = (struct wal_entry){
            {room + at, size},
            (int64_t)numbers[i], 77
        };
        at += size;
    }
    code = wal_commit(model->wal, entries, count, NULL);
    model->maybe_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].lsn != 0) {
            assert_false(ended); /* in order: none is durable behind one that is not */
            model_add(model, entries[i].lsn, numbers[i], entries[i].payload.size);
        } else {
            ended = true;
            if (wal_failed(model->wal)) {
                model->maybe[model->maybe_count] = numbers[i];
                model->maybe_sizes[model->maybe_count++] = entries[i].payload.size;
            }
        }
    }
    assert_int_equal(ended, code != OK);
    if (model->count > 0)
        assert_int_equal(wal_lsn_last(model->wal), model->lsns[model->count - 1]);
    return code;
}

static void model_trim(struct model *model, uint64_t sealed)
{
    model->sealed = sealed;
    assert_int_equal(wal_trim(model->wal, sealed, NULL), OK);
}

static size_t files(const struct model *model)
{
    size_t count = 0;

    for (const struct memory_node *node = model->memory.nodes; node != NULL; node = node->next)
        count += strncmp(node->path, "wal/", 4) == 0;
    return count;
}

static void test_records_come_back_in_order_with_consecutive_lsns(void **state)
{
    struct model model;

    (void)state;
    model_init(&model, SEED);
    for (int start = 0; start < 5; start++) {
        model_start(&model);
        for (int i = 0; i < 20; i++)
            assert_int_equal(model_commit(&model, 1 + (size_t)i % BATCH_MAX, 2000), OK);
        assert_false(wal_failed(model.wal));
        model_stop(&model);
    }
    for (size_t i = 0; i < model.count; i++)
        assert_int_equal(model.lsns[i], i + 1);
    memory_fs_release(&model.memory);
}

static void test_a_record_may_be_larger_than_a_segment(void **state)
{
    struct model model;
    struct wal_entry entry = {
        {room, sizeof(room)},
        1, 0
    };

    (void)state;
    model_init(&model, SEED);
    model.segment_bytes_max = MIB;
    model_start(&model);
    assert_int_equal(model_commit(&model, 2, 100), OK);
    payload_make(++model.number, sizeof(room), room);
    entry.ingest = (int64_t)model.number;
    assert_int_equal(wal_commit(model.wal, &entry, 1, NULL), OK);
    model_add(&model, entry.lsn, model.number, sizeof(room));
    assert_int_equal(model_commit(&model, 2, 100), OK);
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

static void test_more_entries_than_one_write_takes(void **state)
{
    enum { COUNT = 1000 };
    static struct wal_entry entries[COUNT];
    struct model model;

    (void)state;
    model_init(&model, SEED);
    model_start(&model);
    for (size_t i = 0; i < COUNT; i++) {
        payload_make(++model.number, 16, room + i * 16);
        entries[i] = (struct wal_entry){
            {room + i * 16, 16},
            (int64_t)model.number, 0
        };
    }
    assert_int_equal(wal_commit(model.wal, entries, COUNT, NULL), OK);
    for (size_t i = 0; i < COUNT; i++)
        model_add(&model, entries[i].lsn, (uint64_t)entries[i].ingest, 16);
    assert_int_equal(wal_commit(model.wal, entries, 0, NULL), OK);
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

/* Torn and stale numbers are gone for good. */
static void test_no_lsn_is_given_twice_after_a_cut(void **state)
{
    struct model model;
    struct memory_node *file;
    uint64_t highest;

    (void)state;
    model_init(&model, SEED);
    model_start(&model);
    assert_int_equal(model_commit(&model, 3, 10), OK);
    assert_int_equal(model_commit(&model, 5, 10), OK);
    highest = model.lsn_highest;
    model_stop(&model);
    file = memory_find(&model.memory, "wal/0000000000000001.wal");
    assert_non_null(file);
    for (size_t at = SEGMENT_HEAD_SIZE, n = 0; n < 5; at += FRAME_ALIGNMENT)
        if (memcmp(file->data + at, "WRF1", 4) == 0 && ++n == 5)
            file->data[at + 8] ^= 1; /* the second record of the last group */
    model.count = 4;
    model_start(&model);
    assert_int_equal(wal_lsn_last(model.wal), 4);
    assert_int_equal(model_commit(&model, 1, 10), OK); /* model_add() looks */
    assert_int_equal(model.lsns[4], highest + 1);
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

static void test_trimming_frees_and_recycles_what_is_sealed(void **state)
{
    struct model model;
    uint64_t most = 0;

    (void)state;
    model_init(&model, SEED);
    model_start(&model);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(model_commit(&model, 4, 100000), OK);
        /* whole pages: what the last one held is not read first */
        assert_true(model.memory.write_end % 4096 == 0 || model.memory.write_rest == 0);
        assert_int_equal(wal_prepare(model.wal, NULL), OK);
        if (i % 20 == 19)
            model_trim(&model, model.lsn_highest);
        assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        assert_int_equal(wal_segment_count(model.wal), files(&model));
        most = wal_bytes(model.wal) > most ? wal_bytes(model.wal) : most;
    }
    assert_true(most < 32 * MIB); /* 40 MiB went through */
    model_trim(&model, model.lsn_highest);
    assert_int_equal(wal_rotate(model.wal, NULL), OK);
    model_trim(&model, model.lsn_highest);
    assert_int_equal(memory_fs_bytes(&model.memory, "wal/"), 0);
    assert_int_equal(wal_bytes(model.wal), 0);
    assert_int_equal(model_commit(&model, 1, 10), OK);
    assert_int_equal(wal_bytes(model.wal), MIB);
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

static void new_file(void *context, const char *path)
{
    (void)context;
    fail_msg("%s is made anew", path);
}

static void test_a_log_that_is_sealed_as_it_goes_writes_over_its_own_segments(void **state)
{
    struct model model;

    (void)state;
    model_init(&model, SEED);
    model_start(&model);
    for (int i = 0; i < 400; i++) {
        if (i == 100) /* the segments have their size */
            model.memory.hook = new_file;
        assert_int_equal(model_commit(&model, 4, 100000), OK);
        assert_int_equal(wal_prepare(model.wal, NULL), OK);
        if (i % 20 == 19)
            model_trim(&model, model.lsn_highest);
        assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        assert_int_equal(wal_segment_count(model.wal), files(&model));
        assert_true(wal_bytes(model.wal) <= 20 * MIB); /* 8 of them spares */
    }
    assert_non_null(model.memory.hook);
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

/* Whatever call fails while trimming, the next trim frees what is left, and no byte is forgotten.
 */
static void test_a_trim_that_failed_is_taken_up_by_the_next(void **state)
{
    bool failed = true;

    (void)state;
    for (uint64_t at = 1; failed; at++) {
        struct model model;

        model_init(&model, SEED);
        model_start(&model);
        while (files(&model) < 4)
            assert_int_equal(model_commit(&model, 4, 100000), OK);
        model.sealed = model.lsn_highest;
        model.memory.calls = 0;
        model.memory.fail_at = at;
        model.memory.fail_kinds = CALL_NAME | CALL_OPEN;
        model.memory.fail_code = E_DISK_FULL;
        failed = wal_trim(model.wal, model.sealed, NULL) != OK;
        model.memory.fail_at = 0;
        assert_false(wal_failed(model.wal));
        model_trim(&model, model.sealed);
        assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        assert_int_equal(wal_segment_count(model.wal), files(&model));
        assert_true(files(&model) <= 3); /* spares of 2 and 4 MiB, and the current one */
        assert_int_equal(model_commit(&model, 4, 100000), OK);
        model_stop(&model);
        model_start(&model);
        model_stop(&model);
        memory_fs_release(&model.memory);
    }
}

static void test_a_segment_with_unsealed_records_stays(void **state)
{
    struct model model;

    (void)state;
    model_init(&model, SEED);
    model.segment_bytes_max = MIB;
    model_start(&model);
    while (files(&model) < 4)
        assert_int_equal(model_commit(&model, 3, 100000), OK);
    for (size_t i = 0; i < model.count; i += 3) {
        model_trim(&model, model.lsns[i]);
        model_stop(&model);
        model_start(&model);
    }
    model_stop(&model);
    memory_fs_release(&model.memory);
}

static void commit_in_between(void *context, const char *path)
{
    struct model *model = context;

    (void)path;
    while (files(model) < 2)
        assert_int_equal(model_commit(model, 3, 300000), OK);
}

/* The sealer takes a number for a spare; before the file is there, the wal thread needs a segment
 * and takes the next number. */
static void test_a_spare_that_comes_late_is_not_replayed_too_early(void **state)
{
    struct model model;

    (void)state;
    model_init(&model, SEED);
    model_start(&model);
    assert_int_equal(model_commit(&model, 1, 10), OK);
    model.memory.hook = commit_in_between;
    model.memory.hook_context = &model;
    assert_int_equal(wal_prepare(model.wal, NULL), OK);
    while (files(&model) < 4)
        assert_int_equal(model_commit(&model, 3, 300000), OK);
    assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

static void test_a_full_disk_heals(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 40; n++) {
        struct model model;
        enum code code = OK;

        model_init(&model, SEED + n);
        model.segment_bytes_max = MIB;
        model_start(&model);
        memory_fs_fail(&model.memory, n, CALL_OPEN | CALL_WRITE, false, E_DISK_FULL);
        for (int i = 0; i < 6; i++) {
            code = model_commit(&model, 5, 120000);
            assert_true(code == OK || code == E_DISK_FULL);
            assert_false(wal_failed(model.wal));
            code = wal_prepare(model.wal, NULL);
            assert_true(code == OK || code == E_DISK_FULL);
            assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        }
        memory_fs_fail(&model.memory, 0, 0, false, OK);
        assert_int_equal(model_commit(&model, 5, 1000), OK);
        model_stop(&model);
        model_start(&model); /* nothing that was refused is there */
        model_stop(&model);
        memory_fs_release(&model.memory);
    }
}

/* Segments double; where the next would not fit any more, a smaller one does. */
static void test_a_disk_with_room_for_a_record_takes_it(void **state)
{
    struct model model;

    (void)state;
    model_init(&model, SEED);
    model.segment_bytes_max = 64 * (uint64_t)MIB;
    model_start(&model);
    while (wal_bytes(model.wal) < 15 * (uint64_t)MIB) /* 1, 2, 4 and 8 MiB: the next has 16 */
        assert_int_equal(model_commit(&model, 1, MIB), OK);
    model.memory.space = memory_fs_bytes(&model.memory, "") + 6 * (uint64_t)MIB;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(model_commit(&model, 2, MIB), OK);
        assert_true(memory_left(&model.memory) >= 3 * (uint64_t)MIB); /* for packs */
        model_trim(&model, model.lsn_highest);
    }
    model_stop(&model);
    model_start(&model);
    model_stop(&model);
    memory_fs_release(&model.memory);
}

/* From the n-th write on there is no room, not even for zeros over what is there: what was refused
 * is cut off, the log lives, and goes on when there is room again. */
static void test_a_disk_that_stays_full_in_the_middle_of_a_write_heals(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 30; n++) {
        struct model model;
        size_t before;

        model_init(&model, SEED + n);
        model.segment_bytes_max = MIB;
        model_start(&model);
        if (n % 2 == 0) /* a spare, too, that cannot be written to */
            assert_int_equal(wal_prepare(model.wal, NULL), OK);
        if (n % 3 != 0) /* else not even the head of the first segment is there */
            assert_int_equal(model_commit(&model, 2, 100), OK);
        before = model.count;
        memory_fs_fail(&model.memory, n, CALL_OPEN | CALL_WRITE, true, E_DISK_FULL);
        for (int i = 0; i < 40; i++) {
            enum code code = model_commit(&model, 5, 120000);

            assert_true(code == E_DISK_FULL || (code == OK && (uint64_t)i < n));
            assert_false(wal_failed(model.wal));
            assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        }
        assert_true(model.count < before + 5 * n);
        memory_fs_fail(&model.memory, 0, 0, false, OK);
        if (n % 4 < 2) {
            assert_int_equal(model_commit(&model, 5, 1000), OK);
            model_trim(&model, model.sealed);
            assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        }
        model_stop(&model);
        model_start(&model); /* nothing that was refused is there */
        assert_int_equal(model_commit(&model, 5, 1000), OK);
        model_trim(&model, model.lsn_highest);
        assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
        model_stop(&model);
        model_start(&model);
        model_stop(&model);
        memory_fs_release(&model.memory);
    }
}

/* A write that fails and whose traces cannot be removed: nobody knows what a start finds. */
static void test_traces_that_cannot_even_be_cut_off_end_the_log(void **state)
{
    struct model model;

    (void)state;
    model_init(&model, SEED);
    model_start(&model);
    assert_int_equal(model_commit(&model, 2, 100), OK);
    memory_fs_fail(&model.memory, 1, CALL_WRITE | CALL_TRUNCATE, true, E_DISK_FULL);
    assert_int_equal(model_commit(&model, 5, 1000), E_DISK_FULL);
    assert_true(wal_failed(model.wal));
    memory_fs_fail(&model.memory, 0, 0, false, OK);
    assert_int_equal(model_commit(&model, 1, 100), E_IO);
    model.maybe_count = 0; /* half a write: the first records may be there, and are not asked for */
    model_stop(&model);
    memory_fs_release(&model.memory);
}

static void test_a_failed_write_or_sync_is_final(void **state)
{
    static const unsigned kinds[] = {CALL_WRITE, CALL_SYNC};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct model model;

        model_init(&model, SEED);
        model_start(&model);
        assert_int_equal(model_commit(&model, 2, 100), OK);
        memory_fs_fail(&model.memory, 1, kinds[i], false, E_IO);
        assert_int_equal(model_commit(&model, 3, 100), E_IO);
        assert_true(wal_failed(model.wal));
        assert_int_equal(model_commit(&model, 1, 100), E_IO); /* though the disk is well again */
        model.maybe_count = 0;
        model_stop(&model);
        if (kinds[i] == CALL_WRITE) { /* it was undone: a start finds none of it */
            model_start(&model);
            model_stop(&model);
        }
        memory_fs_release(&model.memory);
    }
}

/* One failing call at a start: it says so, and the next start finds everything. */
static void test_a_start_survives_any_failing_call(void **state)
{
    enum code code = E_IO;

    (void)state;
    for (uint64_t n = 1; code != OK; n++) {
        struct model model;

        model_init(&model, SEED);
        model.segment_bytes_max = MIB;
        model_start(&model);
        for (int i = 0; i < 3; i++)
            assert_int_equal(model_commit(&model, 4, 200000), OK);
        model_stop(&model);
        memory_fs_fail(&model.memory, n, CALL_ANY, false, E_IO);
        code = model_open(&model);
        assert_true(code == OK || code == E_IO);
        assert_int_equal(code == OK, model.wal != NULL);
        memory_fs_fail(&model.memory, 0, 0, false, OK);
        model_stop(&model);
        model_start(&model);
        assert_int_equal(model_commit(&model, 1, 10), OK);
        model_stop(&model);
        memory_fs_release(&model.memory);
    }
}

/* Everything in any order, with full disks, broken ones and restarts. */
static void test_a_long_life(void **state)
{
    (void)state;
    for (uint64_t seed = SEED; seed < SEED + 12; seed++) {
        struct model model;

        model_init(&model, seed);
        model.segment_bytes_max = seed % 2 == 0 ? MIB : 4 * MIB;
        model_start(&model);
        for (int step = 0; step < 150; step++) {
            enum code code = OK;
            uint64_t kind = random_below(&model.random, 100);

            if (random_chance(&model.random, 8))
                memory_fs_fail(&model.memory, 1 + random_below(&model.random, 6),
                               CALL_OPEN | CALL_WRITE | CALL_SYNC | CALL_TRUNCATE,
                               random_chance(&model.random, 3),
                               random_chance(&model.random, 2) ? E_DISK_FULL : E_IO);
            if (kind < 60)
                code = model_commit(&model, 1 + random_below(&model.random, BATCH_MAX), 40000);
            else if (kind < 75)
                code = wal_prepare(model.wal, NULL);
            else if (kind < 80)
                code = wal_rotate(model.wal, NULL);
            memory_fs_fail(&model.memory, 0, 0, false, OK);
            if (kind >= 80 && kind < 94 && model.count > 0) {
                uint64_t sealed = model.lsns[random_below(&model.random, model.count)];

                model_trim(&model, sealed > model.sealed ? sealed : model.sealed);
            }
            assert_true(code == OK || code == E_DISK_FULL || code == E_IO);
            if (!wal_failed(model.wal))
                assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
            if (kind >= 94 || wal_failed(model.wal)) {
                model_stop(&model);
                model_start(&model);
                assert_int_equal(wal_bytes(model.wal), memory_fs_bytes(&model.memory, "wal/"));
            }
        }
        model_stop(&model);
        memory_fs_release(&model.memory);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back_in_order_with_consecutive_lsns),
        cmocka_unit_test(test_a_record_may_be_larger_than_a_segment),
        cmocka_unit_test(test_more_entries_than_one_write_takes),
        cmocka_unit_test(test_no_lsn_is_given_twice_after_a_cut),
        cmocka_unit_test(test_trimming_frees_and_recycles_what_is_sealed),
        cmocka_unit_test(test_a_log_that_is_sealed_as_it_goes_writes_over_its_own_segments),
        cmocka_unit_test(test_a_trim_that_failed_is_taken_up_by_the_next),
        cmocka_unit_test(test_a_segment_with_unsealed_records_stays),
        cmocka_unit_test(test_a_spare_that_comes_late_is_not_replayed_too_early),
        cmocka_unit_test(test_a_full_disk_heals),
        cmocka_unit_test(test_a_disk_with_room_for_a_record_takes_it),
        cmocka_unit_test(test_a_disk_that_stays_full_in_the_middle_of_a_write_heals),
        cmocka_unit_test(test_traces_that_cannot_even_be_cut_off_end_the_log),
        cmocka_unit_test(test_a_failed_write_or_sync_is_final),
        cmocka_unit_test(test_a_start_survives_any_failing_call),
        cmocka_unit_test(test_a_long_life),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
