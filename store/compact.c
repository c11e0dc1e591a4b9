/* One compaction of one tenant: some of its packs become others.
 *
 * Order, and what a crash leaves:
 *   1. pack files written and fdatasync'ed, their directory synced   -> files nobody names: removed
 *      at start
 *   2. one index transaction: manifest entries and small packs added and removed, deletions that
 *      nothing needs any more removed, pack counter                  -> all of it, or step 1's
 *      leftovers
 *   3. readers get the new packs in place of the old
 *   4. old files are removed once the last reader has gone           -> files nobody names, again
 *
 * Sealing goes on meanwhile: a transaction of either waits for the other's, and both change the
 * tenant's list of packs under state_lock. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "codec/block_codec.h"
#include "codec/record.h"
#include "store/index.h"
#include "store/member.h"
#include "store/new_pack.h"
#include "store/packs/compaction.h"
#include "store/packs/manifest.h"
#include "store/packs/merge.h"
#include "store/packs/pack.h"
#include "store/packs/pack_writer.h"
#include "store/state.h"

enum {
    CARRY_BYTES_MAX = 256 << 20,
    VERSIONS_MAX =
        8 << 20, /* of one row: one a second for 97 days, a week more than history is kept */
};

/* In the index from the transaction that ends an erasure until its pages have been overwritten. */
static const struct bytes scrub_mark = BYTES("scrub");

struct compact {
    struct store *store;
    const struct tenant *tenant;
    struct holding *holding;
    struct pack_list *packs; /* as they were when the run began */
    struct tombstone_list *tombstones;
    int64_t sealed, settled, floor, time_floor;
    struct compaction plan;
    struct new_pack *made;
    size_t made_count;
    struct arena carried; /* what the old packs carry and is still needed */
    struct bytes *notes, *deletions;
    size_t note_count, deletion_count;
    int64_t *dead; /* ingest times of deletions that go */
    size_t dead_count;
    bool drops;  /* versions that lost may go: there are some of before the floor */
    bool erases; /* some of them were to erase: nothing of what was removed may stay in files */
    struct buf key, value;
};

/* --- what travels in packs --- */

/* Whether it is still a deletion of the tenant.  One that died earlier may be met as well: its pack
 * was not among those that were merged then. */
static bool tombstone_lives(const struct compact *compact, int64_t ingest)
{
    const struct tombstone_list *list = compact->tombstones;
    size_t first = 0, end = list == NULL ? 0 : list->count;

    while (first < end) { /* ascending */
        size_t middle = first + (end - first) / 2;

        if (list->tombstones[middle].ingest < ingest)
            first = middle + 1;
        else
            end = middle;
    }
    if (list == NULL || first == list->count || list->tombstones[first].ingest != ingest)
        return false;
    for (size_t i = 0; i < compact->dead_count; i++)
        if (compact->dead[i] == ingest)
            return false;
    return true;
}

static enum code carry(struct compact *compact, struct bytes **list, size_t *count,
                       struct bytes entry, struct error *err)
{
    struct bytes *grown = *list;

    if ((*count & (*count - 1)) == 0)
        grown = arena_grow(&compact->carried, *list, *count * sizeof(*grown),
                           (*count == 0 ? 1 : 2 * *count) * sizeof(*grown));
    if (grown != NULL)
        *list = grown;
    if (grown == NULL || (grown[*count] = arena_copy(&compact->carried, entry)).data == NULL)
        return error_set(err, E_MEMORY, "no memory for what packs carry");
    ++*count;
    return OK;
}

static enum code carry_tombstone(void *context, struct bytes entry, struct error *err)
{
    struct compact *compact = context;
    struct tombstone tombstone;
    struct arena arena;
    enum code code;

    arena_init(&arena, CARRY_BYTES_MAX, NULL);
    code = tombstone_decode(entry, &arena, &tombstone, err);
    arena_release(&arena);
    if (code || !tombstone_lives(compact, tombstone.ingest))
        return code;
    return carry(compact, &compact->deletions, &compact->deletion_count, entry, err);
}

static enum code carry_note(void *context, struct bytes entry, struct error *err)
{
    struct compact *compact = context;
    int64_t keep_ns = (int64_t)compact->store->limits.idempotency_ms_max * 1000000;
    struct note note;
    enum code code = note_decode(entry, &note, err);

    if (code || note.ingest < compact->sealed - keep_ns)
        return code;
    return carry(compact, &compact->notes, &compact->note_count, entry, err);
}

