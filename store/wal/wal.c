/* Order of a commit: frames written behind the last one in one call, fdatasync, and only then is
 * the LSN moved on.  The file was filled with zeros (or is a recycled one) beforehand, so that
 * neither write changes metadata: measured, that halves the time of the sync.  Zeros follow up to
 * the page's end (page_rest()).
 *
 * A crash leaves any subset of the unsynced sectors of the last group: replay.c judges it.
 *
 * A write that fails leaves unknown bytes behind the last frame.  They are overwritten with zeros
 * and synced, and their LSNs are not used again.  A file system that copies on write (btrfs, xfs
 * where a file was reflinked) may be too full even for that: then the segment is cut behind the
 * last frame, which was seen to need no room on any.  When that fails, too, the log is finished. */
#include "store/wal/wal.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "store/wal/frame.h"
#include "store/wal/replay.h"
#include "store/wal/segment.h"

enum {
    SEGMENT_BYTES_MIN = 1024 * 1024,
    COMMIT_PARTS_MAX = 512, /* spans of one write: two a record and its padding */
    PAGE_BYTES = 4096,      /* of the page cache */
    SPARES_MAX = 4,
};

struct wal {
    struct fs *fs;
    struct hash128 incarnation;
    uint32_t seed;
    uint64_t segment_bytes_max;
    _Atomic bool failed;
    /* The wal thread's alone. */
    struct segment current; /* .file NULL: the next commit begins a segment */
    bool head_due;          /* its head is written with its first frames */
    uint64_t lsn_last;      /* durable */
    uint64_t lsn_next;
    /* Guarded by `lock`, which is never held across I/O. */
    pthread_mutex_t lock;
    struct segment *closed; /* ascending by id */
    size_t closed_count, closed_capacity;
    struct segment spares[SPARES_MAX]; /* the first is taken next */
    size_t spare_count;
    uint64_t rotated_id; /* segments up to here are not recycled: what they hold is to go */
    uint64_t id_next, size_next;
    uint64_t bytes; /* of all files */
};

/* Once a segment of the size at hand is there; one that failed must not make the next one twice as
 * large.  Under the lock. */
static void segment_size_grow(struct wal *wal)
{
    if (wal->size_next < wal->segment_bytes_max)
        wal->size_next *= 2;
}

/* Bytes of a new segment, `least` of them wanted at once.  A disk with little room left keeps most
 * of it for the packs, without which the log does not get shorter; and what asked for more than is
 * free, as segments double, would be refused although there is room for the record. */
static uint64_t segment_size(const struct wal *wal, uint64_t size, uint64_t least)
{
    uint64_t free_bytes = 0;
    struct error ignored;

    if (fs_space(wal->fs, &free_bytes, &ignored) == OK && size > free_bytes / 4)
        size = free_bytes / 4;
    if (size < SEGMENT_BYTES_MIN)
        size = SEGMENT_BYTES_MIN;
    return size > least ? size : least;
}

/* Room for one more closed segment, before anything is changed that would be half done without it.
 * It stays: only trimming, which takes away, comes between.  Under the lock. */
static enum code closed_reserve(struct wal *wal, struct error *err)
{
    size_t capacity = wal->closed_capacity * 2 + 16;
    struct segment *grown;

    if (wal->closed_count < wal->closed_capacity)
        return OK;
    grown = realloc(wal->closed, capacity * sizeof(*grown));
    if (grown == NULL)
        return error_set(err, E_MEMORY, "no memory for the list of segments");
    wal->closed = grown;
    wal->closed_capacity = capacity;
    return OK;
}

static struct segment spare_take(struct wal *wal)
{
    struct segment spare = wal->spares[0];

    assert(wal->spare_count > 0);
    wal->spare_count--;
    memmove(wal->spares, wal->spares + 1, wal->spare_count * sizeof(*wal->spares));
    return spare;
}

static void spare_push(struct wal *wal, const struct segment *segment)
{
    assert(wal->spare_count < SPARES_MAX);
    wal->spares[wal->spare_count++] = *segment;
}

