#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/index.h"

enum { MAP_BYTES = 16 << 20 };

struct place {
    char directory[64], path[96];
    struct index *index;
};

static void open_index(struct place *place, bool read_only)
{
    struct error err = {0};

    if (index_lmdb_open(place->path, MAP_BYTES, read_only, &place->index, &err))
        fail_msg("open: %s", err.text);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    if (!place)
        return -1;
    snprintf(place->directory, sizeof(place->directory), "/tmp/weir-test-index-XXXXXX");
    if (!mkdtemp(place->directory))
        return -1;
    snprintf(place->path, sizeof(place->path), "%s/index", place->directory);
    open_index(place, false);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"index/data.mdb", "index/lock.mdb", "index", ""};
    struct place *place = *state;
    char path[128];

    index_lmdb_close(place->index);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", place->directory, names[i]);
        remove(path);
    }
    free(place);
    return 0;
}

static struct index_transaction *begin(struct place *place, bool writing)
{
    struct index_transaction *transaction;
    struct error err = {0};

    if (place->index->operations->begin(place->index, writing, &transaction, &err))
        fail_msg("begin: %s", err.text);
    return transaction;
}

static void put(struct place *place, struct index_transaction *transaction, enum index_table table,
                struct bytes key, struct bytes value)
{
    struct error err = {0};

    if (place->index->operations->put(transaction, table, key, value, &err))
        fail_msg("put: %s", err.text);
}

static void commit(struct place *place, struct index_transaction *transaction)
{
    struct error err = {0};

    if (place->index->operations->commit(transaction, &err))
        fail_msg("commit: %s", err.text);
}

/* `want` NULL: the key must be absent.  Zeros behind a small pack are not looked at. */
static void expect(struct place *place, enum index_table table, struct bytes key, const char *want)
{
    struct index_transaction *transaction = begin(place, false);
    struct error err = {0};
    struct bytes value = {0};
    enum code code = place->index->operations->get(transaction, table, key, &value, &err);

    if (code == OK && want && table == INDEX_PACK && value.size > strlen(want))
        value = bytes_slice(value, 0, strlen(want));
    if (want == NULL)
        assert_int_equal(code, E_NOT_FOUND);
    else if (code || !bytes_equal(value, bytes_of(want)))
        fail_msg("code %d, value %.*s, want %s", code, BYTES_ARG(value), want);
    place->index->operations->abort(transaction);
}

static void test_tables_are_apart(void **state)
{
    struct place *place = *state;
    struct index_transaction *transaction = begin(place, true);
    char text[2] = "a";

    for (int i = 0; i < INDEX_TABLE_COUNT; i++) {
        text[0] = (char)('a' + i);
        put(place, transaction, (enum index_table)i, BYTES("k"), bytes_of(text));
    }
    commit(place, transaction);
    for (int i = 0; i < INDEX_TABLE_COUNT; i++) {
        text[0] = (char)('a' + i);
        expect(place, (enum index_table)i, BYTES("k"), text);
    }
}

static void test_abort_leaves_nothing_and_commit_all(void **state)
{
    struct place *place = *state;
    struct index_transaction *transaction = begin(place, true);

    put(place, transaction, INDEX_META, BYTES("a"), BYTES("1"));
    put(place, transaction, INDEX_META, BYTES("b"), BYTES(""));
    commit(place, transaction);
    transaction = begin(place, true);
    put(place, transaction, INDEX_META, BYTES("a"), BYTES("2"));
    assert_int_equal(place->index->operations->remove(transaction, INDEX_META, BYTES("b"), NULL),
                     OK);
    assert_int_equal(place->index->operations->remove(transaction, INDEX_META, BYTES("none"), NULL),
                     OK);
    place->index->operations->abort(transaction);
    expect(place, INDEX_META, BYTES("a"), "1");
    expect(place, INDEX_META, BYTES("b"), "");
    expect(place, INDEX_META, BYTES("none"), NULL);
    place->index->operations->abort(NULL);
}

