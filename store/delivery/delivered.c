#include "store/delivery/delivered.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "store/index.h"

enum {
    DELIVERED_VERSION = 1,
    DELIVERED_VERSION_FORMER = 2, /* with a former shard */
    KEY_BYTES_MAX = 512,
    VALUE_BYTES_MAX = 4096,
    KEYS_BYTES_MAX = 256 << 20, /* of all entries, when they are cleared */
};

/* --- an entry --- */

void delivered_encode(const struct delivered *delivered, struct buf *out)
{
    struct buf entry = BUF_INIT(1024);
    size_t begin = out->size;

    manifest_entry_encode(&delivered->pack.entry, &entry);
    out->failed |= entry.failed;
    buf_put_u8(out, delivered->former.size > 0 ? DELIVERED_VERSION_FORMER : DELIVERED_VERSION);
    buf_put_u8(out, (uint8_t)delivered->state);
    buf_put_span(out, delivered->shard);
    if (delivered->former.size > 0)
        buf_put_span(out, delivered->former);
    buf_put_u32(out, delivered->pack.parts);
    buf_put_span(out, buf_bytes(&entry));
    if (!out->failed)
        buf_put_u32(out, crc32c(0, bytes_slice(buf_bytes(out), begin, out->size)));
    buf_release(&entry);
}

enum code delivered_decode(struct bytes bytes, struct delivered *delivered, struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint8_t version = reader_u8(&reader), state = reader_u8(&reader);
    struct bytes entry;
    uint32_t crc;
    enum code code;

    *delivered = (struct delivered){.state = (enum delivered_state)state};
    delivered->shard = reader_span(&reader);
    if (version == DELIVERED_VERSION_FORMER)
        delivered->former = reader_span(&reader);
    delivered->pack.parts = reader_u32(&reader);
    entry = reader_span(&reader);
    crc = reader_u32(&reader);
    if (reader.failed || reader_left(&reader) != 0 ||
        crc != crc32c(0, bytes_slice(bytes, 0, bytes.size - sizeof(crc))))
        return error_set(err, E_CORRUPT, "a delivered pack's entry of %zu bytes fails its check",
                         bytes.size);
    if (version < DELIVERED_VERSION || version > DELIVERED_VERSION_FORMER)
        return error_set(err, E_CORRUPT,
                         "a delivered pack's entry of version %u, this program knows %d and %d",
                         version, DELIVERED_VERSION, DELIVERED_VERSION_FORMER);
    if (state < DELIVERED_LISTED || state > DELIVERED_BEGUN || delivered->shard.size == 0)
        return error_set(err, E_CORRUPT, "a delivered pack's entry of state %u, at \"%.*s\"", state,
                         BYTES_ARG(delivered->shard));
    code = manifest_entry_decode(entry, &delivered->pack.entry, err);
    if (code)
        error_context(err, "a delivered pack");
    return code;
}

/* --- where a chain stands --- */

static void chain_key(struct bytes tenant, struct bytes shard, struct buf *key)
{
    buf_clear(key);
    buf_put(key, BYTES("chain/"));
    buf_put(key, tenant);
    buf_put_char(key, '/');
    buf_put(key, shard);
}

static void shard_key(struct bytes tenant, struct buf *key)
{
    buf_clear(key);
    buf_put(key, BYTES("shard/"));
    buf_put(key, tenant);
}

struct comparison {
    const struct index_operations *index;
    struct index_transaction *transaction;
    struct bytes tenant, shard;
    struct diff *diff;
    struct diff_pack *live; /* owned; of the manifest, ascending by number */
    size_t live_count, live_capacity, at;
};

/* E_NOT_FOUND without text. */
static enum code get_meta(const struct comparison *comparison, const struct buf *key,
                          struct bytes *value, struct error *err)
{
    enum code code = buf_finish(key, err);

    if (code == OK)
        code =
            comparison->index->get(comparison->transaction, INDEX_META, buf_bytes(key), value, err);
    return code;
}

