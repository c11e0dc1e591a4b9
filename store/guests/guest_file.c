/* A pack is brought whole once, though little of it is kept: which fields it has stands in the
 * headers of its blocks, all over it, and its hash is that of all of it.  It lies in a file beside
 * meanwhile, as one that comes back from its shard does (store/delivery/move.h).
 *
 * Order, and what a crash leaves: the list of fields, then the stub, which is synced.  A list is
 * under a CRC, a small pack under its hash; what is cut short is fetched again. */
#include "store/guests/guest_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/reader.h"
#include "model/archive.h"
#include "store/guests/guest_fields.h"
#include "store/packs/pack_stub.h"
#include "store/state.h"

enum {
    PART_BYTES_MAX = 1 << 30,
    SMALL_BYTES_MAX = 16 << 20, /* of a pack that its author keeps in its index */
    FIELDS_BYTES_MAX = 64 << 20,
};

/* What must stay free: the wal needs it more. */
static const uint64_t space_bytes_min = UINT64_C(256) * 1024 * 1024;

/* --- names --- */

static void directory_of(const struct guest_place *place, char path[GUEST_PATH_SIZE])
{
    (void)snprintf(path, GUEST_PATH_SIZE, "guests/%.*s/%s", BYTES_ARG(place->tenant->name),
                   place->shard);
}

static void path_of(const struct guest_place *place, uint64_t number, const char *kind,
                    char path[GUEST_PATH_SIZE])
{
    char hex[HASH128_TEXT_SIZE];

    hash128_print(&place->incarnation, hex);
    (void)snprintf(path, GUEST_PATH_SIZE, "guests/%.*s/%s/%s-%016" PRIx64 ".%s",
                   BYTES_ARG(place->tenant->name), place->shard, hex, number, kind);
}

enum code guest_place_make(const struct guest_place *place, struct error *err)
{
    struct fs *fs = place->store->options.fs;
    char path[GUEST_PATH_SIZE];
    enum code code = fs_make_dir(fs, "guests", err);

    (void)snprintf(path, sizeof(path), "guests/%.*s", BYTES_ARG(place->tenant->name));
    if (code == OK)
        code = fs_make_dir(fs, path, err);
    directory_of(place, path);
    return code ? code : fs_make_dir(fs, path, err);
}

static void unlink_one(const struct guest_place *place, uint64_t number, const char *kind)
{
    struct error ignored;
    char path[GUEST_PATH_SIZE];

    path_of(place, number, kind, path);
    (void)!fs_unlink(place->store->options.fs, path, &ignored);
}

void guest_file_remove(const struct guest_place *place, uint64_t number)
{
    unlink_one(place, number, "pack");
    unlink_one(place, number, "stub");
    unlink_one(place, number, "fields");
}

struct sweep {
    const struct guest_place *place;
    const struct chain_list *list;
    char prefix[HASH128_TEXT_SIZE + 1]; /* "<incarnation>-" */
};

static void sweep_one(void *context, const char *name)
{
    const struct sweep *sweep = context;
    size_t prefix_size = strlen(sweep->prefix);
    char path[2 * GUEST_PATH_SIZE], directory[GUEST_PATH_SIZE];
    struct error ignored;

    if (strncmp(name, sweep->prefix, prefix_size) != 0 ||
        chain_list_find(sweep->list, strtoull(name + prefix_size, NULL, 16)) != NULL)
        return;
    directory_of(sweep->place, directory);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    (void)!fs_unlink(sweep->place->store->options.fs, path, &ignored);
}

void guest_files_sweep(const struct guest_place *place, const struct chain_list *list)
{
    struct sweep sweep = {.place = place, .list = list};
    char directory[GUEST_PATH_SIZE];
    struct error ignored;

    hash128_print(&place->incarnation, sweep.prefix);
    sweep.prefix[HASH128_TEXT_SIZE - 1] = '-';
    sweep.prefix[HASH128_TEXT_SIZE] = '\0';
    directory_of(place, directory);
    (void)!fs_list(place->store->options.fs, directory, sweep_one, &sweep, &ignored);
}

/* --- files --- */

static enum code file_read(const struct guest_place *place, const char *path, size_t bytes_max,
                           struct buf *bytes, struct error *err)
{
    struct file *file = NULL;
    uint64_t size = 0;
    enum code code = fs_open(place->store->options.fs, path, FS_READ, &file, err);
    char *room;