/* One is due anyway.  More save filling new ones with zeros, which is as much writing as the
 * records are; they may hold as much as two of the largest.  Under the lock. */
static bool spare_wanted(const struct wal *wal, uint64_t size)
{
    uint64_t bytes = size;

    for (size_t i = 0; i < wal->spare_count; i++)
        bytes += wal->spares[i].size;
    return wal->spare_count == 0 ||
           (wal->spare_count < SPARES_MAX && bytes <= 2 * wal->segment_bytes_max);
}

static void closed_push(struct wal *wal, const struct segment *segment)
{
    assert(wal->closed_count < wal->closed_capacity);
    wal->closed[wal->closed_count++] = *segment;
}

/* After replay: goes on in the last segment that has frames; later ones are empty, of them one is
 * kept. */
static enum code wal_resume(struct wal *wal, struct segment *segments, size_t count,
                            struct error *err)
{
    size_t last = count;
    enum code code = OK;

    for (size_t i = 0; i < count; i++) {
        if (segments[i].lsn_last > 0)
            last = i;
        wal->id_next = segments[i].id + 1;
    }
    for (size_t i = 0; code == OK && i < count; i++) {
        char name[SEGMENT_NAME_SIZE];

        segment_name(segments[i].id, name);
        if (last == count || i > last) {
            code = segment_remove(wal->fs, segments[i].id, err);
            continue;
        }
        wal->bytes += segments[i].size;
        if (i == last && segments[i].size >= SEGMENT_HEAD_SIZE) {
            wal->current = segments[i];
            code = fs_open(wal->fs, name, FS_READ_WRITE, &wal->current.file, err);
        } else {
            code = closed_reserve(wal, err);
            if (code == OK)
                closed_push(wal, &segments[i]);
        }
    }
    if (code == OK)
        code = fs_sync_dir(wal->fs, "wal", err);
    return code;
}

enum code wal_open(const struct wal_options *options, uint64_t sealed_lsn,
                   const struct wal_replay *replay, struct wal **out, struct error *err)
{
    struct wal *wal = calloc(1, sizeof(*wal));
    struct segment *segments = NULL;
    struct replay_result result = {0};
    size_t count = 0;
    enum code code;

    *out = NULL;
    if (wal == NULL)
        return error_set(err, E_MEMORY, "no memory for the wal");
    wal->fs = options->fs;
    wal->incarnation = options->incarnation;
    wal->seed = segment_seed(&options->incarnation);
    wal->segment_bytes_max = options->segment_bytes_max;
    wal->id_next = 1;
    wal->size_next = SEGMENT_BYTES_MIN;
    pthread_mutex_init(&wal->lock, NULL);
    code = fs_make_dir(wal->fs, "wal", err);
    if (code == OK)
        code = fs_sync_dir(wal->fs, "", err);
    if (code == OK)
        code = segments_list(wal->fs, &segments, &count, err);
    if (code == OK)
        code = replay_run(wal->fs, segments, count, &wal->incarnation, sealed_lsn, replay, &result,
                          err);
    if (code == OK)
        code = wal_resume(wal, segments, count, err);
    wal->lsn_last = result.lsn_last;
    wal->lsn_next = result.lsn_seen + 1;
    free(segments);
    if (code) {
        wal_close(wal);
        error_context(err, "wal");
        return code;
    }
    *out = wal;
    return OK;
}

void wal_close(struct wal *wal)
{
    if (wal == NULL)
        return;
    segment_release(&wal->current);
    for (size_t i = 0; i < wal->spare_count; i++)
        segment_release(&wal->spares[i]);
    pthread_mutex_destroy(&wal->lock);
    free(wal->closed);
    free(wal);
}

/* Retires the current segment and makes one with room for `bytes` the current one. */
static enum code wal_next_segment(struct wal *wal, uint64_t bytes, struct error *err)
{
    uint64_t want = SEGMENT_HEAD_SIZE + bytes, id = 0, size, before;
    struct segment next = {0};
    bool made;
    enum code code;