static enum code read_position(const struct comparison *comparison, struct error *err)
{
    struct diff *diff = comparison->diff;
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    struct bytes value;
    bool known;
    enum code code;

    diff->through = diff->ingest_last = INT64_MIN;
    chain_key(comparison->tenant, comparison->shard, &key);
    code = get_meta(comparison, &key, &value, err);
    if (code == OK) {
        struct reader reader = reader_of(value);

        diff->next = reader_u64(&reader);
        diff->through = reader_i64(&reader);
        if (reader.failed || reader_left(&reader) != 0)
            code = error_set(err, E_CORRUPT, "index: %.*s has %zu bytes",
                             BYTES_ARG(buf_bytes(&key)), value.size);
    }
    known = code == OK;
    if (code == OK || code == E_NOT_FOUND) {
        shard_key(comparison->tenant, &key);
        code = get_meta(comparison, &key, &value, err);
        diff->moved = code == OK && !bytes_equal(value, comparison->shard);
        diff->returns = diff->moved && known;
    }
    if (code == OK || code == E_NOT_FOUND)
        code = comparison->index->get(comparison->transaction, INDEX_META, BYTES("ingest_last"),
                                      &value, err);
    if (code == OK) {
        struct reader reader = reader_of(value);

        diff->ingest_last = reader_i64(&reader);
    }
    buf_release(&key);
    return code == E_NOT_FOUND ? OK : code;
}

/* --- the comparison --- */

static struct diff_pack *room(struct diff_pack **packs, size_t *count, size_t *capacity,
                              struct error *err)
{
    if (*count == *capacity) {
        size_t more = *capacity == 0 ? 64 : 2 * *capacity;
        struct diff_pack *grown = realloc(*packs, more * sizeof(*grown));

        if (grown == NULL) {
            error_set(err, E_MEMORY, "no memory for a list of %zu packs", more);
            return NULL;
        }
        *packs = grown;
        *capacity = more;
    }
    return &(*packs)[(*count)++];
}

static enum code diff_put(struct comparison *comparison, const struct diff_pack *pack,
                          struct error *err)
{
    struct diff *diff = comparison->diff;
    struct diff_pack *place = room(&diff->packs, &diff->count, &diff->capacity, err);

    if (place == NULL)
        return E_MEMORY;
    *place = *pack;
    diff->counts[pack->kind]++;
    return OK;
}

/* E_END behind the tenant's. */
static enum code entry_of(const struct comparison *comparison, struct bytes key)
{
    struct bytes tenant, rest;

    return index_key_split(key, &tenant, &rest) && bytes_equal(tenant, comparison->tenant) ? OK
                                                                                           : E_END;
}

static enum code note_live(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct comparison *comparison = context;
    struct diff_pack *place;

    if (entry_of(comparison, key) != OK)
        return E_END;
    place = room(&comparison->live, &comparison->live_count, &comparison->live_capacity, err);
    if (place == NULL)
        return E_MEMORY;
    *place = (struct diff_pack){.kind = DIFF_ADD};
    return manifest_entry_decode(value, &place->pack.entry, err);
}

/* Live ones up to the number that nothing is known of. */
static enum code pass_live(struct comparison *comparison, uint64_t number, struct error *err)
{
    enum code code = OK;

    while (code == OK && comparison->at < comparison->live_count &&
           comparison->live[comparison->at].pack.entry.number < number)
        code = diff_put(comparison, &comparison->live[comparison->at++], err);
    return code;
}

static bool same_pack(const struct manifest_entry *a, const struct manifest_entry *b)
{
    return a->number == b->number &&
           memcmp(&a->incarnation, &b->incarnation, sizeof(a->incarnation)) == 0 &&
           memcmp(&a->hash, &b->hash, sizeof(a->hash)) == 0;
}

static enum code note_delivered(void *context, struct bytes key, struct bytes value,
                                struct error *err)
{
    struct comparison *comparison = context;
    struct diff_pack pack = {0}, *live = NULL;
    struct delivered delivered;
    bool here;
    enum code code;

