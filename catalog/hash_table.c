#include "catalog/hash_table.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 2 }; /* many a tag has one value */

static void slot_fill(struct hash_slot *slots, size_t capacity, uint64_t hash, void *item)
{
    size_t i = hash & (capacity - 1);

    while (slots[i].item)
        i = (i + 1) & (capacity - 1);
    slots[i] = (struct hash_slot){hash, item};
}

bool hash_table_reserve(struct hash_table *table)
{
    size_t capacity = table->capacity ? table->capacity * 2 : CAPACITY_FIRST;
    struct hash_slot *slots;

    if ((table->count + 1) * 10 <= table->capacity * 7)
        return true;
    slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].item)
            slot_fill(slots, capacity, table->slots[i].hash, table->slots[i].item);
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return true;
}

void hash_table_add(struct hash_table *table, uint64_t hash, void *item)
{
    assert(item);
    assert((table->count + 1) * 10 <= table->capacity * 7);
    slot_fill(table->slots, table->capacity, hash, item);
    table->count++;
}

void *hash_table_next(const struct hash_table *table, size_t *index)
{
    while (*index < table->capacity) {
        void *item = table->slots[(*index)++].item;

        if (item)
            return item;
    }
    return NULL;
}

void hash_table_release(struct hash_table *table)
{
    free(table->slots);
    *table = (struct hash_table){0};
}