static enum code carry_all(struct compact *compact, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < compact->plan.pack_count; i++) {
        code = pack_walk_tombstones(compact->plan.packs[i], carry_tombstone, compact, err);
        if (code == OK)
            code = pack_walk_notes(compact->plan.packs[i], carry_note, compact, err);
    }
    return code;
}

/* --- step 1 --- */

/* Of a current pack; its history has the number behind it. */
static struct pack_identity identity_of(const struct compact *compact)
{
    const struct compaction *plan = &compact->plan;
    struct pack_identity identity = {
        .tenant = compact->tenant->name,
        .incarnation = compact->store->incarnation,
        .number = atomic_fetch_add(&compact->store->pack_next, 2),
        .lsn_first = UINT64_MAX,
        .kind = PACK_CURRENT,
        .settled = compact->settled,
        .floor = compact->floor,
    };

    for (size_t i = 0; i < plan->pack_count; i++) {
        struct pack_about about = pack_about(plan->packs[i]);

        if (about.lsn_first < identity.lsn_first)
            identity.lsn_first = about.lsn_first;
        if (about.lsn_last > identity.lsn_last)
            identity.lsn_last = about.lsn_last;
    }
    return identity;
}

/* The first pack of all takes along what travels. */
static enum code write_carried(struct compact *compact, struct pack_writer *writer,
                               struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < compact->deletion_count; i++)
        code = pack_writer_tombstone(writer, compact->deletions[i], err);
    for (size_t i = 0; code == OK && i < compact->note_count; i++)
        code = pack_writer_note(writer, compact->notes[i], err);
    return code;
}

/* Ends the writer; it is gone afterwards. */
static enum code made_add(struct compact *compact, const struct pack_identity *identity,
                          struct pack_writer *writer, struct error *err)
{
    struct new_pack *made = &compact->made[compact->made_count];
    enum code code = new_pack_finish(compact->tenant, identity, writer, made, err);

    if (code)
        return code;
    compact->made_count++;
    return store_open_pack(compact->store, identity->tenant, &made->entry, made->inline_bytes,
                           &made->pack, err);
}

/* One span; without `merge` nothing but what is carried. */
static enum code span_write(struct compact *compact, struct merge *merge,
                            const struct compaction_span *span, struct error *err)
{
    bool first = compact->made_count == 0;
    bool carries = first && compact->deletion_count + compact->note_count > 0;
    struct pack_identity current_identity = identity_of(compact);
    struct pack_identity history_identity = current_identity;
    struct pack_writer *current = NULL, *history = NULL;
    bool has_history;
    enum code code;

    history_identity.number++;
    history_identity.kind = PACK_HISTORY;
    code = new_pack_begin(compact->store, &current_identity, &current, err);
    if (code == OK)
        code = new_pack_begin(compact->store, &history_identity, &history, err);
    if (code == OK && merge != NULL)
        code = merge_span(merge, span->start, span->end, current, history, err);
    if (code == OK && carries)
        code = write_carried(compact, current, err);
    has_history = code == OK && pack_writer_rows(history) > 0;
    /* A history pack always has its current one, were it empty: they are found as a pair. */
    if (code == OK && (has_history || carries || pack_writer_rows(current) > 0)) {
        code = made_add(compact, &current_identity, current, err);
        current = NULL;
    }
    if (code == OK && has_history) {
        code = made_add(compact, &history_identity, history, err);
        history = NULL;
    }
    pack_writer_abort(current);
    pack_writer_abort(history);
    return code;
}

static enum code packs_write(struct compact *compact, struct error *err)
{
    const struct compaction *plan = &compact->plan;
    struct store *store = compact->store;
    struct merge_options options = {
        .tenant = compact->tenant,
        .registry = store->options.registry,
        .rules = store->options.rules,
        .packs = plan->packs,
        .pack_count = plan->pack_count,
        .tombstones = compact->tombstones == NULL ? NULL : compact->tombstones->tombstones,
        .tombstone_count = compact->tombstones == NULL ? 0 : compact->tombstones->count,
        .settled = compact->settled,
        .floor = compact->floor,
        .time_floor = compact->time_floor,
        .versions_max = VERSIONS_MAX,
        .pace = store_compact_pace,
        .context = store,
    };
    struct merge *merge = NULL;
    enum code code;