    pthread_mutex_lock(&wal->lock);
    code = closed_reserve(wal, err);
    if (code) {
        pthread_mutex_unlock(&wal->lock);
        return code;
    }
    made = wal->spare_count == 0;
    if (!made)
        next = spare_take(wal);
    before = next.size;
    size = wal->size_next;
    if (made || next.id < wal->current.id)
        id = wal->id_next++;
    pthread_mutex_unlock(&wal->lock);

    if (made) {
        code = segment_create(wal->fs, id, segment_size(wal, size, want), &next, err);
    } else {
        if (id != 0) { /* an id below the current one would be replayed too early */
            struct segment old;

            segment_release(&next);
            old = next;
            code = segment_recycle(wal->fs, &old, id, &next, err);
        }
        if (code == OK && next.size < want)
            code = segment_extend(&next, want, err);
    }
    if (code) {
        struct error ignored;

        segment_release(&next);
        if (next.id != 0) /* nobody would know of it until the next start */
            (void)!segment_remove(wal->fs, next.id, &ignored);
        pthread_mutex_lock(&wal->lock);
        wal->bytes -= before;
        pthread_mutex_unlock(&wal->lock);
        return code;
    }
    pthread_mutex_lock(&wal->lock);
    if (made)
        segment_size_grow(wal);
    if (wal->current.file != NULL) {
        segment_release(&wal->current);
        closed_push(wal, &wal->current);
    }
    wal->bytes += next.size - before;
    pthread_mutex_unlock(&wal->lock);
    wal->current = next;
    wal->head_due = true;
    return OK;
}

/* After any other error the disk is not trusted any more. */
static bool is_temporary(enum code code)
{
    return code == E_DISK_FULL || code == E_MEMORY;
}

/* Makes the segment end at `size`: it is full then, and the next record begins another one. */
static enum code wal_cut(struct wal *wal, uint64_t size, struct error *err)
{
    enum code code = fs_truncate(wal->current.file, size, err);

    if (code)
        return code;
    pthread_mutex_lock(&wal->lock);
    wal->bytes -= wal->current.size - size;
    pthread_mutex_unlock(&wal->lock);
    wal->current.size = size;
    return OK;
}

/* Takes back what a failed write may have left. */
static void wal_undo(struct wal *wal, uint64_t first, uint64_t end)
{
    static const char zeros[64 * 1024];
    struct error ignored;
    enum code code = OK;

    for (uint64_t at = first; code == OK && at < end;) {
        uint64_t size = end - at < sizeof(zeros) ? end - at : sizeof(zeros);
        struct bytes part = {zeros, (size_t)size};

        code = fs_write(wal->current.file, at, &part, 1, &ignored);
        at += size;
    }
    if (is_temporary(code))
        code = wal_cut(wal, first, &ignored);
    if (code == OK)
        code = fs_sync(wal->current.file, &ignored);
    if (code)
        wal->failed = true;
}

/* Zeros up to the end of the page: a page that is written in part is read before, and that of a
 * segment written over may not be in memory any more. */
static struct bytes page_rest(const struct wal *wal, uint64_t end)
{
    static const char zeros[PAGE_BYTES];
    uint64_t page_end = (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;

    if (page_end > wal->current.size)
        page_end = wal->current.size;
    return (struct bytes){zeros, (size_t)(page_end - end)};
}

/* Writes and syncs entries that fit into the current segment together. */
static enum code wal_commit_group(struct wal *wal, struct wal_entry *entries, size_t count,
                                  struct error *err)
{
    static const char padding[FRAME_ALIGNMENT];
    char heads[COMMIT_PARTS_MAX / 3][FRAME_HEADER_SIZE];
    char segment_head_bytes[SEGMENT_HEAD_SIZE];
    struct bytes parts[COMMIT_PARTS_MAX + 2]; /* the segment's head and the page's rest */
    uint64_t first = wal->current.end, end = first, commit = wal->lsn_next;
    size_t part_count = 0;
    enum code code;

