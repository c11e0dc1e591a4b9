/* A state is one immutable sorted array of entries for each table; entries are counted and shared
 * between states.  A writing transaction makes a new state, table by table as it touches them. */
#include "memory_index.h"

#include <assert.h>
#include <stdlib.h>

struct entry {
    size_t references;
    size_t key_size, value_size;
    char data[]; /* key, value */
};

struct table {
    size_t references;
    size_t count, capacity;
    struct entry **entries; /* ascending by key */
};

struct state {
    size_t references;
    struct table *tables[INDEX_TABLE_COUNT];
};

struct memory_index {
    struct index base;
    struct fake_disk *disk;
    struct state *current; /* what new transactions see */
    struct state *durable; /* what the next opening finds */
    struct state *stale;   /* under SABOTAGE_COMMIT: what a power cut leaves */
    size_t open;           /* transactions */
    bool writing;
    bool broken; /* a commit failed: nothing more is written */
};

struct index_transaction {
    struct memory_index *index;
    struct state *state;
    bool writing;
    bool own[INDEX_TABLE_COUNT]; /* the table is this transaction's alone */
    int64_t grown;               /* bytes more than before */
    enum code failed;
};

static void *must(void *memory)
{
    if (!memory)
        abort(); /* the simulator's own memory: nothing to prove there */
    return memory;
}

static struct bytes entry_key(const struct entry *entry)
{
    return (struct bytes){entry->data, entry->key_size};
}

static struct bytes entry_value(const struct entry *entry)
{
    return (struct bytes){entry->data + entry->key_size, entry->value_size};
}

static void entry_unref(struct entry *entry)
{
    if (--entry->references == 0)
        free(entry);
}

static void table_unref(struct table *table)
{
    if (--table->references > 0)
        return;
    for (size_t i = 0; i < table->count; i++)
        entry_unref(table->entries[i]);
    free(table->entries);
    free(table);
}

static struct table *table_copy(const struct table *table)
{
    struct table *copy = must(calloc(1, sizeof(*copy)));

    copy->references = 1;
    copy->count = table->count;
    copy->capacity = table->count + 16;
    copy->entries = must(calloc(copy->capacity, sizeof(struct entry *)));
    for (size_t i = 0; i < table->count; i++) {
        copy->entries[i] = table->entries[i];
        copy->entries[i]->references++;
    }
    return copy;
}

static struct state *state_ref(struct state *state)
{
    state->references++;
    return state;
}

static void state_unref(struct state *state)
{
    if (--state->references > 0)
        return;
    for (int i = 0; i < INDEX_TABLE_COUNT; i++)
        table_unref(state->tables[i]);
    free(state);
}

static struct state *state_copy(const struct state *state)
{
    struct state *copy = must(malloc(sizeof(*copy)));

    *copy = *state;
    copy->references = 1;
    for (int i = 0; i < INDEX_TABLE_COUNT; i++)
        copy->tables[i]->references++;
    return copy;
}

