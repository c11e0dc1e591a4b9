/* A shard that failed is left alone for half a minute: nobody is in a hurry.  What is wrong with a
 * pack, or with a tenant's chain, concerns no others: it alone rests, each time twice as long, so
 * that many of them leave time for the rest. */
#include "store/delivery/move.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "store/delivery/bring.h"
#include "store/delivery/chain.h"
#include "store/delivery/delivered.h"
#include "store/packs/manifest.h"
#include "store/packs/pack_parts.h"
#include "store/packs/pack_stub.h"
#include "store/state.h"

enum { PART_BYTES_MAX = 1 << 30 };

static const int64_t rest_first_ns = 30 * INT64_C(1000000000),
                     rest_most_ns = 3600 * INT64_C(1000000000);
static const char back_path[] = "parts/back"; /* a pack on its way here */

/* A shard. */
struct home {
    struct home *next;
    char name[SHARD_NAME_SIZE];
    struct archive *archive; /* NULL: to be opened */
    struct pack_rest rest;
};

/* A pack that readers may still have, and that is not in the list any more. */
struct gone {
    struct gone *next;
    struct pack *pack; /* a reference */
};

struct mover {
    struct store *store;
    const struct delivery_rules *rules;
    const _Atomic bool *stop;
    struct home *homes;
    struct gone *gone;
    struct pack_rest *tenants; /* owned; by ordinal */
    size_t tenant_capacity;
};

/* Who is to blame for a failure, and rests. */
enum whose {
    OF_SHARD, /* or of this machine */
    OF_TENANT,
    OF_PACK,
};

/* --- shards --- */

/* NULL: memory. */
static struct home *home_get(struct mover *mover, const char *name)
{
    struct home *home = mover->homes;

    while (home != NULL && strcmp(home->name, name) != 0)
        home = home->next;
    if (home != NULL || (home = calloc(1, sizeof(*home))) == NULL)
        return home;
    (void)snprintf(home->name, sizeof(home->name), "%s", name);
    home->next = mover->homes;
    mover->homes = home;
    return home;
}

static void home_leave(struct home *home)
{
    if (home->archive != NULL)
        home->archive->operations->close(home->archive);
    home->archive = NULL;
}

/* NULL: memory. */
static struct pack_rest *tenant_rest(struct mover *mover, const struct tenant *tenant)
{
    if (tenant->ordinal >= mover->tenant_capacity) {
        size_t capacity = 2 * (size_t)tenant->ordinal + 16;
        struct pack_rest *grown = realloc(mover->tenants, capacity * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        memset(grown + mover->tenant_capacity, 0,
               (capacity - mover->tenant_capacity) * sizeof(*grown));
        mover->tenants = grown;
        mover->tenant_capacity = capacity;
    }
    return &mover->tenants[tenant->ordinal];
}

static bool rests(const struct mover *mover, const struct pack_rest *rest)
{
    return clock_monotonic_ns(mover->store->options.clock) < rest->until_ns;
}

/* Whether the shard, the tenant or the pack was to blame not long ago; also when memory is short.
 */
static bool any_rests(struct mover *mover, const struct home *home, const struct tenant *tenant,
                      struct pack *pack)
{
    const struct pack_rest *rest = tenant_rest(mover, tenant);

