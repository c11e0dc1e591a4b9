#include "fake_disk.h"

#include <assert.h>

static const char *const fault_names[FAULT_COUNT] = {"read", "write", "sync", "directory"};

void fake_disk_init(struct fake_disk *disk, uint64_t seed)
{
    *disk = (struct fake_disk){.bytes_max = UINT64_MAX};
    random_seed(&disk->random, seed);
}

enum code fake_disk_operate(struct fake_disk *disk, enum fault fault, bool *cut, struct error *err)
{
    disk->operations++;
    if (cut)
        *cut = false;
    if (disk->off)
        return error_set(err, E_IO, "the power is off");
    if (disk->cut_at > 0 && disk->operations >= disk->cut_at) {
        disk->off = true;
        if (cut)
            *cut = true;
        return error_set(err, E_IO, "the power was cut");
    }
    if (disk->one_in[fault] > 0 && random_chance(&disk->random, disk->one_in[fault])) {
        disk->fault_count[fault]++;
        return error_set(err, E_IO, "injected %s error", fault_names[fault]);
    }
    return OK;
}

bool fake_disk_take(struct fake_disk *disk, uint64_t bytes)
{
    if (disk->bytes_used > disk->bytes_max || bytes > disk->bytes_max - disk->bytes_used)
        return false;
    disk->bytes_used += bytes;
    return true;
}

void fake_disk_give(struct fake_disk *disk, uint64_t bytes)
{
    assert(disk->bytes_used >= bytes);
    disk->bytes_used -= bytes;
}

void fake_disk_heal(struct fake_disk *disk)
{
    disk->off = false;
    disk->cut_at = 0;
    disk->bytes_max = UINT64_MAX;
    memset(disk->one_in, 0, sizeof(disk->one_in));
}
