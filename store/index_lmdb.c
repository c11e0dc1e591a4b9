/* The index in LMDB.  Default sync flags: a commit writes its pages beside the old ones, syncs
 * them, then writes one of two root pages through a descriptor opened with O_DSYNC.  A crash
 * leaves the old root or the new one, so a transaction is there whole or not at all, and the
 * file needs no repair.  (MDB_NOSYNC and MDB_WRITEMAP give that up; they are not used.)
 *
 * After a commit that failed with E_IO the new root may or may not be on disk: only opening
 * again tells.  After E_DISK_FULL it is not: pages that do not fit fail before the root is
 * touched.  LMDB gives EIO also where the disk took only a part of its pages; then no call failed,
 * and errno is as it was.
 *
 * LMDB writes its first two pages at once and has no answer when a power cut or a full disk leaves
 * half of them: so the first index is made beside its place, and renamed when it is whole.
 *
 * MDB_NOTLS: a reading transaction belongs to its handle, not to its thread. */
#include "store/index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READERS_MAX = 512, /* transactions at once; a slot is 64 bytes of the lock file */
    PATH_BYTES_MAX = 4096,
    KEY_BYTES_MAX = 511,                 /* LMDB's; the longest of ours has less than 150 */
    TABLE_OF_FORMAT_1_LAST = INDEX_NOTE, /* those behind it were added later */
};

static const char *const table_names[INDEX_TABLE_COUNT] = {
    [INDEX_META] = "meta",     [INDEX_MANIFEST] = "manifest",   [INDEX_PACK] = "pack",
    [INDEX_SERIES] = "series", [INDEX_FIELD] = "field",         [INDEX_TOMBSTONE] = "tombstone",
    [INDEX_NOTE] = "note",     [INDEX_DELIVERED] = "delivered",
};

struct index_lmdb {
    struct index base;
    MDB_env *environment;
    MDB_dbi tables[INDEX_TABLE_COUNT];
    bool absent[INDEX_TABLE_COUNT]; /* read only: who wrote it did not know the table yet */
    size_t page_bytes;
};

struct index_transaction {
    struct index_lmdb *index;
    MDB_txn *handle;
    enum code failed; /* of the first write that failed: the transaction can only be given up */
};

static enum code lmdb_error(struct error *err, int number, const char *what)
{
    switch (number) {
    case MDB_MAP_FULL:
        return error_set(err, E_DISK_FULL, "index: %s: the map is full (raise its size)", what);
    case MDB_READERS_FULL:
        return error_set(err, E_BUSY, "index: %s: %d readers at once", what, READERS_MAX);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return error_set(err, E_CORRUPT, "index: %s: %s", what, mdb_strerror(number));
    case MDB_PANIC:
        return error_set(err, E_IO, "index: %s: an earlier commit failed", what);
    default:
        if (number > 0)
            return error_set_errno(err, number, "index: %s", what);
        return error_set(err, E_INTERNAL, "index: %s: %s", what, mdb_strerror(number));
    }
}

static MDB_val key_of(struct bytes key)
{
    assert(key.size > 0);
    assert(key.size <= KEY_BYTES_MAX);
    return (MDB_val){key.size, (void *)(uintptr_t)key.data};
}

static enum code lmdb_begin(struct index *base, bool writing,
                            struct index_transaction **transaction, struct error *err)
{
    struct index_lmdb *index = (struct index_lmdb *)base;
    struct index_transaction *made = calloc(1, sizeof(*made));
    int number;

    *transaction = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "index: no memory for a transaction");
    made->index = index;
    /* A backup that was killed left its slot of the lock file: pages of its time would be kept for
     * as long as we run.  Slots of living processes stay; failing to look only delays it. */
    if (writing)
        (void)mdb_reader_check(index->environment, NULL);
    number = mdb_txn_begin(index->environment, NULL, writing ? 0 : MDB_RDONLY, &made->handle);
    if (number) {
        free(made);
        return lmdb_error(err, number, "begin");
    }
    *transaction = made;
    return OK;
}

