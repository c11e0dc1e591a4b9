/* The record of a shard in the registry, docs/formats/registry.md: the database that packs are
 * delivered to, and the way there.  The address is a secret. */
#ifndef WEIR_DISCOVERY_SHARD_DOCUMENT_H
#define WEIR_DISCOVERY_SHARD_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"

enum { SHARD_URI_BYTES_MAX = 4096, SHARD_REGION_BYTES_MAX = 64 };

struct shard_document {
    bool deleted;
    bool unsafe;
    struct bytes uri;    /* empty where it is deleted */
    struct bytes region; /* a label for people; empty = none */
};

/* E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code shard_document_parse(struct bytes text, struct arena *arena,
                                        struct shard_document *document, struct error *err);
/* As it is kept: with the address. */
void shard_document_print(const struct shard_document *document, struct buf *out);
/* Appends the members `state`, `hosts`, `unsafe`, `region`, without braces: for people, without the
 * address. */
void shard_document_print_members(const struct shard_document *document, struct buf *out);

/* What is wrong with an address, without telling it; NULL when nothing is.  The rest is judged by
 * the library that connects. */
const char *shard_uri_fault(struct bytes uri);
/* "a.example:27017,b.example:27017", the part of `uri` that is no secret; empty where that cannot
 * be told for certain. */
struct bytes shard_uri_hosts(struct bytes uri);

#endif
