#include "query/tally.h"

#include <assert.h>

#include "base/map.h"

/* Of a slot in a table, so that tables are powers of two for the pool. */
enum { SLOTS_FIRST = 8, SLOT_SIZE = 32 };

static_assert(sizeof(struct tally_slot) <= SLOT_SIZE, "tables have sizes that are powers of two");

static void set_integer(struct tally_slot *slot, int64_t value)
{
    slot->kind = value < 0 ? TALLY_NEGATIVE : TALLY_WHOLE;
    slot->cell.i64 = value;
}

static void set_real(struct tally_slot *slot, double value)
{
    if (value >= -0x1p63 && value < 0 && (double)(int64_t)value == value) {
        set_integer(slot, (int64_t)value);
    } else if (value >= 0 && value < 0x1p64 && (double)(uint64_t)value == value) {
        slot->kind = TALLY_WHOLE;
        slot->cell.u64 = (uint64_t)value;
    } else {
        slot->kind = TALLY_REAL;
    }
}

struct tally_slot tally_value(enum value_type type, union cell cell)
{
    struct tally_slot slot = {.cell = cell, .type = (uint8_t)type};

    switch (type) {
    case TYPE_F64:
        set_real(&slot, cell.f64);
        break;
    case TYPE_I64:
        set_integer(&slot, cell.i64);
        break;
    case TYPE_U64:
        slot.kind = TALLY_WHOLE;
        break;
    case TYPE_BOOL:
        slot.kind = TALLY_BOOL;
        break;
    case TYPE_STRING:
        slot.kind = TALLY_TEXT;
        break;
    case TYPE_NONE:
    case TYPE_RETRACTED:
        break;
    }
    return slot;
}

static uint32_t hash_of(const struct tally_slot *value)
{
    const uint64_t number[] = {value->kind, value->cell.u64};

    if (value->kind == TALLY_TEXT)
        return (uint32_t)map_hash(text_bytes(value->cell.text));
    return (uint32_t)map_hash((struct bytes){(const char *)number, sizeof(number)});
}

static bool same(const struct tally_slot *a, const struct tally_slot *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind != TALLY_TEXT)
        return a->cell.u64 == b->cell.u64;
    return bytes_equal(text_bytes(a->cell.text), text_bytes(b->cell.text));
}

/* The slot that has the value, or the free one where it belongs. */
static struct tally_slot *find(const struct tally *tally, const struct tally_slot *value,
                               uint32_t hash)
{
    uint32_t mask = tally->capacity - 1, at = hash & mask;

    while (tally->slots[at].kind != TALLY_FREE &&
           (tally->slots[at].hash != hash || !same(&tally->slots[at], value)))
        at = (at + 1) & mask;
    return &tally->slots[at];
}

static bool grow(struct tally *tally, struct pool *pool)
{
    struct tally bigger = {.count = tally->count,
                           .capacity = tally->capacity ? 2 * tally->capacity : SLOTS_FIRST};

    if (tally->capacity > UINT32_MAX / 2)
        return false;
    bigger.slots = pool_take(pool, (size_t)bigger.capacity * SLOT_SIZE);
    if (!bigger.slots)
        return false;
    memset(bigger.slots, 0, bigger.capacity * sizeof(*bigger.slots));
    for (uint32_t i = 0; i < tally->capacity; i++)
        if (tally->slots[i].kind != TALLY_FREE)
            *find(&bigger, &tally->slots[i], tally->slots[i].hash) = tally->slots[i];
    tally_release(tally, pool);
    *tally = bigger;
    return true;
}

static const struct text *copy_text(const struct text *text, struct pool *pool)
{
    struct text *copy = arena_alloc(pool->arena, sizeof(*copy) + text->size);

    if (!copy)
        return NULL;
    copy->size = text->size;
    memcpy(copy->data, text->data, text->size);
    return copy;
}

static struct tally_slot *put(struct tally *tally, const struct tally_slot *value, uint64_t count,
                              struct pool *pool)
{
    uint32_t hash = hash_of(value);
    struct tally_slot *slot, made = *value;

    if (2 * (uint64_t)tally->count >= tally->capacity && !grow(tally, pool))
        return NULL;
    slot = find(tally, value, hash);
    if (slot->kind == TALLY_FREE) {
        made.hash = hash;
        made.count = 0;
        if (made.kind == TALLY_TEXT)
            made.cell.text = copy_text(value->cell.text, pool);
        if (made.kind == TALLY_TEXT && !made.cell.text)
            return NULL;
        *slot = made;
        tally->count++;
    }
    if (value->type < slot->type)
        slot->type = value->type;
    slot->count += count;
    return slot;
}

bool tally_put(struct tally *tally, const struct tally_slot *value, uint64_t count,
               struct pool *pool)
{
    return put(tally, value, count, pool) != NULL;
}

bool tally_column(struct tally *tally, const struct rows_column *column, uint32_t first,
                  uint32_t end, uint32_t count_max, struct pool *pool, uint32_t *at)
{
    struct tally_slot *before = NULL;
    uint64_t bits_before = 0;
    uint32_t i;

    for (i = first; i < end && tally->count <= count_max; i++) {
        struct tally_slot value;

        if (column->present && !column->present[i])
            continue;
        if (before && column->type != TYPE_STRING && column->cells[i].u64 == bits_before) {
            before->count++; /* values mostly stay for a while */
            continue;
        }
        value = tally_value(column->type, column->cells[i]);
        before = put(tally, &value, 1, pool);
        if (!before)
            return false;
        bits_before = column->cells[i].u64;
    }
    *at = i;
    return true;
}

bool tally_merge(struct tally *tally, const struct tally *other, struct pool *pool)
{
    for (uint32_t i = 0; i < other->capacity; i++)
        if (other->slots[i].kind != TALLY_FREE &&
            !tally_put(tally, &other->slots[i], other->slots[i].count, pool))
            return false;
    return true;
}

void tally_release(struct tally *tally, struct pool *pool)
{
    if (tally->slots)
        pool_give(pool, tally->slots, (size_t)tally->capacity * SLOT_SIZE);
    *tally = (struct tally){0};
}
