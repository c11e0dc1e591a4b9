/* A table of pointers found by a 64-bit hash: open addressing, linear probing, load <= 0.7.  The
 * key stands in the item itself, so a slot is half of base/map.h's: at a million series that is
 * 32 MiB less a table.  Nothing is ever removed.
 *
 * Thread:  whoever holds the lock of the tenant that owns it. */
#ifndef WEIR_CATALOG_HASH_TABLE_H
#define WEIR_CATALOG_HASH_TABLE_H

#include "base/bytes.h"

struct hash_slot {
    uint64_t hash;
    void *item; /* NULL = empty slot */
};

struct hash_table {
    struct hash_slot *slots; /* owned */
    size_t count, capacity;  /* capacity is 0 or a power of two */
};

/* Where hash_table_find() begins; asked for ahead of several finds, their waits for the memory
 * overlap. */
static inline const struct hash_slot *hash_table_home(const struct hash_table *table, uint64_t hash)
{
    return table->capacity == 0 ? NULL : &table->slots[hash & (table->capacity - 1)];
}

/* The item with this hash for which `same` is true, or NULL.  Inline, so that `same` is too. */
static inline void *hash_table_find(const struct hash_table *table, uint64_t hash,
                                    bool (*same)(const void *item, const void *wanted),
                                    const void *wanted)
{
    if (table->capacity == 0)
        return NULL;
    for (size_t i = hash & (table->capacity - 1);; i = (i + 1) & (table->capacity - 1)) {
        const struct hash_slot *slot = &table->slots[i];

        if (!slot->item)
            return NULL;
        if (slot->hash == hash && same(slot->item, wanted))
            return slot->item;
    }
}

/* Makes sure that the next hash_table_add() has its room.  False when memory ran out. */
MUST_USE bool hash_table_reserve(struct hash_table *table);
/* After a reserve; the item must not be there yet. */
void hash_table_add(struct hash_table *table, uint64_t hash, void *item);
/* Walk: for (size_t i = 0; (item = hash_table_next(table, &i)) != NULL;) */
void *hash_table_next(const struct hash_table *table, size_t *index);
void hash_table_release(struct hash_table *table);

#endif
