#include "store/guest_list.h"

#include <stdlib.h>

#include "base/map.h"
#include "codec/record.h"
#include "store/holding.h"
#include "store/packs/pack.h"

/* --- a chain --- */

struct guest_chain *guest_chain_new(uint32_t member, const struct hash128 *incarnation,
                                    size_t capacity)
{
    struct guest_chain *chain = calloc(1, sizeof(*chain) + capacity * sizeof(struct pack *));

    if (chain == NULL)
        return NULL;
    atomic_init(&chain->references, 1);
    chain->member = member;
    chain->incarnation = *incarnation;
    chain->through = INT64_MIN;
    chain->floor = INT64_MIN;
    arena_init(&chain->arena, SIZE_MAX, NULL);
    return chain;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for packs of another member");
}

/* Room for one more item of the array. */
static void *grow(struct arena *arena, const void *array, size_t count, size_t *capacity,
                  size_t item_size)
{
    void *grown = (void *)array;

    if (count < *capacity)
        return grown;
    grown = arena_grow(arena, grown, count * item_size, (2 * *capacity + 8) * item_size);
    if (grown != NULL)
        *capacity = 2 * *capacity + 8;
    return grown;
}

static enum code take_tombstone(void *context, struct bytes entry, struct error *err)
{
    struct guest_chain *chain = context;
    struct bytes kept = arena_copy(&chain->arena, entry);
    struct tombstone *tombstones = grow(&chain->arena, chain->tombstones, chain->tombstone_count,
                                        &chain->tombstone_capacity, sizeof(struct tombstone));
    enum code code;

    if (kept.data == NULL || tombstones == NULL)
        return no_memory(err);
    chain->tombstones = tombstones;
    code = tombstone_decode(kept, &chain->arena, &tombstones[chain->tombstone_count], err);
    if (code == OK)
        chain->tombstone_count++;
    return code;
}

enum code guest_chain_add(struct guest_chain *chain, struct pack *pack, struct error *err)
{
    struct pack_about about = pack_about(pack);
    size_t before = chain->tombstone_count;
    enum code code = pack_walk_tombstones(pack, take_tombstone, chain, err);

    if (code) {
        chain->tombstone_count = before;
        pack_unref(pack);
        return code;
    }
    for (size_t i = before; i < chain->tombstone_count; i++)
        if (chain->tombstones[i].ingest > chain->newest)
            chain->newest = chain->tombstones[i].ingest;
    if (about.ingest_last > chain->newest)
        chain->newest = about.ingest_last;
    if (about.kind != PACK_PLAIN && about.floor > chain->floor)
        chain->floor = about.floor;
    chain->packs[chain->count++] = pack;
    return OK;
}

enum code guest_chain_fault(struct guest_chain *chain, struct bytes text, struct error *err)
{
    struct bytes kept = arena_copy(&chain->arena, text);
    struct bytes *faults = grow(&chain->arena, chain->faults, chain->fault_count,
                                &chain->fault_capacity, sizeof(struct bytes));

    if (kept.data == NULL || faults == NULL)
        return no_memory(err);
    chain->faults = faults;
    faults[chain->fault_count++] = kept;
    return OK;
}

enum code guest_chain_lack(struct guest_chain *chain, const struct pack_about *about,
                           struct error *err)
{
    struct pack_about *unread = grow(&chain->arena, chain->unread, chain->unread_count,
                                     &chain->unread_capacity, sizeof(*unread));

    if (unread == NULL)
        return no_memory(err);
    chain->unread = unread;
    unread[chain->unread_count++] = *about;
    return OK;
}

static int tombstone_order(const void *a, const void *b)
{
    const struct tombstone *left = a, *right = b;

    return left->ingest < right->ingest ? -1 : left->ingest > right->ingest;
}

/* One that several packs carry is one deletion. */
void guest_chain_finish(struct guest_chain *chain)
{
    struct tombstone *tombstones = (struct tombstone *)chain->tombstones;
    size_t kept = 0;

    if (chain->tombstone_count > 1)
        qsort(tombstones, chain->tombstone_count, sizeof(*tombstones), tombstone_order);
    for (size_t i = 0; i < chain->tombstone_count; i++)
        if (kept == 0 || tombstones[kept - 1].ingest != tombstones[i].ingest)
            tombstones[kept++] = tombstones[i];
    chain->tombstone_count = kept;
}

