/* The fakes themselves: that they lose what they may lose and keep what they must. */
#include "self_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_fs.h"
#include "memory_index.h"

enum { TURNS = 200, SIZE = 4096 };

struct machine {
    struct fake_disk disk;
    struct fs *fs;
    bool failed;
};

#define EXPECT(machine, condition)                                                                 \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("self test: %s:%d: %s\n", __func__, __LINE__, #condition);                      \
            (machine)->failed = true;                                                              \
        }                                                                                          \
    } while (0)

static void begin(struct machine *machine, uint64_t seed)
{
    fake_disk_init(&machine->disk, seed);
    machine->fs = fake_fs_new(&machine->disk);
}

static void end(struct machine *machine)
{
    fake_fs_free(machine->fs);
}

static struct file *create(struct machine *machine, const char *path)
{
    struct file *file = NULL;

    EXPECT(machine, fs_open(machine->fs, path, FS_CREATE, &file, NULL) == OK);
    return file;
}

static enum code fill(struct file *file, uint64_t offset, char byte, size_t size)
{
    char data[SIZE];
    struct bytes part = {data, size};

    memset(data, byte, size);
    return fs_write(file, offset, &part, 1, NULL);
}

/* The file's bytes, 'x' behind its end; -1 when there is no file. */
static int content(struct machine *machine, const char *path, char data[SIZE])
{
    struct file *file = NULL;
    size_t got = 0;

    memset(data, 'x', SIZE);
    if (fs_open(machine->fs, path, FS_READ, &file, NULL) != OK)
        return -1;
    EXPECT(machine, fs_read(file, 0, data, SIZE, &got, NULL) == OK);
    fs_close(file);
    return (int)got;
}

static void what_is_synced_survives(struct machine *machine)
{
    char data[SIZE];

    for (uint64_t seed = 0; seed < TURNS; seed++) {
        struct file *file;

        begin(machine, seed);
        file = create(machine, "a");
        EXPECT(machine, fill(file, 0, 'a', SIZE) == OK);
        EXPECT(machine, fs_sync(file, NULL) == OK);
        EXPECT(machine, fs_sync_dir(machine->fs, "", NULL) == OK);
        EXPECT(machine, fill(file, 2000, 'b', 100) == OK); /* within one sector */
        fs_close(file);
        fake_fs_crash(machine->fs);
        EXPECT(machine, content(machine, "a", data) == SIZE);
        EXPECT(machine, data[0] == 'a' && data[1999] == 'a' && data[2100] == 'a');
        EXPECT(machine, data[2000] == data[2047]);
        end(machine);
    }
}

static void what_is_not_synced_is_torn_in_sectors(struct machine *machine)
{
    size_t lost = 0, kept = 0, torn = 0, later_alone = 0;
    char data[SIZE];

    for (uint64_t seed = 0; seed < TURNS; seed++) {
        struct file *file;
        size_t whole = 0;

        begin(machine, seed);
        file = create(machine, "a");
        EXPECT(machine, fill(file, 0, 'a', SIZE) == OK);
        EXPECT(machine, fs_sync(file, NULL) == OK);
        EXPECT(machine, fs_sync_dir(machine->fs, "", NULL) == OK);
        EXPECT(machine, fill(file, 0, 'b', SIZE) == OK);
        fs_close(file);
        fake_fs_crash(machine->fs);
        content(machine, "a", data);
        for (size_t i = 0; i < SIZE; i++) {
            EXPECT(machine, data[i] == data[i / 512 * 512]);
            whole += data[i] == 'b';
        }
        lost += whole == 0;
        kept += whole == SIZE;
        torn += whole > 0 && whole < SIZE;
        later_alone += data[0] == 'a' && data[SIZE - 1] == 'b';
        end(machine);
    }
    EXPECT(machine, lost > 0 && kept > 0 && torn > 0 && later_alone > 0);
}

static void sizes_come_in_order(struct machine *machine)
{
    size_t shorter = 0;
    char data[SIZE];

    for (uint64_t seed = 0; seed < TURNS; seed++) {
        struct file *file;
        int size;

        begin(machine, seed);
        file = create(machine, "a");
        EXPECT(machine, fs_sync_dir(machine->fs, "", NULL) == OK);
        EXPECT(machine, fill(file, 0, 'a', 1000) == OK);
        EXPECT(machine, fs_truncate(file, 10, NULL) == OK);
        EXPECT(machine, fill(file, 2000, 'b', 10) == OK);
        fs_close(file);
        fake_fs_crash(machine->fs);
        size = content(machine, "a", data);
        EXPECT(machine, size == 0 || size == 1000 || size == 10 || size == 2010);
        if (size == 2010)
            EXPECT(machine, data[100] == 0 && data[1500] == 0);
        shorter += size < 2010;
        end(machine);
    }
    EXPECT(machine, shorter > 0);
}

