/* What compaction asks of other rooms: how long a tenant's rows and versions are kept, and which
 * series a deletion means. */
#ifndef WEIR_STORE_COMPACTION_RULES_H
#define WEIR_STORE_COMPACTION_RULES_H

#include "base/error.h"
#include "model/matcher.h"
#include "model/series.h"

struct selection;

/* Any thread; lives as long as the store. */
struct compaction_rules {
    void *context;
    /* Ages in ns past which rows, and versions that lost, are not read any more; INT64_MAX = for
     * ever. */
    void (*ages)(void *context, const struct tenant *tenant, int64_t *retention_ns,
                 int64_t *history_ns);
    /* A selector made ready, and whether it means the series. */
    enum code (*selection_new)(const struct selector *selector, struct selection **selection,
                               struct error *err);
    enum code (*selects)(struct selection *selection, const struct series *series, bool *selected,
                         struct error *err);
    void (*selection_free)(struct selection *selection); /* NULL is fine */
};

#endif