    if (entry_of(comparison, key) != OK)
        return E_END;
    code = delivered_decode(value, &delivered, err);
    if (code == OK)
        code = pass_live(comparison, delivered.pack.entry.number, err);
    if (code)
        return code;
    if (comparison->at < comparison->live_count &&
        comparison->live[comparison->at].pack.entry.number == delivered.pack.entry.number)
        live = &comparison->live[comparison->at++];
    here = bytes_equal(delivered.shard, comparison->shard);
    if (live != NULL && (!same_pack(&live->pack.entry, &delivered.pack.entry) ||
                         (here && delivered.state == DELIVERED_REMOVED)))
        return error_set(err, E_CORRUPT,
                         "index: pack %" PRIu64 " of %.*s is not the one that was delivered",
                         live->pack.entry.number, BYTES_ARG(comparison->tenant));
    pack.pack = delivered.pack;
    pack.listed = here && delivered.state == DELIVERED_LISTED;
    pack.begun = here && delivered.state == DELIVERED_BEGUN;
    if (live != NULL)
        pack.kind = pack.listed ? DIFF_KEEP : DIFF_ADD;
    else if (!here)
        pack.kind = DIFF_ELSEWHERE;
    else
        pack.kind = delivered.state == DELIVERED_REMOVED ? DIFF_DISCARD : DIFF_REMOVE;
    return diff_put(comparison, &pack, err);
}

enum code delivered_compare(struct index *index, struct bytes tenant, struct bytes shard,
                            struct diff *diff, struct error *err)
{
    struct comparison comparison = {
        .index = index->operations, .tenant = tenant, .shard = shard, .diff = diff};
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    enum code code = index->operations->begin(index, false, &comparison.transaction, err);

    *diff = (struct diff){.next = 0};
    if (code)
        return code;
    index_key_tenant(tenant, &key);
    code = buf_finish(&key, err);
    if (code == OK)
        code = read_position(&comparison, err);
    if (code == OK)
        code = comparison.index->walk(comparison.transaction, INDEX_MANIFEST, buf_bytes(&key),
                                      note_live, &comparison, err);
    if (code == OK || code == E_END)
        code = comparison.index->walk(comparison.transaction, INDEX_DELIVERED, buf_bytes(&key),
                                      note_delivered, &comparison, err);
    if (code == OK || code == E_END)
        code = pass_live(&comparison, UINT64_MAX, err); /* no pack has this number */
    comparison.index->abort(comparison.transaction);
    free(comparison.live);
    buf_release(&key);
    if (code)
        diff_release(diff);
    return code;
}

/* Which shard has all of it; empty: none has. */
static struct bytes lister_of(const struct delivered *delivered)
{
    return delivered->state == DELIVERED_LISTED  ? delivered->shard
           : delivered->state == DELIVERED_BEGUN ? delivered->former
                                                 : (struct bytes){0};
}

enum code delivered_whole(struct index *index, struct bytes tenant, uint64_t number,
                          char shard[DELIVERED_SHARD_SIZE], struct chain_pack *pack,
                          struct error *err)
{
    const struct index_operations *operations = index->operations;
    struct index_transaction *transaction = NULL;
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    struct delivered delivered;
    struct bytes value, lister = {0};
    enum code code = operations->begin(index, false, &transaction, err);

    if (code)
        return code;
    index_key_u64(tenant, number, &key);
    code = buf_finish(&key, err);
    if (code == OK)
        code = operations->get(transaction, INDEX_DELIVERED, buf_bytes(&key), &value, err);
    if (code == OK)
        code = delivered_decode(value, &delivered, err);
    if (code == OK)
        lister = lister_of(&delivered);
    if (code == OK && (lister.size == 0 || lister.size >= DELIVERED_SHARD_SIZE))
        code = E_NOT_FOUND;
    if (code == OK)
        (void)snprintf(shard, DELIVERED_SHARD_SIZE, "%.*s", BYTES_ARG(lister));
    if (code == OK)
        *pack = delivered.pack;
    operations->abort(transaction);
    buf_release(&key);
    return code;
}