static void test_a_reader_sees_its_snapshot_also_from_the_writers_thread(void **state)
{
    struct place *place = *state;
    struct index_transaction *reader = begin(place, false);
    struct index_transaction *second = begin(place, false);
    struct index_transaction *writer = begin(place, true);
    struct bytes value;

    put(place, writer, INDEX_META, BYTES("k"), BYTES("1"));
    commit(place, writer);
    assert_int_equal(place->index->operations->get(reader, INDEX_META, BYTES("k"), &value, NULL),
                     E_NOT_FOUND);
    place->index->operations->abort(reader);
    place->index->operations->abort(second);
    expect(place, INDEX_META, BYTES("k"), "1");
}

struct walk {
    char text[256];
    size_t stop_after;
};

static enum code note_key(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct walk *walk = context;
    size_t used = strlen(walk->text);

    (void)err;
    snprintf(walk->text + used, sizeof(walk->text) - used, "%.*s=%.*s ", BYTES_ARG(key),
             BYTES_ARG(value));
    return walk->stop_after > 0 && --walk->stop_after == 0 ? E_CANCELLED : OK;
}

static void test_walk_is_ascending_from_first(void **state)
{
    static const struct {
        const char *name, *first;
        size_t stop_after;
        enum code want;
        const char *want_text;
    } cases[] = {
        {"all",                "",   0, OK,          "a=1 ab=2 b=3 c=4 "},
        {"from a key",         "ab", 0, OK,          "ab=2 b=3 c=4 "    },
        {"from between",       "aa", 0, OK,          "ab=2 b=3 c=4 "    },
        {"past the end",       "d",  0, OK,          ""                 },
        {"stops when told so", "",   2, E_CANCELLED, "a=1 ab=2 "        },
    };
    struct place *place = *state;
    struct index_transaction *transaction = begin(place, true);

    put(place, transaction, INDEX_META, BYTES("c"), BYTES("4"));
    put(place, transaction, INDEX_META, BYTES("a"), BYTES("1"));
    put(place, transaction, INDEX_META, BYTES("b"), BYTES("3"));
    put(place, transaction, INDEX_META, BYTES("ab"), BYTES("2"));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct walk walk = {.stop_after = cases[i].stop_after};
        struct error err = {0};
        enum code code = place->index->operations->walk(
            transaction, INDEX_META, bytes_of(cases[i].first), note_key, &walk, &err);

        if (code != cases[i].want || strcmp(walk.text, cases[i].want_text) != 0)
            fail_msg("%s: %d %s", cases[i].name, code, walk.text);
    }
    place->index->operations->abort(transaction);
}

static void test_a_full_map_is_a_full_disk_and_leaves_the_old(void **state)
{
    struct place *place = *state;
    struct index_transaction *transaction = begin(place, true);
    size_t size = 1 << 20;
    char *block = calloc(1, size);
    char key[16];
    enum code code = OK;
    struct error err = {0};

    assert_non_null(block);
    put(place, transaction, INDEX_META, BYTES("kept"), BYTES("1"));
    commit(place, transaction);
    transaction = begin(place, true);
    for (int i = 0; code == OK && i < 32; i++) {
        snprintf(key, sizeof(key), "%d", i);
        code = place->index->operations->put(transaction, INDEX_PACK, bytes_of(key),
                                             (struct bytes){block, size}, &err);
    }
    assert_int_equal(code, E_DISK_FULL);
    assert_int_equal(err.code, E_DISK_FULL);
    assert_int_equal(place->index->operations->commit(transaction, &err), E_DISK_FULL);
    expect(place, INDEX_META, BYTES("kept"), "1");
    expect(place, INDEX_PACK, BYTES("0"), NULL);
    transaction = begin(place, true);
    put(place, transaction, INDEX_META, BYTES("later"), BYTES("2"));
    commit(place, transaction);
    expect(place, INDEX_META, BYTES("later"), "2");
    free(block);
}