static void names_wait_for_sync_dir(struct machine *machine)
{
    size_t lost = 0, moved = 0, back = 0;
    char data[SIZE];

    for (uint64_t seed = 0; seed < TURNS; seed++) {
        struct file *file;
        bool a, b, c;

        begin(machine, seed);
        file = create(machine, "a");
        EXPECT(machine, fill(file, 0, 'a', 10) == OK);
        EXPECT(machine, fs_sync(file, NULL) == OK);
        fs_close(file);
        EXPECT(machine, fs_sync_dir(machine->fs, "", NULL) == OK);
        fs_close(create(machine, "c"));
        EXPECT(machine, fs_rename(machine->fs, "a", "b", NULL) == OK);
        EXPECT(machine, content(machine, "a", data) == -1);
        fake_fs_crash(machine->fs);
        a = content(machine, "a", data) == 10;
        b = content(machine, "b", data) == 10;
        c = content(machine, "c", data) >= 0;
        EXPECT(machine, a != b);
        lost += !c;
        moved += b;
        back += a && c; /* the later change without the earlier */
        if (b)
            EXPECT(machine, fs_unlink(machine->fs, "b", NULL) == OK);
        EXPECT(machine, fs_sync_dir(machine->fs, "", NULL) == OK);
        fake_fs_crash(machine->fs);
        EXPECT(machine, content(machine, "b", data) == -1);
        end(machine);
    }
    EXPECT(machine, lost > 0 && moved > 0 && back > 0);
}

static void a_failed_sync_lies_the_second_time(struct machine *machine)
{
    size_t lost = 0;
    char data[SIZE];

    for (uint64_t seed = 0; seed < TURNS; seed++) {
        struct file *file;

        begin(machine, seed);
        file = create(machine, "a");
        EXPECT(machine, fs_sync_dir(machine->fs, "", NULL) == OK);
        EXPECT(machine, fill(file, 0, 'a', SIZE) == OK);
        machine->disk.one_in[FAULT_SYNC] = 1;
        EXPECT(machine, fs_sync(file, NULL) == E_IO);
        machine->disk.one_in[FAULT_SYNC] = 0;
        EXPECT(machine, fs_sync(file, NULL) == OK);
        fs_close(file);
        EXPECT(machine, content(machine, "a", data) == SIZE && data[SIZE - 1] == 'a');
        fake_fs_crash(machine->fs);
        lost += content(machine, "a", data) < SIZE || data[0] != 'a' || data[SIZE - 1] != 'a';
        end(machine);
    }
    EXPECT(machine, lost > 0);
}

static void a_full_disk_writes_a_part(struct machine *machine)
{
    struct file *file;
    uint64_t size;

    begin(machine, 1);
    file = create(machine, "a");
    machine->disk.bytes_max = 1000;
    EXPECT(machine, fill(file, 0, 'a', 600) == OK);
    EXPECT(machine, fill(file, 500, 'b', 600) == E_DISK_FULL);
    EXPECT(machine, fs_size(file, &size, NULL) == OK && size == 1000);
    EXPECT(machine, fill(file, 0, 'c', 1000) == OK); /* needs no more room */
    EXPECT(machine, fs_truncate(file, 100, NULL) == OK);
    EXPECT(machine, fill(file, 100, 'd', 900) == OK);
    fs_close(file);
    EXPECT(machine, fs_unlink(machine->fs, "a", NULL) == OK);
    end(machine);
    EXPECT(machine, machine->disk.bytes_used == 0);
}

static void without_power_nothing_works(struct machine *machine)
{
    struct file *file, *other = NULL;
    char data[SIZE];

    begin(machine, 1);
    file = create(machine, "a");
    machine->disk.cut_at = machine->disk.operations + 2;
    EXPECT(machine, fill(file, 0, 'a', 10) == OK);
    EXPECT(machine, fill(file, 0, 'b', 10) == E_IO);
    EXPECT(machine, machine->disk.off);
    EXPECT(machine, fs_sync(file, NULL) == E_IO);
    EXPECT(machine, fs_open(machine->fs, "a", FS_READ, &other, NULL) == E_IO);
    EXPECT(machine, fs_unlink(machine->fs, "a", NULL) == E_IO);
    fs_close(file);
    fake_disk_heal(&machine->disk);
    fake_fs_crash(machine->fs);
    (void)content(machine, "a", data);
    end(machine);
}

/* --- the index against LMDB --- */

struct twins {
    struct machine *machine;
    struct random random;
    struct index *index[2];
    struct index_transaction *transaction[2];
};

struct listing {
    char text[16384];
    size_t used;
};

static enum code list_entry(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct listing *listing = context;

    (void)err;
    listing->used +=
        (size_t)snprintf(listing->text + listing->used, sizeof(listing->text) - listing->used,
                         "%.*s=%.*s;", BYTES_ARG(key), BYTES_ARG(value));
    return listing->used < sizeof(listing->text) ? OK : E_END;
}

static void twins_compare(struct twins *twins, enum index_table table, struct bytes key)
{
    struct bytes first = random_chance(&twins->random, 2) ? (struct bytes){0} : key;
    static struct listing listings[2];
    struct bytes values[2] = {{0}, {0}};
    enum code codes[2];

    for (int i = 0; i < 2; i++) {
        const struct index_operations *operations = twins->index[i]->operations;

        codes[i] = operations->get(twins->transaction[i], table, key, &values[i], NULL);
        listings[i].used = 0;
        listings[i].text[0] = '\0';
        EXPECT(twins->machine, operations->walk(twins->transaction[i], table, first, list_entry,
                                                &listings[i], NULL) == OK);
    }
    EXPECT(twins->machine, codes[0] == codes[1] && bytes_equal(values[0], values[1]));
    EXPECT(twins->machine, strcmp(listings[0].text, listings[1].text) == 0);
}

