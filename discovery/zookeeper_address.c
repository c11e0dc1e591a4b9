#include "discovery/zookeeper_address.h"

#include <stdio.h>

#include "base/number.h"

enum { SESSION_MS = 10000, SESSION_MS_MIN = 200, SESSION_MS_MAX = 600000 };

static bool host_valid(struct bytes host)
{
    for (size_t i = 0; i < host.size; i++)
        if (host.data[i] <= ' ' || host.data[i] == 127 || strchr("/,@?#\"'\\", host.data[i]))
            return false;
    return host.size > 0;
}

static enum code check_server(struct bytes server, struct error *err)
{
    const char *colon = server.size > 0 ? memrchr(server.data, ':', server.size) : NULL;
    size_t at = colon ? (size_t)(colon - server.data) : server.size;
    uint64_t port = 0;

    if (colon && host_valid(bytes_slice(server, 0, at)) &&
        !number_parse_u64(bytes_slice(server, at + 1, server.size), &port) && port >= 1 &&
        port <= 65535)
        return OK;
    return error_set(err, E_CONFIG,
                     "ZooKeeper at '%.*s': want host:port, and of several host:port,host:port",
                     (int)(server.size < 100 ? server.size : 100), server.data);
}

static enum code take_hosts(struct bytes hosts, char into[ZOOKEEPER_HOSTS_SIZE_MAX + 1],
                            struct error *err)
{
    size_t first = 0;

    if (hosts.size > ZOOKEEPER_HOSTS_SIZE_MAX)
        return error_set(err, E_CONFIG, "ZooKeeper's hosts are longer than %d bytes",
                         ZOOKEEPER_HOSTS_SIZE_MAX);
    for (size_t i = 0; i <= hosts.size; i++) {
        enum code code;

        if (i < hosts.size && hosts.data[i] != ',')
            continue;
        code = check_server(bytes_slice(hosts, first, i), err);
        if (code)
            return code;
        first = i + 1;
    }
    memcpy(into, hosts.data, hosts.size);
    into[hosts.size] = '\0';
    return OK;
}

/* "/a/b": no empty part, none of dots alone, nothing that a path of ZooKeeper may not have. */
static bool root_valid(struct bytes root)
{
    size_t first = 1;

    if (root.size < 2 || root.size > ZOOKEEPER_ROOT_SIZE_MAX)
        return false;
    for (size_t i = 1; i <= root.size; i++) {
        struct bytes part;

        if (i < root.size && root.data[i] != '/') {
            if (root.data[i] <= ' ' || root.data[i] > '~')
                return false;
            continue;
        }
        part = bytes_slice(root, first, i);
        if (part.size == 0 || bytes_equal(part, BYTES(".")) || bytes_equal(part, BYTES("..")))
            return false;
        first = i + 1;
    }
    return !bytes_equal(root, BYTES("/zookeeper")) &&
           !(root.size > 11 && memcmp(root.data, "/zookeeper/", 11) == 0);
}

static enum code take_digest(struct bytes digest, char into[ZOOKEEPER_DIGEST_SIZE_MAX + 1],
                             struct error *err)
{
    const char *colon = digest.size > 0 ? memchr(digest.data, ':', digest.size) : NULL;

    if (digest.size > 0 &&
        (!colon || colon == digest.data || colon == digest.data + digest.size - 1 ||
         digest.size > ZOOKEEPER_DIGEST_SIZE_MAX || memchr(digest.data, '\0', digest.size) ||
         memchr(digest.data, '\n', digest.size)))
        return error_set(err, E_CONFIG,
                         "ZooKeeper's credentials: want user:password in one line of at most %d "
                         "bytes",
                         ZOOKEEPER_DIGEST_SIZE_MAX);
    if (digest.size > 0)
        memcpy(into, digest.data, digest.size);
    into[digest.size] = '\0';
    return OK;
}

enum code zookeeper_address_take(const struct zookeeper_settings *settings,
                                 struct zookeeper_address *address, struct error *err)
{
    struct bytes hosts = settings->hosts, root = BYTES("/weir");
    const char *slash = hosts.size > 0 ? memchr(hosts.data, '/', hosts.size) : NULL;
    enum code code;

    if (slash) {
        root = bytes_slice(hosts, (size_t)(slash - hosts.data), hosts.size);
        hosts.size -= root.size;
    }
    if (!root_valid(root))
        return error_set(err, E_CONFIG,
                         "ZooKeeper's path '%.*s': want one such as /weir, at most %d bytes, not "
                         "below /zookeeper",
                         (int)(root.size < 100 ? root.size : 100), root.data,
                         ZOOKEEPER_ROOT_SIZE_MAX);
    code = take_hosts(hosts, address->hosts, err);
    if (!code)
        code = take_digest(settings->digest, address->digest, err);
    if (code)
        return code;
    memcpy(address->root, root.data, root.size);
    address->root[root.size] = '\0';
    address->session_ms = settings->session_ms ? settings->session_ms : SESSION_MS;
    if (address->session_ms < SESSION_MS_MIN || address->session_ms > SESSION_MS_MAX)
        return error_set(err, E_CONFIG, "ZooKeeper's session of %d ms: want %d to %d",
                         address->session_ms, SESSION_MS_MIN, SESSION_MS_MAX);
    return OK;
}

bool zookeeper_address_equal(const struct zookeeper_address *a, const struct zookeeper_address *b)
{
    return strcmp(a->hosts, b->hosts) == 0 && strcmp(a->root, b->root) == 0 &&
           strcmp(a->digest, b->digest) == 0 && a->session_ms == b->session_ms;
}

void zookeeper_path(const struct zookeeper_address *address, enum registry_kind kind,
                    struct bytes name, char path[LINK_PATH_SIZE_MAX])
{
    snprintf(path, LINK_PATH_SIZE_MAX, "%s/%s%s%.*s", address->root, registry_kind_name(kind),
             name.size > 0 ? "/" : "", BYTES_ARG(name));
}

bool zookeeper_path_parse(const struct zookeeper_address *address, const char *path,
                          enum registry_kind *kind, struct bytes *name)
{
    size_t size = strlen(address->root);
    const char *rest, *slash;

    if (strncmp(path, address->root, size) != 0 || path[size] != '/')
        return false;
    rest = path + size + 1;
    slash = strchrnul(rest, '/');
    *name = bytes_of(*slash ? slash + 1 : slash);
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++)
        if (bytes_equal((struct bytes){rest, (size_t)(slash - rest)},
                        bytes_of(registry_kind_name((enum registry_kind)i)))) {
            *kind = (enum registry_kind)i;
            return *slash == '\0' || registry_name_valid(*kind, *name);
        }
    return false;
}
