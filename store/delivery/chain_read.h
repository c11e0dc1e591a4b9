/* What a chain at an archive comes to, for those who have nothing else of it: its newest entry is
 * found, the entries before it are read back to a checkpoint.
 *
 * Thread: any, as the archive; waits for the network. */
#ifndef WEIR_STORE_DELIVERY_CHAIN_READ_H
#define WEIR_STORE_DELIVERY_CHAIN_READ_H

#include "model/archive.h"
#include "store/delivery/chain.h"

struct chain_about {
    struct hash128 incarnation;
    uint64_t last;   /* number of the newest entry */
    int64_t through; /* as that entry says */
    uint64_t packs, rows, bytes;
};

/* E_NOT_FOUND: there is no such chain; E_CORRUPT names the entry; else as the archive. */
MUST_USE enum code chain_read(struct archive *archive, struct bytes tenant,
                              const struct hash128 *incarnation, struct chain_list *list,
                              struct chain_about *about, struct error *err);

/* One entry, as it says it is; its bytes and arrays are from `arena`.  E_NOT_FOUND; E_CORRUPT; else
 * as the archive. */
MUST_USE enum code chain_entry_read(struct archive *archive, struct bytes tenant,
                                    const struct hash128 *incarnation, uint64_t number,
                                    struct arena *arena, struct chain_entry *entry,
                                    struct error *err);

enum { CHAIN_SURVEY_MAX = 1024 };
/* Whose chains of the tenant there are, in no order; freed by the caller, NULL when there are none.
 * Looks at every id of the collection.  E_CORRUPT above CHAIN_SURVEY_MAX of them. */
MUST_USE enum code chain_authors(struct archive *archive, struct bytes tenant,
                                 struct hash128 **incarnations, size_t *count, struct error *err);

/* All chains of the tenant, the one that goes farthest first; *chains is freed by the caller, NULL
 * when there are none.  Looks at every id of the collection.  E_CORRUPT also above
 * CHAIN_SURVEY_MAX chains. */
MUST_USE enum code chain_survey(struct archive *archive, struct bytes tenant,
                                struct chain_about **chains, size_t *count, struct error *err);

#endif