    if (code == OK)
        code = fs_size(file, &size, err);
    if (code == OK && size > bytes_max)
        code = error_set(err, E_CORRUPT, "%" PRIu64 " bytes", size);
    room = code ? NULL : buf_extend(bytes, (size_t)size);
    if (code == OK && room == NULL)
        code = buf_finish(bytes, err);
    if (code == OK)
        code = fs_read_exactly(file, 0, room, (size_t)size, err);
    fs_close(file);
    return code;
}

static enum code file_write(const struct guest_place *place, const char *path, struct bytes bytes,
                            struct error *err)
{
    struct fs *fs = place->store->options.fs;
    struct file *file = NULL;
    struct error ignored;
    enum code code;

    (void)!fs_unlink(fs, path, &ignored); /* what a crash cut short */
    code = fs_open(fs, path, FS_CREATE, &file, err);
    if (code == OK)
        code = fs_write(file, 0, &bytes, 1, err);
    fs_close(file);
    if (code)
        (void)!fs_unlink(fs, path, &ignored);
    return code;
}

static enum code enough_space(const struct guest_place *place, uint64_t bytes, struct error *err)
{
    uint64_t free_bytes = 0;
    enum code code = fs_space(place->store->options.fs, &free_bytes, err);

    if (code == OK && (free_bytes < space_bytes_min || free_bytes - space_bytes_min < bytes))
        code = error_set(err, E_DISK_FULL, "%" PRIu64 " bytes are free, it has %" PRIu64,
                         free_bytes, bytes);
    return code;
}

/* --- opening --- */

/* The chain's entry and the pack tell of the same. */
static enum code expect(const struct guest_place *place, const struct manifest_entry *entry,
                        const struct pack *pack, struct error *err)
{
    struct pack_about about = pack_about(pack);
    enum code code = manifest_entry_expect(entry, place->tenant->name, pack, err);

    if (code)
        return code;
    if (memcmp(pack_incarnation(pack), &entry->incarnation, sizeof(entry->incarnation)) != 0 ||
        about.bytes != entry->bytes || about.row_count != entry->row_count ||
        about.time_first != entry->time_first || about.time_last != entry->time_last ||
        about.ingest_first != entry->ingest_first || about.ingest_last != entry->ingest_last)
        return error_set(err, E_CORRUPT, "the chain tells of another pack");
    return OK;
}

static enum code add_series(void *context, struct bytes entry, struct error *err)
{
    const struct guest_place *place = context;
    struct series_registry *registry = place->store->options.registry;
    struct series *ignored;

    return registry->series(registry, place->tenant, entry, &ignored, err);
}

struct claiming {
    const struct guest_place *place;
    struct pack *pack;
};

static enum code claim(void *context, const struct guest_field *field, struct error *err)
{
    const struct claiming *claiming = context;
    struct series_registry *registry = claiming->place->store->options.registry;
    struct error found = {0};
    enum code code = registry->claim(registry, claiming->place->tenant, field->measurement,
                                     field->name, field->type, &found);

    if (code == E_FIELD_KIND)
        return pack_refuse(claiming->pack, field->measurement, field->name, field->type, err);
    if (code && err != NULL)
        *err = found;
    return code;
}

/* What is told of it comes before its rows do. */
static enum code enter(const struct guest_place *place, struct pack *pack, struct bytes fields,
                       struct error *err)
{
    struct claiming claiming = {place, pack};
    enum code code = pack_make_guest(pack, place->member, err);

    if (code == OK)
        code = pack_walk_series(pack, add_series, (void *)place, err);
    if (code == OK)
        code = guest_fields_walk(fields, claim, &claiming, err);
    if (code == OK && place->store->columns != NULL)
        pack_on_close(pack, column_cache_forget, place->store->columns);
    return code;
}

enum code guest_enter(const struct guest_place *place, struct pack *pack, struct error *err)
{
    struct buf fields = BUF_INIT(FIELDS_BYTES_MAX);
    enum code code = guest_fields_collect(pack, &fields, err);

    if (code == OK)
        code = enter(place, pack, buf_bytes(&fields), err);
    buf_release(&fields);
    return code;
}

