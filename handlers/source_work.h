/* Whether a source may be asked for work now: what nobody would ever do is refused, and not noted
 * as done.  By what its document says, as who pulls or follows it may not have heard of it yet.
 * OK also where the document is wrong, as it may be put right.  Pure. */
#ifndef WEIR_HANDLERS_SOURCE_WORK_H
#define WEIR_HANDLERS_SOURCE_WORK_H

#include "base/arena.h"
#include "base/error.h"

/* E_NOT_SUPPORTED: it follows files; E_MEMORY. */
MUST_USE enum code source_pull_check(struct bytes name, struct bytes document, struct arena *arena,
                                     struct error *err);
/* The same; E_NOT_SUPPORTED: it has no windows; E_BAD_PARAMETER: none of them is in the range. */
MUST_USE enum code source_backfill_check(struct bytes name, struct bytes document, int64_t start_ns,
                                         int64_t end_ns, struct arena *arena, struct error *err);

#endif
