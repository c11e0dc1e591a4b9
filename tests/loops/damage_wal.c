/* The wal's last segment cut and its tail replaced, a segment missing or empty, and every bit of a
 * segment of 64 KiB turned: what was acknowledged is there, but for the damaged record alone, and
 * that is told. */
#include "tests/loops/loop.h"

#include "tests/unit/store/wal/log_sample.h"

enum { SEGMENT_BYTES = 64 << 10, TAIL_RECORDS = 3, BODY_RECORDS = 5 };

static uint64_t flips, starts;

static const struct log_frame *frame_of(const struct log_sample *log, size_t byte)
{
    for (size_t i = 0; i < log->count; i++)
        if (byte >= log->frames[i].offset && byte < log->frames[i].end)
            return &log->frames[i];
    return NULL;
}

/* The frame's bytes are checked up to here; behind it are zeros that only fill. */
static size_t checked_end(const struct log_frame *frame)
{
    char payload[64];

    return frame->offset + FRAME_HEADER_SIZE + log_payload(frame->lsn, payload);
}

/* Bytes that were kept for whoever wants to look. */
static uint64_t kept_bytes(const struct log_sample *log)
{
    return memory_fs_bytes(&log->memory, "quarantine/");
}

static void forget_kept(struct log_sample *log)
{
    for (struct memory_node *node = log->memory.nodes; node != NULL; node = node->next)
        if (strncmp(node->path, "quarantine/", 11) == 0)
            node->size = 0;
}

static void expect_all_but(const struct log_told *told, uint64_t first, uint64_t last,
                           uint64_t missing)
{
    uint64_t lsn = first;

    for (size_t i = 0; i < told->count; i++, lsn++) {
        if (lsn == missing)
            lsn++;
        if (told->lsns[i] != lsn)
            fail_msg("%s: record %llu instead of %llu", loop_at, (unsigned long long)told->lsns[i],
                     (unsigned long long)lsn);
    }
    if (missing == lsn)
        lsn++;
    if (lsn != last + 1)
        fail_msg("%s: ends before record %llu", loop_at, (unsigned long long)lsn);
}

/* One bit of the segment: what must come of it follows from where it is. */
static void flip_segment(struct log_sample *log, const char *image, size_t bit, uint64_t last_group)
{
    static struct log_told told;
    const struct log_frame *frame = frame_of(log, bit / 8);
    bool harmless = frame == NULL || bit / 8 >= checked_end(frame);

    snprintf(loop_at, sizeof(loop_at), "wal segment, bit %zu\n", bit);
    memcpy(log->file->data, image, SEGMENT_BYTES);
    forget_kept(log);
    log->file->data[bit / 8] = (char)(log->file->data[bit / 8] ^ (1 << bit % 8));
    flips++;
    if (log_replay(log, 0, &told) != OK)
        fail_msg("%s: refused", loop_at);
    if (harmless) {
        log_expect(&told, 1, log->lsn_next - 1, loop_at);
    } else if (frame->lsn >= last_group) { /* as if it were torn: its good beginning is kept */
        log_expect(&told, 1, frame->lsn - 1, loop_at);
    } else {
        expect_all_but(&told, 1, log->lsn_next - 1, frame->lsn);
        if (told.gap_count != 1 || told.gaps[0].last != frame->lsn - 1 ||
            told.gaps[0].next != frame->lsn + 1)
            fail_msg("%s: %zu gaps", loop_at, told.gap_count);
        if (kept_bytes(log) < frame->end - frame->offset - FRAME_ALIGNMENT)
            fail_msg("%s: the damaged bytes are not kept", loop_at);
    }
}

static void test_every_bit_of_a_segment_costs_its_own_record(void **state)
{
    static struct log_sample log;
    static char image[SEGMENT_BYTES];
    static const size_t group_sizes[] = {5, 1}; /* at most */
    uint64_t last_group;

    (void)state;
    for (size_t shape = 0; shape < COUNT_OF(group_sizes); shape++) {
        log_init(&log);
        log_segment(&log, 1);
        for (size_t i = 0; log.file->size + 8 * 128 <= SEGMENT_BYTES; i++)
            log_group(&log, 1 + i % group_sizes[shape]);
        last_group = log.lsn_next;
        log_group(&log, group_sizes[shape]);
        memory_resize(log.file, SEGMENT_BYTES);
        memcpy(image, log.file->data, SEGMENT_BYTES);
        for (size_t bit = loop_stride == 1 ? 0 : loop_step(); bit < (size_t)SEGMENT_BYTES * 8;
             bit += loop_stride == 1 ? 1 : loop_step())
            flip_segment(&log, image, bit, last_group);
        memory_fs_release(&log.memory);
    }
}

enum tail { TAIL_CUT, TAIL_ZEROS, TAIL_GARBAGE, TAIL_STALE, TAIL_COUNT };

static const char *const tail_names[] = {
    [TAIL_CUT] = "the end of the file",
    [TAIL_ZEROS] = "zeros",
    [TAIL_GARBAGE] = "garbage",
    [TAIL_STALE] = "frames of the segment that the file was before",
};

/* Whole frames of the same records, as the file held them under another id. */
static void stale_make(char *bytes, size_t size)
{
    static struct log_sample old;

    log_init(&old);
    log_segment(&old, 77);
    while (old.file->size < size)
        log_group(&old, 1);
    memcpy(bytes, old.file->data, size);
    memory_fs_release(&old.memory);
}