/* A limit on the file's size stands for a disk that is full in the middle of the pages. */
static void test_a_write_that_was_cut_short_is_a_full_disk_and_heals(void **state)
{
    static char value[64 << 10];
    struct place *place = *state;
    struct rlimit before, tight;
    struct stat status;
    char path[128];
    struct index_transaction *transaction;
    struct error err = {0};
    enum code code = OK;

    snprintf(path, sizeof(path), "%s/data.mdb", place->path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    tight = (struct rlimit){(rlim_t)status.st_size + sizeof(value) / 2 + 100, before.rlim_max};
    for (int attempt = 0; attempt < 2; attempt++) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, attempt == 0 ? &tight : &before), 0);
        transaction = begin(place, true);
        put(place, transaction, INDEX_META, BYTES("large"), (struct bytes){value, sizeof(value)});
        code = place->index->operations->commit(transaction, &err);
        assert_int_equal(code, attempt == 0 ? E_DISK_FULL : OK);
    }
}

static void test_what_is_committed_is_there_after_opening_again(void **state)
{
    struct place *place = *state;
    struct index_transaction *transaction = begin(place, true);

    put(place, transaction, INDEX_META, BYTES("k"), BYTES("1"));
    commit(place, transaction);
    transaction = begin(place, true);
    put(place, transaction, INDEX_META, BYTES("k"), BYTES("2"));
    place->index->operations->abort(transaction);
    index_lmdb_close(place->index);
    open_index(place, true);
    expect(place, INDEX_META, BYTES("k"), "1");
    assert_int_not_equal(place->index->operations->begin(place->index, true, &transaction, NULL),
                         OK);
    index_lmdb_close(place->index);
    open_index(place, false);
    expect(place, INDEX_META, BYTES("k"), "1");
}

/* The child dies inside a writing transaction and with a reading one open. */
static void test_a_killed_process_leaves_whole_transactions(void **state)
{
    struct place *place = *state;
    pid_t child;
    int status;

    index_lmdb_close(place->index);
    place->index = NULL;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct index_transaction *transaction;

        open_index(place, false);
        transaction = begin(place, true);
        put(place, transaction, INDEX_META, BYTES("whole"), BYTES("1"));
        commit(place, transaction);
        begin(place, false);
        transaction = begin(place, true);
        put(place, transaction, INDEX_META, BYTES("half"), BYTES("1"));
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    open_index(place, false);
    expect(place, INDEX_META, BYTES("whole"), "1");
    expect(place, INDEX_META, BYTES("half"), NULL);
}

static void test_reading_needs_an_index(void **state)
{
    struct place *place = *state;
    struct index *index = place->index;
    struct error err = {0};
    char path[128];

    snprintf(path, sizeof(path), "%s/none", place->directory);
    assert_int_equal(index_lmdb_open(path, MAP_BYTES, true, &index, &err), E_NOT_FOUND);
    assert_null(index);
    assert_non_null(strstr(err.text, path));
}

