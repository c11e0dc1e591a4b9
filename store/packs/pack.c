/* An opened pack keeps its directory, and its path or its bytes, and nothing else.  Nothing in it
 * changes, so readers need no lock.
 *
 * It keeps no descriptor: a store has as many packs as it has history, a process some thousand
 * descriptors.  Who reads many blocks keeps the file of the pack at hand: opening and closing take
 * 3 us, reading a block's header 1. */
#include "store/packs/pack.h"

#include "base/failpoint.h"
#include "base/reader.h"
#include "codec/block_codec.h"
#include "store/packs/pack_directory.h"
#include "store/packs/pack_inside.h"
#include "store/packs/pack_stub.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_SIZE_MAX = 64 + 1 + 16 + 1,
    HEADER_READ_FIRST = 2048, /* of 20 columns; a longer header takes a second read */
};

static const struct patience endless;

enum code pack_read_path(const struct pack *pack, uint64_t at, void *data, size_t size,
                         struct error *err)
{
    struct file *file = NULL;
    enum code code = fs_open(pack->fs, pack->path, FS_READ, &file, err);

    if (code == OK)
        code = fs_read_exactly(file, at, data, size, err);
    else if (code == E_NOT_FOUND) /* nothing of ours removes it while it is named */
        code = error_set(err, E_CORRUPT, "its file %s is not there", pack->path);
    fs_close(file);
    return code;
}

enum code pack_read(const struct pack *pack, uint64_t offset, void *data, size_t size,
                    struct error *err)
{
    if (pack_is_away(pack))
        return pack_stub_read(pack, offset, data, size, &endless, err);
    if (pack->path)
        return pack_read_path(pack, offset, data, size, err);
    if (offset > pack->size || size > pack->size - offset)
        return error_set(err, E_CORRUPT, "%zu bytes at %llu of %llu", size,
                         (unsigned long long)offset, (unsigned long long)pack->size);
    memcpy(data, pack->memory + offset, size);
    return OK;
}

enum code pack_read_section(const struct pack *pack, enum pack_section section, char **data,
                            struct bytes *bytes, struct error *err)
{
    const struct pack_footer *footer = &pack->footer;
    size_t size = (size_t)(footer->at[section + 1] - footer->at[section]);
    enum code code;

    *data = malloc(size + 1);
    *bytes = (struct bytes){*data, size};
    if (!*data)
        return error_set(err, E_MEMORY, "no memory for %zu bytes of %s", size,
                         pack_section_name(section));
    code = pack_read(pack, footer->at[section], *data, size, err);
    if (code == OK && crc32c(0, *bytes) != footer->crc[section])
        code = error_set(err, E_CORRUPT, "%zu bytes at %llu fail their CRC", size,
                         (unsigned long long)footer->at[section]);
    if (code) {
        free(*data);
        *data = NULL;
        error_context(err, "%s", pack_section_name(section));
    }
    return code;
}

static enum code open_footer(struct pack *pack, struct error *err)
{
    char bytes[PACK_FOOTER_SIZE];
    enum code code;

    if (pack->size < PACK_FOOTER_SIZE)
        return error_set(err, E_CORRUPT, "a pack of %llu bytes, its footer alone has %d",
                         (unsigned long long)pack->size, PACK_FOOTER_SIZE);
    code = pack_read(pack, pack->size - PACK_FOOTER_SIZE, bytes, sizeof(bytes), err);
    if (code)
        return code;
    return pack_footer_read((struct bytes){bytes, sizeof(bytes)}, pack->size, &pack->footer, err);
}

static enum code open_head(struct pack *pack, struct error *err)
{
    char bytes[PACK_HEAD_SIZE_MAX];
    struct pack_head head;
    enum code code;

    code = pack_read(pack, 0, bytes, pack->footer.head_size, err);
    if (code == OK)
        code = pack_head_read((struct bytes){bytes, pack->footer.head_size}, &head, err);
    if (code)
        return code;
    pack->name = malloc(NAME_SIZE_MAX);
    if (!pack->name)
        return error_set(err, E_MEMORY, "no memory for a pack's name");
    pack->kind = head.kind;
    pack->settled = head.settled;
    pack->floor = head.floor;
    pack->number = head.number;
    pack->incarnation = head.incarnation;
    (void)snprintf(pack->name, NAME_SIZE_MAX, "%.*s/%016llx", BYTES_ARG(head.tenant),
                   (unsigned long long)head.number);
    return OK;
}

static enum code open_directory(struct pack *pack, struct error *err)
{
    const struct pack_footer *footer = &pack->footer;
    struct bytes bytes;
    enum code code = pack_read_section(pack, PACK_DIRECTORY, &pack->directory, &bytes, err);

