/* A directory that backups and restored stores are put in, gone afterwards. */
#ifndef WEIR_TESTS_UNIT_STORE_SHELF_H
#define WEIR_TESTS_UNIT_STORE_SHELF_H

#include "tests/unit/store/house.h"

enum { SHELF_MAP_BYTES = 64 << 20 };

struct shelf {
    char directory[64], index_path[96];
    struct fs *fs;
};

static inline void shelf_init(struct shelf *shelf)
{
    memory_place_make(shelf->directory, sizeof(shelf->directory));
    snprintf(shelf->index_path, sizeof(shelf->index_path), "%s/index", shelf->directory);
    assert_int_equal(fs_posix_open(shelf->directory, &shelf->fs, NULL), OK);
}

static inline void shelf_release(struct shelf *shelf)
{
    fs_posix_close(shelf->fs);
    (void)nftw(shelf->directory, house_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void shelf_count_one(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
}

/* Names in a directory of it; 0 when there is none. */
static inline size_t shelf_count(struct shelf *shelf, const char *path)
{
    size_t count = 0;

    if (fs_list(shelf->fs, path, shelf_count_one, &count, NULL) != OK)
        return 0;
    return count;
}

/* One bit of the file. */
static inline void shelf_damage(struct shelf *shelf, const char *path, uint64_t offset)
{
    struct file *file;
    struct bytes part;
    size_t got;
    char byte;

    assert_int_equal(fs_open(shelf->fs, path, FS_READ_WRITE, &file, NULL), OK);
    assert_int_equal(fs_read(file, offset, &byte, 1, &got, NULL), OK);
    assert_int_equal(got, 1);
    byte = (char)(byte ^ 4);
    part = (struct bytes){&byte, 1};
    assert_int_equal(fs_write(file, offset, &part, 1, NULL), OK);
    fs_close(file);
}

/* Three packs of "cpu" with files of their own (series 1 to 3), a small one (series 4), and rows in
 * the wal (series 5). */
static inline void shelf_fill_house(struct house *house)
{
    for (uint32_t series = 1; series <= 3; series++) {
        house_put_noise(house, series, series);
        house_seal(house);
    }
    assert_int_equal(house_put(house, 4, 0, 10, NULL), OK);
    house_seal(house);
    assert_int_equal(house_put(house, 5, 0, 10, NULL), OK);
}

#endif
