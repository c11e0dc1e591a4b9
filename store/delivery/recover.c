/* All chains are read first, so that room is known to suffice before anything is brought.  Then
 * pack by pack: its documents one behind another into a file, synced, and into the index.  A crash
 * leaves a directory that has not its name yet: the caller's staging.
 *
 * The store that delivers may be alive, and compact: documents go some time after the chain names
 * them no more.  When one is missing the chain is read again; what it still names is kept, so each
 * try has less to do, and one that it still names although it is missing is lost. */
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
    TRIES_MAX = 20,
};

/* Of a tenant, both ascending by number. */
struct arriving {
    struct chain_list listed, here;
    struct chain_about about; /* of the list */
};

struct recover {
    const struct recover_options *options;
    struct recover_report *report;
    struct arriving *tenants;
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

static enum code read_list(struct recover *recover, size_t at, struct error *err)
{
    const struct recover_tenant *tenant = &recover->options->tenants[at];
    struct arriving *arriving = &recover->tenants[at];

    chain_list_release(&arriving->listed);
    return chain_read(tenant->archive, tenant->name, &tenant->incarnation, &arriving->listed,
                      &arriving->about, err);
}

static enum code read_lists(struct recover *recover, struct error *err)
{
    for (size_t i = 0; i < recover->options->tenant_count; i++) {
        enum code code = read_list(recover, i, err);

        if (code)
            return code;
        if (__builtin_add_overflow(recover->total, recover->tenants[i].about.bytes,
                                   &recover->total))
            return error_set(err, E_CORRUPT, "the packs are larger than any disk");
    }
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
        struct timespec rest = {.tv_sec = wait_ms / 1000,
                                .tv_nsec = wait_ms % 1000 * INT64_C(1000000)};
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
    struct error ignored;
    enum code code = OK;

    pack_path(tenant->name, pack->entry.number, path);
    if (pack->entry.in_file)
        code = fs_open(recover->options->to, path, FS_CREATE, &bringing.file, err);
    if (code == OK)
        code = bring_parts(recover, &bringing, err);
    if (code == OK && bringing.file != NULL)
        code = fs_sync(bringing.file, err);
    fs_close(bringing.file);
    if (code && bringing.file != NULL)
        (void)!fs_unlink(recover->options->to, path, &ignored);
    if (code)
        error_context(err, "%s", path);
    else
        code = rebuild_add(recover->rebuild, tenant->name, &pack->entry, buf_bytes(&bringing.bytes),
                           err);
    buf_release(&bringing.bytes);
    return code;
}

/* --- all of it --- */

/* Whether the list has this pack, and no other one of its number. */
static bool has(const struct chain_list *list, const struct manifest_entry *entry)
{
    const struct chain_pack *pack = chain_list_find(list, entry->number);

    return pack != NULL && memcmp(&pack->entry.hash, &entry->hash, sizeof(entry->hash)) == 0;
}

static enum code note_here(struct chain_list *here, const struct chain_pack *pack,
                           struct error *err)
{
    size_t at = chain_list_place(here, pack->entry.number);

    if (here->count == here->capacity) {
        size_t capacity = here->capacity == 0 ? 64 : 2 * here->capacity;
        struct chain_pack *grown = realloc(here->packs, capacity * sizeof(*grown));

        if (grown == NULL)
            return error_set(err, E_MEMORY, "no memory for a list of %zu packs", capacity);
        here->packs = grown;
        here->capacity = capacity;
    }
    memmove(here->packs + at + 1, here->packs + at, (here->count - at) * sizeof(*here->packs));
    here->packs[at] = *pack;
    here->count++;
    return OK;
}

static enum code bring_missing(struct recover *recover, size_t at, struct error *err)
{
    struct arriving *arriving = &recover->tenants[at];
    enum code code = OK;

