/* A file system in memory that tells what a program sees from what the disk holds.
 *
 * Written sectors (512 bytes), sizes and names wait until they are synced.  A power cut keeps,
 * loses or tears what waits: any subset of the sectors, also later ones without earlier; sizes in
 * the order they changed, as a journal does; names each for itself, or in order.  A failed sync
 * writes some sectors and forgets the others: reading still shows them, a second sync says OK, a
 * power cut loses them.  Faults come from the fake disk. */
#ifndef WEIR_TESTS_SIM_FAKE_FS_H
#define WEIR_TESTS_SIM_FAKE_FS_H

#include "base/fs.h"
#include "fake_disk.h"

struct fs *fake_fs_new(struct fake_disk *disk);
void fake_fs_free(struct fs *fs); /* NULL is fine */

/* What a power cut leaves.  No file is open any more.  Returns how many files were torn: they kept
 * a part of what waited. */
size_t fake_fs_crash(struct fs *fs);
size_t fake_fs_open_count(const struct fs *fs);

/* For bit flips.  Calls `each` for every file, in order of paths. */
void fake_fs_each(struct fs *fs, void (*each)(void *context, const char *path, uint64_t size),
                  void *context);
/* Flips one bit of what is seen and of what is on disk. */
void fake_fs_flip(struct fs *fs, const char *path, uint64_t bit);
/* Reads without faults; what is not there is zero. */
void fake_fs_peek(struct fs *fs, const char *path, uint64_t offset, void *data, size_t size);

#endif