/* As an earlier version left it, which did not know the table. */
static void drop_table(struct place *place, const char *name)
{
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi table;

    index_lmdb_close(place->index);
    assert_int_equal(mdb_env_create(&environment), 0);
    assert_int_equal(mdb_env_set_maxdbs(environment, 20), 0);
    assert_int_equal(mdb_env_open(environment, place->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(environment, NULL, 0, &transaction), 0);
    assert_int_equal(mdb_dbi_open(transaction, name, 0, &table), 0);
    assert_int_equal(mdb_drop(transaction, table, 1), 0);
    assert_int_equal(mdb_txn_commit(transaction), 0);
    mdb_env_close(environment);
    place->index = NULL;
}

static enum code refuse_entry(void *context, struct bytes key, struct bytes value,
                              struct error *err)
{
    (void)context, (void)key, (void)value;
    return error_set(err, E_INTERNAL, "an entry of a table that is not there");
}

static void test_a_table_that_came_later_may_be_missing_for_readers(void **state)
{
    struct place *place = *state;
    struct index_transaction *transaction;
    struct error err = {0};

    drop_table(place, "delivered");
    open_index(place, true);
    expect(place, INDEX_DELIVERED, BYTES("k"), NULL);
    expect(place, INDEX_NOTE, BYTES("k"), NULL);
    transaction = begin(place, false);
    assert_int_equal(place->index->operations->walk(transaction, INDEX_DELIVERED, (struct bytes){0},
                                                    refuse_entry, NULL, &err),
                     OK);
    place->index->operations->abort(transaction);
    index_lmdb_close(place->index);
    open_index(place, false); /* which makes it */
    transaction = begin(place, true);
    put(place, transaction, INDEX_DELIVERED, BYTES("k"), BYTES("v"));
    commit(place, transaction);
    index_lmdb_close(place->index);
    open_index(place, true);
    expect(place, INDEX_DELIVERED, BYTES("k"), "v");
    drop_table(place, "note"); /* one of the first version */
    assert_int_equal(index_lmdb_open(place->path, MAP_BYTES, true, &place->index, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "table note is missing"));
}

static void test_another_file_is_told_apart(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    char path[128];
    FILE *file;

    index_lmdb_close(place->index);
    place->index = NULL;
    snprintf(path, sizeof(path), "%s/data.mdb", place->path);
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 2048; i++)
        fputs("not an index. ", file);
    fclose(file);
    assert_int_equal(index_lmdb_open(place->path, MAP_BYTES, false, &place->index, &err),
                     E_CORRUPT);
    assert_null(place->index);
}

/* A reader may not make it anew, and says what is wrong instead of something about descriptors. */
static void test_a_file_of_no_bytes_is_told_to_a_reader(void **state)
{
    struct place *place = *state;
    struct error err = {0};
    char path[128];

    index_lmdb_close(place->index);
    snprintf(path, sizeof(path), "%s/data.mdb", place->path);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(index_lmdb_open(place->path, MAP_BYTES, true, &place->index, &err), E_CORRUPT);
    assert_null(place->index);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "0 bytes; put the index/ back"));
    open_index(place, false); /* the store tells whether that may be */
}

/* A start that was cut left half an index beside its place, in any state: the next one makes it. */
static void test_an_index_that_was_never_whole_is_made_again(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 8192, 100000};
    struct place *place = *state;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char path[128];
        FILE *file;

        snprintf(place->path, sizeof(place->path), "%s/other%zu", place->directory, i);
        snprintf(path, sizeof(path), "%s.new", place->path);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof(path), "%s.new/data.mdb", place->path);
        file = fopen(path, "w");
        assert_non_null(file);
        for (size_t n = 0; n < sizes[i]; n++)
            fputc(0, file);
        fclose(file);
        index_lmdb_close(place->index);
        open_index(place, false);
        expect(place, INDEX_META, BYTES("k"), NULL);
        assert_int_equal(access(path, F_OK), -1);
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof(path), "%s/%s", place->path, k == 0 ? "data.mdb" : "lock.mdb");
            assert_int_equal(remove(path), 0);
        }
        assert_int_equal(remove(place->path), 0);
    }
}

static void test_a_copy_is_what_was_committed(void **state)
{
    struct place *place = *state, copy = {.index = NULL};
    struct index_transaction *writing;
    struct error err = {0};
    struct stat status;
    char file[160];

    writing = begin(place, true);
    put(place, writing, INDEX_META, BYTES("a"), BYTES("first"));
    commit(place, writing);
    writing = begin(place, true); /* goes on while it is copied */
    put(place, writing, INDEX_META, BYTES("a"), BYTES("second"));
    snprintf(copy.path, sizeof(copy.path), "%s/copy", place->directory);
    for (int i = 0; i < 2; i++) { /* the second takes the place of the first */
        if (index_lmdb_copy(place->index, copy.path, &err))
            fail_msg("%s", err.text);
        open_index(&copy, true);
        expect(&copy, INDEX_META, BYTES("a"), i == 0 ? "first" : "second");
        index_lmdb_close(copy.index);
        if (i == 0)
            commit(place, writing);
    }
    snprintf(file, sizeof(file), "%s/data.mdb", copy.path);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(remove(file), 0);
    snprintf(file, sizeof(file), "%s/lock.mdb", copy.path);
    assert_int_equal(remove(file), 0);
    assert_int_equal(remove(copy.path), 0);
    assert_int_equal(index_lmdb_copy(place->index, "/proc/no/such", &err), E_IO);
}

