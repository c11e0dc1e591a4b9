#include "tests/unit/golden.h"
#include "tests/unit/store/wal/log_sample.h"

#include "base/random.h"

enum { SEED = 1 };

/* Groups of 1, 2 and 3 records over two segments; the last three records are groups of their own.
 * 15 records. */
static void make_log(struct log_sample *log)
{
    log_init(log);
    log_segment(log, 1);
    log_group(log, 1);
    log_group(log, 2);
    log_group(log, 3);
    log_segment(log, 2);
    log_group(log, 3);
    log_group(log, 2);
    log_group(log, 1);
    log_group(log, 1);
    log_group(log, 1);
    log_group(log, 1);
}

static void make_copy(struct log_sample *to, const struct log_sample *from)
{
    *to = *from;
    memory_fs_init(&to->memory);
    for (const struct memory_node *node = from->memory.nodes; node != NULL; node = node->next) {
        struct memory_node *copy = memory_make(&to->memory, node->path);

        memory_resize(copy, node->size);
        memcpy(copy->data, node->data, node->size);
    }
    to->file = memory_find(&to->memory, from->file->path);
}

static const struct log_frame *frame_of(const struct log_sample *log, uint64_t lsn)
{
    return &log->frames[lsn - 1];
}

static struct memory_node *file_of(struct log_sample *log, uint64_t lsn)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(frame_of(log, lsn)->segment, name);
    return memory_find(&log->memory, name);
}

/* Flips a bit in the middle of the record. */
static void damage(struct log_sample *log, uint64_t lsn)
{
    const struct log_frame *frame = frame_of(log, lsn);

    file_of(log, lsn)->data[frame->offset + 30] ^= 16;
}

static void test_a_whole_log_comes_back(void **state)
{
    struct log_sample log;
    struct log_told told = {0};

    (void)state;
    make_log(&log);
    for (uint64_t sealed = 0; sealed <= 15; sealed++) {
        assert_int_equal(log_replay(&log, sealed, &told), OK);
        log_expect(&told, sealed + 1, 15, "whole");
        assert_int_equal(told.result.lsn_last, 15);
        assert_int_equal(told.result.lsn_seen, 15);
        assert_int_equal(told.result.records_cut, 0);
    }
    assert_int_equal(log_replay(&log, 99, &told), OK); /* all of it is in packs */
    assert_int_equal(told.count, 0);
    assert_int_equal(told.result.lsn_last, 99);
    memory_fs_release(&log.memory);
}

/* Of the last three records, each of which was acknowledged alone, those that are whole come. */
static void test_a_tail_cut_at_any_byte_costs_what_is_behind_it(void **state)
{
    struct log_sample log;
    struct log_told told = {0};

    (void)state;
    make_log(&log);
    for (size_t size = frame_of(&log, 13)->offset; size <= frame_of(&log, 15)->end; size++) {
        struct log_sample copy;
        uint64_t last = 12;
        char name[32];

        make_copy(&copy, &log);
        memory_resize(copy.file, size);
        while (last < 15 && frame_of(&log, last + 1)->end <= size)
            last++;
        snprintf(name, sizeof(name), "cut at %zu", size);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(log_replay(&copy, 0, &told), OK);
            log_expect(&told, 1, last, name);
            assert_int_equal(told.result.lsn_last, last);
        }
        memory_fs_release(&copy.memory);
    }
    memory_fs_release(&log.memory);
}

/* The same when the last three were one group: then its beginning comes. */
static void test_a_cut_group_keeps_its_beginning(void **state)
{
    struct log_sample log;
    struct log_told told = {0};

    (void)state;
    log_init(&log);
    log_segment(&log, 1);
    log_group(&log, 2);
    log_group(&log, 3);
    for (size_t size = frame_of(&log, 3)->offset; size <= frame_of(&log, 5)->end; size++) {
        struct log_sample copy;
        uint64_t last = 2;

        make_copy(&copy, &log);
        memory_resize(copy.file, size);
        while (last < 5 && frame_of(&log, last + 1)->end <= size)
            last++;
        assert_int_equal(log_replay(&copy, 0, &told), OK);
        log_expect(&told, 1, last, "cut");
        memory_fs_release(&copy.memory);
    }
    memory_fs_release(&log.memory);
}

static void tail_zeros(struct log_sample *log, struct random *random)
{
    (void)random;
    memory_resize(log->file, log->file->size + 5000);
}

