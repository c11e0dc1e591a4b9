/* What the simulated machine's file system and index have in common: power that can be cut at
 * any operation, space that can run out, and faults that strike by chance.
 *
 * Owned by the simulator; one thread. */
#ifndef WEIR_TESTS_SIM_FAKE_DISK_H
#define WEIR_TESTS_SIM_FAKE_DISK_H

#include "base/error.h"
#include "base/random.h"

enum fault { FAULT_READ, FAULT_WRITE, FAULT_SYNC, FAULT_NAMES, FAULT_COUNT };

/* What a broken storage stack would do: the simulator must see each of them. */
enum sabotage { SABOTAGE_NONE, SABOTAGE_SYNC, SABOTAGE_SYNC_DIR, SABOTAGE_COMMIT, SABOTAGE_COUNT };

struct fake_disk {
    struct random random;
    uint64_t operations;          /* so far */
    uint64_t cut_at;              /* the power goes with this operation; 0 = not */
    bool off;                     /* every call fails with E_IO until fake_disk_on() */
    uint64_t bytes_used;          /* of files and index */
    uint64_t bytes_max;           /* UINT64_MAX = plenty */
    uint32_t one_in[FAULT_COUNT]; /* 0 = never */
    uint64_t fault_count[FAULT_COUNT];
    enum sabotage sabotage;
};

void fake_disk_init(struct fake_disk *disk, uint64_t seed);

/* Begins an operation.  OK; or E_IO when the power is off, goes now (*cut, may be NULL: the
 * operation may yet have an effect) or a fault strikes. */
MUST_USE enum code fake_disk_operate(struct fake_disk *disk, enum fault fault, bool *cut,
                                     struct error *err);
/* Accounts `bytes` more.  False: they do not fit, and nothing was taken. */
MUST_USE bool fake_disk_take(struct fake_disk *disk, uint64_t bytes);
void fake_disk_give(struct fake_disk *disk, uint64_t bytes);
/* Power again; no faults, plenty of space. */
void fake_disk_heal(struct fake_disk *disk);

#endif
