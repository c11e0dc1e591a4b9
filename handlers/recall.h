/* What a collector reads of what it wrote: questions from within, over head, packs, shards and
 * other members.  docs/decisions/0052-collectors.md
 *
 * Thread: a collector's reader, which waits. */
#ifndef WEIR_HANDLERS_RECALL_H
#define WEIR_HANDLERS_RECALL_H

#include "ingest/pull/progress.h"

struct app;

struct recall recall_of(struct app *app);

#endif