static enum code lmdb_get(struct index_transaction *transaction, enum index_table table,
                          struct bytes key, struct bytes *value, struct error *err)
{
    MDB_val name = key_of(key), data;
    int number;

    if (transaction->index->absent[table])
        return E_NOT_FOUND;
    number = mdb_get(transaction->handle, transaction->index->tables[table], &name, &data);
    if (number == MDB_NOTFOUND)
        return E_NOT_FOUND;
    if (number)
        return lmdb_error(err, number, "get");
    *value = (struct bytes){data.mv_data, data.mv_size};
    return OK;
}

/* LMDB keeps the memory of single pages that it wrote, and takes it for others without clearing the
 * gap between their entries: what was in a small pack would get into pages of any table, and stay
 * there when the pack is erased.  A value that fills a page has two of its own at least, whose
 * memory is given back; in the file they become free pages, which scrubbing overwrites. */
static enum code lmdb_put(struct index_transaction *transaction, enum index_table table,
                          struct bytes key, struct bytes value, struct error *err)
{
    size_t page = transaction->index->page_bytes, filled = value.size;
    MDB_val name = key_of(key), data = {0};
    int number;

    if (table == INDEX_PACK && filled < page)
        filled = page;
    data.mv_size = filled;
    number =
        mdb_put(transaction->handle, transaction->index->tables[table], &name, &data, MDB_RESERVE);
    if (number) {
        transaction->failed = lmdb_error(err, number, "put");
    } else {
        if (value.size > 0)
            memcpy(data.mv_data, value.data, value.size);
        memset((char *)data.mv_data + value.size, 0, filled - value.size);
    }
    return transaction->failed;
}

static enum code lmdb_remove(struct index_transaction *transaction, enum index_table table,
                             struct bytes key, struct error *err)
{
    MDB_val name = key_of(key);
    int number = mdb_del(transaction->handle, transaction->index->tables[table], &name, NULL);

    if (number && number != MDB_NOTFOUND)
        transaction->failed = lmdb_error(err, number, "remove");
    return transaction->failed;
}

static enum code
lmdb_walk(struct index_transaction *transaction, enum index_table table, struct bytes first,
          enum code (*each)(void *context, struct bytes key, struct bytes value, struct error *err),
          void *context, struct error *err)
{
    MDB_cursor *cursor;
    MDB_val key = {0}, data;
    MDB_cursor_op move = MDB_FIRST;
    enum code code = OK;
    int number;

    if (transaction->index->absent[table])
        return OK;
    number = mdb_cursor_open(transaction->handle, transaction->index->tables[table], &cursor);
    if (number)
        return lmdb_error(err, number, "walk");
    if (first.size > 0) {
        key = key_of(first);
        move = MDB_SET_RANGE;
    }
    while (code == OK) {
        number = mdb_cursor_get(cursor, &key, &data, move);
        if (number == MDB_NOTFOUND)
            break;
        move = MDB_NEXT;
        if (number)
            code = lmdb_error(err, number, "walk");
        else
            code = each(context, (struct bytes){key.mv_data, key.mv_size},
                        (struct bytes){data.mv_data, data.mv_size}, err);
    }
    mdb_cursor_close(cursor);
    return code;
}

static void lmdb_abort(struct index_transaction *transaction)
{
    if (!transaction)
        return;
    mdb_txn_abort(transaction->handle);
    free(transaction);
}

static enum code lmdb_commit(struct index_transaction *transaction, struct error *err)
{
    enum code failed = transaction->failed;
    int number;

    if (failed) {
        lmdb_abort(transaction);
        return error_set(err, failed, "index: commit: a write of the transaction failed");
    }
    errno = 0;
    number = mdb_txn_commit(transaction->handle);
    if (number == EIO && errno == 0)
        number = ENOSPC;
    free(transaction);
    return number ? lmdb_error(err, number, "commit") : OK;
}