    compact->made = calloc(2 * plan->span_count + 2, sizeof(*compact->made));
    if (compact->made == NULL)
        return error_set(err, E_MEMORY, "no memory for the list of packs");
    code = new_pack_make_dir(store, compact->tenant, err);
    if (code == OK && plan->span_count > 0)
        code = merge_new(&options, &merge, err);
    for (size_t i = 0; code == OK && i < plan->span_count; i++)
        code = span_write(compact, merge, &plan->spans[i], err);
    merge_free(merge);
    if (code == OK && compact->made_count == 0 && compact->deletion_count + compact->note_count > 0)
        code = span_write(compact, NULL, NULL, err);
    if (code == OK)
        code = new_packs_sync_names(store, compact->made, compact->made_count, err);
    return code;
}

/* --- step 2 --- */

static enum code put(struct compact *compact, struct index_transaction *transaction,
                     enum index_table table, struct error *err)
{
    enum code code = buf_finish(&compact->key, err);

    if (code == OK)
        code = buf_finish(&compact->value, err);
    if (code == OK)
        code = compact->store->options.index->operations->put(
            transaction, table, buf_bytes(&compact->key), buf_bytes(&compact->value), err);
    buf_clear(&compact->key);
    buf_clear(&compact->value);
    return code;
}

static enum code take_out(struct compact *compact, struct index_transaction *transaction,
                          enum index_table table, struct error *err)
{
    enum code code = buf_finish(&compact->key, err);

    if (code == OK)
        code = compact->store->options.index->operations->remove(transaction, table,
                                                                 buf_bytes(&compact->key), err);
    buf_clear(&compact->key);
    return code;
}

/* The new packs in, the merged ones out. */
static enum code exchange_packs(struct compact *compact, struct index_transaction *transaction,
                                struct error *err)
{
    struct bytes tenant = compact->tenant->name;
    enum code code =
        new_packs_put(compact->store, transaction, compact->made, compact->made_count, err);

    for (size_t i = 0; code == OK && i < compact->plan.pack_count; i++) {
        struct pack_about about = pack_about(compact->plan.packs[i]);

        index_key_u64(tenant, about.number, &compact->key);
        code = take_out(compact, transaction, INDEX_MANIFEST, err);
        index_key_u64(tenant, about.number, &compact->key);
        if (code == OK && !about.in_file)
            code = take_out(compact, transaction, INDEX_PACK, err);
        buf_clear(&compact->key);
    }
    return code;
}

/* The deletions that go leave a mark: an answer may differ from one before them, and nothing else
 * would tell. */
static enum code drop_dead(struct compact *compact, struct index_transaction *transaction,
                           struct error *err)
{
    int64_t last = compact->holding->deleted_last;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < compact->dead_count; i++) {
        last = compact->dead[i] > last ? compact->dead[i] : last;
        index_key_i64(compact->tenant->name, compact->dead[i], &compact->key);
        code = take_out(compact, transaction, INDEX_TOMBSTONE, err);
    }
    if (code || compact->dead_count == 0)
        return code;
    buf_put(&compact->key, BYTES("deleted/"));
    buf_put(&compact->key, compact->tenant->name);
    buf_put_i64(&compact->value, last);
    code = put(compact, transaction, INDEX_META, err);
    if (code || !compact->erases)
        return code;
    buf_put(&compact->key, scrub_mark);
    buf_put_u8(&compact->value, 1);
    return put(compact, transaction, INDEX_META, err);
}

/* Later the tenant's history may be made longer, or the clock be set back a little: what is gone
 * stays gone, and nobody may be answered as if it had never been there. */
static enum code put_floor(struct compact *compact, struct index_transaction *transaction,
                           struct error *err)
{
    if (!compact->drops)
        return OK;
    buf_put(&compact->key, BYTES("floor/"));
    buf_put(&compact->key, compact->tenant->name);
    buf_put_i64(&compact->value, compact->floor);
    return put(compact, transaction, INDEX_META, err);
}

/* *unknown: the commit itself failed, and may be found done at the next start. */
static enum code compact_commit(struct compact *compact, bool *unknown, struct error *err)
{
    struct store *store = compact->store;
    const struct index_operations *index = store->options.index->operations;
    struct index_transaction *transaction;
    uint64_t pack_next;
    enum code code = index->begin(store->options.index, true, &transaction, err);