static void tail_garbage(struct log_sample *log, struct random *random)
{
    size_t size = log->file->size;

    memory_resize(log->file, size + 5000);
    for (size_t i = size; i < log->file->size; i++)
        log->file->data[i] = (char)random_next(random);
}

/* What the file held when it had another id: frames that are good but for that. */
static void tail_stale(struct log_sample *log, struct random *random)
{
    struct log_sample old;
    size_t end = log->file->size;

    (void)random;
    log_init(&old);
    log_segment(&old, 0x99);
    for (int i = 0; i < 40; i++)
        log_group(&old, 3);
    memory_resize(log->file, old.file->size + 100 > end ? old.file->size + 100 : end);
    memcpy(log->file->data + end, old.file->data + end, old.file->size - end);
    memory_fs_release(&old.memory);
}

static void tail_magic(struct log_sample *log, struct random *random)
{
    size_t size = log->file->size;

    (void)random;
    memory_resize(log->file, size + 4096);
    for (size_t i = size; i + 4 <= log->file->size; i += 4)
        memcpy(log->file->data + i, "WRF1", 4);
}

static void test_what_stands_behind_the_last_record_does_not_matter(void **state)
{
    static const struct {
        const char *name;
        void (*put)(struct log_sample *log, struct random *random);
    } cases[] = {
        {"zeros",               tail_zeros  },
        {"garbage",             tail_garbage},
        {"stale frames",        tail_stale  },
        {"magic without frame", tail_magic  },
    };
    struct random random;

    (void)state;
    random_seed(&random, SEED);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct log_sample log;
        struct log_told told = {0};

        make_log(&log);
        cases[i].put(&log, &random);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(log_replay(&log, 0, &told), OK);
            log_expect(&told, 1, 15, cases[i].name);
            assert_int_equal(told.result.records_cut, 0);
        }
        memory_fs_release(&log.memory);
    }
}

static void test_an_empty_file_is_no_segment(void **state)
{
    static const uint64_t ids[] = {3, 0x7f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct log_sample log;
        struct log_told told = {0};
        char name[SEGMENT_NAME_SIZE];

        make_log(&log);
        segment_name(ids[i], name);
        memory_make(&log.memory, name);
        memory_make(&log.memory, "wal/notes.txt");
        assert_int_equal(log_replay(&log, 0, &told), OK);
        log_expect(&told, 1, 15, name);
        memory_fs_release(&log.memory);
    }
}

/* A record of the last group is missing: what follows it in the group was never acknowledged. */
static void test_a_hole_in_the_last_group_is_cut(void **state)
{
    (void)state;
    for (uint64_t hole = 4; hole <= 8; hole++) {
        struct log_sample log;
        struct log_told told = {0};

        log_init(&log);
        log_segment(&log, 1);
        log_group(&log, 3);
        log_group(&log, 5);
        damage(&log, hole);
        assert_int_equal(log_replay(&log, 0, &told), OK);
        log_expect(&told, 1, hole - 1, "first start");
        assert_int_equal(told.result.records_cut, 8 - hole);
        assert_int_equal(told.result.lsn_seen, hole == 8 ? 7 : 8);
        assert_null(memory_find(&log.memory, "quarantine"));
        for (uint64_t lsn = hole + 1; lsn <= 8; lsn++)
            for (size_t i = 0; i < FRAME_HEADER_SIZE; i++)
                if (log.file->data[frame_of(&log, lsn)->offset + i] != 0)
                    fail_msg("record %llu still stands", (unsigned long long)lsn);
        assert_int_equal(log.file->unsynced, 0);
        /* Also when the hole would heal. */
        log.file->data[frame_of(&log, hole)->offset + 30] ^= 16;
        assert_int_equal(log_replay(&log, 0, &told), OK);
        log_expect(&told, 1, hole, "second start");
        memory_fs_release(&log.memory);
    }
}

static bool quarantined(struct log_sample *log, const char *path, struct bytes want)
{
    const struct memory_node *node = memory_find(&log->memory, path);

    return node != NULL && node->unsynced == 0 && node->size <= want.size &&
           memcmp(node->data, want.data, node->size) == 0 && node->size + 8 > want.size;
}