    return rest == NULL || rests(mover, rest) || rests(mover, &home->rest) ||
           rests(mover, pack_rest(pack));
}

/* What says that something is lost or damaged, and not that it cannot be had now. */
static bool is_lasting(enum code code)
{
    return code == E_CORRUPT || code == E_SHARD || code == E_IO || code == E_NOT_FOUND;
}

/* Each is told once until it comes off again. */
static void note_failure(struct mover *mover, struct home *home, const struct tenant *tenant,
                         struct pack *pack, enum whose whose, enum code code,
                         const struct error *err)
{
    struct pack_rest *rest = whose == OF_SHARD    ? &home->rest
                             : whose == OF_TENANT ? tenant_rest(mover, tenant)
                                                  : pack_rest(pack);
    bool told;

    if (rest == NULL || code == E_DRAINING)
        return;
    told = rest->ns != 0;
    rest->ns = !told || rest == &home->rest   ? rest_first_ns
               : rest->ns >= rest_most_ns / 2 ? rest_most_ns
                                              : 2 * rest->ns;
    rest->until_ns = clock_monotonic_ns(mover->store->options.clock) + rest->ns;
    if (rest == &home->rest)
        home_leave(home);
    if (!told)
        log_event(is_lasting(code) ? LOG_ERROR : LOG_WARN,
                  "a pack stays where it is, on this machine or at its shard",
                  LOG_CSTR("pack", pack_name(pack)), LOG_CSTR("shard", home->name),
                  LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
}

static enum code home_enter(struct mover *mover, struct home *home, struct error *err)
{
    return home->archive != NULL
               ? OK
               : mover->rules->open(mover->rules->context, home->name, &home->archive, err);
}

/* --- what the shard has --- */

static enum code go_on(const struct mover *mover, struct error *err)
{
    return *mover->stop ? error_set(err, E_DRAINING, "the server is shutting down") : OK;
}

/* Every document is there, and is what is here. */
static enum code compare_documents(struct mover *mover, struct home *home, const struct pack *pack,
                                   uint32_t documents, struct error *err)
{
    struct buf here = BUF_INIT(PART_BYTES_MAX), there = BUF_INIT(PART_BYTES_MAX);
    struct pack_parts *parts = NULL;
    enum code code = pack_parts_open(pack, &parts, err);

    if (code == OK && pack_parts_count(parts) != documents)
        code = error_set(err, E_CORRUPT, "it has %u parts, the index says %u",
                         pack_parts_count(parts), documents);
    for (uint32_t part = 0; code == OK && part < documents; part++) {
        struct hash128 hash;

        buf_clear(&here);
        buf_clear(&there);
        code = go_on(mover, err);
        if (code == OK)
            code = pack_parts_read(parts, part, &here, &hash, err);
        if (code == OK)
            code = bring_part(home->archive, pack, parts, part, &there, err);
        if (code == OK && !bytes_equal(buf_bytes(&here), buf_bytes(&there)))
            code = error_set(err, E_CORRUPT, "document %u there is not what is here", part);
    }
    pack_parts_close(parts);
    buf_release(&here);
    buf_release(&there);
    return code;
}

/* The entry's bytes, appended. */
static enum code get_entry(struct mover *mover, struct home *home, const struct tenant *tenant,
                           uint64_t number, struct buf *body, struct error *err)
{
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];

    chain_database(tenant->name, database);
    chain_entry_id(&mover->store->incarnation, number, id);
    return home->archive->operations->get(home->archive, bytes_of(database), ARCHIVE_MANIFESTS,
                                          bytes_of(id), body, err);
}

/* A database that was emptied, or is another one, has no chain. */
static enum code chain_is_there(struct mover *mover, struct home *home, const struct tenant *tenant,
                                uint64_t next, struct error *err)
{
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    enum code code;

    if (next == 0)
        return error_set(err, E_SHARD, "it has no chain of the tenant");
    code = get_entry(mover, home, tenant, next - 1, &body, err);
    buf_release(&body);
    return code == E_NOT_FOUND
               ? error_set(err, E_SHARD, "it has lost chain entry %" PRIu64 " of %.*s", next - 1,
                           BYTES_ARG(tenant->name))
               : code;
}

/* Ours, which is noted in a moment or was since `next` was looked up, or somebody else's. */
static enum code judge_entry(struct mover *mover, const struct home *home,
                             const struct tenant *tenant, struct bytes body, struct error *err)
{
    const struct hash128 *incarnation = &mover->store->incarnation;
    struct chain_entry entry;
    struct arena arena;
    struct diff diff;
    enum code code = delivered_compare(mover->store->options.index, tenant->name,
                                       bytes_of(home->name), &diff, err);

    if (code)
        return code;
    arena_init(&arena, SIZE_MAX, NULL);
    code = chain_entry_decode(body, &arena, &entry, err);
    if (code == OK && entry.number >= diff.next &&
        (memcmp(&entry.incarnation, incarnation, sizeof(*incarnation)) != 0 ||
         !bytes_equal(entry.tenant, tenant->name) || !diff_explains(&diff, &entry)))
        code = error_set(err, E_CORRUPT,
                         "entry %" PRIu64 " of the chain of %.*s is another one's: the data "
                         "directory was copied and the copy was in use; no file goes from here "
                         "any more",
                         diff.next, BYTES_ARG(tenant->name));
    arena_release(&arena);
    diff_release(&diff);
    return code;
}

/* Whoever goes on with our chain beside us deletes documents of packs that he merges, which we list
 * still: once there is an entry that we have not written, all that is here stays.  *last: there is
 * no entry behind ours; else one is about to be noted. */
static enum code chain_is_ours(struct mover *mover, struct home *home, const struct tenant *tenant,
                               uint64_t next, bool *last, struct error *err)
{
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    struct error found = {0};
    enum code code = get_entry(mover, home, tenant, next, &body, &found);

    *last = code == E_NOT_FOUND;
    if (*last)
        code = OK;
    else if (code == OK)
        code = judge_entry(mover, home, tenant, buf_bytes(&body), &found);
    if (code && err != NULL)
        *err = found;
    buf_release(&body);
    return code;
}

/* What the shard is known to have of the pack; E_NOT_FOUND: it is not listed there. */
static enum code listed(struct mover *mover, const struct home *home, const struct tenant *tenant,
                        const struct pack *pack, struct chain_pack *known, uint64_t *next,
                        struct error *err)
{
    enum code code =
        delivered_listed(mover->store->options.index, tenant->name, bytes_of(home->name),
                         pack_about(pack).number, known, next, err);

