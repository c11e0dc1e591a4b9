/* A token: "weir_<id>_<43 base62 digits>", 256 bits of chance.  The id is no secret (it stands in
 * logs and files); only the SHA-256 of the whole text is kept anywhere.  Because the secret is
 * random, a slow password hash would add nothing.
 *
 * Thread: any. */
#ifndef WEIR_DISCOVERY_TOKEN_H
#define WEIR_DISCOVERY_TOKEN_H

#include "base/error.h"

enum {
    TOKEN_SCOPE_READ = 1,
    TOKEN_SCOPE_WRITE = 2,
    TOKEN_SCOPE_ADMIN = 4,
    TOKEN_SCOPE_OPERATOR = 8,
};

enum { TOKEN_ID_MAX = 32, TOKEN_SECRET_SIZE = 43 };

struct token_hash {
    unsigned char bytes[32];
};

/* 1 to 32 letters and digits. */
bool token_id_valid(struct bytes id);
/* The id in a text of a token's form; false for any other text. */
bool token_id_of(struct bytes token, struct bytes *id);
struct token_hash token_hash(struct bytes token);
/* In constant time. */
bool token_hash_equal(const struct token_hash *a, const struct token_hash *b);
/* 64 hexadecimal digits. */
bool token_hash_parse(struct bytes hex, struct token_hash *hash);

/* "read", "write", "admin", "operator"; 0 for anything else. */
unsigned token_scope_find(struct bytes name);
/* "read,write": at least one.  E_BAD_PARAMETER. */
MUST_USE enum code token_scopes_parse(struct bytes text, unsigned *scopes, struct error *err);
struct buf;
void token_scopes_print(unsigned scopes, struct buf *out); /* "read, write" */

#endif
