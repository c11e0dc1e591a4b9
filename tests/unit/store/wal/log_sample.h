/* Wal segments made by hand, frame by frame, and what replaying them tells. */
#ifndef WEIR_TESTS_UNIT_STORE_WAL_LOG_SAMPLE_H
#define WEIR_TESTS_UNIT_STORE_WAL_LOG_SAMPLE_H

#include "store/wal/frame.h"
#include "store/wal/replay.h"
#include "store/wal/segment.h"
#include "store/wal/wal.h"
#include "tests/unit/store/wal/memory_fs.h"

enum { LOG_RECORDS_MAX = 1024 };

static const struct hash128 log_incarnation = {
    {1, 2, 3, 4, 5, 6, 7, 8}
};

static inline uint32_t log_seed(void)
{
    return crc32c(0, (struct bytes){(const char *)log_incarnation.bytes, 16});
}

struct log_frame {
    uint64_t segment, lsn;
    size_t offset, end;
};

struct log_sample {
    struct memory_fs memory;
    struct memory_node *file; /* of the segment at hand */
    uint64_t segment;
    uint64_t lsn_next, base;
    struct log_frame frames[LOG_RECORDS_MAX];
    size_t count;
};

static inline void log_init(struct log_sample *log)
{
    *log = (struct log_sample){.lsn_next = 1};
    memory_fs_init(&log->memory);
}

static inline void log_segment(struct log_sample *log, uint64_t id)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(id, name);
    log->segment = id;
    log->file = memory_make(&log->memory, name);
    memory_resize(log->file, SEGMENT_HEAD_SIZE);
    segment_head(id, &log_incarnation, log->file->data);
}

/* The payload of a record: its LSN over and over, of a size that the LSN gives. */
static inline size_t log_payload(uint64_t lsn, char payload[64])
{
    size_t size = (size_t)(lsn * 13 % 48);

    for (size_t i = 0; i < size; i++)
        payload[i] = (char)(lsn + i);
    return size;
}

/* `count` records that were written and synced together. */
static inline void log_group(struct log_sample *log, size_t count)
{
    uint64_t commit = log->lsn_next;

    for (size_t i = 0; i < count; i++) {
        char payload[64], header[FRAME_HEADER_SIZE];
        size_t size = log_payload(log->lsn_next, payload), at = log->file->size;
        struct frame frame = {
            .segment = log->segment,
            .lsn = log->lsn_next,
            .commit = commit,
            .base = log->base,
            .ingest = (int64_t)log->lsn_next * 1000,
            .payload_size = (uint32_t)size,
        };

        frame_encode(&frame, (struct bytes){payload, size}, log_seed(), header);
        memory_resize(log->file, at + (size_t)frame_size(size));
        memcpy(log->file->data + at, header, FRAME_HEADER_SIZE);
        memcpy(log->file->data + at + FRAME_HEADER_SIZE, payload, size);
        log->frames[log->count++] =
            (struct log_frame){log->segment, log->lsn_next, at, log->file->size};
        log->lsn_next++;
    }
    log->base = log->lsn_next - 1;
}

/* What a replay told. */
struct log_told {
    uint64_t lsns[LOG_RECORDS_MAX];
    size_t count;
    struct {
        uint64_t last, next;
        char what[192];
    } gaps[16];
    size_t gap_count;
    size_t stop_at; /* the record() call that fails; 0 = none */
    struct replay_result result;
};

static inline enum code log_take_record(void *context, uint64_t lsn, int64_t ingest,
                                        struct bytes payload, struct error *err)
{
    struct log_told *told = context;
    char want[64];
    size_t size = log_payload(lsn, want);

    assert_true(told->count < LOG_RECORDS_MAX);
    assert_int_equal((uintptr_t)payload.data % 8, 0);
    if (ingest != (int64_t)lsn * 1000 || !bytes_equal(payload, (struct bytes){want, size}))
        fail_msg("record %llu is not as it was written", (unsigned long long)lsn);
    if (told->count > 0 && lsn <= told->lsns[told->count - 1])
        fail_msg("record %llu after %llu", (unsigned long long)lsn,
                 (unsigned long long)told->lsns[told->count - 1]);
    told->lsns[told->count++] = lsn;
    if (told->stop_at == told->count)
        return error_set(err, E_MEMORY, "stop");
    return OK;
}

static inline enum code log_take_gap(void *context, uint64_t lsn_last, uint64_t lsn_next,
                                     const char *what, struct error *err)
{
    struct log_told *told = context;

    (void)err;
    assert_true(told->gap_count < COUNT_OF(told->gaps));
    assert_true(lsn_last < lsn_next);
    told->gaps[told->gap_count].last = lsn_last;
    told->gaps[told->gap_count].next = lsn_next;
    snprintf(told->gaps[told->gap_count++].what, sizeof(told->gaps[0].what), "%s", what);
    return OK;
}

static inline enum code log_replay(struct log_sample *log, uint64_t sealed, struct log_told *told)
{
    struct wal_replay replay = {log_take_record, log_take_gap, told};
    struct segment *segments = NULL;
    struct error err = {0};
    size_t count = 0;
    enum code code = segments_list(&log->memory.fs, &segments, &count, &err);

    told->count = 0;
    told->gap_count = 0;
    if (code == OK)
        code = replay_run(&log->memory.fs, segments, count, &log_incarnation, sealed, &replay,
                          &told->result, &err);
    free(segments);
    return code;
}

/* Fails unless exactly these records came, ascending, and no gap. */
static inline void log_expect(const struct log_told *told, uint64_t first, uint64_t last,
                              const char *name)
{
    uint64_t count = last + 1 - first;

    if (told->gap_count != 0)
        fail_msg("%s: a gap: %s", name, told->gaps[0].what);
    if (told->count != count ||
        (count > 0 && (told->lsns[0] != first || told->lsns[count - 1] != last)))
        fail_msg("%s: %zu records, %llu to %llu, instead of %llu to %llu", name, told->count,
                 (unsigned long long)(told->count > 0 ? told->lsns[0] : 0),
                 (unsigned long long)(told->count > 0 ? told->lsns[told->count - 1] : 0),
                 (unsigned long long)first, (unsigned long long)last);
}

#endif
