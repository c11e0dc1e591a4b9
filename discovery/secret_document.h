/* The record of a tenant's secrets, docs/formats/registry.md: their names, the hosts that each may
 * go to, and their values, sealed (discovery/seal.h).  It stands among the tenant's sources, under
 * a name that no source has. */
#ifndef WEIR_DISCOVERY_SECRET_DOCUMENT_H
#define WEIR_DISCOVERY_SECRET_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "discovery/registry.h"

enum {
    SECRETS_MAX = 100,
    SECRET_HOSTS_MAX = 16,
    SECRET_NAME_BYTES_MAX = 64,
    SECRET_HOST_BYTES_MAX = 253 + 6, /* with a port */
};

struct secret {
    struct bytes name;
    struct bytes *hosts; /* "api.octopus.energy", "10.1.2.3:8080", "[2001:db8::1]" */
    size_t host_count;
    struct bytes sealed; /* base64 */
};

struct secret_document {
    struct secret *secrets; /* in the order in which they were added */
    size_t count;
};

/* "acme.-secrets" */
struct bytes secret_record_name(struct bytes tenant, char name[REGISTRY_NAME_SIZE_MAX]);
/* 1 to 64 of a-z, 0-9, '_' and '-'. */
bool secret_name_valid(struct bytes name);
/* A name or address as in a URL, in lower case, with a port or without. */
bool secret_host_valid(struct bytes host);
/* Whether `host` of an address, with its port if it has one, is among those of the secret.  One
 * that is bound without a port goes to any port of the host. */
bool secret_goes_to(const struct secret *secret, struct bytes host);

/* E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code secret_document_parse(struct bytes text, struct arena *arena,
                                         struct secret_document *document, struct error *err);
/* As it is kept. */
void secret_document_print(const struct secret_document *document, struct buf *out);
/* The list of names and hosts, "[...]", for people; and one of it. */
void secret_document_print_names(const struct secret_document *document, struct buf *out);
void secret_print_name(const struct secret *secret, struct buf *out);

/* NULL: there is none. */
const struct secret *secret_document_find(const struct secret_document *document,
                                          struct bytes name);
/* Adds it, or replaces the one of its name, in `arena`.  E_MEMORY; E_BAD_PARAMETER beyond the most.
 */
MUST_USE enum code secret_document_put(struct secret_document *document, struct arena *arena,
                                       const struct secret *secret, struct error *err);
bool secret_document_remove(struct secret_document *document, struct bytes name);

/* Hosts of a list in JSON: 1 to SECRET_HOSTS_MAX, each once.  As document.h's document_take. */
struct document;
struct json;
MUST_USE enum code secret_hosts_take(struct document *document, const struct json *value,
                                     struct bytes **hosts, size_t *host_count, struct error *err);

#endif