static void tail_put(struct log_sample *log, size_t at, size_t size, enum tail tail)
{
    static char stale[SEGMENT_BYTES];
    struct random random;

    if (tail == TAIL_CUT) {
        log->file->size = at;
        return;
    }
    memory_resize(log->file, size);
    random_seed(&random, at);
    if (tail == TAIL_STALE)
        stale_make(stale, size);
    for (size_t i = at; i < size; i++)
        log->file->data[i] = tail == TAIL_ZEROS     ? 0
                             : tail == TAIL_GARBAGE ? (char)random_next(&random)
                                                    : stale[i];
}

static enum code grow_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                             struct error *err)
{
    if (ingest == 5001) { /* the one that was written after the damage */
        assert_true(bytes_equal(payload, BYTES("new")));
        return OK;
    }
    return log_take_record(context, lsn, ingest, payload, err);
}

/* A start, a commit, and a start again. */
static void start_and_go_on(struct log_sample *log, uint64_t first, uint64_t last, size_t gaps)
{
    static struct log_told told;
    struct wal_options options = {&log->memory.fs, log_incarnation, 4 << 20};
    struct wal_replay replay = {grow_record, log_take_gap, &told};
    struct wal_entry entry = {BYTES("new"), 5001, 0};
    struct error err = {0};
    struct wal *wal;

    for (int start = 0; start < 2; start++) {
        starts++;
        told = (struct log_told){0};
        if (wal_open(&options, 0, &replay, &wal, &err) != OK)
            fail_msg("%s: %s", loop_at, err.text);
        if (told.gap_count != gaps)
            fail_msg("%s: %zu gaps", loop_at, told.gap_count);
        if (gaps == 0)
            log_expect(&told, first, last, loop_at);
        if (start == 0 && wal_commit(wal, &entry, 1, &err) != OK)
            fail_msg("%s: %s", loop_at, err.text);
        wal_close(wal);
    }
}

static void log_make(struct log_sample *log)
{
    log_init(log);
    log_segment(log, 1);
    for (int i = 0; i < BODY_RECORDS; i++)
        log_group(log, 2);
    log_segment(log, 2);
    for (int i = 0; i < BODY_RECORDS + TAIL_RECORDS; i++)
        log_group(log, 1);
}

/* Every byte of the last three records, four kinds of what stands behind. */
static void test_a_start_after_any_cut_has_what_was_whole(void **state)
{
    static struct log_sample log;
    size_t begin, end, first_kept;

    (void)state;
    log_make(&log);
    first_kept = log.count - TAIL_RECORDS;
    begin = log.frames[first_kept].offset;
    end = log.file->size;
    memory_fs_release(&log.memory);
    for (int tail = 0; tail < TAIL_COUNT; tail++)
        for (size_t at = loop_stride == 1 ? begin : begin + loop_step() % 16; at < end;
             at += loop_stride == 1 ? 1 : 1 + loop_step() % 16) {
            uint64_t last = 0;

            snprintf(loop_at, sizeof(loop_at), "%s from byte %zu on\n", tail_names[tail], at);
            log_make(&log);
            tail_put(&log, at, end + 4096, (enum tail)tail);
            for (size_t i = 0; i < log.count; i++)
                if (log.frames[i].segment == 1 ||
                    (tail == TAIL_CUT ? log.frames[i].end : checked_end(&log.frames[i])) <= at)
                    last = log.frames[i].lsn;
            start_and_go_on(&log, 1, last, 0);
            memory_fs_release(&log.memory);
        }
}

/* A frame of the last record whose end is missing may be whole by chance of its padding alone:
 * zeros count as such.  So `last` above is by what is checked; here the files that are no segments.
 */
static void test_a_start_over_empty_and_missing_segments(void **state)
{
    static const struct {
        const char *name;
        int empty, missing;
        size_t gaps;
    } cases[] = {
        {"an empty file behind the last segment", 3, 0, 0},
        {"a missing segment in the middle",       0, 1, 1},
        {"an empty segment in the middle",        1, 0, 1},
    };
    static struct log_sample log;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char name[SEGMENT_NAME_SIZE];

        snprintf(loop_at, sizeof(loop_at), "%s\n", cases[i].name);
        log_make(&log);
        if (cases[i].empty != 0) {
            segment_name((uint64_t)cases[i].empty, name);
            memory_make(&log.memory, name)->size = 0;
        }
        if (cases[i].missing != 0) {
            segment_name((uint64_t)cases[i].missing, name);
            memory_find(&log.memory, name)->path[0] = '\0';
        }
        start_and_go_on(&log, 1, log.lsn_next - 1, cases[i].gaps);
        memory_fs_release(&log.memory);
    }
}

static int teardown(void **state)
{
    (void)state;
    fprintf(stderr, "figure: %llu bits of a wal segment turned, %llu starts over cut tails\n",
            (unsigned long long)flips, (unsigned long long)starts);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_a_segment_costs_its_own_record),
        cmocka_unit_test(test_a_start_after_any_cut_has_what_was_whole),
        cmocka_unit_test(test_a_start_over_empty_and_missing_segments),
    };

    return cmocka_run_group_tests(tests, loop_setup_bits, teardown);
}
