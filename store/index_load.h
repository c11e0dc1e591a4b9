/* What the index holds, into a store that is being opened: series and fields into the registry,
 * packs, deletions and their times into the holdings of tenants, notes to whoever remembers them,
 * the sealed position.
 *
 * A pack that cannot be read is told (view_missing) and left out: it must not keep the rest from
 * being served.  Anything else that is damaged, or want of memory, ends the start.
 *
 * Thread: whoever opens the store. */
#ifndef WEIR_STORE_INDEX_LOAD_H
#define WEIR_STORE_INDEX_LOAD_H

#include "store/store.h"

/* *ingest_last is raised to the newest ingest time that the index knows.  E_CORRUPT, E_MEMORY,
 * E_IO. */
MUST_USE enum code index_load(struct store *store, int64_t *ingest_last, struct error *err);

#endif