/* The first entry with a key not below `key`. */
static size_t table_find(const struct table *table, struct bytes key, bool *exact)
{
    size_t first = 0, end = table->count;

    while (first < end) {
        size_t middle = (first + end) / 2;

        if (bytes_compare(entry_key(table->entries[middle]), key) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *exact = first < table->count && bytes_equal(entry_key(table->entries[first]), key);
    return first;
}

static enum code memory_begin(struct index *base, bool writing,
                              struct index_transaction **transaction, struct error *err)
{
    struct memory_index *index = (struct memory_index *)base;
    struct index_transaction *made;

    *transaction = NULL;
    if (index->disk->off)
        return error_set(err, E_IO, "index: the power is off");
    if (writing && index->broken)
        return error_set(err, E_IO, "index: begin: an earlier commit failed");
    assert(!(writing && index->writing)); /* LMDB would wait for ever */
    made = must(calloc(1, sizeof(*made)));
    made->index = index;
    made->writing = writing;
    made->state = writing ? state_copy(index->current) : state_ref(index->current);
    index->open++;
    index->writing |= writing;
    *transaction = made;
    return OK;
}

static enum code memory_get(struct index_transaction *transaction, enum index_table table,
                            struct bytes key, struct bytes *value, struct error *err)
{
    const struct table *entries = transaction->state->tables[table];
    bool exact;
    size_t at;

    assert(key.size > 0);
    if (transaction->index->disk->off)
        return error_set(err, E_IO, "index: get: the power is off");
    at = table_find(entries, key, &exact);
    if (!exact)
        return E_NOT_FOUND;
    *value = entry_value(entries->entries[at]);
    return OK;
}

static struct table *own_table(struct index_transaction *transaction, enum index_table table)
{
    struct table **slot = &transaction->state->tables[table];

    assert(transaction->writing);
    if (!transaction->own[table]) {
        struct table *copy = table_copy(*slot);

        table_unref(*slot);
        *slot = copy;
        transaction->own[table] = true;
    }
    return *slot;
}

/* Takes the entry out. */
static void table_cut(struct index_transaction *transaction, struct table *table, size_t at)
{
    struct entry *entry = table->entries[at];

    transaction->grown -= (int64_t)(entry->key_size + entry->value_size);
    entry_unref(entry);
    table->count--;
    memmove(&table->entries[at], &table->entries[at + 1],
            (table->count - at) * sizeof(struct entry *));
}

static enum code memory_put(struct index_transaction *transaction, enum index_table table,
                            struct bytes key, struct bytes value, struct error *err)
{
    struct table *entries = own_table(transaction, table);
    struct entry *entry;
    bool exact;
    size_t at;

    assert(key.size > 0);
    if (transaction->index->disk->off) {
        transaction->failed = E_IO;
        return error_set(err, E_IO, "index: put: the power is off");
    }
    at = table_find(entries, key, &exact);
    entry = must(malloc(sizeof(*entry) + key.size + value.size));
    *entry = (struct entry){1, key.size, value.size};
    memcpy(entry->data, key.data, key.size);
    if (value.size > 0)
        memcpy(entry->data + key.size, value.data, value.size);
    if (exact)
        table_cut(transaction, entries, at);
    if (entries->count == entries->capacity) {
        entries->capacity = entries->capacity * 2 + 16;
        entries->entries =
            must(realloc(entries->entries, entries->capacity * sizeof(struct entry *)));
    }
    memmove(&entries->entries[at + 1], &entries->entries[at],
            (entries->count - at) * sizeof(struct entry *));
    entries->entries[at] = entry;
    entries->count++;
    transaction->grown += (int64_t)(key.size + value.size);
    return OK;
}

static enum code memory_remove(struct index_transaction *transaction, enum index_table table,
                               struct bytes key, struct error *err)
{
    struct table *entries = own_table(transaction, table);
    bool exact;
    size_t at;

    if (transaction->index->disk->off) {
        transaction->failed = E_IO;
        return error_set(err, E_IO, "index: remove: the power is off");
    }
    at = table_find(entries, key, &exact);
    if (exact)
        table_cut(transaction, entries, at);
    return OK;
}

static enum code memory_walk(struct index_transaction *transaction, enum index_table table,
                             struct bytes first,
                             enum code (*each)(void *context, struct bytes key, struct bytes value,
                                               struct error *err),
                             void *context, struct error *err)
{
    const struct table *entries = transaction->state->tables[table];
    enum code code = OK;
    bool exact;

    if (transaction->index->disk->off)
        return error_set(err, E_IO, "index: walk: the power is off");
    for (size_t at = table_find(entries, first, &exact); code == OK && at < entries->count; at++)
        code =
            each(context, entry_key(entries->entries[at]), entry_value(entries->entries[at]), err);
    return code;
}

static void memory_end(struct index_transaction *transaction)
{
    struct memory_index *index = transaction->index;

    state_unref(transaction->state);
    index->open--;
    if (transaction->writing)
        index->writing = false;
    free(transaction);
}

static void memory_abort(struct index_transaction *transaction)
{
    if (transaction)
        memory_end(transaction);
}

static void set_state(struct state **slot, struct state *state)
{
    struct state *old = *slot;

    *slot = state_ref(state);
    state_unref(old);
}

static enum code memory_commit(struct index_transaction *transaction, struct error *err)
{
    struct memory_index *index = transaction->index;
    struct fake_disk *disk = index->disk;
    enum code code = OK;

    if (!transaction->writing)
        goto out;
    if (transaction->failed) {
        code = error_set(err, transaction->failed, "index: commit: a write failed");
        goto out;
    }
    if (transaction->grown > 0 && !fake_disk_take(disk, (uint64_t)transaction->grown)) {
        code = error_set(err, E_DISK_FULL, "index: commit: No space left on device");
        goto out;
    }
    if (transaction->grown < 0)
        fake_disk_give(disk, (uint64_t)-transaction->grown);
    code = fake_disk_operate(disk, FAULT_SYNC, NULL, err);
    if (code) { /* the root page may have gone out */
        index->broken = true;
        if (random_chance(&disk->random, 2))
            set_state(&index->durable, transaction->state);
        else
            disk->bytes_used -= (uint64_t)transaction->grown; /* modulo 2^64: it may be negative */
        error_context(err, "index: commit");
        goto out;
    }
    set_state(&index->current, transaction->state);
    set_state(&index->durable, transaction->state);
    if (disk->sabotage != SABOTAGE_COMMIT)
        set_state(&index->stale, transaction->state);

out:
    memory_end(transaction);
    return code;
}

static const struct index_operations memory_operations = {
    .begin = memory_begin,
    .get = memory_get,
    .put = memory_put,
    .remove = memory_remove,
    .walk = memory_walk,
    .commit = memory_commit,
    .abort = memory_abort,
};

struct index *memory_index_new(struct fake_disk *disk)
{
    struct memory_index *made = must(calloc(1, sizeof(*made)));
    struct state *empty = must(calloc(1, sizeof(*empty)));

    for (int i = 0; i < INDEX_TABLE_COUNT; i++) {
        empty->tables[i] = must(calloc(1, sizeof(struct table)));
        empty->tables[i]->references = 1;
    }
    empty->references = 3;
    made->base.operations = &memory_operations;
    made->disk = disk;
    made->current = made->durable = made->stale = empty;
    return &made->base;
}

void memory_index_restart(struct index *base)
{
    struct memory_index *index = (struct memory_index *)base;

    assert(index->open == 0);
    set_state(&index->current, index->durable);
    index->broken = false;
}

void memory_index_crash(struct index *base)
{
    struct memory_index *index = (struct memory_index *)base;

    if (index->disk->sabotage == SABOTAGE_COMMIT)
        set_state(&index->durable, index->stale);
    memory_index_restart(base);
}

bool memory_index_flip(struct index *base, enum index_table table, struct random *random)
{
    struct memory_index *index = (struct memory_index *)base;
    const struct table *entries = index->current->tables[table];
    struct entry *entry;
    uint64_t bit;

    assert(index->open == 0);
    if (entries->count == 0)
        return false;
    entry = entries->entries[random_below(random, entries->count)];
    if (entry->value_size == 0)
        return false;
    bit = random_below(random, entry->value_size * 8);
    entry->data[entry->key_size + bit / 8] ^= (char)(1 << bit % 8);
    return true;
}

void memory_index_free(struct index *base)
{
    struct memory_index *index = (struct memory_index *)base;

    if (!index)
        return;
    assert(index->open == 0);
    state_unref(index->current);
    state_unref(index->durable);
    state_unref(index->stale);
    free(index);
}
