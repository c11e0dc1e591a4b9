/* Where unit tests put their directories: in memory, if there is room for them.  Whether a disk
 * keeps what was synced is what tests/fault asks, and a thousand syncs of a busy disk take minutes.
 */
#ifndef WEIR_TESTS_UNIT_STORE_MEMORY_PLACE_H
#define WEIR_TESTS_UNIT_STORE_MEMORY_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MEMORY_PLACE_BYTES = 512 << 20 };

/* A new, empty directory. */
static inline void memory_place_make(char *path, size_t size)
{
    struct statvfs room;
    bool memory = statvfs("/dev/shm", &room) == 0 && access("/dev/shm", W_OK) == 0 &&
                  (uint64_t)room.f_bavail * room.f_frsize >= MEMORY_PLACE_BYTES;

    snprintf(path, size, "%s/weir-test-XXXXXX", memory ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(path));
}

#endif
