#include "server/registry_place.h"

#include "base/text_file.h"
#include "discovery/name_list.h"
#include "discovery/registered.h"
#include "discovery/registry_files.h"
#include "discovery/zookeeper.h"

enum { CREDENTIALS_BYTES_MAX = 4096, DIRECTORY_WAIT_MS = 10000 };

static const char scheme[] = "zookeeper://";

/* "host:port/path"; .data is NULL for a directory. */
static struct bytes zookeeper_hosts(const struct settings *settings)
{
    if (strncmp(settings->registry, scheme, sizeof(scheme) - 1) != 0)
        return (struct bytes){NULL, 0};
    return bytes_of(settings->registry + sizeof(scheme) - 1);
}

enum code registry_place_check(const struct settings *settings, struct error *err)
{
    const char *at = strchr(settings->registry, '@');

    if (zookeeper_hosts(settings).data) {
        /* They would stand in ps and in logs; it is not told. */
        if (at)
            return error_set(err, E_CONFIG,
                             "an '@' has no place in the address of a registry; user:password "
                             "stands in a file: registry_credentials_file");
        if (zookeeper_hosts(settings).size == 0)
            return error_set(err, E_CONFIG, "no host; want zookeeper://host:port,host:port/path");
        return OK;
    }
    if (strstr(settings->registry, "://"))
        return error_set(err, E_CONFIG,
                         "want zookeeper://host:port,host:port/path, or a directory");
    if (settings->registry_credentials_file)
        return error_set(err, E_CONFIG,
                         "registry_credentials_file is for zookeeper:// alone; the directory %s "
                         "is for whom its rights allow",
                         settings->registry);
    return OK;
}

/* `*zookeeper` has spans in `credentials`, which is to be wiped. */
static enum code zookeeper_of(const struct settings *settings, struct buf *credentials,
                              struct zookeeper_settings *zookeeper, struct error *err)
{
    const char *path = settings->registry_credentials_file;
    struct bytes text;
    enum code code;

    *zookeeper = (struct zookeeper_settings){.hosts = zookeeper_hosts(settings)};
    if (!path)
        return OK;
    code = text_file_read_secret(path, CREDENTIALS_BYTES_MAX, credentials, err);
    if (code)
        return code;
    text = buf_bytes(credentials);
    while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r'))
        text.size--; /* an editor ends the last line */
    if (text.size == 0)
        return error_set(err, E_CONFIG, "%s is empty; it holds user:password", path);
    zookeeper->digest = text;
    return OK;
}

static void wipe(struct buf *credentials)
{
    if (credentials->size > 0)
        explicit_bzero(credentials->data, credentials->size);
    buf_release(credentials);
}

enum code registry_place_open(const struct settings *settings, const struct registry_rules *rules,
                              struct registry **registry, struct error *err)
{
    struct buf credentials = BUF_INIT(CREDENTIALS_BYTES_MAX);
    struct zookeeper_settings zookeeper;
    enum code code = registry_place_check(settings, err);

    *registry = NULL;
    if (code)
        return code;
    if (!zookeeper_hosts(settings).data)
        return registry_files_open(settings->registry, rules, registry, err);
    code = zookeeper_of(settings, &credentials, &zookeeper, err);
    if (!code)
        code = zookeeper_registry_open(&zookeeper, rules, registry, err);
    wipe(&credentials);
    return code;
}

enum code registry_place_renew(const struct settings *settings, struct registry *registry,
                               struct error *err)
{
    struct buf credentials = BUF_INIT(CREDENTIALS_BYTES_MAX);
    struct zookeeper_settings zookeeper;
    enum code code;

    if (!settings->registry_credentials_file)
        return OK;
    code = zookeeper_of(settings, &credentials, &zookeeper, err);
    if (!code)
        code = zookeeper_registry_change(registry, &zookeeper, err);
    wipe(&credentials);
    return code;
}

static const char left_out[] =
    "tenants would be left out (--tenant NAME,... takes others without them)";

/* A token that two tenants have is a fault as well, and leaves none of them out. */
static enum code nobody_left_out(struct registry *registry, const struct registered *registered,
                                 const struct directory_snapshot *snapshot, struct error *err)
{
    const struct registered_fault *fault;
    struct name_list names = {0};
    size_t count;

    if (registry_whole(registry, err)) {
        error_context(err, "%s", left_out);
        return E_CONFIG;
    }
    for (fault = registered_faults(registered, &count); fault; fault = fault->next)
        if (fault->kind == REGISTRY_TENANTS && !directory_tenant(snapshot, fault->name))
            name_list_add(&names, fault->name);
    if (names.count == 0)
        return OK;
    return error_set(err, E_CONFIG, "%s: their records are not right: %s", left_out,
                     name_list_text(&names));
}

static enum code directory_read(const struct settings *settings, struct registry *registry,
                                bool whole, struct directory_snapshot **snapshot, struct error *err)
{
    struct registered *registered = NULL;
    struct registry_snapshot *records;
    enum code code = registered_new(NULL, &registered, err);

    if (code)
        return code;
    records = registry_get(registry);
    code = registered_build(registered, records, &settings->limits, snapshot, err);
    registry_snapshot_put(records);
    if (!code && whole)
        code = nobody_left_out(registry, registered, *snapshot, err);
    registered_free(registered);
    return code;
}

enum code registry_place_directory(const struct settings *settings, bool whole,
                                   struct directory_snapshot **snapshot, struct error *err)
{
    const struct registry_rules rules = {.wait_ms = DIRECTORY_WAIT_MS};
    struct registry *registry = NULL;
    enum code code = registry_place_open(settings, &rules, &registry, err);

    *snapshot = NULL;
    if (!code)
        code = registry_wait_connected(registry, DIRECTORY_WAIT_MS, err);
    if (!code)
        code = directory_read(settings, registry, whole, snapshot, err);
    registry_close(registry);
    if (code) {
        directory_put(*snapshot);
        *snapshot = NULL;
        error_context(err, "registry");
    }
    return code;
}
