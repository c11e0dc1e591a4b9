#include "fake_node.h"

#include <stdlib.h>

enum { SECTOR = 512 };

static void *must(void *memory)
{
    if (!memory)
        abort(); /* the simulator's own memory: nothing to prove there */
    return memory;
}

static void image_resize(struct image *image, uint64_t size)
{
    if (size > image->capacity) {
        uint64_t capacity = size + size / 2 + 4096;

        image->data = must(realloc(image->data, capacity));
        image->capacity = capacity;
    }
    if (size > image->size)
        memset(image->data + image->size, 0, size - image->size);
    image->size = size;
}

/* Puts what lies within the size. */
static void image_put(struct image *image, uint64_t offset, const char *data, uint64_t size)
{
    if (offset >= image->size)
        return;
    if (size > image->size - offset)
        size = image->size - offset;
    memcpy(image->data + offset, data, size);
}

struct node *node_ref(struct node *node)
{
    if (node)
        node->references++;
    return node;
}

static void changes_clear(struct node *node)
{
    for (size_t i = 0; i < node->change_count; i++)
        free(node->changes[i].data);
    node->change_count = 0;
}

void node_unref(struct fake_disk *disk, struct node *node)
{
    if (!node || --node->references > 0)
        return;
    fake_disk_give(disk, node->seen.size);
    changes_clear(node);
    free(node->changes);
    free(node->seen.data);
    free(node->disk.data);
    free(node);
}

static struct change *change_add(struct node *node)
{
    if (node->change_count == node->change_capacity) {
        node->change_capacity = node->change_capacity * 2 + 8;
        node->changes =
            must(realloc(node->changes, node->change_capacity * sizeof(*node->changes)));
    }
    node->changes[node->change_count] = (struct change){0};
    return &node->changes[node->change_count++];
}

void node_resize(struct node *node, uint64_t size)
{
    struct change *change;

    if (size == node->seen.size)
        return;
    image_resize(&node->seen, size);
    change = change_add(node);
    change->resizes = true;
    change->size = size;
}

/* Notes the sectors that hold [offset, offset + size) as they are now. */
static void node_note(struct node *node, uint64_t offset, uint64_t size)
{
    struct change *change = change_add(node);

    change->offset = offset / SECTOR * SECTOR;
    change->used = (offset + size + SECTOR - 1) / SECTOR * SECTOR - change->offset;
    change->data = must(calloc(1, change->used));
    if (change->offset + change->used > node->seen.size)
        memcpy(change->data, node->seen.data + change->offset, node->seen.size - change->offset);
    else
        memcpy(change->data, node->seen.data + change->offset, change->used);
}

bool keeps(struct random *random, enum keep keep, size_t at, size_t turn)
{
    switch (keep) {
    case KEEP_ALL:
        return true;
    case KEEP_NONE:
        return false;
    case KEEP_HALF:
        return random_chance(random, 2);
    case KEEP_MOST:
        return !random_chance(random, 8);
    case KEEP_FEW:
        return random_chance(random, 8);
    case KEEP_FIRST:
        return at < turn;
    case KEEP_LAST:
        return at >= turn;
    case KEEP_COUNT:
        break;
    }
    return false;
}

/* Writes a choice of what waits to the disk image and forgets the rest.  True when a part stayed.
 */
bool node_settle(struct node *node, struct random *random, enum keep keep)
{
    size_t sectors = 0, at = 0, turn, resizes = 0, resizes_kept, kept = 0;
    bool torn;

    for (size_t i = 0; i < node->change_count; i++) {
        sectors += node->changes[i].used / SECTOR;
        resizes += node->changes[i].resizes;
    }
    turn = sectors > 0 ? random_below(random, sectors + 1) : 0;
    resizes_kept = resizes;
    if (keep == KEEP_NONE)
        resizes_kept = 0;
    else if (keep != KEEP_ALL && resizes > 0 && random_chance(random, 2))
        resizes_kept = random_below(random, resizes + 1);
    for (size_t i = 0; i < node->change_count; i++) {
        const struct change *change = &node->changes[i];

        if (change->resizes) {
            if (resizes_kept > 0) {
                image_resize(&node->disk, change->size);
                resizes_kept--;
            }
            continue;
        }
        for (uint64_t from = 0; from < change->used; from += SECTOR, at++) {
            if (keeps(random, keep, at, turn)) {
                image_put(&node->disk, change->offset + from, change->data + from, SECTOR);
                kept++;
            }
        }
    }
    torn = kept > 0 && kept < sectors;
    changes_clear(node);
    return torn;
}
void node_write(struct node *node, uint64_t offset, const struct bytes *parts, size_t count,
                uint64_t size)
{
    uint64_t at = offset;

    if (size == 0)
        return;
    if (offset + size > node->seen.size)
        node_resize(node, offset + size);
    for (size_t i = 0; i < count && at < offset + size; i++) {
        uint64_t part = parts[i].size;

        if (part > offset + size - at)
            part = offset + size - at;
        if (part > 0)
            memcpy(node->seen.data + at, parts[i].data, part);
        at += part;
    }
    node_note(node, offset, size);
}

struct node *node_new(void)
{
    return must(calloc(1, sizeof(struct node)));
}

bool node_crash(struct fake_disk *disk, struct node *node)
{
    bool torn =
        node_settle(node, &disk->random, (enum keep)random_below(&disk->random, KEEP_COUNT));

    fake_disk_give(disk, node->seen.size);
    image_resize(&node->seen, 0);
    image_resize(&node->seen, node->disk.size);
    if (node->disk.size > 0)
        memcpy(node->seen.data, node->disk.data, node->disk.size);
    disk->bytes_used += node->disk.size; /* it was there before: it fits */
    return torn;
}