    if (code)
        return code;
    code = exchange_packs(compact, transaction, err);
    if (code == OK)
        code = drop_dead(compact, transaction, err);
    if (code == OK)
        code = put_floor(compact, transaction, err);
    pack_next = store->pack_next;
    if (code == OK)
        code = index->put(transaction, INDEX_META, BYTES("pack_next"),
                          (struct bytes){(const char *)&pack_next, sizeof(pack_next)}, err);
    if (code == OK && failpoint("compact.before_manifest"))
        code = error_set(err, E_IO, "failpoint compact.before_manifest");
    if (code) {
        index->abort(transaction);
        return code;
    }
    code = index->commit(transaction, err);
    *unknown = code != OK && code != E_DISK_FULL && code != E_MEMORY;
    return code;
}

/* --- steps 3 and 4 --- */

static bool was_merged(const struct compact *compact, const struct pack *pack)
{
    for (size_t i = 0; i < compact->plan.pack_count; i++)
        if (compact->plan.packs[i] == pack)
            return true;
    return false;
}

static int number_order(const void *a, const void *b)
{
    uint64_t left = pack_about(*(struct pack *const *)a).number;
    uint64_t right = pack_about(*(struct pack *const *)b).number;

    return left < right ? -1 : left > right;
}

/* The old packs go to the retired ones, with the reference of the list. */
static enum code compact_publish(struct compact *compact, struct error *err)
{
    struct store *store = compact->store;
    struct holding *holding = compact->holding;
    struct pack_list *now, *list;
    enum code code;

    pthread_mutex_lock(&store->state_lock);
    now = holding->packs;
    list = pack_list_new(now->count + compact->made_count);
    /* Both or none: without its deletions an old pack would show what they hid. */
    code = list == NULL ? error_set(err, E_MEMORY, "no memory for the list of packs")
                        : holding_drop_tombstones(holding, compact->dead, compact->dead_count, err);
    if (code) {
        pack_list_unref(list);
    } else {
        for (size_t i = 0; i < now->count; i++)
            if (!was_merged(compact, now->packs[i]))
                list->packs[list->count++] = pack_ref(now->packs[i]);
        for (size_t i = 0; i < compact->made_count; i++) {
            list->packs[list->count++] = compact->made[i].pack;
            compact->made[i].pack = NULL;
        }
        qsort(list->packs, list->count, sizeof(struct pack *), number_order);
        pack_list_unref(now);
        holding->packs = list;
        holding->packs_changed++;
        if (compact->drops)
            holding->history_floor = compact->floor;
    }
    pthread_mutex_unlock(&store->state_lock);
    for (size_t i = 0; code == OK && i < compact->plan.pack_count; i++)
        if (pack_about(compact->plan.packs[i]).in_file)
            code = store_retire_pack(store, compact->plan.packs[i], err);
    return code;
}

/* --- the run --- */

/* Whether it is this plan that takes the rows out of packs. */
static bool is_carried_out(const struct compact *compact, const struct tombstone *tombstone)
{
    for (size_t i = 0; i < compact->plan.pack_count; i++) {
        struct pack_about about = pack_about(compact->plan.packs[i]);

        if (compaction_may_hold(&about, tombstone))
            return true;
    }
    return false;
}

/* Deletions that nothing needs once the plan is carried out. */
static enum code find_dead(struct compact *compact, struct error *err)
{
    const struct tombstone_list *tombstones = compact->tombstones;
    /* Rows of other members may need them: whether all of those are known, nobody can tell; nor who
     * there is where a member is started without its registry. */
    bool shared = store_has_members(compact->store) ||
                  (!compact->store->options.joins && store_member(compact->store) > 0);
    size_t count = 0, kept = 0;
    struct pack **packs;

    if (tombstones == NULL)
        return OK;
    compact->dead = calloc(tombstones->count + 1, sizeof(*compact->dead));
    packs = calloc(compact->packs->count + 1, sizeof(struct pack *));
    if (compact->dead == NULL || packs == NULL) {
        free(packs);
        return error_set(err, E_MEMORY, "no memory to look at deletions");
    }
    for (size_t i = 0; i < compact->packs->count; i++)
        if (!was_merged(compact, compact->packs->packs[i]))
            packs[kept++] = compact->packs->packs[i];
    for (size_t i = 0; i < tombstones->count; i++) {
        const struct tombstone *tombstone = &tombstones->tombstones[i];

        if (!compaction_outlived(tombstone, packs, kept, compact->sealed, compact->floor))
            continue;
        if (!shared)
            compact->dead[count++] = tombstone->ingest;
        compact->erases |= tombstone->erase && (!shared || is_carried_out(compact, tombstone));
    }
    compact->dead_count = count;
    free(packs);
    return OK;
}

/* Room for what comes out beside what goes in, and as much again for everybody else. */
static enum code space_check(const struct compact *compact, struct error *err)
{
    uint64_t free_bytes = 0;
    enum code code;