    if (code == OK && memcmp(&known->entry.incarnation, pack_incarnation(pack),
                             sizeof(known->entry.incarnation)) != 0)
        code = E_NOT_FOUND;
    return code;
}

/* --- files --- */

static enum code sync_names(const struct mover *mover, const struct tenant *tenant,
                            struct error *err)
{
    char directory[PACK_PATH_SIZE];

    (void)snprintf(directory, sizeof(directory), "packs/%.*s", BYTES_ARG(tenant->name));
    return fs_sync_dir(mover->store->options.fs, directory, err);
}

/* Removes files of packs that nobody but this list has. */
void mover_clear(struct mover *mover)
{
    for (struct gone **at = &mover->gone; *at != NULL;) {
        struct gone *gone = *at;
        struct error err = {0};
        char path[PACK_PATH_SIZE];

        if (!pack_is_last(gone->pack)) {
            at = &gone->next;
            continue;
        }
        (void)snprintf(path, sizeof(path), "packs/%s.%s", pack_name(gone->pack),
                       pack_is_away(gone->pack) ? "stub" : "pack");
        if (fs_unlink(mover->store->options.fs, path, &err) != OK)
            log_error(LOG_WARN, "a pack's file stays until the next start", &err);
        *at = gone->next;
        pack_unref(gone->pack);
        free(gone);
    }
}

/* A file of the same name still has to go. */
static bool goes(const struct mover *mover, const struct pack *pack)
{
    for (const struct gone *gone = mover->gone; gone != NULL; gone = gone->next)
        if (strcmp(pack_name(gone->pack), pack_name(pack)) == 0)
            return true;
    return false;
}

/* Readers get `fresh`, which is taken over, in place of `old`, whose file goes then.  False: it is
 * merged or gone by now, or memory is short; then nothing was changed but that `fresh` is gone. */
static bool exchange(struct mover *mover, const struct tenant *tenant, struct pack *old,
                     struct pack *fresh)
{
    struct store *store = mover->store;
    struct holding *holding;
    struct gone *gone = malloc(sizeof(*gone));
    struct pack_list *list = NULL, *now;
    bool found = false;

