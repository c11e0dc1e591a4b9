/* New packs in place of a plan's.  What is read comes whole and is held against its hash; what
 * comes out lies beside it, below care/, until all of it is at the shard.  What packs carry goes
 * along: deletions, that hide rows of any member.  Notes of idempotent writes do not: their author
 * takes none any more. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/record.h"
#include "store/guests/caretaker_inside.h"
#include "store/packs/merge.h"
#include "store/packs/pack_writer.h"
#include "store/state.h"

enum {
    CARRY_BYTES_MAX = 256 << 20,
    VERSIONS_MAX = 8 << 20, /* as compaction */
    PATH_SIZE = 64,
};

/* Beside what is read and what is written: the wal needs it more. */
static const uint64_t space_bytes_min = UINT64_C(256) * 1024 * 1024;

struct making {
    struct care *care;
    const struct care_plan *plan;
    struct care_made *made;
    struct pack *whole[COMPACTION_PACKS_MAX]; /* of the plan's packs; none where none is read */
    size_t whole_count;
    struct arena carried;
    struct bytes *deletions;
    int64_t *ingest; /* theirs, and */
    size_t deletion_count, deletion_capacity;
};

static void path_of(uint64_t number, const char *kind, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "care/%016" PRIx64 ".%s", number, kind);
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to rewrite packs");
}

static struct fs *fs_of(const struct making *making)
{
    return making->care->caretaker->store->options.fs;
}

/* --- what goes in --- */

static enum code enough_space(const struct making *making, struct error *err)
{
    uint64_t free_bytes = 0, wanted = 3 * making->plan->compaction.bytes + space_bytes_min;
    enum code code = fs_space(fs_of(making), &free_bytes, err);

    if (code == OK && free_bytes < wanted)
        code = error_set(err, E_DISK_FULL, "%" PRIu64 " bytes are free, %" PRIu64 " are wanted",
                         free_bytes, wanted);
    return code;
}

static enum code bring_one(struct making *making, uint64_t number, struct error *err)
{
    struct care *care = making->care;
    const struct chain_pack *listed = chain_list_find(&care->follow.list, number);
    struct guest_place place = {care->caretaker->store, care->tenant, care->shard->name,
                                care->incarnation, care->member};
    char path[PATH_SIZE];
    enum code code;

    if (listed == NULL)
        return error_set(err, E_NOT_READY, "the chain has gone on");
    path_of(number, "in", path);
    code = guest_file_bring(&place, care->shard->archive, listed, path, &care->caretaker->stop,
                            &making->whole[making->whole_count], err);
    making->whole_count += code == OK;
    return code;
}

/* Of what has expired nothing is read. */
static enum code bring_all(struct making *making, struct error *err)
{
    const struct compaction *compaction = &making->plan->compaction;
    enum code code = compaction->span_count == 0 ? OK : enough_space(making, err);

    for (size_t i = 0; code == OK && compaction->span_count > 0 && i < compaction->pack_count; i++)
        code = bring_one(making, pack_about(compaction->packs[i]).number, err);
    return code;
}

/* --- what goes along --- */

static bool is_carried(const struct making *making, int64_t ingest)
{
    for (size_t i = 0; i < making->deletion_count; i++)
        if (making->ingest[i] == ingest)
            return true;
    return false;
}

static bool carry_room(struct making *making)
{
    size_t count = making->deletion_count, capacity = making->deletion_capacity * 2 + 16;
    struct bytes *deletions;
    int64_t *ingest;

    if (count < making->deletion_capacity)
        return true;
    deletions = arena_grow(&making->carried, making->deletions, count * sizeof(*deletions),
                           capacity * sizeof(*deletions));
    ingest = arena_grow(&making->carried, making->ingest, count * sizeof(*ingest),
                        capacity * sizeof(*ingest));
    if (deletions == NULL || ingest == NULL)
        return false;
    making->deletions = deletions;
    making->ingest = ingest;
    making->deletion_capacity = capacity;
    return true;
}

static enum code carry(void *context, struct bytes entry, struct error *err)
{
    struct making *making = context;
    struct tombstone tombstone;
    struct bytes kept;
    struct arena arena;
    enum code code;

    arena_init(&arena, CARRY_BYTES_MAX, NULL);
    code = tombstone_decode(entry, &arena, &tombstone, err);
    arena_release(&arena);
    if (code || is_carried(making, tombstone.ingest))
        return code;
    kept = arena_copy(&making->carried, entry);
    if (kept.data == NULL || !carry_room(making))
        return no_memory(err);
    making->deletions[making->deletion_count] = kept;
    making->ingest[making->deletion_count++] = tombstone.ingest;
    return OK;
}

static enum code carry_all(struct making *making, struct error *err)
{
    const struct compaction *compaction = &making->plan->compaction;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < compaction->pack_count; i++)
        code = pack_walk_tombstones(compaction->packs[i], carry, making, err);
    return code;
}

/* --- what comes out --- */

/* Of a current pack; its history has the number behind it. */
static struct pack_identity identity_of(const struct making *making)
{
    const struct compaction *compaction = &making->plan->compaction;
    struct pack_identity identity = {
        .tenant = making->care->tenant->name,
        .incarnation = making->care->incarnation,
        .lsn_first = UINT64_MAX,
        .kind = PACK_CURRENT,
        .settled = making->plan->settled,
        .floor = making->plan->floor,
    };

    random_secure(&identity.number, sizeof(identity.number));
    identity.number = (identity.number | PACK_NUMBER_DRAWN) & ~UINT64_C(1);
    for (size_t i = 0; i < compaction->pack_count; i++) {
        struct pack_about about = pack_about(compaction->packs[i]);

        if (about.lsn_first < identity.lsn_first)
            identity.lsn_first = about.lsn_first;
        if (about.lsn_last > identity.lsn_last)
            identity.lsn_last = about.lsn_last;
    }
    return identity;
}