/* A small one is all here, in memory, as our own are. */
static enum code open_small(const struct guest_place *place, const struct manifest_entry *entry,
                            struct pack **pack, struct buf *fields, struct error *err)
{
    struct buf bytes = BUF_INIT(SMALL_BYTES_MAX);
    char path[GUEST_PATH_SIZE];
    struct hash128 hash;
    enum code code;

    path_of(place, entry->number, "pack", path);
    code = file_read(place, path, SMALL_BYTES_MAX, &bytes, err);
    if (code == OK) {
        hash = hash128(buf_bytes(&bytes));
        if (memcmp(&hash, &entry->hash, sizeof(hash)) != 0)
            code = error_set(err, E_CORRUPT, "%s: it is not what the chain tells of", path);
    }
    if (code == OK)
        code = pack_open_memory(buf_bytes(&bytes), pack, err);
    if (code == OK)
        code = guest_fields_collect(*pack, fields, err);
    buf_release(&bytes);
    return code;
}

static enum code open_stub(const struct guest_place *place, const struct manifest_entry *entry,
                           struct pack **pack, struct buf *fields, struct error *err)
{
    char path[GUEST_PATH_SIZE];
    enum code code;

    path_of(place, entry->number, "fields", path);
    code = file_read(place, path, FIELDS_BYTES_MAX, fields, err);
    if (code)
        return code;
    path_of(place, entry->number, "stub", path);
    return pack_open_stub(place->store->options.fs, path, &place->store->bringer, pack, err);
}

enum code guest_file_open(const struct guest_place *place, const struct manifest_entry *entry,
                          struct pack **pack, struct error *err)
{
    struct buf fields = BUF_INIT(FIELDS_BYTES_MAX);
    enum code code;

    *pack = NULL;
    code = entry->in_file ? open_stub(place, entry, pack, &fields, err)
                          : open_small(place, entry, pack, &fields, err);
    if (code == OK)
        code = expect(place, entry, *pack, err);
    if (code == OK)
        code = enter(place, *pack, buf_bytes(&fields), err);
    if (code) {
        pack_unref(*pack);
        *pack = NULL;
    }
    buf_release(&fields);
    return code;
}

/* --- fetching --- */

/* All documents, one behind another, each given to `take`. */
struct fetching {
    const struct guest_place *place;
    struct archive *archive;
    const struct chain_pack *pack;
    const _Atomic bool *stop;
    struct file *file; /* NULL: they go into */
    struct buf bytes;
    uint64_t size; /* that came */
};

static enum code take(struct fetching *fetching, struct bytes part, struct error *err)
{
    enum code code = OK;

    if (part.size > fetching->pack->entry.bytes - fetching->size)
        return error_set(err, E_CORRUPT, "its parts are more than its %" PRIu64 " bytes",
                         fetching->pack->entry.bytes);
    if (fetching->file != NULL) {
        code = fs_write(fetching->file, fetching->size, &part, 1, err);
    } else {
        buf_put(&fetching->bytes, part);
        code = buf_finish(&fetching->bytes, err);
    }
    fetching->size += part.size;
    return code;
}

static enum code fetch_part(const struct fetching *fetching, uint32_t number, struct buf *part,
                            struct error *err)
{
    const struct manifest_entry *entry = &fetching->pack->entry;
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    enum code code;

    if (*fetching->stop)
        return error_set(err, E_DRAINING, "the server is shutting down");
    chain_database(fetching->place->tenant->name, database);
    chain_part_id(&entry->incarnation, entry->number, number, id);
    buf_clear(part);
    code = fetching->archive->operations->get(fetching->archive, bytes_of(database), ARCHIVE_PACKS,
                                              bytes_of(id), part, err);
    return code == E_NOT_FOUND
               ? error_set(err, E_SHARD, "document %s of %s is there no more", id, database)
               : code;
}

static enum code fetch_all(struct fetching *fetching, struct error *err)
{
    const struct chain_pack *pack = fetching->pack;
    struct buf part = BUF_INIT(PART_BYTES_MAX);
    struct hash128_state state;
    struct hash128 hash;
    enum code code = OK;