/* --- scrubbing ---
 *
 * LMDB does not overwrite pages that it frees; one freed by transaction n is given out again from
 * n + 2 on, unless a reader is older.  So pages of zeros are put until no page is free that was
 * before, and removed again.
 *
 * Rows are in INDEX_PACK alone, whose values have pages of their own (lmdb_put).  What other tables
 * have, names and deletions, can be in gaps of pages in use: more pages are put than are free, so
 * that the memory of old ones is taken up and gets into no further page. */

enum { SCRUB_PAGES = 16384 /* of one transaction */, SCRUB_SPARE = 256, SCRUB_ROUNDS = 3 };

/* How many pages are free that transactions up to `last` freed. */
static int pages_free(struct index_lmdb *index, size_t last, size_t *count)
{
    MDB_txn *handle;
    MDB_cursor *cursor = NULL;
    MDB_val key, data;
    int number = mdb_txn_begin(index->environment, NULL, MDB_RDONLY, &handle);

    *count = 0;
    if (number)
        return number;
    number = mdb_cursor_open(handle, 0, &cursor); /* LMDB's own table of free pages */
    while (number == 0 && (number = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
        size_t freed_by, pages;

        memcpy(&freed_by, key.mv_data, sizeof(freed_by));
        memcpy(&pages, data.mv_data, sizeof(pages));
        *count += freed_by <= last ? pages : 0;
    }
    if (cursor != NULL) /* that of a reading transaction does not go with it */
        mdb_cursor_close(cursor);
    mdb_txn_abort(handle);
    return number == MDB_NOTFOUND ? 0 : number;
}

/* Puts pages of zeros, numbered from *end on, or removes the last ones before it, in a transaction.
 */
static int scrub_step(struct index_lmdb *index, bool put, size_t count, uint64_t *end)
{
    static const char zeros[4096 - 16]; /* with its header a page */
    uint64_t at = *end;
    MDB_txn *handle;
    int number = mdb_txn_begin(index->environment, NULL, 0, &handle);

    if (number)
        return number;
    for (size_t i = 0; number == 0 && i < count; i++) {
        char text[32];
        MDB_val key = {0, text}, data = {sizeof(zeros), (void *)(uintptr_t)zeros};

        at -= put ? 0 : 1;
        key.mv_size = (size_t)snprintf(text, sizeof(text), "zeros/%016llx", (unsigned long long)at);
        at += put ? 1 : 0;
        number = put ? mdb_put(handle, index->tables[INDEX_META], &key, &data, 0)
                     : mdb_del(handle, index->tables[INDEX_META], &key, NULL);
        if (number == MDB_NOTFOUND)
            number = 0;
    }
    if (number) {
        mdb_txn_abort(handle);
        return number;
    }
    number = mdb_txn_commit(handle);
    if (number == 0)
        *end = at;
    return number;
}

/* Every page that is free when it begins is overwritten, but for a few that were given out and came
 * back within one transaction, which writes no such page. */
static int scrub_round(struct index_lmdb *index, size_t *kept)
{
    size_t left = 0, before = SIZE_MAX;
    uint64_t end = 0;
    MDB_envinfo info;
    int number = mdb_env_info(index->environment, &info);

    *kept = 0;
    if (number == 0) /* a transaction between, so that pages of the last one are given out */
        number = scrub_step(index, true, 1, &end);
    while (number == 0) {
        number = pages_free(index, info.me_last_txnid, &left);
        if (number || left == 0)
            break;
        if (left >= before) {
            *kept = left;
            break;
        }
        before = left;
        number =
            scrub_step(index, true, left < SCRUB_PAGES ? left + SCRUB_SPARE : SCRUB_PAGES, &end);
    }
    while (end > 0) {
        int removed = scrub_step(index, false, end < SCRUB_PAGES ? (size_t)end : SCRUB_PAGES, &end);

        if (removed) /* those left are found by name, and take room only */
            return number == 0 ? removed : number;
    }
    return number;
}

static enum code lmdb_scrub(struct index *base, struct error *err)
{
    struct index_lmdb *index = (struct index_lmdb *)base;
    size_t kept = 0;
    int number = 0;

    for (int round = 0; number == 0 && kept == 0 && round < SCRUB_ROUNDS; round++)
        number = scrub_round(index, &kept);
    if (number)
        return lmdb_error(err, number, "scrub");
    return kept > 0
               ? error_set(err, E_BUSY, "index: a reader keeps %zu free pages as they were", kept)
               : OK;
}

static const struct index_operations lmdb_operations = {
    .begin = lmdb_begin,
    .get = lmdb_get,
    .put = lmdb_put,
    .remove = lmdb_remove,
    .walk = lmdb_walk,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .scrub = lmdb_scrub,
};

static enum code sync_directory(const char *path, const char *name, struct error *err)
{
    enum code code = OK;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int named;

    if (directory < 0)
        return error_set_errno(err, errno, "index: open %s", path);
    named = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (named < 0 || fsync(named) != 0)
        code = error_set_errno(err, errno, "index: sync %s/%s", path, name);
    if (named >= 0)
        close(named);
    close(directory);
    return code;
}

/* The tables, made in one transaction of their own. */
static enum code open_tables(struct index_lmdb *index, bool read_only, struct error *err)
{
    MDB_txn *handle;
    int number = mdb_txn_begin(index->environment, NULL, read_only ? MDB_RDONLY : 0, &handle);

    if (number)
        return lmdb_error(err, number, "open");
    for (int i = 0; i < INDEX_TABLE_COUNT && number == 0; i++) {
        number =
            mdb_dbi_open(handle, table_names[i], read_only ? 0 : MDB_CREATE, &index->tables[i]);
        index->absent[i] = number == MDB_NOTFOUND && i > TABLE_OF_FORMAT_1_LAST;
        if (index->absent[i])
            number = 0;
        if (number)
            mdb_txn_abort(handle);
        if (number == MDB_NOTFOUND)
            return error_set(err, E_CORRUPT, "index: table %s is missing", table_names[i]);
    }
    if (number == 0)
        number = mdb_txn_commit(handle);
    return number ? lmdb_error(err, number, "open tables") : OK;
}

/* LMDB takes a file of 0 bytes for one to be made anew; a reader may not, and would be told
 * something about descriptors. */
static enum code refuse_empty(const char *path, struct error *err)
{
    char name[4096];
    struct stat found;
    int size = snprintf(name, sizeof(name), "%s/data.mdb", path);

    if (size < 0 || (size_t)size >= sizeof(name) || stat(name, &found) != 0 || found.st_size > 0)
        return OK; /* the rest is LMDB's to tell */
    return error_set(err, E_CORRUPT,
                     "index: %s has 0 bytes; put the index/ back that belongs to this data", name);
}

static enum code open_environment(struct index_lmdb *index, const char *path, uint64_t map_bytes,
                                  bool read_only, struct error *err)
{
    MDB_stat about = {0};
    int dead, number;

    if (read_only && refuse_empty(path, err) != OK)
        return E_CORRUPT;
    number = mdb_env_create(&index->environment);
    if (number == 0)
        number = mdb_env_set_mapsize(index->environment, map_bytes);
    if (number == 0)
        number = mdb_env_set_maxdbs(index->environment, INDEX_TABLE_COUNT);
    if (number == 0)
        number = mdb_env_set_maxreaders(index->environment, READERS_MAX);
    if (number == 0)
        number =
            mdb_env_open(index->environment, path, MDB_NOTLS | (read_only ? MDB_RDONLY : 0), 0600);
    if (number == ENOENT)
        return error_set(err, E_NOT_FOUND, "index: nothing at %s", path);
    /* Slots of readers that were killed would keep old pages alive for ever. */
    if (number == 0)
        number = mdb_reader_check(index->environment, &dead);
    if (number == 0)
        number = mdb_env_stat(index->environment, &about);
    index->page_bytes = about.ms_psize;
    return number ? lmdb_error(err, number, path) : OK;
}

/* What a start that did not come to its end left of an index in the making. */
static enum code remove_unfinished(const char *path, struct error *err)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char name[PATH_BYTES_MAX];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(name, sizeof(name), "%s/%s", path, names[i]);
        if (unlink(name) != 0 && errno != ENOENT)
            return error_set_errno(err, errno, "index: remove %s", name);
    }
    return OK;
}