struct guest_chain *guest_chain_ref(struct guest_chain *chain)
{
    if (chain != NULL)
        atomic_fetch_add_explicit(&chain->references, 1, memory_order_relaxed);
    return chain;
}

void guest_chain_unref(struct guest_chain *chain)
{
    if (chain == NULL ||
        atomic_fetch_sub_explicit(&chain->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < chain->count; i++)
        pack_unref(chain->packs[i]);
    arena_release(&chain->arena);
    free(chain);
}

/* --- all of them --- */

struct pack_identity {
    struct hash128 incarnation;
    uint64_t number;
};

_Static_assert(sizeof(struct pack_identity) == 24, "it is a key as it stands");

/* While a list is made. */
struct making {
    struct guest_list *list;
    struct map seen;
    struct arena arena; /* of its keys */
    struct hash128_state mark;
};

/* *first: it was not seen before.  False: memory. */
static bool see(struct making *making, const struct pack *pack, bool *first)
{
    struct pack_identity identity = {*pack_incarnation(pack), pack_about(pack).number};
    struct bytes key =
        arena_copy(&making->arena, (struct bytes){(const char *)&identity, sizeof(identity)});

    if (key.data == NULL)
        return false;
    *first = map_get(&making->seen, key) == NULL;
    return !*first || map_put(&making->seen, key, making);
}

static void mark(struct making *making, const void *data, size_t size)
{
    hash128_add(&making->mark, (struct bytes){data, size});
}

/* Of a pack that is made anew for each who asks. */
static void mark_rows(struct making *making, const struct pack *pack)
{
    size_t count;
    const struct pack_block *blocks = pack_blocks(pack, &count);

    mark(making, pack_incarnation(pack), sizeof(struct hash128));
    for (size_t i = 0; i < count; i++) {
        mark(making, &blocks[i].crc, sizeof(blocks[i].crc));
        mark(making, &blocks[i].size, sizeof(blocks[i].size));
    }
}

/* Whether another chain of the member says that it has all that this one has.  Of two data
 * directories that had one number each tells of itself alone. */
static bool is_needless(const struct guest_chain *chain, size_t at,
                        struct guest_chain *const *chains, size_t count)
{
    if (chain->told && chain->count == 0) /* nobody knows: it could not be read */
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct guest_chain *other = chains[i];

        if (i != at && hash128_equal(&other->incarnation, &chain->incarnation) &&
            other->through >= chain->newest &&
            (other->through > chain->through || (other->through == chain->through && i < at)))
            return true;
    }
    return false;
}

static bool take_part(struct making *making, struct guest_chain *chain)
{
    struct guest_list *list = making->list;
    struct guest_part *part = &list->parts[list->count];

    part->packs = malloc((chain->count + 1) * sizeof(struct pack *));
    if (part->packs == NULL)
        return false;
    part->chain = guest_chain_ref(chain);
    list->count++;
    for (size_t i = 0; i < chain->count; i++) {
        bool first;

        if (chain->told) { /* a number is no name there: what is in it is */
            part->packs[part->count++] = chain->packs[i];
            mark_rows(making, chain->packs[i]);
            continue;
        }
        if (!see(making, chain->packs[i], &first))
            return false;
        if (!first)
            continue;
        part->packs[part->count++] = chain->packs[i];
        mark(making, pack_incarnation(chain->packs[i]), sizeof(struct hash128));
        mark(making, &(uint64_t){pack_about(chain->packs[i]).number}, sizeof(uint64_t));
    }
    list->tombstone_count += chain->tombstone_count;
    mark(making, &chain->tombstone_count, sizeof(chain->tombstone_count));
    for (size_t i = 0; chain->told && i < chain->tombstone_count; i++)
        mark(making, &chain->tombstones[i].ingest, sizeof(chain->tombstones[i].ingest));
    if (chain->newest > list->newest)
        list->newest = chain->newest;
    if (chain->floor > list->floor)
        list->floor = chain->floor;
    return true;
}