/* Another process reads and is killed: its slot would keep all pages that are freed from then on.
 */
static void test_a_killed_reader_keeps_no_pages(void **state)
{
    struct place *place = *state;
    char value[4096], path[160];
    struct stat before, after;
    int ready[2];
    char byte;
    pid_t child;

    memset(value, 'x', sizeof(value));
    index_lmdb_close(place->index);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_index(place, true);
        (void)begin(place, false);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    open_index(place, false);
    snprintf(path, sizeof(path), "%s/data.mdb", place->path);
    for (int i = 0; i < 300; i++) {
        struct index_transaction *transaction = begin(place, true);

        put(place, transaction, INDEX_META, BYTES("a"), (struct bytes){value, sizeof(value)});
        commit(place, transaction);
        if (i == 49) {
            assert_int_equal(kill(child, SIGKILL), 0);
            assert_int_equal(waitpid(child, NULL, 0), child);
            assert_int_equal(stat(path, &before), 0);
        }
    }
    assert_int_equal(stat(path, &after), 0);
    assert_in_range(after.st_size, 1, before.st_size + 65536);
    close(ready[0]);
    close(ready[1]);
}

/* How often the bytes are in the file. */
static size_t found_in_file(const struct place *place, const char *text, size_t size)
{
    char path[128], *data = malloc(MAP_BYTES);
    size_t count = 0, got;
    FILE *file;

    snprintf(path, sizeof(path), "%s/data.mdb", place->path);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(data);
    got = fread(data, 1, MAP_BYTES, file);
    for (const char *at = data; (at = memmem(at, got - (size_t)(at - data), text, size)); at++)
        count++;
    fclose(file);
    free(data);
    return count;
}

/* As a seal does: pages of other tables, whose gaps keep what their memory held before. */
static void put_elsewhere(struct place *place, struct index_transaction *transaction,
                          const char *key)
{
    static const enum index_table tables[] = {INDEX_SERIES, INDEX_FIELD, INDEX_NOTE,
                                              INDEX_TOMBSTONE};

    for (size_t i = 0; i < COUNT_OF(tables); i++)
        put(place, transaction, tables[i], bytes_of(key), BYTES("another table's"));
}

/* Zeros may be behind it: docs/formats/index.md. */
static void test_a_small_pack_comes_back_with_zeros_behind(void **state)
{
    static const size_t sizes[] = {1, 100, 4079, 4080, 4081, 4095, 4096, 4097, 20000};
    static char bytes[20000];
    struct place *place = *state;
    struct index_transaction *transaction = begin(place, true);
    char key[16];

    memset(bytes, 'p', sizeof(bytes));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        put(place, transaction, INDEX_PACK, bytes_of(key), (struct bytes){bytes, sizes[i]});
    }
    commit(place, transaction);
    transaction = begin(place, false);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct bytes value;

        snprintf(key, sizeof(key), "k%zu", i);
        assert_int_equal(
            place->index->operations->get(transaction, INDEX_PACK, bytes_of(key), &value, NULL),
            OK);
        assert_int_equal(value.size, sizes[i] < 4096 ? 4096 : sizes[i]);
        assert_memory_equal(value.data, bytes, sizes[i]);
        for (size_t at = sizes[i]; at < value.size; at++)
            assert_int_equal(value.data[at], 0);
    }
    place->index->operations->abort(transaction);
}