/* A whole and empty index under the name `path`, which is free. */
static enum code make_first(const char *path, uint64_t map_bytes, struct error *err)
{
    struct index_lmdb index = {0};
    char fresh[PATH_BYTES_MAX - 16];
    enum code code;

    if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh))
        return error_set_errno(err, ENAMETOOLONG, "index: make directory %s", path);
    if (mkdir(fresh, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "index: make directory %s", fresh);
    code = remove_unfinished(fresh, err);
    if (code == OK)
        code = open_environment(&index, fresh, map_bytes, false, err);
    if (code == OK)
        code = open_tables(&index, false, err);
    mdb_env_close(index.environment); /* NULL is fine */
    if (code == OK)
        code = sync_directory(fresh, ".", err);
    if (code == OK && rename(fresh, path) != 0)
        code = error_set_errno(err, errno, "index: rename %s", fresh);
    return code;
}

enum code index_lmdb_open(const char *path, uint64_t map_bytes, bool read_only,
                          struct index **index, struct error *err)
{
    struct index_lmdb *made;
    struct stat there;
    enum code code = OK;

    *index = NULL;
    if (!read_only && stat(path, &there) != 0 && errno == ENOENT)
        code = make_first(path, map_bytes, err);
    if (code)
        return code;
    made = calloc(1, sizeof(*made));
    if (!made)
        return error_set(err, E_MEMORY, "index: no memory to open %s", path);
    made->base.operations = &lmdb_operations;
    code = open_environment(made, path, map_bytes, read_only, err);
    if (code)
        goto out;
    code = open_tables(made, read_only, err);
    if (code || read_only)
        goto out;
    /* LMDB syncs its file, but not the names of file and directory. */
    code = sync_directory(path, ".", err);
    if (code)
        goto out;
    code = sync_directory(path, "..", err);

out:
    if (code)
        index_lmdb_close(&made->base);
    else
        *index = &made->base;
    return code;
}