    for (size_t i = 0; code == OK && i < arriving->listed.count; i++) {
        const struct chain_pack *pack = &arriving->listed.packs[i];

        if (has(&arriving->here, &pack->entry))
            continue;
        code = bring_pack(recover, &recover->options->tenants[at], pack, err);
        if (code == OK)
            code = note_here(&arriving->here, pack, err);
    }
    return code;
}

/* What is here and not listed any more goes; progress is told of what is still to come. */
static enum code keep_listed(struct recover *recover, size_t at, struct error *err)
{
    struct arriving *arriving = &recover->tenants[at];
    struct bytes tenant = recover->options->tenants[at].name;
    size_t kept = 0;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < arriving->here.count; i++) {
        const struct chain_pack pack = arriving->here.packs[i];
        char path[PACK_PATH_SIZE];

        if (has(&arriving->listed, &pack.entry)) {
            arriving->here.packs[kept++] = pack;
            continue;
        }
        code = rebuild_remove(recover->rebuild, tenant, &pack.entry, err);
        pack_path(tenant, pack.entry.number, path);
        if (code == OK && pack.entry.in_file)
            code = fs_unlink(recover->options->to, path, err);
    }
    arriving->here.count = kept;
    recover->total = recover->done;
    for (size_t t = at; t < recover->options->tenant_count; t++)
        for (size_t i = 0; i < recover->tenants[t].listed.count; i++)
            if (!has(&recover->tenants[t].here, &recover->tenants[t].listed.packs[i].entry))
                recover->total += recover->tenants[t].listed.packs[i].entry.bytes;
    return code;
}

/* A document is missing, as *err says: whether its pack is not listed any more. */
static enum code look_again(struct recover *recover, size_t at, struct error *err)
{
    uint64_t last = recover->tenants[at].about.last;
    struct error found = {0};
    enum code code = read_list(recover, at, &found);

    if (code) {
        if (err != NULL)
            *err = found;
        return code;
    }
    if (recover->tenants[at].about.last == last) {
        if (err != NULL)
            err->code = E_CORRUPT;
        error_context(err, "the chain names it still");
        return E_CORRUPT;
    }
    return keep_listed(recover, at, err);
}

static enum code bring_tenant(struct recover *recover, size_t at, struct error *err)
{
    struct fs *to = recover->options->to;
    char directory[PACK_PATH_SIZE];
    unsigned tries = 1;
    enum code code;

    (void)snprintf(directory, sizeof(directory), "packs/%.*s",
                   BYTES_ARG(recover->options->tenants[at].name));
    code = fs_make_dir(to, directory, err);
    if (code == OK)
        code = bring_missing(recover, at, err);
    for (; code == E_NOT_FOUND; tries++) {
        if (tries == TRIES_MAX)
            return error_set(err, E_BUSY, "packs were compacted faster than they were fetched");
        code = look_again(recover, at, err);
        if (code == OK)
            code = bring_missing(recover, at, err);
    }
    if (code == OK)
        code = fs_sync_dir(to, directory, err);
    return code;
}

/* What has come, when all has. */
static void sum_up(struct recover *recover)
{
    struct recover_report *report = recover->report;

    report->through = INT64_MAX;
    recover->through = INT64_MIN;
    for (size_t i = 0; i < recover->options->tenant_count; i++) {
        const struct chain_about *about = &recover->tenants[i].about;

        if (about->through < report->through)
            report->through = about->through;
        if (about->through > recover->through)
            recover->through = about->through;
        report->packs += about->packs;
        report->rows += about->rows;
        report->bytes += about->bytes;
    }
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
    sum_up(recover);
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
        .tenants = calloc(options->tenant_count + 1, sizeof(*recover.tenants)),
        .part = BUF_INIT(PART_BYTES_MAX),
    };
    enum code code;

    *report = (struct recover_report){.packs = 0};
    code = recover.tenants == NULL ? error_set(err, E_MEMORY, "no memory for lists of packs")
                                   : read_lists(&recover, err);
    if (code == OK)
        code = enough_room(&recover, err);
    if (code == OK)
        code = bring_all(&recover, err);
    if (code == OK)
        code = verify(&recover, err);
    rebuild_free(recover.rebuild);
    index_lmdb_close(recover.index);
    for (size_t i = 0; recover.tenants != NULL && i < options->tenant_count; i++) {
        chain_list_release(&recover.tenants[i].listed);
        chain_list_release(&recover.tenants[i].here);
    }
    free(recover.tenants);
    buf_release(&recover.part);
    return code;
}
