/* Whether a range of a source may be asked for again: what would be asked for by nobody is refused,
 * and not noted as done.  Pure. */
#ifndef WEIR_HANDLERS_SOURCE_BACKFILL_H
#define WEIR_HANDLERS_SOURCE_BACKFILL_H

#include "base/arena.h"
#include "base/error.h"

/* E_NOT_SUPPORTED: it has no windows; E_BAD_PARAMETER: none of them is in the range.  OK also where
 * the document is wrong, as it may be put right.  E_MEMORY. */
MUST_USE enum code source_backfill_check(struct bytes name, struct bytes document, int64_t start_ns,
                                         int64_t end_ns, struct arena *arena, struct error *err);

#endif
