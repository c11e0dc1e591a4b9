/* A node's own key is a line like that of a key file, so that it can become one when the node joins
 * a registry.  It is whole or not there: written beside its name, synced, renamed, the directory
 * synced, and only then is anything sealed with it.  A crash before the rename leaves the file
 * beside it, which the next one replaces. */
#include "discovery/secrets.h"

#include <pthread.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/fs.h"
#include "base/random.h"
#include "discovery/seal.h"
#include "discovery/secret_line.h"

#define KEY_BESIDE "~" SECRETS_KEY_OWN

enum { OWN_KEY_SIZE = 32, OWN_LINE_SIZE = 44 };

struct secrets {
    struct fs *fs;
    bool shared;
    pthread_mutex_t lock; /* guards: */
    bool has_key;         /* set once, and for good */
    struct seal_key key;
};

/* --- the node's own key --- */

static enum code own_read(struct fs *fs, struct seal_key *key, struct error *err)
{
    char text[SECRET_LINE_BYTES_MAX + 3] = ""; /* one byte more than a line and its end have */
    struct bytes line = {text, 0};
    struct file *file = NULL;
    enum code code = fs_open(fs, SECRETS_KEY_OWN, FS_READ, &file, err);

    if (!code)
        code = fs_read(file, 0, text, sizeof(text), &line.size, err);
    fs_close(file);
    if (!code)
        code = secret_line_take(SECRETS_KEY_OWN, &line, err);
    if (!code)
        seal_key_derive(line, key);
    sodium_memzero(text, sizeof(text));
    return code;
}

static enum code own_write(struct fs *fs, struct bytes line, struct error *err)
{
    struct file *file = NULL;
    struct error before = {0};
    enum code code = fs_unlink(fs, KEY_BESIDE, &before);

    if (code == OK || code == E_NOT_FOUND)
        code = fs_open(fs, KEY_BESIDE, FS_CREATE, &file, err);
    else
        *err = before;
    if (!code)
        code = fs_write(file, 0, &line, 1, err);
    if (!code)
        code = fs_sync(file, err);
    fs_close(file);
    if (!code)
        code = fs_rename(fs, KEY_BESIDE, SECRETS_KEY_OWN, err);
    return code ? code : fs_sync_dir(fs, "", err);
}

static enum code own_make(struct fs *fs, struct error *err)
{
    unsigned char bytes[OWN_KEY_SIZE];
    char line[OWN_LINE_SIZE + 1];
    enum code code;

    _Static_assert(sizeof(line) ==
                       sodium_base64_ENCODED_LEN(OWN_KEY_SIZE, sodium_base64_VARIANT_ORIGINAL),
                   "room for the line");
    random_secure(bytes, sizeof(bytes));
    sodium_bin2base64(line, sizeof(line), bytes, sizeof(bytes), sodium_base64_VARIANT_ORIGINAL);
    line[OWN_LINE_SIZE] = '\n';
    code = own_write(fs, (struct bytes){line, sizeof(line)}, err);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(line, sizeof(line));
    return code;
}

static enum code own_take(struct secrets *secrets, bool make, struct error *err)
{
    struct error absent = {0};
    enum code code = own_read(secrets->fs, &secrets->key, &absent);

    if (code == E_NOT_FOUND && make) {
        code = own_make(secrets->fs, err);
        return code ? code : own_read(secrets->fs, &secrets->key, err);
    }
    if (code == E_NOT_FOUND)
        return error_set(err, E_CORRUPT, "the key that secrets were sealed with is gone: %s",
                         SECRETS_KEY_OWN);
    if (code == E_CONFIG) /* nobody configured it */
        code = E_CORRUPT;
    return code ? error_set(err, code, "%s", absent.text) : OK;
}

/* --- the key --- */

/* A copy, to be wiped.  The lock is held over the making, a few milliseconds once in the life of a
 * data directory: two keys would be one too many. */
static enum code key_take(struct secrets *secrets, bool make, struct seal_key *key,
                          struct error *err)
{
    enum code code = OK;

    if (secrets->shared && !secrets->has_key)
        return error_set(err, E_CONFIG,
                         "nodes of a registry need the same key for secrets: secrets_key_file "
                         "(--secrets-key-file) names a file with it, and none is set here");
    pthread_mutex_lock(&secrets->lock);
    if (!secrets->has_key)
        code = own_take(secrets, make, err);
    if (!code) {
        secrets->has_key = true;
        *key = secrets->key;
    }
    pthread_mutex_unlock(&secrets->lock);
    return code;
}

static enum code key_read(struct secrets *secrets, const char *path, struct error *err)
{
    struct buf file = BUF_INIT(SECRET_LINE_FILE_BYTES_MAX);
    struct bytes line;
    enum code code = secret_line_read(path, &file, &line, err);