/* A record that a later group calls durable is missing: told, kept, and the rest delivered. */
static void test_a_hole_before_a_durable_group_is_a_gap(void **state)
{
    (void)state;
    for (uint64_t hole = 1; hole <= 14; hole++) {
        struct log_sample log;
        struct log_told told = {0};
        const struct log_frame *frame;
        struct bytes want;
        char path[96];

        make_log(&log);
        frame = frame_of(&log, hole);
        damage(&log, hole);
        want = bytes_slice((struct bytes){file_of(&log, hole)->data, file_of(&log, hole)->size},
                           frame->offset, frame->end);
        snprintf(path, sizeof(path), "quarantine/%016llx-%zu.bin",
                 (unsigned long long)frame->segment, frame->offset);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(log_replay(&log, 0, &told), OK);
            if (told.count != 14 || told.gap_count != 1 || told.gaps[0].last != hole - 1 ||
                told.gaps[0].next != hole + 1)
                fail_msg("%llu: %zu records, %zu gaps", (unsigned long long)hole, told.count,
                         told.gap_count);
            for (size_t i = 0; i < told.count; i++)
                assert_int_equal(told.lsns[i], i + 1 < hole ? i + 1 : i + 2);
            if (!quarantined(&log, path, want))
                fail_msg("%llu: %s is not what was damaged", (unsigned long long)hole, path);
            assert_non_null(strstr(told.gaps[0].what, "wal segment 000000000000000"));
            assert_int_equal(told.result.lsn_last, 15);
        }
        assert_int_equal(log_replay(&log, hole, &told), OK); /* in packs: not missed */
        log_expect(&told, hole + 1, 15, "sealed");
        memory_fs_release(&log.memory);
    }
}

static void test_damage_over_two_segments_is_kept_from_both(void **state)
{
    struct log_sample log;
    struct log_told told = {0};
    const struct log_frame *first, *second;

    (void)state;
    make_log(&log);
    first = frame_of(&log, 6);
    second = frame_of(&log, 7);
    damage(&log, 6);
    damage(&log, 7);
    assert_int_equal(log_replay(&log, 0, &told), OK);
    assert_int_equal(told.count, 13);
    assert_int_equal(told.gap_count, 1);
    assert_int_equal(told.gaps[0].last, 5);
    assert_int_equal(told.gaps[0].next, 8);
    for (uint64_t lsn = 6; lsn <= 7; lsn++) {
        const struct log_frame *frame = lsn == 6 ? first : second;
        char path[96];

        snprintf(path, sizeof(path), "quarantine/%016llx-%zu.bin",
                 (unsigned long long)frame->segment, frame->offset);
        if (!quarantined(&log, path,
                         bytes_slice((struct bytes){file_of(&log, lsn)->data, frame->end},
                                     frame->offset, frame->end)))
            fail_msg("%s", path);
    }
    memory_fs_release(&log.memory);
}

static void test_a_missing_segment_is_a_gap(void **state)
{
    struct log_sample log;
    struct log_told told = {0};
    char name[SEGMENT_NAME_SIZE];

    (void)state;
    make_log(&log);
    log_segment(&log, 3);
    log_group(&log, 2);
    log_group(&log, 2);
    segment_name(2, name);
    assert_int_equal(fs_unlink(&log.memory.fs, name, NULL), OK);
    assert_int_equal(log_replay(&log, 0, &told), OK);
    assert_int_equal(told.count, 6 + 4);
    assert_int_equal(told.gap_count, 1);
    assert_int_equal(told.gaps[0].last, 6);
    assert_int_equal(told.gaps[0].next, 16);
    assert_int_equal(log_replay(&log, 15, &told), OK);
    log_expect(&told, 16, 19, "its records are in packs");
    memory_fs_release(&log.memory);
}

/* LSNs that a cut used up are behind the base of the next group. */
static void test_burnt_numbers_are_no_gap(void **state)
{
    struct log_sample log;
    struct log_told told = {0};

    (void)state;
    log_init(&log);
    log_segment(&log, 1);
    log_group(&log, 3);
    log.lsn_next = 9; /* 4 .. 8 were cut */
    log_group(&log, 2);
    log_group(&log, 1);
    assert_int_equal(log_replay(&log, 0, &told), OK);
    assert_int_equal(told.gap_count, 0);
    assert_int_equal(told.count, 6);
    assert_int_equal(told.lsns[3], 9);
    memory_fs_release(&log.memory);
}

/* Whatever bit of the log turns over: what comes was written (log_take_record() compares), in
 * order, and what does not come is told unless it was the last group. */
