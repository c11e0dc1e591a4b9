/* Step 1 of sealing: the packs of each tenant, in the order of series. */
#include <assert.h>
#include <stdlib.h>

#include "store/packs/pack_writer.h"
#include "store/seal_inside.h"

void seal_look_ahead(struct chain *const *chains, size_t at, size_t count)
{
    const size_t step = 6;

    if (at + 3 * step < count)
        __builtin_prefetch(chains[at + 3 * step]);
    if (at + 2 * step < count) {
        const struct chain *chain = chains[at + 2 * step];
        const struct run *run = atomic_load_explicit(&chain->first, memory_order_relaxed);

        __builtin_prefetch(chain->series);
        __builtin_prefetch(&chain->series->stored);
        __builtin_prefetch(run);
        __builtin_prefetch(&run->columns);
        __builtin_prefetch(chain->last);
        __builtin_prefetch(&chain->last->columns);
    }
    if (at + step < count) {
        const char *key = chains[at + step]->series->key.data;

        __builtin_prefetch(key);
    }
}

/* A chain with what orders it beside it: the series of a sparse generation lie all over the
 * memory, and sorting looks at each many times. */
struct place {
    const struct tenant *tenant;
    const char *measurement; /* one address is one name; two may be one name, too */
    uint64_t id_high;
    struct chain *chain;
    bool note;
};

/* By tenant, pack, measurement, id: the order of packs, and of blocks within. */
static int place_order(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    int order = 0;

    if (left->tenant != right->tenant)
        return left->tenant->ordinal < right->tenant->ordinal ? -1 : 1;
    if (left->note != right->note)
        return left->note ? 1 : -1;
    if (left->measurement != right->measurement)
        order = bytes_compare(left->chain->series->measurement, right->chain->series->measurement);
    if (order != 0)
        return order;
    if (left->id_high != right->id_high)
        return left->id_high < right->id_high ? -1 : 1;
    return series_id_compare(left->chain->series->id, right->chain->series->id);
}

static int series_order(const void *a, const void *b)
{
    return series_id_compare((*(struct chain *const *)a)->series->id,
                             (*(struct chain *const *)b)->series->id);
}

static enum code take_block(void *context, const struct block *block, struct error *err)
{
    return pack_writer_block(context, block, err);
}

static enum code write_blocks(struct store *store, struct pack_writer *writer,
                              struct chain *const *chains, size_t count, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < count; i++) {
        struct bytes measurement = chains[i]->series->measurement;

        seal_look_ahead(chains, i, count);
        if (i == 0 || !bytes_equal(measurement, chains[i - 1]->series->measurement)) {
            if (i > 0)
                code = block_builder_end(store->builder, err);
            if (code == OK)
                block_builder_begin(store->builder, measurement, take_block, writer);
        }
        if (code == OK)
            code = block_builder_chain(store->builder, chains[i], err);
    }
    if (code == OK && count > 0)
        code = block_builder_end(store->builder, err);
    return code;
}

/* The keys of all series in the pack, ascending by id over all measurements. */
static enum code write_keys(struct pack_writer *writer, struct chain *const *chains, size_t count,
                            struct error *err)
{
    struct chain **sorted = malloc((count + 1) * sizeof(struct chain *));
    enum code code = OK;

    if (sorted == NULL)
        return error_set(err, E_MEMORY, "no memory to sort the series of a pack");
    if (count > 0)
        memcpy(sorted, chains, count * sizeof(struct chain *));
    if (count > 0 && !bytes_equal(chains[0]->series->measurement,
                                  chains[count - 1]->series->measurement)) /* else they are */
        qsort(sorted, count, sizeof(struct chain *), series_order);
    for (size_t i = 0; code == OK && i < count; i++) {
        seal_look_ahead(sorted, i, count);
        code = pack_writer_series(writer, sorted[i]->series->id, sorted[i]->series->key, err);
    }
    free(sorted);
    return code;
}

static enum code write_notes(struct pack_writer *writer, const struct generation_note *notes,
                             const struct tenant *tenant,
                             enum code (*write)(struct pack_writer *writer, struct bytes encoded,
                                                struct error *err),
                             struct error *err)
{
    enum code code = OK;

    for (; code == OK && notes != NULL; notes = notes->next)
        if (notes->tenant == tenant)
            code = write(writer, notes->encoded, err);
    return code;
}

/* Step 1 for one pack.  `carries`: what travels beside rows, too. */
static enum code seal_pack(struct seal *seal, const struct tenant *tenant,
                           struct chain *const *chains, size_t count, bool carries,
                           struct error *err)
{
    struct store *store = seal->store;
    struct generation *generation = seal->generation;
    struct new_pack *sealed = &seal->packs[seal->pack_count];
    struct pack_identity identity = {
        .tenant = tenant->name,
        .incarnation = store->incarnation,
        .number = atomic_fetch_add(&store->pack_next, 1),
        .lsn_first = generation->lsn_first,
        .lsn_last = generation->lsn_last,
        .kind = PACK_PLAIN,
        .settled = INT64_MIN,
        .floor = INT64_MIN,
    };
    struct pack_writer *writer = NULL;
    enum code code;