    if (compact->plan.span_count == 0) /* nothing of them stays: it makes room */
        return OK;
    code = fs_space(compact->store->options.fs, &free_bytes, err);
    if (code == OK && free_bytes < 2 * compact->plan.bytes)
        code =
            error_set(err, E_DISK_FULL,
                      "merging %" PRIu64 " bytes of packs wants twice that free, %" PRIu64 " are",
                      compact->plan.bytes, free_bytes);
    return code;
}

static enum code compact_plan(struct compact *compact, bool force, struct error *err)
{
    struct store *store = compact->store;
    int64_t now_ns = clock_wall_ns(store->options.clock);
    int64_t retention_ns = INT64_MAX, history_ns = INT64_MAX;
    struct compaction_wish wish = {.force = force, .plain_max = store->limits.compact_packs_max};
    struct error ignored;
    bool clock_ok;
    enum code code;

    pthread_mutex_lock(&store->state_lock);
    compact->holding = store->holdings[compact->tenant->ordinal];
    compact->packs = pack_list_ref(compact->holding->packs);
    compact->holding->compacting = true; /* these very packs are in the list until the end */
    compact->tombstones = tombstone_list_ref(compact->holding->tombstones);
    compact->sealed = store->sealed_ingest;
    clock_ok = stamp_check(&store->stamp, &ignored) == OK; /* else age says nothing */
    pthread_mutex_unlock(&store->state_lock);
    if (compact->packs == NULL)
        return OK;
    store->options.rules->ages(store->options.rules->context, compact->tenant, &retention_ns,
                               &history_ns);
    compact->floor = clock_ok ? compaction_floor(now_ns, history_ns) : INT64_MIN;
    if (compact->holding->history_floor != 0 && compact->floor < compact->holding->history_floor)
        compact->floor = compact->holding->history_floor;
    compact->time_floor = clock_ok ? compaction_floor(now_ns, retention_ns) : INT64_MIN;
    wish.packs = compact->packs->packs;
    wish.pack_count = compact->packs->count;
    wish.tombstones = compact->tombstones == NULL ? NULL : compact->tombstones->tombstones;
    wish.tombstone_count = compact->tombstones == NULL ? 0 : compact->tombstones->count;
    wish.sealed = compact->sealed;
    wish.floor = compact->floor;
    wish.history_ns = history_ns;
    wish.time_floor = compact->time_floor;
    wish.bad = compact->holding->bad_packs;
    wish.bad_count = compact->holding->bad_pack_count;
    code = compaction_plan(&wish, &compact->plan, err);
    if (code || compact->plan.pack_count == 0)
        return code;
    compact->settled = INT64_MIN;
    for (size_t i = 0; i < compact->plan.pack_count; i++) {
        struct pack_about about = pack_about(compact->plan.packs[i]);
        int64_t last = about.settled > about.ingest_last ? about.settled : about.ingest_last;

        compact->settled = last > compact->settled ? last : compact->settled;
        compact->drops |= about.row_count > 0 && about.ingest_first <= compact->floor;
    }
    /* Deletions that are in packs are applied as well. */
    for (size_t i = 0; i < wish.tombstone_count; i++)
        if (wish.tombstones[i].ingest <= compact->sealed &&
            wish.tombstones[i].ingest > compact->settled)
            compact->settled = wish.tombstones[i].ingest;
    return OK;
}

/* A pack that cannot be read keeps others from being merged with it: it is left as it is.  True:
 * the others can be tried without those that were found. */
static bool note_bad_packs(struct compact *compact)
{
    struct block_decoder *decoder = NULL;
    struct error err = {0};
    bool found = false;

    if (block_decoder_new(&decoder, &err) != OK)
        return false;
    for (size_t i = 0; i < compact->plan.pack_count; i++) {
        const struct pack *pack = compact->plan.packs[i];

        if (pack_is_away(pack)) /* it was not read */
            continue;
        if (pack_check(pack, decoder, &err) == E_CORRUPT) {
            log_error(LOG_ERROR, "a damaged pack is not compacted", &err);
            found |= holding_note_bad_pack(compact->holding, pack_about(pack).number);
        }
        if (store_compact_pace(compact->store, NULL))
            break; /* the store is closing */
    }
    block_decoder_free(decoder);
    return found;
}

/* All that is planned, as new packs. */
static enum code packs_make(struct compact *compact, bool *again, struct error *err)
{
    struct error found = {0};
    enum code code = space_check(compact, &found);