static void test_no_flipped_bit_gives_a_wrong_record(void **state)
{
    struct log_sample log;
    size_t bits;

    (void)state;
    log_init(&log);
    log_segment(&log, 1);
    log_group(&log, 2);
    log_group(&log, 3);
    log_group(&log, 1);
    log_group(&log, 2);
    bits = log.file->size * 8;
    for (size_t bit = 0; bit < bits; bit++) {
        struct log_sample copy;
        struct log_told told = {0};
        uint64_t hit = 0;

        make_copy(&copy, &log);
        copy.file->data[bit / 8] ^= (char)(1 << bit % 8);
        for (size_t i = 0; i < log.count; i++)
            if (bit / 8 >= log.frames[i].offset && bit / 8 < log.frames[i].end)
                hit = log.frames[i].lsn;
        assert_int_equal(log_replay(&copy, 0, &told), OK);
        if (told.gap_count > 1 || (told.gap_count == 1) != (told.count == 7 && hit <= 6) ||
            (told.count < 8 && (hit == 0 || told.count != (hit == 7 ? 6 : 7))))
            fail_msg("bit %zu, in record %llu: %zu records, %zu gaps", bit, (unsigned long long)hit,
                     told.count, told.gap_count);
        memory_fs_release(&copy.memory);
    }
    memory_fs_release(&log.memory);
}

/* Random damage of any size, from a seed. */
static void test_no_damage_gives_a_wrong_record(void **state)
{
    struct random random;
    struct log_sample log;

    (void)state;
    random_seed(&random, SEED);
    make_log(&log);
    for (int round = 0; round < 3000; round++) {
        struct log_sample copy;
        struct log_told told = {0}, again = {0};
        struct memory_node *file;
        size_t first, size;

        make_copy(&copy, &log);
        file = file_of(&copy, 1 + random_below(&random, 15));
        first = (size_t)random_below(&random, file->size);
        size = (size_t)random_below(&random, file->size - first + 1);
        if (random_chance(&random, 2))
            size = size < 64 ? size : 64;
        if (random_chance(&random, 3))
            memmove(file->data + first, file->data + random_below(&random, first + 1), size);
        else
            for (size_t i = 0; i < size; i++)
                file->data[first + i] = random_chance(&random, 2) ? 0 : (char)random_next(&random);
        assert_int_equal(log_replay(&copy, 0, &told), OK);
        assert_int_equal(log_replay(&copy, 0, &again), OK);
        if (told.count != again.count || told.gap_count != again.gap_count ||
            memcmp(told.lsns, again.lsns, sizeof(told.lsns)) != 0)
            fail_msg("round %d: a second start finds something else", round);
        memory_fs_release(&copy.memory);
    }
    memory_fs_release(&log.memory);
}

/* Pages that a failed fdatasync left clean in memory would otherwise never reach the disk. */
static void test_the_last_group_is_written_and_synced_again(void **state)
{
    struct log_sample log;
    struct log_told told = {0};

    (void)state;
    make_log(&log);
    log_group(&log, 4);
    assert_int_equal(log_replay(&log, 0, &told), OK);
    log_expect(&told, 1, 19, "whole");
    assert_int_equal(log.memory.writes, 4);
    assert_int_equal(log.memory.syncs, 1);
    memory_fs_release(&log.memory);
}

static void test_a_disk_that_fails_ends_the_replay(void **state)
{
    uint64_t n = 1;
    enum code code;

    (void)state;
    do {
        struct log_sample log;
        struct log_told told = {0};

        make_log(&log);
        damage(&log, 3); /* so that quarantine/ is written too */
        memory_fs_fail(&log.memory, n, CALL_ANY, false, E_IO);
        code = log_replay(&log, 0, &told);
        assert_true(code == OK || code == E_IO);
        memory_fs_fail(&log.memory, 0, 0, false, OK);
        assert_int_equal(log_replay(&log, 0, &told), OK);
        assert_int_equal(told.count, 14);
        assert_int_equal(told.gap_count, 1);
        memory_fs_release(&log.memory);
        n++;
    } while (code != OK);
    assert_true(n > 15);
}

static void test_a_reader_that_fails_ends_the_replay(void **state)
{
    struct log_sample log;
    struct log_told told = {.stop_at = 5};

    (void)state;
    make_log(&log);
    assert_int_equal(log_replay(&log, 0, &told), E_MEMORY);
    assert_int_equal(told.count, 5);
    memory_fs_release(&log.memory);
}

