/* CSV as a table for people: columns as wide as what the first rows hold, numbers to the right.
 * What a terminal would act on is shown as '?'. */
#ifndef WEIR_SERVER_TABLE_H
#define WEIR_SERVER_TABLE_H

#include "base/buf.h"

struct table;

/* Rows go to `take` as lines.  *table is NULL on failure. */
MUST_USE enum code table_new(enum code (*take)(void *context, struct bytes piece,
                                               struct error *err),
                             void *context, struct table **table, struct error *err);
void table_free(struct table *table); /* NULL is fine */
/* `context` is the table. */
MUST_USE enum code table_take(void *context, struct bytes piece, struct error *err);
MUST_USE enum code table_finish(struct table *table, struct error *err);
uint64_t table_rows(const struct table *table); /* without the head */

#endif