void index_lmdb_close(struct index *base)
{
    struct index_lmdb *index = (struct index_lmdb *)base;

    if (!index)
        return;
    mdb_env_close(index->environment); /* NULL is fine */
    free(index);
}

/* LMDB makes the file as wide as the umask lets it, and does not sync it. */
static enum code settle_copy(const char *path, struct error *err)
{
    char name[PATH_BYTES_MAX];
    enum code code = OK;
    int file;

    (void)snprintf(name, sizeof(name), "%s/data.mdb", path);
    file = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return error_set_errno(err, errno, "index: open %s", name);
    if (fchmod(file, 0600) != 0 || fsync(file) != 0)
        code = error_set_errno(err, errno, "index: sync %s", name);
    close(file);
    return code ? code : sync_directory(path, ".", err);
}

enum code index_lmdb_copy(struct index *base, const char *path, struct error *err)
{
    struct index_lmdb *index = (struct index_lmdb *)base;
    enum code code;
    int number;

    if (strlen(path) >= PATH_BYTES_MAX - 16)
        return error_set_errno(err, ENAMETOOLONG, "index: make directory %s", path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "index: make directory %s", path);
    code = remove_unfinished(path, err);
    if (code)
        return code;
    number = mdb_env_copy2(index->environment, path, MDB_CP_COMPACT);
    if (number)
        return lmdb_error(err, number, "copy");
    return settle_copy(path, err);
}

const char *index_lmdb_version(void)
{
    static const char name[] = "LMDB ";
    const char *text = mdb_version(NULL, NULL, NULL); /* "LMDB 0.9.24: (July 24, 2019)" */

    return strncmp(text, name, strlen(name)) == 0 ? text + strlen(name) : text;
}
