/* What members ask one another for, rows or to erase some (docs/formats/peer.md), as JSON: written
 * by who asks, read strictly by who is asked.
 *
 * Thread: any. */
#ifndef WEIR_HANDLERS_PEER_QUESTION_H
#define WEIR_HANDLERS_PEER_QUESTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/matcher.h"

enum {
    PEER_QUESTION_BYTES_MAX = 64 * 1024,
    PEER_MATCHERS_MAX = 256,
};

struct peer_question {
    struct bytes tenant, measurement;
    struct matcher matchers[PEER_MATCHERS_MAX];
    uint32_t matcher_count;
    struct bytes *fields; /* that are to be erased; none = whole rows */
    uint32_t field_count;
    int64_t start, end;
    int64_t moment; /* as_of, 0: now; or after */
    bool has_start, has_end, has_moment;
};

/* Conditions that a question cannot tell are left out: who is asked tells more rows then. */
void peer_question_print_rows(struct bytes tenant, const struct selector *selector, int64_t start,
                              int64_t end, int64_t as_of, struct buf *out);
/* E_NOT_SUPPORTED: it cannot be told; with a part of it more would be erased. */
MUST_USE enum code peer_question_print_erasure(struct bytes tenant,
                                               const struct tombstone *tombstone, struct buf *out,
                                               struct error *err);

/* What is taken is in the arena, which may be 1 MiB.  E_BAD_REQUEST, E_MEMORY. */
MUST_USE enum code peer_question_read_rows(struct bytes text, struct arena *arena,
                                           struct peer_question *question, struct error *err);
MUST_USE enum code peer_question_read_erasure(struct bytes text, struct arena *arena,
                                              struct peer_question *question, struct error *err);

#endif