    pthread_mutex_lock(&store->state_lock);
    holding = store->holdings[tenant->ordinal];
    now = holding->packs;
    if (gone != NULL && now != NULL && !holding->compacting)
        list = pack_list_new(now->count);
    for (size_t i = 0; list != NULL && i < now->count; i++) {
        bool here = now->packs[i] == old;

        found |= here;
        list->packs[list->count++] = here ? fresh : pack_ref(now->packs[i]);
    }
    if (found) {
        holding->packs = list;
        list = now;
    }
    pthread_mutex_unlock(&store->state_lock);
    if (found) {
        *gone = (struct gone){mover->gone, pack_ref(old)};
        mover->gone = gone;
    } else {
        pack_unref(fresh);
        free(gone);
    }
    pack_list_unref(list);
    return found;
}

/* --- away --- */

static enum code stub_make(struct mover *mover, const struct home *home,
                           const struct tenant *tenant, struct pack *pack,
                           const struct manifest_entry *entry, bool *did, struct error *err)
{
    struct store *store = mover->store;
    struct pack *stub = NULL;
    struct error ignored;
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_stub_path(tenant->name, entry->number, path);
    code = pack_stub_write(store->options.fs, path, pack, bytes_of(home->name), err);
    if (code)
        return code;
    code = sync_names(mover, tenant, err);
    if (code == OK)
        code = store_open_stub(store, tenant->name, entry, &stub, err);
    *did = code == OK && exchange(mover, tenant, pack, stub);
    if (!*did)
        (void)!fs_unlink(store->options.fs, path, &ignored);
    return code;
}

static enum code send_away(struct mover *mover, struct home *home, const struct tenant *tenant,
                           struct pack *pack, const struct chain_pack *known, uint64_t next,
                           bool *did, enum whose *whose, struct error *err)
{
    bool last = false;
    enum code code = home_enter(mover, home, err);

    *did = false;
    *whose = code == OK ? OF_TENANT : OF_SHARD;
    if (code == OK)
        code = chain_is_there(mover, home, tenant, next, err);
    if (code == OK)
        code = chain_is_ours(mover, home, tenant, next, &last, err);
    if (code || !last)
        return code;
    *whose = OF_PACK;
    code = compare_documents(mover, home, pack, known->parts, err);
    if (code)
        return code;
    *whose = OF_TENANT; /* once more: that took its time */
    code = chain_is_ours(mover, home, tenant, next, &last, err);
    if (code || !last)
        return code;
    *whose = OF_PACK;
    return stub_make(mover, home, tenant, pack, &known->entry, did, err);
}

/* Else all that is read for a move may be in vain. */
static bool is_free(struct mover *mover, const struct tenant *tenant, const struct pack *pack)
{
    struct store *store = mover->store;
    bool compacting;

    pthread_mutex_lock(&store->state_lock);
    compacting = store->holdings[tenant->ordinal]->compacting;
    pthread_mutex_unlock(&store->state_lock);
    return !compacting && !goes(mover, pack);
}

static enum moved conclude(struct mover *mover, struct home *home, const struct tenant *tenant,
                           struct pack *pack, enum whose whose, enum code code,
                           const struct error *err, bool did)
{
    if (code) {
        note_failure(mover, home, tenant, pack, whose, code, err);
        return MOVE_FAILED;
    }
    if (!did)
        return MOVE_NONE;
    home->rest = *tenant_rest(mover, tenant) = (struct pack_rest){0};
    return MOVE_DONE;
}

enum moved move_away(struct mover *mover, const struct tenant *tenant, struct pack *pack)
{
    char name[SHARD_NAME_SIZE];
    struct chain_pack known;
    struct error err = {0};
    struct home *home;
    enum whose whose;
    uint64_t next;
    bool did;
    enum code code;

    if (!is_free(mover, tenant, pack) || !delivery_rules_shard(mover->rules, tenant, name) ||
        (home = home_get(mover, name)) == NULL || any_rests(mover, home, tenant, pack) ||
        listed(mover, home, tenant, pack, &known, &next, &err) != OK)
        return MOVE_NONE;
    code = send_away(mover, home, tenant, pack, &known, next, &did, &whose, &err);
    if (did)
        log_event(LOG_DEBUG, "a pack is at its shard alone now", LOG_CSTR("pack", pack_name(pack)),
                  LOG_CSTR("shard", home->name), LOG_UINT("bytes", pack_about(pack).bytes));
    return conclude(mover, home, tenant, pack, is_lasting(code) ? whose : OF_SHARD, code, &err,
                    did);
}

/* --- and back --- */

/* It is to be rewritten: as much again beside it, and as much for everybody else. */
static enum code enough_room(const struct mover *mover, const struct manifest_entry *entry,
                             struct error *err)
{
    uint64_t free_bytes = 0;
    enum code code = fs_space(mover->store->options.fs, &free_bytes, err);

