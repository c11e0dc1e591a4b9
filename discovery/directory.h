/* Who may do what: tenants, their tokens, limits and retention, from a file or the registry.  A
 * snapshot is immutable and counted; a reload, or a change of a record, publishes a new one.  With
 * neither: one tenant "default", open to loopback.  File: docs/reference/tenants.md; records:
 * docs/formats/registry.md */
#ifndef WEIR_DISCOVERY_DIRECTORY_H
#define WEIR_DISCOVERY_DIRECTORY_H

#include "base/error.h"
#include "model/limits.h"

struct directory; /* the holder of the current snapshot; any thread */
struct directory_snapshot;

/* Where packs are delivered to. */
struct shard_settings {
    struct bytes name;
    struct bytes uri; /* a secret: never in a log, an error, a metric or an answer */
    bool unsafe;      /* a database that may lose what it said it has will do */
};

struct tenant_settings {
    struct bytes name;
    struct limits limits; /* the node's, with the tenant's own on top */
    int64_t retention_ns; /* rows older than now - this are not read; INT64_MAX = for ever */
    int64_t history_ns;   /* as_of older than now - this is 410; default 90 days */
    const struct shard_settings *shard;         /* where new packs go; NULL: they stay here */
    const struct shard_settings *const *shards; /* all it ever had, in order; `shard` is the last */
    size_t shard_count;
};

struct token_grant {
    const struct tenant_settings *tenant;
    unsigned scopes; /* of enum scope's bits: 1 read, 2 write, 4 admin, 8 operator */
    struct bytes id; /* for logs */
};

/* `path` NULL = open mode.  `node` are the limits a tenant starts from. */
MUST_USE enum code directory_open(const char *path, const struct limits *node,
                                  struct directory **directory, struct error *err);
/* Of a registry: nobody is known until directory_publish(). */
MUST_USE enum code directory_open_registered(const struct limits *node,
                                             struct directory **directory, struct error *err);
void directory_close(struct directory *directory);
/* Takes the snapshot, which is in force from now on.  Of a registry alone. */
void directory_publish(struct directory *directory, struct directory_snapshot *snapshot);
/* False: it is not known yet who there is; no answer to a token is right. */
bool directory_known(struct directory *directory);
const struct limits *directory_node(const struct directory *directory);
/* Reads the file again; on failure the old snapshot stays and the error says line and reason.  Of a
 * registry there is nothing to read. */
MUST_USE enum code directory_reload(struct directory *directory, struct error *err);
bool directory_open_mode(const struct directory *directory);

struct directory_snapshot *directory_get(struct directory *directory); /* a counted reference */
void directory_put(struct directory_snapshot *snapshot);
/* By the secret token (`weir_<id>_<secret>`): id looked up, SHA-256 compared in constant time;
 * expired tokens are not found, nor one that stands at two tenants.  False = 401. */
bool directory_grant(const struct directory_snapshot *snapshot, struct bytes token, int64_t now_ns,
                     struct token_grant *grant);
const struct tenant_settings *directory_tenant(const struct directory_snapshot *snapshot,
                                               struct bytes name);
const struct shard_settings *directory_shard(const struct directory_snapshot *snapshot,
                                             struct bytes name);
/* The tenants, in no order: for (size_t i = 0; (tenant = directory_next(snapshot, &i)) != NULL;) */
size_t directory_tenant_count(const struct directory_snapshot *snapshot);
const struct tenant_settings *directory_next(const struct directory_snapshot *snapshot, size_t *at);

/* [a-z0-9_-]{1,64} */
bool tenant_name_valid(struct bytes name);

/* A new random token and the line of the file that admits it.  `text` and `line` are appended to.
 */
struct buf;
MUST_USE enum code token_generate(struct bytes note, unsigned scopes, int64_t expires_ns,
                                  struct buf *text, struct buf *line, struct error *err);

#endif