    code = new_pack_make_dir(store, tenant, err);
    if (code == OK)
        code = new_pack_begin(store, &identity, &writer, err);
    if (code == OK)
        code = write_blocks(store, writer, chains, count, err);
    if (code == OK)
        code = write_keys(writer, chains, count, err);
    if (code == OK && carries)
        code = write_notes(writer, generation->tombstones, tenant, pack_writer_tombstone, err);
    if (code == OK && carries)
        code = write_notes(writer, generation->notes, tenant, pack_writer_note, err);
    if (code) {
        pack_writer_abort(writer);
        block_builder_reset(store->builder);
        return code;
    }
    code = new_pack_finish(tenant, &identity, writer, sealed, err);
    if (code) {
        block_builder_reset(store->builder);
        return code;
    }
    seal->pack_count++;
    return OK;
}

static bool has_notes(const struct generation_note *notes, const struct tenant *tenant)
{
    while (notes != NULL && notes->tenant != tenant)
        notes = notes->next;
    return notes != NULL;
}

/* Step 1 for one tenant.  What travels beside rows goes with them, were there none. */
static enum code seal_tenant(struct seal *seal, const struct tenant *tenant,
                             struct chain *const *chains, size_t count, struct error *err)
{
    size_t first = seal->pack_count, rows = count;
    enum code code = OK;

    while (rows > 0 && measurement_is_note(chains[rows - 1]->series->measurement))
        rows--;
    if (rows > 0 || has_notes(seal->generation->tombstones, tenant) ||
        has_notes(seal->generation->notes, tenant))
        code = seal_pack(seal, tenant, chains, rows, true, err);
    if (code == OK && rows < count)
        code = seal_pack(seal, tenant, chains + rows, count - rows, false, err);
    if (code == OK)
        code =
            new_packs_sync_names(seal->store, seal->packs + first, seal->pack_count - first, err);
    return code;
}

static bool tenant_sealed(const struct seal *seal, const struct tenant *tenant)
{
    for (size_t i = seal->pack_count; i > 0; i--)
        if (seal->packs[i - 1].tenant == tenant)
            return true;
    return false;
}

/* Tenants without rows in the generation still get a pack when they deleted or noted something. */
static enum code seal_noted_tenants(struct seal *seal, struct error *err)
{
    const struct generation_note *const lists[] = {seal->generation->tombstones,
                                                   seal->generation->notes};
    enum code code = OK;

    for (size_t l = 0; l < COUNT_OF(lists); l++)
        for (const struct generation_note *note = lists[l]; code == OK && note != NULL;
             note = note->next)
            if (!tenant_sealed(seal, note->tenant))
                code = seal_tenant(seal, note->tenant, NULL, 0, err);
    return code;
}

/* Sorts the chains; *tenants tells of how many tenants they are. */
static enum code chains_sort(struct generation *generation, size_t *tenants, struct error *err)
{
    size_t count = generation->chain_count;
    struct place *places = malloc((count + 1) * sizeof(*places));

    if (places == NULL)
        return error_set(err, E_MEMORY, "no memory to sort the series of a generation");
    for (size_t i = 0; i < count; i++) {
        struct chain *chain = generation->chains[i];

        places[i] = (struct place){.tenant = chain->series->tenant,
                                   .measurement = chain->series->measurement.data,
                                   .id_high = chain->series->id.high,
                                   .chain = chain,
                                   .note = measurement_is_note(chain->series->measurement)};
    }
    qsort(places, count, sizeof(*places), place_order);
    *tenants = count > 0;
    for (size_t i = 0; i < count; i++) {
        *tenants += i > 0 && places[i].tenant != places[i - 1].tenant;
        generation->chains[i] = places[i].chain;
    }
    free(places);
    return OK;
}

static size_t notes_count(const struct generation *generation)
{
    size_t count = 0;

    for (const struct generation_note *n = generation->tombstones; n != NULL; n = n->next)
        count++;
    for (const struct generation_note *n = generation->notes; n != NULL; n = n->next)
        count++;
    return count;
}

enum code seal_packs(struct seal *seal, struct error *err)
{
    struct generation *generation = seal->generation;
    size_t tenants = 0, first = 0;
    enum code code = chains_sort(generation, &tenants, err);

    if (code)
        return code;
    seal->packs = calloc(2 * tenants + notes_count(generation) + 1, sizeof(*seal->packs));
    if (seal->packs == NULL)
        return error_set(err, E_MEMORY, "no memory for the list of packs");
    while (code == OK && first < generation->chain_count) {
        const struct tenant *tenant = generation->chains[first]->series->tenant;
        size_t end = first;

        while (end < generation->chain_count && generation->chains[end]->series->tenant == tenant)
            end++;
        code = seal_tenant(seal, tenant, generation->chains + first, end - first, err);
        first = end;
    }
    if (code == OK)
        code = seal_noted_tenants(seal, err);
    return code;
}
