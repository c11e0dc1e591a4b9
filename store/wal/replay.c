/* Three walks over the valid frames of all segments:
 *
 * - survey finds D, the greatest base of any frame.  Every LSN up to D was durable before that
 *   frame was written, hence may have been acknowledged.  Frames above D are of the last group,
 *   which nobody can prove acknowledged.
 * - cut keeps the part of the last group that is contiguous, overwrites the heads of its other
 *   frames with zeros and syncs: from then on it is as if they had never been written.
 * - deliver hands records out in order of LSN.  Where one at or below D is missing there is a gap:
 *   the damaged bytes are copied to quarantine/ and told; everything else is delivered.
 *
 * A frame's predecessor is lsn - 1 within its group and base for the group's first: LSNs that a
 * cut burnt make no gap. */
#include "store/wal/replay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "store/wal/frame.h"

struct image {
    char *data;
    size_t size;
};

struct walk {
    struct fs *fs;
    struct segment *segments;
    size_t count;
    const struct hash128 *incarnation;
    uint32_t seed; /* of it */
    enum code (*visit)(struct walk *walk, const struct frame *frame, struct bytes payload,
                       struct segment *segment, size_t offset, struct error *err);
    /* Of the segment at hand. */
    size_t index;
    struct bytes image;
    size_t good_index, good_end; /* where the last valid frame of all ended */
    uint64_t from;               /* segments whose LSNs all are below are passed over */
    /* survey */
    uint64_t durable, seen;
    uint64_t foreign; /* a segment that names another store; 0 = none */
    /* cut */
    uint64_t expected, records_cut;
    /* deliver */
    uint64_t last;
    const struct wal_replay *replay;
    bool read_only;
    uint64_t records, gaps;
    bool dropping; /* a repair that gives up what is newer: by sabotage alone */
};

static enum code image_load(struct fs *fs, struct segment *segment, struct image *image,
                            struct error *err)
{
    char name[SEGMENT_NAME_SIZE];
    struct file *file = NULL;
    uint64_t size = 0;
    enum code code;

    segment_name(segment->id, name);
    *image = (struct image){0};
    code = fs_open(fs, name, FS_READ, &file, err);
    if (code)
        goto out;
    code = fs_size(file, &size, err);
    if (code)
        goto out;
    segment->size = size;
    image->data = malloc(size + 1);
    if (image->data == NULL) {
        code = error_set(err, E_MEMORY, "no memory to read a segment of %" PRIu64 " bytes", size);
        goto out;
    }
    code = fs_read(file, 0, image->data, size, &image->size, err);

out:
    fs_close(file);
    if (code) {
        free(image->data);
        *image = (struct image){0};
        error_context(err, "%s", name);
    }
    return code;
}

static enum code walk_segment(struct walk *walk, struct segment *segment, struct error *err)
{
    size_t at = SEGMENT_HEAD_SIZE;
    enum code code = OK;

    segment->end = SEGMENT_HEAD_SIZE;
    while (code == OK && at < walk->image.size) {
        struct bytes rest = bytes_slice(walk->image, at, walk->image.size);
        struct frame frame;
        struct bytes payload;

        if (!frame_decode(rest, segment->id, walk->seed, &frame, &payload)) {
            at = frame_search(walk->image, at, segment->id, walk->seed);
            if (at == SIZE_MAX)
                break;
            continue;
        }
        code = walk->visit(walk, &frame, payload, segment, at, err);
        at += frame_size(frame.payload_size);
        walk->good_index = walk->index;
        walk->good_end = at;
    }
    return code;
}

/* Delivering counts anew: what was cut is no longer there. */
static void forget_lsns(struct walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        walk->segments[i].lsn_last = 0;
    walk->from = 0;
}

static enum code walk_all(struct walk *walk, struct error *err)
{
    enum code code = OK;

    walk->good_index = 0;
    walk->good_end = SEGMENT_HEAD_SIZE;
    for (size_t i = 0; code == OK && i < walk->count; i++) {
        struct image image;

        walk->index = i;
        if (walk->segments[i].lsn_last < walk->from)
            continue;
        code = image_load(walk->fs, &walk->segments[i], &image, err);
        if (code)
            break;
        walk->image = (struct bytes){image.data, image.size};
        code = walk_segment(walk, &walk->segments[i], err);
        if (segment_is_foreign(walk->image, walk->incarnation))
            walk->foreign = walk->segments[i].id;
        free(image.data);
    }
    return code;
}

static enum code survey_visit(struct walk *walk, const struct frame *frame, struct bytes payload,
                              struct segment *segment, size_t offset, struct error *err)
{
    (void)payload, (void)offset, (void)err;
    if (frame->lsn > segment->lsn_last)
        segment->lsn_last = frame->lsn;
    if (frame->base > walk->durable)
        walk->durable = frame->base;
    if (frame->lsn > walk->seen)
        walk->seen = frame->lsn;
    return OK;
}