    if (code == OK && free_bytes / 3 < entry->bytes)
        code = error_set(err, E_DISK_FULL,
                         "to bring back and rewrite a pack of %" PRIu64
                         " bytes wants three times that free, %" PRIu64 " are",
                         entry->bytes, free_bytes);
    return code;
}

/* All documents one behind another, synced, as the file `back_path`. */
static enum code fetch_file(struct mover *mover, struct home *home, const struct pack *pack,
                            const struct manifest_entry *entry, struct error *err)
{
    struct fs *fs = mover->store->options.fs;
    const struct pack_parts *parts = pack_stub_parts(pack);
    struct buf part = BUF_INIT(PART_BYTES_MAX);
    struct hash128_state state;
    struct hash128 hash;
    struct file *file = NULL;
    struct error ignored;
    uint64_t at = 0;
    enum code code;

    (void)!fs_unlink(fs, back_path, &ignored);
    hash128_begin(&state);
    code = fs_open(fs, back_path, FS_CREATE, &file, err);
    for (uint32_t i = 0; code == OK && i < pack_parts_count(parts); i++) {
        struct bytes bytes;

        buf_clear(&part);
        code = go_on(mover, err);
        if (code == OK)
            code = bring_part(home->archive, pack, parts, i, &part, err);
        bytes = buf_bytes(&part);
        if (code == OK)
            code = fs_write(file, at, &bytes, 1, err);
        hash128_add(&state, bytes);
        at += bytes.size;
    }
    hash = hash128_end(&state);
    if (code == OK && memcmp(&hash, &entry->hash, sizeof(hash)) != 0)
        code = error_set(err, E_CORRUPT, "what is there is not the pack of the manifest");
    if (code == OK)
        code = fs_sync(file, err);
    fs_close(file);
    if (code) /* what there is of it takes room */
        (void)!fs_unlink(fs, back_path, &ignored);
    buf_release(&part);
    return code;
}

static enum code take_back(struct mover *mover, struct home *home, const struct tenant *tenant,
                           struct pack *pack, const struct manifest_entry *entry, bool *did,
                           struct error *err)
{
    struct store *store = mover->store;
    struct pack *whole = NULL;
    struct error ignored;
    char path[PACK_PATH_SIZE];
    enum code code = enough_room(mover, entry, err);

    if (code == OK)
        code = home_enter(mover, home, err);
    *did = false;
    pack_path(tenant->name, entry->number, path);
    if (code == OK)
        code = fetch_file(mover, home, pack, entry, err);
    if (code == OK)
        code = fs_rename(store->options.fs, back_path, path, err);
    if (code == OK)
        code = sync_names(mover, tenant, err);
    if (code == OK)
        code = store_open_pack(store, tenant->name, entry, (struct bytes){0}, &whole, err);
    if (code)
        return code;
    pack_want(whole); /* it stays until it was rewritten */
    *did = exchange(mover, tenant, pack, whole);
    if (!*did)
        (void)!fs_unlink(store->options.fs, path, &ignored);
    return OK;
}

enum moved move_back(struct mover *mover, const struct tenant *tenant, struct pack *pack)
{
    char name[SHARD_NAME_SIZE];
    struct chain_pack known;
    struct error err = {0};
    struct home *home;
    bool did = false;
    enum code code = delivered_whole(mover->store->options.index, tenant->name,
                                     pack_about(pack).number, name, &known, &err);

    if (code)
        (void)snprintf(name, sizeof(name), "%s", pack_shard(pack));
    home = is_free(mover, tenant, pack) ? home_get(mover, name) : NULL;
    if (home == NULL || rests(mover, &home->rest) || rests(mover, pack_rest(pack)))
        return MOVE_NONE;
    if (code == E_NOT_FOUND)
        code = error_set(&err, E_SHARD, "no shard is known to have all of it");
    else if (code == OK)
        code = take_back(mover, home, tenant, pack, &known.entry, &did, &err);
    /* No room for this one is no reason to send nothing away, which makes some. */
    return conclude(mover, home, tenant, pack,
                    is_lasting(code) || code == E_DISK_FULL ? OF_PACK : OF_SHARD, code, &err, did);
}

/* --- all of it --- */

enum code mover_new(struct store *store, const struct delivery_rules *rules,
                    const _Atomic bool *stop, struct mover **mover, struct error *err)
{
    *mover = malloc(sizeof(**mover));
    if (*mover == NULL)
        return error_set(err, E_MEMORY, "no memory to move packs");
    **mover = (struct mover){.store = store, .rules = rules, .stop = stop};
    return OK;
}

void mover_free(struct mover *mover)
{
    if (mover == NULL)
        return;
    while (mover->homes != NULL) {
        struct home *home = mover->homes;

        mover->homes = home->next;
        home_leave(home);
        free(home);
    }
    while (mover->gone != NULL) {
        struct gone *gone = mover->gone;

        mover->gone = gone->next;
        pack_unref(gone->pack);
        free(gone);
    }
    free(mover->tenants);
    free(mover);
}
