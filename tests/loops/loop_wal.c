/* Every allocation of the wal fails: whatever was acknowledged is there after a restart, whatever
 * was refused is not, and a log that was refused memory goes on when there is some again. */
#include "tests/loops/loop.h"

#include "tests/unit/store/wal/log_sample.h"

enum { RECORDS_MAX = 200, ROTATIONS = 20 };

/* What the log must hold. */
struct life {
    struct memory_fs memory;
    struct fs_operations operations;
    struct wal *wal;
    bool acknowledged[RECORDS_MAX + 1], found[RECORDS_MAX + 1];
    uint64_t number; /* of the last record */
    uint64_t sealed, sealed_number;
};

/* A real file takes memory for its handle. */
static enum code hungry_open(struct fs *fs, const char *path, enum fs_open_how how,
                             struct file **file, struct error *err)
{
    void *handle = (malloc)(64);

    if (handle == NULL)
        return error_set(err, E_MEMORY, "no memory for a file");
    free(handle);
    return memory_open(fs, path, how, file, err);
}

static void life_init(struct life *life)
{
    *life = (struct life){0};
    memory_fs_init(&life->memory);
    life->operations = *life->memory.fs.operations;
    life->operations.open = hungry_open;
    life->memory.fs.operations = &life->operations;
}

static enum code life_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                             struct error *err)
{
    struct life *life = context;

    (void)lsn, (void)err;
    assert_true(payload.size >= 8);
    assert_true(ingest > 0 && ingest <= (int64_t)life->number);
    assert_memory_equal(payload.data, &ingest, 8);
    assert_false(life->found[ingest]);
    life->found[ingest] = true;
    return OK;
}

static enum code life_gap(void *context, uint64_t lsn_last, uint64_t lsn_next, const char *what,
                          struct error *err)
{
    (void)context, (void)lsn_last, (void)lsn_next, (void)err;
    fail_msg("%s: a gap: %s", loop_at, what);
    return OK;
}

static enum code life_open(struct life *life, struct error *err)
{
    struct wal_options options = {&life->memory.fs, log_incarnation, 4 << 20};
    struct wal_replay replay = {life_record, life_gap, life};

    memset(life->found, 0, sizeof(life->found));
    return wal_open(&options, life->sealed, &replay, &life->wal, err);
}

/* A start finds exactly what was acknowledged and is not sealed. */
static void life_check(struct life *life)
{
    wal_close(life->wal);
    assert_int_equal(life->memory.open_count, 0);
    if (life_open(life, NULL) != OK)
        fail_msg("%s: the log does not open any more", loop_at);
    for (uint64_t i = 1; i <= life->number; i++)
        if (life->found[i] != (life->acknowledged[i] && i > life->sealed_number))
            fail_msg("%s: record %llu is %s", loop_at, (unsigned long long)i,
                     life->found[i] ? "there" : "gone");
}

static void life_end(struct life *life)
{
    wal_close(life->wal);
    memory_fs_release(&life->memory);
}

static enum code life_put(struct life *life, size_t count, size_t size, struct error *err)
{
    static char payload[8][2 << 20];
    struct wal_entry entries[8];
    enum code code;

    for (size_t i = 0; i < count; i++) {
        life->number++;
        memcpy(payload[i], &life->number, 8);
        entries[i] = (struct wal_entry){
            {payload[i], size},
            (int64_t)life->number, 0
        };
    }
    code = wal_commit(life->wal, entries, count, err);
    for (size_t i = 0; i < count; i++)
        life->acknowledged[life->number - count + 1 + i] = entries[i].lsn != 0;
    return code;
}

/* Whatever failed, a wal that has memory again takes the next record. */
static void life_goes_on(struct life *life)
{
    struct error err = {0};

    faults_disarm();
    assert_false(wal_failed(life->wal));
    if (life_put(life, 1, 100, &err) != OK)
        fail_msg("%s: the log does not go on: %s", loop_at, err.text);
}

static enum code loop_commit(struct error *err)
{
    static struct life life;
    enum code code;

