/* A stub is written beside the file that it will stand for, and that file goes afterwards: after a
 * crash between the two both are there, and the file counts.  So a stub alone is always whole. */
#include "store/packs/pack_stub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "store/packs/pack_inside.h"
#include "store/packs/pack_parts.h"

enum {
    STUB_VERSION = 1,
    STUB_FIXED_SIZE = 4 + 4 + 8 + 8 + 4, /* in front of the shard's name */
    STUB_HEADER_SIZE_MAX = STUB_FIXED_SIZE + 1 + PACK_SHARD_SIZE_MAX + 4,
    STUB_COPY_BYTES = 1 << 20,
};

static const uint32_t stub_magic = 0x42545357; /* "WSTB" */

void pack_stub_path(struct bytes tenant, uint64_t number, char path[PACK_PATH_SIZE])
{
    (void)snprintf(path, PACK_PATH_SIZE, "packs/%.*s/%016" PRIx64 ".stub", BYTES_ARG(tenant),
                   number);
}

const char *pack_shard(const struct pack *pack)
{
    return pack->stub.shard == NULL ? "" : pack->stub.shard;
}

const struct pack_parts *pack_stub_parts(const struct pack *pack)
{
    return pack->stub.parts;
}

void pack_stub_release(struct pack_stub *stub)
{
    pack_parts_close(stub->parts);
    free(stub->shard);
}

/* --- writing --- */

/* Appends [first, end) of the pack to the file. */
static enum code copy(const struct pack *pack, uint64_t first, uint64_t end, struct file *file,
                      uint64_t *at, struct error *err)
{
    size_t room = end - first < STUB_COPY_BYTES ? (size_t)(end - first) : STUB_COPY_BYTES;
    char *data = malloc(room + 1);
    enum code code = OK;

    if (data == NULL)
        return error_set(err, E_MEMORY, "no memory for a part of a pack");
    while (code == OK && first < end) {
        struct bytes piece = {data, end - first < room ? (size_t)(end - first) : room};

        code = pack_read(pack, first, data, piece.size, err);
        if (code == OK)
            code = fs_write(file, *at, &piece, 1, err);
        first += piece.size;
        *at += piece.size;
    }
    free(data);
    return code;
}

static enum code write_all(const struct pack *pack, struct bytes shard, struct file *file,
                           struct error *err)
{
    const struct pack_footer *footer = &pack->footer;
    struct buf header = BUF_INIT(STUB_HEADER_SIZE_MAX);
    struct bytes part;
    uint64_t at;
    enum code code;

    buf_put_u32(&header, stub_magic);
    buf_put_u32(&header, STUB_VERSION);
    buf_put_u64(&header, pack->size);
    buf_put_u64(&header, footer->at[PACK_SERIES]);
    buf_put_u32(&header, footer->head_size);
    buf_put_span(&header, shard);
    buf_put_u32(&header, crc32c(0, buf_bytes(&header)));
    code = buf_finish(&header, err);
    part = buf_bytes(&header);
    at = part.size;
    if (code == OK)
        code = fs_write(file, 0, &part, 1, err);
    if (code == OK)
        code = copy(pack, 0, footer->head_size, file, &at, err);
    if (code == OK)
        code = copy(pack, footer->at[PACK_SERIES], pack->size, file, &at, err);
    if (code == OK)
        code = fs_sync(file, err);
    buf_release(&header);
    return code;
}

enum code pack_stub_write(struct fs *fs, const char *path, const struct pack *pack,
                          struct bytes shard, struct error *err)
{
    struct file *file = NULL;
    struct error ignored;
    enum code code;

    (void)!fs_unlink(fs, path, &ignored); /* of an attempt that a crash or a failure ended */
    code = fs_open(fs, path, FS_CREATE, &file, err);
    if (code == OK)
        code = write_all(pack, shard, file, err);
    fs_close(file);
    if (code) {
        (void)!fs_unlink(fs, path, &ignored);
        error_context(err, "%s", path);
    }
    return code;
}

/* --- reading --- */

/* Sets size and stub of the pack. */
static enum code read_header(struct pack *pack, struct file *file, struct error *err)
{
    char bytes[STUB_HEADER_SIZE_MAX];
    struct pack_stub *stub = &pack->stub;
    struct bytes shard, all = {bytes, 0};
    struct reader reader;
    uint64_t file_size = 0;
    uint32_t magic, version, crc, want;
    enum code code = fs_size(file, &file_size, err);