enum code delivered_where(struct index *index, struct bytes tenant, uint64_t number,
                          char shard[DELIVERED_SHARD_SIZE], struct error *err)
{
    struct chain_pack pack;

    return delivered_whole(index, tenant, number, shard, &pack, err);
}

static enum code read_listed(struct comparison *comparison, const struct buf *key,
                             struct chain_pack *pack, struct error *err)
{
    struct delivered delivered = {0};
    struct manifest_entry live;
    struct bytes value;
    enum code code = comparison->index->get(comparison->transaction, INDEX_DELIVERED,
                                            buf_bytes(key), &value, err);

    if (code == OK)
        code = delivered_decode(value, &delivered, err);
    if (code == OK &&
        (delivered.state != DELIVERED_LISTED || !bytes_equal(delivered.shard, comparison->shard)))
        code = E_NOT_FOUND;
    if (code == OK)
        code = comparison->index->get(comparison->transaction, INDEX_MANIFEST, buf_bytes(key),
                                      &value, err);
    if (code == OK)
        code = manifest_entry_decode(value, &live, err);
    if (code == OK && !same_pack(&live, &delivered.pack.entry))
        code = E_NOT_FOUND;
    *pack = delivered.pack;
    return code;
}

enum code delivered_listed(struct index *index, struct bytes tenant, struct bytes shard,
                           uint64_t number, struct chain_pack *pack, uint64_t *next,
                           struct error *err)
{
    struct diff position = {.next = 0};
    struct comparison comparison = {
        .index = index->operations, .tenant = tenant, .shard = shard, .diff = &position};
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    enum code code = index->operations->begin(index, false, &comparison.transaction, err);

    if (code)
        return code;
    index_key_u64(tenant, number, &key);
    code = buf_finish(&key, err);
    if (code == OK)
        code = read_listed(&comparison, &key, pack, err);
    if (code == OK)
        code = read_position(&comparison, err);
    if (code == OK && position.returns)
        code = E_NOT_FOUND;
    *next = position.next;
    comparison.index->abort(comparison.transaction);
    buf_release(&key);
    return code;
}

const struct diff_pack *diff_find(const struct diff *diff, uint64_t number)
{
    size_t first = 0, end = diff->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (diff->packs[middle].pack.entry.number < number)
            first = middle + 1;
        else
            end = middle;
    }
    return first < diff->count && diff->packs[first].pack.entry.number == number
               ? &diff->packs[first]
               : NULL;
}

static bool explains_adds(const struct diff *diff, const struct chain_entry *entry)
{
    for (size_t i = 0; i < entry->add_count; i++) {
        const struct manifest_entry *added = &entry->adds[i].entry;
        const struct diff_pack *pack = diff_find(diff, added->number);

        if (pack == NULL || (!pack->begun && !pack->listed) || !same_pack(&pack->pack.entry, added))
            return false;
    }
    return true;
}

/* Asked of packs in ascending order, from *at = 0 on. */
static bool adds_pack(const struct chain_entry *entry, const struct diff_pack *pack, size_t *at)
{
    uint64_t number = pack->pack.entry.number;

    while (*at < entry->add_count && entry->adds[*at].entry.number < number)
        ++*at;
    return *at < entry->add_count && entry->adds[*at].entry.number == number;
}

static bool explains_removes(const struct diff *diff, const struct chain_entry *entry)
{
    for (size_t i = 0; i < entry->remove_count; i++) {
        const struct diff_pack *pack = diff_find(diff, entry->removes[i].number);

        if (pack == NULL || pack->kind != DIFF_REMOVE)
            return false;
    }
    for (size_t i = 0, at = 0; entry->checkpoint && i < diff->count; i++)
        if (!adds_pack(entry, &diff->packs[i], &at) && diff->packs[i].kind == DIFF_KEEP)
            return false;
    return true;
}

/* Who goes on with the chain of a member that is thought to be gone inserts entries that change
 * nothing (guests/care_leave.c), so that what the member lists no more can be deleted: they are
 * never our own. */
