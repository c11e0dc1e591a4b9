/* The record of a tenant in the registry, docs/formats/registry.md: what the tenants file says of
 * one, in JSON. */
#ifndef WEIR_DISCOVERY_TENANT_DOCUMENT_H
#define WEIR_DISCOVERY_TENANT_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "discovery/token.h"
#include "model/limits.h"

enum { TENANT_SHARDS_MAX = 64, TENANT_TOKENS_MAX = 1000 };

struct tenant_limit {
    const struct limit_row *row;
    uint64_t value;
};

struct tenant_token {
    struct bytes id;
    struct token_hash hash;
    unsigned scopes;
    int64_t expires_ns; /* INT64_MAX = never */
    struct bytes note;  /* empty = none */
};

struct tenant_document {
    bool deleted;
    int64_t retention_ns, history_ns; /* 0 = not given; INT64_MAX = forever */
    struct tenant_limit *limits;
    size_t limit_count;
    struct bytes *shards; /* all it ever had; the last is where new packs go */
    size_t shard_count;
    struct tenant_token *tokens;
    size_t token_count;
};

/* E_CONFIG with a pointer, E_MEMORY. */
MUST_USE enum code tenant_document_parse(struct bytes text, struct arena *arena,
                                         struct tenant_document *document, struct error *err);
/* What of one that is not right must not be lost when it is replaced: its state, shards and tokens
 * alone, whatever its retention, history and limits are.  E_CONFIG where these three cannot be told
 * for certain: one of them is wrong, or a key is unknown, which may be any of them. */
MUST_USE enum code tenant_document_salvage(struct bytes text, struct arena *arena,
                                           struct tenant_document *document, struct error *err);
/* As it is kept. */
void tenant_document_print(const struct tenant_document *document, struct buf *out);
/* The list of tokens, "[...]"; without the hashes, which nobody needs to see. */
void tenant_document_print_tokens(const struct tenant_document *document, struct buf *out);
/* Appends the members of the document, without braces and hashes: for people. */
void tenant_document_print_members(const struct tenant_document *document, struct buf *out);

/* "400d" or "forever"; E_BAD_PARAMETER. */
MUST_USE enum code tenant_duration_parse(struct bytes text, int64_t *ns, struct error *err);
size_t tenant_duration_print(int64_t ns, char text[40]);
/* A limit that a tenant may have: its name and value, as people write them.  E_BAD_PARAMETER. */
MUST_USE enum code tenant_limit_parse(struct bytes name, struct bytes value,
                                      struct tenant_limit *limit, struct error *err);

/* Changes of a document in `arena`.  E_MEMORY; E_BAD_PARAMETER beyond the most. */
MUST_USE enum code tenant_limit_put(struct tenant_document *document, struct arena *arena,
                                    const struct tenant_limit *limit, struct error *err);
/* It becomes the last; E_EXISTS where it is already.  One that it had before comes to the end. */
MUST_USE enum code tenant_shard_put(struct tenant_document *document, struct arena *arena,
                                    struct bytes name, struct error *err);
MUST_USE enum code tenant_token_put(struct tenant_document *document, struct arena *arena,
                                    const struct tenant_token *token, struct error *err);
bool tenant_token_remove(struct tenant_document *document, struct bytes id);

#endif
