#include "store/identity.h"

#include <assert.h>
#include <inttypes.h>

#include "base/fs.h"
#include "base/random.h"
#include "model/member.h"
#include "store/delivery/delivered.h"
#include "store/index.h"

enum { FORMAT = 1 }; /* of the data directory as a whole */

enum code identity_value(const struct index_operations *index,
                         struct index_transaction *transaction, const char *name, void *value,
                         size_t size, struct error *err)
{
    struct bytes found;
    enum code code = index->get(transaction, INDEX_META, bytes_of(name), &found, err);

    if (code)
        return code;
    if (found.size != size)
        return error_set(err, E_CORRUPT, "index: %s has %zu bytes instead of %zu", name, found.size,
                         size);
    memcpy(value, found.data, size);
    return OK;
}

static enum code format_check(const struct index_operations *index,
                              struct index_transaction *transaction, struct error *err)
{
    uint32_t format = 0;
    enum code code = identity_value(index, transaction, "format", &format, sizeof(format), err);

    if (code == OK && format != FORMAT)
        return error_set(err, E_CORRUPT, "the data is of format %u, this program knows %d", format,
                         FORMAT);
    return code;
}

static enum code read_number(const struct index_operations *index,
                             struct index_transaction *transaction, unsigned *number,
                             struct error *err)
{
    uint32_t found = 0;
    enum code code = identity_value(index, transaction, "member", &found, sizeof(found), err);

    if (code)
        return code == E_NOT_FOUND ? OK : code;
    if (found < 1 || found > MEMBER_NUMBER_MAX)
        return error_set(err, E_CORRUPT, "index: member is %" PRIu32 ", not of 1 to %d", found,
                         MEMBER_NUMBER_MAX);
    *number = found;
    return OK;
}

static enum code read_all(const struct index_operations *index,
                          struct index_transaction *transaction, struct identity *identity,
                          struct error *err)
{
    enum code code = format_check(index, transaction, err);

    if (code == OK)
        code = identity_value(index, transaction, "incarnation", &identity->incarnation,
                              sizeof(identity->incarnation), err);
    if (code == E_NOT_FOUND)
        return error_set(err, E_CORRUPT, "the index does not say whose it is");
    if (code == OK)
        code = identity_value(index, transaction, "sealed_lsn", &identity->sealed_lsn,
                              sizeof(identity->sealed_lsn), err);
    if (code == OK)
        code = identity_value(index, transaction, "ingest_last", &identity->ingest_last,
                              sizeof(identity->ingest_last), err);
    if (code == OK || code == E_NOT_FOUND)
        code = read_number(index, transaction, &identity->number, err);
    return code;
}

enum code identity_read(struct index *index, struct identity *identity, struct error *err)
{
    struct index_transaction *transaction = NULL;
    enum code code = index->operations->begin(index, false, &transaction, err);

    *identity = (struct identity){.sealed_lsn = 0};
    if (code)
        return code;
    code = read_all(index->operations, transaction, identity, err);
    index->operations->abort(transaction);
    return code;
}

static enum code incarnation_draw(const struct index_operations *index,
                                  struct index_transaction *transaction,
                                  struct hash128 *incarnation, struct error *err)
{
    random_secure(incarnation, sizeof(*incarnation));
    return index->put(transaction, INDEX_META, BYTES("incarnation"),
                      (struct bytes){(const char *)incarnation->bytes, sizeof(incarnation->bytes)},
                      err);
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
}

/* A new index beside a wal or packs is not the first start: the index was lost.  What it named
 * would be taken for leftovers and removed. */
static enum code may_be_drawn(struct fs *fs, struct error *err)
{
    static const char *const directories[] = {"wal", "packs"};
    enum code code = OK;

    for (size_t i = 0; code == OK && i < COUNT_OF(directories); i++) {
        size_t names = 0;

        code = fs_make_dir(fs, directories[i], err);
        if (code == OK)
            code = fs_list(fs, directories[i], count_name, &names, err);
        if (code == OK && names > 0)
            code = error_set(err, E_CORRUPT,
                             "%s/ holds data but the index is empty; put the index/ back that "
                             "belongs to it",
                             directories[i]);
    }
    return code;
}

