/* The query of an address, "a=1&b=2", as text.  Pure. */
#ifndef WEIR_INGEST_PULL_QUERY_TEXT_H
#define WEIR_INGEST_PULL_QUERY_TEXT_H

#include "base/buf.h"

/* Appends `address` without the parameters of that name, however it is written (%XX); with `value`
 * (not NULL) only those that have it. */
void query_text_without(struct bytes address, struct bytes name, const struct bytes *value,
                        struct buf *out);
/* Appends `address` fit for a log: what stands under that name (size 0: none), and under all names
 * that sound like a credential, is "***"; so is what has no name. */
void query_text_shown(struct bytes address, struct bytes name, struct buf *out);

#endif
