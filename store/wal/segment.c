#include "store/wal/segment.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"

static const char magic[8] = {'W', 'E', 'I', 'R', 'W', 'A', 'L', '1'};

void segment_name(uint64_t id, char name[SEGMENT_NAME_SIZE])
{
    snprintf(name, SEGMENT_NAME_SIZE, "wal/%016" PRIx64 ".wal", id);
}

uint64_t segment_id_of(const char *name)
{
    char expected[SEGMENT_NAME_SIZE];
    uint64_t id = strtoull(name, NULL, 16);

    segment_name(id, expected);
    return strcmp(expected + strlen("wal/"), name) == 0 ? id : 0;
}

void segment_head(uint64_t id, const struct hash128 *incarnation, char head[SEGMENT_HEAD_SIZE])
{
    memset(head, 0, SEGMENT_HEAD_SIZE);
    memcpy(head, magic, sizeof(magic));
    memcpy(head + 8, &id, sizeof(id));
    memcpy(head + 16, incarnation->bytes, sizeof(incarnation->bytes));
}

bool segment_is_foreign(struct bytes image, const struct hash128 *incarnation)
{
    return image.size >= SEGMENT_HEAD_SIZE && memcmp(image.data, magic, sizeof(magic)) == 0 &&
           memcmp(image.data + 16, incarnation->bytes, sizeof(incarnation->bytes)) != 0;
}

uint32_t segment_seed(const struct hash128 *incarnation)
{
    return crc32c(0, (struct bytes){(const char *)incarnation->bytes, sizeof(incarnation->bytes)});
}

enum code segment_extend(struct segment *segment, uint64_t size, struct error *err)
{
    static const char zeros[256 * 1024];
    enum code code = OK;

    while (code == OK && segment->size < size) {
        uint64_t left = size - segment->size;
        struct bytes part = {zeros, left < sizeof(zeros) ? (size_t)left : sizeof(zeros)};

        code = fs_write(segment->file, segment->size, &part, 1, err);
        if (code == OK)
            segment->size += part.size;
    }
    if (code == OK)
        code = fs_sync(segment->file, err);
    return code;
}

enum code segment_create(struct fs *fs, uint64_t id, uint64_t size, struct segment *segment,
                         struct error *err)
{
    char name[SEGMENT_NAME_SIZE];
    struct error ignored;
    enum code code;

    segment_name(id, name);
    *segment = (struct segment){.id = id, .end = SEGMENT_HEAD_SIZE};
    code = fs_open(fs, name, FS_CREATE, &segment->file, err);
    if (code)
        goto out;
    code = segment_extend(segment, size, err);
    if (code == OK && !sabotage("no_directory_sync"))
        code = fs_sync_dir(fs, "wal", err);
    if (code) {
        segment_release(segment);
        /* The space is wanted back; if that fails too, start-up removes the file. */
        (void)!fs_unlink(fs, name, &ignored);
    }

out:
    if (code)
        error_context(err, "new segment %s", name);
    return code;
}

enum code segment_recycle(struct fs *fs, const struct segment *old, uint64_t id,
                          struct segment *segment, struct error *err)
{
    char from[SEGMENT_NAME_SIZE], to[SEGMENT_NAME_SIZE];
    struct error ignored;
    enum code code;

    assert(old->file == NULL);
    segment_name(old->id, from);
    segment_name(id, to);
    *segment = (struct segment){.id = id, .size = old->size, .end = SEGMENT_HEAD_SIZE};
    code = fs_rename(fs, from, to, err);
    if (code)
        goto out;
    if (!sabotage("no_directory_sync"))
        code = fs_sync_dir(fs, "wal", err);
    if (code == OK)
        code = fs_open(fs, to, FS_READ_WRITE, &segment->file, err);
    if (code) /* as for a new one */
        (void)!fs_unlink(fs, to, &ignored);

out:
    if (code)
        error_context(err, "recycled segment %s", to);
    return code;
}

enum code segment_remove(struct fs *fs, uint64_t id, struct error *err)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(id, name);
    return fs_unlink(fs, name, err);
}

void segment_release(struct segment *segment)
{
    fs_close(segment->file);
    segment->file = NULL;
}