    if (code == OK)
        code = fs_read(file, 0, bytes, sizeof(bytes), &all.size, err);
    if (code)
        return code;
    reader = reader_of(all);
    magic = reader_u32(&reader);
    version = reader_u32(&reader);
    pack->size = reader_u64(&reader);
    stub->tail_first = reader_u64(&reader);
    stub->head_size = reader_u32(&reader);
    shard = reader_span(&reader);
    stub->head_at = (uint64_t)(all.size - reader_left(&reader)) + sizeof(crc);
    want = reader.failed ? 0 : crc32c(0, (struct bytes){bytes, (size_t)(reader.at - bytes)});
    crc = reader_u32(&reader);
    if (reader.failed || magic != stub_magic || crc != want)
        return error_set(err, E_CORRUPT, "its header fails its check");
    if (version != STUB_VERSION)
        return error_set(err, E_CORRUPT, "version %u, this program knows %d", version,
                         STUB_VERSION);
    stub->tail_at = stub->head_at + stub->head_size;
    if (stub->tail_first < stub->head_size || stub->tail_first > pack->size ||
        file_size != stub->tail_at + (pack->size - stub->tail_first))
        return error_set(err, E_CORRUPT, "%llu bytes, and a pack of %llu whose blocks end at %llu",
                         (unsigned long long)file_size, (unsigned long long)pack->size,
                         (unsigned long long)stub->tail_first);
    stub->shard = strndup(shard.data, shard.size);
    return stub->shard ? OK : error_set(err, E_MEMORY, "no memory for a pack");
}

enum code pack_open_stub(struct fs *fs, const char *path, struct pack_bringer *_Atomic *bringer,
                         struct pack **pack, struct error *err)
{
    struct pack *made = pack_new(err);
    struct file *file = NULL;
    enum code code;

    *pack = NULL;
    if (!made)
        return E_MEMORY;
    made->fs = fs;
    made->stub.bringer = bringer;
    made->path = strdup(path);
    code = made->path ? fs_open(fs, path, FS_READ, &file, err)
                      : error_set(err, E_MEMORY, "no memory for a pack");
    if (code == OK)
        code = read_header(made, file, err);
    fs_close(file);
    if (code)
        pack_unref(made);
    else
        code = pack_open_rest(made, pack, err);
    if (code == OK && ((*pack)->footer.head_size != (*pack)->stub.head_size ||
                       (*pack)->footer.at[PACK_SERIES] != (*pack)->stub.tail_first))
        code = error_set(err, E_CORRUPT, "it has not all of the pack that stands beside blocks");
    if (code == OK)
        code = pack_parts_open(*pack, &(*pack)->stub.parts, err);
    if (code) {
        pack_unref(*pack);
        *pack = NULL;
        error_context(err, "stub %s", path);
    }
    return code;
}

enum code pack_stub_read(const struct pack *pack, uint64_t offset, void *data, size_t size,
                         const struct patience *patience, struct error *err)
{
    const struct pack_stub *stub = &pack->stub;
    struct pack_bringer *bringer;

    if (offset > pack->size || size > pack->size - offset)
        return error_set(err, E_CORRUPT, "%zu bytes at %llu of %llu", size,
                         (unsigned long long)offset, (unsigned long long)pack->size);
    if (offset + size <= stub->head_size)
        return pack_read_path(pack, stub->head_at + offset, data, size, err);
    if (offset >= stub->tail_first)
        return pack_read_path(pack, stub->tail_at + (offset - stub->tail_first), data, size, err);
    bringer = atomic_load_explicit(stub->bringer, memory_order_acquire);
    if (bringer == NULL)
        return error_set(err, E_SHARD, "its blocks are at shard %s alone", stub->shard);
    return bringer->bring(bringer, pack, offset, data, size, patience, err);
}

bool pack_answers(const struct pack *pack)
{
    struct pack_bringer *bringer;

    if (!pack_is_away(pack))
        return true;
    bringer = atomic_load_explicit(pack->stub.bringer, memory_order_acquire);
    return bringer != NULL && bringer->answers(bringer, pack);
}

bool pack_stub_doubt(const struct pack *pack, uint64_t offset)
{
    struct pack_bringer *bringer;

    if (!pack_is_away(pack))
        return false;
    bringer = atomic_load_explicit(pack->stub.bringer, memory_order_acquire);
    if (bringer == NULL)
        return false;
    bringer->doubt(bringer, pack, offset);
    return true;
}
