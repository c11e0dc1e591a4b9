/* Sealing: the oldest frozen generation becomes packs, one a tenant, and behind it one of what the
 * tenant's sources have done, which may have to wait where it is delivered, as rows must not.
 *
 * Order, and what a crash leaves:
 *   1. pack files written and fdatasync'ed, their directory synced    -> files nobody names:
 * removed at start
 *   2. one index transaction: manifest entries, small packs, series keys, fields, deletions, notes,
 *      sealed position, pack counter                                  -> all of it, or step 1's
 * leftovers
 *   3. readers get the packs in place of the generation
 *   4. the wal is trimmed up to the sealed position                   -> sealed records skipped at
 * start */
#include <assert.h>
#include <inttypes.h>

#include "base/log.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/packs/pack_stub.h"
#include "store/seal_inside.h"

/* Step 3: readers see the packs from here on, and the generation no more. */
static enum code seal_publish(struct seal *seal, struct error *err)
{
    struct store *store = seal->store;
    uint64_t head_bytes = 0;
    enum code code = OK;

    pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; code == OK && i < seal->pack_count; i++) {
        struct holding *holding = store_holding(store, seal->packs[i].tenant);

        code = holding == NULL ? error_set(err, E_MEMORY, "no memory for a tenant")
                               : holding_add_pack(holding, seal->packs[i].pack, err);
        if (code)
            break;
        seal->packs[i].pack = NULL;
        holding->rows.stored += seal->packs[i].entry.row_count;
        holding->rows.queued -= seal->packs[i].entry.row_count;
    }
    if (code == OK) {
        assert(store->generations[0] == seal->generation);
        store->generation_count--;
        memmove(store->generations, store->generations + 1,
                store->generation_count * sizeof(struct generation *));
        store->sealed_count++;
        store->sealed_ingest = seal->generation->ingest_last;
        for (size_t i = 0; i < store->generation_count; i++)
            head_bytes += generation_bytes(store->generations[i]);
        store->head_bytes = head_bytes; /* at once: store_submit() reads it without the lock */
    }
    pthread_mutex_unlock(&store->state_lock);
    store->sealed_lsn = seal->generation->lsn_last;
    return code;
}

/* *pack is as `code` says. */
static enum code opened(struct store *store, struct bytes tenant,
                        const struct manifest_entry *entry, enum code code, struct pack **pack,
                        struct error *err)
{
    if (code == OK)
        code = manifest_entry_expect(entry, tenant, *pack, err);
    if (code) {
        pack_unref(*pack);
        *pack = NULL;
        return code;
    }
    if (store->columns != NULL)
        pack_on_close(*pack, column_cache_forget, store->columns);
    return OK;
}

enum code store_open_pack(struct store *store, struct bytes tenant,
                          const struct manifest_entry *entry, struct bytes inline_bytes,
                          struct pack **pack, struct error *err)
{
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_path(tenant, entry->number, path);
    code = entry->in_file ? pack_open_file(store->options.fs, path, pack, err)
                          : pack_open_memory(inline_bytes, pack, err);
    return opened(store, tenant, entry, code, pack, err);
}

enum code store_open_stub(struct store *store, struct bytes tenant,
                          const struct manifest_entry *entry, struct pack **pack, struct error *err)
{
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_stub_path(tenant, entry->number, path);
    code = pack_open_stub(store->options.fs, path, &store->bringer, pack, err);
    return opened(store, tenant, entry, code, pack, err);
}

enum code store_seal_oldest(struct store *store, struct error *err)
{
    struct seal seal = {
        .store = store,
        .key = BUF_INIT(1024),
        .value = BUF_INIT((size_t)64 * 1024 * 1024),
    };
    int64_t began_ns = clock_monotonic_ns(store->options.clock);
    bool committed = false, unknown = false, pinned = false;
    enum code code;

    pthread_mutex_lock(&store->state_lock);
    assert(store->generation_count > 1);
    seal.generation = generation_ref(store->generations[0]);
    pthread_mutex_unlock(&store->state_lock);

    code = seal_packs(&seal, err);
    for (size_t i = 0; code == OK && i < seal.pack_count; i++)
        code = store_open_pack(store, seal.packs[i].tenant->name, &seal.packs[i].entry,
                               seal.packs[i].inline_bytes, &seal.packs[i].pack, err);
    if (code == OK) {
        code = seal_commit(&seal, &unknown, err);
        committed = code == OK;
    }
    if (!committed && !unknown)
        new_packs_undo(store, seal.packs, seal.pack_count);
    if (code == OK)
        code = seal_remember(&seal, err);
    if (code == OK)
        code = seal_publish(&seal, err);
    if (code == OK) {
        for (size_t i = 0; i < seal.pack_count; i++) {
            metric_add(store->metrics.pack_bytes, seal.packs[i].entry.bytes);
            metric_add(store->metrics.pack_rows, seal.packs[i].entry.row_count);
        }
        metric_add(store->metrics.seals, 1);
        metric_observe_ns(store->metrics.seal_seconds,
                          clock_monotonic_ns(store->options.clock) - began_ns);
        log_event(LOG_DEBUG, "sealed", LOG_UINT("rows", seal.generation->row_count),
                  LOG_UINT("packs", seal.pack_count));
        generation_unref(seal.generation); /* the list's */
        pinned = true;
    } else if (committed || unknown) {
        store_fail(store, err); /* perhaps in the index, but not shown */
    }
    new_packs_free(seal.packs, seal.pack_count);
    buf_release(&seal.key);
    buf_release(&seal.value);
    if (pinned)
        store_pin(store, seal.generation);
    generation_unref(seal.generation);
    if (code)
        error_context(err, "sealing");
    return code;
}
