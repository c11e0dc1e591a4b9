/* The inside of sealing, shared by seal.c, seal_packs.c and seal_index.c and nobody else. */
#ifndef WEIR_STORE_SEAL_INSIDE_H
#define WEIR_STORE_SEAL_INSIDE_H

#include "store/index.h"
#include "store/new_pack.h"
#include "store/state.h"

struct seal {
    struct store *store;
    struct generation *generation;
    struct new_pack *packs;
    size_t pack_count;
    bool news; /* the transaction has series or fields that the index did not have */
    struct index_transaction *transaction;
    struct buf key, value;
};

/* seal_packs.c: step 1, the packs of all tenants of the generation, and their names. */
MUST_USE enum code seal_packs(struct seal *seal, struct error *err);
/* Chains, their series and their runs lie anywhere when the series are many: what a pass comes to
 * soon is asked for now, each thing when what points to it has come. */
void seal_look_ahead(struct chain *const *chains, size_t at, size_t count);

/* seal_index.c: step 2.  *unknown: the commit itself failed, and may be found done at the next
 * start. */
MUST_USE enum code seal_commit(struct seal *seal, bool *unknown, struct error *err);
/* What is in the index now need not be put again. */
MUST_USE enum code seal_remember(struct seal *seal, struct error *err);

#endif
