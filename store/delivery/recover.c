/* All chains are read first, so that room is known to suffice before anything is brought.  Then
 * pack by pack: its documents one behind another into a file, synced, and into the index.  A crash
 * leaves a directory that has not its name yet: the caller's staging. */
#include "store/delivery/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "store/delivery/chain_read.h"
#include "store/delivery/rebuild.h"
#include "store/index.h"
#include "store/verify.h"

enum {
    PART_BYTES_MAX = 16 << 20, /* MongoDB takes no larger document */
    WAIT_MS_FIRST = 100,
    WAIT_MS_MAX = 2000,
};

struct recover {
    const struct recover_options *options;
    struct recover_report *report;
    struct chain_list *lists; /* of each tenant */
    struct index *index;
    struct rebuild *rebuild;
    uint64_t done, total;
    int64_t through; /* the greatest */
    struct buf part;
    char first_fault[ERROR_TEXT_SIZE];
};

static enum code step(struct recover *recover, uint64_t bytes, struct error *err)
{
    const struct recover_options *options = recover->options;

    recover->done += bytes;
    return options->step == NULL
               ? OK
               : options->step(options->context, recover->done, recover->total, err);
}

/* --- what there is to bring --- */

static enum code read_chains(struct recover *recover, struct error *err)
{
    struct recover_report *report = recover->report;

    report->through = INT64_MAX;
    recover->through = INT64_MIN;
    for (size_t i = 0; i < recover->options->tenant_count; i++) {
        const struct recover_tenant *tenant = &recover->options->tenants[i];
        struct chain_about about;
        enum code code = chain_read(tenant->archive, tenant->name, &tenant->incarnation,
                                    &recover->lists[i], &about, err);

        if (code)
            return code;
        if (about.through < report->through)
            report->through = about.through;
        if (about.through > recover->through)
            recover->through = about.through;
        report->packs += about.packs;
        report->rows += about.rows;
        if (__builtin_add_overflow(recover->total, about.bytes, &recover->total))
            return error_set(err, E_CORRUPT, "the packs are larger than any disk");
    }
    report->bytes = recover->total;
    return OK;
}

static enum code enough_room(const struct recover *recover, struct error *err)
{
    uint64_t free_bytes;
    enum code code = fs_space(recover->options->to, &free_bytes, err);

    if (code == OK && recover->total > free_bytes)
        code = error_set(err, E_DISK_FULL,
                         "the packs have %" PRIu64 " bytes, and %" PRIu64 " bytes are free there",
                         recover->total, free_bytes);
    return code;
}

/* --- a pack --- */

/* One document, waited for as long as patience lasts: a shard that changes its primary must not
 * cost hours of work. */
static enum code get_part(struct recover *recover, const struct recover_tenant *tenant,
                          struct bytes database, struct bytes id, struct error *err)
{
    int64_t began_ns = clock_monotonic_ns(clock_system());
    unsigned wait_ms = WAIT_MS_FIRST;

    for (;;) {
        struct error found = {0};
        struct timespec rest = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
        enum code code;

        buf_clear(&recover->part);
        code = tenant->archive->operations->get(tenant->archive, database, ARCHIVE_PACKS, id,
                                                &recover->part, &found);
        if ((code != E_NOT_READY && code != E_TIMEOUT) ||
            clock_monotonic_ns(clock_system()) - began_ns >= recover->options->patience_ns) {
            if (code && err != NULL)
                *err = found;
            return code;
        }
        (void)nanosleep(&rest, NULL); /* a signal ends it early; step() sees to that */
        wait_ms = 2 * wait_ms < WAIT_MS_MAX ? 2 * wait_ms : WAIT_MS_MAX;
        code = step(recover, 0, err);
        if (code)
            return code;
    }
}

/* A pack on its way: into a file, or into memory. */
struct bringing {
    const struct recover_tenant *tenant;
    const struct chain_pack *pack;
    struct file *file; /* NULL: it is a value of the index */
    struct buf bytes;
    struct hash128_state hash;
    uint64_t size;
};

static enum code add_part(struct bringing *bringing, struct bytes part, struct error *err)
{
    uint64_t left = bringing->pack->entry.bytes - bringing->size;
    enum code code = OK;

    if (part.size > left)
        return error_set(err, E_CORRUPT, "its parts are more than its %" PRIu64 " bytes",
                         bringing->pack->entry.bytes);
    hash128_add(&bringing->hash, part);
    if (bringing->file == NULL) {
        buf_put(&bringing->bytes, part);
        code = buf_finish(&bringing->bytes, err);
    } else {
        code = fs_write(bringing->file, bringing->size, &part, 1, err);
    }
    bringing->size += part.size;
    return code;
}

static enum code bring_parts(struct recover *recover, struct bringing *bringing, struct error *err)
{
    const struct manifest_entry *entry = &bringing->pack->entry;
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    struct hash128 hash;
    enum code code = OK;