    if (!code) {
        seal_key_derive(line, &secrets->key);
        secrets->has_key = true;
    }
    secret_line_release(&file);
    return code;
}

enum code secrets_open(struct fs *fs, const char *key_file, bool shared, struct secrets **out,
                       struct error *err)
{
    struct secrets *secrets = calloc(1, sizeof(*secrets));
    enum code code = OK;

    *out = NULL;
    if (!secrets)
        return error_set(err, E_MEMORY, "no memory for secrets");
    secrets->fs = fs;
    secrets->shared = shared;
    pthread_mutex_init(&secrets->lock, NULL);
    if (key_file)
        code = key_read(secrets, key_file, err);
    if (code) {
        secrets_close(secrets);
        return code;
    }
    *out = secrets;
    return OK;
}

void secrets_close(struct secrets *secrets)
{
    if (!secrets)
        return;
    sodium_memzero(&secrets->key, sizeof(secrets->key));
    pthread_mutex_destroy(&secrets->lock);
    free(secrets);
}

/* --- values --- */

static struct seal_place place_of(struct bytes tenant, const struct secret *secret)
{
    return (struct seal_place){tenant, secret->name, secret->hosts, secret->host_count};
}

enum code secrets_seal(struct secrets *secrets, struct bytes tenant, struct bytes value,
                       struct arena *arena, struct secret *secret, struct error *err)
{
    const struct seal_place place = place_of(tenant, secret);
    struct buf text = BUF_INIT(SEAL_TEXT_BYTES_MAX);
    struct seal_key key;
    enum code code = key_take(secrets, true, &key, err);

    if (code)
        return code;
    code = seal_value(&key, &place, value, &text, err);
    sodium_memzero(&key, sizeof(key));
    if (!code) {
        secret->sealed = arena_copy(arena, buf_bytes(&text));
        if (!secret->sealed.data)
            code = error_set(err, E_MEMORY, "no memory for a secret");
    }
    buf_release(&text);
    return code;
}

static enum code open_one(struct secrets *secrets, struct bytes tenant, const struct secret *secret,
                          struct arena *arena, struct bytes *value, struct error *err)
{
    const struct seal_place place = place_of(tenant, secret);
    struct seal_key key;
    enum code code = key_take(secrets, false, &key, err);

    if (!code)
        code = seal_open(&key, &place, secret->sealed, arena, value, err);
    sodium_memzero(&key, sizeof(key));
    if (code)
        error_context(err, "the secret \"%.*s\" cannot be opened (bring its key, or set it again)",
                      BYTES_ARG(secret->name));
    return code;
}

enum code secrets_open_value(struct secrets *secrets, struct bytes tenant,
                             const struct secret_document *document, struct bytes name,
                             struct bytes host, struct arena *arena, struct bytes *value,
                             struct error *err)
{
    const struct secret *secret = secret_document_find(document, name);

    if (!secret)
        return error_set(err, E_NOT_FOUND, "there is no secret \"%.*s\"; PUT /v1/secrets/%.*s",
                         BYTES_ARG(name), BYTES_ARG(name));
    if (!secret_goes_to(secret, host))
        return error_set(err, E_FORBIDDEN,
                         "the secret \"%.*s\" does not go to %.*s, which is none of its hosts",
                         BYTES_ARG(name), BYTES_ARG(host));
    return open_one(secrets, tenant, secret, arena, value, err);
}

/* The record's own arena: what was read of it goes at once. */
enum code secrets_recall(struct secrets *secrets, struct registry *declared, struct bytes tenant,
                         struct bytes name, struct bytes host, struct arena *arena,
                         struct bytes *value, struct error *err)
{
    struct registry_snapshot *records = registry_get(declared);
    char place[REGISTRY_NAME_SIZE_MAX];
    const struct registry_record *record =
        registry_find(records, REGISTRY_SOURCES, secret_record_name(tenant, place));
    struct secret_document document = {NULL, 0};
    struct arena reading;
    enum code code = OK;

    arena_init(&reading, SIZE_MAX, NULL);
    if (record)
        code = secret_document_parse(record->text, &reading, &document, err);
    if (code == E_CONFIG) {
        error_context(err, "the record of the tenant's secrets is not right");
        code = E_CORRUPT;
        if (err)
            err->code = code;
    }
    if (!code)
        code = secrets_open_value(secrets, tenant, &document, name, host, arena, value, err);
    arena_release(&reading);
    registry_snapshot_put(records);
    return code;
}

void secrets_wipe(struct bytes value)
{
    seal_wipe(value);
}