/* False: memory. */
static bool make(struct making *making, struct guest_chain *const *chains, size_t chain_count,
                 const struct pack_list *own)
{
    bool made = true, first;

    for (size_t i = 0; made && own != NULL && i < own->count; i++)
        made = see(making, own->packs[i], &first);
    for (size_t i = 0; made && i < chain_count; i++)
        if (!is_needless(chains[i], i, chains, chain_count))
            made = take_part(making, chains[i]);
    return made;
}

static void note_seen(struct guest_list *list, const struct guest_chain *chain)
{
    struct guest_seen *seen = &list->seen[list->seen_count];

    if (chain->shard[0] == '\0')
        return;
    seen->incarnation = chain->incarnation;
    memcpy(seen->shard, chain->shard, sizeof(seen->shard));
    seen->next = chain->next;
    list->seen_count++;
}

struct guest_list *guest_list_new(struct guest_chain *const *chains, size_t chain_count,
                                  const struct guest_member *members, size_t member_count,
                                  const struct pack_list *own)
{
    struct guest_list *list = calloc(1, sizeof(*list) + chain_count * sizeof(list->parts[0]));
    struct making making = {.list = list, .seen = MAP_INIT};
    struct hash128 sum;
    bool made;

    if (list == NULL)
        return NULL;
    atomic_init(&list->references, 1);
    list->floor = INT64_MIN;
    arena_init(&making.arena, SIZE_MAX, NULL);
    hash128_begin(&making.mark);
    list->members = malloc((member_count + 1) * sizeof(*members));
    list->seen = calloc(chain_count + 1, sizeof(*list->seen));
    made = list->members != NULL && list->seen != NULL && make(&making, chains, chain_count, own);
    if (made && member_count > 0)
        memcpy(list->members, members, member_count * sizeof(*members));
    list->member_count = member_count;
    for (size_t i = 0; made && i < chain_count; i++)
        note_seen(list, chains[i]);
    sum = hash128_end(&making.mark);
    memcpy(&list->mark, sum.bytes, sizeof(list->mark));
    map_release(&making.seen);
    arena_release(&making.arena);
    if (made)
        return list;
    guest_list_unref(list);
    return NULL;
}

/* False: memory. */
static bool copy_parts(struct guest_list *made, const struct guest_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct guest_part *from = &list->parts[i];
        struct guest_part *part = &made->parts[i];

        part->packs = malloc((from->count + 1) * sizeof(struct pack *));
        if (part->packs == NULL)
            return false;
        if (from->count > 0)
            memcpy(part->packs, from->packs, from->count * sizeof(struct pack *));
        part->count = from->count;
        part->chain = guest_chain_ref(from->chain);
        made->count++;
    }
    return true;
}

struct guest_list *guest_list_renew(const struct guest_list *list,
                                    const struct guest_member *members, size_t member_count)
{
    struct guest_list *made = calloc(1, sizeof(*made) + list->count * sizeof(list->parts[0]));

    if (made == NULL)
        return NULL;
    atomic_init(&made->references, 1);
    made->newest = list->newest;
    made->floor = list->floor;
    made->mark = list->mark;
    made->tombstone_count = list->tombstone_count;
    made->members = malloc((member_count + 1) * sizeof(*members));
    made->seen = malloc((list->seen_count + 1) * sizeof(*list->seen));
    if (made->members == NULL || made->seen == NULL || !copy_parts(made, list)) {
        guest_list_unref(made);
        return NULL;
    }
    if (member_count > 0)
        memcpy(made->members, members, member_count * sizeof(*members));
    made->member_count = member_count;
    if (list->seen_count > 0)
        memcpy(made->seen, list->seen, list->seen_count * sizeof(*list->seen));
    made->seen_count = list->seen_count;
    return made;
}

struct guest_list *guest_list_ref(struct guest_list *list)
{
    if (list != NULL)
        atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    return list;
}

void guest_list_unref(struct guest_list *list)
{
    if (list == NULL || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < list->count; i++) {
        guest_chain_unref(list->parts[i].chain);
        free(list->parts[i].packs);
    }
    free(list->members);
    free(list->seen);
    free(list);
}