static bool changes_any(const struct diff *diff, const struct chain_entry *entry)
{
    if (entry->remove_count > 0 || (entry->checkpoint && diff->returns))
        return true;
    for (size_t i = 0; i < entry->add_count; i++)
        if (!diff_find(diff, entry->adds[i].entry.number)->listed)
            return true;
    for (size_t i = 0, at = 0; entry->checkpoint && i < diff->count; i++)
        if (!adds_pack(entry, &diff->packs[i], &at) && diff->packs[i].listed)
            return true;
    return false;
}

bool diff_explains(const struct diff *diff, const struct chain_entry *entry)
{
    return entry->number == diff->next && entry->through <= diff->ingest_last &&
           explains_adds(diff, entry) && explains_removes(diff, entry) && changes_any(diff, entry);
}

void diff_release(struct diff *diff)
{
    free(diff->packs);
    *diff = (struct diff){.next = 0};
}

/* --- changes --- */

struct change {
    const struct index_operations *index;
    struct index_transaction *transaction;
    struct bytes tenant, shard;
    struct buf key, value;
};

static enum code change_begin(struct change *change, struct index *index, struct bytes tenant,
                              struct bytes shard, struct error *err)
{
    *change = (struct change){
        .index = index->operations,
        .tenant = tenant,
        .shard = shard,
        .key = BUF_INIT(KEY_BYTES_MAX),
        .value = BUF_INIT(VALUE_BYTES_MAX),
    };
    return index->operations->begin(index, true, &change->transaction, err);
}

static enum code change_end(struct change *change, enum code code, struct error *err)
{
    buf_release(&change->key);
    buf_release(&change->value);
    if (code == OK)
        return change->index->commit(change->transaction, err);
    change->index->abort(change->transaction);
    return code;
}

static enum code put(struct change *change, enum index_table table, struct error *err)
{
    enum code code = buf_finish(&change->key, err);

    if (code == OK)
        code = buf_finish(&change->value, err);
    if (code == OK)
        code = change->index->put(change->transaction, table, buf_bytes(&change->key),
                                  buf_bytes(&change->value), err);
    return code;
}

/* What is known of it; E_NOT_FOUND: nothing.  Leaves its key in change->key. */
static enum code get_pack(struct change *change, uint64_t number, struct delivered *delivered,
                          struct error *err)
{
    struct bytes value;
    enum code code;

    buf_clear(&change->key);
    index_key_u64(change->tenant, number, &change->key);
    code = buf_finish(&change->key, err);
    if (code == OK)
        code = change->index->get(change->transaction, INDEX_DELIVERED, buf_bytes(&change->key),
                                  &value, err);
    return code ? code : delivered_decode(value, delivered, err);
}

/* The former shard points into the index: it is copied before the index changes. */
static enum code put_pack(struct change *change, const struct chain_pack *pack,
                          enum delivered_state state, struct bytes former, struct error *err)
{
    struct delivered delivered = {state, change->shard, former, *pack};

    buf_clear(&change->key);
    buf_clear(&change->value);
    index_key_u64(change->tenant, pack->entry.number, &change->key);
    delivered_encode(&delivered, &change->value);
    return put(change, INDEX_DELIVERED, err);
}

/* From the first pack that is begun elsewhere on, the index does not know any more what the chain
 * at the last shard lists: nobody's is up to date, until an entry has gone to one. */
static enum code leave_shard(struct change *change, struct error *err)
{
    struct bytes value;
    enum code code;

    shard_key(change->tenant, &change->key);
    buf_clear(&change->value);
    code = buf_finish(&change->key, err);
    if (code == OK)
        code = change->index->get(change->transaction, INDEX_META, buf_bytes(&change->key), &value,
                                  err);
    if (code == OK && value.size > 0 && !bytes_equal(value, change->shard))
        code = put(change, INDEX_META, err);
    return code == E_NOT_FOUND ? OK : code;
}

static enum code begin_pack(struct change *change, const struct chain_pack *pack, struct error *err)
{
    struct delivered before = {0};
    enum code code = get_pack(change, pack->entry.number, &before, err);

