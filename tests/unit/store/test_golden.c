/* What earlier versions wrote is read by this one.
 *
 * tests/golden/store/<name>.txt are whole data directories as text: "index <table> <key> <value>"
 * and "file <path> <bytes>", in hex.  They are opened as a start opens them, and must give the rows
 * that stand below.  The other folders hold the bytes of one format each; every file there goes
 * through its reader, also those that this version no longer writes.
 *
 * WEIR_GOLDEN_WRITE=1 writes a data directory that is missing; one that is there never changes. */
#include "tests/unit/store/house.h"

#include <dirent.h>

#include "store/delivery/chain.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/packs/pack_stub.h"
#include "store/wal/replay.h"

static const char golden_store[] = "tests/golden/store/first.txt";

enum { GOLDEN_BYTES_MAX = 1 << 20 };

static size_t hex_read(const char *text, char *bytes, size_t size_max)
{
    size_t size = 0;
    unsigned byte;
    int taken;

    while (size < size_max && sscanf(text, "%2x%n", &byte, &taken) == 1) {
        bytes[size++] = (char)byte;
        text += taken;
    }
    return size;
}

static void hex_write(FILE *file, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(file, "%02x", (unsigned char)bytes.data[i]);
}

/* Ten rows with an answer remembered for their key, a deletion of two, ten more rows in the wal. */
static void golden_fill(struct house *house)
{
    static const struct note note = {
        .key = BYTES("first key"), .status = 204, .body_hash = {{1, 2, 3}}};
    struct posting posting;

    posting_init(&posting, house);
    for (uint32_t i = 0; i < 10; i++)
        posting_row(&posting, house_series(house, 1), i, i);
    record_encode_rows(house->tenant->name, &note, &posting.batch, &posting.payload);
    posting.submission.batch = &posting.batch;
    posting.submission.note = &note;
    posting.submission.payload = buf_bytes(&posting.payload);
    assert_int_equal(store_submit(house->store, &posting.submission, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
    posting_init(&posting, house);
    posting.tombstone =
        (struct tombstone){.selector = {.measurement = BYTES("cpu")}, .start = 3, .end = 5};
    assert_int_equal(posting_submit(&posting, house, NULL), OK);
    house_steps(house);
    assert_int_equal(posting_wait(&posting), OK);
    posting_release(&posting);
    house_seal(house);
    assert_int_equal(house_put(house, 1, 10, 5, NULL), OK);
    assert_int_equal(house_put(house, 2, 0, 5, NULL), OK);
}

struct dump {
    FILE *file;
    int table;
};

static enum code dump_entry(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct dump *dump = context;

    (void)err;
    fprintf(dump->file, "index %d ", dump->table);
    hex_write(dump->file, key);
    fputc(' ', dump->file);
    hex_write(dump->file, value);
    fputc('\n', dump->file);
    return OK;
}

static void dump_wal(struct house *house, FILE *file)
{
    char path[200];
    DIR *directory;
    struct dirent *entry;

    snprintf(path, sizeof(path), "%s/wal", house->directory);
    directory = opendir(path);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        static char bytes[GOLDEN_BYTES_MAX];
        char name[480];
        size_t size;
        FILE *segment;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        segment = fopen(name, "r");
        assert_non_null(segment);
        size = fread(bytes, 1, sizeof(bytes), segment);
        fclose(segment);
        while (size > 0 && bytes[size - 1] == 0) /* zeros that wait for frames */
            size--;
        size = (size + 7) / 8 * 8;
        fprintf(file, "file wal/%s ", entry->d_name);
        hex_write(file, (struct bytes){bytes, size});
        fputc('\n', file);
    }
    closedir(directory);
}

static void golden_write(void)
{
    struct house house;
    struct index_transaction *transaction;
    FILE *file;

    house_init(&house);
    house_open(&house);
    golden_fill(&house);
    house_close(&house);
    file = fopen(golden_store, "wx");
    assert_non_null(file);
    house_open_index(&house);
    assert_int_equal(house.index->operations->begin(house.index, false, &transaction, NULL), OK);
    for (int table = 0; table < INDEX_TABLE_COUNT; table++) {
        struct dump dump = {file, table};

        assert_int_equal(house.index->operations->walk(transaction, (enum index_table)table,
                                                       (struct bytes){0}, dump_entry, &dump, NULL),
                         OK);
    }
    house.index->operations->abort(transaction);
    index_lmdb_close(house.index);
    fs_posix_close(house.fs.inner);
    dump_wal(&house, file);
    assert_int_equal(fclose(file), 0);
    house_remove(&house);
}

/* Puts a directory back as it was; false at the end of the text. */
static bool golden_line(struct house *house, struct index_transaction *transaction, FILE *golden)
{
    static char line[2 * GOLDEN_BYTES_MAX], hex[2 * GOLDEN_BYTES_MAX], value[GOLDEN_BYTES_MAX],
        key[GOLDEN_BYTES_MAX];
    char name[64], path[200];
    struct bytes part;
    struct file *file;
    int table, at;

    if (fgets(line, sizeof(line), golden) == NULL)
        return false;
    if (sscanf(line, "index %d %s%n", &table, hex, &at) == 2) {
        size_t key_size = hex_read(hex, key, sizeof(key));
        size_t value_size = hex_read(line + at + 1, value, sizeof(value));

        assert_int_equal(house->index->operations->put(transaction, (enum index_table)table,
                                                       (struct bytes){key, key_size},
                                                       (struct bytes){value, value_size}, NULL),
                         OK);
        return true;
    }
    assert_int_equal(sscanf(line, "file %63s%n", name, &at), 1);
    part = (struct bytes){value, hex_read(line + at + 1, value, sizeof(value))};
    snprintf(path, sizeof(path), "%.*s", (int)(strrchr(name, '/') - name), name);
    assert_int_equal(fs_make_dir(house->fs.inner, path, NULL), OK);
    assert_int_equal(fs_open(house->fs.inner, name, FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &part, 1, NULL), OK);
    fs_close(file);
    return true;
}

static void golden_put_back(struct house *house, const char *path)
{
    struct index_transaction *transaction;
    FILE *golden = fopen(path, "r");

    if (golden == NULL)
        fail_msg("%s: cannot be opened", path);
    house_init(house);
    house_open_index(house);
    assert_int_equal(house->index->operations->begin(house->index, true, &transaction, NULL), OK);
    while (golden_line(house, transaction, golden))
        ;
    assert_int_equal(house->index->operations->commit(transaction, NULL), OK);
    index_lmdb_close(house->index);
    fs_posix_close(house->fs.inner);
    fclose(golden);
}

static void test_the_first_data_directory_opens_with_all_that_is_in_it(void **state)
{
    struct house house;
    struct view *view;
    size_t count;

    (void)state;
    if (getenv("WEIR_GOLDEN_WRITE") && access(golden_store, F_OK) != 0)
        golden_write();
    golden_put_back(&house, golden_store);
    house_open(&house);
    for (int start = 0; start < 2; start++) { /* as it was, and once this version sealed it */
        house_expect(&house, 1, 0, 15);
        house_expect(&house, 2, 0, 5);
        assert_int_equal(store_view(house.store, house.tenant, VIEW_LATEST, &view, NULL), OK);
        (void)view_tombstones(view, &count);
        assert_int_equal(count, 1);
        (void)view_missing(view, &count);
        assert_int_equal(count, 0);
        view_free(view);
        if (start == 0)
            house_seal(&house);
        house_close(&house);
        house_open(&house);
    }
    house_close(&house);
    house_remove(&house);
}

/* The readers of single formats. */

static void read_block(struct bytes bytes, const char *path)
{
    struct block_decoder *decoder;
    struct arena arena;
    struct error err = {0};

    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    if (block_check(bytes, decoder, &arena, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    block_decoder_free(decoder);
    arena_release(&arena);
}

static void read_entry(struct bytes bytes, const char *path)
{
    struct manifest_entry entry;
    struct error err = {0};

    if (manifest_entry_decode(bytes, &entry, &err) != OK)
        fail_msg("%s: %s", path, err.text);
}

static void read_chain(struct bytes bytes, const char *path)
{
    struct chain_entry entry;
    struct error err = {0};
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    if (chain_entry_decode(bytes, &arena, &entry, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    arena_release(&arena);
}

static void read_pack(struct bytes bytes, const char *path)
{
    struct block_decoder *decoder;
    struct error err = {0};
    struct pack *pack = NULL;

    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    if (pack_open_memory(bytes, &pack, &err) != OK || pack_check(pack, decoder, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    pack_unref(pack);
    block_decoder_free(decoder);
}

static void read_record(struct bytes bytes, const char *path)
{
    struct record record;
    struct error err = {0};
    struct arena arena;

    arena_init(&arena, SIZE_MAX, NULL);
    if (record_decode(bytes, &arena, &record, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    if (record.type == RECORD_ROWS)
        batch_release(record.batch);
    arena_release(&arena);
}

static enum code count_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                              struct error *err)
{
    (void)lsn, (void)ingest, (void)payload, (void)err;
    ++*(size_t *)context;
    return OK;
}

static enum code no_gap(void *context, uint64_t lsn_last, uint64_t lsn_next, const char *what,
                        struct error *err)
{
    (void)context, (void)lsn_last, (void)lsn_next, (void)err;
    fail_msg("a gap: %s", what);
    return OK;
}

/* As segment 1 of the store that its head names. */
static void read_segment(struct bytes bytes, const char *path)
{
    struct replay_report report;
    struct hash128 incarnation;
    size_t count = 0;
    struct wal_replay replay = {count_record, no_gap, &count};
    struct error err = {0};
    struct house house;
    struct file *file;
    uint64_t id;
    char name[SEGMENT_NAME_SIZE];

    assert_true(bytes.size > SEGMENT_HEAD_SIZE);
    memcpy(&id, bytes.data + 8, sizeof(id));
    memcpy(incarnation.bytes, bytes.data + 16, sizeof(incarnation.bytes));
    segment_name(id, name);
    house_init(&house);
    assert_int_equal(fs_posix_open(house.directory, &house.fs.inner, NULL), OK);
    assert_int_equal(fs_make_dir(house.fs.inner, "wal", NULL), OK);
    assert_int_equal(fs_open(house.fs.inner, name, FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &bytes, 1, NULL), OK);
    fs_close(file);
    if (replay_examine(house.fs.inner, &incarnation, 0, &replay, &report, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    if (count == 0 || report.records_torn != 0)
        fail_msg("%s: %zu records, %llu torn", path, count,
                 (unsigned long long)report.records_torn);
    fs_posix_close(house.fs.inner);
    house_remove(&house);
}

static void read_file(const char *path, void (*read)(struct bytes bytes, const char *path))
{
    static char bytes[GOLDEN_BYTES_MAX];
    FILE *file = fopen(path, "r");
    size_t size = 0;
    unsigned byte;

    assert_non_null(file);
    while (size < sizeof(bytes) && fscanf(file, "%2x", &byte) == 1)
        bytes[size++] = (char)byte;
    fclose(file);
    assert_true(size > 0);
    read((struct bytes){bytes, size}, path);
}

/* The reader of stubs wants a file. */
static void read_stub(struct bytes bytes, const char *path)
{
    static struct pack_bringer *_Atomic nobody;
    char root[] = "/tmp/weir-golden-XXXXXX", name[64];
    struct pack *pack = NULL;
    struct file *file = NULL;
    struct error err = {0};
    struct fs *fs;

    assert_non_null(mkdtemp(root));
    assert_int_equal(fs_posix_open(root, &fs, NULL), OK);
    assert_int_equal(fs_open(fs, "stub", FS_CREATE, &file, NULL), OK);
    assert_int_equal(fs_write(file, 0, &bytes, 1, NULL), OK);
    fs_close(file);
    if (pack_open_stub(fs, "stub", &nobody, &pack, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    pack_unref(pack);
    fs_posix_close(fs);
    snprintf(name, sizeof(name), "%s/stub", root);
    assert_int_equal(unlink(name) + rmdir(root), 0);
}

/* A format that comes gets its row; a folder without one is a fault. */
static void test_every_golden_file_is_read(void **state)
{
    static const struct {
        const char *folder;
        void (*read)(struct bytes bytes, const char *path); /* NULL: the test above */
    } formats[] = {
        {"block",  read_block  },
        {"chain",  read_chain  },
        {"index",  read_entry  },
        {"pack",   read_pack   },
        {"record", read_record },
        {"store",  NULL        },
        {"stub",   read_stub   },
        {"wal",    read_segment},
    };
    size_t folders = 0;
    DIR *all = opendir("tests/golden");
    struct dirent *entry;

    (void)state;
    assert_non_null(all);
    while ((entry = readdir(all)) != NULL)
        folders += entry->d_name[0] != '.';
    closedir(all);
    if (folders != COUNT_OF(formats))
        fail_msg("tests/golden has %zu folders, %zu formats are read", folders, COUNT_OF(formats));
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        char path[600];
        size_t files = 0;
        DIR *folder;

        snprintf(path, sizeof(path), "tests/golden/%s", formats[i].folder);
        folder = opendir(path);
        assert_non_null(folder);
        while ((entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            files++;
            snprintf(path, sizeof(path), "tests/golden/%s/%s", formats[i].folder, entry->d_name);
            if (formats[i].read != NULL)
                read_file(path, formats[i].read);
        }
        closedir(folder);
        if (files == 0)
            fail_msg("tests/golden/%s is empty", formats[i].folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_data_directory_opens_with_all_that_is_in_it),
        cmocka_unit_test(test_every_golden_file_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
