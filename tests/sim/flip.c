/* Bit flips: a small store is filled and stopped, one bit of one file is turned, and the store
 * opens again.  It may show less and say so; it never shows another value.
 *
 * One loss cannot be told: the wal's last group of records, when it is damaged, looks like one that
 * was never finished.  So the last submission of each episode is a group of its own, which is
 * spared. */
#include "flip.h"

#include <stdlib.h>

#include "world.h"

struct target {
    char path[160];
    uint64_t size;
};

struct targets {
    struct target entries[64];
    size_t count;
};

static void add_target(void *context, const char *path, uint64_t size)
{
    struct targets *targets = context;
    struct target *target = &targets->entries[targets->count];

    if (size == 0 || targets->count == COUNT_OF(targets->entries))
        return;
    strncpy(target->path, path, sizeof(target->path) - 1);
    target->path[sizeof(target->path) - 1] = '\0';
    target->size = size;
    targets->count++;
}

/* Most of a segment is zeros that nobody reads: bits are taken where something is written. */
static uint64_t written_size(struct world *world, const struct target *target)
{
    char *bytes = malloc(target->size);
    uint64_t size = target->size;

    if (!bytes)
        abort();
    fake_fs_peek(world->fs, target->path, 0, bytes, target->size);
    while (size > 1 && bytes[size - 1] == 0)
        size--;
    free(bytes);
    return size;
}

static struct task *fill(struct world *world)
{
    uint64_t count = 5 + random_below(&world->random, 30);
    struct task *last = NULL;

    for (uint64_t i = 0; i < count && !world->failed; i++) {
        struct task *task = task_submit(world, i % 8 == 0 ? 3000 : 20);

        fake_clock_advance(&world->clock, 1000000);
        world_drain(world, false);
        if (task && task->state == TASK_HELD)
            last = task;
        if (i + 1 < count && random_chance(&world->random, 6))
            world_seal(world, true);
    }
    return last;
}

/* In a file, or in a small pack, which is a value of the index. */
static void flip(struct world *world)
{
    struct targets targets = {0};
    struct target *target;
    uint64_t bit;

    if (random_chance(&world->random, 4) &&
        memory_index_flip(world->index, INDEX_PACK, &world->random)) {
        world_trace(world, "flipped a bit of a pack in the index");
        return;
    }
    fake_fs_each(world->fs, add_target, &targets);
    if (targets.count == 0) {
        world_fail(world, "the store has no files");
        return;
    }
    target = &targets.entries[random_below(&world->random, targets.count)];
    bit = random_below(&world->random, written_size(world, target) * 8);
    fake_fs_flip(world->fs, target->path, bit);
    world_trace(world, "flipped bit %llu of byte %llu of %s", (unsigned long long)bit % 8,
                (unsigned long long)bit / 8, target->path);
}

void flip_episode(struct world *world)
{
    struct error err = {0};
    struct task *spared;
    bool told = false;

    if (world_open(world, &err) != OK) {
        world_fail(world, "store_open: %s", err.text);
        return;
    }
    spared = fill(world);
    if (world->failed || !spared)
        return;
    world_close(world);
    memory_index_restart(world->index);
    flip(world);
    world->counts[COUNT_FLIPS]++;
    world->trouble = true;
    for (int opening = 0; opening < 2 && !world->failed; opening++) {
        if (world_open(world, &err) != OK) {
            world_fail(world, "store_open after a flipped bit: %s", err.text);
            return;
        }
        told |= check_flipped(world, spared);
        world_close(world);
        memory_index_restart(world->index);
    }
    world->counts[COUNT_FLIPS_DETECTED] += told;
}
