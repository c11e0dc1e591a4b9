/* Idle workers that are lent to queries. */
#ifndef WEIR_HANDLERS_LENDING_H
#define WEIR_HANDLERS_LENDING_H

#include "base/metric.h"
#include "handlers/workers.h"
#include "query/helpers.h"

struct lending {
    struct helpers helpers; /* first */
    struct workers *workers;
    struct metric *helped;
};

/* `most` helpers for one query. */
void lending_init(struct lending *lending, struct workers *workers, unsigned most,
                  struct metrics *metrics);
/* A query is over that other threads did `pieces` of. */
void lending_note(struct lending *lending, uint64_t pieces);

#endif
