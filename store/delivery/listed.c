#include "store/delivery/listed.h"

#include <stdlib.h>

#include "base/reader.h"
#include "store/delivery/delivered.h"
#include "store/index.h"

enum { KEY_BYTES_MAX = 512 };

struct listing {
    struct listed *listed;
    struct bytes tenant;
    struct bytes chains; /* what keys of its chains begin with */
    struct bytes shard;  /* that got the last entry; .data is NULL: nobody did */
};

/* Room for one more. */
static bool grow(void **items, size_t count, size_t *capacity, size_t size)
{
    size_t more = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown;

    if (count < *capacity)
        return true;
    grown = realloc(*items, more * size);
    if (grown == NULL)
        return false;
    *items = grown;
    *capacity = more;
    return true;
}

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for a list of what was delivered");
}

/* One that is begun at a shard, and was listed at another one before, still is there. */
static enum code take_pack(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct listing *listing = context;
    struct listed *listed = listing->listed;
    struct bytes tenant, rest;
    struct delivered delivered;
    enum code code;

    if (!index_key_split(key, &tenant, &rest) || !bytes_equal(tenant, listing->tenant))
        return E_END;
    code = delivered_decode(value, &delivered, err);
    if (code || (delivered.state != DELIVERED_LISTED && delivered.former.size == 0))
        return code;
    if (!grow((void **)&listed->numbers, listed->count, &listed->capacity, sizeof(uint64_t)))
        return no_memory(err);
    listed->numbers[listed->count++] = delivered.pack.entry.number;
    return OK;
}

static enum code take_chain(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct listing *listing = context;
    struct listed *listed = listing->listed;
    struct reader reader = reader_of(value);
    uint64_t next = reader_u64(&reader);
    int64_t through = reader_i64(&reader);
    struct listed_chain *chain;
    struct bytes shard;

    if (key.size < listing->chains.size ||
        memcmp(key.data, listing->chains.data, listing->chains.size) != 0)
        return E_END;
    shard = bytes_slice(key, listing->chains.size, key.size);
    if (reader.failed || reader_left(&reader) != 0 || shard.size >= SHARD_NAME_SIZE)
        return error_set(err, E_CORRUPT, "index: %.*s has %zu bytes", BYTES_ARG(key), value.size);
    if (next == 0)
        return OK;
    if (!grow((void **)&listed->chains, listed->chain_count, &listed->chain_capacity,
              sizeof(struct listed_chain)))
        return no_memory(err);
    chain = &listed->chains[listed->chain_count++];
    memcpy(chain->shard, shard.data, shard.size);
    chain->shard[shard.size] = '\0';
    chain->last = next - 1;
    if (listing->shard.data != NULL && bytes_equal(shard, listing->shard))
        listed->through = through;
    return OK;
}

static enum code read_all(const struct index_operations *operations,
                          struct index_transaction *transaction, struct listing *listing,
                          struct buf *key, struct error *err)
{
    enum code code;

    index_key_tenant(listing->tenant, key);
    code = buf_finish(key, err);
    if (code == OK)
        code =
            operations->walk(transaction, INDEX_DELIVERED, buf_bytes(key), take_pack, listing, err);
    if (code != OK && code != E_END)
        return code;
    buf_clear(key);
    buf_put(key, BYTES("shard/"));
    buf_put(key, listing->tenant);
    code = buf_finish(key, err);
    if (code == OK)
        code = operations->get(transaction, INDEX_META, buf_bytes(key), &listing->shard, err);
    if (code == E_NOT_FOUND)
        listing->shard = (struct bytes){NULL, 0};
    else if (code)
        return code;
    buf_clear(key);
    buf_put(key, BYTES("chain/"));
    buf_put(key, listing->tenant);
    buf_put_char(key, '/');
    code = buf_finish(key, err);
    if (code)
        return code;
    listing->chains = buf_bytes(key);
    code = operations->walk(transaction, INDEX_META, listing->chains, take_chain, listing, err);
    return code == E_END ? OK : code;
}

enum code listed_read(struct index *index, struct bytes tenant, struct listed *listed,
                      struct error *err)
{
    struct listing listing = {.listed = listed, .tenant = tenant};
    struct buf key = BUF_INIT(KEY_BYTES_MAX);
    struct index_transaction *transaction;
    enum code code;

    *listed = (struct listed){.through = INT64_MIN};
    code = index->operations->begin(index, false, &transaction, err);
    if (code)
        return code;
    code = read_all(index->operations, transaction, &listing, &key, err);
    index->operations->abort(transaction);
    buf_release(&key);
    return code;
}

bool listed_has(const struct listed *listed, uint64_t number)
{
    size_t first = 0, end = listed->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (listed->numbers[middle] < number)
            first = middle + 1;
        else
            end = middle;
    }
    return first < listed->count && listed->numbers[first] == number;
}

void listed_release(struct listed *listed)
{
    free(listed->numbers);
    free(listed->chains);
    *listed = (struct listed){.numbers = NULL};
}