/* The last group's frames are contiguous up to the cut; the first of them begins the group. */
static bool last_group_keeps(struct walk *walk, const struct frame *frame)
{
    if (frame->base != walk->durable)
        return false;
    if (walk->expected == 0)
        walk->expected = frame->commit;
    if (frame->lsn != walk->expected)
        return false;
    walk->expected++;
    return true;
}

static enum code cut_visit(struct walk *walk, const struct frame *frame, struct bytes payload,
                           struct segment *segment, size_t offset, struct error *err)
{
    static const char zeros[FRAME_HEADER_SIZE];
    struct bytes part = {zeros, sizeof(zeros)};
    enum code code = OK;

    (void)payload;
    if (frame->lsn <= walk->durable)
        return OK;
    if (walk->read_only) {
        walk->records_cut += !last_group_keeps(walk, frame);
        return OK;
    }
    if (segment->file == NULL) {
        char name[SEGMENT_NAME_SIZE];

        segment_name(segment->id, name);
        code = fs_open(walk->fs, name, FS_READ_WRITE, &segment->file, err);
    }
    if (last_group_keeps(walk, frame)) {
        /* Written again, not only synced: after an fdatasync that failed, the kernel may hold pages
         * for clean that never reached the disk, and sync them no more. */
        part = bytes_slice(walk->image, offset, offset + frame_size(frame->payload_size));
    } else {
        walk->records_cut++;
    }
    if (code == OK)
        code = fs_write(segment->file, offset, &part, 1, err);
    return code;
}

/* What was read may be in the page cache alone: it is made durable before anyone sees it. */
static enum code cut_sync(struct walk *walk, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; i < walk->count; i++) {
        if (walk->segments[i].file != NULL && code == OK)
            code = fs_sync(walk->segments[i].file, err);
        segment_release(&walk->segments[i]);
    }
    return code;
}

/* Keeps the bytes from `first` on for whoever wants to look; zeros at their end are nobody's. */
static enum code quarantine(struct walk *walk, const struct segment *segment, struct bytes image,
                            size_t first, struct error *err)
{
    struct bytes part;
    char name[96];
    struct file *file = NULL;
    enum code code;

    while (image.size > first && image.data[image.size - 1] == 0)
        image.size--;
    if (image.size <= first)
        return OK;
    part = bytes_slice(image, first, image.size);
    snprintf(name, sizeof(name), "quarantine/%016" PRIx64 "-%zu.bin", segment->id, first);
    code = fs_make_dir(walk->fs, "quarantine", err);
    if (code == OK)
        code = fs_open(walk->fs, name, FS_CREATE, &file, err);
    if (code == E_EXISTS) /* by an earlier start, which may not have come to the end */
        code = fs_open(walk->fs, name, FS_READ_WRITE, &file, err);
    if (code == OK)
        code = fs_write(file, 0, &part, 1, err);
    if (code == OK)
        code = fs_sync(file, err);
    if (code == OK)
        code = fs_sync_dir(walk->fs, "quarantine", err);
    fs_close(file);
    return code;
}

/* The damage lies between the last valid frame and the one at `offset` of the segment at hand; it
 * may begin in an earlier segment. */
static enum code damage_keep(struct walk *walk, size_t offset, char *what, size_t what_size,
                             struct error *err)
{
    const struct segment *from = &walk->segments[walk->good_index];
    const struct segment *to = &walk->segments[walk->index];
    size_t first = walk->good_end;
    enum code code = OK;

    if (from == to)
        snprintf(what, what_size, "wal segment %016" PRIx64 ", bytes %zu..%zu", to->id, first,
                 offset);
    else
        snprintf(what, what_size,
                 "wal segment %016" PRIx64 ", byte %zu, to segment %016" PRIx64 ", byte %zu",
                 from->id, first, to->id, offset);
    for (size_t i = walk->good_index; !walk->read_only && code == OK && i < walk->index; i++) {
        struct image image;

        code = image_load(walk->fs, &walk->segments[i], &image, err);
        if (code == OK)
            code = quarantine(walk, &walk->segments[i], (struct bytes){image.data, image.size},
                              first, err);
        free(image.data);
        first = SEGMENT_HEAD_SIZE;
    }
    if (!walk->read_only && code == OK)
        code = quarantine(walk, to, bytes_slice(walk->image, 0, offset), first, err);
    return code;
}

static enum code deliver_visit(struct walk *walk, const struct frame *frame, struct bytes payload,
                               struct segment *segment, size_t offset, struct error *err)
{
    uint64_t before = frame->lsn == frame->commit ? frame->base : frame->lsn - 1;
    enum code code = OK;