/* Values of every size are gone from the file, not only from the tables; others stay. */
static void test_what_was_removed_is_scrubbed_from_the_file(void **state)
{
    static const size_t sizes[] = {20, 1000, 3000, 5000, 60000};
    static const char secret[] = "a secret that nobody may find";
    struct place *place = *state;
    struct index_transaction *transaction;
    struct error err = {0};
    static char value[60100];

    for (int round = 0; round < 40; round++) {
        char key[16];

        snprintf(key, sizeof(key), "k%d", round);
        memset(value, 'v', sizeof(value));
        memcpy(value + sizes[round % 5] - 10, secret, sizeof(secret) - 1);
        transaction = begin(place, true);
        put(place, transaction, INDEX_PACK, bytes_of(key),
            (struct bytes){value, sizes[round % 5] + sizeof(secret)});
        put(place, transaction, INDEX_META, bytes_of(key), BYTES("stays"));
        put_elsewhere(place, transaction, key);
        commit(place, transaction);
    }
    for (int round = 0; round < 40; round++) {
        char key[16];

        snprintf(key, sizeof(key), "k%d", round);
        transaction = begin(place, true);
        assert_int_equal(
            place->index->operations->remove(transaction, INDEX_PACK, bytes_of(key), NULL), OK);
        put_elsewhere(place, transaction, key);
        commit(place, transaction);
    }
    assert_true(found_in_file(place, secret, sizeof(secret) - 1) > 0);
    if (place->index->operations->scrub(place->index, &err) != OK)
        fail_msg("%s", err.text);
    assert_int_equal(found_in_file(place, secret, sizeof(secret) - 1), 0);
    index_lmdb_close(place->index);
    open_index(place, false);
    assert_int_equal(found_in_file(place, secret, sizeof(secret) - 1), 0);
    expect(place, INDEX_META, BYTES("k7"), "stays");
    expect(place, INDEX_META, BYTES("zeros/0000000000000000"), NULL);
}

/* What a reader still sees cannot be overwritten; when it has gone it is. */
static void test_a_reader_keeps_what_it_sees_from_being_scrubbed(void **state)
{
    static const char secret[] = "a secret that a reader looks at";
    struct place *place = *state;
    struct index_transaction *reader, *transaction = begin(place, true);
    struct error err = {0};
    struct bytes value;

    put(place, transaction, INDEX_PACK, BYTES("k"), bytes_of(secret));
    commit(place, transaction);
    reader = begin(place, false);
    transaction = begin(place, true);
    assert_int_equal(place->index->operations->remove(transaction, INDEX_PACK, BYTES("k"), NULL),
                     OK);
    commit(place, transaction);
    assert_int_equal(place->index->operations->scrub(place->index, &err), E_BUSY);
    assert_int_equal(place->index->operations->get(reader, INDEX_PACK, BYTES("k"), &value, NULL),
                     OK);
    assert_memory_equal(value.data, secret, sizeof(secret) - 1);
    place->index->operations->abort(reader);
    assert_int_equal(place->index->operations->scrub(place->index, &err), OK);
    assert_int_equal(found_in_file(place, secret, sizeof(secret) - 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tables_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_abort_leaves_nothing_and_commit_all, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_reader_sees_its_snapshot_also_from_the_writers_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk_is_ascending_from_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_map_is_a_full_disk_and_leaves_the_old, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_write_that_was_cut_short_is_a_full_disk_and_heals,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_committed_is_there_after_opening_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_process_leaves_whole_transactions, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_reading_needs_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_table_that_came_later_may_be_missing_for_readers,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_file_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_index_that_was_never_whole_is_made_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_copy_is_what_was_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_killed_reader_keeps_no_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_of_no_bytes_is_told_to_a_reader, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_small_pack_comes_back_with_zeros_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_was_removed_is_scrubbed_from_the_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_reader_keeps_what_it_sees_from_being_scrubbed, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