static void twins_transaction(struct twins *twins)
{
    struct random *random = &twins->random;
    bool writing = random_below(random, 4) > 0, commits = random_chance(random, 2);

    for (int i = 0; i < 2; i++)
        EXPECT(twins->machine, twins->index[i]->operations->begin(
                                   twins->index[i], writing, &twins->transaction[i], NULL) == OK);
    for (uint64_t n = random_below(random, 12); n > 0; n--) {
        enum index_table table = (enum index_table)random_below(random, 2);
        char text[8], content_text[24];
        struct bytes key, value;
        uint64_t action = random_below(random, 3);

        snprintf(text, sizeof(text), "%llu", (unsigned long long)random_below(random, 40));
        snprintf(content_text, sizeof(content_text), "%llx",
                 (unsigned long long)random_next(random));
        key = bytes_of(text);
        value = bytes_of(content_text);
        if (random_chance(random, 8))
            value.size = 0;
        for (int i = 0; writing && i < 2; i++) {
            const struct index_operations *operations = twins->index[i]->operations;

            if (action == 0)
                EXPECT(twins->machine,
                       operations->put(twins->transaction[i], table, key, value, NULL) == OK);
            if (action == 1)
                EXPECT(twins->machine,
                       operations->remove(twins->transaction[i], table, key, NULL) == OK);
        }
        twins_compare(twins, table, key);
    }
    for (int i = 0; i < 2; i++) {
        const struct index_operations *operations = twins->index[i]->operations;

        if (commits)
            EXPECT(twins->machine, operations->commit(twins->transaction[i], NULL) == OK);
        else
            operations->abort(twins->transaction[i]);
    }
}

static void the_memory_index_is_lmdbs_twin(struct machine *machine)
{
    static const char *const leavings[] = {"index/data.mdb", "index/lock.mdb", "index", ""};
    struct twins twins = {.machine = machine};
    char directory[] = "/tmp/weir-sim-XXXXXX", path[64];

    random_seed(&twins.random, 7);
    fake_disk_init(&machine->disk, 7);
    EXPECT(machine, mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/index", directory);
    EXPECT(machine, index_lmdb_open(path, 1 << 24, false, &twins.index[0], NULL) == OK);
    twins.index[1] = memory_index_new(&machine->disk);
    for (int i = 0; i < 200 && !machine->failed; i++)
        twins_transaction(&twins);
    index_lmdb_close(twins.index[0]);
    memory_index_free(twins.index[1]);
    for (size_t i = 0; i < COUNT_OF(leavings); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, leavings[i]);
        remove(path);
    }
}

static void a_commit_is_whole_or_not_at_all(struct machine *machine)
{
    size_t kept = 0;

    for (uint64_t seed = 0; seed < TURNS; seed++) {
        struct index_transaction *transaction = NULL;
        struct index *index;
        struct bytes value;
        enum code one, two;

        fake_disk_init(&machine->disk, seed);
        index = memory_index_new(&machine->disk);
        EXPECT(machine, index->operations->begin(index, true, &transaction, NULL) == OK);
        EXPECT(machine,
               index->operations->put(transaction, INDEX_META, BYTES("a"), BYTES("1"), NULL) == OK);
        EXPECT(machine,
               index->operations->put(transaction, INDEX_PACK, BYTES("b"), BYTES("2"), NULL) == OK);
        machine->disk.cut_at = machine->disk.operations + 1;
        EXPECT(machine, index->operations->commit(transaction, NULL) == E_IO);
        fake_disk_heal(&machine->disk);
        memory_index_crash(index);
        EXPECT(machine, index->operations->begin(index, false, &transaction, NULL) == OK);
        one = index->operations->get(transaction, INDEX_META, BYTES("a"), &value, NULL);
        two = index->operations->get(transaction, INDEX_PACK, BYTES("b"), &value, NULL);
        EXPECT(machine, one == two && (one == OK || one == E_NOT_FOUND));
        kept += one == OK;
        index->operations->abort(transaction);
        memory_index_free(index);
    }
    EXPECT(machine, kept > 0 && kept < TURNS);
}

size_t self_test(size_t *count)
{
    static void (*const tests[])(struct machine * machine) = {
        what_is_synced_survives,
        what_is_not_synced_is_torn_in_sectors,
        sizes_come_in_order,
        names_wait_for_sync_dir,
        a_failed_sync_lies_the_second_time,
        a_full_disk_writes_a_part,
        without_power_nothing_works,
        the_memory_index_is_lmdbs_twin,
        a_commit_is_whole_or_not_at_all,
    };
    size_t failed = 0;

    *count = COUNT_OF(tests);
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        struct machine machine = {0};

        tests[i](&machine);
        failed += machine.failed;
    }
    return failed;
}