    if (walk->read_only && frame->lsn > walk->durable && !last_group_keeps(walk, frame))
        return OK;
    segment->end = offset + frame_size(frame->payload_size);
    segment->lsn_last = frame->lsn;
    if (frame->lsn <= walk->last)
        return OK; /* sealed, or a stale repeat */
    if (walk->dropping)
        return OK;
    if (before > walk->last && sabotage("repair_drops")) {
        walk->dropping = true;
        return OK;
    }
    if (before > walk->last) {
        char what[128];

        walk->gaps++;
        code = damage_keep(walk, offset, what, sizeof(what), err);
        if (code == OK)
            code = walk->replay->gap(walk->replay->context, walk->last, frame->lsn, what, err);
    }
    walk->last = frame->lsn;
    walk->records++;
    if (code == OK)
        code = walk->replay->record(walk->replay->context, frame->lsn, frame->ingest, payload, err);
    return code;
}

/* Frames of another store do not pass their check: without this, a wal beside the wrong index
 * would look empty and be removed.  A head is not needed where frames are good. */
static enum code survey_judge(const struct walk *walk, struct error *err)
{
    if (walk->seen == 0 && walk->foreign != 0)
        return error_set(err, E_CORRUPT,
                         "segment %016" PRIx64
                         " was written by another store; put the index/ back that belongs to it",
                         walk->foreign);
    return OK;
}

/* The three walks; read-only, the second one only counts. */
static enum code walk_run(struct walk *walk, struct error *err)
{
    enum code code;

    walk->visit = survey_visit;
    code = walk_all(walk, err);
    if (code == OK)
        code = survey_judge(walk, err);
    if (code)
        return code;
    walk->visit = cut_visit;
    walk->from = walk->durable + 1;
    code = walk_all(walk, err);
    if (code == OK)
        code = cut_sync(walk, err);
    if (code)
        return code;
    walk->visit = deliver_visit;
    walk->expected = 0;
    forget_lsns(walk);
    return walk_all(walk, err);
}

enum code replay_run(struct fs *fs, struct segment *segments, size_t count,
                     const struct hash128 *incarnation, uint64_t sealed_lsn,
                     const struct wal_replay *replay, struct replay_result *result,
                     struct error *err)
{
    struct walk walk = {
        .fs = fs,
        .segments = segments,
        .count = count,
        .incarnation = incarnation,
        .seed = segment_seed(incarnation),
        .last = sabotage("replay_all") ? 0 : sealed_lsn,
        .replay = replay,
    };
    enum code code = walk_run(&walk, err);

    result->lsn_last = walk.last;
    result->lsn_seen = walk.seen > walk.last ? walk.seen : walk.last;
    result->records_cut = walk.records_cut;
    for (size_t i = 0; i < count; i++)
        segment_release(&segments[i]);
    return code;
}

enum code replay_examine(struct fs *fs, const struct hash128 *incarnation, uint64_t sealed_lsn,
                         const struct wal_replay *replay, struct replay_report *report,
                         struct error *err)
{
    struct walk walk = {
        .fs = fs,
        .incarnation = incarnation,
        .seed = segment_seed(incarnation),
        .last = sealed_lsn,
        .replay = replay,
        .read_only = true,
    };
    enum code code = segments_list(fs, &walk.segments, &walk.count, err);

    if (code == OK)
        code = walk_run(&walk, err);
    *report = (struct replay_report){.records = walk.records,
                                     .records_torn = walk.records_cut,
                                     .gaps = walk.gaps,
                                     .lsn_last = walk.last};
    free(walk.segments);
    return code;
}

struct listing {
    struct segment *segments;
    size_t count, capacity;
    bool failed;
};

static void listing_add(void *context, const char *name)
{
    struct listing *listing = context;
    uint64_t id = segment_id_of(name);

    if (id == 0 || listing->failed)
        return;
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity * 2 + 16;
        struct segment *grown = realloc(listing->segments, capacity * sizeof(*grown));

        listing->failed = grown == NULL;
        if (listing->failed)
            return;
        listing->segments = grown;
        listing->capacity = capacity;
    }
    listing->segments[listing->count++] = (struct segment){.id = id, .end = SEGMENT_HEAD_SIZE};
}

static int segment_order(const void *a, const void *b)
{
    const struct segment *left = a, *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

enum code segments_list(struct fs *fs, struct segment **segments, size_t *count, struct error *err)
{
    struct listing listing = {0};
    enum code code = fs_list(fs, "wal", listing_add, &listing, err);

    if (code == OK && listing.failed)
        code = error_set(err, E_MEMORY, "no memory for the list of segments");
    if (code) {
        free(listing.segments);
        listing = (struct listing){0};
    }
    if (listing.count > 0)
        qsort(listing.segments, listing.count, sizeof(*listing.segments), segment_order);
    *segments = listing.segments;
    *count = listing.count;
    return code;
}