    if (code)
        return code;
    /* The footer's check made sure that there are no more entries than bytes. */
    pack->block_count = (size_t)footer->count[PACK_DIRECTORY];
    pack->blocks = calloc(pack->block_count + 1, sizeof(*pack->blocks));
    if (!pack->blocks)
        return error_set(err, E_MEMORY, "no memory for a directory of %zu blocks",
                         pack->block_count);
    code = pack_directory_read(bytes, footer->head_size, footer->at[PACK_SERIES], pack->blocks,
                               pack->block_count, err);
    if (code)
        error_context(err, "directory");
    return code;
}

static void pack_free(struct pack *pack)
{
    struct pack_bringer *bringer = NULL;

    if (pack->gone)
        pack->gone(pack->gone_context, pack->serial);
    if (pack_is_away(pack))
        bringer = atomic_load_explicit(pack->stub.bringer, memory_order_acquire);
    if (bringer)
        bringer->forget(bringer, pack->serial);
    pack_stub_release(&pack->stub);
    pack_guest_free(pack->guest);
    free(pack->path);
    free(pack->memory);
    free(pack->name);
    free(pack->directory);
    free(pack->blocks);
    free(pack);
}

enum code pack_open_rest(struct pack *made, struct pack **pack, struct error *err)
{
    enum code code = open_footer(made, err);

    if (code == OK)
        code = open_head(made, err);
    if (code == OK)
        code = open_directory(made, err);
    if (code) {
        pack_free(made);
        return code;
    }
    *pack = made;
    return OK;
}

struct pack *pack_new(struct error *err)
{
    static _Atomic uint64_t opened_count;
    struct pack *made = calloc(1, sizeof(*made));

    if (!made) {
        error_set(err, E_MEMORY, "no memory for a pack");
        return NULL;
    }
    atomic_init(&made->references, 1);
    made->serial = atomic_fetch_add_explicit(&opened_count, 1, memory_order_relaxed) + 1;
    return made;
}

enum code pack_open_file(struct fs *fs, const char *path, struct pack **pack, struct error *err)
{
    struct pack *made = pack_new(err);
    struct file *file = NULL;
    enum code code;

    *pack = NULL;
    if (!made)
        return E_MEMORY;
    made->fs = fs;
    made->path = strdup(path);
    code = made->path ? fs_open(fs, path, FS_READ, &file, err)
                      : error_set(err, E_MEMORY, "no memory for a pack");
    if (code == OK)
        code = fs_size(file, &made->size, err);
    fs_close(file);
    if (code)
        pack_free(made);
    else
        code = pack_open_rest(made, pack, err);
    if (code)
        error_context(err, "pack %s", path);
    return code;
}

enum code pack_open_memory(struct bytes bytes, struct pack **pack, struct error *err)
{
    struct pack *made = pack_new(err);

    *pack = NULL;
    if (!made)
        return E_MEMORY;
    made->memory = malloc(bytes.size + 1);
    if (!made->memory) {
        pack_free(made);
        return error_set(err, E_MEMORY, "no memory for a pack of %zu bytes", bytes.size);
    }
    if (bytes.size > 0)
        memcpy(made->memory, bytes.data, bytes.size);
    made->size = bytes.size;
    return pack_open_rest(made, pack, err);
}

struct pack *pack_ref(struct pack *pack)
{
    unsigned before = atomic_fetch_add_explicit(&pack->references, 1, memory_order_relaxed);

    assert(before > 0);
    return pack;
}

bool pack_is_last(const struct pack *pack)
{
    return atomic_load_explicit(&pack->references, memory_order_acquire) == 1;
}