    assert(count <= COMMIT_PARTS_MAX / 3);
    if (wal->head_due) {
        segment_head(wal->current.id, &wal->incarnation, segment_head_bytes);
        parts[part_count++] = (struct bytes){segment_head_bytes, SEGMENT_HEAD_SIZE};
        first = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct wal_entry *entry = &entries[i];
        struct frame frame = {
            .segment = wal->current.id,
            .lsn = commit + i,
            .commit = commit,
            .base = wal->lsn_last,
            .ingest = entry->ingest,
            .payload_size = (uint32_t)entry->payload.size,
        };
        uint64_t size = frame_size(entry->payload.size);

        frame_encode(&frame, entry->payload, wal->seed, heads[i]);
        parts[part_count++] = (struct bytes){heads[i], FRAME_HEADER_SIZE};
        parts[part_count++] = entry->payload;
        if (size > FRAME_HEADER_SIZE + entry->payload.size)
            parts[part_count++] =
                (struct bytes){padding, (size_t)(size - FRAME_HEADER_SIZE - entry->payload.size)};
        end += size;
    }
    assert(end <= wal->current.size);
    parts[part_count++] = page_rest(wal, end);
    wal->lsn_next += count; /* used up, whatever happens */
    code = fs_write(wal->current.file, first, parts, part_count, err);
    if (code) {
        wal_undo(wal, first, end);
        if (!is_temporary(code))
            wal->failed = true;
        return code;
    }
    if (failpoint("wal.after_write"))
        code = error_set(err, E_IO, "failpoint wal.after_write");
    if (code == OK && !sabotage("ack_before_sync"))
        code = fs_sync(wal->current.file, err);
    if (code && sabotage("sync_again"))
        code = fs_sync(wal->current.file, err);
    if (code) {
        wal->failed = true; /* never tried again: the kernel may have dropped the pages */
        return E_IO;
    }
    for (size_t i = 0; i < count; i++)
        entries[i].lsn = commit + i;
    wal->current.end = end;
    wal->current.lsn_last = wal->lsn_next - 1;
    wal->lsn_last = wal->lsn_next - 1;
    wal->head_due = false;
    return OK;
}

enum code wal_commit(struct wal *wal, struct wal_entry *entries, size_t count, struct error *err)
{
    size_t done = 0;
    enum code code = OK;

    for (size_t i = 0; i < count; i++)
        entries[i].lsn = 0;
    while (code == OK && done < count) {
        uint64_t room = 0, bytes = 0;
        size_t n = 0;

        if (wal->failed)
            return error_set(err, E_IO, "the wal took an earlier disk error; restart to recover");
        if (wal->current.file != NULL && wal->current.size > wal->current.end) /* not cut */
            room = wal->current.size - wal->current.end;
        while (done + n < count && n < COMMIT_PARTS_MAX / 3) {
            uint64_t size = frame_size(entries[done + n].payload.size);

            if (bytes + size > room)
                break;
            bytes += size;
            n++;
        }
        if (n > 0) {
            code = wal_commit_group(wal, entries + done, n, err);
            done += n;
            continue;
        }
        code = wal_next_segment(wal, frame_size(entries[done].payload.size), err);
        if (code != OK && !is_temporary(code))
            wal->failed = true;
    }
    if (code)
        error_context(err, "wal");
    return code;
}

enum code wal_prepare(struct wal *wal, struct error *err)
{
    struct segment spare;
    uint64_t id, size;
    bool there;
    enum code code;

