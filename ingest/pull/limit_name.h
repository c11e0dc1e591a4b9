/* Under which limits a source asks.  Pure. */
#ifndef WEIR_INGEST_PULL_LIMIT_NAME_H
#define WEIR_INGEST_PULL_LIMIT_NAME_H

#include "ingest/source/source.h"

/* "api.example.org", and a hash of the credential behind it: of the names of its secrets, not of
 * what they are.  E_MEMORY. */
MUST_USE enum code asking_limit_name(const struct source *source, struct bytes tenant,
                                     struct buf *name, struct error *err);
/* Both addresses have the same scheme, host and port. */
bool asking_same_home(const struct source_request *a, const struct source_request *b);
/* Of the host of its token_url; where that is the one that it asks, the same. */
MUST_USE enum code asking_token_limit_name(const struct source *source, struct bytes tenant,
                                           struct buf *name, struct error *err);

#endif