    life_init(&life);
    assert_int_equal(life_open(&life, NULL), OK);
    faults_arm();
    code = life_put(&life, 3, 500, err);
    for (int i = 0; code == OK && i < ROTATIONS; i++) {
        code = life_put(&life, 2, (size_t)(i % 5 + 1) * 200000, err);
        if (code == OK && i % 3 == 0)
            code = wal_prepare(life.wal, err);
        if (code == OK && i % 2 == 0)
            code = wal_rotate(life.wal, err);
        if (code == OK && i == 12) {
            life.sealed = wal_lsn_last(life.wal);
            life.sealed_number = life.number;
            code = wal_trim(life.wal, life.sealed, err);
        }
    }
    life_goes_on(&life);
    life_check(&life);
    if (code != OK) { /* nothing stays behind that nobody trims */
        assert_int_equal(life_put(&life, 1, 100, NULL), OK);
        assert_int_equal(wal_rotate(life.wal, NULL), OK);
        assert_int_equal(wal_trim(life.wal, wal_lsn_last(life.wal), NULL), OK);
        assert_true(wal_segment_count(life.wal) <= 2); /* what comes next, and a spare */
    }
    life_end(&life);
    return code;
}

/* What is refused memory in the middle of a life leaves no file behind that the log does not know.
 */
static enum code loop_rotate(struct error *err)
{
    static struct life life;
    enum code code = OK;
    uint64_t on_disk;

    life_init(&life);
    assert_int_equal(life_open(&life, NULL), OK);
    faults_arm();
    for (int i = 0; code == OK && i < ROTATIONS; i++) {
        code = life_put(&life, 1, 600000, err);
        if (code == OK)
            code = life_put(&life, 1, 600000, err);
    }
    life_goes_on(&life);
    assert_int_equal(life_put(&life, 1, 100, NULL), OK);
    on_disk = memory_fs_bytes(&life.memory, "wal/");
    if (on_disk != wal_bytes(life.wal))
        fail_msg("%s: %llu bytes on disk, the log knows of %llu", loop_at,
                 (unsigned long long)on_disk, (unsigned long long)wal_bytes(life.wal));
    assert_int_equal(wal_rotate(life.wal, NULL), OK);
    assert_int_equal(wal_trim(life.wal, wal_lsn_last(life.wal), NULL), OK);
    assert_int_equal(memory_fs_bytes(&life.memory, "wal/"), wal_bytes(life.wal));
    assert_true(wal_bytes(life.wal) <= 8 << 20); /* a spare at most */
    life_end(&life);
    return code;
}

/* A start over several segments, with a torn tail. */
static enum code loop_replay(struct error *err)
{
    static struct life life;
    enum code code;

    life_init(&life);
    assert_int_equal(life_open(&life, NULL), OK);
    for (int i = 0; i < ROTATIONS; i++) {
        assert_int_equal(life_put(&life, 2, 1000, NULL), OK);
        if (i % 2 == 0)
            assert_int_equal(wal_rotate(life.wal, NULL), OK);
    }
    wal_close(life.wal);
    ARMED(code = life_open(&life, err));
    assert_true((code == OK) == (life.wal != NULL));
    life_check(&life);
    life_end(&life);
    return code;
}

static enum code examine_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                                struct error *err)
{
    (void)lsn, (void)ingest, (void)payload, (void)err;
    ++*(uint64_t *)context;
    return OK;
}

static enum code loop_examine(struct error *err)
{
    static struct life life;
    struct replay_report report = {0};
    uint64_t told = 0;
    struct wal_replay replay = {examine_record, life_gap, &told};
    enum code code;

    life_init(&life);
    assert_int_equal(life_open(&life, NULL), OK);
    for (int i = 0; i < ROTATIONS; i++) {
        assert_int_equal(life_put(&life, 1, 1000, NULL), OK);
        assert_int_equal(wal_rotate(life.wal, NULL), OK);
    }
    ARMED(code = replay_examine(&life.memory.fs, &log_incarnation, 0, &replay, &report, err));
    assert_true(code != OK || (told == ROTATIONS && report.gaps == 0));
    life_end(&life);
    return code;
}

static const struct loop loops[] = {
    {"wal commit, rotate, trim", loop_commit,  {0}},
    {"wal growth",               loop_rotate,  {0}},
    {"wal replay",               loop_replay,  {0}},
    {"wal examine",              loop_examine, {0}},
};

static void test_no_allocation_that_fails_loses_a_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_allocation_that_fails_loses_a_record),
    };
    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