static enum code writer_open(const struct making *making, const struct pack_identity *identity,
                             struct pack_writer **writer, struct error *err)
{
    char path[PATH_SIZE];

    path_of(identity->number, "out", path);
    return pack_writer_open(fs_of(making), path, identity, writer, err);
}

/* Ends the writer; it is gone afterwards. */
static enum code finish(struct making *making, const struct pack_identity *identity,
                        struct pack_writer *writer, struct error *err)
{
    struct new_pack *made = &making->made->packs[making->made->count];
    char path[PATH_SIZE];
    enum code code = new_pack_finish(making->care->tenant, identity, writer, made, err);

    if (code)
        return code;
    making->made->count++;
    path_of(identity->number, "out", path);
    return made->entry.in_file ? pack_open_file(fs_of(making), path, &made->pack, err)
                               : pack_open_memory(made->inline_bytes, &made->pack, err);
}

static enum code merge_all(struct making *making, struct pack_writer *current,
                           struct pack_writer *history, struct error *err)
{
    struct store *store = making->care->caretaker->store;
    const struct care_plan *plan = making->plan;
    const struct compaction *compaction = &plan->compaction;
    struct merge_options options = {
        .tenant = making->care->tenant,
        .registry = store->options.registry,
        .rules = store->options.rules,
        .packs = making->whole,
        .pack_count = making->whole_count,
        .tombstones = plan->tombstones,
        .tombstone_count = plan->tombstone_count,
        .settled = plan->settled,
        .floor = INT64_MIN, /* what the author kept stays */
        .time_floor = plan->time_floor,
        .versions_max = VERSIONS_MAX,
        .pace = caretaker_pace,
        .context = making->care->caretaker,
    };
    struct merge *merge = NULL;
    enum code code = merge_new(&options, &merge, err);

    if (code == OK)
        code = merge_span(merge, compaction->spans[0].start,
                          compaction->spans[compaction->span_count - 1].end, current, history, err);
    merge_free(merge);
    return code;
}

static enum code write_carried(const struct making *making, struct pack_writer *writer,
                               struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < making->deletion_count; i++)
        code = pack_writer_tombstone(writer, making->deletions[i], err);
    return code;
}

static enum code write(struct making *making, struct error *err)
{
    struct pack_identity current_identity = identity_of(making), history_identity;
    struct pack_writer *current = NULL, *history = NULL;
    bool has_history;
    enum code code;

    history_identity = current_identity;
    history_identity.number++;
    history_identity.kind = PACK_HISTORY;
    code = writer_open(making, &current_identity, &current, err);
    if (code == OK)
        code = writer_open(making, &history_identity, &history, err);
    if (code == OK && making->plan->compaction.span_count > 0)
        code = merge_all(making, current, history, err);
    if (code == OK)
        code = write_carried(making, current, err);
    has_history = code == OK && pack_writer_rows(history) > 0;
    /* A history pack always has its current one, were it empty: they are found as a pair. */
    if (code == OK &&
        (has_history || making->deletion_count > 0 || pack_writer_rows(current) > 0)) {
        code = finish(making, &current_identity, current, err);
        current = NULL;
    }
    if (code == OK && has_history) {
        code = finish(making, &history_identity, history, err);
        history = NULL;
    }
    pack_writer_abort(current);
    pack_writer_abort(history);
    return code;
}

static void whole_remove(struct making *making)
{
    for (size_t i = 0; i < making->plan->compaction.pack_count; i++) {
        struct error ignored;
        char path[PATH_SIZE];

        if (i < making->whole_count)
            pack_unref(making->whole[i]);
        path_of(pack_about(making->plan->compaction.packs[i]).number, "in", path);
        (void)!fs_unlink(fs_of(making), path, &ignored);
    }
}

enum code care_packs_make(struct care *care, const struct care_plan *plan, struct care_made *made,
                          struct error *err)
{
    struct making making = {.care = care, .plan = plan, .made = made};
    enum code code = fs_make_dir(fs_of(&making), "care", err);

    arena_init(&making.carried, CARRY_BYTES_MAX, NULL);
    *made = (struct care_made){calloc(CARE_PACKS_MAX, sizeof(*made->packs)), 0};
    if (made->packs == NULL)
        code = no_memory(err);
    if (code == OK)
        code = carry_all(&making, err);
    if (code == OK)
        code = bring_all(&making, err);
    if (code == OK)
        code = write(&making, err);
    whole_remove(&making);
    arena_release(&making.carried);
    return code;
}

void care_packs_remove(struct care *care, struct care_made *made)
{
    for (size_t i = 0; i < made->count; i++) {
        struct error ignored;
        char path[PATH_SIZE];

        if (!made->packs[i].entry.in_file)
            continue;
        path_of(made->packs[i].entry.number, "out", path);
        (void)!fs_unlink(care->caretaker->store->options.fs, path, &ignored);
    }
    new_packs_free(made->packs, made->count);
    *made = (struct care_made){.count = 0};
}

static void sweep_one(void *context, const char *name)
{
    struct store *store = context;
    char path[sizeof("care/") + 255];
    struct error ignored;

    (void)snprintf(path, sizeof(path), "care/%s", name);
    (void)!fs_unlink(store->options.fs, path, &ignored);
}

void care_packs_sweep(struct store *store)
{
    struct error ignored;

    (void)!fs_list(store->options.fs, "care", sweep_one, store, &ignored);
}
