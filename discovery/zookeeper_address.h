/* Where the registry's tree is, and which node is what.  Pure.  The path that stands behind the
 * hosts is taken off and put before each name here: the library would do so too, but makes no
 * parents and tells paths of events in two ways. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_ADDRESS_H
#define WEIR_DISCOVERY_ZOOKEEPER_ADDRESS_H

#include "discovery/registry.h"
#include "discovery/zookeeper.h"
#include "discovery/zookeeper_link.h"

enum {
    ZOOKEEPER_HOSTS_SIZE_MAX = 1023,
    ZOOKEEPER_ROOT_SIZE_MAX = 200,
    ZOOKEEPER_DIGEST_SIZE_MAX = 511
};

struct zookeeper_address {
    char hosts[ZOOKEEPER_HOSTS_SIZE_MAX + 1]; /* without a path */
    char root[ZOOKEEPER_ROOT_SIZE_MAX + 1];   /* "/weir" */
    char digest[ZOOKEEPER_DIGEST_SIZE_MAX + 1];
    int session_ms;
};

/* E_CONFIG: what is wrong where; of the digest nothing is told. */
MUST_USE enum code zookeeper_address_take(const struct zookeeper_settings *settings,
                                          struct zookeeper_address *address, struct error *err);

bool zookeeper_address_equal(const struct zookeeper_address *a, const struct zookeeper_address *b);

/* Of a record; of the kind's directory where `name` is empty. */
void zookeeper_path(const struct zookeeper_address *address, enum registry_kind kind,
                    struct bytes name, char path[LINK_PATH_SIZE_MAX]);
/* False: it is nothing of ours.  *name is in `path`, and empty for a kind's directory. */
bool zookeeper_path_parse(const struct zookeeper_address *address, const char *path,
                          enum registry_kind *kind, struct bytes *name);

#endif
