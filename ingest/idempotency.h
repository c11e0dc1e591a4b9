/* Idempotency keys: a repeated request gets the first one's answer.  Remembered in memory, durable
 * by travelling in the request's record; the newest idempotency_keys_max per tenant, for
 * idempotency_ms_max.
 *
 * Thread: any. */
#ifndef WEIR_INGEST_IDEMPOTENCY_H
#define WEIR_INGEST_IDEMPOTENCY_H

#include "base/arena.h"
#include "base/clock.h"
#include "model/limits.h"
#include "model/note.h"

struct idempotency;

MUST_USE enum code idempotency_new(const struct limits *limits, struct clock *clock,
                                   struct idempotency **idempotency, struct error *err);
void idempotency_free(struct idempotency *idempotency);
/* For the store: what replay and the index hold. */
struct note_sink *idempotency_sink(struct idempotency *idempotency);

/* By which answers grow old from now on, instead of the machine's clock: the store's, which does
 * not follow one that jumped.  Else a jump would make them all forgotten.  Before anybody asks. */
void idempotency_believe(struct idempotency *idempotency, struct clock *clock);

/* OK: the key is now in flight, and is to be ended by idempotency_done() or idempotency_release().
 * E_EXISTS: answered before; *answer (its result copied into `arena`) is the answer again.
 * E_IDEMPOTENCY_MISMATCH: answered before, to another body.  E_IDEMPOTENCY_IN_FLIGHT: being
 * answered.  E_MEMORY. */
MUST_USE enum code idempotency_begin(struct idempotency *idempotency, const struct tenant *tenant,
                                     struct bytes key, const struct hash128 *body_hash,
                                     struct arena *arena, struct note *answer, struct error *err);
/* Whether the key was answered: idempotency_begin() would give E_EXISTS for that body again. */
bool idempotency_knows(struct idempotency *idempotency, const struct tenant *tenant,
                       struct bytes key);
/* Takes the memory that the answer needs, before it is written: idempotency_done() cannot fail
 * then, and what was stored is not stored again.  The key is in flight.  E_MEMORY. */
MUST_USE enum code idempotency_keep(struct idempotency *idempotency, const struct tenant *tenant,
                                    const struct note *note, struct error *err);
/* The answer is durable (it was in the record).  After idempotency_keep(). */
void idempotency_done(struct idempotency *idempotency, const struct tenant *tenant,
                      const struct note *note);
/* There was no answer worth keeping: the key is free again. */
void idempotency_release(struct idempotency *idempotency, const struct tenant *tenant,
                         struct bytes key);
size_t idempotency_count(struct idempotency *idempotency);

#endif