    if (code == OK || code == E_NOT_FOUND)
        code = put_pack(change, pack, DELIVERED_BEGUN,
                        code == OK ? lister_of(&before) : (struct bytes){0}, err);
    return code;
}

enum code delivered_begin(struct index *index, struct bytes tenant, struct bytes shard,
                          const struct chain_pack *packs, size_t count, struct error *err)
{
    struct change change;
    enum code code;

    if (count == 0)
        return OK;
    code = change_begin(&change, index, tenant, shard, err);
    if (code)
        return code;
    code = leave_shard(&change, err);
    for (size_t i = 0; code == OK && i < count; i++)
        code = begin_pack(&change, &packs[i], err);
    return change_end(&change, code, err);
}

enum code delivered_give_up(struct index *index, struct bytes tenant, uint64_t number,
                            struct error *err)
{
    struct delivered before = {0};
    struct change change;
    enum code code = change_begin(&change, index, tenant, (struct bytes){0}, err);

    if (code)
        return code;
    code = get_pack(&change, number, &before, err);
    change.shard = before.former;
    if (code == OK && before.former.size > 0)
        code = put_pack(&change, &before.pack, DELIVERED_LISTED, (struct bytes){0}, err);
    else if (code == OK)
        code =
            change.index->remove(change.transaction, INDEX_DELIVERED, buf_bytes(&change.key), err);
    return change_end(&change, code == E_NOT_FOUND ? OK : code, err);
}

enum code delivered_forget(struct index *index, struct bytes tenant, const uint64_t *numbers,
                           size_t count, struct error *err)
{
    struct change change;
    enum code code;

    if (count == 0)
        return OK;
    code = change_begin(&change, index, tenant, (struct bytes){0}, err);
    if (code)
        return code;
    for (size_t i = 0; code == OK && i < count; i++) {
        buf_clear(&change.key);
        index_key_u64(tenant, numbers[i], &change.key);
        code = buf_finish(&change.key, err);
        if (code == OK)
            code = change.index->remove(change.transaction, INDEX_DELIVERED, buf_bytes(&change.key),
                                        err);
    }
    return change_end(&change, code, err);
}

/* Of those that the chain named: those that it names no more. */
struct unlisting {
    const struct change *change;
    const struct chain_entry *entry;
    struct chain_pack *packs; /* owned */
    size_t count, capacity, add, remove;
};

static bool stays(struct unlisting *unlisting, const struct delivered *delivered)
{
    const struct chain_entry *entry = unlisting->entry;
    uint64_t number = delivered->pack.entry.number;

    if (entry->checkpoint) {
        while (unlisting->add < entry->add_count &&
               entry->adds[unlisting->add].entry.number < number)
            unlisting->add++;
        return delivered->state == DELIVERED_BEGUN ||
               (unlisting->add < entry->add_count &&
                entry->adds[unlisting->add].entry.number == number);
    }
    while (unlisting->remove < entry->remove_count &&
           entry->removes[unlisting->remove].number < number)
        unlisting->remove++;
    return unlisting->remove == entry->remove_count ||
           entry->removes[unlisting->remove].number != number;
}

static enum code unlist(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct unlisting *unlisting = context;
    const struct change *change = unlisting->change;
    struct bytes tenant, rest;
    struct delivered delivered;
    enum code code;

    if (!index_key_split(key, &tenant, &rest) || !bytes_equal(tenant, change->tenant))
        return E_END;
    code = delivered_decode(value, &delivered, err);
    if (code || !bytes_equal(delivered.shard, change->shard) ||
        delivered.state == DELIVERED_REMOVED || stays(unlisting, &delivered))
        return code;
    if (unlisting->count == unlisting->capacity) {
        size_t more = unlisting->capacity == 0 ? 64 : 2 * unlisting->capacity;
        struct chain_pack *grown = realloc(unlisting->packs, more * sizeof(*grown));

        if (grown == NULL)
            return error_set(err, E_MEMORY, "no memory for a list of %zu packs", more);
        unlisting->packs = grown;
        unlisting->capacity = more;
    }
    unlisting->packs[unlisting->count++] = delivered.pack;
    return OK;
}