void pack_unref(struct pack *pack)
{
    unsigned before;

    if (!pack)
        return;
    before = atomic_fetch_sub_explicit(&pack->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        pack_free(pack);
}

uint64_t pack_serial(const struct pack *pack)
{
    return pack->serial;
}

void pack_on_close(struct pack *pack, void (*gone)(void *context, uint64_t serial), void *context)
{
    pack->gone = gone;
    pack->gone_context = context;
}

const char *pack_name(const struct pack *pack)
{
    return pack->name;
}

const struct hash128 *pack_incarnation(const struct pack *pack)
{
    return &pack->incarnation;
}

bool pack_is_away(const struct pack *pack)
{
    return pack->stub.bringer != NULL;
}

void pack_want(struct pack *pack)
{
    atomic_store_explicit(&pack->wanted, true, memory_order_relaxed);
}

bool pack_is_wanted(const struct pack *pack)
{
    return atomic_load_explicit(&pack->wanted, memory_order_relaxed);
}

struct pack_rest *pack_rest(struct pack *pack)
{
    return &pack->rest;
}

uint64_t pack_used(const struct pack *pack)
{
    return atomic_load_explicit(&pack->used, memory_order_relaxed);
}

enum pack_kind pack_kind(const struct pack *pack)
{
    return pack->kind;
}

struct pack_about pack_about(const struct pack *pack)
{
    const struct pack_footer *footer = &pack->footer;

    return (struct pack_about){
        .number = pack->number,
        .bytes = pack->size,
        .row_count = footer->row_count,
        .in_file = pack->path != NULL,
        .time_first = footer->time_first,
        .time_last = footer->time_last,
        .ingest_first = footer->ingest_first,
        .ingest_last = footer->ingest_last,
        .lsn_first = footer->lsn_first,
        .lsn_last = footer->lsn_last,
        .kind = pack->kind,
        .settled = pack->settled,
        .floor = pack->floor,
    };
}

int64_t pack_settled(const struct pack *pack)
{
    return pack->settled;
}

const struct pack_block *pack_blocks(const struct pack *pack, size_t *count)
{
    *count = pack->block_count;
    return pack->blocks;
}

bool pack_is_notes(const struct pack *pack)
{
    for (size_t i = 0; i < pack->block_count; i++)
        if (!measurement_is_note(pack->blocks[i].measurement))
            return false;
    return pack->block_count > 0;
}

const struct pack_block *pack_find(const struct pack *pack, struct bytes measurement,
                                   struct series_id id, int64_t start, int64_t end, size_t *at)
{
    size_t first = *at;

    if (first == 0)
        first = pack_directory_find(pack->blocks, pack->block_count, measurement, id);
    for (; first < pack->block_count; first++) {
        const struct pack_block *block = &pack->blocks[first];

        if (!bytes_equal(block->measurement, measurement) ||
            series_id_compare(block->series_first, id) > 0)
            break;
        if (block->time_first < end && block->time_last >= start) {
            *at = first + 1;
            return block;
        }
    }
    *at = pack->block_count;
    return NULL;
}

struct pack_file {
    const struct pack *pack;
    struct file *file; /* NULL: the pack is in memory, or away */
    struct patience patience;
};

/* Not a clock: the order is all that is asked for. */
static void note_use(const struct pack *pack)
{
    static _Atomic uint64_t uses;

    atomic_store_explicit(&((struct pack *)pack)->used,
                          atomic_fetch_add_explicit(&uses, 1, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

enum code pack_file_open(const struct pack *pack, struct pack_file **file, struct error *err)
{
    struct pack_file *made = calloc(1, sizeof(*made));
    enum code code = OK;

    *file = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a pack's file");
    made->pack = pack;
    note_use(pack);
    if (pack->path && !pack_is_away(pack))
        code = fs_open(pack->fs, pack->path, FS_READ, &made->file, err);
    if (code)
        free(made);
    else
        *file = made;
    return code;
}

void pack_file_bear(struct pack_file *file, const struct patience *patience)
{
    file->patience = *patience;
}

bool pack_file_is_of(const struct pack_file *file, const struct pack *pack)
{
    return file->pack == pack;
}

void pack_file_close(struct pack_file *file)
{
    if (!file)
        return;
    fs_close(file->file);
    free(file);
}

static enum code not_at_hand(struct error *err)
{
    return error_set(err, E_BUSY, "the bytes are not at hand");
}

/* Without a word to anybody where the bytes are at hand: mostly they are. */
static enum code read_patiently(const struct pack_file *file, uint64_t offset, void *data,
                                size_t size, struct error *err)
{
    bool at_hand = file->patience.at_hand;
    enum code code;

    if ((at_hand || file->patience.wait != NULL) && fs_read_at_once(file->file, offset, data, size))
        return OK;
    if (at_hand)
        return not_at_hand(err);
    patience_wait(&file->patience, true);
    code = fs_read_exactly(file->file, offset, data, size, err);
    patience_wait(&file->patience, false);
    return code;
}

static enum code read_of(const struct pack *pack, const struct pack_file *file, uint64_t offset,
                         void *data, size_t size, struct error *err)
{
    if (file && pack_is_away(pack) && file->patience.at_hand)
        return not_at_hand(err);
    if (file && pack_is_away(pack))
        return pack_stub_read(pack, offset, data, size, &file->patience, err);
    if (!file || !file->file)
        return pack_read(pack, offset, data, size, err);
    assert(file->pack == pack);
    return read_patiently(file, offset, data, size, err);
}

static enum code block_context(const struct pack *pack, const struct pack_block *block,
                               enum code code, struct error *err)
{
    if (code)
        error_context(err, "pack %s: block %zu of %zu (%.*s) at byte %llu", pack->name,
                      (size_t)(block - pack->blocks), pack->block_count,
                      BYTES_ARG(block->measurement), (unsigned long long)block->offset);
    return code;
}

enum code pack_read_block(const struct pack *pack, const struct pack_file *file,
                          const struct pack_block *block, struct arena *arena,
                          struct bytes *encoded, struct error *err)
{
    char *data = arena_alloc(arena, block->size);
    enum code code;

    assert(block >= pack->blocks && block < pack->blocks + pack->block_count);
    if (!data)
        return error_set(err, E_MEMORY, "no memory for a block of %u bytes", block->size);
    *encoded = (struct bytes){data, block->size};
    code = read_of(pack, file, block->offset, data, block->size, err);
    if (code == OK && crc32c(0, *encoded) != block->crc && pack_stub_doubt(pack, block->offset))
        code = read_of(pack, file, block->offset, data, block->size, err);
    if (code == OK && crc32c(0, *encoded) != block->crc && !sabotage("no_crc"))
        code = error_set(err, E_CORRUPT, "%u bytes fail their CRC", block->size);
    return block_context(pack, block, code, err);
}

enum code pack_read_block_header(const struct pack *pack, const struct pack_file *file,
                                 const struct pack_block *block, struct arena *arena,
                                 struct bytes *header, struct error *err)
{
    size_t size = block->size < HEADER_READ_FIRST ? block->size : HEADER_READ_FIRST, more;
    char *data = arena_alloc(arena, size), *grown;
    enum code code;

    assert(block >= pack->blocks && block < pack->blocks + pack->block_count);
    if (!data)
        return error_set(err, E_MEMORY, "no memory for a block's header");
    code = read_of(pack, file, block->offset, data, size, err);
    more = code ? 0 : block_header_size((struct bytes){data, size});
    if (more > size && more <= block->size) {
        grown = arena_grow(arena, data, size, more);
        if (!grown)
            return error_set(err, E_MEMORY, "no memory for a block's header of %zu bytes", more);
        data = grown;
        code = read_of(pack, file, block->offset + size, data + size, more - size, err);
        size = more;
    }
    *header = (struct bytes){data, size};
    return block_context(pack, block, code, err);
}

enum code pack_read_block_part(const struct pack *pack, const struct pack_file *file,
                               const struct pack_block *block, size_t at, size_t size,
                               struct arena *arena, struct bytes *part, struct error *err)
{
    char *data = arena_alloc(arena, size);
    enum code code;

    assert(block >= pack->blocks && block < pack->blocks + pack->block_count);
    assert(at <= block->size && size <= block->size - at);
    if (!data)
        return error_set(err, E_MEMORY, "no memory for %zu bytes of a block", size);
    *part = (struct bytes){data, size};
    code = read_of(pack, file, block->offset + at, data, size, err);
    return block_context(pack, block, code, err);
}

enum code pack_walk(const struct pack *pack, enum pack_section section,
                    enum code (*each)(void *context, struct bytes entry, struct error *err),
                    void *context, struct error *err)
{
    uint64_t count = pack->footer.count[section];
    struct reader reader;
    struct bytes bytes;
    char *data;
    enum code code;

    assert(section <= PACK_NOTES);
    code = pack_read_section(pack, section, &data, &bytes, err);
    if (code) {
        error_context(err, "pack %s", pack->name);
        return code;
    }
    reader = reader_of(bytes);
    for (uint64_t i = 0; code == OK && i < count; i++) {
        struct bytes entry = reader_span(&reader);

        if (reader.failed)
            code = error_set(err, E_CORRUPT, "it ends early");
        else
            code = each(context, entry, err);
        if (code)
            error_context(err, "pack %s: %s: entry %llu of %llu", pack->name,
                          pack_section_name(section), (unsigned long long)i,
                          (unsigned long long)count);
    }
    if (code == OK && reader_left(&reader) > 0)
        code = error_set(err, E_CORRUPT, "pack %s: %s: %zu bytes too many", pack->name,
                         pack_section_name(section), reader_left(&reader));
    free(data);
    return code;
}

enum code pack_walk_series(const struct pack *pack, pack_each each, void *context,
                           struct error *err)
{
    return pack_walk(pack, PACK_SERIES, each, context, err);
}

enum code pack_walk_tombstones(const struct pack *pack, pack_each each, void *context,
                               struct error *err)
{
    return pack_walk(pack, PACK_TOMBSTONES, each, context, err);
}

enum code pack_walk_notes(const struct pack *pack, pack_each each, void *context, struct error *err)
{
    return pack_walk(pack, PACK_NOTES, each, context, err);
}