    hash128_begin(&state);
    for (uint32_t i = 0; code == OK && i < pack->parts; i++) {
        code = fetch_part(fetching, i, &part, err);
        if (code == OK)
            code = take(fetching, buf_bytes(&part), err);
        if (code == OK)
            hash128_add(&state, buf_bytes(&part));
    }
    buf_release(&part);
    hash = hash128_end(&state);
    if (code == OK && (fetching->size != pack->entry.bytes ||
                       memcmp(&hash, &pack->entry.hash, sizeof(hash)) != 0))
        code = error_set(err, E_CORRUPT, "its documents are not what the chain tells of");
    return code;
}

static enum code fetch_small(struct fetching *fetching, struct error *err)
{
    char path[GUEST_PATH_SIZE];
    enum code code = fetch_all(fetching, err);

    path_of(fetching->place, fetching->pack->entry.number, "pack", path);
    return code ? code : file_write(fetching->place, path, buf_bytes(&fetching->bytes), err);
}

/* Out of the whole pack, which is there for the moment. */
static enum code keep_some(const struct fetching *fetching, const char *whole, struct error *err)
{
    const struct guest_place *place = fetching->place;
    uint64_t number = fetching->pack->entry.number;
    struct buf fields = BUF_INIT(FIELDS_BYTES_MAX);
    struct pack *pack = NULL;
    char path[GUEST_PATH_SIZE];
    enum code code = pack_open_file(place->store->options.fs, whole, &pack, err);

    if (code == OK)
        code = expect(place, &fetching->pack->entry, pack, err);
    if (code == OK)
        code = guest_fields_collect(pack, &fields, err);
    path_of(place, number, "fields", path);
    if (code == OK)
        code = file_write(place, path, buf_bytes(&fields), err);
    path_of(place, number, "stub", path);
    if (code == OK)
        code = pack_stub_write(place->store->options.fs, path, pack, bytes_of(place->shard), err);
    pack_unref(pack);
    buf_release(&fields);
    return code;
}

/* Into a file, which is there whatever comes of it. */
static enum code fetch_into(struct fetching *fetching, const char *path, struct error *err)
{
    struct fs *fs = fetching->place->store->options.fs;
    struct error ignored;
    enum code code = enough_space(fetching->place, fetching->pack->entry.bytes, err);

    (void)!fs_unlink(fs, path, &ignored);
    if (code == OK)
        code = fs_open(fs, path, FS_CREATE, &fetching->file, err);
    if (code)
        return code;
    code = fetch_all(fetching, err);
    fs_close(fetching->file);
    return code;
}

static enum code fetch_large(struct fetching *fetching, struct error *err)
{
    const struct guest_place *place = fetching->place;
    char whole[GUEST_PATH_SIZE];
    struct error ignored;
    enum code code;

    path_of(place, fetching->pack->entry.number, "whole", whole);
    code = fetch_into(fetching, whole, err);
    if (code == OK)
        code = keep_some(fetching, whole, err);
    (void)!fs_unlink(place->store->options.fs, whole, &ignored);
    return code;
}

enum code guest_file_bring(const struct guest_place *place, struct archive *archive,
                           const struct chain_pack *pack, const char *path,
                           const _Atomic bool *stop, struct pack **out, struct error *err)
{
    struct fetching fetching = {
        .place = place,
        .archive = archive,
        .pack = pack,
        .stop = stop,
        .bytes = BUF_INIT(SMALL_BYTES_MAX),
    };
    enum code code =
        pack->entry.in_file ? fetch_into(&fetching, path, err) : fetch_all(&fetching, err);

    *out = NULL;
    if (code == OK)
        code = pack->entry.in_file ? pack_open_file(place->store->options.fs, path, out, err)
                                   : pack_open_memory(buf_bytes(&fetching.bytes), out, err);
    if (code == OK)
        code = expect(place, &pack->entry, *out, err);
    if (code) {
        pack_unref(*out);
        *out = NULL;
    }
    buf_release(&fetching.bytes);
    return code;
}

enum code guest_file_fetch(const struct guest_place *place, struct archive *archive,
                           const struct chain_pack *pack, const _Atomic bool *stop, uint64_t *bytes,
                           struct error *err)
{
    struct fetching fetching = {
        .place = place,
        .archive = archive,
        .pack = pack,
        .stop = stop,
        .bytes = BUF_INIT(SMALL_BYTES_MAX),
    };
    enum code code =
        pack->entry.in_file ? fetch_large(&fetching, err) : fetch_small(&fetching, err);

    *bytes += fetching.size;
    buf_release(&fetching.bytes);
    return code;
}
