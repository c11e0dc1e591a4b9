/* A decoded batch against the catalog: series get their place, fields their kind.  Rows that do
 * not fit are rejected like lines that did not parse. */
#ifndef WEIR_INGEST_VALIDATE_H
#define WEIR_INGEST_VALIDATE_H

#include "model/batch.h"
#include "model/limits.h"

struct catalog;

/* Only failures of the whole request are returned (E_MEMORY).  Afterwards every series of
 * the batch is resolved and has rows.  With `whole` (nothing is stored when a line is bad)
 * nothing is claimed once a line is: then the batch only serves to tell all bad lines. */
MUST_USE enum code batch_validate(struct batch *batch, struct catalog *catalog,
                                  const struct tenant *tenant, const struct limits *limits,
                                  bool whole, struct error *err);

#endif