enum code identity_load(struct fs *fs, struct index *index, struct hash128 *incarnation,
                        struct error *err)
{
    static const uint32_t format = FORMAT;
    const struct index_operations *operations = index->operations;
    struct index_transaction *transaction = NULL;
    enum code code = operations->begin(index, true, &transaction, err);

    if (code)
        return code;
    code = format_check(operations, transaction, err);
    if (code == OK || code == E_NOT_FOUND)
        code = identity_value(operations, transaction, "incarnation", incarnation,
                              sizeof(*incarnation), err);
    if (code != E_NOT_FOUND) {
        operations->abort(transaction);
        return code;
    }
    code = may_be_drawn(fs, err);
    if (code == OK)
        code = incarnation_draw(operations, transaction, incarnation, err);
    if (code == OK)
        code = operations->put(transaction, INDEX_META, BYTES("format"),
                               (struct bytes){(const char *)&format, sizeof(format)}, err);
    if (code) {
        operations->abort(transaction);
        return code;
    }
    return operations->commit(transaction, err);
}

enum code identity_found(struct index *index, struct identity *identity, uint64_t pack_next,
                         struct error *err)
{
    static const uint32_t format = FORMAT;
    const struct {
        const char *name;
        struct bytes value;
    } rows[] = {
        {"format",      {(const char *)&format, sizeof(format)}                              },
        {"incarnation", {(const char *)&identity->incarnation, sizeof(identity->incarnation)}},
        {"sealed_lsn",  {(const char *)&identity->sealed_lsn, sizeof(identity->sealed_lsn)}  },
        {"ingest_last", {(const char *)&identity->ingest_last, sizeof(identity->ingest_last)}},
        {"pack_next",   {(const char *)&pack_next, sizeof(pack_next)}                        },
    };
    struct index_transaction *transaction = NULL;
    enum code code = index->operations->begin(index, true, &transaction, err);

    if (code)
        return code;
    random_secure(&identity->incarnation, sizeof(identity->incarnation));
    for (size_t i = 0; code == OK && i < COUNT_OF(rows); i++)
        code = index->operations->put(transaction, INDEX_META, bytes_of(rows[i].name),
                                      rows[i].value, err);
    if (code) {
        index->operations->abort(transaction);
        return code;
    }
    return index->operations->commit(transaction, err);
}

enum code identity_renew(struct index *index, struct hash128 *incarnation, struct error *err)
{
    struct index_transaction *transaction = NULL;
    enum code code = index->operations->begin(index, true, &transaction, err);

    if (code)
        return code;
    code = incarnation_draw(index->operations, transaction, incarnation, err);
    if (code == OK)
        code = index->operations->remove(transaction, INDEX_META, BYTES("member"), err);
    if (code == OK)
        code = delivered_clear(index, transaction, err);
    if (code) {
        index->operations->abort(transaction);
        return code;
    }
    return index->operations->commit(transaction, err);
}

enum code identity_number(struct index *index, unsigned number, struct error *err)
{
    struct index_transaction *transaction = NULL;
    uint32_t value = number;
    enum code code = index->operations->begin(index, true, &transaction, err);

    assert(number >= 1 && number <= MEMBER_NUMBER_MAX);
    if (code)
        return code;
    code = index->operations->put(transaction, INDEX_META, BYTES("member"),
                                  (struct bytes){(const char *)&value, sizeof(value)}, err);
    if (code) {
        index->operations->abort(transaction);
        return code;
    }
    return index->operations->commit(transaction, err);
}

void identity_mark(const struct hash128 *incarnation, char text[HASH128_TEXT_SIZE])
{
    struct hash128 mark =
        hash128((struct bytes){(const char *)incarnation->bytes, sizeof(incarnation->bytes)});

    hash128_print(&mark, text);
}