    pthread_mutex_lock(&wal->lock);
    there = wal->spare_count > 0;
    if (!there) {
        id = wal->id_next++;
        size = wal->size_next;
    }
    pthread_mutex_unlock(&wal->lock);
    if (there || wal->failed)
        return OK;
    code = segment_create(wal->fs, id, segment_size(wal, size, 0), &spare, err);
    if (code == OK) {
        pthread_mutex_lock(&wal->lock);
        spare_push(wal, &spare);
        wal->bytes += spare.size;
        segment_size_grow(wal);
        pthread_mutex_unlock(&wal->lock);
    } else if (!is_temporary(code)) {
        wal->failed = true;
    }
    return code;
}

/* The first segment, if it is no longer needed; false when there is none. */
static bool trim_next(struct wal *wal, uint64_t sealed_lsn, struct segment *segment, bool *recycle,
                      uint64_t *id)
{
    bool found;

    pthread_mutex_lock(&wal->lock);
    found = wal->closed_count > 0 && wal->closed[0].lsn_last <= sealed_lsn;
    if (found) {
        *segment = wal->closed[0];
        *recycle = spare_wanted(wal, segment->size) && segment->size >= wal->size_next / 2 &&
                   segment->id > wal->rotated_id &&
                   segment->size <= 2 * wal->size_next; /* after a rotation small ones are wanted */
        if (*recycle)
            *id = wal->id_next++;
    }
    pthread_mutex_unlock(&wal->lock);
    return found;
}

/* It is gone, or has become the spare. */
static void trim_done(struct wal *wal, const struct segment *segment, const struct segment *spare)
{
    pthread_mutex_lock(&wal->lock);
    wal->closed_count--;
    memmove(wal->closed, wal->closed + 1, wal->closed_count * sizeof(*wal->closed));
    if (spare != NULL)
        spare_push(wal, spare);
    else
        wal->bytes -= segment->size;
    pthread_mutex_unlock(&wal->lock);
}

enum code wal_trim(struct wal *wal, uint64_t sealed_lsn, struct error *err)
{
    struct segment old, spare;
    uint64_t id = 0;
    bool recycle, changed = false;
    enum code code = OK;

    while (code == OK && trim_next(wal, sealed_lsn, &old, &recycle, &id)) {
        changed = true;
        if (recycle)
            code = segment_recycle(wal->fs, &old, id, &spare, err);
        else
            code = segment_remove(wal->fs, old.id, err);
        if (code == OK || code == E_NOT_FOUND) /* an earlier try came that far before it failed */
            trim_done(wal, &old, recycle && code == OK ? &spare : NULL);
        if (code == E_NOT_FOUND)
            code = OK;
    }
    if (code == OK && changed)
        code = fs_sync_dir(wal->fs, "wal", err);
    if (code)
        error_context(err, "wal: trim");
    return code;
}

enum code wal_rotate(struct wal *wal, struct error *err)
{
    struct segment spares[SPARES_MAX];
    size_t spare_count;
    enum code code;

    pthread_mutex_lock(&wal->lock);
    code = closed_reserve(wal, err);
    if (code) {
        pthread_mutex_unlock(&wal->lock);
        return code;
    }
    if (wal->current.file != NULL && wal->current.lsn_last > 0) {
        segment_release(&wal->current);
        closed_push(wal, &wal->current);
        wal->current = (struct segment){.id = wal->current.id};
    }
    wal->rotated_id = wal->id_next;
    spare_count = wal->spare_count;
    for (size_t i = 0; i < spare_count; i++) {
        spares[i] = spare_take(wal);
        wal->bytes -= spares[i].size;
    }
    wal->size_next = SEGMENT_BYTES_MIN;
    pthread_mutex_unlock(&wal->lock);
    for (size_t i = 0; i < spare_count; i++) {
        enum code removed;

        segment_release(&spares[i]);
        removed = segment_remove(wal->fs, spares[i].id, code == OK ? err : NULL);
        code = code == OK ? removed : code;
    }
    return code;
}

bool wal_failed(const struct wal *wal)
{
    return wal->failed;
}

uint64_t wal_lsn_last(const struct wal *wal)
{
    return wal->lsn_last;
}

uint64_t wal_bytes(const struct wal *wal)
{
    struct wal *unconst = (struct wal *)wal; /* the lock changes, nothing that shows */
    uint64_t bytes;

    pthread_mutex_lock(&unconst->lock);
    bytes = wal->bytes;
    pthread_mutex_unlock(&unconst->lock);
    return bytes;
}

uint32_t wal_segment_count(const struct wal *wal)
{
    struct wal *unconst = (struct wal *)wal;
    uint32_t count;

    pthread_mutex_lock(&unconst->lock);
    count = (uint32_t)(wal->closed_count + wal->spare_count + 1);
    pthread_mutex_unlock(&unconst->lock);
    return count;
}
