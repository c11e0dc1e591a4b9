/* What a request had of secrets, so that no text that its answer gave has them: hosts say "the key
 * abc is not valid".
 *
 * Pure; in the arena of the request, and gone with it. */
#ifndef WEIR_INGEST_PULL_HIDDEN_H
#define WEIR_INGEST_PULL_HIDDEN_H

#include "base/arena.h"
#include "base/bytes.h"

struct hidden {
    struct hidden_value {
        struct hidden_value *next;
        struct bytes value;
    } * first;
};

/* `value` lives as long as the arena.  False: no memory. */
MUST_USE bool hidden_add(struct hidden *hidden, struct arena *arena, struct bytes value);
/* The credential in a line "Authorization: SCHEME CREDENTIAL" among these (NULL-terminated). */
MUST_USE bool hidden_add_headers(struct hidden *hidden, struct arena *arena,
                                 const char *const *headers);
/* Stars instead, also where the text ends within one (from its fourth byte on). */
void hidden_mask(const struct hidden *hidden, char *text, size_t size);

#endif