static enum code apply_removes(struct change *change, const struct chain_entry *entry,
                               struct error *err)
{
    struct unlisting unlisting = {.change = change, .entry = entry};
    enum code code;

    if (entry->remove_count == 0 && !entry->checkpoint)
        return OK;
    buf_clear(&change->key);
    index_key_tenant(change->tenant, &change->key);
    code = buf_finish(&change->key, err);
    if (code)
        return code;
    code = change->index->walk(change->transaction, INDEX_DELIVERED, buf_bytes(&change->key),
                               unlist, &unlisting, err);
    if (code == E_END)
        code = OK;
    for (size_t i = 0; code == OK && i < unlisting.count; i++)
        code = put_pack(change, &unlisting.packs[i], DELIVERED_REMOVED, (struct bytes){0}, err);
    free(unlisting.packs);
    return code;
}

static enum code put_chain(struct change *change, uint64_t next, int64_t through, struct error *err)
{
    chain_key(change->tenant, change->shard, &change->key);
    buf_clear(&change->value);
    buf_put_u64(&change->value, next);
    buf_put_i64(&change->value, through);
    return put(change, INDEX_META, err);
}

static enum code put_position(struct change *change, const struct chain_entry *entry,
                              struct error *err)
{
    enum code code = put_chain(change, entry->number + 1, entry->through, err);

    if (code)
        return code;
    shard_key(change->tenant, &change->key);
    buf_clear(&change->value);
    buf_put(&change->value, change->shard);
    return put(change, INDEX_META, err);
}

enum code delivered_apply(struct index *index, struct bytes shard, const struct chain_entry *entry,
                          struct error *err)
{
    struct change change;
    enum code code = change_begin(&change, index, entry->tenant, shard, err);

    if (code)
        return code;
    code = apply_removes(&change, entry, err);
    for (size_t i = 0; code == OK && i < entry->add_count; i++)
        code = put_pack(&change, &entry->adds[i], DELIVERED_LISTED, (struct bytes){0}, err);
    if (code == OK)
        code = put_position(&change, entry, err);
    return change_end(&change, code, err);
}

enum code delivered_pass(struct index *index, struct bytes shard, const struct chain_entry *entry,
                         int64_t through, struct error *err)
{
    struct change change;
    enum code code = change_begin(&change, index, entry->tenant, shard, err);

    if (code)
        return code;
    return change_end(&change, put_chain(&change, entry->number + 1, through, err), err);
}

/* --- a new incarnation --- */

static bool begins_with(struct bytes key, struct bytes prefix)
{
    return key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0;
}

static enum code collect_key(void *context, struct bytes key, struct bytes value, struct error *err)
{
    (void)value, (void)err;
    buf_put_span(context, key);
    return OK;
}

static enum code collect_meta(void *context, struct bytes key, struct bytes value,
                              struct error *err)
{
    (void)value, (void)err;
    if (begins_with(key, BYTES("chain/")) || begins_with(key, BYTES("shard/")))
        buf_put_span(context, key);
    return OK;
}

enum code delivered_clear(struct index *base, struct index_transaction *transaction,
                          struct error *err)
{
    static const struct {
        enum index_table table;
        enum code (*each)(void *context, struct bytes key, struct bytes value, struct error *err);
    } walks[] = {
        {INDEX_DELIVERED, collect_key },
        {INDEX_META,      collect_meta},
    };
    const struct index_operations *index = base->operations;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < COUNT_OF(walks); i++) {
        struct buf keys = BUF_INIT(KEYS_BYTES_MAX);
        struct reader reader;

        code =
            index->walk(transaction, walks[i].table, (struct bytes){0}, walks[i].each, &keys, err);
        if (code == OK)
            code = buf_finish(&keys, err);
        reader = reader_of(buf_bytes(&keys));
        while (code == OK && reader_left(&reader) > 0)
            code = index->remove(transaction, walks[i].table, reader_span(&reader), err);
        buf_release(&keys);
    }
    return code;
}