    chain_database(bringing->tenant->name, database);
    hash128_begin(&bringing->hash);
    for (uint32_t i = 0; code == OK && i < bringing->pack->parts; i++) {
        chain_part_id(&entry->incarnation, entry->number, i, id);
        code = get_part(recover, bringing->tenant, bytes_of(database), bytes_of(id), err);
        if (code == E_NOT_FOUND)
            error_context(err, "a server may have compacted it meanwhile; try again");
        if (code == OK)
            code = add_part(bringing, buf_bytes(&recover->part), err);
        if (code == OK)
            code = step(recover, recover->part.size, err);
    }
    if (code)
        return code;
    hash = hash128_end(&bringing->hash);
    if (bringing->size != entry->bytes || memcmp(&hash, &entry->hash, sizeof(hash)) != 0)
        code =
            error_set(err, E_CORRUPT, "its documents together are not what the chain was told of");
    return code;
}

static enum code bring_pack(struct recover *recover, const struct recover_tenant *tenant,
                            const struct chain_pack *pack, struct error *err)
{
    struct bringing bringing = {
        .tenant = tenant,
        .pack = pack,
        .bytes = BUF_INIT((size_t)PART_BYTES_MAX * 2),
    };
    char path[PACK_PATH_SIZE];
    enum code code = OK;

    pack_path(tenant->name, pack->entry.number, path);
    if (pack->entry.in_file)
        code = fs_open(recover->options->to, path, FS_CREATE, &bringing.file, err);
    if (code == OK)
        code = bring_parts(recover, &bringing, err);
    if (code == OK && bringing.file != NULL)
        code = fs_sync(bringing.file, err);
    fs_close(bringing.file);
    if (code)
        error_context(err, "%s", path);
    else
        code = rebuild_add(recover->rebuild, tenant->name, &pack->entry, buf_bytes(&bringing.bytes),
                           err);
    buf_release(&bringing.bytes);
    return code;
}

/* --- all of it --- */

static enum code bring_tenant(struct recover *recover, size_t at, struct error *err)
{
    const struct recover_tenant *tenant = &recover->options->tenants[at];
    const struct chain_list *list = &recover->lists[at];
    struct fs *to = recover->options->to;
    char directory[PACK_PATH_SIZE];
    enum code code;

    (void)snprintf(directory, sizeof(directory), "packs/%.*s", BYTES_ARG(tenant->name));
    code = fs_make_dir(to, directory, err);
    for (size_t i = 0; code == OK && i < list->count; i++)
        code = bring_pack(recover, tenant, &list->packs[i], err);
    if (code == OK)
        code = fs_sync_dir(to, directory, err);
    return code;
}

static enum code bring_all(struct recover *recover, struct error *err)
{
    static const char *const directories[] = {"index", "packs", "wal"}; /* as a first start's */
    const struct recover_options *options = recover->options;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < COUNT_OF(directories); i++)
        code = fs_make_dir(options->to, directories[i], err);
    if (code == OK)
        code =
            index_lmdb_open(options->index_path, options->map_bytes, false, &recover->index, err);
    if (code == OK)
        code = rebuild_new(options->to, recover->index, &recover->rebuild, err);
    for (size_t i = 0; code == OK && i < options->tenant_count; i++)
        code = bring_tenant(recover, i, err);
    if (code == OK)
        code = fs_sync_dir(options->to, "packs", err);
    if (code == OK)
        code =
            rebuild_finish(recover->rebuild, recover->through, &recover->report->incarnation, err);
    return code;
}

static void note_fault(void *context, const char *fault)
{
    struct recover *recover = context;

    if (recover->first_fault[0] == '\0')
        (void)snprintf(recover->first_fault, sizeof(recover->first_fault), "%s", fault);
}

static enum code verify(struct recover *recover, struct error *err)
{
    struct verify_report found;
    enum code code =
        store_verify(recover->options->to, recover->index, note_fault, recover, &found, err);

    if (code)
        return code;
    if (found.faults > 0)
        return error_set(err, E_CORRUPT, "%s", recover->first_fault);
    recover->report->series = found.series;
    recover->report->tombstones = found.tombstones;
    recover->report->notes = found.notes;
    return OK;
}

enum code recover_run(const struct recover_options *options, struct recover_report *report,
                      struct error *err)
{
    struct recover recover = {
        .options = options,
        .report = report,
        .lists = calloc(options->tenant_count + 1, sizeof(*recover.lists)),
        .part = BUF_INIT(PART_BYTES_MAX),
    };
    enum code code;

    *report = (struct recover_report){.packs = 0};
    code = recover.lists == NULL ? error_set(err, E_MEMORY, "no memory for lists of packs")
                                 : read_chains(&recover, err);
    if (code == OK)
        code = enough_room(&recover, err);
    if (code == OK)
        code = bring_all(&recover, err);
    if (code == OK)
        code = verify(&recover, err);
    rebuild_free(recover.rebuild);
    index_lmdb_close(recover.index);
    for (size_t i = 0; recover.lists != NULL && i < options->tenant_count; i++)
        chain_list_release(&recover.lists[i]);
    free(recover.lists);
    buf_release(&recover.part);
    return code;
}
