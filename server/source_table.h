/* What GET /v1/sources answers, as a table for people.  Pure but for stdout. */
#ifndef WEIR_SERVER_SOURCE_TABLE_H
#define WEIR_SERVER_SOURCE_TABLE_H

#include "base/buf.h"

/* To stdout, a row for each source.  E_IO: the answer is none. */
MUST_USE enum code source_table_print(struct bytes answer, struct error *err);

#endif
