/* An idempotency note: this key of this tenant was answered with this result. It travels in the
 * record of its request, so that it is durable exactly when the rows are. */
#ifndef WEIR_MODEL_NOTE_H
#define WEIR_MODEL_NOTE_H

#include "base/hash.h"
#include "model/series.h"

struct note {
    struct bytes key; /* empty = the request had none */
    struct hash128 body_hash;
    int64_t ingest;
    uint16_t status;     /* of the answer */
    struct bytes result; /* its body, at most 64 KiB; empty for 204 */
};

/* Who remembers notes; the store tells it what replay and the index hold.  Any thread. */
struct note_sink {
    /* Copies what it keeps.  E_MEMORY: the start fails, rather than that a repeat is stored twice.
     */
    enum code (*note)(struct note_sink *sink, const struct tenant *tenant, const struct note *note,
                      struct error *err);
};

#endif