    if (code == OK)
        code = carry_all(compact, &found);
    if (code == OK)
        code = packs_write(compact, &found);
    *again = code == E_CORRUPT && note_bad_packs(compact);
    if (code && !*again && err != NULL)
        *err = found;
    return code;
}

static void compact_release(struct compact *compact)
{
    if (compact->holding != NULL) {
        pthread_mutex_lock(&compact->store->state_lock);
        compact->holding->compacting = false;
        pthread_mutex_unlock(&compact->store->state_lock);
    }
    new_packs_free(compact->made, compact->made_count);
    free(compact->dead);
    compaction_release(&compact->plan);
    pack_list_unref(compact->packs);
    tombstone_list_unref(compact->tombstones);
    arena_release(&compact->carried);
    buf_release(&compact->key);
    buf_release(&compact->value);
}

static void compact_tell(const struct compact *compact, int64_t began_ns)
{
    const struct store_metrics *metrics = &compact->store->metrics;
    uint64_t bytes = 0;

    for (size_t i = 0; i < compact->made_count; i++)
        bytes += compact->made[i].entry.bytes;
    metric_add(metrics->compactions, 1);
    metric_add(metrics->compacted_bytes, compact->plan.bytes);
    metric_add(metrics->compaction_bytes, bytes);
    metric_observe_ns(metrics->compaction_seconds,
                      clock_monotonic_ns(compact->store->options.clock) - began_ns);
    log_event(LOG_DEBUG, "compacted", LOG_TEXT("tenant", compact->tenant->name),
              LOG_UINT("packs", compact->plan.pack_count), LOG_UINT("into", compact->made_count),
              LOG_UINT("bytes", compact->plan.bytes), LOG_UINT("into_bytes", bytes));
}

enum code store_compact_tenant(struct store *store, const struct tenant *tenant, bool force,
                               bool *did, struct error *err)
{
    struct compact compact = {
        .store = store,
        .tenant = tenant,
        .key = BUF_INIT(1024),
        .value = BUF_INIT((size_t)1024 * 1024),
    };
    int64_t began_ns = clock_monotonic_ns(store->options.clock);
    bool unknown = false, committed = false, again = false;
    enum code code;

    *did = false;
    arena_init(&compact.carried, CARRY_BYTES_MAX, NULL);
    code = compact_plan(&compact, force, err);
    if (code == OK)
        code = compact.packs == NULL ? OK : find_dead(&compact, err);
    if (code || compact.plan.pack_count + compact.dead_count == 0)
        goto out;
    if (compact.plan.pack_count > 0)
        code = packs_make(&compact, &again, err);
    if (code == OK) {
        code = compact_commit(&compact, &unknown, err);
        committed = code == OK;
    }
    if (!committed && !unknown)
        new_packs_undo(store, compact.made, compact.made_count);
    if (committed) {
        store->scrub_wanted |= compact.erases;
        code = compact_publish(&compact, err);
    }
    if (code == OK)
        compact_tell(&compact, began_ns);
    else if (committed || unknown)
        store_fail(store, err); /* perhaps in the index, but not shown */
    *did = code == OK || again;
    if (again)
        code = OK;

out:
    compact_release(&compact);
    if (code)
        error_context(err, "compacting %.*s", BYTES_ARG(tenant->name));
    return code;
}

bool store_scrub_marked(struct store *store)
{
    const struct index_operations *index = store->options.index->operations;
    struct index_transaction *transaction;
    struct bytes value;
    bool marked;

    if (index->begin(store->options.index, false, &transaction, NULL) != OK)
        return true; /* once too often does no harm */
    marked = index->get(transaction, INDEX_META, scrub_mark, &value, NULL) != E_NOT_FOUND;
    index->abort(transaction);
    return marked;
}

enum code store_scrub(struct store *store, struct error *err)
{
    const struct index_operations *index = store->options.index->operations;
    struct index_transaction *transaction;
    enum code code = OK;

    if (!store->scrub_wanted)
        return OK;
    if (index->scrub != NULL)
        code = index->scrub(store->options.index, err);
    if (code == OK)
        code = index->begin(store->options.index, true, &transaction, err);
    if (code)
        goto out;
    code = index->remove(transaction, INDEX_META, scrub_mark, err);
    if (code)
        index->abort(transaction);
    else
        code = index->commit(transaction, err);
    store->scrub_wanted = code != OK;

out:
    if (code)
        error_context(err, "overwriting what was erased");
    return code;
}