static void test_the_log_of_another_store_is_refused_untouched(void **state)
{
    static const struct hash128 other = {{9}};
    struct log_sample log;
    struct log_told told = {0};
    struct wal_replay replay = {log_take_record, log_take_gap, &told};
    struct replay_result result;
    struct replay_report report;
    struct segment *segments;
    struct error err = {0};
    size_t count;
    uint32_t before;

    (void)state;
    make_log(&log);
    before = crc32c(0, (struct bytes){log.file->data, log.file->size});
    assert_int_equal(segments_list(&log.memory.fs, &segments, &count, NULL), OK);
    assert_int_equal(replay_run(&log.memory.fs, segments, count, &other, 0, &replay, &result, &err),
                     E_CORRUPT);
    assert_non_null(strstr(err.text, "another store"));
    free(segments);
    assert_int_equal(replay_examine(&log.memory.fs, &other, 0, &replay, &report, NULL), E_CORRUPT);
    assert_int_equal(before, crc32c(0, (struct bytes){log.file->data, log.file->size}));
    assert_int_equal(told.count, 0);
    memory_fs_release(&log.memory);
}

/* What verify tells is what a start would find, and nothing changes. */
static void test_examining_changes_nothing(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, SEED);
    for (int round = 0; round < 300; round++) {
        struct log_sample log;
        struct log_told told = {0}, examined = {0};
        struct wal_replay replay = {log_take_record, log_take_gap, &examined};
        struct replay_report report;
        uint32_t first, second;

        make_log(&log);
        log_group(&log, 4);
        for (int i = 0; i < 3; i++)
            if (random_chance(&random, 2))
                damage(&log, 1 + random_below(&random, 19));
        first = crc32c(0, (struct bytes){log.file->data, log.file->size});
        assert_int_equal(
            replay_examine(&log.memory.fs, &log_incarnation, 0, &replay, &report, NULL), OK);
        second = crc32c(0, (struct bytes){log.file->data, log.file->size});
        assert_int_equal(first, second);
        assert_int_equal(log.memory.writes, 0);
        assert_int_equal(log_replay(&log, 0, &told), OK);
        assert_int_equal(report.records, told.count);
        assert_int_equal(report.gaps, told.gap_count);
        assert_int_equal(report.records_torn, told.result.records_cut);
        assert_int_equal(report.lsn_last, told.result.lsn_last);
        assert_memory_equal(examined.lsns, told.lsns, sizeof(told.lsns));
        memory_fs_release(&log.memory);
    }
}

/* tests/golden/wal/segment.hex. */
static void test_the_golden_segment_reads_as_it_was_written(void **state)
{
    static const char path[] = "tests/golden/wal/segment.hex";
    static char golden[8192];
    struct log_sample log;
    struct log_told told = {0};
    size_t size;

    (void)state;
    log_init(&log);
    log_segment(&log, 1);
    log_group(&log, 1);
    log_group(&log, 3);
    golden_write_if_asked(path, (struct bytes){log.file->data, log.file->size});
    size = golden_read(path, golden, sizeof(golden));
    if (!bytes_equal((struct bytes){golden, size}, (struct bytes){log.file->data, log.file->size}))
        fail_msg("the format changed: raise the version, keep reading the old one, and add a "
                 "golden file");
    memcpy(log.file->data, golden, size);
    assert_int_equal(log_replay(&log, 0, &told), OK);
    log_expect(&told, 1, 4, path);
    memory_fs_release(&log.memory);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_log_comes_back),
        cmocka_unit_test(test_a_tail_cut_at_any_byte_costs_what_is_behind_it),
        cmocka_unit_test(test_a_cut_group_keeps_its_beginning),
        cmocka_unit_test(test_what_stands_behind_the_last_record_does_not_matter),
        cmocka_unit_test(test_an_empty_file_is_no_segment),
        cmocka_unit_test(test_a_hole_in_the_last_group_is_cut),
        cmocka_unit_test(test_a_hole_before_a_durable_group_is_a_gap),
        cmocka_unit_test(test_damage_over_two_segments_is_kept_from_both),
        cmocka_unit_test(test_a_missing_segment_is_a_gap),
        cmocka_unit_test(test_burnt_numbers_are_no_gap),
        cmocka_unit_test(test_no_flipped_bit_gives_a_wrong_record),
        cmocka_unit_test(test_no_damage_gives_a_wrong_record),
        cmocka_unit_test(test_the_last_group_is_written_and_synced_again),
        cmocka_unit_test(test_a_disk_that_fails_ends_the_replay),
        cmocka_unit_test(test_a_reader_that_fails_ends_the_replay),
        cmocka_unit_test(test_the_log_of_another_store_is_refused_untouched),
        cmocka_unit_test(test_examining_changes_nothing),
        cmocka_unit_test(test_the_golden_segment_reads_as_it_was_written),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
